"""A grader that raises, and quotes in its error what it was given."""

from typing import Any


def handler(event: list[dict[str, Any]], context: object) -> list[dict[str, Any]]:
    raise ValueError(f"can't grade {event[0]['messages']} by {event[0]['metadata']['reference_answer']}")
