"""GET /models: the models that runs have made, what of them serves, and their versions with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rft.errors import ModelMissing
from rft.run.identity import live_parameter
from rft.run.record import Run
from rft.steps.pipeline import Pipeline

Json = dict[str, Any]

MOST_VERSIONS = 100
_A_PAGE = 25
_MOST_RUNS = 500  # of a model, that are looked through for its versions


def models_of(pipeline: Pipeline, *, limit: int, token: str | None) -> Json:
    """The models, the newest first. ``gain`` is what the newest comparison of each found."""
    page = pipeline.models.models(limit, token)
    return {"models": [_summary(pipeline, model) for model in page.items], "next_token": page.next_token}


def model_of(pipeline: Pipeline, name: str) -> Json:
    """One model and its newest versions. Raises ``ModelMissing``."""
    model = pipeline.models.get(name)
    if model is None:
        raise ModelMissing(f"there is no model {name}; GET /models lists those that there are")
    live = model.to_json()["live"]
    live_run = live["run_id"] if live else None
    versions = islice(_versions(pipeline, name), MOST_VERSIONS)
    return {
        "name": name,
        "deleted_at": model.deleted_at,
        "live": live,
        "live_parameter": live_parameter(pipeline.environment.stack_name, name),
        "versions": [_version(run, live_run) for run in versions],
    }


def _summary(pipeline: Pipeline, model: Json) -> Json:
    versions = list(islice(_versions(pipeline, model["name"]), MOST_VERSIONS))
    compared = (run.comparison["gain"] for run in versions if run.comparison is not None)
    return {
        "name": model["name"],
        "live": model["live"],
        "live_parameter": live_parameter(pipeline.environment.stack_name, model["name"]),
        "versions": len(versions),
        "gain": next(compared, None),
    }


def _versions(pipeline: Pipeline, name: str) -> Iterator[Run]:
    """Runs that made a model, the newest first, the deleted ones included."""
    token: str | None = None
    for _ in range(_MOST_RUNS // _A_PAGE):
        page = pipeline.store.runs(model=name, status=None, limit=_A_PAGE, token=token)
        runs = (Run.from_json(item) for item in page.items)
        yield from (run for run in runs if run.custom_model_arn is not None)
        token = page.next_token
        if token is None:
            return


def _version(run: Run, live_run: str | None) -> Json:
    compared = run.comparison or {}
    return {
        "run_id": run.run_id,
        "status": run.status,
        "created_at": run.created_at,
        "custom_model_arn": run.custom_model_arn,
        "deleted_at": run.custom_model_deleted_at,
        "against": compared.get("against"),
        "gain": compared.get("gain"),
        "means": compared.get("means"),
        "live": run.run_id == live_run,
    }
