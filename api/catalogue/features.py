"""Features ready to be sent: bytes of GeoJSON in one file, bounds in columns beside it.

A query asks an index of the features' bounds, looks closer at the few that straddle the edge of the box, and
joins the chosen features' bytes.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import shapely
from pyproj import CRS, Transformer

from api.catalogue.packed import PackedIndex
from api.parameters import Box

Rows = npt.NDArray[np.int64]


class FeatureTable:
    """The prepared features of one collection.

    Args:
        folder: Where they were prepared.
    """

    def __init__(self, folder: Path) -> None:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_bytes())
        self.folder = folder
        self.rows: int = meta["rows"]
        self.points: bool = meta["points"]
        self._bytes = _mapped(folder / "features.bin")
        self._offsets = np.load(folder / "offsets.npy")
        self._geometry_at = np.load(folder / "geometry_at.npy", mmap_mode="r")
        self._wkb = _mapped(folder / "wkb.bin")
        self._wkb_offsets = np.load(folder / "wkb_offsets.npy", mmap_mode="r")
        self.native: str = meta["native"]
        if self.native:
            self._native = _mapped(folder / "native.bin")
            self._native_offsets = np.load(folder / "native_offsets.npy", mmap_mode="r")
        self.west, self.south, self.east, self.north = np.load(folder / "bounds.npy")
        self._nowhere = np.flatnonzero(np.isnan(self.west))
        self._index = PackedIndex(self.west, self.south, self.east, self.north)
        self._all = self._index.extent
        self._ids = np.load(folder / "ids.npy", mmap_mode="r")
        self._id_rows = np.load(folder / "id_rows.npy", mmap_mode="r")

    def within(self, box: Box) -> Rows | None:
        """Rows that intersect a box in longitude and latitude, in the order of the table; None for all.

        Features without a geometry belong to every box (OGC API Features, requirement fc-bbox-response).
        """
        if box.x0 > box.x1:  # across the antimeridian
            before = self.within(Box(box.x0, box.y0, 180.0, box.y1))
            beyond = self.within(Box(-180.0, box.y0, box.x1, box.y1))
            return None if before is None or beyond is None else np.union1d(before, beyond)
        if self._all is None:
            return None
        west, south, east, north = self._all
        if box.x0 <= west and box.y0 <= south and box.x1 >= east and box.y1 >= north:
            return None
        rows = self._index.query(box.x0, box.y0, box.x1, box.y1)
        if not self.points and len(rows):
            inside = (
                (self.west[rows] >= box.x0)
                & (self.east[rows] <= box.x1)
                & (self.south[rows] >= box.y0)
                & (self.north[rows] <= box.y1)
            )
            edge = rows[~inside]
            if len(edge):
                area = shapely.box(box.x0, box.y0, box.x1, box.y1)
                missed = edge[~shapely.intersects(self.shapes(edge), area)]
                rows = rows[~np.isin(rows, missed, assume_unique=True)]
        if len(rows) + len(self._nowhere) == self.rows:
            return None
        return np.union1d(rows, self._nowhere) if len(self._nowhere) else rows

    def touching(self, area: shapely.Geometry) -> Rows:
        """Rows that intersect an area in longitude and latitude; those without a geometry too."""
        rows = self._index.query(*shapely.bounds(area).tolist())
        shapely.prepare(area)
        return np.union1d(rows[shapely.intersects(area, self.shapes(rows))], self._nowhere)

    def shapes(self, rows: Rows) -> npt.NDArray[np.object_]:
        """Geometries of rows in longitude and latitude, None where there is none."""
        return _read_wkb(self._wkb, self._wkb_offsets, rows)

    def shapes_in(self, rows: Rows, crs: str) -> npt.NDArray[np.object_]:
        """Geometries of rows in another CRS; in that of the pack, just as the pack holds them."""
        if crs != self.native:
            return project(self.shapes(rows), crs)
        shapes = _read_wkb(self._native, self._native_offsets, rows)
        turned = (1, 0) if north_first(crs) else (0, 1)
        made: npt.NDArray[np.object_] = shapely.transform(shapes, lambda xy: np.round(xy[:, turned], 3))
        return made

    def page(self, rows: Rows | None, start: int, limit: int, most_bytes: int) -> tuple[Rows, int]:
        """The rows of a page and where the next begins, bounded by count and by bytes.

        Args:
            rows: Rows to choose from; None for all.
            start: How many of them come before the page.
            limit: How many at most.
            most_bytes: How many bytes at most; a page has one feature at least.
        """
        total = self.rows if rows is None else len(rows)
        stop = min(start + limit, total)
        chosen = np.arange(start, stop) if rows is None else rows[start:stop]
        sizes = np.cumsum(self._offsets[chosen + 1] - self._offsets[chosen])
        if len(sizes) and sizes[-1] > most_bytes:
            chosen = chosen[: max(1, int(np.searchsorted(sizes, most_bytes, "right")))]
        return chosen, start + len(chosen)

    def join(self, rows: Rows) -> bytes:
        """The features of rows as the inside of a GeoJSON array."""
        if not len(rows):
            return b""
        first, last = int(rows[0]), int(rows[-1])
        if last - first + 1 == len(rows):  # one piece
            return self._bytes[int(self._offsets[first]) : int(self._offsets[last + 1]) - 1]
        starts, ends = self._offsets[rows].tolist(), self._offsets[rows + 1].tolist()
        data = self._bytes
        return b"".join([data[a:b] for a, b in zip(starts, ends, strict=True)])[:-1]

    def join_in(self, rows: Rows, crs: str) -> bytes:
        """The same with coordinates in another CRS, in the axis order of its register."""
        if not len(rows):
            return b""
        heads = [self._bytes[int(self._offsets[row]) : int(self._geometry_at[row])] for row in rows.tolist()]
        geometries = shapely.to_geojson(self.shapes_in(rows, crs))
        return b",".join(
            [
                head + (shape.encode() if shape is not None else b"null") + b"}"
                for head, shape in zip(heads, geometries, strict=True)
            ]
        )

    def row_of(self, feature: str) -> int | None:
        """The row of a feature's id, or None."""
        wanted = np.bytes_(feature.encode())
        if len(wanted) > self._ids.dtype.itemsize or not self.rows:
            return None
        at = int(np.searchsorted(self._ids, wanted))
        return int(self._id_rows[at]) if at < len(self._ids) and self._ids[at] == wanted else None

    @cached_property
    def columns(self) -> pa.Table:
        """The properties by column, mapped into memory."""
        return pa.ipc.open_file(pa.memory_map(str(self.folder / "columns.arrow"))).read_all()

    def records(self, rows: Rows) -> list[dict[str, Any]]:
        """Features as dictionaries, for people's pages; never on the way to a machine."""
        features: list[dict[str, Any]] = orjson.loads(b"[" + self.join(rows) + b"]")
        return features


def _read_wkb(data: mmap.mmap | bytes, offsets: Rows, rows: Rows) -> npt.NDArray[np.object_]:
    starts, ends = offsets[rows].tolist(), offsets[rows + 1].tolist()
    blobs = [data[a:b] or None for a, b in zip(starts, ends, strict=True)]
    shapes: npt.NDArray[np.object_] = shapely.from_wkb(np.array(blobs, dtype=object))
    return shapes


def _mapped(path: Path) -> mmap.mmap | bytes:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


@lru_cache(maxsize=32)
def transformer(source: str, target: str) -> Transformer:
    """Between two CRSs, each in the axis order of its register."""
    return Transformer.from_crs(source, target)


@lru_cache(maxsize=32)
def north_first(crs: str) -> bool:
    """Whether the register has a CRS's northing before its easting, as in Estonia."""
    return CRS.from_user_input(crs).axis_info[0].direction == "north"


def project(shapes: npt.NDArray[np.object_], crs: str) -> npt.NDArray[np.object_]:
    """Geometries from longitude and latitude to another CRS, rounded to a millimetre."""
    to = transformer("OGC:CRS84", crs)
    projected: npt.NDArray[np.object_] = shapely.transform(
        shapes, lambda xy: np.round(np.column_stack(to.transform(xy[:, 0], xy[:, 1])), 3)
    )
    return projected


def merge(chosen: Sequence[Rows | None]) -> Rows | None:
    """Rows that are in every selection; None stands for all."""
    some = [rows for rows in chosen if rows is not None]
    if not some:
        return None
    rows = some[0]
    for more in some[1:]:
        rows = np.intersect1d(rows, more, assume_unique=True)
    return rows
