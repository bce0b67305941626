"""Texts made comparable, and cut into words.

Everything here is linear in the text, for any text, and gives equal results for equal texts.
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 30
"""Combining marks on one letter: what Unicode's stream-safe format allows (UAX #15). The time that a normalisation
takes grows with the square of their number; the marks beyond are left out."""

MAX_BLOATED = 100
"""Characters that NFKC turns into a whole phrase (U+FDFA into 18 characters). Of a flood of them none is kept."""

MAX_SIGNS = 512
"""Different signs and marks beyond ASCII in one text whose kinds are looked up: no language has as many. A text with
more is cut into words at white space only, and keeps its punctuation."""

MAX_FOLDED = 10_240  # characters that are kept beyond ASCII, where one may become six

# Characters that show nothing: soft hyphen, zero-width space and joiners, direction marks, variation selectors, tags.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_PLAIN = {
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict(zip("⁄٫٬", "/.,", strict=True)),
    # NFKC makes 10² a 102, and 1½ an 11/2.
    **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", (f"^{digit}" for digit in range(10)), strict=True)),
    **{sign: f" {unicodedata.normalize('NFKC', sign).replace('⁄', '/')}" for sign in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"},
}
_HAS_PLAIN_FORM = re.compile(f"[{re.escape(''.join(_PLAIN))}]")
_BLOATED = re.compile("[\u3300-\u33ff\ufbea-\ufdff\U0001f200-\U0001f2ff]")
_MARKS = re.compile(rb"[^\x00]{%d,}" % (MAX_MARKS + 1))
_MANY_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_MARKS + 1}}}")  # or other signs

# Signs in a number carry its value: 3.5 is not 35, -5 is not 5, 5% is not 5. Thousands may go: 1,000 is 1000.
_ASCII_PUNCTUATION = "!-/:-@\\[-`{-~"
_PUNCTUATION = re.compile(
    rf"""
    [{_ASCII_PUNCTUATION}]                                         # which is not
    (?: (?<!\d.) | (?!\d) | (?<=,) (?=\d{{3}}(?!\d)) )        # between digits, but for a comma before thousands,
    (?! (?<=-) (?<![\w.]-) (?=\.?\d) )                       # a minus,
    (?<! \d% )                                              # a per cent,
    (?! (?<=\.) (?<!\d\.) (?=\d) )                           # or the point of .5
    """,
    re.VERBOSE,
)
_WITHOUT_ASCII_SIGNS = str.maketrans("", "", "".join(c for c in map(chr, range(33, 127)) if not c.isalnum()))
_ASCII_SIGNS = "".join(c for c in map(chr, range(127)) if not (c.isalnum() or c.isspace() or c == "_")) + "\x7f"
_DIGIT = re.compile(r"\d")
_OTHER_SIGN_IN_A_NUMBER = re.compile(r"(?<=\d)(?=[^\w\s\x00-\x7f]++\d)")
_ARTICLES = frozenset(("a", "an", "the"))

_EAST_ASIAN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # kana and Chinese characters: no spaces between words
_WORDS = rf"[^\W{_EAST_ASIAN}]+|[{_EAST_ASIAN}]"
_MARKED_WORDS = rf"(?:[^\W{_EAST_ASIAN}]|MARK)+|[{_EAST_ASIAN}]MARK*"  # MARK becomes a class of the text's marks
_SIGN = r"|[^\w\s]"
_RUNS = r"\w+|[^\w\s]+"
_MARKED_RUNS = r"(?:\w|MARK)+|(?:(?!MARK)[^\w\s])+"


def folded(text: str) -> str:
    """``text`` without regard to case (also ß and SS), Unicode's compatible forms (NFKC: ① is 1, ﬁ is fi), characters
    that show nothing, and the kind of quotes and dashes. White space stays as it is."""
    if text.isascii():
        return text.lower()
    text = _UNSEEN.sub("", text)
    if len(_BLOATED.findall(text)) > MAX_BLOATED:
        text = _BLOATED.sub("", text)
    if _MANY_MARKS.search(text):
        text = _without_heaps_of_marks(text)
    text = unicodedata.normalize("NFKC", _with_plain_signs(text)).casefold()
    return _with_plain_signs(unicodedata.normalize("NFKC", text))[:MAX_FOLDED]


def normalised(text: str, *, punctuation: bool = True, articles: bool = True) -> str:
    """``text`` folded, with single spaces. ``punctuation=False`` and ``articles=False`` take these out, in the way of
    SQuAD's evaluation; but the punctuation of a number stays."""
    return " ".join(normalised_words(text, punctuation=punctuation, articles=articles))


def normalised_words(text: str, *, punctuation: bool = True, articles: bool = True) -> list[str]:
    """The words of ``text`` as ``normalised`` leaves them."""
    text = folded(text)
    if not punctuation:
        has_numbers = _DIGIT.search(text)
        text = _PUNCTUATION.sub("", text) if has_numbers else text.translate(_WITHOUT_ASCII_SIGNS)
        if not text.isascii():
            text = _OTHER_SIGN_IN_A_NUMBER.sub(" ", text) if has_numbers else text
            signs = _signs_beyond_ascii(text)
            if len(signs) <= MAX_SIGNS and (gone := "".join(filter(_is_punctuation, signs))):
                text = re.sub(f"[{re.escape(gone)}]+", "", text)
            text = unicodedata.normalize("NFC", text)  # a mark may have come to stand after a letter
    words = text.split()
    return words if articles else [word for word in words if word not in _ARTICLES]


def words_and_signs(text: str) -> list[str]:
    """The words of a folded text and, each as a word of its own, its punctuation, symbols and the East Asian characters
    that are written without spaces."""
    if text.isascii():
        for sign in _ASCII_SIGNS:
            if sign in text:
                text = text.replace(sign, f" {sign} ")
        return text.split()  # twice as fast as a pattern
    return _cut(text, _WORDS + _SIGN, _MARKED_WORDS + _SIGN)


def words_of(text: str) -> list[str]:
    """The words of a folded text, and East Asian characters one by one; without punctuation and symbols."""
    return re.findall(r"\w+", text) if text.isascii() else _cut(text, _WORDS, _MARKED_WORDS)


def words_and_runs(text: str) -> list[str]:
    """Runs of letters and digits, and runs of other signs."""
    return _cut(text, _RUNS, _MARKED_RUNS)


def _cut(text: str, pattern: str, marked_pattern: str) -> list[str]:
    if text.isascii():
        return re.findall(pattern, text)
    signs = _signs_beyond_ascii(text)
    if len(signs) > MAX_SIGNS:
        return text.split()
    marks = "".join(sign for sign in signs if unicodedata.category(sign)[0] == "M")
    if marks:  # to re, a combining mark ends a word: it would cut Hindi to pieces
        pattern = marked_pattern.replace("MARK", f"[{marks}]")
    return re.findall(pattern, text)


def _signs_beyond_ascii(text: str) -> list[str]:
    return sorted(c for c in set(text) if c > "\x7f" and not (c.isalnum() or c.isspace()))


def _is_punctuation(sign: str) -> bool:
    # Signs of mathematics (Sm) say something.
    category = unicodedata.category(sign)
    return category[0] == "P" or category in ("Sc", "Sk", "So")


def _with_plain_signs(text: str) -> str:
    return _HAS_PLAIN_FORM.sub(lambda sign: _PLAIN[sign[0]], text)


def _without_heaps_of_marks(text: str) -> str:
    heaps = _MARKS.finditer(bytes(map(unicodedata.combining, text)))
    kept, end = [], 0
    for heap in heaps:
        kept.append(text[end : heap.start() + MAX_MARKS])
        end = heap.end()
    return "".join((*kept, text[end:]))
