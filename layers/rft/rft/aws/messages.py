"""What the pipeline says to the world: its state-change event, and its messages to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rft.errors import EventRefused

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

SOURCE = "rft.pipeline"
STATE_CHANGE = "RFT Run State Change"


def put_state_change(client: EventBridgeClient, detail: dict[str, Any]) -> None:
    answer = client.put_events(
        Entries=[{"Source": SOURCE, "DetailType": STATE_CHANGE, "Detail": json.dumps(detail), "Resources": []}]
    )
    if answer["FailedEntryCount"]:
        # PutEvents reports a refused entry in an answer of status 200.
        raise EventRefused(f"EventBridge refused the event: {answer['Entries'][0].get('ErrorCode')}")


def publish(client: SNSClient, topic_arn: str, *, subject: str, text: str, attributes: dict[str, str]) -> str:
    """The message id. SNS takes a ``subject`` of fewer than 100 characters, printable ASCII, and 256 KB of ``text``."""
    return client.publish(
        TopicArn=topic_arn,
        Subject=subject,
        Message=text,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
    )["MessageId"]
