"""``rft check-dataset``: what it says of files without records and of repairs, and where it writes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.cli.test_check_dataset import BOM, REPORT_KEYS, records


@pytest.fixture
def rft(runner: CliRunner) -> Callable[..., Any]:
    return lambda *arguments: runner.invoke(app, ["check-dataset", *map(str, arguments)])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "train.jsonl"
    file.write_bytes(b"\n".join(records()) + b"\n")
    return file


def test_a_link_stays_and_the_file_it_leads_to_is_written(rft: Callable[..., Any], good: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "out.jsonl").write_bytes(b"mine")
    for name, there in (("old", "elsewhere/out.jsonl"), ("new", "elsewhere/new.jsonl")):
        (tmp_path / name).symlink_to(there)
        assert rft(good, "--fix", tmp_path / name, "--force").exit_code == 0
        assert (tmp_path / name).readlink() == Path(there)
        assert (tmp_path / there).read_bytes() == good.read_bytes()


@pytest.mark.parametrize("redirected", [True, False])
def test_the_standard_output_under_another_name_is_no_place(good: Path, tmp_path: Path, redirected: bool) -> None:
    link, words = tmp_path / "link", tmp_path / "words"
    link.symlink_to("/proc/self/fd/1")
    if not link.exists():
        pytest.skip("this system has no /proc")
    code = f"from cli.main import app; app(['check-dataset', {str(good)!r}, '--fix', {str(link)!r}, '--force'])"
    with words.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=stream if redirected else subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, b"so --fix can't write it" in done.stderr) == (2, True)
    assert (link.readlink(), words.read_bytes()) == (Path("/proc/self/fd/1"), b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[\n" + b",\n".join(records()) + b"\n]\n", "the file is one JSON array"),
        (gzip.compress(b"\n".join(records()), mtime=0), "the file is gzip"),
        (b"\n".join(records()).decode().encode("utf-16"), "the file is UTF-16 or UTF-32"),
        (json.dumps({"messages": []}, indent=1).encode(), "a record goes over several lines"),
        (b"PK\x03\x04" + b"a\n" * 9, "the file is a zip archive"),
        (b"\r".join(records()), "lines end with CR alone, as Excel for Mac and old Macs write them"),
        (b"", "the file is empty"),
        (BOM, "the file is empty, but for white space or a byte order mark"),
        (b"\n \n", "the file is empty, but for white space or a byte order mark"),
    ],
)
def test_a_file_without_records_is_named_by_what_it_is(
    rft: Callable[..., Any], tmp_path: Path, data: bytes, words: str
) -> None:
    file = tmp_path / "draft.json"
    file.write_bytes(data)
    assert rft(file).stdout.splitlines()[0] == f"invalid  {file}  {words}"
    document = json.loads(rft(file, "--json").stdout)
    assert (set(document), document["records"], document["stats"]["records"]) == (REPORT_KEYS, 0, 0)
    assert [error["line"] for error in document["errors"]] == [None]


def test_one_record_is_one_record(rft: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(records(1)[0])
    assert "the file has 1 record; Bedrock" in rft(tmp_path / "one").stdout


@pytest.mark.parametrize(
    ("end", "added", "words"),
    [
        (b"\n", b"", "copied  {out}\n  nothing needed repair; this is a copy"),
        (b"", b"", "repaired  {out}\n  missing LF put at the end\n"),
        (b"\n", b"{}\n", "copied  {out}\n  nothing here could be repaired; this is a copy"),
        (b"\r\n", b"{}\n", "repaired  {out}\n  CR LF made LF: 1\n"),
    ],
)
def test_what_a_repair_did_is_said(
    rft: Callable[..., Any], tmp_path: Path, end: bytes, added: bytes, words: str
) -> None:
    (tmp_path / "in").write_bytes(b"\n".join(records()) + end + added)
    result = rft(tmp_path / "in", "--fix", tmp_path / "out")
    assert result.stdout.startswith(words.format(out=tmp_path / "out"))


def test_lines_that_end_with_cr_are_repaired(rft: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(BOM + b"\r".join(records()) + b"\r")
    result = rft(tmp_path / "in", "--fix", tmp_path / "out")
    assert (result.exit_code, "CR made LF: 100" in result.stdout) == (0, True)
    assert (tmp_path / "out").read_bytes() == b"\n".join(records()) + b"\n"
