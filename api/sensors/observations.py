"""Observations: those of the packs and those that came in since, as one series for each datastream.

An observation is named by its datastream and its instant; sent again, it replaces itself, so that a gateway
that repeats a batch after a broken connection doubles nothing. The latest of each datastream is kept at hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from api.catalogue.series import Series
from api.store import METADATA, Store, stamp
from geodata.errors import InvalidInput

OBSERVATIONS = sa.Table(
    "observations",
    METADATA,
    sa.Column("stream", sa.String(200), primary_key=True),
    sa.Column("time_ns", sa.BigInteger, primary_key=True),
    sa.Column("value", sa.Float),
    sa.Column("tenant", sa.String(200), nullable=False),
    sa.Column("received", sa.String(32), nullable=False),
)
_CHUNK = 5000


@dataclass(frozen=True)
class Arrived:
    """One observation that came in."""

    stream: str
    time: datetime
    value: float | None

    @property
    def time_ns(self) -> int:
        """Nanoseconds since 1970."""
        delta = self.time - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def keep(store: Store, tenant: str, arrived: Iterable[Arrived]) -> int:
    """Keep observations, all or none; of two of one instant the later one stays.

    Returns:
        How many there are, repeated ones once.
    """
    rows = {
        (item.stream, item.time_ns): {
            "stream": item.stream,
            "time_ns": item.time_ns,
            "value": item.value,
            "tenant": tenant,
            "received": stamp(),
        }
        for item in arrived
    }
    with store.write() as connection:
        insert = _insert_or_replace(store)
        all_rows = list(rows.values())
        for start in range(0, len(all_rows), _CHUNK):
            connection.execute(insert, all_rows[start : start + _CHUNK])
    return len(rows)


def _insert_or_replace(store: Store) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    insert = (sqlite if store.is_sqlite else postgresql).insert(OBSERVATIONS)
    changed = {name: insert.excluded[name] for name in ("value", "tenant", "received")}
    return insert.on_conflict_do_update(index_elements=["stream", "time_ns"], set_=changed)


def of_stream(
    store: Store, stream: str, sensor: str, series: Series | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """All observations of a datastream by time: nanoseconds and values.

    Args:
        store: Where those that came in are.
        stream: The datastream's id.
        sensor: Its sensor's id in the pack.
        series: The pack's observations, if it has any.
    """
    times, values = np.empty(0, np.int64), np.empty(0)
    if series is not None and sensor in series.ids:
        place = list(series.ids).index(sensor)
        rows = slice(int(series.offsets[place]), int(series.offsets[place + 1]))
        times, values = series.time[rows], series.values[list(series.names).index("value")][rows]
    query = sa.select(OBSERVATIONS.c.time_ns, OBSERVATIONS.c.value).where(OBSERVATIONS.c.stream == stream)
    with store.read() as connection:
        came = connection.execute(query.order_by(OBSERVATIONS.c.time_ns)).all()
    if not came:
        return np.asarray(times), np.asarray(values)
    new_times = np.array([row[0] for row in came], dtype=np.int64)
    new_values = np.array([math.nan if row[1] is None else row[1] for row in came])
    # What came in replaces what the pack has of the same instant.
    old = ~np.isin(times, new_times)
    times, values = np.concatenate([times[old], new_times]), np.concatenate([values[old], new_values])
    order = np.argsort(times, kind="stable")
    return times[order], values[order]


def number_or_none(result: Any, field: str) -> float | None:
    """The result of an observation as a number; text that is one counts.

    Raises:
        InvalidInput: It is neither a finite number nor null.
    """
    if result is None:
        return None
    if isinstance(result, bool):
        return float(result)
    if isinstance(result, str) and len(result) <= 40 and result.isascii():
        try:
            result = float(result)
        except ValueError:
            result = math.nan
    if isinstance(result, (int, float)) and abs(result) < 1e300 and math.isfinite(result):
        return float(result)
    raise InvalidInput(
        "the result is no finite number", field=field, value=result, expected="a number or null"
    )


def latest(times: npt.NDArray[np.int64]) -> str | None:
    """First and last instant of a series as SensorThings tells it."""
    if not len(times):
        return None
    return f"{iso(int(times[0]))}/{iso(int(times[-1]))}"


def iso(nanoseconds: int) -> str:
    """An instant as RFC 3339 text; fractions of a second only where there are any."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{rest // 1000:06d}Z" if rest else f"{moment}Z"


def as_number(value: float) -> float | None:
    """A value as JSON has it."""
    return None if math.isnan(value) else value
