"""Good records in all the ways that people write them, the same ones on every machine."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

_TEXT = (
    "why does the till print twice größer möglichst Rückgabe über 请回答 以下 问题 退款 ответьте на вопрос возврат 🎉 "
    'e\u0301 \u2028 \u200f "quoted" back\\slash {"a": 1} [1,2] key": :colon null NaN \u0000 \ufeff tab\there'
)
_WORDS = _TEXT.split(" ")
_SEPARATORS = ((",", ":"), (", ", ": "), (" , ", " : "), ("\t,", "\t:"))
_ORDERS = (
    ("user",),
    ("system", "user"),
    ("developer", "user"),
    ("system", "user", "assistant", "user"),
    ("user", "bot", "user"),
)
_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": [1, {"b": "}"}]}'}}


def good_lines(count: int, *, seed: int = 0) -> Iterator[bytes]:
    random_ = random.Random(seed)
    for number in range(count):
        record = _record(number, random_)
        yield json.dumps(record, ensure_ascii=random_.random() < 0.5, separators=random_.choice(_SEPARATORS)).encode()


def _record(number: int, random_: random.Random) -> dict[str, Any]:
    def text() -> str:
        return f"{number} " + " ".join(random_.choices(_WORDS, k=random_.randint(1, 40)))

    def content() -> Any:
        return [{"type": "text", "text": text()} for _ in range(2)] if random_.random() < 0.1 else text()

    record: dict[str, Any] = {"messages": [{"role": r, "content": content()} for r in random_.choice(_ORDERS)]}
    kind = random_.random()
    if kind < 0.05:
        record["tools"] = [_tool(f"tool_{n}", random_.randint(1, 60)) for n in range(random_.randint(1, 3))]
        record["messages"] += [
            {"role": "assistant", "content": None, "tool_calls": [_CALL]},
            {"role": "tool", "content": "2", "tool_call_id": "c1"},
        ]
    if random_.random() < 0.6:
        record["reference_answer"] = random_.choice([text(), {"answer": text(), "n": [1.5e300, -0.0, 2**80, None]}])
    if random_.random() < 0.5:
        record = {"id": f"record-{number}"} | record
    for field in random_.sample(["prompt", "completion", "difficulty", "a.b", "", "messages2", "größe"], k=2):
        record[field] = random_.choice([text(), number, True, None, [], {}, [[text()]], {"role": {"content": "x"}}])
    return record


def _tool(name: str, depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"down": schema}}
    return {"type": "function", "function": {"name": name, "description": "a: tool", "parameters": schema}}
