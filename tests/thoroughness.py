"""How much the longest searches for a counterexample try: a part on every run, all of it when it is asked for.

``HYPOTHESIS_PROFILE=thorough make test`` asks. Cases that are written down run every time, whole.
"""

from __future__ import annotations

import os

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def part_of(full: int) -> int:
    """A quarter of so many examples, or all of them."""
    return full if THOROUGH else full // 4
