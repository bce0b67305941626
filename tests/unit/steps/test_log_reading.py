"""Log objects are read ahead by many threads, handed out in order, and never too many bytes at a time."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError

from rft.aws.objects import PinnedObject
from rft.errors import DatasetMissing
from rft.steps.logs import log_reading
from rft.steps.logs.log_reading import read_ahead


class Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Iterator[bytes]:
        return iter(lambda: self.read(size), b"")


class Breaking(Body):
    """A body whose connection breaks behind its first bytes."""

    def __init__(self, error: Exception) -> None:
        super().__init__(b"x")
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if begun := super().read(1):
            return begun if size == 1 else self.read(size)
        raise self.error


class FakeS3:
    """Objects whose content is their key, with how much of them is out at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reading = self.most_reading = 0
        self.fetched: list[str] = []
        self.refusals: dict[str, str] = {}
        self.breaks: list[Exception] = []  # what the next bodies break off with

    def get_object(self, **asked: Any) -> dict[str, Any]:
        key = asked["Key"]
        assert asked["IfMatch"] == f"etag-{key}"
        with self.lock:
            self.reading += 1
            self.most_reading = max(self.most_reading, self.reading)
            self.fetched.append(key)
        time.sleep(random.uniform(0, 0.005))
        with self.lock:
            self.reading -= 1
        if key in self.refusals:
            raise ClientError({"Error": {"Code": self.refusals[key], "Message": ""}}, "GetObject")
        return {"Body": Breaking(self.breaks.pop()) if self.breaks else Body(key.encode())}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3()
    monkeypatch.setattr(log_reading, "client", lambda _: fake)
    return fake


def sources(*sizes: int) -> list[PinnedObject]:
    return [PinnedObject("logs", f"k{n}", None, f"etag-k{n}", size) for n, size in enumerate(sizes)]


def content(log: log_reading.ReadLog) -> bytes | None:
    return None if log.chunks is None else b"".join(log.chunks)


def test_objects_come_in_order_whoever_read_them_first(s3: FakeS3) -> None:
    found = [content(log) for log in read_ahead(sources(*[100] * 120))]
    assert found == [f"k{n}".encode() for n in range(120)]
    assert 8 < s3.most_reading <= log_reading.THREADS


def test_no_more_than_the_window_is_read_ahead(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "WINDOW_BYTES", 1_000)
    for place, _ in enumerate(read_ahead(sources(*[300] * 40)), start=1):
        assert len(s3.fetched) <= place + 3


def test_an_object_above_the_window_is_read_all_the_same(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading, "WINDOW_BYTES", 10)
    assert [content(log) for log in read_ahead(sources(100, 5, 100))] == [b"k0", b"k1", b"k2"]


def test_a_large_object_is_streamed_when_its_turn_comes(s3: FakeS3) -> None:
    large = log_reading.STREAMED_BYTES + 1
    seen = []
    for log in read_ahead(sources(10, large, 10)):
        seen.append((log.source.key, "k1" in s3.fetched, content(log)))
    assert seen == [("k0", False, b"k0"), ("k1", True, b"k1"), ("k2", True, b"k2")]


@pytest.mark.parametrize("size", [10, log_reading.STREAMED_BYTES + 1])
def test_what_was_changed_or_removed_is_handed_out_without_content(s3: FakeS3, size: int) -> None:
    s3.refusals = {"k1": "PreconditionFailed", "k2": "NoSuchKey"}
    assert [content(log) for log in read_ahead(sources(size, size, size, size))] == [b"k0", None, None, b"k3"]


@pytest.mark.parametrize("size", [10, log_reading.STREAMED_BYTES + 1])
def test_a_refusal_is_told_in_clear_words_and_any_other_fault_as_it_is(s3: FakeS3, size: int) -> None:
    s3.refusals = {"k1": "AccessDenied"}
    with pytest.raises(DatasetMissing, match="s3://logs/k1 can't be read"):
        list(read_ahead(sources(size, size)))
    s3.refusals = {"k1": "SlowDown"}
    with pytest.raises(ClientError):
        list(read_ahead(sources(size, size)))


@pytest.mark.parametrize("times", [1, 3, 4])
@pytest.mark.parametrize(
    "error", [ResponseStreamingError(error="cut off"), IncompleteReadError(actual_bytes=1, expected_bytes=2)]
)
def test_what_breaks_off_is_read_anew_three_times(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, error: Exception, times: int
) -> None:
    monkeypatch.setattr(log_reading, "_PAUSES", (0, 0, 0))
    s3.breaks = [error] * times
    if times == 4:
        with pytest.raises(type(error)):
            list(read_ahead(sources(10)))
    else:
        assert [content(log) for log in read_ahead(sources(10))] == [b"k0"]
        assert s3.fetched == ["k0"] * (times + 1)


def test_what_is_removed_between_two_tries_is_gone(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reading.time, "sleep", lambda _: s3.refusals.update(k0="PreconditionFailed"))
    s3.breaks = [ResponseStreamingError(error="cut off")]
    assert [content(log) for log in read_ahead(sources(10))] == [None]


def test_what_is_streamed_and_breaks_off_raises_for_the_state_machine_to_try_again(s3: FakeS3) -> None:
    s3.breaks = [ResponseStreamingError(error="cut off")]
    (log,) = read_ahead(sources(log_reading.STREAMED_BYTES + 1))
    with pytest.raises(ResponseStreamingError):
        content(log)


def test_whoever_stops_early_leaves_no_thread(s3: FakeS3) -> None:
    before = threading.active_count()
    logs = read_ahead(sources(*[10] * 2_000))
    next(logs)
    logs.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(s3.fetched) < 2_000
