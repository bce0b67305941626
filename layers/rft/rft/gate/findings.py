"""One thing that the gate has found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rft.gate.codes import CODES, SEVERITIES, Severity

_PLACES = {code: place for place, code in enumerate(CODES)}


class Finding(NamedTuple):
    """``message`` is a sentence with this case's numbers. It never quotes a text or an id of the data."""

    code: str
    message: str

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    @property
    def advice(self) -> str:
        return CODES[self.code].advice

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "severity": self.severity, "message": self.message, "advice": self.advice}


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The heaviest first; of equal severity in the order of the codes."""
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), _PLACES[f.code])))
