from __future__ import annotations

from typing import Any

import boto3
import pytest

from rft.aws.model_store import Barred, Live, ModelStore
from rft.aws.run_store import RunStore
from rft.errors import DeploymentPending, LiveModelChanged, RequestInvalid, RunStopped
from rft.run.record import Run
from rft.run.status import Status

FIRST, SECOND = "m-000000000001", "m-000000000002"


@pytest.fixture
def models(store: RunStore) -> ModelStore:
    for run_id in (FIRST, SECOND):
        at = "2026-01-01T00:00:00.000Z"
        store.create(Run(run_id=run_id, model="m", status=Status.COMPARING, created_at=at, updated_at=at))
    return ModelStore(boto3.client("dynamodb"), "runs")


def live(run_id: str) -> Live:
    return Live(run_id, f"model-{run_id}", "deployment", "on-demand", "base", "2026-01-01T00:00:00.000Z")


def test_a_model_is_noted_once_and_comes_back_whole(models: ModelStore) -> None:
    assert models.get("m") is None
    models.note("m")
    noted = models.get("m")
    models.note("m")
    assert models.get("m") == noted
    assert noted is not None
    assert (noted.name, noted.live, noted.promoting) == ("m", None, None)
    models.claim("m", FIRST, None)
    assert models.set_live("m", FIRST, live(FIRST))
    found = models.get("m")
    assert found is not None
    assert (found.live, found.promoting, found.created_at) == (live(FIRST), FIRST, noted.created_at)


@pytest.mark.parametrize("name", ["", "x" * 41, "é" * 5_000])
def test_a_name_that_no_model_can_have_is_not_asked_for(models: ModelStore, name: str) -> None:
    assert models.get(name) is None


def test_models_are_listed_in_pages_and_never_among_the_runs(models: ModelStore, store: RunStore) -> None:
    for number in range(3):
        models.note(f"model-{number}")
    models.claim("model-1", FIRST, None)
    models.set_live("model-1", FIRST, live(FIRST))
    page = models.models(2, None)
    rest = models.models(2, page.next_token)
    listed = [*page.items, *rest.items]
    assert [model["name"] for model in listed] == ["model-2", "model-1", "model-0"]
    assert rest.next_token is None
    assert listed[1]["live"]["run_id"] == FIRST
    questions: list[dict[str, Any]] = [{}, {"model": "m"}, {"status": Status.COMPARING}]
    for question in questions:
        runs = store.runs(**{"model": None, "status": None} | question, limit=10, token=None).items
        assert {run["run_id"] for run in runs} == {FIRST, SECOND}
    assert store.runs(model="model-1", status=None, limit=10, token=None).items == []
    with pytest.raises(RequestInvalid):
        store.runs(model=None, status=None, limit=1, token=page.next_token)


def test_one_run_holds_the_claim_and_is_given_it_again(models: ModelStore) -> None:
    assert models.claim("m", FIRST, None).promoting == FIRST
    assert models.claim("m", FIRST, None).promoting == FIRST
    with pytest.raises(DeploymentPending, match=FIRST):
        models.claim("m", SECOND, None)
    models.release("m", SECOND)
    assert models.holds("m", FIRST) and not models.holds("m", SECOND)
    models.release("m", FIRST)
    assert models.claim("m", SECOND, None).promoting == SECOND


def test_the_claim_of_a_run_that_has_ended_or_is_unknown_is_anybodys(models: ModelStore, store: RunStore) -> None:
    models.claim("m", FIRST, None)
    models.bar("m", FIRST)
    store.move(FIRST, Status.FAILED)
    assert models.claim("m", SECOND, None).promoting == SECOND
    assert models.holds("m", SECOND), "it isn't barred with the one before"
    models.claim("other", "m-00000000dead", None)
    assert models.claim("other", SECOND, None).promoting == SECOND


def test_a_run_that_was_compared_with_another_version_gets_no_claim(models: ModelStore) -> None:
    models.claim("m", FIRST, None)
    models.set_live("m", FIRST, live(FIRST))
    for compared_with in (None, "m-000000000009"):
        with pytest.raises(LiveModelChanged):
            models.claim("m", SECOND, compared_with)
    with pytest.raises(DeploymentPending):
        models.claim("m", SECOND, FIRST)
    assert models.claim("m", FIRST, None).live == live(FIRST), "the run that is live may finish"
    models.release("m", FIRST)
    assert models.claim("m", SECOND, FIRST).promoting == SECOND


def test_of_two_that_take_a_free_claim_at_once_one_gets_it(models: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    take = models._take

    def overtaken(name: str, run_id: str, holder: str | None, live_run_id: str | None) -> None:
        take(name, SECOND, holder, live_run_id)
        take(name, run_id, holder, live_run_id)

    monkeypatch.setattr(models, "_take", overtaken)
    with pytest.raises(DeploymentPending):
        models.claim("m", FIRST, None)
    assert models.holds("m", SECOND)


def test_a_run_without_the_claim_makes_nothing_live(models: ModelStore) -> None:
    models.claim("m", FIRST, None)
    assert not models.set_live("m", SECOND, live(SECOND))
    models.release("m", FIRST)
    assert not models.set_live("m", FIRST, live(FIRST))
    found = models.get("m")
    assert found is not None and found.live is None
    assert not models.set_live("nobody", FIRST, live(FIRST))
    assert models.get("nobody") is None, "and leaves no half of a model"


def test_a_run_is_barred_before_its_version_is_live_and_never_after(models: ModelStore) -> None:
    assert models.bar("m", FIRST) is Barred.NOT_PROMOTING
    models.claim("m", FIRST, None)
    assert models.bar("m", SECOND) is Barred.NOT_PROMOTING
    for _ in range(2):
        assert models.bar("m", FIRST) is Barred.DONE
    assert not models.set_live("m", FIRST, live(FIRST))
    with pytest.raises(RunStopped):
        models.claim("m", FIRST, None)
    models.release("m", FIRST)
    models.claim("m", SECOND, None)
    models.set_live("m", SECOND, live(SECOND))
    assert models.bar("m", SECOND) is Barred.TOO_LATE
    assert models.bar("m", FIRST) is Barred.NOT_PROMOTING
    assert models.holds("m", SECOND)
