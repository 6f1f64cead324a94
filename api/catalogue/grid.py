"""Grids of values: elevation, temperature by hour, simulated shade; one cell's series lies in one piece."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grid:
    """Variables on one regular grid.

    Attributes:
        x: Coordinates of the cells' centres along x, rising or falling, shape (x,).
        y: Likewise along y.
        time: Nanoseconds since 1970, or None.
        names: Names of the variables.
        values: One array for each variable, shape (y, x) or (y, x, time).
        crs: CRS of x and y.
    """

    x: Floats
    y: Floats
    time: npt.NDArray[np.int64] | None
    names: tuple[str, ...]
    values: tuple[npt.NDArray[Any], ...]
    crs: str

    @cached_property
    def from_lonlat(self) -> Transformer:
        """From longitude and latitude to x and y."""
        return Transformer.from_crs("OGC:CRS84", self.crs, always_xy=True)

    @cached_property
    def to_lonlat(self) -> Transformer:
        """From x and y to longitude and latitude."""
        return Transformer.from_crs(self.crs, "OGC:CRS84", always_xy=True)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of the cell whose centre is nearest; None outside the grid's outline."""
        row, column = nearest(self.y, y), nearest(self.x, x)
        return None if row is None or column is None else (row, column)


def nearest(axis: Floats, value: float) -> int | None:
    """Index of the centre nearest to a value; None further than half a step outside.

    Of two centres equally near, the one with the higher coordinate, as ``xarray``'s ``sel(method="nearest")``
    has it on a rising axis.
    """
    rising = len(axis) < 2 or axis[-1] >= axis[0]
    centres = axis if rising else axis[::-1]
    half = float(centres[1] - centres[0]) / 2 if len(centres) > 1 else np.inf
    if not centres[0] - half <= value <= centres[-1] + half:
        return None
    right = int(np.searchsorted(centres, value, "left"))
    if right == 0:
        index = 0
    elif right == len(centres):
        index = right - 1
    else:
        index = right if centres[right] - value <= value - centres[right - 1] else right - 1
    return index if rising else len(axis) - 1 - index


def open_grid(folder: Path) -> Grid:
    """Map a prepared grid into memory."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_bytes())
    time = folder / "time.npy"
    return Grid(
        np.load(folder / "x.npy"),
        np.load(folder / "y.npy"),
        np.load(time) if time.exists() else None,
        tuple(meta["variables"]),
        tuple(
            np.load(folder / f"variable_{index}.npy", mmap_mode="r")
            for index in range(len(meta["variables"]))
        ),
        meta["crs"],
    )
