"""What a grader tells the outside: the live reward curve, and which samples had no score.

Both go to standard output, where Lambda takes them up: metrics in CloudWatch's embedded metric format, log lines as
JSON. Neither ever holds a sample's text or id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from rft.grading.batch import Graded
from rft.grading.sample import RunContext

NAMESPACE = "RFT/Grader"
MAX_LISTED_ERRORS = 20
_EMF_LIMIT = 100  # metrics in one record, and values of one metric (CloudWatch's embedded metric format)

type _Curves = dict[str, tuple[MetricUnit, Sequence[float]]]


def by_run(batch: Iterable[Graded]) -> dict[RunContext, list[Graded]]:
    runs: dict[RunContext, list[Graded]] = {}
    for graded in batch:
        runs.setdefault(graded.run, []).append(graded)
    return runs


def publish_metrics(
    grader: str,
    run: RunContext,
    batch: Sequence[Graded],
    *,
    milliseconds: int | None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """The curves of one run, under the dimensions grader, model and run_id (those that are known), and under the
    grader alone, which is what an alarm can name before there is a run.

    Reward is what Bedrock gets for each sample, so its average is what trains, zeros of errors included; Errors
    counts those. ``milliseconds`` is the time of the whole invocation, whose batch may hold other runs too. ``counts``
    are further metrics of this run's part of the batch, by name.
    """
    dimensions = {"grader": grader, "model": run.model, "run_id": run.run_id}
    known = {name: value for name, value in dimensions.items() if value}
    counted: _Curves = {name: (MetricUnit.Count, [float(count)]) for name, count in (counts or {}).items()}
    for record in _records(_curves(batch, milliseconds) | counted):
        # Filled at once: add_metric formats all of a metric's values for a debug line each time, 23 us a call.
        provider = AmazonCloudWatchEMFProvider(
            namespace=NAMESPACE,
            metric_set=record,
            dimension_set=dict(known),
            service="",  # or else POWERTOOLS_SERVICE_NAME would be one more dimension
        )
        if len(known) > 1:
            provider.add_dimensions(grader=grader)
        provider.flush_metrics()


def log_batch(logger: Logger, run: RunContext, batch: Sequence[Graded]) -> None:
    """One line for the batch of a run, and one more that lists its errors by the samples' positions, if any."""
    errors = [(g.position, g.error) for g in batch if g.error]
    logger.info("batch graded", run_id=run.run_id, samples=len(batch), errors=len(errors))
    if errors:
        logger.warning(
            "samples without a score",
            run_id=run.run_id,
            kinds=Counter(error.kind for _, error in errors),
            first=[
                {"position": position, "error": error.kind, "at": error.at}
                for position, error in errors[:MAX_LISTED_ERRORS]
            ],
        )


def _curves(batch: Sequence[Graded], milliseconds: int | None) -> _Curves:
    components: dict[str, list[float]] = {}
    for graded in batch:
        if graded.score:
            for name, value in (*graded.score.rewards.items(), *graded.score.metrics.items()):
                components.setdefault(name, []).append(float(value))
    curves: _Curves = {
        "Reward": (MetricUnit.NoUnit, [graded.reward for graded in batch]),
        "Errors": (MetricUnit.Count, [float(sum(graded.error is not None for graded in batch))]),
    }
    if milliseconds is not None:
        curves["Duration"] = (MetricUnit.Milliseconds, [float(milliseconds)])
    return curves | {name: (MetricUnit.NoUnit, values) for name, values in components.items()}


def _records(curves: _Curves) -> Iterator[dict[str, object]]:
    longest = max(len(values) for _, values in curves.values())
    for start in range(0, longest, _EMF_LIMIT):
        slices = (
            (name, {"Unit": unit.value, "StorageResolution": 60, "Value": values[start : start + _EMF_LIMIT]})
            for name, (unit, values) in curves.items()
            if len(values) > start
        )
        for record in batched(slices, _EMF_LIMIT, strict=False):
            yield dict(record)
