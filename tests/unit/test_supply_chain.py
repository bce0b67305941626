"""What is installed is what was looked at: pinned, by its hash, and refused where it is something else."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.supply_chain import ROOT, install_commands, makefiles, pins, requirement_files

ADDRESS = re.compile(r"https?://|\bgit\+|--(extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)
# The project itself, from this very folder: there is nothing to be hashed.
OWN_PACKAGE = "--no-deps --no-build-isolation --editable ."


def test_every_environment_and_layer_is_here() -> None:
    names = {str(path.relative_to(ROOT)) for path in requirement_files()}
    written = {str(path.relative_to(ROOT).with_suffix(".txt")) for path in (ROOT / "requirements").glob("*.in")}
    assert written | {"layers/dependencies/requirements.txt", "layers/symbolic_math/requirements.txt"} == names


@pytest.mark.parametrize("path", requirement_files(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_requirement_is_pinned_by_its_hash(path: Path) -> None:
    text = path.read_text()
    assert len(list(pins(text))) >= 1
    assert not ADDRESS.search(text)


def test_a_line_without_a_hash_is_seen() -> None:
    with pytest.raises(ValueError, match="without a hash"):
        list(pins("orjson==3.11.0\n"))
    with pytest.raises(ValueError, match="not pinned"):
        list(pins("orjson>=3 --hash=sha256:" + "0" * 64 + "\n"))


def test_no_lock_file_records_addresses() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in tracked if Path(name).name in ("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock")]


@pytest.mark.parametrize("path", makefiles(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_install_asks_for_hashes(path: Path) -> None:
    text = path.read_text()
    commands = list(install_commands(text))
    if path.parent != ROOT and not (path.parent / "requirements.txt").exists():
        assert commands == []
        return
    assert commands
    for command in commands:
        assert "--require-hashes" in command or command.endswith(OWN_PACKAGE), command


def test_scripts_and_workflows_install_nothing_by_themselves() -> None:
    for path in [ROOT / ".ci" / "run", *(ROOT / ".github" / "workflows").glob("*.yml")]:
        assert list(install_commands(path.read_text())) == []


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """A copy of a small layer's folder, to install from with the layer's own Makefile."""
    folder = tmp_path / "layer"
    shutil.copytree(ROOT / "layers" / "symbolic_math", folder)
    return folder


def _install(layer: Path) -> subprocess.CompletedProcess[str]:
    """The layer's own command for it, taken from its Makefile by make itself: what `sam build` runs."""
    target = layer / "out"
    environment = {**os.environ, "PATH": f"{ROOT / '.tools/uv/bin'}:{os.environ['PATH']}"}
    listed = subprocess.run(
        ["make", "--dry-run", "build-SymbolicMathLayer", f"ARTIFACTS_DIR={target}"],
        cwd=layer,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (command,) = install_commands(listed.stdout)
    words = shlex.split(command)
    words[0] = str(shutil.which(words[0], path=environment["PATH"]))
    return subprocess.run(words, cwd=layer, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.thorough
def test_what_was_pinned_installs(layer: Path) -> None:
    done = _install(layer)
    assert done.returncode == 0, done.stderr
    assert (layer / "out" / "python" / "sympy").is_dir()


@pytest.mark.thorough
def test_a_package_of_another_hash_is_refused(layer: Path) -> None:
    requirements = layer / "requirements.txt"
    text = requirements.read_text()
    tampered = re.sub(r"(sha256:)(.)", lambda match: match[1] + ("0" if match[2] != "0" else "1"), text)
    assert tampered != text
    requirements.write_text(tampered)
    done = _install(layer)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (layer / "out" / "python" / "sympy").exists()


def test_workflows_name_actions_by_commit_and_have_the_least_rights() -> None:
    paths = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert {path.name for path in paths} == {"ci.yml", "nightly.yml"}
    for path in paths:
        text = path.read_text()
        for action in re.findall(r"uses:\s*(\S.*)", text):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}
        for job in workflow["jobs"].values():
            assert job["permissions"] == {"contents": "read"}
            assert job["timeout-minutes"] <= 60
            checkouts = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
            assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


def test_the_workflow_runs_what_ci_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    ran = [step["run"] for step in job["steps"] if "run" in step]
    targets = re.findall(r"^make .*$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert ran == targets == ["make check", "make test"]
