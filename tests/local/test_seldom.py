"""What few runs do, and what the rights for it are there for: graders of one's own, logs that lie among the datasets,
throughput that was bought, versions that make room for newer ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.cloud import Cloud
from rft.steps.stack_graders import ALIAS
from tests.contract.logs import make_logs
from tests.local.data import ANY_GAIN, SHORT, colours
from tests.local.pipeline import Pipeline, until

NO_GAIN_IS_ENOUGH = {"min_gain": 1.0}
OWN_GRADER = '''"""Likes answers that name the colour, and short ones."""

from rft.grading import Sample, Score, grader


def score(sample: Sample) -> Score:
    colour = str(sample.reference).split()[-1]
    return Score(0.9 * (colour in sample.answer) + 0.1 / (1 + len(sample.answer)))


handler = grader(score, name="shortness")
'''


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_grader_that_was_added_to_the_stack_is_found_tested_and_trains(
    pipeline: Pipeline, cloud: Cloud, tmp_path: Path
) -> None:
    (app := tmp_path / "app.py").write_text(OWN_GRADER)
    function = f"{cloud.info.stack}-own-grader-shortness"
    version = cloud.deploy_grader(app, name=function).rpartition(":")[2]
    cloud.client("lambda").create_alias(FunctionName=function, Name=ALIAS, FunctionVersion=version)
    uri = pipeline.put("datasets/shortness.jsonl", lines(colours()))
    report = pipeline.api._call("POST", "/graders/shortness/test", body={"s3_uri": uri, "records": 4}).document()
    assert report["ladder"]["gold"]["mean"] > report["ladder"]["empty"]["mean"]

    request = {"training_data": {"s3_uri": uri}, "validation_data": {"fraction": 0.2}, "hyperparameters": SHORT}
    request |= {"model": "shortness", "grader": {"name": "shortness"}, "promote": ANY_GAIN}
    pipeline.put("inbox/shortness/run.json", request)
    run = pipeline.ended(pipeline.run_of("shortness")["run_id"])
    assert run["status"] == "promoted", run["reason"]
    assert run["grader_arn"].endswith(f":function:{function}:{version}")

    asked = {"prompts": ["Thing 1 is red. What colour has thing 1?"], "versions": ["base", "live"]}
    told = pipeline.api._call(
        "POST", "/models/shortness/compare", body=asked | {"reference_answers": ["red"]}
    ).document()
    (prompt,) = told["prompts"]
    assert all(prompt["answers"][version]["text"] for version in ("base", "live")), prompt


def test_logs_among_the_datasets_train_as_those_in_the_inbox_do(pipeline: Pipeline, short: dict[str, Any]) -> None:
    made = make_logs(objects=16, damaged=4, prompts=110)
    for key, body in made.objects.items():
        pipeline.put(f"datasets/seldom-logs/{key}", body)
    uri = f"s3://{pipeline.cloud.info.bucket}/datasets/seldom-logs/"
    runs = {}
    for model, more in (("seldom-native", {"native": True}), ("seldom-own", {"max_failed_share": 0.5})):
        source = {"s3_uri": uri, "use_prompt_response": True, "metadata_equals": {"project": "triage"}} | more
        request = {"model": model, "hyperparameters": short, "training_data": {"invocation_logs": source}}
        runs[model] = pipeline.api.create_run(request | {"deploy": "none"}, key=model)[0]["run_id"]
    for model, run_id in runs.items():
        run = pipeline.ended(run_id)
        assert run["status"] == "kept", (model, run["reason"])
        assert pipeline.jobs(run_id), model


def begin(pipeline: Pipeline, model: str, key: str, first: int, **changes: Any) -> str:
    """The id of a run with a training that takes seconds; ``key`` makes it another run of the model."""
    uri = pipeline.put(f"datasets/{key}.jsonl", lines(colours(first)))
    request: dict[str, Any] = {"model": model, "training_data": {"s3_uri": uri}, "validation_data": {"fraction": 0.2}}
    request |= {"hyperparameters": SHORT, "promote": ANY_GAIN} | changes
    return str(pipeline.api.create_run(request, key=key)[0]["run_id"])


def test_throughput_and_versions_come_and_go_and_one_model_serves(pipeline: Pipeline) -> None:
    """Bought for what is promoted, lent to what is compared; of what isn't live one version stays."""

    def run(number: int, **changes: Any) -> dict[str, Any]:
        return pipeline.ended(begin(pipeline, "seldom", f"seldom-{number}", number * 1_000, **changes))

    first = run(1, deploy={"kind": "provisioned", "commitment": "OneMonth"})
    assert (first["status"], first["deployment_kind"]) == ("promoted", "provisioned"), first["reason"]
    found = pipeline.bedrock.get_provisioned_model_throughput(provisionedModelId=first["deployment_arn"])
    assert (found["status"], found["commitmentDuration"]) == ("InService", "OneMonth")
    second = run(2, deploy="provisioned", promote=NO_GAIN_IS_ENOUGH)
    third = run(3, promote=NO_GAIN_IS_ENOUGH)
    assert [one["status"] for one in (second, third)] == ["kept", "kept"], (second["reason"], third["reason"])
    assert not exists(pipeline, second), "an old version makes room for a newer one"
    fourth = run(4)
    assert fourth["status"] == "promoted", fourth["reason"]
    assert [exists(pipeline, one) for one in (second, third, fourth)] == [False, True, True]
    # What was bought for a month holds its model, and that is said.
    assert exists(pipeline, first)
    assert [one for one in fourth["warnings"] if first["custom_model_arn"] in one]


def exists(pipeline: Pipeline, run: dict[str, Any]) -> bool:
    models = pipeline.bedrock
    try:
        models.get_custom_model(modelIdentifier=run["custom_model_arn"])
    except models.exceptions.ResourceNotFoundException:
        return False
    return True


def test_a_stop_while_throughput_is_bought_for_a_candidate_gives_it_back(
    pipeline: Pipeline, faults: Callable[[list[dict[str, Any]]], None]
) -> None:
    faults([{"deployment": "stop-bought-*", "do": "stay"}])
    run_id = begin(pipeline, "stop-bought", "stop-bought", 0, deploy="provisioned")
    until(lambda: pipeline.api.run(run_id)["deployment_arn"])
    pipeline.api.stop(run_id)
    run = pipeline.ended(run_id)
    assert run["status"] == "stopped"
    listed = pipeline.bedrock.list_provisioned_model_throughputs()["provisionedModelSummaries"]
    assert [one for one in listed if one["modelArn"] == run["custom_model_arn"]] == []
