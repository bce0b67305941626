"""What a grader tells the outside: the live reward curve, how it fares, and which samples had no score.

All of it goes to standard output, where Lambda takes it up: metrics in CloudWatch's embedded metric format, log lines
as JSON. Neither ever holds a sample's text or id.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import batched

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from rft.grading.batch import Graded
from rft.grading.errors import EventNotAList
from rft.grading.sample import RunContext, items_of, read_envelope

NAMESPACE = "RFT/Grader"
STACK_NAMESPACE = "RFT/Pipeline"
"""Of the metrics of a stack, by name with the pipeline's own (``rft.aws.metrics``)."""
STACK_VARIABLE = "STACK_NAME"
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
        _flush(NAMESPACE, record, known, {"grader": grader} if len(known) > 1 else None)


def publish_health(
    grader: str, run: RunContext, batch: Sequence[Graded], *, milliseconds: int | None, unreadable: float | None = None
) -> None:
    """How a grader fares in a training, under its stack, for alarms, and under its stack and its name.

    Percentages of the batch: ``GraderErrorPercent`` of samples without a score, ``JudgeParseFailurePercent``
    (``unreadable``) of a judge's replies. Nothing of a batch that belongs to no run, such as the gate's, whose answers
    are meant to be bad; nor of a grader outside of the stack.
    """
    if run.run_id is None:
        return
    values = {"GraderErrorPercent": (MetricUnit.Percent, 100 * sum(g.error is not None for g in batch) / len(batch))}
    if milliseconds is not None:
        values["GraderMilliseconds"] = (MetricUnit.Milliseconds, float(milliseconds))
    if unreadable is not None:
        values["JudgeParseFailurePercent"] = (MetricUnit.Percent, unreadable)
    _publish_of_stack(grader, values)


@contextmanager
def refusal_counted(grader: str, event: object) -> Iterator[None]:
    """A batch of a training that is refused has no score at all."""
    try:
        yield
    except EventNotAList:
        raise
    except Exception:
        if any(read_envelope(item, place).run.run_id for place, item in enumerate(items_of(event))):
            _publish_of_stack(grader, {"GraderErrorPercent": (MetricUnit.Percent, 100.0)})
        raise


def _publish_of_stack(grader: str, values: Mapping[str, tuple[MetricUnit, float]]) -> None:
    if stack := os.environ.get(STACK_VARIABLE):
        record = next(_records({name: (unit, [value]) for name, (unit, value) in values.items()}))
        _flush(STACK_NAMESPACE, record, {"stack": stack, "grader": grader}, {"stack": stack})


def _flush(
    namespace: str, record: dict[str, object], dimensions: Mapping[str, str], others: dict[str, str] | None
) -> None:
    # Filled at once: add_metric formats all of a metric's values for a debug line each time, 23 us a call.
    provider = AmazonCloudWatchEMFProvider(
        namespace=namespace,
        metric_set=record,
        dimension_set=dict(dimensions),
        service="",  # or else POWERTOOLS_SERVICE_NAME would be one more dimension
    )
    if others:
        provider.add_dimensions(**others)
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
