"""What the parts of a request have in common: strictness, and the place that the request came in by."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationInfo

from rft.run.request_words import shown
from rft.run.stack import Stack


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request came in. pydantic hands it to the validators, so that they speak together with all others."""

    stack: Stack
    folder: str | None


def place_of(info: ValidationInfo) -> Place:
    if not isinstance(info.context, Place):
        raise TypeError("a RunRequest is made by parse_request, which knows the stack")
    return info.context


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def _exactly_one(self, *names: str) -> None:
        fields = type(self).model_fields
        given = [fields[name].alias or name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"has {' and '.join(given)}" if given else "has none of them"
            raise ValueError(f"needs exactly one of {', '.join(fields[name].alias or name for name in names)}; {said}")


def bucket_and_key(uri: str, place: Place, *, form: str = "s3://bucket/key") -> tuple[str, str]:
    """Bucket and key of an S3 URI or of a name relative to run.json. Raises ``ValueError`` for anything else."""
    full = uri
    if not uri.startswith("s3://") and place.folder is not None:
        full = f"s3://{place.stack.bucket}/{place.folder}{uri}"
    bucket, slash, key = full.removeprefix("s3://").partition("/")
    if not full.startswith("s3://") or not slash:
        relative = ", or be a name relative to run.json" if place.folder is not None else ""
        raise ValueError(f"must have the form {form}{relative}; it is {shown(uri)}")
    return bucket, key


def foreign_place(place: Place) -> str:
    """What is wrong with data outside of the caller's folders; the same whether or not there is such an object."""
    folders = " or ".join(f"s3://{place.stack.bucket}/{folder}" for folder in place.stack.scope.folders)
    return f"must begin with {folders}: the folders of your tenant"


def has_odd_parts(key: str) -> bool:
    """Folders that mean another place than they say, and characters that nobody sees."""
    return any(part in (".", "..") for part in key.split("/")) or not key.isprintable()
