"""docs/gate.md has every finding of the gate with its weight and its advice, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from rft.gate.codes import CODES

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "gate.md").read_text()


def test_the_table_is_that_of_the_code() -> None:
    section = DOCUMENT.partition("## Every finding")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+?) \| (.+) \|$", section, re.MULTILINE)
    assert [(code, *rest) for code, *rest in rows] == [
        (code, told.severity, told.title, told.advice) for code, told in CODES.items()
    ]
