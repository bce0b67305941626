"""Bedrock's model invocation logs, made into training data: every record converted, skipped or failed, and counted."""

from __future__ import annotations

from rft.invocation_logs.assembling import Assembly, assemble
from rft.invocation_logs.conversion import BodyUnavailable, LogConversion
from rft.invocation_logs.counting import FAIL_REASONS, SKIP_REASONS, ConversionCounts, LogProblem
from rft.invocation_logs.metadata import MetadataFilter
from rft.invocation_logs.objects import ObjectKind, body_keys, object_kind
from rft.invocation_logs.options import LogOptions
from rft.invocation_logs.reading import MAX_BODY_BYTES, Windows
from rft.invocation_logs.redaction import Redactor
from rft.invocation_logs.selection import Selection
from rft.invocation_logs.shards import MAX_SHARD_LINE_BYTES, Candidate, read_shard_line, write_shard_line

__all__ = [
    "FAIL_REASONS",
    "MAX_BODY_BYTES",
    "MAX_SHARD_LINE_BYTES",
    "SKIP_REASONS",
    "Assembly",
    "BodyUnavailable",
    "Candidate",
    "ConversionCounts",
    "LogConversion",
    "LogOptions",
    "LogProblem",
    "MetadataFilter",
    "ObjectKind",
    "Redactor",
    "Selection",
    "Windows",
    "assemble",
    "body_keys",
    "object_kind",
    "read_shard_line",
    "write_shard_line",
]
