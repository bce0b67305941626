from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.unit.judges.fakes import CANARY, Printed


@pytest.fixture
def name() -> str:
    return f"judge-{uuid.uuid4().hex}"  # Powertools keeps a logger per name, with the stream of its first test


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Metric records and log lines printed so far."""
    monkeypatch.delenv("POWERTOOLS_SERVICE_NAME", raising=False)

    def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        text = capsys.readouterr().out
        assert CANARY not in text
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if "_aws" in line], [line for line in lines if "level" in line]

    return read
