"""The ready patterns: e-mail addresses, phone numbers, payment cards, keys and tokens.

Each function takes a text and a replacement, and returns the text without what it finds, and how often that was.
All run in time linear in the text's length, hostile texts included: every repetition is bounded or possessive, and a
match can begin only where no longer one could have begun before. A look for what every match holds comes first: most
texts have none, and trying a whole pattern at each of their letters would take ten times as long as all the rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Decide = Callable[[re.Match[str]], str | None]

_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)

_MAYBE_PHONE = re.compile(r"[+(0-9][0-9 ().\-/]{7,}+")
_PHONE = re.compile(
    r"""
    (?<![\w+.,/\#-])
    (?:
        \+[1-9]\d{0,2}(?:[ .\-/]?\(0?\d{1,5}\))?(?:[ .\-/]?\d{1,12}){1,6}+            # +49 (0)30 1234-567
      | 00[1-9]\d{0,2}(?:[ \-/]\(0?\d{1,5}\))?(?:[ \-/]\d{1,12}){2,6}+                # 0049 30 1234567
      | (?:1[ .\-])?(?:\([2-9]\d{2}\)[ ]?|[2-9]\d{2}[ .\-])[2-9]\d{2}[ .\-]\d{4}      # (415) 555-2671
      | \(0\d{1,5}\)[ ]?\d{2,8}(?:[ \-]\d{2,8}){0,3}+                                 # (030) 123456
      | 0[1-9]\d{1,4}[ \-/]\d{3,8}(?:[ \-]\d{2,6}){0,3}+                              # 020 7946 0958
      | 0[1-9](?:[ .]\d{2}){4}                                                        # 01 23 45 67 89
    )
    (?![\w\#]|[.,\-/]\d)
    """,
    re.VERBOSE | re.ASCII,
)
PHONE_DIGITS = range(8, 16)

_MAYBE_CARD = re.compile("[0-9][0-9 -]{12,}+")
_CARD = re.compile(
    r"(?<![\w.,])(?:\d{13,19}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{3})?|\d{4}[ -]\d{6}[ -]\d{4,5})(?!\w|[.,-]\d)",
    re.ASCII,
)
_ISSUERS = re.compile(  # Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|2\d\d|4[4-9]\d|5\d\d)\d{12,15}"
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-]++|-(?!----))*+-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\r\n\\]{40,}+)"
)
_TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9_])
    (?:
        (?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])
      | eyJ[\w-]{8,4096}+\.[\w-]{8,8192}+\.[\w-]{0,2048}+
      | gh[pousr]_[A-Za-z0-9]{36,255}+
      | github_pat_\w{22,255}+
      | npm_[A-Za-z0-9]{36,255}+
      | glpat-[\w-]{20,64}+
      | xox[abeprs]-[A-Za-z0-9-]{10,255}+
      | AIza[\w-]{35}(?![\w-])
      | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}+
      | hf_[A-Za-z]{30,40}(?![A-Za-z0-9])
      | ABSK[A-Za-z0-9+/]{40,255}+={0,2}
    )
    """,
    re.VERBOSE | re.ASCII,
)
_MARKS_OF_TOKENS = ("AKIA", "ASIA", "ABIA", "ACCA", "eyJ", "AIza", "ABSK", "glpat-", "xox")
_MARKS_BEFORE_UNDERSCORE = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "_live_", "_test_", "hf_", "npm_")
_SK = re.compile(r"(?<![\w-])()(sk-[\w-]{20,255}+)", re.ASCII)
_BEARER = re.compile(r"(?<!\w)([Bb]earer\s{1,3}|BEARER\s{1,3})([\w.~+/-]{16,4096}+={0,2})", re.ASCII)
_ASSIGNED = tuple(  # one pattern for each sign: sre looks for one letter ten times as fast as for one of two
    re.compile(rf"({sign}\s{{0,3}}\\{{0,3}}[\"']?)([\w.~+/-]{{12,4096}}+={{0,2}})", re.ASCII) for sign in ":="
)
_URL_PASSWORD = re.compile(r"(://[^\s/:@]{0,64}+:)([^\s/@]{1,256}+)(?=@)")
_NAME_OF_SECRET = re.compile(r"(?:key|token|secret|password|passwd)\\{0,3}[\"']?\s{0,3}\Z", re.ASCII | re.IGNORECASE)
_NAME_LENGTH = 16
_DIGIT = re.compile("[0-9]")
_LONG_PART = re.compile("[A-Za-z0-9_]{16}")


def hide_emails(text: str, replacement: str) -> tuple[str, int]:
    return _EMAIL.subn(replacement, text) if "@" in text else (text, 0)


def hide_phones(text: str, replacement: str) -> tuple[str, int]:
    """Numbers written as one writes phone numbers: with ``+`` or ``00``, or with an area code set apart."""

    def decide(found: re.Match[str]) -> str | None:
        return replacement if sum(map(str.isdigit, found[0])) in PHONE_DIGITS else None

    return _replace_within(_MAYBE_PHONE, _PHONE, text, decide) if _has_digit(text) else (text, 0)


def hide_cards(text: str, replacement: str) -> tuple[str, int]:
    """Numbers of an issuer's range with the right check digit, in one piece or in the groups that cards show."""

    def decide(found: re.Match[str]) -> str | None:
        digits = found[0].replace(" ", "").replace("-", "")
        return replacement if _ISSUERS.fullmatch(digits) and _has_check_digit(digits) else None

    return _replace_within(_MAYBE_CARD, _CARD, text, decide) if _has_digit(text) else (text, 0)


def hide_keys(text: str, replacement: str) -> tuple[str, int]:
    """Private keys, tokens of well-known makes, and values with a digit that go with a name such as ``api_key``."""

    def decide(found: re.Match[str]) -> str | None:
        return found[1] + replacement if _DIGIT.search(found[2]) else None

    def decide_sk(found: re.Match[str]) -> str | None:
        return decide(found) if _LONG_PART.search(found[2]) else None

    def decide_assigned(found: re.Match[str]) -> str | None:
        start = found.start()
        return decide(found) if _NAME_OF_SECRET.search(text, max(start - _NAME_LENGTH, 0), start) else None

    times = 0
    if "PRIVATE KEY-" in text or "PRIVATE KEY BLOCK-" in text:
        text, times = _PEM.subn(replacement, text)
    marks = _MARKS_OF_TOKENS + _MARKS_BEFORE_UNDERSCORE if "_" in text else _MARKS_OF_TOKENS
    if any(mark in text for mark in marks):
        text, more = _TOKEN.subn(replacement, text)
        times += more
    if "sk-" in text:
        text, more = _replace(_SK, text, decide_sk)
        times += more
    if "earer" in text or "EARER" in text:
        text, more = _replace(_BEARER, text, decide)
        times += more
    if "://" in text and "@" in text:
        text, more = _URL_PASSWORD.subn(rf"\1{replacement}", text)
        times += more
    for pattern in _ASSIGNED:
        text, more = _replace(pattern, text, decide_assigned)
        times += more
    return text, times


def _replace(pattern: re.Pattern[str], text: str, decide: Decide) -> tuple[str, int]:
    """Replace what ``decide`` doesn't answer with None."""
    times = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal times
        decided = decide(found)
        if decided is None:
            return found[0]
        times += 1
        return decided

    return pattern.sub(replace, text), times


def _replace_within(maybe: re.Pattern[str], pattern: re.Pattern[str], text: str, decide: Decide) -> tuple[str, int]:
    """As ``_replace``, but matches begin and end only within those of ``maybe``, which is fast to find."""
    pieces: list[str] = []
    times = done = 0
    for region in maybe.finditer(text):
        for found in pattern.finditer(text, region.start(), region.end() + 2):  # two more, to look at what follows
            decided = decide(found)
            if decided is not None:
                pieces += (text[done : found.start()], decided)
                done = found.end()
                times += 1
    return ("".join((*pieces, text[done:])), times) if times else (text, 0)


def _has_digit(text: str) -> bool:
    return any(digit in text for digit in "0123456789")  # far faster than a pattern, which looks at every letter


def _has_check_digit(digits: str) -> bool:
    """Luhn's formula (ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0
