"""How a building is run: who is in which room, how it is aired, when it is heated, what the lamps draw.

People decide the air, the air decides the heat: rooms are simulated lesson by lesson in steps of five
minutes, and what that comes to by the hour is what the thermal model and the meters see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.air.balance import AirControl, RoomAir, run_rooms
from pilots.buildings.stock.archetypes import ROOM_NORMS, TEACHING_SHARE
from pilots.buildings.stock.calendar import Calendar, Use
from pilots.buildings.stock.school import School
from pilots.buildings.thermal.weather import Weather

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Ventilation = Literal["as_built", "constant", "demand"]

STEPS_PER_HOUR = 12
"""Steps of the rooms' air in an hour: five minutes."""

_ATTENDANCE = 0.93
_STAY_IN_BREAK = 0.2
_OTHER_FLOOR_L_S_M2 = 0.35
"""Outdoor air of corridors, halls and kitchens where there is an air handling unit."""

_DEMAND_LEAST = 0.2
_DEMAND_PPM = (600.0, 1000.0)
_AIRING_PER_H = 4.0
"""Air change through all windows of a room."""

_WARM_C = (14.0, 22.0)
"""Outdoor temperatures from which on windows stand open in use: the first of them, half of them; units on
demand run the fuller in the same span (own assumption; no survey of Estonian schools is known to us)."""

_WARM_OPEN = 0.5
_NIGHT_PER_H = 2.0
_NIGHT_H = (22.0, 6.0)
_NIGHT_OUTDOOR_C = (10.0, 20.0)
_STANDBY_W_M2 = 1.2
_DAYLIGHT_W_M2 = 150.0
"""Horizontal sunlight from which on lamps are dimmed."""

_DAYLIGHT_SAVES = 0.5
_HOT_WATER_KWH_M2: dict[Use, float] = {"school": 10.0, "kindergarten": 12.0, "university": 6.0}
"""A year's heat for hot water (Regulation 58, 2015, standard use)."""


@dataclass(frozen=True)
class Operation:
    """What a planner sets."""

    ventilation: Ventilation = "as_built"
    window_airing: bool = False
    night_ventilation: bool = False
    setpoint_c: float = 21.0
    setback_c: float = 18.0
    preheat_h: float = 3.0
    pupils_factor: float = 1.0
    heat_cap_w_m2: float = 0.0
    """Most heat that the building may draw; 0 for what its design asks for."""


@dataclass(frozen=True, eq=False)
class Rooms:
    """Teaching rooms of a building that are simulated, five minutes by five minutes; shape (steps, rooms)."""

    people: Floats
    planned: Floats
    """Persons expected by the timetable."""
    air: RoomAir
    lesson: Mask
    """Lessons with somebody in the room."""
    pause: Mask
    volume_m3: Floats


@dataclass(frozen=True, eq=False)
class HourlyUse:
    """What a building's rooms come to, hour by hour; shape (hours,)."""

    people: Floats
    mechanical_m3_s: Floats
    windows_m3_s: Floats
    """Opened windows and ducts; leaks are not in it."""
    people_w: Floats
    lighting_w: Floats
    equipment_w: Floats
    hot_water_w: Floats
    heating_setpoint_c: Floats
    in_use: Mask
    humidity_ratio: Floats
    """Mean of the teaching rooms."""


def run_school_rooms(
    school: School,
    calendar: Calendar,
    weather: Weather,
    operation: Operation,
    count: int,
    rng: np.random.Generator,
) -> Rooms:
    """People and air of some teaching rooms.

    Args:
        school: The building.
        calendar: Its time in use, in steps of five minutes.
        weather: Hourly weather of the run.
        operation: How it is run.
        count: Number of rooms, at most as many as there are.
        rng: Draws room sizes, the timetable of each room and who is ill.
    """
    norm, archetype = ROOM_NORMS[school.use], school.archetype
    rooms = min(count, school.teaching_rooms)
    volume = norm.area_m2 * norm.height_m * rng.uniform(0.85, 1.15, rooms)
    seats = np.round(norm.people * rng.uniform(0.8, 1.1, rooms) * operation.pupils_factor)
    people, planned = _people(calendar, seats, norm.used_share, rng)
    fresh = archetype.fresh_air_l_s_person * np.maximum(norm.people, seats) / 1000.0
    has_unit = archetype.heat_recovery > 0 or operation.ventilation != "as_built"
    design = np.maximum(fresh, 0.0065 * norm.people) if has_unit and archetype.heat_recovery == 0 else fresh
    demand = operation.ventilation == "demand"
    natural = np.zeros(rooms) if has_unit else fresh
    control = AirControl(
        least_m3_s=design * (_DEMAND_LEAST if demand else 1.0) if has_unit else np.zeros(rooms),
        most_m3_s=design if has_unit else np.zeros(rooms),
        low_ppm=np.full(rooms, _DEMAND_PPM[0]),
        high_ppm=np.full(rooms, _DEMAND_PPM[1] if demand else _DEMAND_PPM[0]),
        airing_m3_s=_AIRING_PER_H * volume / 3600.0,
        leaks_m3_s=school.leaks_per_h * volume / 3600.0 + natural,
    )
    humidity = np.repeat(weather.humidity_ratio, STEPS_PER_HOUR)
    aired = _warm_windows(calendar, weather)
    if operation.window_airing:
        aired[calendar.pause] = 1.0
    air = run_rooms(
        volume,
        people,
        np.full(rooms, norm.co2_l_h),
        control,
        np.broadcast_to(calendar.open[:, None], people.shape),
        np.broadcast_to(aired[:, None], people.shape),
        humidity,
        3600.0 / STEPS_PER_HOUR,
        moisture_g_h=norm.moisture_g_h,
        least_demand=_for_warmth(weather)[:, None],
    )
    lesson = (people > 0) & calendar.lesson[:, None]
    return Rooms(people, planned, air, lesson, np.broadcast_to(calendar.pause[:, None], people.shape), volume)


def _for_warmth(weather: Weather) -> Floats:
    """How much of what fresh air can do is asked for by warmth outdoors, 0 to 1, step by step."""
    low, high = _WARM_C
    return np.repeat(np.clip((weather.air_temperature_c - low) / (high - low), 0.0, 1.0), STEPS_PER_HOUR)


def _warm_windows(calendar: Calendar, weather: Weather) -> Floats:
    """How far windows stand open for warmth, step by step."""
    return np.where(calendar.open, _WARM_OPEN * _for_warmth(weather), 0.0)


def _people(
    calendar: Calendar, seats: Floats, used_share: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Persons in each room, and how many its timetable makes one expect: the same but for who is ill."""
    lessons = int(calendar.lesson_number.max(initial=-1)) + 1
    days = np.cumsum(np.concatenate(([0], np.diff(calendar.hour) < 0)))
    booked = rng.random((5, max(lessons, 1), seats.size)) < used_share
    there = 1.0 - rng.binomial(20, 1.0 - _ATTENDANCE, (int(days[-1]) + 1, seats.size)) / 20.0
    full = np.zeros((calendar.hour.size, seats.size))
    on = calendar.lesson
    row = np.minimum(calendar.weekday[on], 4)
    full[on] = booked[row, calendar.lesson_number[on]] * seats
    full[calendar.pause] = _STAY_IN_BREAK * seats
    return np.round(full * there[days]), _ATTENDANCE * full


def hourly_use(
    school: School, rooms: Rooms, calendar: Calendar, weather: Weather, operation: Operation
) -> HourlyUse:
    """What the rooms of a building come to, scaled to all its teaching rooms and the rest of its floor."""
    norm, archetype = ROOM_NORMS[school.use], school.archetype
    scale = school.teaching_rooms / rooms.people.shape[1]
    people = scale * _hourly(rooms.people.sum(axis=1))
    opened = _hourly(calendar.open.astype(float))
    in_use = opened > 0
    has_unit = archetype.heat_recovery > 0 or operation.ventilation != "as_built"
    other = (1.0 - TEACHING_SHARE[school.use]) * school.floor_area_m2
    mechanical = scale * _hourly(rooms.air.mechanical_m3_s.sum(axis=1))
    mechanical += opened * other * _OTHER_FLOOR_L_S_M2 / 1000.0 if has_unit else 0.0
    leaks = school.leaks_per_h * rooms.volume_m3.sum() / 3600.0
    windows = scale * (_hourly(rooms.air.windows_m3_s.sum(axis=1)) - leaks)
    if operation.night_ventilation:
        windows = windows + _night_air(school, calendar, weather)
    lit = np.clip(
        _hourly(calendar.lesson.astype(float)) + 0.5 * _hourly(calendar.pause.astype(float)), 0.0, 1.0
    )
    sunlight = np.clip(_horizontal(weather) / _DAYLIGHT_W_M2, 0.0, 1.0)
    lighting = lit * norm.lighting_w_m2 * school.floor_area_m2 * (1.0 - _DAYLIGHT_SAVES * sunlight) * 0.6
    equipment = school.floor_area_m2 * (_STANDBY_W_M2 + opened * 0.5 * norm.equipment_w_m2)
    water = _HOT_WATER_KWH_M2[school.use] * school.floor_area_m2 * 1000.0 / (190.0 * 10.0)
    return HourlyUse(
        people=people,
        mechanical_m3_s=mechanical,
        windows_m3_s=np.maximum(windows, 0.0),
        people_w=people * norm.heat_w,
        lighting_w=lighting,
        equipment_w=equipment,
        hot_water_w=water * opened,
        heating_setpoint_c=_setpoint(in_use, operation),
        in_use=in_use,
        humidity_ratio=_hourly(rooms.air.humidity_ratio.mean(axis=1)),
    )


def _hourly(values: Floats) -> Floats:
    """Means of whole hours."""
    return np.asarray(values.reshape(-1, STEPS_PER_HOUR).mean(axis=1))


def _night_air(school: School, calendar: Calendar, weather: Weather) -> Floats:
    """Air through windows and unit on mild nights from May to September."""
    hour, month = calendar.hour[::STEPS_PER_HOUR], calendar.month[::STEPS_PER_HOUR]
    night = (hour >= _NIGHT_H[0]) | (hour < _NIGHT_H[1])
    outdoor = weather.air_temperature_c
    mild = (outdoor > _NIGHT_OUTDOOR_C[0]) & (outdoor < _NIGHT_OUTDOOR_C[1])
    on = night & mild & (month >= 5) & (month <= 9)
    return np.where(on, _NIGHT_PER_H * school.volume_m3 / 3600.0, 0.0)


def _horizontal(weather: Weather) -> Floats:
    """Rough horizontal sunlight: diffuse, and direct as if the sun stood at 30 degrees."""
    return np.asarray(weather.diffuse_horizontal_w_m2 + 0.5 * weather.direct_normal_w_m2)


def _setpoint(in_use: Mask, operation: Operation) -> Floats:
    """Set-point in use, and from some hours before; let down otherwise."""
    ahead = round(operation.preheat_h)
    warm = in_use.copy()
    for hours in range(1, ahead + 1):
        warm[:-hours] |= in_use[hours:]
    low = min(operation.setback_c, operation.setpoint_c)
    return np.where(warm, operation.setpoint_c, low)


def design_heat_w(school: School, loss_w_k: float, mechanical_m3_s: float, outdoor_c: float = -21.0) -> float:
    """Heat that the building is designed for: at 21 °C inside and the design temperature outside.

    Args:
        school: The building.
        loss_w_k: Transmission and leaks.
        mechanical_m3_s: Greatest flow of the air handling unit.
        outdoor_c: Design temperature, -21 °C in Tallinn and -22 °C in Tartu.
    """
    recovered = 1.0 - school.archetype.heat_recovery
    return (
        1.15 * (loss_w_k + 1200.0 * mechanical_m3_s * recovered) * (21.0 - outdoor_c)
        + 10.0 * school.floor_area_m2
    )
