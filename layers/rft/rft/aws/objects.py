"""S3 objects: read as streams of a pinned version, written as streams of unknown length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from rft.aws.clients import error_code
from rft.errors import DatasetMissing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import TracebackType

    from mypy_boto3_s3 import S3Client

INTERMEDIATE = "rft-keep=days"
"""The tag of what nobody needs once the run has ended: the bucket's lifecycle removes it."""
CHUNK_BYTES = 262_144
_PART_BYTES = 8 * 1024 * 1024  # S3 takes parts of at least 5 MiB and at most 10,000 of them
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "403", "AccessDenied", "MethodNotAllowed"})


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@dataclass(frozen=True, slots=True)
class PinnedObject:
    """One version of one object: whatever is uploaded under the key meanwhile, this is what is read."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def pin(client: S3Client, uri: str, version_id: str | None) -> PinnedObject:
    """The newest version (or the one named), pinned by version id and ETag."""
    bucket, key = split_uri(uri)
    version: Any = {"VersionId": version_id} if version_id else {}
    try:
        head = client.head_object(Bucket=bucket, Key=key, **version)
    except ClientError as error:
        if error_code(error) in _MISSING | {"400"}:
            named = f" in version {version_id}" if version_id else ""
            raise DatasetMissing(f"there is no readable object {uri}{named}: upload it, then start the run") from None
        raise
    return PinnedObject(bucket, key, head.get("VersionId", version_id), head["ETag"], head["ContentLength"])


def chunks(client: S3Client, source: PinnedObject) -> Generator[bytes]:
    """The object's bytes. Large reads: botocore's own line iterator is slower than parsing JSON."""
    version: Any = {"VersionId": source.version_id} if source.version_id and source.version_id != "null" else {}
    try:
        body = client.get_object(Bucket=source.bucket, Key=source.key, IfMatch=source.etag, **version)["Body"]
    except ClientError as error:
        if error_code(error) in _MISSING | {"PreconditionFailed", "412"}:
            raise DatasetMissing(f"{source.uri} was changed or removed while it was read: start the run anew") from None
        raise
    with body:
        while chunk := body.read(CHUNK_BYTES):
            yield chunk


def found(client: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    """Key and size (bytes) of every object whose key begins with ``prefix``."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"], entry["Size"]


def listed(client: S3Client, uri: str) -> Iterator[PinnedObject]:
    """Every object below ``s3://bucket/prefix/`` as it is now, in the order of the keys."""
    bucket, prefix = split_uri(uri)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield PinnedObject(bucket, entry["Key"], None, entry["ETag"], entry["Size"])


def read(client: S3Client, bucket: str, key: str) -> bytes:
    """The whole of a small object, as it is now."""
    with client.get_object(Bucket=bucket, Key=key)["Body"] as body:
        return body.read()


def put(client: S3Client, bucket: str, key: str, body: bytes, content_type: str, *, tagging: str = "") -> str:
    client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, **_tags(tagging))
    return f"s3://{bucket}/{key}"


def _tags(tagging: str) -> Any:
    # Without tags no word of them: with one S3 wants the right to tag.
    return {"Tagging": tagging} if tagging else {}


class ObjectWriter:
    """Writes an object of unknown length with bounded memory; it appears when all of it is there, or not at all.

    ``with ObjectWriter(...) as writer: writer.write(...)``: an exception leaves no object and no paid-for parts.
    ``tagging`` is in the form of a query, as S3 takes it.
    """

    def __init__(self, client: S3Client, bucket: str, key: str, content_type: str, *, tagging: str = "") -> None:
        self._client = client
        self._tagging = tagging
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._etags: list[str] = []

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _PART_BYTES:
            self._send_part()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abort()
        elif self._upload_id is None:
            body = bytes(self._buffer)
            put(self._client, self._bucket, self._key, body, self._content_type, tagging=self._tagging)
        else:
            self._complete(self._upload_id)

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._key, ContentType=self._content_type, **_tags(self._tagging)
            )["UploadId"]
        answer = self._client.upload_part(
            Bucket=self._bucket,
            Key=self._key,
            UploadId=self._upload_id,
            PartNumber=len(self._etags) + 1,
            Body=bytes(self._buffer),
        )
        self._etags.append(answer["ETag"])
        self._buffer.clear()

    def _complete(self, upload_id: str) -> None:
        try:
            if self._buffer:
                self._send_part()
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=upload_id,
                MultipartUpload={
                    "Parts": [{"ETag": etag, "PartNumber": n} for n, etag in enumerate(self._etags, start=1)]
                },
            )
        except BaseException:
            self._abort()
            raise

    def _abort(self) -> None:
        if self._upload_id is not None:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
