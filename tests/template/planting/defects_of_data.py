"""Defects of buckets, table, messages, keys, logs and the network."""

from __future__ import annotations

from typing import Any

from tests.template.planting.sources import Sources

PUBLIC_READ = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": {"Fn::Sub": "${DataBucket.Arn}/*"},
}
KEYS, NETWORK, ENDPOINTS = "keys.yaml", "network.yaml", "function_endpoints.yaml"


def public_access_flag_off(sources: Sources) -> None:
    sources.properties("DataBucket")["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] = False


def public_access_block_missing(sources: Sources) -> None:
    sources.properties("AccessLogBucket").pop("PublicAccessBlockConfiguration")


def bucket_not_versioned(sources: Sources) -> None:
    sources.properties("DataBucket").pop("VersioningConfiguration")


def bucket_with_s3s_own_encryption(sources: Sources) -> None:
    sources.properties("DataBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"] = [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]


def bucket_key_off(sources: Sources) -> None:
    sources.properties("DataBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"][0].pop("BucketKeyEnabled")


def bucket_speaks_without_tls(sources: Sources) -> None:
    statements = sources.policy_of("AWS::S3::BucketPolicy", "DataBucket")
    statements[:] = [s for s in statements if "aws:SecureTransport" not in repr(s)]


def log_bucket_speaks_without_tls(sources: Sources) -> None:
    statements = sources.policy_of("AWS::S3::BucketPolicy", "AccessLogBucket")
    statements[:] = [s for s in statements if "aws:SecureTransport" not in repr(s)]


def everybody_reads_the_bucket(sources: Sources) -> None:
    sources.policy_of("AWS::S3::BucketPolicy", "DataBucket").append(PUBLIC_READ)


def objects_under_any_key(sources: Sources) -> None:
    statements = sources.policy_of("AWS::S3::BucketPolicy", "DataBucket")
    statements[:] = [s for s in statements if "kms-key-id" not in repr(s)]


def bucket_goes_with_the_stack(sources: Sources) -> None:
    sources.resources()["DataBucket"].pop("DeletionPolicy")


def bucket_of_a_failed_stack_stays(sources: Sources) -> None:
    sources.resources()["DataBucket"]["DeletionPolicy"] = "Retain"


def bucket_left_without_its_policy(sources: Sources) -> None:
    sources.resources()["DataBucketPolicy"].pop("DeletionPolicy")


def output_of_jobs_refused(sources: Sources) -> None:
    statements = sources.policy_of("AWS::S3::BucketPolicy", "DataBucket")
    next(s for s in statements if s.get("Sid") == "NoUnnamedKey")["Condition"].pop("ArnNotEquals")


def key_goes_with_its_replacement(sources: Sources) -> None:
    sources.resources(KEYS)["DataKey"]["UpdateReplacePolicy"] = "Delete"


def everything_expires(sources: Sources) -> None:
    sources.properties("DataBucket")["LifecycleConfiguration"]["Rules"].append(
        {"Id": "tidy", "Status": "Enabled", "ExpirationInDays": 30}
    )


def nobody_logs_access(sources: Sources) -> None:
    sources.properties("DataBucket").pop("LoggingConfiguration")


def table_not_recoverable(sources: Sources) -> None:
    sources.properties("RunTable").pop("PointInTimeRecoverySpecification")


def table_under_awss_key(sources: Sources) -> None:
    sources.properties("RunTable")["SSESpecification"] = {"SSEEnabled": True}


def topic_not_encrypted(sources: Sources) -> None:
    sources.properties("Topic").pop("KmsMasterKeyId")


def topic_under_awss_key(sources: Sources) -> None:
    sources.properties("Topic")["KmsMasterKeyId"] = "alias/aws/sns"


def queue_not_encrypted(sources: Sources) -> None:
    properties = sources.properties("FailedEvents")
    properties.pop("KmsMasterKeyId")
    properties["SqsManagedSseEnabled"] = False


def queue_speaks_without_tls(sources: Sources) -> None:
    statements = sources.policy_of("AWS::SQS::QueuePolicy", "FailedEvents")
    statements[:] = [s for s in statements if "aws:SecureTransport" not in repr(s)]


def log_under_no_key(sources: Sources) -> None:
    sources.properties("CheckGraderLog").pop("KmsKeyId")


def log_for_ever(sources: Sources) -> None:
    sources.properties("StateMachineLog").pop("RetentionInDays")


def _key_statement(sources: Sources, part: str) -> dict[str, Any]:
    statements = sources.properties("DataKey", KEYS)["KeyPolicy"]["Statement"]
    found: dict[str, Any] = next(
        s for s in statements if part in repr(s.get("Action")) and "Condition" in s and s["Effect"] == "Allow"
    )
    return found


def key_never_turned(sources: Sources) -> None:
    sources.properties("DataKey", KEYS)["EnableKeyRotation"] = False


def key_for_everybody(sources: Sources) -> None:
    _key_statement(sources, "kms:Decrypt")["Principal"] = "*"


def key_by_any_service(sources: Sources) -> None:
    _key_statement(sources, "kms:Decrypt").pop("Condition")


def key_administered_with_every_right(sources: Sources) -> None:
    statements = sources.properties("MessageKey", KEYS)["KeyPolicy"]["Statement"]
    statements[0]["Action"] = "kms:*"


def key_may_be_deleted(sources: Sources) -> None:
    statements = sources.properties("DataKey", KEYS)["KeyPolicy"]["Statement"]
    statements[:] = [s for s in statements if s.get("Effect") != "Deny"]


def log_without_its_key(sources: Sources) -> None:
    sources.properties("NotifyLog")["LogGroupName"] = {"Fn::Sub": "/somewhere/else/${AWS::StackName}-notify"}


def key_gone_in_a_week(sources: Sources) -> None:
    sources.properties("DataKey", KEYS)["PendingWindowInDays"] = 7


def _group(sources: Sources) -> dict[str, Any]:
    return sources.properties("EndpointSecurityGroup", NETWORK)


def network_open_to_everywhere(sources: Sources) -> None:
    _group(sources)["SecurityGroupIngress"][0]["CidrIp"] = "0.0.0.0/0"


def group_lets_everything_out(sources: Sources) -> None:
    sources.properties("JobSecurityGroup", NETWORK).pop("SecurityGroupEgress")


def network_has_a_way_out(sources: Sources) -> None:
    sources.add("Gateway", "AWS::EC2::InternetGateway", {}, NETWORK)
    attachment = {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}}
    sources.add("GatewayAttachment", "AWS::EC2::VPCGatewayAttachment", attachment, NETWORK)


def endpoint_for_everything(sources: Sources) -> None:
    sources.properties("S3Endpoint", NETWORK)["PolicyDocument"]["Statement"] = [
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    ]


def endpoint_with_awss_policy(sources: Sources) -> None:
    sources.properties("BedrockRuntimeEndpoint", ENDPOINTS).pop("PolicyDocument")


def endpoint_that_reads_only(sources: Sources) -> None:
    for statement in sources.properties("S3Endpoint", NETWORK)["PolicyDocument"]["Statement"]:
        if "s3:PutObject" in statement.get("Action", []):
            statement["Action"].remove("s3:PutObject")


def everybody_shut_out_of_the_network(sources: Sources) -> None:
    for statement in sources.policy_of("AWS::S3::BucketPolicy", "DataBucket"):
        if "aws:SourceVpc" in repr(statement):
            statement["Fn::If"][1]["Condition"].pop("ArnEquals")


DEFECTS = (
    public_access_flag_off,
    public_access_block_missing,
    bucket_not_versioned,
    bucket_with_s3s_own_encryption,
    bucket_key_off,
    bucket_speaks_without_tls,
    log_bucket_speaks_without_tls,
    everybody_reads_the_bucket,
    objects_under_any_key,
    bucket_goes_with_the_stack,
    bucket_of_a_failed_stack_stays,
    bucket_left_without_its_policy,
    output_of_jobs_refused,
    key_goes_with_its_replacement,
    everything_expires,
    nobody_logs_access,
    table_not_recoverable,
    table_under_awss_key,
    topic_not_encrypted,
    topic_under_awss_key,
    queue_not_encrypted,
    queue_speaks_without_tls,
    log_under_no_key,
    log_for_ever,
    key_never_turned,
    key_for_everybody,
    key_by_any_service,
    key_administered_with_every_right,
    key_may_be_deleted,
    key_gone_in_a_week,
    log_without_its_key,
    network_open_to_everywhere,
    group_lets_everything_out,
    network_has_a_way_out,
    endpoint_for_everything,
    endpoint_with_awss_policy,
    endpoint_that_reads_only,
    everybody_shut_out_of_the_network,
)
