"""Which version a candidate is compared with, and the grader that took no part in the training."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from rft.errors import ComparisonPending
from rft.steps.comparing.compare_models import compare_models
from tests.contract.application import Application
from tests.contract.comparing import (
    BASE,
    CANDIDATE,
    LIVE,
    Models,
    Said,
    deployed,
    document,
    graded,
    make_live,
    read,
    reply,
    right,
    rows,
)

SECOND = "arn:aws:lambda:us-east-1:000000000000:function:second:1"
OPENAI = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
}


@pytest.fixture
def app(emptied_app: Application) -> Application:
    return emptied_app


# -- the live version -------------------------------------------------------------------------------------------------


def test_where_there_is_a_live_version_it_is_what_counts(app: Application, models: Models) -> None:
    make_live(app, "m-0123456789ab")
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "discard"
    comparison = app.pipeline.store.get(run_id).comparison
    assert comparison is not None
    assert (comparison["against"], comparison["live_run_id"]) == ("live", "m-0123456789ab")
    assert comparison["means"] == {"base": 0, "live": 1, "candidate": 1}
    assert models.counts == {BASE: 12, LIVE: 12, CANDIDATE: 12}


def test_another_live_version_later_is_asked_anew_and_nobody_else(app: Application, models: Models) -> None:
    make_live(app, "m-0123456789ab")
    run_id = deployed(app)
    compare_models(app.pipeline, run_id)
    make_live(app, "m-ba9876543210")
    models.asked.clear()
    app.bedrock.aws.grader_events.clear()
    models.script = lambda model, prompt: reply("worse") if model == LIVE else right(prompt)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    assert models.counts == {LIVE: 12}
    assert len(graded(app)) == 12
    comparison = app.pipeline.store.get(run_id).comparison
    assert comparison is not None
    assert comparison["live_run_id"] == "m-ba9876543210"


def test_the_first_live_version_may_come_after_a_comparison(app: Application, models: Models) -> None:
    run_id = deployed(app)
    assert compare_models(app.pipeline, run_id)["next"] == "promote"
    make_live(app, "m-0123456789ab")
    assert compare_models(app.pipeline, run_id)["next"] == "discard"
    assert models.counts == {BASE: 12, LIVE: 12, CANDIDATE: 12}


def test_a_version_that_goes_live_meanwhile_is_compared_with(app: Application, models: Models) -> None:
    run_id = deployed(app)
    before, seen = models.script, threading.Event()

    def script(model: str, prompt: str) -> Said:
        if not seen.is_set():
            seen.set()
            make_live(app, "m-0123456789ab")
        return before(model, prompt)

    models.script = script
    with pytest.raises(ComparisonPending, match="another version went live"):
        compare_models(app.pipeline, run_id)
    assert app.pipeline.store.get(run_id).comparison is None
    assert compare_models(app.pipeline, run_id)["next"] == "discard"
    assert models.counts == {BASE: 12, LIVE: 12, CANDIDATE: 12}


# -- the grader that took no part -------------------------------------------------------------------------------------


def test_a_held_out_grader_grades_every_answer_as_well(app: Application, models: Models) -> None:
    app.bedrock.aws.graders[SECOND] = lambda samples: [
        {"id": sample["id"], "aggregate_reward_score": 0.25} for sample in samples
    ]
    run_id = deployed(app, compare={"grader": {"lambda_arn": SECOND}})
    compare_models(app.pipeline, run_id)
    assert len(graded(app)) == 48
    found = document(run_id)
    assert found["held_out_grader"] == {"arn": SECOND}
    assert found["held_out"]["after"] == 0.25
    assert {row["answers"]["base"]["held_out_reward"] for row in rows(run_id)} == {0.25}


def test_openais_json_as_a_held_out_grader_has_a_place_of_its_own(app: Application, models: Models) -> None:
    declared = OPENAI | {"name": "other"}
    run_id = deployed(app, grader={"openai": OPENAI}, compare={"grader": {"openai": declared}})
    compare_models(app.pipeline, run_id)
    assert json.loads(read(run_id, "comparison/grader.json")) == declared
    assert json.loads(read(run_id, "grader.json")) == OPENAI
    leads = Counter(sample["metadata"]["rft"]["grader_key"] for sample in graded(app))
    assert leads == {f"runs/{run_id}/grader.json": 24, f"runs/{run_id}/comparison/grader.json": 24}
    assert {sample["metadata"]["rft"]["phase"] for sample in graded(app)} == {"compare"}


def test_a_held_out_error_leaves_the_trainings_grade_alone(app: Application, models: Models) -> None:
    app.bedrock.aws.graders[SECOND] = lambda samples: [{"id": sample["id"]} for sample in samples]
    run_id = deployed(app, compare={"grader": {"lambda_arn": SECOND}})
    assert compare_models(app.pipeline, run_id)["next"] in ("promote", "discard")
    answers = rows(run_id)[0]["answers"]
    assert answers["candidate"]["reward"] == 1
    assert "held_out_reward" not in answers["candidate"]
    assert "missing" not in answers["candidate"]
    assert document(run_id)["held_out"] is None
