"""What a dataset and a grader's JSON say stands in the user's own objects, and nowhere else after a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.data import JUDGE, colours
from tests.local.pipeline import Pipeline

GRADERS = Path(__file__).parent / "graders"
CANARY = "zq7canary"
DECLARED = {
    "type": "score_model",
    "name": f"{CANARY}name",
    "model": JUDGE,
    "input": [
        {
            "role": "user",
            "content": f"{CANARY}json: is {{{{ sample.output_text }}}} the same as {{{{ item.reference_answer }}}}?",
        }
    ],
    "range": [0, 1],
}
READ = {"dataset/train.jsonl", "dataset/validation.jsonl"}
OWN_OBJECTS = {
    "instruction-following": READ | {"comparison/answers/00000.jsonl", "comparison.jsonl", "report.html"},
    "openai": READ
    | {"grader.json", "comparison/answers/00000.jsonl", "comparison.jsonl", "report.html", "manifest.json"},
    "crashing": READ,
    "quoting": READ,
}
ENDS = {
    "instruction-following": "promoted",
    "openai": "promoted",
    "crashing": "rejected",
    "quoting": "rejected",
}


def marked(first: int) -> list[dict[str, Any]]:
    """Records with another canary in each of their fields."""
    return [
        {
            "messages": [
                {"role": "system", "content": f"Be brief, {CANARY}system."},
                {"role": "user", "content": f"{record['messages'][0]['content']} {CANARY}prompt{n}"},
            ],
            "reference_answer": f"{record['reference_answer']} {CANARY}reference",
            "context": [f"{record['context'][0]} {CANARY}context"],
            "instructions": [*record["instructions"], f"Say {CANARY}instruction."],
            f"{CANARY}field": f"{CANARY}value",
        }
        for n, record in enumerate(colours(first))
    ]


@pytest.fixture(scope="module")
def heard(pipeline: Pipeline) -> Callable[[], list[dict[str, Any]]]:
    """All that the pipeline says on the bus meanwhile."""
    return pipeline.listen("canary", {"source": ["rft.pipeline"]})


@pytest.fixture
def runs(
    pipeline: Pipeline, start: Callable[..., str], heard: Callable[[], list[dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """One run of a judge, one of OpenAI's JSON, and two of graders that crash: all at once, and all ended."""
    own = {
        name: {"lambda_arn": pipeline.cloud.deploy_grader(GRADERS / name / "app.py")}
        for name in ("crashing", "quoting")
    }
    wanted = {"instruction-following": {"name": "instruction-following"}, "openai": {"openai": DECLARED}, **own}
    begun = {
        name: start(f"canary-{name}", marked(10_000 * place), grader=grader, gate="warn")
        for place, (name, grader) in enumerate(wanted.items(), start=1)
    }
    ended = {name: pipeline.ended(run_id, seconds=180) for name, run_id in begun.items()}
    assert {name: run["status"] for name, run in ended.items()} == ENDS, {n: r["reason"] for n, r in ended.items()}
    return ended


def test_what_the_data_and_a_graders_json_say_stays_in_the_users_own_objects(
    pipeline: Pipeline, runs: dict[str, dict[str, Any]], heard: Callable[[], list[dict[str, Any]]]
) -> None:
    quoting = f"/aws/lambda/{runs['quoting']['grader_arn'].split(':')[-2]}"
    logs = {place: text for place, text in logged(pipeline) if CANARY in text.lower()}
    assert {place for place, _ in logged(pipeline)} >= {f"/aws/lambda/{pipeline.cloud.info.stack}-check-grader"}
    assert logs.keys() == {quoting}, "the canary is looked for where it is, and found nowhere else"

    assert [event for event in heard() if CANARY in json.dumps(event).lower()] == []
    assert heard()
    for name, run in runs.items():
        run_id = run["run_id"]
        told: dict[str, Any] = {
            "run": dict(run),
            "table": items(pipeline, run_id),
            "events": pipeline.api._call("GET", f"/runs/{run_id}/events").document(),
            "messages": pipeline.messages(run_id),
            "execution": list(history(pipeline, run_id)),
        }
        assert all(told.values()), name
        for record in (told["run"], *told["table"]):
            asked = record.pop("request", {})  # as it was made, a grader's JSON included
            assert name == "openai" or CANARY not in json.dumps(asked)
        assert [part for part, what in told.items() if CANARY in json.dumps(what, default=str).lower()] == [], name
        assert set(marked_objects(pipeline, run_id)) == OWN_OBJECTS[name]


def logged(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """The log groups of the whole cloud, each with its text."""
    logs = pipeline.cloud.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            yield name, "\n".join(event["message"] for page in pages for event in page["events"])


def items(pipeline: Pipeline, run_id: str) -> list[dict[str, Any]]:
    """The run's record and its events, as they lie in the table."""
    table = pipeline.cloud.client("cloudformation").describe_stack_resource(
        StackName=pipeline.cloud.info.stack, LogicalResourceId="RunTable"
    )["StackResourceDetail"]["PhysicalResourceId"]
    found: list[dict[str, Any]] = pipeline.cloud.client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :run",
        ExpressionAttributeValues={":run": {"S": f"RUN#{run_id}"}},
    )["Items"]
    return found


def history(pipeline: Pipeline, run_id: str) -> Iterator[dict[str, Any]]:
    """What Step Functions keeps: input and output of the execution and of each state, errors and causes."""
    arn = pipeline.executions(run_id)[0]["executionArn"]
    yield pipeline.states.describe_execution(executionArn=arn)
    for page in pipeline.states.get_paginator("get_execution_history").paginate(executionArn=arn):
        yield from page["events"]


def marked_objects(pipeline: Pipeline, run_id: str) -> Iterator[str]:
    """The objects of the run with a canary in them."""
    bucket, folder = pipeline.cloud.info.bucket, f"runs/{run_id}/"
    for page in pipeline.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
        for entry in page["Contents"]:
            if CANARY.encode() in pipeline.get(f"s3://{bucket}/{entry['Key']}").lower():
                yield entry["Key"].removeprefix(folder)
