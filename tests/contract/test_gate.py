"""CheckGrader: what closes the gate, what only warns, and that nothing is submitted past a closed one."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from rft.errors import DatasetInvalid, DatasetMissing, GateClosed, GateTooSlow, GraderMissing, RequestInvalid
from rft.grading.errors import JudgeDenied
from rft.run.status import Status
from rft.steps.dataset.prepare_dataset import prepare_dataset
from rft.steps.ending.close_run import close_run
from rft.steps.gate.check_grader import NOT_SEEN, UNPUBLISHED, check_grader
from rft.steps.gate.grader_test import graders_of
from rft.steps.gate.grader_test import test_grader as ask_for_test
from rft.steps.gate.run_grader_test import run_grader_test
from tests.contract.application import BUCKET, GRADER, LOG_BUCKET, Application
from tests.contract.test_requests import start

DECLARED = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}

VALID_WITHOUT_REFERENCE = json.dumps({"messages": [{"role": "user", "content": "Hello?"}]})


def same(sample: dict[str, Any]) -> float:
    """A reward that bad samples don't sink."""
    try:
        return float(sample["messages"][-1]["content"] == sample["metadata"]["reference_answer"])
    except (KeyError, TypeError, IndexError):
        return 0.0


@pytest.fixture(autouse=True)
def tolerant(app: Application) -> None:
    app.bedrock.aws.reward = same


def prepared(app: Application, **changes: Any) -> str:
    run_id = start(app, **({"grader": {"name": "format-validation"}} | changes))
    prepare_dataset(app.pipeline, run_id)
    app.hand_over_dataset()
    return run_id


def gate_of(run_id: str) -> Any:
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=f"runs/{run_id}/gate.json")["Body"].read()
    return json.loads(body)


def test_a_grader_that_tells_answers_apart_opens_the_gate(app: Application) -> None:
    run_id = prepared(app)
    assert check_grader(app.pipeline, run_id) == {"run_id": run_id}
    gate, run = gate_of(run_id), app.pipeline.store.get(run_id)
    assert (gate["run_id"], gate["grader"]["name"], gate["sample"]["records"]) == (run_id, "format-validation", 16)
    assert gate["ladder"]["gold"]["mean"] == 1
    assert gate["ladder"]["empty"]["mean"] == gate["ladder"]["echo"]["mean"] == 0
    assert gate["ladder"]["base"]["n"] > 48
    assert gate["signal"]["known"] is True
    assert gate["time"]["samples_per_step"] == 128
    assert gate["cost"]["rollouts"]
    assert run.status is Status.CHECKING
    assert run.gate is not None
    assert run.gate["verdict"] == gate["verdict"] != "closed"
    assert run.gate["report_uri"] == f"s3://{BUCKET}/runs/{run_id}/gate.json"
    sent = [s for call in app.bedrock.aws.grader_events for s in call if isinstance(s.get("metadata"), dict)]
    assert {s["metadata"]["rft"]["phase"] for s in sent} == {"gate"}, "no part of the run's own curve"
    said = [w.removeprefix("gate: ") for w in run.warnings if w.startswith("gate: ")]
    assert said == [finding["message"] for finding in gate["findings"]]


def test_a_constant_grader_closes_it_and_warn_goes_on(app: Application) -> None:
    app.bedrock.aws.reward = lambda _: 0.5
    run_id = prepared(app)
    with pytest.raises(GateClosed, match="Each of"):
        check_grader(app.pipeline, run_id)
    assert "constant-reward" in {f["code"] for f in gate_of(run_id)["findings"]}
    close_run(app.pipeline, run_id, "GateClosed", json.dumps({"errorMessage": "the gate is closed"}))
    run = app.pipeline.store.get(run_id)
    assert (run.status, (run.reason or {})["details_uri"]) == (
        Status.REJECTED,
        f"s3://{BUCKET}/runs/{run_id}/gate.json",
    )
    assert app.named("CreateModelCustomizationJob") == []
    warned = prepared(app, model="w", gate="warn")
    check_grader(app.pipeline, warned)
    check_grader(app.pipeline, warned)
    told = app.pipeline.store.get(warned).warnings
    assert len(told) == len(set(told)), "a state that is tried again says nothing twice"
    assert any(warning.startswith("gate: ") for warning in told)


def test_nothing_goes_past_a_broken_contract(app: Application) -> None:
    function = GRADER.rpartition(":")[0].rpartition(":")[2]
    app.bedrock.aws.answers[GRADER.rpartition(":")[2]] = [[]] * 30
    app.bedrock.aws.answers[function] = [[]] * 30
    run_id = prepared(app, gate="warn")
    with pytest.raises(GateClosed, match="results"):
        check_grader(app.pipeline, run_id)
    assert gate_of(run_id)["verdict"] == "closed"


@pytest.mark.parametrize("budget", [{"max_rollouts": 10}, {"max_usd": 0.0001}])
def test_a_budget_that_does_not_do_closes_it_whatever_was_asked_for(app: Application, budget: dict[str, Any]) -> None:
    run_id = prepared(app, budget=budget, gate="warn")
    with pytest.raises(GateClosed, match="more than"):
        check_grader(app.pipeline, run_id)
    assert "over-budget" in {f["code"] for f in gate_of(run_id)["findings"]}


@pytest.mark.parametrize(("arn", "warned"), [(GRADER, False), (GRADER.rpartition(":")[0], True)])
def test_a_grader_without_a_version_is_warned_of(app: Application, arn: str, warned: bool) -> None:
    run_id = prepared(app, grader={"lambda_arn": arn})
    check_grader(app.pipeline, run_id)
    assert (f"gate: {UNPUBLISHED}" in app.pipeline.store.get(run_id).warnings) is warned


def test_a_price_that_is_not_known_is_said_and_the_budget_holds_on_rollouts(app: Application) -> None:
    run_id = prepared(app, budget={"max_usd": 1000})
    check_grader(app.pipeline, run_id)
    (finding,) = [f for f in gate_of(run_id)["findings"] if f["code"] == "cost-unknown"]
    assert "rollouts" in finding["message"]


def test_a_base_model_that_may_not_be_asked_leaves_the_signal_unknown(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any) -> Any:
        raise JudgeDenied("the model x may not be asked: AccessDeniedException")

    monkeypatch.setattr("rft.steps.gate.base_answers.Converse.ask", denied)
    run_id = prepared(app)
    check_grader(app.pipeline, run_id)
    gate = gate_of(run_id)
    assert gate["signal"]["known"] is False
    assert "signal-unknown" in {f["code"] for f in gate["findings"]}


def test_logs_that_bedrock_reads_itself_leave_nothing_to_look_at(app: Application) -> None:
    logs = {"s3_uri": f"s3://{LOG_BUCKET}/AWSLogs/", "native": True, "use_prompt_response": True}
    run_id = start(app, training_data={"invocation_logs": logs})
    prepare_dataset(app.pipeline, run_id)
    assert check_grader(app.pipeline, run_id) == {"run_id": run_id}
    assert f"gate: {NOT_SEEN}" in app.pipeline.store.get(run_id).warnings


def test_with_such_logs_the_validation_file_is_what_there_is_to_look_at(app: Application) -> None:
    start(app, model="v")
    logs = {"s3_uri": f"s3://{LOG_BUCKET}/AWSLogs/", "native": True, "use_prompt_response": True}
    validation = {"s3_uri": f"s3://{BUCKET}/datasets/v.jsonl"}
    run_id = prepared(
        app, training_data={"invocation_logs": logs}, validation_data=validation, budget={"max_rollouts": 99}
    )
    with pytest.raises(GateClosed, match="rollouts"):
        check_grader(app.pipeline, run_id)
    assert gate_of(run_id)["ladder"]["gold"]["mean"] == 1


def test_every_record_leads_to_the_json_of_openais_grader(app: Application) -> None:
    run_id = prepared(app, grader={"openai": DECLARED})
    s3 = boto3.client("s3")
    body = s3.get_object(Bucket=BUCKET, Key=f"runs/{run_id}/grader.json")["Body"].read()
    assert json.loads(body) == DECLARED
    lines = s3.get_object(Bucket=BUCKET, Key=f"runs/{run_id}/dataset/train.jsonl")["Body"].read().splitlines()
    leads = {json.dumps(json.loads(line)["rft"], sort_keys=True) for line in lines}
    assert len(leads) == 1
    (lead,) = map(json.loads, leads)
    assert lead.keys() == {"run_id", "model", "grader_key", "grader_sha256"}
    assert lead["grader_key"] == f"runs/{run_id}/grader.json"
    check_grader(app.pipeline, run_id)
    assert gate_of(run_id)["grader"]["kind"] == "declared"


# -- through the API --------------------------------------------------------------------------------------------------


def test_the_stacks_graders_are_told_with_what_they_need(app: Application) -> None:
    told = {grader["name"]: grader for grader in graders_of(app.pipeline)}
    assert told.keys() == {"format-validation", "summarization", "openai"}
    assert told["summarization"] == told["summarization"] | {"kind": "judge", "reference": "optional", "arn": GRADER}


@pytest.mark.parametrize(
    ("name", "body", "paths"),
    [
        ("format-validation", {}, {"s3_uri"}),
        (
            "format-validation",
            {"s3_uri": "s3://elsewhere/x", "records": 99, "colour": 1},
            {"s3_uri", "records", "colour"},
        ),
        ("format-validation", {"s3_uri": f"s3://{BUCKET}/runs/x", "openai": DECLARED}, {"s3_uri", "openai"}),
        ("openai", {"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl"}, {"openai"}),
        ("openai", {"s3_uri": f"s3://{BUCKET}/d", "openai": {"type": "python"}}, None),
    ],
)
def test_a_test_that_makes_no_sense_is_refused_with_all_that_is_wrong(
    app: Application, name: str, body: dict[str, Any], paths: set[str] | None
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        ask_for_test(app.pipeline, name, json.dumps(body))
    found = {problem.path for problem in refused.value.problems}
    assert found == paths if paths is not None else all(path.startswith("openai") for path in found)


def test_a_grader_is_tested_without_a_run(app: Application) -> None:
    start(app)  # uploads the dataset
    wanted = {"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl", "records": 4, "base_answers": 0}
    app.bedrock.aws.answers["check-grader"] = [{"verdict": "open"}]
    answer = ask_for_test(app.pipeline, "format-validation", json.dumps(wanted))
    assert answer == {"verdict": "open"}
    (asked,) = app.bedrock.aws.grader_events
    report = run_grader_test(app.pipeline, asked["test"])  # type: ignore[call-overload]
    assert (report["sample"]["records"], report["ladder"]["gold"]["mean"]) == (4, 1)
    assert report["signal"]["known"] is False


def test_a_grader_that_the_owner_added_is_tested_as_one(app: Application) -> None:
    start(app)
    wanted = {"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl", "records": 2, "base_answers": 0}
    report = run_grader_test(app.pipeline, wanted | {"name": "mine", "arn": GRADER})
    assert report["grader"]["kind"] == "own"
    assert report["ladder"]["gold"]["mean"] == 1


@pytest.mark.parametrize(
    ("line", "name"),
    [("{", "mine"), ("[]", "mine"), ('{"messages": 1}', "mine"), (VALID_WITHOUT_REFERENCE, "format-validation")],
)
def test_a_dataset_that_is_not_valid_is_the_callers_fault_and_not_quoted(
    app: Application, line: str, name: str
) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="elsewhere/bad.jsonl", Body=line.encode())
    wanted = {"s3_uri": f"s3://{BUCKET}/elsewhere/bad.jsonl", "name": name, "arn": GRADER}
    with pytest.raises(DatasetInvalid, match=r"^has 1 fault, and POST /datasets/check"):
        run_grader_test(app.pipeline, wanted)
    assert app.bedrock.aws.grader_events == []


@pytest.mark.parametrize(
    ("report", "raised", "told"),
    [
        ({"errorType": "DatasetInvalid", "errorMessage": "has 2 faults"}, RequestInvalid, "s3_uri: has 2 faults"),
        ({"errorType": "DatasetMissing", "errorMessage": "there is no x"}, DatasetMissing, "there is no x"),
        ({"errorType": "KeyError", "errorMessage": "a text of somebody's"}, RuntimeError, "ended with KeyError$"),
    ],
)
def test_how_a_test_ended_in_its_function_is_told_by_name(
    app: Application, monkeypatch: pytest.MonkeyPatch, report: Any, raised: type[Exception], told: str
) -> None:
    start(app)
    body = {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(report).encode())}
    functions = SimpleNamespace(invoke=lambda **_: body)
    monkeypatch.setattr("rft.aws.functions.lambda_client", lambda _: functions)
    with pytest.raises(raised, match=told):
        ask_for_test(app.pipeline, "format-validation", json.dumps({"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl"}))


def test_openais_json_is_tested_from_a_place_of_its_own(app: Application) -> None:
    start(app)
    wanted = {"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl", "version_id": None, "records": 2, "base_answers": 0}
    run_grader_test(app.pipeline, wanted | {"name": "openai", "arn": GRADER, "openai": DECLARED})
    (put,) = [params for params in app.named("PutObject") if params["Key"].endswith("grader.json")]
    assert put["Key"].startswith("runs/test-")
    assert put["Tagging"] == "rft-keep=days"


def test_there_must_be_such_a_grader_and_such_a_dataset_of_a_size(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GraderMissing):
        ask_for_test(app.pipeline, "nobody", "{}")
    start(app)
    monkeypatch.setattr("rft.steps.gate.grader_test.MAX_BYTES", 10)
    with pytest.raises(GateTooSlow, match="rft check-grader"):
        ask_for_test(app.pipeline, "format-validation", json.dumps({"s3_uri": f"s3://{BUCKET}/datasets/m.jsonl"}))
