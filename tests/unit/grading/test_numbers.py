"""Numbers are read exactly, or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.numbers import MAX_EXPONENT, MAX_EXPRESSION, Quantity, leading_quantity, parse_quantity, quantity_of


def as_fraction(quantity: Quantity) -> Fraction:
    return Fraction(quantity.numerator, quantity.denominator)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("+42", 42),
        ("-42", -42),
        ("−42", -42),  # the minus sign, U+2212
        ("－42", -42),  # the full-width one
        ("007", 7),
        ("-0", 0),
        ("42.", 42),
        ("42.0", 42),
        (".5", Fraction(1, 2)),
        ("0.1", Fraction(1, 10)),
        ("1,000", 1000),
        ("1,234,567.89", Fraction(123456789, 100)),
        ("1\u00a0000", 1000),
        ("1\u202f000\u202f000", 1_000_000),
        ("1{,}000", 1000),
        (r"1\,000", 1000),
        ("1/2", Fraction(1, 2)),
        ("-3 / 4", Fraction(-3, 4)),
        ("1 1/2", Fraction(3, 2)),
        ("-1 1/2", Fraction(-3, 2)),
        (r"\frac{1}{2}", Fraction(1, 2)),
        (r"\dfrac{-1}{2}", Fraction(-1, 2)),
        (r"-\tfrac12", Fraction(-1, 2)),
        (r"1\frac{1}{2}", Fraction(3, 2)),
        ("3e8", 300_000_000),
        ("1.5E-3", Fraction(3, 2000)),
        ("3 × 10^8", 300_000_000),
        (r"3 \times 10^{-2}", Fraction(3, 100)),
        ("50%", Fraction(1, 2)),
        (r"50\%", Fraction(1, 2)),
        ("12.5 percent", Fraction(1, 8)),
        ("$1,000", 1000),
        (r"\$5.50", Fraction(11, 2)),
        ("-$5", -5),
        ("$-5", -5),
        ("5 €", 5),
        ("$42$", 42),
        (r"\(42\)", 42),
        ("**42**", 42),
        ("x = 42", 42),
        ("5 million", 5_000_000),
        ("2 dozen", 24),
        ("42 apples", 42),
        ("42km", 42),
        (r"5\text{ cm}^2", 5),
        ("60 miles per hour", 60),
        (r"90^\circ", 90),
    ],
)
def test_reads(text: str, value: Fraction | int) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None
    assert as_fraction(quantity) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "forty-two",
        "1,5",
        "1,00",
        "1,000,00",
        "1234,567",
        "1.000.000",
        "1 000",
        "1_000",
        "0x10",
        "٤٢",
        "½",
        "1½",
        "10³",
        "10^6",
        "2x",
        "2 x",
        "3i",
        r"2\pi",
        "2 pi",
        r"2\sqrt{3}",
        "3 + 4",
        "3-5",
        "5 or 6",
        "5 or six",
        "5!",
        "5 squared",
        "3 fifths",
        "5 thousandths",
        "5 million million",
        "5k",
        "5 lakh",
        "5万",
        "0.333...",
        "--5",
        "-$-5",
        "1/0",
        "1/2/3",
        "2 4/3",
        "3:30",
        "nan",
        "Infinity",
        "9**9**9",
        "e",
        "1e",
        "f(42)",
    ],
)
def test_does_not_guess(text: str) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$5", "5 dollars"),
        ("$5", "5"),
        ("5 apples", "5 apple"),
        ("5 inch", "5 inches"),
        ("5 Hours", "5 hours"),
        ("150%", "1.5"),
        ("50%", "1/2"),
        ("0.50", "1/2"),
    ],
)
def test_equal(one: str, other: str) -> None:
    left, right = parse_quantity(one), parse_quantity(other)
    assert left is not None
    assert right is not None
    assert left.equals(right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("150", "1.5"),
        ("150%", "150"),
        ("0.5%", "0.5"),
        ("0.95", "2.85"),
        ("2", "2.85"),
        ("0.33", "1/3"),
        ("0.3333333333333333", "1/3"),
        ("41.99999999999999999", "42"),
        ("-42", "42"),
        ("5 km", "5 m"),
        ("5 mW", "5 MW"),
        ("$5", "5 euros"),
        ("$42", "42 cents"),
        ("5 million", "5"),
        ("9007199254740993", "9007199254740992"),  # the same double
    ],
)
def test_near_misses_are_not_equal(one: str, other: str) -> None:
    left, right = parse_quantity(one), parse_quantity(other)
    assert left is not None
    assert right is not None
    assert not left.equals(right)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 42 apples, since 6 * 7 is 42.", 42),
        (": 42.", 42),
        (" **42**.", 42),
        (" $42$, as shown", 42),
        (r" \(42\).", 42),
        (" $5 and she keeps it", 5),
        (" 42km away", 42),
        (" 42!", 42),
    ],
)
def test_reads_the_number_that_a_text_begins_with(text: str, value: int) -> None:
    quantity = leading_quantity(text)
    assert quantity is not None
    assert as_fraction(quantity) == value


@pytest.mark.parametrize("text", [" 2x + 3", " 12 - 4", " 5 or 6", " 5 6", " 3:30", " 10^6", " 42k", " around 42", ""])
def test_does_not_take_a_part_for_the_number(text: str) -> None:
    assert leading_quantity(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "9" * (MAX_EXPRESSION + 1),
        "0" * 1_000_000 + "1",
        "1e999999999",
        f"1e{MAX_EXPONENT + 1}",
        f"1e-{MAX_EXPONENT + 1}",
        "1e" + "9" * 200,
        "2 × 10^999999",
        "(" * 150 + "1" + ")" * 150,
    ],
    ids=lambda text: text[:12],
)
def test_refuses_what_is_out_of_all_proportion(text: str) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), -float("inf"), 10**300, 10**4000, -(10**400), 1e301, 5e-324],
    ids=lambda v: repr(v)[:9],
)
def test_refuses_json_numbers_out_of_all_proportion(value: float) -> None:
    assert quantity_of(value) is None


def test_a_json_number_is_what_was_written() -> None:
    for value, exactly in ((0.1, Fraction(1, 10)), (10**20, 10**20), (1e-7, Fraction(1, 10**7)), (2.5e20, 25 * 10**19)):
        quantity = quantity_of(value)
        assert quantity is not None
        assert as_fraction(quantity) == exactly


LARGE = 10**140
FRACTIONS = st.builds(Fraction, st.integers(-LARGE, LARGE), st.integers(1, LARGE))
UNITS = st.sampled_from(["", "km", "m", "dollar", "apple", "apples", "°"])
QUANTITIES = st.builds(Quantity, st.integers(-4, 4), st.integers(1, 4), UNITS)


@given(FRACTIONS)
def test_every_fraction_comes_back(value: Fraction) -> None:
    assert parse_quantity(str(value)) == Quantity(value.numerator, value.denominator)


@given(st.integers(-LARGE, LARGE))
def test_every_integer_comes_back_with_its_thousands_set_off(value: int) -> None:
    assert parse_quantity(f"{value:,}") == Quantity(value)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_every_float_comes_back(value: float) -> None:
    assert parse_quantity(repr(value)) == quantity_of(value)


@given(QUANTITIES, QUANTITIES)
def test_equality_is_reflexive_and_symmetric(one: Quantity, other: Quantity) -> None:
    assert one.equals(one)
    assert one.equals(other) == other.equals(one)


@given(st.text(alphabet="0123456789.,/%$€-+eEx^×* \\{}fractex()=\u00a0½", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for quantity in (parse_quantity(text), leading_quantity(text)):
        assert quantity is None or quantity.equals(quantity)
