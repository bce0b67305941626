"""Who may do what, as the deployed policies have it: callers of Bedrock, and jobs with their role, key and network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.cloud import ACCOUNT, REGION, Cloud
from tests.local.data import colours
from tests.local.pipeline import Pipeline, until

BASE = "amazon.nova-2-lite-v1:0:256k"
ABSENT = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/{BASE}/abcdefghijkl"
ROOT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}


def assumed(cloud: Cloud, role: str, service: str) -> Any:
    """A client with the rights of a role."""
    arn = cloud.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=cloud.info.bedrock_endpoint if service.startswith("bedrock") else cloud.info.endpoint,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def refusal(call: Any, **parameters: Any) -> str:
    """The code and the text of the error that a call must end with."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def physical(cloud: Cloud, logical: str) -> str:
    stacks = cloud.client("cloudformation")
    found = stacks.describe_stack_resource(StackName=cloud.info.stack, LogicalResourceId=logical)
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


@pytest.fixture
def api_role(cloud: Cloud) -> Iterator[str]:
    """The API function's own, which the account's root may assume while the test lasts; its rights stay as they are."""
    iam, name = cloud.client("iam"), physical(cloud, "ApiFunctionRole")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    wider = {**trust, "Statement": [*trust["Statement"], ROOT]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wider))
    yield name
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def test_the_apis_function_may_not_deploy_or_train(cloud: Cloud, api_role: str) -> None:
    bedrock = assumed(cloud, api_role, "bedrock")
    assert refusal(bedrock.create_custom_model_deployment, modelDeploymentName="d", modelArn=ABSENT) == (
        f"AccessDeniedException: User: arn:aws:sts::{ACCOUNT}:assumed-role/{api_role}/test is not authorized to "
        f"perform: bedrock:CreateCustomModelDeployment on resource: {ABSENT} because no identity-based policy allows "
        "the bedrock:CreateCustomModelDeployment action"
    )
    assert "bedrock:DeleteCustomModel on" in refusal(bedrock.delete_custom_model, modelIdentifier=ABSENT)


def test_a_role_may_what_its_policy_says_and_nothing_else(cloud: Cloud) -> None:
    iam, name = cloud.client("iam"), "reads-models-of-rft"
    trust = {"Version": "2012-10-17", "Statement": [ROOT]}
    iam.create_role(RoleName=name, Path="/test/", AssumeRolePolicyDocument=json.dumps(trust))
    get = {"Effect": "Allow", "Action": "bedrock:GetCustomModel", "Resource": ABSENT}
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [get]})
    )
    bedrock = assumed(cloud, name, "bedrock")
    assert refusal(bedrock.get_custom_model, modelIdentifier=ABSENT).startswith("ResourceNotFoundException")
    other = ABSENT.replace("abcdefghijkl", "aaaaaaaaaaaa")
    for call, parameters in (
        (bedrock.get_custom_model, {"modelIdentifier": other}),
        (bedrock.list_custom_models, {}),
        (bedrock.stop_model_customization_job, {"jobIdentifier": "any"}),
    ):
        assert refusal(call, **parameters).startswith("AccessDeniedException")
    keys = {"aws_access_key_id": "AKIAUNKNOWN000000000", "aws_secret_access_key": "x"}
    nobody = boto3.client("bedrock", endpoint_url=cloud.info.bedrock_endpoint, region_name=REGION, **keys)
    assert refusal(nobody.list_custom_models).startswith("UnrecognizedClientException")


def test_what_was_called_is_on_record_and_so_is_what_the_stack_is_made_of(cloud: Cloud, pipeline: Pipeline) -> None:
    """That the roles can be held against both, later."""
    assert cloud.record_calls is not None
    stack = json.loads((cloud.record_calls / f"{cloud.info.stack}.json").read_text())
    assert stack["resources"]["DataBucket"] == cloud.info.bucket
    assert stack["parameters"]["NetworkMode"] == "create"
    assert stack["nested"]["Keys"]["resources"]["DataKey"] and stack["nested"]["Network"]["parameters"]
    pipeline.api.runs(model="never-was", status=None, limit=2, next_token=None)
    lines = (cloud.record_calls / f"{cloud.info.stack}-api.jsonl").read_text().splitlines()
    table = {"TableName": stack["resources"]["RunTable"]}
    assert any(
        line["service"] == "dynamodb" and table.items() <= line["parameters"].items() for line in map(json.loads, lines)
    )


@pytest.fixture(scope="module")
def job(cloud: Cloud, pipeline: Pipeline) -> dict[str, Any]:
    """A job that could train, as SubmitJob would ask for it; to be asked for under another name."""
    lines = "".join(json.dumps(record) + "\n" for record in colours(9_000))
    functions = cloud.client("lambda")
    told = functions.get_function_configuration(FunctionName=f"{cloud.info.stack}-submit-job")["Environment"][
        "Variables"
    ]
    role = cloud.client("iam").get_role(RoleName=physical(cloud, "BedrockRole"))["Role"]["Arn"]
    grader = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{cloud.info.stack}-grader-format-validation:1"
    return {
        "roleArn": role,
        "baseModelIdentifier": BASE,
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "trainingDataConfig": {"s3Uri": pipeline.put("runs/rights/dataset/train.jsonl", lines.encode())},
        "outputDataConfig": {"s3Uri": f"s3://{cloud.info.bucket}/runs/rights/output/"},
        "customizationConfig": {"rftConfig": {"graderConfig": {"lambdaGrader": {"lambdaArn": grader}}}},
        "customModelKmsKeyId": told["MODEL_KEY_ARN"],
        "vpcConfig": {
            "subnetIds": told["JOB_SUBNET_IDS"].split(","),
            "securityGroupIds": told["JOB_SECURITY_GROUP_IDS"].split(","),
        },
    }


def failure(cloud: Cloud, name: str, request: dict[str, Any]) -> str:
    bedrock = cloud.client("bedrock")
    bedrock.create_model_customization_job(jobName=name, customModelName=name, **request)
    ended = until(
        lambda: (found := bedrock.get_model_customization_job(jobIdentifier=name))["status"] == "Failed" and found
    )
    return str(ended["failureMessage"])


def test_a_job_trains_from_the_vpc_with_the_key_or_not_at_all(cloud: Cloud, job: dict[str, Any]) -> None:
    bedrock = cloud.client("bedrock")
    bedrock.create_model_customization_job(jobName="rights-vpc", customModelName="rights-vpc", **job)

    def read() -> dict[str, Any] | None:
        found: dict[str, Any] = bedrock.get_model_customization_job(jobIdentifier="rights-vpc")
        assert found["status"] == "InProgress", found
        return found if found["statusDetails"]["validationDetails"]["status"] == "Completed" else None

    found = until(read)
    assert found["outputModelKmsKeyArn"] == job["customModelKmsKeyId"] and found["vpcConfig"] == job["vpcConfig"]
    bedrock.stop_model_customization_job(jobIdentifier="rights-vpc")
    from_anywhere = {name: value for name, value in job.items() if name != "vpcConfig"}
    message = failure(cloud, "rights-anywhere", from_anywhere)
    assert f"{job['roleArn']} is not authorized to perform s3:PutObject" in message


def test_a_network_or_a_key_that_is_not_there_ends_it(cloud: Cloud, job: dict[str, Any]) -> None:
    subnet = "subnet-0000000000000dead"
    elsewhere = job | {"vpcConfig": job["vpcConfig"] | {"subnetIds": [subnet]}}
    assert subnet in failure(cloud, "rights-no-subnet", elsewhere)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-000000000000"
    create = cloud.client("bedrock").create_model_customization_job
    named = {"jobName": "rights-no-key", "customModelName": "rights-no-key"}
    assert refusal(create, **named, **job | {"customModelKmsKeyId": key}).startswith("ValidationException")
