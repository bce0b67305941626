"""Converting invocation logs: CPU time against a loop that only unpacks and parses, and memory on hostile objects.

The data are 200 gzip objects with some 13,900 records of Converse, ConverseStream and InvokeModel (Claude, Nova), whole
and streamed, with embeddings and failed calls among them; about 59 MB unpacked.
"""

from __future__ import annotations

import gzip
import json
import random
import statistics
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor

from benchmarks import Measurement
from rft.invocation_logs import BodyUnavailable, LogConversion, LogOptions, Redactor, assemble, write_shard_line

OBJECTS = 200
ROUNDS = 7
CHUNK = 256 * 1024

PROMISE_SPEED = 0.65  # of unpacking and parsing alone, in CPU time
PROMISE_MEMORY = 16.0  # MB over the start

WORDS = [
    "".join(random.Random(n).choices("etaoinshrdlucmfwypvbgkj", k=random.Random(n * 7).randint(2, 9)))
    for n in range(1500)
]
MEASURE_MEMORY = """
import sys
from pathlib import Path
from benchmarks.logs import converter, hostile_chunks, sample_object
from rft.invocation_logs import assemble, write_shard_line

def peak_kib():
    # Not getrusage: its peak survives exec, so it may be that of the process that started this one.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

chunks = hostile_chunks(sys.argv[1])
list(converter().convert("warm-up", [sample_object()]))
before = peak_kib()
for candidate in converter().convert("object", chunks):
    write_shard_line(candidate)
print((peak_kib() - before) / 1024)
"""


def measure() -> Iterator[Measurement]:
    objects = log_objects()
    raw = sum(len(gzip.decompress(data)) for data in objects)
    conversion = converter()
    shard = list(shard_lines(conversion, objects))
    counts = conversion.counts.to_json()
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: bare_loop(objects),
        "ours": lambda: convert(objects),
        "ours, with answers": lambda: convert(objects, LogOptions(use_prompt_response=True)),
        "ours, redacted": lambda: convert(objects, LogOptions(redactor=Redactor.parse(Redactor.READY))),
        "shards": lambda: sum(map(len, shard_lines(converter(), objects))),
        "zlib and orjson": lambda: naive(objects, zlib_lines, orjson.loads),
        "gzip and json": lambda: naive(objects, gzip_lines, json.loads),
        "assembling": lambda: sum(map(len, assemble(lambda: [shard], 5000).lines())),
    }
    rounds = [[_cpu_time(way) for way in ways.values()] for _ in range(ROUNDS)]
    seconds = dict(zip(ways, (statistics.median(times) for times in zip(*rounds, strict=True)), strict=True))
    bare = seconds["bare"]
    yield Measurement("log conversion", bare / seconds["ours"], "of bare", PROMISE_SPEED, at_least=True)
    yield Measurement("log conversion, with the lines of shards", bare / seconds["shards"], "of bare")
    yield Measurement("log conversion, with answers", bare / seconds["ours, with answers"], "of bare")
    yield Measurement("log conversion, e-mail, phone, card, key redacted", bare / seconds["ours, redacted"], "of bare")
    yield Measurement("the bare loop over logs (isal, orjson)", bare / counts["records"] * 1e6, "µs/record")
    yield Measurement("the bare loop over logs (isal, orjson)", raw / bare / 1e6, "MB/s unpacked")
    yield Measurement("zlib and orjson, a plain conversion", bare / seconds["zlib and orjson"], "of bare")
    yield Measurement("gzip and json, a plain conversion", bare / seconds["gzip and json"], "of bare")
    yield Measurement("assembling the shards", bare / seconds["assembling"], "of bare")
    for kind in ("a gigabyte of records", "a gigabyte of zeros in 1 MB", "one line of 300 MB"):
        yield Measurement(f"memory over the start, {kind}", memory_growth(kind), "MB", PROMISE_MEMORY)


def convert(objects: Iterable[bytes], options: LogOptions | None = None) -> None:
    """Unpack, cut, parse, convert, serialise and tag: all that becomes of a record before it is written."""
    conversion = converter(options)
    for number, data in enumerate(objects):
        for _ in conversion.convert(str(number), _chunks(data)):
            pass


def shard_lines(conversion: LogConversion, objects: Iterable[bytes]) -> Iterator[bytes]:
    for number, data in enumerate(objects):
        for candidate in conversion.convert(str(number), _chunks(data)):
            yield write_shard_line(candidate)


def converter(options: LogOptions | None = None) -> LogConversion:
    def no_bodies(_path: str) -> bytes:
        raise BodyUnavailable("there are none here")

    return LogConversion(options or LogOptions(), no_bodies)


def bare_loop(objects: Iterable[bytes]) -> None:
    for data in objects:
        unpacker = IgzipDecompressor(flag=DECOMP_GZIP)
        text = unpacker.decompress(data)
        start = 0
        while (end := text.find(b"\n", start)) >= 0:
            orjson.loads(text[start:end])
            start = end + 1


def naive(
    objects: Iterable[bytes], lines: Callable[[bytes], Iterable[bytes]], loads: Callable[[bytes], Any]
) -> list[str]:
    """What a script would do: plain shapes only, no tags, no counts."""
    made = []
    dumps = json.dumps if loads is json.loads else lambda value: orjson.dumps(value).decode()
    for data in objects:
        for line in lines(data):
            record = loads(line)
            body = record["input"].get("inputBodyJson")
            if record.get("errorCode") or not body or "messages" not in body:
                continue
            system = body.get("system") or []
            messages = [{"role": "system", "content": _flat(system)}] if system else []
            messages += [{"role": m["role"], "content": _flat(m["content"])} for m in body["messages"]]
            made.append(dumps({"id": record["requestId"], "messages": messages}))
    return made


def _flat(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(block["text"] for block in content)


def gzip_lines(data: bytes) -> list[bytes]:
    return gzip.decompress(data).splitlines()


def zlib_lines(data: bytes) -> list[bytes]:
    return zlib.decompress(data, 31).splitlines()


def log_objects() -> list[bytes]:
    chance = random.Random(11)
    objects = []
    for _ in range(OBJECTS):
        records = (_record(chance) for _ in range(chance.randint(40, 99)))
        objects.append(gzip.compress(b"".join(orjson.dumps(record) + b"\n" for record in records), 6))
    return objects


def sample_object() -> bytes:
    chance = random.Random(3)
    return b"".join(orjson.dumps(_record(chance)) + b"\n" for _ in range(20))


def _record(chance: random.Random) -> dict[str, Any]:
    kinds: list[Callable[[random.Random], dict[str, Any]]] = [_converse, _claude, _nova, _embedding, _error]
    made = chance.choices(kinds, weights=(48, 26, 16, 7, 3))[0](chance)
    output = made.pop("output", None)
    record = {
        "timestamp": f"2026-01-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:07Z",
        "accountId": "123456789012",
        "identity": {"arn": f"arn:aws:sts::123456789012:assumed-role/{chance.choice(WORDS)}/session-{chance.random()}"},
        "region": "us-east-1",
        "requestId": str(chance.getrandbits(128)),
        "operation": made["operation"],
        "modelId": made["modelId"],
        "requestMetadata": {"project": chance.choice(WORDS[:9]), "stage": "production"},
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": made["input"],
            "inputTokenCount": chance.randint(40, 4000),
        },
        "inferenceRegion": "us-east-1",
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
    }
    if output is None:
        return record | {"errorCode": "ThrottlingException"}
    body = {"outputContentType": "application/json", "outputBodyJson": output, "outputTokenCount": 100}
    return record | {"output": body}


def _converse(chance: random.Random) -> dict[str, Any]:
    streamed = chance.random() < 0.4
    turns = chance.choice((1, 1, 1, 3))
    messages = [
        {"role": "user" if turn % 2 == 0 else "assistant", "content": [{"text": _text(chance, 190)}]}
        for turn in range(turns)
    ]
    body = {
        "messages": messages,
        "system": [{"text": _text(chance, 60)}],
        "inferenceConfig": {"maxTokens": 1024, "temperature": 0.2},
    }
    answer = _text(chance, 110)
    usage = {"inputTokens": 100, "outputTokens": 80, "totalTokens": 180}
    whole = {
        "output": {"message": {"role": "assistant", "content": [{"text": answer}]}},
        "stopReason": "end_turn",
        "metrics": {"latencyMs": chance.randint(200, 9000)},
        "usage": usage,
    }
    chunks = [
        {"messageStart": {"role": "assistant"}},
        *({"contentBlockDelta": {"delta": {"text": part}, "contentBlockIndex": 0}} for part in _parts(answer)),
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": usage, "metrics": {"latencyMs": 2000}}},
    ]
    return {
        "operation": "ConverseStream" if streamed else "Converse",
        "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "input": body,
        "output": chunks if streamed else whole,
    }


def _claude(chance: random.Random) -> dict[str, Any]:
    streamed = chance.random() < 0.4
    question = _text(chance, 220)
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 2048,
        "system": _text(chance, 60),
        "messages": [{"role": "user", "content": question if streamed else [{"type": "text", "text": question}]}],
    }
    answer = _text(chance, 110)
    whole = {
        "id": f"msg_bdrk_{chance.random()}",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": answer}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 100, "output_tokens": 80},
    }
    chunks = [
        {"type": "message_start", "message": {"id": "msg", "role": "assistant", "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": part}}
            for part in _parts(answer)
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 80}},
        {"type": "message_stop"},
    ]
    return {
        "operation": "InvokeModelWithResponseStream" if streamed else "InvokeModel",
        "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
        "input": body,
        "output": chunks if streamed else whole,
    }


def _nova(chance: random.Random) -> dict[str, Any]:
    body = {
        "schemaVersion": "messages-v1",
        "system": [{"text": _text(chance, 60)}],
        "messages": [{"role": "user", "content": [{"text": _text(chance, 190)}]}],
        "inferenceConfig": {"maxTokens": 1024},
    }
    output = {
        "output": {"message": {"role": "assistant", "content": [{"text": _text(chance, 110)}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 100, "outputTokens": 80},
    }
    return {"operation": "InvokeModel", "modelId": "amazon.nova-lite-v1:0", "input": body, "output": output}


def _embedding(chance: random.Random) -> dict[str, Any]:
    body = {"inputText": _text(chance, 200), "dimensions": 128, "normalize": True}
    output = {"embedding": [chance.uniform(-1, 1) for _ in range(128)], "inputTextTokenCount": 210}
    return {"operation": "InvokeModel", "modelId": "amazon.titan-embed-text-v2:0", "input": body, "output": output}


def _error(chance: random.Random) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": [{"text": _text(chance, 200)}]}]}
    return {"operation": "Converse", "modelId": "amazon.nova-lite-v1:0", "input": body}


def _text(chance: random.Random, typical: int) -> str:
    words = chance.choices(WORDS, k=min(max(int(typical * chance.lognormvariate(-0.2, 0.7)), 5), 4000))
    for place in range(7, len(words), 40):
        words[place] = chance.choice(
            (f'"{words[place]}"', f"{words[place]}.\n", f"{words[place]} – größer", f"no. {chance.getrandbits(24)}")
        )
    return " ".join(words)


def _parts(answer: str) -> list[str]:
    return [answer[at : at + 24] for at in range(0, len(answer), 24)]


def memory_growth(kind: str) -> float:
    """Peak resident memory over that after the imports, in a process of its own."""
    command = [sys.executable, "-c", MEASURE_MEMORY, kind]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def hostile_chunks(kind: str) -> Iterator[bytes]:
    """One large object out of thin air, so that neither disk nor page cache is measured."""
    match kind:
        case "a gigabyte of records":
            records = sample_object()
            return (records for _ in range(1_050_000_000 // len(records)))
        case "a gigabyte of zeros in 1 MB":
            packer = zlib.compressobj(9, zlib.DEFLATED, 31)
            zeros = bytes(1 << 20)
            packed = b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()
            return _chunks(packed)
        case _:
            return (b"x" * CHUNK for _ in range(300_000_000 // CHUNK))


def _chunks(data: bytes) -> Iterator[bytes]:
    return (data[at : at + CHUNK] for at in range(0, len(data), CHUNK))


def _cpu_time(way: Callable[[], object]) -> float:
    start = time.process_time()
    way()
    return time.process_time() - start


if __name__ == "__main__":
    for measurement in measure():
        print(f"{measurement.what:<60} {measurement.value:8.3g} {measurement.unit}")
