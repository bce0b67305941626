"""Leaving, on the local cloud: one model by the API, a whole stack by ``rft destroy``; every service is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.main import app
from local.cloud import ACCOUNT, CREDENTIALS, REGION, Cloud, CloudInfo
from rft.run.identity import live_parameter
from tests.local.data import ANY_GAIN, SHORT, colours
from tests.local.pipeline import Pipeline, until
from tests.template.sample_policies import filled_in

LEAVING = "leaving"
Rft = Callable[..., Any]


@pytest.fixture
def rft(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Rft:
    """The command, as on the machine of this cloud; its one JSON document."""
    monkeypatch.setenv("RFT_LOCAL_DIR", str(cloud.root))

    def run(*arguments: str, exit_code: int = 0) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == exit_code, (result.output, result.exception)
        return json.loads(result.stdout)

    return run


def of_model(pipeline: Pipeline, model: str) -> list[str]:
    """What Bedrock and SSM have of a model."""
    bedrock = pipeline.bedrock
    tag = {"key": "rft:model", "value": model}
    arns = [m["modelArn"] for m in bedrock.list_custom_models(maxResults=1000)["modelSummaries"]]
    deployed = bedrock.list_custom_model_deployments(maxResults=1000)["modelDeploymentSummaries"]
    arns += [d["customModelDeploymentArn"] for d in deployed]
    units = bedrock.list_provisioned_model_throughputs(maxResults=1000)["provisionedModelSummaries"]
    arns += [t["provisionedModelArn"] for t in units]
    found = [arn for arn in arns if tag in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]]
    name = live_parameter(pipeline.cloud.info.stack, model)
    return found + [p["Name"] for p in pipeline.cloud.client("ssm").get_parameters(Names=[name])["Parameters"]]


def test_one_model_leaves_and_the_others_stay(pipeline: Pipeline, start: Callable[..., str], rft: Rft) -> None:
    gone = start("leaver", colours(900))
    units = start("units", colours(1100), deploy="provisioned")
    halted = start("halted", colours(1300), hyperparameters=SHORT | {"epoch_count": 20})
    busy = rft("destroy", "--model", "halted", "--yes", exit_code=1)["error"]
    assert (busy["status"], halted in busy["message"]) == (409, True)
    pipeline.reached(halted, "training")
    rft("stop", halted)
    assert pipeline.ended(halted)["status"] == "stopped"
    for run in (gone, units):
        assert pipeline.ended(run)["status"] == "promoted"
    for model, count in (("leaver", 3), ("halted", 0)):
        assert len(of_model(pipeline, model)) == count
        deletion = rft("destroy", "--model", model, "--yes")
        assert (len(deletion["removed"]), deletion["left"]) == (count, [])
        assert of_model(pipeline, model) == []
    assert len(of_model(pipeline, "units")) == 3, "nothing of it was touched"
    assert rft("destroy", "--model", "units", "--yes")["left"] == []
    assert of_model(pipeline, "units") == []
    told = rft("models", "leaver")
    assert (told["live"], [version["run_id"] for version in told["versions"]]) == (None, [gone])
    assert told["deleted_at"] is not None
    assert pipeline.api.run(gone)["status"] == "promoted", "what happened stays on record"
    again = rft("destroy", "--model", "leaver", "--yes")
    assert (again["removed"], again["left"]) == ([], [])
    assert rft("destroy", "--model", "never", "--yes", exit_code=1)["error"]["status"] == 404


# -- a whole stack ------------------------------------------------------------------------------------------------


@pytest.fixture
def network(cloud: Cloud) -> Iterator[dict[str, str]]:
    """A VPC that was there before, as NetworkMode ``existing`` takes it."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="jobs", Description="jobs", VpcId=vpc)["GroupId"]
    yield {
        "NetworkMode": "existing",
        "VpcId": vpc,
        "SubnetIds": ",".join(subnets),
        "SecurityGroupIds": group,
    }
    ec2.delete_security_group(GroupId=group)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


@pytest.fixture
def boundary(cloud: Cloud) -> Iterator[dict[str, str]]:
    """The sample boundary of docs/policies, for the stack that leaves: so its run proves that the roles can live so."""
    iam = cloud.client("iam")
    values = {"ACCOUNT": ACCOUNT, "REGION": REGION, "STACK": LEAVING, "LOG_BUCKET": cloud.info.log_bucket}
    document = json.dumps(filled_in("boundary.json", values))
    arn = iam.create_policy(PolicyName="boundary-of-roles", PolicyDocument=document)["Policy"]["Arn"]
    yield {"PermissionsBoundaryArn": arn}
    iam.delete_policy(PolicyArn=arn)


DEPLOYING = ("deploy", "deploy-keys", "deploy-functions", "deploy-services")


@contextmanager
def user(
    cloud: Cloud, name: str, policies: Iterable[str], values: dict[str, str], besides: Iterable[str] = ()
) -> Iterator[dict[str, str]]:
    """The keys of a user who has sample policies of docs/policies for the stack that leaves, and no other right but to
    the actions ``besides``."""
    iam, arns = cloud.client("iam"), []
    values = {"ACCOUNT": ACCOUNT, "REGION": REGION, "STACK": LEAVING, "ARTIFACTS": "artifacts", **values}
    iam.create_user(UserName=name)
    for policy in policies:
        document = json.dumps(filled_in(f"{policy}.json", values))
        arns.append(iam.create_policy(PolicyName=f"{name}-{policy}", PolicyDocument=document)["Policy"]["Arn"])
        iam.attach_user_policy(UserName=name, PolicyArn=arns[-1])
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*"} for action in besides]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="besides", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        if statements:
            iam.delete_user_policy(UserName=name, PolicyName="besides")
        for arn in arns:
            iam.detach_user_policy(UserName=name, PolicyArn=arn)
            iam.delete_policy(PolicyArn=arn)
        iam.delete_user(UserName=name)


@contextmanager
def acting(keys: dict[str, str]) -> Iterator[None]:
    """All that this process asks of the cloud it asks as the user with those keys."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in keys.items():
            patch.setitem(CREDENTIALS, name, value)
        yield


def deploy_as(cloud: Cloud, keys: dict[str, str], parameters: dict[str, str]) -> CloudInfo:
    """The stack that leaves, deployed by somebody who is refused the other one's data and its removal."""
    with acting(keys):
        info = cloud.deploy(LEAVING, parameters)
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.client("s3").list_objects_v2(Bucket=cloud.info.bucket)
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.client("cloudformation").delete_stack(StackName=cloud.info.stack)
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.client("dynamodb").scan(TableName=f"{LEAVING}-RunTable")
    return info


NAMED_ON_AWS_ONLY = ("ssm:GetParameters", "ssm:GetParametersByPath")
"""Actions for which the emulator asks the right to everything, where AWS asks for it to the parameters that are named:
the sample policy has that, so it is given besides."""


def destroyed_as_who_may_just_that(cloud: Cloud, rft: Rft, data_key: str) -> Any:
    """What ``rft destroy --all`` tells a user with the sample policies for it; the other stack is refused to them."""
    outputs = cloud.client("cloudformation").describe_stacks(StackName=LEAVING)["Stacks"][0]["Outputs"]
    named = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    values = {"BOUNDARY": "boundary-of-roles", "API": named["ApiId"], "DATA_KEY": data_key}
    with user(cloud, "leaver", (*DEPLOYING, "leave", "leave-data"), values, NAMED_ON_AWS_ONLY) as keys, acting(keys):
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.client("cloudformation").delete_stack(StackName=cloud.info.stack)
        with pytest.raises(ClientError, match="AccessDenied"):
            cloud.client("s3").delete_object(Bucket=cloud.info.bucket, Key="inbox/none.jsonl")
        outcome = rft("destroy", "--stack", LEAVING, "--all", "--yes")
        assert rft("destroy", "--stack", LEAVING, "--all", "--yes")["removed"] == []
    return outcome


LISTS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "CloudFormation stacks": ("cloudformation", "describe_stacks", lambda a: [s["StackId"] for s in a["Stacks"]]),
    "functions": ("lambda", "list_functions", lambda a: [f["FunctionName"] for f in a["Functions"]]),
    "layers": ("lambda", "list_layers", lambda a: [f["LayerName"] for f in a["Layers"]]),
    "state machines": ("stepfunctions", "list_state_machines", lambda a: [m["name"] for m in a["stateMachines"]]),
    "tables": ("dynamodb", "list_tables", lambda a: a["TableNames"]),
    "buckets": ("s3", "list_buckets", lambda a: [b["Name"] for b in a["Buckets"]]),
    "topics": ("sns", "list_topics", lambda a: [t["TopicArn"] for t in a["Topics"]]),
    "queues": ("sqs", "list_queues", lambda a: a.get("QueueUrls", [])),
    "log groups": ("logs", "describe_log_groups", lambda a: [g["logGroupName"] for g in a["logGroups"]]),
    "rules": ("events", "list_rules", lambda a: [r["Name"] for r in a["Rules"]]),
    "APIs": ("apigateway", "get_rest_apis", lambda a: [i["id"] for i in a["items"]]),
    "roles": ("iam", "list_roles", lambda a: [r["Arn"] for r in a["Roles"]]),
    "key aliases": ("kms", "list_aliases", lambda a: [k["AliasName"] for k in a["Aliases"]]),
    "parameters": ("ssm", "describe_parameters", lambda a: [p["Name"] for p in a["Parameters"]]),
    "alarms": ("cloudwatch", "describe_alarms", lambda a: [m["AlarmName"] for m in a["MetricAlarms"]]),
    "dashboards": ("cloudwatch", "list_dashboards", lambda a: [d["DashboardName"] for d in a["DashboardEntries"]]),
    "VPCs": ("ec2", "describe_vpcs", lambda a: [v["VpcId"] for v in a["Vpcs"]]),
    "endpoints": ("ec2", "describe_vpc_endpoints", lambda a: [v["VpcEndpointId"] for v in a["VpcEndpoints"]]),
    "groups": ("ec2", "describe_security_groups", lambda a: [g["GroupId"] for g in a["SecurityGroups"]]),
    "models": ("bedrock", "list_custom_models", lambda a: [m["modelArn"] for m in a["modelSummaries"]]),
    "deployments": (
        "bedrock",
        "list_custom_model_deployments",
        lambda a: [d["customModelDeploymentArn"] for d in a["modelDeploymentSummaries"]],
    ),
    "throughputs": (
        "bedrock",
        "list_provisioned_model_throughputs",
        lambda a: [t["provisionedModelArn"] for t in a["provisionedModelSummaries"]],
    ),
}


def there_is(cloud: Cloud) -> set[tuple[str, str]]:
    """Everything that the account has, of every service that a stack uses; of keys and jobs, those that cost."""
    found = set()
    for what, (service, operation, items) in LISTS.items():
        client = cloud.client(service)
        pages = (
            client.get_paginator(operation).paginate()
            if client.can_paginate(operation)
            else [getattr(client, operation)()]
        )
        found |= {(what, item) for page in pages for item in items(page)}
    iam, kms, bedrock = cloud.client("iam"), cloud.client("kms"), cloud.client("bedrock")
    policies = iam.get_paginator("list_policies").paginate(Scope="Local")
    found |= {("policies", p["Arn"]) for page in policies for p in page["Policies"]}
    keys = [k["KeyId"] for page in kms.get_paginator("list_keys").paginate() for k in page["Keys"]]
    found |= {("keys", k) for k in keys if kms.describe_key(KeyId=k)["KeyMetadata"]["KeyState"] != "PendingDeletion"}
    jobs = bedrock.list_model_customization_jobs(statusEquals="InProgress")["modelCustomizationJobSummaries"]
    return found | {("jobs", j["jobArn"]) for j in jobs}


def test_a_stack_leaves_nothing_and_the_other_one_goes_on(
    cloud: Cloud,
    pipeline: Pipeline,
    network: dict[str, str],
    boundary: dict[str, str],
    rft: Rft,
) -> None:
    before = there_is(cloud)
    with user(cloud, "deployer", DEPLOYING, {"BOUNDARY": "boundary-of-roles"}) as deployer:
        info = deploy_as(cloud, deployer, network | boundary)
    second = Pipeline(Cloud(cloud.root, info, {}, 0))
    made = there_is(cloud) - before
    assert len({what for what, _ in made}) > 12, made

    body = "".join(json.dumps(record) + "\n" for record in colours(1500)).encode()
    request = {
        "model": "leaves",
        "training_data": {"s3_uri": second.put("datasets/leaves.jsonl", body)},
        "validation_data": {"fraction": 0.2},
        "hyperparameters": SHORT,
        "promote": ANY_GAIN,
    }
    run_id = second.api.create_run(request, key="leaves")[0]["run_id"]
    run = second.ended(run_id)
    assert run["status"] == "promoted", run
    job = second.bedrock.get_model_customization_job(jobIdentifier=run["job_arn"])
    assert job["vpcConfig"] == {
        "subnetIds": network["SubnetIds"].split(","),
        "securityGroupIds": [network["SecurityGroupIds"]],
    }
    kms = cloud.client("kms")
    key = kms.describe_key(KeyId=job["outputModelKmsKeyArn"])["KeyMetadata"]
    assert (("keys", key["KeyId"]) in made, key["Enabled"]) == (True, True), "the stack's own"
    model = second.bedrock.get_custom_model(modelIdentifier=run["custom_model_arn"])
    assert model["modelKmsKeyArn"] == key["Arn"]
    # One more is under way when everything goes.
    under_way = second.api.create_run(request | {"hyperparameters": SHORT | {"epoch_count": 50}}, key="under-way")[0]
    second.reached(under_way["run_id"], "training")

    refused = rft("destroy", "--stack", LEAVING, "--all", exit_code=2)
    assert "--yes" in refused["error"]["message"]
    assert second.api.run(under_way["run_id"])["status"] == "training", "nothing was done"

    outcome = destroyed_as_who_may_just_that(cloud, rft, key["KeyId"])
    assert outcome["left"] == outcome["kept"] == []
    kinds = list(dict.fromkeys(thing["kind"] for thing in outcome["removed"]))
    for kind in ("run", "custom model deployment", "custom model", "SSM parameter", "CloudFormation stack"):
        assert kind in kinds, kinds
    assert {"bucket", "table", "KMS key"} <= set(kinds), kinds
    made_keys = {item for what, item in made if what == "keys"}
    assert {thing["id"] for thing in outcome["removed"] if thing["kind"] == "KMS key"} == made_keys
    cloud.client("sqs").delete_queue(QueueUrl=second._queue)  # this test's own
    after = there_is(cloud)
    assert after - before == set()
    assert before - after == set(), "nothing of the other stack went"
    ended = second.bedrock.get_model_customization_job(jobIdentifier=under_way["run_id"])["status"]
    assert ended in ("Stopped", "Stopping", "Completed")
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert rft("destroy", "--stack", LEAVING, "--all", "--yes")["removed"] == []

    pipeline.put("inbox/still-there.jsonl", b"{}\n")
    still = pipeline.run_of("still-there")
    assert until(lambda: pipeline.api.run(still["run_id"])["status"] == "rejected")
