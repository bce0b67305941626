"""A text that is being judged, set apart so that it can't speak for itself.

A fenced text stands between two lines that hold a code nobody can foresee::

    <<<answer 5f0c6d1e9a3b47c2>>>
    The dragon is 12 years old.
    <<<end answer 5f0c6d1e9a3b47c2>>>

The code is a keyed hash of the texts, with a key that each process draws anew: the model that wrote a text can't know
it, and equal texts have equal codes, so that equal questions stay equal.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2b

MAX_FENCED = 24_000
"""Characters of one text that a judge reads: about 6,000 tokens. Of a longer one the beginning and the end are kept."""

_KEY = secrets.token_bytes(32)
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_OMITTED = "\n[... {:,} characters are left out here ...]\n"

# What shows as nothing or turns the text around; line ends and tabs stay.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2028\u2029\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


class Fence:
    """The fence around the texts of one question."""

    __slots__ = ("_code",)

    def __init__(self, *texts: str) -> None:
        digest = blake2b(key=_KEY, digest_size=8)
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8) + data)
        self._code = digest.hexdigest()

    @property
    def code(self) -> str:
        return self._code

    def around(self, name: str, text: str) -> str:
        """``text`` between its two lines. ``name`` says what it is: ``answer``, ``reference``, ``item.question``."""
        if not _NAME.fullmatch(name):
            raise ValueError("the name of a fenced text is 1 to 64 of a-z 0-9 _ . with a letter first")
        return f"<<<{name} {self._code}>>>\n{shown(text)}\n<<<end {name} {self._code}>>>"


def shown(text: str) -> str:
    """``text`` as a judge reads it: without what can't be seen, and of a long one the two ends."""
    if len(text) > 2 * MAX_FENCED:  # what lies between isn't looked at
        return _ends(_seen(text[:MAX_FENCED]), _seen(text[-MAX_FENCED:]), len(text))
    seen = _seen(text)
    return _ends(seen, seen, len(seen)) if len(seen) > MAX_FENCED else seen


def _seen(text: str) -> str:
    return _UNSEEN.sub("", text.replace("\r\n", "\n"))


def _ends(head: str, tail: str, length: int) -> str:
    half = MAX_FENCED // 2
    return f"{head[:half]}{_OMITTED.format(length - 2 * half)}{tail[-half:]}"
