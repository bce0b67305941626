"""What is to be made of the logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rft.invocation_logs.metadata import MetadataFilter
    from rft.invocation_logs.redaction import Redactor


@dataclass(frozen=True, slots=True)
class LogOptions:
    """``use_prompt_response``: the logged answer becomes ``reference_answer``, as Bedrock's ``usePromptResponse``.

    ``seed`` decides which prompts a sample takes when there are more than it has room for.
    """

    metadata_filter: MetadataFilter | None = None
    use_prompt_response: bool = False
    redactor: Redactor | None = None
    seed: int = 0
