"""The expression that a solution commits to, and the one in a reference answer.

An expression is looked for in an answer's last ``\\boxed{...}`` or ``#### ...``, whichever comes later, else after its
last ``the answer is``. It isn't guessed from anything else. ``x = ...`` before it is left out, as is the dress of LaTeX
around it.
"""

from __future__ import annotations

import re

from rft.grading.errors import BadSample
from rft.grading.final_answer import MAX_SEARCHED, braced, line_at, solution_in
from rft.grading.numbers import MAX_EXPRESSION

_BOXED = re.compile(r"\\boxed[ ]*+\{")
_ANSWER_IS = re.compile(r"answer[ \t]*+(?:is|equals|:|=)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z](?:_\{?[A-Za-z0-9]++\}?)?(?:\([A-Za-z]\))? *+=(?![=>])")
_AROUND = "*_` \t\r\n:,;"
_PLAIN = {
    "π": r"\pi ", "∞": r"\infty ", "·": r"\cdot ", "×": r"\times ", "≤": r"\le ", "≥": r"\ge ", "−": "-", "√": r"\sqrt",
    r"\left": "", r"\right": "", r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\!": "", r"\,": " ", "**": "^",
}  # fmt: skip
_PI = re.compile(r"(?<![A-Za-z\\])pi(?![A-Za-z])")
_ROOT_OF_ONE = re.compile(r"\\sqrt ?([0-9A-Za-z])")
_SYMBOL = re.compile(r"[A-Za-z\\]")


def final_expression(text: str) -> str | None:
    """The marked final expression of a solution, None where there is none or it's longer than 300 characters."""
    text = text[-MAX_SEARCHED:]
    boxed, hashes = text.rfind("\\boxed"), text.rfind("####")
    found = None
    if boxed > hashes:
        opened = _BOXED.match(text, boxed)
        found = braced(text, opened.end()) if opened else None
    elif hashes >= 0:
        found = line_at(text, hashes + 4).strip("# ")
    elif ends := [phrase.end() for phrase in _ANSWER_IS.finditer(text)]:
        found = line_at(text, ends[-1])
    if found is None or len(found) > MAX_EXPRESSION:
        return None
    return plain(found) or None


def reference_expression(reference: object) -> str:
    """The expression in a reference: a number, a string that is one, a solution that marks it, or an object that holds
    one of these under ``final_answer`` or ``answer``. Raises BadSample if there is none."""
    reference = solution_in(reference)
    if isinstance(reference, int | float) and not isinstance(reference, bool):
        reference = repr(reference)
    if isinstance(reference, str):
        if "\\boxed" in reference or "####" in reference:
            expression = final_expression(reference)
        else:
            expression = plain(reference) if len(reference) <= MAX_EXPRESSION else None
        if expression:
            return expression
    raise BadSample(
        f"reference_answer must be an expression of at most {MAX_EXPRESSION} characters, a solution that ends in "
        "\\boxed{} or #### and one, or an object with one of these under final_answer or answer"
    )


def comparable(expected: str, given: str) -> bool:
    """Whether the two may be compared by their symbols.

    There must be letters or commands of LaTeX: numbers alone are read exactly or not at all. A per cent sign
    isn't left to guesses, and an answer that is an equation is none to a question whose answer isn't.
    """
    if "%" in expected or "%" in given:
        return False
    if "=" in given and "=" not in expected:
        return False
    return bool(_SYMBOL.search(expected) or _SYMBOL.search(given))


def plain(expression: str) -> str:
    """An expression without the dollars and names before it, and with the signs of typography as LaTeX."""
    text = expression.strip(_AROUND).removesuffix(".")
    for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening + closing):
            text = text[len(opening) : -len(closing)].strip(_AROUND).removesuffix(".")
    if name := _NAME.match(text):
        text = text[name.end() :].strip()
    for sign, latex in _PLAIN.items():
        text = text.replace(sign, latex)
    text = _ROOT_OF_ONE.sub(r"\\sqrt{\1}", _PI.sub(r"\\pi ", text))
    return text.strip()
