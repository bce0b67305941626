"""The log objects of examples/triage-logs, with the ledger of what is to become of each record."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "triage-logs"


def make_logs(**options: Any) -> Any:
    """What its generator makes: ``objects`` by key, ``ledger``."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        return importlib.import_module("generate").make_logs(**options)
    finally:
        sys.path.remove(str(EXAMPLE))
