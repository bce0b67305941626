"""The emulator as we host it: what its private parts must still be, and who may ask it who may do what.

The first place to look at after another version of the emulator was pinned.
"""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import processes
from local.bedrock.authorization.by_emulator import ByEmulator
from local.bedrock.authorization.checking import Credentials, Need
from local.bedrock.protocol.errors import ServiceError
from local.cloud import CREDENTIALS, start_emulator

pytestmark = pytest.mark.thorough

ACCOUNT = "000000000000"
ROOT_MAY = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
TRUST = {"Version": "2012-10-17", "Statement": [ROOT_MAY]}
MODEL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/m/abcdefghijkl"
INVOKE = "bedrock:InvokeModel"


def allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


@dataclass
class Emulator:
    endpoint: str
    pid: int
    key_file: Path

    @property
    def key(self) -> str:
        return self.key_file.read_text()

    def client(self, service: str, keys: dict[str, str] | None = None) -> Any:
        make: Any = boto3.client
        return make(service, endpoint_url=self.endpoint, region_name="us-east-1", **(keys or CREDENTIALS))

    def assume(self, arn: str) -> dict[str, str]:
        given = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def role(self, name: str, *, managed: dict[str, Any] | None = None, **properties: Any) -> dict[str, str]:
        """The keys of a session of a role that CloudFormation made, as the application's are."""
        role: dict[str, Any] = {"RoleName": name, "Path": "/rft/", "AssumeRolePolicyDocument": TRUST} | properties
        resources: dict[str, Any] = {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}
        if managed:
            resources["Managed"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": managed}}
            role["ManagedPolicyArns"] = [{"Ref": "Managed"}]
        stacks = self.client("cloudformation")
        template = json.dumps({"Resources": resources, "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}})
        stacks.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        stacks.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
        stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
        arn = stack["Outputs"][0]["OutputValue"]
        assert arn == f"arn:aws:iam::{ACCOUNT}:role/rft/{name}"
        return self.assume(arn)

    def ask(self, route: str, document: Any, key: str | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"x-local-key": self.key if key is None else key, "content-type": "application/json"}
        request = urllib.request.Request(f"{self.endpoint}/_local/{route}", json.dumps(document).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def may(self, keys: dict[str, str], action: str, resource: str = MODEL, **context: Any) -> bool:
        document = {"access_key": keys["aws_access_key_id"], "session_token": keys.get("aws_session_token")}
        check = {"action": action, "resource": resource, "context": context.pop("context", {})}
        status, answer = self.ask("authorize", document | {"checks": [check]})
        assert status == 200, answer
        return answer["refused"] is None


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    root = tmp_path_factory.mktemp("emulator")
    for name in ("logs", "tmp", "state"):
        (root / name).mkdir()
    endpoint = f"http://127.0.0.1:{processes.free_port()}"
    pid = start_emulator(root, endpoint, endpoint)
    try:
        yield Emulator(endpoint, pid, root / "state" / "stand-in.key")
    finally:
        processes.stop([pid])


def test_the_key_is_in_its_owners_file_and_in_no_environment_that_functions_inherit(emulator: Emulator) -> None:
    assert len(emulator.key) >= 32
    assert emulator.key_file.stat().st_mode & 0o777 == 0o600
    assert emulator.key.encode() not in Path(f"/proc/{emulator.pid}/environ").read_bytes()


@pytest.mark.parametrize("key", ["", "guessed"])
def test_who_does_not_know_the_key_finds_nothing(emulator: Emulator, key: str) -> None:
    for route in ("caller", "authorize", "other"):
        assert emulator.ask(route, {"access_key": "test", "checks": []}, key)[0] == 404


def test_the_stand_in_refuses_where_it_is_not_answered(emulator: Emulator) -> None:
    """A wrong key, nobody there, and a key of nobody's: in no case is the caller let through."""
    need = [Need(INVOKE, MODEL)]
    assert ByEmulator(emulator.endpoint, emulator.key).refusal(Credentials("test"), need) is None
    for endpoint, key in ((emulator.endpoint, "wrong"), ("http://127.0.0.1:9", emulator.key)):
        with pytest.raises(ServiceError) as raised:
            ByEmulator(endpoint, key).refusal(Credentials("test"), need)
        assert (raised.value.code, raised.value.status) == ("InternalServerException", 500)
    with pytest.raises(ServiceError) as raised:
        ByEmulator(emulator.endpoint, emulator.key).refusal(Credentials("AKIAUNKNOWN"), need)
    assert (raised.value.code, raised.value.status) == ("UnrecognizedClientException", 403)


def test_a_refusal_is_worded_as_awss(emulator: Emulator) -> None:
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": INVOKE, "Resource": "*"}]}
    keys = emulator.role("denied", Policies=[{"PolicyName": "p", "PolicyDocument": deny}])
    caller = Credentials(keys["aws_access_key_id"], keys["aws_session_token"])
    by_emulator = ByEmulator(emulator.endpoint, emulator.key)
    user = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/denied/session is not authorized to perform:"
    get = "bedrock:GetCustomModel"
    assert str(by_emulator.refusal(caller, [Need(INVOKE, MODEL)])) == (
        f"{user} {INVOKE} on resource: {MODEL} with an explicit deny in an identity-based policy"
    )
    assert str(by_emulator.refusal(caller, [Need(get, MODEL)])) == (
        f"{user} {get} on resource: {MODEL} because no identity-based policy allows the {get} action"
    )


@pytest.mark.parametrize("document", [{}, [], {"access_key": "test"}, "x", {"access_key": "test", "checks": [{}]}])
def test_what_is_no_question_is_a_bad_request(emulator: Emulator, document: Any) -> None:
    assert emulator.ask("authorize", document)[0] == 400


def test_a_caller_is_who_the_keys_belong_to(emulator: Emulator) -> None:
    keys = emulator.role("known")
    question = {"access_key": keys["aws_access_key_id"], "session_token": keys["aws_session_token"]}
    expected = {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/known/session", "account": ACCOUNT, "role": "known"}
    assert emulator.ask("caller", question) == (200, expected)
    assert emulator.ask("caller", {"access_key": "test"})[1]["arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    assert emulator.ask("caller", question | {"session_token": "another"})[0] == 403
    assert emulator.ask("caller", {"access_key": "AKIAUNKNOWN"})[1]["code"] == "UnrecognizedClientException"


def test_policies_in_the_role_and_attached_to_it_both_count(emulator: Emulator) -> None:
    inline = [{"PolicyName": "p", "PolicyDocument": allow("bedrock:GetCustomModel", f"{MODEL[:-12]}*")}]
    keys = emulator.role("policies", managed=allow("bedrock:DeleteCustomModel"), Policies=inline)
    assert emulator.may(keys, "bedrock:GetCustomModel")
    assert emulator.may(keys, "bedrock:DeleteCustomModel")
    assert not emulator.may(keys, "bedrock:GetCustomModel", MODEL.replace("/m/", "/other/"))
    assert not emulator.may(keys, INVOKE)
    assert emulator.may(CREDENTIALS, INVOKE)


def test_a_boundary_that_cloudformation_sets_bounds(emulator: Emulator) -> None:
    boundary = emulator.client("iam").create_policy(
        PolicyName="boundary", PolicyDocument=json.dumps(allow("bedrock:Get*"))
    )
    everything = [{"PolicyName": "p", "PolicyDocument": allow("bedrock:*")}]
    keys = emulator.role("bounded", Policies=everything, PermissionsBoundary=boundary["Policy"]["Arn"])
    assert emulator.may(keys, "bedrock:GetCustomModel")
    assert not emulator.may(keys, "bedrock:DeleteCustomModel")


def test_a_nested_stack_retains_what_it_is_told_to(emulator: Emulator) -> None:
    """And nothing else; the tags by which ``rft destroy`` knows a key that is left are there."""
    s3, stacks, kms = emulator.client("s3"), emulator.client("cloudformation"), emulator.client("kms")
    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}}
    inner = {"DataKey": key | {"DeletionPolicy": "Retain"}, "OtherKey": key}
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="keys.json", Body=json.dumps({"Resources": inner}))
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": f"{emulator.endpoint}/templates/keys.json"},
    }
    stacks.create_stack(StackName="outer", TemplateBody=json.dumps({"Resources": {"Keys": nested}}))
    often = {"Delay": 0.05, "MaxAttempts": 200}
    stacks.get_waiter("stack_create_complete").wait(StackName="outer", WaiterConfig=often)
    keys = [k["KeyId"] for k in kms.list_keys()["Keys"]]
    tags = {k: {t["TagKey"]: t["TagValue"] for t in kms.list_resource_tags(KeyId=k)["Tags"]} for k in keys}
    made = {tags[k]["aws:cloudformation:logical-id"]: k for k in keys if "aws:cloudformation:logical-id" in tags[k]}
    assert tags[made["DataKey"]]["aws:cloudformation:stack-name"].startswith("outer-Keys-")
    stacks.delete_stack(StackName="outer")
    stacks.get_waiter("stack_delete_complete").wait(StackName="outer", WaiterConfig=often)
    states = {name: kms.describe_key(KeyId=k)["KeyMetadata"]["KeyState"] for name, k in made.items()}
    assert states == {"DataKey": "Enabled", "OtherKey": "PendingDeletion"}


def test_conditions_on_tags_and_on_the_service_see_what_the_stand_in_tells(emulator: Emulator) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/rft:stack": "rft", "iam:PassedToService": "bedrock.amazonaws.com"}}
    keys = emulator.role("tagged", Policies=[{"PolicyName": "p", "PolicyDocument": allow(INVOKE, "*", **condition)}])
    told = {"aws:ResourceTag/rft:stack": "rft", "iam:PassedToService": "bedrock.amazonaws.com"}
    assert emulator.may(keys, INVOKE, context=told)
    assert not emulator.may(keys, INVOKE, context=told | {"aws:ResourceTag/rft:stack": "other"})
    assert not emulator.may(keys, INVOKE, context={"iam:PassedToService": "bedrock.amazonaws.com"})
    every = {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}
    keys = emulator.role("keys", Policies=[{"PolicyName": "p", "PolicyDocument": allow(INVOKE, "*", **every)}])
    assert emulator.may(keys, INVOKE, context={"aws:TagKeys": ["a"]})
    assert not emulator.may(keys, INVOKE, context={"aws:TagKeys": ["a", "c"]})


def test_a_key_policy_must_allow_too_and_sees_the_service_that_asks(emulator: Emulator) -> None:
    via = {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}}
    policy = allow("kms:DescribeKey", "*", **via)
    policy["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    key = emulator.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    keys = emulator.role("user-of-key", Policies=[{"PolicyName": "p", "PolicyDocument": allow("kms:*")}])
    told = {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}
    assert emulator.may(keys, "kms:DescribeKey", key, context=told)
    assert not emulator.may(keys, "kms:DescribeKey", key)
    assert not emulator.may(keys, "kms:Decrypt", key, context=told)


def _reads(emulator: Emulator, keys: dict[str, str], headers: dict[str, str]) -> bool:
    s3 = emulator.client("s3", keys)
    s3.meta.events.register("before-send.s3", lambda request, **_: request.headers.update(headers))
    try:
        body: io.BytesIO = s3.get_object(Bucket="behind-vpc", Key="k")["Body"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False
    return body.read() == b"x"


def test_a_bucket_may_refuse_a_role_that_does_not_come_from_the_vpc(emulator: Emulator) -> None:
    """As the data bucket does with Bedrock's role: by the role's ARN, path included, and by aws:SourceVpc."""
    reading = [{"PolicyName": "p", "PolicyDocument": allow("s3:GetObject", "arn:aws:s3:::behind-vpc/*")}]
    trains, other = emulator.role("trains", Policies=reading), emulator.role("other", Policies=reading)
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::behind-vpc/*",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/rft/trains"},
            "StringNotEquals": {"aws:SourceVpc": "vpc-1"},
        },
    }
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="behind-vpc")
    s3.put_object(Bucket="behind-vpc", Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket="behind-vpc", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    known = {"x-local-key": emulator.key}
    assert _reads(emulator, other, {})
    assert not _reads(emulator, trains, {})
    assert not _reads(emulator, trains, known | {"x-local-source-vpc": "vpc-2"})
    assert _reads(emulator, trains, known | {"x-local-source-vpc": "vpc-1"})
    assert not _reads(emulator, trains, {"x-local-source-vpc": "vpc-1"}), "who doesn't know the key comes from nowhere"
