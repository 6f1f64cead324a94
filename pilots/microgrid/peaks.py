"""How high the month's import may go: a target that is renewed every day as the month goes on.

A capacity charge of 6 EUR per kW is paid once for the highest hour of the month. A controller that looks
two days ahead saves too hard on it: it does not see that a peak once paid is free for the rest of the
month, nor that a peak avoided today will come tomorrow. So the target of each day is the M that minimises

    price x M  +  (days left in the month / days looked back) x cost of those days under an import cap of M,

never below the peak that the month already has. The cost under a cap is exact
(:mod:`pilots.microgrid.value`) and convex in M, so a golden-section search finds it (Kiefer 1953, doi
10.1090/S0002-9939-1953-0055639-3). Days looked back are taken as if the sun of the coming days already
shone, by the ratio of the daily irradiation outside the atmosphere; what the forecasts usually miss is put
on top as a margin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
    EXCESS_PRICE,
    FREE_IMPORT,
    LOAD,
    OFFERS,
    RENEWABLE,
    SEGMENTS,
    Plant,
)
from pilots.microgrid.tariff import billing_months
from pilots.microgrid.value import LENGTHS, SLOPES, look_ahead, value_at

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Four weeks hold each weekday four times and are not yet another season.
LOOK_BACK_DAYS = 35
# Share of the usual error of a day-ahead forecast that is put on the target.
MARGIN = 1.0 / 3.0
# A short past is not believed for longer than this many times its length: a peak is paid at once, and may
# still be raised tomorrow.
FURTHEST = 4.0
# Relative accuracy of the target.
TARGET_ACCURACY = 0.01
GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Charge(NamedTuple):
    """The capacity charge: its price (EUR per kW and month; 0 for none) and where the seasons stand."""

    price: float
    day: int
    sun: Floats
    months: Ints
    month_end: Ints


def daily_irradiation(latitude_deg: float, day_of_year: Ints) -> Floats:
    """Daily irradiation outside the atmosphere on the horizontal, up to a constant factor.

    Duffie and Beckman 2013, *Solar Engineering of Thermal Processes*, equation 1.10.3, with Cooper's
    declination.
    """
    declination = np.radians(23.45 * np.sin(2.0 * np.pi * (284 + day_of_year) / 365.0))
    latitude = np.radians(latitude_deg)
    sunset = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1.0, 1.0))
    direct = np.cos(latitude) * np.cos(declination) * np.sin(sunset)
    return np.asarray(np.maximum(direct + sunset * np.sin(latitude) * np.sin(declination), 1e-3), np.float64)


def charge_of(site: Site, series: Series) -> Charge:
    """The capacity charge and the sun's season, day by day."""
    months = billing_months(site, series)
    count = np.bincount(months)
    days = len(series) // series.steps_per_day + 16
    of_year = (series.time[0].day_of_year - 1 + np.arange(days)) % 365 + 1
    return Charge(
        site.tariff.capacity_eur_per_kw_month,
        series.steps_per_day,
        daily_irradiation(site.latitude_deg, of_year.astype(np.int64)),
        months,
        np.cumsum(count).astype(np.int64),
    )


@njit(cache=True)
def capped_cost(
    rows: Floats, cap_kw: float, excess_price: float, plant: Plant, end_value: float, sun: float,
    work: Floats, value: Floats, spare: Floats, curve: Floats, prices: Floats, widths: Floats, kinds: Ints,
) -> float:  # fmt: skip
    """Cost of past steps under an import cap, from a half-full battery, EUR; the sun scaled by ``sun``."""
    n = len(rows)
    for t in range(n):
        work[t] = rows[t]
        work[t, RENEWABLE] *= sun
        work[t, FREE_IMPORT], work[t, EXCESS_PRICE] = cap_kw, excess_price
    value[0, SLOPES], value[0, LENGTHS] = -end_value, plant.room_kwh
    segments, begin, base = look_ahead(
        work, 0, n, plant, value, 1, 0.0, 0.0, spare, prices, widths, kinds, curve
    )  # fmt: skip
    return value_at(value, segments, begin, base, 0.5 * plant.room_kwh)


@njit(cache=True)
def capped_costs(
    rows: Floats, t: int, charge: Charge, plant: Plant, end_value: float, caps_kw: Floats
) -> Floats:
    """Cost of the days looked back at from step ``t`` under each of some import caps, EUR.

    At least one day must have been; the sun is that of the season to come.
    """
    first = max(0, t - LOOK_BACK_DAYS * charge.day)
    past = rows[first:t]
    sun = _season(charge, first, t)
    work, most = np.empty_like(past), 16 * len(past) + 64
    value, spare, curve = np.empty((most, 2)), np.empty((most, 2)), np.empty((SEGMENTS, 4))
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    costs, excess = np.empty(len(caps_kw)), charge.price / plant.step_h
    for i in range(len(caps_kw)):
        costs[i] = capped_cost(
            past, caps_kw[i], excess, plant, end_value, sun, work, value, spare, curve, prices, widths, kinds
        )
    return costs


@njit(cache=True)
def _season(charge: Charge, first: int, t: int) -> float:
    """The sun of the two weeks from step ``t`` over that of the days since step ``first``."""
    today = t // charge.day
    return float(charge.sun[today : today + 15].mean() / charge.sun[first // charge.day : today].mean())


@njit(cache=True)
def month_target(
    rows: Floats, t: int, charge: Charge, plant: Plant, end_value: float, days_left: float, reached_kw: float
) -> float:
    """The import (kW) worth paying for in the rest of a month, seen from step ``t``; see the module."""
    day = charge.day
    first = max(0, t - LOOK_BACK_DAYS * day)
    if t - first < day:
        return reached_kw
    past = rows[first:t]
    margin = MARGIN * _usual_error(past, day)
    sun = _season(charge, first, t)
    work = np.empty_like(past)
    value, spare = np.empty((16 * len(past) + 64, 2)), np.empty((16 * len(past) + 64, 2))
    curve = np.empty((SEGMENTS, 4))
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    excess = charge.price / plant.step_h
    weight = min(days_left * day / (t - first), FURTHEST)

    least, high = max(reached_kw - margin, 0.0), 0.0
    for s in range(len(past)):
        high = max(high, past[s, LOAD])
    finest = TARGET_ACCURACY * high
    high = max(high + plant.charge_kw, least)
    low = least
    # Two inner points of the golden section and the least target; costs still to be found are NaN.
    inner = np.array([high - GOLDEN * (high - low), low + GOLDEN * (high - low), least])
    costs = np.full(3, np.nan)
    while high - low > finest or np.isnan(costs[2]):
        for k in range(3):
            if np.isnan(costs[k]):
                costs[k] = charge.price * inner[k] + weight * capped_cost(
                    past,
                    inner[k],
                    excess,
                    plant,
                    end_value,
                    sun,
                    work,
                    value,
                    spare,
                    curve,
                    prices,
                    widths,
                    kinds,
                )
        if costs[0] <= costs[1]:
            high = inner[1]
            inner[1], costs[1] = inner[0], costs[0]
            inner[0], costs[0] = high - GOLDEN * (high - low), np.nan
        else:
            low = inner[0]
            inner[0], costs[0] = inner[1], costs[1]
            inner[1], costs[1] = low + GOLDEN * (high - low), np.nan
    best = 0 if np.isnan(costs[1]) else 1
    # Staying at what is paid already must not be lost to the coarseness of the search.
    return reached_kw if costs[2] <= costs[best] else max(inner[best] + margin, reached_kw)


@njit(cache=True)
def renew_targets(
    rows: Floats,
    t: int,
    charge: Charge,
    plant: Plant,
    end_value: float,
    horizon: int,
    peaks: Floats,
    targets: Floats,
) -> None:
    """Fill in the targets (kW) of this month and, where it comes into sight, of the next.

    Args:
        rows: Conditions of each step, of which those before ``t`` are read.
        t: The step that begins.
        charge: The capacity charge.
        plant: The plant.
        end_value: Worth of a kWh left in the battery, EUR.
        horizon: How many steps plans look ahead.
        peaks: Highest import of each month so far, kW.
        targets: Filled in: the target of the month of ``t``, and of the month after it.
    """
    month = charge.months[t]
    left = charge.month_end[month] - t
    targets[0] = month_target(rows, t, charge, plant, end_value, left / charge.day, peaks[month])
    if left <= horizon + charge.day:
        targets[1] = month_target(rows, t, charge, plant, end_value, 30.0, 0.0)


@njit(cache=True)
def _usual_error(past: Floats, day: int) -> float:
    """Root mean square difference of net load from its mean over the week before, kW."""
    total, count = 0.0, 0
    for t in range(day, len(past)):
        mean, n = 0.0, 0
        for j in range(1, 8):
            if t - j * day >= 0:
                mean += past[t - j * day, LOAD] - past[t - j * day, RENEWABLE]
                n += 1
        error = past[t, LOAD] - past[t, RENEWABLE] - mean / n
        total += error * error
        count += 1
    return (total / count) ** 0.5 if count else 0.0
