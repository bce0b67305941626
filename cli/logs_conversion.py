"""Making a dataset from invocation logs on this machine, by the code that the pipeline runs in AWS.

Each log object becomes lines of a temporary file; then the choice among all of them is made, and the chosen ones are
copied to the output in the order they were logged.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track

from cli.faults import CliFault, UsageFault
from cli.log_sources import LogObject, Sources, find_sources
from cli.logs_options import MAX_FAILED_SHARE, MAX_PROMPTS
from rft.errors import DatasetMissing
from rft.invocation_logs import (
    ConversionCounts,
    LogConversion,
    LogOptions,
    LogProblem,
    MetadataFilter,
    Redactor,
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
        return LogOptions(
            metadata_filter=_metadata_filter(self.metadata_equals, self.filters),
            use_prompt_response=self.use_prompt_response,
            redactor=_redactor(self.redact, self.redact_patterns),
            seed=self.seed,
        )


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
        return self.counts.failed_share > self.max_failed_share

    @property
    def successful(self) -> bool:
        return self.counts.converted > 0 and not self.too_many_failures

    def to_json(self) -> dict[str, Any]:
        return {
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
    _must_be_free(wishes.output, paths, force=wishes.force)
    sources = find_sources(paths, except_for=wishes.output, s3=s3)
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
            _write_whole(wishes.output, assembly.lines())
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
    return worker


def _from_start(shard: IO[bytes]) -> IO[bytes]:
    shard.seek(0)
    return shard


def _write_whole(output: Path, lines: Iterator[bytes]) -> None:
    """The file is there when all of it is, or not at all."""
    part = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _must_be_free(output: Path, paths: Sequence[str], *, force: bool) -> None:
    """``UsageFault`` where writing ``output`` would destroy something, or can't succeed."""
    if not output.parent.is_dir():
        raise UsageFault(f"There is no folder {output.parent} for -o.")
    if not output.exists():
        return
    if not output.is_file():
        raise UsageFault(f"{output} is no ordinary file, so -o can't write it.")
    if any(Path(path).is_file() and output.samefile(path) for path in paths if "://" not in path):
        raise UsageFault("-o never overwrites a file that is read; name another one.")
    if not force:
        raise UsageFault(f"{output} is there already; --force overwrites it.")


def _metadata_filter(equals: Sequence[str], filters: str | None) -> MetadataFilter | None:
    if equals and filters is not None:
        raise UsageFault("--metadata-equals and --filters exclude each other; --filters can say both.")
    try:
        if filters is not None:
            return MetadataFilter.parse(json.loads(filters))
        return MetadataFilter.all_equal(_pairs("--metadata-equals", equals)) if equals else None
    except json.JSONDecodeError as bad:
        raise UsageFault(f"--filters is not JSON: {bad}") from None
    except (ValueError, RecursionError) as wrong:
        option = "--filters" if filters is not None else "--metadata-equals"
        raise UsageFault(f"{option}: {wrong}") from None


def _redactor(ready: str | None, patterns: Sequence[str]) -> Redactor | None:
    """Own patterns come first, for they are the more exact ones."""
    rules: list[str | dict[str, str]] = [
        {"name": name, "pattern": pattern} for name, pattern in _pairs("--redact-pattern", patterns).items()
    ]
    rules += [name.strip() for name in ready.split(",")] if ready is not None else []
    try:
        return Redactor.parse(rules) if rules else None
    except ValueError as wrong:
        raise UsageFault(f"--redact: {wrong}") from None


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageFault(f"{option} takes NAME=VALUE; it was given {text!r}.")
        if name in pairs:
            raise UsageFault(f"{option} gives {name!r} twice.")
        pairs[name] = value
    return pairs


def _readable(path: Path) -> str:
    return os.fsencode(path).decode(errors="replace")
