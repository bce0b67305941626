"""What a request says of the model that its training makes: how it is deployed, compared and promoted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_serializer, model_validator

from rft.run.request_base import Strict
from rft.run.request_grader import Grader
from rft.run.request_words import shown

DeployKind = Literal["on-demand", "provisioned", "none"]
Commitment = Literal["OneMonth", "SixMonths"]
Approval = Literal["automatic", "manual"]

DEFAULT_PROMPTS, MOST_PROMPTS = 200, 2_000


class Deployment(Strict):
    """How a promoted model serves. A commitment can't be taken back before its term ends, so it is made for a model
    that was promoted and never for a candidate; without one, provisioned throughput is paid by the hour."""

    kind: DeployKind
    model_units: Annotated[int, Field(ge=1, le=100)] | None = None
    commitment: Commitment | None = None

    @model_validator(mode="after")
    def _only_provisioned(self) -> Self:
        given = [name for name in ("model_units", "commitment") if getattr(self, name) is not None]
        if given and self.kind != "provisioned":
            raise ValueError(f"{' and '.join(given)} can be given with the kind provisioned only")
        return self

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        options = {"model_units": self.model_units, "commitment": self.commitment}
        given = {name: value for name, value in options.items() if value is not None}
        return {"kind": self.kind, **given} if given else self.kind


def _kind_alone(value: object) -> object:
    return {"kind": _one_of(value, get_args(DeployKind))} if isinstance(value, str) else value


Deploy = Annotated[Deployment, BeforeValidator(_kind_alone)]
"""A kind, or an object that says more of it."""


class Promotion(Strict):
    """What a candidate must reach to take over; gains are differences of the mean reward (0 to 1). With ``manual`` a
    person decides, who is told the numbers."""

    min_gain: Annotated[float, Field(ge=-1, le=1)] = 0.0
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    approval: Approval = "automatic"


def _approval_alone(value: object) -> object:
    return {"approval": _one_of(value, get_args(Approval))} if isinstance(value, str) else value


Promote = Annotated[Promotion, BeforeValidator(_approval_alone)]
"""``manual`` (or ``automatic``), or an object."""


class Comparing(Strict):
    """How candidate and old model are compared: on at most so many prompts of the validation set. ``grader`` is a
    second one, held out of the training, that the candidate must not lose by. ``temperature`` None: the models' own."""

    max_prompts: Annotated[int, Field(ge=10, le=MOST_PROMPTS)] = DEFAULT_PROMPTS
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    grader: Grader | None = None


class StopWhen(Strict):
    """When a training is stopped by itself: after so many steps whose rewards don't differ."""

    constant_reward_steps: Annotated[int, Field(ge=3, le=1_000)]


def _one_of(word: str, words: Sequence[str]) -> str:
    if word not in words:
        raise ValueError(f"must be one of {', '.join(words)}, or an object; it is {shown(word)}")
    return word
