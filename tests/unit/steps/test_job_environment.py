"""Where a training job works and what encrypts its model, as SubmitJob's environment says it."""

from __future__ import annotations

import pytest

from rft.errors import SettingMissing
from rft.run.job import JobNetwork
from rft.steps.environment import Environment


def test_no_network_is_the_one_without_ids() -> None:
    assert Environment({}).job_network is None
    assert Environment({"JOB_SUBNET_IDS": "", "JOB_SECURITY_GROUP_IDS": ""}).job_network is None


def test_the_network_is_all_that_is_named() -> None:
    variables = {"JOB_SUBNET_IDS": "subnet-1,subnet-2", "JOB_SECURITY_GROUP_IDS": "sg-1"}
    assert Environment(variables).job_network == JobNetwork(("subnet-1", "subnet-2"), ("sg-1",))


@pytest.mark.parametrize(
    ("given", "missing"),
    [("JOB_SUBNET_IDS", "JOB_SECURITY_GROUP_IDS"), ("JOB_SECURITY_GROUP_IDS", "JOB_SUBNET_IDS")],
)
def test_half_a_network_is_none(given: str, missing: str) -> None:
    with pytest.raises(SettingMissing, match=missing):
        _ = Environment({given: "x-1"}).job_network


def test_a_model_is_never_left_to_a_key_that_is_not_ours() -> None:
    with pytest.raises(SettingMissing, match="MODEL_KEY_ARN"):
        _ = Environment({"MODEL_KEY_ARN": ""}).model_key_arn
