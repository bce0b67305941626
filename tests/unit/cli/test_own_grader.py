"""The graders that a command line may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.faults import UsageFault
from cli.own_grader import file_of, named_grader, own_grader
from rft.grading.catalog import READY

HANDLER = "def handler(event, context): ..."


def test_a_name_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(HANDLER)
    assert named_grader("math-reasoning") == READY["math-reasoning"]
    assert named_grader(str(tmp_path / "app.py")) == tmp_path / "app.py"
    assert own_grader(None) is None
    assert own_grader("math-reasoning") == "math-reasoning"
    assert own_grader(str(tmp_path / "app.py")) == tmp_path / "app.py"


@pytest.mark.parametrize("name", ["maths", "openai", "", "nowhere.py", "functions"])
def test_what_is_neither_is_wrong_usage(name: str) -> None:
    with pytest.raises(UsageFault):
        named_grader(name)


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(UsageFault) as unknown:
        named_grader("maths")
    assert unknown.value.hint is not None
    assert all(name in unknown.value.hint for name in READY if name != "openai")


def test_a_file_that_can_not_be_imported_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import numpty")
    with pytest.raises(UsageFault, match="can't be imported: ModuleNotFoundError: No module named 'numpty'"):
        own_grader(str(tmp_path / "app.py"))


@pytest.mark.parametrize("name", ["format-validation", "math-reasoning"])
def test_a_ready_graders_file_is_there(name: str) -> None:
    assert file_of(READY[name]).is_file()
