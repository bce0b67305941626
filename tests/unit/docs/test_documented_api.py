"""docs/api.md against the code: every route, every key of a request, every error that ends a run."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from rft import errors
from rft.run.record import Run
from rft.run.request import MAX_TAGS, MAX_TOKENS, RunRequest, parse_request
from rft.run.request_candidate import DEFAULT_PROMPTS, MOST_PROMPTS
from rft.run.stack import Stack
from rft.run.status import Status, closing_status
from rft.steps.comparing import playground
from rft.steps.doors.api import _STATUS_OF, routes
from rft.steps.doors.api_models import MOST_VERSIONS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text()
GRADER = "arn:aws:lambda:us-east-1:123456789012:function:rft-grader:1"
STACK = Stack(
    bucket="rft-data",
    region="us-east-1",
    base_model="amazon.nova-2-lite-v1:0:256k",
    grader="format-validation",
    graders={"format-validation": GRADER, "math-reasoning": GRADER},
)


def section(heading: str) -> str:
    _, there, rest = PAGE.partition(f"\n## {heading}\n")
    assert there, heading
    return rest.partition("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table."""
    lines = (line for line in text.splitlines() if line.startswith("| ") and not line.startswith("|---"))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_route_is_there_and_no_other() -> None:
    told = {name for row in rows(section("The routes")) for name in names(row[0]) if name.split()[0].isupper()}
    routed = {f"{route.method} {re.sub(r'<(\w+)>', r'{\1}', route.path)}" for route in routes._static_routes}
    routed |= {f"{route.method} {re.sub(r'<(\w+)>', r'{\1}', route.path)}" for route in routes._dynamic_routes}
    assert {re.sub(r"\?.*", "", name) for name in told} == {
        name.replace("/models/{name}", "/models/{model}") for name in routed
    }


def keys(model: type[BaseModel], before: str = "") -> set[str]:
    """Every key that a request may have, with what stands before it."""
    found = set()
    for name, field in model.model_fields.items():
        key = before + (field.alias or name)
        inner = [part for part in parts(field.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        found |= {key, *(deep for part in inner for deep in keys(part, f"{key}."))}
    return found


def parts(annotation: Any) -> list[Any]:
    return [annotation, *(deep for part in get_args(annotation) for deep in parts(part))]


OBJECTS = {"training_data", "validation_data", "grader", "budget", "compare.grader"}
"""Explained in one row each, or in a section of their own."""
HEADINGS = {"hyperparameters", "compare", "stop_when"}
"""That stand only before others."""


def test_every_key_of_a_request_is_told_of_and_no_other() -> None:
    told, before = set(), ""
    for row in rows(section("The request").partition("\n### ")[0]):
        for name in names(row[0]):
            before = name.rpartition(".")[0] if not name.startswith("….") else before
            told.add(name.replace("…", before))
    known = {key for key in keys(RunRequest) if not any(key.startswith(f"{name}.") for name in OBJECTS)}
    known -= HEADINGS | {"deploy.kind"}
    assert told == known


def test_the_numbers_of_the_request_are_those_of_the_code() -> None:
    table = {name: row[1:] for row in rows(section("The request")) for name in names(row[0])}
    assert f"10 to {MOST_PROMPTS:,}" in table["compare.max_prompts"][0]
    assert table["compare.max_prompts"][1] == f"{DEFAULT_PROMPTS}"
    assert f"1 to {MAX_TOKENS:,}" in table["….inference_max_tokens"][0]
    assert f"up to {MAX_TAGS}" in table["tags"][0]
    for key, (low, high) in {
        "deploy.model_units": (1, 100),
        "promote.min_gain": (-1, 1),
        "promote.confidence": (0.5, 0.999),
        "stop_when.constant_reward_steps": (3, 1_000),
        "compare.temperature": (0, 1),
    }.items():
        assert f"{low:,} to {high:,}" in table[key][0], key
        for value in (low, high):
            parse_request(request(key, value), STACK)
        for value in (low - 1, high + 1):
            with pytest.raises(errors.RequestInvalid, match=re.escape(key)):
                parse_request(request(key, value), STACK)


def request(key: str, value: float) -> dict[str, Any]:
    part, _, name = key.partition(".")
    inner = {name: value} | ({"kind": "provisioned"} if part == "deploy" else {})
    return {"model": "m", "training_data": {"s3_uri": f"s3://{STACK.bucket}/d.jsonl"}, part: inner}


def test_the_first_example_is_a_request() -> None:
    (text,) = re.findall(r"```json\n(.+?)```", section("The request").partition("\n| ")[0], re.DOTALL)
    parse_request(text, STACK, folder="inbox/ticket-triage/")


def test_every_error_of_the_table_ends_a_run_as_it_says() -> None:
    text = section("What a run tells")
    rejected, others = text.partition("Why a run was `rejected`")[2].split("Why one was `stopped` or has `failed`")
    for table, statuses in ((rejected, {Status.REJECTED}), (others, {Status.STOPPED, Status.FAILED})):
        told = {name for row in rows(table) for name in names(row[0])}
        assert {closing_status(name, stop_requested=False) for name in told} == statuses
        assert all(hasattr(errors, name) for name in told), "each is a class of rft.errors"
    closing = {name for name in vars(errors) if closing_status(name, stop_requested=False) is not Status.FAILED}
    assert closing <= {name for row in rows(text) for name in names(row[0])}


def test_the_fields_that_a_run_tells_are_its_own() -> None:
    told = {name for row in rows(section("What a run tells")) for name in names(row[0])}
    known = {field.name for field in fields(Run)}
    assert {"training", "comparison", "approval", "promotion", "report"} <= told & known
    assert {name for name in told if name[0].islower()} <= known


def test_every_status_of_a_refusal_is_told() -> None:
    words = " ".join(section("The routes").split())
    for status in set(_STATUS_OF.values()):
        assert re.search(rf"\b{int(status)} for ", words), status


def test_the_playgrounds_bounds_are_the_codes() -> None:
    words = " ".join(section("The playground").split())
    for text in (
        f"1 to {playground.MAX_PROMPTS} texts",
        f"of {playground.MAX_CHARACTERS:,} characters at most",
        f"up to {playground.MAX_VERSIONS}.",
        f"`max_tokens` is up to {playground.MAX_TOKENS:,}",
        f"the {playground.ANSWER_SECONDS:.0f} s that the API has",
    ):
        assert text in words, text
    (body,) = re.findall(r"```json\n(.+?)```", section("The playground"), re.DOTALL)
    assert playground._problems(json.loads(body)) == []


def test_so_many_versions_are_listed() -> None:
    assert f"the newest first, {MOST_VERSIONS} at most" in " ".join(section("Models").split())
