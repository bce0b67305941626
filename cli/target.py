"""Which deployed application a command talks to: the stand-in AWS of this machine, or a stack in AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import get_environ_proxies

from cli.client import ApiClient
from cli.faults import ApiUnreachable, TargetMissing, UsageFault
from cli.log_upload import THREADS as UPLOAD_THREADS
from local.cloud import default_root

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_STACK = "rft"
_OUTPUTS = {
    "api_url": "ApiUrl",
    "bucket": "DataBucketName",
    "topic_arn": "TopicArn",
    "state_machine_arn": "StateMachineArn",
}
_LOCAL_KEYS = "test"  # the account root of the stand-in AWS, as ministack has it


class Place(StrEnum):
    LOCAL = "local"
    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Target:
    """A deployed application, and a session that may use it. ``endpoints`` is empty for AWS."""

    place: Place
    stack: str
    region: str
    api_url: str
    bucket: str
    topic_arn: str
    state_machine_arn: str
    session: boto3.Session
    endpoint: str | None = None
    flags: str = ""

    @classmethod
    def resolve(cls, place: Place, *, stack: str | None, profile: str | None, region: str | None) -> Self:
        """Raises ``TargetMissing`` when no such application is there, ``UsageFault`` for options that don't fit."""
        if place is Place.AWS:
            return cls._in_aws(stack or DEFAULT_STACK, profile, region)
        if profile is not None or region is not None:
            raise UsageFault("--profile and --region go with --target aws; the local cloud has neither.")
        return cls._on_this_machine(stack)

    @classmethod
    def from_cloud(cls, info: Mapping[str, Any]) -> Self:
        """The local cloud that ``info`` describes: what ``rft up --detach --json`` prints."""
        session = boto3.Session(
            aws_access_key_id=_LOCAL_KEYS, aws_secret_access_key=_LOCAL_KEYS, region_name=info["region"]
        )
        return cls(
            place=Place.LOCAL,
            stack=info["stack"],
            region=info["region"],
            endpoint=info["endpoint"],
            session=session,
            **{name: info[name] for name in _OUTPUTS},
        )

    @classmethod
    def _on_this_machine(cls, stack: str | None) -> Self:
        try:
            info = json.loads((default_root() / "cloud.json").read_text())
        except FileNotFoundError:
            raise TargetMissing(
                "No local cloud is running.",
                hint="Start one with: rft up --detach   (or talk to AWS with --target aws)",
            ) from None
        if stack is not None and stack != info["stack"]:
            raise TargetMissing(f"The local cloud runs the stack {info['stack']!r}, not {stack!r}.")
        return cls.from_cloud(info)

    @classmethod
    def _in_aws(cls, stack: str, profile: str | None, region: str | None) -> Self:
        session = boto3.Session(profile_name=profile, region_name=region)
        if session.region_name is None:
            raise TargetMissing("No AWS region is set.", hint="Give --region, or set AWS_REGION.")
        outputs = _stack_outputs(session, stack)
        missing = [output for output in _OUTPUTS.values() if output not in outputs]
        if missing:
            raise TargetMissing(
                f"The stack {stack!r} in {session.region_name} has no output {', '.join(missing)}: "
                "it is not this application, or an older one."
            )
        options = {"--target": "aws", "--stack": stack, "--profile": profile, "--region": region}
        given = {name: value for name, value in options.items() if value is not None}
        if stack == DEFAULT_STACK:
            del given["--stack"]
        return cls(
            place=Place.AWS,
            stack=stack,
            region=session.region_name,
            session=session,
            flags="".join(f" {name} {value}" for name, value in given.items()),
            **{name: outputs[output] for name, output in _OUTPUTS.items()},
        )

    @property
    def poll_seconds(self) -> float:
        return 1.0 if self.place is Place.LOCAL else 8.0

    @property
    def client_options(self) -> dict[str, Any]:
        """What ``session.client`` needs to reach this target; a proxy never stands before the loopback."""
        if self.endpoint is None:
            return {"config": Config(max_pool_connections=UPLOAD_THREADS)}
        config = Config(max_pool_connections=UPLOAD_THREADS, proxies={})
        return {"endpoint_url": self.endpoint, "config": config}

    def api(self) -> ApiClient:
        credentials = self.session.get_credentials()
        if credentials is None:
            raise TargetMissing("No AWS credentials were found.", hint="Give --profile, or run: aws configure")
        if self.place is Place.LOCAL:
            return ApiClient(self.api_url, credentials, self.region, attempts=3, proxies={})
        return ApiClient(self.api_url, credentials, self.region, proxies=get_environ_proxies(self.api_url))

    def is_gone(self) -> ApiUnreachable:
        """The fault of a local cloud that no longer answers."""
        return ApiUnreachable(
            f"The local cloud does not answer at {self.endpoint}: it has probably died.",
            hint=f"Start a new one with: rft up --detach   (the old one's logs: {default_root() / 'logs'})",
        )

    def command(self, command: str) -> str:
        """A next command, with the options that lead to this same target."""
        return f"rft {command}{self.flags}"


def s3_of(place: Place, *, stack: str | None, profile: str | None, region: str | None) -> S3Client:
    """A client for any object that the credentials reach. In AWS that takes no stack; one named has to be there.

    Raises as ``Target.resolve`` does.
    """
    if place is Place.AWS and stack is None:
        session = boto3.Session(profile_name=profile, region_name=region)
        return session.client("s3", config=Config(max_pool_connections=UPLOAD_THREADS))
    there = Target.resolve(place, stack=stack, profile=profile, region=region)
    return there.session.client("s3", **there.client_options)


def _stack_outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    try:
        stacks = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as refused:
        if "does not exist" not in str(refused):
            raise
        raise TargetMissing(
            f"There is no stack {stack!r} in {session.region_name}.",
            hint="Deploy it with: sam build && sam deploy   (or name another with --stack)",
        ) from None
    return {
        output["OutputKey"]: output["OutputValue"]
        for output in stacks[0].get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }
