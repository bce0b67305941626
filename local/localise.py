"""What `sam build` made, changed for the stand-in AWS. Everything else is deployed as it is.

Each change stands for something that the emulator lacks:

- functions run by AWS's own runtime client (``provided.al2023`` with a bootstrap), because in the emulator's own Python
  runtime every error has the same name, so that Retry and Catch never match;
- that way layers are ignored, so they go on ``PYTHONPATH`` from the build folder;
- a time-out or a concurrency written as a JSONata expression isn't evaluated, so it is worked out here;
- of a distributed map no JSONata is evaluated at all, so where its manifest lies is said in JSONPath;
- Bedrock's role may be assumed by the account's root as well: the Bedrock stand-in is no AWS service, and this way it
  has exactly the rights that the role grants;
- the emulator's network is one of names only: it has no flow logs, so the nested stack has none.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]
_SECONDS = re.compile(r"\{% \$round\(\$\{(\w+)\} \* (\d+)\) %\}")
_NUMBER = re.compile(r"\{% \$\{(\w+)\} %\}")
_KEY_OF_RUN = re.compile(r"\{% '([^']*)' & \$states\.context\.Execution\.Input\.run_id & '([^']*)' %\}")


def localise(build: Path, out: Path, *, python: Path, parameters: Mapping[str, str]) -> Path:
    """The template to deploy, in ``out``; ``python`` runs the functions."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(build, out, ignore=shutil.ignore_patterns("*Layer"))
    template = yaml_parse((build / "template.yaml").read_text())
    resources: dict[str, Any] = template["Resources"]
    layers = [build / name / "python" for name, r in resources.items() if r["Type"] == "AWS::Serverless::LayerVersion"]
    template["Resources"] = resources = {
        name: r for name, r in resources.items() if r["Type"] != "AWS::Serverless::LayerVersion"
    }
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    variables["PYTHONPATH"] = ":".join(map(str, layers))
    template["Globals"]["Function"] |= {"Runtime": "provided.al2023"}
    for name in ("Layers", "Architectures"):
        template["Globals"]["Function"].pop(name, None)
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            bootstrap(out / resource["Properties"]["CodeUri"], python)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            _work_out_expressions(out, resource["Properties"], template, parameters)
    _let_root_assume(resources["BedrockRole"])
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            _leave_out(out / resource["Properties"]["TemplateURL"], "AWS::EC2::FlowLog")
    path = out / "template.json"  # which both SAM and the emulator read many times as fast as YAML
    path.write_text(json.dumps(template))
    return path


def bootstrap(code: Path, python: Path) -> None:
    """What ``provided.al2023`` runs: AWS's runtime client with the function's handler."""
    script = code / "bootstrap"
    script.write_text(f'#!/bin/sh\nexec "{python}" -m awslambdaric "$_HANDLER"\n')
    script.chmod(0o755)


def _work_out_expressions(out: Path, machine: Template, template: Template, parameters: Mapping[str, str]) -> None:
    definition = yaml.safe_load((out / machine["DefinitionUri"]).read_text())

    def value_of(name: str) -> float:
        machine["DefinitionSubstitutions"].pop(name, None)
        return float(parameters.get(name, template["Parameters"][name]["Default"]))

    for state in definition["States"].values():
        if time := _SECONDS.fullmatch(str(state.get("TimeoutSeconds", ""))):
            state["TimeoutSeconds"] = max(1, round(value_of(time[1]) * int(time[2])))
        if most := _NUMBER.fullmatch(str(state.get("MaxConcurrency", ""))):
            state["MaxConcurrency"] = round(value_of(most[1]))
        if reader := state.get("ItemReader"):
            where = reader.pop("Arguments")
            before, after = _KEY_OF_RUN.fullmatch(where["Key"]).groups()  # type: ignore[union-attr]
            key = f"States.Format('{before}{{}}{after}', $$.Execution.Input.run_id)"
            reader["Parameters"] = {"Bucket": where["Bucket"], "Key.$": key}
    path = out / "rft_run.asl.json"
    path.write_text(json.dumps(definition, indent=2))
    machine["DefinitionUri"] = path.name


def _let_root_assume(role: Template) -> None:
    trust = role["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
            "Action": "sts:AssumeRole",
        }
    )


def _leave_out(nested: Path, kind: str) -> None:
    """From a nested template, which is CloudFormation's own: all resources of this type. Nothing refers to them."""
    template = yaml_parse(nested.read_text())
    template["Resources"] = {name: r for name, r in template["Resources"].items() if r["Type"] != kind}
    nested.write_text(json.dumps(template))
