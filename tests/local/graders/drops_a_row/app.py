"""A grader that leaves out answers it has nothing to say about."""

from __future__ import annotations

from typing import Any


def handler(event: list[dict[str, Any]], context: Any) -> list[dict[str, Any]]:
    return [
        {"id": sample.get("id"), "aggregate_reward_score": 0.5} for sample in event if sample["messages"][-1]["content"]
    ]
