"""Defects that were written before the invariants were, so as to see what these catch unprepared.

They caught 20 of 20 at their first run. It says less than it seems: their author knew what the rules would be.
"""

from __future__ import annotations

from tests.template.planting.sources import Sources

ANY_OTHER_ACCOUNT = "arn:aws:iam::999999999999:root"


def queue_takes_events_of_any_rule(sources: Sources) -> None:
    for statement in sources.policy_of("AWS::SQS::QueuePolicy", "UndeliveredEvents"):
        if statement["Effect"] == "Allow":
            statement.pop("Condition")


def machine_may_invoke_any_function(sources: Sources) -> None:
    sources.statement("StateMachineRole", "lambda:InvokeFunction")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"
    }


def rule_grader_reads_the_data(sources: Sources) -> None:
    sources.grant("FormatValidationGraderRole", "s3:GetObject", {"Fn::Sub": "${DataBucket.Arn}/*"})


def all_actions_but_one(sources: Sources) -> None:
    policies = sources.properties("ApiFunctionRole")["Policies"]
    policies[0]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": {"Fn::GetAtt": ["DataBucket", "Arn"]}}
    )


def another_account_may_assume_a_role(sources: Sources) -> None:
    trust = sources.properties("NotifyRole")["AssumeRolePolicyDocument"]["Statement"]
    trust[0]["Principal"] = {"Service": "lambda.amazonaws.com", "AWS": ANY_OTHER_ACCOUNT}


def everyone_may_use_the_layer(sources: Sources) -> None:
    sources.add(
        "LibraryForEveryone",
        "AWS::Lambda::LayerVersionPermission",
        {"LayerVersionArn": {"Ref": "LibraryLayer"}, "Action": "lambda:GetLayerVersion", "Principal": "*"},
    )


def job_events_from_anyone(sources: Sources) -> None:
    sources.properties("AwaitJob")["Events"]["JobEvent"]["Properties"]["Pattern"].pop("source")


def uploads_into_any_bucket(sources: Sources) -> None:
    sources.properties("StartRun")["Events"]["Upload"]["Properties"]["Pattern"]["detail"].pop("bucket")


def trust_holds_where_the_source_is_missing(sources: Sources) -> None:
    condition = sources.properties("BedrockRole")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    condition["StringEqualsIfExists"] = condition.pop("StringEquals")


def _tls_deny(sources: Sources) -> dict[str, object]:
    found: dict[str, object] = next(
        s
        for s in sources.policy_of("AWS::S3::BucketPolicy", "DataBucket")
        if "aws:SecureTransport" in repr(s.get("Condition"))
    )
    return found


def tls_asked_for_one_action_only(sources: Sources) -> None:
    _tls_deny(sources)["Action"] = "s3:GetObject"


def tls_refused_in_place_of_its_lack(sources: Sources) -> None:
    _tls_deny(sources)["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}


def tls_asked_of_the_objects_only(sources: Sources) -> None:
    _tls_deny(sources)["Resource"] = {"Fn::Sub": "${DataBucket.Arn}/*"}


def everyone_may_send_to_the_bus(sources: Sources) -> None:
    sources.add(
        "OpenBus",
        "AWS::Events::EventBusPolicy",
        {
            "StatementId": "everyone",
            "Statement": {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": {
                    "Fn::Sub": "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"
                },
            },
        },
    )


def a_user_with_an_access_key(sources: Sources) -> None:
    sources.add("Helper", "AWS::IAM::User", {})
    sources.add("HelperKey", "AWS::IAM::AccessKey", {"UserName": {"Ref": "Helper"}})


def any_web_page_may_read_the_bucket(sources: Sources) -> None:
    sources.properties("DataBucket")["CorsConfiguration"] = {
        "CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"]}]
    }


def pass_any_role(sources: Sources) -> None:
    sources.statement("SubmitJobRole", "iam:PassRole")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"
    }


def any_api_may_invoke_a_function(sources: Sources) -> None:
    sources.add(
        "AnyApi",
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "CheckGrader"},
            "Principal": "apigateway.amazonaws.com",
        },
    )


def everyone_may_subscribe_over_tls(sources: Sources) -> None:
    sources.add(
        "OpenTopic",
        "AWS::SNS::TopicPolicy",
        {
            "Topics": [{"Ref": "Topic"}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "*"},
                        "Action": "sns:Subscribe",
                        "Resource": {"Ref": "Topic"},
                        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                    }
                ],
            },
        },
    )


def decrypt_by_any_service(sources: Sources) -> None:
    sources.grant(
        "PublishReportRole",
        "kms:Decrypt",
        {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"},
        {"StringLike": {"kms:ViaService": "*"}},
    )


def tag_condition_that_no_tag_satisfies_too(sources: Sources) -> None:
    """ForAllValues holds of nothing: a request without the tag passes."""
    statement = sources.statement("CloseRunRole", "bedrock:DeleteCustomModelDeployment")
    statement["Condition"] = {"ForAllValues:StringEquals": {"aws:ResourceTag/rft:stack": {"Ref": "AWS::StackName"}}}


HELD_OUT = (
    queue_takes_events_of_any_rule,
    machine_may_invoke_any_function,
    rule_grader_reads_the_data,
    all_actions_but_one,
    another_account_may_assume_a_role,
    everyone_may_use_the_layer,
    job_events_from_anyone,
    uploads_into_any_bucket,
    trust_holds_where_the_source_is_missing,
    tls_asked_for_one_action_only,
    tls_refused_in_place_of_its_lack,
    tls_asked_of_the_objects_only,
    everyone_may_send_to_the_bus,
    a_user_with_an_access_key,
    any_web_page_may_read_the_bucket,
    pass_any_role,
    any_api_may_invoke_a_function,
    everyone_may_subscribe_over_tls,
    decrypt_by_any_service,
    tag_condition_that_no_tag_satisfies_too,
)
