"""What an import costs, against that of boto3 and a client for S3."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._timing import ROUNDS

ROOT = Path(__file__).resolve().parent.parent


def import_ratio(statement: str, paths: list[str]) -> float:
    """CPU time of a statement against that of a client for S3, in fresh processes that find .pyc files.

    The two take turns, so that what else the machine does falls on both; the median of the ratios counts.
    """
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(ROOT / path) for path in paths),
            "PYTHONPYCACHEPREFIX": cache,
            "PYTHONDONTWRITEBYTECODE": "",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        ratios = [
            _process_seconds(statement, environment) / _process_seconds("import boto3; boto3.client('s3')", environment)
            for _ in range(ROUNDS + 1)
        ]
    return statistics.median(ratios[1:])  # the first round compiled


def _process_seconds(statement: str, environment: dict[str, str]) -> float:
    program = f"import time; a = time.process_time(); {statement}; print(time.process_time() - a)"
    run = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    return float(run.stdout)
