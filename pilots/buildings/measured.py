"""What a city's own sensors say of its class rooms, after quality control: to lay beside the simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.buildings.indicators.air import exceedance
from pilots.buildings.monitoring import promoted
from pilots.buildings.stock.calendar import calendar
from twin.packs import PackView

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Carbon dioxide as measured."""

    rooms: int
    grade: str
    """How the observations were come by; those of a demo pack are synthetic."""
    exceedance_percent: float
    """Lesson time above 1000 ppm."""
    week_ppm: Floats
    """Mean by hour of the local week, shape (168,); not a number where nothing was measured."""


def measured_co2(pack: PackView, timezone: str) -> Measured | None:
    """What the production data of a pack's carbon dioxide sensors say, or nothing where it has none."""
    if not (pack.has("sensors") and pack.has("observations")):
        return None
    sensors = pack.table("sensors", ["sensor_id", "observed_property", "interval_s"])
    sensors = sensors[sensors["observed_property"] == "co2"].sort_values("sensor_id")
    observations = pack.table("observations")
    if "state" in observations:
        observations = observations[observations["state"].fillna("production") == "production"]
    week, count = np.zeros(168), np.zeros(168)
    above = taught = 0.0
    rooms = 0
    for sensor in sensors.itertuples(index=False):
        own = observations[observations["sensor_id"] == sensor.sensor_id].sort_values("time")
        if len(own) < 3:
            continue
        rooms += 1
        time = pd.DatetimeIndex(own["time"])
        value = promoted(time.as_unit("ns").asi8, own["value"].to_numpy(np.float64), "co2")
        own_calendar = calendar(time, timezone, "school")
        step_h = float(np.median(np.diff(time.as_unit("s").asi8))) / 3600.0
        over = exceedance(value, own_calendar.lesson, step_h)
        known = own_calendar.lesson & np.isfinite(value)
        above, taught = above + over.hours, taught + float(known.sum()) * step_h
        slot = own_calendar.weekday * 24 + own_calendar.hour.astype(int)
        good = np.isfinite(value)
        week += np.bincount(slot[good], weights=value[good], minlength=168)
        count += np.bincount(slot[good], minlength=168)
    if not rooms:
        return None
    with np.errstate(invalid="ignore"):
        grade = str(pack.dataset("observations").provenance.grade)
        return Measured(rooms, grade, 100.0 * above / taught if taught else float("nan"), week / count)
