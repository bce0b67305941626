"""The API before its function: who may call, how often, what gets through, and what is written down of it."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import jsonschema
import pytest

from rft.run.tenants import Tenants, TenantsInvalid
from rft.steps.comparing.playground import MAX_PROMPTS
from rft.steps.doors.api import routes
from rft.steps.doors.api_door import LITTLE, MOST_BYTES
from tests.template.translation import ROOT, translate

EVENTS = ROOT / "events"
STAGE = "Apiv1Stage"
ROLE = "arn:aws:iam::111122223333:role/team/train"


@pytest.fixture
def body(resources: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resources["Api"]["Properties"]["Body"]
    return found


@pytest.fixture
def stage(resources: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = resources[STAGE]["Properties"]
    return found


def pattern(source: dict[str, Any], name: str) -> re.Pattern[str]:
    return re.compile(source["Parameters"][name]["AllowedPattern"])


# -- routes ----------------------------------------------------------------------------------------------------------


def test_the_api_has_the_routes_of_its_function_each_signed(body: dict[str, Any]) -> None:
    routed = {
        (re.sub(r"<(\w+)>", r"{\1}", route.path).replace("/models/{name}", "/models/{model}"), route.method.lower())
        for route in (*routes._static_routes, *routes._dynamic_routes)
    }
    methods = {(path, method): spec for path, item in body["paths"].items() for method, spec in item.items()}
    assert set(methods) == routed
    assert all(spec["security"] == [{"AWS_IAM": []}] for spec in methods.values())


# -- what gets through -----------------------------------------------------------------------------------------------


def models(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema that API Gateway holds the body of a route to, by the route."""
    found = {}
    for path, item in body["paths"].items():
        for method, spec in item.items():
            for parameter in spec.get("parameters", []):
                if parameter["in"] == "body":
                    assert spec["x-amazon-apigateway-request-validator"] == "body-only"
                    name = parameter["schema"]["$ref"].removeprefix("#/definitions/")
                    found[f"{method.upper()} {path}"] = body["definitions"][name]
    return found


def passes(schema: dict[str, Any], document: Any) -> bool:
    return bool(jsonschema.Draft4Validator(schema).is_valid(document))


def test_every_body_is_held_to_a_model(body: dict[str, Any]) -> None:
    posts = {f"POST {path}" for path, item in body["paths"].items() if "post" in item}
    assert set(models(body)) == posts - {"POST /runs/{run_id}/stop"}, "a stop has no body"
    for schema in models(body).values():
        jsonschema.Draft4Validator.check_schema(schema)
    assert body["x-amazon-apigateway-request-validators"] == {
        "body-only": {"validateRequestBody": True, "validateRequestParameters": False}
    }


def test_what_the_function_takes_gets_through(body: dict[str, Any]) -> None:
    seen = set()
    for path in EVENTS.glob("api_post_*.json"):
        event = json.loads(path.read_text())
        route = f"POST {event['resource']}"
        if event["body"] is not None and path.stem != "api_post_runs_invalid":
            assert passes(models(body)[route], json.loads(event["body"])), path.stem
            seen.add(route)
    assert seen == set(models(body)) - {"POST /graders/{name}/test"}
    assert passes(models(body)["POST /runs/{run_id}/approve"], {}), "API Gateway takes no body for an empty object"
    longest = f"s3://{'b' * 63}/{'k' * 1_024}"
    for route in ("POST /datasets/check", "POST /graders/{name}/test"):
        assert passes(models(body)[route], {"s3_uri": longest, "version_id": "v" * 1_024})
    assert passes(models(body)["POST /models/{model}/compare"], {"prompts": ["x" * 4_000] * MAX_PROMPTS})


ORDINARY: list[Any] = [None, 1, True, "", "x", [], {}, ["x"], {"x": "y"}, "x" * 200]


@pytest.mark.parametrize("wrong", ORDINARY, ids=repr)
def test_ordinary_mistakes_get_through_to_the_answer_that_names_all(body: dict[str, Any], wrong: Any) -> None:
    """API Gateway would tell one fault, by no name. So no type, no range and no unknown name is its business."""
    names = ("model", "base_model", "grader", "decision", "s3_uri", "validation_s3_uri", "prompts", "unknown")
    for route, schema in models(body).items():
        for name in names:
            assert passes(schema, {name: wrong}), (route, name)
        assert passes(schema, {}), (route, "what is missing is one of the things that are wrong")


@pytest.mark.parametrize(
    "nonsense",
    [None, 7, "text", [], ["x"], {"x" * n: n for n in range(1, 99)}],
    ids=lambda n: str(n)[:9],
)
def test_nonsense_does_not_get_through(body: dict[str, Any], nonsense: Any) -> None:
    for route, schema in models(body).items():
        assert not passes(schema, nonsense), route


@pytest.mark.parametrize(
    ("route", "name"),
    [
        ("POST /runs", "model"),
        ("POST /estimates", "base_model"),
        ("POST /datasets/check", "s3_uri"),
        ("POST /graders/{name}/test", "s3_uri"),
        ("POST /runs/{run_id}/approve", "decision"),
    ],
)
def test_a_text_out_of_all_measure_does_not_get_through(body: dict[str, Any], route: str, name: str) -> None:
    assert not passes(models(body)[route], {name: "x" * 99_999})


def test_the_function_bounds_what_the_models_can_not(body: dict[str, Any]) -> None:
    """In bytes, which a schema doesn't count; the rest may bring a kilobyte."""
    assert set(MOST_BYTES) <= set(body["paths"])
    assert max(MOST_BYTES.values()) <= 262_144


# -- refusals of API Gateway's own -----------------------------------------------------------------------------------


def test_its_refusals_have_the_form_of_the_functions(body: dict[str, Any]) -> None:
    refusals = body["x-amazon-apigateway-gateway-responses"]
    assert {"BAD_REQUEST_BODY", "THROTTLED", "REQUEST_TOO_LARGE", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(refusals)
    for kind, refusal in refusals.items():
        assert refusal["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        (text,) = refusal["responseTemplates"].values()
        # A quoted text of API Gateway's stands where this variable does; those with no quotes of their own aren't used.
        problem = json.loads(text.replace("$context.error.messageString", '"Missing Authentication Token"'))
        assert "$" not in json.dumps(problem)
        assert {"type", "title", "detail", "errors"} <= set(problem), kind
        assert str(problem.get("status")) == refusal.get("statusCode", "None")
    assert refusals["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


# -- how often -------------------------------------------------------------------------------------------------------


def test_costly_routes_take_less_than_the_rest_ever_may(
    source: dict[str, Any], body: dict[str, Any], stage: Any
) -> None:
    settings = {(s["ResourcePath"], s["HttpMethod"]): s for s in stage["MethodSettings"]}
    assert len(settings) == len(stage["MethodSettings"])
    everything = settings.pop(("/*", "*"))
    assert everything["ThrottlingRateLimit"] == {"Ref": "ApiRequestsPerSecond"}
    assert everything["ThrottlingBurstLimit"] == {"Ref": "ApiBurst"}
    costly = {(path.removeprefix("/").replace("~1", "/"), method.lower()) for path, method in settings}
    assert costly == {
        ("/models/{model}/compare", "post"),
        ("/graders/{name}/test", "post"),
        ("/datasets/check", "post"),
        ("/estimates", "post"),
    }
    assert all(method in body["paths"][path] for path, method in costly)
    for setting in settings.values():
        assert setting["ThrottlingRateLimit"] < source["Parameters"]["ApiRequestsPerSecond"]["MinValue"]
        assert setting["ThrottlingBurstLimit"] < source["Parameters"]["ApiBurst"]["MinValue"]


# -- what is written down --------------------------------------------------------------------------------------------


def test_no_setting_writes_down_what_a_call_says(stage: dict[str, Any]) -> None:
    """Each setting says all of it: what a method leaves out isn't taken from "/*"."""
    for setting in stage["MethodSettings"]:
        assert (setting["DataTraceEnabled"], setting["LoggingLevel"], setting["MetricsEnabled"]) == (False, "OFF", True)
    assert stage["TracingEnabled"] is True


def test_an_access_log_is_a_line_of_json_without_payload(stage: dict[str, Any]) -> None:
    kind, setting, otherwise = stage["AccessLogSetting"]["Fn::If"]
    assert (kind, otherwise) == ("HasApiAccessLogs", {"Ref": "AWS::NoValue"})
    line = json.loads(setting["Format"])
    assert set(line.values()) == {
        "$context.requestId",
        "$context.requestTime",
        "$context.identity.userArn",
        "$context.identity.sourceIp",
        "$context.httpMethod",
        "$context.resourcePath",  # /runs/{run_id}, not which run; and no query
        "$context.status",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.responseLength",
        "$context.error.responseType",
        "$context.xrayTraceId",
    }
    assert "\n" not in setting["Format"]


def test_access_logs_have_a_group_a_key_and_an_end(resources: dict[str, Any]) -> None:
    group = resources["ApiAccessLog"]
    assert group["Condition"] == "HasApiAccessLogs"
    assert group["Properties"] == {
        "LogGroupName": {"Fn::Sub": "/aws/apigateway/${AWS::StackName}-api"},
        "RetentionInDays": {"Ref": "LogRetentionDays"},
        "KmsKeyId": {"Fn::GetAtt": ["Keys", "Outputs.DataKeyArn"]},
    }


def test_the_accounts_role_is_set_only_where_asked_and_outlives_the_stack(
    source: dict[str, Any], resources: dict[str, Any], stage: dict[str, Any]
) -> None:
    """All APIs of an account and region share it."""
    assert source["Parameters"]["ApiAccessLogs"]["Default"] == "account-role"
    assert source["Conditions"]["SetsApiAccountRole"] == {"Fn::Equals": [{"Ref": "ApiAccessLogs"}, "set-account-role"]}
    for name in ("ApiAccount", "ApiAccountRole"):
        kept = {key: resources[name][key] for key in ("Condition", "DeletionPolicy", "UpdateReplacePolicy")}
        assert kept == {"Condition": "SetsApiAccountRole", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    (trust,) = resources["ApiAccountRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}
    destination = stage["AccessLogSetting"]["Fn::If"][1]["DestinationArn"]["Fn::If"]
    log = {"Fn::GetAtt": ["ApiAccessLog", "Arn"]}
    waited_for = {"Fn::Select": [0, [log, {"Ref": "ApiAccount"}]]}
    assert destination == ["SetsApiAccountRole", waited_for, log], "a stage with logs needs the account's role first"


def test_no_deployment_writes_over_the_accounts_role_unless_it_is_asked_to() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    given = {
        name: re.findall(r"ApiAccessLogs=(\S+)", environment["deploy"]["parameters"]["parameter_overrides"])
        for name, environment in config.items()
        if name != "version"
    }
    assert given == {"default": ["off"], "dev": ["account-role"], "prod": ["account-role"]}


def test_sam_makes_no_second_stage_and_the_accounts_role_waits_for_an_api(resources: dict[str, Any]) -> None:
    kinds = [resource["Type"] for resource in resources.values()]
    assert kinds.count("AWS::ApiGateway::Stage") == 1
    deployments = [one for one in resources.values() if one["Type"] == "AWS::ApiGateway::Deployment"]
    assert deployments
    assert not [one for one in deployments if "StageName" in one["Properties"]]
    assert resources["ApiAccount"]["DependsOn"] == "Api"


# -- who may call ----------------------------------------------------------------------------------------------------


def statements(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["x-amazon-apigateway-policy"]["Statement"]
    return found


def test_the_resource_policy_takes_away(source: dict[str, Any]) -> None:
    parameters = {"ApiAllowedIpRanges": "192.0.2.0/24,2001:db8::/32", "ApiCallerArns": f"{ROLE},{ROLE}2"}
    body = translate(source, parameters)["Resources"]["Api"]["Properties"]["Body"]
    tls, addresses, callers = statements(body)
    everybody = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    assert tls == everybody | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    kind, denied, otherwise = addresses["Fn::If"]
    assert (kind, otherwise) == ("HasApiIpRanges", {"Ref": "AWS::NoValue"})
    ranges = {"Fn::Split": [",", "192.0.2.0/24,2001:db8::/32"]}
    assert denied == everybody | {"Condition": {"NotIpAddress": {"aws:SourceIp": ranges}}}
    kind, allowed, otherwise = callers["Fn::If"]
    assert (kind, otherwise) == ("HasApiCallers", {"Ref": "AWS::NoValue"})
    assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"AWS": {"Fn::Split": [",", f"{ROLE},{ROLE}2"]}})


def test_nothing_is_allowed_unless_callers_are_named(body: dict[str, Any]) -> None:
    """An Allow for the account or its root would let in each of its principals, without a policy of their own."""
    for statement in statements(body):
        effect = statement.get("Effect") or statement["Fn::If"][1]["Effect"]
        assert effect == "Deny" or statement["Fn::If"][0] == "HasApiCallers"


def test_a_policy_that_changes_is_deployed(source: dict[str, Any]) -> None:
    """API Gateway takes a policy from the next deployment on."""

    def deployment(parameters: dict[str, str]) -> str:
        (found,) = (name for name in translate(source, parameters)["Resources"] if name.startswith("ApiDeployment"))
        return str(found)

    made = [{}, {"ApiAllowedIpRanges": "192.0.2.0/24"}, {"ApiAllowedIpRanges": "192.0.2.0/25"}, {"ApiCallerArns": ROLE}]
    assert len({deployment(parameters) for parameters in made}) == len(made)


@pytest.mark.parametrize(
    ("arns", "fits"),
    [
        ("", True),
        (ROLE, True),
        (f"{ROLE},arn:aws:iam::111122223333:user/x", True),
        ("arn:aws-cn:iam::111122223333:role/r", True),
        ("arn:aws:iam::111122223333:root", False),
        (f"{ROLE},arn:aws:iam::111122223333:root", False),
        ("111122223333", False),
        ("*", False),
        ("arn:aws:iam::111122223333:role/*", False),
        ("arn:aws:iam::*:role/r", False),
        ("arn:aws:iam::111122223333:role/", False),
    ],
)
def test_callers_are_named_one_by_one(source: dict[str, Any], arns: str, fits: bool) -> None:
    assert (pattern(source, "ApiCallerArns").fullmatch(arns) is not None) is fits


@pytest.mark.parametrize(
    ("ranges", "fits"),
    [("", True), ("192.0.2.0/24", True), ("192.0.2.0/24,2001:db8::/32", True), ("192.0.2.1", False), ("*", False)],
)
def test_addresses_are_ranges(source: dict[str, Any], ranges: str, fits: bool) -> None:
    assert (pattern(source, "ApiAllowedIpRanges").fullmatch(ranges) is not None) is fits


def test_a_web_acl_is_put_before_the_stage(source: dict[str, Any], resources: dict[str, Any]) -> None:
    association = resources["ApiWebAcl"]
    assert association["Condition"] == "HasWebAcl"
    arn = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/${" + STAGE + "}"
    assert association["Properties"] == {"ResourceArn": {"Fn::Sub": arn}, "WebACLArn": {"Ref": "WebAclArn"}}
    assert not pattern(source, "WebAclArn").fullmatch("arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b")


# -- tenants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme=arn:aws:sts::111122223333:assumed-role/acme/*",
        "acme=arn:aws:sts::111122223333:assumed-role/acme/*,*=arn:aws:iam::111122223333:user/ops",
    ],
)
def test_the_parameter_takes_what_the_code_takes(source: dict[str, Any], text: str) -> None:
    assert pattern(source, "Tenants").fullmatch(text)
    Tenants.parse(text)


@pytest.mark.parametrize("text", ["*", "acme=*", "*=*", "acme", "Acme=arn:aws:iam::111122223333:root", "a=arn:x,"])
def test_what_both_refuse_fails_the_deployment(source: dict[str, Any], text: str) -> None:
    assert not pattern(source, "Tenants").fullmatch(text)
    with pytest.raises(TenantsInvalid):
        Tenants.parse(text)


def test_both_doors_know_the_tenants_and_have_room_for_them(source: dict[str, Any], resources: dict[str, Any]) -> None:
    """Lambda takes 4 KB of environment. What isn't known yet counts as long as it can get."""
    knowing = {name for name, r in resources.items() if r["Type"] == "AWS::Lambda::Function" and "TENANTS" in str(r)}
    assert knowing == {"ApiFunction", "StartRun"}
    most = source["Parameters"]["Tenants"]["MaxLength"]
    for name in knowing:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert variables["TENANTS"] == {"Ref": "Tenants"}
        lengths = {key: len(key) + _length(value, source) for key, value in variables.items() if key != "TENANTS"}
        assert sum(lengths.values()) + len("TENANTS") + most < 4_096, lengths


def _length(value: Any, source: dict[str, Any]) -> int:
    if isinstance(value, str):
        return len(value)
    ((kind, inside),) = value.items()
    if inside == "AWS::StackName":
        return 36  # the longest name of a function leaves no more
    if kind == "Ref" and inside in source["Parameters"]:
        parameter = source["Parameters"][inside]
        return max(map(len, parameter.get("AllowedValues") or [str(parameter.get("Default", "")), "x" * 64]))
    if kind == "Fn::If":
        return max(_length(each, source) for each in inside[1:])
    if kind == "Fn::Sub":
        text, names = inside if isinstance(inside, list) else (inside, {})
        fixed = re.sub(r"\$\{[^}]+\}", "", text)
        holes = re.findall(r"\$\{([^}]+)\}", text)
        return len(fixed) + sum(_length(names[hole], source) if hole in names else 40 for hole in holes)
    return 123  # the ARN of a function's version


def test_the_page_tells_how_much_each_route_takes(stage: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "api.md").read_text().partition("| calls a second, at a moment |")[2].partition("\n\n")[0]
    told = {row[0]: row[1:] for row in (re.findall(r"[^|]+", line) for line in page.splitlines()[2:])}
    rows = {name.strip(" `"): tuple(cell.strip() for cell in cells) for name, cells in told.items()}
    assert rows.pop("every other") == ("as all", f"{LITTLE:,}")
    assert {name.partition(" ")[2]: cells[1] for name, cells in rows.items()} == {
        resource: f"{most:,}" for resource, most in MOST_BYTES.items()
    }
    slow = {
        setting["ResourcePath"].removeprefix("/").replace("~1", "/"): (
            f"{setting['ThrottlingRateLimit']}, {setting['ThrottlingBurstLimit']}"
        )
        for setting in stage["MethodSettings"][1:]
    }
    assert {name.partition(" ")[2]: cells[0] for name, cells in rows.items() if cells[0] != "as all"} == slow


def test_the_page_names_every_parameter_of_the_api(source: dict[str, Any]) -> None:
    groups = source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    (names,) = (g["Parameters"] for g in groups if g["Label"]["default"] == "The API and who may call it")
    pages = "".join((ROOT / "docs" / name).read_text() for name in ("api.md", "tenants.md"))
    assert all(f"`{name}`" in pages for name in names)
