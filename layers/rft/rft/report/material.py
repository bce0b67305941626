"""What a report is made of: the run's record, and the documents that its steps have left. Each of them may be missing,
or odd: then the report says so and goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft.cost.prices import Prices
from rft.report.samples import Samples
from rft.run.record import Run

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """``dataset`` is ``dataset/report.json``, ``conversion`` what became of logs, ``curves`` as ``job_metrics`` gives
    them. ``missing``: by document, why one that should be there is not. ``events_left_out``: of a run with very many.
    ``grader_name``: of the stack's own grader. ``code``: the version of the pipeline that wrote the report."""

    run: Run
    stack: str
    made_at: str
    is_stand_in: bool
    events: Sequence[Json] = ()
    events_left_out: int = 0
    gate: Json | None = None
    dataset: Json | None = None
    conversion: Json | None = None
    comparison: Json | None = None
    samples: Samples | None = None
    curves: Json | None = None
    prices: Prices | None = None
    grader_name: str | None = None
    code: Json = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def against(self) -> str:
        """The model that the candidate is held against: ``live`` or ``base``."""
        told = (self.comparison or self.run.comparison or {}).get("against")
        return "live" if told == "live" else "base"


def part(document: object, *path: str) -> Any:
    """What lies under ``path`` in a document that may be of any form; None if nothing does."""
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def mapping(document: object, *path: str) -> Mapping[str, Any]:
    """The same where an object is expected: an empty one for anything else."""
    found = part(document, *path)
    return found if isinstance(found, Mapping) else {}


def sequence(document: object, *path: str) -> Sequence[Any]:
    """The same where a list is expected."""
    found = part(document, *path)
    return found if isinstance(found, list | tuple) else ()
