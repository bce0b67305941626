"""Calls of S3 and DynamoDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tests.iam.calls.place import Need, Parameters, Place

Table = dict[str, Callable[[Parameters, Place], Iterator[Need]]]
_DECRYPT = ("kms:Decrypt",)
_ENCRYPT = ("kms:GenerateDataKey",)
# "To perform a multipart upload with encryption by a KMS key, the requester must have permission to the
# kms:GenerateDataKey and kms:Decrypt actions": parts that are there are read to be put together.
_MULTIPART = ("kms:GenerateDataKey", "kms:Decrypt")


def _bucket(given: Parameters, place: Place) -> str:
    return f"arn:{place.partition}:s3:::{given['Bucket']}"


def _on_object(action: str, given: Parameters, place: Place, keys: tuple[str, ...] = ()) -> Iterator[Need]:
    bucket = _bucket(given, place)
    yield Need(action, f"{bucket}/{given['Key']}", _owner(place))
    # With bucket keys, as here, what is encrypted is the bucket's key: the context names the bucket.
    yield from place.key(bucket, "s3", keys, s3__arn=bucket)


def _owner(place: Place) -> dict[str, str | tuple[str, ...]]:
    return {"aws:ResourceAccount": place.account, "s3:ResourceAccount": place.account}


def _read(given: Parameters, place: Place) -> Iterator[Need]:
    yield from _on_object("s3:GetObjectVersion" if "VersionId" in given else "s3:GetObject", given, place, _DECRYPT)


def _written(given: Parameters, place: Place, keys: tuple[str, ...] = _ENCRYPT) -> Iterator[Need]:
    headers = {
        "s3:x-amz-server-side-encryption": given.get("ServerSideEncryption"),
        "s3:x-amz-server-side-encryption-aws-kms-key-id": given.get("SSEKMSKeyId"),
    }
    said: dict[str, str | tuple[str, ...]] = {name: value for name, value in headers.items() if value}
    for need in _on_object("s3:PutObject", given, place, keys):
        yield Need(need.action, need.resource, {**need.context, **said}) if need.action == "s3:PutObject" else need
    if "Tagging" in given:
        yield from _on_object("s3:PutObjectTagging", given, place)


def _listed(action: str, given: Parameters, place: Place) -> Iterator[Need]:
    prefix: dict[str, str] = {"s3:prefix": given["Prefix"]} if "Prefix" in given else {}
    yield Need(action, _bucket(given, place), {**_owner(place), **prefix})


def _copied(given: Parameters, place: Place) -> Iterator[Need]:
    source = given["CopySource"]
    if isinstance(source, str):
        bucket, _, key = source.removeprefix("/").partition("?")[0].partition("/")
        version = {"VersionId": source.partition("versionId=")[2]} if "versionId=" in source else {}
        source = {"Bucket": bucket, "Key": key} | version
    yield from _read(source, place)
    yield from _written(given, place)


def _deleted(given: Parameters, place: Place) -> Iterator[Need]:
    yield from _on_object("s3:DeleteObjectVersion" if "VersionId" in given else "s3:DeleteObject", given, place)


def absent(given: Parameters, place: Place) -> Iterator[Need]:
    """What a read takes to be told that an object isn't there, and not that it is forbidden: no prefix is in it."""
    yield Need("s3:ListBucket", _bucket(given, place), _owner(place))


S3: Table = {
    "AbortMultipartUpload": partial(_on_object, "s3:AbortMultipartUpload"),
    "CompleteMultipartUpload": partial(_written, keys=_MULTIPART),
    "CopyObject": _copied,
    "CreateMultipartUpload": partial(_written, keys=_MULTIPART),
    "DeleteObject": _deleted,
    "GetObject": _read,
    "HeadBucket": partial(_listed, "s3:ListBucket"),
    "HeadObject": _read,
    "ListObjects": partial(_listed, "s3:ListBucket"),
    "ListObjectsV2": partial(_listed, "s3:ListBucket"),
    "ListObjectVersions": partial(_listed, "s3:ListBucketVersions"),
    "PutObject": _written,
    "UploadPart": partial(_written, keys=_MULTIPART),
}


def _on_table(action: str, given: Parameters, place: Place) -> Iterator[Need]:
    name = given["TableName"]
    table = name if name.startswith("arn:") else place.arn("dynamodb", f"table/{name}")
    yield Need(action, f"{table}/index/{given['IndexName']}" if given.get("IndexName") else table)
    # DynamoDB keeps the table's key for each caller for minutes, and asks again after that.
    yield from place.key(
        table, "dynamodb", _DECRYPT, dynamodb__tableName=table.rpartition("/")[2], dynamodb__subscriberId=place.account
    )


_WRITES = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


def _transacted(given: Parameters, place: Place) -> Iterator[Need]:
    """A transaction has no right of its own: each of its writes takes its own."""
    for item in given["TransactItems"]:
        for kind, one in item.items():
            yield from _on_table(_WRITES[kind], one, place)


DYNAMODB: Table = {
    name: partial(_on_table, f"dynamodb:{name}")
    for name in ("DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
} | {"TransactWriteItems": _transacted}
