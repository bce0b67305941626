"""What the job's role may do: every call to AWS is made with its credentials, and a refusal fails the job."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from local.bedrock import aws
from local.bedrock.authorization.checking import Credentials
from local.bedrock.protocol.errors import ServiceError
from local.bedrock.training.failure import JobFailed
from local.recorder.call_record import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from local.bedrock.authorization.checking import Authorizer, Need

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


class Role:
    """The job's service role. Credentials are renewed before they run out.

    ``authorizer`` decides of what Bedrock does as the role without a call that the AWS beside the stand-in would see;
    without one all of that is allowed. ``calls`` is a folder for a record of all that the role does.
    """

    def __init__(
        self,
        arn: str,
        *,
        job_id: str,
        region: str,
        endpoint: str,
        authorizer: Authorizer | None = None,
        emulator_key: str = "",
        calls: Path | None = None,
    ) -> None:
        self.arn, self.region = arn, region
        self._authorizer, self._emulator_key, self._vpc = authorizer, emulator_key, ""
        self._recorder = (
            Recorder(str(calls), f"role:{arn.rpartition('/')[2]}", file="bedrock-role", role=arn) if calls else None
        )
        self._endpoint = endpoint
        self._session_name = f"model-customization-job-{job_id}"
        keys = aws.session(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], region)
        self._sts = aws.client(keys, "sts", endpoint)
        session = get_session()
        session.set_config_variable("region", region)
        credentials: Any = DeferredRefreshableCredentials(self._assume, "assume-role")
        session._credentials = credentials  # type: ignore[attr-defined]  # botocore has no public way
        tell_vpc: Any = self._tell_vpc
        session.register("before-send", tell_vpc)
        if self._recorder:
            self._recorder.register(session)
        self._session = boto3.Session(botocore_session=session)

    def client(self, service: str, **options: Any) -> Any:
        """A client that acts as the role."""
        return aws.client(self._session, service, self._endpoint, **options)

    def come_from(self, vpc_id: str) -> None:
        """All further calls come from this VPC, as those of a job with a vpcConfig do."""
        self._vpc = vpc_id

    def may(self, needs: Sequence[Need]) -> None:
        """Raise ``JobFailed`` for the first right that the role lacks, of those that Bedrock uses in its name."""
        if self._recorder:
            for need in needs:
                parameters = {"resource": need.resource, "context": dict(need.context)}
                self._recorder.write("bedrock-service", need.action, parameters)
        if self._authorizer is None:
            return
        keys: Any = self._session.get_credentials()
        frozen = keys.get_frozen_credentials()
        try:
            refusal = self._authorizer.refusal(Credentials(frozen.access_key, frozen.token), needs)
        except ServiceError as error:
            raise JobFailed(f"The rights of the role {self.arn} can't be looked up: {error.code}.") from error
        if refusal is not None:
            raise JobFailed(f"{refusal}.")

    def _tell_vpc(self, request: Any, **_: Any) -> None:
        """Only the emulator of the stand-in asks for it, and believes it for the key's sake."""
        if self._vpc and self._emulator_key:
            request.headers["x-local-key"] = self._emulator_key
            request.headers["x-local-source-vpc"] = self._vpc

    @contextmanager
    def doing(self, action: str, resource: str) -> Iterator[None]:
        """Turn the errors of a call into a ``JobFailed`` that names the action, the resource and the role."""
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "Unknown")
            if code in _DENIED:
                raise JobFailed(
                    f"The role {self.arn} is not authorized to perform {action} on {resource} ({code})."
                ) from error
            raise JobFailed(f"{action} on {resource} failed: {code}.") from error
        except BotoCoreError as error:
            raise JobFailed(f"{action} on {resource} failed: {type(error).__name__}.") from error

    def _assume(self) -> dict[str, str]:
        with self.doing("sts:AssumeRole", self.arn):
            answer = self._sts.assume_role(RoleArn=self.arn, RoleSessionName=self._session_name)
        keys = answer["Credentials"]
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }


def bucket_and_key(uri: str) -> tuple[str, str]:
    """``s3://bucket/key`` in two parts; the key has no slash at either end."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.strip("/")
