from __future__ import annotations

from typing import Any

import pytest

from rft.aws.run_store import Move, RunStore
from rft.errors import RequestConflict, RequestInvalid, RunNotFound
from rft.run.record import Run
from rft.run.status import Status


def run(run_id: str = "m-000000000001", **changes: Any) -> Run:
    at = changes.pop("at", "2026-01-01T00:00:00.000Z")
    document = {"run_id": run_id, "model": "m", "status": "received", "created_at": at, "updated_at": at}
    return Run.from_json(document | changes)


def types(store: RunStore, run_id: str = "m-000000000001") -> list[str]:
    return [event["type"] for event in store.events(run_id, limit=100, token=None).items]


def test_a_run_is_created_once_and_comes_back_whole(store: RunStore) -> None:
    wanted = run(request={"hyperparameters": {"learning_rate": 1e-5, "epoch_count": 2}}, warnings=["w"])
    assert store.create(wanted)
    assert not store.create(run(model="other"))
    assert store.get(wanted.run_id) == wanted
    assert types(store) == ["status"]


def test_a_missing_run_is_said_to_be_missing(store: RunStore) -> None:
    assert store.find("nope") is None
    with pytest.raises(RunNotFound, match="nope"):
        store.get("nope")
    with pytest.raises(RunNotFound):
        store.events("nope", limit=1, token=None)


def test_a_status_moves_forward_only_and_a_terminal_one_stays(store: RunStore) -> None:
    store.create(run())
    moved, after = store.move(run().run_id, Status.TRAINING, job_arn="arn")
    assert (moved, after.status, after.job_arn, after.ended_at) == (Move.DONE, Status.TRAINING, "arn", None)
    assert store.move(run().run_id, Status.TRAINING)[0] is Move.ALREADY_THERE
    assert store.move(run().run_id, Status.PREPARING)[0] is Move.REFUSED
    assert store.move(run().run_id, Status.STOPPED)[1].ended_at is not None
    for late in (Status.DEPLOYING, Status.PROMOTED, Status.FAILED):
        moved, after = store.move(run().run_id, late, deployment_arn="late")
        assert (moved, after.status, after.deployment_arn) == (Move.REFUSED, Status.STOPPED, None)
    statuses = [e["detail"]["status"] for e in store.events(run().run_id, limit=9, token=None).items]
    assert statuses == ["received", "training", "stopped"]


def test_nothing_is_recorded_for_a_run_that_has_ended_but_its_notification(store: RunStore) -> None:
    store.create(run())
    assert store.record(run().run_id, "job", {"job_status": "InProgress"}, job_arn="arn")
    store.move(run().run_id, Status.FAILED)
    assert not store.record(run().run_id, "job", {}, job_arn="other")
    store.append(run().run_id, "notified", {"message_id": "1"}, notified_at="now")
    assert (store.get(run().run_id).job_arn, store.get(run().run_id).notified_at) == ("arn", "now")
    assert types(store) == ["status", "job", "status", "notified"]


def test_what_is_recorded_of_no_run_makes_none(store: RunStore) -> None:
    assert not store.record("nope", "job", {}, job_arn="arn")
    assert not store.store_token("nope", "token")
    assert store.find("nope") is None


def test_a_token_is_taken_once(store: RunStore) -> None:
    store.create(run())
    assert store.take_token(run().run_id) is None
    assert store.store_token(run().run_id, "one")
    assert store.store_token(run().run_id, "two")
    assert "two" not in str(store.get(run().run_id).to_json())
    assert [store.take_token(run().run_id), store.take_token(run().run_id)] == ["two", None]
    store.move(run().run_id, Status.FAILED)
    assert not store.store_token(run().run_id, "three")


EARLIER, NOW, LATER = (f"2026-01-01T00:00:0{n}.000Z" for n in range(3))


@pytest.mark.parametrize("kind", ["end", "stuck"])
def test_a_message_is_claimed_by_one_until_it_is_sent_released_or_stale(store: RunStore, kind: str) -> None:
    store.create(run())
    of_it = {"run_id": run().run_id, "kind": kind}
    assert store.claim_message(**of_it, at=NOW, stale_before=EARLIER)
    assert not store.claim_message(**of_it, at=NOW, stale_before=NOW)
    assert store.claim_message(**of_it, at=NOW, stale_before=LATER), "whoever claimed it has died"
    store.release_message(**of_it)
    assert store.claim_message(**of_it, at=NOW, stale_before=EARLIER)
    store.message_sent(**of_it, message_id="1")
    assert not store.claim_message(**of_it, at=NOW, stale_before=LATER)
    assert (store.get(run().run_id).notified_at is not None) is (kind == "end")
    assert [e["detail"] for e in store.events(run().run_id, limit=9, token=None).items][1:] == [
        {"message_id": "1", "kind": kind}
    ]


def test_what_was_told_of_an_earlier_wait_does_not_count(store: RunStore) -> None:
    store.create(run())
    of_it = {"run_id": run().run_id, "kind": "approval", "stale_before": EARLIER}
    assert store.claim_message(**of_it, at=NOW)
    assert not store.claim_message(**of_it, at=NOW, since=NOW), "somebody is at it"
    store.message_sent(run().run_id, "1", "approval")
    assert not store.claim_message(**of_it, at=NOW, since=NOW), "it was told since then"
    assert store.claim_message(**of_it, at=NOW, since="2999-01-01T00:00:00.000Z")


def test_messages_of_other_kinds_are_apart_and_for_runs_that_go_on(store: RunStore) -> None:
    store.create(run())
    for kind in ("start", "stuck", "end"):
        assert store.claim_message(run().run_id, kind=kind, at=NOW, stale_before=EARLIER)
    store.move(run().run_id, Status.FAILED)
    assert not store.claim_message(run().run_id, kind="approval", at=NOW, stale_before=EARLIER)
    assert store.claim_message(run().run_id, at=NOW, stale_before=LATER), "the end is told after it"


def test_a_message_of_no_run_is_not_claimed(store: RunStore) -> None:
    for kind in ("start", "end"):
        assert not store.claim_message("nope", kind=kind, at=NOW, stale_before=EARLIER)
    assert store.find("nope") is None


def test_lists_are_newest_first_filtered_and_paged(store: RunStore) -> None:
    for n in range(7):
        store.create(run(f"m-{n:012x}", at=f"2026-01-0{n + 1}T00:00:00.000Z", model="a" if n % 2 else "b"))
        if n in (1, 5):
            store.move(f"m-{n:012x}", Status.FAILED)
    ids: list[str] = []
    token = None
    while True:
        page = store.runs(model=None, status=None, limit=3, token=token)
        assert len(page.items) <= 3
        ids += [item["run_id"] for item in page.items]
        token = page.next_token
        if token is None:
            break
    assert ids == [f"m-{n:012x}" for n in reversed(range(7))]

    def found(model: str | None, status: Status | None) -> list[int]:
        return [int(i["run_id"][-1]) for i in store.runs(model=model, status=status, limit=9, token=None).items]

    assert found("a", None) == [5, 3, 1]
    assert found(None, Status.FAILED) == [5, 1]
    assert found("a", Status.RECEIVED) == [3]
    assert found("c", None) == []
    assert [i["run_id"] for i in store.runs(model="a", status=Status.RECEIVED, limit=1, token=None).items] == [
        "m-000000000003"
    ]


def test_a_page_token_of_another_listing_is_refused(store: RunStore) -> None:
    for n in range(3):
        store.create(run(f"m-{n:012x}"))
    token = store.runs(model="m", status=None, limit=1, token=None).next_token
    assert token is not None
    assert store.runs(model="m", status=None, limit=1, token=token).items
    for question in (
        {"model": None, "status": None},
        {"model": "n", "status": None},
        {"model": "m", "status": Status.FAILED},
    ):
        with pytest.raises(RequestInvalid, match="same question"):
            store.runs(**question, limit=1, token=token)
    with pytest.raises(RequestInvalid, match="same question"):
        store.events("m-000000000000", limit=1, token=token)


@pytest.mark.parametrize("token", ["x", "e30", "eyJhIjogMX0=", "é"])
def test_a_made_up_page_token_is_refused(store: RunStore, token: str) -> None:
    with pytest.raises(RequestInvalid, match="next_token"):
        store.runs(model=None, status=None, limit=1, token=token)


def test_an_idempotency_key_stands_for_one_request(store: RunStore) -> None:
    assert store.claim_key("key", "m-1", "hash") == "m-1"
    assert store.claim_key("key", "m-2", "hash") == "m-1"
    with pytest.raises(RequestConflict, match="m-1"):
        store.claim_key("key", "m-1", "other")
