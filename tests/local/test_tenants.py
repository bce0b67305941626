"""A stack that two teams share, called by IAM's own identities; and what API Gateway refuses before the function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.credentials import Credentials

from cli.client import ApiClient
from cli.faults import ApiProblem
from local.cloud import ACCOUNT, Cloud, CloudInfo
from tests.local.pipeline import Pipeline

ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role"
MAY_CALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
}
MAY_NOTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}
As = Callable[..., ApiClient]


@pytest.fixture(scope="module")
def teams(cloud: Cloud) -> CloudInfo:
    """A second stack on the cloud, which this machine alone may call."""
    tenants = f"acme={ROLE}/acme-train/*,globex={ROLE}/globex-*/*,*=arn:aws:iam::{ACCOUNT}:root"
    return cloud.deploy("teams", {"Tenants": tenants, "ApiAllowedIpRanges": "127.0.0.0/8,::1/128"})


@pytest.fixture(scope="module")
def calling_as(cloud: Cloud, teams: CloudInfo) -> As:
    iam, sts = cloud.client("iam"), cloud.client("sts")
    made: dict[str, str] = {}

    def client(role: str, session: str, policy: Any = MAY_CALL) -> ApiClient:
        if role not in made:
            made[role] = iam.create_role(RoleName=role, Path="/teams/", AssumeRolePolicyDocument=json.dumps(TRUST))[
                "Role"
            ]["Arn"]
            iam.put_role_policy(RoleName=role, PolicyName="calls", PolicyDocument=json.dumps(policy))
        keys = sts.assume_role(RoleArn=made[role], RoleSessionName=session)["Credentials"]
        credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        return ApiClient(teams.api_url, credentials, teams.region, proxies={})

    return client


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(ApiProblem) as problem:
        call(*arguments, **named)
    return problem.value.status, str(problem.value)


def test_each_team_sees_its_own_and_nothing_of_the_others(cloud: Cloud, teams: CloudInfo, calling_as: As) -> None:
    acme = calling_as("acme-train", "alice=a,b@example.com.-")
    globex, evil = calling_as("globex-train", "acme-train"), calling_as("acme-train-evil", "acme-train")
    for team in ("acme", "globex"):
        cloud.client("s3").put_object(Bucket=teams.bucket, Key=f"datasets/{team}-m/t.jsonl", Body=b"{}\n")

    def request(team: str, data: str) -> dict[str, Any]:
        return {"model": f"{team}-m", "training_data": {"s3_uri": f"s3://{teams.bucket}/datasets/{data}-m/t.jsonl"}}

    run, _ = acme.create_run(request("acme", "acme"), key="k")
    other, created = globex.create_run(request("globex", "globex"), key="k")
    assert (created, other["model"]) == (True, "globex-m")
    assert acme.run(run["run_id"])["model"] == "acme-m"
    assert [each["run_id"] for each in acme.runs()["runs"]] == [run["run_id"]]
    never = refused(globex.run, "acme-m-000000000000")
    assert refused(globex.run, run["run_id"]) == (404, never[1].replace("acme-m-000000000000", run["run_id"]))
    assert refused(globex.stop, run["run_id"])[0] == 404
    assert refused(globex.create_run, request("acme", "globex"), key="x")[0] == 403
    assert refused(globex.create_run, request("globex", "acme"), key="x")[0] == 422
    assert [each["run_id"] for each in globex.runs()["runs"]] == [other["run_id"]]
    assert refused(evil.runs)[0] == 403
    everything = Pipeline(cloud, teams).api
    assert {each["run_id"] for each in everything.runs()["runs"]} == {run["run_id"], other["run_id"]}


def test_api_gateway_keeps_nonsense_and_strangers_from_the_function(
    cloud: Cloud, teams: CloudInfo, calling_as: As
) -> None:
    api = cloud.client("apigateway").get_rest_api(restApiId=teams.api_url.split("/")[-2])
    assert "127.0.0.0/8" in api["policy"], "it is in force, so these calls come from where it says"
    acme, nobody = calling_as("acme-train", "bob"), calling_as("may-nothing", "carol", MAY_NOTHING)
    status, told = refused(acme.create_run, {"model": "m" * 2_000}, key="nonsense")
    assert status == 400
    assert "docs/api.md" in told, "API Gateway's own refusal, in the form of the function's"
    with pytest.raises(ApiProblem) as mistakes:
        acme.create_run({"model": 7, "x": 1}, key="mistakes")
    assert {problem.path for problem in mistakes.value.problems} == {"model", "training_data", "x"}
    assert refused(nobody.runs)[0] == 403
