"""Training datasets: checked line by line, split, and passed on as the bytes they came in."""

from __future__ import annotations

from rft.dataset.canonical import with_rft_field
from rft.dataset.checking import DatasetCheck, RecordFacts
from rft.dataset.limits import MAX_LINE_BYTES, Limits
from rft.dataset.lines import Line, split_lines
from rft.dataset.problems import Problem
from rft.dataset.repair import Repair, RepairFailed
from rft.dataset.report import DatasetReport
from rft.dataset.split import choose_validation
from rft.dataset.whole_file import FileCheck, check_file, report_on, with_overlap

__all__ = [
    "MAX_LINE_BYTES",
    "DatasetCheck",
    "DatasetReport",
    "FileCheck",
    "Limits",
    "Line",
    "Problem",
    "RecordFacts",
    "Repair",
    "RepairFailed",
    "check_file",
    "choose_validation",
    "report_on",
    "split_lines",
    "with_overlap",
    "with_rft_field",
]
