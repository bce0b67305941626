"""What a manifest says of the code that ran."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import rft
from rft.steps import code_version as version

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(version, "_LIBRARY", tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"\0")
    version.code_version.cache_clear()
    yield tmp_path
    version.code_version.cache_clear()


def hash_of(library: Path) -> str:
    version.code_version.cache_clear()
    return str(version.code_version()["sha256"])


def test_the_version_is_the_projects() -> None:
    assert rft.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_commit_is_what_the_build_has_written(library: Path) -> None:
    assert version.code_version()["commit"] is None
    version.code_version.cache_clear()
    (library / "commit.txt").write_text("0123abcd-dirty\n")
    assert version.code_version()["commit"] == "0123abcd-dirty"


def test_the_hash_is_that_of_names_and_contents_and_of_nothing_that_is_made_anew(library: Path) -> None:
    first = hash_of(library)
    (library / "__pycache__" / "b.pyc").write_bytes(b"other")
    (library / "commit.txt").write_text("another")
    assert hash_of(library) == first
    (library / "a.py").rename(library / "b.py")
    renamed = hash_of(library)
    (library / "b.py").write_text("x = 2\n")
    assert len({first, renamed, hash_of(library)}) == 3
