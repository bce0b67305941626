"""The KMS keys that a stack made, and what still needs one: what it encrypts is lost with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cli.leaving.account import Account
from cli.leaving.resources import Resources, keys_named_by
from cli.leaving.things import STACK_TAG, Kind, NotYet, Plain, Stays, Thing
from rft.aws.clients import error_code

_SCHEDULE = "kms:ScheduleKeyDeletion"
_WINDOW_DAYS = 30
_LOGICAL_IDS = ("DataKey", "MessageKey")  # of stacks/keys.yaml


@dataclass
class Needed:
    """Why keys have to stay: ``every`` one, or those whose ids ``some`` has."""

    every: str | None = None
    some: dict[str, str] = field(default_factory=dict)

    def why(self, key: str) -> str | None:
        return self.every or self.some.get(key)


class Needs:
    """What still needs a key, by one look at all that may be encrypted with one (``kinds``), or may lead to what is."""

    def __init__(self, account: Account, kinds: Sequence[Kind]) -> None:
        self._account, self._kinds = account, kinds

    def __call__(self) -> Needed:
        needed = Needed()
        for kind in self._kinds:
            for thing in kind.find():
                self._add(thing, needed)
            if unseen := kind.unseen():
                told = f"it may encrypt the {unseen[0].kind} {unseen[0].name}, which can't be looked at"
                needed.every = needed.every or told
        for group in self._account.pages("logs", "describe_log_groups", "logGroups"):
            if key := group.get("kmsKeyId"):
                needed.some.setdefault(_id(key), f"the log group {group['logGroupName']} is encrypted with it")
        for stack in self._account.pages("cloudformation", "describe_stacks", "Stacks"):
            for key in keys_named_by(stack):
                needed.some.setdefault(key, f"a parameter of the stack {stack['StackName']} names it")
        return needed

    def _add(self, thing: Thing, needed: Needed) -> None:
        told = f"a {thing.kind} that could not be removed is encrypted with it: {thing.name}"
        match thing.kind:
            case "custom model" | "provisioned throughput":
                needed.every = needed.every or told
            case "bucket" if self._bucket_needs(thing.id):
                needed.every = needed.every or told
            case "table":
                table = self._account.client("dynamodb").describe_table(TableName=thing.id)["Table"]
                if key := table.get("SSEDescription", {}).get("KMSMasterKeyArn"):
                    needed.some.setdefault(_id(key), told)

    def _bucket_needs(self, bucket: str) -> bool:
        """Whichever key it takes by now: its older objects may have been written under another one."""
        try:
            answer = self._account.client("s3").get_bucket_encryption(Bucket=bucket)
        except ClientError as error:
            return error_code(error) != "ServerSideEncryptionConfigurationNotFoundError"
        rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
        defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules]
        return any(algorithm.startswith("aws:kms") for algorithm in defaults)


def _id(key: str) -> str:
    """Of a key that is named by its ARN, or by its id."""
    return key.rpartition("/")[2]


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
        needs: Callable[[], Needed],
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._account = account
        self._kms = account.client("kms")
        self._listed, self._given = resources.of("AWS::KMS::Key"), resources.given_keys
        self._needs, self._say = needs, say
        self._needed: Needed | None = None
        self._lifted: set[str] = set()
        self._made: dict[str, bool] = {}

    def find(self) -> list[Thing]:
        self._needed = None
        return [thing for key in self._ours() if (thing := self._thing(key)) is not None]

    def _ours(self) -> Iterator[str]:
        there = [key["KeyId"] for key in self._account.pages("kms", "list_keys", "Keys")]
        for key in there:
            if key not in self._given and (key in self._listed or self._was_made_by_the_stack(key)):
                yield key

    def _was_made_by_the_stack(self, key: str) -> bool:
        """Asked once: an account may have hundreds of keys, and nobody changes CloudFormation's tags."""
        if key not in self._made:
            self._made[key] = self._has_its_tags(key)
        return self._made[key]

    def _has_its_tags(self, key: str) -> bool:
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
        # One look for all keys and tries: everything else is gone by now, or stays.
        self._needed = self._needed or self._needs()
        if (why := self._needed.why(thing.id)) is not None:
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
