"""The check of a whole file: from its bytes to its report, and to what a second file is held against."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from rft.dataset.canonical import Prompt, prompt_hash
from rft.dataset.checking import DatasetCheck
from rft.dataset.kinds import HEAD_BYTES, head_flaw
from rft.dataset.problems import Problem
from rft.dataset.unpacking import with_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rft.dataset.limits import Limits
    from rft.dataset.report import DatasetReport

MAX_LISTED = 1000
_LINES_NAMED = 5


@dataclass(frozen=True, slots=True)
class FileCheck:
    """``split_hashes`` has 64 bits of each good record's prompt, in their order; ``good_lines`` the lines they are on.
    Both stop at the record limit, past which a file is refused, so the memory they take is bounded.
    """

    report: DatasetReport
    split_hashes: array[int]
    good_lines: array[int]


def check_file(
    chunks: Iterable[bytes], limits: Limits, *, max_listed: int = MAX_LISTED, name: str | None = None
) -> FileCheck:
    """Check a file that arrives in chunks, in bounded memory. ``name`` is the file's: its ending may tell its kind."""
    check = DatasetCheck(limits=limits, max_listed=max_listed, name=name)
    hashes, numbers = array("Q"), array("Q")

    def keep(line: int, prompt: Prompt) -> None:
        if len(hashes) < limits.max_records:
            hashes.append(prompt_hash(prompt))
            numbers.append(line)

    check.read(_with_first_line_shown(chunks, name), good=keep)
    return FileCheck(check.report(), hashes, numbers)


def report_on(
    chunks: Iterable[bytes], limits: Limits, *, max_listed: int = MAX_LISTED, name: str | None = None
) -> DatasetReport:
    """As ``check_file``, for the report alone: without the hashes it is faster."""
    check = DatasetCheck(limits=limits, max_listed=max_listed, name=name)
    check.read(_with_first_line_shown(chunks, name))
    return check.report()


def with_overlap(validation: FileCheck, training: FileCheck) -> DatasetReport:
    """The report of the validation file, with a warning if prompts of it also stand in the training file."""
    trained = frozenset(training.split_hashes)
    both = zip(validation.good_lines, validation.split_hashes, strict=True)
    shared = [number for number, value in both if value in trained]
    if not shared:
        return validation.report
    prompts = "1 prompt also stands" if len(shared) == 1 else f"{len(shared):,} prompts also stand"
    found = f"{prompts} in the training file ({_named(shared)} of the validation file)"
    fix = "remove it here or there: a prompt that was trained on tests nothing"
    problem = Problem(None, "messages", "prompt-in-both-files", found, fix)
    counts = Counter(validation.report.warning_counts)
    counts[problem.rule] = 1
    return replace(validation.report, warnings=[*validation.report.warnings, problem], warning_counts=counts)


def _named(numbers: Sequence[int]) -> str:
    first = ", ".join(map(str, numbers[:_LINES_NAMED]))
    return f"line{'s' if len(numbers) > 1 else ''} {first}{', ...' if len(numbers) > _LINES_NAMED else ''}"


def _with_first_line_shown(chunks: Iterable[bytes], name: str | None) -> Iterator[bytes]:
    """The file, its first line cut off behind the head if that tells another kind of file.

    The one line of a JSON array, or of a binary file, may be so long that nothing but its length would be looked at.
    """
    head, stream = with_head(chunks, HEAD_BYTES)
    if b"\n" in head or not head_flaw(head, name):
        return stream
    return chain([head], _from_first_newline(stream))


def _from_first_newline(chunks: Iterable[bytes]) -> Iterator[bytes]:
    stream = iter(chunks)
    for chunk in stream:
        if (end := chunk.find(b"\n")) >= 0:
            yield chunk[end:]
            break
    yield from stream
