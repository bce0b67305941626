"""The check of a dataset, line by line: a quick look that clears good lines, a slow one that explains the others.

The quick look knows plain records only: messages of role and content, in an order of roles met before. Whatever it
can't clear goes to the slow look, which finds every flaw of the line, or clears it after all. So the rules live in
one place (rft.dataset.text and rft.dataset.shape), and the quick look may be simple as long as it never clears a
line that the slow one would refuse.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from rft.dataset.canonical import prompt_hash, prompt_of
from rft.dataset.kinds import file_flaw
from rft.dataset.limits import Limits
from rft.dataset.problems import Findings, Flaw, Problem, shown
from rft.dataset.repeated_keys import every_key_was_kept
from rft.dataset.report import DatasetReport
from rft.dataset.shape import record_flaws
from rft.dataset.statistics import Statistics, is_missing
from rft.dataset.text import NotJson, read_leniently

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rft.dataset.lines import Line

CLOSING_BRACE = ord("}")
ROLE_SEQUENCES_REMEMBERED = 256
UNREADABLE = object()
REFERENCE_MISSING = Flaw(
    "reference_answer",
    "reference-missing",
    "there is no reference_answer, and the grader compares with one",
    "give the right answer as a string or an object",
)


@dataclass(slots=True)
class RecordFacts:
    """What the pipeline needs of a good record. Holds the parsed record: take what you need and let it go."""

    record: dict[str, Any]

    @property
    def split_hash(self) -> int:
        """64 bits of the prompt: equal prompts have equal ones, whatever else their records say."""
        return prompt_hash(prompt_of(self.record))


def _read(data: bytes) -> tuple[Any, Sequence[Flaw]]:
    """What a line says and every flaw of its text; UNREADABLE when it can't be read at all."""
    try:
        record = orjson.loads(data)
        if not data.endswith(b"\r") and every_key_was_kept(data, record):
            return record, ()
    except ValueError:
        record = UNREADABLE
    try:
        lenient, flaws = read_leniently(data)
    except NotJson as error:
        return UNREADABLE, error.flaws
    return lenient if flaws else record, flaws


class DatasetCheck:
    """Takes the lines of one file in order and says at the end what it found.

    Memory is bounded: at most ``max_listed`` problems are kept, and past the record limit, where the file is
    refused anyway, duplicates and sizes are no longer tracked.
    """

    def __init__(self, *, limits: Limits | None = None, max_listed: int = 1000) -> None:
        self._limits = limits or Limits()
        self._findings = Findings(max_listed)
        self._statistics = Statistics()
        self._records = 0
        self._file_flaw: Flaw | None = None
        self._blank_lines = range(0)  # the latest run of them: flawed only when a record follows
        self._good_roles: set[tuple[str, ...]] = set()
        self._ids: dict[int, int] = {}  # hash of an id: the line that had it first
        self._prompts: set[int] = set()

    def add(self, line: Line) -> RecordFacts | None:
        """The facts of a good record; None for a bad line and for a blank one."""
        data = line.data
        if not data or data[-1] != CLOSING_BRACE or self._blank_lines or self._file_flaw:
            return self._look_closer(line)
        roles = []
        texts = []
        characters = longest = before_longest = 0
        try:
            record = orjson.loads(data)
            messages = record["messages"]
            for message in messages:
                text = message["content"]
                if not text or text.isspace() or len(message) != 2:
                    return self._look_closer(line)
                roles.append(message["role"])
                texts.append(text)
                length = len(text)
                if length > longest:
                    longest = length
                    before_longest = characters
                characters += length
            prompt = (tuple(roles), tuple(texts), "")  # equal to, and far cheaper than, prompt_of(record)
            plain = prompt[0] in self._good_roles and self._has_plain_fields(record)
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._look_closer(line)
        at_least = len(record) + 2 * len(messages)
        reference = record.get("reference_answer")
        if type(reference) is dict:
            at_least += len(reference)
        if not plain or not every_key_was_kept(data, record, at_least=at_least, before_longest=before_longest):
            return self._look_closer(line)
        self._records += 1
        return self._enter(line.number, record, prompt, characters)

    def report(self) -> DatasetReport:
        """What was found so far, with what is wrong with the file as a whole at the end of the list."""
        findings = Findings(self._findings.max_listed, list(self._findings.listed), self._findings.counts.copy())
        for flaw in self._size_flaws():
            findings.add(None, flaw)
        return DatasetReport(
            valid=not findings.counts,
            records=self._records,
            errors=findings.listed,
            error_counts=findings.counts,
            warnings=self._warnings(),
            stats={
                "records": self._records,
                **self._statistics.to_json(),
                "duplicate_prompts": self._duplicate_prompts(),
            },
        )

    def _has_plain_fields(self, record: dict[str, Any]) -> bool:
        reference = record.get("reference_answer")
        return (
            "rft" not in record
            and "tools" not in record
            and (type(reference) is dict or type(reference) is str or "reference_answer" not in record)
            and not (self._limits.require_reference and is_missing(reference))
            and ("id" not in record or (type(record["id"]) is str and bool(record["id"].strip())))
        )

    def _look_closer(self, line: Line) -> RecordFacts | None:
        data = line.data
        if data is not None and (not data or data.isspace()):
            self._note_blank_line(line.number)
            return None
        self._records += 1
        if self._file_flaw:
            return None
        self._report_blank_lines()
        if data is None:
            self._findings.add(line.number, self._too_long(line.length))
            return None
        record, flaws = _read(data)
        if self._records == 1 and not isinstance(record, dict) and (file := file_flaw(data)):
            self._file_flaw = file
            self._findings.add(None, file)
            return None
        sound = True
        for flaw in itertools.chain(flaws, self._flaws_of_record(record)):
            sound = False
            self._findings.add(line.number, flaw)
        if sound:
            return self._enter_explained(line.number, record)
        if isinstance(record, dict):
            self._note_id(line.number, record.get("id"))
        return None

    def _flaws_of_record(self, record: Any) -> Iterator[Flaw]:
        if record is UNREADABLE:
            return
        yield from record_flaws(record)
        if self._limits.require_reference and isinstance(record, dict):
            reference = record.get("reference_answer", "")
            if reference is not None and is_missing(reference):
                yield REFERENCE_MISSING

    def _enter_explained(self, number: int, record: dict[str, Any]) -> RecordFacts | None:
        prompt = prompt_of(record)
        if len(self._good_roles) < ROLE_SEQUENCES_REMEMBERED and not prompt.rest:
            self._good_roles.add(prompt.roles)
        return self._enter(number, record, tuple(prompt), sum(map(len, prompt.texts)))

    def _enter(
        self, number: int, record: dict[str, Any], prompt: tuple[Any, ...], characters: int
    ) -> RecordFacts | None:
        """Take a good record into the numbers about the whole file."""
        if self._records <= self._limits.max_records:
            if "id" in record and self._ids.setdefault(hash(record["id"]), number) != number:
                self._note_id(number, record["id"])
                return None
            self._prompts.add(hash(prompt))
            self._statistics.enter(prompt[0], characters, record.get("reference_answer"))
        return RecordFacts(record)

    def _note_id(self, number: int, record_id: Any) -> None:
        if type(record_id) is not str or self._records > self._limits.max_records:
            return
        first = self._ids.setdefault(hash(record_id), number)
        if first != number:
            found = f"line {first} has the id {shown(record_id)} as well"
            self._findings.add(number, Flaw("id", "duplicate-id", found, "give each record its own id, or none at all"))

    def _note_blank_line(self, number: int) -> None:
        self._blank_lines = range(self._blank_lines.start if self._blank_lines else number, number + 1)

    def _report_blank_lines(self) -> None:
        for number in self._blank_lines:
            self._findings.add(number, Flaw("", "blank-line", "the line is blank", "remove it"))
        self._blank_lines = range(0)

    def _too_long(self, length: int) -> Flaw:
        found = f"the line has {length:,} bytes; at most {self._limits.max_line_bytes:,} are read"
        return Flaw("", "line-too-long", found, "shorten the record, or check that each record ends with a newline")

    def _size_flaws(self) -> list[Flaw]:
        limits = self._limits
        if self._file_flaw:
            return []
        if not self._records:
            return [Flaw("", "empty-file", "the file has no records", f"give at least {limits.min_records}")]
        if self._records < limits.min_records:
            found = f"the file has {self._records:,} records; Bedrock wants at least {limits.min_records:,}"
            return [Flaw("", "too-few-records", found, "add records")]
        if self._records > limits.max_records:
            found = f"the file has {self._records:,} records; Bedrock takes at most {limits.max_records:,}"
            return [Flaw("", "too-many-records", found, "leave out records, duplicates first")]
        return []

    def _duplicate_prompts(self) -> int:
        return self._statistics.records - len(self._prompts)

    def _warnings(self) -> list[Problem]:
        warnings = []
        if repeats := self._duplicate_prompts():
            found = f"{repeats:,} records ask what an earlier record asks"
            fix = "remove them, unless these prompts are meant to weigh more"
            warnings.append(Problem(None, "messages", "duplicate-prompt", found, fix))
        if missing := self._statistics.references["missing"]:
            found = f"{missing:,} records have no reference_answer"
            fix = "make sure that the grader can do without one"
            warnings.append(Problem(None, "reference_answer", "reference-missing", found, fix))
        return warnings
