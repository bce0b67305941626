"""What the stand-in is started with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stand-in keeps its state, whom it talks to, and how fast things go. Durations are seconds."""

    state: Path
    aws_endpoint: str
    region: str = "us-east-1"
    account: str = "000000000000"
    event_source: str = "aws.bedrock"
    seed: int = 0
    access_key: str = field(default_factory=lambda: os.environ.get("AWS_ACCESS_KEY_ID", "test"), repr=False)
    secret_key: str = field(default_factory=lambda: os.environ.get("AWS_SECRET_ACCESS_KEY", "test"), repr=False)
    concurrent_jobs: int = 2
    deployment_seconds: float = 0.4
    grader_backoff: float = 1.0  # before the first retry; doubled for each further one
    emulator_key: str = field(default="", repr=False)  # what the emulator asks of the stand-in; "" where there is none
    record_calls: Path | None = None  # where the calls of jobs' roles are recorded
    stop_grace: float = 5.0  # a worker that is told to stop is killed after this long

    def arn(self, resource: str) -> str:
        """The ARN of one of the account's Bedrock resources."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:{resource}"

    @property
    def models(self) -> Path:
        """The folder of the weights, one folder a job."""
        return self.state / "models"

    @property
    def bases(self) -> Path:
        """The folder of the bases, by what they were fitted to."""
        return self.state / "bases"
