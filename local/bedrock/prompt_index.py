"""What stands for a prompt where jobs and inference must agree on which dataset it is from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from local.bedrock.learning.text import prompt_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def prompt_digest(messages: Sequence[Mapping[str, Any]]) -> str:
    """A hash of a prompt's text without its instructions, the same for both forms of message."""
    return hashlib.sha256(prompt_of(messages).encode("utf-8", "surrogatepass")).hexdigest()
