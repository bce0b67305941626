"""docs/security.md and docs/roles.md say what the template and the tests are."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name
from typer.testing import CliRunner

from cli.main import app
from tests.iam.evaluator import Statement
from tests.iam.policies import Access
from tests.template import roles_page, translation
from tests.template.as_deployed import STACK, deployed

pytestmark = pytest.mark.thorough

DOCS = translation.ROOT / "docs"
PAGE = (DOCS / "security.md").read_text()
HOURS, USD_AN_HOUR = 730, 0.01
FUNCTION_ROLES = "every function"


def section(title: str) -> str:
    """The text below a heading, to the next one."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a text's tables, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    heads = {place - 1 for place, row in enumerate(cells) if set("".join(row)) <= set("-:")}
    return [row for place, row in enumerate(cells) if place not in heads and place - 1 not in heads]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@cache
def rights() -> dict[str, tuple[Statement, ...]]:
    """All that each role may, with everything on, by the role's name as the page has it."""
    return {
        name.removesuffix("Role"): tuple(one for one in role.identity if one.effect == "Allow")
        for name, role in Access(deployed(roles_page.ALL)).roles.items()
    }


def test_the_page_of_roles_is_made_of_the_template() -> None:
    assert roles_page.PAGE.read_text() == roles_page.page(), "python -m tests.template.roles_page writes it"


def test_every_star_of_a_role_is_on_the_page_and_nothing_else() -> None:
    found = {
        (FUNCTION_ROLES if one.policy == roles_page.EVERY_FUNCTION else name, tuple(sorted(one.actions)))
        for name, statements in rights().items()
        for one in statements
        if "*" in one.resources
    }
    told = {(role, tuple(sorted(quoted(actions)))) for actions, role, _ in rows(section("Every `*`"))}
    assert told == found


@pytest.mark.parametrize(
    "row", [row for row in rows(section("Who can do what")) if len(row) == 3], ids=lambda row: row[0]
)
def test_who_alone_has_a_right(row: list[str]) -> None:
    actions, names = quoted(row[0]), set(row[1].split(", "))
    whole_bucket = "all of the bucket" in row[0]
    for action in actions:
        holders = {
            name
            for name, statements in rights().items()
            for one in statements
            if action in one.actions
            and (not whole_bucket or any(re.search(r":::rft-databucket-\w+/\*$", place) for place in one.resources))
        }
        assert holders == names, action


def test_what_only_tenants_hold_is_not_said_of_a_stack_without_them() -> None:
    """Whoever may put a run.json names models and data in it: tests/contract/test_tenant_doors.py shows both."""
    (row,) = (row for row in rows(section("Who can do what")) if row[1] == "`use-bucket.json`")
    can, cannot = row[2].partition("without `Tenants`"), row[3].partition("with `Tenants`")
    assert "any model and any data" in can[2]
    assert "another tenant's models or data" in cannot[2]
    assert "data" not in cannot[0]


def test_no_role_of_the_stack_may_write_iam() -> None:
    of_iam = {
        action for statements in rights().values() for one in statements for action in one.actions if "iam:" in action
    }
    assert of_iam == {"iam:PassRole"}


@pytest.mark.parametrize("logical", roles_page.KEYS)
def test_a_key_of_your_own_needs_what_the_stack_gives_its_own(logical: str) -> None:
    text = roles_page.KEYS[logical].read_text()
    assert text == roles_page.key_policy(logical), "python -m tests.template.roles_page writes it"
    for placeholder, value in (("ACCOUNT", roles_page.ACCOUNT), ("REGION", "us-east-1"), ("STACK", STACK)):
        text = text.replace(placeholder, value)
    policy = json.loads(text)
    assert policy == deployed().nested("Keys").properties(logical)["KeyPolicy"]
    if logical == "DataKey":
        told = [sid for row in rows(section("Keys")) for sid in quoted(row[0])]
        assert told == [statement["Sid"] for statement in policy["Statement"]]


def endpoints(path: str) -> dict[str, set[str]]:
    """The services that a template makes endpoints for, by kind."""
    found: dict[str, set[str]] = {"Gateway": set(), "Interface": set()}
    for resource in translation.read(translation.ROOT / "stacks" / path)["Resources"].values():
        if resource["Type"] == "AWS::EC2::VPCEndpoint":
            service = resource["Properties"]["ServiceName"]["Fn::Sub"].rpartition("}.")[2]
            found[resource["Properties"]["VpcEndpointType"]].add(service)
    return found


def test_the_endpoints_and_what_they_cost_are_those_of_the_templates() -> None:
    jobs, functions = endpoints("network.yaml"), endpoints("function_endpoints.yaml")
    table = [row for row in rows(section("Network")) if "interface" in row[2] or "gateway" in row[2]]
    told = {kind: [set(quoted(row[0])) for row in table if kind in row[2]] for kind in ("gateway", "interface")}
    assert told["gateway"] == [jobs["Gateway"], functions["Gateway"]]
    assert told["interface"] == [jobs["Interface"], functions["Interface"]]
    each = HOURS * USD_AN_HOUR
    one, two = len(jobs["Interface"]), len(jobs["Interface"] | functions["Interface"])
    setup, network = section("Set-up"), section("Network")
    assert f"{each:.2f} USD a month and zone" in network
    assert f"[{one * each:.2f} USD a zone]" in setup
    assert f"{two * each:.2f} USD a zone in all" in setup
    assert f"{3 * one * each:.2f} USD a month" in network
    assert f"{3 * two * each:.2f} USD" in network
    assert len(endpoints("private_inference.yaml")["Interface"]) == 1


def test_what_has_to_wait_is_said_of_parameters_and_of_a_statement_that_there_are() -> None:
    told = rows(section("Changes that have to wait"))
    source = translation.read(translation.ROOT / "template.yaml")
    parameters = {name for change, _, _ in told for name in quoted(change) if name in source["Parameters"]}
    assert parameters == {"NetworkMode", "DataKeyArn", "MessageKeyArn"}
    (network, *_) = told
    refuses, _ = quoted(network[1])
    policy = deployed({"NetworkMode": "create"}).properties("DataBucketPolicy")["PolicyDocument"]
    (statement,) = (one for one in policy["Statement"] if one["Sid"] == refuses)
    assert (statement["Effect"], "StringNotEquals" in statement["Condition"]) == ("Deny", True)


def test_the_statement_that_a_service_principal_alone_holds_is_said_to_be_unproven() -> None:
    """A statement for a service without account or ARN can't be tried here, and is on the list."""
    keys = deployed().nested("Keys").properties("DataKey")["KeyPolicy"]["Statement"]
    open_ = {
        one["Sid"]
        for one in keys
        if one["Effect"] == "Allow"
        and "Service" in one["Principal"]
        and not any(
            "SourceA" in key or "EncryptionContext:" in key for line in one["Condition"].values() for key in line
        )
    }
    assert open_ == {"ProvisionedThroughputOfModels"}
    unproven = [row for row in rows(section("What was not verified")) if row[0].isdigit()]
    assert open_ <= {name for row in unproven for name in quoted(row[1])}
    assert [row[0] for row in unproven] == [str(number + 1) for number in range(len(unproven))]


def named_tests() -> list[str]:
    """The tests of the table of threats, whole: what stands after ``…`` is in the file named before it."""
    named, last = [], ""
    for row in rows(section("Threats")):
        for one in quoted(row[2]):
            last = last if one.startswith("…") else one.partition("::")[0]
            named.append(one.replace("…", last))
    return named


@cache
def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_threat_has_a_test_that_there_is() -> None:
    named = named_tests()
    assert len(named) >= 20
    for one in named:
        file, _, name = one.partition("::")
        path = translation.ROOT / file
        assert path.is_file(), one
        assert name in functions_of(path) if name else any(f.startswith("test_") for f in functions_of(path)), one


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", head.lower())).replace(" ", "-")
        for head in heads
    }


@pytest.mark.parametrize("page", ["security.md", "roles.md", "policies/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    here = DOCS / page
    for target in re.findall(r"\]\(([^)]+)\)", here.read_text()):
        file, _, anchor = target.partition("#")
        there = (here.parent / file).resolve() if file else here
        assert there.is_file(), target
        assert not anchor or anchor in anchors(there.read_text()), target


def skips() -> set[tuple[str, str]]:
    """Scanner and resource of each check that a template says it is to be spared."""
    found = set()
    for path in translation.paths():
        source: dict[str, Any] = translation.read(path)
        for logical, resource in source["Resources"].items():
            found |= {(one["id"], logical) for one in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])}
    return found


def spared_by_the_linter() -> set[str]:
    """What a template as a whole has cfn-lint pass over."""
    metadata = [translation.read(path).get("Metadata", {}) for path in translation.paths()]
    return {one for some in metadata for one in some.get("cfn-lint", {}).get("config", {}).get("ignore_checks", [])}


def test_every_check_that_is_passed_over_is_on_the_page() -> None:
    table = rows(section("What the scanners pass over"))
    spared = yaml.safe_load((translation.ROOT / ".checkov.yaml").read_text())["skip-check"]
    bandit = tomllib.loads((translation.ROOT / "pyproject.toml").read_text())["tool"]["bandit"]["skips"]
    resources = {resource for _, resource in skips()}
    told = {(one, place) for check, where, _ in table for one in quoted(check) for place in quoted(where) or [""]}
    everywhere = {(one, "") for one in (*spared, *bandit, *spared_by_the_linter())}
    assert {(one, place if place in resources else "") for one, place in told} == everywhere | skips()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z-]+\*?\.json)`", PAGE))))
def test_a_policy_that_is_named_is_there(name: str) -> None:
    assert list((DOCS / "policies").glob(name))


def commands(program: str) -> set[str]:
    return set(re.findall(rf"`({program} [^`]+)`", PAGE)) | set(
        re.findall(rf"^({program} .+?)(?:\s+#.*)?$", PAGE, re.MULTILINE)
    )


@pytest.mark.parametrize("command", sorted(commands("rft")))
def test_every_command_of_ours_is_one(command: str) -> None:
    _, name, *rest = command.split()
    told = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    for option in (word for word in rest if word.startswith("--")):
        assert option in told.output, option


@pytest.mark.parametrize("command", sorted(one for one in commands("aws") if not one.startswith("aws s3 ")))
def test_every_command_of_awss_is_one(command: str) -> None:
    _, service, name, *rest = command.split()
    model = botocore.session.get_session().get_service_model({"s3api": "s3"}.get(service, service))
    (operation,) = (one for one in model.operation_names if xform_name(one, "-") == name)
    shape = model.operation_model(operation).input_shape
    known = {xform_name(member, "-") for member in shape.members} if shape else set()
    assert {word[2:] for word in rest if word.startswith("--")} <= known


def test_every_parameter_that_is_given_a_value_is_one() -> None:
    templates = [translation.read(path) for path in translation.paths()]
    known = {name for template in templates for name in template.get("Parameters", {})}
    given = set(re.findall(r"\b([A-Z][a-zA-Z]+)=", PAGE))
    assert len(given) >= 8
    assert given <= known


def test_closing_the_api_by_its_parameter_takes_effect() -> None:
    """API Gateway looks at a changed resource policy only once the API is deployed anew."""
    source = translation.read(translation.ROOT / "template.yaml")
    deployments = [
        {name for name, one in resources.items() if one["Type"] == "AWS::ApiGateway::Deployment"}
        for addresses in ("", "127.0.0.1/32")
        for resources in [translation.translate(source, {"ApiAllowedIpRanges": addresses})["Resources"]]
    ]
    assert [len(names) for names in deployments] == [1, 1]
    assert deployments[0].isdisjoint(deployments[1])


def test_the_page_is_one_that_can_be_read() -> None:
    assert len(PAGE.splitlines()) <= 350
