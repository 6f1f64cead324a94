"""The common gate of all formats: is it a number, is it a time, is it in the unit it should be in?

Whatever does not pass is turned away with its reason and its raw text: a word instead of a number, a clock of
1970 (seconds read as milliseconds) or of next year, a unit that the property cannot have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from geodata.errors import InvalidInput
from geodata.observations.model import Batch, Datastream, rejection
from geodata.observations.properties import PROPERTIES
from geodata.observations.units import converter

EARLIEST = pd.Timestamp("2000-01-01", tz="UTC")
FUTURE_TOLERANCE = pd.Timedelta(minutes=10)

UNKNOWN_DATASTREAM = "unknown_datastream"
NOT_A_NUMBER = "not_a_number"
NOT_A_TIME = "not_a_time"
AMBIGUOUS_TIME = "ambiguous_time"
FUTURE = "future_clock"
TOO_OLD = "clock_before_2000"
SECONDS_FOR_MILLISECONDS = "seconds_for_milliseconds"
UNKNOWN_UNIT = "unknown_unit"

MISSING_WORDS = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "--", "nodata"})
"""How sensors say that they have no value."""


def clock_reason(time: pd.Timestamp, now: pd.Timestamp) -> str:
    """What is wrong with an instant, or nothing."""
    latest = now + FUTURE_TOLERANCE
    if time > latest:
        return FUTURE
    if time < EARLIEST:
        # In seconds, which do not overflow whatever a device claims.
        meant_s = 1000.0 * time.timestamp()
        plausible = EARLIEST.timestamp() <= meant_s <= latest.timestamp()
        return SECONDS_FOR_MILLISECONDS if plausible else TOO_OLD
    return ""


def as_number(value: object) -> float | None:
    """A value as a number: NaN where the sensor says it has none, nothing where it is not one."""
    if value is None:
        return math.nan
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else math.nan
    text = str(value).strip()
    if text.lower() in MISSING_WORDS:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else math.nan


class Collector:
    """Takes observations one by one and sorts them into a batch.

    Args:
        datastreams: Those known, by identifier.
        now: The present; instants after it are turned away.
    """

    def __init__(self, datastreams: Mapping[str, Datastream], now: pd.Timestamp) -> None:
        self.datastreams = datastreams
        self.now = now
        self._ids: list[str] = []
        self._times: list[pd.Timestamp] = []
        self._values: list[float] = []
        self._rejected: list[dict[str, object]] = []

    def add(
        self,
        row: int,
        datastream: str,
        time: pd.Timestamp | None,
        value: object,
        *,
        unit: str = "",
        raw: object = None,
    ) -> None:
        """Take one observation, or turn it away with the reason."""
        known = self.datastreams.get(datastream)
        if known is None:
            self.refuse(row, datastream, UNKNOWN_DATASTREAM, "datastream", datastream, raw)
            return
        number = as_number(value)
        if number is None:
            self.refuse(row, datastream, NOT_A_NUMBER, "value", value, raw)
            return
        if time is None or pd.isna(time):
            self.refuse(row, datastream, NOT_A_TIME, "time", time, raw)
            return
        reason = clock_reason(time, self.now)
        if reason:
            self.refuse(row, datastream, reason, "time", time.isoformat(), raw)
            return
        try:
            convert = converter(
                known.observed_property, unit or known.unit, PROPERTIES[known.observed_property].unit
            )
        except InvalidInput:
            self.refuse(row, datastream, UNKNOWN_UNIT, "unit", unit or known.unit, raw)
            return
        self._ids.append(datastream)
        self._times.append(time)
        self._values.append(convert(number))

    def refuse(
        self, row: int, datastream: str, reason: str, field: str, value: object, raw: object = None
    ) -> None:
        """Turn something away."""
        self._rejected.append(rejection(row, datastream, reason, field, value, raw))

    def batch(self) -> Batch:
        """What came of it."""
        return Batch.of(self._ids, self._times, self._values, self._rejected)


def parse_utc(text: object) -> pd.Timestamp | None:
    """An instant from ISO 8601 text with a zone; nothing where it is not one."""
    try:
        time = pd.Timestamp(str(text))
    except (ValueError, TypeError):
        return None
    if pd.isna(time) or time.tzinfo is None:
        return None
    return time.tz_convert("UTC")
