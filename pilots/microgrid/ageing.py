"""How a battery loses capacity: by the years, and by the cycles it is put through.

A battery at half charge in a cool cellar that is cycled once a day at 60 % depth loses perhaps 2 % in its
first year. Calendar ageing grows with the square root of time and faster the fuller and warmer the cells
are; each half cycle, found by rainflow counting (ASTM E1049-85), wears by its depth to a power. The two add
up.

The form is that of Schmalstieg et al. 2014 (doi 10.1016/j.jpowsour.2014.02.012) and Naumann et al. 2018 and
2020 (doi 10.1016/j.est.2018.01.019, 10.1016/j.jpowsour.2019.227666) for LFP cells; the coefficients are
round values of the same order (about 6 % from calendar in ten years at 15 to 25 degrees, 6,000 full cycles
to 80 %): replace them by a manufacturer's warranty where there is one.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from pilots.microgrid.asset import Asset, Share

Floats = NDArray[np.float64]

GAS_CONSTANT = 8.314
REFERENCE_K = 298.15


class Ageing(Asset):
    """Coefficients of calendar and cycle ageing."""

    calendar_fade_per_sqrt_year: Share = Field(
        default=0.02, ge=0, le=1, description="at 25 °C and half charge"
    )
    calendar_stress_of_charge: float = Field(
        default=0.8, ge=0, description="relative rise from half to full charge x 2"
    )
    activation_j_per_mol: float = Field(
        default=20_000.0, ge=0, description="Arrhenius: warmth doubles it every 25 K"
    )
    cycles_to_80_percent: float = Field(
        default=6000.0, gt=0, description="full cycles that cost a fifth of capacity"
    )
    depth_exponent: float = Field(
        default=1.1, ge=1, le=3, description="wear of a cycle as depth to this power"
    )
    end_of_life: Share = Field(
        default=0.8, gt=0, lt=1, description="share of capacity at which it is replaced"
    )


def half_cycles(state_of_charge: Floats) -> Floats:
    """Depths of the half cycles of a run of states, by rainflow counting; a full cycle counts as two.

    ASTM E1049-85 (2017), section 5.4.4.
    """
    return _rainflow(_turning_points(np.asarray(state_of_charge, np.float64)))


def capacity_fade(
    state_of_charge: Floats, years: float, ageing: Ageing, temperature_c: float = 20.0, age_years: float = 0.0
) -> float:
    """Share of the first capacity lost while a run of states is gone through.

    Args:
        state_of_charge: Level over capacity.
        years: How long that took.
        ageing: Coefficients.
        temperature_c: Mean temperature of the cells.
        age_years: Age at the beginning: calendar ageing slows down with it.
    """
    calendar = calendar_fade(
        float(np.mean(state_of_charge)), age_years, age_years + years, ageing, temperature_c
    )
    depths = half_cycles(state_of_charge)
    return calendar + 0.2 / ageing.cycles_to_80_percent * 0.5 * float((depths**ageing.depth_exponent).sum())


def calendar_fade(
    mean_charge: float, since: float, until: float, ageing: Ageing, temperature_c: float
) -> float:
    """Share of the first capacity lost by age alone between two ages in years."""
    kelvin = temperature_c + 273.15
    warmth = np.exp(-ageing.activation_j_per_mol / GAS_CONSTANT * (1.0 / kelvin - 1.0 / REFERENCE_K))
    fullness = max(1.0 + ageing.calendar_stress_of_charge * (mean_charge - 0.5), 0.0)
    return float(ageing.calendar_fade_per_sqrt_year * warmth * fullness * (np.sqrt(until) - np.sqrt(since)))


def life_years(
    state_of_charge: Floats, years: float, ageing: Ageing, temperature_c: float = 20.0, longest: int = 40
) -> float:
    """Years until the end of life if every year is like the run, interpolated within the last year."""
    per_year = capacity_fade(state_of_charge, years, ageing, temperature_c)
    cycling = (
        per_year - calendar_fade(float(np.mean(state_of_charge)), 0.0, years, ageing, temperature_c)
    ) / years
    mean = float(np.mean(state_of_charge))
    ages = np.arange(longest + 1, dtype=np.float64)
    left = 1.0 - np.array(
        [calendar_fade(mean, 0.0, age, ageing, temperature_c) + cycling * age for age in ages]
    )
    below = np.flatnonzero(left <= ageing.end_of_life)
    if len(below) == 0:
        return float(longest)
    at = int(below[0])
    return float(at - 1 + (left[at - 1] - ageing.end_of_life) / (left[at - 1] - left[at]))


@njit(cache=True)
def _turning_points(values: Floats) -> Floats:
    out = np.empty(len(values))
    n = 0
    for i in range(len(values)):
        if n > 0 and values[i] == out[n - 1]:
            continue
        if n > 1 and (out[n - 1] - out[n - 2]) * (values[i] - out[n - 1]) > 0.0:
            out[n - 1] = values[i]
        else:
            out[n] = values[i]
            n += 1
    return out[:n]


@njit(cache=True)
def _rainflow(points: Floats) -> Floats:
    stack = np.empty(len(points) + 1)
    depths = np.empty(2 * len(points) + 2)
    n = count = 0
    for value in points:
        stack[n] = value
        n += 1
        while n >= 3:
            last, before = abs(stack[n - 1] - stack[n - 2]), abs(stack[n - 2] - stack[n - 3])
            if last < before:
                break
            if n == 3:
                depths[count] = before
                count += 1
                stack[0], stack[1] = stack[1], stack[2]
                n = 2
            else:
                depths[count], depths[count + 1] = before, before
                count += 2
                stack[n - 3] = stack[n - 1]
                n -= 2
    for i in range(n - 1):
        depths[count] = abs(stack[i + 1] - stack[i])
        count += 1
    return depths[:count]
