"""Bodies beside logs in S3: a path out of the data leads nowhere else, and stops no command."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from cli.log_sources import LogObject, Sources
from rft.aws.objects import PinnedObject
from rft.invocation_logs import BodyUnavailable
from rft.steps.logs import log_reading

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOG = LogObject("a", PinnedObject("b", "p/hour/a.json.gz", None, "e", 1), "p")


class FakeS3:
    """Refuses what S3 refuses."""

    def __init__(self, **codes: str) -> None:
        self.codes = codes
        self.asked: list[str] = []
        self.broken: list[io.BytesIO] = []

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "b"
        self.asked.append(Key)
        if len(Key.encode()) > 1_024:
            raise ClientError({"Error": {"Code": "KeyTooLongError", "Message": ""}}, "GetObject")
        name = Key.rpartition("/")[2]
        if name in self.codes:
            raise ClientError({"Error": {"Code": self.codes[name], "Message": ""}}, "GetObject")
        return {"Body": self.broken.pop() if self.broken else io.BytesIO(Key.encode())}


def sources(s3: FakeS3) -> Sources:
    return Sources(s3=cast("S3Client", s3))


@pytest.mark.parametrize(
    "uri",
    [
        "s3://b/p/" + "x" * 1_100,
        "s3://b/p/" + "ü" * 600,
        "s3://b/p/../secret",
        "s3://b/p/..",
        "s3://b/p/a\x00b",
        "s3://b/p/a\u2028b",
        "s3://b/p/",
        "https://b/p/x",
        "s3://",
        "",
    ],
)
def test_a_path_that_is_none_of_a_body_is_a_body_missing(uri: str) -> None:
    s3 = FakeS3()
    with pytest.raises(BodyUnavailable):
        sources(s3).body(LOG, uri)
    assert s3.asked == []


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("s3://b/p/other/x", ["p/other/x", "p/hour/data/x"]),
        ("s3://b/p-of-others/x", ["p/hour/data/x"]),
        ("s3://elsewhere/p/other/x", ["p/hour/data/x"]),
        ("s3://b/p/hour/data/x", ["p/hour/data/x"]),
    ],
)
def test_bodies_are_looked_for_below_the_prefix_and_beside_the_log(uri: str, asked: list[str]) -> None:
    s3 = FakeS3(x="NoSuchKey")
    with pytest.raises(BodyUnavailable):
        sources(s3).body(LOG, uri)
    assert s3.asked == asked
    assert sources(FakeS3()).body(LOG, uri) == asked[0].encode()


def test_a_body_that_may_not_be_read_is_missing_and_counted_once() -> None:
    found = sources(FakeS3(x="AccessDenied", y="403", z="SlowDown"))
    for name in "xyx":
        with pytest.raises(BodyUnavailable):
            found.body(LOG, f"s3://b/p/hour/data/{name}")
    assert found.denied == {"p/hour/data/x", "p/hour/data/y"}
    with pytest.raises(ClientError):
        found.body(LOG, "s3://b/p/hour/data/z")


def test_a_body_whose_connection_breaks_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            raise ResponseStreamingError(error="cut off")

    monkeypatch.setattr(log_reading, "_PAUSES", (0, 0, 0))
    s3 = FakeS3()
    s3.broken = [Broken(), Broken(), Broken()]
    assert sources(s3).body(LOG, "s3://b/p/hour/data/x") == b"p/hour/data/x"
