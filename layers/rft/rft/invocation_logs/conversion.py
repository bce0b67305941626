"""From log objects to candidates for a dataset, one object at a time, with every record accounted for."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from rft.invocation_logs.answers import answer_of
from rft.invocation_logs.bodies import prompt_of
from rft.invocation_logs.counting import ConversionCounts, Failed, LeftOut, LogProblem, Skipped
from rft.invocation_logs.reading import Damage, LogLines, unpacked_body
from rft.invocation_logs.shards import MAX_RECORD_BYTES, Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rft.invocation_logs.messages import Message
    from rft.invocation_logs.options import LogOptions

MAX_PROBLEMS = 100
new_tuple = tuple.__new__  # a NamedTuple's own constructor is a Python function and costs twice as much
MAX_REQUEST_ID = 256  # AWS gives UUIDs, 36 characters
is_timestamp = re.compile("[0-9T:.Z+-]{1,40}").fullmatch
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WRONG_FORM = (KeyError, TypeError, AttributeError, IndexError, ValueError)  # what reading a body of another form raises


class BodyUnavailable(Exception):
    """An offloaded body can't be had; said by ``load_body``. ``reason`` is for people and never holds a text."""


class LogConversion:
    """Converts one object after another and keeps count. Not for several threads at once: give each its own.

    ``load_body`` takes the ``s3://`` path of an offloaded body as the record gives it, and returns the object's bytes,
    gzip or plain; it raises ``BodyUnavailable`` for one that isn't there or isn't to be read. The path comes out of
    the data: check that it leads where bodies are, and read no more than ``MAX_BODY_BYTES`` and one byte.
    """

    def __init__(self, options: LogOptions, load_body: Callable[[str], bytes]) -> None:
        self._options = options
        self._load_body = load_body
        self._seed = b"%d\n" % options.seed
        self._listed: Counter[str] = Counter()
        self.counts = ConversionCounts()
        self.problems: list[LogProblem] = []

    def convert(self, name: str, chunks: Iterable[bytes]) -> Iterator[Candidate]:
        """The candidates of the log object ``name``, as it is read. Damage is counted, never raised."""
        counts = self.counts
        lines = LogLines(chunks)
        number = 0
        for number, line in enumerate(lines, 1):
            try:
                candidate = self._candidate(line)
            except LeftOut as left:
                self._leave_out(name, number, left)
                continue
            if candidate is not None:
                counts.records += 1
                counts.converted += 1
                yield candidate
        if lines.damage is not None:
            yield from self._last_before_damage(lines.rest)
            self._leave_out(name, number + 1, Failed(lines.damage))

    def _last_before_damage(self, rest: bytes | None) -> Iterator[Candidate]:
        """The last line, if it had come whole before the object broke off. What is wrong with it is the damage."""
        try:
            candidate = self._candidate(rest)
        except LeftOut:
            return
        if candidate is not None:
            self.counts.records += 1
            self.counts.converted += 1
            yield candidate

    def _leave_out(self, name: str, number: int, left: LeftOut) -> None:
        counts = self.counts
        counts.records += 1
        if isinstance(left, Skipped):
            counts.skipped[left.reason] += 1
            return
        counts.failed[left.reason] += 1
        self._listed[left.reason] += 1
        held_back = 0 if self._listed[left.reason] <= 3 else MAX_PROBLEMS // 10  # so that a rare reason is seen too
        if len(self.problems) < MAX_PROBLEMS - held_back:
            self.problems.append(LogProblem(name, number, left.reason))

    def _candidate(self, line: bytes | None) -> Candidate | None:
        """What becomes of one line; None for a blank one. Raises ``LeftOut``."""
        if line is None:
            raise Failed("line-too-long")
        try:
            record = orjson.loads(line)
        except ValueError:
            if not line or line.isspace():
                return None
            record = _read_leniently(line)
        try:
            request_id = record["requestId"]
            operation = record["operation"]
            request = record["input"]
        except (KeyError, TypeError):
            raise _why_no_record(record) from None
        if not _is_sound_id(request_id):
            raise Failed("not-a-log-record")
        options = self._options
        if options.metadata_filter is not None and not options.metadata_filter.admits(record.get("requestMetadata")):
            raise Skipped("filtered")
        if record.get("errorCode"):
            raise Skipped("error")
        try:
            body = request.get("inputBodyJson")
            if body is None:
                body = self._offloaded(request.get("inputBodyS3Path"))
            turns, tools = prompt_of(operation, record.get("modelId"), body)
            answer = self._answer(record) if options.use_prompt_response else None
            return self._made(request_id, record.get("timestamp"), turns, tools, answer)
        except WRONG_FORM:
            raise Failed("unknown-body") from None

    def _answer(self, record: dict[str, Any]) -> str:
        response = record.get("output")
        if not response:
            raise Skipped("no-answer")
        body = response.get("outputBodyJson")
        if body is None:
            body = self._offloaded(response.get("outputBodyS3Path"))
        return answer_of(body)

    def _offloaded(self, path: Any) -> Any:
        """A body that was stored as an object of its own."""
        if type(path) is not str or not path:
            raise Failed("body-missing")
        try:
            data = unpacked_body(self._load_body(path))
        except BodyUnavailable:
            raise Failed("body-missing") from None
        except Damage:
            raise Failed("body-damaged") from None
        if data is None:
            raise Skipped("too-long")
        try:
            return orjson.loads(data)
        except ValueError:
            raise Failed("body-damaged") from None

    def _made(
        self, request_id: str, timestamp: Any, turns: list[Message], tools: list[dict[str, Any]], answer: str | None
    ) -> Candidate:
        redactor = self._options.redactor
        if redactor is not None:
            redactor.redact_turns(turns)
            answer = None if answer is None else redactor.redact(answer)
        asked = orjson.dumps(turns)
        if tools:
            asked = b'%b,"tools":%b' % (asked, orjson.dumps(tools))
        hashed = sha256(self._seed)
        hashed.update(asked)
        parts = [b'{"id":', orjson.dumps(request_id), b',"messages":', asked, b"}"]
        if not (type(timestamp) is str and is_timestamp(timestamp)):
            timestamp = ""
        order = f"{timestamp} {request_id}"
        if answer is not None:
            answered = orjson.dumps(answer)
            order += f" {sha256(answered).hexdigest()[:16]}"  # so that equal orders mean equal lines
            parts[4:] = (b',"reference_answer":', answered, b"}")
        line = b"".join(parts)
        if len(line) > MAX_RECORD_BYTES:
            raise Skipped("too-long")
        return new_tuple(Candidate, (int.from_bytes(hashed.digest()[:8]), order, line))


def _is_sound_id(value: Any) -> bool:
    """One word that can be printed: in a candidate's order the id ends at a space."""
    return type(value) is str and 0 < len(value) <= MAX_REQUEST_ID and value.isprintable() and " " not in value


def _read_leniently(line: bytes) -> Any:
    """A line that orjson refuses, once more without a byte order mark."""
    if line.startswith(BYTE_ORDER_MARK):
        try:
            return orjson.loads(line.removeprefix(BYTE_ORDER_MARK))
        except ValueError:
            pass
    raise Failed("invalid-json")


def _why_no_record(record: Any) -> LeftOut:
    """A record without all its parts: one of a failed call may lack the body's place."""
    if isinstance(record, dict) and record.get("errorCode") and "requestId" in record:
        return Skipped("error")
    return Failed("not-a-log-record")
