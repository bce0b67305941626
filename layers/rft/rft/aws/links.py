"""Links to objects of the bucket that a browser can open for a while. Whoever has one may read the object."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from rft.aws.objects import split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def link(uri: str, *, content_type: str, file_name: str, seconds: int) -> str:
    """To the object as it is then, shown in place; ``file_name`` is what it is saved by."""
    bucket, key = split_uri(uri)
    asked = {
        "Bucket": bucket,
        "Key": key,
        "ResponseContentType": content_type,
        "ResponseContentDisposition": f'inline; filename="{file_name}"',
        "ResponseCacheControl": "private, no-store",
    }
    return _signer().generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds)


@cache
def _signer() -> S3Client:
    # By themselves links of boto3 are signed the old way, which S3 refuses where KMS encrypts, and name the one host
    # for all regions, which leads nowhere for a bucket that is new in its own.
    return boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
