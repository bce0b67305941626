"""``rft convert-logs``: files, folders and prefixes in S3 (moto's) become a dataset, whole or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

import cli.commands.data
import cli.main
from cli.logs_conversion import Wishes, convert_logs
from cli.view import Screen
from tests.unit.invocation_logs.records import Json, converse, log_object, log_record

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HOUR = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/01/01/00"
BUCKET = "log-bucket"

Rft = Callable[..., Any]


def a_log(first: int, records: int = 10, **more: Any) -> bytes:
    return log_object(*(log_record(converse(f"question {n}"), number=n, **more) for n in range(first, first + records)))


def the_objects() -> dict[str, bytes]:
    """Ten objects of ten records; one is cut off, one record's body is stored apart, one isn't there."""
    apart = log_record(number=900, input={"inputBodyS3Path": f"s3://elsewhere/{HOUR}/data/request-900_input.json.gz"})
    gone = log_record(number=901, input={"inputBodyS3Path": f"s3://elsewhere/{HOUR}/data/request-901_input.json.gz"})
    objects = {f"{HOUR}/part-{n}.json.gz": a_log(10 * n) for n in range(8)}
    objects[f"{HOUR}/part-8.json.gz"] = a_log(80)[:-4]
    objects[f"{HOUR}/part-9.json.gz"] = log_object(apart, gone, log_record(errorCode="E", number=902))
    objects[f"{HOUR}/data/request-900_input.json.gz"] = gzip.compress(json.dumps(converse("a long one")).encode())
    objects["AWSLogs/amazon-bedrock-logs-permission-check"] = b"x"
    objects["notes.txt"] = b"mine"
    objects["empty.json.gz"] = b""
    return objects


EXPECTED = {
    "records": 94,
    "converted": 91,
    "skipped": {"error": 1},
    "failed": {"body-missing": 1, "damaged-gzip": 1},
    "objects": {"body": 1, "empty": 1, "log": 10, "other": 1, "permission-check": 1},
    "redacted": {},
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    for key, data in the_objects().items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    return folder


@pytest.fixture
def rft(runner: CliRunner) -> Rft:
    return lambda *arguments: runner.invoke(cli.main.app, ["convert-logs", *map(str, arguments)])


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
        client.create_bucket(Bucket=BUCKET)
        monkeypatch.setattr(cli.commands.data, "s3_of", lambda *_args, **_options: client)
        yield client


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "train.jsonl"


def records_of(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_folder_becomes_a_dataset_and_every_record_is_accounted_for(rft: Rft, logs: Path, out: Path) -> None:
    result = rft(logs, "-o", out, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    problems = document.pop("problems")
    assert document == EXPECTED | {"output": str(out)}
    assert [(Path(problem["object"]).name, problem["line"], problem["reason"]) for problem in problems] == [
        ("part-8.json.gz", 11, "damaged-gzip"),
        ("part-9.json.gz", 2, "body-missing"),
    ]
    made = records_of(out)
    assert [record["id"] for record in made] == [f"request-{n}" for n in [*range(90), 900]]
    assert made[0] == {"id": "request-0", "messages": [{"role": "user", "content": "question 0"}]}
    assert made[-1]["messages"] == [{"role": "user", "content": "a long one"}]
    assert [file.name for file in out.parent.iterdir() if file.suffix != ".jsonl"] == ["logs"]


def test_a_prefix_in_s3_gives_the_same_dataset(rft: Rft, s3: S3Client, logs: Path, out: Path) -> None:
    for key, data in the_objects().items():
        s3.put_object(Bucket=BUCKET, Key=f"team/{key}", Body=data)
    s3.put_object(Bucket=BUCKET, Key="team-b/other.json.gz", Body=a_log(500))
    for name in ("team", "team/"):
        result = rft(f"s3://{BUCKET}/{name}", "-o", out, "--json", "--force")
        assert result.exit_code == 0, result.stderr
        assert {key: json.loads(result.stdout)[key] for key in EXPECTED} == EXPECTED
    from_s3 = out.read_bytes()
    assert rft(logs, "-o", out, "--force").exit_code == 0
    assert out.read_bytes() == from_s3
    one = rft(f"s3://{BUCKET}/team/{HOUR}/part-0.json.gz", "-o", out, "--force", "--json")
    assert json.loads(one.stdout)["converted"] == 10


@pytest.mark.thorough
def test_many_and_large_objects_of_s3_come_in_their_order(
    rft: Rft, s3: S3Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.log_sources.WHOLE_BYTES", 400)
    monkeypatch.setattr("cli.log_sources.READ_AHEAD_BYTES", 2000)
    for n in range(100):
        s3.put_object(Bucket=BUCKET, Key=f"{n:03}.json.gz", Body=a_log(n, 1 if n % 7 else 30))
    result = rft(f"s3://{BUCKET}", "-o", out, "--json")
    assert result.exit_code == 0
    ids = [record["id"] for record in records_of(out)]
    assert len(ids) == len(set(ids)) == json.loads(result.stdout)["converted"]
    assert json.loads(result.stdout)["records"] == 85 + 15 * 30


def test_files_are_logs_whatever_their_names_and_none_is_read_twice(rft: Rft, tmp_path: Path, out: Path) -> None:
    file = tmp_path / "exported.log"
    file.write_bytes(gzip.decompress(a_log(0)))
    assert json.loads(rft(file, file, "-o", out, "--json").stdout)["records"] == 10
    again = rft(tmp_path, "-o", out, "--force", "--json")  # the folder now holds the dataset, which is no log
    assert again.exit_code == 1
    assert "no log objects" in json.loads(again.stdout)["error"]["message"]


def test_a_person_sees_what_was_left_out_and_why(rft: Rft, logs: Path, out: Path) -> None:
    result = rft(logs, "-o", out, "--redact", "email")
    for words in (
        "91 prompts  from 94 records in 10 log objects",
        "1 body, 1 empty, 1 other, 1 permission-check",
        "the call ended in an error",
        "copy the object anew",
        "part-9.json.gz, line 2: body-missing",
        "Bedrock trains on no fewer than 100",
        f"next: rft check-dataset {out}",
    ):
        assert words in result.stdout
    assert "question" not in result.stdout + result.stderr


def test_too_many_failures_write_nothing(rft: Rft, logs: Path, out: Path) -> None:
    result = rft(logs, "-o", out, "--max-failed-share", "0.02", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["output"] is None
    assert json.loads(result.stdout)["failed"] == EXPECTED["failed"]
    assert not out.exists()
    words = rft(logs, "-o", out, "--max-failed-share", "0.02").stdout
    assert "nothing written" in words
    assert "2.1% of the log records can't be read (2 of 94: damaged-gzip 1, body-missing 1)" in words


def test_nothing_to_convert(rft: Rft, tmp_path: Path, out: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json.gz").write_bytes(log_object(log_record(errorCode="E")))
    result = rft(tmp_path / "a", "-o", out)
    assert (result.exit_code, out.exists()) == (1, False)
    assert "no record became a training prompt" in result.stdout
    (tmp_path / "c").mkdir()
    result = rft(tmp_path / "c", "-o", out)
    assert (result.exit_code, out.exists()) == (1, False)
    assert "There are no log objects to convert (found: nothing)" in result.stderr


def test_filters_sample_answers_and_redaction(rft: Rft, tmp_path: Path, out: Path) -> None:
    records = [
        log_record(
            converse(f"mail {n}@b.com about C-{n:08}"), number=n, requestMetadata={"project": "ab"[n % 2], "tier": "x"}
        )
        for n in range(100)
    ]
    (tmp_path / "a.json.gz").write_bytes(log_object(*records))

    def made(*options: str) -> tuple[Json, list[Json]]:
        result = rft(tmp_path / "a.json.gz", "-o", out, "--force", "--json", *options)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout), records_of(out)

    for options in (
        ("--metadata-equals", "project=a", "--metadata-equals", "tier=x"),
        ("--filters", '{"andAll": [{"equals": {"project": "a"}}, {"equals": {"tier": "x"}}]}'),
    ):
        document, lines = made(*options)
        assert document["skipped"] == {"filtered": 50}
        assert [line["id"] for line in lines] == [f"request-{n}" for n in range(0, 100, 2)]
    document, lines = made("--max-prompts", "10", "--seed", "3", "--use-prompt-response")
    assert document["skipped"] == {"over-max-prompts": 90}
    assert {line["reference_answer"] for line in lines} == {"Hello!"}
    assert made("--max-prompts", "10", "--seed", "3")[1] != made("--max-prompts", "10", "--seed", "4")[1]
    document, lines = made("--redact", "email, phone", "--redact-pattern", "customer=C-[0-9]{8}")
    assert [line["messages"][0]["content"] for line in lines] == ["mail [EMAIL] about [CUSTOMER]"]
    assert document["redacted"] == {"customer": 100, "email": 100}
    assert document["skipped"] == {"duplicate": 99}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--redact", "mail"], "no ready rule"),
        (["--redact", ""], "no ready rule"),
        (["--redact-pattern", "a"], "NAME=VALUE"),
        (["--redact-pattern", "a=("], "regular expression"),
        (["--metadata-equals", "a"], "NAME=VALUE"),
        (["--metadata-equals", "a=1", "--metadata-equals", "a=2"], "twice"),
        (["--metadata-equals", "a=1", "--filters", "{}"], "exclude each other"),
        (["--filters", "{"], "not JSON"),
        (["--filters", '{"equals": {}}'], "exactly one key"),
        (["--filters", "[" * 100_000], "--filters"),
        (["--max-prompts", "0"], "greater than or equal to 1"),
        (["--max-failed-share", "2"], "less than or equal to 1"),
        (["--seed", "-1"], "greater than or equal to 0"),
    ],
)
def test_wrong_usage(rft: Rft, logs: Path, out: Path, options: list[str], words: str) -> None:
    result = rft(logs, "-o", out, "--json", *options)
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)["error"]["message"]
    assert not out.exists()


def test_wrong_paths(rft: Rft, logs: Path, tmp_path: Path, out: Path, s3: S3Client) -> None:
    out.write_text("mine")
    log = logs / HOUR / "part-0.json.gz"
    before = log.read_bytes()
    for arguments, code, words in (
        ([tmp_path / "gone", "-o", tmp_path / "new"], 2, "no file or folder"),
        ([logs, "-o", tmp_path / "gone" / "a"], 2, "no folder"),
        ([logs, "-o", tmp_path], 2, "no ordinary file"),
        ([logs, "-o", out], 2, "--force overwrites it"),
        ([log, "-o", log, "--force"], 2, "never overwrites a file that is read"),
        ([logs], 2, "--output"),
        (["-o", out], 2, "PATH"),
        (["s3://", "-o", tmp_path / "new"], 2, "names no bucket"),
        ([f"s3://{BUCKET}/a", "-o", tmp_path / "new"], 1, "no objects below"),
        (["s3://another-bucket/a", "-o", tmp_path / "new"], 1, "can't be listed"),
    ):
        result = rft(*arguments)
        assert result.exit_code == code, arguments
        assert words in result.stderr
    assert out.read_text() == "mine"
    assert not (tmp_path / "new").exists()
    assert log.read_bytes() == before


def test_a_write_that_fails_leaves_what_was_there(logs: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out.write_text("mine")

    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("cli.logs_conversion.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        convert_logs([str(logs)], Wishes(out, force=True), s3=pytest.fail, console=Screen(as_json=True).console)
    assert out.read_text() == "mine"
    assert sorted(path.name for path in out.parent.iterdir()) == ["logs", "train.jsonl"]


def test_an_object_that_is_removed_meanwhile_is_said(
    rft: Rft, s3: S3Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket=BUCKET, Key="a.json.gz", Body=a_log(0))
    listed = cli.log_sources.objects.listed

    def then_removed(client: S3Client, uri: str) -> Iterator[Any]:
        yield from listed(client, uri)
        client.delete_object(Bucket=BUCKET, Key="a.json.gz")

    monkeypatch.setattr("cli.log_sources.objects.listed", then_removed)
    result = rft(f"s3://{BUCKET}/", "-o", out)
    assert (result.exit_code, out.exists()) == (1, False)
    assert "changed or removed meanwhile" in result.stderr


def test_bodies_that_may_not_be_read_are_missing_and_said(
    rft: Rft, s3: S3Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, data in the_objects().items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    get = s3.get_object

    def denied(**given: Any) -> Any:
        if "/data/" in given["Key"]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
        return get(**given)

    monkeypatch.setattr(s3, "get_object", denied)
    result = rft(f"s3://{BUCKET}", "-o", out, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["failed"] == {"body-missing": 2, "damaged-gzip": 1}
    assert "2 bodies beside the logs may not be read" in result.stderr


def test_names_of_bodies_lead_nowhere_else(rft: Rft, tmp_path: Path, out: Path) -> None:
    (tmp_path / "secret").write_text(json.dumps(converse("secret")))
    folder = tmp_path / "logs"
    (folder / "data").mkdir(parents=True)
    paths = (
        "s3://b/../secret",
        "s3://b/data/..",
        "/secret",
        "s3://b/data/",
        f"file://{tmp_path}/secret",
        "s3://b/\x00",
    )
    records = [log_record(number=n, input={"inputBodyS3Path": path}) for n, path in enumerate(paths)]
    (folder / "a.json.gz").write_bytes(log_object(log_record(number=99), *records))
    document = json.loads(rft(folder, "-o", out, "--json", "--max-failed-share", "1").stdout)
    assert document["failed"] == {"body-missing": len(paths)}
    assert "secret" not in out.read_text()
