"""Clocks: from times as a meter or an office writes them to instants in UTC.

A clock on the wall shows 03:30 twice on the last Sunday of October and never on that of March. Which of the
two is meant is told by the order of a series' rows; an hour that never was is an error of the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"


@dataclass(frozen=True)
class Instants:
    """Times as instants.

    Args:
        times: Instants in UTC; NaT where there is none.
        unreadable: Where something stands that is no time.
        skipped: Where the wall clock never showed this hour.
        unzoned: Where a zone is needed and none is known.
        twice: Where the wall clock showed this hour twice and nothing tells which is meant; the first is
            taken.
    """

    times: pd.Series[Any]
    unreadable: Mask
    skipped: Mask
    unzoned: Mask
    twice: Mask


def read_times(
    raw: pd.Series[Any], form: str | None, zone: str | None, group: NDArray[np.int64] | None
) -> Instants:
    """Make instants of what the source holds.

    Args:
        raw: Texts, numbers or times.
        form: A strptime pattern, ``iso8601``, ``epoch_s``, ``epoch_ms``; None for ISO 8601 or time columns.
        zone: IANA name of the zone of times that do not name theirs.
        group: For series, a number that tells apart rows which may share a time; None for events.
    """
    given = raw.notna().to_numpy()
    aware, naive = _parsed(raw, form)
    readable = aware.notna().to_numpy() | naive.notna().to_numpy()
    lacking = naive.notna().to_numpy() & (zone is None)
    times, skipped, twice = aware, np.zeros(len(raw), np.bool_), np.zeros(len(raw), np.bool_)
    if zone is not None and naive.notna().any():
        local, skipped, twice = _localized(naive, zone, group)
        times = aware.where(aware.notna(), local)
    return Instants(times, given & ~readable, skipped, lacking, twice)


def _parsed(raw: pd.Series[Any], form: str | None) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Times that name their zone, in UTC, and times that do not."""
    no_naive = pd.Series(pd.NaT, index=raw.index, dtype="datetime64[us]")
    no_aware = no_naive.dt.tz_localize("UTC")
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        return raw.dt.tz_convert("UTC").astype("datetime64[us, UTC]"), no_naive
    if pd.api.types.is_datetime64_any_dtype(raw.dtype):
        return no_aware, raw.astype("datetime64[us]")
    if form in {"epoch_s", "epoch_ms"}:
        numbers = pd.to_numeric(raw, errors="coerce")
        unit: Literal["s", "ms"] = "s" if form == "epoch_s" else "ms"
        times = pd.to_datetime(numbers, unit=unit, utc=True, errors="coerce")
        return times.astype("datetime64[us, UTC]"), no_naive
    text = raw.astype("string").str.strip()
    if form in {None, "iso8601"}:
        zoned = text.str.contains(_OFFSET, regex=True, na=False)
        aware = pd.to_datetime(text.where(zoned), format="ISO8601", utc=True, errors="coerce")
        naive = pd.to_datetime(text.where(~zoned), format="ISO8601", errors="coerce")
        return aware.astype("datetime64[us, UTC]"), naive.astype("datetime64[us]")
    assert form is not None
    if "%z" in form:
        return pd.to_datetime(text, format=form, utc=True, errors="coerce").astype(
            "datetime64[us, UTC]"
        ), no_naive
    return no_aware, pd.to_datetime(text, format=form, errors="coerce").astype("datetime64[us]")


def _localized(
    naive: pd.Series[Any], zone: str, group: NDArray[np.int64] | None
) -> tuple[pd.Series[Any], Mask, Mask]:
    """Wall-clock times as instants; which were skipped; which stand for two instants with nothing to tell."""
    summer = naive.dt.tz_localize(zone, ambiguous=np.ones(len(naive), np.bool_), nonexistent="NaT")
    winter = naive.dt.tz_localize(zone, ambiguous=np.zeros(len(naive), np.bool_), nonexistent="NaT")
    skipped = (naive.notna() & summer.isna()).to_numpy()
    ambiguous = (summer.notna() & (summer != winter)).to_numpy()
    if group is None:
        later = np.zeros(len(naive), np.bool_)
        untold = ambiguous
    else:
        rows = pd.DataFrame({"time": naive.to_numpy(), "group": group})
        later = (rows.groupby(["time", "group"], sort=False).cumcount() > 0).to_numpy() & ambiguous
        untold = np.zeros(len(naive), np.bool_)
    instants = summer.where(~later, winter).dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    return instants, skipped, untold
