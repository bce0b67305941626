from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return template


@pytest.fixture(scope="session")
def resources(source: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation gets: the template after SAM's own transform."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        for uri in ("CodeUri", "ContentUri", "DefinitionUri"):
            if uri in properties:
                properties[uri] = f"s3://artifacts/{properties[uri]}"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        translated = Translator({}, Parser()).translate(template, {})
    found: dict[str, Any] = translated["Resources"]
    return found


@pytest.fixture(scope="session")
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load((ROOT / "statemachines" / "rft_run.asl.yaml").read_text())
    return definition
