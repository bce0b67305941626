"""Buckets, the table, topic, queues and log groups: what is kept stays, encrypted, and is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.iam import evaluator
from tests.template.invariants.deployed import Deployed, Finding, Resource, Statement

KEPT = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table", "AWS::KMS::Key")
PUBLIC_ACCESS_FLAGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
ALGORITHM, KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
PUTS_UNDER_OTHER_KEYS = {
    "objects under S3's own key": {ALGORITHM: ("AES256",)},
    "objects under two keys of AWS's": {ALGORITHM: ("aws:kms:dsse",)},
    "objects under AWS's key for S3": {ALGORITHM: ("aws:kms",)},
    "objects under somebody else's key": {
        ALGORITHM: ("aws:kms",),
        KEY: ("arn:aws:kms:us-east-1:999999999999:key/another",),
    },
    "objects under a key that the uploader keeps": {"s3:x-amz-server-side-encryption-customer-algorithm": ("AES256",)},
}
POLICIES_OF_DATA = (
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::Events::EventBusPolicy",
)


def _log_buckets(deployed: Deployed) -> set[str]:
    """Buckets that take the access logs of others: S3 writes into them, and only with its own encryption."""
    return {
        destination
        for bucket in deployed.of_type("AWS::S3::Bucket")
        if (destination := bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName"))
        and destination != bucket.physical
    }


def kept(deployed: Deployed) -> Iterator[Finding]:
    """What can't be made again outlives its stack and its replacement, and what guards it with it."""
    for resource in deployed.of_type(*KEPT):
        # Buckets of a stack that failed while it was made are empty. A table that is kept from deletion, or a key whose
        # policy lets nobody delete it, would only stop CloudFormation on its way back.
        except_on_create = resource.kind.startswith("AWS::S3::")
        if resource.attributes.get("DeletionPolicy") != ("RetainExceptOnCreate" if except_on_create else "Retain"):
            yield Finding("kept", resource.name, "it goes with its stack, or stays of one that never was")
        if resource.attributes.get("UpdateReplacePolicy") != "Retain":
            yield Finding("kept", resource.name, "it goes when it is replaced")


def buckets_closed(deployed: Deployed) -> Iterator[Finding]:
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        block = bucket.properties.get("PublicAccessBlockConfiguration", {})
        for flag in PUBLIC_ACCESS_FLAGS:
            if block.get(flag) is not True:
                yield Finding("buckets-closed", bucket.name, f"{flag} is not on")
        rules = bucket.properties.get("OwnershipControls", {}).get("Rules", [])
        if [rule.get("ObjectOwnership") for rule in rules] != ["BucketOwnerEnforced"]:
            yield Finding("buckets-closed", bucket.name, "access lists of objects count")
        for feature in ("AccessControl", "CorsConfiguration", "WebsiteConfiguration", "ReplicationConfiguration"):
            if feature in bucket.properties:
                yield Finding("buckets-closed", bucket.name, f"{feature} opens it to others")


def buckets_versioned(deployed: Deployed) -> Iterator[Finding]:
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        if bucket.properties.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            yield Finding("buckets-versioned", bucket.name, "an overwritten object is lost")


def buckets_encrypted(deployed: Deployed) -> Iterator[Finding]:
    """With a customer-managed key and a bucket key; the bucket of access logs with S3's own, as S3 demands."""
    logs = _log_buckets(deployed)
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        rules = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        if len(rules) != 1:
            yield Finding("buckets-encrypted", bucket.name, "it has no rule of encryption, or more than one")
            continue
        default = rules[0].get("ServerSideEncryptionByDefault", {})
        if bucket.physical in logs:
            if default.get("SSEAlgorithm") != "AES256":
                yield Finding("buckets-encrypted", bucket.name, "S3 delivers access logs under SSE-S3 only")
            continue
        if default.get("SSEAlgorithm") != "aws:kms" or not _is_key(default.get("KMSMasterKeyID")):
            yield Finding("buckets-encrypted", bucket.name, "not encrypted with a customer-managed key")
        if rules[0].get("BucketKeyEnabled") is not True:
            yield Finding("buckets-encrypted", bucket.name, "without a bucket key KMS is asked for every object")


def buckets_logged(deployed: Deployed) -> Iterator[Finding]:
    logs = _log_buckets(deployed)
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        target = bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName")
        if bucket.physical not in logs and not target:
            yield Finding("buckets-logged", bucket.name, "nobody can tell who read what: no access log")


def buckets_tidy(deployed: Deployed) -> Iterator[Finding]:
    """Unfinished uploads end; what users put there doesn't expire as a whole."""
    logs = _log_buckets(deployed)
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        rules = bucket.properties.get("LifecycleConfiguration", {}).get("Rules", [])
        if not any("AbortIncompleteMultipartUpload" in rule for rule in rules if rule["Status"] == "Enabled"):
            yield Finding(
                "buckets-tidy", bucket.name, "parts of unfinished uploads stay, are paid for and listed nowhere"
            )
        for rule in rules:
            whole = not (rule.get("TagFilters") or rule.get("Prefix"))
            if whole and bucket.physical not in logs and {"ExpirationInDays", "ExpirationDate"} & set(rule):
                yield Finding("buckets-tidy", bucket.name, "all its objects expire")


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.startswith("arn:") and ":kms:" in value and ":key/" in value


def _denies_without_tls(statements: list[Statement], actions: str, resources: set[str]) -> bool:
    return any(
        not statement.allows
        and statement.principals == [("AWS", "*")]
        and actions in statement.actions
        and resources <= set(statement.resources)
        and statement.document.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in statements
    )


def tls_only(deployed: Deployed) -> Iterator[Finding]:
    """Every bucket, topic and queue refuses everything that comes without TLS."""
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        policy = deployed.policies_of("AWS::S3::BucketPolicy", "Bucket", bucket.physical)
        arn = f"arn:aws:s3:::{bucket.physical}"
        if not _denies_without_tls(policy, "s3:*", {arn, f"{arn}/*"}):
            yield Finding("tls-only", bucket.name, "requests without TLS are not all refused")
    for topic in deployed.of_type("AWS::SNS::Topic"):
        policy = deployed.policies_of("AWS::SNS::TopicPolicy", "Topics", topic.physical)
        if not _denies_without_tls(policy, "sns:Publish", {topic.physical}):
            yield Finding("tls-only", topic.name, "messages without TLS are not refused")
    for queue in deployed.of_type("AWS::SQS::Queue"):
        policy = deployed.policies_of("AWS::SQS::QueuePolicy", "Queues", queue.physical)
        if not _denies_without_tls(policy, "sqs:*", {queue_arn(deployed, queue)}):
            yield Finding("tls-only", queue.name, "requests without TLS are not refused")


def queue_arn(deployed: Deployed, queue: Resource) -> str:
    name = queue.physical.rpartition("/")[2]
    return f"arn:aws:sqs:{deployed.stack.deployment.region}:{deployed.account}:{name}"


def only_our_key(deployed: Deployed) -> Iterator[Finding]:
    """An upload under another key, or none, is refused: whoever owns that key could shut us out of the object."""
    logs = _log_buckets(deployed)
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        if bucket.physical in logs:
            continue
        rules = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
        key = rules[0].get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
        policies = [
            statement
            for policy in deployed.of_type("AWS::S3::BucketPolicy")
            if policy.properties["Bucket"] == bucket.physical
            for statement in evaluator.statements(policy.properties["PolicyDocument"])
        ]
        for what, headers in PUTS_UNDER_OTHER_KEYS.items():
            if not _refused(policies, bucket, headers):
                yield Finding("only-our-key", bucket.name, f"{what} can be put")
        for headers in ({}, {ALGORITHM: ("aws:kms",), KEY: (str(key),)}):
            if _refused(policies, bucket, headers):
                yield Finding("only-our-key", bucket.name, "objects under our key can't be put")


def jobs_can_end(deployed: Deployed) -> Iterator[Finding]:
    """A job's output is taken in each form in which Bedrock may write it: refused, it fails a job that is paid for."""
    role = deployed.named("BedrockRole")
    if role is None:
        return
    for bucket in (one for one in deployed.of_type("AWS::S3::Bucket") if one.name == "DataBucket"):
        policies = [
            statement
            for policy in deployed.of_type("AWS::S3::BucketPolicy")
            if policy.properties["Bucket"] == bucket.physical
            for statement in evaluator.statements(policy.properties["PolicyDocument"])
            if statement.sid != "JobsFromTheirVpcOnly"
        ]
        for headers in ({}, {ALGORITHM: ("aws:kms",)}):
            arn = f"arn:aws:iam::{deployed.account}:role/{deployed.name}/{role.physical}"
            if _refused(policies, bucket, headers, arn):
                yield Finding("jobs-can-end", bucket.name, f"a job's output with {headers or 'no headers'} is refused")


def _refused(
    policies: list[evaluator.Statement],
    bucket: Resource,
    headers: Mapping[str, tuple[str, ...]],
    principal: str = "arn:aws:iam::111122223333:user/someone",
) -> bool:
    context = {"aws:securetransport": ("true",), "aws:principalarn": (principal,), **headers}
    request = evaluator.Request("s3:PutObject", f"arn:aws:s3:::{bucket.physical}/inbox/x.jsonl", principal, context)
    return evaluator.decide(policies, request) is evaluator.Decision.DENY


def table_kept_safe(deployed: Deployed) -> Iterator[Finding]:
    for table in deployed.of_type("AWS::DynamoDB::Table"):
        if table.properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is not True:
            yield Finding("table-kept-safe", table.name, "it can't be brought back to a point in time")
        if table.properties.get("DeletionProtectionEnabled") is not True:
            yield Finding("table-kept-safe", table.name, "one call deletes it")
        encryption = table.properties.get("SSESpecification", {})
        if encryption.get("SSEType") != "KMS" or not _is_key(encryption.get("KMSMasterKeyId")):
            yield Finding("table-kept-safe", table.name, "not encrypted with a customer-managed key")


def messages_encrypted(deployed: Deployed) -> Iterator[Finding]:
    for resource in deployed.of_type("AWS::SNS::Topic", "AWS::SQS::Queue"):
        if not _is_key(resource.properties.get("KmsMasterKeyId")):
            yield Finding("messages-encrypted", resource.name, "not encrypted with a customer-managed key")


def logs_forget(deployed: Deployed) -> Iterator[Finding]:
    for group in deployed.of_type("AWS::Logs::LogGroup"):
        if not group.properties.get("RetentionInDays"):
            yield Finding("logs-forget", group.name, "it keeps its lines for ever")
        if not _is_key(group.properties.get("KmsKeyId")):
            yield Finding("logs-forget", group.name, "not encrypted with a customer-managed key")


def nothing_public(deployed: Deployed) -> Iterator[Finding]:
    """No policy of a resource lets in everybody. (An endpoint's policy only narrows, and has rules of its own.)"""
    for resource, statements in deployed.resource_policies:
        for statement in statements:
            everybody = any(who == "*" for _, who in statement.principals) or "NotPrincipal" in statement.document
            if statement.allows and everybody and resource.kind != "AWS::EC2::VPCEndpoint":
                yield Finding("nothing-public", resource.name, f"{statement.actions} is allowed to everybody")


def sources_bound(deployed: Deployed) -> Iterator[Finding]:
    """A service may act on our resource only for something of this account; no other account may at all."""
    for resource, statements in deployed.resource_policies:
        if resource.kind not in POLICIES_OF_DATA:
            continue
        for statement in (s for s in statements if s.allows):
            for kind, who in statement.principals:
                if kind == "Service" and not _bound(statement, deployed.account):
                    yield Finding("sources-bound", resource.name, f"{who} may act for any account")
                if kind != "Service" and f":{deployed.account}:" not in who:
                    yield Finding("sources-bound", resource.name, f"{who} is not of this account")


def _bound(statement: Statement, account: str) -> bool:
    arns = statement.demands("aws:SourceArn")
    accounts = statement.demands("aws:SourceAccount", "StringEquals")
    by_arn = bool(arns) and all(f":{account}:" in arn or accounts == [account] for arn in arns)
    return by_arn or accounts == [account]


RULES = (
    kept,
    buckets_closed,
    buckets_versioned,
    buckets_encrypted,
    buckets_logged,
    buckets_tidy,
    tls_only,
    only_our_key,
    jobs_can_end,
    table_kept_safe,
    messages_encrypted,
    logs_forget,
    nothing_public,
    sources_bound,
)
