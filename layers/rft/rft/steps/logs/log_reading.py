"""Log objects read ahead by many threads, handed out one after the other, in memory that stays bounded.

An object takes milliseconds to unpack and tens of milliseconds to arrive: so many are on their way at a time, while the
main thread converts.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.errors import DatasetMissing

THREADS = 24
WINDOW_BYTES = 48 * 1024 * 1024  # read ahead, at most
STREAMED_BYTES = 8 * 1024 * 1024  # a larger object isn't read ahead but streamed
CHANGED = "changed-while-read"
GONE = frozenset({"NoSuchKey", "PreconditionFailed", "404", "412"})
_BROKEN = (ResponseStreamingError, IncompleteReadError, ReadTimeoutError, ConnectionClosedError)
_PAUSES = (0.2, 0.8, 3.2)  # seconds, at most, before the tries after the first
_DENIED = frozenset({"AccessDenied", "403", "KMS.DisabledException", "InvalidObjectState"})


@dataclass(frozen=True, slots=True)
class ReadLog:
    """``chunks`` is None for an object that was changed or removed since it was listed; ``data`` are its bytes, unless
    it is streamed."""

    source: objects.PinnedObject
    chunks: Iterable[bytes] | None
    data: bytes | None = None


def read_ahead(sources: Sequence[objects.PinnedObject]) -> Iterator[ReadLog]:
    """Every object in order. Raises ``DatasetMissing`` for one that isn't ours to read.

    Where the connection breaks, what is read ahead is read anew; what is streamed raises botocore's error.
    """
    todo = deque(sources)
    coming: deque[tuple[objects.PinnedObject, Future[bytes | None]]] = deque()
    ahead = 0
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            while todo or coming:
                while todo and (not coming or ahead + todo[0].size <= WINDOW_BYTES):
                    source = todo.popleft()
                    if source.size > STREAMED_BYTES:
                        todo.appendleft(source)
                        break
                    ahead += source.size
                    coming.append((source, pool.submit(_whole, source)))
                if not coming:
                    yield _streamed(todo.popleft())
                    continue
                source, future = coming.popleft()
                data = future.result()
                ahead -= source.size
                yield ReadLog(source, None if data is None else (data,), data)
        finally:
            pool.shutdown(cancel_futures=True)


def _whole(source: objects.PinnedObject) -> bytes | None:
    """None where the object isn't there any more as it was listed."""

    def read() -> bytes:
        with client("s3").get_object(Bucket=source.bucket, Key=source.key, IfMatch=source.etag)["Body"] as body:
            return body.read()

    try:
        return read_whole(read)
    except ClientError as error:
        if error_code(error) in GONE:
            return None
        raise named_fault(error, source.uri) from None


def read_whole(read: Callable[[], bytes]) -> bytes:
    """``read`` asks for an object and reads its body. Done anew where the connection breaks inside the body: what
    botocore repeats by itself is only the asking."""
    for pause in _PAUSES:
        try:
            return read()
        except _BROKEN:
            time.sleep(random.uniform(0, pause))  # noqa: S311
    return read()


def _streamed(source: objects.PinnedObject) -> ReadLog:
    try:
        body = client("s3").get_object(Bucket=source.bucket, Key=source.key, IfMatch=source.etag)["Body"]
    except ClientError as error:
        if error_code(error) in GONE:
            return ReadLog(source, None)
        raise named_fault(error, source.uri) from None
    return ReadLog(source, body.iter_chunks(objects.CHUNK_BYTES))


def named_fault(error: ClientError, uri: str) -> Exception:
    """Clear words for what no retry cures."""
    code = error_code(error)
    if code in _DENIED:
        return DatasetMissing(
            f"{uri} can't be read ({code}): the log bucket's policy must not deny this stack's roles, and where a KMS "
            "key encrypts it, its ARN must be the parameter InvocationLogKeyArn"
        )
    return error
