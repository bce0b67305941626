"""The gates of `make check` over sources with a defect: what each says of it that it had not said before."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.template import translation
from tests.template.invariants import findings
from tests.template.invariants.deployed import Deployed
from tests.template.invariants.modes import DEFAULTS, EVERYTHING
from tests.template.planting.sources import Json, Sources

TOOLS = translation.ROOT / ".tools"
Planted = Mapping[str, Sources]
"""Sources by the name of the defect that is in them."""
Said = dict[str, set[str]]
"""What a gate said, by the name of the defect: nothing where it saw nothing."""


class Gates:
    """All gates over the clean sources, to which defects are then compared."""

    def __init__(self, clean: Sources) -> None:
        self._clean = clean
        self._seen: dict[tuple[int, int], dict[str, Json]] = {}
        self._modes = (EVERYTHING, DEFAULTS)
        self._translated = [
            {name: translation.translate(one, mode) for name, one in clean.templates.items()} for mode in self._modes
        ]
        self._said = [self._invariants(clean, at) for at in range(len(self._modes))]

    def invariants(self, planted: Sources) -> set[str]:
        """In the fullest mode, and where that has nothing to say in the one of the defaults."""
        for at in range(len(self._modes)):
            new = self._invariants(planted, at) - self._said[at]
            if new:
                return new
        return set()

    def _invariants(self, sources: Sources, at: int) -> set[str]:
        deployed = Deployed(self._templates(sources, at), self._modes[at], machine=sources.machine)
        return set(map(str, findings(deployed)))

    def _templates(self, sources: Sources, at: int = 0) -> dict[str, Json]:
        """Translated; those that have not changed, or were looked at before, were translated then."""
        key = (id(sources), at)
        if key not in self._seen:
            self._seen[key] = {
                name: self._translated[at][name]
                if one == self._clean.templates[name]
                else translation.translate(one, self._modes[at])
                for name, one in sources.templates.items()
            }
        return self._seen[key]

    def _changed(self, sources: Sources) -> dict[str, dict[str, Json]]:
        """Translated resources that the defect has changed or added, by template."""
        found: dict[str, dict[str, Json]] = {}
        for name, template in self._templates(sources).items():
            before = self._translated[0][name]["Resources"]
            changed = {key: one for key, one in template["Resources"].items() if before.get(key) != one}
            if changed:
                found[name] = changed
        return found

    def cfn_lint(self, planted: Planted) -> Said:
        """One run a template: the changed resources stand in it beside the clean ones, under names of their own.

        A clean copy of each stands there as well: what is said of that too (one name twice) is of the copying.
        """
        said: Said = defaultdict(set)
        by_template: dict[str, dict[str, tuple[str, str, Json]]] = defaultdict(dict)
        for at, (defect, sources) in enumerate(planted.items()):
            for template, resources in self._changed(sources).items():
                for name, resource in resources.items():
                    by_template[template][f"P{at}x{name}"] = (defect, name, resource)
        for template, copies in by_template.items():
            whole = copy.deepcopy(self._translated[0][template])
            clean = {f"Clean{name}": whole["Resources"].get(name) for _, name, _ in copies.values()}
            whole["Resources"] |= {name: resource for name, resource in clean.items() if resource}
            whole["Resources"] |= {name: resource for name, (_, _, resource) in copies.items()}
            matches = [(str(match.path[1]), match) for match in _lint(whole) if len(match.path) > 1]
            of_copying = {(name, match.rule.id) for name, match in matches}
            for name, match in matches:
                if name in copies and (f"Clean{copies[name][1]}", match.rule.id) not in of_copying:
                    said[copies[name][0]].add(f"{match.rule.id}: {match.message}")
        return said

    def checkov(self, planted: Planted, folder: Path) -> Said:
        """One process over a folder of templates, each with the changed resources of one defect and no others."""
        for defect, sources in planted.items():
            for template, resources in self._changed(sources).items():
                (folder / f"{defect}.{template}.json").write_text(_template(resources))
        said: Said = defaultdict(set)
        for failed in _checkov(folder):
            said[Path(failed["file_path"]).name.split(".")[0]].add(f"{failed['check_id']}: {failed['check_name']}")
        return said


def _lint(template: Json) -> list[Any]:
    found: list[Any] = lint(json.dumps(template), regions=["us-east-1"], config=ManualArgs(include_checks=["I3510"]))
    return found


def _template(resources: Mapping[str, Json]) -> str:
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources})


def _checkov(folder: Path) -> list[Json]:
    command = [TOOLS / "checkov/bin/checkov", "--config-file", translation.ROOT / ".checkov.yaml"]
    options = ["--directory", folder, "--output", "json", "--quiet", "--compact"]
    run = subprocess.run(
        [*map(str, command), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
    )
    assert run.returncode in (0, 1), run.stderr
    report: Any = json.loads(run.stdout)
    failed: list[Json] = report.get("results", {}).get("failed_checks", [])
    return failed


def zizmor(planted: Planted, folder: Path) -> Said:
    """One process over the workflows of every defect, each in a folder of its own."""
    options = ["--offline", "--quiet", "--no-progress", "--persona", "auditor", "--format", "json"]
    said: Said = defaultdict(set)
    for finding in _of_texts(planted, folder, ".yml", ["zizmor", *options]):
        for location in finding["locations"]:
            place = Path(location["symbolic"]["key"]["Local"]["verbatim_path"]).relative_to(folder)
            said[place.parts[0]].add(f"{finding['ident']}: {finding['desc']}")
    return said


def bandit(planted: Planted, folder: Path) -> Said:
    """One process over the code of every defect, each in a folder of its own."""
    configured = ["--quiet", "--format", "json", "--configfile", str(translation.ROOT / "pyproject.toml")]
    said: Said = defaultdict(set)
    for finding in _of_texts(planted, folder, ".py", ["bandit", *configured, "--recursive"])["results"]:
        place = Path(finding["filename"]).relative_to(folder)
        said[place.parts[0]].add(f"{finding['test_id']}: {finding['issue_text']}")
    return said


def _of_texts(planted: Planted, folder: Path, kind: str, command: list[str]) -> Any:
    """What a tool prints, as JSON, of the texts of a kind that each defect has."""
    for defect, sources in planted.items():
        for name, text in sources.texts.items():
            if name.endswith(kind):
                (folder / defect / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / defect / name).write_text(text)
    tool = str(TOOLS / "security/bin" / command[0])
    run = subprocess.run([tool, *command[1:], str(folder)], capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr
    return json.loads(run.stdout)
