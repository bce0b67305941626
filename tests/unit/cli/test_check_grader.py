"""``rft check-grader``: each verdict and its exit code, as words and as a document, with and without a cloud."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.gate_view import gate_report
from cli.grader_check import Examined
from cli.main import app
from rft.gate.examination import examine
from rft.gate.ports import Invocation
from rft.gate.settings import AboutGrader

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from tests.unit.cli.conftest import FakeApi

DATASET = Path("examples/ticket-triage/train.jsonl").resolve()
ARN = "arn:aws:lambda:us-east-1:000000000000:function:rft-grader-summarization:3"
DECLARED = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}
SIZES = "from rft.grading import Score, grader\nhandler = grader(lambda s: Score(min(1, len(s.answer) / 40)))\n"

Rft = Callable[..., Any]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No local cloud runs."""
    monkeypatch.setenv("RFT_LOCAL_DIR", str(tmp_path / "none"))


@pytest.fixture
def rft(runner: CliRunner, tmp_path: Path) -> Rft:
    """``grader`` is a name, or what is to stand in app.py; 6 records are looked at."""

    def run(grader: str | None, *options: object, dataset: object = DATASET) -> Any:
        if grader is not None and "\n" in grader:
            (tmp_path / "app.py").write_text(grader)
            grader = str(tmp_path / "app.py")
        arguments = ["check-grader", *([grader] if grader else []), "--dataset", dataset, "--records", 6, *options]
        return runner.invoke(app, list(map(str, arguments)))

    return run


def answer_of(item: Any) -> str:
    """As a grader reads it that bears a bad sample."""
    return str(item["messages"][-1]["content"]) if "messages" in item else ""


class World:
    """The local cloud's API, its Lambda and its models, behind one server."""

    def __init__(self, api: FakeApi) -> None:
        self.answer: Callable[[int], str] = lambda number: '{"queue": "billing"}' if number % 2 else "no idea"
        self.grade: Callable[[list[Any]], Any] = lambda event: [
            {"id": item["id"], "aggregate_reward_score": 1.0 if answer_of(item).strip() else 0.0} for item in event
        ]
        self.graders: list[dict[str, Any]] = [{"name": "summarization", "kind": "judge", "arn": ARN, "judge_calls": 1}]
        self.asked: list[tuple[str, Any]] = []
        self.invoked: list[str] = []
        api.answer = self._answer  # type: ignore[method-assign]

    def _answer(self, method: str, path: str, query: Any, headers: Any, body: bytes) -> tuple[int, Any]:
        path = unquote(path)
        if path == "/graders":
            return 200, {"graders": self.graders}
        if path.endswith("/converse"):
            self.asked.append((path.split("/")[2], json.loads(body)))
            text = self.answer(len(self.asked))
            usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
            message = {"role": "assistant", "content": [{"text": text}]}
            return 200, {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {}}
        if path.endswith("/configuration"):
            function = path.split("/")[3]
            if "-own-grader-" in function and not function.rpartition("-")[2].startswith("mine"):
                return 404, {}
            return 200, {
                "Timeout": 300,
                "Version": "4",
                "FunctionArn": f"arn:aws:lambda:us-east-1:1:function:{function}",
            }
        if path.endswith("/invocations"):
            self.invoked.append(path.split("/")[3])
            return 200, self.grade(json.loads(body))
        return 404, {}


@pytest.fixture
def world(api: FakeApi, local_cloud: object, tmp_path: Path) -> World:
    (tmp_path / "servers.json").write_text(json.dumps({"servers": {"all": os.getpid()}, "seed": 0}))
    return World(api)


# -- without a cloud ---------------------------------------------------------------------------------------------


def test_a_good_grader_is_open_but_for_the_signal(rft: Rft, alone: None) -> None:
    result = rft("format-validation")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == f"open with warnings  format-validation  6 records of {DATASET}"
    assert lines[3].split() == ["gold", "the", "right", "answer", "█" * 12, "1.00", "6"]
    assert lines[4].split() == ["empty", "nothing", "at", "all", "0.00", "6"]
    assert "signal  unknown: the base model was not asked" in result.stdout
    assert "rft up --detach starts a stand-in" in lines[-1]


def test_json_is_the_gates_own_document(rft: Rft, alone: None) -> None:
    result = rft("format-validation", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document["verdict"], document["sample"]) == ("warnings", {"records": 6, "seed": 0})
    assert [finding["code"] for finding in document["findings"]] == ["signal-unknown"]
    assert document["ladder"]["gold"]["mean"] == 1.0
    assert document["grader"]["kind"] == "rule"


def test_the_seed_chooses_the_records(rft: Rft, alone: None, tmp_path: Path) -> None:
    (tmp_path / "seen.py").write_text(
        "import json\ndef handler(event, context):\n"
        "    total = sum(len(json.dumps(item)) for item in event) % 997 / 997\n"
        "    return [{'id': item['id'], 'aggregate_reward_score': total} for item in event]\n"
    )
    ladders = [
        json.loads(rft(str(tmp_path / "seen.py"), "--seed", seed, "--json").stdout)["ladder"] for seed in (0, 0, 1)
    ]
    assert ladders[0] == ladders[1] != ladders[2]


CLOSED = {
    "constant": ("from rft.grading import Score, grader\nhandler = grader(lambda s: Score(0.5))\n", "constant-reward"),
    "crashing": ("def handler(event, context):\n    raise KeyError('x')\n", "grader-raised"),
    "dropping a row": (
        "def handler(event, context):\n    return [{'id': s['id'], 'aggregate_reward_score': 1} for s in event[1:]]\n",
        "rows-missing",
    ),
    "NaN": (
        "def handler(event, context):\n"
        "    return [{'id': s['id'], 'aggregate_reward_score': float('nan')} for s in event]\n",
        "nan-reward",
    ),
    "exiting": ("import os\ndef handler(event, context):\n    os._exit(7)\n", "grader-exited"),
    "with a memory": (
        "calls = []\ndef handler(event, context):\n    calls.append(1)\n"
        "    return [{'id': s['id'], 'aggregate_reward_score': 1 / len(calls) if s['messages'][-1]['content'] else 0}"
        " for s in event]\n",
        "rewards-vary",
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_bad_grader_is_told_by_its_own_finding(rft: Rft, alone: None, name: str) -> None:
    source, code = CLOSED[name]
    result = rft(source, "--json")
    document = json.loads(result.stdout)
    assert code in [finding["code"] for finding in document["findings"]]
    if code != "rewards-vary":
        assert (document["verdict"], result.exit_code) == ("closed", 1)
    words = rft(source)
    assert words.stdout.startswith("closed") == (result.exit_code == 1)
    assert f"  {code}\n" in words.stdout
    assert "signal needs a base model" not in words.stdout or code == "rewards-vary"


def test_why_a_grader_gave_no_scores_is_told_with_the_place(rft: Rft, alone: None) -> None:
    source = (
        "from rft.grading import Score, grader\n"
        "def score(sample):\n"
        "    return Score(sample.reference['queue'] if sample.answer.startswith('{') else 0.0)\n"
        "handler = grader(score)\n"
    )
    result = rft(source)
    assert "gold-errors" in result.stdout
    assert "errors  KeyError at app.py:3 (" in result.stdout


def test_an_invalid_dataset_is_told_as_check_dataset_tells_it(rft: Rft, alone: None, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"messages": []}\n')
    result = rft("format-validation", dataset=tmp_path / "bad.jsonl")
    assert result.exit_code == 1
    assert result.stdout.startswith("invalid")
    assert "messages-empty" in result.stdout
    document = json.loads(rft("format-validation", "--json", dataset=tmp_path / "bad.jsonl").stdout)
    assert (document["valid"], document["errors"][0]["rule"]) == (False, "messages-empty")


def test_a_reference_that_the_grader_can_not_use_is_found_with_the_dataset(rft: Rft, alone: None) -> None:
    document = json.loads(rft("math-reasoning", "--json").stdout)
    assert set(document["error_counts"]) == {"reference-unusable"}


def test_a_few_records_are_enough_to_test_a_grader(rft: Rft, alone: None, tmp_path: Path) -> None:
    lines = DATASET.read_text().splitlines()[:3]
    (tmp_path / "few.jsonl").write_text("\n".join(lines) + "\n")
    document = json.loads(rft("format-validation", "--json", dataset=tmp_path / "few.jsonl").stdout)
    assert document["sample"]["records"] == 3


@pytest.mark.parametrize(
    ("grader", "options", "words"),
    [
        (None, [], "one of them"),
        ("format-validation", ["--openai", str(DATASET)], "one of them"),
        ("maths", [], "No grader 'maths' comes with"),
        ("openai", [], "The grader 'openai' is its JSON"),
        ("none.py", [], "There is no grader file none.py"),
        ("format-validation", ["--profile", "x"], "--target aws"),
        ("format-validation", ["--records", "0"], "Invalid value for '--records'"),
        ("format-validation", ["--base-answers", "99"], "Invalid value for '--base-answers'"),
        (None, ["--openai", "none.json"], "does not exist"),
        (None, ["--openai", str(DATASET)], "is not JSON"),
    ],
)
def test_wrong_usage_is_2(rft: Rft, alone: None, grader: str | None, options: list[str], words: str) -> None:
    result = rft(grader, *options, "--json")
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)["error"]["message"]


@pytest.mark.parametrize(("dataset", "words"), [("-", "read twice"), ("none.jsonl", "There is no file none.jsonl")])
def test_a_dataset_that_can_not_be_read_is_2(rft: Rft, alone: None, dataset: str, words: str) -> None:
    result = rft("format-validation", "--json", dataset=dataset)
    assert (result.exit_code, words in json.loads(result.stdout)["error"]["message"]) == (2, True)


def test_a_grader_that_can_not_be_imported_is_1(rft: Rft, alone: None) -> None:
    result = rft("import numpty\n", "--json")
    assert result.exit_code == 1
    assert "can't be imported: ModuleNotFoundError" in json.loads(result.stdout)["error"]["message"]


def test_a_judge_needs_a_cloud_and_is_told_how_to_start_one(rft: Rft, alone: None) -> None:
    result = rft("summarization", "--json")
    assert result.exit_code == 1
    assert "rft up --detach" in json.loads(result.stdout)["error"]["hint"]


# -- with the local cloud ----------------------------------------------------------------------------------------


def test_the_base_model_of_the_cloud_gives_the_signal(rft: Rft, world: World, api: FakeApi) -> None:
    result = rft("format-validation", "--base-answers", 2, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["signal"]["prompts"]) == (0, 6)
    assert document["ladder"]["base"]["n"] == 12
    assert {model for model, _ in world.asked} == {"amazon.nova-2-lite-v1:0"}
    assert world.asked[0][1]["messages"][-1]["role"] == "user"
    words = rft("format-validation", "--base-answers", 2).stdout
    assert [path for path in api.objects if path.startswith("/data-bucket/runs/check-")]
    assert "signal  the base model's answers differ in reward for" in words
    assert "rft up" not in words


def test_another_base_model_or_none(rft: Rft, world: World) -> None:
    rft("format-validation", "--base-answers", 1, "--base-model", "us.some.model-v1:0")
    assert {model for model, _ in world.asked} == {"us.some.model-v1:0"}
    world.asked.clear()
    document = json.loads(rft("format-validation", "--base-answers", 0, "--json").stdout)
    assert (world.asked, document["signal"]["known"]) == ([], False)


def test_a_cloud_that_died_is_no_cloud(rft: Rft, world: World, tmp_path: Path) -> None:
    (tmp_path / "servers.json").write_text(json.dumps({"servers": {"all": 2**22 + 1}, "seed": 0}))
    assert rft("format-validation").exit_code == 0
    assert world.asked == []


def test_a_judge_is_called_where_it_is_deployed(rft: Rft, world: World, tmp_path: Path) -> None:
    result = rft("summarization", "--base-answers", 2, "--json", dataset=texts(tmp_path))
    document = json.loads(result.stdout)
    assert set(world.invoked) == {ARN}
    assert document["grader"]["judge_calls"] == 1
    assert document["time"]["timeout_seconds"] == 300
    assert document["judge"]["calls_per_sample"] == 1


def test_a_stack_without_that_judge(rft: Rft, world: World, tmp_path: Path) -> None:
    result = rft("reasoning", "--json", dataset=texts(tmp_path))
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 1
    assert "has no grader 'reasoning'" in error["message"]
    assert "It has: summarization" in error["hint"]


def test_a_grader_that_the_owner_added_is_called_by_its_name(rft: Rft, world: World, tmp_path: Path) -> None:
    document = json.loads(rft("mine", "--base-answers", 0, "--json", dataset=texts(tmp_path)).stdout)
    (invoked,) = set(world.invoked)
    assert invoked.endswith(":function:rft-own-grader-mine:4")
    assert (document["grader"]["name"], document["grader"]["kind"]) == ("mine", "own")
    unknown = rft("maths", "--json", dataset=texts(tmp_path))
    assert "No grader 'maths' comes with" in json.loads(unknown.stdout)["error"]["message"]


def test_an_openai_grader_runs_here(rft: Rft, alone: None, tmp_path: Path) -> None:
    (tmp_path / "grader.json").write_text(json.dumps(DECLARED))
    document = json.loads(rft(None, "--openai", tmp_path / "grader.json", "--json", dataset=texts(tmp_path)).stdout)
    assert document["ladder"]["gold"]["mean"] == 1.0
    assert document["ladder"]["other"]["mean"] == 0.0
    assert (document["grader"]["name"], document["grader"]["kind"]) == ("openai", "declared")


def test_every_problem_of_an_openai_grader_is_told(rft: Rft, alone: None, tmp_path: Path) -> None:
    (tmp_path / "grader.json").write_text(json.dumps(DECLARED | {"operation": "is", "reference": 7}))
    result = rft(None, "--openai", tmp_path / "grader.json", "--json")
    assert result.exit_code == 1
    assert {problem["path"] for problem in json.loads(result.stdout)["error"]["problems"]} == {"operation", "reference"}


def test_why_an_openai_grader_scores_nothing_is_told(rft: Rft, alone: None, tmp_path: Path) -> None:
    missing = DECLARED | {"reference": "{{ item.reference_answer.city }}"}
    (tmp_path / "grader.json").write_text(json.dumps(missing))
    result = rft(None, "--openai", tmp_path / "grader.json", dataset=texts(tmp_path))
    assert result.exit_code == 1
    assert "closes the gate  no-scores" in result.stdout
    assert "errors  invalid_variable_error (" in result.stdout


@pytest.mark.parametrize("wrapped", [{"openai": DECLARED}, {"grader": {"openai": DECLARED}}])
def test_a_request_is_no_grader_json(rft: Rft, alone: None, tmp_path: Path, wrapped: dict[str, Any]) -> None:
    (tmp_path / "run.json").write_text(json.dumps(wrapped))
    result = rft(None, "--openai", tmp_path / "run.json", "--json")
    assert result.exit_code == 1
    assert "the object under openai" in json.loads(result.stdout)["error"]["hint"]


def score_model(model: str = "amazon.nova-pro-v1:0") -> dict[str, Any]:
    prompt = "Is it right? {{ sample.output_text }} {{ item.reference_answer }}"
    return {"type": "score_model", "name": "q", "model": model, "input": [{"role": "user", "content": prompt}]}


def test_an_openai_judge_asks_the_model_that_it_names(rft: Rft, world: World, tmp_path: Path) -> None:
    world.answer = lambda number: '{"reason": "so", "result": 0.75}'
    (tmp_path / "grader.json").write_text(json.dumps(score_model()))
    result = rft(None, "--openai", tmp_path / "grader.json", "--base-answers", 0, "--json", dataset=texts(tmp_path))
    assert {model for model, _ in world.asked} == {"amazon.nova-pro-v1:0"}
    assert json.loads(result.stdout)["ladder"]["gold"]["mean"] == 0.75


def test_what_the_stand_ins_judge_is_worth_is_told(rft: Rft, world: World, tmp_path: Path) -> None:
    world.answer = lambda number: '{"reason": "so", "result": 0.75}'
    (tmp_path / "grader.json").write_text(json.dumps(score_model()))
    result = rft(None, "--openai", tmp_path / "grader.json", "--base-answers", 0, dataset=texts(tmp_path))
    assert "the stand-in's judge only counts words in common" in result.stdout


def test_an_openai_judge_needs_a_cloud(rft: Rft, alone: None, tmp_path: Path) -> None:
    (tmp_path / "grader.json").write_text(json.dumps(score_model()))
    result = rft(None, "--openai", tmp_path / "grader.json", "--json")
    assert result.exit_code == 1
    assert "rft up --detach" in json.loads(result.stdout)["error"]["hint"]


def test_one_run_has_one_judge(rft: Rft, world: World, tmp_path: Path) -> None:
    graders = {"a": score_model() | {"name": "a"}, "b": score_model("other") | {"name": "b"}}
    both = {"type": "multi", "name": "both", "graders": graders, "calculate_output": "(a + b) / 2"}
    (tmp_path / "grader.json").write_text(json.dumps(both))
    result = rft(None, "--openai", tmp_path / "grader.json", "--json")
    assert (result.exit_code, world.asked) == (1, [])
    assert "amazon.nova-pro-v1:0, other" in json.loads(result.stdout)["error"]["message"]


# -- the screen ----------------------------------------------------------------------------------------------------


def texts(folder: Path) -> Path:
    """A small dataset whose references are texts."""
    file = folder / "texts.jsonl"
    lines = (
        {"messages": [{"role": "user", "content": f"Say {n}"}], "reference_answer": f"It is {n}"} for n in range(8)
    )
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def examined(name: str = "mine", reward: Callable[[str], float] = lambda answer: float(bool(answer))) -> Examined:
    records = [
        {"messages": [{"role": "user", "content": f"Say {n}"}], "reference_answer": f"It is {n}"} for n in range(8)
    ]

    def invoke(payload: bytes) -> Invocation:
        results = [
            {
                "id": item["id"],
                "aggregate_reward_score": reward(answer_of(item)),
                "metrics_list": [{"name": "error", "value": 1, "type": "Metric"}] if n % 5 == 4 else [],
            }
            for n, item in enumerate(json.loads(payload))
        ]
        return Invocation(json.dumps(results).encode(), 0.25)

    report = examine(records, invoke=invoke, ask_base=None, about=AboutGrader(name, "judge", 1))
    return Examined(report, unlimited=("network", "processes"), base_asked=False)


def drawn(found: Examined, width: int, source: str = "train.jsonl") -> list[str]:
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None, highlight=False)
    console.print(gate_report(found, source), crop=False)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("reward", [lambda a: float(bool(a)), lambda a: -0.5 - len(a) % 7 / 20])
def test_the_screen_fits_and_cuts_nothing(width: int, reward: Callable[[str], float]) -> None:
    lines = drawn(examined(reward=reward), width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert lines[0].split("  ")[1] == "mine"
    assert any(line.startswith("gold       the right answer") and line.rstrip().endswith("errors") for line in lines)
    assert "not limited on this system: network, processes" in " ".join(" ".join(lines).split())


def test_a_finding_stays_indented_where_it_is_broken() -> None:
    lines = drawn(examined(reward=lambda _: 0.5), 60)
    first = next(place for place, line in enumerate(lines) if line.startswith("closes the gate  constant-reward"))
    told = [line for line in lines[first + 1 :] if line.strip()][:3]
    assert all(line.startswith("  ") for line in told)


def test_foreign_names_command_no_terminal() -> None:
    text = "\n".join(drawn(examined("\x1b[2Jmine\u202e"), 80, "\x1b]0;x\x07.jsonl"))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "\\x1b[2Jmine\\u202e" in text


def test_a_bar_is_as_long_as_its_reward() -> None:
    lines = drawn(examined(reward=lambda answer: 0.5 if answer else 0.0), 80)
    gold = next(line for line in lines if line.startswith("gold"))
    assert gold.count("█") == 6
