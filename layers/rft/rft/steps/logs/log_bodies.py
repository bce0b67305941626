"""Large prompts and answers, which Bedrock stores as objects of their own beside the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.invocation_logs import MAX_BODY_BYTES, BodyUnavailable, LogConversion, LogOptions, Windows, body_keys
from rft.steps.logs.log_reading import GONE, THREADS, ReadLog, named_fault, read_whole

AHEAD = 32  # bodies read ahead; each has at most MAX_BODY_BYTES
_STAND_IN = b'{"messages": [{"role": "user", "content": "-"}]}'


class Bodies:
    """Loads bodies for ``LogConversion``: only from where ``body_keys`` allows, whatever path a record names.

    ``begin`` says which log is next, and hands back its bytes: a log that is in memory as it is, one that is streamed
    unpacked, in windows of whole lines. When the first body of a log (or window) is asked for, all of it is gone
    through for the others, and from then on many are on their way at a time.
    """

    def __init__(self, source_uri: str, options: LogOptions) -> None:
        self._bucket, self._prefix = objects.split_uri(source_uri)
        self._looking = replace(options, redactor=None)
        self._pool = ThreadPoolExecutor(THREADS)
        self._ahead = b""  # the log, or the window of it, that hasn't been gone through yet
        self._log_key = ""
        self._to_come: deque[str] = deque()
        self._coming: deque[tuple[str, Future[bytes | None]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, log: ReadLog) -> Iterable[bytes]:
        self._log_key = log.source.key
        self._see(log.data or b"")
        if log.chunks is None or log.data is not None:
            return log.chunks or ()
        return Windows(log.chunks, self._see)

    def _see(self, ahead: bytes) -> None:
        self._ahead = ahead
        self._to_come.clear()
        for _, future in self._coming:
            future.cancel()
        self._coming.clear()

    def __call__(self, uri: str) -> bytes:
        ahead, self._ahead = self._ahead, b""
        if ahead:
            self._to_come.extend(self._asked_for(ahead))
        if (data := self._next(uri)) is None:
            raise BodyUnavailable("there is no such object below the logs' prefix")
        return data

    def _asked_for(self, lines: bytes) -> list[str]:
        """The paths of all bodies that the conversion of a log, or of a window, may ask for, in its order."""
        asked: list[str] = []

        def note(uri: str) -> bytes:
            asked.append(uri)
            return _STAND_IN  # so that it goes on to ask for the answer

        for _ in LogConversion(self._looking, note).convert("", (lines,)):
            pass
        return asked

    def _next(self, uri: str) -> bytes | None:
        """Those asked for in between are not needed after all: the prompt was of no use, so nobody wants the answer."""
        while self._coming or self._to_come:
            while self._to_come and len(self._coming) < AHEAD:
                coming = self._to_come.popleft()
                self._coming.append((coming, self._pool.submit(self._load, coming, self._log_key)))
            expected, future = self._coming.popleft()
            if expected == uri:
                return future.result()
            future.cancel()
        return self._load(uri, self._log_key)

    def _load(self, uri: str, log_key: str) -> bytes | None:
        for key in body_keys(uri, bucket=self._bucket, prefix=self._prefix, log_key=log_key):
            if (data := self._get(key)) is not None:
                return data
        return None

    def _get(self, key: str) -> bytes | None:
        def read() -> bytes:
            with client("s3").get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                # One byte more, by which whoever unpacks it sees that it is too large.
                return body.read(MAX_BODY_BYTES + 1)

        try:
            return read_whole(read)
        except ClientError as error:
            if error_code(error) in GONE:
                return None
            raise named_fault(error, f"s3://{self._bucket}/{key}") from None
