"""What became of the records of a log: converted, skipped or failed, each with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

SKIP_REASONS = {
    "filtered": "its request metadata isn't what the filter asks for",
    "error": "the call ended in an error",
    "not-a-conversation": "the call was none for a text model: embeddings, reranking, images or speech",
    "not-text": "there are images, documents, audio or video in the prompt; training takes text only",
    "no-user-message": "nothing in the prompt is said by a user",
    "ends-with-answer": "the prompt ends with the beginning of an answer (prefill)",
    "empty-message": "a message has no text",
    "unsupported-roles": "the roles come in an order that training doesn't take, such as a late system prompt",
    "unsupported-tools": "there are tools that no function with a JSON schema describes",
    "too-long": "the record would be longer than a line of a dataset may be",
    "no-answer": "there is no answer in words, and it was to be the reference answer",
    "incomplete-answer": "the answer was cut short, and it was to be the reference answer",
    "reference-unusable": "the logged answer is none that the run's grader could compare with",
    "duplicate": "another record has the same prompt",
    "over-max-prompts": "the sample was full",
}
"""The record is sound, but no training prompt that was asked for."""

FAIL_REASONS = {
    "damaged-gzip": "the object's gzip data are cut off or damaged; what came before the damage was read",
    "changed-while-read": "the object was changed or removed since it was listed",
    "object-too-large": "the object unpacks to more than is read of one; what came before was read",
    "line-too-long": "the line is longer than any record of a log",
    "invalid-json": "the line isn't JSON",
    "not-a-log-record": "the line is JSON, but no record of a Bedrock model invocation",
    "body-missing": "the prompt or answer was stored in an object of its own, which isn't there",
    "body-damaged": "the prompt or answer was stored in an object of its own, which can't be read",
    "unknown-body": "the prompt or answer has a form that isn't known",
}
"""The record should have been readable."""


BEFORE_THE_FILTER = frozenset(
    {"damaged-gzip", "changed-while-read", "object-too-large", "line-too-long", "invalid-json", "not-a-log-record"}
)
"""Failures of which nobody knows whether the metadata filter would have let the record through."""


class FailedShare(NamedTuple):
    """``failed`` of ``records`` failed: of all records, or of those that the metadata filter let through."""

    failed: Counter[str]
    records: int
    of_all: bool

    @property
    def value(self) -> float:
        return self.failed.total() / self.records if self.records else 0.0

    def __str__(self) -> str:
        kind = "log records" if self.of_all else "log records that the filter lets through"
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.failed.most_common())
        return f"{self.value:.1%} of the {kind} can't be read ({self.failed.total():,} of {self.records:,}: {reasons})"


@dataclass(slots=True)
class ConversionCounts:
    """``records`` is always ``converted`` and all of ``skipped`` and ``failed`` added up.

    A record is a line of a log that isn't blank. An object whose gzip data are damaged counts as one record more,
    which failed, for the records that are lost with it are unknown.
    """

    records: int = 0
    converted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def merge(self, other: ConversionCounts) -> None:
        """Add what another worker counted."""
        self.records += other.records
        self.converted += other.converted
        self.skipped.update(other.skipped)
        self.failed.update(other.failed)

    @property
    def failed_share(self) -> FailedShare:
        """The larger of two shares: all failures, of all records; and the failures of records that the metadata filter
        let through, of those records.

        So records of other applications, which the filter leaves out, can't make a broken log look whole, and damage
        that may have hit any application's records isn't held against the few of one.
        """
        behind = Counter({reason: n for reason, n in self.failed.items() if n and reason not in BEFORE_THE_FILTER})
        before = self.failed.total() - behind.total()
        of_all = FailedShare(+self.failed, self.records, of_all=True)
        admitted = FailedShare(behind, self.records - self.skipped["filtered"] - before, of_all=False)
        return max(of_all, admitted, key=lambda share: share.value)

    def to_json(self) -> dict[str, Any]:
        return {
            "records": self.records,
            "converted": self.converted,
            "skipped": {reason: n for reason, n in sorted(self.skipped.items()) if n},
            "failed": {reason: n for reason, n in sorted(self.failed.items()) if n},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            document["records"], document["converted"], Counter(document["skipped"]), Counter(document["failed"])
        )


class LogProblem(NamedTuple):
    """A failure: in which object, in which line (from 1), and why. Never a text of the record."""

    object: str
    line: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        return self._asdict()


class LeftOut(Exception):
    """This record becomes no training prompt. ``reason`` is a key of SKIP_REASONS or FAIL_REASONS."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Skipped(LeftOut):
    pass


class Failed(LeftOut):
    pass
