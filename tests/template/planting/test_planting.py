"""Defects planted one at a time: each has to be caught by a gate of `make check`, or the gates have a hole.

`pytest tests/template/planting -s` prints which gate caught which. The invariants and checkov look at every defect;
cfn-lint takes longest, and looks at what these two let pass and at those that only it finds for another reason.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.template.planting import defects_of_data, defects_of_rights, gates
from tests.template.planting.held_out import HELD_OUT
from tests.template.planting.sources import Sources

pytestmark = pytest.mark.thorough

Defect = Callable[[Sources], None]
DEFECTS: tuple[Defect, ...] = (*defects_of_data.DEFECTS, *defects_of_rights.DEFECTS, *HELD_OUT)
# No template shows these.
WORKFLOWS = {defect.__name__ for defect in DEFECTS if defect.__name__.startswith("workflow_")}
CODE = {defect.__name__ for defect in DEFECTS if defect.__name__.startswith("code_")}
LINTED = {"an_action_that_is_misspelt", "an_old_runtime"}


@pytest.fixture(scope="module")
def planted() -> dict[str, Sources]:
    clean = Sources.read()
    found = {}
    for defect in DEFECTS:
        sources = clean.copy()
        defect(sources)
        assert sources != clean, f"{defect.__name__} changes nothing"
        found[defect.__name__] = sources
    assert len(found) == len(DEFECTS), "two defects have one name"
    return found


@pytest.fixture(scope="module")
def caught(planted: dict[str, Sources], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """What each gate says of each defect."""
    of_templates = {name: sources for name, sources in planted.items() if name not in WORKFLOWS | CODE}
    all_gates = gates.Gates(Sources.read())
    invariants = {name: all_gates.invariants(sources) for name, sources in of_templates.items()}
    checkov = all_gates.checkov(of_templates, tmp_path_factory.mktemp("checkov"))
    missed = {name for name in of_templates if not invariants[name] and not checkov.get(name)}
    said = {
        "invariants": invariants,
        "checkov": checkov,
        "cfn-lint": all_gates.cfn_lint({name: planted[name] for name in missed | LINTED}),
        "zizmor": gates.zizmor({name: planted[name] for name in WORKFLOWS}, tmp_path_factory.mktemp("zizmor")),
        "bandit": gates.bandit({name: planted[name] for name in CODE}, tmp_path_factory.mktemp("bandit")),
    }
    return {name: {gate: by[name] for gate, by in said.items() if by.get(name)} for name in planted}


def test_every_defect_is_caught(caught: dict[str, dict[str, set[str]]]) -> None:
    for name, by in caught.items():
        print(f"{name:46} {', '.join(by) or 'NOBODY'}")  # noqa: T201 - the table that -s shows
    assert not [name for name, by in caught.items() if not by]


def test_there_are_enough_of_them() -> None:
    assert len(DEFECTS) >= 36


def test_every_gate_is_asked_in_earnest(caught: dict[str, dict[str, set[str]]]) -> None:
    """A gate that catches nothing here is not running, whatever else catches its defects."""
    assert any("CKV_AWS_21" in line for line in caught["bucket_not_versioned"]["checkov"])
    assert any("W3037" in line for line in caught["an_action_that_is_misspelt"]["cfn-lint"])
    assert all("zizmor" in caught[name] for name in WORKFLOWS)
    assert "invariants" in caught["trust_in_everybodys_jobs"]


def test_the_clean_sources_are_found_clean() -> None:
    """What is said of a defect is not said of the sources anyhow."""
    clean = Sources.read()
    assert gates.Gates(clean).invariants(clean.copy()) == set()
