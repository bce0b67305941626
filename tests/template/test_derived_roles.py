"""The roles that no call of ours shows: what the services do in them follows from the templates and from AWS's text.

Each need is allowed by the resolved policies, and each grant of such a role has a need: nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.iam.actions import of_lambda, place_of
from tests.iam.calls.place import Need, Place
from tests.iam.cloudformation import application
from tests.iam.deployment import Deployment
from tests.iam.documented import LOG_DELIVERY, state_machine
from tests.iam.evaluator import Decision, Request, Statement, decide, statements
from tests.iam.policies import Access
from tests.iam.usage import Rights

pytestmark = pytest.mark.thorough

ACCOUNT, OTHER = "111122223333", "444455556666"
EXISTING = {
    "NetworkMode": "existing",
    "VpcId": "vpc-0a",
    "SubnetIds": "subnet-0a,subnet-0b",
    "SecurityGroupIds": "sg-0a",
}
OPTIONS: dict[str, dict[str, str]] = {
    "plain": {},
    "network": {"NetworkMode": "create", "NetworkZones": "6", "FunctionsInVpc": "true"},
    "existing": EXISTING,
    "existing-functions": EXISTING | {"FunctionsInVpc": "true"},
    "api-account": {"ApiAccessLogs": "set-account-role"},
}
_MADE: dict[str, Access] = {}


def access(option: str) -> Access:
    """The application with the parameters of ``OPTIONS``, resolved once."""
    if option not in _MADE:
        _MADE[option] = Access(application(Deployment("rft", parameters=OPTIONS[option])))
    return _MADE[option]


@pytest.fixture(params=OPTIONS)
def stack(request: pytest.FixtureRequest) -> Access:
    return access(request.param)


@pytest.fixture
def place(stack: Access) -> Place:
    return place_of(stack)


def granted_and_needed(stack: Access, role: str, needs: list[Need]) -> None:
    """Every need is allowed, and every grant of the role has one."""
    rights = Rights(stack)
    findings = rights.judge(role, ((need, "a documented need") for need in needs))
    assert [str(one) for one in findings.denied] == []
    assert [str(grant) for _, grant in rights.grants[role] if grant not in findings.used] == []


def allows(policy: tuple[Statement, ...], need: Need, principal: str) -> bool:
    return decide(policy, Request(need.action, need.resource, principal, need.context)) is Decision.ALLOW


# -- Step Functions ---------------------------------------------------------------------------------------------------


def test_the_machine_may_do_what_its_states_do_and_nothing_else(stack: Access) -> None:
    granted_and_needed(stack, "StateMachineRole", list(state_machine(stack)))


def test_what_a_machine_needs_is_read_off_its_definition(stack: Access, place: Place) -> None:
    """The reading itself: a machine that did nothing would need nothing."""
    needs = {(need.action, need.resource) for need in state_machine(stack)}
    invoked = {resource.rpartition(":")[2] for action, resource in needs if action == "lambda:InvokeFunction"}
    assert {"rft-submit-job", "rft-await-job", "rft-convert-logs", "rft-compare-models", "rft-notify"} <= invoked
    reads = {resource for action, resource in needs if action == "s3:GetObject"}
    assert reads == {
        "arn:aws:s3:::rft-databucket/runs/a-run/dataset/logs/manifest.json",
        "arn:aws:s3:::rft-databucket/runs/a-run/comparison/manifest.json",
    }
    assert ("kms:Decrypt", place.encrypted_with["arn:aws:s3:::rft-databucket"]) in needs
    assert {f"logs:{action}" for action in LOG_DELIVERY} <= {action for action, _ in needs}


# -- what Lambda does for a function ----------------------------------------------------------------------------------


def test_lambda_may_log_trace_and_put_away_dead_letters_for_every_function(stack: Access, place: Place) -> None:
    rights = Rights(stack)
    denied = [
        str(told)
        for role, need in of_lambda(stack, place)
        for told in rights.judge(role, [(need, "what Lambda does")]).denied
    ]
    assert denied == []


def test_what_functions_have_in_common_is_what_lambda_does(stack: Access, place: Place) -> None:
    """Of a role that no function has yet: a grader's that a user adds."""
    log = place.arn("logs", "log-group:/aws/lambda/rft-own-graders:log-stream:a")
    needs = [Need("logs:CreateLogStream", log), Need("logs:PutLogEvents", log)]
    common = ("xray:", "ec2:")
    (any_function,) = [one for one in stack.functions.values() if one.logical == "GenericGrader"]
    needs += [n for role, n in of_lambda(stack, place) if role == any_function.role and n.action.startswith(common)]
    granted_and_needed(stack, "OwnGradersRole", needs)


def test_a_function_itself_may_not_touch_the_network_that_lambda_puts_it_in() -> None:
    stack = access("network")
    interface = place_of(stack).arn("ec2", "network-interface/eni-1")
    for function in stack.functions.values():
        role = stack.roles[function.role]
        by_code = {"lambda:SourceFunctionArn": place_of(stack).arn("lambda", f"function:{function.name}")}
        by_lambda = Request("ec2:CreateNetworkInterface", interface, role.arn)
        assert decide(role.identity, by_lambda) is Decision.ALLOW
        assert decide(role.identity, replace(by_lambda, context=by_code)) is Decision.DENY


# -- EventBridge ------------------------------------------------------------------------------------------------------


def permission(stack: Access, properties: dict[str, Any]) -> tuple[Statement, ...]:
    """A Lambda permission as the statement that it puts into the function's policy."""
    conditions = {"ArnLike": {"aws:SourceArn": properties["SourceArn"]}} if "SourceArn" in properties else {}
    if "SourceAccount" in properties:
        conditions["StringEquals"] = {"aws:SourceAccount": properties["SourceAccount"]}
    name = properties["FunctionName"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": properties["Principal"]},
        "Action": properties["Action"],
        "Resource": name if name.startswith("arn:") else place_of(stack).arn("lambda", f"function:{name}"),
        "Condition": conditions,
    }
    return statements({"Statement": statement})


def permissions(stack: Access) -> dict[str, tuple[Statement, ...]]:
    return {name: permission(stack, one) for name, one in stack.stack.of_type("AWS::Lambda::Permission")}


def invocations(stack: Access) -> Iterator[tuple[str, Need]]:
    """Every way in which a service calls a function of the stack: the service, and what it asks for."""
    for name, rule in stack.stack.of_type("AWS::Events::Rule"):
        source = {"aws:SourceArn": place_of(stack).arn("events", f"rule/{stack.stack.physical(name)}")}
        for target in rule["Targets"]:
            yield "events.amazonaws.com", Need("lambda:InvokeFunction", target["Arn"], source)
    for name, api in stack.stack.of_type("AWS::ApiGateway::RestApi"):
        for path, methods in api["Body"]["paths"].items():
            for method, operation in methods.items():
                integration = operation.get("x-amazon-apigateway-integration", {})
                if integration.get("type") != "aws_proxy":
                    continue
                function = integration["uri"].partition("/functions/")[2].removesuffix("/invocations")
                route = f"{stack.stack.physical(name)}/v1/{method.upper()}{path.replace('{', '').replace('}', '')}"
                arn = place_of(stack).arn("execute-api", route)
                yield "apigateway.amazonaws.com", Need("lambda:InvokeFunction", function, {"aws:SourceArn": arn})


def test_functions_are_called_by_these_rules_and_this_api_and_by_nobody_else(stack: Access) -> None:
    known, ways = permissions(stack), list(invocations(stack))
    assert len(ways) > 15
    needed = set()
    for service, need in ways:
        by = {name for name, policy in known.items() if allows(policy, need, service)}
        assert by, f"nothing lets {service} call {need}"
        needed |= by
        source = str(need.context["aws:SourceArn"])
        parts = source.split(":")
        foreign = ":".join([*parts[:4], OTHER, *parts[5:]])
        another = source.replace("rule/rft-", "rule/others-") if "rule/" in source else source.replace("/v1/", "x/v1/")
        for other in (foreign, another):
            asked = replace(need, context={"aws:SourceArn": other})
            assert not any(allows(policy, asked, service) for policy in known.values()), other
        assert not any(allows(policy, replace(need, context={}), service) for policy in known.values())
    assert set(known) == needed


def test_an_event_that_cannot_be_delivered_goes_to_the_queue_and_into_no_other(stack: Access, place: Place) -> None:
    rules = dict(stack.stack.of_type("AWS::Events::Rule"))
    for name, rule in rules.items():
        for target in rule["Targets"]:
            queue = target["DeadLetterConfig"]["Arn"]
            source = {"aws:SourceArn": place.arn("events", f"rule/{stack.stack.physical(name)}")}
            sent = Need("sqs:SendMessage", queue, {**source, "aws:SecureTransport": "true"})
            policy = stack.resource_policies[queue]
            assert allows(policy, sent, "events.amazonaws.com")
            others = {**sent.context, "aws:SourceArn": place.arn("events", "rule/others-rule")}
            assert not allows(policy, replace(sent, context=others), "events.amazonaws.com")
            assert not allows(policy, sent, "sns.amazonaws.com")
            assert not allows(policy, replace(sent, action="sqs:ReceiveMessage"), "events.amazonaws.com")
            key = stack.keys[stack.encrypted_with[queue]]
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                use = Need(action, stack.encrypted_with[queue], {"kms:EncryptionContext:aws:sqs:arn": queue})
                assert allows(key, use, "events.amazonaws.com"), action
                elsewhere = {"kms:EncryptionContext:aws:sqs:arn": place.arn("sqs", "others")}
                assert not allows(key, replace(use, context=elsewhere), "events.amazonaws.com")
                assert not allows(key, replace(use, context={}), "events.amazonaws.com")
    assert len(rules) >= 4


# -- CloudWatch, S3 ---------------------------------------------------------------------------------------------------


def test_every_log_group_is_encrypted_and_its_key_lets_logs_use_it(stack: Access, place: Place) -> None:
    service = f"logs.{place.region}.amazonaws.com"
    groups = [(one, name, p) for one in stack.all for name, p in one.of_type("AWS::Logs::LogGroup")]
    assert len(groups) > 20
    for of, name, properties in groups:
        arn = of.resolve({"Fn::GetAtt": [name, "Arn"]}).removesuffix(":*")
        key = properties["KmsKeyId"]
        for action in ("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey"):
            use = Need(f"kms:{action}", key, {"kms:EncryptionContext:aws:logs:arn": arn})
            assert allows(stack.keys[key], use, service), f"{name}: {action}"
            foreign = {"kms:EncryptionContext:aws:logs:arn": arn.replace(ACCOUNT, OTHER)}
            others = {"kms:EncryptionContext:aws:logs:arn": arn.replace("rft-", "others-")}
            for context in (foreign, others, {}):
                assert not allows(stack.keys[key], replace(use, context=context), service)


def test_alarms_reach_the_encrypted_topic_and_those_of_others_do_not(stack: Access, place: Place) -> None:
    told = 0
    for of in stack.all:
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            for name, alarm in of.of_type(kind):
                arn = place.arn("cloudwatch", f"alarm:{of.physical(name)}")
                for topic in alarm.get("AlarmActions", []):
                    told += 1
                    _reaches(stack, place, topic, arn)
    assert told > 3


def _reaches(stack: Access, place: Place, topic: str, alarm: str) -> None:
    service, policy = "cloudwatch.amazonaws.com", stack.resource_policies[topic]
    context = {"aws:SourceArn": alarm, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    publish = Need("sns:Publish", topic, context)
    assert allows(policy, publish, service), alarm
    for changed in ({"aws:SourceArn": place.arn("cloudwatch", "alarm:others")}, {"aws:SourceAccount": OTHER}):
        assert not allows(policy, replace(publish, context={**context, **changed}), service)
    key = stack.encrypted_with[topic]
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        use = Need(action, key, {"kms:EncryptionContext:aws:sns:topicArn": topic})
        assert allows(stack.keys[key], use, service)
        others = {"kms:EncryptionContext:aws:sns:topicArn": place.arn("sns", "others")}
        assert not allows(stack.keys[key], replace(use, context=others), service)


def test_access_logs_of_the_data_bucket_are_delivered_and_those_of_no_other(stack: Access, place: Place) -> None:
    (bucket,) = [one for name, one in stack.stack.of_type("AWS::S3::Bucket") if name == "DataBucket"]
    target = f"arn:aws:s3:::{bucket['LoggingConfiguration']['DestinationBucketName']}"
    source = {"aws:SourceArn": f"arn:aws:s3:::{stack.stack.physical('DataBucket')}", "aws:SourceAccount": ACCOUNT}
    key = f"{target}/{bucket['LoggingConfiguration']['LogFilePrefix']}2026-01-31-00-00-00-ABC"
    put = Need("s3:PutObject", key, {**source, "aws:SecureTransport": "true"})
    policy, service = stack.resource_policies[target], "logging.s3.amazonaws.com"
    assert allows(policy, put, service)
    others = {**put.context, "aws:SourceArn": "arn:aws:s3:::others"}
    assert not allows(policy, replace(put, context=others), service)
    assert not allows(policy, replace(put, resource=f"{target}/elsewhere"), service)
    assert target not in stack.encrypted_with, "S3 delivers access logs to no bucket with a customer-managed key"


# -- who takes on which role ------------------------------------------------------------------------------------------


def test_every_role_is_for_one_service_and_for_this_account(stack: Access, place: Place) -> None:
    """A service that can be asked by anybody has to say for whom it asks."""
    machine = place.arn("states", "stateMachine:rft-run")
    sources = {
        "StateMachineRole": ("states.amazonaws.com", [machine, f"{machine}/ConvertLogs"]),
        "BedrockRole": ("bedrock.amazonaws.com", [place.arn("bedrock", "model-customization-job/abc")]),
        "FlowLogRole": ("vpc-flow-logs.amazonaws.com", [place.arn("ec2", "vpc-flow-log/fl-1")]),
    }
    services = {"lambda.amazonaws.com", "apigateway.amazonaws.com", *(service for service, _ in sources.values())}
    plain = {function.role: "lambda.amazonaws.com" for function in stack.functions.values()}
    plain |= {"OwnGradersRole": "lambda.amazonaws.com", "ApiAccountRole": "apigateway.amazonaws.com"}
    for name, role in stack.roles.items():
        asked = Need("sts:AssumeRole", role.arn)
        service, arns = sources.get(name, (plain.get(name, ""), []))
        assert service, f"{name}: no test says who takes it on"
        assert {("Service", service)} == {one for statement in role.trust for one in statement.principals or ()}
        for arn in arns:
            ours = replace(asked, context={"aws:SourceAccount": ACCOUNT, "aws:SourceArn": arn})
            assert allows(role.trust, ours, service), f"{name} for {arn}"
            foreign = arn.replace(ACCOUNT, OTHER)
            for context in ({"aws:SourceAccount": OTHER, "aws:SourceArn": foreign}, {"aws:SourceAccount": ACCOUNT}, {}):
                assert not allows(role.trust, replace(asked, context=context), service), name
        assert bool(arns) != allows(role.trust, asked, service)
        for other in services - {service}:
            assert not allows(role.trust, asked, other)
        assert not allows(role.trust, asked, f"arn:aws:iam::{OTHER}:role/any")
        assert role.arn.startswith(f"arn:aws:iam::{ACCOUNT}:role/rft/")


# -- logs that other services write -----------------------------------------------------------------------------------


def test_flow_logs_write_what_was_turned_away_and_nothing_else() -> None:
    stack = access("network")
    group = "log-group:/aws/vpc/rft-rejected"
    place = place_of(stack)
    needs = [Need("logs:DescribeLogGroups", place.arn("logs", "log-group:"))]
    needs += [Need("logs:DescribeLogStreams", place.arn("logs", f"{group}:log-stream:"))]
    needs += [
        Need(f"logs:{act}", place.arn("logs", f"{group}:log-stream:a")) for act in ("CreateLogStream", "PutLogEvents")
    ]
    granted_and_needed(stack, "FlowLogRole", needs)


def test_api_gateway_may_write_logs_of_apis_in_this_account() -> None:
    """The account's, not the stack's: API Gateway has one role for all of its APIs."""
    stack = access("api-account")
    place = place_of(stack)
    documented = ["CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams"]
    documented += ["PutLogEvents", "GetLogEvents", "FilterLogEvents"]
    log = place.arn("logs", "log-group:/aws/apigateway/rft-api:log-stream:a")
    granted_and_needed(stack, "ApiAccountRole", [Need(f"logs:{action}", log) for action in documented])
