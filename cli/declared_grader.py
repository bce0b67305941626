"""OpenAI's grader JSON, run in this process as its Lambda function would run it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.dataset_view import visible
from cli.faults import CliFault, UsageFault
from rft.aws.converse import Converse
from rft.errors import RequestProblem
from rft.gate.ports import Invocation, InvocationFailed
from rft.gate.settings import AboutGrader
from rft.grading.batch import Graded, grade_batch, refuse_systemic_failure
from rft.grading.catalog import OPENAI
from rft.grading.errors import EventNotAList, SystemicFault
from rft.grading.openai import GraderJsonInvalid, OpenAIGrader, parse_grader
from rft.grading.sample import Sample, items_of
from rft.grading.score import Score
from rft.grading.time_limit import TimeLimit
from rft.judges.calls import Calls, Deadline, SampleJudge

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

_SAMPLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Declared:
    """``calls`` of its judge model, where it has one; ``reasons`` why samples had no score: OpenAI's names for them,
    and how often."""

    grader: OpenAIGrader
    calls: Calls | None
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, file: Path, runtime: BedrockRuntimeClient | None) -> Declared:
        """Raises ``CliFault`` with all that is wrong in the JSON, or where it needs a judge and there is none."""
        try:
            document = json.loads(file.read_bytes())
        except (ValueError, RecursionError):
            raise UsageFault(f"{visible(str(file))} is not JSON.") from None
        try:
            grader = parse_grader(document, judge_model=None)
        except GraderJsonInvalid as invalid:
            problems = [RequestProblem(path or "$", message) for path, message in invalid.problems]
            raise CliFault(
                f"{visible(str(file))} is no grader that can be run.", problems=problems, hint=_inside(document)
            ) from None
        return cls(grader, _calls(document, runtime) if grader.needs_judge else None)

    @property
    def about(self) -> AboutGrader:
        return AboutGrader(OPENAI, "declared", self.grader.judge_calls)

    def invoke(self, threads: ThreadPoolExecutor, payload: bytes) -> Invocation:
        """As rft.gate.ports has it: samples are graded at the same time, as a judge is slow."""
        began = time.monotonic()
        try:
            one = partial(_graded, self.score)
            batch = list(threads.map(one, items_of(json.loads(payload))))
            self.reasons.update(", ".join(g.error.flags) or g.error.kind for g in batch if g.error is not None)
            refuse_systemic_failure(batch, has_worked=False)
        except (SystemicFault, EventNotAList) as fault:
            raise InvocationFailed("raised", type(fault).__name__) from None
        content = json.dumps([graded.to_json() for graded in batch]).encode()
        return Invocation(content, time.monotonic() - began)

    def score(self, sample: Sample) -> Score:
        judge = None if self.calls is None else SampleJudge(self.calls, Deadline(_SAMPLE_SECONDS))
        return self.grader.score(sample, judge)


def _inside(document: object) -> str | None:
    """Where a request's JSON was given instead of the grader's own."""
    match document:
        case {"grader": {"openai": _}} | {"openai": _}:
            return "The file must hold the object under openai alone."
    return None


def _graded(score: Callable[[Sample], Score], item: object) -> Graded:
    return grade_batch(score, [item], TimeLimit(_SAMPLE_SECONDS))[0]


def _calls(document: Mapping[str, Any], runtime: BedrockRuntimeClient | None) -> Calls:
    parts = [document, *(document["graders"].values() if "graders" in document else ())]
    models = sorted({part["model"] for part in parts if "model" in part})
    if len(models) > 1:
        raise CliFault(f"The graders name {len(models)} judge models ({visible(', '.join(models))}); a run has one.")
    if runtime is None:
        raise CliFault(
            f"The grader asks the judge model {visible(models[0])}, and no model can be asked.",
            hint="Start the local cloud with: rft up --detach   (or ask in AWS with --target aws)",
        )
    return Calls(Converse(models[0], client=runtime))
