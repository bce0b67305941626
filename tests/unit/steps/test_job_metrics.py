"""RFT's metric files are undocumented: any heading that speaks of rewards, and nothing that breaks."""

from __future__ import annotations

import csv
import io

import pytest

from rft.steps.training.job_metrics import _point

STEP_WISE = """step_number,epoch_number,critic/rewards/mean,critic/rewards/max,critic/rewards/min,actor/entropy
1,1,0.25,1.0,0.0,0.9
"""
VALIDATION = "step_number,val-score/rewards/mean@1\n0,0.125\n"
EVENT_STYLE = "step,critic_rewards_mean,response_length_mean\n7,0.5,31.5\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STEP_WISE, {"step": 1, "epoch": 1, "reward_mean": 0.25, "reward_min": 0, "reward_max": 1, "entropy": 0.9}),
        (VALIDATION, {"step": 0, "reward_mean": 0.125}),
        (EVENT_STYLE, {"step": 7, "reward_mean": 0.5, "answer_length": 31.5}),
        ("step_number,training_loss\n3,0.7\n", {"step": 3}),
        ("step_number,critic/rewards/mean\n3,nan\n", {"step": 3}),
        ("step_number,critic/rewards/mean\nx,\n", {}),
        ("a,b\n1,2,3\n", {}),
        ("step_number,reward_mean\n4\n", {"step": 4}),
    ],
)
def test_a_row_is_read_by_its_headings(text: str, expected: dict[str, float]) -> None:
    (row,) = csv.DictReader(io.StringIO(text))
    assert _point(row) == expected
