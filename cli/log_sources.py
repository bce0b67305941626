"""Where invocation logs are: files and folders of this machine, and prefixes in S3, with the bodies stored beside."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.faults import CliFault, UsageFault
from rft.aws import objects
from rft.aws.clients import error_code
from rft.aws.objects import PinnedObject
from rft.invocation_logs import MAX_BODY_BYTES, BodyUnavailable, ObjectKind, body_keys, object_kind
from rft.steps.logs.log_reading import read_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16
READ_AHEAD_BYTES = 64 << 20
WHOLE_BYTES = 8 << 20  # larger objects are streamed, not read ahead
GONE = frozenset({"NoSuchKey", "404"})
DENIED = frozenset({"AccessDenied", "403"})


@dataclass(frozen=True, slots=True)
class LogObject:
    """A log object: a file, or an object in S3 below the prefix ``root``."""

    name: str
    place: Path | PinnedObject
    root: str = ""


@dataclass(slots=True)
class Sources:
    """All log objects, in the order of their paths, and how many objects of each kind there were."""

    logs: list[LogObject] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, Path] = field(default_factory=dict)  # by name, of local folders
    s3: S3Client | None = None
    denied: set[str] = field(default_factory=set)  # bodies that may not be read: their keys

    def read(self) -> Iterator[tuple[LogObject, Iterable[bytes]]]:
        """Every log object with its bytes; those in S3 are read ahead by several threads."""
        waiting: deque[tuple[LogObject, PinnedObject, Future[bytes] | None]] = deque()
        ahead = 0
        with ThreadPoolExecutor(THREADS) as pool:  # as many as the client has connections
            try:
                for log in self.logs:
                    if isinstance(log.place, Path):
                        yield log, _file_chunks(log.place)
                        continue
                    small = log.place.size <= WHOLE_BYTES
                    waiting.append((log, log.place, pool.submit(self._whole, log.place) if small else None))
                    ahead += log.place.size if small else 0
                    while ahead > READ_AHEAD_BYTES or len(waiting) > 4 * THREADS:
                        ahead -= waiting[0][1].size if waiting[0][2] else 0
                        yield self._next(waiting)
                while waiting:
                    yield self._next(waiting)
            finally:
                pool.shutdown(cancel_futures=True)

    def body(self, log: LogObject, uri: str) -> bytes:
        """The offloaded body that a record of ``log`` names, as its place may be trusted: only where the logs are.

        In S3 ``body_keys`` says where that is; of local folders, what counts is the name, in a folder ``data``.
        Raises ``BodyUnavailable``.
        """
        if isinstance(log.place, Path):
            name = uri.rpartition("/")[2]
            beside = log.place.parent / "data" / name
            path = beside if name and beside.is_file() else self.bodies.get(name)
            if path is None:
                raise BodyUnavailable("there is no such file in a folder data below the paths given")
            with path.open("rb") as stream:
                return stream.read(MAX_BODY_BYTES + 1)
        root = log.root if not log.root or log.root.endswith("/") else f"{log.root}/"
        for key in body_keys(uri, bucket=log.place.bucket, prefix=root, log_key=log.place.key):
            if (data := self._body_object(log.place.bucket, key)) is not None:
                return data
        raise BodyUnavailable("there is no such object below the prefix given")

    def _next(
        self, waiting: deque[tuple[LogObject, PinnedObject, Future[bytes] | None]]
    ) -> tuple[LogObject, Iterable[bytes]]:
        log, place, future = waiting.popleft()
        return log, objects.chunks(self._client(), place) if future is None else _chunks_of(future)

    def _whole(self, place: PinnedObject) -> bytes:
        return b"".join(objects.chunks(self._client(), place))

    def _body_object(self, bucket: str, key: str) -> bytes | None:
        """None for one that isn't there, or may not be read: S3 says the same of both to who may not list."""

        def read() -> bytes:
            with self._client().get_object(Bucket=bucket, Key=key)["Body"] as stream:
                return stream.read(MAX_BODY_BYTES + 1)

        try:
            return read_whole(read)
        except ClientError as refused:
            if error_code(refused) in DENIED:
                self.denied.add(key)
            elif error_code(refused) not in GONE:
                raise
            return None

    def _client(self) -> S3Client:
        assert self.s3 is not None
        return self.s3


def find_sources(paths: Sequence[str], *, except_for: Path, s3: Callable[[], S3Client]) -> Sources:
    """Everything at ``paths``, told apart by kind; a file that is named itself is taken for a log, whatever its name.

    Raises ``UsageFault`` for a path where nothing is, ``CliFault`` for a bucket that can't be listed.
    """
    sources = Sources()
    seen = {except_for.resolve()}
    for path in paths:
        if path.startswith("s3://"):
            sources.s3 = sources.s3 or s3()
            _add_prefix(sources, path)
        elif Path(path).is_dir():
            for file in sorted(Path(path).rglob("*")):
                if file.is_file():
                    _add_file(sources, file, object_kind(file.as_posix(), file.stat().st_size), seen)
        elif Path(path).is_file():
            _add_file(sources, Path(path), ObjectKind.LOG if Path(path).stat().st_size else ObjectKind.EMPTY, seen)
        else:
            raise UsageFault(f"There is no file or folder {path}.")
    return sources


def _add_file(sources: Sources, file: Path, kind: ObjectKind, seen: set[Path]) -> None:
    if file.resolve() in seen:
        return
    seen.add(file.resolve())
    sources.kinds[kind] += 1
    if kind is ObjectKind.LOG:
        sources.logs.append(LogObject(os.fsencode(file).decode(errors="replace"), file))
    elif kind is ObjectKind.BODY:
        sources.bodies.setdefault(file.name, file)


def _add_prefix(sources: Sources, uri: str) -> None:
    bucket, prefix = objects.split_uri(uri)
    if not bucket:
        raise UsageFault(f"{uri} names no bucket: give s3://bucket/prefix/.")
    assert sources.s3 is not None
    seen = {log.name for log in sources.logs}
    found = 0
    try:
        for place in objects.listed(sources.s3, uri):
            below = not prefix or prefix.endswith("/") or place.key.startswith(f"{prefix}/")
            if not below and place.key != prefix:
                continue
            found += 1
            kind = object_kind(place.key, place.size)
            sources.kinds[kind] += 1
            if kind is ObjectKind.LOG and place.uri not in seen:
                sources.logs.append(LogObject(place.uri, place, prefix))
    except ClientError as refused:
        raise CliFault(f"{uri} can't be listed: {refused}") from None
    if not found:
        raise CliFault(f"There are no objects below {uri}.")


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(objects.CHUNK_BYTES):
            yield chunk


def _chunks_of(future: Future[bytes]) -> Iterator[bytes]:
    yield future.result()
