"""The operations on model customization jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.bedrock.catalog import CUSTOMIZABLE
from local.bedrock.listing import page
from local.bedrock.protocol.errors import ConflictError, InvalidError, NotFoundError, QuotaError
from local.bedrock.records import CustomModel, Job, Phase, PhaseName, new_id
from local.bedrock.tokens import once

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.bedrock.catalog import Catalog
    from local.bedrock.job_states import JobStates
    from local.bedrock.keys import Keys
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.tagging import Tagging

# Bedrock's own defaults are not published; these are the values of the user guide's example.
DEFAULTS: dict[str, Any] = {
    "epochCount": 2,
    "batchSize": 64,
    "learningRate": 1e-5,
    "maxPromptLength": 4096,
    "trainingSamplePerPrompt": 4,
    "inferenceMaxTokens": 8192,
    "reasoningEffort": "high",
    "evalInterval": 10,
}
_MOST_AT_ONCE = 10  # quota "scheduled customization jobs", not adjustable
_PHASE_MEMBERS: dict[PhaseName, str] = {
    "validation": "validationDetails",
    "data_processing": "dataProcessingDetails",
    "training": "trainingDetails",
}


class Jobs:
    """Create, Get, Stop and List. ``wake`` tells the supervisor that there is something new."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        catalog: Catalog,
        states: JobStates,
        tagging: Tagging,
        keys: Keys,
        wake: Callable[[], None],
    ) -> None:
        self._store, self._settings, self._catalog, self._keys = store, settings, catalog, keys
        self._states, self._tagging, self._wake = states, tagging, wake

    def create(self, given: dict[str, Any]) -> dict[str, Any]:
        """CreateModelCustomizationJob."""
        key = given.get("customModelKmsKeyId")
        # Asked before the transaction, which all other calls wait for.
        key_arn = self._keys.usable(key) if key else None
        arn = once(
            self._store, "CreateModelCustomizationJob", given, lambda: self._created(given, key_arn), ConflictError
        )
        self._wake()
        return {"jobArn": arn}

    def get(self, given: dict[str, Any]) -> dict[str, Any]:
        """GetModelCustomizationJob."""
        job = self._job(given["jobIdentifier"])
        return {
            "jobArn": job.arn,
            "jobName": job.name,
            "outputModelName": job.model_name,
            "outputModelArn": job.model_arn,
            "clientRequestToken": job.request.get("clientRequestToken"),
            "roleArn": job.request["roleArn"],
            "status": job.status,
            "statusDetails": _phases(job),
            "failureMessage": job.failure_message,
            "creationTime": job.created,
            "lastModifiedTime": job.modified,
            "endTime": job.ended,
            "baseModelArn": job.base_model_arn,
            "outputModelKmsKeyArn": job.key_arn,
            "vpcConfig": job.request.get("vpcConfig"),
            **configuration(job),
        }

    def stop(self, given: dict[str, Any]) -> dict[str, Any]:
        """StopModelCustomizationJob."""
        with self._store.transaction():
            job = self._job(given["jobIdentifier"])
            if job.status != "InProgress":
                raise ConflictError(f"The job {job.name} is {job.status}; only a job InProgress can be stopped.")
            self._states.stopping(job)
        self._wake()
        return {}

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListModelCustomizationJobs."""
        status = given.get("statusEquals")
        jobs = [job for job in self._store.all(Job) if status in (None, job.status)]
        found, token = page(jobs, given)
        return {"modelCustomizationJobSummaries": [_summary(job) for job in found], "nextToken": token}

    def _job(self, identifier: str) -> Job:
        job = self._store.get(Job, identifier)
        if job is None:
            raise NotFoundError(f"There is no model customization job {identifier}")
        return job

    def _created(self, given: dict[str, Any], key_arn: str | None) -> str:
        base_model_arn = self._catalog.customizable(given["baseModelIdentifier"])
        if wrong := _unfit(given, self._settings.region):
            raise InvalidError("; ".join(wrong))
        self._refuse_names_in_use(given)
        at_once = sum(job.ended is None for job in self._store.all(Job))
        if at_once >= _MOST_AT_ONCE:
            raise QuotaError(f"There are {at_once} customization jobs in progress; {_MOST_AT_ONCE} is the most.")
        arn = self._settings.arn(f"model-customization-job/{CUSTOMIZABLE}/{new_id()}")
        self._tagging.attach(arn, given.get("jobTags", []))
        rft = given["customizationConfig"]["rftConfig"]
        filled = {**rft, "hyperParameters": DEFAULTS | rft.get("hyperParameters", {})}
        request = given | {"customizationConfig": {"rftConfig": filled}}
        self._states.created(
            Job(arn=arn, name=given["jobName"], request=request, base_model_arn=base_model_arn, key_arn=key_arn)
        )
        return arn

    def _refuse_names_in_use(self, given: dict[str, Any]) -> None:
        name, model_name = given["jobName"], given["customModelName"]
        if self._store.get(Job, name):
            raise ConflictError(f"The job name {name} is in use by another customization job.")
        coming = {job.model_name for job in self._store.all(Job) if job.ended is None}
        if model_name in coming or self._store.get(CustomModel, model_name):
            raise ConflictError(f"The custom model name {model_name} is in use.")


def _unfit(given: dict[str, Any], region: str) -> list[str]:
    """What the model's shapes allow and the service, or this stand-in for it, does not."""
    wrong = []
    if given.get("customizationType") != "REINFORCEMENT_FINE_TUNING":
        wrong.append("customizationType must be REINFORCEMENT_FINE_TUNING: the local stand-in trains nothing else")
    rft = given.get("customizationConfig", {}).get("rftConfig", {})
    grader = rft.get("graderConfig", {}).get("lambdaGrader", {}).get("lambdaArn")
    if grader is None:
        wrong.append("customizationConfig.rftConfig.graderConfig.lambdaGrader is required")
    elif grader.split(":")[3] != region:
        wrong.append(f"customizationConfig.rftConfig.graderConfig.lambdaGrader.lambdaArn must be in {region}")
    if given.get("hyperParameters"):
        wrong.append("hyperParameters must be in customizationConfig.rftConfig.hyperParameters for this type")
    data = given["trainingDataConfig"]
    if len(data) != 1:
        wrong.append("trainingDataConfig must have exactly one of s3Uri and invocationLogsConfig")
    for name in ("maxPromptLength", "inferenceMaxTokens"):
        if rft.get("hyperParameters", {}).get(name, 1) < 1:
            wrong.append(f"customizationConfig.rftConfig.hyperParameters.{name} must be at least 1")
    return wrong


def configuration(job: Job) -> dict[str, Any]:
    """The members about data and training that a job and its model both show."""
    return {
        "customizationType": job.request["customizationType"],
        "trainingDataConfig": job.request["trainingDataConfig"],
        "validationDataConfig": job.request.get("validationDataConfig", {"validators": []}),
        "outputDataConfig": job.request["outputDataConfig"],
        "customizationConfig": job.request["customizationConfig"],
    }


def _phases(job: Job) -> dict[str, Any]:
    return {member: _phase(job.phases[name]) for name, member in _PHASE_MEMBERS.items()}


def _phase(phase: Phase) -> dict[str, Any]:
    return {"status": phase.status, "creationTime": phase.created, "lastModifiedTime": phase.modified}


def _summary(job: Job) -> dict[str, Any]:
    return {
        "jobArn": job.arn,
        "baseModelArn": job.base_model_arn,
        "jobName": job.name,
        "status": job.status,
        "statusDetails": _phases(job),
        "lastModifiedTime": job.modified,
        "creationTime": job.created,
        "endTime": job.ended,
        "customModelArn": job.model_arn,
        "customModelName": job.model_name,
        "customizationType": job.request["customizationType"],
    }
