"""When schools are in use: lessons and breaks, holidays and the long summer.

A bell rings at 8.15, lessons last 45 minutes, and on the 24th of February nobody is there. Kindergartens
know no bells but open at seven; university lectures last an hour and a half.

Sources: the Estonian Public Holidays and Days of National Importance Act; the school holidays that the
    Minister of
Education sets each year, in the rule that those of 2023/24 to 2026/27 follow (a week in October, from 22
December into January, a week in February, one in April, and from 10 June to the end of August).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput

Mask = NDArray[np.bool_]

Use = Literal["kindergarten", "school", "university"]

HOLIDAYS = ((1, 1), (2, 24), (5, 1), (6, 23), (6, 24), (8, 20), (12, 24), (12, 25), (12, 26))
"""Public holidays of fixed date in Estonia, month and day."""

_AUTUMN_WEEK, _WINTER_WEEK, _SPRING_WEEK = 43, 9, 16


@dataclass(frozen=True)
class Timetable:
    """A day in use: when people are there, and of that the lessons; hours of local time."""

    opens: float
    closes: float
    lessons: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        previous = self.opens
        for start, end in self.lessons:
            if not previous <= start < end <= self.closes:
                raise InvalidInput(
                    "lessons overlap or leave the day",
                    field="lessons",
                    value=(start, end),
                    expected="in order, within it",
                )
            previous = end


def _bells(first: float, length: float, breaks: Sequence[float]) -> tuple[tuple[float, float], ...]:
    lessons, start = [], first
    for pause in (*breaks, 0.0):
        lessons.append((start, start + length))
        start += length + pause
    return tuple(lessons)


TIMETABLES: dict[Use, Timetable] = {
    # Ten minutes between lessons, twenty after the third and the fourth for lunch.
    "school": Timetable(7.5, 17.0, _bells(8.25, 0.75, (1 / 6, 1 / 6, 1 / 3, 1 / 3, 1 / 6, 1 / 6))),
    # Indoors in the morning, outdoors until noon, lunch, sleep and play until they are fetched.
    "kindergarten": Timetable(7.0, 18.5, ((8.0, 10.25), (11.75, 16.0))),
    "university": Timetable(7.5, 20.0, _bells(8.5, 1.5, (0.25, 0.25, 0.75, 0.25, 0.25))),
}


@dataclass(frozen=True, eq=False)
class Calendar:
    """What time it is, step by step; arrays of shape (steps,)."""

    open: Mask
    """People may be in the building, and its ventilation is meant to run."""
    lesson: Mask
    pause: Mask
    """Between the first lesson of a day and its last, but in none."""
    lesson_number: NDArray[np.int64]
    """Which lesson of the day, from 0; -1 outside lessons."""
    month: NDArray[np.int64]
    hour: NDArray[np.float64]
    """Hour of the day, local time."""
    weekday: NDArray[np.int64]
    """Monday is 0."""


def easter(year: int) -> date:
    """Easter Sunday (Gauss, in the form of Butcher 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday in Estonia."""
    sunday = easter(day.year)
    return (day.month, day.day) in HOLIDAYS or day in (sunday - timedelta(days=2), sunday)


def in_term(day: date, use: Use) -> bool:
    """Whether a school teaches at this time of the year; kindergartens always do, if with fewer in July."""
    if use == "kindergarten":
        return True
    week = day.isocalendar().week
    if use == "university":
        return not ((day.month, day.day) >= (6, 15) and day.month <= 8) and not _christmas(day)
    summer = (6, 10) <= (day.month, day.day) <= (8, 31)
    return not (summer or _christmas(day) or week in (_AUTUMN_WEEK, _WINTER_WEEK, _SPRING_WEEK))


def _christmas(day: date) -> bool:
    return (day.month, day.day) >= (12, 22) or (day.month == 1 and day.day <= 10)


def calendar(time: pd.DatetimeIndex, timezone: str, use: Use, timetable: Timetable | None = None) -> Calendar:
    """Lay a timetable over the days of a run.

    Args:
        time: Beginning of each step, in UTC, aware or not.
        timezone: Where the building stands, e.g. ``Europe/Tallinn``.
        use: Kind of building, which decides on terms and holidays.
        timetable: A day of its own; the usual one of its kind without.
    """
    own = timetable or TIMETABLES[use]
    local = (time if time.tz is not None else time.tz_localize("UTC")).tz_convert(timezone)
    hour = np.asarray(local.hour + local.minute / 60.0 + local.second / 3600.0)
    days = pd.Series(local.date)
    teaching = {day: day.weekday() < 5 and in_term(day, use) and not is_holiday(day) for day in days.unique()}
    on = days.map(teaching).to_numpy(dtype=np.bool_)
    number = np.full(hour.size, -1, dtype=np.int64)
    for k, (start, end) in enumerate(own.lessons):
        number[on & (hour >= start - 1e-9) & (hour < end - 1e-9)] = k
    lesson = number >= 0
    first, last = own.lessons[0][0], own.lessons[-1][1]
    return Calendar(
        open=on & (hour >= own.opens) & (hour < own.closes),
        lesson=lesson,
        pause=on & (hour >= first) & (hour < last) & ~lesson,
        lesson_number=number,
        month=np.asarray(local.month, dtype=np.int64),
        hour=hour,
        weekday=np.asarray(local.day_of_week, dtype=np.int64),
    )


def lessons_on_holidays(booked: pd.DatetimeIndex, timezone: str, use: Use) -> list[date]:
    """Days on which lessons are booked though nobody is there: holidays, weekends and out of term.

    Such lessons are not simulated; whoever booked them is told.
    """
    local = (booked if booked.tz is not None else booked.tz_localize("UTC")).tz_convert(timezone)
    days = sorted({moment.date() for moment in local})
    return [day for day in days if day.weekday() >= 5 or is_holiday(day) or not in_term(day, use)]
