"""Invocation logs as training data, as a run's record has them: with every default filled in.

Apart from the request's own models, so that the steps don't pay for pydantic at a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MIN_PROMPTS, MAX_PROMPTS = 100, 20_000  # Bedrock takes no fewer and no more training prompts (rft-prepare-data)
MAX_FAILED_SHARE = 0.25
READY_PATTERNS = ("email", "phone", "card", "key")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LogSource:
    """``metadata_filter`` is in Bedrock's own shape (``requestMetadataFilters``), or None."""

    s3_uri: str
    metadata_filter: Json | None
    use_prompt_response: bool
    max_prompts: int
    max_failed_share: float
    seed: int
    redact: tuple[str | Json, ...]
    native: bool

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self | None:
        """The log source of a run's request (``Run.request``); None where the data is a dataset."""
        given = (request.get("training_data") or {}).get("invocation_logs")
        if given is None:
            return None
        return cls(
            s3_uri=given["s3_uri"],
            metadata_filter=_filter(given),
            use_prompt_response=bool(given.get("use_prompt_response")),
            max_prompts=given.get("max_prompts") or MAX_PROMPTS,
            max_failed_share=float(given.get("max_failed_share", MAX_FAILED_SHARE)),
            seed=given.get("seed") or 0,
            redact=tuple(given.get("redact") or ()),
            native=bool(given.get("native")),
        )

    def config(self) -> Json:
        """Bedrock's ``invocationLogsConfig``."""
        config: Json = {
            "usePromptResponse": self.use_prompt_response,
            "invocationLogSource": {"s3Uri": self.s3_uri},
        }
        return config | ({"requestMetadataFilters": self.metadata_filter} if self.metadata_filter else {})


def is_converted(request: Mapping[str, Any]) -> bool:
    """Whether the run's data are logs that the pipeline converts itself."""
    source = LogSource.of(request)
    return source is not None and not source.native


def _filter(given: Mapping[str, Any]) -> Json | None:
    if given.get("request_metadata_filters"):
        return dict(given["request_metadata_filters"])
    equals = [{"equals": {key: value}} for key, value in (given.get("metadata_equals") or {}).items()]
    if not equals:
        return None
    return equals[0] if len(equals) == 1 else {"andAll": equals}
