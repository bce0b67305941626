"""The grader JSON of a run, found by what its records carry."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.graders.openai_grader import app
from rft.grading.errors import BadSample, SystemicFault
from rft.grading.handler import grader
from rft.judges import declared
from rft.judges.declared import MAX_GRADERS, GraderJsonUnusable, openai_score
from rft.run.identity import run_id
from tests.unit.grading.openai.parts import JUDGE, Scripted, result, sample, score_model, string_check

ROOT = Path(__file__).parents[4]
RUN = "city-facts-0123456789ab"
KEY = f"runs/{RUN}/grader.json"


class Bucket:
    """S3 with one bucket, which counts its reads."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: Counter[str] = Counter()
        self.seconds = 0.0

    def get_object(self, **wanted: str) -> dict[str, Any]:
        assert wanted["Bucket"] == "data"
        key = wanted["Key"]
        self.reads[key] += 1
        time.sleep(self.seconds)
        if key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[key])}

    def put(self, document: Any, run: str = RUN, place: str = "grader.json") -> dict[str, str]:
        """What the records of the run carry."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        key = f"runs/{run}/{place}"
        self.objects[key] = body
        return {"run_id": run, "model": "m", "grader_key": key, "grader_sha256": sha256(body).hexdigest()}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    store = Bucket()
    monkeypatch.setattr(declared, "client", lambda service: {"s3": store}[service])
    monkeypatch.setenv("DATA_BUCKET", "data")
    monkeypatch.setenv("JUDGE_MODEL_ID", JUDGE)
    declared._grader.cache_clear()
    yield store
    declared._grader.cache_clear()


def graded(rft: Any, answer: str = "A", judge: Any = None) -> float:
    return openai_score(sample(answer, "A", rft=rft), judge or Scripted()).value


def test_it_grades_by_the_json_of_the_run(bucket: Bucket) -> None:
    rft = bucket.put(string_check())
    assert graded(rft) == 1
    assert graded(rft, "B") == 0
    assert graded(bucket.put(score_model()), judge=Scripted(result(0.25))) == 0.25


def test_a_run_may_have_a_second_one_that_only_compares(bucket: Bucket) -> None:
    first, second = bucket.put(string_check()), bucket.put(score_model(), place="comparison/grader.json")
    assert graded(first, "B") == 0
    assert graded(second, "B", judge=Scripted(result(0.25))) == 0.25
    # An inference profile stands in the function's environment where a request names the model.
    assert graded(bucket.put(score_model(model="amazon.nova-lite-v1:0")), judge=Scripted(result(0.5))) == 0.5


def test_it_is_read_once(bucket: Bucket) -> None:
    rft = bucket.put(string_check())
    bucket.seconds = 0.05  # long enough for the other threads to come by
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: graded(rft), range(64))) == {1}
    assert bucket.reads == {KEY: 1}


def test_eight_are_kept(bucket: Bucket) -> None:
    notes = [bucket.put(string_check(), run_id("m", str(number))) for number in range(MAX_GRADERS + 1)]
    for note in notes[:MAX_GRADERS] * 2:
        graded(note)
    assert set(bucket.reads.values()) == {1}
    graded(notes[MAX_GRADERS])
    graded(notes[0])
    assert bucket.reads[notes[0]["grader_key"]] == 2
    assert declared._grader.cache_info().currsize == MAX_GRADERS


@pytest.mark.parametrize("rft", [None, {}, "text", [], {"run_id": RUN, "model": "m"}])
def test_a_record_without_a_pointer(bucket: Bucket, rft: Any) -> None:
    with pytest.raises(BadSample, match="names no grader JSON") as bad:
        graded(rft)
    assert bad.value.flags == ("other_error",)


@pytest.mark.parametrize(
    "changes",
    [
        {"grader_key": None},
        {"grader_key": ""},
        {"grader_key": 5},
        {"grader_key": "runs/other-run-0123456789ab/grader.json"},
        {"grader_key": f"runs/{RUN}/../other/grader.json"},
        {"grader_key": f"runs/{RUN}/grader.json\n"},
        {"grader_key": f"s3://data/runs/{RUN}/grader.json"},
        {"grader_key": f"runs/{RUN}/train.jsonl"},
        {"grader_key": "runs/other-run-0123456789ab/comparison/grader.json"},
        {"run_id": "city-facts"},
        {"run_id": "..", "grader_key": "runs/../grader.json"},
        {"run_id": "a/b-0123456789ab", "grader_key": "runs/a/b-0123456789ab/grader.json"},
        {"run_id": f"{RUN}\n", "grader_key": f"runs/{RUN}\n/grader.json"},
        {"run_id": None},
        {"grader_sha256": None},
        {"grader_sha256": ""},
        {"grader_sha256": "0" * 63},
        {"grader_sha256": "A" * 64},
        {"grader_sha256": "0" * 64 + "\n"},
        {"grader_sha256": 10**63},
    ],
)
def test_a_pointer_that_is_not_the_runs_own_is_never_followed(bucket: Bucket, changes: dict[str, Any]) -> None:
    with pytest.raises(BadSample, match=r"rft\.grader_"):
        graded(bucket.put(string_check()) | changes)
    assert not bucket.reads


def test_a_json_that_is_not_there(bucket: Bucket) -> None:
    rft = bucket.put(string_check())
    bucket.objects.clear()
    with pytest.raises(GraderJsonUnusable, match="can't be read from the data bucket: NoSuchKey"):
        graded(rft)


def test_a_json_that_was_changed(bucket: Bucket) -> None:
    rft = bucket.put(string_check())
    bucket.put(string_check("ne"))
    with pytest.raises(GraderJsonUnusable, match="was changed after its run began"):
        graded(rft)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"type": "python"}', "python graders are refused"),
        (b'{"type": "string_check", "operation": "neq"}', "operation: must be eq, ne, like or ilike"),
    ],
)
def test_a_json_that_is_no_grader_here(bucket: Bucket, body: bytes, told: str) -> None:
    with pytest.raises(GraderJsonUnusable, match=told):
        graded(bucket.put(body))


def test_a_fault_of_the_bucket_fails_the_invocation_and_is_not_kept(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issubclass(GraderJsonUnusable, SystemicFault)
    rft = bucket.put(string_check())
    with monkeypatch.context() as broken:
        fault = EndpointConnectionError(endpoint_url="https://s3")
        broken.setattr(bucket, "get_object", lambda **_: (_ for _ in ()).throw(fault))
        with pytest.raises(GraderJsonUnusable, match="EndpointConnectionError"):
            graded(rft)
    monkeypatch.delenv("DATA_BUCKET")
    with pytest.raises(GraderJsonUnusable, match="DATA_BUCKET"):
        graded(rft)
    monkeypatch.setenv("DATA_BUCKET", "data")
    assert graded(rft) == 1


def test_the_event_that_comes_with_it(bucket: Bucket) -> None:
    items = json.loads((ROOT / "events" / "grader_openai.json").read_text())
    bucket.objects[KEY] = (Path(__file__).parent / "grader.json").read_bytes()
    results = grader(lambda given: openai_score(given, Scripted()), name="openai")(items, None)
    assert [each["id"] for each in results] == [item["id"] for item in items]
    assert [each["aggregate_reward_score"] for each in results] == pytest.approx([1, 0.25 * 5 / 6, 0, 0, 0])
    flags = [{metric["name"] for metric in each["metrics_list"]} for each in results]
    assert flags[:3] == [{"city", "wording"}] * 3
    assert flags[3:] == [{"error", "invalid_variable_error"}, {"error", "other_error"}]


def test_the_function_grades_by_it(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    item = {
        "id": "1",
        "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}],
        "metadata": {"reference_answer": "A", "rft": bucket.put(string_check())},
    }
    assert app.handler([item], None)[0]["aggregate_reward_score"] == 1
    bucket.objects.clear()
    declared._grader.cache_clear()
    with pytest.raises(GraderJsonUnusable):
        app.handler([item], None)
