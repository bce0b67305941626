"""What follows from the answers of a comparison: its files, and what the run's record keeps of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rft.aws import objects
from rft.aws.clients import client
from rft.aws.objects import ObjectWriter
from rft.comparison.document import About, Asked, Settings, compared, summary
from rft.comparison.rows import Row, row_of
from rft.comparison.spend import by_tokens
from rft.cost.prices import Prices, parse_overrides
from rft.errors import ComparisonFailed
from rft.run.record import Run
from rft.steps.comparing.comparison_batch import answered_prompts
from rft.steps.comparing.comparison_plan import Plan, document_key, rows_key
from rft.steps.pipeline import Pipeline

_MIN_GAIN, _CONFIDENCE = 0.0, 0.95  # as the request's defaults are
_TOO_MANY_MISSING = "missing-answers"
_JSON, _JSONL = "application/json", "application/jsonl"


def put_comparison(pipeline: Pipeline, run: Run, plan: Plan) -> dict[str, Any]:
    """``comparison.jsonl`` and ``comparison.json``; what the record keeps of them.

    Raises ``BatchIncomplete``, and then writes neither, and ``ComparisonFailed`` where too many answers are missing.
    """
    bucket, promote = pipeline.environment.bucket, run.request.get("promote") or {}
    about = About(
        run_id=run.run_id,
        model=run.model,
        against=plan.against,
        models={role: Asked(*asked) for role, asked in plan.models.items()},
        settings=Settings(**plan.settings._asdict(), of=plan.of, seed=plan.seed),
        grader_arn=plan.grader_arn,
        held_out_grader_arn=plan.held_out["arn"] if plan.held_out else None,
    )
    prices = Prices.of_file().with_overrides(parse_overrides(pipeline.environment.price_overrides))
    by_the_hour = [role for role, asked in plan.models.items() if ":provisioned-model/" in asked.model_id]
    with ObjectWriter(client("s3"), bucket, rows_key(run), _JSONL) as writer:
        document = compared(
            _rows(pipeline, run, plan, writer),
            about,
            min_gain=promote.get("min_gain", _MIN_GAIN),
            confidence=promote.get("confidence", _CONFIDENCE),
            cost_of=by_tokens(prices, run.base_model or "", by_the_hour=by_the_hour),
        )
    body = json.dumps(document, indent=2).encode()
    uri = objects.put(client("s3"), bucket, document_key(run), body, _JSON)
    if document["verdict"]["reason"] == _TOO_MANY_MISSING:
        raise ComparisonFailed(document["verdict"]["sentence"])
    return summary(document, document_uri=uri, rows_uri=writer.uri)


def _rows(pipeline: Pipeline, run: Run, plan: Plan, writer: ObjectWriter) -> Iterator[Row]:
    """Each row, once it is written."""
    for prompt in answered_prompts(pipeline, run, plan):
        row = prompt.row()
        writer.write(json.dumps(row).encode() + b"\n")
        yield row_of(row)
