"""Clients of the AWS that runs beside the stand-in."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def session(access_key: str, secret_key: str, region: str) -> boto3.Session:
    """A session that knows these keys and no profile, whatever the environment holds."""
    return boto3.Session(aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region)


def client(of: boto3.Session, service: str, endpoint: str, *, read_timeout: float = 30, attempts: int = 2) -> Any:
    """A client at ``endpoint``. ``read_timeout`` is seconds; ``attempts`` counts the first."""
    config = Config(
        connect_timeout=3,
        read_timeout=read_timeout,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
    make: Any = of.client
    return make(service, endpoint_url=endpoint, config=config)
