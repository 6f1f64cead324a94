"""Carbon dioxide and moisture in rooms: what people breathe out against what fresh air carries off.

Twenty-four pupils in a closed classroom of 180 m3 pass 1000 ppm after a quarter of an hour; with 7 L/s of
outdoor air each they settle just below it. Each room is one well-mixed volume.

Sources: EN 16798-1:2019 (20 L/h of carbon dioxide from a sedentary adult); Persily and de Jonge (2017) for
what children give; the exact solution of the balance over a step in which nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geodata.errors import InvalidInput

Floats = NDArray[np.float64]

OUTDOOR_PPM = 420.0
"""Carbon dioxide outdoors where nobody measured it."""

ADULT_CO2_L_H = 20.0
ADULT_MOISTURE_G_H = 55.0

CO2_L_H_BY_AGE = {
    "kindergarten": 10.5,
    "primary": 13.5,
    "basic": 16.0,
    "secondary": 18.5,
    "adult": ADULT_CO2_L_H,
}
"""Carbon dioxide of one person at 1.2 met; children by body surface (Persily and de Jonge 2017)."""


@dataclass(frozen=True, eq=False)
class AirControl:
    """How rooms are aired; arrays of shape (rooms,), flows in m3/s.

    A unit on demand gives `least_m3_s` up to `low_ppm`, `most_m3_s` from `high_ppm` on and in between in
    proportion; with both flows equal it is a constant one. It runs when `unit_on` says so. Windows that are
    all open add `airing_m3_s`.
    """

    least_m3_s: Floats
    most_m3_s: Floats
    low_ppm: Floats
    high_ppm: Floats
    airing_m3_s: Floats
    leaks_m3_s: Floats


@dataclass(frozen=True, eq=False)
class RoomAir:
    """What came about; shape (steps, rooms), values at the end of each step, flows over it."""

    co2_ppm: Floats
    humidity_ratio: Floats
    """Water per dry air, kg/kg."""
    mechanical_m3_s: Floats
    windows_m3_s: Floats
    """Through opened windows and leaks."""


def steady_co2_ppm(
    people: float, emission_l_h: float, flow_l_s: float, outdoor_ppm: float = OUTDOOR_PPM
) -> float:
    """Concentration that a room settles at, ppm."""
    return outdoor_ppm + people * emission_l_h / 3600.0 / flow_l_s * 1e6


def co2_after(
    start_ppm: float | Floats,
    steady_ppm: float | Floats,
    air_change_per_h: float | Floats,
    hours: float | Floats,
) -> Floats:
    """Concentration after some time in which people and flow stay the same, ppm."""
    fade = np.exp(-np.asarray(air_change_per_h) * hours)
    return np.asarray(steady_ppm + (np.asarray(start_ppm) - steady_ppm) * fade)


def run_rooms(
    volume_m3: Floats,
    people: Floats,
    emission_l_h: Floats,
    control: AirControl,
    unit_on: NDArray[np.bool_],
    windows_open: Floats,
    outdoor_humidity_ratio: Floats,
    step_s: float,
    *,
    outdoor_ppm: float = OUTDOOR_PPM,
    moisture_g_h: float = ADULT_MOISTURE_G_H,
    least_demand: Floats | float = 0.0,
) -> RoomAir:
    """Carbon dioxide and moisture of many rooms, step by step.

    Args:
        volume_m3: Shape (rooms,).
        people: Persons present, shape (steps, rooms).
        emission_l_h: Carbon dioxide of one person, shape (rooms,).
        control: How the rooms are aired.
        unit_on: Whether the air handling unit runs, shape (steps, rooms).
        windows_open: How far windows are open, 0 to 1, shape (steps, rooms).
        outdoor_humidity_ratio: Shape (steps,).
        step_s: Length of a step.
        outdoor_ppm: Carbon dioxide outdoors.
        moisture_g_h: Water vapour of one person.
        least_demand: How far a unit on demand is driven whatever the air, 0 to 1, e.g. to cool; shape (steps,
            rooms), or one.

    Returns:
        Concentrations at the end of each step, and flows.

    Raises:
        InvalidInput: A room without volume.
    """
    empty = np.flatnonzero(~(np.asarray(volume_m3) > 0))
    if empty.size:
        raise InvalidInput(
            "a room without volume",
            row=int(empty[0]) + 1,
            field="volume_m3",
            value=float(volume_m3[empty[0]]),
            expected="above 0 m3",
        )
    start = float(outdoor_humidity_ratio[0])
    parts = _run_rooms(
        volume_m3,
        people,
        emission_l_h / 3.6e6,
        np.column_stack(
            (
                control.least_m3_s,
                control.most_m3_s,
                control.low_ppm,
                control.high_ppm,
                control.airing_m3_s,
                control.leaks_m3_s,
            )
        ),
        # Below 0 the unit is off.
        np.where(unit_on, least_demand, -1.0),
        windows_open,
        outdoor_humidity_ratio,
        step_s,
        outdoor_ppm,
        # A cubic metre of indoor air holds 1.2 kg.
        moisture_g_h / 3.6e6 / 1.2,
        start,
    )
    return RoomAir(*parts)


@njit(cache=True, error_model="numpy")
def _run_rooms(
    volume: Floats,
    people: Floats,
    emission: Floats,
    control: Floats,
    least_demand: Floats,
    windows_open: Floats,
    outdoor_humidity: Floats,
    step_s: float,
    outdoor_ppm: float,
    moisture: float,
    start_humidity: float,
) -> tuple[Floats, Floats, Floats, Floats]:
    steps, rooms = people.shape
    co2, humidity = np.empty((steps, rooms)), np.empty((steps, rooms))
    mechanical, windows = np.empty((steps, rooms)), np.empty((steps, rooms))
    carbon, water = np.full(rooms, outdoor_ppm), np.full(rooms, start_humidity)
    for t in range(steps):
        for r in range(rooms):
            least, most, low, high, airing, leaks = control[r]
            unit = 0.0
            if least_demand[t, r] >= 0.0:
                stale = 1.0 if high <= low else min((carbon[r] - low) / (high - low), 1.0)
                demand = max(stale, least_demand[t, r])
                unit = least + (most - least) * demand
            other = leaks + airing * windows_open[t, r]
            flow = unit + other
            if flow > 0.0:
                fade = np.exp(-flow * step_s / volume[r])
                steady = outdoor_ppm + people[t, r] * emission[r] / flow * 1e6
                carbon[r] = steady + (carbon[r] - steady) * fade
                damp = outdoor_humidity[t] + people[t, r] * moisture / flow
                water[r] = damp + (water[r] - damp) * fade
            else:
                carbon[r] += people[t, r] * emission[r] * step_s / volume[r] * 1e6
                water[r] += people[t, r] * moisture * step_s / volume[r]
            co2[t, r], humidity[t, r] = carbon[r], water[r]
            mechanical[t, r], windows[t, r] = unit, other
    return co2, humidity, mechanical, windows


def relative_humidity_percent(
    humidity_ratio: Floats, temperature_c: Floats, pressure_pa: float = 101325.0
) -> Floats:
    """Relative humidity from water content and temperature (Alduchov and Eskridge 1996), at most 100 %."""
    vapour = humidity_ratio * pressure_pa / (0.621945 + humidity_ratio)
    saturated = 610.94 * np.exp(17.625 * temperature_c / (temperature_c + 243.04))
    return np.asarray(np.minimum(100.0 * vapour / saturated, 100.0))
