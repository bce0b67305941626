"""``rft grade``: one event through a grader, as a table and as its own list, and every way in which it can fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app

EVENTS = Path("events").resolve()


def items(*answers: str, **metadata: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s-{i}",
            "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": answer}],
            "metadata": metadata,
        }
        for i, answer in enumerate(answers)
    ]


@pytest.fixture
def rft(runner: CliRunner, tmp_path: Path) -> Callable[..., Any]:
    """Grades ``event`` with ``source`` (a name, or what is to stand in app.py)."""

    def run(source: str, event: Any = (), *options: str) -> Any:
        grader = source
        if "\n" in source or " " in source:
            (tmp_path / "app.py").write_text(source)
            grader = str(tmp_path / "app.py")
        file = event
        if not isinstance(event, Path):
            file = tmp_path / "event.json"
            file.write_text(event if isinstance(event, str) else json.dumps(event))
        return runner.invoke(app, ["grade", grader, "--event", str(file), *options])

    return run


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_a_ready_grader_as_a_table(rft: Callable[..., Any]) -> None:
    result = rft("format-validation", EVENTS / "grader_format_validation.json")
    assert result.exit_code == 0
    table = rows(result.stdout)
    assert table[0] == ["id", "reward", "components"]
    assert table[1][:4] == ["ticket-0001", "1.0000", "format", "1"]
    assert table[2][:4] == ["ticket-0001", "0.6000", "format", "1"]
    assert table[6] == ["ticket-0005", "0.0000", "error", "1", "BadSample", "at", "sample.py:90"]
    assert result.stdout.splitlines()[-1].startswith("6 samples in ")


def test_json_is_the_graders_own_list(rft: Callable[..., Any]) -> None:
    result = rft("math-reasoning", EVENTS / "grader_math_reasoning.json", "--json")
    results = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [r["id"] for r in results] == ["gsm8k-0001", "gsm8k-0001", "gsm8k-0002", "gsm8k-0003", "gsm8k-0004"]
    assert results[0]["aggregate_reward_score"] == 1.0


def test_a_grader_of_ones_own_and_the_other_form_of_an_event(rft: Callable[..., Any]) -> None:
    source = (
        "from rft.grading import Score, grader\n"
        "handler = grader(lambda sample: Score(1.0 if sample.answer == sample.reference else 0.25))\n"
    )
    results = json.loads(rft(source, {"trajectories": items("a", "b", reference_answer="a")}, "--json").stdout)
    assert [r["aggregate_reward_score"] for r in results] == [1.0, 0.25]


def test_a_sample_that_has_no_score_is_told_with_the_place(rft: Callable[..., Any]) -> None:
    source = (
        "from rft.grading import Score, grader\n"
        "def score(sample):\n"
        "    return Score(len(sample.metadata['none']) if sample.answer else 1.0)\n"
        "handler = grader(score)\n"
    )
    result = rft(source, items("a", ""))
    assert result.exit_code == 0
    assert rows(result.stdout)[1] == ["s-0", "0.0000", "error", "1", "KeyError", "at", "app.py:3"]
    assert rows(result.stdout)[2] == ["s-1", "1.0000"]


def test_what_a_grader_prints_is_shown_but_not_its_log(rft: Callable[..., Any]) -> None:
    source = (
        "def handler(event, context):\n"
        "    print('looking at', event[0]['id'], '\\x1b[31m')\n"
        '    print(\'{"level": "INFO"}\')\n'
        '    print(\'{"message": "samples without a score", "first": [1, {"position": 0}]}\')\n'
        "    return [{'id': 's-0', 'aggregate_reward_score': 1}]\n"
    )
    result = rft(source, items("a"))
    assert result.stdout.splitlines()[0] == "looking at s-0 \\x1b[31m"
    assert "INFO" not in result.output
    assert "\x1b" not in result.output
    document = rft(source, items("a"), "--json")
    assert json.loads(document.stdout) == [{"id": "s-0", "aggregate_reward_score": 1}]
    assert "looking at s-0" in document.stderr


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError('a')", "The grader raised an error: ValueError at app.py:3"),
        ("sys.exit(3)", "The grader ended before it answered: exit status 3"),
        ("raise MemoryError", "The grader ran out of memory: MemoryError"),
        ("return 'x' * 7_000_000", "The grader takes or gives more than the 6 MB that Lambda passes on: its answer"),
    ],
)
def test_a_grader_that_fails_is_1(rft: Callable[..., Any], body: str, words: str) -> None:
    source = f"import sys\ndef handler(event, context):\n    {body}\n"
    result, document = rft(source, items("a")), rft(source, items("a"), "--json")
    assert (result.exit_code, document.exit_code) == (1, 1)
    assert f"error: {words}" in result.stderr
    assert json.loads(document.stdout)["error"]["message"] == words


def test_the_traceback_of_a_grader_is_its_own(rft: Callable[..., Any]) -> None:
    result = rft("def handler(event, context):\n    return event[9]\n", items("a"))
    assert "IndexError at app.py:2" in result.stderr
    assert "in handler" in result.stdout
    assert "grader_child" not in result.output


@pytest.mark.parametrize(
    ("returned", "code", "words"),
    [
        ("{'statusCode': 200, 'body': '[]'}", "wrapped-for-http", "statusCode and body"),
        ("'[]'", "json-in-a-string", "string of JSON"),
        ("[]", "rows-missing", "given 2 samples and answered 0 results"),
        (
            "[{'id': s['id'], 'aggregate_reward_score': float('nan')} for s in event]",
            "nan-reward",
            "2 results have NaN",
        ),
        (
            "[{'id': s['id'], 'aggregate_reward_score': 7} for s in event]",
            "out-of-range",
            "2 results have a reward above",
        ),
        ("[{'id': s['id'], 'aggregate_reward_score': 1} for s in event[::-1]]", "wrong-order", "another sample"),
        ("[{'id': 1, 'aggregate_reward_score': 1} for s in event]", "wrong-ids", "don't have the id"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_1_with_the_way_to_mend_it(
    rft: Callable[..., Any], returned: str, code: str, words: str
) -> None:
    result = rft(f"def handler(event, context):\n    return {returned}\n", items("a", "b"), "--json")
    error = json.loads(result.stdout)["error"]
    assert result.exit_code == 1
    assert [problem["path"] for problem in error["problems"]] == [code]
    assert words in error["problems"][0]["message"]


@pytest.mark.parametrize(
    ("event", "words"),
    [("{}", "is no event"), ("not json", "is not JSON"), ('{"id": 1}\n{"id": 2}', "is not JSON"), ("7", "is no event")],
)
def test_a_file_without_an_event_is_wrong_usage(rft: Callable[..., Any], event: str, words: str) -> None:
    result = rft("format-validation", event, "--json")
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("grader", "words"),
    [
        ("none", "No grader 'none' comes with the application"),
        ("none.py", "There is no grader file none.py"),
        ("summarization", "asks a judge model"),
        ("openai", "The grader 'openai' is its JSON"),
    ],
)
def test_a_grader_that_can_not_be_graded_with_here_is_wrong_usage(
    rft: Callable[..., Any], grader: str, words: str
) -> None:
    result = rft(grader, items("a"), "--json")
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert words in error["message"]
    assert any(
        way in (error["hint"] or way) for way in ("rft check-grader summarization", "There are", "--openai FILE")
    )


def test_a_grader_that_can_not_be_imported_is_1(rft: Callable[..., Any]) -> None:
    result = rft("import numpty\n", items("a"))
    assert result.exit_code == 1
    assert "The grader can't be imported: ModuleNotFoundError" in result.stderr


def test_escape_sequences_of_a_grader_never_reach_the_terminal(rft: Callable[..., Any]) -> None:
    source = (
        "def handler(event, context):\n"
        "    metrics = [{'name': '\\x1b[2J\\u202e', 'value': 1, 'type': 'Metric'}]\n"
        "    return [{'id': s['id'], 'aggregate_reward_score': 1, 'metrics_list': metrics} for s in event]\n"
    )
    event = [item | {"id": "\x1b]0;x\x07"} for item in items("a")]
    result = rft(source, event)
    assert result.exit_code == 0
    assert "\\x1b]0;x\\x07" in result.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(result.output)
