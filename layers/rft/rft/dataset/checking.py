"""The check of a dataset, line by line: a quick look that clears good lines, a slow one that explains the others.

The quick look (rft.dataset.quick_look) knows plain records only: messages of role and content, in an order of roles met
before. Whatever it can't clear goes to the slow look, which finds every flaw of the line, or clears it after all. So
the rules live in one place (rft.dataset.text and rft.dataset.shape), and the quick look may be simple as long as it
never clears a line that the slow one would refuse.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from rft.dataset.canonical import Prompt, prompt_hash, prompt_of
from rft.dataset.kinds import file_flaw
from rft.dataset.limits import Limits
from rft.dataset.lines import OverlongLine, cut_lines
from rft.dataset.other_formats import HOLDS_ITS_ANSWER_ELSEWHERE
from rft.dataset.problems import Findings, Flaw, shown
from rft.dataset.quick_look import QuickLook
from rft.dataset.report import DatasetReport
from rft.dataset.shape import record_flaws
from rft.dataset.statistics import CHARACTERS_PER_TOKEN, ESTIMATE, Statistics, is_missing, tokens_of
from rft.dataset.text import BYTE_ORDER_MARK, CRLF, NotJson, read_leniently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rft.dataset.lines import Line

UNREADABLE = object()
REFERENCE_MISSING = Flaw(
    "reference_answer",
    "reference-missing",
    "there is no reference_answer, and the grader compares with one",
    "give the right answer as a string or an object",
)
type _Prompt = tuple[tuple[str, ...], tuple[str, ...], str]
DUPLICATE_FIX = "remove it, unless this prompt is meant to weigh more"


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What the pipeline needs of a good record."""

    prompt: Prompt

    @property
    def split_hash(self) -> int:
        """64 bits of the prompt: equal prompts have equal ones, whatever else their records say."""
        return prompt_hash(self.prompt)


def _read(data: bytes, has_unique_keys: Callable[[bytes], bool]) -> tuple[Any, Sequence[Flaw]]:
    """What a line says and every flaw of its text; UNREADABLE when it can't be read at all."""
    if data.endswith(b"\r"):  # a whole file of them is no rarity: not the slowest way for all of its lines
        record, flaws = _read(data[:-1], has_unique_keys)
        first = 1 if flaws and flaws[0].rule == "byte-order-mark" else 0  # flaws in the order of the line's bytes
        return record, [*flaws[:first], CRLF, *flaws[first:]]
    try:
        record = orjson.loads(data)
        if has_unique_keys(data):
            return record, ()
    except ValueError:
        record = UNREADABLE
    try:
        lenient, flaws = read_leniently(data)
    except NotJson as error:
        return UNREADABLE, error.flaws
    return lenient if flaws else record, flaws


def _counted(records: int) -> str:
    return f"{records:,} record{'' if records == 1 else 's'}"


def _is_blank(data: bytes) -> bool:
    if data.startswith(BYTE_ORDER_MARK):
        data = data.replace(BYTE_ORDER_MARK, b"")
    return not data or data.isspace()


class DatasetCheck:
    """Takes the lines of one file in order and says at the end what it found.

    Memory is bounded: at most ``max_listed`` problems are kept (and a tenth of it warnings), and past the record limit,
    where the file is refused anyway, duplicates and sizes are no longer tracked. ``name`` is the file's, a hint at
    what it holds.
    """

    def __init__(self, *, limits: Limits | None = None, max_listed: int = 1000, name: str | None = None) -> None:
        self._limits = limits or Limits()
        self._name = name
        self._quick_look = QuickLook(self._limits)
        self._findings = Findings(max_listed)
        self._warnings = Findings(max(max_listed // 10, 10))
        self._statistics = Statistics()
        self._lines = 0
        self._records = 0
        self._file_flaw: Flaw | None = None
        self._unsettled = False  # the next line is to be looked at closely, whatever it is
        self._blank_lines = range(0)  # the latest run of them: flawed only when a record follows
        self._ids: dict[int, int] = {}  # hash of an id: the line that had it first
        self._prompts: dict[int, int] = {}  # hash of a prompt: the line that had it first
        tokens = self._limits.max_prompt_tokens
        self._max_characters = sys.maxsize if tokens is None else tokens * CHARACTERS_PER_TOKEN
        self._too_long_prompts = 0

    def read(self, chunks: Iterable[bytes], *, good: Callable[[int, Prompt], object] | None = None) -> None:
        """Take a whole file. ``good`` is called with the line and the prompt of each good record."""
        for batch in cut_lines(chunks, max_bytes=self._limits.max_line_bytes):
            self._take(batch, good)

    def add(self, line: Line) -> RecordFacts | None:
        """Take one line. The facts of a good record; None for a bad line and for a blank one."""
        facts: list[RecordFacts] = []
        lines = [OverlongLine(line.length) if line.data is None else line.data]
        self._take(lines, lambda _, prompt: facts.append(RecordFacts(prompt)))
        return facts[0] if facts else None

    def report(self) -> DatasetReport:
        """What was found so far, with what is wrong with the file as a whole at the end of the list."""
        errors = self._findings.copy()
        for flaw in self._size_flaws():
            errors.add(None, flaw)
        warnings = self._warnings.copy()
        if missing := self._statistics.reference_warning():
            warnings.add(None, missing)
        return DatasetReport(
            valid=not errors.counts,
            records=self._records,
            errors=errors.listed,
            error_counts=errors.counts,
            warnings=warnings.listed,
            warning_counts=warnings.counts,
            stats={
                "records": self._records,
                **self._statistics.to_json(),
                "duplicate_prompts": self._statistics.records - len(self._prompts),
            },
        )

    def _take(self, lines: Iterable[bytes | OverlongLine], good: Callable[[int, Prompt], object] | None) -> None:
        # The hot loop: every call and every attribute shows in its speed. Hence locals, and bare appends.
        clear = self._quick_look.clear
        ids, prompts = self._ids, self._prompts
        max_records, max_characters = self._limits.max_records, self._max_characters
        add_characters = self._statistics.characters.append
        add_turns = self._statistics.turns.append
        add_reference_type = self._statistics.reference_types.append
        number, records = self._lines, self._records
        for data in lines:
            number += 1
            cleared = clear(data)
            if cleared is None or self._unsettled:
                self._lines, self._records = number, records
                prompt = self._look_closer(data)
                records = self._records
            else:
                records += 1
                roles, turns, texts, characters, record_id, reference = cleared
                prompt = (roles, texts, "")  # equal to a ``Prompt``, and sooner made
                if records <= max_records:
                    if record_id is not None and ids.setdefault(hash(record_id), number) != number:
                        self._report_repeated_id(number, record_id)
                        continue
                    if prompts.setdefault(hash(prompt), number) != number or characters > max_characters:
                        self._warn_of(number, prompt, characters)
                    add_characters(characters)
                    add_turns(turns)
                    add_reference_type(type(reference))
            if prompt is not None and good is not None:
                good(number, Prompt(*prompt))
        self._lines, self._records = number, records

    def _look_closer(self, data: bytes | OverlongLine) -> _Prompt | None:
        """The prompt of a record that is good after all; else what is wrong is put on the list."""
        number = self._lines
        if not isinstance(data, OverlongLine) and _is_blank(data):
            self._blank_lines = range(self._blank_lines.start if self._blank_lines else number, number + 1)
            self._unsettled = True
            return None
        if self._file_flaw:  # newlines in foreign data part no records
            return None
        self._records += 1
        self._report_blank_lines()
        self._unsettled = False
        if isinstance(data, OverlongLine):
            self._findings.add(number, self._too_long(data))
            return None
        record, flaws = _read(data, self._quick_look.has_unique_keys)
        if self._records == 1 and not isinstance(record, dict) and (file := file_flaw(data, self._name)):
            self._file_flaw = file
            self._records = 0
            self._unsettled = True
            self._findings.add(None, file)
            return None
        sound = True
        for flaw in itertools.chain(flaws, self._flaws_of_record(record)):
            sound = False
            self._findings.add(number, flaw)
        if not sound:
            if isinstance(record, dict) and type(record.get("id")) is str:
                self._note_id(number, record["id"])
            return None
        prompt = prompt_of(record)
        if not prompt.rest:
            self._quick_look.remember(prompt.roles)
        return self._enter(number, prompt, record)

    def _flaws_of_record(self, record: Any) -> Iterator[Flaw]:
        if record is UNREADABLE:
            return
        has_answer_elsewhere = False
        for flaw in record_flaws(record):
            has_answer_elsewhere = has_answer_elsewhere or flaw.rule in HOLDS_ITS_ANSWER_ELSEWHERE
            yield flaw
        if not isinstance(record, dict):
            return
        reference = record.get("reference_answer", "")
        if reference is not None and is_missing(reference):
            if self._limits.require_reference and not has_answer_elsewhere:
                without = self._limits.without_reference
                lack = without(record) if without else REFERENCE_MISSING
                if lack:
                    yield lack
        elif self._limits.reference_flaw and isinstance(reference, (str, dict)):
            unusable = self._limits.reference_flaw(reference)
            if unusable:
                yield unusable
        if self._limits.record_flaw and (other := self._limits.record_flaw(record)):
            yield other

    def _enter(self, number: int, prompt: _Prompt, record: dict[str, Any]) -> _Prompt | None:
        """Take a good record into the numbers about the whole file. None if its id was seen before."""
        if self._records > self._limits.max_records:
            return prompt
        if "id" in record and not self._note_id(number, record["id"]):
            return None
        characters = sum(map(len, prompt[1]))
        self._prompts.setdefault(hash(prompt), number)
        self._warn_of(number, prompt, characters)
        self._statistics.enter(prompt[0], characters, record.get("reference_answer"))
        return prompt

    def _note_id(self, number: int, record_id: str) -> bool:
        """Whether the id is new."""
        if self._records > self._limits.max_records or self._ids.setdefault(hash(record_id), number) == number:
            return True
        self._report_repeated_id(number, record_id)
        return False

    def _report_repeated_id(self, number: int, record_id: str) -> None:
        found = f"line {self._ids[hash(record_id)]} has the id {shown(record_id)} as well"
        self._findings.add(number, Flaw("id", "duplicate-id", found, "give each record its own id, or none at all"))

    def _warn_of(self, number: int, prompt: _Prompt, characters: int) -> None:
        first = self._prompts[hash(prompt)]
        if first != number:
            found = f"the prompt is that of line {first} as well"
            self._warnings.add(number, Flaw("messages", "duplicate-prompt", found, DUPLICATE_FIX))
        if characters > self._max_characters:
            self._too_long_prompts += 1
            self._warnings.add(number, self._long_prompt(characters))

    def _report_blank_lines(self) -> None:
        for number in self._blank_lines:
            self._findings.add(number, Flaw("", "blank-line", "the line is blank", "remove it"))
        self._blank_lines = range(0)

    def _too_long(self, length: int) -> Flaw:
        found = f"the line has {length:,} bytes; at most {self._limits.max_line_bytes:,} are read"
        return Flaw("", "line-too-long", found, "shorten the record, or check that each record ends with a newline")

    def _long_prompt(self, characters: int) -> Flaw:
        tokens = tokens_of(characters)
        found = (
            f"the prompt has about {tokens:,} tokens ({ESTIMATE}), more than the job's maxPromptLength of "
            f"{self._limits.max_prompt_tokens:,}: Bedrock drops such prompts in silence"
        )
        return Flaw("messages", "prompt-too-long", found, "shorten it, or raise hyperparameters.max_prompt_length")

    def _size_flaws(self) -> list[Flaw]:
        limits = self._limits
        if self._file_flaw:
            return []
        if not self._records:
            found = "the file is empty" + (", but for white space or a byte order mark" if self._lines else "")
            return [Flaw("", "empty-file", found, f"give at least {_counted(limits.min_records)}")]
        if self._records < limits.min_records:
            found = f"the file has {_counted(self._records)}; Bedrock wants at least {limits.min_records:,}"
            return [Flaw("", "too-few-records", found, "add records")]
        if self._records > limits.max_records:
            found = f"the file has {self._records:,} records; Bedrock takes at most {limits.max_records:,}"
            return [Flaw("", "too-many-records", found, "leave out records, duplicates first")]
        left = self._records - self._too_long_prompts
        if left < limits.min_records:
            found = (
                f"about {left:,} of {self._records:,} prompts are short enough for the job's maxPromptLength of "
                f"{limits.max_prompt_tokens:,}; Bedrock wants at least {limits.min_records:,}"
            )
            return [Flaw("", "too-few-records", found, "shorten prompts, or raise hyperparameters.max_prompt_length")]
        return []
