"""OpenAI's grader JSON, run in this process as its Lambda function would run it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.dataset_view import visible
from cli.faults import CliFault, UsageFault
from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong
from rft.errors import RequestProblem
from rft.gate.ports import Invocation, InvocationFailed
from rft.gate.settings import AboutGrader
from rft.grading.batch import Graded, grade_batch, refuse_systemic_failure
from rft.grading.catalog import OPENAI
from rft.grading.errors import BadSample, EventNotAList, JudgeUnavailable, SystemicFault
from rft.grading.judging.question import Judge, Question
from rft.grading.openai import GraderJsonInvalid, OpenAIGrader, parse_grader
from rft.grading.sample import Sample, items_of
from rft.grading.score import Score
from rft.grading.time_limit import TimeLimit

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

_TRIES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0  # seconds
_SAMPLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Declared:
    grader: OpenAIGrader
    judge: Judge | None

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
            raise CliFault(f"{visible(str(file))} is no grader that can be run.", problems=problems) from None
        return cls(grader, _judge(document, runtime) if grader.needs_judge else None)

    @property
    def about(self) -> AboutGrader:
        return AboutGrader(OPENAI, "declared", self.grader.judge_calls)

    def invoke(self, threads: ThreadPoolExecutor, payload: bytes) -> Invocation:
        """As rft.gate.ports has it: samples are graded at the same time, as a judge is slow."""
        began = time.monotonic()
        try:
            one = partial(_graded, self.score)
            batch = list(threads.map(one, items_of(json.loads(payload))))
            refuse_systemic_failure(batch, has_worked=False)
        except (SystemicFault, EventNotAList) as fault:
            raise InvocationFailed("raised", type(fault).__name__) from None
        content = json.dumps([graded.to_json() for graded in batch]).encode()
        return Invocation(content, time.monotonic() - began)

    def score(self, sample: Sample) -> Score:
        return self.grader.score(sample, self.judge)


def _graded(score: Callable[[Sample], Score], item: object) -> Graded:
    return grade_batch(score, [item], TimeLimit(_SAMPLE_SECONDS))[0]


def _judge(document: Mapping[str, Any], runtime: BedrockRuntimeClient | None) -> Judge:
    parts = [document, *(document["graders"].values() if "graders" in document else ())]
    models = sorted({part["model"] for part in parts if "model" in part})
    if len(models) > 1:
        raise CliFault(f"The graders name {len(models)} judge models ({visible(', '.join(models))}); a run has one.")
    if runtime is None:
        raise CliFault(
            f"The grader asks the judge model {visible(models[0])}, and no model can be asked.",
            hint="Start the local cloud with: rft up --detach   (or ask in AWS with --target aws)",
        )
    return _PatientJudge(Converse(models[0], client=runtime))


class _PatientJudge:
    def __init__(self, converse: Converse) -> None:
        self._converse = converse

    def ask(self, question: Question) -> str:
        for attempt in range(_TRIES):
            try:
                return self._converse.ask(question).text
            except QuestionTooLong:
                raise BadSample("the question is longer than the judge reads") from None
            except ConverseBusy:
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)))  # noqa: S311
        raise JudgeUnavailable(f"the judge is busy or failing, {_TRIES} times in a row")
