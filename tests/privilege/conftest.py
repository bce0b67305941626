"""What the end-to-end tests recorded, held against the template."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.iam.recordings import Recording, clouds
from tests.iam.templates import ROOT

CALLS = ROOT / ".calls"


@pytest.fixture(scope="session")
def folders() -> list[Path]:
    """Of each recorded cloud."""
    found = clouds(CALLS)
    if not found:
        pytest.fail(
            "no calls are recorded: run the end-to-end tests first, which write them to .calls "
            "(`rm -rf .calls; pytest --numprocesses 2 --dist loadfile tests/local`, or `make test`)",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def recordings(folders: list[Path]) -> list[Recording]:
    return [Recording.read(folder) for folder in folders]
