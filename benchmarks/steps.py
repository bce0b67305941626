"""What the functions of the pipeline cost at a cold start, and the arithmetic of a verdict."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from benchmarks import Measurement
from benchmarks._imports import ROOT, import_ratio
from benchmarks._timing import seconds
from rft.comparison.interval import bca

DOORS = frozenset({"api", "start_run"})
PROMISE_DOOR, PROMISE_STEP = 1.45, 1.10


def measure() -> Iterator[Measurement]:
    """Imports of every function but the graders; the interval of a gain."""
    for name in sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")):
        ratio = import_ratio("import app", [f"functions/{name}", "layers/rft"])
        promise = PROMISE_DOOR if name in DOORS else PROMISE_STEP
        yield Measurement(f"import of {name} against boto3 and an S3 client", ratio, "", promise)
    chance = random.Random(1)
    for prompts in (200, 2_000):
        gains = {
            "any rewards": [chance.gauss(0.1, 0.3) for _ in range(prompts)],
            "five rewards": [chance.choice((-1, -0.5, 0, 0.5, 1)) for _ in range(prompts)],
        }
        for kind, values in gains.items():
            yield Measurement(f"interval of {prompts:,} prompts, {kind}", seconds(partial(bca, values, seed=0)), "s")
