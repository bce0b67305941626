"""Files and records of another kind than the one wanted, recognised by their look, and what to do with them."""

from __future__ import annotations

import re
from typing import Any

from rft.dataset.problems import Flaw

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PAR1": "parquet",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"BZh": "bzip2",
}
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
CSV_HEADER = re.compile(rb'"?[A-Za-z_][\w .-]*"?([,;\t]"?[A-Za-z_][\w .-]*"?)+\r?')
WANTED = 'JSON Lines: one {"messages": [...], "reference_answer": ...} a line'


def file_flaw(first_line: bytes) -> Flaw | None:
    """Why the file as a whole is no JSON Lines, told from a first line that holds no JSON object."""
    start = first_line.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, name in MAGIC.items():
        if first_line.startswith(magic):
            return Flaw("", "compressed-file", f"the file is {name}", f"unpack it; Bedrock reads {WANTED}")
    if first_line.startswith(UTF_16_MARKS) or b'"\x00' in first_line[:200] or b'\x00"' in first_line[:200]:
        return Flaw("", "utf-16", "the file is UTF-16 or UTF-32", "save it as UTF-8 without BOM")
    if start.startswith(b"["):
        return Flaw("", "json-array", "the file is one JSON array", f"write its items as {WANTED}")
    if start.rstrip() == b"{":
        return Flaw("", "pretty-printed", "a record goes over several lines", f"write it as {WANTED}")
    if CSV_HEADER.fullmatch(start):
        return Flaw("", "csv", "the file looks like CSV", f"convert its rows to {WANTED}")
    return None


def record_flaw(record: dict[str, Any]) -> Flaw | None:
    """The well-known other format that a record without the wanted ``messages`` is in."""
    if record.get("schemaType") == "ModelInvocationLog":
        return Flaw(
            "schemaType",
            "invocation-log",
            "the record is a Bedrock model invocation log",
            "convert its input to messages; the logged answer is no reference unless you know it to be right",
        )
    if str(record.get("schemaVersion", "")).startswith("bedrock-conversation") or _has_converse_blocks(record):
        return Flaw(
            "messages" if "messages" in record else "schemaVersion",
            "converse-schema",
            "the record is in Bedrock's Converse (supervised fine-tuning) format",
            'write content as a string, "system" as the first message, the answer as "reference_answer"',
        )
    for rule, keys, found, fix in OTHER_FORMATS:
        if keys <= record.keys():
            return Flaw("", rule, found, fix)
    return None


def _has_converse_blocks(record: dict[str, Any]) -> bool:
    """Content blocks that name no type: ``[{"text": ...}]``."""
    messages = record.get("messages")
    contents = [m.get("content") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(isinstance(block, dict) and "type" not in block and "text" in block for block in blocks)


OTHER_FORMATS = (
    (
        "preference-pairs",
        {"chosen", "rejected"},
        "the record is a preference pair (DPO)",
        'put the prompt into "messages" and the chosen answer, if it is right, into "reference_answer"',
    ),
    (
        "prompt-completion",
        {"prompt", "completion"},
        "the record is a prompt-completion pair",
        'write {"messages": [{"role": "user", "content": <prompt>}], "reference_answer": <completion>}',
    ),
    (
        "prompt-completion",
        {"instruction", "output"},
        "the record is an instruction-output pair",
        'write {"messages": [{"role": "user", "content": <instruction>}], "reference_answer": <output>}',
    ),
    (
        "sharegpt",
        {"conversations"},
        "the record is in ShareGPT format",
        'rename "conversations" to "messages", "from" to "role", "value" to "content", and "human" to "user"',
    ),
)
