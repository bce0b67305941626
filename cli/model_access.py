"""The models that a command may ask without a stack: those of the local cloud, if one runs, or of AWS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cli.faults import TargetMissing
from cli.target import Place, Target
from local.cloud import Cloud, default_root
from rft.aws.converse import CONNECT_SECONDS, READ_SECONDS
from rft.run.identity import run_folder, run_id
from rft.steps.gate.base_answers import WORKERS

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

BASE_MODELS = {Place.LOCAL: "amazon.nova-2-lite-v1:0", Place.AWS: "us.amazon.nova-2-lite-v1:0"}
"""The base model of a stack's default, as Converse is asked for it: in AWS by an inference profile."""


def runtime_of(
    place: Place, *, stack: str | None, profile: str | None, region: str | None
) -> BedrockRuntimeClient | None:
    """None where no local cloud runs. Raises ``UsageFault`` and ``TargetMissing`` as ``Target.resolve`` does."""
    if place is Place.AWS:
        session = boto3.Session(profile_name=profile, region_name=region)
        if session.region_name is None:
            raise TargetMissing("No AWS region is set.", hint="Give --region, or set AWS_REGION.")
        return session.client("bedrock-runtime", config=_config())
    cloud = Cloud.attach(default_root())
    try:
        there = Target.resolve(place, stack=stack, profile=profile, region=region)
    except TargetMissing:
        return None
    if cloud is None:
        return None
    config = _config().merge(Config(proxies={}))
    return there.session.client("bedrock-runtime", endpoint_url=cloud.info.bedrock_endpoint, config=config)


def show_to_stand_in(there: Target, records: Iterable[Mapping[str, Any]]) -> None:
    """Put a dataset where the stand-in's base model learns its words from: it knows none before, and no others."""
    body = "".join(json.dumps(record) + "\n" for record in records).encode()
    folder = run_folder(run_id("check", hashlib.sha256(body).hexdigest()))
    s3 = there.session.client("s3", **there.client_options)
    s3.put_object(Bucket=there.bucket, Key=f"{folder}dataset/train.jsonl", Body=body)


def _config() -> Config:
    # Whoever asks a model tries again itself, and knows how often.
    return Config(
        retries={"total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=WORKERS,
    )
