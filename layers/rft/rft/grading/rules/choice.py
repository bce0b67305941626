"""The option of a multiple-choice question that an answer settles on.

An answer settles on an option by a statement, and its last statement counts. A statement is

- a phrase: ``the answer is (B)``, ``Answer: B``, ``the correct option is B``, ``I choose B``, ``B is correct``;
- a mark: ``\\boxed{B}``, ``#### B``, ``<answer>B</answer>``;
- a last line that is an option and nothing else: ``B``, ``(B)``, ``B) Rome``, ``Rome``.

An option is named by its letter, by its text, or by both where they agree. A statement that names several (``B or C``,
``both A and B``), none (``none of these``), or takes one back (``the answer is not B``) settles on nothing, and so does
an answer that only mentions options: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from rft.grading.errors import BadSample
from rft.grading.rules.limits import MAX_OTHER_TEXT, RuleInvalid
from rft.grading.rules.texts import folded, normalised

MAX_SEARCHED = MAX_OTHER_TEXT  # characters from the end: that is where an answer settles
MAX_STATEMENTS_TRIED = 10  # of each form, from the end; what is no statement after all is passed over
MAX_STATEMENT = 600  # characters of a statement that are read
MAX_OPTIONS = 26
MAX_OPTION = 500  # characters

# Where a statement may begin, in lower case, and what must follow there.
_NOUNS = ("answer", "choice", "option", "response", "solution")
_VERBS = ("choose", "pick", "select", "go with")
_MARKS = ("\\boxed{", "\\boxed {", "####", "<answer>")
_AFTER_NOUN = re.compile(r"[ \t*_]*+(?:\b(?:is|are|would be|must be|should be)\b|[:=])")
_BEFORE_VERB = re.compile(r"(?:\b(?:i|we|i'd|i'll)|\bwould) $")

# "B is correct": found by its verb.
_RIGHT_VERBS = (" is ", " must be ")
_BEFORE_RIGHT = re.compile(r"(?<![A-Za-z0-9])([A-Z])[)\]*_.:]{0,5}$")
_RIGHT = re.compile(
    r"(?:indeed |clearly |therefore )?(?:the )?(?:only |best |most )?(?:correct|right|appropriate|answer\b)(?! if\b)"
)
_OF_SEVERAL = re.compile(r"(?:\b(?:or|and|not|if|whether)|[/,])[ ]*+[(*_]*+$", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:[ \t:=*_$`\"'{]|\\(?:text|textbf|mathrm|mathbf)\b"
    r"|(?:most likely|clearly|therefore|thus|then|indeed|simply|probably|option|choice|letter|answer)\b)*+",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[]*+([A-Za-z])([)\]}*_`$\"'.:,;!]*+)(?=[ \t\n]|$|[-/&+]|<)")
_ANOTHER = re.compile(
    r"[ \t]*+(?:,|/|&|\+|;)?[ \t]*+"
    r"(?:\(?(?:or|and|and/or|either|maybe|perhaps|possibly|also|even|else|alternatively)\b[ ,]*+)*+"
    r"(?:option|choice|letter)?[ \t*_]*+[(\[]*+([A-Z])(?![A-Za-z0-9'])"
)
_CONJUNCTION = re.compile(r"[ \t]*+(?:[,/&+;]|(?:or|and)\b)")
_SEVERAL = re.compile(r"(?:either|both|all|any|neither|none|not|n't)\b", re.IGNORECASE)
_LINE_END = re.compile(r"\n|</answer>", re.IGNORECASE)
_WIDE = str.maketrans({code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)})  # full-width ASCII
_AROUND = " \t*_`\"'$.,;:!()[]{}<>"


class _Options(NamedTuple):
    letters: str
    texts: tuple[str, ...]  # normalised, in the order of the letters; empty where only letters are known


def multiple_choice(answer: str, correct: str, options: Sequence[str] | Mapping[str, str] | int = 4) -> float:
    """1 if the answer settles on the correct option, else 0.

    ``options`` are the texts in order (A, B, C, ...), the texts by letter, or only how many there are; 26 at most.
    ``correct`` is the letter or the text of one. Raises RuleInvalid for options that can't be told apart, and BadSample
    if ``correct`` is none of them.
    """
    known = _read(options)
    expected = correct.strip(_AROUND).upper()
    if expected not in known.letters or len(expected) != 1:
        text = _bare(correct[:MAX_OPTION])
        if not text or text not in known.texts:
            raise BadSample("the correct option is neither the letter nor the text of one of the options")
        expected = known.letters[known.texts.index(text)]
    return float(_settled(answer, known) == expected)


def settled_choice(answer: str, options: Sequence[str] | Mapping[str, str] | int = 4) -> str | None:
    """The letter of the option that an answer settles on; None if it settles on none. Raises RuleInvalid."""
    return _settled(answer, _read(options))


def _read(options: Sequence[str] | Mapping[str, str] | int) -> _Options:
    if isinstance(options, int) and not isinstance(options, bool) and 2 <= options <= MAX_OPTIONS:
        return _Options("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:options], ())
    if isinstance(options, Sequence) and not isinstance(options, str) and len(options) <= MAX_OPTIONS:
        options = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", options, strict=False))
    if isinstance(options, Mapping) and all(isinstance(part, str) for option in options.items() for part in option):
        return _lettered(tuple(options.items()))
    raise RuleInvalid("options must be 2 to 26 texts, texts by their letters, or the number of options")


@lru_cache(maxsize=64)
def _lettered(options: tuple[tuple[str, str], ...]) -> _Options:
    if not 2 <= len(options) <= MAX_OPTIONS:
        raise RuleInvalid(f"a question has 2 to {MAX_OPTIONS} options")
    for letter, text in options:
        if not (len(letter) == 1 and "A" <= letter.upper() <= "Z"):
            raise RuleInvalid("options are named by one letter each, A to Z")
        if not (text.strip() and len(text) <= MAX_OPTION):
            raise RuleInvalid(f"an option is a text, not blank, of at most {MAX_OPTION} characters")
    letters = "".join(letter for letter, _ in options).upper()
    texts = tuple(_bare(text) for _, text in options)
    if len(set(letters)) < len(letters) or len(set(texts)) < len(texts):
        raise RuleInvalid("two options have the same letter or the same text")
    return _Options(letters, texts)


def _bare(text: str) -> str:
    text = normalised(text)
    return text.strip(_AROUND) or text


def _settled(answer: str, options: _Options) -> str | None:
    text = answer[-MAX_SEARCHED:].strip()
    if not text.isascii():
        text = text.translate(_WIDE)
    before, _, last = text.rpartition("\n")
    if (letter := _whole(last.strip(), options)) is not None:
        line_before = _whole(before.rpartition("\n")[2].strip(), options)
        return letter if line_before in (None, letter) and letter else None  # else it's a list of options
    claims = _claims(text, options)
    last_claim = max((place for place, _ in claims), default=-1)
    for place, end in sorted(_phrases(text), reverse=True):
        if place < last_claim:
            break
        if (letter := _stated(text[end : end + MAX_STATEMENT], options)) is not None:
            return letter or None
    return max(claims)[1] if claims else None


def _phrases(text: str) -> Iterator[tuple[int, int]]:
    """Where statements begin, and where what they say does."""
    lower = text.replace("İ", "I").lower()  # the one character that becomes two, which would shift the places
    for noun in _NOUNS:
        for place in _last_places(lower, noun):
            if after := _AFTER_NOUN.match(lower, place + len(noun)):
                yield place, after.end()
    for verb in _VERBS:
        for place in _last_places(lower, verb):
            if _BEFORE_VERB.search(lower[max(0, place - 8) : place]):
                yield place, place + len(verb)
    for mark in _MARKS:
        for place in _last_places(lower, mark):
            yield place, place + len(mark)


def _claims(text: str, options: _Options) -> list[tuple[int, str | None]]:
    """Where an option is said to be right, and its letter; None where it's one of several."""
    claims: list[tuple[int, str | None]] = []
    for verb in _RIGHT_VERBS:
        for place in _last_places(text, verb):
            before = text[max(0, place - 30) : place]
            found = _BEFORE_RIGHT.search(before)
            if found and found[1] in options.letters and _RIGHT.match(text, place + len(verb)):
                is_alone = not _OF_SEVERAL.search(before[: found.start()].rstrip("*_(["))
                claims.append((place, found[1] if is_alone else None))
    return claims


def _last_places(text: str, part: str) -> Iterator[int]:
    end = len(text)
    for _ in range(MAX_STATEMENTS_TRIED):
        end = text.rfind(part, 0, end)
        if end < 0:
            return
        yield end


def _whole(line: str, options: _Options) -> str | None:
    """The letter of the option that a line is, "" if it is several or a wrong pair, None if it is something else."""
    if not line or len(line) > MAX_OPTION + 20:
        return None
    text = _bare(line)
    if text in options.texts:
        return options.letters[options.texts.index(text)]
    filler = _FILLER.match(line)
    found = _LETTER.match(line, filler.end() if filler else 0)
    if not found or found[1].upper() not in options.letters:
        return None
    rest = line[found.end() :].strip(f"{_AROUND}-")
    if rest and _ANOTHER.match(line, found.end()) and _only_letters(rest):
        return ""
    return _with_text(found, rest, options) if rest else found[1].upper()


def _with_text(found: re.Match[str], rest: str, options: _Options) -> str | None:
    """What a line is that begins with a letter and goes on with a text."""
    letter = found[1].upper()
    sets_off = set(found[2]) & set(")].:") or found.string[found.end() :].lstrip().startswith("-")
    if not options.texts:
        return letter if sets_off else None
    text = _bare(rest)
    if text in options.texts and sets_off:
        return letter if options.letters[options.texts.index(text)] == letter else ""
    return None


def _only_letters(text: str) -> bool:
    return all(len(word.strip(_AROUND)) <= 1 or word in ("or", "and", "and/or") for word in text.split())


def _stated(text: str, options: _Options) -> str | None:
    """What a statement says after its phrase: a letter, "" for none or several, None if it is no statement."""
    cut = _LINE_END.search(text.lstrip(" \t:*_\n"))
    lead = len(text) - len(text.lstrip(" \t:*_\n"))
    line = text[: lead + cut.start()] if cut else text
    filler = _FILLER.match(line, lead)
    start = filler.end() if filler else lead
    if (named := _named(line[start:], options)) is not None:
        return named
    if _SEVERAL.match(line, start):
        return ""
    found = _LETTER.match(line, start)
    if not found or found[1].upper() not in options.letters:
        return None
    letter, after = found[1].upper(), line[found.end() :]
    if found[1].islower() and not _is_set_off(line, found):
        return None  # an article, or the like
    another = _ANOTHER.match(line, found.end() - (1 if found[2].endswith((",", ";")) else 0))
    if another and another[1] in options.letters and (another[1] != "I" or not after.lstrip(" ,").startswith("I ")):
        return ""
    rest = after.strip(f"{_AROUND}-")
    named = _named(rest, options) if rest else None
    return "" if named is not None and named != letter and (found[2] or after.lstrip().startswith("-")) else letter


def _is_set_off(line: str, letter: re.Match[str]) -> bool:
    return bool(letter[0][:1] in "([" or set(letter[2]) & set(")]}*_`\"'.:$") or not line[letter.end() :].strip())


def _named(text: str, options: _Options) -> str | None:
    """The letter of the option whose text a text begins with, the longest one; "" if another is named right after."""
    if not options.texts:
        return None
    given = folded(text).lstrip(_AROUND)
    given = " ".join(given.split())
    begun = [
        name for name in options.texts if given.startswith(name) and not given[len(name) : len(name) + 1].isalnum()
    ]
    if not begun:
        return None
    name = max(begun, key=len)
    rest = given[len(name) :]
    if conjunction := _CONJUNCTION.match(rest):
        after = rest[conjunction.end() :].lstrip(f"{_AROUND}or and")
        if any(after.startswith(other) for other in options.texts if other != name and other not in name):
            return ""
    return options.letters[options.texts.index(name)]
