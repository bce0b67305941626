"""The proof of least privilege, on a stack that nobody deployed and calls that are written down here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from tests.iam import templates
from tests.iam.actions import TABLES, Call, Unmapped, needs, place_of
from tests.iam.cloudformation import Stack
from tests.iam.deployment import Deployment
from tests.iam.policies import Access
from tests.iam.recordings import Recorded, Recording, Unknown
from tests.iam.usage import Findings

DEPLOYED = Deployment("rft")


def call(function: str, service: str, operation: str, **parameters: Any) -> Recorded:
    return Recorded(Call(f"rft-{function}", service, operation, parameters))


def proved(*made: Recorded, change: Callable[[dict[str, Any]], None] | None = None) -> Findings:
    """What the calls say; what Lambda itself does is another test's."""
    template = templates.application()
    if change is not None:
        change(template["Resources"])
    findings = Recording(made, [DEPLOYED], template).findings("rft")
    findings.denied = [one for one in findings.denied if one.purpose != "what Lambda does for a function"]
    return findings


READS_CURVE = call("read-curve", "cloudwatch", "GetMetricData")
LISTS_METRICS = call("read-curve", "cloudwatch", "ListMetrics")


def policy(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def unused(findings: Findings, role: str) -> set[str]:
    access = Access(Stack(templates.application(), DEPLOYED))
    recording = Recording([], [DEPLOYED])
    assert role in access.roles
    return {str(grant) for _, grant in recording.rights["rft"].grants[role] if grant not in findings.used}


def test_a_function_that_needs_what_its_role_grants_has_nothing_to_be_said_of() -> None:
    findings = proved(READS_CURVE, LISTS_METRICS)
    assert findings.denied == []
    assert unused(findings, "ReadCurveRole") == set()


def test_a_right_that_is_not_there_is_found() -> None:
    def remove(resources: dict[str, Any]) -> None:
        (reading,) = [one for one in policy(resources, "ReadCurveRole") if "cloudwatch:ListMetrics" in one["Action"]]
        reading["Action"] = ["cloudwatch:GetMetricData"]

    findings = proved(READS_CURVE, LISTS_METRICS, change=remove)
    (denied,) = findings.denied
    assert str(denied).startswith("ReadCurveRole: cloudwatch ListMetrics takes cloudwatch:ListMetrics on *")
    assert str(denied).endswith("ImplicitDeny")


def test_a_right_that_no_call_needs_is_found() -> None:
    findings = proved(READS_CURVE)
    assert unused(findings, "ReadCurveRole") == {"ReadCurveRole: cloudwatch:ListMetrics on *"}


def test_of_two_rights_to_the_same_neither_counts_as_needed() -> None:
    def double(resources: dict[str, Any]) -> None:
        statements = policy(resources, "ReadCurveRole")
        statements.append({"Effect": "Allow", "Action": "cloudwatch:List*", "Resource": "*"})

    findings = proved(LISTS_METRICS, change=double)
    names = {grant.action for grant in findings.used if grant.role == "ReadCurveRole"}
    assert not names & {"cloudwatch:ListMetrics", "cloudwatch:List*"}
    shared = [(grant.action, {other.action for other in others}) for grant, others in findings.shared.items() if others]
    assert ("cloudwatch:ListMetrics", {"cloudwatch:List*"}) in shared


def test_another_resource_is_another_right() -> None:
    own = call("submit-job", "s3", "PutObject", Bucket="rft-databucket", Key="runs/a/job-request.json")
    other = call("submit-job", "s3", "PutObject", Bucket="rft-databucket", Key="runs/a/report.html")
    assert proved(own).denied == []
    (denied,) = proved(other).denied
    assert "s3:PutObject on arn:aws:s3:::rft-databucket/runs/a/report.html" in str(denied)


def test_who_passes_a_role_to_whom_is_asked() -> None:
    role = Access(Stack(templates.application(), DEPLOYED)).roles
    tag = [{"key": "rft:stack", "value": "rft"}]
    given = {
        "jobName": "a",
        "customModelName": "a",
        "baseModelIdentifier": "amazon.nova-2-lite-v1:0:256k",
        "jobTags": tag,
        "customModelTags": tag,
    }
    create = "CreateModelCustomizationJob"
    assert proved(call("submit-job", "bedrock", create, roleArn=role["BedrockRole"].arn, **given)).denied == []
    (denied,) = proved(call("submit-job", "bedrock", create, roleArn=role["ApiFunctionRole"].arn, **given)).denied
    assert "iam:PassRole" in str(denied)


def test_an_encrypted_bucket_takes_its_key_through_s3() -> None:
    place = place_of(Access(Stack(templates.application(), DEPLOYED)))
    given = {"Bucket": "rft-databucket", "Key": "runs/a/report.md"}
    found = needs(Call("rft-api", "s3", "GetObject", given), place)
    assert [need.action for need in found] == ["s3:GetObject", "kms:Decrypt"]
    assert found[1].context["kms:ViaService"] == "s3.us-east-1.amazonaws.com"
    assert found[1].context["kms:EncryptionContext:aws:s3:arn"] == "arn:aws:s3:::rft-databucket"
    missing = needs(Call("rft-api", "s3", "GetObject", given, error="NoSuchKey"), place)
    assert [need.action for need in missing] == ["s3:GetObject", "s3:ListBucket"]
    assert "s3:prefix" not in missing[1].context
    elsewhere = needs(Call("rft-api", "s3", "GetObject", {"Bucket": "others", "Key": "a"}), place)
    assert [need.action for need in elsewhere] == ["s3:GetObject"]


def test_what_is_not_mapped_proves_nothing() -> None:
    with pytest.raises(Unmapped, match="s3 PutBucketPolicy"):
        proved(call("api", "s3", "PutBucketPolicy", Bucket="rft-databucket"))
    with pytest.raises(Unmapped, match="iam ListUsers"):
        proved(call("api", "iam", "ListUsers"))
    with pytest.raises(Unmapped, match="has no 'Key'"):
        proved(call("api", "s3", "GetObject", Bucket="rft-databucket"))
    with pytest.raises(Unknown, match="rft-nobody"):
        proved(call("nobody", "s3", "ListObjectsV2", Bucket="rft-databucket"))


def test_every_operation_that_is_mapped_is_one_of_its_service() -> None:
    session = botocore.session.get_session()
    for service, table in TABLES.items():
        assert set(table) <= set(session.get_service_model(service).operation_names), service
