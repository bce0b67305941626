"""The list of parts has every package that the functions ship, with what it is known by."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.supply_chain import ROOT, Pin, pins

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sbom")
    subprocess.run([sys.executable, str(ROOT / "requirements" / "sbom.py"), str(folder)], check=True)
    return {path.name.removesuffix(".cdx.json"): json.loads(path.read_text()) for path in folder.iterdir()}


def _pins(path: Path) -> dict[str, Pin]:
    return {re.sub(r"[-_.]+", "-", pin.name).lower(): pin for pin in pins(path.read_text())}


def _hashes(component: dict[str, Any]) -> set[str]:
    return {
        one["content"]
        for reference in component["externalReferences"]
        for one in reference.get("hashes", [])
        if one["alg"] == "SHA-256"
    }


def test_there_is_one_for_each_layer_and_one_for_development(documents: dict[str, dict[str, Any]]) -> None:
    layers = {path.parent.name for path in (ROOT / "layers").glob("*/requirements.txt")}
    assert set(documents) == layers | {"development"}
    for document in documents.values():
        assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
        assert document["metadata"]["component"]["name"] == "bedrock-rft-pipeline"


@pytest.mark.parametrize("layer", [path.parent.name for path in (ROOT / "layers").glob("*/requirements.txt")])
def test_a_layers_packages_are_all_in_it(layer: str, documents: dict[str, dict[str, Any]]) -> None:
    expected = _pins(ROOT / "layers" / layer / "requirements.txt")
    components = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one for one in documents[layer]["components"]}
    assert set(components) == set(expected)
    for name, pin in expected.items():
        component = components[name]
        assert component["version"] == pin.version
        assert component["purl"].startswith(f"pkg:pypi/{name}@{pin.version}")
        assert _hashes(component) == pin.hashes
        assert component["licenses"], name


def test_the_environment_has_the_pinned_packages_with_their_hashes(documents: dict[str, dict[str, Any]]) -> None:
    components = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one for one in documents["development"]["components"]}
    expected = _pins(ROOT / "requirements" / "dev.txt")
    for name in ("boto3", "aws-sam-cli", "pytest", "cfn-lint"):
        assert components[name]["version"] == expected[name].version
        assert _hashes(components[name]) == expected[name].hashes
