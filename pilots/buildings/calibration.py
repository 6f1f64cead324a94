"""What a building's heat meter says of the building: its losses, air, mass, gains and set-points.

A school drawn from its type may lose a third more or less than the one that stands there. The meter knows:
from a winter of readings the model's parameters are estimated, each with its interval, starting from what the
type says. What was found is judged on readings that it has not seen, by ASHRAE Guideline 14; a model that
does not meet them is said not to, whatever its fit on the rest.

Sources: ASHRAE Guideline 14-2014; maximum a posteriori estimation with Gaussian priors and the covariance of
the linearised problem (Tarantola 2005, section 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from geodata.errors import InvalidInput
from pilots.buildings.indicators.energy import Fit, fit
from pilots.buildings.thermal.fast import FastDrives, FastZones, run_fast

Floats = NDArray[np.float64]
Resolution = Literal["hourly", "monthly"]

PRIORS: Mapping[str, float] = {
    "loss_factor": 0.3,
    "air_factor": 0.5,
    "capacity_factor": 0.5,
    "gain_factor": 0.3,
    "setpoint_shift_k": 1.5,
    "base_load_factor": 0.5,
}
"""Standard deviation of each parameter beforehand; of factors, of their logarithm."""

_SHIFT = "setpoint_shift_k"
_MONTH_H = 730
_LEAST_HOURS = 24 * 28
_SEEN = 2.0 / 3.0
_TWICE = 1.96


@dataclass(frozen=True)
class Parameter:
    """An estimate with its 95 % interval; 1, or 0 K, is what the type says."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """A model held to a meter."""

    parameters: Mapping[str, Parameter]
    before: Fit
    """Of the uncalibrated model on all readings."""
    seen: Fit
    """Of the calibrated one on the readings it was fitted to."""
    unseen: Fit
    """On those it was not."""
    resolution: Resolution
    heat_w: Floats
    """Of the calibrated model, hour by hour."""

    @property
    def calibrated(self) -> bool:
        """Whether unseen readings are met within the guideline's limits."""
        return self.unseen.calibrated(self.resolution)


def calibrate(
    zones: FastZones,
    drives: FastDrives,
    metered_w: Floats,
    base_load_w: Floats | float = 0.0,
    *,
    loss_of_pipes: float = 0.03,
    resolution: Resolution = "hourly",
) -> Calibration:
    """Estimate the parameters of one building from its heat meter.

    Args:
        zones: The building as its type says, one zone (`fast_inputs`).
        drives: Weather and use of the metered hours.
        metered_w: Heat drawn in each hour; not a number where the meter was silent.
        base_load_w: Heat of it that the weather does not move, hot water.
        loss_of_pipes: Share of the metered heat that never reaches a room.
        resolution: What the guideline is asked for.

    Raises:
        InvalidInput: More than one zone, a meter of another length, or less than four weeks of readings.
    """
    metered = np.asarray(metered_w, dtype=np.float64)
    hours = drives.outdoor_c.size
    if len(zones) != 1 or metered.shape != (hours,):
        raise InvalidInput(
            "a meter belongs to one building and its hours",
            field="metered_w",
            value=metered.shape,
            expected=f"({hours},), one zone",
        )
    known = np.isfinite(metered)
    if known.sum() < _LEAST_HOURS:
        raise InvalidInput(
            "too few readings to calibrate by",
            field="metered_w",
            value=int(known.sum()),
            expected=f"{_LEAST_HOURS} hours or more",
        )
    base = np.broadcast_to(np.asarray(base_load_w, dtype=np.float64), (hours,))
    deviation = np.array(list(PRIORS.values()))

    def model(guess: Floats) -> Floats:
        return _heat_w(zones, drives, base, dict(zip(PRIORS, guess * deviation, strict=True)), loss_of_pipes)

    last = int(np.flatnonzero(known)[int(known.sum() * _SEEN)])
    seen = known & (np.arange(hours) < last)
    daily = np.arange(hours) // 24

    def misfit(guess: Floats, noise: float) -> Floats:
        # Days, since a timetable that is half an hour off should not move a wall.
        error = np.bincount(daily, np.where(seen, model(guess) - metered, 0.0), int(daily[-1]) + 1)
        counted = np.bincount(daily, seen, int(daily[-1]) + 1)
        return np.concatenate((error[counted > 0] / counted[counted > 0] / noise, guess))

    # A tenth of the mean is what the model may miss at first; then it is what the model did miss.
    noise = max(0.1 * float(np.abs(metered[known]).mean()), 1.0)
    found = least_squares(misfit, np.zeros(deviation.size), args=(noise,))
    days = found.fun.size - deviation.size
    missed = float(np.sqrt((found.fun[:days] ** 2).sum() / max(days - deviation.size, 1)))
    found = least_squares(misfit, found.x, args=(max(noise * missed, 1.0),))
    covariance = np.linalg.inv(found.jac[:days].T @ found.jac[:days] + np.eye(deviation.size))
    heat = model(found.x)
    unseen = known & ~seen
    return Calibration(
        parameters={
            name: _parameter(name, float(value * spread), float(_TWICE * spread * np.sqrt(variance)))
            for name, value, spread, variance in zip(
                PRIORS, found.x, deviation, np.diag(covariance), strict=True
            )
        },
        before=_fit(metered, model(np.zeros(deviation.size)), known, resolution, 1),
        seen=_fit(metered, heat, seen, resolution, deviation.size),
        unseen=_fit(metered, heat, unseen, resolution, 1),
        resolution=resolution,
        heat_w=heat,
    )


def _heat_w(
    zones: FastZones, drives: FastDrives, base: Floats, guess: Mapping[str, float], pipes: float
) -> Floats:
    """Heat at the meter with the parameters moved; factors by their logarithm."""
    factor = {name: 1.0 if name == _SHIFT else float(np.exp(value)) for name, value in guess.items()}
    moved = replace(
        zones,
        heat_capacity_j_k=zones.heat_capacity_j_k * factor["capacity_factor"],
        window_w_k=zones.window_w_k * factor["loss_factor"],
        opaque_w_k=zones.opaque_w_k * factor["loss_factor"],
    )
    acting = replace(
        drives,
        leaks_w_k=drives.leaks_w_k * factor["air_factor"],
        internal_w=drives.internal_w * factor["gain_factor"],
        heating_setpoint_c=drives.heating_setpoint_c + guess[_SHIFT],
    )
    done = run_fast(moved, acting, warm_up_hours=min(24 * 7, base.size))
    room = np.maximum(done.power_w[:, 0], 0.0) + done.coil_w[:, 0]
    return np.asarray((room + base * factor["base_load_factor"]) / (1.0 - pipes))


def _parameter(name: str, value: float, half: float) -> Parameter:
    if name == _SHIFT:
        return Parameter(value, value - half, value + half)
    return Parameter(*(float(np.exp(part)) for part in (value, value - half, value + half)))


def _fit(
    metered: Floats, model: Floats, rows: NDArray[np.bool_], resolution: Resolution, parameters: int
) -> Fit:
    """How well a model meets the readings of some hours."""
    measured = np.where(rows, metered, np.nan)
    if resolution == "hourly":
        return fit(measured, np.asarray(model), parameters)
    month = np.arange(metered.size) // _MONTH_H
    count = np.bincount(month, rows)
    whole = count > 0.5 * _MONTH_H

    def means(values: Floats) -> Floats:
        return np.asarray((np.bincount(month, np.where(rows, values, 0.0)) / np.maximum(count, 1))[whole])

    # Fewer months than parameters are judged as they are: without the correction for what was fitted.
    return fit(means(metered), means(model), min(parameters, max(int(whole.sum()) - 1, 0)))
