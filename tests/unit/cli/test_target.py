"""Where a command finds its stack."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from cli.faults import TargetMissing
from cli.target import Place, Target

OUTPUTS = {
    "ApiUrl": "https://abc.execute-api.us-east-1.amazonaws.com/prod",
    "DataBucketName": "data",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:rft",
    "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:rft",
}


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The outputs of the stacks that CloudFormation knows, by name."""
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    known: dict[str, dict[str, str]] = {}

    def call(client: object, operation: str, parameters: dict[str, str]) -> object:
        assert operation == "DescribeStacks"
        name = parameters["StackName"]
        if name not in known:
            error = {"Code": "ValidationError", "Message": f"Stack with id {name} does not exist"}
            raise ClientError({"Error": error}, operation)  # type: ignore[typeddict-item]
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in known[name].items()]
        return {"Stacks": [{"StackName": name, "Outputs": outputs}]}

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", call)
    return known


def in_aws(stack: str | None = None, *, profile: str | None = None, region: str | None = "us-east-1") -> Target:
    return Target.resolve(Place.AWS, stack=stack, profile=profile, region=region)


class TestAws:
    def test_the_stacks_outputs_say_all(self, stacks: dict[str, dict[str, str]]) -> None:
        stacks["rft"] = OUTPUTS
        target = in_aws()
        assert (target.api_url, target.bucket) == (OUTPUTS["ApiUrl"], "data")
        assert (target.topic_arn, target.state_machine_arn) == (OUTPUTS["TopicArn"], OUTPUTS["StateMachineArn"])
        assert target.client_options.keys() == {"config"}, "no address but AWS's own"

    def test_a_next_command_leads_to_the_same_stack(self, stacks: dict[str, dict[str, str]]) -> None:
        stacks["rft-dev"] = OUTPUTS
        assert in_aws("rft-dev").command("runs") == "rft runs --target aws --stack rft-dev --region us-east-1"

    @pytest.mark.usefixtures("stacks")
    def test_no_such_stack(self) -> None:
        with pytest.raises(TargetMissing, match="no stack 'rft' in us-east-1"):
            in_aws()

    def test_a_stack_that_is_not_ours(self, stacks: dict[str, dict[str, str]]) -> None:
        stacks["other"] = {"ApiUrl": "x"}
        with pytest.raises(TargetMissing, match="DataBucketName, TopicArn, StateMachineArn"):
            in_aws("other")

    @pytest.mark.usefixtures("stacks")
    def test_no_region(self) -> None:
        with pytest.raises(TargetMissing, match="No AWS region"):
            in_aws(region=None)


def test_a_local_command_needs_no_flags(local_cloud: Target) -> None:
    assert local_cloud.command("runs") == "rft runs"


def test_a_proxy_never_stands_before_the_loopback(local_cloud: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert local_cloud.api().runs()["next_token"] is None
    keys = local_cloud.session.client("s3", **local_cloud.client_options)
    assert keys.meta.endpoint_url == local_cloud.endpoint
    assert keys.meta.config.proxies == {}
