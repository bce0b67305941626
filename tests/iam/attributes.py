"""What Ref and GetAtt give for a resource, by its type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.iam.deployment import Deployment

Properties = Callable[[], Mapping[str, Any]]
"""A resource's resolved properties, worked out when they are asked for."""

_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::ApiGateway::Stage": "StageName",
}
_PREFIXES = {
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::VPCEndpoint": "vpce",
}


def imagined_id(kind: str, logical: str, properties: Properties, of: Deployment) -> str:
    """A physical id of the shape that the type has."""
    if kind in _PREFIXES:
        return f"{_PREFIXES[kind]}-{logical.lower()}"
    if kind == "AWS::Lambda::Version":
        return f"{_regional('lambda', of)}:function:{properties()['FunctionName']}:1"
    if kind == "AWS::Lambda::Alias":
        alias = properties()
        return f"{_regional('lambda', of)}:function:{alias['FunctionName']}:{alias['Name']}"
    name = str(properties().get(_NAMES[kind], f"{of.stack}-{logical}")) if kind in _NAMES else f"{of.stack}-{logical}"
    if kind == "AWS::S3::Bucket":
        return name.lower()
    if kind == "AWS::SNS::Topic":
        return f"{_regional('sns', of)}:{name}"
    if kind == "AWS::StepFunctions::StateMachine":
        return f"{_regional('states', of)}:stateMachine:{name}"
    if kind == "AWS::SQS::Queue":
        return f"https://sqs.{of.region}.{of.url_suffix}/{of.account}/{name}"
    if kind == "AWS::IAM::ManagedPolicy":
        return f"arn:{of.partition}:iam::{of.account}:policy{properties().get('Path', '/')}{name}"
    if kind == "AWS::CloudFormation::Stack":
        return f"{_regional('cloudformation', of)}:stack/{name}/0"
    return name


def attribute(kind: str, name: str, physical: str, properties: Properties, of: Deployment) -> str:
    """``Fn::GetAtt``: fails for an attribute that isn't in the table."""
    found = _ATTRIBUTES.get((kind, name))
    if found is None:
        raise LookupError(f"the attribute {name} of {kind} is not known here")
    return found(physical, properties, of)


def _regional(service: str, of: Deployment) -> str:
    return f"arn:{of.partition}:{service}:{of.region}:{of.account}"


def _role_arn(physical: str, properties: Properties, of: Deployment) -> str:
    return f"arn:{of.partition}:iam::{of.account}:role{properties().get('Path', '/')}{physical}"


def _version_number(physical: str, _: Properties, __: Deployment) -> str:
    return physical.rpartition(":")[2]


def _itself(physical: str, _: Properties, __: Deployment) -> str:
    return physical


def _queue_arn(physical: str, _: Properties, of: Deployment) -> str:
    return f"{_regional('sqs', of)}:{physical.rpartition('/')[2]}"


_ATTRIBUTES: dict[tuple[str, str], Callable[[str, Properties, Deployment], str]] = {
    ("AWS::S3::Bucket", "Arn"): lambda name, _, of: f"arn:{of.partition}:s3:::{name}",
    ("AWS::DynamoDB::Table", "Arn"): lambda name, _, of: f"{_regional('dynamodb', of)}:table/{name}",
    ("AWS::SQS::Queue", "Arn"): _queue_arn,
    ("AWS::SQS::Queue", "QueueName"): lambda url, _, __: url.rpartition("/")[2],
    ("AWS::SQS::Queue", "QueueUrl"): _itself,
    ("AWS::SNS::Topic", "TopicArn"): _itself,
    ("AWS::SNS::Topic", "TopicName"): lambda arn, _, __: arn.rpartition(":")[2],
    ("AWS::Lambda::Function", "Arn"): lambda name, _, of: f"{_regional('lambda', of)}:function:{name}",
    ("AWS::Lambda::Version", "Version"): _version_number,
    ("AWS::IAM::Role", "Arn"): _role_arn,
    ("AWS::IAM::Role", "RoleId"): lambda name, _, __: f"AROA{re.sub('[^A-Z0-9]', '', name.upper())[:16]}",
    # With the colon and the star: that is the form in which actions on its streams are allowed.
    ("AWS::Logs::LogGroup", "Arn"): lambda name, _, of: f"{_regional('logs', of)}:log-group:{name}:*",
    ("AWS::KMS::Key", "Arn"): lambda key, _, of: f"{_regional('kms', of)}:key/{key}",
    ("AWS::KMS::Key", "KeyId"): _itself,
    ("AWS::StepFunctions::StateMachine", "Arn"): _itself,
    ("AWS::StepFunctions::StateMachine", "Name"): lambda arn, _, __: arn.rpartition(":")[2],
    ("AWS::Events::Rule", "Arn"): lambda name, _, of: f"{_regional('events', of)}:rule/{name}",
    ("AWS::CloudWatch::Alarm", "Arn"): lambda name, _, of: f"{_regional('cloudwatch', of)}:alarm:{name}",
    ("AWS::CloudWatch::CompositeAlarm", "Arn"): lambda name, _, of: f"{_regional('cloudwatch', of)}:alarm:{name}",
    ("AWS::EC2::VPC", "VpcId"): _itself,
    ("AWS::EC2::VPC", "CidrBlock"): lambda _, properties, __: str(properties()["CidrBlock"]),
    ("AWS::EC2::SecurityGroup", "GroupId"): _itself,
    ("AWS::EC2::Subnet", "SubnetId"): _itself,
    ("AWS::ApiGateway::RestApi", "RootResourceId"): lambda api, _, __: f"{api}-root",
}
