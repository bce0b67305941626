"""Jobs that train on invocation logs themselves: what the stand-in takes, reads and says."""

from __future__ import annotations

from typing import Any

import pytest

from local.bedrock.protocol.service import service_model
from local.bedrock.protocol.shapes import violations
from tests.contract.logs import make_logs
from tests.contract.standin import BUCKET, Bedrock, refused

LOGS = {"invocationLogSource": {"s3Uri": f"s3://{BUCKET}/logs/"}, "usePromptResponse": True}


def config(**changes: Any) -> dict[str, Any]:
    return {"trainingDataConfig": {"invocationLogsConfig": LOGS | changes}}


def put_logs(bedrock: Bedrock, **options: Any) -> Any:
    made = make_logs(**{"objects": 12, "damaged": 2, "prompts": 110} | options)
    for key, body in made.objects.items():
        bedrock.aws.objects[f"{BUCKET}/logs/{key}"] = body
    return made.ledger


def test_a_job_trains_on_the_prompts_of_logs(bedrock: Bedrock) -> None:
    ledger = put_logs(bedrock)
    filters = {"andAll": [{"equals": {"project": "triage"}}, {"notEquals": {"stage": "test"}}]}
    bedrock.aws.reward = lambda sample: float("category" in sample["messages"][-1]["content"])
    job = bedrock.ended(bedrock.job("from-logs", **config(requestMetadataFilters=filters)))
    assert job["status"] == "Completed", job.get("failureMessage")
    assert job["trainingDataConfig"]["invocationLogsConfig"]["requestMetadataFilters"] == filters
    samples = [sample for event in bedrock.aws.grader_events for sample in event]
    assert {sample["id"] for sample in samples} <= set(ledger.prompts)
    assert {sample["metadata"]["reference_answer"] for sample in samples} <= set(ledger.answers.values())
    assert bedrock.aws.callers >= {"rft-job"}
    assert len(bedrock.aws.rows(f"{BUCKET}/out/from-logs/", "step_wise_training_metrics.csv")) > 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"usePromptResponse": False}, "usePromptResponse"),
        ({"invocationLogSource": {"s3Uri": f"s3://{BUCKET}/elsewhere/"}}, "There are no invocation logs under"),
        ({"requestMetadataFilters": {"equals": {"project": "other"}}}, "give 0 training prompts; from 100 to 20000"),
    ],
)
def test_logs_that_cannot_be_trained_on_fail_the_job_with_a_reason(
    bedrock: Bedrock, changes: dict[str, Any], said: str
) -> None:
    put_logs(bedrock)
    job = bedrock.ended(bedrock.job("hopeless", **config(**changes)))
    assert job["status"] == "Failed"
    assert said in job["failureMessage"]


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject"])
def test_logs_are_read_with_the_rights_of_the_role(bedrock: Bedrock, action: str) -> None:
    put_logs(bedrock)
    bedrock.aws.denied.add(("rft-job", action))
    job = bedrock.ended(bedrock.job("denied", **config()))
    assert job["status"] == "Failed"
    assert f"not authorized to perform {action}" in job["failureMessage"]


@pytest.mark.parametrize(
    "changes",
    [
        {"requestMetadataFilters": {"equals": {"a": "b", "c": "d"}}},
        {"requestMetadataFilters": {"equals": {}}},
        {"requestMetadataFilters": {"andAll": []}},
        {"requestMetadataFilters": {"andAll": [{"equals": {"a": "b"}}] * 17}},
        {"requestMetadataFilters": {"orAll": [{"notEquals": {"ü": "b"}}]}},
        {"requestMetadataFilters": {"equals": {"a": "x" * 257}}},
        {"requestMetadataFilters": {"equals": {"a": "b"}, "notEquals": {"a": "b"}}},
        {"invocationLogSource": {"s3Uri": "s3://data/dt=1/"}},
    ],
)
def test_what_the_model_forbids_is_refused(bedrock: Bedrock, changes: dict[str, Any]) -> None:
    shape = service_model("bedrock").operation_model("CreateModelCustomizationJob").input_shape
    data = config(**changes)["trainingDataConfig"]
    assert violations(shape.members["trainingDataConfig"], data)  # type: ignore[union-attr]
    code, status, _ = refused(bedrock.job, name="bad", **config(**changes))
    assert (code, status) == ("ValidationException", 400)


def test_data_from_both_places_is_refused(bedrock: Bedrock) -> None:
    both = config()["trainingDataConfig"] | {"s3Uri": f"s3://{BUCKET}/train.jsonl"}
    assert refused(bedrock.job, name="both", trainingDataConfig=both)[0] == "ValidationException"
