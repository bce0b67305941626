"""The pipeline as its users meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from cli.client import ApiClient
from local.cloud import CREDENTIALS, Cloud, CloudInfo

ENDED = {"promoted", "kept", "rejected", "stopped", "failed"}


@dataclass
class Pipeline:
    """The pipeline as its users meet it: bucket, bus, API, topic. ``info`` is that of another stack than the first."""

    cloud: Cloud
    info: CloudInfo = None  # type: ignore[assignment]  # the cloud's own, once there is a cloud

    def __post_init__(self) -> None:
        self.info = self.info or self.cloud.info
        credentials = Credentials(CREDENTIALS["aws_access_key_id"], CREDENTIALS["aws_secret_access_key"])
        self.api = ApiClient(self.info.api_url, credentials, self.info.region, proxies={})
        self.s3 = self.cloud.client("s3")
        self.bedrock = self.cloud.client("bedrock")
        self.states = self.cloud.client("stepfunctions")
        self._sqs = self.cloud.client("sqs")
        topic = self.info.topic_arn
        self._queue, arn = self._make_queue(f"{self.info.stack}-subscriber", "sns.amazonaws.com")
        self.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._messages: dict[str, list[dict[str, Any]]] = {}

    def _make_queue(self, name: str, sender: str) -> tuple[str, str]:
        url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": {"Service": sender}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def _drain(self, queue: str) -> list[dict[str, Any]]:
        bodies = []
        for message in self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            bodies.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def listen(self, name: str, pattern: dict[str, Any]) -> Callable[[], list[dict[str, Any]]]:
        """Everything on the bus that fits ``pattern``, from now on."""
        queue, arn = self._make_queue(name, "events.amazonaws.com")
        events = self.cloud.client("events")
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        heard: list[dict[str, Any]] = []

        def listen() -> list[dict[str, Any]]:
            heard.extend(self._drain(queue))
            return heard

        return listen

    def put(self, key: str, body: bytes | str | dict[str, Any]) -> str:
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        self.s3.put_object(Bucket=self.info.bucket, Key=key, Body=content)
        return f"s3://{self.info.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def run_of(self, model: str) -> dict[str, Any]:
        """The one run of a model, once there is one."""
        return until(
            lambda: next(iter(self.api.runs(model=model, status=None, limit=2, next_token=None)["runs"]), None)
        )

    def ended(self, run_id: str, seconds: float = 90) -> dict[str, Any]:
        """The record of the run when it has ended and said so."""
        return until(lambda: (run := self.api.run(run_id))["notified_at"] and run, seconds)

    def reached(self, run_id: str, status: str, seconds: float = 60) -> dict[str, Any]:
        return until(lambda: (run := self.api.run(run_id))["status"] in {status, *ENDED} and run, seconds)

    def messages(self, run_id: str) -> list[dict[str, Any]]:
        """The notifications of a run as the queue got them; the first is waited for."""

        def received() -> list[dict[str, Any]]:
            for envelope in self._drain(self._queue):
                # An alarm's message has no attributes.
                owner = envelope.get("MessageAttributes", {}).get("run_id", {"Value": "alarms"})["Value"]
                self._messages.setdefault(owner, []).append(envelope)
            return self._messages.get(run_id, [])

        return until(received)

    def unforeseen_errors(self) -> list[str]:
        """What the runtime logged of functions that must never raise here: the doors, the wait, the end.

        The emulator has no retry and no dead letters for events, so their queues would always look empty.
        """
        logs = self.cloud.client("logs")
        found = []
        for name in ("start-run", "api", "await-job", "read-curve", "close-run", "notify"):
            group = f"/aws/lambda/{self.info.stack}-{name}"
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                told = [event["message"] for event in page["events"]]
                # The second: what AwaitJob outlives, as a training is paid for.
                found += [text for text in told if "[ERROR]" in text or "could not follow the training" in text]
        return found

    def executions(self, run_id: str) -> list[dict[str, Any]]:
        listed = self.states.list_executions(stateMachineArn=self.info.state_machine_arn)["executions"]
        return [execution for execution in listed if execution["name"] == run_id]

    def jobs(self, run_id: str) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.bedrock.list_model_customization_jobs(nameContains=run_id)[
            "modelCustomizationJobSummaries"
        ]
        return jobs

    def transitions(self, run_id: str) -> int:
        """What AWS bills: states entered, and tasks tried again."""
        history = self.states.get_execution_history(executionArn=self.executions(run_id)[0]["executionArn"])["events"]
        kinds = [event["type"] for event in history]
        entered = sum(kind.endswith("StateEntered") for kind in kinds)
        tried_again = kinds.count("TaskScheduled") - kinds.count("TaskStateEntered")
        return entered + max(0, tried_again)


def until[T](look: Callable[[], T | bool | None], seconds: float = 60) -> T:
    """What ``look`` found at last. It looks less and less often: a look at a run is a call of a function, which takes
    the machine from what is waited for."""
    deadline, pause = time.monotonic() + seconds, 0.05
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found  # type: ignore[return-value]
        time.sleep(pause)
        pause = min(0.4, pause * 1.25)
    raise AssertionError(f"waited {seconds:g} s in vain; the last look gave {found!r}")
