"""Invocation logs as training data (``invocationLogsConfig``), read with the job's own role.

How Bedrock converts them is not published: here it is the pipeline's own conversion.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.bedrock.training.dataset import FEWEST, MOST
from local.bedrock.training.failure import JobFailed
from rft.invocation_logs import (
    MAX_BODY_BYTES,
    BodyUnavailable,
    ConversionCounts,
    LogConversion,
    LogOptions,
    MetadataFilter,
    ObjectKind,
    assemble,
    object_kind,
    write_shard_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.bedrock.training.access import Role
    from local.bedrock.training.dataset import DatasetRecord

_CHUNK_BYTES = 262_144
_GONE = ("NoSuchKey", "404")


def read(role: Role, config: dict[str, Any]) -> list[DatasetRecord]:
    """The records that the logs give. Raises ``JobFailed`` where they give too few, or nothing to learn from."""
    if not config.get("usePromptResponse"):
        raise JobFailed(
            "invocationLogsConfig has no usePromptResponse: the local stand-in learns the words of answers from "
            "reference answers, and without it logs give none. Bedrock itself asks for no references."
        )
    source = _Source(role, config["invocationLogSource"]["s3Uri"])
    filters = config.get("requestMetadataFilters")
    options = LogOptions(
        metadata_filter=MetadataFilter.parse(filters) if filters else None,
        use_prompt_response=True,
    )
    conversion = LogConversion(options, source.body)
    shard = [
        write_shard_line(candidate)
        for key in source.logs()
        for candidate in conversion.convert(key, source.chunks(key))
    ]
    chosen = assemble(lambda: [shard], MOST)
    chosen.settle(conversion.counts)
    if chosen.chosen < FEWEST:
        raise JobFailed(
            f"The invocation logs under {source.uri} give {chosen.chosen} training prompts; "
            f"from {FEWEST} to {MOST} are allowed. {_account(conversion.counts)}"
        )
    return [json.loads(line) for line in chosen.lines()]


def _account(counts: ConversionCounts) -> str:
    left_out = ", ".join(f"{reason} {count}" for reason, count in (counts.skipped + counts.failed).most_common())
    return f"Of {counts.records} records were left out: {left_out or 'none'}."


class _Source:
    """The objects below one prefix."""

    def __init__(self, role: Role, uri: str) -> None:
        self.uri = uri
        self._role = role
        self._s3 = role.client("s3", read_timeout=60)
        self._bucket, _, self._prefix = uri.removeprefix("s3://").partition("/")
        self._folder = ""

    def logs(self) -> Iterator[str]:
        """The keys of the objects that hold records."""
        found = 0
        with self._role.doing("s3:ListBucket", self.uri):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for entry in (entry for page in pages for entry in page.get("Contents", [])):
                if object_kind(entry["Key"], entry["Size"]) is ObjectKind.LOG:
                    found += 1
                    yield entry["Key"]
        if not found:
            raise JobFailed(f"There are no invocation logs under {self.uri}.")

    def chunks(self, key: str) -> Iterator[bytes]:
        head, slash, _ = key.rpartition("/")
        self._folder = head + slash
        with self._role.doing("s3:GetObject", f"s3://{self._bucket}/{key}"):
            yield from self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES)

    def body(self, uri: str) -> bytes:
        """An offloaded body, where the record says, or beside its log for logs that were copied."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        beside = f"{self._folder}data/{key.rpartition('/')[2]}"
        for place in dict.fromkeys([*([key] if bucket == self._bucket else []), beside]):
            with self._role.doing("s3:GetObject", f"s3://{self._bucket}/{place}"):
                try:
                    data: bytes = self._s3.get_object(Bucket=self._bucket, Key=place)["Body"].read(MAX_BODY_BYTES + 1)
                except ClientError as error:
                    if error.response.get("Error", {}).get("Code") not in _GONE:
                        raise
                    continue
                return data
        raise BodyUnavailable("there is no such object")
