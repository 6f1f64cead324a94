"""Indicators of warmth: votes, degree-hours, overheating and what people would accept.

Sources: ISO 7730; EN 16798-1:2019; Regulation 63 of the Estonian Minister of Enterprise and Information
    Technology
of 11.12.2018 (minimum requirements for energy performance), which allows non-residential buildings 100 K·h
above 25 °C in use from June to August.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.comfort.mean_vote import dissatisfied_percent

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SUMMER_LIMIT_C = 25.0
SUMMER_LIMIT_K_H = 100.0
SUMMER_MONTHS = (6, 7, 8)


@dataclass(frozen=True)
class Votes:
    """How people would vote while rooms are in use."""

    mean: float
    dissatisfied_percent: float
    within_half_percent: float
    """Share of the time in which the mean vote is within +-0.5."""


def votes(vote: Floats, during: Mask) -> Votes:
    """Mean vote, dissatisfied and time near neutral; votes out of the model's range are not near neutral."""
    used = vote[during]
    known = used[np.isfinite(used)]
    if not known.size:
        return Votes(float("nan"), float("nan"), float("nan"))
    return Votes(
        mean=float(known.mean()),
        dissatisfied_percent=float(dissatisfied_percent(known).mean()),
        within_half_percent=float(100.0 * (np.abs(known) <= 0.5).sum() / used.size),
    )


@dataclass(frozen=True)
class Overheating:
    """Time and degree-hours above a temperature, mean over rooms."""

    hours: float
    degree_hours: float


def overheating(operative_c: Floats, during: Mask, step_h: float, limit_c: float) -> Overheating:
    """Hours and degree-hours above a limit while something is the case, mean over rooms (columns)."""
    above = np.where(during, np.maximum(operative_c - limit_c, 0.0), 0.0)
    columns = np.atleast_2d(above.T)
    return Overheating(
        hours=float((columns > 0).sum(axis=1).mean() * step_h),
        degree_hours=float(columns.sum(axis=1).mean() * step_h),
    )


def estonian_summer_k_h(operative_c: Floats, during: Mask, month: NDArray[np.int64], step_h: float) -> Floats:
    """Degree-hours above 25 °C in use from June to August, per room; the rule allows 100.

    Args:
        operative_c: Shape (steps, rooms).
        during: Whether each room is in use.
        month: Month of each step, local time.
        step_h: Length of a step.
    """
    summer = np.isin(month, SUMMER_MONTHS)[:, None] & during
    above = np.where(summer, np.maximum(operative_c - SUMMER_LIMIT_C, 0.0), 0.0)
    return np.asarray(above.sum(axis=0) * step_h)


def discomfort_k_h(operative_c: Floats, during: Mask, step_h: float, low_c: float, high_c: float) -> float:
    """Kelvin-hours outside a band while something is the case, mean over rooms (columns)."""
    away = np.maximum(low_c - operative_c, 0.0) + np.maximum(operative_c - high_c, 0.0)
    return float(np.atleast_2d(np.where(during, away, 0.0).T).sum(axis=1).mean() * step_h)
