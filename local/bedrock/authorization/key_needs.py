"""Which rights on a customer's key Bedrock uses in somebody's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.bedrock.authorization.checking import ContextValue, Need

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Encryption of custom models, "Key policies": who customises a model, and (Nova) who asks one.
CUSTOMISING = ("kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant")
ASKING = ("kms:Decrypt", "kms:GenerateDataKey")


def key_needs(key_arn: str, region: str, actions: Sequence[str] = CUSTOMISING) -> Iterator[Need]:
    """What Bedrock does with a customer's key in somebody's name; the key's own policy has a say as well."""
    for action in actions:
        context: dict[str, ContextValue] = {"kms:ViaService": f"bedrock.{region}.amazonaws.com"}
        if action == "kms:CreateGrant":
            context["kms:GrantIsForAWSResource"] = "true"
        elif action != "kms:DescribeKey":
            context["kms:EncryptionContextKeys"] = ["aws:bedrock:custom-model"]
        if (account := key_arn.split(":")[4]) if key_arn.count(":") >= 5 else "":
            context["kms:CallerAccount"] = account
        yield Need(action, key_arn, context)
