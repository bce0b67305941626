"""The final answer in a worked solution, and the one in a reference.

A solution is searched in this order, and the first of these that is there is its final answer:

1. the last ``\\boxed{...}`` or ``#### ...``, whichever comes later (``####`` before words is a Markdown heading);
2. the number right after the last ``the answer is`` (or ``answer:``, ``answer =``);
3. the last word with a digit in it.

So an answer commits to one number: ``5 or 6`` is none. A marker whose content can't be read is a wrong answer, not a
reason to look on.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rft.grading.errors import BadSample
from rft.grading.numbers import MAX_EXPRESSION, Quantity, leading_quantity, parse_quantity, quantity_of

MAX_SEARCHED = 65_536  # characters from the end; the longest answers of Nova have about half as many
MAX_MARKERS_TRIED = 20

_BOXED = re.compile(r"\\boxed[ ]*+\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BEGINS_AS_NUMBER = re.compile(r"[^\w\n()\[\]]{0,6}+[0-9]|[^\w\n]{0,6}+[dt]?frac")
_NUMBERED_HEADING = re.compile(r"[0-9]++[.):] ++[A-Za-z]")
_ANSWER_IS = re.compile(r"answer[ \t]*+(?:is|equals|:|=)", re.IGNORECASE)
_NEGATED = re.compile(r"(?:n['’]t|[ \t*_]*+not)\b", re.IGNORECASE)
_DIGIT = re.compile("[0-9]")
_WORD = re.compile(r"[^ \t\r\n]+")
_TAG = re.compile("</?[A-Za-z]{1,20}>")  # sets apart what is in it: <think>7 * 12 = 84</think><answer>84</answer>
_AROUND_A_NUMBER = "*_`\"'()[]{},;:!?"


class FinalAnswer(NamedTuple):
    """``quantity`` is None where no number could be read. ``marked``: a marker or phrase named the final answer."""

    quantity: Quantity | None
    marked: bool


def final_answer(text: str) -> FinalAnswer:
    """The number that a solution commits to. Only the last 65,536 characters are searched."""
    if len(text) > MAX_SEARCHED:
        text = "".join(text[-MAX_SEARCHED:].split(maxsplit=1)[1:])  # without the word that is cut in two
    return _marked(text) or _phrased(text) or FinalAnswer(_last_number(text), marked=False)


def solution_in(reference: object) -> object:
    """What a reference answer gives as the solution: of an object its ``final_answer`` or ``answer``, None where it has
    neither; anything else is the solution itself."""
    if isinstance(reference, dict):
        return next((reference[key] for key in ("final_answer", "answer") if key in reference), None)
    return reference


def reference_quantity(reference: object) -> Quantity:
    """The number in a reference answer: a number, a string that is one, a solution that marks its final answer, or
    an object that holds one of these under ``final_answer`` or ``answer``.

    Raises BadSample if there is none: a reference is never guessed from the last number in its text.
    """
    reference = solution_in(reference)
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
                content = braced(text, opened.end())
                return FinalAnswer(parse_quantity(content), marked=True)
        else:
            line = line_at(text, hashes + 4).rstrip("# ")
            if _NUMBERED_HEADING.match(line):
                continue
            quantity = parse_quantity(line) or leading_quantity(line)
            if quantity or _BEGINS_AS_NUMBER.match(line):
                return FinalAnswer(quantity, marked=True)
    return None


def braced(text: str, start: int) -> str:
    """The content of a brace that was opened right before ``start``, "" if it isn't closed within what can be read."""
    depth = 1
    for brace in _BRACE.finditer(text, start, start + MAX_EXPRESSION + 1):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start : brace.start()]
    return ""


def line_at(text: str, start: int) -> str:
    """What is left of a line from ``start``, without white space around it."""
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)].strip()


def _phrased(text: str) -> FinalAnswer | None:
    if "nswer" not in text and "NSWER" not in text:  # ten times faster than the pattern
        return None
    ends = [phrase.end() for phrase in _ANSWER_IS.finditer(text)]
    if not ends:
        return None
    sentence = line_at(text, ends[-1])
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
    words = _WORD.findall(_TAG.sub(" ; ", window) if "<" in window else window)
    at = next(i for i in range(len(words) - 1, -1, -1) if _DIGIT.search(words[i]))
    raw = words[at].rpartition("=")[2].lstrip(_AROUND_A_NUMBER)
    word = raw.rstrip(_AROUND_A_NUMBER)
    word += "}" * (word.count("{") - word.count("}"))  # those of \frac{1}{2} and 10^{2} are a part of it
    if _is_one_of_several(words, at):
        return None
    before = words[at - 1] if at and "=" not in words[at] else ""
    if before[-1:].isdigit():
        return parse_quantity(f"{before} {word}")  # a mixed number, or nothing: 1 000 isn't 0
    if before in ("-", "−", "–") or parse_quantity(word) is None:
        return None
    return leading_quantity(" ".join((raw, *words[at + 1 : at + 3])))  # million or per cent may follow


def _is_one_of_several(words: list[str], at: int) -> bool:
    """Whether another number stands before with an "or": ``5 or 6``, ``5, or maybe 6``."""
    nearby = range(max(1, at - 2), at)
    return any(words[i].lower() == "or" and _DIGIT.search(words[i - 1]) for i in nearby)
