"""One stand-in AWS for the whole session, with the real application deployed into it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cloud import REPOSITORY, Cloud
from tests.local.data import ANY_GAIN, SHORT
from tests.local.pipeline import Pipeline

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    parameters = {
        "JobCheckMinutes": "0.1",
        "GraderCallSeconds": "12",
        "DeploymentDeadlineMinutes": "0.2",
        "ApprovalHours": "0.005",
        # So that a few runs of one model are enough for an old version to be removed.
        "KeptVersions": "1",
        # Jobs train in the VPC, and the bucket takes them from nowhere else.
        "NetworkMode": "create",
    }
    # What the functions and the job's role called, for the tests of their rights that come after these (make test).
    calls = REPOSITORY / ".calls" / os.environ.get("PYTEST_XDIST_WORKER", "main")
    for left in calls.glob("*.json*"):
        left.unlink()  # of another cloud, whose resources had other names
    cloud = Cloud.start(tmp_path_factory.mktemp("local") / "cloud", parameters=parameters, record_calls=calls)
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture(scope="session")
def pipeline(cloud: Cloud) -> Iterator[Pipeline]:
    """At the end of all tests: a fault that a retry hid, or that nobody waits for, is a fault all the same."""
    pipeline = Pipeline(cloud)
    yield pipeline
    assert pipeline.unforeseen_errors() == []


@pytest.fixture(scope="session")
def short() -> dict[str, Any]:
    """A training that takes seconds: it proves the way, not the gain."""
    return {"epoch_count": 1, "batch_size": 128, "training_sample_per_prompt": 2, "inference_max_tokens": 32}


@pytest.fixture(scope="session")
def tickets() -> bytes:
    return (EXAMPLES / "ticket-triage" / "train.jsonl").read_bytes()


@pytest.fixture
def faults(cloud: Cloud) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """The stand-in's documented control of what goes wrong."""
    import urllib.request

    url = f"{cloud.info.bedrock_endpoint}/_local/faults"

    def call(method: str, rules: list[dict[str, Any]] | None = None) -> None:
        data = json.dumps(rules).encode() if rules is not None else None
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=5) as answer:
            assert answer.status < 300

    yield lambda rules: call("PUT", rules)
    call("DELETE")


@pytest.fixture
def start(pipeline: Pipeline) -> Callable[..., str]:
    """Starts a run with records of its own, through the API."""

    def start(model: str, records: list[dict[str, Any]], **changes: Any) -> str:
        body = "".join(json.dumps(record) + "\n" for record in records)
        uri = pipeline.put(f"datasets/{model}.jsonl", body.encode())
        request = {"model": model, "training_data": {"s3_uri": uri}, "hyperparameters": SHORT, "promote": ANY_GAIN}
        request["validation_data"] = {"fraction": 0.2}
        request |= changes
        return str(pipeline.api.create_run(request, key=model)[0]["run_id"])

    return start
