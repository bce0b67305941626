"""POST /models/{model}/compare: what is refused, who answers, and that an error is never a score."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from rft.aws import functions
from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong, Reply
from rft.aws.model_store import Live
from rft.errors import GateTooSlow, ModelMissing, RequestInvalid, VersionNotDeployed
from rft.grading.errors import JudgeDenied
from rft.grading.judging.question import Question
from rft.run.status import Status
from rft.steps.comparing import playground, playground_answers
from rft.steps.comparing.comparison_grades import MARKED, NO_REWARD
from rft.steps.comparing.playground import compare_prompts
from rft.steps.comparing.playground_answers import NO_REFERENCE, TOO_SLOW, answer_prompts
from tests.contract.application import GRADER, Application
from tests.contract.test_requests import start

BASE = "amazon.nova-2-lite-v1:0:256k"
LIVE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/live00000000"
CANDIDATE = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/candidate000"
DECLARED = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}


@pytest.fixture
def app(emptied_app: Application) -> Application:
    return emptied_app


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Question, dict[str, Any]]]:
    """What the models were asked; each answers with its own name's last word."""
    questions: list[tuple[str, Question, dict[str, Any]]] = []

    def ask(model: Converse, question: Question) -> Reply:
        questions.append((model.model_id, question, model._fields))
        return Reply(model.model_id.rpartition("/")[2], "end_turn", 5, 2, 40)

    monkeypatch.setattr(Converse, "ask", ask)
    return questions


@pytest.fixture
def one_process(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """CompareModels' function is called in this process; what it is asked and answers is JSON all the same."""

    def ask(function: str, event: Any, *, seconds: float) -> Any:
        assert (function, seconds) == ("compare-models", 25.0)
        return json.loads(json.dumps(answer_prompts(app.pipeline, json.loads(json.dumps(event))["playground"])))

    monkeypatch.setattr(functions, "ask", ask)


def promoted(app: Application, **changes: Any) -> str:
    """A model ``m`` with one version, which is live."""
    run_id = start(app, **changes)
    app.pipeline.store.record(run_id, custom_model_arn="arn:m", deployment_arn=CANDIDATE)
    app.pipeline.models.claim("m", run_id, None)
    live = Live(run_id, "arn:m", LIVE, "on-demand", BASE, "2026-01-01T00:00:00.000Z")
    assert app.pipeline.models.set_live("m", run_id, live)
    app.pipeline.models.release("m", run_id)
    app.pipeline.end(run_id, Status.PROMOTED, deployment_arn=LIVE)
    return run_id


def candidate(app: Application, status: Status, name: str = "second", **changes: Any) -> str:
    """Another version of ``m``, as far as ``status``."""
    from rft.steps.doors.start_run import start_from_api

    uri = app.pipeline.store.runs(model="m", status=None, limit=1, token=None).items[0]["request"]["training_data"]
    body = json.dumps({"model": "m", "training_data": uri, **changes})
    run_id = start_from_api(app.pipeline, body, key=name, request_id=name).run.run_id
    app.pipeline.store.record(run_id, custom_model_arn=f"arn:{name}", deployment_arn=CANDIDATE)
    app.pipeline.store.move(run_id, status)
    return run_id


def compared(app: Application, *prompts: Any, **wanted: Any) -> dict[str, Any]:
    body = {"prompts": list(prompts) or ["Which colour?"]} | wanted
    return compare_prompts(app.pipeline, "m", json.dumps(body))


def graded(app: Application) -> list[dict[str, Any]]:
    return [sample for call in app.bedrock.aws.grader_events for sample in call]


@pytest.mark.usefixtures("one_process")
def test_base_and_live_answer_side_by_side_with_their_scores(app: Application, asked: list[Any]) -> None:
    run_id = promoted(app, grader={"lambda_arn": GRADER}, hyperparameters={"inference_max_tokens": 300})
    app.bedrock.aws.graders[GRADER] = lambda samples: [
        {
            "id": sample["id"],
            "aggregate_reward_score": float(sample["messages"][-1]["content"].startswith("live")),
            "metrics_list": [{"name": "form", "value": 0.5, "type": "Reward"}],
        }
        for sample in samples
    ]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "And now?"}]
    answer = compared(app, "Which colour?", {"messages": messages})
    assert answer["versions"] == {
        "base": {"model_id": BASE, "run_id": None},
        "live": {"model_id": LIVE, "run_id": run_id},
    }
    assert answer["grader"] == {"arn": GRADER}
    assert answer["settings"] == {"max_tokens": 300, "temperature": None, "reasoning_effort": None}
    assert [list(prompt["answers"]) for prompt in answer["prompts"]] == [["base", "live"]] * 2
    assert answer["prompts"][0]["answers"]["live"] == {
        "text": "live00000000",
        "stop_reason": "end_turn",
        "input_tokens": 5,
        "output_tokens": 2,
        "milliseconds": 40,
        "reward": 1.0,
        "components": {"form": 0.5},
    }
    assert answer["prompts"][1]["answers"]["base"]["reward"] == 0.0
    assert {question.system for _, question, _ in asked} == {"", "Be brief."}
    assert len(graded(app)) == 4
    rft = {"run_id": run_id, "model": "m", "phase": "playground"}
    assert all(sample["metadata"] == {"rft": rft} for sample in graded(app)), "no part of a training's curve"


@pytest.mark.usefixtures("one_process")
def test_a_candidate_that_is_compared_can_be_tried(app: Application, asked: list[Any]) -> None:
    promoted(app)
    run_id = candidate(app, Status.COMPARING)
    answer = compared(app, versions=["live", run_id])
    assert answer["versions"][run_id] == {"model_id": CANDIDATE, "run_id": run_id}
    assert answer["prompts"][0]["answers"][run_id]["text"] == "candidate000"


@pytest.mark.usefixtures("one_process")
def test_before_any_promotion_base_and_candidate_can_be_tried(app: Application, asked: list[Any]) -> None:
    first = start(app)
    with pytest.raises(ModelMissing, match="none was promoted"):
        compared(app)
    assert compared(app, versions=["base"])["versions"]["base"]["model_id"] == BASE
    app.pipeline.store.record(first, custom_model_arn="arn:m", deployment_arn=CANDIDATE)
    app.pipeline.store.move(first, Status.COMPARING)
    assert list(compared(app, versions=["base", first])["versions"]) == ["base", first]


@pytest.mark.parametrize("status", [Status.KEPT, Status.DEPLOYING])
def test_a_version_that_answers_nowhere_is_said_to(app: Application, asked: list[Any], status: Status) -> None:
    promoted(app)
    run_id = candidate(app, status)
    with pytest.raises(VersionNotDeployed, match=run_id):
        compared(app, versions=[run_id])
    assert asked == []


def test_there_must_be_such_a_model_and_such_versions_of_it(app: Application) -> None:
    with pytest.raises(ModelMissing, match="there is no model nobody"):
        compare_prompts(app.pipeline, "nobody", json.dumps({"prompts": ["x"], "versions": ["base"]}))
    promoted(app)
    other = start(app, "other")
    with pytest.raises(RequestInvalid) as refused:
        compared(app, versions=["base", "m-000000000000", other])
    assert [problem.path for problem in refused.value.problems] == ["versions.1", "versions.2"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, {"prompts"}),
        ({"prompts": []}, {"prompts"}),
        ({"prompts": ["x"] * 9}, {"prompts"}),
        (
            {
                "prompts": [
                    "ok",
                    " ",
                    5,
                    {"messages": []},
                    {"text": "x"},
                    {"messages": [{"role": "robot", "content": ""}]},
                ],
                "versions": ["base", "base"],
                "reference_answers": ["one"],
                "max_tokens": 0,
                "temperature": 2,
                "colour": 1,
            },
            {
                *("prompts.1", "prompts.2", "prompts.3.messages", "prompts.4", "prompts.5.messages"),
                *("versions", "reference_answers", "max_tokens", "temperature", "colour"),
            },
        ),
        ({"prompts": ["x" * 4_001]}, {"prompts.0"}),
        ({"prompts": [{"messages": [{"role": "assistant", "content": "x"}]}]}, {"prompts.0.messages"}),
        ({"prompts": ["x"], "versions": []}, {"versions"}),
        ({"prompts": ["x"], "versions": ["a", "b", "c", "d", "e"]}, {"versions"}),
        ({"prompts": ["x"], "versions": [1]}, {"versions"}),
        (
            {"prompts": ["x", "y"], "reference_answers": [3, "x" * 16_001]},
            {"reference_answers.0", "reference_answers.1"},
        ),
        ({"prompts": ["x"], "max_tokens": True, "temperature": "hot"}, {"max_tokens", "temperature"}),
    ],
)
def test_what_makes_no_sense_is_refused_with_all_that_is_wrong(
    app: Application, body: dict[str, Any], paths: set[str]
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        compare_prompts(app.pipeline, "m", json.dumps(body))
    assert {problem.path for problem in refused.value.problems} == paths


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(
    ("hyperparameters", "wanted", "settings"),
    [
        ({}, {}, (1_024, None, None)),
        ({"inference_max_tokens": 20}, {"max_tokens": 2_000, "temperature": 0.2}, (2_000, 0.2, None)),
        ({"reasoning_effort": "low"}, {"temperature": 0}, (1_024, 0, "low")),
        ({"reasoning_effort": "high"}, {}, (None, None, "high")),
        ({"reasoning_effort": "high"}, {"temperature": 0.5}, (1_024, 0.5, None)),
    ],
)
def test_all_are_asked_alike(
    app: Application, asked: list[Any], hyperparameters: dict[str, Any], wanted: dict[str, Any], settings: Any
) -> None:
    promoted(app, hyperparameters=hyperparameters)
    answer = compared(app, **wanted)
    assert tuple(answer["settings"].values()) == settings
    assert {(q.max_tokens, q.temperature) for _, q, _ in asked} == {settings[:2]}
    efforts = {fields.get("reasoningConfig", {}).get("maxReasoningEffort") for *_, fields in asked}
    assert efforts == {settings[2]}


# -- errors are errors ------------------------------------------------------------------------------------------------


def failing(patch: pytest.MonkeyPatch, said: Callable[[str], Reply | Exception]) -> None:
    def ask(model: Converse, question: Question) -> Reply:
        reply = said(model.model_id)
        if isinstance(reply, Exception):
            raise reply
        return reply

    patch.setattr(Converse, "ask", ask)
    patch.setattr(playground_answers, "PAUSE_SECONDS", 0.0)


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(
    ("error", "name"),
    [
        (JudgeDenied("x may not be asked", code="AccessDeniedException"), "AccessDeniedException"),
        (ConverseBusy("busy", code="ThrottlingException"), "ThrottlingException"),
        (QuestionTooLong("long"), "QuestionTooLong"),
    ],
)
def test_a_model_that_does_not_answer_is_an_error_beside_the_others(
    app: Application, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    promoted(app)
    failing(monkeypatch, lambda model: error if model == BASE else Reply("fine", "end_turn", 1, 1))
    answers = compared(app, reference_answers=["fine"])["prompts"][0]["answers"]
    assert answers["base"] == {"error": name, "detail": str(error)}
    assert answers["live"]["text"] == "fine"


@pytest.mark.usefixtures("one_process")
def test_an_answer_that_is_not_there_in_time_is_an_error(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(app)
    released = threading.Event()

    def slow(model: str) -> Reply:
        if model == BASE:
            released.wait(20)
        return Reply("fine", "end_turn", 1, 1)

    failing(monkeypatch, slow)
    monkeypatch.setattr(playground_answers, "ASK_SECONDS", 0.5)
    answers = compared(app)["prompts"][0]["answers"]
    released.set()
    assert answers["base"] == {"error": TOO_SLOW}
    assert answers["live"]["text"] == "fine"


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: (_ for _ in ()).throw(ZeroDivisionError("a text")), "raised: ZeroDivisionError"),
        (lambda samples: [], "rows-missing"),
        (lambda samples: [{"id": s["id"], "aggregate_reward_score": float("nan")} for s in samples], NO_REWARD),
        (
            lambda samples: [
                {
                    "id": sample["id"],
                    "aggregate_reward_score": 0,
                    "metrics_list": [{"name": "error", "value": 1, "type": "Metric"}],
                }
                for sample in samples
            ],
            MARKED,
        ),
    ],
)
def test_a_grader_that_fails_gives_no_score(app: Application, asked: list[Any], answer: Any, error: str) -> None:
    promoted(app)
    app.bedrock.aws.graders[GRADER] = answer
    answers = compared(app, reference_answers=["x"])["prompts"][0]["answers"]
    assert [(a["reward"], a["grader_error"]) for a in answers.values()] == [(None, error)] * 2
    assert all(a["text"] for a in answers.values())


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(
    ("grader", "needs"),
    [({"name": "summarization"}, False), ({"name": "format-validation"}, True), ({"openai": DECLARED}, True)],
)
def test_a_grader_that_compares_with_a_reference_grades_only_where_there_is_one(
    app: Application, asked: list[Any], grader: dict[str, Any], needs: bool
) -> None:
    app.bedrock.aws.reward = lambda sample: 0.5
    promoted(app, grader=grader)
    answer = compared(app, "one", "two", reference_answers=["a", None])
    rewards = [[a["reward"] for a in prompt["answers"].values()] for prompt in answer["prompts"]]
    assert rewards == [[0.5, 0.5], [None, None] if needs else [0.5, 0.5]]
    if needs:
        assert answer["prompts"][1]["answers"]["base"]["grader_error"] == NO_REFERENCE
    if "openai" in grader:
        lead = graded(app)[0]["metadata"]["rft"]
        assert lead["grader_key"].endswith("/grader.json")
        assert len(lead["grader_sha256"]) == 64


def test_what_takes_too_long_or_ends_is_told_without_a_text(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    promoted(app)

    def late(*_: Any, **__: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="x")

    monkeypatch.setattr(functions, "ask", late)
    with pytest.raises(GateTooSlow, match=r"longer than the 25 s .* fewer prompts"):
        compared(app)

    def ended(*_: Any, **__: Any) -> Any:
        raise functions.FunctionFailed("KeyError", "a text of somebody's")

    monkeypatch.setattr(functions, "ask", ended)
    with pytest.raises(RuntimeError, match=r"ended with KeyError$"):
        compared(app)
    assert playground.ANSWER_SECONDS > playground_answers.ASK_SECONDS + playground_answers.GRADE_SECONDS
