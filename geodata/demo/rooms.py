"""Sensors in some class rooms of a demo city, two weeks of what they saw, and a few of the usual faults.

CO2 follows a mass balance: pupils breathe out, the ventilation and the breaks carry off (e.g. Persily & de
Jonge 2017 for what people breathe out). Faults are put in on purpose, so that quality control has work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geodata.demo.chance import stream
from geodata.demo.facts import Facts

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

SCHOOLS, ROOMS = 3, 2
FIRST_DAY, DAYS = "2026-03-02", 14
STEP_S = 600.0
PROPERTIES = {"co2": "ppm", "temperature": "Cel", "relative_humidity": "%"}

OUTSIDE_PPM = 425.0
ROOM_M3 = 190.0
PUPILS = 24
BREATH_L_S = 0.0045
"""CO2 a seated pupil breathes out."""

AIR_CHANGES_H = (0.6, 2.2)
"""Of the room without and with its ventilation at work."""

LESSONS_H = tuple((8.25 + 0.92 * lesson, 9.0 + 0.92 * lesson) for lesson in range(7))

FAULTS = (
    "the first room's CO2 sensor is stuck for a day from 5 March, its temperature jumps by 30 K for an hour "
    "on 10 March; the second room's sensors are silent for six hours on 4 March, its humidity drifts up by "
    "1 % a day; the last room is still being set up (staging)"
)


def sensors(facts: Facts, schools: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One series of observations per property and room."""
    import geopandas as gpd

    rows = [
        (
            f"{school.school_id}-r{room}-{name}",
            school.school_id,
            f"r{room}",
            name,
            unit,
            STEP_S,
            school.geometry,
        )
        for school in schools.head(SCHOOLS).itertuples()
        for room in range(1, ROOMS + 1)
        for name, unit in PROPERTIES.items()
    ]
    columns = ["sensor_id", "building_id", "room_id", "observed_property", "unit", "interval_s", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, crs=facts.city.crs)


def observations(facts: Facts, sensor_table: gpd.GeoDataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """What the sensors saw; not yet judged by quality control."""
    import pandas as pd

    time = pd.date_range(
        FIRST_DAY, periods=int(DAYS * 86400 / STEP_S), freq=f"{int(STEP_S)}s", tz=facts.city.timezone
    )
    present = _pupils_present(time)
    outside = np.interp(
        time.as_unit("s").asi8, pd.DatetimeIndex(weather["time"]).as_unit("s").asi8, weather["temperature_c"]
    )
    frames = []
    rooms = sensor_table.groupby(["building_id", "room_id"], sort=False)
    for number, ((building, room), group) in enumerate(rooms):
        chance = stream(facts.city.id, "rooms", str(building), str(room))
        seen = _room(present * chance.uniform(0.75, 1.1), outside, chance)
        for sensor_id, name in zip(group["sensor_id"], group["observed_property"], strict=True):
            value = _with_faults(seen[name], name, number)
            state = "staging" if number == len(rooms) - 1 else "production"
            frames.append(
                pd.DataFrame({"sensor_id": sensor_id, "time": time, "value": value, "state": state})
            )
    table = pd.concat(frames, ignore_index=True)
    table["flag"] = np.where(table["value"].isna(), "missing", "unknown")
    table["time"] = table["time"].dt.tz_convert("UTC")
    return table


def _pupils_present(time: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Pupils in a class room: in lessons on working days, a few of them in the breaks."""
    hour = time.hour.to_numpy() + time.minute.to_numpy() / 60
    lesson = np.any([(hour >= first) & (hour < last) for first, last in LESSONS_H], axis=0)
    at_school = (hour >= LESSONS_H[0][0]) & (hour < LESSONS_H[-1][1])
    working = time.day_of_week.to_numpy() < 5
    present = np.where(lesson, 1.0, np.where(at_school, 0.2, 0.0))
    return np.where(working, PUPILS * present, 0.0)


def _room(
    pupils: NDArray[np.float64], outside_c: NDArray[np.float64], chance: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """CO2, temperature and humidity of one room, with the noise of its sensors."""
    count = len(pupils)
    co2, warmth = np.empty(count), np.empty(count)
    ppm, kelvin = OUTSIDE_PPM, 0.0
    for step in range(count):
        air_change = AIR_CHANGES_H[int(pupils[step] > 0)] / 3600
        fade = np.exp(-air_change * STEP_S)
        settled = OUTSIDE_PPM + pupils[step] * BREATH_L_S * 1000 / (ROOM_M3 * air_change)
        ppm = settled + (ppm - settled) * fade
        kelvin += ((0.10 * pupils[step]) - kelvin) * 0.12
        co2[step], warmth[step] = ppm, kelvin
    temperature = 20.6 + warmth + 0.04 * (outside_c - 5) + chance.normal(0, 0.08, count)
    humidity = 27 + 0.9 * outside_c + 0.35 * pupils + chance.normal(0, 0.6, count)
    return {
        "co2": np.round(co2 * chance.normal(1, 0.012, count)),
        "temperature": temperature.round(2),
        "relative_humidity": humidity.clip(8, 80).round(1),
    }


def _with_faults(value: NDArray[np.float64], name: str, room: int) -> NDArray[np.float64]:
    """The faults told in :data:`FAULTS`."""
    per_day = int(86400 / STEP_S)
    value = value.copy()
    if room == 0 and name == "co2":
        value[3 * per_day : 4 * per_day] = value[3 * per_day]
    if room == 0 and name == "temperature":
        value[8 * per_day + 60 : 8 * per_day + 66] += 30.0
    if room == 1:
        value[2 * per_day + 60 : 2 * per_day + 96] = np.nan
    if room == 1 and name == "relative_humidity":
        value = (value + np.arange(len(value)) / per_day).clip(0, 100).round(1)
    return value
