"""The time, as the product writes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now(*, seconds_ago: float = 0) -> str:
    """UTC in ISO 8601 with milliseconds, as in ``2026-01-31T12:00:00.000Z``: sorts as text."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
