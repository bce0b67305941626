"""The network of jobs: nothing leads out of it, and what is in it reaches what it needs."""

from __future__ import annotations

import re
import typing
from functools import cache
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from rft.aws import clients
from tests.iam.cloudformation import Stack, application
from tests.iam.deployment import Deployment
from tests.iam.evaluator import Decision, Request, decide, statements
from tests.template.translation import ROOT

pytestmark = pytest.mark.thorough

ACCOUNT = "111122223333"
LOGS = "rft-invocation-logs"
EXISTING = {
    "NetworkMode": "existing",
    "VpcId": "vpc-0a",
    "SubnetIds": "subnet-0a,subnet-0b",
    "SecurityGroupIds": "sg-0a",
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/rft/rft-CompareModelsRole-1"


@cache
def stack(zones: int = 3, functions: bool = True) -> Stack:
    parameters = {"NetworkMode": "create", "NetworkZones": str(zones), "InvocationLogBucket": LOGS}
    parameters["FunctionsInVpc"] = "true" if functions else "false"
    return application(Deployment("rft", account=ACCOUNT, parameters=parameters))


def endpoints(of: Stack) -> dict[str, dict[str, Any]]:
    """All endpoints by the name of their service."""
    made = [nested for name, nested in of.every_nested() if name in ("Network", "FunctionEndpoints")]
    found = [properties for nested in made for _, properties in nested.of_type("AWS::EC2::VPCEndpoint")]
    return {endpoint["ServiceName"].removeprefix("com.amazonaws.us-east-1."): endpoint for endpoint in found}


def lets(service: str, action: str, resource: str, principal: str = ROLE, **context: str) -> bool:
    about = {"aws:PrincipalArn": principal, "aws:ResourceAccount": ACCOUNT, **context}
    policy = statements(endpoints(stack())[service]["PolicyDocument"])
    return decide(policy, Request(action, resource, principal, about)) is Decision.ALLOW


def test_nothing_leads_to_the_internet() -> None:
    network = stack().nested("Network")
    kinds = {resource["Type"] for resource in network.template["Resources"].values()}
    assert not [kind for kind in kinds if "Gateway" in kind or kind == "AWS::EC2::Route"]
    for name, subnet in network.of_type("AWS::EC2::Subnet"):
        assert subnet["MapPublicIpOnLaunch"] is False, name
    (vpc,) = [properties for _, properties in network.of_type("AWS::EC2::VPC")]
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (True, True), "names of endpoints stay inside"


@pytest.mark.parametrize("zones", [2, 3, 6])
def test_each_zone_has_a_subnet_with_addresses_of_its_own(zones: int) -> None:
    network = stack(zones).nested("Network")
    subnets = [properties for _, properties in network.of_type("AWS::EC2::Subnet")]
    assert len(subnets) == zones == len(list(network.of_type("AWS::EC2::SubnetRouteTableAssociation")))
    assert len({str(subnet["AvailabilityZone"]) for subnet in subnets}) == zones
    assert len({subnet["CidrBlock"] for subnet in subnets}) == zones
    assert len(network.output("SubnetIds").split(",")) == zones == len(network.output("SubnetArns").split(","))
    for service, endpoint in endpoints(stack(zones)).items():
        if endpoint["VpcEndpointType"] == "Interface":
            assert len(endpoint["SubnetIds"]) == zones, service


def test_zones_that_are_named_are_taken_in_their_order() -> None:
    """Not every zone has every endpoint, and a region may have fewer zones than were asked for by number."""
    parameters = {"NetworkMode": "create", "NetworkZones": "2", "ZoneNames": "us-west-2d,us-west-2b"}
    network = application(Deployment("rft", account=ACCOUNT, parameters=parameters)).nested("Network")
    zones = {name: properties["AvailabilityZone"] for name, properties in network.of_type("AWS::EC2::Subnet")}
    assert zones == {"Subnet1": "us-west-2d", "Subnet2": "us-west-2b"}


def test_a_group_calls_the_endpoints_and_the_lists_of_gateways_and_is_called_by_nobody() -> None:
    network = stack().nested("Network")
    groups = dict(network.of_type("AWS::EC2::SecurityGroup"))
    for name in ("JobSecurityGroup", "FunctionSecurityGroup"):
        assert "SecurityGroupIngress" not in groups[name]
        rules = groups[name]["SecurityGroupEgress"]
        assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in rules} == {("tcp", 443, 443)}
        assert not [rule for rule in rules if "CidrIp" in rule]
    assert len(groups["JobSecurityGroup"]["SecurityGroupEgress"]) == 2
    (inbound,) = groups["EndpointSecurityGroup"]["SecurityGroupIngress"]
    assert (inbound["CidrIp"], inbound["FromPort"], inbound["ToPort"]) == ("10.90.0.0/16", 443, 443)
    (outbound,) = groups["EndpointSecurityGroup"]["SecurityGroupEgress"]
    assert outbound["CidrIp"] == "127.0.0.1/32", "a group without a rule may call everybody"


def test_a_job_reaches_bucket_key_and_graders_and_nothing_more_is_paid_for() -> None:
    assert set(endpoints(stack(functions=False))) == {"s3", "kms", "lambda"}


def test_functions_reach_every_service_that_they_call() -> None:
    """By the clients that the code makes, and Bedrock's runtime, which has one of its own."""
    overloads = typing.get_overloads(clients.client)
    called = {re.findall(r"['\"](.+)['\"]", overload.__annotations__["service"])[0] for overload in overloads}
    endpoint = {"stepfunctions": "states", "cloudwatch": "monitoring"}
    needed = {endpoint.get(service, service) for service in called} | {"bedrock-runtime"}
    assert set(endpoints(stack())) == needed | {"kms"}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::{bucket}/runs/r/dataset/train.jsonl", True),
        ("s3:PutObject", "arn:aws:s3:::{bucket}/runs/r/output/x", True),
        ("s3:ListBucket", "arn:aws:s3:::{bucket}", True),
        ("s3:GetObject", f"arn:aws:s3:::{LOGS}/AWSLogs/x", True),
        ("s3:ListBucket", f"arn:aws:s3:::{LOGS}", True),
        ("s3:PutObject", f"arn:aws:s3:::{LOGS}/AWSLogs/x", False),
        ("s3:PutObject", "arn:aws:s3:::somebody-elses/x", False),
        ("s3:GetObject", "arn:aws:s3:::somebody-elses/x", False),
        ("s3:DeleteObject", "arn:aws:s3:::{bucket}/runs/r/output/x", False),
        ("s3:PutBucketPolicy", "arn:aws:s3:::{bucket}", False),
    ],
)
def test_the_bucket_is_read_and_written_and_no_other_is(action: str, resource: str, allowed: bool) -> None:
    bucket = stack().resolve({"Ref": "DataBucket"})
    assert lets("s3", action, resource.format(bucket=bucket)) is allowed


def test_a_bucket_of_our_name_in_another_account_is_not_ours() -> None:
    bucket = stack().resolve({"Ref": "DataBucket"})
    context = {"aws:ResourceAccount": "444455556666"}
    assert not lets("s3", "s3:PutObject", f"arn:aws:s3:::{bucket}/runs/r/output/x", **context)


def test_of_keys_and_functions_only_ours_are_reached() -> None:
    key = stack().nested("Keys").output("DataKeyArn")
    for action in ("Decrypt", "GenerateDataKey", "DescribeKey", "CreateGrant"):
        assert lets("kms", f"kms:{action}", key)
    assert not lets("kms", "kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/another")
    assert not lets("kms", "kms:ScheduleKeyDeletion", key)
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
    assert lets("lambda", "lambda:InvokeFunction", f"{function}rft-grader-generic:1")
    assert not lets("lambda", "lambda:InvokeFunction", f"{function}another:1")
    assert not lets("lambda", "lambda:UpdateFunctionCode", f"{function}rft-grader-generic")


@pytest.mark.parametrize(
    ("service", "action", "resource"),
    [
        ("dynamodb", "dynamodb:UpdateItem", "{RunTable}"),
        ("bedrock", "bedrock:CreateModelCustomizationJob", "arn:aws:bedrock:us-east-1::foundation-model/m"),
        ("bedrock-runtime", "bedrock:InvokeModel", "arn:aws:bedrock:us-west-2::foundation-model/m"),
        ("states", "states:SendTaskSuccess", "*"),
        ("sns", "sns:Publish", "{Topic}"),
        ("events", "events:PutEvents", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"),
        ("monitoring", "cloudwatch:GetMetricData", "*"),
        ("ssm", "ssm:PutParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/rft/models/m/live"),
    ],
)
def test_what_functions_use_is_open_to_roles_of_the_stack_only(service: str, action: str, resource: str) -> None:
    table = stack().resolve({"Fn::GetAtt": ["RunTable", "Arn"]})
    arn = resource.format(RunTable=table, Topic=stack().resolve({"Ref": "Topic"}))
    assert lets(service, action, arn)
    assert not lets(service, action, arn, principal=f"arn:aws:iam::{ACCOUNT}:role/somebody")
    assert not lets(service, action, arn, principal=ROLE.replace(ACCOUNT, "444455556666"))


def test_a_network_that_exists_is_used_as_it_is() -> None:
    of = application(Deployment("rft", account=ACCOUNT, parameters=EXISTING))
    network = of.nested("Network")
    made = [name for name in network.template["Resources"] if network.exists(name)]
    assert made == ["Nothing"]
    variables = of.properties("SubmitJob")["Environment"]["Variables"]
    assert variables["JOB_SUBNET_IDS"] == EXISTING["SubnetIds"]
    assert variables["JOB_SECURITY_GROUP_IDS"] == EXISTING["SecurityGroupIds"]
    arn = f"arn:aws:ec2:us-east-1:{ACCOUNT}:"
    assert set(network.output("SubnetArns").split(",")) == {f"{arn}subnet/subnet-0a", f"{arn}subnet/subnet-0b"}
    assert set(network.output("SecurityGroupArns").split(",")) == {f"{arn}security-group/sg-0a"}


def test_the_most_subnets_and_groups_that_may_be_named_all_count() -> None:
    subnets, groups = [f"subnet-0{n}" for n in range(6)], [f"sg-0{n}" for n in range(5)]
    named = EXISTING | {"SubnetIds": ",".join(subnets), "SecurityGroupIds": ",".join(groups)}
    network = application(Deployment("rft", account=ACCOUNT, parameters=named)).nested("Network")
    assert [arn.rpartition("/")[2] for arn in network.output("SubnetArns").split(",")] == subnets
    assert [arn.rpartition("/")[2] for arn in network.output("SecurityGroupArns").split(",")] == groups


@pytest.mark.parametrize("functions", [False, True])
def test_without_a_network_there_is_nothing_of_one(functions: bool) -> None:
    of = application(Deployment("rft", account=ACCOUNT, parameters={}))
    assert {name for name, _ in of.every_nested()} == {"Keys", "ObservabilityStack"}
    assert "VpcConfig" not in of.properties("SubmitJob")
    if functions:
        inside = stack().properties("GenericGrader")["VpcConfig"]
        assert len(inside["SubnetIds"]) == 3
        assert inside["SecurityGroupIds"] == [stack().nested("Network").output("FunctionSecurityGroupIds")]


def test_what_the_root_hands_on_is_what_the_nested_stacks_ask_for(source: dict[str, Any]) -> None:
    for name, resource in source["Resources"].items():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            nested = yaml_parse((ROOT / resource["Properties"]["TemplateURL"]).read_text())
            assert set(resource["Properties"]["Parameters"]) == set(nested["Parameters"]), name


def test_a_half_named_network_is_refused(source: dict[str, Any]) -> None:
    """By rules, before anything is made. What they compare is held here; CloudFormation evaluates them."""
    rules = source["Rules"]
    whole = rules["ExistingNetworkIsWhole"]
    assert whole["RuleCondition"] == {"Fn::Equals": [{"Ref": "NetworkMode"}, "existing"]}
    required = [one["Assert"]["Fn::Not"][0]["Fn::Equals"] for one in whole["Assertions"]]
    assert required == [[{"Ref": name}, ""] for name in ("VpcId", "SubnetIds", "SecurityGroupIds")]
    inside = rules["FunctionsNeedANetworkToBeIn"]
    assert inside["RuleCondition"] == {"Fn::Equals": [{"Ref": "FunctionsInVpc"}, "true"]}
    (one,) = inside["Assertions"]
    assert one["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "NetworkMode"}, "none"]}]}


def test_private_inference_leads_to_the_models_of_one_stack() -> None:
    template = yaml_parse((ROOT / "stacks" / "private_inference.yaml").read_text())
    given = {
        "RftStack": "rft",
        "VpcId": "vpc-0c",
        "SubnetIds": "subnet-0c",
        "ClientSecurityGroupId": "sg-0c",
    }
    client = Stack(template, Deployment("clients", account=ACCOUNT, parameters=given))
    policy = statements(client.properties("Endpoint")["PolicyDocument"])
    app = f"arn:aws:iam::{ACCOUNT}:role/app"

    def asks(resource: str, tag: str | None, principal: str = app) -> bool:
        context = {"aws:PrincipalArn": principal, "aws:PrincipalAccount": principal.split(":")[4]}
        context |= {"aws:ResourceTag/rft:stack": tag} if tag else {}
        request = Request("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1:{resource}", principal, context)
        return decide(policy, request) is Decision.ALLOW

    for kind in ("custom-model-deployment", "provisioned-model"):
        assert asks(f"{ACCOUNT}:{kind}/d", "rft")
        assert not asks(f"{ACCOUNT}:{kind}/d", "another")
        assert not asks(f"{ACCOUNT}:{kind}/d", None)
        assert not asks(f"{ACCOUNT}:{kind}/d", "rft", principal="arn:aws:iam::444455556666:role/app")
    assert not asks(":foundation-model/amazon.nova-2-lite-v1:0", None)
    (inbound,) = client.properties("EndpointSecurityGroup")["SecurityGroupIngress"]
    assert inbound["SourceSecurityGroupId"] == "sg-0c"
