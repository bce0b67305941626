"""``rft demo``: the whole way on one machine, from a dataset in a bucket to a better model and a message."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.client import ApiClient
from cli.compared import Comparison
from cli.faults import DemoFailed, UsageFault
from cli.mailbox import Mailbox, Notification
from cli.records import Run
from cli.steps import Steps
from cli.target import Target
from cli.view import Screen
from cli.watching import watch
from local.cloud import Cloud
from rft.run.status import SUCCEEDED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLES = REPOSITORY / "examples"
REPORTS = "demo-reports"

_DOOR_SECONDS = 30.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """What the tuned model answered to one record of the validation set, and the record's reference."""

    answer: str
    reference: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo showed. ``comparison`` and ``sample`` are None where the run came to no comparison, ``report`` is the
    page that stays when the demo is over, None where the run has none."""

    example: str
    run: Run
    comparison: Comparison | None
    sample: Sample | None
    notification: Notification
    report: Path | None
    seconds: float

    @property
    def went_through(self) -> bool:
        """Whether the run went all the way, whatever its verdict: to keep the old model is an answer too."""
        return self.run["status"] in SUCCEEDED

    def to_json(self) -> dict[str, Any]:
        found = self.comparison
        return {
            "run": self.run,
            **(found.reward.to_json() if found else {"before": None, "after": None, "gain": None}),
            "components": {name: change.to_json() for name, change in found.components.items()} if found else {},
            "verdict": {"better": found.is_better, "text": found.verdict} if found else None,
            "deployment_arn": self.run["deployment_arn"],
            "notification": self.notification.to_json(),
            "report": None if self.report is None else str(self.report),
            "seconds": round(self.seconds, 1),
        }


def example_folder(name: str) -> Path:
    """The folder of an example; raises ``UsageFault`` with the names that there are."""
    known = sorted(request.parent.name for request in EXAMPLES.glob("*/run.json"))
    if name not in known:
        raise UsageFault(f"There is no example {name!r}.", hint=f"There are: {', '.join(known)}")
    return EXAMPLES / name


def reports_folder() -> Path:
    """Where the reports of demos stay: in the checkout, but for tests, which have a folder of their own."""
    return Path(os.environ.get("RFT_LOCAL_DIR") or REPOSITORY).resolve() / REPORTS


def perform(
    cloud: Cloud,
    example: Path,
    *,
    grader: str | Path | None,
    reports: Path,
    screen: Screen,
    steps: Steps,
    started: float,
) -> Demo:
    """Drop the example, follow its run, read what it found. Raises ``DemoFailed`` where the way breaks off.

    The report is saved below ``reports``. ``started`` is when the demo began, by the monotonic clock.
    """
    target = Target.from_cloud(cloud.info.to_json())
    api = target.api()
    steps.begin("subscribing an SQS queue to the topic")
    mailbox = Mailbox.open(target)
    request = _request(cloud, example, grader, steps)
    steps.begin(f"dropping {example.name} into the bucket: inbox/{request['model']}/")
    _drop(target, example, request)
    run = _run_of_upload(api, request["model"])
    steps.finish()

    screen.console.print()
    run = watch(api, run["run_id"], screen.console, interval=target.poll_seconds)
    screen.console.print()

    # The report is written between the end of the run and its message.
    steps.begin("reading the notification from the queue")
    notification = mailbox.read(run["run_id"])
    steps.begin("reading the comparison, saving the report")
    run = api.run(run["run_id"])
    s3 = target.session.client("s3", **target.client_options)
    comparison, sample = _found(run, s3)
    report = _save_report(run, s3, reports / run["run_id"])
    steps.finish()
    return Demo(example.name, run, comparison, sample, notification, report, time.monotonic() - started)


def _request(cloud: Cloud, example: Path, grader: str | Path | None, steps: Steps) -> dict[str, Any]:
    """The example's ``run.json``, with the grader that was asked for instead of its own."""
    request: dict[str, Any] = json.loads((example / "run.json").read_text())
    if grader is None:
        return request
    if isinstance(grader, str):
        return {**request, "grader": {"name": grader}}
    steps.begin(f"deploying the grader {grader}")
    return {**request, "grader": {"lambda_arn": cloud.deploy_grader(grader)}}


def _drop(target: Target, example: Path, request: dict[str, Any]) -> None:
    """Through the bucket door: the data first, then the request that names it and starts the run."""
    s3 = target.session.client("s3", **target.client_options)
    folder = f"inbox/{request['model']}"
    for source in ("training_data", "validation_data"):
        name = request.get(source, {}).get("s3_uri")
        if name is not None:
            s3.upload_file(str(example / name), target.bucket, f"{folder}/{name}")
    s3.put_object(Bucket=target.bucket, Key=f"{folder}/run.json", Body=json.dumps(request).encode())


def _run_of_upload(api: ApiClient, model: str) -> Run:
    deadline = time.monotonic() + _DOOR_SECONDS
    while time.monotonic() < deadline:
        runs = api.runs(model=model)["runs"]
        if runs:
            return runs[0]
        time.sleep(_POLL_SECONDS)
    raise DemoFailed(f"No run began within {_DOOR_SECONDS:.0f} s of the upload of run.json.")


def _found(run: Run, s3: S3Client) -> tuple[Comparison | None, Sample | None]:
    compared = run.get("comparison")
    if compared is None:
        return None, None
    comparison = Comparison.from_document(json.loads(_read(s3, compared["document_uri"])))
    rows = (json.loads(line) for line in _read(s3, compared["rows_uri"]).splitlines())
    return comparison, next(_samples(rows), None)


def _samples(rows: Iterator[dict[str, Any]]) -> Iterator[Sample]:
    for row in rows:
        answer = row["answers"]["candidate"].get("text")
        if answer is not None:
            reference = row["reference_answer"]
            yield Sample(answer, reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False))


def _save_report(run: Run, s3: S3Client, folder: Path) -> Path | None:
    """Keep what the run left for its readers: the cloud of the demo goes, and the bucket with it."""
    left = run.get("report")
    if left is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for uri in (left["report_uri"], left["markdown_uri"], left["manifest_uri"]):
        (folder / uri.rpartition("/")[2]).write_bytes(_read(s3, uri))
    return folder / left["report_uri"].rpartition("/")[2]


def _read(s3: S3Client, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
