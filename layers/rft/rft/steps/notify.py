"""The message at the end of a run: one that a person understands on a phone."""

from __future__ import annotations

import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rft.aws import messages
from rft.aws.clients import client, error_code
from rft.aws.clock import now
from rft.errors import NotificationPending
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.pipeline import Pipeline

_MAX_MESSAGE = 4_000
_ATTEMPTS = 6  # as many as the state machine's Retry of Notify allows
_STALE_SECONDS = 60.0  # whoever claimed the message that long ago has died
_LOOKS, _LOOK_PAUSE = 10, 0.3

_HEADLINES = {
    Status.PROMOTED: "the trained model is deployed",
    Status.KEPT: "trained, not deployed, as asked",
    Status.REJECTED: "refused before training was paid for",
    Status.STOPPED: "stopped as asked",
    Status.FAILED: "see the reason",
}


def notify(pipeline: Pipeline, run_id: str, *, attempt: int = 0) -> dict[str, str]:
    """Tell the topic how the run ended: once, whoever else is at it.

    A run that comes here unended has gone the whole way: it ends as promoted, or as kept where nothing was deployed.
    A topic that can't be reached never changes how the run ended: after ``_ATTEMPTS`` (counted from 0 by the state
    machine) the failure is put on record instead of raised.
    """
    run = pipeline.store.get(run_id)
    if not run.status.is_terminal:
        run = pipeline.end(run_id, Status.PROMOTED if run.deployment_arn else Status.KEPT)
    if run.notified_at is None and _is_ours_to_send(pipeline, run_id):
        try:
            _send(pipeline, run)
        except (ClientError, BotoCoreError) as error:
            pipeline.store.release_message(run_id)
            pipeline.store.append(run_id, "notification_failed", {"error": error_code(error)})
            if attempt < _ATTEMPTS - 1:
                raise
    return {"run_id": run_id, "status": run.status, **_fault(run)}


def _is_ours_to_send(pipeline: Pipeline, run_id: str) -> bool:
    """False if somebody else has sent the message. Raises ``NotificationPending`` while they are at it."""
    for _ in range(_LOOKS):
        if pipeline.store.claim_message(run_id, at=now(), stale_before=now(seconds_ago=_STALE_SECONDS)):
            return True
        if pipeline.store.get(run_id).notified_at is not None:
            return False
        time.sleep(_LOOK_PAUSE)
    raise NotificationPending("somebody else is sending the message of this run")


def _send(pipeline: Pipeline, run: Run) -> None:
    environment = pipeline.environment
    message_id = messages.publish(
        client("sns"),
        environment.topic_arn,
        subject=f"[{environment.stack_name}] {run.model}: {run.status} - {_headline(run)}",
        text=compose(run, bucket=environment.bucket, region=environment.region),
        attributes={"run_id": run.run_id, "model": run.model, "status": run.status},
    )
    pipeline.store.append(run.run_id, "notified", {"message_id": message_id}, notified_at=now())


def _headline(run: Run) -> str:
    if run.status is Status.FAILED and run.reason:
        return str(run.reason.get("error"))
    return _HEADLINES[run.status]


def _fault(run: Run) -> dict[str, str]:
    reason = run.reason or {}
    return {"error": str(reason.get("error", "")), "cause": str(reason.get("message", ""))[:_MAX_MESSAGE]}


def compose(run: Run, *, bucket: str, region: str) -> str:
    """The text: status first, then why, then where to look, then what to do next."""
    reason = run.reason or {}
    lines = [f"{run.model}: {run.status} - {_headline(run)}", ""]
    if reason:
        lines += [f"{reason.get('error')}: {str(reason.get('message'))[:_MAX_MESSAGE]}", ""]
    dataset = run.dataset or {}
    facts = {
        "Run": run.run_id,
        "Status": run.status,
        "Deployment": run.deployment_arn if run.status is Status.PROMOTED else None,
        "Custom model": run.custom_model_arn,
        "Training job": run.job_arn,
        "Base model": run.base_model,
        "Logs": _logs_in_words(run.conversion),
        "Records": f"{dataset['train_records']} training, {dataset['validation_records']} validation"
        if "train_records" in dataset
        else None,
        "Gate": f"{run.gate['verdict']}, {run.gate['report_uri']}" if run.gate else None,
        "Details": reason.get("details_uri"),
        "Files": f"s3://{bucket}/{run.folder}",
        "Execution": f"https://{region}.console.aws.amazon.com/states/home?region={region}"
        f"#/v2/executions/details/{run.execution_arn}"
        if run.execution_arn
        else None,
    }
    lines += [f"{name + ':':14}{value}" for name, value in facts.items() if value]
    lines += ["", *(f"Note: {warning}" for warning in run.warnings), f"Next: {_next_command(run)}"]
    return "\n".join(lines) + "\n"


def _logs_in_words(conversion: dict[str, Any] | None) -> str | None:
    if conversion is None or "records" not in conversion:
        return None
    left_out = f"{sum(conversion['skipped'].values()):,} skipped, {sum(conversion['failed'].values()):,} failed"
    return f"{conversion['records']:,} records, {conversion['converted']:,} converted, {left_out}"


def _next_command(run: Run) -> str:
    if run.status is Status.PROMOTED:
        return (
            f"aws bedrock-runtime converse --model-id {run.deployment_arn} "
            """--messages '[{"role":"user","content":[{"text":"..."}]}]'"""
        )
    if run.reason and run.reason.get("error") == "GateClosed":
        return (
            f"aws s3 cp {run.reason['details_uri']} -   (what the gate saw, with advice), then mend the grader, the "
            'data or the budget; or say "gate": "warn" in the request'
        )
    if run.reason and run.reason.get("details_uri"):
        return f"aws s3 cp {run.reason['details_uri']} -   (every problem with its fix), then upload the corrected file"
    return f"rft show {run.run_id}"
