"""The deployed application, as far as a request is held against it.

On its own, so that the steps, which check no requests, don't pay for pydantic at a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rft.run.tenants import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Stack:
    """``graders`` maps the names of the stack's own graders to the qualified ARNs of their published versions.
    ``log_bucket`` is the bucket of Bedrock's invocation logs, if the stack was told of one; ``judge_model`` the model
    or inference profile that its judges ask. ``scope`` is what the one who asks may name as data."""

    bucket: str
    region: str
    base_model: str
    grader: str
    graders: Mapping[str, str]
    log_bucket: str | None = None
    judge_model: str | None = None
    scope: Scope = EVERYTHING
