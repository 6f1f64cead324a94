"""Indicators of air: how long, how far above a limit, how many litres a second, how infectious.

Lessons and breaks are always told apart, and no day is ever averaged: a room is empty most of it.

Sources: EN 16798-1:2019; the 1000 ppm that Estonia's consumer authority uses; Batterman (2017); BOPTEST.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.buildings.air.balance import OUTDOOR_PPM
from pilots.buildings.air.infection import relative_risk

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LIMIT_PPM = 1000.0


@dataclass(frozen=True)
class Exceedance:
    """Time above a limit while something was the case."""

    hours: float
    share_percent: float
    """Of the time known; not a number where none is."""


def exceedance(co2_ppm: Floats, during: Mask, step_h: float, limit_ppm: float = LIMIT_PPM) -> Exceedance:
    """Time above a limit of carbon dioxide during lessons, or during breaks.

    Args:
        co2_ppm: Readings at even steps, any shape; not a number where there is none.
        during: Where the time counts, of the same shape.
        step_h: Length of a step.
        limit_ppm: The limit.
    """
    known = during & np.isfinite(co2_ppm)
    above = int((co2_ppm[known] > limit_ppm).sum())
    share = 100.0 * above / known.sum() if known.any() else np.nan
    return Exceedance(above * step_h, float(share))


def outdoor_air_per_person_l_s(flow_m3_s: Floats, people: Floats) -> float:
    """Mean outdoor air of a person present: all flows while people are there, weighted by them, L/s."""
    present = people > 0
    if not present.any():
        return float("nan")
    return float(1000.0 * (flow_m3_s[present]).sum() / people[present].sum())


def mean_relative_risk(
    co2_ppm: Floats, people: Floats, reference_ppm: float = LIMIT_PPM, outdoor_ppm: float = OUTDOOR_PPM
) -> float:
    """Infection risk of an hour in these rooms over one at the reference, mean over people present."""
    known = (people > 0) & np.isfinite(co2_ppm)
    if not known.any():
        return float("nan")
    risk = relative_risk(co2_ppm[known], people[known], reference_ppm, outdoor_ppm=outdoor_ppm)
    return float(np.average(risk, weights=people[known]))


def ppm_hours(co2_ppm: Floats, during: Mask, step_h: float, limit_ppm: float = LIMIT_PPM) -> float:
    """Ppm-hours above a limit while something is the case, mean over rooms (columns).

    A value missing in that time makes the sum unknown: taken as clean air, a dead sensor would look good.
    """
    above = np.where(during, np.maximum(co2_ppm - limit_ppm, 0.0), 0.0)
    return float(np.atleast_2d(above.T).sum(axis=1).mean() * step_h)


def availability_percent(values: ArrayLike) -> float:
    """Share of values that are there."""
    array = np.asarray(values, dtype=np.float64)
    return float(100.0 * np.isfinite(array).mean()) if array.size else float("nan")
