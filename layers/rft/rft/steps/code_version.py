"""Which code this is: what a manifest says of the pipeline that ran."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import rft

_LIBRARY = Path(rft.__file__).parent
_COMMIT = "commit.txt"  # the layer's Makefile writes it


@cache
def code_version() -> dict[str, Any]:
    """``version`` of the library; ``commit`` it was built from, None where the build knew of none; ``sha256`` of its
    files, their names included. The hash is of what runs, and tells two builds of one commit apart."""
    try:
        commit = (_LIBRARY / _COMMIT).read_text().strip() or None
    except OSError:
        commit = None
    return {"version": rft.__version__, "commit": commit, "sha256": _sha256(_LIBRARY)}


def _sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if "__pycache__" not in path.parts and name != _COMMIT:
            content = path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
