"""Sizes and kinds of a dataset's good records."""

from __future__ import annotations

from array import array
from collections import Counter
from types import NoneType
from typing import TYPE_CHECKING, Any

from rft.dataset.problems import Flaw

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTERS_PER_TOKEN = 4
ESTIMATE = "characters / 4, rounded up"


class Statistics:
    """Collects three facts of each good record; the caller stops at the record limit, which bounds the memory."""

    def __init__(self) -> None:
        self.characters = array("Q")
        self.turns = array("Q")  # the user's
        self.reference_types: list[type] = []

    def enter(self, roles: tuple[str, ...], characters: int, reference: Any) -> None:
        self.characters.append(characters)
        self.turns.append(roles.count("user"))
        self.reference_types.append(NoneType if is_missing(reference) else type(reference))

    @property
    def records(self) -> int:
        return len(self.characters)

    def to_json(self) -> dict[str, Any]:
        types = Counter(self.reference_types)
        return {
            "prompt_tokens": {"estimate": ESTIMATE, **_spread(sorted(map(tokens_of, self.characters)))},
            "turns": _spread(sorted(self.turns)),
            "references": {"string": types[str], "object": types[dict], "missing": types[NoneType]},
        }

    def reference_warning(self) -> Flaw | None:
        """One for all records without a reference: mostly it is all or none of them."""
        missing = self.reference_types.count(NoneType)
        if not missing:
            return None
        found = f"{missing:,} records have no reference_answer"
        return Flaw("reference_answer", "reference-missing", found, "make sure that the grader can do without one")


def tokens_of(characters: int) -> int:
    """An estimate, see ``ESTIMATE``."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def is_missing(reference: Any) -> bool:
    """No reference answer, or one that says nothing: an empty object, an empty or blank string."""
    if type(reference) is str:
        return not reference or reference.isspace()
    return reference is None or reference == {}


def _spread(ordered: Sequence[int]) -> dict[str, int | None]:
    """Nearest-rank percentiles; all None when there is nothing to describe."""

    def at(percent: int) -> int | None:
        return ordered[max(-(-len(ordered) * percent // 100), 1) - 1] if ordered else None

    return {"min": at(0), "median": at(50), "p95": at(95), "max": at(100)}
