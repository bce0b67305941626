"""Messages about a run that goes on: that it began, that nothing moves, that a person is to decide.

Each is sent at most once for a run (a decision: once for each wait, of which a run that is compared anew has another),
and of no run that has ended: its end has a message of its own. A topic that can't be reached stops nothing: the failure
is put on record, and the next that has the same to say tries again.
"""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws.clients import error_code
from rft.aws.clock import now, seconds_since
from rft.run.record import Run
from rft.steps.ending import message_text
from rft.steps.ending.message_text import Message
from rft.steps.ending.sending import STALE_SECONDS, publish, sender
from rft.steps.pipeline import Pipeline


def started(pipeline: Pipeline, run: Run) -> bool:
    """Whether this call has told that the run began."""
    return _tell(pipeline, run, "start", message_text.started(run, sender(pipeline)))


def stuck(pipeline: Pipeline, run: Run) -> bool:
    """Whether this call has told that the run waits too long. It may be called at each look."""
    hours = seconds_since(run.job_submitted_at or run.created_at) / 3_600
    return _tell(pipeline, run, "stuck", message_text.stuck(run, sender(pipeline), hours=hours))


def approval_needed(pipeline: Pipeline, run: Run) -> bool:
    """Whether this call has asked for a decision. ``run`` has ``comparison`` and ``approval``, which say on what."""
    since = {"since": str(run.approval["since"])} if run.approval else {}
    return _tell(pipeline, run, "approval", message_text.approval_needed(run, sender(pipeline)), **since)


def _tell(pipeline: Pipeline, run: Run, kind: str, message: Message, **since: str) -> bool:
    store = pipeline.store
    stale_before = now(seconds_ago=STALE_SECONDS)
    if not store.claim_message(run.run_id, kind=kind, at=now(), stale_before=stale_before, **since):
        return False
    try:
        message_id = publish(pipeline, message)
    except (ClientError, BotoCoreError) as error:
        store.release_message(run.run_id, kind)
        store.append(run.run_id, "notification_failed", {"error": error_code(error), "kind": kind})
        return False
    store.message_sent(run.run_id, message_id, kind)
    return True
