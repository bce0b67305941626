"""What the policy sees at one position of an answer, as hashed features.

They are the last 1, 2, 3 and 5 tokens of the answer so far, its length, and each distinct word of the prompt joined
with the last 5 tokens. The join is what lets a word of the prompt speak for one token at one place of the answer.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONTEXT = 5
"""How many tokens of the answer so far a position sees."""

MAX_PROMPT_WORDS = 128
"""Distinct words of a prompt that are used. Of a longer prompt the first and the last 64: its opening and its end."""

PADDING = 0
"""The bucket of a feature that is not there."""

type Ints = NDArray[np.int64]
type Floats = NDArray[np.float32]
type Hashes = NDArray[np.uint64]

_PROMPT_STRENGTH = 7.0
"""The length of a prompt's vector of word values, against 1 for each feature of the answer so far: in a prompt of 50
words each weighs as much as one of those."""

_GRAMS = (1, 2, 3, 5)
_OWN_FEATURES = len(_GRAMS) + 1
_WORD = re.compile(r"\w+")
_PLACES = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)
_KINDS = np.array([0x1B873593CC9E2D51, 0x38B34AE5A1E38B93, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53], np.uint64)
_LENGTH = np.uint64(0x52DCE729DA3ED5A1)
_WORDS = np.uint64(0xE7037ED1A0B428DB)


@dataclass(frozen=True, slots=True)
class PromptWords:
    """Prompts as features: `hashes` and `values`, both [prompts, words of the wordiest]; an absent word has value 0."""

    hashes: Hashes
    values: Floats

    @classmethod
    def of(cls, prompts: Sequence[str]) -> PromptWords:
        """The squares of one prompt's values have the same sum however many its words: a long prompt is no louder."""
        found = [_distinct_words(prompt) for prompt in prompts]
        width = max(map(len, found), default=0)
        hashes = np.zeros((len(found), width), np.uint64)
        values = np.zeros((len(found), width), np.float32)
        for row, words in enumerate(found):
            # A checksum, because Python's own string hash differs from one process to the next.
            hashes[row, : len(words)] = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words]
            values[row, : len(words)] = _PROMPT_STRENGTH * max(len(words), 1) ** -0.5
        return cls(hashes, values)


@dataclass(frozen=True, slots=True)
class Features:
    """`buckets` and `values`, both [positions, features]: where each feature's weights lie, and how strong it is."""

    buckets: Ints
    values: Floats

    @classmethod
    def of(cls, context: Ints, length: Ints, words: PromptWords, *, buckets: int) -> Features:
        """The features of positions, hashed into 1..`buckets`.

        `context` [positions, CONTEXT] holds the last tokens, the latest first; `length` [positions] counts the tokens
        so far; row i of `words` belongs to position i.
        """
        last = np.cumsum((context.astype(np.uint64) + np.uint64(1)) * _PLACES, axis=1, dtype=np.uint64)
        hashes = np.empty((len(context), _OWN_FEATURES + words.hashes.shape[1]), np.uint64)
        hashes[:, : len(_GRAMS)] = last[:, [gram - 1 for gram in _GRAMS]] ^ _KINDS
        hashes[:, len(_GRAMS)] = length.astype(np.uint64) * _PLACES[0] ^ _LENGTH
        hashes[:, _OWN_FEATURES:] = _mixed(last[:, -1:]) ^ words.hashes * _WORDS
        values = np.ones(hashes.shape, np.float32)
        values[:, _OWN_FEATURES:] = words.values
        places = ((_mixed(hashes) >> np.uint64(32)) * np.uint64(buckets)) >> np.uint64(32)
        return cls(np.where(values > 0, places.astype(np.int64) + 1, PADDING), values)


def _distinct_words(prompt: str) -> list[str]:
    words = list(dict.fromkeys(_WORD.findall(prompt.casefold())))
    if len(words) <= MAX_PROMPT_WORDS:
        return words
    half = MAX_PROMPT_WORDS // 2
    return words[:half] + words[-half:]


def _mixed(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ hashes >> np.uint64(31)) * _PLACES[1]
    return hashes ^ hashes >> np.uint64(29)
