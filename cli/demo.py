"""``rft demo``: the whole way on one machine, from a dataset in a bucket to a better model and a message."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from botocore.config import Config

from cli.client import ApiClient
from cli.faults import DemoFailed, UsageFault
from cli.held_out import Comparison, Score, compare
from cli.mailbox import Mailbox, Notification
from cli.measuring import Asking, Record, ask, grade, records_in
from cli.records import Run
from cli.steps import Steps
from cli.target import Target
from cli.view import Screen
from cli.watching import watch
from local.cloud import Cloud
from rft.run.status import SUCCEEDED

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

# Answers are drawn as training drew them. At 0 a model gives one answer for ever, and a base that has no idea of the
# task may be lucky or unlucky with it on every record at once.
_TEMPERATURE = 1.0
_MAX_TOKENS = 256
_DOOR_SECONDS = 30.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """What the tuned model answered to one held-out record, and the record's reference."""

    answer: str
    reference: str


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo found. ``comparison`` and ``sample`` are None when the run deployed nothing to compare."""

    example: str
    run: Run
    how: Asking
    comparison: Comparison | None
    sample: Sample | None
    notification: Notification
    seconds: float

    @property
    def went_through(self) -> bool:
        return self.run["status"] in SUCCEEDED and self.comparison is not None

    def to_json(self) -> dict[str, Any]:
        found = self.comparison
        return {
            "run": self.run,
            **(found.reward.to_json() if found else {"before": None, "after": None, "gain": None}),
            "components": {name: change.to_json() for name, change in found.components.items()} if found else {},
            "verdict": {"better": found.is_better, "text": found.verdict} if found else None,
            "deployment_arn": self.run["deployment_arn"],
            "notification": self.notification.to_json(),
            "seconds": round(self.seconds, 1),
        }


def example_folder(name: str) -> Path:
    """The folder of an example; raises ``UsageFault`` with the names that there are."""
    known = sorted(request.parent.name for request in EXAMPLES.glob("*/run.json"))
    if name not in known:
        raise UsageFault(f"There is no example {name!r}.", hint=f"There are: {', '.join(known)}")
    return EXAMPLES / name


def perform(
    cloud: Cloud,
    example: Path,
    *,
    seed: int,
    grader: str | Path | None,
    screen: Screen,
    steps: Steps,
    started: float,
) -> Demo:
    """Drop the example, follow its run, measure both models. Raises ``DemoFailed`` where the way breaks off.

    ``started`` is when the demo began, by the monotonic clock.
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

    how = Asking(_TEMPERATURE, (request.get("hyperparameters") or {}).get("inference_max_tokens", _MAX_TOKENS))
    measured = _measure(target, cloud.info.bedrock_endpoint, run, how, seed=seed, steps=steps)
    steps.begin("reading the notification from the queue")
    notification = mailbox.read(run["run_id"])
    steps.finish()
    comparison, sample = measured or (None, None)
    return Demo(example.name, run, how, comparison, sample, notification, time.monotonic() - started)


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


def _measure(
    target: Target, bedrock_endpoint: str, run: Run, how: Asking, *, seed: int, steps: Steps
) -> tuple[Comparison, Sample] | None:
    """Both models on the records that the run held out, scored by the run's own grader."""
    base, tuned, grader, dataset = run["base_model"], run["deployment_arn"], run["grader_arn"], run["dataset"]
    if base is None or tuned is None or grader is None or dataset is None or dataset["validation_uri"] is None:
        return None
    s3 = target.session.client("s3", **target.client_options)
    bucket, _, key = dataset["validation_uri"].removeprefix("s3://").partition("/")
    records = records_in(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    direct = Config(proxies={}, max_pool_connections=16)
    runtime = target.session.client("bedrock-runtime", endpoint_url=bedrock_endpoint, config=direct)
    functions = target.session.client("lambda", **target.client_options)

    scores: list[list[Score]] = []
    answers: list[str] = []
    for name, model in (("base", base), ("tuned", tuned)):
        steps.begin(f"asking the {name} model the {len(records)} held-out records")
        answers = ask(model, records, how, runtime=runtime, done=_counter(steps))
        scores.append(grade(grader, records, answers, functions=functions))
    steps.finish()
    return compare(*scores, seed=seed), Sample(answers[0], _reference(records[0]))


def _reference(record: Record) -> str:
    reference = record.get("reference_answer")
    return reference if isinstance(reference, str) else json.dumps(reference, ensure_ascii=False)


def _counter(steps: Steps) -> Callable[[], None]:
    """Called once for each answer, it shows how many there are."""
    numbers = count(1)
    return lambda: steps.note(str(next(numbers)))
