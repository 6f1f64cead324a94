"""Who is better off: how evenly a service's quality falls on districts and groups.

Sources: Gini 1912, as used for transit by Delbosc & Currie 2011, Journal of Transport Geography 19:1252-1259;
Palma 2011, Development and Change 42:87-153 (share of the best-off tenth over that of the worst-off four).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidInput


@dataclass(frozen=True)
class Equity:
    """How evenly something falls.

    Attributes:
        worst: Index of the group that is worst off.
        worst_value: What that group has.
        spread: Most less least.
        gini: 0 if all have the same, towards 1 if one has all; of values that are not negative.
        palma: What the best-off tenth of people have over what the worst-off four tenths have.
        groups: Number of groups that could be compared.
    """

    worst: int
    worst_value: float
    spread: float
    gini: float
    palma: float
    groups: int


def equity(values: ArrayLike, people: ArrayLike, *, higher_is_better: bool = True) -> Equity:
    """How evenly a value falls on people in groups.

    Args:
        values: The value of each group, nan where unknown, shape (groups,).
        people: People in each group, shape (groups,).
        higher_is_better: Which end is worst off.

    Returns:
        The measures over groups with a known value and at least somebody in them.

    Raises:
        InvalidInput: No group can be compared, or shapes differ.
    """
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if value.shape != weight.shape:
        raise InvalidInput("values and people differ in shape", field="people", value=weight.shape)
    known = np.isfinite(value) & (weight > 0)
    if not known.any():
        raise InvalidInput("no group can be compared", field="values", expected="a value and people")
    worst_first = np.where(known, value if higher_is_better else -value, np.inf)
    worst = int(np.argmin(worst_first))
    return Equity(
        worst=worst,
        worst_value=float(value[worst]),
        spread=float(np.ptp(value[known])),
        gini=gini(value[known], weight[known]),
        palma=palma(value[known], weight[known]),
        groups=int(known.sum()),
    )


def gini(values: ArrayLike, people: ArrayLike) -> float:
    """Gini coefficient of values of people in groups, by the Lorenz curve; nan if a value is negative.

    Args:
        values: What each person of a group has, shape (groups,).
        people: People in each group, shape (groups,).
    """
    value, weight = _ordered(values, people)
    if (value < 0).any():
        return float("nan")
    total = float((value * weight).sum())
    if total == 0:
        return 0.0
    share = np.concatenate([[0.0], np.cumsum(value * weight) / total])
    population = np.diff(np.concatenate([[0.0], np.cumsum(weight) / weight.sum()]))
    return float(1.0 - (population * (share[1:] + share[:-1])).sum())


def palma(values: ArrayLike, people: ArrayLike) -> float:
    """What the best-off tenth of people have over what the worst-off four tenths have; nan if they have none.

    Args:
        values: What each person of a group has, shape (groups,).
        people: People in each group, shape (groups,).
    """
    value, weight = _ordered(values, people)
    if (value < 0).any():
        return float("nan")
    reached = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    held = np.concatenate([[0.0], np.cumsum(value * weight)])
    low = float(np.interp(0.4, reached, held))
    high = float(held[-1] - np.interp(0.9, reached, held))
    return high / low if low > 0 else float("nan")


def _ordered(values: ArrayLike, people: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    value, weight = np.asarray(values, dtype=np.float64), np.asarray(people, dtype=np.float64)
    order = np.argsort(value, kind="stable")
    return value[order], weight[order]
