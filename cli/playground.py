"""Prompts of one's own, answered by several versions of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from cli.client import ApiClient
from cli.faults import CliFault, UsageFault
from cli.records import Answered, Asked
from cli.steps import Steps
from rft.errors import RequestProblem

MOST_PROMPTS = 64
_A_CALL = 4  # the API takes 8; half of that leaves slow models twice the time


@dataclass(frozen=True, slots=True)
class Prompt:
    """``wanted``: a text, or ``{"messages": […]}``. ``reference`` is what a right answer is, where that is known."""

    wanted: str | Mapping[str, Any]
    reference: Any = None

    @property
    def text(self) -> str:
        """What the user says last."""
        if isinstance(self.wanted, str):
            return self.wanted
        content = self.wanted["messages"][-1].get("content", "")
        return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """``prompts`` and ``answered`` go together, in order."""

    model: str
    versions: Mapping[str, Asked]
    prompts: Sequence[Prompt]
    answered: Sequence[Answered]
    settings: Mapping[str, Any] = field(default_factory=dict)
    grader: Mapping[str, Any] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every version answered every prompt."""
        return not any("error" in answer for one in self.answered for answer in one["answers"].values())

    def to_json(self) -> dict[str, Any]:
        pairs = zip(self.prompts, self.answered, strict=True)
        prompts = [{"prompt": p.wanted, "reference_answer": p.reference, **answered} for p, answered in pairs]
        how = {"settings": self.settings, "grader": self.grader}
        return {"model": self.model, "versions": self.versions, **how, "prompts": prompts}


def prompts_of(
    texts: Sequence[str],
    references: Sequence[str],
    *,
    file: Path | None = None,
    first: int | None = None,
    system: str | None = None,
) -> list[Prompt]:
    """What a command line asks: of ``file`` only the ``first`` prompts, if that is given.

    Raises ``UsageFault`` where it asks nothing, or what doesn't go together.
    """
    if references and len(references) != len(texts):
        raise UsageFault(
            f"There are {len(texts)} prompts (-p) and {len(references)} references: give each one, or none."
        )
    given: Sequence[str | None] = references or [None] * len(texts)
    prompts = [Prompt(text, reference) for text, reference in zip(texts, given, strict=True)]
    if file is not None:
        prompts += _in_file(file, first)
    if not prompts:
        raise UsageFault("Nothing is asked.", hint='Give a prompt with -p "…", or a file of them with --file.')
    if len(prompts) > MOST_PROMPTS:
        raise UsageFault(
            f"More than {MOST_PROMPTS} prompts are too many to look at.",
            hint="--first 5 asks the first ones of the file. What many say, a run's report tells: rft report RUN_ID",
        )
    if system is None:
        return prompts
    return [Prompt(_told(prompt.wanted, system), prompt.reference) for prompt in prompts]


def _told(wanted: str | Mapping[str, Any], system: str) -> str | Mapping[str, Any]:
    """With ``system`` before it, where it has no instructions of its own."""
    if not isinstance(wanted, str):
        return wanted
    return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": wanted}]}


def _in_file(file: Path, first: int | None) -> list[Prompt]:
    """A prompt a line; in a .jsonl file the messages of a record and its reference answer. No more than are wanted, or
    one more than can be."""
    try:
        lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise CliFault(f"{file} is not UTF-8.") from None
    lines = lines[: first or MOST_PROMPTS + 1]
    if file.suffix != ".jsonl":
        return [Prompt(line) for line in lines]
    problems, prompts = [], []
    for number, line in enumerate(lines, start=1):
        try:
            prompts.append(_record(line))
        except ValueError as bad:
            problems.append(RequestProblem(f"record {number}", str(bad)))
    if problems:
        raise CliFault(f"{file} has records that can't be asked.", problems=problems)
    return prompts


def _record(line: str) -> Prompt:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    match record:
        case {"messages": [*_, {"content": _}] as messages}:
            return Prompt({"messages": messages}, record.get("reference_answer"))
    raise ValueError('needs messages, as in {"messages": [{"role": "user", "content": "…"}]}')


def ask(
    api: ApiClient,
    model: str,
    prompts: Sequence[Prompt],
    *,
    versions: Sequence[str],
    max_tokens: int | None,
    temperature: float | None,
    steps: Steps,
) -> Compared:
    """All of ``prompts``, some at a time. Raises the faults of the API."""
    how: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "versions": list(versions) or None}
    settings = {name: value for name, value in how.items() if value is not None}
    answered: list[Answered] = []
    asked: Mapping[str, Asked] = {}
    told: Mapping[str, Any] = {}
    steps.begin(f"asking {model}")
    for some in batched(prompts, _A_CALL, strict=False):
        if len(prompts) > _A_CALL:
            steps.note(f"{len(answered)} of {len(prompts)} prompts answered")
        found = api.compare(model, {"prompts": [p.wanted for p in some], **_references(some), **settings})
        asked, told = found["versions"], found
        answered += found["prompts"]
    steps.finish()
    return Compared(model, asked, prompts, answered, told.get("settings") or {}, told.get("grader"))


def _references(prompts: Sequence[Prompt]) -> dict[str, list[Any]]:
    references = [prompt.reference for prompt in prompts]
    return {"reference_answers": references} if any(reference is not None for reference in references) else {}
