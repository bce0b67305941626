"""The training job that a run asks Bedrock for, and what Bedrock's answers mean for the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from rft.run.log_source import LogSource
from rft.run.record import Run

_HYPERPARAMETER_NAMES = {
    "epoch_count": "epochCount",
    "batch_size": "batchSize",
    "learning_rate": "learningRate",
    "max_prompt_length": "maxPromptLength",
    "training_sample_per_prompt": "trainingSamplePerPrompt",
    "inference_max_tokens": "inferenceMaxTokens",
    "reasoning_effort": "reasoningEffort",
    "eval_interval": "evalInterval",
}
_FLOATS = frozenset({"learning_rate"})


def hyperparameter_names() -> tuple[str, ...]:
    """All that a request may set, by the request's names."""
    return tuple(_HYPERPARAMETER_NAMES)


def output_uri(run: Run, bucket: str) -> str:
    return f"s3://{bucket}/{run.folder}output/"


@dataclass(frozen=True, slots=True)
class JobNetwork:
    """Where a job reaches the bucket from: an interface in each of the subnets (1 to 16), of these groups (1 to 5)."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]

    def config(self) -> dict[str, list[str]]:
        return {"subnetIds": list(self.subnet_ids), "securityGroupIds": list(self.security_group_ids)}


def job_request(
    run: Run, *, bucket: str, role_arn: str, stack: str, model_key_arn: str, network: JobNetwork | None = None
) -> dict[str, Any]:
    """The whole CreateModelCustomizationJob request of a run: the same run always gives the same request.

    Names and token are the run's id, so that a repeated call finds the first one's job and pays nothing twice. The KMS
    key ``model_key_arn`` encrypts the model that comes of it.
    """
    if run.dataset is None or run.base_model is None or run.grader_arn is None:
        raise ValueError(f"run {run.run_id} has no prepared dataset, base model or grader yet")
    request: dict[str, Any] = {
        "jobName": run.run_id,
        "customModelName": run.run_id,
        "roleArn": role_arn,
        "clientRequestToken": run.run_id,
        "baseModelIdentifier": run.base_model,
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "jobTags": (tags := resource_tags(run, stack)),
        "customModelTags": tags,
        "customModelKmsKeyId": model_key_arn,
        "trainingDataConfig": _training_data(run),
        "outputDataConfig": {"s3Uri": output_uri(run, bucket)},
        "customizationConfig": {
            "rftConfig": {
                "graderConfig": {"lambdaGrader": {"lambdaArn": run.grader_arn}},
                "hyperParameters": hyperparameters(run.request.get("hyperparameters", {})),
            }
        },
    }
    if run.dataset.get("validation_uri"):
        request["validationDataConfig"] = {"validators": [{"s3Uri": run.dataset["validation_uri"]}]}
    if network is not None:
        request["vpcConfig"] = network.config()
    return request


def _training_data(run: Run) -> dict[str, Any]:
    logs = LogSource.of(run.request)
    if logs is not None and logs.native:
        return {"invocationLogsConfig": logs.config()}
    return {"s3Uri": (run.dataset or {})["train_uri"]}


def hyperparameters(chosen: dict[str, Any]) -> dict[str, Any]:
    """In Bedrock's names and types: whole numbers stay integers, the learning rate is a float."""
    return {
        _HYPERPARAMETER_NAMES[name]: float(value) if name in _FLOATS else value
        for name, value in chosen.items()
        if value is not None
    }


def resource_tags(run: Run, stack: str) -> list[dict[str, str]]:
    """The user's tags and ours, in the form Bedrock's calls take; for cost allocation and for finding leftovers."""
    own = {"rft:run-id": run.run_id, "rft:model": run.model, "rft:stack": stack}
    return [{"key": key, "value": value} for key, value in (run.request.get("tags", {}) | own).items()]


class JobOutcome(Enum):
    RUNNING = auto()
    COMPLETED = auto()
    FAILED = auto()
    STOPPED = auto()


_OUTCOMES = {
    "InProgress": JobOutcome.RUNNING,
    "Stopping": JobOutcome.RUNNING,
    "Completed": JobOutcome.COMPLETED,
    "Failed": JobOutcome.FAILED,
    "Stopped": JobOutcome.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What GetModelCustomizationJob told: the fact, where an event is only a hint."""

    arn: str
    name: str
    status: str
    model_arn: str | None
    failure_message: str | None
    phases: dict[str, str] | None

    @property
    def outcome(self) -> JobOutcome:
        # A status that this version doesn't know is one to wait on: the deadline bounds it.
        return _OUTCOMES.get(self.status, JobOutcome.RUNNING)

    @property
    def can_be_stopped(self) -> bool:
        return self.status == "InProgress"

    @classmethod
    def from_answer(cls, answer: dict[str, Any]) -> Job:
        details = answer.get("statusDetails") or {}
        phases = {
            name.removesuffix("Details"): detail["status"] for name, detail in details.items() if detail.get("status")
        }
        return cls(
            arn=answer["jobArn"],
            name=answer["jobName"],
            status=answer["status"],
            model_arn=answer.get("outputModelArn") or None,
            failure_message=answer.get("failureMessage") or None,
            phases=phases or None,
        )
