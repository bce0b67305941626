"""``rft convert-logs`` where it can't or may not write: the reason in both outputs, and nothing destroyed."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.logs_conversion import Conversion
from cli.logs_view import conversion_report
from cli.main import app
from rft.invocation_logs import ConversionCounts, LogProblem
from tests.unit.cli.test_convert_logs import a_log
from tests.unit.invocation_logs.records import log_object, log_record

FORM = {"message", "problems", "hint"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "a.json.gz"
    file.write_bytes(a_log(0))
    return file


def converted(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["convert-logs", *map(str, arguments)])


def test_a_link_stays_and_the_file_it_leads_to_is_written(log: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("there")
    assert converted(log, "-o", tmp_path / "link").exit_code == 2
    assert converted(log, "-o", tmp_path / "link", "--force").exit_code == 0
    assert (tmp_path / "link").readlink() == Path("there")
    assert len((tmp_path / "there").read_bytes().splitlines()) == 10


def test_what_is_no_ordinary_file_is_refused(log: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "to-log").symlink_to(log)
    before = log.read_bytes()
    for out, words in (("fifo", "no ordinary file"), ("link", "no ordinary file"), ("to-log", "never overwrites")):
        result = converted(log, "-o", tmp_path / out, "--force", "--json")
        assert (result.exit_code, words in json.loads(result.stdout)["error"]["message"]) == (2, True)
    assert (tmp_path / "fifo").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert log.read_bytes() == before


def test_the_standard_output_is_no_place_for_the_dataset(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = converted(log, "-o", "-", "--json")
    assert (result.exit_code, "-o takes a file" in json.loads(result.stdout)["error"]["message"]) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (log_object(log_record(errorCode="E")), "no record became a training prompt"),
        (a_log(0)[:-4], "at most 1.0% may (--max-failed-share)"),
    ],
)
def test_the_reason_why_nothing_was_written_is_in_the_document(
    log: Path, tmp_path: Path, data: bytes, words: str
) -> None:
    log.write_bytes(data)
    how = (log, "-o", tmp_path / "out", "--max-failed-share", "0.01")
    result = converted(*how, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, set(document["error"]), document["output"]) == (1, FORM, None)
    assert words in document["error"]["message"]
    assert document["records"] == document["converted"] + sum((document["skipped"] | document["failed"]).values())
    assert document["error"]["message"] in converted(*how).stdout
    log.write_bytes(a_log(0))
    assert "error" not in json.loads(converted(*how, "--json").stdout)


def test_usage_errors_name_the_option_and_come_all_at_once(log: Path, tmp_path: Path) -> None:
    wrong = (
        *("--metadata-equals", "pro|ject=x", "--metadata-equals", "a=|", "--metadata-equals", "b"),
        *("--redact-pattern", "x=(", "--redact-pattern", "Y=a", "--redact", "mail,email,email"),
    )
    result = converted(log, "-o", tmp_path / "out", *wrong, "--json")
    message = json.loads(result.stdout)["error"]["message"]
    assert result.exit_code == 2
    for words in (
        "--metadata-equals takes NAME=VALUE; it was given 'b'",
        "--metadata-equals 'pro|ject=x': a key has 1 to 256 characters out of a-z",
        "--metadata-equals 'a=|': a value is a string of at most 256 characters",
        "--redact-pattern 'x=(': the pattern is no regular expression in RE2's syntax",
        "--redact-pattern 'Y=a': a name has 1 to 32 characters",
        "--redact 'mail': no ready rule; there are email, phone, card, key",
        "--redact names email twice",
    ):
        assert words in message
    for inner in ("andAll", "equals:", "[0]", "[1]"):
        assert inner not in message


@pytest.mark.parametrize(
    ("option", "value", "count", "words"),
    [
        ("--metadata-equals", "k{}=v", 17, "--metadata-equals can be given 16 times at most"),
        ("--redact-pattern", "n{}=x", 33, "can give 32 rules at most"),
    ],
)
def test_too_many_of_them(log: Path, tmp_path: Path, option: str, value: str, count: int, words: str) -> None:
    given = [part for n in range(count) for part in (option, value.format(n))]
    result = converted(log, "-o", tmp_path / "out", *given)
    assert (result.exit_code, words in result.stderr) == (2, True)


def test_long_names_of_objects_are_folded_on_a_terminal(tmp_path: Path) -> None:
    counts = ConversionCounts()
    problem = LogProblem("AWSLogs/" + "x" * 200 + "\u202e.json.gz", 3, "invalid-json")
    words = StringIO()
    report = conversion_report(Conversion(counts, counts.failed, [problem], 0.25))
    Console(file=words, force_terminal=True, width=80).print(report, crop=False)
    assert max(map(len, words.getvalue().splitlines())) <= 80 + len("\x1b[2m\x1b[0m")
    assert "\u202e" not in words.getvalue()
