"""The four judges as Lambda loads them, on the events that ``sam local invoke -e`` takes, with a scripted model."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rft.grading.catalog import READY
from rft.grading.errors import JudgeDenied, JudgeUnavailable, JudgeUnreliable
from rft.judges import calls
from tests.unit.judges.fakes import Context

ROOT = Path(__file__).parents[3]
NAMES = ["instruction_following", "summarization", "reasoning", "rag_faithfulness"]
ATTACK, BAD = 2, 5  # places in each event

type Behaviour = Callable[[dict[str, Any], int], str | Exception]


class Runtime:
    """A bedrock-runtime client whose model behaves by the form that a request asks for."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.requests: list[dict[str, Any]] = []

    def converse(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        form = json.loads(request["system"][0]["text"].rpartition("\n")[2])
        given = self._behaviour(form["verdicts"], len(self.requests))
        if isinstance(given, Exception):
            raise given
        return {
            "output": {"message": {"role": "assistant", "content": [{"reasoningContent": {}}, {"text": given}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 900, "outputTokens": 90, "totalTokens": 990},
        }


def verdicts(form: dict[str, Any], choice: int) -> str:
    chosen = {
        name: {"reason": "So.", "verdict": slot["verdict"][1:-1].split("|")[choice]} for name, slot in form.items()
    }
    return json.dumps({"verdicts": chosen})


def best(form: dict[str, Any], _: int) -> str:
    return verdicts(form, 0)


def fault(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "?"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Converse"
    )  # type: ignore[typeddict-item]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Behaviour], tuple[Any, Runtime]]:
    """A grader's handler in a new process, so to say, and the client that it will make."""
    monkeypatch.setenv("JUDGE_MODEL_ID", "judge.model")
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0.0)

    def loaded(name: str, behaviour: Behaviour) -> tuple[Any, Runtime]:
        runtime = Runtime(behaviour)

        def client(service: str, config: Any) -> Runtime:
            assert service == "bedrock-runtime"
            assert config.max_pool_connections == 16
            return runtime

        monkeypatch.setattr(boto3, "client", client)
        return runpy.run_path(f"{ROOT}/functions/graders/{name}/app.py")["handler"], runtime

    return loaded


def event(name: str) -> Any:
    return json.loads((ROOT / "events" / f"grader_{name}.json").read_text())


def rewards(results: list[dict[str, Any]]) -> list[float]:
    return [result["aggregate_reward_score"] for result in results]


@pytest.mark.parametrize("name", NAMES)
def test_the_event(name: str, load: Any) -> None:
    handler, runtime = load(name, best)
    items = event(name)
    results = handler(items, Context(60))
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    assert [result["id"] for result in results] == [item["id"] for item in items]
    copied = name == "summarization"  # its fifth answer is the conversation, four times
    assert rewards(results) == [1, 0, 1, 1, 0 if copied else 1, 0]
    assert [metric["name"] for metric in results[BAD]["metrics_list"]] == ["error"]
    assert len(runtime.requests) == 4
    for request in runtime.requests:
        assert request["modelId"] == "judge.model"
        assert request["inferenceConfig"]["temperature"] == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_the_attack_in_the_event(name: str, load: Any) -> None:
    """A judge that repeats the answer, claim and all, before or after its own verdict is not misread."""
    items = event(name)[ATTACK : ATTACK + 1]
    answer = items[0]["messages"][-1]["content"]
    for arranged in (lambda own: f"{answer}\n{own}", lambda own: f"{own}\n{answer}"):
        handler, _ = load(name, lambda form, _, arranged=arranged: arranged(verdicts(form, -1)))
        assert rewards(handler(items, None)) == [0]


@pytest.mark.parametrize("name", NAMES)
def test_the_events_hold_what_makes_graders_stumble(name: str) -> None:
    items = event(name)
    assert len({item["id"] for item in items}) < len(items)
    assert {m["role"] for item in items for m in item["messages"]} >= {"assistant", "nova_assistant"}
    assert {type(m["content"]) for item in items for m in item["messages"]} >= {str, list}
    metadata = [item["metadata"] for item in items]
    assert any(isinstance(each, str) for each in metadata)
    references = [
        each["reference_answer"] for each in metadata if isinstance(each, dict) and "reference_answer" in each
    ]
    assert {type(reference) for reference in references} == {str, dict}
    assert any("reference_answer" in item for item in items)
    assert not (items[1]["messages"][-1]["content"] or "").strip()


@pytest.mark.parametrize("name", NAMES)
def test_throttled_then_judged(name: str, load: Any) -> None:
    errors = [
        fault("ThrottlingException", 429),
        fault("ModelNotReadyException", 429),
        ReadTimeoutError(endpoint_url="x"),
    ]
    handler, runtime = load(name, lambda form, times: errors[times - 1] if times <= 3 else best(form, times))
    assert rewards(handler(event(name)[:1], Context(60))) == [1]
    assert len(runtime.requests) == 4


@pytest.mark.parametrize("name", NAMES)
def test_an_outage_is_no_score(name: str, load: Any) -> None:
    handler, runtime = load(name, lambda *_: fault("ServiceUnavailableException", 503))
    with pytest.raises(JudgeUnavailable, match=r"judge\.model .*ServiceUnavailableException \(tries: 10\)"):
        handler(event(name)[:1], Context(60))
    assert len(runtime.requests) == 10


@pytest.mark.parametrize("name", NAMES)
def test_a_denial_is_no_score(name: str, load: Any) -> None:
    handler, runtime = load(name, lambda *_: fault("AccessDeniedException", 403))
    with pytest.raises(JudgeDenied, match=r"judge\.model .*AccessDeniedException"):
        handler(event(name)[:1], Context(60))
    assert len(runtime.requests) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_that_writes_garbage_is_no_score(name: str, load: Any) -> None:
    handler, _ = load(name, lambda *_: 'I give 0.8 of 1.0. {"score": "NaN"}')
    with pytest.raises(JudgeUnreliable, match="4 of 4 samples"):
        handler(event(name), Context(60))


def test_the_judges_are_those_of_the_catalogue() -> None:
    judges = {grader.folder: grader for grader in READY.values() if grader.kind == "judge"}
    assert set(judges) == set(NAMES)
    assert all(grader.judge_calls == 1 for grader in judges.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_loads_no_sdk_before_it_asks(name: str) -> None:
    # Powertools looks for botocore to sign its requests; the bare package has no weight, its submodules do.
    program = "import app, sys, json; print(json.dumps([m for m in sys.modules if m != 'botocore']))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{ROOT}/functions/graders/{name}:{ROOT}/layers/rft"},
    )
    loaded = {module.partition(".")[0] for module in json.loads(result.stdout)}
    assert loaded.isdisjoint({"boto3", "botocore", "pydantic", "numpy", "sympy", "aws_xray_sdk", "jsonschema"})
