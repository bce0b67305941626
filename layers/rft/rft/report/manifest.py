"""``manifest.json``: everything that is needed to repeat a run, and to find what it has made.

``request`` is a whole request, as ``POST /runs`` takes it: what was left to the defaults of that day is written out,
and the data are pinned to the versions that were read. ``rft submit --from RUN_ID`` sends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rft.report.material import Json, Material, mapping, part, sequence
from rft.report.spent import job_seconds, spent
from rft.run.job import hyperparameter_names
from rft.run.log_source import LogSource
from rft.run.record import Run

VERSION = 1


def manifest_of(material: Material) -> Json:
    """What isn't known is None: a run that ended early has less of it."""
    run = material.run
    return {
        "version": VERSION,
        "run_id": run.run_id,
        "model_name": run.model,
        "stack": material.stack,
        "is_stand_in": material.is_stand_in,
        "status": run.status.value,
        "reason": run.reason,
        "verdict": _verdict(material),
        "request": repeatable(material),
        "asked": run.request,
        "base_model": run.base_model,
        "hyperparameters": _hyperparameters(run),
        "grader": _grader(run.grader_arn, material.grader_name, mapping(material.gate, "function")),
        "held_out_grader": _grader(run.held_out_grader_arn, None, mapping(material.gate, "held_out_function")),
        "data": _data(material),
        "job": {
            "name": run.job_name,
            "arn": run.job_arn,
            "status": run.job_status,
            "submitted_at": run.job_submitted_at,
            "seconds": job_seconds(material),
        },
        "model": _model(run),
        "execution_arn": run.execution_arn,
        "bedrock_requests": [*_requests(material)],
        "times": {"created_at": run.created_at, "ended_at": run.ended_at, "stages": [*_stages(material)]},
        "cost": _cost(material),
        "comparison": _comparison(material),
        "code": material.code,
        "written_at": material.made_at,
    }


def repeatable(material: Material) -> Json:
    """The request that starts the same run again; empty where nothing valid was asked for."""
    run = material.run
    if not run.request:
        return {}
    held = run.dataset or {}
    request = dict(run.request)
    request["model"] = run.model
    if run.base_model:
        request["base_model"] = run.base_model
    if material.grader_name and not request.get("grader"):
        request["grader"] = {"name": material.grader_name}
    request["training_data"] = _pinned(
        request.get("training_data"), held.get("source_uri"), held.get("source_version_id"), run
    )
    validation = request.get("validation_data")
    if mapping(validation).get("s3_uri"):
        request["validation_data"] = _pinned(validation, None, held.get("validation_source_version_id"), run)
    elif fraction := held.get("validation_fraction"):
        request["validation_data"] = {"fraction": fraction}
    return {name: value for name, value in request.items() if value is not None}


def _pinned(location: object, read_from: str | None, version: object, run: Run) -> Json:
    """A place in S3 in the version that was read. Logs that the pipeline converted become the dataset that came of
    them: nobody else could draw the same again, once there are new ones. Those that Bedrock reads stay as they are."""
    pinned = dict(mapping(location))
    logs = LogSource.of(run.request)
    if logs is not None and "invocation_logs" in pinned:
        if logs.native or not read_from:
            return pinned
        pinned = {"s3_uri": read_from}
    # S3's name for the version of a bucket without versions pins nothing.
    if version and version != "null":
        pinned["version_id"] = version
    return pinned


def _verdict(material: Material) -> Json | None:
    run = material.run
    told = mapping(material.comparison, "verdict")
    recommended = told.get("recommended") or part(run.comparison, "recommended")
    if recommended is None:
        return None
    return {
        "recommended": recommended,
        "reason": told.get("reason"),
        "sentence": told.get("sentence") or part(run.comparison, "sentence"),
        "approval": run.approval,
    }


def _hyperparameters(run: Run) -> Json:
    """All that there are; None is Bedrock's own choice, which it tells nobody."""
    asked = mapping(run.request, "hyperparameters")
    return {name: asked.get(name) for name in hyperparameter_names()}


def _grader(arn: str | None, name: str | None, function: Mapping[str, Any]) -> Json | None:
    if arn is None:
        return None
    return {"name": name, "arn": arn} | {
        key: function.get(key) for key in ("version", "code_sha256", "memory_mb", "timeout_seconds")
    }


def _data(material: Material) -> Json:
    """``source`` is what was read, ``canonical`` the copy that the job read, a field richer in each record."""
    held = material.run.dataset or {}
    data: Json = {}
    for side, name, prefix in (("training", "train", "source"), ("validation", "validation", "validation_source")):
        report = mapping(material.dataset, side)
        source = {
            "uri": held.get(f"{prefix}_uri") or report.get("source"),
            "version_id": held.get(f"{prefix}_version_id") or report.get("version_id"),
            "sha256": held.get(f"{prefix}_sha256") or report.get("sha256"),
            "records": report.get("records"),
        }
        canonical = {
            "uri": held.get(f"{name}_uri"),
            "sha256": held.get(f"{name}_sha256"),
            "records": held.get(f"{name}_records"),
        }
        data[side] = {
            "source": source if source["uri"] else None,
            "canonical": canonical if canonical["uri"] else None,
        }
    data["validation_fraction"] = held.get("validation_fraction")
    data["conversion"] = material.run.conversion
    return data


def _model(run: Run) -> Json:
    return {
        "custom_model_arn": run.custom_model_arn,
        "custom_model_deleted_at": run.custom_model_deleted_at,
        "deployment_arn": run.deployment_arn,
        "deployment_kind": run.deployment_kind,
        "live_arn": part(run.promotion, "live_arn"),
        "previous": part(run.promotion, "previous"),
    }


def _requests(material: Material) -> Iterator[Json]:
    """The ids by which AWS's support finds a call."""
    for event in material.events:
        for request in sequence(event, "detail", "requests"):
            yield {"at": part(event, "at"), **mapping(request)}


def _stages(material: Material) -> Iterator[Json]:
    for event in material.events:
        if part(event, "type") == "status":
            yield {"status": part(event, "detail", "status"), "at": part(event, "at")}


def _cost(material: Material) -> Json:
    prices = material.prices
    return {
        "estimated": {
            "usd": part(material.gate, "cost", "usd"),
            "unknown": part(material.gate, "cost", "unknown"),
        },
        "measured": spent(material),
        "prices": None
        if prices is None
        else {"as_of": prices.as_of, "region": prices.region, "set_by_you": sorted(prices.own)},
    }


def _comparison(material: Material) -> Json | None:
    run, document = material.run, material.comparison
    if document is None:
        return run.comparison
    kept = ("against", "models", "settings", "gain", "gain_over_base", "pairs", "win", "tie", "loss", "held_out")
    return {name: document.get(name) for name in kept} | {
        "means": {role: part(found, "reward", "mean") for role, found in mapping(document, "roles").items()},
        "document_uri": part(run.comparison, "document_uri"),
        "rows_uri": part(run.comparison, "rows_uri"),
    }
