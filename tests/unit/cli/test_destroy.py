"""``rft destroy``: who is asked, one model until nothing is left, and what is told at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.commands import leaving
from cli.leaving.account import Account
from cli.leaving.things import Left, Thing, has_stack_tag
from cli.leaving.view import listed_words, outcome_words
from cli.leaving.work import Listed, Outcome
from cli.main import app
from cli.target import Place

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

Rft = Callable[..., Any]
PATH = "/models/ticket-triage"
MODEL = {
    "name": "ticket-triage",
    "live": {
        "run_id": "ticket-triage-0123456789ab",
        "custom_model_arn": "arn:model",
        "deployment_arn": "arn:deployment",
        "kind": "on-demand",
        "base_model": "base",
        "since": "2026-01-31T12:00:00Z",
    },
    "live_parameter": "/rft/models/ticket-triage/live",
    "versions": [
        {"run_id": "r2", "custom_model_arn": "arn:old", "deleted_at": "2026-02-01T12:00:00Z"},
        {"run_id": "r1", "custom_model_arn": "arn:model", "deleted_at": None},
    ],
}
GOING = {"kind": "deployment", "id": "arn:deployment", "state": "going", "reason": "Bedrock is at it", "until": None}
COMMITTED = GOING | {"state": "committed", "until": "2026-07-31T12:00:00+00:00", "reason": "its commitment"}


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object) -> Rft:
    return lambda *arguments, **how: runner.invoke(app, ["destroy", *arguments], **how)


@pytest.fixture
def a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_must_be_a_person", lambda: None)


def deletions(api: FakeApi, *answers: tuple[int, dict[str, Any]]) -> None:
    """What the API says to one DELETE after the other."""
    api.answers["GET", PATH] = (200, MODEL)
    given = iter(answers)
    answer = api.answer

    def answered(method: str, path: str, *rest: Any) -> tuple[int, Any]:
        known = answer(method, path, *rest)
        return next(given) if method == "DELETE" else known

    api.answer = answered  # type: ignore[method-assign]


def test_a_model_that_no_list_has_is_asked_for_all_the_same(rft: Rft, api: FakeApi) -> None:
    deletions(api, (200, deletion(removed="arn:a")))
    del api.answers["GET", PATH]
    result = rft("--model", "ticket-triage", "--yes", "--json")
    assert (result.exit_code, "no version of it is listed" in result.stderr) == (0, True)


def deletion(*left: dict[str, Any], removed: str | None = None) -> dict[str, Any]:
    gone = [{"kind": "custom model", "id": removed}] if removed else []
    return {"model": "ticket-triage", "removed": gone, "left": list(left)}


def test_a_model_is_asked_for_until_nothing_is_left(rft: Rft, api: FakeApi) -> None:
    deletions(api, (202, deletion(GOING, removed="arn:a")), (202, deletion(GOING)), (200, deletion(removed="arn:b")))
    result = rft("--model", "ticket-triage", "--yes", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert ([thing["id"] for thing in document["removed"]], document["left"]) == (["arn:a", "arn:b"], [])
    assert "arn:deployment" in result.stderr, "the list came first"
    assert "arn:old" not in result.stderr, "that one is deleted already"


def test_what_has_a_term_is_not_waited_for(rft: Rft, api: FakeApi) -> None:
    deletions(api, (202, deletion(COMMITTED)))
    result = rft("--model", "ticket-triage", "--yes")
    assert result.exit_code == 1
    assert "its commitment (until 2026-07-31T12:00:00+00:00)" in result.stdout
    assert "try again: rft destroy --model ticket-triage" in result.stdout


def test_a_run_under_way_is_a_clear_no(rft: Rft, api: FakeApi) -> None:
    problem = {
        "title": "A run of the model is under way",
        "status": 409,
        "detail": "run r of ticket-triage is under way",
    }
    deletions(api, (409, problem))
    result = rft("--model", "ticket-triage", "--yes")
    assert (result.exit_code, "run r of ticket-triage is under way" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("--all",), ("--model", "ticket-triage")])
def test_without_a_terminal_nothing_is_done_unasked(
    rft: Rft, api: FakeApi, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, known_account: None
) -> None:
    api.answers["GET", PATH] = (200, MODEL)
    monkeypatch.setattr(leaving, "Leaving", lambda account, **_: _NothingMayBeDone())
    result = rft(*arguments, "--json")
    assert result.exit_code == 2
    assert "--yes" in json.loads(result.stdout)["error"]["message"]
    assert [request["method"] for request in api.requests if request["method"] != "GET"] == []


THINGS = [
    Thing("custom model", "arn:m", "m", "made 2026-01-01", "by the month"),
    Thing("bucket", "b", "b", "7 versions"),
]


class _NothingMayBeDone:
    is_orphaned = False

    def listed(self) -> Listed:
        return Listed("rft", THINGS, [])

    def carry_out(self) -> Outcome:
        raise AssertionError("nobody said yes")


class _Leaves(_NothingMayBeDone):
    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def carry_out(self) -> Outcome:
        return self._outcome


@pytest.fixture
def known_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "account", "123456789012")


def test_who_says_no_is_believed(
    rft: Rft, monkeypatch: pytest.MonkeyPatch, a_person: None, known_account: None
) -> None:
    monkeypatch.setattr(leaving, "Leaving", lambda account, **_: _NothingMayBeDone())
    result = rft(input="n\n")
    assert (result.exit_code, "Nothing was removed" in result.stderr) == (1, True)
    result = rft("--all", input="rft-two\n")
    assert (result.exit_code, "nothing was removed" in result.stderr) == (1, True)


def test_the_stacks_name_is_asked_for_before_data_goes(
    rft: Rft, monkeypatch: pytest.MonkeyPatch, a_person: None, known_account: None
) -> None:
    monkeypatch.setattr(leaving, "Leaving", lambda account, **_: _Leaves(Outcome(removed=THINGS)))
    result = rft("--all", input="rft\n")
    assert result.exit_code == 0
    assert "nothing of rft is left in us-east-1, and nothing billable" in result.stdout
    assert "to be removed, in this order" in result.stdout


def test_what_is_left_is_an_exit_code_and_a_reason(
    rft: Rft, monkeypatch: pytest.MonkeyPatch, known_account: None
) -> None:
    outcome = Outcome(left=[Left(THINGS[0], "it serves")])
    monkeypatch.setattr(leaving, "Leaving", lambda account, **_: _Leaves(outcome))
    result = rft("--yes", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["stack"] == "rft"
    assert [(left["id"], left["reason"]) for left in document["left"]] == [("arn:m", "it serves")]


def test_all_is_for_a_whole_stack(rft: Rft) -> None:
    assert rft("--model", "ticket-triage", "--all", "--yes").exit_code == 2


def test_another_stack_of_the_local_cloud_may_be_named(local_cloud: object, cloud_info: dict[str, str]) -> None:
    account = Account.resolve(Place.LOCAL, stack="leaving", profile=None, region=None)
    assert (account.stack, account.command("destroy")) == ("leaving", "rft destroy --stack leaving")
    assert Account.resolve(Place.LOCAL, stack=None, profile=None, region=None).command("destroy") == "rft destroy"


def shown(words: Any, width: int) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as held:
        console.print(words, crop=False)
    return held.get()


@pytest.mark.parametrize("width", [60, 200])
def test_the_words_name_everything_and_what_it_costs(width: int, known_account: None, local_cloud: object) -> None:
    account = Account.resolve(Place.LOCAL, stack=None, profile=None, region=None)
    before = shown(listed_words(Listed("rft", THINGS[:1], THINGS[1:]), account, everything=False), width)
    assert before.index("to be removed") < before.index("made 2026-01-01") < before.index("kept; --all")
    kept = shown(outcome_words(Outcome(kept=THINGS[1:]), account, everything=False), width)
    assert "nothing billable but what is kept" in " ".join(kept.split())
    left = shown(outcome_words(Outcome(left=[Left(THINGS[0], "no")]), account, everything=True), width)
    assert "no (costs: by the month)" in left
    assert "rft destroy --all" in left
    keys = Outcome(removed=[Thing("KMS key", "k", "k")])
    assert "in 30 days" in " ".join(shown(outcome_words(keys, account, everything=True), width).split())


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        ([{"key": "rft:stack", "value": "rft"}], True),
        ([{"Key": "rft:stack", "Value": "rft"}], True),
        ([{"Key": "aws:cloudformation:stack-name", "Value": "rft"}], False),
        ([{"Key": "rft:stack", "Value": "rft-two"}], False),
        ([{"Key": "name", "Value": "rft"}], False),
        ([], False),
    ],
)
def test_a_tag_says_whose_a_thing_is(tags: list[dict[str, str]], ours: bool) -> None:
    assert has_stack_tag(tags, "rft") is ours
