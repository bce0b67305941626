"""The role of training jobs: what AWS documents that a job needs, under the documented conditions, and nothing more.

With no network, with the stack's own and with the user's; with and without the account's invocation logs and their key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.iam.actions import place_of
from tests.iam.calls.place import Need, Place
from tests.iam.cloudformation import application
from tests.iam.deployment import Deployment
from tests.iam.documented import network, training_job
from tests.iam.evaluator import Decision, Request, decide, permitted
from tests.iam.policies import Access
from tests.iam.usage import Rights
from tests.iam.whereabouts import everywhere

pytestmark = pytest.mark.thorough

ACCOUNT = "111122223333"
LOG_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/of-logs"
OWN_GRADER = "arn:aws:lambda:us-east-1:111122223333:function:mine:3"
EXISTING = {
    "NetworkMode": "existing",
    "VpcId": "vpc-0a",
    "SubnetIds": "subnet-0a,subnet-0b",
    "SecurityGroupIds": "sg-0a",
}
LOGS = {"InvocationLogBucket": "account-logs", "InvocationLogKeyArn": LOG_KEY, "GraderArns": OWN_GRADER}
OPTIONS: dict[str, dict[str, str]] = {
    "none": {},
    "create": {"NetworkMode": "create", "NetworkZones": "3", **LOGS},
    "two-zones": {"NetworkMode": "create", "NetworkZones": "2"},
    "existing": EXISTING | LOGS,
}


@dataclass
class Job:
    """A deployed stack as its training jobs see it."""

    option: str

    def __post_init__(self) -> None:
        self.access = Access(application(Deployment("rft", parameters=OPTIONS[self.option])))
        self.place = place_of(self.access)
        self.role = self.access.roles["BedrockRole"]
        (submits,) = [one for one in self.access.functions.values() if one.logical == "SubmitJob"]
        self.subnets = [one for one in submits.environment["JOB_SUBNET_IDS"].split(",") if one]
        self.groups = [one for one in submits.environment["JOB_SECURITY_GROUP_IDS"].split(",") if one]
        self.graders = [
            self.access.stack.physical(name)
            for name, resource in self.access.stack.template["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Version" and "Grader" in name
        ]
        self.graders += [one for one in OPTIONS[self.option].get("GraderArns", "").split(",") if one]
        # One that a user adds to the stack.
        self.graders.append(self.place.arn("lambda", "function:rft-own-grader-mine:1"))

    def needs(self) -> list[Need]:
        vpc = {"aws:SourceVpc": self.vpc} if self.subnets else {}
        needs = training_job(self.access, self.graders, self.subnets, self.groups)
        return [everywhere(replace(need, context={**need.context, **vpc}), self.place) for need in needs]

    @property
    def vpc(self) -> str:
        return str(self.access.stack.nested("Network").output("VpcId"))

    def decide(self, need: Need) -> Decision:
        return decide(self.role.identity, Request(need.action, need.resource, self.role.arn, need.context))

    def on_bucket(self, need: Need) -> Decision:
        """With the word of the bucket's own policy."""
        request = Request(
            need.action, need.resource, self.role.arn, {**need.context, "aws:PrincipalArn": self.role.arn}
        )
        bucket = need.resource.partition("/")[0]
        return permitted(request, self.role.identity, resource=self.access.resource_policies.get(bucket))


@pytest.fixture(scope="module", params=OPTIONS)
def job(request: pytest.FixtureRequest) -> Job:
    return Job(request.param)


@pytest.fixture(scope="module", params=["create", "two-zones", "existing"])
def networked(request: pytest.FixtureRequest) -> Job:
    return Job(request.param)


def test_a_job_may_do_what_is_documented(job: Job) -> None:
    assert len(job.graders) >= 9
    assert len(job.subnets) == {"none": 0, "create": 3, "two-zones": 2, "existing": 2}[job.option]
    findings = Rights(job.access).judge("BedrockRole", ((need, "a job's documented need") for need in job.needs()))
    assert [str(one) for one in findings.denied] == []


def test_a_job_may_do_nothing_else(job: Job) -> None:
    rights = Rights(job.access)
    findings = rights.judge("BedrockRole", ((need, "a job's documented need") for need in job.needs()))
    unneeded = {grant for _, grant in rights.grants["BedrockRole"] if grant not in findings.used}
    # AWS's own example names a grader's function beside its versions; the next test keeps it to those of the list.
    bare = {grant for grant in unneeded if grant.action == "lambda:InvokeFunction" and grant.resource.count(":") == 6}
    assert sorted(map(str, unneeded - bare)) == []
    assert {grant.resource + ":1" for grant in bare} <= set(job.graders)


@pytest.mark.parametrize("name", ["BedrockRole", "CheckGraderRole", "CompareModelsRole"])
def test_who_trains_tries_or_compares_calls_the_same_graders_and_no_other_function(job: Job, name: str) -> None:
    def decide_for(need: Need) -> Decision:
        role = job.access.roles[name]
        return decide(role.identity, Request(need.action, need.resource, role.arn, need.context))

    for function in job.access.functions.values():
        arn = job.place.arn("lambda", f"function:{function.name}:1")
        expected = Decision.ALLOW if arn in job.graders else Decision.NOTHING
        assert decide_for(Need("lambda:InvokeFunction", arn)) is expected, arn
    for other in (
        "function:others",
        "function:others:1",
        "function:rft-grader-genericx:1",
        "function:xrft-own-grader-a:1",
    ):
        assert decide_for(Need("lambda:InvokeFunction", job.place.arn("lambda", other))) is Decision.NOTHING
    elsewhere = job.graders[0].replace("us-east-1", "eu-west-1")
    assert decide_for(Need("lambda:InvokeFunction", elsewhere)) is Decision.NOTHING
    foreign = job.graders[0].replace(ACCOUNT, "444455556666")
    assert decide_for(Need("lambda:InvokeFunction", foreign)) is Decision.NOTHING


def objects(place: Place) -> Iterator[tuple[str, str]]:
    """What a job has no business with."""
    yield "s3:GetObject", "runs/a/report.html"
    yield "s3:GetObject", "runs/a/comparison.jsonl"
    yield "s3:GetObject", "runs/a/job-request.json"
    yield "s3:PutObject", "runs/a/dataset/train.jsonl"
    yield "s3:PutObject", "inbox/a.jsonl"
    yield "s3:DeleteObject", "runs/a/output/a"
    yield "s3:GetObjectVersion", "runs/a/dataset/train.jsonl"


def test_a_job_reads_datasets_and_writes_output_and_no_other_object(job: Job) -> None:
    bucket = f"arn:aws:s3:::{job.access.stack.physical('DataBucket')}"
    for action, key in objects(job.place):
        need = everywhere(Need(action, f"{bucket}/{key}", {"aws:ResourceAccount": ACCOUNT}), job.place)
        assert job.decide(need) is Decision.NOTHING, f"{action} {key}"
    reads = Need("s3:GetObject", f"{bucket}/runs/a/dataset/train.jsonl", {"aws:ResourceAccount": ACCOUNT})
    assert job.decide(reads) is Decision.ALLOW
    # A bucket's name can be taken over by others once it is free.
    assert job.decide(replace(reads, context={"aws:ResourceAccount": "444455556666"})) is Decision.NOTHING
    for prefix in ("", "models/", "inbo"):
        listed = Need("s3:ListBucket", bucket, {"aws:ResourceAccount": ACCOUNT, "s3:prefix": prefix})
        assert job.decide(listed) is Decision.NOTHING, prefix
    assert job.decide(Need("s3:ListBucket", bucket, {"aws:ResourceAccount": ACCOUNT})) is Decision.NOTHING


def test_the_account_s_logs_are_read_where_they_were_named_and_never_written(job: Job) -> None:
    log = Need("s3:GetObject", "arn:aws:s3:::account-logs/AWSLogs/a.json.gz", {"aws:ResourceAccount": ACCOUNT})
    named = "InvocationLogBucket" in OPTIONS[job.option]
    assert job.decide(log) is (Decision.ALLOW if named else Decision.NOTHING)
    assert job.decide(replace(log, context={"aws:ResourceAccount": "444455556666"})) is Decision.NOTHING
    assert job.decide(replace(log, action="s3:PutObject")) is Decision.NOTHING
    via = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert job.decide(Need("kms:Decrypt", LOG_KEY, via)) is (Decision.ALLOW if named else Decision.NOTHING)
    assert job.decide(Need("kms:GenerateDataKey", LOG_KEY, via)) is Decision.NOTHING
    assert job.decide(Need("kms:Decrypt", LOG_KEY)) is Decision.NOTHING


def test_the_key_is_used_by_s3_and_bedrock_only_and_so_says_the_key(job: Job) -> None:
    key = job.place.model_key
    policy = job.access.keys[key]
    for service, actions in {
        "s3": {"kms:Decrypt", "kms:GenerateDataKey"},
        "bedrock": {"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"},
        "dynamodb": set(),
        "sns": set(),
        "": set(),
    }.items():
        via = {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"} if service else {}
        context = {**via, "kms:CallerAccount": ACCOUNT, "aws:PrincipalArn": job.role.arn}
        for action in ("Decrypt", "GenerateDataKey", "DescribeKey", "CreateGrant", "Encrypt", "ScheduleKeyDeletion"):
            request = Request(f"kms:{action}", key, job.role.arn, context)
            said = permitted(request, job.role.identity, resource=policy, needs_resource=True)
            assert (said is Decision.ALLOW) == (request.action in actions), f"{action} via {service or 'nothing'}"
    # The key knows the stack's roles by their path. A customer's role of the same name elsewhere is another.
    other = f"arn:aws:iam::{ACCOUNT}:role/others/BedrockRole"
    context = {"kms:ViaService": "bedrock.us-east-1.amazonaws.com", "aws:PrincipalArn": other}
    assert decide(policy, Request("kms:CreateGrant", key, other, context)) is Decision.NOTHING
    own = {**context, "aws:PrincipalArn": job.role.arn, "kms:GrantIsForAWSResource": "true"}
    assert decide(policy, Request("kms:CreateGrant", key, job.role.arn, own)) is Decision.ALLOW


# -- the network ------------------------------------------------------------------------------------------------------


def test_without_a_network_a_job_has_no_right_to_one() -> None:
    job = Job("none")
    assert not [one for statement in job.role.identity for one in statement.actions if one.startswith("ec2:")]


def test_interfaces_are_made_with_bedrock_s_tags_in_the_job_s_subnets_only(networked: Job) -> None:
    job = networked
    arn = job.place.arn("bedrock", "model-customization-job/abc")
    made = [
        need for need in network(job.place, arn, job.subnets, job.groups) if need.action.endswith("NetworkInterface")
    ]
    assert all(job.decide(need) is Decision.ALLOW for need in made)
    (interface,) = [need for need in made if "aws:TagKeys" in need.context]
    for changed in (
        {"aws:RequestTag/BedrockManaged": "false"},
        {"aws:RequestTag/BedrockModelCustomizationJobArn": job.place.arn("bedrock", "custom-model/abc")},
        {"aws:RequestTag/BedrockModelCustomizationJobArn": arn.replace(ACCOUNT, "444455556666")},
    ):
        assert job.decide(replace(interface, context={**interface.context, **changed})) is Decision.NOTHING, changed
    for missing in ("aws:RequestTag/BedrockManaged", "aws:RequestTag/BedrockModelCustomizationJobArn"):
        without = {name: value for name, value in interface.context.items() if name != missing}
        assert job.decide(replace(interface, context=without)) is Decision.NOTHING, missing
    for other in ("subnet/subnet-others", "security-group/sg-others"):
        assert job.decide(Need("ec2:CreateNetworkInterface", job.place.arn("ec2", other))) is Decision.NOTHING


def test_interfaces_are_removed_where_they_are_bedrock_s_and_of_the_job_s_subnets(networked: Job) -> None:
    job = networked
    arn = job.place.arn("bedrock", "model-customization-job/abc")
    removed = [need for need in network(job.place, arn, job.subnets, job.groups) if "ec2:Subnet" in need.context]
    assert len(removed) == 3 * len(job.subnets)
    for need in removed:
        assert job.decide(need) is Decision.ALLOW
        for changed in (
            {"ec2:Subnet": job.place.arn("ec2", "subnet/subnet-others")},
            {"ec2:ResourceTag/BedrockManaged": "false"},
            {"ec2:ResourceTag/BedrockModelCustomizationJobArn": job.place.arn("bedrock", "custom-model/abc")},
        ):
            assert job.decide(replace(need, context={**need.context, **changed})) is Decision.NOTHING, changed
        assert job.decide(replace(need, context={})) is Decision.NOTHING


def test_tags_are_put_on_interfaces_that_are_just_made_and_no_others(networked: Job) -> None:
    job = networked
    arn = job.place.arn("bedrock", "model-customization-job/abc")
    (tag,) = [one for one in network(job.place, arn, job.subnets, job.groups) if one.action == "ec2:CreateTags"]
    assert job.decide(tag) is Decision.ALLOW
    for changed in ({"ec2:CreateAction": "RunInstances"}, {"aws:TagKeys": ("BedrockManaged", "Owner")}):
        assert job.decide(replace(tag, context={**tag.context, **changed})) is Decision.NOTHING
    keys = {"aws:TagKeys": tag.context["aws:TagKeys"]}
    assert job.decide(replace(tag, context=keys)) is Decision.NOTHING
    instance = job.place.arn("ec2", "instance/i-1")
    assert job.decide(replace(tag, resource=instance)) is Decision.NOTHING


def test_the_bucket_is_for_jobs_from_their_vpc_and_for_others_from_anywhere(networked: Job) -> None:
    job = networked
    reads = [need for need in job.needs() if need.action == "s3:GetObject" and "/runs/" in need.resource]
    assert reads
    for need in reads:
        assert job.on_bucket(need) is Decision.ALLOW
        assert job.on_bucket(replace(need, context={**need.context, "aws:SourceVpc": "vpc-others"})) is Decision.DENY
        outside = {name: value for name, value in need.context.items() if name != "aws:SourceVpc"}
        assert job.on_bucket(replace(need, context=outside)) is Decision.DENY
        policy = job.access.resource_policies[need.resource.partition("/")[0]]
        submitter = job.access.roles["SubmitJobRole"].arn
        by_another = Request(need.action, need.resource, submitter, {**outside, "aws:PrincipalArn": submitter})
        assert decide(policy, by_another) is not Decision.DENY
