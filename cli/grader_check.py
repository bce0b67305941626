"""``rft check-grader``: the gate on this machine, for a grader that may not be deployed anywhere yet."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.dataset_check import STDIN, Checked, Options, check_dataset, records_of
from cli.declared_grader import Declared
from cli.deployed_grader import DeployedGrader, deployed_grader, owners_deployed_grader
from cli.faults import CliFault, TargetMissing, UsageFault
from cli.grader_process import GraderProcess
from cli.grading import reasons_in
from cli.model_access import BASE_MODELS, runtime_of, show_to_stand_in
from cli.own_grader import file_of, named_grader
from cli.steps import Steps
from cli.target import Place, Target, s3_of
from rft.aws.converse import QuestionTooLong
from rft.gate.choosing import choose
from rft.gate.examination import examine
from rft.gate.ports import AskBase, Invocation, InvocationFailed, Invoke
from rft.gate.report import GateReport
from rft.gate.settings import AboutGrader, Settings
from rft.grading.catalog import OPENAI, READY, ReadyGrader
from rft.grading.errors import BadSample
from rft.steps.dataset.dataset_limits import GRADERS
from rft.steps.gate.base_answers import WORKERS, base_asker

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Wishes:
    """``grader`` is a name or a file, ``openai`` the file of a grader's JSON: one of the two is given."""

    dataset: str
    grader: str | None = None
    openai: Path | None = None
    base_model: str | None = None
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Where:
    """The options that name a target."""

    place: Place = Place.LOCAL
    stack: str | None = None
    profile: str | None = None
    region: str | None = None

    def runtime(self) -> BedrockRuntimeClient | None:
        return runtime_of(self.place, stack=self.stack, profile=self.profile, region=self.region)

    def target(self) -> Target:
        return Target.resolve(self.place, stack=self.stack, profile=self.profile, region=self.region)


@dataclass(frozen=True, slots=True)
class Examined:
    """``reasons`` why samples had no score, where the grader's log was seen. ``unlimited`` names the limits that its
    process didn't have, ``base_asked`` whether there was a base model to ask, ``in_stand_in`` whether its models are
    the stand-in's."""

    report: GateReport
    reasons: Counter[str] = field(default_factory=Counter)
    unlimited: tuple[str, ...] = ()
    base_asked: bool = True
    in_stand_in: bool = False


@dataclass(frozen=True, slots=True)
class _Callable:
    """A grader that can be called, and its process where it has one here."""

    about: AboutGrader
    invoke: Invoke
    process: GraderProcess | None = None
    declared: Declared | None = None


def check_grader(wishes: Wishes, where: Where, console: Console, steps: Steps) -> Checked | Examined:
    """The report of an invalid dataset, or else the gate's.

    Raises ``UsageFault`` for what can't be asked, ``CliFault`` for a grader that can't be called at all.
    """
    if (wishes.grader is None) == (wishes.openai is None):
        raise UsageFault("Give a grader's name, your own app.py, or --openai with a grader's JSON: one of them.")
    if wishes.dataset == STDIN:
        raise UsageFault("--dataset takes a file or s3://bucket/key: it is read twice.")
    runtime = where.runtime()
    with _grader(wishes, where, runtime) as grader:
        steps.begin("checking the dataset")
        s3 = partial(s3_of, where.place, stack=where.stack, profile=where.profile, region=where.region)
        known = wishes.grader if wishes.grader in GRADERS else None
        checked = check_dataset(wishes.dataset, None, Options(known, few=True), s3=s3, console=console)
        if not checked.valid:
            steps.fail()
            return checked
        records = choose(records_of(wishes.dataset, s3), wishes.settings.records, wishes.settings.seed)
        ask_base = _base(wishes, where, runtime)
        if ask_base is not None and where.place is Place.LOCAL:
            steps.begin("showing the dataset to the stand-in's base model")
            show_to_stand_in(where.target(), records_of(wishes.dataset, s3))
        steps.begin("testing the grader")
        report = _examine(records, grader, ask_base, wishes.settings, steps)
        steps.finish()
        asked, is_local = ask_base is not None, where.place is Place.LOCAL
        if grader.process is None:
            reasons = Counter() if grader.declared is None else grader.declared.reasons
            return Examined(report, reasons, base_asked=asked, in_stand_in=is_local)
        return Examined(report, reasons_in(grader.process.words), grader.process.unlimited, asked, is_local)


@contextmanager
def _grader(wishes: Wishes, where: Where, runtime: BedrockRuntimeClient | None) -> Iterator[_Callable]:
    if wishes.openai is not None:
        declared = Declared.read(wishes.openai, runtime)
        with ThreadPoolExecutor(WORKERS) as threads:
            yield _Callable(declared.about, partial(declared.invoke, threads), declared=declared)
        return
    assert wishes.grader is not None
    if (deployed := _deployed(wishes.grader, where)) is not None:
        yield _Callable(deployed.about, deployed.invoke)
        return
    found = named_grader(wishes.grader)
    kind = found.kind if isinstance(found, ReadyGrader) else "own"
    with GraderProcess(file_of(found) if isinstance(found, ReadyGrader) else found) as process:
        try:
            process.start()
        except InvocationFailed as failed:
            raise CliFault(f"The grader {wishes.grader} can't be imported: {failed.detail}") from None
        yield _Callable(AboutGrader(wishes.grader, kind), process.invoke, process)


def _deployed(name: str, where: Where) -> DeployedGrader | None:
    """A grader that is called in the stack: a judge, or one that the stack's owner added. None for all others."""
    if name.endswith(".py") or name == OPENAI:
        return None
    ready = READY.get(name)
    if ready is not None:
        return deployed_grader(ready, where.target()) if ready.judge_calls else None
    with suppress(TargetMissing):
        return owners_deployed_grader(name, where.target())
    return None


def _base(wishes: Wishes, where: Where, runtime: BedrockRuntimeClient | None) -> AskBase | None:
    """None where no model is within reach, or none is to be asked."""
    if runtime is None or not wishes.settings.base_answers:
        return None
    ask = base_asker(wishes.base_model or BASE_MODELS[where.place], max_tokens=None, seconds=math.inf, client=runtime)

    def answers(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
        try:
            return ask(messages, count)
        except (BadSample, QuestionTooLong):
            return []  # a prompt that Converse doesn't take tells nothing of the others

    return answers


def _examine(
    records: Sequence[Mapping[str, Any]], grader: _Callable, ask_base: AskBase | None, settings: Settings, steps: Steps
) -> GateReport:
    calls, prompts = itertools.count(1), itertools.count(1)

    def invoke(payload: bytes) -> Invocation:
        steps.note(f"call {next(calls)}")
        return grader.invoke(payload)

    def ask(messages: Sequence[Mapping[str, Any]], count: int) -> list[str]:
        assert ask_base is not None
        steps.note(f"the base model answers prompt {next(prompts)} of {len(records)}")
        return ask_base(messages, count)

    with ThreadPoolExecutor(WORKERS) as threads:
        try:
            return examine(
                records,
                invoke=invoke,
                ask_base=None if ask_base is None else ask,
                about=grader.about,
                settings=settings,
                mapped=threads.map,
            )
        except BaseException:
            threads.shutdown(cancel_futures=True)  # an interrupted check asks the base model nothing more
            raise
