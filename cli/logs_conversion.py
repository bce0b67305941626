"""Making a dataset from invocation logs on this machine, by the code that the pipeline runs in AWS.

Each log object becomes lines of a temporary file; then the choice among all of them is made, and the chosen ones are
copied to the output in the order they were logged.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from cli.faults import CliFault, UsageFault
from cli.log_sources import LogObject, Sources, find_sources
from cli.logs_options import MAX_FAILED_SHARE, MAX_PROMPTS
from cli.logs_wishes import metadata_filter, redactor
from cli.output_file import place_for, written_whole
from rft.errors import DatasetMissing
from rft.invocation_logs import (
    ConversionCounts,
    LogConversion,
    LogOptions,
    LogProblem,
    assemble,
    write_shard_line,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3 = Callable[[], "S3Client"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for, as it was typed."""

    output: Path
    force: bool = False
    use_prompt_response: bool = False
    metadata_equals: Sequence[str] = ()
    filters: str | None = None
    max_prompts: int = MAX_PROMPTS
    seed: int = 0
    redact: str | None = None
    redact_patterns: Sequence[str] = ()
    max_failed_share: float = MAX_FAILED_SHARE

    def options(self) -> LogOptions:
        """Raises ``UsageFault`` for what can't be understood."""
        faults: list[str] = []
        options = LogOptions(
            metadata_filter=metadata_filter(self.metadata_equals, self.filters, faults),
            use_prompt_response=self.use_prompt_response,
            redactor=redactor(self.redact, self.redact_patterns, faults),
            seed=self.seed,
        )
        if faults:
            raise UsageFault("; ".join(faults))
        return options


@dataclass(slots=True)
class Conversion:
    """What a person and a program are told. ``output`` is None where no dataset was written."""

    counts: ConversionCounts
    objects: Counter[str]
    problems: list[LogProblem]
    max_failed_share: float
    output: Path | None = None
    redacted: Counter[str] = field(default_factory=Counter)

    @property
    def too_many_failures(self) -> bool:
        return self.counts.failed_share.value > self.max_failed_share

    @property
    def successful(self) -> bool:
        return self.counts.converted > 0 and not self.too_many_failures

    @property
    def fault(self) -> CliFault | None:
        """Why nothing was written."""
        if self.too_many_failures:
            return CliFault(f"{self.counts.failed_share}; at most {self.max_failed_share:.1%} may (--max-failed-share)")
        return None if self.successful else CliFault("no record became a training prompt")

    def to_json(self) -> dict[str, Any]:
        """With ``error``, as every other fault has it, where no dataset was written."""
        return {
            **({} if self.fault is None else {"error": self.fault.to_json()}),
            **self.counts.to_json(),
            "objects": dict(sorted(self.objects.items())),
            "redacted": dict(sorted(self.redacted.items())),
            "output": None if self.output is None else _readable(self.output),
            "problems": [problem.to_json() for problem in self.problems],
        }


def convert_logs(paths: Sequence[str], wishes: Wishes, *, s3: S3, console: Console) -> Conversion:
    """Convert all log objects at ``paths``: files, folders and ``s3://`` locations.

    Raises ``UsageFault`` for what can't be asked, ``CliFault`` where there is nothing to convert.
    """
    options = wishes.options()
    local = [path for path in paths if "://" not in path]
    output = place_for(wishes.output, "-o", local, force=wishes.force)
    sources = find_sources(paths, except_for=output, s3=s3)
    if not sources.logs:
        there = ", ".join(f"{number:,} {kind}" for kind, number in sorted(sources.kinds.items())) or "nothing"
        raise CliFault(
            f"There are no log objects to convert (found: {there}).",
            hint="Log objects are named *.json.gz, *.jsonl.gz, *.json or *.jsonl and have a size above 0.",
        )
    with tempfile.TemporaryFile(prefix="rft-logs-") as shard:
        worker = _convert_objects(sources, options, shard, console)
        assembly = assemble(lambda: (_from_start(shard),), wishes.max_prompts)
        assembly.settle(worker.counts)
        made = Conversion(worker.counts, sources.kinds, worker.problems, wishes.max_failed_share)
        if options.redactor is not None:
            made.redacted = options.redactor.counts
        if made.successful:
            with written_whole(output) as stream:
                stream.writelines(assembly.lines())
            made.output = wishes.output
    return made


def _convert_objects(sources: Sources, options: LogOptions, shard: IO[bytes], console: Console) -> LogConversion:
    current: LogObject | None = None

    def load_body(uri: str) -> bytes:
        assert current is not None
        return sources.body(current, uri)

    worker = LogConversion(options, load_body)
    opened: Iterable[tuple[LogObject, Iterable[bytes]]] = sources.read()
    if console.is_terminal:
        opened = track(opened, "converting", total=len(sources.logs), console=console, transient=True)
    for current, chunks in opened:
        try:
            for candidate in worker.convert(current.name, chunks):
                shard.write(write_shard_line(candidate))
        except DatasetMissing:
            raise CliFault(
                f"{current.name} can't be read: it was changed or removed meanwhile, or access is denied.",
                hint="Run the command again.",
            ) from None
    if sources.denied:
        console.print(f"{len(sources.denied):,} bodies beside the logs may not be read: grant s3:GetObject on data/")
    return worker


def _from_start(shard: IO[bytes]) -> IO[bytes]:
    shard.seek(0)
    return shard


def _readable(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")
