"""The final answer in a worked solution, and the one in a reference.

A solution is searched in this order, and the first of these that is there is its final answer:

1. the last ``\\boxed{...}`` or ``#### ...``, whichever comes later (``####`` before words is a Markdown heading);
2. the number right after the last ``the answer is`` (or ``answer:``, ``answer =``);
3. the last word with a digit in it.

So an answer commits to one number. A marker whose content can't be read is a wrong answer, not a reason to look on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rft.grading.errors import BadSample
from rft.grading.numbers import MAX_EXPRESSION, Quantity, leading_quantity, parse_quantity, quantity_of

MAX_SEARCHED = 65_536  # characters from the end; the longest answers of Nova have about half as many
MAX_MARKERS_TRIED = 20

_BOXED = re.compile(r"\\boxed[ ]*+\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BEGINS_AS_NUMBER = re.compile(r"[*_`:= ]*+[-+−]?+[ ]?+\\?[$€£¥₹]?+[ ]?+(?:[-.]?[0-9]|\\[dt]?frac)")
_ANSWER_IS = re.compile(r"answer[ \t]*+(?:is|equals|:|=)", re.IGNORECASE)
_NEGATED = re.compile(r"[ \t*_]*+not\b", re.IGNORECASE)
_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"[^ \t\r\n]+")
_AROUND_A_NUMBER = "*_`\"'()[]{},;:!?"


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """``quantity`` is None where no number could be read. ``marked``: a marker or phrase named the final answer."""

    quantity: Quantity | None
    marked: bool


def final_answer(text: str) -> FinalAnswer:
    """The number that a solution commits to. Only the last 65,536 characters are searched."""
    if len(text) > MAX_SEARCHED:
        text = "".join(text[-MAX_SEARCHED:].split(maxsplit=1)[1:])  # without the word that is cut in two
    return _marked(text) or _phrased(text) or FinalAnswer(_last_number(text), marked=False)


def reference_quantity(reference: object) -> Quantity:
    """The number in a reference answer: a number, a string that is one, a solution that marks its final answer, or
    an object that holds one of these under ``final_answer`` or ``answer``.

    Raises BadSample if there is none: a reference is never guessed from the last number in its text.
    """
    if isinstance(reference, dict):
        reference = next((reference[key] for key in ("final_answer", "answer") if key in reference), None)
    quantity = None
    if isinstance(reference, str):
        quantity = parse_quantity(reference)
        if quantity is None:
            found = _marked(reference) or _phrased(reference)
            quantity = found.quantity if found else None
    elif isinstance(reference, int | float) and not isinstance(reference, bool):
        quantity = quantity_of(reference)
    if quantity is None:
        raise BadSample(
            "reference_answer must be a number, a string with one, a solution that ends in #### and one, "
            "or an object with one of these under final_answer or answer"
        )
    return quantity


def _marked(text: str) -> FinalAnswer | None:
    end = len(text)
    for _ in range(MAX_MARKERS_TRIED):
        boxed, hashes = text.rfind("\\boxed", 0, end), text.rfind("####", 0, end)
        end = max(boxed, hashes)
        if end < 0:
            return None
        if boxed == end:
            if opened := _BOXED.match(text, boxed):
                content = _braced(text, opened.end())
                return FinalAnswer(parse_quantity(content), marked=True)
        else:
            line = text[hashes + 4 : hashes + 4 + MAX_EXPRESSION].lstrip(" \t").partition("\n")[0].rstrip("# \t\r")
            quantity = parse_quantity(line) or leading_quantity(line)
            if quantity or _BEGINS_AS_NUMBER.match(line):
                return FinalAnswer(quantity, marked=True)
    return None


def _braced(text: str, start: int) -> str:
    """The content of a brace that was opened right before ``start``, "" if it isn't closed within what can be read."""
    depth = 1
    for brace in _BRACE.finditer(text, start, start + MAX_EXPRESSION + 1):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start : brace.start()]
    return ""


def _phrased(text: str) -> FinalAnswer | None:
    ends = [phrase.end() for phrase in _ANSWER_IS.finditer(text)]
    if not ends:
        return None
    sentence = text[ends[-1] : ends[-1] + MAX_EXPRESSION].lstrip().partition("\n")[0]
    if _NEGATED.match(sentence):
        return FinalAnswer(None, marked=True)
    quantity = parse_quantity(sentence) or leading_quantity(sentence)
    return FinalAnswer(quantity, marked=True) if quantity or _BEGINS_AS_NUMBER.match(sentence) else None


def _last_number(text: str) -> Quantity | None:
    after = _DIGIT.search(text[::-1])
    if after is None:
        return None
    end = len(text) - after.start()
    # One character more than can be read: a word that is cut off here is too long to be taken for its tail.
    window = text[max(0, end - MAX_EXPRESSION - 1) : end + MAX_EXPRESSION]
    words = _WORD.findall(window)
    at = max(i for i, word in enumerate(words) if _DIGIT.search(word))
    word = words[at].rpartition("=")[2].strip(_AROUND_A_NUMBER)
    before = words[at - 1] if at and "=" not in words[at] else ""
    after_it = words[at + 1].strip(_AROUND_A_NUMBER) if at + 1 < len(words) else ""
    if before[-1:].isdigit():
        return parse_quantity(f"{before} {word}")  # a mixed number, or nothing: 1 000 isn't 0
    if before in ("-", "−", "–"):
        return None
    alone, together = parse_quantity(word), parse_quantity(f"{word} {after_it}")
    if alone and together and together.value != alone.value:  # 5 percent, 5 million
        return together
    return alone
