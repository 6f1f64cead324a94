"""What a site sees over time: load, sun, wind, prices, the state of the grid.

Each value is the mean over one step, for example 412.5 kW of load from 07:00 to 07:15 and 0.084 EUR/kWh for
the same quarter. Steps are of equal length and counted in UTC, so a day on which the clocks change has 23
or 25 hours and nothing is lost or counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData, InvalidInput
from pilots.microgrid.charging import ChargingSessions

Floats = NDArray[np.float64]

POWERS = ("load_kw", "solar_kw", "wind_kw")
COLUMNS = (
    *POWERS,
    "price_eur_per_kwh",
    "export_price_eur_per_kwh",
    "co2_kg_per_kwh",
    "marginal_co2_kg_per_kwh",
)

# What one of the unit stands for in the unit of the column; energies per step are divided by its length.
UNITS = {
    "kW": 1.0,
    "W": 1e-3,
    "MW": 1e3,
    "EUR/kWh": 1.0,
    "EUR/MWh": 1e-3,
    "c/kWh": 1e-2,
    "kg/kWh": 1.0,
    "g/kWh": 1e-3,
}
ENERGIES = {"kWh": 1.0, "Wh": 1e-3, "MWh": 1e3}
FITTING = {
    "kw": (*("kW", "W", "MW"), *ENERGIES),
    "eur": ("EUR/kWh", "EUR/MWh", "c/kWh"),
    "kg": ("kg/kWh", "g/kWh"),
}
"""The units that a column may be given in, by the quantity in its name."""


@dataclass(frozen=True, eq=False)
class Series:
    """Equal steps of time and what was measured or is assumed in each.

    Attributes:
        start: Start of the first step, with a time zone.
        step_h: Length of a step, h.
        load_kw: Load without charging vehicles; negative where behind-the-meter plant feeds in.
        price_eur_per_kwh: Day-ahead price before fees.
        solar_kw: Output of the site's solar plant if nothing is curtailed.
        wind_kw: The same of its wind plant.
        export_price_eur_per_kwh: What an exported kWh earns, where it is not a function of the price.
        co2_kg_per_kwh: Average intensity of the grid's electricity.
        marginal_co2_kg_per_kwh: Intensity of the plant that one more kWh would call on.
        grid_available: 0 while the grid is out, 1 else.
        sessions: Vehicles at the chargers.
        billing_period: Number of the month each step is billed in; by default the calendar month of the site.
    """

    start: pd.Timestamp
    step_h: float
    load_kw: Floats
    price_eur_per_kwh: Floats
    solar_kw: Floats | None = None
    wind_kw: Floats | None = None
    export_price_eur_per_kwh: Floats | None = None
    co2_kg_per_kwh: Floats | None = None
    marginal_co2_kg_per_kwh: Floats | None = None
    grid_available: Floats | None = None
    sessions: ChargingSessions | None = None
    billing_period: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        start = pd.Timestamp(self.start)
        if start.tzinfo is None:
            raise InvalidInput(
                "the series has no time zone",
                field="start",
                value=str(start),
                expected="a time such as 2026-01-01T00:00Z",
            )
        if not 0 < self.step_h <= 24:
            raise InvalidInput(
                "a step must last", field="step_h", value=self.step_h, expected="hours, above 0 to 24"
            )
        put = object.__setattr__
        put(self, "start", start.tz_convert("UTC"))
        for name in (*COLUMNS, "grid_available"):
            if (values := getattr(self, name)) is not None:
                put(self, name, self._column(name, values))
        if self.billing_period is not None:
            put(self, "billing_period", np.ascontiguousarray(self.billing_period, np.int64))
            self._same_length("billing_period", len(self.billing_period))
        if self.sessions is not None:
            self.sessions.check(len(self))

    def _column(self, name: str, values: ArrayLike) -> Floats:
        column = np.array(values, np.float64)
        column.setflags(write=False)
        self._same_length(name, column.size)
        wrong = ~np.isfinite(column)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            what = "a gap" if np.isnan(column[at]) else "no finite value"
            raise InvalidData(
                f"the series has {what} at {self.stamp(at)}",
                field=name,
                value=float(column[at]),
                expected="a number",
            )
        return column

    def _same_length(self, name: str, length: int) -> None:
        if length != len(self):
            raise InvalidData(
                "columns differ in length",
                field=name,
                value=f"{length} steps",
                expected=f"{len(self)} as in load_kw",
            )

    def __len__(self) -> int:
        """How many steps there are."""
        return int(np.size(self.load_kw))

    @property
    def time(self) -> pd.DatetimeIndex:
        """The starts of the steps, UTC."""
        return pd.date_range(self.start, periods=len(self), freq=pd.Timedelta(hours=self.step_h), unit="ns")

    @property
    def hours(self) -> float:
        """The length of the whole series, h."""
        return len(self) * self.step_h

    @property
    def steps_per_day(self) -> int:
        """How many steps make a day of 24 h."""
        return round(24.0 / self.step_h)

    @property
    def renewable_kw(self) -> Floats:
        """Solar and wind output if nothing is curtailed, kW."""
        total = np.zeros(len(self))
        for part in (self.solar_kw, self.wind_kw):
            if part is not None:
                total += part
        return total

    def stamp(self, step: int) -> str:
        """The start of a step as a person writes it."""
        return (self.start + pd.Timedelta(hours=self.step_h) * step).strftime("%Y-%m-%d %H:%M UTC")

    def window(self, first: int, last: int) -> Self:
        """The steps ``first .. last - 1`` as a series; stays that lie inside come along."""
        cut: dict[str, Any] = {}
        for name in (*COLUMNS, "grid_available", "billing_period"):
            if (values := getattr(self, name)) is not None:
                cut[name] = values[first:last]
        if self.sessions is not None:
            s = self.sessions
            inside = (s.arrival >= first) & (s.departure <= last)
            cut["sessions"] = ChargingSessions(
                s.arrival[inside] - first,
                s.departure[inside] - first,
                s.energy_kwh[inside],
                s.power_kw[inside],
            )
        return replace(self, start=self.start + pd.Timedelta(hours=self.step_h) * first, **cut)

    def with_load(self, load_kw: Floats) -> Self:
        """The same with another load."""
        return replace(self, load_kw=load_kw)

    def resampled(self, step_h: float) -> Self:
        """The same in longer steps: means of whole steps; vehicles are not carried over.

        Raises:
            InvalidInput: If the new step is no multiple of the old one, or does not divide the series.
        """
        ratio = step_h / self.step_h
        count = round(ratio)
        if count < 1 or abs(ratio - count) > 1e-9 or len(self) % count:
            raise InvalidInput(
                "steps can only be joined whole",
                field="step_h",
                value=step_h,
                expected=f"a multiple of {self.step_h}",
            )
        merged: dict[str, Any] = {
            name: values.reshape(-1, count).mean(axis=1)
            for name in (*COLUMNS, "grid_available")
            if (values := getattr(self, name)) is not None
        }
        period = None if self.billing_period is None else self.billing_period[::count]
        return replace(self, step_h=step_h, sessions=None, billing_period=period, **merged)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        units: Mapping[str, str] | None = None,
        timezone: str | None = None,
        sessions: ChargingSessions | None = None,
    ) -> Series:
        """A series from a table with a time index.

        Args:
            frame: Columns named as the attributes of the class; the index holds the starts of the steps.
            units: What a column is given in, where it is not the unit of its name: ``kW``, ``W``, ``MW``,
                ``kWh`` (energy per step), ``EUR/MWh``, ``c/kWh`` and so on.
            timezone: The time zone of an index without one; a clock change in it must show as a missing
                hour in spring and a doubled one in autumn, as clocks do.
            sessions: Vehicles at the chargers.

        Raises:
            InvalidData: Naming the time stamp at which the index jumps, repeats, or does not exist.
        """
        index = _equal_steps(_in_utc(frame.index, timezone))
        step_h = (index[1] - index[0]) / pd.Timedelta(hours=1)
        unknown = [
            str(name) for name in frame.columns if name not in (*COLUMNS, "grid_available", "billing_period")
        ]
        if unknown:
            raise InvalidData(
                "a column of the series is not known", field=unknown[0], expected=", ".join(COLUMNS)
            )
        if stray := [name for name in units or {} if name not in frame.columns]:
            raise InvalidInput(
                "a unit is given for a column that the series does not have",
                field=f"units.{stray[0]}",
                value=(units or {})[stray[0]],
                expected=", ".join(map(str, frame.columns)),
            )
        columns: dict[str, Any] = {
            str(name): _numbers(frame[name]) * _factor(str(name), (units or {}).get(str(name)), step_h)
            for name in frame.columns
        }
        for needed in ("load_kw", "price_eur_per_kwh"):
            if needed not in columns:
                raise InvalidData(
                    "a column of the series is missing", field=needed, expected="one value a step"
                )
        return cls(start=index[0], step_h=step_h, sessions=sessions, **columns)


def _factor(name: str, unit: str | None, step_h: float) -> float:
    if unit is None:
        return 1.0
    quantity = "kw" if name in POWERS else "eur" if "eur" in name else "kg" if "kg" in name else ""
    if unit not in FITTING.get(quantity, ()):
        raise InvalidInput(
            "a column cannot be given in this unit",
            field=f"units.{name}",
            value=unit,
            expected=", ".join(FITTING.get(quantity, ("none: the column has no unit",))),
        )
    return ENERGIES[unit] / step_h if unit in ENERGIES else UNITS[unit]


def _numbers(column: pd.Series) -> Floats:
    """The values of a column, refused where one is no number."""
    try:
        return column.to_numpy(np.float64)
    except (TypeError, ValueError) as fault:
        numbers = pd.to_numeric(column, errors="coerce")
        at = int(np.argmax((numbers.isna() & column.notna()).to_numpy()))
        raise InvalidData(
            f"the series has text where a number should be, at {column.index[at]}",
            field=str(column.name),
            row=at + 1,
            value=str(column.iloc[at]),
            expected="a number with a decimal point",
        ) from fault


def _in_utc(index: pd.Index, timezone: str | None) -> pd.DatetimeIndex:
    if not isinstance(index, pd.DatetimeIndex):
        raise InvalidData(
            "the series has no time index", field="index", value=str(index.dtype), expected="time stamps"
        )
    if index.tz is not None:
        return index.tz_convert("UTC")
    if timezone is None:
        raise InvalidData(
            "the series has no time zone", field="index", value=str(index[0]), expected="a time zone"
        )
    try:
        return index.tz_localize(timezone, ambiguous="infer", nonexistent="raise").tz_convert("UTC")
    except ZoneInfoNotFoundError as fault:
        raise InvalidInput(
            "a time zone is not known",
            field="timezone",
            value=timezone,
            expected="a name such as Europe/Tallinn",
        ) from fault
    except ValueError as fault:
        # pandas names the stamp: "2025-03-30 03:00:00", or the repeated times it could not tell apart.
        raise InvalidData(
            f"the clock change in {timezone} does not show in the series: {str(fault).split('. ')[0]}",
            field="index",
            expected="23 hours on the day in spring, 25 on the day in autumn, or times in UTC",
        ) from fault


def _equal_steps(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    if len(index) < 2:
        raise InvalidData(
            "the series is too short", field="index", value=f"{len(index)} steps", expected="two or more"
        )
    jumps = np.diff(index.as_unit("ns").asi8)
    usual = int(np.median(jumps))
    wrong = np.flatnonzero(jumps != usual)
    if len(wrong) == 0 and usual > 0:
        return index
    at = int(wrong[0]) if len(wrong) else 0
    before, after = index[at], index[at + 1]
    what = "a gap" if after - before > pd.Timedelta(usual, "ns") else "a repeated or backward step"
    raise InvalidData(
        f"the series has {what} after {before.strftime('%Y-%m-%d %H:%M UTC')}",
        field="index",
        row=at + 2,
        value=after.strftime("%Y-%m-%d %H:%M UTC"),
        expected=(before + pd.Timedelta(usual, "ns")).strftime("%Y-%m-%d %H:%M UTC"),
    )
