"""The KMS keys: who may use them, by which service, and that nobody can end them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.iam import evaluator
from tests.template.invariants.deployed import Deployed, Finding, Resource, Statement, as_list

# What reads or writes data under a key, or hands that on.
CRYPTOGRAPHIC = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateDataKeyPair",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:CreateGrant",
)
ENDING = {"kms:ScheduleKeyDeletion", "kms:DisableKey"}


def _statements(key: Resource) -> list[Statement]:
    return [Statement(key.name, one) for one in as_list(key.properties.get("KeyPolicy", {}).get("Statement", []))]


def cryptographic(actions: list[str]) -> bool:
    """Whether one of the actions, wildcards in it read as IAM reads them, uses a key."""
    return any(
        action in CRYPTOGRAPHIC
        or ("*" in action and any(known.startswith(action.split("*")[0]) for known in CRYPTOGRAPHIC))
        for action in actions
    )


def keys_turn(deployed: Deployed) -> Iterator[Finding]:
    for key in deployed.of_type("AWS::KMS::Key"):
        if key.properties.get("EnableKeyRotation") is not True:
            yield Finding("keys-turn", key.name, "its material is never changed")
        if key.properties.get("PendingWindowInDays", 30) != 30:
            yield Finding("keys-turn", key.name, "less than 30 days to notice a deletion")
        if key.properties.get("Enabled", True) is not True:
            yield Finding("keys-turn", key.name, "disabled")
        if key.properties.get("BypassPolicyLockoutSafetyCheck"):
            yield Finding("keys-turn", key.name, "it may lock its account out")


def key_policies(deployed: Deployed) -> Iterator[Finding]:
    """No `kms:*`; whoever uses the key is asked by which service, or for what."""
    for key in deployed.of_type("AWS::KMS::Key"):
        for statement in _statements(key):
            if not statement.allows:
                continue
            if any(action in ("*", "kms:*") for action in statement.actions):
                yield Finding("key-policies", key.name, "kms:* holds every right there is")
            for kind, who in statement.principals:
                if who == "*" or (kind == "AWS" and f":{deployed.account}:" not in who):
                    yield Finding("key-policies", key.name, f"{who} is not of this account")
            if cryptographic(statement.actions) and not _narrowed(statement):
                yield Finding(
                    "key-policies", key.name, f"{statement.actions}: neither kms:ViaService nor an encryption context"
                )
            if "kms:CreateGrant" in statement.actions and not _grants_for_services(deployed, statement):
                yield Finding("key-policies", key.name, "grants may be made for others than AWS's services")


def _narrowed(statement: Statement) -> bool:
    services = statement.demands("kms:ViaService", "StringEquals", "StringLike")
    if services:
        return all("*" not in service and "?" not in service for service in services)
    if any(
        name.startswith("kms:encryptioncontext:")
        and operator in ("StringEquals", "ArnEquals", "ArnLike", "StringLike")
        # The value says which table, log group or model: not any.
        and all(value not in ("*", "") for value in values)
        for operator, name, values in statement.conditions
    ):
        return True
    return any(
        operator == "ForAnyValue:StringEquals" and name == "kms:encryptioncontextkeys"
        for operator, name, _ in statement.conditions
    )


def _grants_for_services(deployed: Deployed, statement: Statement) -> bool:
    """Grants are for AWS's services only, or made by the stack's own roles, as AWS's example for Bedrock has it."""
    for_services = [
        str(value).lower()
        for operator, name, values in statement.conditions
        if operator == "Bool" and name == "kms:grantisforawsresource"
        for value in values
    ]
    of = f"arn:aws:iam::{deployed.account}:role/{deployed.name}/"
    makers = statement.demands("aws:PrincipalArn", "ArnLike", "ArnEquals")
    return for_services == ["true"] or (bool(makers) and all(str(maker).startswith(of) for maker in makers))


def keys_stay(deployed: Deployed) -> Iterator[Finding]:
    """Nobody but the one who was named may schedule the deletion of a key, or disable it."""
    deleter = deployed.stack.deployment.parameters.get("KeyDeleterArn", "")
    for key in deployed.of_type("AWS::KMS::Key"):
        denied: set[str] = set()
        for statement in _statements(key):
            if statement.allows and ENDING & set(statement.actions) and not deleter:
                yield Finding("keys-stay", key.name, f"{sorted(ENDING & set(statement.actions))} is allowed")
            if statement.allows or statement.principals != [("AWS", "*")]:
                continue
            exempt = [
                value
                for operator, name, values in statement.conditions
                if operator in ("ArnNotEquals", "ArnNotLike", "StringNotEquals") and name == "aws:principalarn"
                for value in values
            ]
            if len(statement.conditions) == len(exempt) and exempt in ([], [deleter]):
                denied |= ENDING & set(statement.actions)
        if denied != ENDING:
            yield Finding("keys-stay", key.name, f"{sorted(ENDING - denied)} is not denied")


def log_groups_have_their_key(deployed: Deployed) -> Iterator[Finding]:
    """CloudWatch Logs may use a key for the groups that its policy names: each group here is among them."""
    of = deployed.stack.deployment
    service = f"logs.{of.region}.{of.url_suffix}"
    policies = {
        f"arn:{of.partition}:kms:{of.region}:{of.account}:key/{key.physical}": key.properties["KeyPolicy"]
        for key in deployed.of_type("AWS::KMS::Key")
    }
    for group in deployed.of_type("AWS::Logs::LogGroup"):
        policy = policies.get(str(group.properties.get("KmsKeyId")))
        if policy is None:
            continue  # a key that was given, whose policy is its owner's
        arn = f"arn:{of.partition}:logs:{of.region}:{of.account}:log-group:{group.physical}"
        context = {"kms:EncryptionContext:aws:logs:arn": (arn,)}
        request = evaluator.Request("kms:GenerateDataKey", "*", service, context)
        if evaluator.decide(evaluator.statements(policy), request) is not evaluator.Decision.ALLOW:
            yield Finding("log-groups-have-their-key", group.name, "the key's policy does not let it be encrypted")


RULES = (keys_turn, key_policies, keys_stay, log_groups_have_their_key)
