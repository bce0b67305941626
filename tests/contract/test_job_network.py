"""A job's key and its VPC are looked at: the key when the job is created, the network with the job's role."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.bedrock.authorization.checking import Credentials, Need, Refusal
from local.bedrock.training import network
from local.bedrock.training.access import Role
from local.bedrock.training.failure import JobFailed
from tests.contract.standin import ROLE, Bedrock, FakeAws, job_request, records, refused, running

KEY_ID = "00000000-0000-4000-8000-000000000001"
KEY = f"arn:aws:kms:us-east-1:000000000000:key/{KEY_ID}"
JOB = "arn:aws:bedrock:us-east-1:000000000000:model-customization-job/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"
VPC = {
    "subnetIds": ["subnet-0000000000000000a", "subnet-0000000000000000b"],
    "securityGroupIds": ["sg-0000000000000000a"],
}
EC2 = "arn:aws:ec2:us-east-1:000000000000:"


@pytest.fixture
def bedrock_with_calls(tmp_path: Path, fake_aws: tuple[FakeAws, str]) -> Any:
    with running(tmp_path / "state", *fake_aws, record_calls=tmp_path) as started:
        yield started, tmp_path / "bedrock-role.jsonl"


def test_a_job_and_its_model_show_the_key_and_the_network(bedrock: Bedrock) -> None:
    job = bedrock.ended(bedrock.job("private", customModelKmsKeyId=KEY_ID, vpcConfig=VPC))
    assert job["status"] == "Completed", job
    assert job["outputModelKmsKeyArn"] == KEY
    assert job["vpcConfig"] == VPC
    assert bedrock.control.get_custom_model(modelIdentifier="private")["modelKmsKeyArn"] == KEY


def test_without_them_neither_is_shown(trained: Bedrock) -> None:
    job = trained.control.get_model_customization_job(jobIdentifier="first")
    assert "outputModelKmsKeyArn" not in job and "vpcConfig" not in job


def test_a_key_that_does_not_exist_is_refused_and_leaves_no_job(bedrock: Bedrock) -> None:
    bedrock.aws.absent.add(KEY_ID)
    create = bedrock.control.create_model_customization_job
    code, status, message = refused(create, **job_request("no-key", customModelKmsKeyId=KEY))
    assert (code, status) == ("ValidationException", 400) and KEY in message
    assert bedrock.control.list_model_customization_jobs()["modelCustomizationJobSummaries"] == []


@pytest.mark.parametrize("absent", [VPC["subnetIds"][1], VPC["securityGroupIds"][0]])
def test_a_subnet_or_a_group_that_does_not_exist_fails_the_job(bedrock: Bedrock, absent: str) -> None:
    bedrock.aws.absent.add(absent)
    job = bedrock.ended(bedrock.job("no-network", vpcConfig=VPC))
    assert job["status"] == "Failed" and absent in job["failureMessage"]


def test_all_of_it_must_be_in_one_vpc(fake_aws: tuple[FakeAws, str]) -> None:
    fake_aws[0].vpcs[VPC["securityGroupIds"][0]] = "vpc-2"
    with pytest.raises(JobFailed, match="in one VPC"):
        network.enter(_role(fake_aws, Allowing()), VPC, job_arn=JOB)


@pytest.mark.parametrize(
    "action",
    [
        "DescribeSubnets",
        "DescribeSecurityGroups",
        "DescribeVpcs",
        "DescribeDhcpOptions",
        "DescribeNetworkInterfaces",
    ],
)
def test_it_is_the_jobs_role_that_looks(fake_aws: tuple[FakeAws, str], action: str) -> None:
    fake_aws[0].denied.add(("rft-job", f"ec2:{action}"))
    with pytest.raises(JobFailed, match=f"{ROLE} is not authorized to perform ec2:{action}"):
        network.enter(_role(fake_aws, Allowing()), VPC, job_arn=JOB)


@dataclass
class Allowing:
    """All but ``missing``; keeps what was asked."""

    missing: str = ""
    asked: list[Need] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)

    def refusal(self, credentials: Credentials, needs: Sequence[Need]) -> Refusal | None:
        self.asked += needs
        self.credentials.add(credentials.access_key)
        return next((Refusal("somebody", need) for need in needs if need.action == self.missing), None)


def _role(fake_aws: tuple[FakeAws, str], policy: Allowing) -> Role:
    return Role(ROLE, job_id="abc", region="us-east-1", endpoint=fake_aws[1], authorizer=policy, emulator_key="key")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "ROOT")


def test_the_rights_on_interfaces_are_those_of_the_user_guide(fake_aws: tuple[FakeAws, str]) -> None:
    policy = Allowing()
    network.enter(_role(fake_aws, policy), VPC, job_arn=JOB)
    assert policy.credentials == {"rft-job"}
    interface = f"{EC2}network-interface/*"
    places = [f"{EC2}subnet/{one}" for one in VPC["subnetIds"]] + [f"{EC2}security-group/{VPC['securityGroupIds'][0]}"]
    made = [need.resource for need in policy.asked if need.action == "ec2:CreateNetworkInterface"]
    assert made == [interface, *places]
    tagged = next(need.context for need in policy.asked if need.action == "ec2:CreateTags")
    assert tagged["ec2:CreateAction"] == "CreateNetworkInterface"
    assert tagged["aws:RequestTag/BedrockModelCustomizationJobArn"] == JOB
    removed = [need for need in policy.asked if need.action == "ec2:DeleteNetworkInterface"]
    assert [need.context["ec2:Subnet"] for need in removed] == places[:2]
    assert {need.context["ec2:ResourceTag/BedrockManaged"] for need in removed} == {"true"}


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateNetworkInterface",
        "ec2:CreateTags",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
    ],
)
def test_a_role_without_one_of_them_fails(fake_aws: tuple[FakeAws, str], action: str) -> None:
    with pytest.raises(JobFailed, match=f"not authorized to perform: {action} on resource"):
        network.enter(_role(fake_aws, Allowing(missing=action)), VPC, job_arn=JOB)


def test_only_then_do_the_roles_calls_come_from_the_vpc(fake_aws: tuple[FakeAws, str]) -> None:
    role, seen = _role(fake_aws, Allowing()), []
    s3 = role.client("s3")
    s3.meta.events.register("before-send", lambda request, **_: seen.append(dict(request.headers.items())))
    fake_aws[0].objects["data/k"] = b"x"
    s3.get_object(Bucket="data", Key="k")
    network.enter(role, VPC, job_arn=JOB)
    s3.get_object(Bucket="data", Key="k")
    assert [headers.get("x-local-source-vpc") for headers in seen] == [None, "vpc-1"]
    assert [headers.get("x-local-key") for headers in seen] == [None, "key"]


def test_what_the_role_does_is_recorded(bedrock_with_calls: tuple[Bedrock, Path]) -> None:
    bedrock, path = bedrock_with_calls
    assert bedrock.ended(bedrock.job("told", vpcConfig=VPC, customModelKmsKeyId=KEY))["status"] == "Completed"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {(line["function"], line["role"]) for line in lines} == {("role:rft-job", ROLE)}
    calls = {(line["service"], line["operation"]) for line in lines}
    assert {("s3", "GetObject"), ("s3", "PutObject"), ("lambda", "Invoke"), ("ec2", "DescribeVpcs")} <= calls
    assert {("bedrock-service", "kms:CreateGrant"), ("bedrock-service", "ec2:CreateTags")} <= calls
    reads = [line["parameters"] for line in lines if line["operation"] == "GetObject"]
    assert reads == [{"Bucket": "data", "Key": "train.jsonl"}]
    text = path.read_text()
    assert not any(record["messages"][1]["content"] in text for record in records())
