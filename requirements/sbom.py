"""Writes what the functions ship and what builds and tests them, part by part, as CycloneDX JSON: `make sbom`.

cyclonedx-py reads hashes from requirements and licences from an environment, and neither from the other. Everything
that a layer ships is in the developer's environment too, at the same version (the layers are compiled against it), so
the two are joined here. A licence is what a package says of itself, or the first line of the file in which it says it.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / ".tools" / "security" / "bin" / "cyclonedx-py"
DEVELOPMENT = "development"
# Without the tool's own validation, which takes most of its time: what it writes is of its own making.
COMMON = ["--output-format", "JSON", "--output-reproducible", "--spec-version", "1.6", "--no-validate"]
COMMON += ["--pyproject", "pyproject.toml"]

Document = dict[str, Any]
Part = tuple[str, str]
"""A package's name, as the index compares it, and its version."""


def main(folder: Path) -> None:
    """One file for each layer with third-party code, and one for the developer's environment."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = _run("environment", ".venv")
    for component in environment["components"]:
        if not component.get("licenses"):
            component["licenses"] = _said_elsewhere(component["name"])
    licences = {_part(one): one["licenses"] for one in environment["components"] if one.get("licenses")}
    hashed = _run("requirements", "requirements/dev.txt")
    _add(environment, "externalReferences", {_part(one): one["externalReferences"] for one in hashed["components"]})
    _write(folder, DEVELOPMENT, environment)
    for requirements in sorted((ROOT / "layers").glob("*/requirements.txt")):
        document = _run("requirements", str(requirements.relative_to(ROOT)))
        _add(document, "licenses", {part: list(some) for part, some in licences.items()})
        for component in document["components"]:
            component.pop("description", None)  # the line of the requirements file
        _write(folder, requirements.parent.name, document)


def _run(kind: str, what: str) -> Document:
    command = [str(TOOL), kind, *COMMON, what]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)}: {run.stderr}")
    document: Document = json.loads(run.stdout)
    return document


def _said_elsewhere(name: str) -> list[Document]:
    """The licence of a package whose metadata have none that the tool knows: an old field's words, a file's title."""
    metadata = importlib.metadata.metadata(name)
    said = metadata.get("License")
    for file in importlib.metadata.files(name) or [] if not said else []:
        if file.name.upper().startswith("LICENSE"):
            said = next((line.strip() for line in file.read_text().splitlines() if line.strip()), None)
            break
    return [{"license": {"acknowledgement": "declared", "name": said}}] if said else []


def _part(component: Document) -> Part:
    return re.sub(r"[-_.]+", "-", component["name"]).lower(), component["version"]


def _add(document: Document, what: str, by_part: dict[Part, list[Any]]) -> None:
    for component in document["components"]:
        component.setdefault(what, []).extend(by_part.get(_part(component), []))


def _write(folder: Path, name: str, document: Document) -> None:
    target = folder / f"{name}.cdx.json"
    target.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
