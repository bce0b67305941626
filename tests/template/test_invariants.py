"""The rules of tests/template/invariants find nothing in the templates, in whatever form they are deployed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template import translation
from tests.template.invariants import findings
from tests.template.invariants.deployed import Deployed
from tests.template.invariants.modes import MODES, OWN_STACKS
from tests.template.translation import Template

ROOT_TEMPLATE = "template.yaml"


@pytest.fixture(scope="module")
def sources() -> dict[str, Template]:
    return {path.name: translation.read(path) for path in translation.paths()}


@pytest.fixture(scope="module")
def nested(sources: dict[str, Template]) -> dict[str, Template]:
    return {name: translation.translate(source) for name, source in sources.items() if name != ROOT_TEMPLATE}


@pytest.mark.parametrize("mode", MODES)
def test_the_application_keeps_every_rule(mode: str, sources: dict[str, Template], nested: dict[str, Template]) -> None:
    root = translation.translate(sources[ROOT_TEMPLATE], MODES[mode])
    deployed = Deployed(nested | {ROOT_TEMPLATE: root}, MODES[mode], machine=translation.machine())
    assert list(map(str, findings(deployed))) == []


@pytest.mark.parametrize("template", OWN_STACKS)
def test_stacks_of_their_own_keep_the_rules(
    template: str, sources: dict[str, Template], nested: dict[str, Template]
) -> None:
    own = OWN_STACKS[template]
    root = translation.translate(sources[template], own.parameters)
    deployed = Deployed(nested | {template: root}, own.parameters, root=template, stack=own.stack)
    assert [str(finding) for finding in findings(deployed) if finding.rule not in own.without] == []


def test_the_modes_turn_every_condition_both_ways(sources: dict[str, Template], nested: dict[str, Template]) -> None:
    """What no mode deploys no rule has looked at."""
    seen: dict[tuple[str, str], set[bool]] = {}
    for parameters in MODES.values():
        root = translation.translate(sources[ROOT_TEMPLATE], parameters)
        deployed = Deployed(nested | {ROOT_TEMPLATE: root}, parameters)
        stacks: list[tuple[str, Any]] = [(ROOT_TEMPLATE, deployed.stack), *deployed.stack.every_nested()]
        for name, stack in stacks:
            for condition in stack.template.get("Conditions", {}):
                seen.setdefault((name, condition), set()).add(stack.condition(condition))
    # How many zones there are changes how many subnets there are, and nothing else.
    one_way = {key for key, values in seen.items() if len(values) == 1 and "HasZone" not in key[1]}
    assert one_way == set()


def test_every_template_is_looked_at(sources: dict[str, Template]) -> None:
    named = {
        str(resource["Properties"]["TemplateURL"]).rpartition("/")[2]
        for resource in sources[ROOT_TEMPLATE]["Resources"].values()
        if resource["Type"] == "AWS::CloudFormation::Stack"
    }
    assert {*named, *OWN_STACKS, ROOT_TEMPLATE} == set(sources)
