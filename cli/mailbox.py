"""A real subscriber of the pipeline's topic: an SQS queue."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cli.faults import DemoFailed
from cli.target import Target

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_QUEUE = "rft-demo-subscriber"
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Notification:
    """A message as SNS put it into the queue: its envelope, with the subject and text that a person reads."""

    envelope: dict[str, Any]

    @property
    def subject(self) -> str:
        return str(self.envelope.get("Subject", ""))

    @property
    def message(self) -> str:
        return str(self.envelope["Message"])

    def to_json(self) -> dict[str, Any]:
        return self.envelope


class Mailbox:
    """A fresh queue, subscribed."""

    def __init__(self, sqs: SQSClient, url: str) -> None:
        self._sqs = sqs
        self._url = url

    @classmethod
    def open(cls, target: Target) -> Self:
        sqs = target.session.client("sqs", **target.client_options)
        sns = target.session.client("sns", **target.client_options)
        url = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(_policy(arn, target.topic_arn))})
        sns.subscribe(TopicArn=target.topic_arn, Protocol="sqs", Endpoint=arn)
        return cls(sqs, url)

    def read(self, run_id: str) -> Notification:
        """The message about ``run_id``. Raises ``DemoFailed`` when none comes: no run may end in silence."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            received = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=2, MaxNumberOfMessages=10)
            for message in received.get("Messages", []):
                # Else what is about others comes again and again.
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                if run_id in message["Body"]:
                    return Notification(json.loads(message["Body"]))
        raise DemoFailed(f"No notification about {run_id} came within {_PATIENCE_SECONDS:.0f} s of its end.")


def _policy(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
            }
        ],
    }
