"""Files of another kind than JSON Lines, recognised by how they begin (or are named), and what to do with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from rft.dataset.problems import Flaw

WANTED = 'JSON Lines: one {"messages": [...], "reference_answer": ...} a line'
HEAD_BYTES = 64 * 1024
"""As much of a file's first line tells its kind."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_CHECK_FIX = "rft check-dataset FILE --fix OUT"
_UNPACK = f"unpack it (gunzip, or {_CHECK_FIX}); Bedrock reads {WANTED}"
_UNPACK_OTHER = f"unpack it; Bedrock reads {WANTED}"
_FROM_TABLE = 'write a line for each row, with a library: {"messages": [{"role": "user", "content": <prompt>}], ...}'
_TO_JSONL = f"export it as text, then write {WANTED}"

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_MARKUP = (b"<?xml", b"<!doctype", b"<html", b"<head", b"<body", b"<error", b"<!--")
_LFS_POINTER = b"version https://git-lfs"
_OFFICE = (b"[Content_Types].xml", b"xl/", b"mimetypeapplication/vnd")
_CSV_HEADER = re.compile(rb'"?[A-Za-z_][\w .-]*"?([,;\t|]"?[A-Za-z_][\w .-]*"?)+\r?')
_CR_BETWEEN_RECORDS = re.compile(rb'\}\r+\{\s*"')
_YAML_START = re.compile(rb"(---|%YAML [\d.]+|- +[\"']?[A-Za-z_][\w-]*[\"']? *:.*|messages *:|-)\s*", re.DOTALL)


class _Magic(NamedTuple):
    start: bytes
    rule: str
    kind: str
    fix: str


_MAGIC = (
    _Magic(b"\x1f\x8b", "compressed-file", "gzip", _UNPACK),
    _Magic(b"PK\x03\x04", "compressed-file", "a zip archive", _UNPACK_OTHER),
    _Magic(b"PK\x05\x06", "compressed-file", "an empty zip archive", _UNPACK_OTHER),
    _Magic(b"\x28\xb5\x2f\xfd", "compressed-file", "zstandard", _UNPACK_OTHER),
    _Magic(b"BZh", "compressed-file", "bzip2", _UNPACK_OTHER),
    _Magic(b"\xfd7zXZ\x00", "compressed-file", "xz", _UNPACK_OTHER),
    _Magic(b"\x04\x22\x4d\x18", "compressed-file", "lz4", _UNPACK_OTHER),
    _Magic(b"\xff\x06\x00\x00sNaPpY", "compressed-file", "snappy", _UNPACK_OTHER),
    _Magic(b"7z\xbc\xaf\x27\x1c", "compressed-file", "a 7-Zip archive", _UNPACK_OTHER),
    _Magic(b"Rar!\x1a\x07", "compressed-file", "a RAR archive", _UNPACK_OTHER),
    _Magic(b"PAR1", "columnar-file", "Parquet", _FROM_TABLE),
    _Magic(b"ARROW1", "columnar-file", "Arrow", _FROM_TABLE),
    _Magic(b"FEA1", "columnar-file", "Feather", _FROM_TABLE),
    _Magic(b"ORC", "columnar-file", "ORC", _FROM_TABLE),
    _Magic(b"Obj\x01", "columnar-file", "Avro", _FROM_TABLE),
    _Magic(b"SQLite format 3\x00", "database-file", "a SQLite database", _FROM_TABLE),
    _Magic(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet", "an old Office file (Excel)", _FROM_TABLE),
    _Magic(b"%PDF-", "other-file", "a PDF", _TO_JSONL),
    _Magic(b"\x80\x02", "other-file", "a Python pickle", _TO_JSONL),
    _Magic(b"\x80\x03", "other-file", "a Python pickle", _TO_JSONL),
    _Magic(b"\x80\x04\x95", "other-file", "a Python pickle", _TO_JSONL),
    _Magic(b"\x80\x05\x95", "other-file", "a Python pickle", _TO_JSONL),
    _Magic(b"\x89HDF", "other-file", "HDF5", _TO_JSONL),
    _Magic(b"\x93NUMPY", "other-file", "a NumPy array", _TO_JSONL),
    _Magic(b"\x89PNG", "other-file", "a PNG image", "give text; reinforcement fine-tuning takes nothing else"),
)
_BY_NAME = {
    ".gz": _Magic(b"", "compressed-file", "gzip by its name", _UNPACK),
    **{
        suffix: _Magic(b"", "compressed-file", f"compressed by its name ({suffix})", _UNPACK_OTHER)
        for suffix in (".zst", ".bz2", ".xz", ".lz4", ".br", ".zip", ".tar", ".tgz", ".7z")
    },
    **dict.fromkeys((".parquet", ".arrow", ".feather", ".orc"), _Magic(b"", "columnar-file", "a table", _FROM_TABLE)),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _Magic(b"", "spreadsheet", "a spreadsheet by its name", _FROM_TABLE)),
    **dict.fromkeys((".csv", ".tsv"), _Magic(b"", "csv", "CSV by its name", _FROM_TABLE)),
    **dict.fromkeys((".yaml", ".yml"), _Magic(b"", "yaml", "YAML by its name", f"write {WANTED}")),
    **dict.fromkeys((".xml", ".html", ".htm"), _Magic(b"", "markup", "XML or HTML by its name", f"write {WANTED}")),
    **dict.fromkeys((".txt", ".md"), _Magic(b"", "plain-text", "plain text", f"write {WANTED}")),
}  # fmt: skip


def file_flaw(first_line: bytes, name: str | None = None) -> Flaw | None:
    """Why the file as a whole is no JSON Lines, told from a first line that holds no JSON object.

    The beginning of the line is enough (``HEAD_BYTES`` of it). ``name`` is the file's, of which only the ending
    counts, and only where the content leaves the kind open.
    """
    start = first_line.removeprefix(BYTE_ORDER_MARK).lstrip()
    return _by_content(first_line) or _by_text(start) or (None if start.startswith(b"{") else _by_name(name))


def head_flaw(head: bytes, name: str | None = None) -> Flaw | None:
    """As ``file_flaw``, from the first ``HEAD_BYTES`` of a file, where no line was parsed yet.

    None for anything that begins as a record may, and for a first line that is longer than the head and an object.
    """
    *lines, last = head.removeprefix(BYTE_ORDER_MARK).split(b"\n")
    first = next((line for line in lines if line.strip()), last)
    cut_off = first is last and len(head) >= HEAD_BYTES
    if cut_off and first.lstrip().startswith(b"{"):
        return CR_ONLY if has_records_between_cr(first.lstrip()) else None
    return file_flaw(first, name)


def _by_content(line: bytes) -> Flaw | None:
    for magic in _MAGIC:
        if line.startswith(magic.start):
            if magic.start.startswith(b"PK") and any(mark in line[:HEAD_BYTES] for mark in _OFFICE):
                return Flaw("", "spreadsheet", "the file is an Office file (Excel, say)", _FROM_TABLE)
            return Flaw("", magic.rule, f"the file is {magic.kind}", magic.fix)
    if line[257:262] == b"ustar":
        return Flaw("", "compressed-file", "the file is a tar archive", _UNPACK_OTHER)
    if line.startswith(_UTF_16_MARKS) or _has_a_zero_beside_each_letter(line[:40]):
        return Flaw("", "utf-16", "the file is UTF-16 or UTF-32", _fix_of_utf_16(line))
    return None


def _fix_of_utf_16(line: bytes) -> str:
    """Without its mark nobody can be sure which encoding it is: a person has to say."""
    if line.startswith(_UTF_16_MARKS):
        return f"save it as UTF-8 without BOM ({_CHECK_FIX} does it)"
    order = "BE" if line.startswith(b"\x00") else "LE"
    return f"save it as UTF-8 (iconv -f UTF-16{order} -t UTF-8 FILE > OUT, if it is UTF-16)"


def _has_a_zero_beside_each_letter(start: bytes) -> bool:
    """As UTF-16 has without its mark; a single NUL in UTF-8 is only a flaw of its line."""
    return (b'"\x00' in start or b'\x00"' in start) and start.count(0) * 3 > len(start)


def _by_text(start: bytes) -> Flaw | None:
    for looks_so, flaw in _LOOKS:
        if looks_so(start):
            return flaw
    return None


def _goes_on(start: bytes) -> bool:
    """An object that was opened and not closed on its line; one with a comma behind it is another mistake."""
    end = start.rstrip()
    return start.startswith(b"{") and (end[-1:] in (b"{", b"[") or (end[-1:] == b"," and end[-2:] != b"},"))


CR_ONLY = Flaw(
    "",
    "cr-only",
    "lines end with CR alone, as Excel for Mac and old Macs write them",
    f"end lines with LF ({_CHECK_FIX}, or tr '\\r' '\\n' < FILE > OUT)",
)


def has_records_between_cr(start: bytes) -> bool:
    return start.startswith(b"{") and _CR_BETWEEN_RECORDS.search(start) is not None


_LOOKS: tuple[tuple[Callable[[bytes], object], Flaw], ...] = (
    (
        lambda start: start.startswith(b"["),
        Flaw(
            "",
            "json-array",
            "the file is one JSON array",
            f"write its items as {WANTED} (jq -c '.[]' FILE > OUT does it)",
        ),
    ),
    (has_records_between_cr, CR_ONLY),
    (
        _goes_on,
        Flaw(
            "",
            "pretty-printed",
            "a record goes over several lines",
            f"write it as {WANTED} (jq -c . FILE > OUT does it)",
        ),
    ),
    (
        lambda start: start[:9].lower().startswith(_MARKUP),
        Flaw(
            "",
            "markup",
            "the file is XML or HTML, perhaps a saved error page",
            f"look at its text and fetch the file again; Bedrock reads {WANTED}",
        ),
    ),
    (
        lambda start: start.startswith(_LFS_POINTER),
        Flaw("", "git-lfs-pointer", "the file is a Git LFS pointer, not the data", "fetch it with: git lfs pull"),
    ),
    (_YAML_START.fullmatch, Flaw("", "yaml", "the file looks like YAML", f"write {WANTED}")),
    (_CSV_HEADER.fullmatch, Flaw("", "csv", "the file looks like CSV", _FROM_TABLE)),
)


def _by_name(name: str | None) -> Flaw | None:
    ending = "." + name.lower().rpartition(".")[2] if name and "." in name else ""
    if kind := _BY_NAME.get(ending):
        return Flaw("", kind.rule, f"the file holds no JSON Lines; it is {kind.kind}", kind.fix)
    return None
