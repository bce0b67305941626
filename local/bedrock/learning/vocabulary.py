"""Tokens: words, single punctuation marks, runs of white space, and one that ends an answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

END = 0
"""The id of the token that ends an answer."""

MAX_TOKENS = 1024
"""The largest vocabulary. Rarer words are spelt in single characters, so numbers stay sayable without a token each."""

_MAX_CHARACTERS = 256
_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens a policy can say; a token's id is its place in `tokens`."""

    tokens: tuple[str, ...]
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ids", {token: number for number, token in enumerate(self.tokens)})

    @classmethod
    def of(cls, texts: Iterable[str]) -> Vocabulary:
        """The vocabulary of these texts: all their tokens, or the most frequent with characters for the rest."""
        counts = Counter(token for text in texts for token in _TOKEN.findall(text))
        by_frequency = sorted(counts, key=lambda token: (-counts[token], token))
        room = MAX_TOKENS - 1
        if len(by_frequency) > room:
            characters: Counter[str] = Counter()
            for token, count in counts.items():
                for character in token:
                    characters[character] += count
            spelling = [character for character, _ in characters.most_common(_MAX_CHARACTERS)]
            by_frequency = list(dict.fromkeys(spelling + by_frequency))[:room]
        return cls(("", *by_frequency))

    def encode(self, text: str, limit: int) -> list[int]:
        """The ids of the text's first `limit` tokens, and the end. What cannot even be spelt is left out."""
        ids: list[int] = []
        for match in _TOKEN.finditer(text):
            token = match.group()
            known = self._ids.get(token)
            ids += [known] if known is not None else [self._ids[c] for c in token if c in self._ids]
            if len(ids) >= limit:
                break
        return [*ids[:limit], END]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these ids; the end token is no text."""
        return "".join(self.tokens[number] for number in ids)

    def __len__(self) -> int:
        return len(self.tokens)
