"""Offloaded bodies: many on their way at a time, the same outcome as one by one, and nothing from elsewhere."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from rft.aws.objects import PinnedObject
from rft.invocation_logs import BodyUnavailable, LogConversion, LogOptions, MetadataFilter, Redactor, Windows
from rft.steps.logs import log_bodies, log_reading
from rft.steps.logs.log_bodies import Bodies
from rft.steps.logs.log_reading import ReadLog

HOUR = "mine/AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/01/05/09/"
LOG = f"{HOUR}20260105T090000000Z_1.json.gz"
OPTIONS = LogOptions(MetadataFilter.parse({"equals": {"project": "a"}}), True, Redactor.parse(["email"]))

BROKEN = [
    ResponseStreamingError(error="cut off"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ReadTimeoutError(endpoint_url="s3"),
    ConnectionClosedError(endpoint_url="s3"),
]


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.lock = threading.Lock()
        self.reading = self.most_reading = 0
        self.asked: list[tuple[str, str]] = []
        self.breaks: list[Exception] = []  # what the next bodies break off with

    def get_object(self, **given: Any) -> dict[str, Any]:
        place = (given["Bucket"], given["Key"])
        with self.lock:
            self.asked.append(place)
            self.reading += 1
            self.most_reading = max(self.most_reading, self.reading)
        time.sleep(0.002)
        with self.lock:
            self.reading -= 1
        if place not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        body = io.BytesIO(self.objects[place])
        if self.breaks:
            body = Breaking(self.objects[place][:1], self.breaks.pop())
        return {"Body": body}


class Breaking(io.BytesIO):
    """A body whose connection breaks while it is read."""

    def __init__(self, begun: bytes, error: Exception) -> None:
        super().__init__(begun)
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        super().read(size)
        raise self.error


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    fake = FakeS3()
    monkeypatch.setattr(log_bodies, "client", lambda _: fake)
    return fake


def record(number: int, s3: FakeS3) -> dict[str, Any]:
    """A call whose prompt or answer, or both or none of them, lie apart; some can't be used for another reason."""
    content: list[Any] = [{"text": f"question {number} of me@example.com"}]
    if number % 7 == 3:
        content.append({"image": {"format": "png"}})
    bodies = {
        "input": {"messages": [{"role": "user", "content": content}]},
        "output": {
            "output": {"message": {"role": "assistant", "content": [{"text": f"answer {number}"}]}},
            "stopReason": "end_turn",
        },
    }
    made: dict[str, Any] = {"requestId": f"r{number}", "operation": "Converse", "timestamp": f"{number:05}"}
    made["requestMetadata"] = {"project": "b" if number % 5 == 1 else "a"}
    for side, body in bodies.items():
        if number % 4 in ((0, 1) if side == "input" else (1, 2)):
            key = f"{HOUR}data/r{number}_{side}.json.gz"
            if number % 11 != 5:
                s3.objects["logs", key] = json.dumps(body).encode()
            made[side] = {f"{side}BodyS3Path": f"s3://logs/{key}"}
        else:
            made[side] = {f"{side}BodyJson": body}
    return made


def read_log(records: list[dict[str, Any]], *, streamed: bool = False) -> ReadLog:
    data = "".join(json.dumps(one) + "\n" for one in records).encode()
    source = PinnedObject("logs", LOG, None, "e", len(data))
    return ReadLog(source, (data,), None if streamed else data)


def converted(chunks: Iterable[bytes], load: Any) -> tuple[list[Any], dict[str, Any]]:
    conversion = LogConversion(OPTIONS, load)
    return list(conversion.convert(LOG, chunks)), conversion.counts.to_json()


@pytest.mark.parametrize("streamed", [False, True])
def test_reading_ahead_changes_nothing_but_the_time(s3: FakeS3, streamed: bool) -> None:
    log = read_log([record(number, s3) for number in range(120)], streamed=streamed)

    def one_by_one(uri: str) -> bytes:
        place = ("logs", uri.removeprefix("s3://logs/"))
        if place not in s3.objects:
            raise BodyUnavailable("not there")
        return s3.objects[place]

    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        for _ in range(2):  # the same log twice, as two logs after each other
            assert converted(bodies.begin(log), bodies) == converted(log.chunks or (), one_by_one)
    assert s3.most_reading > 8
    assert not [key for _, key in s3.asked if key.endswith(("/r1_input.json.gz", "/r21_input.json.gz"))], "filtered"


@pytest.mark.parametrize("size", [1, 300, 5_000])
def test_the_windows_of_a_streamed_log_change_nothing_either(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(log_bodies, "Windows", partial(Windows, size=size))
    records = [record(number, s3) for number in range(60)]
    outcomes = []
    for streamed in (False, True):
        log = read_log(records, streamed=streamed)
        with Bodies("s3://logs/mine/", OPTIONS) as bodies:
            outcomes.append(converted(bodies.begin(log), bodies))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1]["converted"] > 20


@pytest.mark.parametrize("error", BROKEN, ids=lambda error: type(error).__name__)
def test_a_body_whose_connection_breaks_is_read_anew(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(log_reading.time, "sleep", lambda _: None)
    s3.objects["logs", f"{HOUR}data/r_input.json.gz"] = b"whole"
    s3.breaks = [error] * 3
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        bodies.begin(read_log([]))
        assert bodies(f"s3://logs/{HOUR}data/r_input.json.gz") == b"whole"
        s3.breaks = [error] * 4
        with pytest.raises(type(error)):
            bodies(f"s3://logs/{HOUR}data/r_input.json.gz")


def test_a_path_in_another_bucket_is_not_looked_for_in_ours(s3: FakeS3) -> None:
    """Below the run's own prefix lies an object under the very key that the record names in somebody else's bucket."""
    s3.objects["logs", "mine/elsewhere/r_input.json.gz"] = b"of another call"
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        bodies.begin(read_log([]))
        with pytest.raises(BodyUnavailable):
            bodies("s3://theirs/mine/elsewhere/r_input.json.gz")
        assert bodies("s3://logs/mine/elsewhere/r_input.json.gz") == b"of another call"


def test_a_log_without_bodies_is_read_once(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bodies, "_asked_for", lambda *_: pytest.fail("nobody has asked for a body"))
    log = read_log([record(3, s3), record(7, s3)])
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        assert converted(bodies.begin(log), bodies)[1]["records"] == 2
    assert s3.asked == []


def test_bodies_of_copied_logs_are_found_beside_them(s3: FakeS3) -> None:
    s3.objects["logs", f"{HOUR}data/r_input.json.gz"] = b"here"
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        bodies.begin(read_log([]))
        for origin in ("s3://elsewhere/AWSLogs/x/data/", "s3://logs/theirs/data/", f"s3://logs/{HOUR}data/"):
            assert bodies(f"{origin}r_input.json.gz") == b"here"
    assert set(s3.asked) == {("logs", f"{HOUR}data/r_input.json.gz")}


@pytest.mark.parametrize(
    "uri",
    [
        "s3://theirs/secret.json",
        "s3://logs/theirs/secret.json",
        "s3://logs/mine/../theirs/secret.json",
        "s3://logs/mine/./secret.json",
        "s3://logs/mine/..",
        "s3://logs/mine/",
        "s3://logs/",
        "s3://",
        "",
        "secret.json",
        "https://logs/mine/secret.json",
        "s3://logs/mine/a\u0000b",
        "s3://logs/mine/" + "x" * 1_100,
    ],
)
def test_no_path_leads_out_of_the_prefix(s3: FakeS3, uri: str) -> None:
    s3.objects["theirs", "secret.json"] = s3.objects["logs", "theirs/secret.json"] = b"secret"
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        bodies.begin(read_log([]))
        with pytest.raises(BodyUnavailable):
            bodies(uri)
    assert all(bucket == "logs" and key.startswith("mine/") for bucket, key in s3.asked)
    assert all(len(key) <= 1_024 and ".." not in key for _, key in s3.asked)


def test_no_more_of_a_body_is_read_than_can_be_used(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_bodies, "MAX_BODY_BYTES", 10)
    s3.objects["logs", f"{HOUR}data/large_input.json"] = b"x" * 1_000
    with Bodies("s3://logs/mine/", OPTIONS) as bodies:
        bodies.begin(read_log([]))
        assert bodies(f"s3://logs/{HOUR}data/large_input.json") == b"x" * 11
