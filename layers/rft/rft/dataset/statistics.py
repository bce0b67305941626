"""Sizes and kinds of a dataset's good records."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTERS_PER_TOKEN = 4
ESTIMATE = "characters / 4, rounded up"


class Statistics:
    """Collects one number for each good record; the caller stops at the record limit, which bounds the memory."""

    def __init__(self) -> None:
        self.prompt_characters = array("Q")
        self.role_sequences: Counter[tuple[str, ...]] = Counter()
        self.references: Counter[str] = Counter()

    def enter(self, roles: tuple[str, ...], characters: int, reference: Any) -> None:
        self.prompt_characters.append(characters)
        self.role_sequences[roles] += 1
        if is_missing(reference):
            self.references["missing"] += 1
        else:
            self.references["object" if type(reference) is dict else "string"] += 1

    @property
    def records(self) -> int:
        return len(self.prompt_characters)

    def to_json(self) -> dict[str, Any]:
        tokens = sorted(-(-characters // CHARACTERS_PER_TOKEN) for characters in self.prompt_characters)
        turns = sorted(
            turns for roles, records in self.role_sequences.items() for turns in [roles.count("user")] * records
        )
        return {
            "prompt_tokens": {"estimate": ESTIMATE, **_spread(tokens)},
            "turns": _spread(turns),
            "references": {kind: self.references[kind] for kind in ("string", "object", "missing")},
        }


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
