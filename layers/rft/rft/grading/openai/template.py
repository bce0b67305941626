"""Templates: texts with ``{{ item.question }}`` and ``{{ sample.output_text }}`` in them.

A variable is a namespace, ``item`` or ``sample``, and steps into its value: ``.name``, ``.0``, ``[0]``, ``[-1]`` (the
last), ``["any key"]``. Nothing else may stand between double braces: no filters, no conditions. A template is cut up
once, and its values are put between the pieces, so what stands in braces in a *value* is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_VARIABLE = 200  # characters between the braces
MAX_STEPS = 16
MAX_FENCE_NAME = 64

_NAMESPACE = re.compile(r"[A-Za-z_]\w*")
_STEP = re.compile(r"""\.(\w[\w-]*)|\[(-?[0-9]{1,6})\]|\["([^"]+)"\]|\['([^']+)'\]""")
_NOT_IN_A_FENCE_NAME = re.compile(r"[^a-z0-9_.]")
_NOT_THERE = {
    "output_tools": "calls of tools",
    "choices": "list of choices",
    "output_audio": "sound",
}


class TemplateInvalid(ValueError):
    """What stands between two double braces names nothing that a sample can have. The message says what may."""


class Variable(NamedTuple):
    """``path``: the namespace and the steps, such as ``("item", "options", "0")``."""

    path: tuple[str, ...]

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def fence_name(self) -> str:
        """The name as a fence takes it: lower case, and ``_`` for other characters."""
        return _NOT_IN_A_FENCE_NAME.sub("_", self.name.lower())[:MAX_FENCE_NAME]

    @property
    def is_of_answer(self) -> bool:
        return self.path[0] == "sample"

    @property
    def is_of_reference(self) -> bool:
        return self.path[:2] == ("item", "reference_answer")


class Template(NamedTuple):
    """``literals`` is one longer than ``variables``: the pieces of text around them."""

    literals: tuple[str, ...]
    variables: tuple[Variable, ...]

    @property
    def reads_answer(self) -> bool:
        return any(variable.is_of_answer for variable in self.variables)

    def filled(self, texts: Mapping[Variable, str]) -> str:
        pieces = [self.literals[0]]
        for variable, literal in zip(self.variables, self.literals[1:], strict=True):
            pieces += texts[variable], literal
        return "".join(pieces)


def parse_template(text: str) -> tuple[Template, list[str]]:
    """A template, and what is wrong with its variables; those that are wrong aren't in it."""
    literals, variables, faults = [""], [], []
    at = 0
    while (begin := text.find("{{", at)) >= 0:
        end = text.find("}}", begin)
        if end < 0:
            faults.append("{{ is never closed by }}: a variable is written {{ item.x }}")
            break
        literals[-1] += text[at:begin]
        try:
            variables.append(parse_variable(text[begin + 2 : end].strip()))
            literals.append("")
        except TemplateInvalid as invalid:
            faults.append(str(invalid))
        at = end + 2
    literals[-1] += text[at:]
    return Template(tuple(literals), tuple(variables)), faults


def parse_variable(text: str) -> Variable:
    """``item.options[0]``. Raises TemplateInvalid."""
    shown = f"{{{{ {text[:50]} }}}}"
    path = _path(text) if len(text) <= MAX_VARIABLE else None
    if path is None or len(path) > MAX_STEPS + 1:
        raise TemplateInvalid(
            f"{shown} is no variable: write {{{{ item.x }}}}, {{{{ item.list[0] }}}} or {{{{ sample.output_text }}}}"
        )
    if path[0] not in ("item", "sample"):
        raise TemplateInvalid(
            f"{shown} has no such namespace: item is the training record, as in {{{{ item.reference_answer }}}}, and "
            "sample the answer, as in {{ sample.output_text }}"
        )
    if len(path) == 1:
        raise TemplateInvalid(f"{shown} names a namespace alone: write which of its variables, {{{{ {path[0]}.x }}}}")
    _check_first_step(shown, path)
    return Variable(path)


def _path(text: str) -> tuple[str, ...] | None:
    namespace = _NAMESPACE.match(text)
    if namespace is None:
        return None
    path, at = [namespace[0]], namespace.end()
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        path.append(next(group for group in step.groups() if group is not None))
        at = step.end()
    return tuple(path)


def _check_first_step(shown: str, path: tuple[str, ...]) -> None:
    if path[:2] == ("item", "rft"):
        raise TemplateInvalid(f"{shown} is the pipeline's own note in the record, and not for graders")
    if path[0] == "item" or path[1] == "output_json" or path == ("sample", "output_text"):
        return
    if path[1] == "output_text":
        raise TemplateInvalid(f"{shown} goes into a text: for an answer in JSON write {{{{ sample.output_json.x }}}}")
    reason = _NOT_THERE.get(path[1])
    told = f": Bedrock gives a grader the text of an answer, no {reason}" if reason else ""
    raise TemplateInvalid(
        f"{shown} isn't there{told}; use {{{{ sample.output_text }}}} or {{{{ sample.output_json.x }}}}"
    )
