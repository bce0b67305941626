"""PublishReport: what a run did, written down for a person (report.html), a pull request (report.md) and a program
(manifest.json).

It comes after every end of a run, so it takes whatever there is: a document that is missing or odd costs its own part
of the report and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from rft.aws import objects
from rft.aws.clients import client, error_code
from rft.aws.clock import now
from rft.comparison.rows import Against
from rft.cost import Prices, parse_overrides
from rft.report.markdown import markdown
from rft.report.material import Json, Material
from rft.report.page import page, report_of
from rft.report.samples import Samples, samples_of
from rft.run.record import Run
from rft.steps.code_version import code_version
from rft.steps.dataset.dataset_limits import grader_name
from rft.steps.pipeline import Pipeline
from rft.steps.training.job_metrics import file_curves, grader_curve

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_EVENTS = 2_000
_PAGE = 200
_FILES = {
    "report": ("report.html", "text/html; charset=utf-8"),
    "markdown": ("report.md", "text/markdown; charset=utf-8"),
    "manifest": ("manifest.json", "application/json"),
}
# S3 says the latter two of a key that isn't there to who may list only some prefixes.
_ABSENT = frozenset({"NoSuchKey", "404", "AccessDenied", "403"})

logger = Logger()


def publish_report(pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """Raises only what keeps the three files from being written, so that the state machine tries again."""
    run = pipeline.store.get(run_id)
    report = report_of(_Gathering(pipeline, run).material())
    for part, fault in report.faults.items():
        logger.warning("a part of the report could not be made", extra={"part": part, "error": fault})
    contents = {
        "report": page(report),
        "markdown": markdown(report),
        "manifest": json.dumps(report.manifest, indent=2, ensure_ascii=True) + "\n",
    }
    uris = {f"{kind}_uri": _put(pipeline, run, *_FILES[kind], content) for kind, content in contents.items()}
    pipeline.store.append(run_id, "report", uris, report=uris)
    return {"run_id": run_id}


def _put(pipeline: Pipeline, run: Run, name: str, content_type: str, content: str) -> str:
    # Half a surrogate pair is no character: a record that holds one comes from JSON, where it may be written.
    body = content.encode("utf-8", "replace")
    return objects.put(client("s3"), pipeline.environment.bucket, f"{run.folder}{name}", body, content_type)


class _Gathering:
    """What the steps of a run have left, and what of it is missing that should be there."""

    def __init__(self, pipeline: Pipeline, run: Run) -> None:
        self._pipeline, self._run = pipeline, run
        self._missing: dict[str, str] = {}

    def material(self) -> Material:
        environment, run = self._pipeline.environment, self._run
        nothing: tuple[list[Json], int] = [], 0
        events, left_out = self._get("the events", self._events, nothing)
        comparison = self._document("comparison.json", is_expected=run.comparison is not None)
        return Material(
            run=run,
            stack=environment.stack_name,
            made_at=now(),
            is_stand_in=environment.is_stand_in,
            events=events,
            events_left_out=left_out,
            gate=self._document("gate.json", is_expected=run.gate is not None),
            dataset=self._document("dataset/report.json", is_expected="report_uri" in (run.dataset or {})),
            conversion=run.conversion,
            comparison=comparison,
            samples=self._samples(comparison),
            curves=self._curves(),
            prices=self._get("the prices", self._prices, None),
            grader_name=self._get("the grader's name", lambda: grader_name(run), None),
            code=self._get("the code's version", code_version, {}),
            missing=self._missing,
        )

    def _get[T](self, name: str, get: Callable[[], T], otherwise: T) -> T:
        try:
            return get()
        except Exception as fault:
            # Of whatever kind: a report without this part is better than none. Only the fault's name is told.
            told = error_code(fault)
            logger.warning("could not read a part of the report", extra={"part": name, "error": told})
            self._missing[name] = f"it could not be read ({told})"
            return otherwise

    def _document(self, name: str, *, is_expected: bool) -> Json | None:
        """A JSON object below the run's folder. One that isn't expected may be there all the same: the step that wrote
        it may have died before it could say so."""
        try:
            body = self._read(name, MAX_DOCUMENT_BYTES)
        except ClientError as error:
            if error_code(error) in _ABSENT and not is_expected:
                return None
            self._missing[name] = f"it could not be read ({error_code(error)})"
            return None
        if body is None:
            self._missing[name] = f"it has more than {MAX_DOCUMENT_BYTES:,} bytes"
            return None
        document = self._get(name, lambda: json.loads(body), None)
        if document is not None and not isinstance(document, dict):
            self._missing[name] = "it is not a JSON object"
            return None
        return document

    def _read(self, name: str, most: int) -> bytes | None:
        """None of an object that is larger."""
        bucket, key = self._pipeline.environment.bucket, f"{self._run.folder}{name}"
        with client("s3").get_object(Bucket=bucket, Key=key)["Body"] as body:
            content = body.read(most + 1)
        return content if len(content) <= most else None

    def _events(self) -> tuple[list[Json], int]:
        """The first half and the last half of very many, and how many are between."""
        store, token = self._pipeline.store, None
        first: list[Json] = []
        last: list[Json] = []
        left_out = 0
        while True:
            found = store.events(self._run.run_id, limit=_PAGE, token=token)
            room = max(0, MAX_EVENTS // 2 - len(first))
            first += found.items[:room]
            last += found.items[room:]
            left_out += max(0, len(last) - MAX_EVENTS // 2)
            last = last[-MAX_EVENTS // 2 :]
            token = found.next_token
            if token is None:
                return [*first, *last], left_out

    def _samples(self, comparison: Json | None) -> Samples | None:
        """``comparison.jsonl`` as a stream: of its texts only those of both ends are ever held."""
        if self._run.comparison is None and comparison is None:
            return None
        told = (comparison or self._run.comparison or {}).get("against")
        against: Against = "live" if told == "live" else "base"

        name = "comparison.jsonl"
        return self._get(name, lambda: samples_of(self._stream(name), against=against), None)

    def _stream(self, name: str) -> Iterator[bytes]:
        key = f"{self._run.folder}{name}"
        with client("s3").get_object(Bucket=self._pipeline.environment.bucket, Key=key)["Body"] as body:
            while chunk := body.read(objects.CHUNK_BYTES):
                yield chunk

    def _curves(self) -> Json | None:
        if self._run.job_submitted_at is None:
            return None
        pipeline, run = self._pipeline, self._run
        no_files: dict[str, list[dict[str, float]]] = {}
        no_points: list[Json] = []
        return {
            **self._get("the job's metrics", lambda: file_curves(pipeline, run), no_files),
            "grader": self._get("the grader's curve", lambda: grader_curve(pipeline, run), no_points),
        }

    def _prices(self) -> Prices:
        return Prices.of_file().with_overrides(parse_overrides(self._pipeline.environment.price_overrides))
