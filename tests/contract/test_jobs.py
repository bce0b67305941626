"""Customization jobs through boto3: what is accepted, what is refused and how, and how a job ends."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from tests.contract.standin import BUCKET, Bedrock, job_request, records, refused, until


def test_a_completed_job_shows_all_that_it_was_asked(trained: Bedrock) -> None:
    by_name = trained.control.get_model_customization_job(jobIdentifier="first")
    by_arn = trained.control.get_model_customization_job(jobIdentifier=by_name["jobArn"])
    for answer in (by_name, by_arn):
        del answer["ResponseMetadata"]
    assert by_name == by_arn
    assert by_arn["status"] == "Completed"
    assert by_arn["outputModelName"] == "first"
    assert by_arn["validationDataConfig"] == {"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]}
    assert by_arn["customizationConfig"]["rftConfig"]["hyperParameters"] == {
        "epochCount": 4,
        "batchSize": 20,
        "learningRate": 1e-5,
        "maxPromptLength": 4096,
        "trainingSamplePerPrompt": 8,
        "inferenceMaxTokens": 8,
        "reasoningEffort": "high",
        "evalInterval": 5,
    }
    assert {phase["status"] for phase in by_arn["statusDetails"].values()} == {"Completed"}
    assert "failureMessage" not in by_arn


def test_it_learned_and_wrote_its_curves(trained: Bedrock) -> None:
    rows = list(csv.DictReader(trained.aws.rows(f"{BUCKET}/out/first", "step_wise_training_metrics.csv")))
    assert [int(row["step_number"]) for row in rows] == list(range(1, 21))
    assert float(rows[-1]["critic/rewards/mean"]) > float(rows[0]["critic/rewards/mean"]) + 0.3
    validation = list(
        csv.DictReader(trained.aws.rows(f"{BUCKET}/out/first", "post_fine_tuning_validation/validation_metrics.csv"))
    )
    assert [int(row["step_number"]) for row in validation] == [0, 5, 10, 15, 20]
    rewards = [float(row["val-score/rewards/mean@1"]) for row in validation]
    assert rewards[-1] > rewards[0] + 0.3
    summary = json.loads("".join(trained.aws.rows(f"{BUCKET}/out/first", "training_summary.json")))
    assert summary["learned"] and summary["steps"] == 20


def test_the_reward_function_gets_what_the_contract_says(trained: Bedrock) -> None:
    events = trained.aws.grader_events
    assert max(len(event) for event in events) == 128
    sample = next(sample for event in events for sample in event if sample["id"] == "r5")
    record = records()[5]
    assert sample["messages"][:-1] == record["messages"]
    assert sample["messages"][-1]["role"] == "assistant"
    assert sample["metadata"] == {"reference_answer": "green", "rft": {"run_id": "run-1"}}
    assert set(sample) == {"id", "messages", "metadata"}


def test_only_the_role_of_the_job_touches_data_and_grader(trained: Bedrock) -> None:
    assert trained.aws.callers == {"rft-job"}


def test_each_change_of_status_is_an_event(trained: Bedrock) -> None:
    job = trained.control.get_model_customization_job(jobIdentifier="first")
    until(lambda: trained.aws.statuses(job["jobArn"]) == ["InProgress", "Completed"])
    event = next(event for event in trained.aws.events if job["jobArn"] in event["Resources"])
    assert (event["Source"], event["DetailType"]) == ("local.bedrock", "Model Customization Job State Change")
    detail = trained.aws.details(job["jobArn"])[-1]
    assert detail["outputModelArn"] == job["outputModelArn"]
    assert detail["validationDataConfig"] == {"s3Uri": f"s3://{BUCKET}/validation.jsonl"}


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"hyper_parameters": {"batchSize": 8}}, "hyperParameters.batchSize"),
    ({"hyper_parameters": {"epochCount": 99}}, "hyperParameters.epochCount"),
    ({"hyper_parameters": {"reasoningEffort": "zzz"}}, "hyperParameters.reasoningEffort"),
    ({"hyper_parameters": {"learningRate": 9.0}}, "hyperParameters.learningRate"),
    ({"hyper_parameters": {"inferenceMaxTokens": 0}}, "inferenceMaxTokens must be at least 1"),
    ({"jobName": "under_score"}, "jobName"),
    ({"trainingDataConfig": {"s3Uri": "s3://bucket/dt=1/x"}}, "trainingDataConfig.s3Uri"),
    ({"trainingDataConfig": {}}, "trainingDataConfig must have exactly one"),
    ({"clientRequestToken": "a_b"}, "clientRequestToken"),
    ({"customizationType": "BOGUS"}, "customizationType"),
    ({"customizationType": "FINE_TUNING"}, "REINFORCEMENT_FINE_TUNING"),
    ({"customizationConfig": {}}, "customizationConfig"),
    ({"customizationConfig": {"rftConfig": {}}}, "lambdaGrader is required"),
    (
        {
            "customizationConfig": {
                "rftConfig": {},
                "distillationConfig": {"teacherModelConfig": {"teacherModelIdentifier": "amazon.nova-pro-v1:0"}},
            }
        },
        "exactly one of: [distillationConfig, rftConfig]",
    ),
    ({"hyperParameters": {"epochCount": "2"}}, "hyperParameters must be in customizationConfig"),
    ({"roleArn": None}, "roleArn"),
    ({"baseModelIdentifier": "amazon.nova-2-lite-v1:0"}, "cannot be customised"),
]


@pytest.mark.parametrize(("changes", "text"), REFUSALS, ids=[text for _, text in REFUSALS])
def test_what_aws_would_refuse_is_refused(trained: Bedrock, changes: dict[str, Any], text: str) -> None:
    request = {k: v for k, v in job_request("refused", **changes).items() if v is not None}
    code, status, message = refused(trained.control.create_model_customization_job, **request)
    assert (code, status) == ("ValidationException", 400)
    assert text in message
    assert refused(trained.control.get_model_customization_job, jobIdentifier="refused")[:2] == (
        "ResourceNotFoundException",
        404,
    )


def test_all_faults_of_a_request_come_in_one_message(trained: Bedrock) -> None:
    request = job_request("a_b", clientRequestToken="t", hyper_parameters={"batchSize": 8, "epochCount": 99})
    message = refused(trained.control.create_model_customization_job, **request)[2]
    assert message.startswith("3 validation errors detected: Value at 'jobName' failed to satisfy constraint: ")


def test_an_unknown_base_model_is_not_found(trained: Bedrock) -> None:
    request = job_request("refused", baseModelIdentifier="amazon.nova-9-v1:0")
    assert refused(trained.control.create_model_customization_job, **request)[0] == "ResourceNotFoundException"


def test_the_same_token_gives_the_same_job_and_other_content_a_conflict(trained: Bedrock) -> None:
    first = trained.control.get_model_customization_job(jobIdentifier="first")
    request = job_request(
        "first",
        validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]},
        jobTags=[{"key": "run", "value": "run-1"}],
        customModelTags=[{"key": "made-by", "value": "first"}],
        hyper_parameters={"epochCount": 4, "batchSize": 20, "evalInterval": 5, "trainingSamplePerPrompt": 8},
    )
    create = trained.control.create_model_customization_job
    assert create(**request)["jobArn"] == first["jobArn"]
    assert refused(create, **request | {"roleArn": request["roleArn"] + "2"})[0] == "ConflictException"
    assert refused(create, **request | {"clientRequestToken": "another"})[0] == "ConflictException"
    other_job = request | {"clientRequestToken": "another", "jobName": "another"}
    code, _, message = refused(create, **other_job)
    assert code == "ConflictException" and "custom model name first" in message


def test_an_ended_job_cannot_be_stopped(trained: Bedrock) -> None:
    code, _, message = refused(trained.control.stop_model_customization_job, jobIdentifier="first")
    assert code == "ConflictException" and "Completed" in message


def test_tags_of_job_and_model(trained: Bedrock) -> None:
    job = trained.control.get_model_customization_job(jobIdentifier="first")

    def tags(arn: str) -> dict[str, str]:
        return {t["key"]: t["value"] for t in trained.control.list_tags_for_resource(resourceARN=arn)["tags"]}

    assert tags(job["outputModelArn"]) == {"made-by": "first"}
    trained.control.tag_resource(resourceARN=job["jobArn"], tags=[{"key": "more", "value": ""}])
    assert tags(job["jobArn"]) == {"run": "run-1", "more": ""}
    trained.control.untag_resource(resourceARN=job["jobArn"], tagKeys=["more"])
    assert tags(job["jobArn"]) == {"run": "run-1"}
    too_many = [{"key": f"k{number}", "value": ""} for number in range(60)]
    tag = trained.control.tag_resource
    assert refused(tag, resourceARN=job["jobArn"], tags=too_many)[0] == "TooManyTagsException"
    missing = job["jobArn"][:-1] + ("a" if job["jobArn"][-1] != "a" else "b")
    assert refused(tag, resourceARN=missing, tags=[])[0] == "ResourceNotFoundException"


def test_ten_jobs_at_once_and_their_list(bedrock: Bedrock) -> None:
    bedrock.faults([{"job": "*", "do": "stall"}])

    def trains(arn: str) -> bool:
        phases = bedrock.control.get_model_customization_job(jobIdentifier=arn)["statusDetails"]
        return bool(phases["trainingDetails"]["status"] == "InProgress")

    arns = [bedrock.job(f"job-{number}") for number in range(10)]
    request = job_request("one-too-many")
    create, list_jobs = bedrock.control.create_model_customization_job, bedrock.control.list_model_customization_jobs
    assert refused(create, **request)[0] == "ServiceQuotaExceededException"
    pages = bedrock.control.get_paginator("list_model_customization_jobs").paginate(
        sortOrder="Ascending", PaginationConfig={"PageSize": 3}
    )
    listed = [job for page in pages for job in page["modelCustomizationJobSummaries"]]
    assert [job["jobArn"] for job in listed] == arns

    # Two train, the others wait without a phase begun; a waiting job can be stopped as well.
    until(lambda: trains(arns[0]) and trains(arns[1]))
    assert not any(trains(arn) for arn in arns[2:])
    for arn in (arns[0], arns[9]):
        bedrock.control.stop_model_customization_job(jobIdentifier=arn)
        assert bedrock.ended(arn)["status"] == "Stopped"
        until(lambda arn=arn: bedrock.aws.statuses(arn) == ["InProgress", "Stopping", "Stopped"])
    stopped = list_jobs(statusEquals="Stopped")["modelCustomizationJobSummaries"]
    assert {job["jobArn"] for job in stopped} == {arns[0], arns[9]}
    assert [job["jobName"] for job in list_jobs(nameContains="b-3")["modelCustomizationJobSummaries"]] == ["job-3"]
    after = listed[7]["creationTime"]
    assert len(list_jobs(creationTimeBefore=after)["modelCustomizationJobSummaries"]) <= 7
    assert "outputModelArn" not in bedrock.control.get_model_customization_job(jobIdentifier=arns[0])
    assert bedrock.control.list_custom_models()["modelSummaries"] == []
    assert create(**request)["jobArn"]
