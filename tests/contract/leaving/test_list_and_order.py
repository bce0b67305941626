"""What is listed, in which order it goes, and going on after any death."""

from __future__ import annotations

from typing import Any

from cli.leaving.work import Outcome
from tests.contract.application import client
from tests.contract.candidates import Died
from tests.contract.leaving.looks import foreign_is_there, is_empty, kinds
from tests.contract.leaving.scene import SERVICES, Scene

ORDER = [
    "StopExecution",
    "DeleteCustomModelDeployment",
    "DeleteCustomModel",
    "DeleteParameter",
    "DeleteStack",
    "DeleteObjects",
    "AbortMultipartUpload",
    "DeleteBucket",
    "DeleteTable",
    "ScheduleKeyDeletion",
]


def test_the_list_has_everything_and_says_what_is_kept(scene: Scene) -> None:
    listed = scene.leaving(everything=False).listed()
    assert kinds(listed.goes) == ["custom model deployment", "custom model", "SSM parameter", "CloudFormation stack"]
    assert kinds(listed.kept) == ["bucket", "table", "KMS key"]
    bucket, _, key = listed.kept
    assert (bucket.name, bucket.note.split(",")[0]) == (scene.bucket, "4 versions of objects")
    assert (key.id, key.cost) == (scene.key, "1 USD a month")
    everything = scene.leaving(everything=True).listed()
    assert (everything.goes, everything.kept) == ([*listed.goes, *listed.kept], [])
    assert scene.changes == [], "a list changes nothing"


def test_all_goes_in_the_order_in_which_aws_lets_it_go_and_once(scene: Scene) -> None:
    outcome = scene.left()
    assert (outcome.left, outcome.kept) == ([], [])
    assert is_empty(scene)
    assert foreign_is_there(scene)
    assert outcome.removed[-1].id == scene.key
    seen = [name for name in dict.fromkeys(scene.changes) if name in ORDER]
    assert seen == [name for name in ORDER if name in seen]
    assert len(seen) == len(ORDER) - 1, "no run was under way"
    assert scene.models <= {thing.id for thing in outcome.removed}
    scene.changes.clear()
    assert scene.leaving().listed().is_empty, "a second time there is nothing to do"
    assert scene.left() == Outcome()
    assert scene.changes == []


def test_data_is_kept_unless_it_is_asked_for(beside: Scene) -> None:
    outcome = beside.left(everything=False)
    assert (outcome.left, kinds(outcome.kept)) == ([], ["bucket", "table", "KMS key"])
    assert client("s3").list_object_versions(Bucket=beside.bucket)["Versions"]
    assert client("kms").describe_key(KeyId=beside.key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert foreign_is_there(beside)
    # The stack is gone then; what it kept is found by its tags.
    again = beside.leaving(everything=True).listed()
    assert kinds(again.goes) == ["bucket", "table", "KMS key"]
    assert beside.left().left == []
    assert is_empty(beside)


def test_the_accounts_role_for_logs_is_kept_and_named_if_it_is_the_stacks(bare: Scene) -> None:
    bare.logging_role = "arn:aws:iam::123456789012:role/rft-two/logs"
    assert bare.leaving().listed().kept == []
    bare.logging_role = "arn:aws:iam::123456789012:role/rft/logs"
    assert [thing.id for thing in bare.leaving().listed().kept] == [bare.logging_role]
    outcome = bare.left()
    assert (outcome.left, [thing.id for thing in outcome.kept]) == ([], [bare.logging_role])


class Stops:
    """The command is killed once AWS has done what its ``number``th call to change something has asked for."""

    def __init__(self, scene: Scene, number: int) -> None:
        self._scene, self._left = scene, number
        self.after: str | None = None

    def __enter__(self) -> Stops:
        for service in SERVICES:
            self._scene.on(service, "after-call.*.*", self)
        return self

    def __exit__(self, *_: object) -> None:
        self._scene.off(self)

    def __call__(self, model: Any, **_: Any) -> None:
        if model.name.startswith(("Get", "List", "Describe", "Head")):
            return
        self._left -= 1
        if self._left == -1:
            self.after = model.name
            raise Died


def test_it_goes_on_after_it_was_killed_at_any_point(scene: Scene) -> None:
    """One account, in which the command is killed after its first change, then after its next, until none is left."""
    died = []
    for _ in range(60):
        with Stops(scene, 0) as stops:
            try:
                outcome = scene.left()
            except Died:
                died.append(stops.after)
                continue
        break
    assert outcome.left == []
    assert is_empty(scene)
    assert foreign_is_there(scene)
    assert set(died) >= set(ORDER) - {"StopExecution"}
