"""A training is graded by a published version: what parameters change about a grader has to lead to another version.

CloudFormation publishes one where the version's logical id or its description is another one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.template import translation
from tests.template.invariants.deployed import Deployed, Resource
from tests.template.invariants.modes import MODES, OWN_STACKS

pytestmark = pytest.mark.thorough

EXISTING = MODES["yours-with-functions-inside"]
FORMS: dict[str, dict[str, str]] = {
    "nowhere": {},
    "jobs only": {"NetworkMode": "create"},
    "inside": {"NetworkMode": "create", "FunctionsInVpc": "true"},
    "in two zones": {"NetworkMode": "create", "FunctionsInVpc": "true", "NetworkZones": "2"},
    "yours": EXISTING,
    "in other subnets": {**EXISTING, "SubnetIds": "subnet-0a1b2c3d,subnet-2a3b4c5d"},
    "in another group": {**EXISTING, "SecurityGroupIds": "sg-0a1b2c3d,sg-1a2b3c4d"},
    "talkative": {"LogLevel": "DEBUG"},
    "another judge": {"JudgeModelId": "qwen.qwen3-32b-v1:0"},
    "a judge by its profile": {
        name: MODES["everything"][name] for name in ("JudgeInferenceProfileArn", "JudgeProfileModelArns")
    },
}
LONGEST = {
    **EXISTING,
    "SubnetIds": ",".join(f"subnet-{number:017x}" for number in range(6)),
    "SecurityGroupIds": ",".join(f"sg-{number:017x}" for number in range(5)),
    "LogLevel": "WARNING",
    "JudgeInferenceProfileArn": "arn:aws:bedrock:us-east-1:111122223333:inference-profile/"
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "JudgeProfileModelArns": "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
}


@cache
def _sources() -> dict[str, Any]:
    return {path.name: translation.read(path) for path in translation.paths()}


def deployed(parameters: dict[str, str]) -> Deployed:
    root = translation.translate(_sources()["template.yaml"], parameters)
    nested = {name: translation.translate(one) for name, one in _sources().items() if name != "template.yaml"}
    return Deployed(nested | {"template.yaml": root}, parameters)


def versions(of: Deployed) -> dict[str, Resource]:
    """The version of each grader by the grader's name."""
    found = {one.name.partition("Version")[0]: one for one in of.of_type("AWS::Lambda::Version")}
    assert found
    return found


@cache
def form(name: str) -> dict[str, tuple[Any, tuple[str, str]]]:
    """Of each grader what is published, and what CloudFormation tells its version by."""
    of = deployed(FORMS[name])
    shown = {}
    for grader, version in versions(of).items():
        function = of.named(grader)
        assert function
        shown[grader] = (function.properties, (version.name, version.properties["Description"]))
    return shown


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("other", FORMS)
def test_another_grader_is_another_version_and_the_same_one_is_not(name: str, other: str) -> None:
    """The same one must not be: Lambda refuses to publish a second time what has not changed."""
    for grader, (properties, version) in form(name).items():
        its_properties, its_version = form(other)[grader]
        assert (properties != its_properties) == (version != its_version), grader


def test_judges_follow_their_model_and_all_graders_their_network() -> None:
    """Or the test above would compare what never differs."""
    different = {
        name: {grader for grader, (_, version) in form(name).items() if version != form("nowhere")[grader][1]}
        for name in FORMS
    }
    graders = set(form("nowhere"))
    assert different["jobs only"] == set()
    assert different["inside"] == different["yours"] == different["talkative"] == graders
    assert different["another judge"] == different["a judge by its profile"] != graders
    assert "ReasoningGrader" in different["another judge"]


def test_a_description_has_at_most_256_characters() -> None:
    for version in versions(deployed(LONGEST)).values():
        assert len(version.properties["Description"]) <= 256, version.name


def test_a_version_that_is_replaced_stays() -> None:
    """A job may be graded by it for days yet."""
    for version in versions(deployed({})).values():
        kept = {name: version.attributes.get(name) for name in ("DeletionPolicy", "UpdateReplacePolicy")}
        assert kept == {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}, version.name


@pytest.mark.parametrize("template", ["code_tests.yaml", "symbolic_math.yaml"])
def test_a_grader_with_a_stack_of_its_own_is_published_anew_too(template: str) -> None:
    told = set()
    for level in ("INFO", "DEBUG"):
        parameters = OWN_STACKS[template].parameters | {"LogLevel": level}
        root = translation.translate(_sources()[template], parameters)
        (version,) = versions(Deployed({template: root}, parameters, root=template)).values()
        assert version.attributes.get("UpdateReplacePolicy") == "Retain"
        told.add((version.name, version.properties.get("Description")))
    assert len(told) == 2
