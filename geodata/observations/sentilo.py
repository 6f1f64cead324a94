"""Observations in the shapes of Sentilo, the sensor platform of Barcelona and its followers.

``PUT /data/{provider}/{sensor}`` and ``PUT /data/{provider}`` bodies, and the answers of ``GET``. Its
traps: every value is text; a time is ``17/09/2012T12:34:45`` with perhaps a zone **name** behind it,
without one in UTC, and the time of arrival where there is none; answers carry ``time`` in milliseconds as
well, which may contradict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from geodata.observations.collect import AMBIGUOUS_TIME, NOT_A_TIME, Collector
from geodata.observations.model import Batch, Datastream

ZONES: Mapping[str, str] = {
    "": "+00:00",
    "Z": "+00:00",
    "UTC": "+00:00",
    "GMT": "+00:00",
    "WET": "+00:00",
    "WEST": "+01:00",
    "CET": "+01:00",
    "CEST": "+02:00",
    "EET": "+02:00",
    "EEST": "+03:00",
}
"""Zone names that mean one thing only; all others are refused."""

CONTRADICTION = "timestamp_contradicts_time"

_TIMESTAMP = re.compile(r"^(\d{2})/(\d{2})/(\d{4})T(\d{2}:\d{2}:\d{2})\s*([A-Za-z]*|[+-]\d{2}:?\d{2})$")


def read_sentilo(
    document: Mapping[str, Any],
    datastreams: Mapping[str, Datastream],
    now: pd.Timestamp,
    *,
    provider: str,
    sensor: str = "",
) -> Batch:
    """Read observations.

    Args:
        document: Body of a PUT or of an answer.
        datastreams: Those known, by ``provider/sensor``.
        now: The present, which is the time of observations without one.
        provider: Provider of the path.
        sensor: Sensor of the path, where the body is that of a single one.
    """
    collector = Collector(datastreams, now)
    groups = document.get("sensors")
    if groups is None:
        groups = [{"sensor": sensor, "observations": document.get("observations", ())}]
    row = 0
    for group in groups:
        owner = f"{provider}/{group.get('sensor', sensor)}"
        for observation in group.get("observations", ()):
            row += 1
            _take(collector, row, owner, observation, now)
    return collector.batch()


def _take(
    collector: Collector, row: int, owner: str, observation: Mapping[str, Any], now: pd.Timestamp
) -> None:
    text, milliseconds = observation.get("timestamp"), observation.get("time")
    if text is None and milliseconds is None:
        collector.add(row, owner, now, observation.get("value"), raw=observation)
        return
    time, reason = (None, "") if text is None else _parse(str(text))
    if reason:
        collector.refuse(row, owner, reason, "timestamp", text, observation)
        return
    if milliseconds is not None:
        exact = pd.Timestamp(int(milliseconds), unit="ms", tz="UTC")
        if time is not None and abs(exact - time) >= pd.Timedelta(seconds=1):
            collector.refuse(
                row, owner, CONTRADICTION, "timestamp, time", f"{text}, {milliseconds}", observation
            )
            return
        time = exact
    collector.add(row, owner, time, observation.get("value"), raw=observation)


def _parse(text: str) -> tuple[pd.Timestamp | None, str]:
    """An instant, or the reason why there is none."""
    match = _TIMESTAMP.match(text.strip())
    if match is None:
        return None, NOT_A_TIME
    day, month, year, clock, zone = match.groups()
    offset = zone if zone[:1] in ("+", "-") else ZONES.get(zone.upper())
    if offset is None:
        return None, AMBIGUOUS_TIME
    try:
        return pd.Timestamp(f"{year}-{month}-{day}T{clock}{offset}").tz_convert("UTC"), ""
    except ValueError:
        return None, NOT_A_TIME
