"""Models that do not answer, and graders that do not grade: an error is never a score."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from rft.aws.converse import QuestionTooLong
from rft.errors import ComparisonFailed, ComparisonPending
from rft.gate.ports import InvocationFailed
from rft.grading.errors import JudgeDenied
from rft.steps.comparing import compare_models as comparing
from rft.steps.comparing import comparison_answers as answering
from rft.steps.comparing import comparison_grades
from rft.steps.comparing.compare_models import compare_models
from tests.contract.application import BUCKET, GRADER, Application, session
from tests.contract.comparing import (
    BASE,
    CANDIDATE,
    LIVE,
    Models,
    Said,
    busy,
    compared,
    deployed,
    document,
    failing,
    graded,
    held_out,
    make_live,
    rows,
    scored,
)

CANARY = "zq7canary"


@pytest.fixture
def app(emptied_app: Application) -> Application:
    return emptied_app


# -- what is missing --------------------------------------------------------------------------------------------------


def test_a_throttled_question_is_asked_again(app: Application, models: Models) -> None:
    before, seen = models.script, Counter[tuple[str, str]]()

    def script(model: str, prompt: str) -> Said:
        seen[model, prompt] += 1
        return busy() if seen[model, prompt] < 3 else before(model, prompt)

    models.script = script
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert document(run_id)["roles"]["candidate"]["missing"] == 0
    assert models.counts == {BASE: 36, CANDIDATE: 36}


def test_throttled_for_long_is_not_missing_and_nothing_is_asked_twice(app: Application, models: Models) -> None:
    failing(models, busy(), {0, 1, 2, 7})
    run_id = deployed(app)
    for _ in range(answering.STALLED_ROUNDS):
        with pytest.raises(ComparisonPending, match="4 questions are still to be asked"):
            compare_models(app.pipeline, run_id)
    assert app.bedrock.aws.grader_events == []
    tries = answering.STALLED_ROUNDS * answering.TRIES
    assert models.counts == {BASE: 12, CANDIDATE: 8 + 4 * tries}
    models.script = Models().script
    models.asked.clear()
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert models.counts == {CANDIDATE: 4}
    assert (document(run_id)["roles"]["candidate"]["missing"], document(run_id)["pairs"]) == (0, 12)


@pytest.mark.parametrize(("rounds_at_most", "rounds", "missing"), [(30, 3, 0), (2, 2, 2)])
def test_a_small_quota_is_used_round_after_round(
    app: Application,
    models: Models,
    monkeypatch: pytest.MonkeyPatch,
    rounds_at_most: int,
    rounds: int,
    missing: int,
) -> None:
    monkeypatch.setattr(answering, "THROTTLED_ROUNDS", rounds_at_most)
    monkeypatch.setattr(answering, "STALLED_ROUNDS", 1)
    before, run_id, left = models.script, deployed(app), 0

    def script(model: str, prompt: str) -> Said:
        nonlocal left
        if model == CANDIDATE:
            left -= 1
            return busy() if left < 0 else before(model, prompt)
        return before(model, prompt)

    models.script = script
    for _ in range(rounds - 1):
        left = 5
        with pytest.raises(ComparisonPending):
            compare_models(app.pipeline, run_id)
    left = 5
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert document(run_id)["roles"]["candidate"]["missing"] == missing


@pytest.mark.parametrize("code", ["ThrottlingException", "ModelNotReadyException", "InternalServerException"])
def test_throttled_for_ever_is_missing_and_no_zero(app: Application, models: Models, code: str) -> None:
    failing(models, busy(code), {0, 7})
    run_id = deployed(app)
    ended, waits = compared(app, run_id)
    assert (ended["next"], waits) == ("promote", answering.STALLED_ROUNDS)  # in the first round others answered
    found = document(run_id)
    assert found["roles"]["candidate"]["missing"] == 2
    assert (found["roles"]["candidate"]["reward"]["mean"], found["pairs"]) == (1, 10)
    assert rows(run_id)[7]["answers"]["candidate"] == {"missing": code}
    assert "reward" in rows(run_id)[7]["answers"]["base"]
    asked = [q for model, q, _ in models.asked if model == CANDIDATE and " 7 is" in q.turns[-1].text]
    assert len(asked) == answering.TRIES * (waits + 1)
    assert models.counts[BASE] == 12


@pytest.mark.parametrize("model", [BASE, CANDIDATE])
def test_too_much_missing_on_either_side_is_no_comparison(app: Application, models: Models, model: str) -> None:
    failing(models, busy("ServiceUnavailableException"), {0, 1, 2}, model)
    run_id = deployed(app)
    with pytest.raises(ComparisonFailed, match=r"3 of 12 answers.*ServiceUnavailableException 3.*20 %.*is busy"):
        compared(app, run_id)
    assert models.counts[model] == 9 + 3 * answering.TRIES * (answering.STALLED_ROUNDS + 1)
    assert app.pipeline.store.get(run_id).comparison is None
    assert app.bedrock.aws.grader_events == []


def test_a_model_that_does_not_answer_in_time_is_asked_only_twice(app: Application, models: Models) -> None:
    failing(models, busy("ReadTimeoutError"), {3})
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    assert models.counts[CANDIDATE] == 13
    assert rows(run_id)[3]["answers"]["candidate"] == {"missing": "ReadTimeoutError"}


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (QuestionTooLong("too long"), "QuestionTooLong"),
        (JudgeDenied("no: ValidationException", code="ValidationException"), "ValidationException"),
    ],
)
def test_a_prompt_that_a_model_does_not_take_is_left_out(
    app: Application, models: Models, error: Exception, name: str
) -> None:
    failing(models, error, {4})
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    answers = rows(run_id)[4]["answers"]
    assert answers["candidate"] == {"missing": name}
    assert document(run_id)["pairs"] == 11
    if name == "QuestionTooLong":
        assert answers["base"] == {"missing": name}


def test_a_prompt_that_converse_does_not_take_is_missing_for_all(app: Application, models: Models) -> None:
    lines = held_out(12)
    lines[5]["messages"].append({"role": "assistant", "content": "begun"})
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    run_id = deployed(app)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"runs/{run_id}/dataset/validation.jsonl", Body=body)
    compare_models(app.pipeline, run_id)
    assert rows(run_id)[5]["answers"] == {"base": {"missing": "BadSample"}, "candidate": {"missing": "BadSample"}}
    assert models.counts == {BASE: 11, CANDIDATE: 11}


@pytest.mark.parametrize(
    ("model", "said"),
    [(BASE, "the base model"), (CANDIDATE, "the candidate"), (LIVE, "the live version")],
)
def test_a_model_that_may_not_be_asked_ends_it_at_once(app: Application, models: Models, model: str, said: str) -> None:
    code = "AccessDeniedException"
    failing(models, JudgeDenied(f"the model x may not be asked: {code}", code=code), set(range(60)), model)
    make_live(app, "m-0123456789ab")
    run_id = deployed(app, 60)
    with pytest.raises(ComparisonFailed, match=f"{said} can't be compared: .*{code}"):
        compare_models(app.pipeline, run_id)
    assert models.counts[model] <= 4


def test_a_deployment_that_is_not_seen_everywhere_yet_is_asked_again(app: Application, models: Models) -> None:
    missing = JudgeDenied("x may not be asked: ResourceNotFoundException", code="ResourceNotFoundException")
    before = models.script
    models.script = lambda model, prompt: (
        missing if model == CANDIDATE and models.counts[model] < 4 else before(model, prompt)
    )
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    models.script = lambda *_: missing
    with pytest.raises(ComparisonFailed, match="ResourceNotFoundException"):
        compare_models(app.pipeline, deployed(app, model="n"))


def test_a_model_that_takes_no_prompt_at_all_is_told_with_its_reason(app: Application, models: Models) -> None:
    denied = JudgeDenied("the model x may not be asked: ValidationException: by a profile", code="ValidationException")
    failing(models, denied, set(range(12)), BASE)
    run_id = deployed(app)
    with pytest.raises(ComparisonFailed, match="by a profile"):
        compare_models(app.pipeline, run_id)


# -- graders ----------------------------------------------------------------------------------------------------------


def test_what_is_graded_is_no_part_of_the_trainings_curve(app: Application, models: Models) -> None:
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    assert len(graded(app)) == 24
    assert [sample["metadata"]["rft"] for sample in graded(app)] == [
        {"run_id": run_id, "model": "m", "phase": "compare"}
    ] * 24
    assert graded(app)[0]["messages"][:2] == held_out(1)[0]["messages"]
    assert graded(app)[0]["messages"][2]["role"] == "assistant"
    assert graded(app)[0]["metadata"]["reference_answer"] == "red"


@pytest.mark.parametrize("reward", [float("nan"), float("inf"), None, "1", 7])
def test_a_reward_that_is_none_is_missing_and_no_zero(app: Application, models: Models, reward: Any) -> None:
    def odd(samples: list[dict[str, Any]]) -> Any:
        answer = scored(samples)
        for sample, result in zip(samples, answer, strict=True):
            if sample["id"] == "r3" and sample["messages"][-1]["content"] == "black":
                result["aggregate_reward_score"] = reward
        return answer

    app.bedrock.aws.graders[GRADER] = odd
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    found = document(run_id)
    assert (found["roles"]["candidate"]["grader_errors"], found["pairs"]) == (1, 11)
    assert found["roles"]["candidate"]["reward"]["mean"] == 1
    answer = rows(run_id)[3]["answers"]["candidate"]
    assert answer["missing"] == comparison_grades.NO_REWARD
    assert answer["text"] == "black"
    assert "reward" not in answer


def test_what_a_grader_marks_as_an_error_is_no_judgement(app: Application, models: Models) -> None:
    def marked(samples: list[dict[str, Any]]) -> Any:
        answer = scored(samples)
        answer[0]["metrics_list"] = [{"name": "error", "value": 1.0, "type": "Metric"}]
        return answer

    app.bedrock.aws.graders[GRADER] = marked
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    assert rows(run_id)[0]["answers"]["base"]["missing"] == comparison_grades.MARKED


def test_a_grader_that_crashes_ends_it_after_as_many_tries_as_bedrock_makes(app: Application, models: Models) -> None:
    def crash(_: Any) -> Any:
        raise ZeroDivisionError(CANARY)

    app.bedrock.aws.graders[GRADER] = crash
    run_id = deployed(app)
    with pytest.raises(
        ComparisonFailed, match=r"the grader grader:1 can't grade the answers: raised: ZeroDivision"
    ) as e:
        compare_models(app.pipeline, run_id)
    assert CANARY not in str(e.value)
    assert len(app.bedrock.aws.grader_events) == 4
    assert models.counts == {BASE: 12, CANDIDATE: 12}


def late(app: Application, grade: Any) -> Any:
    """Time that no longer suffices once the grader has been called in this invocation; ``grade`` says what it does."""
    left = 900.0

    def slow(samples: list[dict[str, Any]]) -> Any:
        nonlocal left
        left = 9.0
        return grade(samples)

    def seconds_left() -> float:
        return left

    def again() -> Any:
        nonlocal left
        left = 900.0
        return seconds_left

    app.bedrock.aws.graders[GRADER] = slow
    return again


def test_a_grader_that_fails_late_is_called_again_by_the_state_machine(app: Application, models: Models) -> None:
    calls = 0

    def slow(samples: list[dict[str, Any]]) -> Any:
        nonlocal calls
        calls += 1
        if calls < comparison_grades.LATE_FAILURES:
            raise TimeoutError(CANARY)
        return scored(samples)

    again, run_id = late(app, slow), deployed(app)
    for _ in range(comparison_grades.LATE_FAILURES - 1):
        with pytest.raises(ComparisonPending, match=r"the grader grader:1 is to be called again: ") as pending:
            compare_models(app.pipeline, run_id, again())
        assert CANARY not in str(pending.value)
    assert calls == comparison_grades.LATE_FAILURES - 1
    assert compare_models(app.pipeline, run_id, again())["next"] == "promote"
    assert models.counts == {BASE: 12, CANDIDATE: 12}


def test_a_grader_that_always_fails_late_ends_it(app: Application, models: Models) -> None:
    def slow(_: Any) -> Any:
        raise TimeoutError

    again, run_id = late(app, slow), deployed(app)
    for _ in range(comparison_grades.LATE_FAILURES - 1):
        with pytest.raises(ComparisonPending):
            compare_models(app.pipeline, run_id, again())
    with pytest.raises(ComparisonFailed, match=r"the grader grader:1 can't grade the answers: "):
        compare_models(app.pipeline, run_id, again())
    assert len(app.bedrock.aws.grader_events) == comparison_grades.LATE_FAILURES


def test_late_failures_are_counted_in_a_row(app: Application, models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_grades, "CALL_SAMPLES", 4)
    calls = 0

    def every_other(samples: list[dict[str, Any]]) -> Any:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise TimeoutError
        return scored(samples)

    again, run_id = late(app, every_other), deployed(app)
    for _ in range(11):  # six calls, each late at first; what is graded is kept
        with pytest.raises(ComparisonPending):
            compare_models(app.pipeline, run_id, again())
    assert compare_models(app.pipeline, run_id, again())["next"] == "promote"
    assert len(app.bedrock.aws.grader_events) == 12


def test_a_judge_that_is_throttled_for_a_while_ends_nothing(app: Application, models: Models) -> None:
    class JudgeUnavailable(Exception):
        pass

    left = [JudgeUnavailable(), JudgeUnavailable()]

    def throttled(samples: list[dict[str, Any]]) -> Any:
        if left:
            raise left.pop()
        return scored(samples)

    app.bedrock.aws.graders[GRADER] = throttled
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"


def test_a_grader_that_breaks_the_contract_ends_it(app: Application, models: Models) -> None:
    app.bedrock.aws.graders[GRADER] = lambda samples: scored(samples)[1:]
    run_id = deployed(app)
    with pytest.raises(ComparisonFailed, match="given 24 samples and answered 23 results"):
        compare_models(app.pipeline, run_id)


def test_a_grader_that_may_not_be_called_ends_it_at_once(app: Application, models: Models) -> None:
    app.bedrock.aws.denied.add((session().get_credentials().access_key, "lambda:InvokeFunction"))
    run_id = deployed(app)
    with pytest.raises(ComparisonFailed, match="refused: AccessDenied"):
        compare_models(app.pipeline, run_id)


def test_a_grader_whose_places_are_taken_is_called_again_by_the_state_machine(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = comparison_grades.lambda_client(1)

    def full(**_: Any) -> Any:
        raise functions.exceptions.TooManyRequestsException({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")

    monkeypatch.setattr(comparison_grades, "lambda_client", lambda _: SimpleNamespace(invoke=full))
    run_id = deployed(app)
    with pytest.raises(functions.exceptions.TooManyRequestsException) as raised:
        compare_models(app.pipeline, run_id)
    assert type(raised.value).__name__ in comparing.RETRIED


def test_answers_that_fit_in_no_call_are_tried_in_halves(
    app: Application, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrow(samples: list[dict[str, Any]]) -> Any:
        if len(samples) > 5 or samples[0]["id"] == "r2":
            raise RuntimeError
        return scored(samples)

    def too_large(report: bytes) -> Any:
        return InvocationFailed("too-large", "")

    app.bedrock.aws.graders[GRADER] = narrow
    monkeypatch.setattr("rft.aws.graders._ended", too_large)
    monkeypatch.setattr(comparison_grades, "CALL_SAMPLES", 8)
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    missing = [row["id"] for row in rows(run_id) if "missing" in row["answers"]["candidate"]]
    assert missing == ["r2"]
    assert rows(run_id)[2]["answers"]["base"]["missing"] == comparison_grades.TOO_LARGE
