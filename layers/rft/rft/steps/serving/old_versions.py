"""Old versions of a model: so many stay beside the live one, older custom models are deleted."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from rft.aws import bedrock
from rft.aws.clients import client, error_code
from rft.aws.clock import now
from rft.errors import BedrockBusy
from rft.run.record import Run
from rft.steps.pipeline import Pipeline

_A_PAGE = 50


def delete_old_versions(pipeline: Pipeline, run: Run, live_run_id: str | None) -> list[str]:
    """At the end of ``run``, whose own model stays in any case. The records of what is deleted stay too.

    What can't be deleted now is tried again at the end of the model's next run; of what Bedrock refuses for another
    reason than that it is busy, a person is told.
    """
    told = []
    old = [version for version in _versions(pipeline, run) if version.run_id != live_run_id]
    for version in old[pipeline.environment.kept_versions :]:
        if version.run_id == run.run_id:
            continue
        arn = str(version.custom_model_arn)
        try:
            bedrock.delete_model(client("bedrock"), arn)
        except BedrockBusy:
            continue
        except ClientError as error:
            told.append(
                f"the old version {version.run_id} could not be deleted ({error_code(error)}): its custom model {arn} "
                "may cost money, please delete it by hand"
            )
            continue
        detail = {"custom_model_arn": arn, "because_of": run.run_id}
        pipeline.store.append(version.run_id, "custom_model_deleted", detail, custom_model_deleted_at=now())
    return told


def _versions(pipeline: Pipeline, run: Run) -> Iterator[Run]:
    """Versions that are still there, the newest first. What a run is still at work on is none of the old ones."""
    token: str | None = None
    while True:
        page = pipeline.store.runs(model=run.model, status=None, limit=_A_PAGE, token=token)
        for found in map(Run.from_json, page.items):
            if found.custom_model_arn is None or found.custom_model_deleted_at is not None:
                continue
            if found.status.is_terminal or found.run_id == run.run_id:
                yield found
        if (token := page.next_token) is None:
            return
