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
from dataclasses import dataclass
from fractions import Fraction

MAX_EXPRESSION = 300
MAX_EXPONENT = 300

# ++ and (?>...) never give back what they took: no input makes these patterns try twice.
_DIGITS = "(?>[0-9]{1,3}(?:[,\u00a0\u2009\u202f][0-9]{3})++(?![0-9])|[0-9]++)"
_NUMBER = re.compile(
    rf"""
    (?P<sign>[+-])?+ [ ]*+ (?P<currency>[$€£¥₹])?+ [ ]*+ (?P<inner_sign>-)?+
    (?:
        (?:(?P<whole>{_DIGITS})[ ]++)? (?P<over>{_DIGITS}) [ ]*+/[ ]*+ (?P<under>{_DIGITS})
      |
        (?:(?P<units>{_DIGITS})(?:\.(?P<decimals>[0-9]++))?+ | \.(?P<only_decimals>[0-9]++))
        (?:
            e(?P<exponent>[+-]?[0-9]++)(?!\w|\.[0-9])
          | [ ]*+[×x*][ ]*+10[ ]*+\^[ ]*+(?:(?P<power>-?[0-9]++)|\{{(?P<braced_power>-?[0-9]++)\}})
        )?+
    )
    (?:[ ]*+(?:(?P<percent>%|per[ ]?cent\b)|(?P<scale>hundred|thousand|million|billion|trillion|dozen)s?\b))?+
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}

_WORD = r"[A-Za-zµμΩ]++(?:\^?[23]|\^\{[23]\}|[²³])?+"
_UNIT = re.compile(rf"{_WORD}(?:(?:[ ]?[/·-][ ]?|[ ]){_WORD}){{0,3}}+|°[CF]?|[$€£¥₹]")
_LETTERS = re.compile(r"[A-Za-zµμΩ]++")
_ONE_LETTER_UNITS = frozenset("mgshlL")  # any other letter may be a variable, or stand for a thousand
# Words that make another number of the one before them.
_NO_UNITS = re.compile(
    r"""or|and|to|not|plus|minus|times|over|point|squared|cubed|factorial|percent.*|lakh|crore|bn|mn|mil
    |(?:hundred|thousand|million|billion|trillion|dozen).*|half|halves
    |(?:third|quarter|fourth|fifth|sixth|seventh|eighth|ninth|tenth)s?
    |pi|tau|sqrt|log|ln|sin|cos|tan|mod|inf""",
    re.VERBOSE | re.IGNORECASE,
)
_UNIT_NAMES = {
    "$": "dollar", "dollars": "dollar", "usd": "dollar", "€": "euro", "euros": "euro", "eur": "euro",
    "£": "pound", "pounds": "pound", "gbp": "pound", "¥": "yen", "jpy": "yen", "₹": "rupee", "rupees": "rupee",
    "inr": "rupee", "degree": "°", "degrees": "°",
}  # fmt: skip

_VARIABLE = re.compile("[A-Za-z] ?= ?")

# What shows that a number at the start of a text is only a part of something.
_GOES_ON = re.compile(
    r"""
      [\w^(\\]
    | [.,:/][0-9]
    | [ ]*+[-+*/×·÷^=<>±][ ]*+[0-9($.\\]
    | [ ]++(?:(?:or|and|to|plus|minus|times)[ ]++)?+[-$€£]?[0-9]
    """,
    re.VERBOSE,
)

_MINUS_SIGNS = str.maketrans("−－﹣–", "----")
_SEPARATORS = str.maketrans("", "", ",\u00a0\u2009\u202f")
_SPACE_NOT_IN_NUMBER = re.compile("[\u00a0\u2009\u202f](?![0-9]{3}(?![0-9]))")
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox)\{([^{}]*+)\}")
_LATEX_FRACTION = re.compile(r"\\[dt]?frac(?:\{(-?[0-9,]++)\}\{([0-9,]++)\}|([0-9])([0-9]))")
_LATEX_PLAIN = {
    r"\left": "", r"\right": "", r"\(": "", r"\)": "", r"\[": "", r"\]": "", r"\!": "", r"\,": "\u2009", r"\;": " ",
    r"\:": " ", "\\ ": " ", r"\$": "$", r"\%": "%", "{,}": ",", r"\times": "×", r"\cdot": "×", r"^\circ": "°",
    r"^{\circ}": "°",
}  # fmt: skip
_LATEX_WORD = re.compile("|".join(re.escape(word) for word in _LATEX_PLAIN))


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, exactly, and its unit, "" where none is stated."""

    value: Fraction
    unit: str = ""

    def equals(self, other: Quantity) -> bool:
        """The same number, and no contradiction of units: $5 is 5 and 5 dollars, but 5 km isn't 5 m."""
        return self.value == other.value and (not self.unit or not other.unit or _same_unit(self.unit, other.unit))


def parse_quantity(text: str) -> Quantity | None:
    """The number that ``text`` is, with or without a unit, or None: it is something else, or too long."""
    if len(text) > MAX_EXPRESSION:
        return None
    text = _plain(text).strip("*_` ").removesuffix(".")
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
    return Quantity(number.value, unit if number.unit in ("", unit) else f"{number.unit} {unit}")


def leading_quantity(text: str) -> Quantity | None:
    """The number that ``text`` begins with, where what follows is only words: ``5 apples, as he ate 2`` is 5.

    At most 300 characters are looked at. None where there is no number, or where it is a part of an expression.
    """
    text = _plain(text[:MAX_EXPRESSION]).lstrip("*_` :=")
    closing = text.find("$", 1) if text.startswith("$") else -1
    if closing > 1 and not text[closing - 1].isspace() and (inner := parse_quantity(text[1:closing])):
        return inner
    read = _read_number(text)
    if read is None:
        return None
    number, end = read
    if attached := _LETTERS.match(text, end):
        if _unit(attached[0]) is None:
            return None
        end = attached.end()
    return None if _GOES_ON.match(text, end) else number


def quantity_of(value: float) -> Quantity | None:
    """A JSON number as it was written, so 0.1 is a tenth; None if it isn't finite or is out of all proportion."""
    if isinstance(value, int):
        return Quantity(Fraction(value)) if abs(value) < 10**MAX_EXPONENT else None
    return parse_quantity(repr(value))


def _read_number(text: str) -> tuple[Quantity, int] | None:
    found = _NUMBER.match(text)
    if found is None or (found["sign"] and found["inner_sign"]):
        return None
    value = _value(found)
    if value is None:
        return None
    if found["percent"]:
        value /= 100
    if found["scale"]:
        value *= _SCALES[found["scale"].lower()]
    if found["sign"] == "-" or found["inner_sign"]:
        value = -value
    return Quantity(value, _UNIT_NAMES[found["currency"]] if found["currency"] else ""), found.end()


def _value(found: re.Match[str]) -> Fraction | None:
    if found["over"]:
        over, under, whole = (_integer(found[part] or "0") for part in ("over", "under", "whole"))
        if under == 0 or (found["whole"] and over >= under):
            return None
        return whole + Fraction(over, under)
    decimals = found["decimals"] or found["only_decimals"] or ""
    exponent = found["exponent"] or found["power"] or found["braced_power"]
    if exponent is None:
        return Fraction(_integer((found["units"] or "") + decimals), 10 ** len(decimals))
    if len(exponent) > 8 or abs(int(exponent)) > MAX_EXPONENT:
        return None
    return Fraction(_integer((found["units"] or "") + decimals), 10 ** len(decimals)) * Fraction(10) ** int(exponent)


def _integer(digits: str) -> int:
    return int(digits.translate(_SEPARATORS))


def _unit(text: str) -> str | None:
    if not _UNIT.fullmatch(text):
        return None
    words = _LETTERS.findall(text)
    if words and len(words[0]) == 1 and words[0] not in _ONE_LETTER_UNITS:
        return None
    if any(_NO_UNITS.fullmatch(word) for word in words):
        return None
    known = _UNIT_NAMES.get(text.lower())
    # Short units differ by case (mW and MW), words don't.
    return known or (text.lower() if len(text) > 3 else text)


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
        text = _LATEX_WORD.sub(lambda m: _LATEX_PLAIN[m[0]], text).strip()
    if not text.isascii():
        text = _SPACE_NOT_IN_NUMBER.sub(" ", text)
    return text
