"""The forms in which the application is deployed: together they turn every condition of the templates both ways."""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT = "111122223333"
_MODEL = "foundation-model/amazon.nova-2-lite-v1:0"

DEFAULTS: dict[str, str] = {}
EVERYTHING = {
    "NetworkMode": "create",
    "FunctionsInVpc": "true",
    "ZoneNames": "us-east-1a,us-east-1c,us-east-1d",
    "NotificationEmail": "runs@example.com",
    "NotifyOnStart": "true",
    "GraderArns": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:their-grader:7",
    "JudgeInferenceProfileArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.anthropic.judge-v1:0",
    "JudgeProfileModelArns": f"arn:aws:bedrock:us-east-1::{_MODEL},arn:aws:bedrock:us-west-2::{_MODEL}",
    "InvocationLogBucket": "logs-of-the-account",
    "InvocationLogKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a0a0a0a-logs",
    "KeyDeleterArn": f"arn:aws:iam::{ACCOUNT}:role/break-glass",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "ApiAccessLogs": "set-account-role",
    "ApiAllowedIpRanges": "192.0.2.0/24,2001:db8::/32",
    "ApiCallerArns": "arn:aws:iam::444455556666:role/caller",
    "WebAclArn": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/rft/0b0b0b0b",
    "Tenants": f"*=arn:aws:sts::{ACCOUNT}:assumed-role/admin/*,blue=arn:aws:sts::{ACCOUNT}:assumed-role/blue/*",
}
YOURS = {
    "NetworkMode": "existing",
    "VpcId": "vpc-0a1b2c3d",
    "SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d",
    "SecurityGroupIds": "sg-0a1b2c3d",
    "DataKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0c0c0c0c-data",
    "MessageKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0d0d0d0d-messages",
}
LEAST = {"Observability": "false", "ApiAccessLogs": "off", "BaseInferenceProfile": ""}
STAND_IN = {"BedrockEventSource": "local.bedrock", "NetworkMode": "create"}

MODES: dict[str, dict[str, str]] = {
    "defaults": DEFAULTS,
    "everything": EVERYTHING,
    "yours": YOURS,
    "yours-with-functions-inside": {**YOURS, "FunctionsInVpc": "true"},
    "least": LEAST,
    "stand-in": STAND_IN,
}


@dataclass(frozen=True)
class OwnStack:
    """A template that is deployed by itself. ``without``: rules that don't hold of it, for the reason beside them."""

    stack: str
    parameters: dict[str, str]
    without: frozenset[str] = frozenset()


_GRADER = {
    "LogKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0c0c0c0c-data",
    "PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
}
# What a grader of code runs is a model's: it may write its log and nothing else, not even a trace.
_NO_TRACES = frozenset({"functions-traced"})

OWN_STACKS = {
    "code_tests.yaml": OwnStack("rft-code-tests", _GRADER, _NO_TRACES),
    "symbolic_math.yaml": OwnStack("rft-symbolic-math", _GRADER, _NO_TRACES),
    "private_inference.yaml": OwnStack(
        "rft-inference",
        {
            "RftStack": "rft",
            "VpcId": "vpc-0a1b2c3d",
            "SubnetIds": "subnet-0a1b2c3d,subnet-1a2b3c4d",
            "ClientSecurityGroupId": "sg-0a1b2c3d",
            "ClientPrincipalArns": f"arn:aws:iam::{ACCOUNT}:role/client",
        },
    ),
}
