"""Large prompts and answers, which Bedrock stores as objects of their own beside the log."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.invocation_logs import MAX_BODY_BYTES, BodyUnavailable, LogConversion, LogOptions
from rft.steps.log_reading import GONE, THREADS, ReadLog, named_fault

AHEAD = 32  # bodies read ahead; each has at most MAX_BODY_BYTES
_MAX_KEY_BYTES = 1_024
_STAND_IN = b'{"messages": [{"role": "user", "content": "-"}]}'


class Bodies:
    """Loads bodies for ``LogConversion``: only those below the run's own prefix, whatever path a record names.

    Logs that were copied keep the paths of the place they were written to: then the body is looked for where Bedrock
    puts it, in ``data/`` beside its log. ``begin`` says which log is next. When the first body of a log is asked for,
    the log is gone through for all of them, and from then on many are on their way at a time.
    """

    def __init__(self, source_uri: str, options: LogOptions) -> None:
        self._bucket, self._prefix = objects.split_uri(source_uri)
        self._looking = replace(options, redactor=None)
        self._pool = ThreadPoolExecutor(THREADS)
        self._log: ReadLog | None = None
        self._folder = ""
        self._to_come: deque[str] = deque()
        self._coming: deque[tuple[str, Future[bytes | None]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, log: ReadLog) -> None:
        self._log = log
        self._folder = "".join(log.source.key.rpartition("/")[:2])
        self._to_come.clear()
        self._coming.clear()

    def __call__(self, uri: str) -> bytes:
        if self._log is not None and self._log.data is not None:
            self._to_come.extend(self._asked_for(self._log.data))
        self._log = None
        if (data := self._next(uri)) is None:
            raise BodyUnavailable("there is no such object below the logs' prefix")
        return data

    def _asked_for(self, log: bytes) -> list[str]:
        """The paths of all bodies that the conversion of a log may ask for, in its order."""
        asked: list[str] = []

        def note(uri: str) -> bytes:
            asked.append(uri)
            return _STAND_IN  # so that it goes on to ask for the answer

        for _ in LogConversion(self._looking, note).convert("", (log,)):
            pass
        return asked

    def _next(self, uri: str) -> bytes | None:
        """Those asked for in between are not needed after all: the prompt was of no use, so nobody wants the answer."""
        while self._coming or self._to_come:
            while self._to_come and len(self._coming) < AHEAD:
                coming = self._to_come.popleft()
                self._coming.append((coming, self._pool.submit(self._load, coming, self._folder)))
            expected, future = self._coming.popleft()
            if expected == uri:
                return future.result()
            future.cancel()
        return self._load(uri, self._folder)

    def _load(self, uri: str, folder: str) -> bytes | None:
        bucket, key = objects.split_uri(uri)
        parts = key.split("/")
        if not uri.startswith("s3://") or not parts[-1] or not {".", ".."}.isdisjoint(parts) or not key.isprintable():
            return None
        places = [key] if bucket == self._bucket and key.startswith(self._prefix) else []
        for place in dict.fromkeys((*places, f"{folder}data/{parts[-1]}")):
            if len(place.encode()) <= _MAX_KEY_BYTES and (data := self._get(place)) is not None:
                return data
        return None

    def _get(self, key: str) -> bytes | None:
        try:
            with client("s3").get_object(Bucket=self._bucket, Key=key)["Body"] as body:
                # One byte more, by which whoever unpacks it sees that it is too large.
                return body.read(MAX_BODY_BYTES + 1)
        except ClientError as error:
            if error_code(error) in GONE:
                return None
            raise named_fault(error, f"s3://{self._bucket}/{key}") from None
