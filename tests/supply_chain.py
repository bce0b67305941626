"""What the requirements files and the install commands of the repository say, for the tests of its supply chain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_INSTALLS = re.compile(r"\bpip\d?\s+install\b|\b(uvx|pipx|npx)\b|\buv\s+(tool|run|add|sync)\b")
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]+\])?==([^\s;]+)")


@dataclass(frozen=True)
class Pin:
    """One package of a requirements file: its name as the index writes it, version and SHA-256 hashes."""

    name: str
    version: str
    hashes: frozenset[str]


def requirement_files() -> list[Path]:
    """Everything that is installed from: the environments' and the layers' pins."""
    return sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").glob("*/requirements.txt")])


def pins(text: str) -> Iterator[Pin]:
    """The pins of a requirements file. Fails for a line that is none, and for one without a hash."""
    for line in map(str.strip, text.replace("\\\n", " ").splitlines()):
        if not line or line.startswith("#"):
            continue
        pin = _PIN.match(line)
        hashes = frozenset(_HASH.findall(line))
        if pin is None:
            raise ValueError(f"not pinned to a version: {line[:80]}")
        if not hashes:
            raise ValueError(f"without a hash: {line[:80]}")
        yield Pin(pin[1], pin[3], hashes)


def makefiles() -> list[Path]:
    return [ROOT / "Makefile", *sorted((ROOT / "layers").glob("*/Makefile"))]


def install_commands(text: str) -> Iterator[str]:
    """Every command of a Makefile, a script or a workflow that installs packages, its continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        for command in re.split(r"&&|\|\||[;{}]", line):
            said = command.lstrip("\t @-#").startswith("echo") or line.lstrip().startswith("#")
            if _INSTALLS.search(command) and not said:
                yield " ".join(command.split())
