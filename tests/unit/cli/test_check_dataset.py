"""``rft check-dataset``: verdicts and exit codes, both outputs, S3, the repaired copy, hostile data on a terminal."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from rich.console import Console
from typer.testing import CliRunner

from cli import dataset_check
from cli.dataset_check import Options, check_dataset
from cli.dataset_view import dataset_report, visible
from cli.faults import CliFault, TargetMissing
from cli.main import app
from rft.aws import objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ENTRY_KEYS = {"line", "path", "rule", "message", "fix"}
REPORT_KEYS = {"valid", "records", "errors", "error_counts", "warnings", "warning_counts", "stats"}
BOM = b"\xef\xbb\xbf"
BUCKET = "somebodys-data"


def records(count: int = 100, start: int = 0, **fields: Any) -> list[bytes]:
    made = (
        {"messages": [{"role": "user", "content": f"How many is {n}?"}], "reference_answer": str(n)} | fields
        for n in range(start, start + count)
    )
    return [json.dumps(record).encode() for record in made]


@pytest.fixture
def rft(runner: CliRunner) -> Callable[..., Any]:
    def run(*arguments: object, **options: Any) -> Any:
        return runner.invoke(app, ["check-dataset", *map(str, arguments)], **options)

    return run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    file.write_bytes(b"\n".join(records()) + b"\n")
    return file


@pytest.fixture
def mendable(tmp_path: Path) -> Path:
    lines = records(102)
    file = tmp_path / "mendable.jsonl"
    file.write_bytes(BOM + lines[0] + b"\r\n\n" + b"\n".join(lines[1:]) + b" ")
    return file


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def test_a_valid_file(rft: Callable[..., Any], good: Path) -> None:
    result = rft(good)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"valid  {good}  100 records"
    assert "prompt tokens      min 4, median 4" in result.stdout
    document = json.loads(rft(good, "--json").stdout)
    assert (set(document), document["valid"], document["records"]) == (REPORT_KEYS, True, 100)


def test_an_invalid_file(rft: Callable[..., Any], good: Path) -> None:
    good.write_bytes(good.read_bytes() + b'{"messages": []}\n{}\n{"messages": [{"role": "human", "content": "x"}]}\n')
    result = rft(good, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["valid"], set(document)) == (1, False, REPORT_KEYS)
    assert [(error["line"], error["rule"]) for error in document["errors"]] == [
        (101, "messages-empty"),
        (102, "messages-missing"),
        (103, "unknown-role"),
        (103, "no-user-message"),
    ][: len(document["errors"])]
    assert all(set(entry) == ENTRY_KEYS for entry in document["errors"] + document["warnings"])

    result = rft(good)
    assert result.exit_code == 1
    verdict, _, title, *counts = result.stdout.splitlines()
    assert re.fullmatch(rf"invalid  {re.escape(str(good))}  103 records, \d errors", verdict)
    assert title == "errors"
    assert counts[0].split() == ["messages-empty", "1"]
    assert 'line 103  unknown-role  messages[0].role\n  the role is "human"\n  give one of system,' in result.stdout


def test_the_list_is_short_and_hides_no_rule(rft: Callable[..., Any], good: Path) -> None:
    good.write_bytes(good.read_bytes() + b"{}\n" * 2000 + b'{"messages": 7}\n')
    lines = rft(good).stdout.splitlines()
    assert sum(line.startswith("line ") for line in lines) == 20
    assert any("messages-type" in line for line in lines if line.startswith("line "))
    assert "and 1,981 more; --json lists the first 901" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["."], "is a folder"),
        ([], "Missing argument 'FILE'"),
        (["{good}", "--grader", "none"], "There is no grader 'none'"),
        (["{good}", "--max-prompt-length", "0"], "Invalid value for '--max-prompt-length'"),
        (["{good}", "--validation", "nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["-", "--validation", "-"], "Only one of the two"),
        (["{good}", "--fix", "{good}", "--force"], "never overwrites"),
        (["{good}", "--fix", "{link}", "--force"], "never overwrites"),
        (["-", "--validation", "{good}", "--fix", "{good}", "--force"], "never overwrites"),
        (["{good}", "--fix", "{other}"], "is there already"),
        (["{good}", "--fix", "/dev/null", "--force"], "no ordinary file"),
        (["{good}", "--fix", "{to_fifo}", "--force"], "no ordinary file"),
        (["{good}", "--fix", "{to_null}", "--force"], "no ordinary file"),
        (["{good}", "--fix", "{to_other}"], "is there already"),
        (["{good}", "--fix", "{loop}", "--force"], "leads nowhere"),
        (["{good}", "--fix", "-", "--force"], "--fix takes a file"),
        (["{good}", "--fix", "no/such/folder/out"], "There is no folder"),
        (["s3://bucket", "--target", "aws", "--region", "us-east-1"], "names no object"),
        (["s3://bucket/key", "--region", "us-east-1"], "--target aws"),
    ],
)
def test_wrong_usage_is_2_and_destroys_nothing(
    rft: Callable[..., Any], good: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "link.jsonl").symlink_to(good)
    (tmp_path / "other.jsonl").write_bytes(b"mine")
    os.mkfifo(tmp_path / "fifo")
    links = {"to_fifo": "fifo", "to_null": "/dev/null", "to_other": "other.jsonl", "loop": "loop"}
    for link, there in links.items():
        (tmp_path / link).symlink_to(there)
    before = sorted(tmp_path.iterdir())
    names = {link: tmp_path / link for link in links} | {
        "good": good,
        "link": tmp_path / "link.jsonl",
        "other": tmp_path / "other.jsonl",
    }
    result = rft(*(argument.format(**names) for argument in arguments), "--json")
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)["error"]["message"]
    assert good.read_bytes() == b"\n".join(records()) + b"\n"
    assert (tmp_path / "other.jsonl").read_bytes() == b"mine"
    assert sorted(tmp_path.iterdir()) == before
    assert all((tmp_path / link).is_symlink() for link in links)
    assert not Path("-").exists()


def test_the_standard_input(rft: Callable[..., Any], good: Path) -> None:
    result = rft("-", input=good.read_bytes())
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "valid  standard input  100 records")


def test_the_grader_and_the_prompt_length(rft: Callable[..., Any], good: Path) -> None:
    assert rft(good, "--grader", "math-reasoning").exit_code == 0
    good.write_bytes(b"\n".join(records(reference_answer="words")))
    document = json.loads(rft(good, "--grader", "math-reasoning", "--json").stdout)
    assert document["error_counts"] == {"reference-unusable": 100}
    assert rft(good, "--grader", "format-validation").exit_code == 0
    document = json.loads(rft(good, "--max-prompt-length", 3, "--json").stdout)
    assert document["error_counts"] == {"too-few-records": 1}
    assert document["warning_counts"] == {"prompt-too-long": 100}


def test_a_validation_file_is_checked_and_held_against_the_first(
    rft: Callable[..., Any], good: Path, tmp_path: Path
) -> None:
    validation = tmp_path / "validation.jsonl"
    validation.write_bytes(b"\n".join(records(5, start=97)))
    document = json.loads(rft(good, "--validation", validation, "--json").stdout)
    assert set(document) == REPORT_KEYS | {"validation"}
    assert document["validation"]["warning_counts"] == {"prompt-in-both-files": 1}
    result = rft(good, "--validation", validation)
    assert result.exit_code == 0
    assert f"valid  {validation}  5 records, 1 warning" in result.stdout
    validation.write_bytes(b"{}")
    assert rft(good, "--validation", validation).exit_code == 1


def test_fix_writes_a_repaired_copy_and_judges_that(rft: Callable[..., Any], mendable: Path, tmp_path: Path) -> None:
    before, out = mendable.read_bytes(), tmp_path / "out.jsonl"
    assert rft(mendable).exit_code == 1
    assert "repair 3 errors: rft check-dataset" in rft(mendable).stdout
    result = rft(mendable, "--fix", out, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["valid"], set(document)) == (0, True, REPORT_KEYS | {"fixed"})
    assert document["fixed"] == {
        "output": str(out),
        "byte_order_marks": 1,
        "crlf": 1,
        "cr": 0,
        "blank_lines": 1,
        "white_space": 1,
        "last_newline": True,
        "unpacked": False,
        "re_encoded": False,
    }
    assert out.read_bytes() == b"\n".join(records(102)) + b"\n"
    assert mendable.read_bytes() == before
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(mendable.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == [mendable, out]
    assert rft(mendable, "--fix", out).exit_code == 2
    assert "repaired" in rft(mendable, "--fix", out, "--force").stdout.splitlines()[0]
    assert "nothing needed repair" in rft(out, "--fix", tmp_path / "again.jsonl").stdout


def test_what_can_not_be_repaired_is_listed_with_the_new_lines(
    rft: Callable[..., Any], mendable: Path, tmp_path: Path
) -> None:
    mendable.write_bytes(b"\n\n" + mendable.read_bytes() + b"\n{}\r\n")
    document = json.loads(rft(mendable, "--fix", tmp_path / "out.jsonl", "--json").stdout)
    assert [(error["line"], error["rule"]) for error in document["errors"]] == [(103, "messages-missing")]


def test_fix_unpacks_and_decodes(rft: Callable[..., Any], good: Path, tmp_path: Path) -> None:
    text = good.read_text()
    for name, data in (("a.jsonl.gz", gzip.compress(text.encode())), ("b.jsonl", text.encode("utf-16"))):
        (tmp_path / name).write_bytes(data)
        assert rft(tmp_path / name).exit_code == 1
        assert rft(tmp_path / name, "--fix", tmp_path / f"{name}.out").exit_code == 0
        assert (tmp_path / f"{name}.out").read_text() == text
    piped = rft("-", "--fix", tmp_path / "c.out", input=gzip.compress(text.encode()))
    assert (piped.exit_code, (tmp_path / "c.out").read_text()) == (0, text)


@pytest.mark.parametrize(
    "data", [gzip.compress(b"\n".join(records()), mtime=0)[:-20], b"a,b\n1,2\n", b"PAR1" + bytes(50)]
)
def test_a_repair_that_fails_leaves_nothing(rft: Callable[..., Any], tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in").write_bytes(data)
    (tmp_path / "out").write_bytes(b"mine")
    result = rft(tmp_path / "in", "--fix", tmp_path / "out", "--force", "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["message"][:14], bool(error["hint"])) == (1, "Not repaired: ", True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"in": data, "out": b"mine"}


def test_an_object_in_s3_needs_no_stack(rft: Callable[..., Any], s3: S3Client) -> None:
    s3.put_object(Bucket=BUCKET, Key="data/train.jsonl", Body=b"\n".join(records()))
    s3.put_object(Bucket=BUCKET, Key="data/validation.jsonl", Body=b"\n".join(records(2)))
    there = ("--target", "aws", "--region", "us-east-1")
    result = rft(f"s3://{BUCKET}/data/train.jsonl", "--validation", f"s3://{BUCKET}/data/validation.jsonl", *there)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"valid  s3://{BUCKET}/data/train.jsonl  100 records")
    missing = rft(f"s3://{BUCKET}/data/none.jsonl", *there, "--json")
    assert missing.exit_code == 2  # as for a file that is missing
    assert "There is no object" in json.loads(missing.stdout)["error"]["message"]


def test_a_stack_that_is_named_has_to_be_there(
    rft: Callable[..., Any], s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_stack(_: object, stack: str) -> None:
        raise TargetMissing(f"There is no stack {stack!r}.")

    monkeypatch.setattr("cli.target._stack_outputs", no_stack)
    result = rft(f"s3://{BUCKET}/train.jsonl", "--target", "aws", "--region", "us-east-1", "--stack", "none")
    assert (result.exit_code, result.stderr) == (1, "error: There is no stack 'none'.\n")


def test_an_object_of_the_local_cloud_needs_one(
    rft: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path))
    result = rft("s3://data-bucket/train.jsonl")
    assert (result.exit_code, "No local cloud is running" in result.stderr) == (1, True)


def test_an_object_is_read_in_the_version_that_was_found(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"s3://{BUCKET}/train.jsonl"
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=b"\n".join(records()))
    pin = objects.pin

    def pin_then_overwrite(*arguments: Any) -> objects.PinnedObject:
        pinned = pin(*arguments)
        s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=b"something else")
        return pinned

    monkeypatch.setattr(objects, "pin", pin_then_overwrite)
    assert check_dataset(uri, None, Options(), s3=lambda: s3, console=Console()).valid
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=BUCKET, Key="train.jsonl", Body=b"\n".join(records()))
    with pytest.raises(CliFault, match="was changed or removed while it was read"):
        check_dataset(uri, None, Options(), s3=lambda: s3, console=Console())


HOSTILE = "[bold]markup[/bold] :bomb:\x1b[31m\x1b]0;title\x07\r\u202ereversed\u2066\u200b\u2028\x9b2J\udc80"


def test_hostile_data_never_reaches_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b[2J\u202e.jsonl"
    lines = [
        json.dumps({"messages": [{"role": HOSTILE, "content": "x", HOSTILE: 1}], HOSTILE: float("nan"), "id": "a"}),
        json.dumps({"messages": [{"role": "user", "content": {HOSTILE: 1}}], "tools": [HOSTILE], "id": "a"}),
        json.dumps({"messages": [{"role": "user", "content": [{"type": HOSTILE}]}], "reference_answer": [HOSTILE]}),
        json.dumps({HOSTILE: [{"messages": []}]}),
        HOSTILE,
        f'{{"{HOSTILE}": {HOSTILE}}}',
    ]
    file.write_bytes("\n".join(lines).encode(errors="surrogatepass") + b"\n\x1b[31m\xff\x9b\x00")
    checked = check_dataset(str(file), None, Options(), s3=pytest.fail, console=Console())
    for width in (20, 80, 10_000):
        shown = StringIO()
        Console(file=shown, force_terminal=True, width=width, highlight=False).print(dataset_report(checked))
        text = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())
        odd = {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
        assert odd == set()
        assert "💣" not in text
        assert "\\x1b[2J\\u202e" in re.sub(r"\n *", "", text)
    assert "[bold]" in json.dumps(checked.to_json())
    json.dumps(checked.to_json(), ensure_ascii=False).encode()


def test_a_file_name_that_is_no_utf_8(rft: Callable[..., Any], good: Path, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl")
    good.rename(name)
    assert "\\udcff.jsonl" in rft(name).stdout
    assert json.loads(rft(name, "--fix", f"{name}.out", "--json").stdout)["fixed"]["output"].endswith(
        "\ufffd.jsonl.out"
    )


def test_what_is_not_seen_is_escaped() -> None:
    assert visible("größer 请 \t\U000e0001\u200f") == "größer 请 \\x09\\U000e0001\\u200f"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_for_what_takes_a_while(
    good: Path, tmp_path: Path, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = StringIO()
    console = Console(file=shown, force_terminal=terminal, width=80)
    options = Options(fix=tmp_path / "out.jsonl")
    check_dataset(str(good), None, options, s3=pytest.fail, console=console)
    assert shown.getvalue() == ""
    monkeypatch.setattr(dataset_check, "_WORTH_A_BAR", 0)
    check_dataset(str(good), None, Options(fix=options.fix, force=True), s3=pytest.fail, console=console)
    assert ("checking" in shown.getvalue(), "repairing" in shown.getvalue()) == (terminal, terminal)
