"""The application's templates as CloudFormation gets them, each read once."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.template import translation
from tests.template.translation import Template

ROOT = translation.ROOT


@cache
def _translated(path: Path, parameters: frozenset[tuple[str, str]] = frozenset()) -> Template:
    return translation.translate(translation.read(path), dict(parameters))


def application(parameters: Mapping[str, str] | None = None) -> Template:
    """template.yaml after SAM's transform, which puts values of parameters into it; a copy that may be changed."""
    return copy.deepcopy(_translated(ROOT / "template.yaml", frozenset((parameters or {}).items())))


def nested(url: str) -> Template:
    """The template of a nested stack, by its TemplateURL (``stacks/keys.yaml``). Not to be changed."""
    return _translated(ROOT / url)


@cache
def state_machine() -> Template:
    """The state machine's definition, with its ``${...}`` still in it. Not to be changed."""
    return translation.machine()
