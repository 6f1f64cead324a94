"""How a battery loses capacity: by the years, and by the cycles it is put through.

A battery of lithium iron phosphate at half charge in a cool cellar that is cycled every second day at 60 %
depth loses some 5 % of its capacity in its first year, and 12 % in its first six. Calendar ageing grows with
the square root of time and faster the fuller and warmer the cells are (Naumann et al. 2018, Journal of
Energy Storage 17, doi 10.1016/j.est.2018.01.019); cycling grows with the square root of the charge put
through, faster the deeper and quicker the cycles (Naumann et al. 2020, Journal of Power Sources 451, doi
10.1016/j.jpowsour.2019.227666). Both were fitted to tests of one commercial cell (Sony US26650FTC1); decades
are an extrapolation, and another cell ages otherwise: a manufacturer's warranty goes first where there is
one. Half cycles are found by rainflow counting (ASTM E1049-85).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import Field

from pilots.microgrid.asset import Asset, Share

Floats = NDArray[np.float64]

GAS_CONSTANT = 8.3144598
REFERENCE_K = 298.15
SECONDS_PER_YEAR = 31_536_000.0
LONGEST_LIFE_YEARS = 40.0
HOURS_PER_YEAR = 8766.0


class Ageing(Asset):
    """Coefficients of calendar and cycle ageing; the defaults are those of Naumann et al. 2018 and 2020."""

    calendar_per_sqrt_s: float = Field(default=1.2571e-5, ge=0, description="share lost, at 25 °C")
    activation_j_per_mol: float = Field(default=17_126.0, ge=0, description="Arrhenius, of calendar ageing")
    charge_cubic: float = Field(default=2.8575, ge=0, description="times (state of charge - 0.5) cubed")
    charge_constant: float = Field(default=0.60225, ge=0, description="what half charge does")
    cycle_per_rate: float = Field(default=0.0630e-2, ge=0, description="share lost, per 1/h of current")
    cycle_constant: float = Field(default=0.0971e-2, ge=0, description="share lost, at no current")
    depth_cubic: float = Field(default=4.0253, ge=0, description="times (depth of cycle - 0.6) cubed")
    depth_constant: float = Field(default=1.0923, ge=0, description="what a depth of 60 % does")
    end_of_life: Share = Field(
        default=0.8, gt=0, lt=1, description="share of capacity at which it is replaced"
    )


def half_cycles(state_of_charge: Floats) -> Floats:
    """Depths of the half cycles of a run of states, by rainflow counting; a full cycle counts as two.

    ASTM E1049-85 (2017), section 5.4.4.
    """
    return _rainflow(_turning_points(np.asarray(state_of_charge, np.float64)))


def loss_rate(state_of_charge: Floats, years: float, ageing: Ageing, temperature_c: float = 20.0) -> float:
    """Share of the first capacity lost per square root of a year when all time is like a run of states.

    Args:
        state_of_charge: Level over capacity at equal steps.
        years: How long the run is.
        ageing: Coefficients.
        temperature_c: Mean temperature of the cells.
    """
    return calendar_rate(float(np.mean(state_of_charge)), ageing, temperature_c) + cycle_rate(
        state_of_charge, years, ageing
    )


def calendar_rate(mean_charge: float, ageing: Ageing, temperature_c: float) -> float:
    """Share of the first capacity lost by age alone per square root of a year."""
    kelvin = temperature_c + 273.15
    warmth = np.exp(-ageing.activation_j_per_mol / GAS_CONSTANT * (1.0 / kelvin - 1.0 / REFERENCE_K))
    fullness = ageing.charge_cubic * (mean_charge - 0.5) ** 3 + ageing.charge_constant
    return float(ageing.calendar_per_sqrt_s * warmth * max(fullness, 0.0) * np.sqrt(SECONDS_PER_YEAR))


def cycle_rate(state_of_charge: Floats, years: float, ageing: Ageing) -> float:
    """Share of the first capacity lost by cycling per square root of a year.

    The loss of a half cycle goes on from what all before it have lost, so that squares of losses add up.
    """
    depths = half_cycles(state_of_charge)
    moves = np.abs(np.diff(state_of_charge))
    moving = moves[moves > 0.0]
    if len(moving) == 0:
        return 0.0
    step_h = years * 8760.0 / len(moves)
    by_rate = ageing.cycle_per_rate * float(moving.mean()) / step_h + ageing.cycle_constant
    by_depth = np.maximum(ageing.depth_cubic * (depths - 0.6) ** 3 + ageing.depth_constant, 0.0)
    return float(by_rate * np.sqrt((by_depth**2 * depths / 2.0).sum() / years))


def aged(lost: float, rate: float, years: float = 1.0) -> float:
    """The share of the first capacity that is lost after some more years at a rate of loss."""
    return float(np.sqrt(lost**2 + rate**2 * years))


def life_years(state_of_charge: Floats, years: float, ageing: Ageing, temperature_c: float = 20.0) -> float:
    """Years until the end of life if all time is like the run, at most 40."""
    rate = loss_rate(state_of_charge, years, ageing, temperature_c)
    if rate <= 0.0:
        return LONGEST_LIFE_YEARS
    return min(((1.0 - ageing.end_of_life) / rate) ** 2, LONGEST_LIFE_YEARS)


def capacity_left(
    state_of_charge: Floats, hours: float, ageing: Ageing, temperature_c: float = 20.0
) -> Floats:
    """Share of the first capacity left at the end of each year of a run; shape (years,), at least one.

    Args:
        state_of_charge: Level over capacity at equal steps, from the beginning to the end of the run.
        hours: How long the run is. It is cut into as many parts as it has whole years, each worn by its
            own states.
        ageing: Coefficients.
        temperature_c: Mean temperature of the cells.
    """
    count = max(round(hours / HOURS_PER_YEAR - 0.4), 1)
    length = hours / 8760.0 / count
    edges = np.linspace(0, len(state_of_charge) - 1, count + 1).round().astype(np.int64)
    left, lost = np.empty(count), 0.0
    for year in range(count):
        states = state_of_charge[edges[year] : edges[year + 1] + 1]
        lost = aged(lost, loss_rate(states, length, ageing, temperature_c), length)
        left[year] = 1.0 - lost
    return left


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
