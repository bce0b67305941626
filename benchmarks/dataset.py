"""Checking a dataset: CPU time against a loop that only parses, and memory on files made to exhaust it.

The clean data has 20,000 lines of chat in English, German, Russian and Chinese, 0.5 to 40 KB long; half of them are
written with ``\\u`` escapes, half as UTF-8. English alone is measured too: orjson parses ASCII so fast that the same
checks weigh more.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchmarks import Measurement
from rft.dataset import DatasetCheck, Limits, split_lines

LINES = 20_000
ROUNDS = 7
CHUNK = 256 * 1024

PROMISE_SPEED = 0.75  # of the bare loop's, in CPU time
PROMISE_MEMORY = 16.0  # MB over the start


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1)


class Record(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str | None = None
    messages: list[Message] = Field(min_length=1)
    reference_answer: str | dict[str, Any] | None = None


RECORD = TypeAdapter(Record)

VOCABULARIES = tuple(
    words.split()
    for words in (
        "the model must answer each question about tickets refunds invoices and delivery with one short reason",
        "die Antwort für größere Beträge über Rückgabe prüfen und möglichst früh dem Käufer erklären the label",
        "ответьте на вопрос про возврат счёт доставка причина коротко и ясно выберите одну метку refund label",
        "请回答 以下 问题 退款 发票 账户 设置 原因 标签 客户 支持 the label refund invoice",
    )
)
MEASURE_MEMORY = """
import sys
from pathlib import Path
from benchmarks.dataset import hostile_chunks
from rft.dataset import DatasetCheck, Limits

def peak_kib():
    # Not getrusage: its peak survives exec, so it may be that of the process that started this one.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

check = DatasetCheck(limits=Limits(min_records=1))
before = peak_kib()
check.read(hostile_chunks(sys.argv[1]))
check.report().to_json()
print((peak_kib() - before) / 1024)
"""


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        for name, vocabularies in (("four languages", VOCABULARIES), ("English", VOCABULARIES[:1])):
            for bad in (0.0, 0.02):
                path = Path(folder) / "data.jsonl"
                write_dataset(path, vocabularies, bad)
                promise = PROMISE_SPEED if name == "four languages" else None
                data = f"{name}, {bad:.0%} bad lines"
                bare, *others = cpu_seconds(path, (bare_loop, check_file, pydantic_loop, whole_file))
                yield Measurement(f"the bare loop, {data}", bare / LINES * 1e6, "µs/line")
                speeds = [bare / seconds for seconds in others]
                yield Measurement(f"check, {data}", speeds[0], "of bare", promise, at_least=True)
                yield Measurement(f"pydantic validate_json, {data}", speeds[1], "of bare")
                yield Measurement(f"json, the whole file at once, {data}", speeds[2], "of bare")
    name, seconds = max(((name, slowest(line)) for name, line in hostile_lines()), key=lambda found: found[1])
    yield Measurement(f"the slowest line of 1 MB: {name}", seconds * 1e3, "ms")
    for kind in ("a gigabyte", "one line of 300 MB", "every line bad", "every id twice"):
        yield Measurement(f"memory over the start, {kind}", memory_growth(kind), "MB", PROMISE_MEMORY)
    # What one such line takes while it is looked at, and no more for the next.
    yield Measurement("memory over the start, long conversations", memory_growth("long conversations"), "MB")


def cpu_seconds(path: Path, ways: Sequence[Callable[[Path], None]]) -> list[float]:
    """The median of each way. Rounds alternate, so that noise hits all alike."""
    rounds = [[_cpu_time(way, path) for way in ways] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


def bare_loop(path: Path) -> None:
    rest = b""
    for chunk in chunks(path):
        start = 0
        if rest:
            end = chunk.find(b"\n")
            _parse(rest + chunk[:end])
            start = end + 1
        while (end := chunk.find(b"\n", start)) >= 0:
            _parse(chunk[start:end])
            start = end + 1
        rest = chunk[start:]


def check_file(path: Path) -> None:
    check = DatasetCheck()
    check.read(chunks(path))
    check.report()


def pydantic_loop(path: Path) -> None:
    """As a model of the format would do it: it stops at a line's first fault, and sees no repeated key."""
    for line in split_lines(chunks(path)):
        try:
            RECORD.validate_json(line.data or b"")
        except ValidationError:
            continue


def whole_file(path: Path) -> None:
    """As a script would do it: all in memory, and no rule but JSON's."""
    for line in path.read_text(errors="replace").splitlines():
        try:
            json.loads(line)
        except ValueError:
            continue


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def write_dataset(path: Path, vocabularies: Sequence[list[str]], bad: float) -> None:
    chance = random.Random(7)
    with path.open("wb") as file:
        for number in range(LINES):
            words = vocabularies[number % len(vocabularies)]
            size = min(max(int(chance.lognormvariate(5.6, 0.8)), 60), 6000)  # words
            record = {
                "id": f"record-{number:06d}",
                "messages": [
                    {"role": "system", "content": _text(chance, words, 20)},
                    {"role": "user", "content": _text(chance, words, size)},
                ],
                "reference_answer": {"label": chance.choice(words), "reason": _text(chance, words, 10)},
                "difficulty": chance.choice(("easy", "hard")),
            }
            line = json.dumps(record, ensure_ascii=number % 8 < 4).encode()
            if chance.random() < bad:
                line = chance.choice(DAMAGES)(line)
            file.write(line + b"\n")


DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[:-1],
    lambda line: line + b"\r",
    lambda line: line.replace(b'"user"', b'"human"'),
    lambda line: line.replace(b'"id"', b'"id": "x", "id"'),
    lambda line: line.replace(b'"difficulty": ', b'"difficulty": NaN, "d": '),
    lambda line: line.replace(b'"content"', b'"text"'),
    lambda line: line.replace(b"record-", b"record-\xff"),
    lambda line: line.replace(b'"messages"', b'"prompt"'),
)


def memory_growth(kind: str) -> float:
    """Peak resident memory over that after the imports, in a process of its own."""
    command = [sys.executable, "-c", MEASURE_MEMORY, kind]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def hostile_chunks(kind: str) -> Iterator[bytes]:
    """A large file out of thin air, so that neither disk nor page cache is measured."""
    good = b'{"id": "%08d", "messages": [{"role": "user", "content": "' + b"word " * 700 + b'"}]}\n'
    bad = b'{"id": %08d, "rft": 1, "messages": [{"role": "human", "content": "' + b"word " * 700 + b'"}], "n": NaN}\n'
    for number in range(1_050_000_000 // CHUNK if kind == "a gigabyte" else 300_000_000 // CHUNK):
        match kind:
            case "one line of 300 MB":
                yield b"x" * CHUNK
            case "every line bad":
                yield b"".join(bad % (number * 73 + line) for line in range(73))
            case "long conversations":  # no two of the same length, a sixth of the others' size in all
                if number % 6 == 0:
                    turns = b", ".join([b'{"role": "user", "content": "x"}'] * (20_000 + number))
                    yield b'{"messages": [%s]}\n' % turns
            case "every id twice":
                yield b"".join(good % ((number * 73 + line) // 2) for line in range(73))
            case _:
                yield b"".join(good % (number * 73 + line) for line in range(73))


def slowest(line: bytes) -> float:
    """Seconds of CPU, the third time: by then the check knows what such lines look like."""
    check = DatasetCheck(limits=Limits(min_records=1))
    for _ in range(2):
        check.read([line + b"\n"])
    start = time.process_time()
    check.read([line + b"\n"])
    return time.process_time() - start


def hostile_lines() -> Iterator[tuple[str, bytes]]:
    """Lines of a megabyte, good and bad, of which each asks for as much work as it can."""
    start = b'{"messages": [{"role": "user", "content": "x"}], '
    size = 1_000_000
    objects = b"{}," * (size // 4)
    yield "empty objects", start + b'"m": [' + objects[:-1] + b"]}"
    yield (
        "lists in an object",
        start + b'"m": {%s}}' % b",".join(b'"%d": [%s{}]' % (n, objects[: size // 80]) for n in range(60)),
    )
    yield "keys", start + b'"m": {%s}}' % b",".join(b'"%d": 0' % n for n in range(size // 12))
    yield "NaN", start + b'"m": [%s0]}' % (b"NaN," * (size // 4))
    yield "repeated keys", start + b'"m": {%s}}' % b",".join([b'"a": 0'] * (size // 8))
    yield "messages", b'{"messages": [%s]}' % b",".join([b'{"role": "user", "content": "x"}'] * (size // 33))
    yield "messages without content", b'{"messages": [%s]}' % b",".join([b"{}"] * (size // 3))
    deep = b"[" * 1000 + b"]" * 1000
    yield "nesting", start + b'"m": [%s]}' % b",".join([deep] * (size // 2001))
    yield "quotes", b'{"messages": [{"role": "user", "content": "%s"}]}' % (b'\\"' * (size // 2))
    yield "open brackets", b"[" * size


def _text(chance: random.Random, words: list[str], size: int) -> str:
    chosen = chance.choices(words, k=size)
    for place in range(0, size, 100):
        chosen[place] = chance.choice((f'"{chosen[place]}"', f"{chosen[place]}:", f"{chosen[place]}.\n"))
    return " ".join(chosen)


def _parse(line: bytes) -> None:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return


def _cpu_time(way: Callable[[Path], None], path: Path) -> float:
    start = time.process_time()
    way(path)
    return time.process_time() - start


if __name__ == "__main__":
    for measurement in measure():
        print(f"{measurement.what:<60} {measurement.value:8.3g} {measurement.unit}")
