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
from local.bedrock.training.failure import JobFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}


class Role:
    """The job's service role. Credentials are renewed before they run out."""

    def __init__(self, arn: str, *, job_id: str, region: str, endpoint: str) -> None:
        self.arn = arn
        self._endpoint = endpoint
        self._session_name = f"model-customization-job-{job_id}"
        keys = aws.session(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], region)
        self._sts = aws.client(keys, "sts", endpoint)
        session = get_session()
        session.set_config_variable("region", region)
        credentials: Any = DeferredRefreshableCredentials(self._assume, "assume-role")
        session._credentials = credentials  # type: ignore[attr-defined]  # botocore has no public way
        self._session = boto3.Session(botocore_session=session)

    def client(self, service: str, **options: Any) -> Any:
        """A client that acts as the role."""
        return aws.client(self._session, service, self._endpoint, **options)

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
