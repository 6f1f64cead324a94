"""Series of values at places: weather of a city, power of a meter, carbon dioxide in a classroom.

All series of a collection lie behind one another in flat arrays, each series' rows from one offset to the
next and sorted by time, so that series may differ in length and step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """Series at places.

    Attributes:
        ids: Ids of the places.
        lonlat: Longitude and latitude, shape (places, 2); NaN where it is not known.
        offsets: Where each place's rows begin and end, shape (places + 1,).
        time: Nanoseconds since 1970, shape (rows,).
        names: Names of the variables.
        values: One array of shape (rows,) for each variable.
    """

    ids: Sequence[str]
    lonlat: Floats
    offsets: Integers
    time: Integers
    names: Sequence[str]
    values: Sequence[Floats]

    def rows(self, place: int, start: int, end: int) -> slice:
        """The rows of a place from one instant to another, both included."""
        first, last = int(self.offsets[place]), int(self.offsets[place + 1])
        times = self.time[first:last]
        return slice(
            first + int(np.searchsorted(times, start, "left")),
            first + int(np.searchsorted(times, end, "right")),
        )


def series_of_frame(
    table: pd.DataFrame,
    labels: Sequence[str],
    names: Sequence[str],
    places: gpd.GeoDataFrame | None,
    centre: tuple[float, float],
) -> Series:
    """Series from a table with a column ``time``.

    Args:
        table: The rows.
        labels: Columns that tell series apart; none means one series, the city's.
        names: Columns of numbers.
        places: Where the first label's places are, with ``place_id``; the centre where it is left out.
        centre: Longitude and latitude of the city.
    """
    import pandas as pd

    table = table.sort_values([*labels, "time"], kind="stable")
    if labels:
        keys = table[list(labels)].astype(str).agg(":".join, axis=1).to_numpy(dtype=object)
        changes = (
            np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.array([0])
        )
        ids = [str(keys[row]) for row in changes] if len(keys) else []
        first = table[labels[0]].astype(str).to_numpy(dtype=object)[changes] if len(keys) else []
    else:
        changes, ids, first = np.array([0]), ["city"], ["city"]
    offsets: Integers = np.array([*changes[: len(ids)], len(table)], dtype=np.int64)
    lonlat = np.tile(np.array(centre, dtype=np.float64), (len(ids), 1))
    if places is not None and labels:
        points = places.to_crs("OGC:CRS84").geometry.representative_point()
        known = dict(zip(places["place_id"], zip(points.x, points.y, strict=True), strict=True))
        lonlat = np.array([known.get(item, (np.nan, np.nan)) for item in first], dtype=np.float64).reshape(
            -1, 2
        )
    time: Integers = pd.to_datetime(table["time"], utc=True).dt.as_unit("ns").to_numpy(dtype=np.int64)
    values = [table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names]
    return Series(ids, lonlat, offsets, time, list(names), values)


def write_series(folder: Path, series: Series) -> None:
    """Write series as flat files."""
    np.save(folder / "lonlat.npy", series.lonlat)
    np.save(folder / "offsets.npy", series.offsets)
    np.save(folder / "time.npy", series.time)
    for index, values in enumerate(series.values):
        np.save(folder / f"variable_{index}.npy", values)
    meta = {"ids": list(series.ids), "variables": list(series.names)}
    (folder / "meta.json").write_text(json.dumps(meta))


def open_series(folder: Path) -> Series:
    """Map series written by :func:`write_series` into memory."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_bytes())
    values = [np.load(folder / f"variable_{i}.npy", mmap_mode="r") for i in range(len(meta["variables"]))]
    return Series(
        meta["ids"],
        np.load(folder / "lonlat.npy"),
        np.load(folder / "offsets.npy"),
        np.load(folder / "time.npy", mmap_mode="r"),
        meta["variables"],
        values,
    )
