"""What a stack keeps when it is deleted: buckets and table. Removed only by who asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.leaving.account import Account
from cli.leaving.resources import Resources
from cli.leaving.things import NotYet, Plain, Stays, Thing, gigabytes, has_stack_tag
from rft.aws.clients import error_code

_BATCH = 1000  # S3's most in one DeleteObjects
_COUNTED = 10_000  # versions of a bucket that are counted for the list
_PREFIX = 20  # CloudFormation cuts a long stack's name in the names that it makes


class _Data(Plain):
    is_data = True


class Buckets(_Data):
    """Data and access logs, with every version and delete marker."""

    title = "buckets"
    patience = 3600.0

    def __init__(self, account: Account, resources: Resources) -> None:
        self._account = account
        self._s3 = account.client("s3")
        self._listed = resources.of("AWS::S3::Bucket")
        self._removed = 0
        self._unseen: list[Thing] = []
        self._seen: dict[str, bool] = {}

    def find(self) -> list[Thing]:
        self._unseen = []
        there = set(self._in_the_region())
        begins = self._account.stack.lower()[:_PREFIX]
        others = (name for name in sorted(there) if name.startswith(begins) and name not in self._listed)
        tagged = [name for name in others if self._is_ours(name)]
        return [self._thing(name) for name in [*self._listed, *tagged] if name in there]

    def unseen(self) -> list[Thing]:
        return self._unseen

    def _in_the_region(self) -> Iterator[str]:
        """S3 lists the whole account: a stack of the same name in another region has such buckets too."""
        region = self._account.region
        for bucket in self._account.pages("s3", "list_buckets", "Buckets", BucketRegion=region):
            if bucket.get("BucketRegion", region) == region:
                yield bucket["Name"]

    def _is_ours(self, name: str) -> bool:
        if name not in self._seen:
            try:
                tags = self._s3.get_bucket_tagging(Bucket=name)["TagSet"]
            except ClientError as error:
                if error_code(error) == "AccessDenied":
                    self._unseen.append(Thing("bucket", name, name))
                    return False
                if error_code(error) not in ("NoSuchTagSet", "NoSuchBucket"):
                    raise
                tags = []
            self._seen[name] = has_stack_tag(tags, self._account.stack)
        return self._seen[name]

    def _thing(self, name: str) -> Thing:
        count, size = 0, 0
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=name):
            versions = page.get("Versions", [])
            count += len(versions) + len(page.get("DeleteMarkers", []))
            size += sum(version["Size"] for version in versions)
            if count >= _COUNTED:
                break
        more = "more than " if count >= _COUNTED else ""
        note = f"{more}{count:,} versions of objects, {more}{gigabytes(size)}"
        return Thing("bucket", name, name, note, "0.023 USD a GB and month")

    def remove(self, thing: Thing) -> None:
        try:
            if "LoggingEnabled" in self._s3.get_bucket_logging(Bucket=thing.id):
                # It would go on to fill the bucket that it logs into.
                self._s3.put_bucket_logging(Bucket=thing.id, BucketLoggingStatus={})
            self._empty(thing.id)
            self._s3.delete_bucket(Bucket=thing.id)
        except ClientError as error:
            if error_code(error) == "NoSuchBucket":
                return
            if error_code(error) in ("BucketNotEmpty", "OperationAborted"):
                raise NotYet("something was written into it meanwhile") from None
            raise

    def _empty(self, bucket: str) -> None:
        for page in self._s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": _BATCH}
        ):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            for first in range(0, len(found), _BATCH):
                self._delete(bucket, found[first : first + _BATCH])
        for upload in self._account.pages("s3", "list_multipart_uploads", "Uploads", Bucket=bucket):
            self._s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _delete(self, bucket: str, versions: list[dict[str, Any]]) -> None:
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        errors = answer.get("Errors", [])
        self._removed += len(objects) - len(errors)
        if errors:
            first = errors[0]
            told = (
                f"{len(errors)} objects, first {first['Key']}: {first.get('Code')} {first.get('Message', '')}".strip()
            )
            raise (Stays if first.get("Code") == "AccessDenied" else NotYet)(told)

    def is_gone(self, thing: Thing) -> bool:
        try:
            self._s3.head_bucket(Bucket=thing.id)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket", "NotFound"):
                return True
            raise
        return False

    def progress(self) -> str:
        return f"{self._removed:,} versions of objects" if self._removed else ""


class Tables(_Data):
    """The runs on record."""

    title = "tables"

    def __init__(self, account: Account, resources: Resources) -> None:
        self._account = account
        self._dynamodb = account.client("dynamodb")
        self._listed = resources.of("AWS::DynamoDB::Table")
        self._seen: dict[str, bool] = {}

    def find(self) -> list[Thing]:
        there = list(self._account.pages("dynamodb", "list_tables", "TableNames"))
        begins = self._account.stack[:_PREFIX]
        others = (name for name in there if name.startswith(begins) and name not in self._listed)
        tagged = [name for name in others if self._is_ours(name)]
        return [self._thing(name) for name in [*self._listed, *tagged] if name in there]

    def _is_ours(self, name: str) -> bool:
        if name not in self._seen:
            arn = self._dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
            tags = self._account.pages("dynamodb", "list_tags_of_resource", "Tags", ResourceArn=arn)
            self._seen[name] = has_stack_tag(tags, self._account.stack)
        return self._seen[name]

    def _thing(self, name: str) -> Thing:
        table = self._dynamodb.describe_table(TableName=name)["Table"]
        note = f"about {table.get('ItemCount', 0):,} items, {gigabytes(table.get('TableSizeBytes', 0))}"
        return Thing("table", name, name, note, "0.25 USD a GB and month, 0.20 more for its continuous backup")

    def remove(self, thing: Thing) -> None:
        try:
            table = self._dynamodb.describe_table(TableName=thing.id)["Table"]
            if table.get("DeletionProtectionEnabled"):
                self._dynamodb.update_table(TableName=thing.id, DeletionProtectionEnabled=False)
            if table["TableStatus"] != "DELETING":
                self._dynamodb.delete_table(TableName=thing.id)
        except ClientError as error:
            if error_code(error) == "ResourceInUseException":
                raise NotYet("DynamoDB is changing it") from None
            if error_code(error) != "ResourceNotFoundException":
                raise

    def is_gone(self, thing: Thing) -> bool:
        try:
            self._dynamodb.describe_table(TableName=thing.id)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return True
            raise
        return False
