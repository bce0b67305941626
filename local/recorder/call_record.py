"""One JSON line for each call to AWS: who made it, which operation, and the names of what it is about. Never a body.

Runs inside functions and therefore imports next to nothing. A line is one ``write`` to a file opened for appending, so
that processes of one function that run side by side don't mix their lines.
"""

from __future__ import annotations

import json
import os
from typing import Any

# Parameters that identify a resource, or that a policy's conditions may look at. Of all others nothing is kept.
_NAMES = """
    Bucket Key Prefix Delimiter VersionId CopySource UploadId ServerSideEncryption SSEKMSKeyId BucketKeyEnabled Tagging
    ExpectedBucketOwner TableName IndexName TopicArn TargetArn QueueUrl FunctionName Qualifier InvocationType
    stateMachineArn executionArn mapRunArn modelId modelIdentifier modelArn desiredModelId baseModelIdentifier
    jobIdentifier jobName customModelName modelDeploymentName provisionedModelName customModelDeploymentIdentifier
    provisionedModelId roleArn RoleArn customModelKmsKeyId KeyId lambdaArn s3Uri subnetIds securityGroupIds SubnetIds
    GroupIds VpcIds DhcpOptionsIds SubnetId resourceARN resourceArn ResourceArn ResourceARN tags jobTags customModelTags
    Tags tagKeys TagKeys Name Names Path EventBusName Source DetailType Namespace StackName
    RuleName AlarmNames logGroupName secretId SecretId modelInferenceProfile guardrailIdentifier
"""
NAMES = frozenset(_NAMES.split())
# Where such names may stand further down.
_BRANCH_NAMES = """
    TransactItems Put Update Delete Get ConditionCheck RequestItems Objects Entries vpcConfig trainingDataConfig
    validationDataConfig outputDataConfig validators invocationLogsConfig invocationLogSource customizationConfig
    rftConfig graderConfig lambdaGrader Filters guardrailConfig
"""
_BRANCHES = frozenset(_BRANCH_NAMES.split())
_LONGEST = 2048  # characters of a name; an S3 key has at most 1,024


def identifying(parameters: Any) -> Any:
    """What of a call's parameters may be kept, in its place."""
    if isinstance(parameters, list | tuple):
        return [kept for item in parameters if (kept := identifying(item)) not in ({}, None)]
    if not isinstance(parameters, dict):
        return None
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if name == "RequestItems" and isinstance(value, dict):  # BatchGetItem, BatchWriteItem: the keys are tables
            found[name] = {table: {} for table in value}
        elif name in _BRANCHES and isinstance(value, dict | list | tuple):
            if kept := identifying(value):
                found[name] = kept
        elif name in NAMES and (kept := _plain(value)) is not None:
            found[name] = kept
    return found


def _plain(value: Any) -> Any:
    """A name, a list of names, or tags: a key of DynamoDB, which is a dict of values, is none of them."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return [item[:_LONGEST] for item in value]
        if all(isinstance(item, dict) and {name.lower() for name in item} == {"key", "value"} for item in value):
            return [dict(item) for item in value]
    if isinstance(value, dict) and set(value) <= {"Bucket", "Key", "VersionId"} and "Bucket" in value:  # a CopySource
        return dict(value)
    return None


class Recorder:
    """Appends lines to ``<folder>/<file>.jsonl`` (None: the function's name); ``more`` goes into each."""

    def __init__(self, folder: str, function: str, file: str | None = None, **more: str) -> None:
        self._path = os.path.join(folder, f"{file or function}.jsonl")  # noqa: PTH118  # pathlib costs a cold start
        self._head = {"function": function, **more}

    def register(self, events: Any) -> None:
        """Listen to every call of a botocore session's clients. One that AWS refused has an ``error``."""
        events.register("before-parameter-build", self._asked)
        events.register("after-call", self._answered)
        events.register("after-call-error", self._unanswered)

    def _asked(self, params: Any, context: Any, **_: Any) -> None:
        context[self] = identifying(params)

    def _answered(self, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200)
        error = parsed.get("Error", {}).get("Code", str(status)) if status >= 300 else None
        self.write(model.service_model.service_name, model.name, context.pop(self, {}), error)

    def _unanswered(self, exception: Any, context: Any, event_name: str, **_: Any) -> None:
        service, operation = event_name.split(".")[1:]
        self.write(service, operation, context.pop(self, {}), type(exception).__name__)

    def write(self, service: str, operation: str, parameters: Any, error: str | None = None) -> None:
        """One line."""
        line: dict[str, Any] = {**self._head, "service": service, "operation": operation, "parameters": parameters}
        if error:
            line["error"] = error
        data = json.dumps(line).encode() + b"\n"
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, data)
        finally:
            os.close(file)
