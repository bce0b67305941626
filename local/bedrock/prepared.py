"""The datasets in S3, in any bucket: those that the pipeline has prepared, ``runs/<run_id>/dataset/train.jsonl``, and
those that users have put below ``datasets/`` and ``inbox/``.

Bedrock's base model can be asked before there is a job. The stand-in's knows no words until it has a dataset, so the
newest of them in S3 are looked up, with the account's own keys.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.bedrock import aws
from local.bedrock.training.dataset import DatasetRecord, collect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from local.bedrock.settings import Settings

_TRAINING = "/dataset/train.jsonl"
_FOLDERS = {"runs/": _TRAINING, "datasets/": ".jsonl", "inbox/": ".jsonl"}
"""And how the key of a dataset ends in each."""
_VALIDATION = "/dataset/validation.jsonl"
_NEWEST = 100  # datasets; more than a person or a test starts at once, or one of them would be answered as another
_MOST_PAGES = 10  # of 1,000 keys, in each bucket
_GONE = ("NoSuchKey", "404")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A training set in S3."""

    bucket: str
    key: str
    etag: str
    modified: datetime

    @property
    def id(self) -> str:
        """Another one for other content; no job has such an id."""
        return "dataset-" + hashlib.sha256(f"{self.bucket}/{self.key}/{self.etag}".encode()).hexdigest()[:12]


class PreparedDatasets:
    """What S3 has of them. All methods raise botocore's errors, soon where S3 does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None

    def newest(self) -> list[Prepared]:
        """The newest few, oldest first."""
        buckets = [bucket["Name"] for bucket in self._s3().list_buckets().get("Buckets", [])]
        found = (dataset for bucket in buckets for dataset in self._in(bucket))
        return sorted(found, key=lambda dataset: dataset.modified)[-_NEWEST:]

    def training(self, dataset: Prepared) -> list[DatasetRecord]:
        """Its records, as a job reads them; a faulty line is none."""
        return self._records(dataset.bucket, dataset.key)

    def validation(self, dataset: Prepared) -> list[DatasetRecord]:
        """The records of the validation set beside it, if there is one."""
        if not dataset.key.endswith(_TRAINING):
            return []
        try:
            return self._records(dataset.bucket, dataset.key.removesuffix(_TRAINING) + _VALIDATION)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _GONE:
                return []
            raise

    def _in(self, bucket: str) -> Iterator[Prepared]:
        for folder, ending in _FOLDERS.items():
            pages = self._s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
            for page in itertools.islice(pages, _MOST_PAGES):
                for entry in page.get("Contents", []):
                    if entry["Key"].endswith(ending):
                        yield Prepared(bucket, entry["Key"], entry.get("ETag", ""), entry["LastModified"])

    def _records(self, bucket: str, key: str) -> list[DatasetRecord]:
        records: list[DatasetRecord] = []
        body = self._s3().get_object(Bucket=bucket, Key=key)["Body"]
        collect(body.iter_lines(chunk_size=65_536), key, records, [])
        return records

    def _s3(self) -> Any:
        if self._client is None:
            given = self._settings
            session = aws.session(given.access_key, given.secret_key, given.region)
            self._client = aws.client(session, "s3", given.aws_endpoint, read_timeout=3, attempts=1)
        return self._client
