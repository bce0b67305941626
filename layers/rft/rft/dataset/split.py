"""Which prompts are held out for validation when the user gives no validation file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_VALUES = 1 << 64


def choose_validation(hashes: Sequence[int], *, fraction: float, min_train: int = 100) -> frozenset[int]:
    """The prompt hashes (64 bits, one for each record) whose records go to the validation side.

    A record's side follows from its own hash alone: the lowest ``fraction`` of all possible values validates. So equal
    prompts stay together and nobody changes sides when records are added, but for those handed back, highest
    hash first, so that at least ``min_train`` records train (Bedrock's minimum is 100).
    """
    if not 0 < fraction < 1:
        raise ValueError(f"the validation fraction must lie between 0 and 1, not {fraction}")
    threshold = int(fraction * HASH_VALUES)
    held_out = Counter(value for value in hashes if value < threshold)
    missing = min_train - (len(hashes) - held_out.total())
    for value in sorted(held_out, reverse=True):
        if missing <= 0:
            break
        missing -= held_out.pop(value)
    return frozenset(held_out)
