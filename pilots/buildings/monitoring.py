"""The chain from room to indicator, tried on virtual sensors: noise, drop-outs, faults, findings.

Every monitored room gets three sensors. What they say goes through the same screening, diagnosis, tracking
and forecasting as what real ones say, so that a run also tells how well the building would be watched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.observations.diagnosis import Diagnosis, diagnose, score
from geodata.observations.quality import Flag
from geodata.observations.screening import health, screen
from geodata.observations.virtual import SensorQuality, draw_faults, inject, sense
from pilots.buildings.air.forecast import forecast_skill
from pilots.buildings.air.tracking import read_frame, track_co2

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

LEADS_MIN = {"15min": 15.0, "60min": 60.0, "24h": 1440.0}

PROPERTIES = ("co2", "temperature", "relative_humidity")

_FAULTY_FROM_DAYS = 42
"""Shorter spells are too short for drifts and offsets to show."""

_DAYS_PER_FAULT = 60.0
_INTERVAL_S = 300.0


@dataclass(frozen=True)
class Watch:
    """How well the rooms of a city would be watched."""

    availability_percent: float
    longest_gap_h: float
    faults: int
    """Faults put in."""
    found: int
    """Findings of the diagnosis."""
    f1: float
    """Of the findings against the faults; not a number where there were none."""
    forecast_skill: dict[str, float]
    """By how far ahead: `15min`, `60min`, `24h`."""
    air_change_error_percent: float
    """Median difference of tracked and true air change during lessons."""


def watch(
    time: Times,
    truth: dict[str, Floats],
    people: Floats,
    planned: Floats,
    air_change_per_h: Floats,
    building: NDArray[np.int64],
    rng: np.random.Generator,
    utc_offset_h: float,
) -> Watch:
    """Put sensors into rooms and see what they tell.

    Args:
        time: Instants, ns, every five minutes.
        truth: What is true of each of `PROPERTIES`, shape (steps, rooms).
        people: Persons present, of the same shape.
        planned: Persons that the timetable makes one expect, of the same shape.
        air_change_per_h: True air change, of the same shape.
        building: Which building each room is in; rooms of one building are each other's yardstick.
        rng: Draws noise, drop-outs and faults.
        utc_offset_h: Hours that local time is ahead.
    """
    days = (time[-1] - time[0]) / 86_400e9
    rooms = people.shape[1]
    faults_wanted = int(days * rooms / _DAYS_PER_FAULT) if days >= _FAULTY_FROM_DAYS else 0
    available, gaps, right, total, found_total = [], [], [], 0, 0
    for observed in PROPERTIES:
        heard = sense(truth[observed], time, SensorQuality.usual(observed), rng)
        if observed == "co2":
            skill, error = _track(time, heard, people, planned, air_change_per_h)
        faults = draw_faults(time, rooms, observed, faults_wanted, rng) if faults_wanted else []
        heard = inject(heard, time, observed, faults)
        for room in range(rooms):
            known = np.isfinite(heard[:, room])
            verdict = screen(time[known], heard[known, room], observed).flag
            state = health(
                time[known], verdict, _INTERVAL_S, int(time[0]), int(time[-1]) + int(_INTERVAL_S * 1e9)
            )
            available.append(state.availability_percent)
            gaps.append(state.longest_gap_h)
        found = _found(heard, time, observed, building, utc_offset_h) if faults else []
        total, found_total = total + len(faults), found_total + len(found)
        right.append(score(found, faults)[2] if faults else np.nan)
    return Watch(
        availability_percent=float(np.mean(available)),
        longest_gap_h=float(np.max(gaps)),
        faults=total,
        found=found_total,
        f1=float(np.mean(right)) if total else float("nan"),
        forecast_skill=skill,
        air_change_error_percent=error,
    )


def _found(
    heard: Floats, time: Times, observed: str, building: NDArray[np.int64], utc_offset_h: float
) -> list[Diagnosis]:
    """What the diagnosis finds, building by building."""
    found = []
    for one in np.unique(building):
        rooms = np.flatnonzero(building == one)
        found += [
            replace(finding, sensor=int(rooms[finding.sensor]))
            for finding in diagnose(heard[:, rooms], time, observed, utc_offset_h=utc_offset_h)
        ]
    return found


def _track(
    time: Times, heard: Floats, people: Floats, planned: Floats, air_change_per_h: Floats
) -> tuple[dict[str, float], float]:
    """Skill of forecasts of all rooms together by lead, and median error of their air change."""
    squares, errors = {lead: np.zeros(2) for lead in LEADS_MIN}, []
    settled = np.arange(time.size) > time.size // 4
    for room in range(people.shape[1]):
        frame = pd.DataFrame(
            {"date": pd.to_datetime(time), "CO2": heard[:, room], "Occupancy": people[:, room]}
        )
        track = track_co2(read_frame(frame))
        for lead, minutes in LEADS_MIN.items():
            if minutes * 60e9 < time[-1] - time[0]:
                squares[lead] += np.square(forecast_skill(track, minutes, planned[:, room])[1:])
        lesson = (people[:, room] > 0) & settled
        estimate = track["air_change"].to_numpy()[lesson]
        errors.append(np.abs(estimate / air_change_per_h[lesson, room] - 1.0))
    error = np.concatenate(errors)
    skill = {
        lead: float(1.0 - np.sqrt(own / other)) if other > 0 else float("nan")
        for lead, (own, other) in squares.items()
    }
    return skill, float(100.0 * np.median(error)) if error.size else float("nan")


def rooms_needed(
    values: Floats,
    building: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float = 0.05,
    draws: int = 200,
) -> int:
    """How few rooms need sensors so that the mean of all is known within a tolerance, 19 times of 20.

    As many rooms of each building get one, or all of those it has; which, is drawn. Each building counts
    with all its rooms.

    Args:
        values: An indicator, room by room; not a number where a room has none.
        building: Which building each room is in, in order.
        rng: Draws which rooms have sensors.
        tolerance: Relative difference allowed.
        draws: How many choices of rooms are tried for each number.
    """
    known = np.isfinite(values)
    own, owner = values[known], np.unique(building[known], return_inverse=True)[1]
    if own.size < 2 or own.mean() == 0:
        return int(own.size)
    rooms = np.bincount(owner)
    first = np.concatenate(([0], np.cumsum(rooms)[:-1]))
    place = np.argsort(owner + rng.random((draws, own.size)), axis=1)
    rank = np.empty_like(place)
    np.put_along_axis(rank, place, np.arange(own.size) - np.repeat(first, rooms), axis=1)
    for each in range(1, int(rooms.max())):
        heard = np.minimum(each, rooms)
        means = np.add.reduceat(np.where(rank < each, own, 0.0), first, axis=1) / heard
        error = np.abs(means @ rooms / own.size / own.mean() - 1.0)
        if (error <= tolerance).mean() >= 0.95:
            return int(heard.sum())
    return int(own.size)


def promoted(time: Times, heard: Floats, observed_property: str) -> Floats:
    """A series with everything that quality control does not pass left out: what an indicator may read."""
    verdict = screen(time, heard, observed_property).flag
    return np.where(np.isin(verdict, (int(Flag.GOOD), int(Flag.UNKNOWN))), heard, np.nan)
