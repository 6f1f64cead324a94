"""Observations in tables: CSV and Parquet, one row per value or one column per sensor.

Meters and loggers export tables. What a table does not say, its mapping does: which column is the time and in
which zone, which the sensor, which the value, or which sensor each column belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from geodata.errors import InvalidInput, UnreadableSource
from geodata.observations.collect import (
    AMBIGUOUS_TIME,
    EARLIEST,
    FUTURE,
    FUTURE_TOLERANCE,
    MISSING_WORDS,
    NOT_A_NUMBER,
    NOT_A_TIME,
    SECONDS_FOR_MILLISECONDS,
    TOO_OLD,
    UNKNOWN_DATASTREAM,
)
from geodata.observations.model import REJECTED_COLUMNS, Batch, Datastream
from geodata.observations.properties import PROPERTIES
from geodata.observations.units import converter

_NANOSECONDS_REACH = (pd.Timestamp("1700-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC"))


@dataclass(frozen=True)
class TableMapping:
    """How to read a table.

    With `columns` it is wide: one row per instant, one column per datastream. Without, it is long.
    """

    time: str = "time"
    datastream: str = "sensor_id"
    value: str = "value"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Datastream of each column of a wide table."""
    time_zone: str = "UTC"
    """Zone of times that do not tell theirs."""
    epoch: Literal["", "s", "ms"] = ""
    """Unit of times that are numbers since 1970."""
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


def read_table(
    path: str | Path, mapping: TableMapping, datastreams: Mapping[str, Datastream], now: pd.Timestamp
) -> Batch:
    """Read the observations of a file.

    Args:
        path: A file that ends in ``.csv``, ``.txt`` or ``.parquet``.
        mapping: How to read it.
        datastreams: Those known, by identifier.
        now: The present; instants after it are turned away.

    Returns:
        Observations, and the cells that could not be read with row, reason and raw text. Rows count from 1.

    Raises:
        UnreadableSource: No such file, or not a table.
        InvalidInput: A column that the mapping names is missing.
    """
    return read_frame(_load(Path(path), mapping), mapping, datastreams, now, file=str(path))


def read_frame(
    frame: pd.DataFrame,
    mapping: TableMapping,
    datastreams: Mapping[str, Datastream],
    now: pd.Timestamp,
    *,
    file: str = "",
) -> Batch:
    """Read the observations of a table that is already loaded; see `read_table`."""
    needed = [mapping.time, *(mapping.columns or (mapping.datastream, mapping.value))]
    for column in needed:
        if column not in frame.columns:
            raise InvalidInput(
                "a column is missing",
                file=file or None,
                field=column,
                value=list(frame.columns),
                expected=column,
            )
    long = _long(frame, mapping)
    time, reason = _times(long["time"], mapping, now)
    number, words = _numbers(long["value"], mapping.decimal)
    known = long["datastream"].isin(list(datastreams)).to_numpy()
    reason = np.where(words, NOT_A_NUMBER, reason)
    reason = np.where(known, reason, UNKNOWN_DATASTREAM)
    passed = reason == ""
    observations = pd.DataFrame(
        {"datastream": long["datastream"][passed], "time": time[passed], "value": number[passed]}
    ).reset_index(drop=True)
    return Batch(_converted(observations, datastreams), _rejected(long[~passed], reason[~passed]))


def _load(path: Path, mapping: TableMapping) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(
            path,
            sep=mapping.delimiter,
            encoding=mapping.encoding,
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise UnreadableSource(
            "not a table", file=path, value=str(error), expected="CSV or Parquet"
        ) from error


def _long(frame: pd.DataFrame, mapping: TableMapping) -> pd.DataFrame:
    """Row, time, datastream and value of every cell, in the order of the file."""
    rows = np.arange(1, len(frame) + 1)
    if not mapping.columns:
        return pd.DataFrame(
            {
                "row": rows,
                "time": frame[mapping.time].to_numpy(),
                "datastream": frame[mapping.datastream].astype(str).to_numpy(),
                "value": frame[mapping.value].to_numpy(),
            }
        )
    count = len(mapping.columns)
    values = frame[list(mapping.columns)].to_numpy(dtype=object)
    return pd.DataFrame(
        {
            "row": np.repeat(rows, count),
            "time": np.repeat(frame[mapping.time].to_numpy(), count),
            "datastream": np.tile(np.array(list(mapping.columns.values()), dtype=object), len(frame)),
            "value": values.ravel(),
        }
    )


def _times(
    column: pd.Series, mapping: TableMapping, now: pd.Timestamp
) -> tuple[pd.Series, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Instants in UTC, and what is wrong with each."""
    reason = np.full(len(column), "", dtype=object)
    if mapping.epoch:
        number = pd.to_numeric(column, errors="coerce")
        time = pd.to_datetime(number, unit=mapping.epoch, utc=True, errors="coerce")
    else:
        time, ambiguous = _local_times(column, mapping.time_zone)
        reason[ambiguous] = AMBIGUOUS_TIME
    time = _in_nanoseconds(time)
    reason[time.isna().to_numpy() & (reason == "")] = NOT_A_TIME
    late = (time > now + FUTURE_TOLERANCE).to_numpy()
    early = (time < EARLIEST).to_numpy()
    reason[late] = FUTURE
    reason[early] = TOO_OLD
    since = (time - pd.Timestamp(0, tz="UTC")).where(pd.Series(early, index=time.index))
    # A device that takes its seconds for milliseconds lives in January 1970, whatever it writes.
    meant = pd.Timestamp(0, tz="UTC") + 1000 * since
    plausible = ((meant >= EARLIEST) & (meant <= now + FUTURE_TOLERANCE)).to_numpy()
    reason[early & plausible] = SECONDS_FOR_MILLISECONDS
    return time, reason


def _local_times(
    column: pd.Series, zone: str
) -> tuple[pd.Series, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Instants of text with or without a zone; local times that exist twice or never are ambiguous."""
    text = column.astype(str)
    zoned = text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).to_numpy()
    time = pd.Series(pd.NaT, index=column.index, dtype="datetime64[ns, UTC]")
    if zoned.any():
        told = pd.to_datetime(text[zoned], utc=True, errors="coerce", format="ISO8601")
        time[zoned] = _in_nanoseconds(told)
    ambiguous = np.zeros(len(column), dtype=np.bool_)
    if (~zoned).any():
        local = pd.to_datetime(text[~zoned], errors="coerce", format="ISO8601")
        placed = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        ambiguous[~zoned] = (local.notna() & placed.isna()).to_numpy()
        time[~zoned] = _in_nanoseconds(placed.dt.tz_convert("UTC"))
    return time, ambiguous


def _in_nanoseconds(time: pd.Series) -> pd.Series:
    """The same instants; what lies beyond the reach of nanoseconds, 1678 to 2261, is moved to its edge."""
    low, high = _NANOSECONDS_REACH
    return time.mask(time < low, low).mask(time > high, high).astype("datetime64[ns, UTC]")


def _numbers(
    column: pd.Series, decimal: str
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Values as numbers, and which of them are words."""
    if column.dtype.kind in "fiu":
        return column.to_numpy(dtype=np.float64), np.zeros(len(column), dtype=np.bool_)
    text = column.astype(str).str.strip()
    if decimal != ".":
        text = text.str.replace(decimal, ".", regex=False)
    number = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    words = np.isnan(number) & ~text.str.lower().isin(MISSING_WORDS).to_numpy()
    return np.where(np.isfinite(number), number, np.nan), words


def _converted(observations: pd.DataFrame, datastreams: Mapping[str, Datastream]) -> pd.DataFrame:
    """Values in the units of their properties."""
    units = {
        name: (known.observed_property, known.unit, PROPERTIES[known.observed_property].unit)
        for name, known in datastreams.items()
        if known.unit and known.unit != PROPERTIES[known.observed_property].unit
    }
    for name, (observed, given, wanted) in units.items():
        rows = (observations["datastream"] == name).to_numpy()
        if rows.any():
            convert = converter(observed, given, wanted)
            observations.loc[rows, "value"] = observations.loc[rows, "value"].map(convert)
    return observations


def _rejected(rows: pd.DataFrame, reason: np.ndarray[tuple[int], np.dtype[np.object_]]) -> pd.DataFrame:
    by_value = reason == NOT_A_NUMBER
    by_stream = reason == UNKNOWN_DATASTREAM
    field = np.where(by_value, "value", np.where(by_stream, "datastream", "time"))
    shown = np.where(by_value, rows["value"], np.where(by_stream, rows["datastream"], rows["time"]))
    raw = rows["time"].astype(str) + ";" + rows["datastream"] + ";" + rows["value"].astype(str)
    return pd.DataFrame(
        {
            "row": rows["row"].to_numpy(),
            "datastream": rows["datastream"].to_numpy(),
            "reason": reason,
            "field": field,
            "value": [str(value) for value in shown],
            "raw": raw.to_numpy(),
        },
        columns=list(REJECTED_COLUMNS),
    ).reset_index(drop=True)
