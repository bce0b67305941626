"""One boto3 client a service and process, made when it is first needed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

# All tries of a call that hangs must end before the shortest function does (29 s), so that its error has a name.
# The pool is as wide as the widest user, who reads log objects by 24 threads.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=2,
    read_timeout=7,
    max_pool_connections=32,
)


@overload
def client(service: Literal["bedrock"]) -> BedrockClient: ...
@overload
def client(service: Literal["cloudwatch"]) -> CloudWatchClient: ...
@overload
def client(service: Literal["dynamodb"]) -> DynamoDBClient: ...
@overload
def client(service: Literal["events"]) -> EventBridgeClient: ...
@overload
def client(service: Literal["lambda"]) -> LambdaClient: ...
@overload
def client(service: Literal["s3"]) -> S3Client: ...
@overload
def client(service: Literal["sns"]) -> SNSClient: ...
@overload
def client(service: Literal["ssm"]) -> SSMClient: ...
@overload
def client(service: Literal["stepfunctions"]) -> SFNClient: ...
def client(service: str) -> Any:
    return _made(service)


@cache
def _made(service: str) -> Any:
    return boto3.client(service, config=_CONFIG)  # type: ignore[call-overload]


def lambda_client(read_timeout: float) -> LambdaClient:
    """For calls of functions, which may take up to ``read_timeout`` seconds; nothing is called twice."""
    patient = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=read_timeout)
    return boto3.client("lambda", config=patient)


def error_code(error: Exception) -> str:
    """AWS's own name of a ``ClientError``, such as ``ThrottlingException``."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", type(error).__name__))


def error_message(error: Exception) -> str:
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Message", error))
