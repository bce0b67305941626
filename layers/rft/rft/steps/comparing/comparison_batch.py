"""The prompts of a comparison, in batches, and what is known so far of the answers to them.

In the bucket an answer is either missing, by the name of an error, or has a text, and its grades once it has them::

    {"of": "<id of a run or a model>", "missing": "ThrottlingException"}
    {"of": …, "text": …, "stop_reason": …, "input_tokens": …, "output_tokens": …, "milliseconds": …,
     "reward": 0.5, "components": {…}, "held_out_reward": 0.4}

In place of a reward there may be a ``grader_error``, or a ``held_out_error``. ``of`` says which version answered: what
a version said that isn't compared any more is dropped.

Where a batch had to wait for others, a last line counts that::

    {"waits": {"throttled": 3, "stalled": 2, "late": 1}}

``throttled`` are the rounds that left questions open as a model was busy, ``stalled`` how many of the last ones had no
answer at all, ``late`` a grader's calls in a row that failed when there was no time for another try.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rft.aws import objects
from rft.aws.clients import client
from rft.comparison.rows import ROLES, Role
from rft.errors import RftError
from rft.run.record import Run
from rft.steps.comparing.comparison_plan import Plan, answers_key, kept, records_at
from rft.steps.pipeline import Pipeline

SAVE_ANSWERS, SAVE_SECONDS = 75, 15.0
"""After so many new answers, or so many seconds, they are written down: a function may end at any time."""

type Answer = dict[str, Any]


class Marks(NamedTuple):
    """The fields of an answer that one grader fills: one of the two."""

    reward: str
    error: str


TRAINING = Marks("reward", "grader_error")
HELD_OUT = Marks("held_out_reward", "held_out_error")


class BatchIncomplete(RftError):
    """Answers or grades of a batch are still to come."""


@dataclass(slots=True)
class Prompt:
    """A chosen record, its place in the validation set, and what the models said."""

    position: int
    record: dict[str, Any]
    answers: dict[Role, Answer] = field(default_factory=dict)

    def lacks(self, marks: Marks) -> list[Role]:
        """Whose answers this grader has not seen."""
        return [
            role
            for role, answer in self._in_order()
            if "text" in answer and marks.reward not in answer and marks.error not in answer
        ]

    def row(self) -> dict[str, Any]:
        """A line of ``comparison.jsonl``."""
        return {
            "id": str(self.record.get("id") or f"record-{self.position}"),
            "messages": self.record["messages"],
            "reference_answer": self.record.get("reference_answer"),
            "answers": {role: _told(answer) for role, answer in self._in_order()},
        }

    def _in_order(self) -> Iterator[tuple[Role, Answer]]:
        """Not in that in which they came."""
        return ((role, self.answers[role]) for role in ROLES if role in self.answers)


class Batch:
    """For one function at a time. The batches of a run share nothing, so they may be worked on side by side."""

    def __init__(self, pipeline: Pipeline, run: Run, plan: Plan, number: int) -> None:
        self.plan = plan
        self._bucket, self._key = pipeline.environment.bucket, answers_key(run, number)
        self._unsaved, self._saved_at = 0, time.monotonic()
        positions = plan.batches[number]
        answers, self._waits = _known(pipeline, run, plan, number)
        self.prompts = [
            Prompt(position, record, answers.get(position, {}))
            for position, record in zip(positions, records_at(plan.validation, positions), strict=True)
        ]

    @property
    def unanswered(self) -> list[tuple[Prompt, Role]]:
        """Those to one prompt side by side."""
        return [(prompt, role) for prompt in self.prompts for role in self.plan.models if role not in prompt.answers]

    def missing(self, role: Role) -> list[str]:
        """The names of the errors that there are in place of graded answers."""
        answers = (prompt.answers.get(role, {}) for prompt in self.prompts)
        names = (answer.get("missing") or answer.get(TRAINING.error) for answer in answers)
        return [name for name in names if name is not None]

    def put(self, prompt: Prompt, role: Role, answer: Answer) -> None:
        prompt.answers[role] = {"of": self.plan.version(role)} | answer
        self._unsaved += 1

    def grade(self, prompt: Prompt, role: Role, marks: Answer) -> None:
        prompt.answers[role] |= marks
        self._unsaved += 1

    def throttled(self, *, answered: bool) -> tuple[int, int]:
        """Count a round that leaves questions open: how many there were, and how many of the last had no answer."""
        self._waits["throttled"] += 1
        self._waits["stalled"] = 0 if answered else self._waits["stalled"] + 1
        self._unsaved += 1
        return self._waits["throttled"], self._waits["stalled"]

    def failed_late(self) -> int:
        """Count a grader's call that failed when there was no time for another: how many there were in a row."""
        self._waits["late"] += 1
        self._unsaved += 1
        return self._waits["late"]

    def called(self) -> None:
        """A grader's call went well, so that late failures begin anew."""
        if self._waits.pop("late", 0):
            self._unsaved += 1

    def save(self, *, at_once: bool = False) -> None:
        """Write down what is known, if that is due."""
        due = self._unsaved >= SAVE_ANSWERS or time.monotonic() - self._saved_at >= SAVE_SECONDS
        if self._unsaved and (due or at_once):
            lines = [json.dumps({"position": p.position, "answers": p.answers}) for p in self.prompts if p.answers]
            if +self._waits:
                lines.append(json.dumps({"waits": self._waits}))
            body = "".join(f"{line}\n" for line in lines).encode()
            objects.put(client("s3"), self._bucket, self._key, body, "application/jsonl")
            self._unsaved, self._saved_at = 0, time.monotonic()


def answered_prompts(pipeline: Pipeline, run: Run, plan: Plan) -> Iterator[Prompt]:
    """All prompts of a comparison, with answers and grades; those of one batch are held at a time.

    Raises ``BatchIncomplete`` at the first that lacks any.
    """
    records = records_at(plan.validation, plan.positions)
    for number, positions in enumerate(plan.batches):
        answers, _ = _known(pipeline, run, plan, number)
        for position in positions:
            prompt = Prompt(position, next(records), answers.get(position, {}))
            graders = (TRAINING, HELD_OUT) if plan.held_out else (TRAINING,)
            if prompt.answers.keys() < plan.models.keys() or any(map(prompt.lacks, graders)):
                raise BatchIncomplete(f"batch {number} is not complete")
            yield prompt


def _known(pipeline: Pipeline, run: Run, plan: Plan, number: int) -> tuple[dict[int, dict[Role, Answer]], Counter[str]]:
    answers: dict[int, dict[Role, Answer]] = {}
    waits = Counter[str]()
    for line in map(json.loads, (kept(pipeline, answers_key(run, number)) or b"").splitlines()):
        if "waits" in line:
            waits.update(line["waits"])
        else:
            answers[line["position"]] = _of_the_plan(plan, line["answers"])
    return answers, waits


def _of_the_plan(plan: Plan, answers: dict[Role, Answer]) -> dict[Role, Answer]:
    return {
        role: answers[role] for role in plan.models if role in answers and answers[role]["of"] == plan.version(role)
    }


def _told(answer: Answer) -> Answer:
    """Without a grade an answer is missing, whatever its text."""
    own = {"of", TRAINING.error, HELD_OUT.error}
    missing = {"missing": answer[TRAINING.error]} if TRAINING.error in answer else {}
    return {name: value for name, value in answer.items() if name not in own} | missing
