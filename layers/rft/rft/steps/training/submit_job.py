"""SubmitJob: ask Bedrock for the training job, once."""

from __future__ import annotations

import json
from typing import Any

from rft.aws import bedrock, objects
from rft.aws.clients import client
from rft.aws.clock import now
from rft.aws.request_ids import request_ids
from rft.errors import RunStopped
from rft.run.job import job_request
from rft.run.status import Status
from rft.steps.pipeline import Pipeline


def submit_job(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises ``JobQuotaFull`` while the account has no place for the job, ``JobRefused`` where it never will."""
    environment = pipeline.environment
    run = pipeline.begin(run_id, Status.QUEUED)
    request = job_request(
        run,
        bucket=environment.bucket,
        role_arn=environment.bedrock_role_arn,
        stack=environment.stack_name,
        model_key_arn=environment.model_key_arn,
        network=environment.job_network,
    )
    objects.put(
        client("s3"),
        environment.bucket,
        f"{run.folder}job-request.json",
        json.dumps(request, indent=2).encode(),
        "application/json",
    )
    with request_ids(client("bedrock")) as requests:
        job_arn = bedrock.create_job(client("bedrock"), request)
    detail = {"job_arn": job_arn, "job_status": "InProgress", "requests": requests}
    known = pipeline.store.record(run_id, "job", detail, job_arn=job_arn, job_submitted_at=now())
    if not known or pipeline.store.get(run_id).stop_requested:
        # The run was stopped or aborted while Bedrock took the job: nobody else knows of this job, so stop it here.
        bedrock.stop_job(client("bedrock"), job_arn)
        raise RunStopped("the run was stopped while its job was submitted; the job was stopped as well")
    pipeline.begin(run_id, Status.TRAINING)
    return {"run_id": run_id, "job_arn": job_arn}
