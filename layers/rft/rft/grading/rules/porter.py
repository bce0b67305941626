"""Porter's stemmer (Porter 1980), with the changes that NLTK makes by default; METEOR matches words by their stems."""

from __future__ import annotations

from functools import lru_cache

MAX_STEMMED = 64  # letters; a longer "word" is its own stem

_IRREGULAR = {
    **dict.fromkeys(("sky", "skies"), "sky"),
    **dict.fromkeys(("inning", "innings"), "inning"),
    **dict.fromkeys(("outing", "outings"), "outing"),
    **dict.fromkeys(("canning", "cannings"), "canning"),
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    **{word: word for word in ("news", "howe", "proceed", "exceed", "succeed")},
}

# Endings are tried in this order, and the first one that a word has is the only one.
_SECOND = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"), ("logi", "log"),
)  # fmt: skip
_THIRD = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_FOURTH = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip
_SECOND_ENDS = tuple(ending for ending, _ in _SECOND)
_THIRD_ENDS = tuple(ending for ending, _ in _THIRD)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """The stem of a word in lower case: ``connection``, ``connected`` and ``connecting`` are all ``connect``."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not 2 < len(word) <= MAX_STEMMED:
        return word
    word = _past_and_participle(_plural(word))
    if word[-1:] == "y" and len(word) > 2 and _shape(word[:-1])[-1] == "c":
        word = f"{word[:-1]}i"
    word = _last_e(_fourth(_replaced(_second(word), _THIRD, _THIRD_ENDS)))
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _shape(word: str) -> str:
    """Consonants as c and vowels as v; y is a vowel after a consonant."""
    shape: list[str] = []
    last = "v"
    for letter in word:
        last = "v" if letter in "aeiou" or (letter == "y" and last == "c" and shape) else "c"
        shape.append(last)
    return "".join(shape)


def _measure(word: str) -> int:
    """How often a vowel is followed by a consonant."""
    return _shape(word).count("vc")


def _is_short(word: str) -> bool:
    """Whether it ends consonant, vowel, consonant (not w, x or y), as hop; or is only the last two, as at."""
    shape = _shape(word)
    return (shape[-3:] == "cvc" and word[-1] not in "wxy") or shape == "vc"


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past_and_participle(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    ending = 2 if word.endswith("ed") else 3 if word.endswith("ing") else 0
    if not ending or "v" not in _shape(word[:-ending]):
        return word
    word = word[:-ending]
    if word.endswith(("at", "bl", "iz")):
        return f"{word}e"
    if len(word) > 1 and word[-1] == word[-2] and _shape(word)[-1] == "c":
        return word if word[-1] in "lsz" else word[:-1]
    return f"{word}e" if _measure(word) == 1 and _is_short(word) else word


def _second(word: str) -> str:
    while word.endswith("alli") and _measure(word[:-4]):
        word = word[:-2]
    if word.endswith("logi"):  # its l counts as a part of the stem, so that theology goes the way of archaeology
        return word[:-1] if _measure(word[:-3]) else word
    return _replaced(word, _SECOND, _SECOND_ENDS)


def _replaced(word: str, endings: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> str:
    if word.endswith(names):
        for ending, replacement in endings:
            if word.endswith(ending):
                begin = word[: -len(ending)]
                return f"{begin}{replacement}" if _measure(begin) else word
    return word


def _fourth(word: str) -> str:
    if word.endswith(_FOURTH):
        for ending in _FOURTH:
            if word.endswith(ending):
                begin = word[: -len(ending)]
                is_removed = _measure(begin) > 1 and (ending != "ion" or begin[-1] in "st")
                return begin if is_removed else word
    return word


def _last_e(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _is_short(word[:-1])):
            return word[:-1]
    return word
