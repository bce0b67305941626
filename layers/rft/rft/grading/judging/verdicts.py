"""The verdicts in a judge's reply, and none that it only quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rft.grading.judging.criteria import Rubric
from rft.grading.judging.fence import shown
from rft.grading.judging.prompt import KEY
from rft.grading.judging.reply import objects_with, own_objects_with, values_of

type Choices = dict[str, str]
"""The name of the verdict for each criterion."""


class ReplyUnusable(ValueError):
    """Why a reply has no verdict. The message goes back to the judge, so it quotes neither the reply nor the texts."""


def read_verdicts(reply: str, rubric: Rubric, texts: Iterable[str]) -> Choices:
    """The judge's choice for each criterion of ``rubric``. Raises ReplyUnusable.

    The last object with the key ``verdicts`` counts, and it must be complete: each criterion, no other, a reason for
    each, and a verdict of its list. A judge may quote such an object from the ``texts`` that it judges, before or after
    its own. So what stands in them word for word is no verdict of its own; and where several are left, one that makes
    the same choices as an object in the texts isn't either.
    """
    quoted = [text for text in map(shown, texts) if f'"{KEY}"' in text]
    if not objects_with(reply, KEY):
        raise ReplyUnusable(f"it held no complete JSON object with the key {KEY}")
    quotable = [value for text in quoted for value in values_of(text, KEY)]
    own = [value[KEY] for value in own_objects_with(reply, KEY, quoted) if value[KEY] not in quotable]
    foreign = [] if len(own) == 1 else [choices for value in quotable if (choices := _choices_or_none(value, rubric))]
    for value in reversed(own):
        choices = _choices(value, rubric)
        if choices not in foreign:
            return choices
    raise ReplyUnusable("its verdicts stand in the texts that were to be judged")


def _choices(value: Any, rubric: Rubric) -> Choices:
    if not isinstance(value, dict):
        raise ReplyUnusable(f"{KEY} was not an object with the criteria")
    if unknown := len(value.keys() - {criterion.name for criterion in rubric.criteria}):
        raise ReplyUnusable(f"it held {unknown} criteria that were not asked for")
    return {criterion.name: _choice(value, criterion.name, criterion.choices) for criterion in rubric.criteria}


def _choice(value: Mapping[str, Any], criterion: str, names: tuple[str, ...]) -> str:
    match value.get(criterion):
        case {"reason": str(reason), "verdict": str(verdict)} if reason.strip():
            if verdict.lower() in names:
                return verdict.lower()
            raise ReplyUnusable(f"the verdict for {criterion} was none of: {', '.join(names)}")
        case None:
            raise ReplyUnusable(f"the criterion {criterion} was missing")
        case _:
            raise ReplyUnusable(f"the criterion {criterion} had no reason and verdict, both as strings")


def _choices_or_none(value: Any, rubric: Rubric) -> Choices | None:
    try:
        return _choices(value, rubric)
    except ReplyUnusable:
        return None
