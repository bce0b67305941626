"""What CloudFormation calls, in the name of whoever deploys, to make, change and remove a stack's resources.

The actions of each type are those that the handlers of CloudFormation's own registry declare (schemas as of 2026-08),
without those of properties that no template here sets. A type that isn't in the table is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.iam.cloudformation import Stack
from tests.iam.matching import Context
from tests.template.as_deployed import BOUNDARY, Made, Needed

Handler = Callable[[Made], Iterator[Needed]]
CLOUDFORMATION = "cloudformation.amazonaws.com"


def calls(stack: Stack, root: str = "") -> Iterator[tuple[str, Needed]]:
    """Every call for every resource of a stack and of those that are nested in it, each with the resource's name."""
    for logical, resource in stack.template["Resources"].items():
        if not stack.exists(logical):
            continue
        kind = resource["Type"]
        if kind not in HANDLERS:
            raise LookupError(f"{logical}: nothing is known of what it takes to deploy {kind}")
        made = Made(stack, logical, stack.properties(logical), root or stack.deployment.stack)
        for needed in HANDLERS[kind](made):
            # In the deployer's own name a call says through whom it comes; a service role's calls do not.
            yield logical, replace(needed, context={"aws:CalledVia": (CLOUDFORMATION,), **needed.context})
    for _, nested in stack.every_nested():
        yield from calls(nested, root or stack.deployment.stack)


def _on(service: str, *names: str) -> Callable[[Callable[[Made], str | tuple[str, ...]]], Handler]:
    """A handler whose actions are all authorised on the same resources."""

    def handler(arns: Callable[[Made], str | tuple[str, ...]]) -> Handler:
        def needed(made: Made) -> Iterator[Needed]:
            found = arns(made)
            for name in names:
                yield Needed(f"{service}:{name}", (found,) if isinstance(found, str) else found)

        return needed

    return handler


def _role(made: Made) -> Iterator[Needed]:
    arn = made.arn("iam", f"role{made.properties.get('Path', '/')}{made.name}", region=False)
    bound = {"iam:PermissionsBoundary": BOUNDARY}
    for name in ("CreateRole", "PutRolePolicy", "DeleteRolePolicy", "PutRolePermissionsBoundary"):
        yield Needed(f"iam:{name}", (arn,), bound)
    for policy in made.properties.get("ManagedPolicyArns", []):
        for name in ("AttachRolePolicy", "DetachRolePolicy"):
            yield Needed(f"iam:{name}", (arn,), {**bound, "iam:PolicyARN": policy})
    for name in ("GetRole", "GetRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies", "TagRole", "UntagRole"):
        yield Needed(f"iam:{name}", (arn,))
    for name in ("UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription", "DeleteRole"):
        yield Needed(f"iam:{name}", (arn,))


def _managed_policy(made: Made) -> Iterator[Needed]:
    path = made.properties.get("Path", "/")
    arn = made.arn("iam", f"policy{path}{made.name}", region=False)
    for name in ("CreatePolicy", "CreatePolicyVersion", "DeletePolicyVersion", "DeletePolicy"):
        yield Needed(f"iam:{name}", (arn,))
    for name in ("GetPolicy", "GetPolicyVersion", "ListPolicyVersions", "ListEntitiesForPolicy"):
        yield Needed(f"iam:{name}", (arn,))


def _passed(made: Made, role: str, service: str) -> Needed:
    return Needed("iam:PassRole", (role,), {"iam:PassedToService": service})


def _function(made: Made) -> Iterator[Needed]:
    arn = made.arn("lambda", f"function:{made.properties['FunctionName']}")
    for name in (
        *("CreateFunction", "GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionRecursionConfig"),
        *("GetFunctionScalingConfig", "GetRuntimeManagementConfig", "PutFunctionConcurrency", "TagResource"),
        *("DeleteFunctionConcurrency", "PublishVersion", "UntagResource", "UpdateFunctionCode"),
        *("UpdateFunctionConfiguration", "DeleteFunction"),
    ):
        yield Needed(f"lambda:{name}", (arn,))
    yield Needed("s3:GetObject", ("arn:aws:s3:::rft-artifacts/0123456789abcdef",))
    yield _passed(made, made.properties["Role"], "lambda.amazonaws.com")
    if "VpcConfig" in made.properties:
        for name in ("Vpcs", "Subnets", "SecurityGroups", "NetworkInterfaces"):
            yield Needed(f"ec2:Describe{name}", ("*",))


def _version(made: Made) -> Iterator[Needed]:
    arn = made.arn("lambda", f"function:{made.properties['FunctionName']}")
    for name in ("PublishVersion", "ListVersionsByFunction"):
        yield Needed(f"lambda:{name}", (arn,))
    for name in ("GetFunctionConfiguration", "GetProvisionedConcurrencyConfig", "DeleteFunction"):
        yield Needed(f"lambda:{name}", (f"{arn}:1",))


def _alias(made: Made) -> Iterator[Needed]:
    arn = made.arn("lambda", f"function:{made.properties['FunctionName']}")
    for name in ("CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias"):
        yield Needed(f"lambda:{name}", (arn,))
    yield Needed("lambda:GetProvisionedConcurrencyConfig", (f"{arn}:{made.properties['Name']}",))


def _layer(made: Made) -> Iterator[Needed]:
    arn = made.arn("lambda", f"layer:{made.properties['LayerName']}")
    yield Needed("lambda:PublishLayerVersion", (arn,))
    for name in ("GetLayerVersion", "DeleteLayerVersion"):
        yield Needed(f"lambda:{name}", (f"{arn}:1",))
    yield Needed("s3:GetObject", ("arn:aws:s3:::rft-artifacts/0123456789abcdef",))


def _log_group(made: Made) -> Iterator[Needed]:
    arn = made.arn("logs", f"log-group:{made.properties['LogGroupName']}")
    for name in ("CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", "AssociateKmsKey", "DisassociateKmsKey"):
        yield Needed(f"logs:{name}", (f"{arn}:*",))
    for name in ("DeleteRetentionPolicy", "GetDataProtectionPolicy"):
        yield Needed(f"logs:{name}", (f"{arn}:*",))
    # CloudWatch Logs names the group without the star where its tags are concerned.
    for name in ("TagResource", "UntagResource", "ListTagsForResource"):
        yield Needed(f"logs:{name}", (arn,))
    for name in ("DescribeLogGroups", "DescribeIndexPolicies"):
        yield Needed(f"logs:{name}", ("*",))


def _key(made: Made) -> Iterator[Needed]:
    arn = made.arn("kms", "key/0f1e2d3c-0000-4000-8000-000000000000")
    asked, tagged = {"aws:RequestTag/rft:stack": made.root}, {"aws:ResourceTag/rft:stack": made.root}
    assert {"Key": "rft:stack", "Value": made.root} in made.properties["Tags"], (
        "deploy-keys.json knows a key by its tag"
    )
    yield Needed("kms:CreateKey", ("*",), asked)
    yield Needed("kms:TagResource", (arn,), asked)
    for name in (
        *("DescribeKey", "GetKeyPolicy", "PutKeyPolicy", "GetKeyRotationStatus", "EnableKeyRotation", "EnableKey"),
        *("UpdateKeyDescription", "ListResourceTags", "TagResource", "UntagResource"),
    ):
        yield Needed(f"kms:{name}", (arn,), tagged)


def _key_alias(made: Made) -> Iterator[Needed]:
    key = made.arn("kms", "key/0f1e2d3c-0000-4000-8000-000000000000")
    alias = made.arn("kms", str(made.properties["AliasName"]))
    tagged = {"aws:ResourceTag/rft:stack": made.root}
    for name in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        yield Needed(f"kms:{name}", (alias,))
        yield Needed(f"kms:{name}", (key,), tagged)
    yield Needed("kms:ListAliases", ("*",))


def _table(made: Made) -> Iterator[Needed]:
    arn = made.arn("dynamodb", f"table/{made.name}")
    for name in (
        *("CreateTable", "DescribeTable", "UpdateTable", "DeleteTable", "TagResource", "UntagResource"),
        *("ListTagsOfResource", "DescribeContinuousBackups", "UpdateContinuousBackups", "DescribeTimeToLive"),
        *("UpdateTimeToLive", "DescribeContributorInsights", "DescribeKinesisStreamingDestination"),
        *("GetResourcePolicy",),
    ):
        yield Needed(f"dynamodb:{name}", (arn,))
    key = made.arn("kms", "key/0f1e2d3c-0000-4000-8000-000000000000")
    via: Context = {
        "kms:ViaService": f"dynamodb.{made.region}.amazonaws.com",
        "aws:CalledVia": (CLOUDFORMATION, "dynamodb.amazonaws.com"),
    }
    for name in ("DescribeKey", "Decrypt", "Encrypt"):
        yield Needed(f"kms:{name}", (key,), via)
    yield Needed("kms:CreateGrant", (key,), {**via, "kms:GrantIsForAWSResource": "true"})


def _bucket(made: Made) -> Iterator[Needed]:
    names = ["CreateBucket", "DeleteBucket", "ListBucket"]
    for what in ("Versioning", "Notification", "OwnershipControls", "PublicAccessBlock", "Tagging", "Logging"):
        names += [f"PutBucket{what}", f"GetBucket{what}"]
    for what in ("Encryption", "Lifecycle"):
        names += [f"Put{what}Configuration", f"Get{what}Configuration"]
    names += ["TagResource", "UntagResource", "ListTagsForResource"]
    for name in names:
        yield Needed(f"s3:{name}", (f"arn:aws:s3:::{made.name}",))


def _bucket_policy(made: Made) -> Iterator[Needed]:
    for name in ("PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"):
        yield Needed(f"s3:{name}", (f"arn:aws:s3:::{made.properties['Bucket']}",))


def _state_machine(made: Made) -> Iterator[Needed]:
    arn = made.arn("states", f"stateMachine:{made.properties['StateMachineName']}")
    for name in ("CreateStateMachine", "DescribeStateMachine", "UpdateStateMachine", "DeleteStateMachine"):
        yield Needed(f"states:{name}", (arn,))
    for name in ("TagResource", "UntagResource", "ListTagsForResource"):
        yield Needed(f"states:{name}", (arn,))
    yield Needed("s3:GetObject", ("arn:aws:s3:::rft-artifacts/0123456789abcdef",))
    yield _passed(made, made.properties["RoleArn"], "states.amazonaws.com")


def _web_acl(made: Made) -> Iterator[Needed]:
    stage = made.arn("apigateway", "/restapis/0123456789/stages/v1", account=False)
    yield Needed("apigateway:SetWebACL", (stage,))
    yield Needed("wafv2:AssociateWebACL", (stage, made.properties["WebACLArn"]))
    for name in ("DisassociateWebACL", "GetWebACLForResource"):
        yield Needed(f"wafv2:{name}", (stage,))
    yield Needed("wafv2:GetWebACL", (made.properties["WebACLArn"],))


def _alarm(made: Made) -> Iterator[Needed]:
    arn = made.arn("cloudwatch", f"alarm:{made.properties['AlarmName']}")
    for name in ("PutMetricAlarm", "DeleteAlarms", "TagResource", "UntagResource", "ListTagsForResource"):
        yield Needed(f"cloudwatch:{name}", (arn,))
    yield Needed("cloudwatch:DescribeAlarms", (made.arn("cloudwatch", "alarm:*"),))


def _stack(made: Made) -> Iterator[Needed]:
    arn = made.stack.physical(made.logical)
    for name in ("CreateStack", "DescribeStacks", "UpdateStack", "DeleteStack", "GetTemplate", "GetStackPolicy"):
        yield Needed(f"cloudformation:{name}", (arn,))
    yield Needed("s3:GetObject", ("arn:aws:s3:::rft-artifacts/0123456789abcdef",))


def _nothing(_: Made) -> Iterator[Needed]:
    yield from ()


def _ec2(kind: str, new: str, inside: tuple[str, ...], *names: str, describes: tuple[str, ...]) -> Handler:
    """A resource of EC2 that carries the stack's tag: made, inside of others that do; then changed and removed."""

    def handler(made: Made) -> Iterator[Needed]:
        arn = made.arn("ec2", f"{kind}/{made.logical.lower()}-0a1b2c")
        tag = {"aws:RequestTag/rft:stack": made.root}
        assert {"Key": "rft:stack", "Value": made.root} in made.properties["Tags"], (
            "deploy-network.json goes by the tag"
        )
        owned = {"aws:ResourceTag/rft:stack": made.root}
        yield Needed(f"ec2:Create{new}", (arn,), tag)
        for other in inside:
            yield Needed(f"ec2:Create{new}", (made.arn("ec2", f"{other}/other-0a1b2c"),), owned)
        yield Needed("ec2:CreateTags", (arn,), {**tag, "ec2:CreateAction": f"Create{new}"})
        for name in (*names, "CreateTags", "DeleteTags"):
            yield Needed(f"ec2:{name}", (arn,), owned)
        for name in describes:
            yield Needed(f"ec2:Describe{name}", ("*",))

    return handler


def _flow_log(made: Made) -> Iterator[Needed]:
    yield from _ec2("vpc-flow-log", "FlowLogs", ("vpc",), "DeleteFlowLogs", describes=("FlowLogs",))(made)
    yield _passed(made, made.properties["DeliverLogsPermissionArn"], "vpc-flow-logs.amazonaws.com")


def _association(made: Made) -> Iterator[Needed]:
    owned = {"aws:ResourceTag/rft:stack": made.root}
    for kind in ("subnet", "route-table"):
        for name in ("AssociateRouteTable", "DisassociateRouteTable"):
            yield Needed(f"ec2:{name}", (made.arn("ec2", f"{kind}/one-0a1b2c"),), owned)
    for name in ("RouteTables", "Subnets"):
        yield Needed(f"ec2:Describe{name}", ("*",))


def _new_rule(made: Made, direction: str) -> Needed:
    return Needed(f"ec2:AuthorizeSecurityGroup{direction}", (made.arn("ec2", "security-group-rule/sgr-0a1b2c"),))


def _security_group(made: Made) -> Iterator[Needed]:
    verbs = ("Authorize", "Revoke")
    names = [f"{verb}SecurityGroup{direction}" for verb in verbs for direction in ("Ingress", "Egress")]
    names += [f"UpdateSecurityGroupRuleDescriptions{direction}" for direction in ("Ingress", "Egress")]
    of_ec2 = _ec2(
        "security-group", "SecurityGroup", ("vpc",), "DeleteSecurityGroup", *names, describes=("SecurityGroups",)
    )
    yield from of_ec2(made)
    yield from (_new_rule(made, direction) for direction in ("Ingress", "Egress"))


HANDLERS: dict[str, Handler] = {
    "AWS::ApiGateway::Deployment": _on("apigateway", "GET", "POST", "PUT", "PATCH", "DELETE")(
        lambda made: made.arn("apigateway", "/restapis/0123456789/deployments/abcdef", account=False)
    ),
    "AWS::ApiGateway::RestApi": _on("apigateway", "GET", "POST", "PUT", "PATCH", "DELETE", "UpdateRestApiPolicy")(
        lambda made: made.arn("apigateway", "/restapis/0123456789", account=False)
    ),
    "AWS::ApiGateway::Stage": _on("apigateway", "GET", "POST", "PUT", "PATCH", "DELETE")(
        lambda made: made.arn("apigateway", "/restapis/0123456789/stages/v1", account=False)
    ),
    "AWS::CloudFormation::Stack": _stack,
    "AWS::CloudFormation::WaitConditionHandle": _nothing,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _on(
        *("cloudwatch", "PutDashboard", "GetDashboard", "DeleteDashboards"),
        *("TagResource", "UntagResource", "ListTagsForResource"),
    )(lambda made: made.arn("cloudwatch", f"dashboard/{made.properties['DashboardName']}", region=False)),
    "AWS::DynamoDB::Table": _table,
    "AWS::EC2::FlowLog": _flow_log,
    "AWS::EC2::RouteTable": _ec2("route-table", "RouteTable", ("vpc",), "DeleteRouteTable", describes=("RouteTables",)),
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::Subnet": _ec2(
        *("subnet", "Subnet", ("vpc",), "ModifySubnetAttribute", "DeleteSubnet"),
        describes=("Subnets", "NetworkAcls", "AvailabilityZones"),  # the last for Fn::GetAZs
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _association,
    "AWS::EC2::VPC": _ec2(
        *("vpc", "Vpc", (), "ModifyVpcAttribute", "DeleteVpc"),
        describes=("Vpcs", "VpcAttribute", "NetworkAcls", "SecurityGroups"),
    ),
    "AWS::EC2::VPCEndpoint": _ec2(
        *("vpc-endpoint", "VpcEndpoint", ("vpc", "route-table", "subnet", "security-group")),
        *("ModifyVpcEndpoint", "DeleteVpcEndpoints"),
        describes=("VpcEndpoints", "Vpcs", "Subnets", "SecurityGroups"),
    ),
    "AWS::Events::Rule": _on(
        *("events", "PutRule", "DeleteRule", "DescribeRule", "PutTargets", "RemoveTargets", "ListTargetsByRule"),
        *("TagResource", "UntagResource", "ListTagsForResource"),
    )(lambda made: made.arn("events", f"rule/{made.name}")),
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Alias": _key_alias,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Permission": _on("lambda", "AddPermission", "RemovePermission", "GetPolicy")(
        lambda made: made.arn("lambda", f"function:{made.properties['FunctionName'].rpartition(':')[2]}")
    ),
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Subscription": _on(
        "sns", "Subscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe"
    )(lambda made: made.properties["TopicArn"]),
    "AWS::SNS::Topic": _on(
        *("sns", "CreateTopic", "DeleteTopic", "GetTopicAttributes", "SetTopicAttributes", "GetDataProtectionPolicy"),
        *("ListSubscriptionsByTopic", "TagResource", "UntagResource", "ListTagsForResource"),
    )(lambda made: made.arn("sns", made.name)),
    "AWS::SNS::TopicPolicy": _on("sns", "SetTopicAttributes")(lambda made: tuple(made.properties["Topics"])),
    "AWS::SQS::Queue": _on(
        *("sqs", "CreateQueue", "DeleteQueue", "GetQueueUrl", "GetQueueAttributes", "SetQueueAttributes"),
        *("TagQueue", "UntagQueue", "ListQueueTags"),
    )(lambda made: made.arn("sqs", made.name)),
    "AWS::SQS::QueuePolicy": _on("sqs", "SetQueueAttributes")(
        lambda made: tuple(made.arn("sqs", url.rpartition("/")[2]) for url in made.properties["Queues"])
    ),
    "AWS::StepFunctions::StateMachine": _state_machine,
    "AWS::WAFv2::WebACLAssociation": _web_acl,
}
