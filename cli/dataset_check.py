"""Checking a dataset from the command line, whether or not there is a pipeline: a file, an S3 object or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from cli.faults import CliFault, UsageFault
from cli.output_file import place_for, written_whole
from rft.aws import objects
from rft.dataset.lines import valid_records
from rft.dataset.repair import Repair, RepairFailed
from rft.dataset.report import DatasetReport
from rft.dataset.whole_file import check_file, report_on, with_overlap
from rft.errors import DatasetMissing
from rft.steps.dataset.dataset_limits import GRADERS, limits_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STDIN = "-"
_CHUNK = 256 * 1024
_WORTH_A_BAR = 32 * 1024 * 1024  # bytes: what takes less than a second needs no progress

Chunks = Iterable[bytes]
S3 = Callable[[], "S3Client"]


@dataclass(frozen=True, slots=True)
class Source:
    """Something to check. ``size`` in bytes is None where nobody knows; ``open`` gives the bytes, once."""

    name: str
    size: int | None
    open: Callable[[], AbstractContextManager[Chunks]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a person and a program are told. ``fixed`` is what a repair did, None where none was asked for."""

    name: str
    report: DatasetReport
    validation_name: str | None = None
    validation: DatasetReport | None = None
    fixed: dict[str, Any] | None = None

    @property
    def valid(self) -> bool:
        return self.report.valid and (self.validation is None or self.validation.valid)

    def to_json(self) -> dict[str, Any]:
        document = self.report.to_json()
        if self.validation is not None:
            document["validation"] = self.validation.to_json()
        if self.fixed is not None:
            document["fixed"] = self.fixed
        return document


@dataclass(frozen=True, slots=True)
class Options:
    """``few``: also a file of fewer records than a training job takes is valid."""

    grader: str | None = None
    max_prompt_length: int | None = None
    fix: Path | None = None
    force: bool = False
    few: bool = False


def check_dataset(data: str, validation: str | None, how: Options, *, s3: S3, console: Console) -> Checked:
    """Check ``data``, after its repair if one is asked for, and ``validation`` against it.

    Raises ``UsageFault`` for what can't be asked, ``CliFault`` for what can't be read or repaired.
    """
    if how.grader is not None and how.grader not in GRADERS:
        raise UsageFault(f"There is no grader {how.grader!r} to check for.", hint=f"There are: {', '.join(GRADERS)}")
    if data == validation == STDIN:
        raise UsageFault("Only one of the two files can come from the standard input.")
    source = _source(data, s3)
    other = _source(validation, s3) if validation is not None else None
    fixed = None
    if how.fix is not None:
        place = place_for(how.fix, "--fix", (data, validation), force=how.force)
        fixed = _repair(source, how.fix, place, console)
        source = _file(str(how.fix))
    limits = limits_for(how.grader, max_prompt_length=how.max_prompt_length, validation=how.few)
    if other is None:
        with _reading(source, console) as chunks:
            return Checked(source.name, report_on(chunks, limits, name=source.name), fixed=fixed)
    with _reading(source, console) as chunks:
        training = check_file(chunks, limits, name=source.name)
    few = limits_for(how.grader, max_prompt_length=how.max_prompt_length, validation=True)
    with _reading(other, console) as chunks:
        held_out = with_overlap(check_file(chunks, few, name=other.name), training)
    return Checked(source.name, training.report, other.name, held_out, fixed)


def records_of(data: str, s3: S3) -> Iterator[dict[str, Any]]:
    """The records of a file or an object that was found valid."""
    with _source(data, s3).open() as chunks:
        yield from valid_records(chunks)


def _source(name: str, s3: S3) -> Source:
    if name == STDIN:
        return Source(STDIN, None, lambda: nullcontext(_chunks(sys.stdin.buffer)))
    return _object(name, s3()) if name.startswith("s3://") else _file(name)


def _file(name: str) -> Source:
    path = Path(name)
    if path.is_dir():
        raise UsageFault(f"{name} is a folder; give a file, s3://bucket/key, or - for the standard input.")
    if not path.exists():
        raise UsageFault(f"There is no file {name}.")
    if not os.access(path, os.R_OK):
        raise UsageFault(f"The file {name} may not be read.")

    @contextmanager
    def opened() -> Iterator[Chunks]:
        with path.open("rb") as stream:
            yield _chunks(stream)

    return Source(name, path.stat().st_size if path.is_file() else None, opened)


def _object(uri: str, s3: S3Client) -> Source:
    bucket, key = objects.split_uri(uri)
    if not bucket or not key:
        raise UsageFault(f"{uri} names no object: give s3://bucket/key.")
    try:
        pinned = objects.pin(s3, uri, None)
    except DatasetMissing:
        raise UsageFault(f"There is no object {uri}, or it may not be read.") from None
    return Source(uri, pinned.size, lambda: nullcontext(_pinned_chunks(s3, pinned)))


def _pinned_chunks(s3: S3Client, pinned: objects.PinnedObject) -> Iterator[bytes]:
    try:
        yield from objects.chunks(s3, pinned)
    except DatasetMissing:
        raise CliFault(f"{pinned.uri} was changed or removed while it was read.", hint="Run the check again.") from None


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


@contextmanager
def _reading(source: Source, console: Console, verb: str = "checking") -> Iterator[Chunks]:
    """The bytes of ``source``; on a terminal with a bar while a large one is read."""
    with source.open() as chunks:
        if not console.is_terminal or source.size is None or source.size < _WORTH_A_BAR:
            yield chunks
            return
        columns = (TextColumn(verb), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(verb, total=source.size)

            def counted() -> Iterator[bytes]:
                for chunk in chunks:
                    yield chunk
                    progress.advance(task, len(chunk))

            yield counted()


def _repair(source: Source, out: Path, place: Path, console: Console) -> dict[str, Any]:
    """Write the repaired copy. ``out`` is what it is called, ``place`` where that leads."""
    repair = Repair()
    try:
        with _reading(source, console, "repairing") as chunks, written_whole(place) as stream:
            stream.writelines(repair.pieces(chunks))
    except RepairFailed as failed:
        raise CliFault(f"Not repaired: {failed}.", hint=failed.fix) from None
    return {"output": os.fsencode(out).decode(errors="replace"), **repair.to_json()}
