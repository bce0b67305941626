"""What a dataset, logs, answers and a grader's JSON say stands in the user's own objects, and nowhere else after a run.

Nor does the token of a wait stand anywhere but in the table.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.local.data import ANY_GAIN, JUDGE, colours
from tests.local.pipeline import Pipeline, until

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
COMPARED = READ | {"comparison/answers/00000.jsonl", "comparison.jsonl", "report.html"}
SHARD = "dataset/logs/shard-00000.jsonl"
OWN_OBJECTS = {
    "instruction-following": COMPARED,
    "openai": COMPARED | {"grader.json", "manifest.json"},
    "crashing": READ,
    "quoting": READ,
    # Its request names the value by which the records are chosen.
    "logs": COMPARED | {"dataset/source.jsonl", SHARD, "manifest.json"},
}
ENDS = {
    "instruction-following": "promoted",
    "openai": "promoted",
    "crashing": "rejected",
    "quoting": "rejected",
    "logs": "promoted",
}
WAITS = {"task_token", "approval_token"}
"""The attributes of a run's item that hold the token of a wait: for its job, for a person."""


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


def marked_logs(first: int) -> bytes:
    """One log object: calls that are good for training, one that failed, and one that is damaged, all with canaries."""

    def call(n: int, prompt: str, answer: dict[str, Any]) -> dict[str, Any]:
        return {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": "2026-01-05T00:13:00Z",
            "accountId": "123456789012",
            "identity": {"arn": f"arn:aws:sts::123456789012:assumed-role/{CANARY}role/{CANARY}session"},
            "region": "us-east-1",
            "requestId": f"{CANARY}-{n}",
            "operation": "Converse",
            "modelId": "us.amazon.nova-pro-v1:0",
            "requestMetadata": {"project": f"{CANARY}project", f"{CANARY}key": f"{CANARY}metadata"},
            "input": {
                "inputContentType": "application/json",
                "inputBodyJson": {"messages": [{"role": "user", "content": [{"text": prompt}]}]},
            },
            **answer,
        }

    calls = []
    for n, record in enumerate(colours(first)):
        said = [{"text": f"{record['reference_answer']} {CANARY}logged"}]
        body = {"output": {"message": {"role": "assistant", "content": said}}, "stopReason": "end_turn"}
        answer = {"output": {"outputContentType": "application/json", "outputBodyJson": body}}
        calls.append(call(n, f"{record['messages'][0]['content']} {CANARY}asked{n}", answer))
    calls.append(call(-1, f"{CANARY}failed", {"errorCode": f"{CANARY}Exception"}))
    lines = [json.dumps(one) for one in calls]
    return gzip.compress("\n".join([*lines, f'{{"{CANARY}damaged": "{CANARY}half']).encode())


@pytest.fixture(scope="module")
def heard(pipeline: Pipeline) -> Callable[[], list[dict[str, Any]]]:
    """All that the pipeline says on the bus meanwhile."""
    return pipeline.listen("canary", {"source": ["rft.pipeline"]})


@pytest.fixture(scope="module")
def tokens() -> set[str]:
    """The tokens of the waits that were seen in the table."""
    return set()


@pytest.fixture
def runs(
    pipeline: Pipeline, start: Callable[..., str], heard: Callable[[], list[dict[str, Any]]], tokens: set[str]
) -> dict[str, dict[str, Any]]:
    """One run of a judge, for whose model a person decides, one of OpenAI's JSON, two of graders that crash, and one of
    invocation logs: all at once, and all ended."""
    own = {
        name: {"lambda_arn": pipeline.cloud.deploy_grader(GRADERS / name / "app.py")}
        for name in ("crashing", "quoting")
    }
    wanted = {"instruction-following": {"name": "instruction-following"}, "openai": {"openai": DECLARED}, **own}
    decided = {"instruction-following": {"promote": ANY_GAIN | {"approval": "manual"}}}
    begun = {
        name: start(f"canary-{name}", marked(10_000 * place), grader=grader, gate="warn", **decided.get(name, {}))
        for place, (name, grader) in enumerate(wanted.items(), start=1)
    }
    begun["logs"] = start_with_logs(pipeline, start)
    waiting = begun["instruction-following"]
    for wait in sorted(WAITS, reverse=True):
        tokens.add(until(lambda wait=wait: token_of(pipeline, waiting, wait), 120))  # type: ignore[misc]
        answers = api_answers(pipeline, waiting)
        assert [route for route, answer in answers.items() if holds(answer, tokens)] == [], wait
    pipeline.api._call("POST", f"/runs/{waiting}/approve", body={"decision": "promote"})
    ended = {name: pipeline.ended(run_id, seconds=180) for name, run_id in begun.items()}
    assert {name: run["status"] for name, run in ended.items()} == ENDS, {n: r["reason"] for n, r in ended.items()}
    ask_directly(pipeline, ended["instruction-following"]["model"])
    return ended


def ask_directly(pipeline: Pipeline, model: str) -> None:
    """What the API does at once, without a run: models asked, a grader tried, a dataset checked."""
    data = {"s3_uri": f"s3://{pipeline.cloud.info.bucket}/datasets/{model}.jsonl"}
    bodies: dict[str, dict[str, Any]] = {
        f"/models/{model}/compare": {"prompts": [f"What colour has {CANARY}typed?"], "max_tokens": 16},
        "/graders/generic/test": data | {"records": 2, "base_answers": 1},
        "/datasets/check": data,
    }
    for route, body in bodies.items():
        assert pipeline.api._call("POST", route, body=body).status == 200, route


def start_with_logs(pipeline: Pipeline, start: Callable[..., str]) -> str:
    bucket, prefix = pipeline.cloud.info.log_bucket, "canary/"
    pipeline.s3.put_object(Bucket=bucket, Key=f"{prefix}20260105T001300000Z_0.json.gz", Body=marked_logs(90_000))
    source = {"s3_uri": f"s3://{bucket}/{prefix}", "metadata_equals": {"project": f"{CANARY}project"}}
    logs = {"invocation_logs": source | {"use_prompt_response": True}}
    return start("canary-logs", [], training_data=logs, grader={"name": "generic"}, gate="warn")


def token_of(pipeline: Pipeline, run_id: str, wait: str) -> str | None:
    (run,) = (item for item in items(pipeline, run_id) if item["sk"]["S"] == "RUN")
    return str(run[wait]["S"]) if wait in run else None


def holds(what: Any, texts: set[str]) -> bool:
    content = json.dumps(what, default=str)
    assert texts
    return any(text in content for text in texts)


def api_answers(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """What every GET route says that tells of a run."""
    model = run_id.rpartition("-")[0]
    routes = ["/models", "/runs", f"/runs/{run_id}", f"/runs/{run_id}/events", f"/runs/{run_id}/metrics"]
    answers = {route: pipeline.api._call("GET", route).document() for route in routes}
    if model in {one["name"] for one in answers["/models"]["models"]}:
        answers["/models/"] = pipeline.api._call("GET", f"/models/{model}").document()
    return answers


def test_what_is_said_stays_in_the_users_own_objects_and_a_token_in_the_table(
    pipeline: Pipeline,
    runs: dict[str, dict[str, Any]],
    heard: Callable[[], list[dict[str, Any]]],
    tokens: set[str],
) -> None:
    assert len(tokens) == len(WAITS)
    assert canaries_were_said(pipeline, runs["instruction-following"]) == {"base", "candidate"}
    quoting = f"/aws/lambda/{runs['quoting']['grader_arn'].split(':')[-2]}"
    written = dict(logged(pipeline))
    assert written.keys() >= {f"/aws/lambda/{pipeline.cloud.info.stack}-check-grader"}
    assert {place for place, text in written.items() if CANARY in text.lower()} == {quoting}, (
        "the canary is looked for where it is, and found nowhere else"
    )
    assert [place for place, text in written.items() if holds(text, tokens)] == []

    said = heard()
    assert said
    assert [event for event in said if CANARY in json.dumps(event).lower() or holds(event, tokens)] == []
    dead = list(dead_letters(pipeline))
    assert [message for message in dead if CANARY in message.lower() or holds(message, tokens)] == []
    with ThreadPoolExecutor(len(runs)) as pool:
        looks = [pool.submit(nothing_is_told, pipeline, name, run, tokens) for name, run in runs.items()]
        for look in looks:
            look.result()


def nothing_is_told(pipeline: Pipeline, name: str, run: dict[str, Any], tokens: set[str]) -> None:
    """Neither a canary nor a token in what is kept and told of one run."""
    run_id = run["run_id"]
    told: dict[str, Any] = {
        "run": dict(run),
        # One that is used up may stay where it was kept: Step Functions takes it no more.
        "table": [{key: value for key, value in item.items() if key not in WAITS} for item in items(pipeline, run_id)],
        "messages": pipeline.messages(run_id),
        "execution": list(history(pipeline, run_id)),
        **api_answers(pipeline, run_id),
    }
    assert all(told.values()), name
    assert [part for part, what in told.items() if holds(what, tokens)] == [], name
    for record in records_in(told):
        # As it was made: a grader's JSON, and by what records of logs are chosen. Lists have those of other runs too.
        asked, model = json.dumps(record.pop("request", {})), json.dumps(record.get("model"))
        assert CANARY not in asked or "canary-openai" in model or "canary-logs" in model
    assert [part for part, what in told.items() if CANARY in json.dumps(what, default=str).lower()] == [], name
    objects = dict(objects_of(pipeline, run_id))
    assert {key for key, body in objects.items() if CANARY.encode() in body.lower()} == OWN_OBJECTS[name]
    assert [key for key, body in objects.items() if any(token.encode() in body for token in tokens)] == []


def records_in(told: Any) -> Iterator[dict[str, Any]]:
    """Every document, at whatever depth."""
    if isinstance(told, dict):
        yield told
    for part in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from records_in(part)


def canaries_were_said(pipeline: Pipeline, run: dict[str, Any]) -> set[str]:
    """Which models' answers hold a canary: so there was something to be silent about."""
    rows = map(json.loads, pipeline.get(run["comparison"]["rows_uri"]).splitlines())
    return {model for row in rows for model, answer in row["answers"].items() if CANARY in json.dumps(answer).lower()}


def logged(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """The log groups of the whole cloud, each with its text: of functions, state machine and API."""
    logs = pipeline.cloud.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            yield name, "\n".join(event["message"] for page in pages for event in page["events"])


def dead_letters(pipeline: Pipeline) -> Iterator[str]:
    """The bodies of what lies in the stack's queues; they stay there."""
    queues = pipeline.cloud.client("sqs")
    for logical in ("UndeliveredEvents", "FailedEvents"):
        answer = queues.receive_message(
            QueueUrl=physical(pipeline, logical), MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        yield from (message["Body"] for message in answer.get("Messages", []))


def physical(pipeline: Pipeline, logical: str) -> str:
    answer = pipeline.cloud.client("cloudformation").describe_stack_resource(
        StackName=pipeline.cloud.info.stack, LogicalResourceId=logical
    )
    return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def items(pipeline: Pipeline, run_id: str) -> list[dict[str, Any]]:
    """The run's record and its events, as they lie in the table."""
    found: list[dict[str, Any]] = pipeline.cloud.client("dynamodb").query(
        TableName=physical(pipeline, "RunTable"),
        KeyConditionExpression="pk = :run",
        ExpressionAttributeValues={":run": {"S": f"RUN#{run_id}"}},
    )["Items"]
    return found


def history(pipeline: Pipeline, run_id: str) -> Iterator[dict[str, Any]]:
    """What Step Functions keeps: input and output of the execution and of each state, errors and causes.

    On AWS there is one field more, ``parameters`` of TaskScheduled: what a task was called with. There Step Functions
    itself keeps the token of a task that waits, for whoever may read the history (``states:GetExecutionHistory``). The
    emulator doesn't keep it.
    """
    arn = pipeline.executions(run_id)[0]["executionArn"]
    yield pipeline.states.describe_execution(executionArn=arn)
    for page in pipeline.states.get_paginator("get_execution_history").paginate(executionArn=arn):
        yield from page["events"]


def objects_of(pipeline: Pipeline, run_id: str) -> Iterator[tuple[str, bytes]]:
    """The objects of the run, by their names in its folder."""
    bucket, folder = pipeline.cloud.info.bucket, f"runs/{run_id}/"
    for page in pipeline.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
        for entry in page["Contents"]:
            yield entry["Key"].removeprefix(folder), pipeline.get(f"s3://{bucket}/{entry['Key']}")
