"""docs/datasets.md names every reason why a record of a log is left out, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from rft.invocation_logs import FAIL_REASONS, SKIP_REASONS

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "datasets.md").read_text()


def test_every_reason_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (skipped|failed) \|", DOCUMENT, re.MULTILINE)
    assert sorted(rows) == sorted(
        [(reason, "skipped") for reason in SKIP_REASONS] + [(reason, "failed") for reason in FAIL_REASONS]
    )
