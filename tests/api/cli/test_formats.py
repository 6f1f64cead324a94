"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.formats import counted, decimals, interval, line_up, number, rounded_share, signed
from api.cli.screen import Numbers, say, table

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (3.0, "3"), (1234567.0, "1,234,567"), (0.123456, "0.1235"), (12.3456, "12.35"),
        (1234.5, "1,234"), (-0.5, "-0.5000"), (float("nan"), "–"), (None, "–"), (1e-7, "0.00000010"),
    ],
)  # fmt: skip
def test_a_number_has_four_significant_digits_and_grouped_thousands(value, text):
    assert number(value) == text


@given(FINITE, st.integers(0, 6))
def test_a_shown_number_is_the_number_to_the_places_shown(value, places):
    assert float(number(value, places).replace(",", "")) == pytest.approx(
        value, abs=0.51 * 10**-places, rel=1e-12
    )


@given(st.lists(st.floats(min_value=1e-3, max_value=1e9), min_size=1))
def test_the_largest_of_a_row_shows_at_least_four_digits_unless_all_are_whole(values):
    places = decimals(values)
    largest = max(values)
    shown = number(largest, places).replace(",", "").replace(".", "").lstrip("0")
    assert len(shown) >= 4 or all(value == round(value) for value in values) or places == 8


def test_decimal_points_stand_below_one_another():
    texts = line_up(["1,234", "12.3", "0.456", "–"])
    ends = {text.index(".") if "." in text else len(text.rstrip()) for text in (t.rjust(12) for t in texts)}
    assert len(ends) == 1
    assert line_up([]) == []


def test_an_interval_that_is_not_there_leaves_its_cell_empty():
    assert interval(1.0, 2.5, 1) == "1.0 … 2.5"
    assert interval(math.nan, 2.5, 1) == ""


def test_a_difference_always_carries_its_sign_and_zero_carries_none():
    assert signed(1.25, 1) == "+1.2"
    assert signed(-3, 0) == "−3"
    assert signed(-0.0001, 2) == "0.00"
    assert signed(math.nan, 2) == "–"


def test_a_share_of_nothing_is_not_a_number():
    assert rounded_share(5, 50) == "+10.0 %"
    assert rounded_share(5, -50) == "+10.0 %"
    assert rounded_share(5, 0) == "–"


def test_plurals():
    assert counted(1, "day") == "1 day"
    assert counted(2000, "day") == "2,000 days"


def test_numbers_in_a_table_keep_their_decimal_points_in_line_and_are_never_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    cells = line_up(["1,234", "12.3", "0.456"])
    say(
        table(["a rather long head", Numbers("value")], [["some words that may be folded", c] for c in cells])
    )
    lines = capsys.readouterr().out.splitlines()
    (ends,) = {
        line.index(".") if "." in line else line.index("1,234") + 5
        for line in lines
        if any(map(str.isdigit, line))
    }
    assert ends > 20
