"""CloudFormation's intrinsics, each against what AWS's documentation says of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.cloudformation import Stack, Unresolved
from tests.iam.deployment import Deployment

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Mode": {"Type": "String", "Default": "none"},
        "Zones": {"Type": "Number", "Default": 3},
        "Arns": {"Type": "CommaDelimitedList", "Default": ""},
        "Given": {"Type": "String"},
    },
    "Mappings": {"Sizes": {"small": {"memory": 512}}},
    "Conditions": {
        "IsOn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mode"}, "none"]}]},
        "IsBig": {"Fn::And": [{"Condition": "IsOn"}, {"Fn::Equals": [{"Ref": "Zones"}, 6]}]},
        "IsEither": {"Fn::Or": [{"Condition": "IsBig"}, {"Fn::Contains": [{"Ref": "Arns"}, "a"]}]},
    },
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Queue": {"Type": "AWS::SQS::Queue", "Condition": "IsOn"},
        "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/x/${AWS::StackName}"}}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Path": {"Fn::Sub": "/${AWS::StackName}/"}}},
        "Thing": {"Type": "AWS::New::Thing"},
        "GraderVersion0123456789": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": "g"}},
    },
}


def stack(recorded: dict[str, str] | None = None, **parameters: str) -> Stack:
    return Stack(TEMPLATE, Deployment("rft", parameters=parameters, resources=recorded))


def resolved(value: Any, **parameters: str) -> Any:
    return stack(None, **parameters).resolve(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Zones"}, "3"),
        ({"Ref": "Arns"}, [""]),
        ({"Ref": "Bucket"}, "rft-bucket"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::rft-bucket"),
        ({"Fn::GetAtt": "Log.Arn"}, "arn:aws:logs:us-east-1:111122223333:log-group:/x/rft:*"),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::111122223333:role/rft/rft-Role"),
        ({"Fn::Sub": "${Bucket}/${!x}/${Bucket.Arn}"}, "rft-bucket/${x}/arn:aws:s3:::rft-bucket"),
        ({"Fn::Sub": ["${A}-${Zones}", {"A": {"Ref": "Bucket"}}]}, "rft-bucket-3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Zones"}]]}, "a-3"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::FindInMap": ["Sizes", "small", "memory"]}, 512),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 13]}, ["10.0.0.0/19", "10.0.32.0/19"]),
        ({"Fn::If": ["IsOn", "yes", "no"]}, "no"),
        ([1, {"Fn::If": ["IsOn", 2, {"Ref": "AWS::NoValue"}]}, 3], [1, 3]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": True}, {"b": True}),
    ],
)
def test_intrinsics(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("IsOn", {}, False),
        ("IsOn", {"Mode": "create"}, True),
        ("IsBig", {"Mode": "create"}, False),
        ("IsBig", {"Mode": "create", "Zones": "6"}, True),
        ("IsEither", {"Arns": "b,a"}, True),
        ("IsEither", {"Arns": "b"}, False),
    ],
)
def test_conditions(name: str, parameters: dict[str, str], expected: bool) -> None:
    assert stack(None, **parameters).condition(name) is expected


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"Fn::ImportValue": "x"},
        {"Ref": "Nothing"},
        {"Ref": "Given"},
        {"Ref": "Queue"},
        {"Ref": "AWS::NotificationARNs"},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::Sub": {}},
        {"Fn::Join": ["", [{"a": 1}]]},
    ],
)
def test_what_is_not_understood_is_an_error(value: Any) -> None:
    with pytest.raises((Unresolved, ValueError)):
        resolved(value)


def test_an_attribute_that_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"Arn of AWS::New::Thing"):
        resolved({"Fn::GetAtt": ["Thing", "Arn"]})


def test_a_parameter_that_no_template_has_is_an_error() -> None:
    with pytest.raises(Unresolved, match="Other"):
        stack(None, Other="1")


def test_what_was_deployed_has_the_ids_that_were_recorded() -> None:
    version = "arn:aws:lambda:us-east-1:111122223333:function:g:7"
    found = stack({"Bucket": "rft-databucket-1abc", "GraderVersionfedcba9876": version})
    assert found.resolve({"Fn::Sub": "${Bucket.Arn}/*"}) == "arn:aws:s3:::rft-databucket-1abc/*"
    assert found.resolve({"Ref": "GraderVersion0123456789"}) == version, "SAM names it by a hash of each build"
    with pytest.raises(Unresolved, match="no resource Role"):
        found.resolve({"Ref": "Role"})
