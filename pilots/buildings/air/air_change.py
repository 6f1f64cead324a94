"""Air change of a room from its carbon dioxide: how fast it falls, climbs or where it settles.

The hour after pupils leave tells it best: every air change divides what is above outdoors by e. During
lessons, with the number of pupils known, the climb tells it as well.

Source: Batterman (2017), "Review and extension of CO2-based methods to determine ventilation rates with
application to school classrooms", who finds the transient method best and the steady one biased.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from geodata.errors import InvalidData
from pilots.buildings.air.balance import OUTDOOR_PPM

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AirChange:
    """An estimate with its 95 % interval, air changes per hour."""

    per_h: float
    low_per_h: float
    high_per_h: float

    def flow_l_s(self, volume_m3: float) -> tuple[float, float, float]:
        """Outdoor air of a room of this volume, L/s: estimate, low, high."""
        factor = volume_m3 / 3.6
        return self.per_h * factor, self.low_per_h * factor, self.high_per_h * factor


def from_steady(
    co2_ppm: float, people: float, emission_l_h: float, volume_m3: float, outdoor_ppm: float = OUTDOOR_PPM
) -> float:
    """Air changes per hour of a room that has settled at a concentration."""
    if co2_ppm <= outdoor_ppm:
        raise InvalidData(
            "a room with people cannot be at or below outdoor air",
            field="co2_ppm",
            value=co2_ppm,
            expected=f"> {outdoor_ppm}",
        )
    return people * emission_l_h * 1e3 / (volume_m3 * (co2_ppm - outdoor_ppm))


def from_decay(hours: Floats, co2_ppm: Floats, outdoor_ppm: float = OUTDOOR_PPM) -> AirChange:
    """Air change of an empty room from all readings of its fall (regression of the logarithm).

    Args:
        hours: Time of each reading.
        co2_ppm: Readings, all above outdoors.
        outdoor_ppm: Carbon dioxide outdoors.

    Raises:
        InvalidData: Fewer than three readings, or one at or below outdoor air.
    """
    above = np.asarray(co2_ppm, dtype=np.float64) - outdoor_ppm
    if above.size < 3 or (above <= 0).any():
        raise InvalidData(
            "no fall to measure",
            field="co2_ppm",
            value=above.size,
            expected="three readings or more above outdoors",
        )
    if above.size == 3:
        slope, error = np.polyfit(hours, np.log(above), 1), 0.0
    else:
        slope, covariance = np.polyfit(hours, np.log(above), 1, cov=True)
        error = float(np.sqrt(covariance[0, 0]))
    rate = -float(slope[0])
    return AirChange(rate, rate - 1.96 * error, rate + 1.96 * error)


def from_transient(
    hours: Floats,
    co2_ppm: Floats,
    people: float,
    emission_l_h: float,
    volume_m3: float,
    outdoor_ppm: float = OUTDOOR_PPM,
) -> AirChange:
    """Air change over a spell in which the same number of people is present, such as a lesson.

    Fits the exact solution of the balance, its beginning included, to all readings by least squares.

    Args:
        hours: Time of each reading.
        co2_ppm: Readings.
        people: Persons present, 0 for an empty room.
        emission_l_h: Carbon dioxide of one person.
        volume_m3: Volume of the room.
        outdoor_ppm: Carbon dioxide outdoors.

    Raises:
        InvalidData: Fewer than four readings, or a climb that no air change explains.
    """
    time = np.asarray(hours, dtype=np.float64) - hours[0]
    source = people * emission_l_h * 1e3 / volume_m3

    def course(at: Floats, log_rate: float, start: float) -> Floats:
        rate = np.exp(log_rate)
        steady = outdoor_ppm + source / rate
        return np.asarray(steady + (start - steady) * np.exp(-rate * at))

    if time.size < 4:
        raise InvalidData("too few readings", field="co2_ppm", value=time.size, expected="4 or more")
    try:
        best, covariance = curve_fit(course, time, co2_ppm, p0=(0.0, float(co2_ppm[0])), maxfev=2000)
    except RuntimeError as error:
        raise InvalidData(
            "no air change explains these readings", field="co2_ppm", value=str(error)
        ) from error
    spread = 1.96 * float(np.sqrt(covariance[0, 0]))
    rate = float(best[0])
    return AirChange(*(float(np.exp(value)) for value in (rate, rate - spread, rate + spread)))
