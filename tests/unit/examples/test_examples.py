from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rft.grading.format_validation import score_format
from rft.grading.math_reasoning import score_final_number
from rft.run.request import Stack, parse_request

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("ticket-triage", "word-sums")
FEWEST = {"ticket-triage": (320, 80), "word-sums": (300, 60)}
GRADERS = {
    name: f"arn:aws:lambda:us-east-1:123456789012:function:{name}:1" for name in ("format-validation", "math-reasoning")
}
STACK = Stack("data", "us-east-1", "amazon.nova-2-lite-v1:0:256k", "format-validation", GRADERS)


def records(name: str, part: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / name / f"{part}.jsonl").read_text("utf-8").splitlines()]


def prompts(name: str, part: str) -> list[str]:
    return [record["messages"][-1]["content"] for record in records(name, part)]


def generate(name: str, folder: Path, *options: str) -> None:
    command = [sys.executable, str(EXAMPLES / name / "generate.py"), "--output", str(folder), *options]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_writes_the_files_that_are_there(name: str, tmp_path: Path) -> None:
    generate(name, tmp_path)
    for part in ("train", "validation"):
        assert (tmp_path / f"{part}.jsonl").read_bytes() == (EXAMPLES / name / f"{part}.jsonl").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_writes_other_records(name: str, tmp_path: Path) -> None:
    generate(name, tmp_path, "--seed", "1")
    assert (tmp_path / "train.jsonl").read_bytes() != (EXAMPLES / name / "train.jsonl").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_records_have_the_form_that_bedrock_asks_for(name: str) -> None:
    for part, fewest in zip(("train", "validation"), FEWEST[name], strict=True):
        found = records(name, part)
        assert len(found) >= fewest
        for record in found:
            assert record.keys() == {"id", "messages", "reference_answer"}
            assert [message["role"] for message in record["messages"]] == ["system", "user"]
            assert all(message["content"].strip() for message in record["messages"])


@pytest.mark.parametrize("name", NAMES)
def test_no_id_and_no_prompt_occurs_twice(name: str) -> None:
    every = records(name, "train") + records(name, "validation")
    assert len({record["id"] for record in every}) == len(every)
    assert len({record["messages"][-1]["content"] for record in every}) == len(every)


@pytest.mark.parametrize("name", NAMES)
def test_the_run_is_one_that_the_pipeline_takes(name: str) -> None:
    folder = f"inbox/{name}/"
    request = parse_request((EXAMPLES / name / "run.json").read_bytes(), STACK, folder=folder)
    assert request.model == name
    assert request.training_data.s3_uri == f"s3://data/{folder}train.jsonl"


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_utf_8_with_line_feeds(name: str) -> None:
    for file in (EXAMPLES / name).iterdir():
        if file.is_file():
            text = file.read_bytes()
            assert text.decode("utf-8").endswith("\n"), file.name
            assert b"\r" not in text, file.name


def test_the_reference_answers_are_what_the_graders_pay_for() -> None:
    for record in records("ticket-triage", "validation"):
        reference = record["reference_answer"]
        assert score_format(json.dumps(reference), reference, {}).value == 1
    for record in records("word-sums", "validation"):
        reference = record["reference_answer"]
        assert score_final_number(f"So it is {reference}", reference).value == 1


def test_tickets_hold_only_the_values_that_their_instructions_name() -> None:
    for record in records("ticket-triage", "train") + records("ticket-triage", "validation"):
        instructions = record["messages"][0]["content"]
        assert record["reference_answer"].keys() == {"category", "priority"}
        assert all(f"{value} (" in instructions for value in record["reference_answer"].values())


def test_no_value_of_a_ticket_is_so_frequent_that_guessing_it_pays() -> None:
    for field in ("category", "priority"):
        counts = Counter(record["reference_answer"][field] for record in records("ticket-triage", "validation"))
        assert max(counts.values()) / counts.total() < 0.5


def test_unseen_sentences_decide_some_validation_tickets_and_no_training_ticket() -> None:
    phrases = json.loads((EXAMPLES / "ticket-triage" / "phrases.json").read_text("utf-8"))
    unseen = [phrase for each in phrases["priorities"].values() for phrase in each["unseen"]]
    assert not any(phrase in prompt for prompt in prompts("ticket-triage", "train") for phrase in unseen)
    meeting = sum(any(phrase in prompt for phrase in unseen) for prompt in prompts("ticket-triage", "validation"))
    assert 15 <= meeting <= 50


def test_the_answers_of_sums_are_spread_so_that_guessing_gains_nothing() -> None:
    for part in ("train", "validation"):
        counts = Counter(record["reference_answer"] for record in records("word-sums", part))
        assert max(counts.values()) / counts.total() <= 0.02
    assert len({record["reference_answer"] for record in records("word-sums", "train")}) >= 200


def test_the_sums_add_up() -> None:
    """The kinds whose text shows every number of their formula, worked out again."""
    checked = 0
    for record in records("word-sums", "train"):
        text, answer = record["messages"][-1]["content"], int(record["reference_answer"].removeprefix("#### "))
        numbers = [int(word) for word in text.replace(".", " ").split() if word.isdigit()]
        match text:
            case _ if "reads" in text:
                assert answer == numbers[0] * numbers[1] + numbers[2]
            case _ if "chairs" in text:
                assert answer == numbers[0] * numbers[1] - numbers[2]
            case _ if "vouchers" in text:
                assert answer == numbers[2] - numbers[0] * numbers[1]
            case _ if "saved" in text:
                assert answer == numbers[0] + numbers[1] * numbers[2]
            case _ if "tickets" in text:
                assert answer == numbers[0] * numbers[1] + numbers[2]
            case _ if "shared evenly" in text:
                assert answer * numbers[1] + numbers[2] == numbers[0]
            case _:
                continue
        checked += 1
    assert checked > 120
