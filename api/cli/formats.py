"""Numbers as people read them: few digits, grouped thousands, decimal points below one another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

ABSENT = "–"
DIGITS = 4
"""Significant digits shown; the stored result keeps all of them."""

DIRECTIONS = {"higher": "↑ higher", "lower": "↓ lower", "neither": ABSENT}


def decimals(values: Iterable[float]) -> int:
    """How many decimals show the largest of some numbers with :data:`DIGITS` significant digits."""
    numbers = [abs(value) for value in values if math.isfinite(value)]
    if all(number == round(number) for number in numbers):
        return 0
    return min(max(0, DIGITS - 1 - math.floor(math.log10(max(numbers)))), 8)


def number(value: float | None, places: int | None = None) -> str:
    """A number as text.

    Args:
        value: The number; None and NaN give a dash.
        places: Decimals; as many as :func:`decimals` asks for if left out.
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    return f"{value:,.{decimals([value]) if places is None else places}f}"


def interval(low: float, high: float, places: int) -> str:
    """An interval as text, empty where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(low, places)} … {number(high, places)}"


def signed(value: float, places: int) -> str:
    """A difference with its sign."""
    text = number(abs(value), places)
    if not math.isfinite(value):
        return ABSENT
    if not any(digit in text for digit in "123456789"):
        return text
    return ("+" if value > 0 else "−") + text


def line_up(texts: Sequence[str]) -> list[str]:
    """Pad texts of numbers on the right so that their decimal points stand below one another."""
    tails = [len(text) - text.find(".") if "." in text else 0 for text in texts]
    widest = max(tails, default=0)
    return [text + " " * (widest - tail) for text, tail in zip(texts, tails, strict=True)]


def counted(number_of: int, noun: str) -> str:
    """``1 day``, ``2 days``."""
    return f"{number_of:,} {noun}" + ("" if number_of == 1 else "s")


def rounded_share(part: float, whole: float) -> str:
    """A difference as a signed percentage of a base, dash where the base is zero."""
    if not whole or not math.isfinite(part) or not math.isfinite(whole):
        return ABSENT
    share = 100 * part / abs(whole)
    return f"{'+' if share >= 0 else '−'}{abs(share):.1f} %"
