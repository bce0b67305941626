"""Numbers as people and models write them, read exactly or not at all.

What is read: ``42``, ``-1,234.50``, ``.5``, ``1/2``, ``1 1/2``, ``3e8``, ``3 × 10^8``, ``5%``, ``$5``, ``5 million``,
``5 km/h``, ``x = 5``, and these in LaTeX (``\\frac12``, ``1{,}000``, ``\\$5``, ``50\\%``, ``5\\text{ cm}^2``).
Thousands are set off by a comma or an unbreakable space, in groups of exactly three digits: ``1,5`` is no number here.

What is never guessed: a percentage is its hundredth and nothing else (50% is 0.5 and 1/2, but not 50); a decimal isn't
rounded (0.33 is not 1/3); a text with more in it than one number (``5 or 6``, ``2x``, ``3 + 4``) is not read.

Nothing is ever evaluated. An expression of more than 300 characters, or with an exponent beyond ±300, is refused
before anything is computed, and every pattern takes time linear in its input.
"""

from __future__ import annotations

import re
from string import ascii_letters
from typing import NamedTuple

MAX_EXPRESSION = 300
MAX_EXPONENT = 300

# ++, *+ and ?+ never give back what they took: no input makes these patterns try twice. They are kept small, because
# a cold start compiles them.
_DIGITS = "[0-9]++(?:[,\u00a0\u2009\u202f][0-9]++)*+"
_SIGNS = re.compile("([+-])?+ *+([$€£¥₹])?+ *+(-)?+")
_FRACTION = re.compile(f"(?:({_DIGITS}) ++)?({_DIGITS}) *+/ *+({_DIGITS})")
_DECIMAL = re.compile(f"({_DIGITS})?+(?:[.]([0-9]++))?+")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]++)(?!\w|\.[0-9])| *+[×x*] *+10 *+\^ *+(?:(-?[0-9]++)|\{(-?[0-9]++)\})")
_SUFFIX = re.compile("[ \u00a0\u2009\u202f]*+(%|per cent\\b|[A-Za-z]++)")
_GROUPS = re.compile("[,\u00a0\u2009\u202f]")

_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_FACTORS = {  # numerator and denominator
    **{word: (scale, 1) for word, scale in _SCALES.items()},
    **{f"{word}s": (scale, 1) for word, scale in _SCALES.items()},
    **dict.fromkeys(("%", "percent", "per cent"), (1, 100)),
}

_UNIT_LETTERS = frozenset(f"{ascii_letters}µμΩ°")
_ONE_LETTER_UNITS = frozenset("mgshlL°")  # any other letter may be a variable, or stand for a thousand
# Words that make another number of the one before them.
_NO_UNITS = frozenset(
    (
        *("or", "and", "to", "not", "plus", "minus", "times", "over", "point", "squared", "cubed", "factorial"),
        *("half", "halves", "third", "fourth", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
        *("thirds", "fourths", "quarters", "fifths", "sixths", "sevenths", "eighths", "ninths", "tenths"),
        *("lakh", "crore", "bn", "mn", "mil", "pi", "tau", "sqrt", "log", "ln", "sin", "cos", "tan", "mod", "inf"),
    )
)
_NO_UNIT_BEGINS_SO = (*_SCALES, "percent")  # thousandths, percentage
_UNIT_NAMES = {
    "$": "dollar", "dollars": "dollar", "usd": "dollar", "€": "euro", "euros": "euro", "eur": "euro",
    "£": "pound", "pounds": "pound", "gbp": "pound", "¥": "yen", "jpy": "yen", "₹": "rupee", "rupees": "rupee",
    "inr": "rupee", "degree": "°", "degrees": "°",
}  # fmt: skip

_DECORATION = "*_` "
_VARIABLE = re.compile("[A-Za-z] ?= ?")
_LETTERS = re.compile("[A-Za-z]++")

# What shows that a number at the start of a text is only a part of something.
_GOES_ON = re.compile(
    r"""
      [\w^(\\]
    | [.,:/][0-9]
    | [ ]*+[-+*/×·÷^=<>±][ ]*+(?:\.?[0-9]|[($\\])
    | [ ]*+\*\*[ ]*+-?\.?[0-9]        # a power, not the end of something bold
    | [ ]++(?:(?:or|and|to|plus|minus|times)[ ]++)?+[-$€£]?[0-9]
    """,
    re.VERBOSE,
)

_MINUS_SIGNS = str.maketrans("−－﹣–", "----")
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\{([^{}]*+)\}")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac(?:\{(-?[0-9,]++)\}\{([0-9,]++)\}|([0-9])([0-9]))")
_LATEX_PLAIN = {
    r"\left": "", r"\right": "", r"\(": "", r"\)": "", r"\[": "", r"\]": "", r"\!": "", r"\,": "\u2009", r"\;": " ",
    r"\:": " ", "\\ ": " ", r"\$": "$", r"\%": "%", "{,}": ",", r"\times": "×", r"\cdot": "×", r"^\circ": "°",
    r"^{\circ}": "°",
}  # fmt: skip


class Quantity(NamedTuple):
    """A number, exactly, as ``numerator / denominator`` (above 0, not reduced), and its unit, "" where none is stated.

    A NamedTuple of two integers rather than a dataclass with a Fraction: these two cost a cold start 6 ms.
    """

    numerator: int
    denominator: int = 1
    unit: str = ""

    def equals(self, other: Quantity) -> bool:
        """The same number, and no contradiction of units: $5 is 5 and 5 dollars, but 5 km isn't 5 m."""
        same_number = self.numerator * other.denominator == other.numerator * self.denominator
        return same_number and (not self.unit or not other.unit or _same_unit(self.unit, other.unit))


def parse_quantity(text: str) -> Quantity | None:
    """The number that ``text`` is, with or without a unit, or None: it is something else, or too long."""
    if len(text) > MAX_EXPRESSION:
        return None
    text = _plain(text).strip(_DECORATION).removesuffix(".").rstrip(_DECORATION)
    if len(text) > 2 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    if variable := _VARIABLE.match(text):
        text = text[variable.end() :]
    read = _read_number(text)
    if read is None:
        return None
    number, end = read
    rest = text[end:].strip()
    if not rest:
        return number
    unit = _unit(rest)
    if unit is None:
        return None
    return number._replace(unit=unit if number.unit in ("", unit) else f"{number.unit} {unit}")


def leading_quantity(text: str) -> Quantity | None:
    """The number that ``text`` begins with, where what follows is only words: ``5 apples, as he ate 2`` is 5.

    At most 300 characters are looked at. None where there is no number, or where it is a part of an expression.
    """
    is_cut = len(text) > MAX_EXPRESSION
    text = _plain(text[:MAX_EXPRESSION]).lstrip(f"{_DECORATION}:=")
    closing = text.find("$", 1) if text.startswith("$") else -1
    if closing > 1 and not text[closing - 1].isspace() and (inner := parse_quantity(text[1:closing])):
        return inner
    read = _read_number(text)
    if read is None:
        return None
    number, end = read
    if is_cut and end == len(text):
        return None
    if attached := _LETTERS.match(text, end):
        if _unit(attached[0]) is None:
            return None
        end = attached.end()
    return None if _GOES_ON.match(text, end) else number


def quantity_of(value: float) -> Quantity | None:
    """A JSON number as it was written, so 0.1 is a tenth; None if it isn't finite or is out of all proportion."""
    if isinstance(value, int):
        return Quantity(value) if abs(value) < 10**MAX_EXPONENT else None
    return parse_quantity(repr(value))


def _read_number(text: str) -> tuple[Quantity, int] | None:
    """The number at the start of ``text``, with its sign, currency and factor, and where it ends."""
    signs = _SIGNS.match(text)
    assert signs  # it matches nothing, too
    sign, currency, inner_sign = signs.groups()
    read = _magnitude(text, signs.end())
    if read is None or (sign and inner_sign):
        return None
    numerator, denominator, end = read
    if (suffix := _SUFFIX.match(text, end)) and (factor := _FACTORS.get(suffix[1].lower())):
        numerator, denominator, end = numerator * factor[0], denominator * factor[1], suffix.end()
    if sign == "-" or inner_sign:
        numerator = -numerator
    return Quantity(numerator, denominator, _UNIT_NAMES[currency] if currency else ""), end


def _magnitude(text: str, start: int) -> tuple[int, int, int] | None:
    """Numerator, denominator and end of the unsigned number at ``start``."""
    if "/" in text and (fraction := _FRACTION.match(text, start)):
        whole, over, under = (_integer(digits or "0") for digits in fraction.groups())
        if whole is None or over is None or not under or (fraction[1] and over >= under):
            return None
        return whole * under + over, under, fraction.end()
    decimal = _DECIMAL.match(text, start)
    units = _integer(decimal[1] or "0") if decimal and decimal.end() > start else None
    if decimal is None or units is None:
        return None
    decimals = decimal[2] or ""
    numerator, denominator = int(f"{units}{decimals}"), 10 ** len(decimals)
    exponent = _EXPONENT.match(text, decimal.end())
    if not exponent:
        return numerator, denominator, decimal.end()
    digits = exponent[1] or exponent[2] or exponent[3]
    power = int(digits) if len(digits) <= 8 else MAX_EXPONENT + 1
    if abs(power) > MAX_EXPONENT:
        return None
    return numerator * 10 ** max(power, 0), denominator * 10 ** max(-power, 0), exponent.end()


def _integer(digits: str) -> int | None:
    if digits.isdigit():
        return int(digits)
    first, *groups = _GROUPS.split(digits)
    return int(first + "".join(groups)) if len(first) <= 3 and all(len(group) == 3 for group in groups) else None


def _unit(text: str) -> str | None:
    """The unit that ``text`` names, in one form for all its names; None if it isn't one, as far as one can tell."""
    if name := _UNIT_NAMES.get(text.lower()):
        return name
    words = [word.rstrip("²³23^{}") for word in text.replace("/", " ").replace("·", " ").replace("-", " ").split()]
    if text[0] not in _UNIT_LETTERS or len(words) > 4 or not all(map(_is_unit_word, words)):
        return None
    return text.lower() if len(text) > 3 else text  # short units differ by case (mW and MW), words don't


def _is_unit_word(word: str) -> bool:
    if not word or not _UNIT_LETTERS.issuperset(word) or (len(word) == 1 and word not in _ONE_LETTER_UNITS):
        return False
    lower = word.lower()
    return lower not in _NO_UNITS and not lower.startswith(_NO_UNIT_BEGINS_SO)


def _same_unit(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long in (short, f"{short}s", f"{short}es")


def _plain(text: str) -> str:
    """``text`` with the LaTeX and the typography of numbers written as plain characters."""
    text = text.strip()
    if not text.isascii():
        text = text.translate(_MINUS_SIGNS)
    if "\\" in text or "{" in text:
        text = _LATEX_TEXT.sub(r" \1", text)
        text = _LATEX_FRACTION.sub(lambda m: f" {m[1] or m[3]}/{m[2] or m[4]}", text)
        for latex, plain in _LATEX_PLAIN.items():
            text = text.replace(latex, plain)
        text = text.strip()
    return text
