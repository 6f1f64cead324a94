"""A room's ventilation followed from its carbon dioxide sensor while it changes.

Somebody props the door open, a filter clogs, a fan fails: a model with fixed parameters is wrong from then
on. Here the concentration, the air change of the room in use and empty (people open doors, units run by
timetable), what people give off and the outdoor baseline are estimated together, each with its uncertainty,
with every reading. What the room does without looking at its readings again is the free run; it uses the
ventilation known just before each instant.

``track_co2(frame)`` takes a table with the columns ``date``, ``CO2`` (ppm) and ``Occupancy`` (persons, or
0/1), such as the office of Candanedo and Feldheim (2016), and returns all of it as one data set.

Source: extended Kalman filter (Jazwinski 1970) with the exact exponential step of the well-mixed balance;
parameters as random walks of their logarithms; Batterman (2017) for the balance in classrooms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import least_squares

from geodata.errors import InvalidData

Floats = NDArray[np.float64]

CONCENTRATION, IN_USE, EMPTY, EMISSION, BASELINE = range(5)
"""The state: ppm; log air change in use and empty, 1/h; log emission of a person, ppm/h; outdoor ppm."""

STATES = ("co2", "log_air_change_in_use", "log_air_change_empty", "log_emission", "outdoor")

_LIMITS = np.array(
    [
        [300.0, 1e5],
        [np.log(0.02), np.log(30.0)],
        [np.log(0.02), np.log(30.0)],
        [np.log(5.0), np.log(1e4)],
        [350.0, 600.0],
    ]
)
"""What rooms can be; the filter is kept within it."""


@dataclass(frozen=True)
class RoomModel:
    """A room before its sensor is heard: best guesses."""

    air_change_in_use_per_h: float = 0.5
    air_change_empty_per_h: float = 0.5
    emission_ppm_h: float = 400.0
    """What one person (or the room in use, where only that is known) adds, G/V."""
    outdoor_ppm: float = 440.0

    def state(self, first_ppm: float) -> Floats:
        """As the filter holds it."""
        return np.array(
            [
                first_ppm,
                np.log(self.air_change_in_use_per_h),
                np.log(self.air_change_empty_per_h),
                np.log(self.emission_ppm_h),
                self.outdoor_ppm,
            ]
        )


@dataclass(frozen=True)
class Restlessness:
    """How fast things may change, as variances per hour, and how well the sensor reads.

    An air change that may drift by a fifth an hour, a sensor good to 20 ppm (non-dispersive infrared
    sensors are sold with +-(30 to 50 ppm + 3 %)).
    """

    concentration_ppm2_h: float = 400.0
    log_air_change_h: float = 0.05
    log_emission_h: float = 0.1
    outdoor_ppm2_h: float = 1.0
    sensor_ppm: float = 20.0
    gate: float = 5.0
    """Readings further than this many standard deviations from what was expected are not believed..."""
    patience: int = 3
    """...unless so many have come in a row: then the room has changed, not the sensor."""


@dataclass(frozen=True, eq=False)
class Readings:
    """A checked table of readings."""

    time: pd.DatetimeIndex
    hours: Floats
    co2_ppm: Floats
    people: Floats


def read_frame(
    frame: pd.DataFrame, time: str = "date", co2: str = "CO2", people: str = "Occupancy"
) -> Readings:
    """Check a table of readings and put it in order of time.

    Args:
        frame: One row per reading.
        time: Column of the times.
        co2: Column of carbon dioxide, ppm; not a number where there is no reading.
        people: Column of persons present, or whether any are.

    Raises:
        InvalidData: A missing column, times that cannot be read, too few rows, or values in other units.
    """
    for column in (time, co2, people):
        if column not in frame.columns:
            raise InvalidData("a column is missing", field=column, expected=f"one of {list(frame.columns)}")
    table = pd.DataFrame(
        {
            "time": pd.to_datetime(frame[time], errors="coerce"),
            "co2": pd.to_numeric(frame[co2], errors="coerce"),
            "people": pd.to_numeric(frame[people], errors="coerce"),
        }
    )
    wrong = table["time"].isna() | table["people"].isna() | (table["people"] < 0)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InvalidData(
            "a row without time or presence",
            row=row + 1,
            field=f"{time}, {people}",
            value=str(frame.iloc[row][[time, people]].to_dict()),
            expected="a time, and 0 or more persons",
        )
    table = table.sort_values("time", kind="stable").drop_duplicates("time", keep="last")
    if len(table) < 2:
        raise InvalidData("too few readings to follow a room", value=len(table), expected="two or more")
    middle = float(table["co2"].median())
    if not 300.0 <= middle <= 20_000.0:
        raise InvalidData(
            "carbon dioxide in another unit", field=co2, value=middle, expected="a median of 300..20000 ppm"
        )
    index = pd.DatetimeIndex(table["time"])
    hours = (index - index[0]).total_seconds().to_numpy() / 3600.0
    return Readings(index, hours, table["co2"].to_numpy(np.float64), table["people"].to_numpy(np.float64))


def fit_room(readings: Readings) -> RoomModel:
    """The one set of parameters with which a free run comes nearest to all readings (least squares)."""
    known = np.isfinite(readings.co2_ppm)

    def misfit(guess: Floats) -> Floats:
        return free_run(readings, _model(guess))[known] - readings.co2_ppm[known]

    return _model(least_squares(misfit, [np.log(0.5), np.log(0.5), np.log(400.0), 4.4]).x)


def _model(guess: Floats) -> RoomModel:
    """Parameters from logarithms of the first three, and the baseline in hundreds of ppm."""
    in_use, empty, emission = (float(np.exp(value)) for value in guess[:3])
    return RoomModel(in_use, empty, emission, float(guess[3]) * 100.0)


def free_run(readings: Readings, room: RoomModel) -> Floats:
    """Carbon dioxide of a room with fixed parameters that never looks at its readings but the first, ppm."""
    first = readings.co2_ppm[np.flatnonzero(np.isfinite(readings.co2_ppm))[0]]
    state = np.tile(room.state(float(first)), (readings.hours.size, 1))
    return np.asarray(_follow(readings.hours, readings.people, state))


def track_co2(
    frame: pd.DataFrame | Readings, room: RoomModel | None = None, restlessness: Restlessness | None = None
) -> xr.Dataset:
    """Follow a room through its readings.

    Args:
        frame: Readings, or a table with the columns ``date``, ``CO2`` and ``Occupancy``.
        room: What is known of it beforehand, such as `fit_room` of earlier readings.
        restlessness: How fast it may change.

    Returns:
        Over ``time``: `co2_measured`, `co2_filtered` with `co2_filtered_std`, `co2_free_running` (ppm, never
        corrected by a reading, with the ventilation known before it), `air_change` now with
        `air_change_low` and `air_change_high` (95 %, 1/h), `emission` (ppm/h per person), `outdoor`,
        `innovation` (reading minus expectation), `believed` (whether the reading was used), and `state` and
        `covariance` for forecasts.

    Raises:
        InvalidData: See `read_frame`.
    """
    readings = frame if isinstance(frame, Readings) else read_frame(frame)
    room, restless = room or RoomModel(), restlessness or Restlessness()
    first = float(readings.co2_ppm[np.flatnonzero(np.isfinite(readings.co2_ppm))[0]])
    spread = np.array([restless.sensor_ppm, 0.7, 0.7, 0.7, 20.0])
    walk = (
        restless.concentration_ppm2_h,
        restless.log_air_change_h,
        restless.log_air_change_h,
        restless.log_emission_h,
        restless.outdoor_ppm2_h,
    )
    state, covariance, innovation, believed = _filter(
        readings.hours,
        readings.co2_ppm,
        readings.people,
        room.state(first),
        np.diag(spread**2),
        np.array(walk),
        restless.sensor_ppm**2,
        restless.gate,
        restless.patience,
    )
    return _as_data(readings, state, covariance, innovation, believed)


def _as_data(
    readings: Readings, state: Floats, covariance: Floats, innovation: Floats, believed: NDArray[np.bool_]
) -> xr.Dataset:
    now = np.where(readings.people > 0, IN_USE, EMPTY)
    rows = np.arange(now.size)
    log_rate, log_std = state[rows, now], np.sqrt(covariance[rows, now, now])
    ppm, per_hour = {"units": "ppm"}, {"units": "h-1"}
    data = xr.Dataset(
        {
            "co2_measured": ("time", readings.co2_ppm, ppm),
            "people": ("time", readings.people, {"units": "1"}),
            "co2_filtered": ("time", state[:, CONCENTRATION], ppm),
            "co2_filtered_std": ("time", np.sqrt(covariance[:, CONCENTRATION, CONCENTRATION]), ppm),
            "co2_free_running": ("time", _follow(readings.hours, readings.people, state), ppm),
            "air_change": ("time", np.exp(log_rate), per_hour),
            "air_change_low": ("time", np.exp(log_rate - 1.96 * log_std), per_hour),
            "air_change_high": ("time", np.exp(log_rate + 1.96 * log_std), per_hour),
            "emission": ("time", np.exp(state[:, EMISSION]), {"units": "ppm h-1"}),
            "outdoor": ("time", state[:, BASELINE], ppm),
            "innovation": ("time", innovation, ppm),
            "believed": ("time", believed),
            "state": (("time", "component"), state),
            "covariance": (("time", "component", "component_"), covariance),
        },
        coords={"time": readings.time, "component": list(STATES)},
    )
    misfit = data["co2_free_running"] - data["co2_measured"]
    data.attrs = {"free_running_rmse_ppm": float(np.sqrt((misfit**2).mean()))}
    return data


@njit(cache=True, error_model="numpy")
def step(
    co2: float, people: float, air_change: float, emission: float, outdoor: float, hours: float
) -> float:
    """Concentration after some time, exact for constant people and air change."""
    steady = outdoor + people * emission / air_change
    return float(steady + (co2 - steady) * np.exp(-air_change * hours))


@njit(cache=True, error_model="numpy")
def _follow(hours: Floats, people: Floats, state: Floats) -> Floats:
    """Free run with the parameters known before each instant."""
    co2 = np.empty(hours.size)
    co2[0] = state[0, CONCENTRATION]
    for k in range(1, hours.size):
        known = state[k - 1]
        rate = np.exp(known[IN_USE] if people[k - 1] > 0 else known[EMPTY])
        emission = np.exp(known[EMISSION])
        co2[k] = step(co2[k - 1], people[k - 1], rate, emission, known[BASELINE], hours[k] - hours[k - 1])
    return co2


@njit(cache=True, error_model="numpy")
def _filter(
    hours: Floats,
    readings: Floats,
    people: Floats,
    state: Floats,
    covariance: Floats,
    walk: Floats,
    sensor: float,
    gate: float,
    patience: int,
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Extended Kalman filter; a reading that is not a number changes nothing."""
    count, size = hours.size, state.size
    states, covariances = np.empty((count, size)), np.empty((count, size, size))
    innovation, believed = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
    states[0], covariances[0], believed[0] = state, covariance, True
    doubted = 0
    for k in range(1, count):
        x, p = _predict(states[k - 1], covariances[k - 1], people[k - 1], hours[k] - hours[k - 1], walk)
        if np.isfinite(readings[k]):
            innovation[k] = readings[k] - x[CONCENTRATION]
            variance = p[CONCENTRATION, CONCENTRATION] + sensor
            if innovation[k] ** 2 < gate * gate * variance or doubted >= patience:
                gain = p[:, CONCENTRATION] / variance
                x += gain * innovation[k]
                p -= np.outer(gain, p[CONCENTRATION])
                p = 0.5 * (p + p.T)
                believed[k] = True
                doubted = 0
            else:
                doubted += 1
        for i in range(size):
            x[i] = min(max(x[i], _LIMITS[i, 0]), _LIMITS[i, 1])
        states[k], covariances[k] = x, p
    return states, covariances, innovation, believed


@njit(cache=True, error_model="numpy")
def _predict(
    state: Floats, covariance: Floats, people: float, hours: float, walk: Floats
) -> tuple[Floats, Floats]:
    """State and covariance some time later; only what is in force, air change and people, may walk."""
    x = state.copy()
    now = IN_USE if people > 0 else EMPTY
    rate, source = np.exp(x[now]), people * np.exp(x[EMISSION])
    fade = np.exp(-rate * hours)
    steady = x[BASELINE] + source / rate
    jacobian = np.eye(x.size)
    jacobian[0, CONCENTRATION] = fade
    jacobian[0, now] = -(source / rate) * (1.0 - fade) - (x[CONCENTRATION] - steady) * rate * hours * fade
    jacobian[0, EMISSION] = (source / rate) * (1.0 - fade)
    jacobian[0, BASELINE] = 1.0 - fade
    x[CONCENTRATION] = steady + (x[CONCENTRATION] - steady) * fade
    p = jacobian @ covariance @ jacobian.T
    p[CONCENTRATION, CONCENTRATION] += walk[CONCENTRATION] * hours
    p[now, now] += walk[now] * hours
    if people > 0:
        p[EMISSION, EMISSION] += walk[EMISSION] * hours
    p[BASELINE, BASELINE] += walk[BASELINE] * hours
    return x, p
