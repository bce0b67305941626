"""Objects of the bucket that are read while somebody waits for the API: not too large, and not for too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from rft.aws import objects
from rft.aws.clients import client
from rft.errors import DatasetMissing, RftError

MAX_BYTES = 100_000_000
"""Of all files together. Good files of so many bytes take some seconds; a file of the worst lines that one can think of
may take minutes, so the time is watched as well."""
MAX_SECONDS = 20.0
"""API Gateway waits 29 s, and a cold start and the answer need some of them."""


class DatasetTooLarge(RftError):
    """More than can be read while the caller of the API waits."""


def pinned(uri: str, version_id: str | None) -> objects.PinnedObject:
    try:
        return objects.pin(client("s3"), uri, version_id)
    except DatasetMissing:
        raise DatasetMissing(f"{uri} isn't there{' in that version' if version_id else ''}") from None


class SmallFiles:
    """The time begins to run at once. ``what`` takes it, ``instead`` says what has no such limit: both for a person."""

    def __init__(self, sources: Sequence[objects.PinnedObject], *, what: str, instead: str) -> None:
        self._late = monotonic() + MAX_SECONDS
        self._what, self._instead = what, instead
        size = sum(source.size for source in sources)
        if size > MAX_BYTES:
            raise self._too_large(sources[0], f"{size:,} bytes are to be read, and the API reads at most {MAX_BYTES:,}")

    def chunks(self, source: objects.PinnedObject) -> Iterator[bytes]:
        for chunk in objects.chunks(client("s3"), source):
            if monotonic() > self._late:
                raise self._too_large(
                    source, f"{self._what} takes longer than the {MAX_SECONDS:.0f} s that the API has"
                )
            yield chunk

    def _too_large(self, source: objects.PinnedObject, reason: str) -> DatasetTooLarge:
        return DatasetTooLarge(f"{reason}; {self._instead}, which has no limit: {source.uri}")
