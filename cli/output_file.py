"""A file that a command writes: never over what is no ordinary file, and there when all of it is, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cli.faults import UsageFault

_OWN_WORDS = (1, 2)  # stdout and stderr


def place_for(given: Path, option: str, inputs: Iterable[str | None], *, force: bool) -> Path:
    """Where ``given`` leads, links followed: what is replaced is the file, never a link to it.

    Raises ``UsageFault`` where writing it would destroy something, or can't succeed.
    """
    if str(given) == "-":
        raise UsageFault(f"{option} takes a file; the standard output has the command's own words.")
    out = given.resolve()
    if not out.parent.is_dir():
        raise UsageFault(f"There is no folder {out.parent} for {option}.")
    if not (given.exists() or out.exists()):
        if out.is_symlink():
            raise UsageFault(f"{given} is a link that leads nowhere, so {option} can't write it.")
        return out
    if not (given.is_file() and out.is_file() and given.samefile(out)):
        raise UsageFault(f"{given} is no ordinary file, so {option} can't write it.")
    if _takes_own_words(out):
        raise UsageFault(f"{given} is where this command's own words go, so {option} can't write it.")
    if any(name and Path(name).is_file() and out.samefile(name) for name in inputs):
        raise UsageFault(f"{option} never overwrites a file that is read; name another one.")
    if not force:
        raise UsageFault(f"{given} is there already; --force overwrites it.")
    return out


@contextmanager
def written_whole(out: Path) -> Iterator[IO[bytes]]:
    """The stream to write ``out`` by. What was there stays until the block has ended without an exception."""
    part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _takes_own_words(out: Path) -> bool:
    there = out.stat()
    for descriptor in _OWN_WORDS:
        with suppress(OSError):  # it is closed
            if os.path.samestat(there, os.fstat(descriptor)):
                return True
    return False
