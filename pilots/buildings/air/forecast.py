"""Carbon dioxide of the next minutes to a day, with how sure one can be of it.

Many futures are drawn: the room's state from what the filter knows, and people coming and going from a
timetable where there is one, else from how they came and went at this hour so far. Their mean is the
forecast, their 5th and 95th percentiles its interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.buildings.air.tracking import BASELINE, CONCENTRATION, EMISSION, EMPTY, IN_USE, step

Floats = NDArray[np.float64]

_HOURS = 24
_PRIOR_H = 2.0
"""Weight of the prior habit, hours."""
_PRIOR_ARRIVALS_H, _PRIOR_LEAVES_H = 0.05, 0.25


@dataclass(frozen=True, eq=False)
class Habit:
    """How people come and go: rates by hour of the day, on workdays and at weekends, shape (2, 24), 1/h."""

    arrivals_per_h: Floats
    leaves_per_h: Floats
    usual_people: float
    """How many there are when the room is in use."""


def learn_habit(track: xr.Dataset) -> Habit:
    """Habits from the presence seen so far, mixed with a weak prior."""
    index = pd.DatetimeIndex(track.indexes["time"])
    people = track["people"].to_numpy()
    hours = np.diff((index - index[0]).total_seconds().to_numpy()) / 3600.0
    here = people[:-1] > 0
    change = people[1:] > 0
    slot = (index.day_of_week >= 5).astype(int)[:-1] * _HOURS + index.hour.to_numpy()[:-1]

    def rate(event: NDArray[np.bool_], exposed: NDArray[np.bool_], prior: float) -> Floats:
        events = np.bincount(slot, weights=event.astype(float), minlength=2 * _HOURS)
        time = np.bincount(slot, weights=hours * exposed, minlength=2 * _HOURS)
        return np.asarray(((events + prior * _PRIOR_H) / (time + _PRIOR_H)).reshape(2, _HOURS))

    used = people[people > 0]
    return Habit(
        arrivals_per_h=rate(~here & change, ~here, _PRIOR_ARRIVALS_H),
        leaves_per_h=rate(here & ~change, here, _PRIOR_LEAVES_H),
        usual_people=float(used.mean()) if used.size else 1.0,
    )


def forecast_co2(
    track: xr.Dataset,
    hours: float,
    rng: np.random.Generator,
    *,
    at: int = -1,
    people: Floats | None = None,
    step_minutes: float = 5.0,
    members: int = 200,
) -> xr.Dataset:
    """Forecast a room's carbon dioxide from one instant of its track.

    Args:
        track: What `track_co2` returned.
        hours: How far ahead, up to 24.
        rng: Draws the futures.
        at: Row of the track to start from, the last by default; nothing after it is used.
        people: Persons present in each step ahead, where a timetable tells; shape (steps,).
        step_minutes: Length of a step.
        members: Number of futures.

    Returns:
        Over ``lead`` (hours ahead): `mean`, `low` and `high` (90 %), ppm.

    Raises:
        InvalidInput: A horizon beyond 24 h, or a timetable of another length.
    """
    steps = round(hours * 60.0 / step_minutes)
    if not 0 < hours <= _HOURS or steps < 1:
        raise InvalidInput(
            "a forecast reaches a day at most", field="hours", value=hours, expected="above 0, at most 24"
        )
    if people is not None and np.shape(people) != (steps,):
        raise InvalidInput(
            "a timetable of another length", field="people", value=np.shape(people), expected=f"{steps}"
        )
    past = track.isel(time=slice(None, None if at == -1 else at + 1))
    now = past.isel(time=-1)
    state = now["state"].to_numpy()
    spread = np.linalg.cholesky(now["covariance"].to_numpy() + 1e-9 * np.eye(state.size))
    starts = state + rng.standard_normal((members, state.size)) @ spread.T
    clock = pd.DatetimeIndex(past.indexes["time"])[-1]
    habit = learn_habit(past)
    slots = (clock.hour + (clock.minute + np.arange(steps) * step_minutes) / 60.0).astype(
        int
    ) + _HOURS * clock.weekday()
    if people is None:
        chance = rng.random((members, steps))
        timetable = np.full(steps, -1.0)
    else:
        chance, timetable = np.zeros((members, steps)), np.asarray(people, dtype=np.float64)
    futures = _futures(
        starts,
        float(now["people"]),
        timetable,
        chance,
        slots % (7 * _HOURS),
        habit.arrivals_per_h,
        habit.leaves_per_h,
        habit.usual_people,
        step_minutes / 60.0,
    )
    low, high = np.percentile(futures, [5, 95], axis=0)
    lead = (np.arange(steps) + 1) * step_minutes / 60.0
    ppm = {"units": "ppm"}
    return xr.Dataset(
        {"mean": ("lead", futures.mean(axis=0), ppm), "low": ("lead", low, ppm), "high": ("lead", high, ppm)},
        coords={"lead": ("lead", lead, {"units": "h"})},
    )


@njit(cache=True, error_model="numpy")
def _futures(
    starts: Floats,
    people: float,
    timetable: Floats,
    chance: Floats,
    slots: NDArray[np.int64],
    arrivals: Floats,
    leaves: Floats,
    usual: float,
    step_h: float,
) -> Floats:
    """Each member's concentration at the end of each step; a timetable below 0 means that habit decides."""
    members, steps = chance.shape
    out = np.empty((members, steps))
    for m in range(members):
        state = starts[m]
        co2, here = state[CONCENTRATION], people
        in_use, empty, emission = np.exp(state[IN_USE]), np.exp(state[EMPTY]), np.exp(state[EMISSION])
        for t in range(steps):
            if timetable[t] >= 0:
                here = timetable[t]
            rate = in_use if here > 0 else empty
            co2 = step(co2, here, rate, emission, state[BASELINE], step_h)
            out[m, t] = co2
            if timetable[t] < 0:
                day, hour = 1 if slots[t] >= 120 else 0, slots[t] % 24
                change = leaves[day, hour] if here > 0 else arrivals[day, hour]
                if chance[m, t] < 1.0 - np.exp(-change * step_h):
                    here = 0.0 if here > 0 else usual
    return out


def hindcast_co2(track: xr.Dataset, minutes: float, planned: Floats | None = None) -> tuple[Floats, Floats]:
    """Forecasts that would have been made from every reading, with what was known then.

    Args:
        track: What `track_co2` returned.
        minutes: How far ahead.
        planned: Persons that a timetable makes one expect at each reading; without one, presence is held
            as it is.

    Returns:
        Forecast and persistence (the reading it was made from), ppm, for each reading that lies this far
        after another one; not a number elsewhere.
    """
    index = pd.DatetimeIndex(track.indexes["time"])
    clock = (index - index[0]).total_seconds().to_numpy() / 60.0
    origin = np.searchsorted(clock, clock - minutes + 0.5, side="right") - 1
    known = (origin >= 0) & (clock - clock[np.maximum(origin, 0)] < minutes + 5.0)
    state, people = track["state"].to_numpy(), track["people"].to_numpy()
    forecast, persistence = np.full(clock.size, np.nan), np.full(clock.size, np.nan)
    rows = np.flatnonzero(known)
    expected = np.full(clock.size, -1.0) if planned is None else np.asarray(planned, dtype=np.float64)
    forecast[rows] = _ahead(state, people, expected, clock / 60.0, origin[rows], rows)
    persistence[rows] = track["co2_measured"].to_numpy()[origin[rows]]
    return forecast, persistence


@njit(cache=True, error_model="numpy")
def _ahead(
    state: Floats,
    people: Floats,
    planned: Floats,
    hours: Floats,
    origins: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> Floats:
    """Forecasts from origins to targets; a plan below 0 means that who is there stays."""
    out = np.empty(origins.size)
    for n in range(origins.size):
        start = state[origins[n]]
        co2, here = start[CONCENTRATION], people[origins[n]]
        in_use, empty, emission = np.exp(start[IN_USE]), np.exp(start[EMPTY]), np.exp(start[EMISSION])
        for k in range(origins[n], targets[n]):
            if planned[k] >= 0 and k > origins[n]:
                here = planned[k]
            rate = in_use if here > 0 else empty
            co2 = step(co2, here, rate, emission, start[BASELINE], hours[k + 1] - hours[k])
        out[n] = co2
    return out


def forecast_skill(
    track: xr.Dataset, minutes: float, planned: Floats | None = None
) -> tuple[float, float, float]:
    """How much better than persistence a room is forecast.

    Args:
        track: What `track_co2` returned.
        minutes: How far ahead.
        planned: See `hindcast_co2`.

    Returns:
        Skill, 1 - RMSE / RMSE of persistence; and the two errors, ppm.
    """
    forecast, persistence = hindcast_co2(track, minutes, planned)
    measured = track["co2_measured"].to_numpy()
    both = np.isfinite(forecast) & np.isfinite(measured) & np.isfinite(persistence)
    errors = [float(np.sqrt(np.mean((guess - measured)[both] ** 2))) for guess in (forecast, persistence)]
    return 1.0 - errors[0] / errors[1], errors[0], errors[1]
