"""The grader of a request: one of the stack's by its name, a function of somebody's, or OpenAI's grader JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, model_validator

from rft.grading.catalog import OPENAI, READY
from rft.run.request_base import Strict, place_of

_LAMBDA_ARN = (
    r"^arn:aws(-[a-z]{2,10}){0,2}:lambda:[a-z]{2}(-gov)?-[a-z]+-\d:\d{12}:function:"
    r"[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?$"
)


class ManyProblems(ValueError):
    """More than one thing wrong with one field's value; ``problems`` are paths below the field, and messages."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


def _known_grader(name: str, info: ValidationInfo) -> str:
    graders = place_of(info).stack.graders
    if name == OPENAI:
        raise ValueError('is asked for with its JSON: {"openai": {"type": "string_check", ...}}')
    if name not in graders:
        known = ", ".join(sorted(set(graders) - {OPENAI}))
        raise ValueError(f"this stack has no grader {name!r}; it has: {known}, and those that its owner added")
    return name


def _same_region(arn: str, info: ValidationInfo) -> str:
    region = place_of(info).stack.region
    if arn.split(":")[3] != region:
        raise ValueError(f"must be in the region of the training job, {region}")
    return arn


def _can_be_run(document: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    from rft.grading.openai import GraderJsonInvalid, parse_grader  # noqa: PLC0415 - few requests have one

    try:
        parse_grader(document, judge_model=place_of(info).stack.judge_model)
    except GraderJsonInvalid as invalid:
        raise ManyProblems(invalid.problems) from None
    return document


class Grader(Strict):
    """A grader of this stack by its name, any Lambda function that the stack was told it may call, or OpenAI's JSON."""

    name: (
        Annotated[
            str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64), AfterValidator(_known_grader)
        ]
        | None
    ) = None
    lambda_arn: (
        Annotated[str, StringConstraints(pattern=_LAMBDA_ARN, max_length=512), AfterValidator(_same_region)] | None
    ) = None
    openai: Annotated[dict[str, Any], Field(max_length=64), AfterValidator(_can_be_run)] | None = None

    @model_validator(mode="after")
    def _one_grader(self) -> Self:
        self._exactly_one("name", "lambda_arn", "openai")
        return self


def what_logs_lack(grader: Grader | None, info: ValidationInfo) -> str | None:
    """Why this grader can't work with invocation logs that bring no reference answers; None where it can."""
    if grader is not None and grader.lambda_arn is not None:
        return None
    if grader is not None and grader.openai is not None:
        from rft.grading.openai import parse_grader  # noqa: PLC0415 - as above

        parsed = parse_grader(grader.openai, judge_model=place_of(info).stack.judge_model)
        return "a template of this grader reads item.reference_answer" if parsed.needs_reference else None
    name = grader.name if grader is not None and grader.name is not None else place_of(info).stack.grader
    ready = READY.get(name)
    if ready is None or ready.reference == "required":
        return f"{name} compares with a reference answer"
    return None


def fields_that_logs_lack(grader: Grader | None, info: ValidationInfo) -> tuple[str, tuple[str, ...]] | None:
    """The grader's name and the fields of a record that it needs and no log has."""
    if grader is not None and grader.name is None:
        return None
    name = grader.name if grader is not None and grader.name is not None else place_of(info).stack.grader
    ready = READY.get(name)
    return (name, ready.fields) if ready is not None and ready.fields else None
