"""What every message about a run has in common: who sends it, and to where."""

from __future__ import annotations

from rft.aws import messages
from rft.aws.clients import client
from rft.steps.ending.message_parts import Sender
from rft.steps.ending.message_text import Message
from rft.steps.pipeline import Pipeline

STALE_SECONDS = 60.0  # whoever claimed a message that long ago has died


def sender(pipeline: Pipeline) -> Sender:
    environment = pipeline.environment
    return Sender(
        stack=environment.stack_name,
        region=environment.region,
        bucket=environment.bucket,
        is_stand_in=environment.is_stand_in,
    )


def publish(pipeline: Pipeline, message: Message) -> str:
    """The message id. Raises botocore's errors when the topic can't be reached."""
    return messages.publish(
        client("sns"),
        pipeline.environment.topic_arn,
        subject=message.subject,
        text=message.text,
        attributes=message.attributes,
    )
