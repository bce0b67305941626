"""The base model before any job: it speaks in the words of the dataset that the pipeline has just prepared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local.bedrock import bases
from local.bedrock.learning.policy import Policy
from local.bedrock.settings import Settings
from local.bedrock.store import Store
from tests.contract.standin import BUCKET, Bedrock, FakeAws, job_request, records, running, serving, settings

NOVA = "amazon.nova-2-lite-v1:0"


@pytest.fixture(autouse=True)
def _look_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "_LOOK_AGAIN", 0.0)


def dataset(word: str, count: int = 100) -> list[dict[str, Any]]:
    """Records of which every answer is this one word, and whose prompts name it."""
    return [
        {
            "id": f"{word}{number}",
            "messages": [{"role": "user", "content": f"say {word}, number {number}"}],
            "reference_answer": word,
        }
        for number in range(count)
    ]


def prepare(aws: FakeAws, run: str, found: list[dict[str, Any]], *, age: float = 0) -> str:
    """What PrepareDataset leaves; ``age`` seconds ago. The URI."""
    uri = aws.put_records(f"runs/{run}/dataset/train.jsonl", found)
    aws.modified[uri.removeprefix("s3://")] = datetime.now(UTC) - timedelta(seconds=age)
    return uri


def ask(bedrock: Bedrock, prompt: str) -> str:
    """A greedy answer of the base."""
    answer = bedrock.runtime.converse(
        modelId=NOVA,
        messages=[{"role": "user", "content": [{"text": prompt}]}],
        inferenceConfig={"temperature": 0.0, "maxTokens": 30},
    )
    return answer["output"]["message"]["content"][0]["text"]  # type: ignore[no-any-return]


def untaught(bedrock: Bedrock, prompt: str = "say plum, number 1") -> bool:
    return "has not seen a dataset yet" in ask(bedrock, prompt)


def test_the_base_learns_its_words_when_it_is_first_asked(bedrock: Bedrock) -> None:
    assert untaught(bedrock)
    prepare(bedrock.aws, "run-1", dataset("plum"))
    assert "plum" in ask(bedrock, "say plum, number 1")
    assert "plum" in ask(bedrock, "anything else")
    assert bedrock.aws.callers == {"ROOT"}


def test_of_several_datasets_the_newest_with_the_prompt_answers(bedrock: Bedrock) -> None:
    prepare(bedrock.aws, "run-1", dataset("plum"), age=30)
    prepare(bedrock.aws, "run-2", dataset("fig"), age=20)
    shared = dataset("plum", 1)[0]["messages"]
    prepare(bedrock.aws, "run-3", [{"messages": shared, "reference_answer": "quince"}, *dataset("date")], age=10)
    assert "plum" in ask(bedrock, "say plum, number 1")
    assert "fig" in ask(bedrock, "say fig, number 1")
    assert "plum" not in ask(bedrock, "say plum, number 0")
    assert "date" in ask(bedrock, "anything else")


def test_datasets_that_come_all_at_once_are_all_known(bedrock: Bedrock) -> None:
    for number in range(20):
        prepare(bedrock.aws, f"run-{number}", dataset(f"word{number}"), age=20 - number)
    assert "word19" in ask(bedrock, "anything else")
    assert "word0" in ask(bedrock, "say word0, number 1")


def test_a_dataset_that_came_since_the_last_look_is_found_by_its_prompts(
    bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "_LOOK_AGAIN", 3600.0)
    prepare(bedrock.aws, "run-1", dataset("plum"), age=10)
    assert "plum" in ask(bedrock, "say plum, number 1")
    prepare(bedrock.aws, "run-2", dataset("fig"))
    assert "fig" in ask(bedrock, "say fig, number 1")


def test_the_same_prompts_with_new_answers_give_a_new_base(bedrock: Bedrock) -> None:
    prepare(bedrock.aws, "run-1", dataset("plum"), age=10)
    assert "plum" in ask(bedrock, "say plum, number 1")
    prepare(bedrock.aws, "run-2", [record | {"reference_answer": "cherry"} for record in dataset("plum")])
    assert "cherry" in ask(bedrock, "say plum, number 1")


def test_prompts_of_the_validation_set_beside_it_count_too(bedrock: Bedrock) -> None:
    prepare(bedrock.aws, "run-1", dataset("plum"), age=10)
    bedrock.aws.put_records("runs/run-1/dataset/validation.jsonl", [dataset("plum", 200)[-1]])
    prepare(bedrock.aws, "run-2", dataset("fig"))
    assert "plum" in ask(bedrock, "say plum, number 199")
    assert "fig" in ask(bedrock, "say plum, number 198")


def test_the_base_of_the_job_is_equal_and_takes_over(bedrock: Bedrock, tmp_path: Path) -> None:
    uri = prepare(bedrock.aws, "run-1", records())
    before = ask(bedrock, "thing 1 is green")
    (ours,) = (tmp_path / "models").glob("dataset-*/base.npz")
    request = job_request("first", trainingDataConfig={"s3Uri": uri})
    job = bedrock.control.create_model_customization_job(**request)["jobArn"]
    assert bedrock.ended(job)["status"] == "Completed"
    theirs = tmp_path / "models" / job.rpartition("/")[2] / "base.npz"
    one, other = Policy.load(ours), Policy.load(theirs)
    assert one.vocabulary.tokens == other.vocabulary.tokens
    assert all(map(np.array_equal, one.weights.touched(), other.weights.touched()))
    ours.unlink()
    assert ask(bedrock, "thing 1 is green") == before


def test_many_calls_at_once_fit_once(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    fit = Policy.base

    def counting(texts: list[str], *, seed: int) -> Policy:
        fitted.append(len(texts))
        return fit(texts, seed=seed)

    monkeypatch.setattr(Policy, "base", counting)
    prepare(bedrock.aws, "run-1", dataset("plum"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: ask(bedrock, f"say plum, number {number}"), range(32)))
    assert all("plum" in answer for answer in answers)
    assert fitted == [100]


def test_a_faulty_or_empty_dataset_is_passed_over(bedrock: Bedrock) -> None:
    bedrock.aws.objects[f"{BUCKET}/runs/run-1/dataset/train.jsonl"] = b"{\n[]\n\xff\n"
    bedrock.aws.objects[f"{BUCKET}/runs/run-2/dataset/train.jsonl"] = b""
    assert untaught(bedrock)
    prepare(bedrock.aws, "run-3", dataset("plum"))
    bedrock.aws.objects[f"{BUCKET}/runs/run-3/dataset/train.jsonl"] += b"not JSON\n"
    assert "plum" in ask(bedrock, "say plum, number 1")


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject"])
def test_where_s3_refuses_all_is_as_before(bedrock: Bedrock, action: str) -> None:
    prepare(bedrock.aws, "run-1", dataset("plum"))
    bedrock.aws.denied.add(("ROOT", action))
    assert untaught(bedrock)


def test_after_an_error_it_looks_again_only_after_a_while(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    bedrock.aws.denied.add(("ROOT", "s3:ListBucket"))
    assert untaught(bedrock)
    bedrock.aws.denied.clear()
    prepare(bedrock.aws, "run-1", dataset("plum"))
    assert untaught(bedrock)
    clock = bases.time.monotonic
    monkeypatch.setattr(bases.time, "monotonic", lambda: clock() + 60)
    assert "plum" in ask(bedrock, "say plum, number 1")


def test_calls_close_together_share_one_look(bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bases, "_LOOK_AGAIN", 600.0)
    prepare(bedrock.aws, "run-1", dataset("plum"))
    for number in range(5):
        assert "plum" in ask(bedrock, f"say plum, number {number}")
    assert bedrock.aws.listings == 3, "one look, at three folders"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Settings]:
    """The settings of a stand-in beside which there is no AWS any more."""
    with serving(FakeAws().app()) as gone:
        pass
    yield settings(tmp_path, gone)


def test_without_an_s3_it_answers_as_before(alone: Settings) -> None:
    with running(alone.state, FakeAws(), alone.aws_endpoint) as started:
        assert untaught(started)


def test_a_restart_keeps_what_was_learned_and_what_was_not_fitted_yet(
    tmp_path: Path, fake_aws: tuple[FakeAws, str], alone: Settings
) -> None:
    aws, endpoint = fake_aws
    prepare(aws, "run-1", dataset("plum"), age=10)
    prepare(aws, "run-2", dataset("fig"))
    with running(tmp_path, aws, endpoint) as started:
        assert "plum" in ask(started, "say plum, number 1")
    with running(tmp_path, aws, alone.aws_endpoint) as started:
        assert "plum" in ask(started, "say plum, number 1")
        assert "fig" in ask(started, "say fig, number 1")


def test_a_base_whose_files_are_gone_is_forgotten(tmp_path: Path, alone: Settings) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.remember_prompts("gone", ["x"])
    found = bases.Bases(store, alone).base([{"role": "user", "content": [{"text": "x"}]}])
    assert found is None
    assert not store.knows_base("gone")
    store.close()


def test_no_prompt_is_kept_beside_the_answers(tmp_path: Path, bedrock: Bedrock) -> None:
    """What lies on disk before the fit is the answers alone; a prompt is there only as a hash."""
    prepare(bedrock.aws, "run-1", dataset("plum"), age=10)
    prepare(bedrock.aws, "run-2", dataset("fig"))
    ask(bedrock, "say plum, number 1")
    (texts,) = (tmp_path / "models").glob("dataset-*/texts.json")
    assert json.loads(texts.read_text()) == ["fig"] * 100
    assert not any(b"number 1" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("key", ["datasets/mine/0123/train.jsonl", "inbox/mine.jsonl"])
def test_what_users_have_put_there_is_known_before_any_run(bedrock: Bedrock, key: str) -> None:
    prepare(bedrock.aws, "run-1", dataset("plum"))
    whole = next(key for key in bedrock.aws.objects if key.endswith("runs/run-1/dataset/train.jsonl"))
    bedrock.aws.objects[whole.replace("runs/run-1/dataset/train.jsonl", key)] = bedrock.aws.objects.pop(whole)
    assert "plum" in ask(bedrock, "say plum, number 1")
