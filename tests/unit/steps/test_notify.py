from __future__ import annotations

from typing import Any

import pytest

from rft.run.record import Run
from rft.steps.notify import compose

DEPLOYMENT = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl"


def text(**changes: Any) -> str:
    document = {
        "run_id": "m-0123456789ab",
        "model": "m",
        "status": "promoted",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "deployment_arn": DEPLOYMENT,
        "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:rft-run:m-0123456789ab",
    }
    return compose(Run.from_json(document | changes), bucket="b-1", region="us-east-1")


def test_the_status_comes_first_and_the_next_command_last() -> None:
    lines = text().strip().splitlines()
    assert lines[0].startswith("m: promoted")
    assert lines[-1].startswith("Next: ")
    assert DEPLOYMENT in lines[-1]


def test_a_rejected_run_leads_to_the_report() -> None:
    reason = {"error": "DatasetInvalid", "message": "3 problems", "details_uri": "s3://b-1/report.json"}
    said = text(status="rejected", reason=reason, deployment_arn=None)
    assert "DatasetInvalid: 3 problems" in said
    assert said.count("s3://b-1/report.json") == 2
    assert DEPLOYMENT not in said


def test_a_failed_run_says_why_in_its_first_line_and_names_no_live_deployment() -> None:
    reason = {"error": "DeploymentTimedOut", "message": "not active", "details_uri": None}
    said = text(status="failed", reason=reason)
    assert said.splitlines()[0] == "m: failed - DeploymentTimedOut"
    assert "Deployment:" not in said


@pytest.mark.parametrize("status", ["kept", "stopped"])
def test_each_end_has_words_of_its_own(status: str) -> None:
    assert text(status=status).splitlines()[0].startswith(f"m: {status} - ")


def test_warnings_are_said() -> None:
    assert "Note: budget: recorded" in text(warnings=["budget: recorded, not enforced yet"])
