from __future__ import annotations

import pytest

from rft.run.job import Job, JobNetwork, JobOutcome, hyperparameters, job_request
from rft.run.record import Run
from rft.run.status import Status


def run_ready(**changes: object) -> Run:
    document = {
        "run_id": "m-0123456789ab",
        "model": "m",
        "status": "queued",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "request": {"hyperparameters": {"epoch_count": 2, "learning_rate": 0.00001}, "tags": {"team": "a"}},
        "base_model": "amazon.nova-2-lite-v1:0:256k",
        "grader_arn": "arn:aws:lambda:us-east-1:123456789012:function:g:1",
        "dataset": {"train_uri": "s3://b-1/runs/m-0123456789ab/dataset/train.jsonl", "validation_uri": None},
    }
    return Run.from_json(document | changes)


KEY = "arn:aws:kms:us-east-1:123456789012:key/5f8b1c1e-0000-4000-8000-000000000000"


def request(run: Run, network: JobNetwork | None = None) -> dict[str, object]:
    role = "arn:aws:iam::123456789012:role/rft/r"
    return job_request(run, bucket="b-1", role_arn=role, stack="rft", model_key_arn=KEY, network=network)


def test_the_same_run_always_asks_for_the_same_job() -> None:
    assert request(run_ready()) == request(run_ready())
    assert request(run_ready())["clientRequestToken"] == "m-0123456789ab"


def test_the_tags_are_the_users_and_ours_and_ours_win() -> None:
    tags = {t["key"]: t["value"] for t in request(run_ready())["jobTags"]}  # type: ignore[attr-defined]
    assert tags == {"team": "a", "rft:run-id": "m-0123456789ab", "rft:model": "m", "rft:stack": "rft"}


def test_the_model_is_encrypted_with_the_stacks_key() -> None:
    assert request(run_ready())["customModelKmsKeyId"] == KEY
    assert (
        "kms" not in str(request(run_ready())["outputDataConfig"]).lower()
    )  # the bucket's default encrypts the output


def test_a_job_works_in_a_network_only_where_there_is_one() -> None:
    assert "vpcConfig" not in request(run_ready())
    network = JobNetwork(("subnet-1", "subnet-2"), ("sg-1",))
    assert request(run_ready(), network)["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }


def test_a_validation_set_is_named_only_where_there_is_one() -> None:
    assert "validationDataConfig" not in request(run_ready())
    with_set = run_ready(dataset={"train_uri": "s3://b-1/t", "validation_uri": "s3://b-1/v"})
    assert request(with_set)["validationDataConfig"] == {"validators": [{"s3Uri": "s3://b-1/v"}]}


def test_logs_that_bedrock_reads_itself_are_named_in_place_of_a_file() -> None:
    logs = {"s3_uri": "s3://logs-1/a/", "native": True, "metadata_equals": {"project": "triage"}}
    native = run_ready(request={"training_data": {"invocation_logs": logs}}, dataset={"validation_uri": None})
    assert request(native)["trainingDataConfig"] == {
        "invocationLogsConfig": {
            "usePromptResponse": False,
            "invocationLogSource": {"s3Uri": "s3://logs-1/a/"},
            "requestMetadataFilters": {"equals": {"project": "triage"}},
        }
    }
    converted = run_ready(request={"training_data": {"invocation_logs": logs | {"native": False}}})
    assert request(converted)["trainingDataConfig"] == {"s3Uri": "s3://b-1/runs/m-0123456789ab/dataset/train.jsonl"}


def test_numbers_keep_the_types_that_bedrock_wants() -> None:
    named = hyperparameters({"epoch_count": 2, "learning_rate": 1, "reasoning_effort": "low", "batch_size": None})
    assert named == {"epochCount": 2, "learningRate": 1.0, "reasoningEffort": "low"}
    assert isinstance(named["learningRate"], float)


def test_a_run_without_a_dataset_asks_for_no_job() -> None:
    with pytest.raises(ValueError, match="no prepared dataset"):
        request(run_ready(dataset=None))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("InProgress", JobOutcome.RUNNING),
        ("Stopping", JobOutcome.RUNNING),
        ("Completed", JobOutcome.COMPLETED),
        ("Failed", JobOutcome.FAILED),
        ("Stopped", JobOutcome.STOPPED),
        ("SomethingNew", JobOutcome.RUNNING),
    ],
)
def test_what_a_job_status_means(status: str, outcome: JobOutcome) -> None:
    job = Job.from_answer({"jobArn": "a", "jobName": "n", "status": status, "outputModelArn": "", "failureMessage": ""})
    assert job.outcome is outcome
    assert (job.model_arn, job.failure_message, job.phases) == (None, None, None)


def test_phases_are_read_where_bedrock_tells_them() -> None:
    details = {"trainingDetails": {"status": "InProgress"}, "validationDetails": {}}
    job = Job.from_answer({"jobArn": "a", "jobName": "n", "status": "InProgress", "statusDetails": details})
    assert job.phases == {"training": "InProgress"}


def test_a_record_survives_its_own_json_and_leaves_out_what_is_secret() -> None:
    run = run_ready()
    again = Run.from_json(run.to_json() | {"task_token": "secret", "pk": "RUN#x"})
    assert again == run
    assert "secret" not in str(again.to_json())
    assert again.status is Status.QUEUED
