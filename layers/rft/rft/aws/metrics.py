"""Metrics of the pipeline: lines on standard output in CloudWatch's embedded metric format, which CloudWatch reads.

A function needs no right for them and no call. A metric is what it is by its name and its dimensions, and each of these
is paid for, so dimensions are few: the stack, so that two stacks of an account don't alarm for each other, and one more
where a graph tells its values apart. No text goes in, and no run's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

NAMESPACE = "RFT/Pipeline"

Unit = Literal["Count", "Seconds", "None"]


class Value(NamedTuple):
    value: float
    unit: Unit = "Count"


def publish(values: Mapping[str, Value], *dimension_sets: Mapping[str, str]) -> None:
    """Each value by its metric's name, under each set of dimensions."""
    # With the first value and not at a cold start, as many functions publish none.
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (  # noqa: PLC0415
        AmazonCloudWatchEMFProvider,
    )

    first, *others = dimension_sets
    provider = AmazonCloudWatchEMFProvider(
        namespace=NAMESPACE,
        dimension_set=dict(first),
        service="",  # or else POWERTOOLS_SERVICE_NAME would be one more dimension
    )
    for name, (value, unit) in values.items():
        provider.add_metric(name, unit, value)
    for dimensions in others:
        provider.add_dimensions(**dimensions)
    provider.flush_metrics()
