"""The message at the end of a run."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws.clients import error_code
from rft.aws.clock import now
from rft.errors import NotificationPending, RunNotEnded
from rft.run.record import Run
from rft.steps.ending import message_text
from rft.steps.ending.sending import STALE_SECONDS, publish, sender
from rft.steps.pipeline import Pipeline

_MAX_CAUSE = 4_000
_ATTEMPTS = 6  # as many as the state machine's Retry of Notify allows
_LOOKS, _LOOK_PAUSE = 10, 0.3


def notify(pipeline: Pipeline, run_id: str, *, attempt: int = 0) -> dict[str, str]:
    """Tell the topic how the run ended: once, whoever else is at it.

    A topic that can't be reached never changes how the run ended: after ``_ATTEMPTS`` (counted from 0 by the state
    machine) the failure is put on record instead of raised.

    A run that comes here unended raises ``RunNotEnded``, at the last attempt too. Which end would be true isn't known
    here, and what it may have left (a candidate that is paid for) isn't removed here. So the execution fails, and
    ``close_ended_execution`` cleans up, ends the run as failed, which has its alarm, and sends the message.
    """
    run = pipeline.store.get(run_id)
    if not run.status.is_terminal:
        raise RunNotEnded(
            f"the run is {run.status}: it came to its last message, but no step has put its end on record"
        )
    if run.notified_at is None and _is_ours_to_send(pipeline, run_id):
        try:
            message_id = publish(pipeline, message_text.ended(run, sender(pipeline)))
        except (ClientError, BotoCoreError) as error:
            pipeline.store.release_message(run_id)
            pipeline.store.append(run_id, "notification_failed", {"error": error_code(error)})
            if attempt < _ATTEMPTS - 1:
                raise
        else:
            pipeline.store.message_sent(run_id, message_id)
    return {"run_id": run_id, "status": run.status, **_fault(run)}


def _is_ours_to_send(pipeline: Pipeline, run_id: str) -> bool:
    """False if somebody else has sent the message. Raises ``NotificationPending`` while they are at it."""
    for _ in range(_LOOKS):
        if pipeline.store.claim_message(run_id, at=now(), stale_before=now(seconds_ago=STALE_SECONDS)):
            return True
        if pipeline.store.get(run_id).notified_at is not None:
            return False
        time.sleep(_LOOK_PAUSE)
    raise NotificationPending("somebody else is sending the message of this run")


def _fault(run: Run) -> dict[str, str]:
    reason = run.reason or {}
    return {"error": str(reason.get("error", "")), "cause": str(reason.get("message", ""))[:_MAX_CAUSE]}
