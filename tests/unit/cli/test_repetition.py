"""``rft submit --from RUN_ID``: the request of the manifest, as a new run."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"
GRADER = "arn:aws:lambda:us-east-1:000000000000:function:rft-grader-format:1"  # that of every run the API answers with
REQUEST: dict[str, Any] = {
    "model": "ticket-triage",
    "base_model": "amazon.nova-2-lite-v1:0:256k",
    "grader": {"name": "format"},
    "training_data": {"s3_uri": "s3://data-bucket/datasets/t.jsonl", "version_id": "v-7"},
    "validation_data": {"fraction": 0.2},
    "hyperparameters": {"epoch_count": 5},
}
REPORT = {"report_uri": "s3://r", "markdown_uri": "s3://m", "manifest_uri": "s3://data-bucket/manifest.json"}
Rft = Callable[..., Any]


@pytest.fixture
def rft(runner: CliRunner, local_cloud: object) -> Rft:
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def ended(api: FakeApi, make_run: Callable[..., Any]) -> Callable[..., None]:
    """A run that has ended, and its manifest."""

    def make(content: bytes | None = None, **manifest: Any) -> None:
        document = {"run_id": RUN_ID, "request": REQUEST, "grader": {"arn": GRADER}, "held_out_grader": None} | manifest
        api.looks = [make_run("kept", report=REPORT)]
        links = {"manifest_url": f"{api.url}/data-bucket/manifest.json?X-Amz-Signature=secret"}
        api.answers["GET", f"/runs/{RUN_ID}/report"] = (200, links)
        api.files["/data-bucket/manifest.json"] = content or json.dumps(document).encode()

    return make


def asked(api: FakeApi) -> list[tuple[str, Any]]:
    """Key and request of every run that was asked for."""
    sent = api.sent("POST", "/runs")
    return [(request["headers"]["idempotency-key"], json.loads(request["body"])) for request in sent]


def test_a_run_is_repeated_as_its_manifest_has_it_and_is_new_each_time(rft: Rft, api: FakeApi, ended: Any) -> None:
    ended()
    for _ in range(2):
        result = rft("submit", "--from", RUN_ID)
        assert (result.exit_code, result.stderr) == (0, "")
        assert f"rft watch {RUN_ID}" in result.stdout
    (first, request), (second, same) = asked(api)
    assert request == same == REQUEST
    assert first != second
    assert api.objects == {}, "nothing is uploaded"


def test_the_link_to_the_manifest_is_shown_nowhere(rft: Rft, api: FakeApi, ended: Any) -> None:
    ended()
    assert "secret" not in rft("submit", "--from", RUN_ID, "--json").output
    api.files.clear()
    result = rft("submit", "--from", RUN_ID)
    assert (result.exit_code, asked(api)[1:]) == (1, [])
    assert "secret" not in result.output


def test_another_model_and_a_key_may_be_named(rft: Rft, api: FakeApi, ended: Any) -> None:
    ended()
    results = [rft("submit", "--from", RUN_ID, "--model", "triage-2", "--key", "nightly") for _ in range(2)]
    assert asked(api) == [("nightly", REQUEST | {"model": "triage-2"})] * 2
    assert [result.exit_code for result in results] == [0, 0]
    assert "the same request was made before; another --key starts a new run" in results[1].output


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"grader": {"arn": GRADER[:-1] + "7"}}, f"the grader is not that of {RUN_ID}"),
        ({"held_out_grader": {"arn": "arn:second:1"}}, f"the held-out grader is not that of {RUN_ID}"),
    ],
)
def test_another_version_of_a_grader_is_warned_of(
    rft: Rft, api: FakeApi, ended: Any, manifest: dict[str, Any], said: str
) -> None:
    ended(**manifest)
    result = rft("submit", "--from", RUN_ID, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["run_id"] == RUN_ID
    words = " ".join(result.stderr.split())
    assert words.startswith(f"warning: {said}, so their rewards can't be compared:")
    (arn,) = [part["arn"] for part in manifest.values()]
    assert f"{arn} then" in words
    assert len(asked(api)) == 1


@pytest.mark.parametrize("status", ["received", "training", "comparing"])
def test_a_run_that_goes_on_has_no_manifest_yet(
    rft: Rft, api: FakeApi, make_run: Callable[..., Any], status: str
) -> None:
    api.looks = [make_run(status)]
    result = rft("submit", "--from", RUN_ID, "--json")
    assert result.exit_code == 1
    message = json.loads(result.stdout)["error"]["message"]
    assert message == f"{RUN_ID} is still {status}: its manifest, which is what is repeated, comes at its end."
    assert asked(api) == []


def test_a_run_that_left_no_manifest_is_said_to_have_none(rft: Rft, api: FakeApi, make_run: Callable[..., Any]) -> None:
    api.looks = [make_run("rejected", report=None)]
    result = rft("submit", "--from", RUN_ID, "--json")
    message = json.loads(result.stdout)["error"]["message"]
    assert message == f"{RUN_ID} ended as rejected without a manifest, which is what would be repeated."


def test_a_run_that_is_not_there_is_said_to_be_missing(rft: Rft, api: FakeApi) -> None:
    result = rft("submit", "--from", "other-0123456789ab")
    assert (result.exit_code, asked(api)) == (1, [])
    assert "There is no such run" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no JSON object"),
        (b"[]", "is no JSON object"),
        (b'{"request": {}}', "holds no request to repeat"),
        (b'{"version": 1}', "holds no request to repeat"),
    ],
)
def test_a_manifest_that_holds_no_request_repeats_nothing(
    rft: Rft, api: FakeApi, ended: Any, content: bytes, said: str
) -> None:
    ended(content)
    result = rft("submit", "--from", RUN_ID, "--json")
    assert result.exit_code == 1
    assert said in json.loads(result.stdout)["error"]["message"]
    assert asked(api) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a FILE, or a run to repeat with --from."),
        (["{dataset}", "--from", RUN_ID], "--from takes no FILE"),
        (["--from", RUN_ID, "--again"], "without --again"),
        (["--from", "nonsense"], "a run id looks like ticket-triage-0123456789ab"),
    ],
)
def test_a_file_or_a_run_but_not_both(
    rft: Rft, api: FakeApi, tmp_path_factory: pytest.TempPathFactory, arguments: list[str], said: str
) -> None:
    dataset = tmp_path_factory.mktemp("data") / "triage.jsonl"
    dataset.write_text("{}\n")
    result = rft("submit", *(argument.format(dataset=dataset) for argument in arguments), "--json")
    assert result.exit_code == 2
    assert said in json.loads(result.stdout)["error"]["message"]
    assert api.requests == []
