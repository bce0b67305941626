"""State-change events of jobs, from an outbox in the store to the default bus.

Bedrock sends them near real time and on a best-effort basis; so does the stand-in, and on request it loses, repeats,
delays and reorders them (``faults.EventFault``). Shape of an event: EventBridge reference, events-ref-bedrock.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.bedrock import aws
from local.bedrock.records import Job, JobStatus, QueuedEvent, new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.bedrock.faults import EventFault, Faults
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store

log = logging.getLogger(__name__)

DETAIL_TYPE = "Model Customization Job State Change"
_ORDER: dict[JobStatus, int] = {"InProgress": 0, "Stopping": 1, "Stopped": 2, "Completed": 2, "Failed": 2}
_ATTEMPTS = 60
_RETRY_SECONDS = 1.0


class Events:
    """The outbox and the thread that empties it."""

    def __init__(self, store: Store, settings: Settings, faults: Faults) -> None:
        self._store, self._settings, self._faults = store, settings, faults
        self._changed = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._client: Any = None

    def announce(self, job: Job) -> None:
        """Put the event of the job's present status into the outbox, as the faults in force will have it."""
        rules = self._faults.events(job.name, job.status)
        if any(rule.do == "lose" for rule in rules):
            return
        held = next((r.until for r in rules if r.do == "hold" and _ORDER[r.until] > _ORDER[job.status]), None)
        delay = sum(rule.seconds for rule in rules if rule.do == "delay")
        entry = self._entry(job)
        for _ in range(_copies(rules)):
            self._store.save(
                QueuedEvent(
                    arn=new_id(),
                    name=job.arn,
                    entry=entry,
                    status=job.status,
                    due=None if held else now() + timedelta(seconds=delay),
                    after=held,
                )
            )
        self._changed.set()

    def start(self) -> None:
        """Begin to send, what a former process left included."""
        self._thread.start()

    def close(self) -> None:
        """Stop sending; what has not left stays in the outbox."""
        self._closing = True
        self._changed.set()
        self._thread.join(timeout=10)

    def _entry(self, job: Job) -> dict[str, Any]:
        return {
            "Source": self._settings.event_source,
            "DetailType": DETAIL_TYPE,
            "Resources": [job.arn],
            "Detail": json.dumps(_detail(job)),
        }

    def _run(self) -> None:
        while not self._closing:
            self._changed.clear()
            try:
                wait = self._send_due()
            except Exception:
                log.exception("bug in the sending of events")
                wait = _RETRY_SECONDS
            self._changed.wait(wait)

    def _send_due(self) -> float | None:
        """Send what is due, in order; returns the seconds until there may be more, None for not before a change."""
        waiting = [event for event in self._store.all(QueuedEvent) if event.due is not None]
        for event in sorted(waiting, key=_due):
            left = (_due(event) - now()).total_seconds()
            if left > 0:
                return left
            if self._closing:
                return None
            if not self._send(event):
                return _RETRY_SECONDS
        return None

    def _send(self, event: QueuedEvent) -> bool:
        try:
            if self._client is None:
                keys = aws.session(self._settings.access_key, self._settings.secret_key, self._settings.region)
                self._client = aws.client(keys, "events", self._settings.aws_endpoint, attempts=1)
            answer = self._client.put_events(Entries=[event.entry])
        except (BotoCoreError, ClientError) as error:
            if event.attempts + 1 < _ATTEMPTS:
                self._store.save(event.model_copy(update={"attempts": event.attempts + 1}))
                return False
            log.error("event lost job=%s status=%s error=%s", event.name, event.status, type(error).__name__)
        else:
            failed = answer["Entries"][0].get("ErrorCode") if answer.get("FailedEntryCount") else None
            log.info("event job=%s status=%s error=%s", event.name, event.status, failed or "-")
        with self._store.transaction():
            self._store.delete(event)
            for held in self._store.all(QueuedEvent):
                if held.name == event.name and held.due is None and held.after == event.status:
                    self._store.save(held.model_copy(update={"due": now()}))
        self._changed.set()
        return True


def _due(event: QueuedEvent) -> datetime:
    return event.due or event.created


def _copies(rules: Sequence[EventFault]) -> int:
    return max((rule.copies for rule in rules if rule.do == "repeat"), default=1)


def _detail(job: Job) -> dict[str, Any]:
    validators = job.request.get("validationDataConfig", {}).get("validators", [])
    return {
        "version": "0.0",
        "jobName": job.name,
        "jobArn": job.arn,
        "outputModelName": job.model_name,
        "outputModelArn": job.model_arn or "",
        "roleArn": job.request["roleArn"],
        "jobStatus": job.status,
        "failureMessage": job.failure_message or "",
        "creationTime": _text(job.created),
        "lastModifiedTime": _text(job.modified),
        "endTime": _text(job.ended) if job.ended else "",
        "baseModelArn": job.base_model_arn,
        "hyperParameters": {},
        "trainingDataConfig": job.request["trainingDataConfig"],
        "validationDataConfig": {"s3Uri": validators[0]["s3Uri"]} if validators else {},
        "outputDataConfig": job.request["outputDataConfig"],
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
