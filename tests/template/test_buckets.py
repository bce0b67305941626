"""Who may not do what with the buckets, the topic and the queues, whatever else allows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.reading import as_list, by_sid, document, of_type

OURS = "arn:aws:kms:us-east-1:123456789012:key/ours"
ANOTHER = OURS.replace("ours", "another")
ALGORITHM = "s3:x-amz-server-side-encryption"
KEY = f"{ALGORITHM}-aws-kms-key-id"
CUSTOMERS = f"{ALGORITHM}-customer-algorithm"


def test_what_speaks_in_the_clear_is_turned_away(resources: dict[str, Any]) -> None:
    kinds = ("S3::Bucket", "SQS::Queue", "SNS::Topic")
    guarded: set[str] = set()
    for name in (n for kind in kinds for n in of_type(resources, f"AWS::{kind}Policy")):
        statement = by_sid(resources, name)["TlsOnly"]
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"}), name
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, name
        resource = as_list(statement["Resource"])[0]
        guarded.add(resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0])
    assert guarded == {name for kind in kinds for name in of_type(resources, f"AWS::{kind}")}


def is_denied(resources: dict[str, Any], sent: dict[str, str], *, by_a_job: bool = False) -> bool:
    """Whether a denial of the bucket matches a put with these headers, as IAM compares: Null and StringNotEquals.

    Of principals none but the role of jobs is ever excepted.
    """
    jobs = {"aws:PrincipalArn": {"Fn::GetAtt": ["BedrockRole", "Arn"]}}
    ours = {"Fn::GetAtt": ["Keys", "Outputs.DataKeyArn"]}
    conditions = [
        statement["Condition"]
        for statement in by_sid(resources, "DataBucketPolicy").values()
        if as_list(statement["Action"]) == ["s3:PutObject"]
    ]
    assert all(set(condition) <= {"Null", "StringNotEquals", "ArnNotEquals"} for condition in conditions)
    assert all(condition.get("ArnNotEquals", jobs) == jobs for condition in conditions)
    return any(
        all((name not in sent) == (value == "true") for name, value in condition["Null"].items())
        and all(
            sent.get(name) != (OURS if value == ours else value)
            for name, value in condition.get("StringNotEquals", {}).items()
        )
        for condition in conditions
        if not (by_a_job and "ArnNotEquals" in condition)
    )


@pytest.mark.parametrize("sent", [{}, {ALGORITHM: "aws:kms", KEY: OURS}])
def test_a_put_may_say_nothing_of_encryption_or_name_our_key(resources: dict[str, Any], sent: dict[str, str]) -> None:
    assert not is_denied(resources, sent)


@pytest.mark.parametrize(
    "sent",
    [
        {ALGORITHM: "AES256"},
        {ALGORITHM: "aws:kms"},  # AWS's own key for S3, not the bucket's default
        {ALGORITHM: "aws:kms", KEY: ANOTHER},
        {ALGORITHM: "aws:kms:dsse", KEY: OURS},
        {CUSTOMERS: "AES256"},
    ],
)
def test_a_put_of_another_encryption_is_turned_away(resources: dict[str, Any], sent: dict[str, str]) -> None:
    assert is_denied(resources, sent)
    # In which form Bedrock writes a job's output isn't documented; a paid job must not fail at its end.
    assert is_denied(resources, sent, by_a_job=True) == (sent != {ALGORITHM: "aws:kms"})


def test_only_jobs_are_bound_to_their_network(resources: dict[str, Any]) -> None:
    """A denial of all that comes from elsewhere would lock out whoever uploads, and the pipeline itself."""
    items = resources["DataBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (branch,) = [item["Fn::If"] for item in items if "Fn::If" in item]
    assert branch[0] == "HasNetwork"
    assert branch[1]["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["BedrockRole", "Arn"]}},
        "StringNotEquals": {"aws:SourceVpc": {"Fn::GetAtt": ["Network", "Outputs.VpcId"]}},
    }


def test_the_log_of_accesses_is_written_by_s3_for_our_bucket_only(resources: dict[str, Any]) -> None:
    logging = resources["DataBucket"]["Properties"]["LoggingConfiguration"]
    assert logging["DestinationBucketName"] == {"Ref": "AccessLogBucket"}
    (allowed,) = [s for s in by_sid(resources, "AccessLogBucketPolicy").values() if s["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject")
    assert allowed["Resource"]["Fn::Sub"] == f"${{AccessLogBucket.Arn}}/{logging['LogFilePrefix']}*"
    assert allowed["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["DataBucket", "Arn"]}},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }


def test_every_bucket_is_private_kept_and_forgets_old_versions(resources: dict[str, Any]) -> None:
    for name, bucket in of_type(resources, "AWS::S3::Bucket").items():
        for kept in (resources[name], resources[f"{name}Policy"]):
            assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain"), name
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert all(bucket["PublicAccessBlockConfiguration"].values()), name
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, name
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name
        everywhere = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "TagFilters" not in rule]
        assert any("NoncurrentVersionExpiration" in rule for rule in everywhere), name
        assert any("AbortIncompleteMultipartUpload" in rule for rule in everywhere), name


def test_a_policy_of_a_resource_lets_in_services_only(resources: dict[str, Any]) -> None:
    """Principals of the account have their own policies; of others, nobody comes in this way."""
    kinds = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
    for policy in (policy for kind in kinds for policy in of_type(resources, kind).values()):
        for statement in document(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                assert list(statement["Principal"]) == ["Service"]
                conditions = {key for condition in statement["Condition"].values() for key in condition}
                assert "aws:SourceArn" in conditions
