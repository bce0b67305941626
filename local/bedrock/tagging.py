"""Tags of jobs, models, deployments and provisioned throughputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.bedrock.protocol.errors import NotFoundError, ServiceError
from local.bedrock.records import CustomModel, Deployment, Job, Tags, Throughput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.bedrock.store import Store

_MOST = 50  # per resource, as everywhere in AWS


class Tagging:
    """TagResource, UntagResource, ListTagsForResource, and the tags that a Create operation brings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def attach(self, arn: str, tags: Sequence[dict[str, str]]) -> None:
        """Add tags to a resource; a key that it has gets the new value. Raises TooManyTagsException."""
        with self._store.transaction():
            values = self.of(arn) | {tag["key"]: tag["value"] for tag in tags}
            if len(values) > _MOST:
                raise ServiceError("TooManyTagsException", f"{arn} would have {len(values)} tags; {_MOST} is the most.")
            self._store.save(Tags(arn=arn, name=arn, values=values))

    def forget(self, arn: str) -> None:
        """Drop the tags of a resource that is gone."""
        self._store.delete_arn(Tags, arn)

    def tag(self, given: dict[str, Any]) -> dict[str, Any]:
        """TagResource."""
        self._exists(given["resourceARN"])
        self.attach(given["resourceARN"], given["tags"])
        return {}

    def untag(self, given: dict[str, Any]) -> dict[str, Any]:
        """UntagResource."""
        arn = given["resourceARN"]
        with self._store.transaction():
            self._exists(arn)
            values = {key: value for key, value in self.of(arn).items() if key not in given["tagKeys"]}
            self._store.save(Tags(arn=arn, name=arn, values=values))
        return {}

    def list(self, given: dict[str, Any]) -> dict[str, Any]:
        """ListTagsForResource."""
        self._exists(given["resourceARN"])
        values = self.of(given["resourceARN"])
        return {"tags": [{"key": key, "value": value} for key, value in sorted(values.items())]}

    def of(self, arn: str) -> dict[str, str]:
        """The tags of the resource with this ARN; none if there is no such resource."""
        tags = self._store.get(Tags, arn)
        return tags.values if tags else {}

    def _exists(self, arn: str) -> None:
        for kind in (Job, CustomModel, Deployment, Throughput):
            record = self._store.get(kind, arn)
            if record is not None and record.arn == arn:
                return
        raise NotFoundError(f"There is no resource {arn}")
