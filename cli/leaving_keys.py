"""The KMS keys that a stack made, and what still needs one: what it encrypts is lost with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from cli.leaving_account import Account
from cli.leaving_stack import Resources, keys_named_by
from cli.leaving_things import STACK_TAG, Kind, NotYet, Plain, Stays, Thing
from rft.aws.clients import error_code

_SCHEDULE = "kms:ScheduleKeyDeletion"
_WINDOW_DAYS = 30
_LOGICAL_IDS = ("DataKey", "MessageKey")  # of stacks/keys.yaml


class Needs:
    """Why a key has to stay, if it has to. ``kinds`` are all that may be encrypted with one, or may lead to what is."""

    def __init__(self, account: Account, kinds: Sequence[Kind]) -> None:
        self._account, self._kinds = account, kinds

    def __call__(self, key: str) -> str | None:
        for kind in self._kinds:
            for thing in kind.find():
                if self._may_need(thing, key):
                    return f"a {thing.kind} that could not be removed is encrypted with it: {thing.name}"
            if unseen := kind.unseen():
                return f"it may encrypt the {unseen[0].kind} {unseen[0].name}, which can't be looked at"
        for group in self._account.pages("logs", "describe_log_groups", "logGroups"):
            if _is_key(group.get("kmsKeyId"), key):
                return f"the log group {group['logGroupName']} is encrypted with it"
        for stack in self._account.pages("cloudformation", "describe_stacks", "Stacks"):
            if key in keys_named_by(stack):
                return f"a parameter of the stack {stack['StackName']} names it"
        return None

    def _may_need(self, thing: Thing, key: str) -> bool:
        match thing.kind:
            case "custom model" | "provisioned throughput":
                return True
            case "bucket":
                return self._bucket_needs(thing.id)
            case "table":
                table = self._account.client("dynamodb").describe_table(TableName=thing.id)["Table"]
                return _is_key(table.get("SSEDescription", {}).get("KMSMasterKeyArn"), key)
        return False

    def _bucket_needs(self, bucket: str) -> bool:
        """Whichever key it takes by now: its older objects may have been written under another one."""
        try:
            answer = self._account.client("s3").get_bucket_encryption(Bucket=bucket)
        except ClientError as error:
            return error_code(error) != "ServerSideEncryptionConfigurationNotFoundError"
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules]
        return any(algorithm.startswith("aws:kms") for algorithm in defaults)


def _is_key(named: str | None, key: str) -> bool:
    return (named or "").rpartition("/")[2] == key


class Keys(Plain):
    """Those that the stack made. A key that a parameter has named is somebody else's, whatever its tags say.

    That the stack made it is said by CloudFormation, which lists it or remembers it, or by the tags that CloudFormation
    put on it, which nobody else can set. The tag ``rft:stack`` alone says nothing: people tag keys of their own.
    AWS deletes a key 30 days after it was asked to, and takes no money for it meanwhile.
    """

    title = "KMS keys"
    is_data = True

    def __init__(
        self,
        account: Account,
        resources: Resources,
        *,
        still_needed: Callable[[str], str | None],
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._account = account
        self._kms = account.client("kms")
        self._listed, self._given = resources.of("AWS::KMS::Key"), resources.given_keys
        self._still_needed, self._say = still_needed, say
        self._lifted: set[str] = set()

    def find(self) -> list[Thing]:
        return [thing for key in self._ours() if (thing := self._thing(key)) is not None]

    def _ours(self) -> Iterator[str]:
        there = [key["KeyId"] for key in self._account.pages("kms", "list_keys", "Keys")]
        for key in there:
            if key not in self._given and (key in self._listed or self._was_made_by_the_stack(key)):
                yield key

    def _was_made_by_the_stack(self, key: str) -> bool:
        try:
            listed = self._account.pages("kms", "list_resource_tags", "Tags", KeyId=key)
            tags = {tag["TagKey"]: tag["TagValue"] for tag in listed}
        except ClientError as error:
            if error_code(error) not in ("AccessDeniedException", "NotFoundException"):
                raise
            return False  # policies of other keys let nobody look; what CloudFormation lists is found all the same
        return (
            tags.get(STACK_TAG) == self._account.stack
            and tags.get("aws:cloudformation:logical-id") in _LOGICAL_IDS
            and tags.get("aws:cloudformation:stack-name", "").startswith(f"{self._account.stack}-Keys-")
        )

    def _thing(self, key: str) -> Thing | None:
        about = self._kms.describe_key(KeyId=key)["KeyMetadata"]
        if about["KeyState"] == "PendingDeletion":
            return None
        return Thing("KMS key", about["KeyId"], about.get("Description") or key, about["KeyState"], "1 USD a month")

    def remove(self, thing: Thing) -> None:
        if (why := self._still_needed(thing.id)) is not None:
            raise Stays(why)
        try:
            self._schedule(thing.id)
        except ClientError as error:
            if error_code(error) != "AccessDeniedException":
                raise
            if thing.id in self._lifted:
                raise NotYet("KMS doesn't go by the key's changed policy yet") from None
            self._lift_the_denial(thing)
            raise NotYet("its policy was changed first") from None

    def _schedule(self, key: str) -> None:
        self._kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=_WINDOW_DAYS)

    def _lift_the_denial(self, thing: Thing) -> None:
        policy = json.loads(self._kms.get_key_policy(KeyId=thing.id, PolicyName="default")["Policy"])
        root = f"arn:{self._partition(thing.id)}:iam::{self._account.account}:root"
        self._kms.put_key_policy(
            KeyId=thing.id, PolicyName="default", Policy=json.dumps(without_the_denial(policy, root))
        )
        self._lifted.add(thing.id)
        self._say(f"the policy of the key {thing.id} let nobody delete it: that was taken out of it")

    def _partition(self, key: str) -> str:
        return str(self._kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]).split(":")[1]

    def is_gone(self, thing: Thing) -> bool:
        return self._thing(thing.id) is None


def without_the_denial(policy: dict[str, Any], root: str) -> dict[str, Any]:
    """The same policy, but that whoever IAM lets may schedule the key's deletion. Nothing else of it changes."""
    statements = []
    for statement in policy["Statement"]:
        if statement["Effect"] != "Deny":
            statements.append(statement)
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if rest := [action for action in actions if action != _SCHEDULE]:
            statements.append(statement | {"Action": rest})
    statements.append(
        {
            "Sid": "LeavingTheStack",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": _SCHEDULE,
            "Resource": "*",
        }
    )
    return policy | {"Statement": statements}
