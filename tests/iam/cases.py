"""Generated policies and requests, for two evaluators to agree on.

Left out is where the other evaluator is known to differ from AWS's text, not from ours: it compares ARN conditions as
one text, so a wildcard stands in their last part only; it turns the list of a key with several values to text unless a
set operator asks for it; and it fills in some global keys itself, an empty aws:TagKeys among them.
"""

from __future__ import annotations

import random
from typing import Any

ACCOUNT = "111122223333"
ACTIONS = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey"]
ACTIONS += ["lambda:InvokeFunction", "bedrock:TagResource", "ec2:CreateNetworkInterface"]
PATTERNS = ["s3:*", "s3:Get*", "S3:getobject", "kms:Generate*", "*", "kms:Decryp?", "lambda:Invoke*"]
RESOURCES = [
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/runs/a/output/x",
    "arn:aws:s3:::data/runs/a/dataset/train.jsonl",
    "arn:aws:s3:::data/inbox/a.jsonl",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:grader",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:grader:7",
    f"arn:aws:kms:us-east-1:{ACCOUNT}:key/one",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/m",
]
RESOURCE_PATTERNS = [
    "*",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data/runs/*/output/*",
    "arn:aws:s3:::data/RUNS/*",
    "arn:aws:s3:::data/inbox/?.jsonl",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:grader:*",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:grade?",
    f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/*",
]
TEXTS = ["s3.us-east-1.amazonaws.com", "bedrock.us-east-1.amazonaws.com", "runs/a/x", "inbox/a", "rft", "true", "false"]
TEXT_PATTERNS = ["s3.*", "runs/*", "inbox/?", "*", "r?t", "RUNS/*"]
ARNS = [
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/j",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:g",
]
ARN_PATTERNS = [
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:*",
]
ADDRESSES, BLOCKS = ["10.0.0.7", "192.168.1.1"], ["10.0.0.0/16", "192.168.1.1/32", "0.0.0.0/0"]
NUMBERS = ["1", "1.2", "3", "10"]
ONE_VALUE = {
    "kms:ViaService": (TEXTS, TEXT_PATTERNS, ["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"]),
    "s3:prefix": (TEXTS, TEXT_PATTERNS, ["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike"]),
    "aws:SourceArn": (ARNS, ARN_PATTERNS, ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"]),
    "aws:ViaAWSService": (["true", "false"], ["True", "false"], ["Bool"]),
    "aws:VpcSourceIp": (ADDRESSES, BLOCKS, ["IpAddress", "NotIpAddress"]),
    "s3:TlsVersion": (NUMBERS, NUMBERS, ["NumericLessThan", "NumericEquals", "NumericNotEquals", "NumericGreaterThan"]),
}
SEVERAL_VALUES = {
    "ec2:TagNames": (["BedrockManaged", "Job", "Other"], ["Bedrock*", "Job", "Other"]),
    "kms:EncryptionContextKeys": (["aws:bedrock:custom-model", "aws:s3:arn"], ["aws:bedrock:*", "aws:s3:arn"]),
}
PRINCIPALS = [f"arn:aws:iam::{ACCOUNT}:role/rft/a", f"arn:aws:iam::{ACCOUNT}:role/rft/b"]
NAMED = [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": PRINCIPALS[0]}, {"AWS": ["*"]}, "*"]
NAMED += [{"Service": "bedrock.amazonaws.com"}, {"AWS": "arn:aws:iam::444455556666:root"}, {"AWS": PRINCIPALS}]


def generate(count: int, seed: int) -> list[dict[str, Any]]:
    dice = random.Random(seed)
    return [_case(dice) for _ in range(count)]


def _case(dice: random.Random) -> dict[str, Any]:
    of_resource = dice.random() < 0.3
    action, resource = dice.choice(ACTIONS), dice.choice(RESOURCES)
    given = [_statement(dice, of_resource, action, resource) for _ in range(dice.randint(1, 4))]
    context: dict[str, Any] = {key: dice.choice(one[0]) for key, one in ONE_VALUE.items() if dice.random() < 0.7}
    for key, (values, _) in SEVERAL_VALUES.items():
        if dice.random() < 0.7:
            context[key] = dice.sample(values, dice.randint(1, len(values)))
    return {
        "document": {"Version": "2012-10-17", "Statement": given},
        "action": action,
        "resource": resource,
        "principal": dice.choice(PRINCIPALS),
        "context": context,
        "is_resource_policy": of_resource,
    }


def _statement(dice: random.Random, of_resource: bool, action: str, resource: str) -> dict[str, Any]:
    """Half of them name the action, or the resource, that is asked for: else most cases would end alike."""
    statement: dict[str, Any] = {
        "Effect": "Deny" if dice.random() < 0.25 else "Allow",
        "Action": action if dice.random() < 0.5 else _some(dice, ACTIONS + PATTERNS, 4),
        "Resource": resource if dice.random() < 0.5 else _some(dice, RESOURCES + RESOURCE_PATTERNS, 4),
    }
    if of_resource:
        statement["Principal"] = dice.choice(NAMED)
    if dice.random() < 0.6:
        conditions: dict[str, dict[str, Any]] = {}
        for _ in range(dice.randint(1, 2)):
            operator, key, expected = _condition(dice)
            conditions.setdefault(operator, {})[key] = expected
        statement["Condition"] = conditions
    return statement


def _condition(dice: random.Random) -> tuple[str, str, Any]:
    kind = dice.random()
    if kind < 0.1:
        return "Null", dice.choice([*ONE_VALUE, *SEVERAL_VALUES]), dice.choice(["true", "false"])
    if kind < 0.4:
        key = dice.choice(list(SEVERAL_VALUES))
        values, patterns = SEVERAL_VALUES[key]
        operator = dice.choice(["ForAllValues:", "ForAnyValue:"])
        operator += dice.choice(["StringEquals", "StringLike", "StringNotEquals", "StringNotLike"])
        return operator + dice.choice(["", "IfExists"]), key, _some(dice, values + patterns, 3)
    key = dice.choice(list(ONE_VALUE))
    values, patterns, operators = ONE_VALUE[key]
    operator = dice.choice(operators)
    if operator == "Bool":
        return operator + dice.choice(["", "IfExists"]), key, dice.choice(patterns)
    possible = [one for one in values + patterns if "Ip" not in operator or one in BLOCKS + ADDRESSES]
    return operator + dice.choice(["", "IfExists"]), key, _some(dice, possible, 3)


def _some(dice: random.Random, of: list[str], most: int) -> Any:
    found = dice.sample(of, dice.randint(1, min(most, len(of))))
    return found[0] if len(found) == 1 and dice.random() < 0.5 else found
