"""The graders with a stack of their own: no data, no rights but to write a log, a published version to pass on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
STACKS = {"code_tests": "CodeTestsGrader", "symbolic_math": "SymbolicMathGrader"}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str]:
    return yaml_parse((ROOT / "stacks" / f"{request.param}.yaml").read_text()), STACKS[request.param]


def test_every_stack_of_a_grader_is_tested_here() -> None:
    graders = [
        path.stem
        for path in (ROOT / "stacks").glob("*.yaml")
        if (ROOT / "functions" / "graders" / path.stem / "app.py").exists()
    ]
    assert sorted(graders) == sorted(STACKS)


def test_the_grader_may_write_its_log_and_nothing_else(stack: tuple[dict[str, Any], str]) -> None:
    template, name = stack
    resources = template["Resources"]
    roles = {key: one["Properties"] for key, one in resources.items() if one["Type"] == "AWS::IAM::Role"}
    assert list(roles) == [f"{name}Role"]
    role = roles[f"{name}Role"]
    assert "ManagedPolicyArns" not in role
    statements = [s for policy in role["Policies"] for s in policy["PolicyDocument"]["Statement"]]
    assert statements == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [f"{name}Log", "Arn"]},
        }
    ]


def test_the_stack_holds_no_data(stack: tuple[dict[str, Any], str]) -> None:
    template, _ = stack
    assert {one["Type"] for one in template["Resources"].values()} == {
        *("AWS::Serverless::Function", "AWS::Serverless::LayerVersion", "AWS::IAM::Role", "AWS::Logs::LogGroup")
    }


def test_training_gets_a_published_version(stack: tuple[dict[str, Any], str]) -> None:
    template, name = stack
    function = template["Resources"][name]["Properties"]
    assert function["AutoPublishAlias"]
    assert function["AutoPublishAliasAllProperties"]
    assert template["Outputs"]["GraderArn"]["Value"] == {"Ref": f"{name}.Version"}


def test_what_the_stack_is_built_from_is_there(stack: tuple[dict[str, Any], str]) -> None:
    template, _ = stack
    for resource in template["Resources"].values():
        for uri in (resource["Properties"].get(name) for name in ("CodeUri", "ContentUri")):
            assert uri is None or (ROOT / "stacks" / uri).is_dir()


def test_a_layer_is_called_as_its_makefile_builds_it(stack: tuple[dict[str, Any], str]) -> None:
    template, _ = stack
    layers = {
        name: one for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::LayerVersion"
    }
    for name, layer in layers.items():
        makefile = ROOT / "stacks" / layer["Properties"]["ContentUri"] / "Makefile"
        assert f"build-{name}:" in makefile.read_text()
