"""What CloudFormation gets: each template after SAM's own transform.

`python -m tests.template.translation FOLDER` writes them there as JSON, for the tools that read files.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
# Properties that name a file of the repository, which `sam deploy` uploads.
LOCAL_FILES = ("CodeUri", "ContentUri", "DefinitionUri")

Template = dict[str, Any]


def paths() -> list[Path]:
    """The root template and every one in stacks/."""
    return [ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml"))]


def read(path: Path) -> Template:
    """A template as it is written, its short forms (!Ref) as the long ones."""
    template: Template = yaml_parse(path.read_text())
    return template


def machine() -> Template:
    """The state machine's definition as it is written."""
    definition: Template = yaml.safe_load((ROOT / "statemachines" / "rft_run.asl.yaml").read_text())
    return definition


def translate(source: Template, parameters: Mapping[str, str] | None = None) -> Template:
    """A template after SAM's transform; one that SAM has nothing to do with as it is. The source stays as it was.

    ``parameters`` are those of the deployment: SAM puts their values (or their defaults) into what it makes.
    """
    template = copy.deepcopy(source)
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for uri in LOCAL_FILES:
            if uri in properties:
                properties[uri] = f"s3://artifacts/{properties[uri]}"
    with mock.patch.dict(os.environ, AWS_DEFAULT_REGION="us-east-1"):
        translated: Template = Translator({}, Parser()).translate(template, dict(parameters or {}))
    return translated


def write(folder: Path) -> list[Path]:
    """Every translated template as a file of its own in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    written = []
    for path in paths():
        target = folder / f"{path.stem}.json"
        template = translate(read(path))
        for resource in template["Resources"].values():
            # Where `sam deploy` puts nested templates.
            if resource["Type"] == "AWS::CloudFormation::Stack":
                resource["Properties"]["TemplateURL"] = (
                    f"https://s3.amazonaws.com/{resource['Properties']['TemplateURL']}"
                )
        target.write_text(json.dumps(template, indent=1))
        written.append(target)
    return written


if __name__ == "__main__":
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it would say that nobody asked for its metrics
    write(Path(sys.argv[1]))
