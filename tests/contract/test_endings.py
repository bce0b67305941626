"""How jobs fail, what faults do on request, and what a restart keeps."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.contract.standin import (
    BUCKET,
    GRADER,
    Bedrock,
    FakeAws,
    job_request,
    records,
    refused,
    running,
    serving,
    until,
)

ROLES = {
    "denied-role": "sts:AssumeRole",
    "denied-read": "s3:GetObject",
    "denied-write": "s3:PutObject",
    "denied-grader": "lambda:InvokeFunction",
}
FAULTS = [
    {"operation": "CreateModelCustomizationJob", "error": "ThrottlingException", "times": 2, "name": "f-*"},
    {"job": "f-fail", "do": "fail", "step": 1, "message": "as ordered"},
    {"events": "f-fail", "do": "lose", "status": "Failed"},
    {"job": "f-order", "do": "slow", "seconds_per_step": 0.5},
    {"events": "f-order", "do": "hold", "status": "InProgress", "until": "Completed"},
    {"events": "f-order", "do": "repeat", "status": "Completed", "copies": 3},
    {"events": "flat", "do": "delay", "seconds": 0.5},
]


@pytest.fixture(scope="module")
def ending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bedrock]:
    """A stand-in with all jobs of this module, two of which train at a time."""
    aws = FakeAws(denied=set(ROLES.items()))
    aws.put_records("train.jsonl", records())
    few = aws.put_records("few.jsonl", records(99))
    long = aws.put_records("long.jsonl", [*records(100), *_long(30)])
    aws.answers = {"crash": [KeyError("reference")] * 4, "recovers": [{"statusCode": 200}, [], RuntimeError()]}
    aws.reward = lambda sample: 0.5
    with serving(aws.app()) as endpoint, running(tmp_path_factory.mktemp("state"), aws, endpoint) as started:
        assert started.faults(FAULTS)[0] == 200
        create = started.control.create_model_customization_job
        for _ in range(2):
            assert refused(create, **job_request("f-fail"))[:2] == ("ThrottlingException", 429)
        started.job("f-fail")
        started.job("f-order")
        for role in ROLES:
            started.job(role, roleArn=f"arn:aws:iam::000000000000:role/{role}")
        started.job("few", trainingDataConfig={"s3Uri": few})
        one_call_a_step = {"batchSize": 16, "trainingSamplePerPrompt": 2}
        started.job("crash", grader=_function("crash"), hyper_parameters=one_call_a_step)
        started.job(
            "flat",
            grader=_function("recovers"),
            trainingDataConfig={"s3Uri": long},
            hyper_parameters={"maxPromptLength": 100},
        )
        yield started


def _function(name: str) -> str:
    return f"{GRADER.rpartition(':')[0]}:{name}"


def _long(count: int) -> list[dict[str, Any]]:
    return [{"messages": [{"role": "user", "content": "word " * 200}], "reference_answer": "red"} for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("denied-role", "arn:aws:iam::000000000000:role/denied-role"),
        ("denied-read", f"s3://{BUCKET}/train.jsonl"),
        ("denied-write", f"s3://{BUCKET}/out/denied-write/model-customization-job-"),
        ("denied-grader", GRADER),
    ],
)
def test_a_missing_permission_fails_the_job_and_is_named(ending: Bedrock, name: str, resource: str) -> None:
    job = ending.ended(name)
    assert job["status"] == "Failed"
    said = f"The role arn:aws:iam::000000000000:role/{name} is not authorized to perform {ROLES[name]} on {resource}"
    assert said in job["failureMessage"]
    until(lambda: ending.aws.statuses(job["jobArn"]) == ["InProgress", "Failed"])


def test_too_few_records_fail_the_job_in_its_first_phase(ending: Bedrock) -> None:
    job = ending.ended("few")
    assert "has 99 records; from 100 to 20000" in job["failureMessage"]
    phases = {name: details["status"] for name, details in job["statusDetails"].items()}
    assert phases == {
        "validationDetails": "Failed",
        "dataProcessingDetails": "NotStarted",
        "trainingDetails": "NotStarted",
    }


def test_a_grader_that_keeps_failing_fails_the_job_after_three_retries(ending: Bedrock) -> None:
    job = ending.ended("crash")
    assert "failed 4 times in a row: it raised KeyError" in job["failureMessage"]
    assert "reference" not in job["failureMessage"], "what a grader raises may quote a prompt"
    assert ending.aws.answers["crash"] == []


def test_a_grader_that_recovers_costs_nothing_and_equal_rewards_teach_nothing(ending: Bedrock) -> None:
    job = ending.ended("flat")
    assert (job["status"], "failureMessage" in job) == ("Completed", False)
    summary = json.loads("".join(ending.aws.rows(f"{BUCKET}/out/flat", "training_summary.json")))
    assert summary["grader_retries"] == 3
    assert not summary["learned"] and "equal to the base" in summary["message"]
    assert (summary["training_records"], summary["dropped_long_prompts"]) == (130, 30)


def test_a_job_that_is_told_to_fail_and_its_lost_event(ending: Bedrock) -> None:
    job = ending.ended("f-fail")
    assert (job["status"], job["failureMessage"]) == ("Failed", "as ordered")
    until(lambda: ending.ended("few"))
    assert ending.aws.statuses(job["jobArn"]) == ["InProgress"]


def test_a_slow_job_and_its_events_in_the_wrong_order(ending: Bedrock) -> None:
    job = ending.ended("f-order")
    until(lambda: ending.aws.statuses(job["jobArn"]) == ["Completed"] * 3 + ["InProgress"])
    trained = job["statusDetails"]["trainingDetails"]
    assert (trained["lastModifiedTime"] - trained["creationTime"]).total_seconds() >= 1.0


def test_late_events_come(ending: Bedrock) -> None:
    job = ending.ended("flat")
    until(lambda: ending.aws.statuses(job["jobArn"]) == ["InProgress", "Completed"])


def test_rules_with_mistakes_change_nothing(ending: Bedrock) -> None:
    status, answer = ending.faults([{"job": "x", "do": "explode"}, {"nothing": 1}])
    assert status == 400
    assert "0.job.do" in answer["message"] and "1: a rule needs one of the keys" in answer["message"]
    with urllib.request.urlopen(f"{ending.url}/_local/faults") as rules:
        assert len(json.load(rules)) == len(FAULTS)


def test_a_restart_keeps_everything(tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> None:
    with running(tmp_path, *fake_aws) as before:
        arn = before.job("done", jobTags=[{"key": "a", "value": "b"}])
        model_arn = before.ended(arn)["outputModelArn"]
        request = {"modelDeploymentName": "live", "modelArn": model_arn, "clientRequestToken": "t"}
        deployment = before.control.create_custom_model_deployment(**request)["customModelDeploymentArn"]
        shown = before.control.get_model_customization_job(jobIdentifier=arn)
    with running(tmp_path, *fake_aws) as after:
        again = after.control.get_model_customization_job(jobIdentifier=arn)
        del shown["ResponseMetadata"], again["ResponseMetadata"]
        assert again == shown
        assert after.job("done", jobTags=[{"key": "a", "value": "b"}]) == arn
        assert after.control.create_custom_model_deployment(**request)["customModelDeploymentArn"] == deployment
        assert after.control.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "b"}]
        messages = [{"role": "user", "content": [{"text": "thing 1 is green"}]}]
        get = after.control.get_custom_model_deployment
        until(lambda: get(customModelDeploymentIdentifier=deployment)["status"] == "Active")
        assert after.runtime.converse(modelId=deployment, messages=messages)["output"]


def training(bedrock: Bedrock, job: str) -> str:
    details = bedrock.control.get_model_customization_job(jobIdentifier=job)["statusDetails"]
    return str(details["trainingDetails"]["status"])


def test_the_process_survives_a_kill_and_ends_cleanly(tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> None:
    aws, endpoint = fake_aws
    command = [sys.executable, "-m", "local.bedrock", "--port", "0", "--state", str(tmp_path / "state")]
    command += ["--aws-endpoint", endpoint, "--event-source", "local.bedrock"]
    log = tmp_path / "log"

    def start() -> tuple[subprocess.Popen[bytes], Bedrock]:
        log.write_text("")
        with log.open("ab") as stderr:
            process = subprocess.Popen(command, stderr=stderr, cwd=Path(__file__).parents[2])
        until(lambda: "listening on" in log.read_text())
        port = log.read_text().partition("listening on 127.0.0.1:")[2].split()[0]
        url = f"http://127.0.0.1:{port}"
        control = boto3.client(
            "bedrock", "us-east-1", endpoint_url=url, aws_access_key_id="any", aws_secret_access_key="any"
        )
        return process, Bedrock(aws, url, control, None)

    def kill(process: subprocess.Popen[bytes], bedrock: Bedrock) -> None:
        bedrock.control.close()
        process.kill()
        process.wait(10)

    process, bedrock = start()
    bedrock.faults([{"job": "*", "do": "stall"}])
    arn = bedrock.job("killed")
    until(lambda: training(bedrock, arn) == "InProgress")
    left = descendants(process.pid)
    assert len(left) >= 3, "the worker, what it was forked from, what looks after that one's leavings"
    kill(process, bedrock)
    until(lambda: all(map(gone, left)))

    process, bedrock = start()
    assert bedrock.status(arn) == "InProgress"
    bedrock.faults([{"job": "last", "do": "stall"}])
    last = bedrock.job("last")
    assert bedrock.ended(arn)["status"] == "Completed"
    until(lambda: training(bedrock, last) == "InProgress")
    left = descendants(process.pid)
    assert len(left) >= 3
    bedrock.control.close()
    process.terminate()
    assert process.wait(15) == 0
    until(lambda: all(map(gone, left)), seconds=2)
    assert len(list((tmp_path / "state" / "bases").iterdir())) == 1, "of the same data, and nothing half-written"
    names = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "bases"}
    assert names == {"log", "bedrock.sqlite", "base.npz", "tuned.npz", "prompts.txt"}


def descendants(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    children = [int(line) for line in listing.stdout.split()]
    return children + [below for child in children for below in descendants(child)]


def gone(pid: int) -> bool:
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip() in ("", "Z")
