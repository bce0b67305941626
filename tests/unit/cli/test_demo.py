"""The demo's way from end to end, on moto's S3, SNS and SQS, with an API that pretends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli.demo import REPOSITORY, reports_folder
from cli.main import app
from cli.target import Place, Target
from local.cloud import CloudError, CloudInfo

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

RUN_ID = "ticket-triage-0123456789ab"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
DEPLOYMENT = "arn:aws:bedrock:us-east-1:000000000000:custom-model-deployment/abc123def456"
Rft = Callable[..., Any]


KEPT = "Kept: the mean reward may have changed by chance, by +0.00 with -0.02 to +0.02 at 95 % confidence."
PROMOTED = "Promoted: the mean reward rose by +0.70, with +0.61 to +0.79 at 95 % confidence."
REPORT = b"<!doctype html><title>report</title>"


def gain(mean: float, low: float, high: float) -> dict[str, float]:
    return {"mean": mean, "low": low, "high": high, "confidence": 0.95}


def comparison(before: float, after: float, found: dict[str, float], sentence: str, *, better: bool) -> dict[str, Any]:
    """As the pipeline writes comparison.json, what the demo doesn't read left out."""
    return {
        "against": "base",
        "settings": {"temperature": None, "max_tokens": 64, "reasoning_effort": None},
        "grader": {"arn": "arn:aws:lambda:us-east-1:000000000000:function:rft-grader-format:1"},
        "before": before,
        "after": after,
        "gain": found,
        "pairs": 20,
        "components": {"format": {"before": before, "after": after, "gain": found}},
        "held_out": None,
        "verdict": {"recommended": "promote" if better else "keep", "reason": "r", "sentence": sentence},
    }


class World:
    """What the demo meets, and what was done."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.info: CloudInfo
        self.deeds: list[str] = []
        self.start_failure: BaseException | None = None
        self.promote: Callable[..., None]
        self.keep: Callable[..., None]

    # as a boto3 session
    def client(self, service: str, **_: Any) -> Any:
        return boto3.client(service, "us-east-1", **KEYS)  # type: ignore[call-overload]

    def get_credentials(self) -> Any:
        return boto3.Session(**KEYS).get_credentials()

    # as local.cloud.Cloud
    def start(self, root: Path, *, on_progress: Callable[[str], None], seed: int) -> World:
        self.deeds.append(f"start {root.relative_to(self.root)} {seed}")
        on_progress("starting the stand-in AWS")
        if self.start_failure is not None:
            raise self.start_failure
        return self

    def clear(self, root: Path) -> bool:
        self.deeds.append("clear")
        return False

    def deploy_grader(self, app_py: Path) -> str:
        self.deeds.append(f"deploy {app_py.name}")
        return "arn:aws:lambda:us-east-1:000000000000:function:mine:1"

    def stop(self) -> None:
        self.deeds.append("stop")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "examples" / "ticket-triage"
    folder.mkdir(parents=True)
    record = {"messages": [{"role": "user", "content": "the till is dead"}], "reference_answer": "right"}
    for name, count in (("train.jsonl", 40), ("validation.jsonl", 20)):
        (folder / name).write_text("".join(json.dumps({"id": str(i), **record}) + "\n" for i in range(count)))
    request = {
        "model": "ticket-triage",
        "training_data": {"s3_uri": "train.jsonl"},
        "validation_data": {"s3_uri": "validation.jsonl"},
        "grader": {"name": "format-validation"},
    }
    (folder / "run.json").write_text(json.dumps(request))
    monkeypatch.setattr("cli.demo.EXAMPLES", folder.parent)
    return folder


@pytest.fixture
def world(
    tmp_path: Path,
    api: FakeApi,
    cloud_info: dict[str, str],
    make_run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    local_cloud: Target,
) -> Iterator[World]:
    world = World(tmp_path)
    with mock_aws():
        boto3.client("s3", "us-east-1", **KEYS).create_bucket(Bucket="data-bucket")
        sns = boto3.client("sns", "us-east-1", **KEYS)
        info = cloud_info | {"topic_arn": sns.create_topic(Name="rft")["TopicArn"]}
        world.info = CloudInfo(**info)
        names = ("stack", "region", "api_url", "bucket", "topic_arn", "state_machine_arn")
        target = Target(place=Place.LOCAL, session=world, **{name: info[name] for name in names})  # type: ignore[arg-type]
        monkeypatch.setattr(Target, "from_cloud", lambda _: target)
        monkeypatch.setattr("cli.hosting.Cloud", world)
        monkeypatch.setattr("cli.mailbox._PATIENCE_SECONDS", 0.5)

        def notify(look: int) -> None:
            if api.looks[min(look, len(api.looks)) - 1]["status"] in {"promoted", "kept", "failed"}:
                sns.publish(TopicArn=info["topic_arn"], Subject="a better model", Message=f"run {RUN_ID} has ended")

        api.on_look = notify
        world.promote, world.keep = (partial(finish, api, make_run, status) for status in ("promoted", "kept"))
        world.promote(comparison(0.2, 0.9, gain(0.7, 0.61, 0.79), PROMOTED, better=True))
        yield world


def finish(
    api: FakeApi, make_run: Callable[..., Any], status: str, found: dict[str, Any], answer: str = "right"
) -> None:
    """The run ends as ``status`` and leaves its files, the report last: after the end, as the pipeline does."""
    folder = f"runs/{RUN_ID}"
    row = {"reference_answer": "right", "answers": {"base": {"text": "?"}, "candidate": {"text": answer}}}
    unanswered = row | {"answers": {"base": {"missing": "BedrockBusy"}, "candidate": {"missing": "BedrockBusy"}}}
    files = {
        "comparison.json": json.dumps(found).encode(),
        "comparison.jsonl": b"".join(json.dumps(line).encode() + b"\n" for line in (unanswered, row)),
        "report.html": REPORT,
        "report.md": b"# report",
        "manifest.json": b"{}",
    }
    s3 = boto3.client("s3", "us-east-1", **KEYS)
    for name, body in files.items():
        s3.put_object(Bucket="data-bucket", Key=f"{folder}/{name}", Body=body)
    uris = {name: f"s3://data-bucket/{folder}/{name}" for name in files}
    verdict = found["verdict"]
    compared = {
        "against": "base",
        "live_run_id": None,
        "recommended": verdict["recommended"],
        "sentence": verdict["sentence"],
        "records": 20,
        "gain": found["gain"],
        "means": {"base": 0.2, "candidate": 0.9},
        "document_uri": uris["comparison.json"],
        "rows_uri": uris["comparison.jsonl"],
    }
    left = {f"{kind}_uri": uris[name] for kind, name in NAMES.items()}
    deployment = DEPLOYMENT if status == "promoted" else None
    ended = make_run(status, comparison=compared, deployment_arn=deployment)
    api.looks = [make_run("training"), ended, ended | {"report": left}]


NAMES = {"report": "report.html", "markdown": "report.md", "manifest": "manifest.json"}


@pytest.fixture
def rft(runner: CliRunner, world: World, example: Path) -> Rft:
    return lambda *arguments, env=None: runner.invoke(app, ["demo", *map(str, arguments)], env=env)


def uploaded() -> dict[str, Any]:
    s3 = boto3.client("s3", "us-east-1", **KEYS)
    found = s3.list_objects_v2(Bucket="data-bucket")["Contents"]
    ordered = sorted(found, key=lambda entry: (entry["LastModified"], entry["Key"].endswith("run.json")))
    return {entry["Key"]: s3.get_object(Bucket="data-bucket", Key=entry["Key"])["Body"].read() for entry in ordered}


def test_the_screen_shows_the_gain_the_deployment_and_the_message(rft: Rft, world: World) -> None:
    result = rft("--seed", "7")
    assert result.exit_code == 0, result.output
    assert world.deeds == ["clear", "start demo 7", "stop"]
    for words in (
        "mean reward               0.20      0.90     +0.70  +0.61 to +0.79",
        "  format                  0.20      0.90     +0.70  +0.61 to +0.79",
        "20 prompts, both models asked at their own temperature, at most 64 tokens",
        PROMOTED,
        DEPLOYMENT,
        "a better model",
        f"run {RUN_ID} has ended",
        "The model is a stand-in",
        "rft up --detach",
    ):
        assert words in result.stdout


def test_json_holds_the_same_facts_and_nothing_else(rft: Rft, api: FakeApi, world: World) -> None:
    result = rft("--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document.pop("seconds") > 0
    assert json.loads(json.dumps(document.pop("notification")))["Message"] == f"run {RUN_ID} has ended"
    changed = {"before": 0.2, "after": 0.9, "gain": {"mean": 0.7, "low": 0.61, "high": 0.79, "confidence": 0.95}}
    assert document == {
        "run": api.looks[-1],
        **changed,
        "components": {"format": changed},
        "verdict": {"better": True, "text": PROMOTED},
        "deployment_arn": DEPLOYMENT,
        "report": str(world.root / "demo-reports" / RUN_ID / "report.html"),
    }


def test_the_report_stays_when_the_cloud_is_gone(rft: Rft, world: World) -> None:
    result = rft()
    folder = world.root / "demo-reports" / RUN_ID
    assert (folder / "report.html").read_bytes() == REPORT
    assert {file.name for file in folder.iterdir()} == set(NAMES.values())
    assert str(folder / "report.html") in result.stdout.splitlines()
    assert world.deeds[-1] == "stop"
    assert rft().exit_code == 0, "and is no hindrance to the next demo"


def test_a_demo_of_a_checkout_leaves_its_report_where_git_looks_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RFT_LOCAL_DIR", raising=False)
    folder = reports_folder()
    assert folder.parent == REPOSITORY
    assert f"{folder.name}/" in (REPOSITORY / ".gitignore").read_text().splitlines()


def test_a_run_without_a_report_is_shown_all_the_same(rft: Rft, api: FakeApi) -> None:
    del api.looks[-1]
    result = rft("--json")
    assert (result.exit_code, json.loads(result.stdout)["report"]) == (0, None)


def test_the_example_goes_through_the_bucket_door_with_the_request_last(rft: Rft, example: Path) -> None:
    rft("--json")
    objects = uploaded()
    assert list(objects)[-1] == "inbox/ticket-triage/run.json"
    assert objects["inbox/ticket-triage/train.jsonl"] == (example / "train.jsonl").read_bytes()
    assert json.loads(objects["inbox/ticket-triage/run.json"]) == json.loads((example / "run.json").read_text())


def test_a_grader_of_ones_own_is_deployed_and_named(rft: Rft, world: World, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): ...")
    assert rft("--grader", tmp_path / "app.py").exit_code == 0
    assert "deploy app.py" in world.deeds
    request = json.loads(uploaded()["inbox/ticket-triage/run.json"])
    assert request["grader"] == {"lambda_arn": "arn:aws:lambda:us-east-1:000000000000:function:mine:1"}


@pytest.mark.parametrize(
    ("grader", "problem"),
    [
        ("import numpty", "ModuleNotFoundError: No module named 'numpty'"),
        ("import beside", "ModuleNotFoundError: No module named 'beside'"),
        ("score = 1", "AttributeError: module 'app' has no attribute 'handler'"),
    ],
)
def test_a_grader_that_can_not_be_imported_is_told_before_anything_starts(
    rft: Rft, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grader: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(grader)
    (tmp_path / "beside.py").write_text("")
    result = rft("--grader", "app.py")
    assert (result.exit_code, world.deeds) == (2, [])
    assert f"The grader app.py can't be imported: {problem}" in result.stderr


def test_an_unknown_grader_is_told_with_those_that_there_are(rft: Rft, world: World) -> None:
    result = rft("--grader", "maths")
    assert (result.exit_code, world.deeds) == (2, [])
    assert "format-validation, generic, " in result.stderr


def test_a_grader_of_the_stack_is_named(rft: Rft) -> None:
    rft("--grader", "math-reasoning")
    assert json.loads(uploaded()["inbox/ticket-triage/run.json"])["grader"] == {"name": "math-reasoning"}


def test_a_model_that_is_no_better_is_an_honest_result(rft: Rft, world: World) -> None:
    world.keep(comparison(0.5, 0.5, gain(0.0, -0.02, 0.02), KEPT, better=False))
    result = rft("--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document["verdict"], document["deployment_arn"]) == ({"better": False, "text": KEPT}, None)
    words = rft()
    assert words.exit_code == 0
    assert KEPT in words.stdout
    assert "The model is a stand-in" in words.stdout


def test_without_a_gain_an_answer_is_shown_beside_its_reference(rft: Rft, world: World) -> None:
    answer = "one\n" + "two " * 50
    world.keep(comparison(0.5, 0.5, gain(0.0, -0.02, 0.02), KEPT, better=False), answer)
    result = rft()
    assert "look at one answer beside its reference" in result.stdout
    (answer,) = [line for line in result.stdout.splitlines() if line.startswith("  answer")]
    assert answer.split(maxsplit=1)[1].startswith('"one\\ntwo two')
    assert len(answer.split(maxsplit=1)[1]) == 100
    assert '  reference  "right"\n' in result.stdout


def test_with_a_gain_no_answer_is_shown(rft: Rft) -> None:
    assert "beside its reference" not in rft().stdout


@pytest.mark.parametrize(("shown", "offered"), [("ticket-triage", "word-sums"), ("word-sums", "ticket-triage")])
def test_the_other_example_is_offered(rft: Rft, example: Path, shown: str, offered: str) -> None:
    example.rename(example.with_name(shown))
    result = rft("--example", shown)
    assert f"rft demo --example {offered}" in result.stdout
    assert f"rft demo --example {shown}" not in result.stdout


def test_a_narrow_terminal_gets_the_message_whole_and_the_news_that_it_goes(
    rft: Rft, api: FakeApi, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = f"Next: aws bedrock-runtime converse --model-id {DEPLOYMENT} --messages '[...]'"
    sns = boto3.client("sns", "us-east-1", **KEYS)
    topic = world.info.topic_arn
    api.on_look = lambda _: sns.publish(TopicArn=topic, Subject="s", Message=f"run {RUN_ID}\n\n{command}\n") and None
    result = rft(env={"COLUMNS": "60", "FORCE_COLOR": "1", "NO_COLOR": "1"})
    assert command in result.stdout.splitlines()
    assert "This stand-in is being removed now" in result.stdout


def test_a_run_that_fails_is_told_and_is_1(rft: Rft, world: World, api: FakeApi, make_run: Callable[..., Any]) -> None:
    api.looks = [make_run("failed", reason={"error": "JobFailed", "message": "the grader broke", "details_uri": None})]
    result = rft()
    assert result.exit_code == 1
    assert "JobFailed: the grader broke" in result.stdout
    assert "The run ended as failed: no model takes over." in result.stdout
    assert world.deeds[-1] == "stop"


def test_a_silent_end_is_a_failure(rft: Rft, world: World, api: FakeApi) -> None:
    api.on_look = lambda look: None
    result = rft("--json")
    assert result.exit_code == 1
    assert "No notification" in json.loads(result.stdout)["error"]["message"]
    assert world.deeds[-1] == "stop"


def test_ctrl_c_cleans_up(rft: Rft, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.demo._save_report", interrupt)
    assert rft().exit_code == 130
    assert world.deeds[-1] == "stop"


def test_a_cloud_that_does_not_start_is_explained(rft: Rft, world: World) -> None:
    world.start_failure = CloudError("the emulator isn't installed: run `make setup`")
    result = rft()
    assert result.exit_code == 1
    assert "✗ starting the stand-in AWS" in result.stdout
    assert world.deeds == ["clear", "start demo 0"]  # its log stays, to be read
    assert "run `make setup`" in result.stderr
    assert "Traceback" not in result.output


def test_ctrl_c_while_it_starts_leaves_nothing(rft: Rft, world: World) -> None:
    world.start_failure = KeyboardInterrupt()
    assert rft().exit_code == 130
    assert world.deeds == ["clear", "start demo 0", "clear"]


def test_one_demo_at_a_time(rft: Rft, world: World, runner: CliRunner) -> None:
    in_first, go_on = threading.Event(), threading.Event()

    def other() -> None:
        import fcntl
        import os

        handle = os.open(world.root, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        in_first.set()
        go_on.wait()
        os.close(handle)

    thread = threading.Thread(target=other)
    thread.start()
    in_first.wait()
    result = rft()
    go_on.set()
    thread.join()
    assert (result.exit_code, world.deeds) == (1, [])
    assert "Another rft demo is running" in result.stderr
