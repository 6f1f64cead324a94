"""A place as rasters: ground, roofs, crowns and what covers the ground.

Four rasters of one grid tell what a radiation run must know of a block of streets: the height of the ground,
the height of what stands on it (roofs), the height of the trees above the ground, and the cover of the
ground. Rows run south and columns east, as in any map.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData, InvalidInput, UnreadableSource
from pilots.green.radiation.surfaces import BUILDING_CODE, GROUND_OF_CODE
from pilots.green.radiation.sweep import NOTHING, Relief

LEAST_CROWN_M = 1.0
"""Crowns lower than this are hedges and grass at the feet of a person and cast no shadow."""

TRUNK_SHARE = 0.25
"""Share of a tree's height below its crown (Lindberg and Grimmond 2011)."""

LEAST_BUILDING_M = 2.0


@dataclass(frozen=True)
class Site:
    """A place on a grid of square cells; build it with `site` or `read_site`.

    Attributes:
        surface_m: Height of ground and roofs above datum, rows x columns.
        ground_m: Height of the ground above datum.
        crown_m: Height of the trees above the ground, 0 where there is none.
        crown_base_m: Height of the underside of their crowns above the ground.
        evergreen: Where crowns keep their leaves in winter.
        land_cover: UMEP codes: 1 paved, 2 building, 5 grass, 6 bare soil, 7 water (0 cobble, 3 and 4 trees).
        cell_size_m: Side of a cell.
        latitude: Of the middle, degrees north.
        longitude: Of the middle, degrees east.
        convergence_deg: Angle from true north to the grid's north, clockwise.
        west_m: Map coordinate of the western edge.
        north_m: Map coordinate of the northern edge.
    """

    surface_m: NDArray[np.float32]
    ground_m: NDArray[np.float32]
    crown_m: NDArray[np.float32]
    crown_base_m: NDArray[np.float32]
    evergreen: NDArray[np.bool_]
    land_cover: NDArray[np.int16]
    cell_size_m: float
    latitude: float
    longitude: float
    convergence_deg: float = 0.0
    west_m: float = 0.0
    north_m: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.surface_m.shape
        return rows, columns

    @property
    def open_ground(self) -> NDArray[np.bool_]:
        """Where a person can stand: no building."""
        built = (self.land_cover == BUILDING_CODE) | (self.surface_m - self.ground_m >= LEAST_BUILDING_M)
        return np.asarray(~built)

    @property
    def x_m(self) -> NDArray[np.float64]:
        """Map coordinate of the middle of each column."""
        return np.asarray(self.west_m + (np.arange(self.shape[1]) + 0.5) * self.cell_size_m)

    @property
    def y_m(self) -> NDArray[np.float64]:
        """Map coordinate of the middle of each row."""
        return np.asarray(self.north_m - (np.arange(self.shape[0]) + 0.5) * self.cell_size_m)

    def relief(self) -> Relief:
        """What stands in the light's way."""
        tree = self.crown_m >= LEAST_CROWN_M
        top = np.where(tree, self.ground_m + self.crown_m, NOTHING)
        base = np.where(tree, self.ground_m + self.crown_base_m, NOTHING)
        density = np.where(self.evergreen, -1.0, 1.0)
        return Relief.of(self.surface_m, top, base, self.cell_size_m, density)

    def cell_of(self, x_m: float, y_m: float) -> tuple[int, int]:
        """Row and column of a point in map coordinates.

        Raises:
            InvalidInput: The point lies outside the grid or on a building.
        """
        row = int(np.floor((self.north_m - y_m) / self.cell_size_m))
        column = int(np.floor((x_m - self.west_m) / self.cell_size_m))
        if not (0 <= row < self.shape[0] and 0 <= column < self.shape[1]):
            raise InvalidInput("a point lies outside the rasters", field="points", value=(x_m, y_m))
        if not self.open_ground[row, column]:
            raise InvalidInput("a point lies on a building", field="points", value=(x_m, y_m))
        return row, column

    def tiles(
        self, cells: int, margin_m: float = 200.0
    ) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], Site]]:
        """Cut the site into windows that can be run one after the other with bounded memory.

        Args:
            cells: Side of a window's core.
            margin_m: What is added on each side, so that what stands there still casts its shadow.

        Yields:
            The core's rows and columns in this site, the same within the window, and the window as a site.
        """
        margin = int(np.ceil(margin_m / self.cell_size_m))
        rows, columns = self.shape
        for top in range(0, rows, cells):
            for left in range(0, columns, cells):
                core = slice(top, min(top + cells, rows)), slice(left, min(left + cells, columns))
                outer = (
                    slice(max(top - margin, 0), min(core[0].stop + margin, rows)),
                    slice(max(left - margin, 0), min(core[1].stop + margin, columns)),
                )
                inner = tuple(
                    slice(c.start - o.start, c.stop - o.start) for c, o in zip(core, outer, strict=True)
                )
                yield core, (inner[0], inner[1]), self._window(*outer)

    def _window(self, rows: slice, columns: slice) -> Site:
        grids: dict[str, Any] = {
            name: np.ascontiguousarray(value[rows, columns])
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        west = self.west_m + columns.start * self.cell_size_m
        return replace(self, **grids, west_m=west, north_m=self.north_m - rows.start * self.cell_size_m)


def site(
    *,
    surface_m: ArrayLike,
    ground_m: ArrayLike,
    cell_size_m: float,
    latitude: float,
    longitude: float,
    crown_m: ArrayLike | None = None,
    crown_base_m: ArrayLike | None = None,
    evergreen: ArrayLike | None = None,
    land_cover: ArrayLike | None = None,
    convergence_deg: float = 0.0,
    west_m: float = 0.0,
    north_m: float = 0.0,
) -> Site:
    """Check rasters (all of one shape) and make a site of them.

    Args:
        surface_m: Height of ground and roofs above datum.
        ground_m: Height of the ground above datum.
        cell_size_m: Side of a cell.
        latitude: Degrees north.
        longitude: Degrees east.
        crown_m: Height of trees above the ground; none if left out.
        crown_base_m: Underside of their crowns above the ground; a quarter of the height if left out.
        evergreen: Where crowns are evergreen; nowhere if left out.
        land_cover: UMEP codes; paved, and building where the surface is 2 m above the ground, if left out.
        convergence_deg: Angle from true north to grid north, clockwise.
        west_m: Map coordinate of the western edge.
        north_m: Map coordinate of the northern edge.

    Raises:
        InvalidData: Shapes differ, values are missing or impossible, or a land-cover code is unknown.
    """
    surface = _grid("surface_m", surface_m, None)
    ground = _grid("ground_m", ground_m, surface.shape)
    crown = np.zeros_like(surface) if crown_m is None else _grid("crown_m", crown_m, surface.shape)
    _require_range("crown_m", crown, 0.0, 130.0)
    base = crown * TRUNK_SHARE if crown_base_m is None else _grid("crown_base_m", crown_base_m, surface.shape)
    if (base > crown).any():
        raise InvalidData("a crown begins above its top", field="crown_base_m", row=_first(base > crown))
    if not cell_size_m > 0:
        raise InvalidData("cells need a size", field="cell_size_m", value=cell_size_m, expected="above 0")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidData("no such place", field="latitude, longitude", value=(latitude, longitude))
    built = surface - ground >= LEAST_BUILDING_M
    cover = np.where(built, BUILDING_CODE, 1) if land_cover is None else _cover(land_cover, surface.shape)
    return Site(
        surface_m=surface,
        ground_m=ground,
        crown_m=crown,
        crown_base_m=base,
        evergreen=np.zeros(surface.shape, bool) if evergreen is None else _mask(evergreen, surface.shape),
        land_cover=cover.astype(np.int16),
        cell_size_m=float(cell_size_m),
        latitude=float(latitude),
        longitude=float(longitude),
        convergence_deg=float(convergence_deg),
        west_m=float(west_m),
        north_m=float(north_m),
    )


def read_site(
    *,
    dsm: str | Path,
    dem: str | Path,
    canopy: str | Path | None = None,
    trunk: str | Path | None = None,
    land_cover: str | Path | None = None,
) -> Site:
    """Read a site from GeoTIFF rasters of one grid in a projected coordinate system.

    Place, cell size and the angle between grid north and true north come from the rasters themselves.

    Args:
        dsm: Ground and roofs above datum, m.
        dem: Ground above datum, m.
        canopy: Trees above the ground (canopy height model), m; 0 or missing where there is none.
        trunk: Underside of the crowns above the ground, m.
        land_cover: UMEP codes.

    Raises:
        UnreadableSource: A file is missing, no raster, or without a projected coordinate system.
        InvalidData: The rasters do not lie on one grid, or as in `site`.
    """
    surface, grid = _read_raster(dsm)
    ground, ground_grid = _read_raster(dem)
    grids: dict[str, NDArray[np.float32]] = {}
    for name, path in (("crown_m", canopy), ("crown_base_m", trunk), ("land_cover", land_cover)):
        if path is not None:
            raster, other = _read_raster(path)
            _require_same_grid(path, other, grid)
            # No data in a canopy raster means no tree.
            grids[name] = np.nan_to_num(raster, nan=0.0) if name != "land_cover" else raster
    _require_same_grid(dem, ground_grid, grid)
    latitude, longitude, convergence = grid.place(surface.shape)
    return site(
        surface_m=surface,
        ground_m=ground,
        cell_size_m=grid.cell_size_m,
        latitude=latitude,
        longitude=longitude,
        convergence_deg=convergence,
        west_m=grid.west_m,
        north_m=grid.north_m,
        **grids,
    )


@dataclass(frozen=True)
class _MapGrid:
    crs: str
    cell_size_m: float
    west_m: float
    north_m: float

    def place(self, shape: tuple[int, ...]) -> tuple[float, float, float]:
        """Latitude, longitude and meridian convergence of the middle."""
        import pyproj  # only rasters need it

        x = self.west_m + 0.5 * shape[1] * self.cell_size_m
        y = self.north_m - 0.5 * shape[0] * self.cell_size_m
        longitude, latitude = pyproj.Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True).transform(
            x, y
        )
        factors = pyproj.Proj(self.crs).get_factors(longitude, latitude)
        return float(latitude), float(longitude), float(factors.meridian_convergence)


def _read_raster(path: str | Path) -> tuple[NDArray[np.float32], _MapGrid]:
    try:
        import rasterio  # comes with the optional extra `sources`
    except ImportError as error:
        raise UnreadableSource(
            "reading rasters needs rasterio", file=path, hint="install twinbox[sources]"
        ) from error
    try:
        with rasterio.open(path) as source:
            raster = source.read(1, masked=True).astype(np.float32).filled(np.nan)
            crs, transform = source.crs, source.transform
    except rasterio.errors.RasterioIOError as error:
        raise UnreadableSource("cannot read the raster", file=path, hint=str(error)) from error
    if crs is None or not crs.is_projected:
        raise UnreadableSource("the raster needs a projected coordinate system", file=path, value=str(crs))
    if transform.b or transform.d or not np.isclose(transform.a, -transform.e):
        raise UnreadableSource(
            "the raster needs square cells, north up", file=path, value=tuple(transform)[:6]
        )
    return raster, _MapGrid(crs.to_wkt(), float(transform.a), float(transform.c), float(transform.f))


def _require_same_grid(path: str | Path, grid: _MapGrid, expected: _MapGrid) -> None:
    tolerance = 0.01 * expected.cell_size_m
    for field in ("cell_size_m", "west_m", "north_m"):
        if abs(getattr(grid, field) - getattr(expected, field)) > tolerance:
            raise InvalidData(
                "rasters do not lie on one grid",
                file=path,
                field=field,
                value=getattr(grid, field),
                expected=str(getattr(expected, field)),
            )


def _grid(field: str, values: ArrayLike, shape: tuple[int, ...] | None) -> NDArray[np.float32]:
    grid = np.ascontiguousarray(values, dtype=np.float32)
    if grid.ndim != 2 or (shape is not None and grid.shape != shape):
        raise InvalidData(
            "rasters do not match", field=field, value=grid.shape, expected=str(shape or "rows x columns")
        )
    if not np.isfinite(grid).all():
        raise InvalidData(
            "a raster has holes", field=field, row=_first(~np.isfinite(grid)), expected="a height everywhere"
        )
    return grid


def _mask(values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.ascontiguousarray(values, dtype=bool)
    if mask.shape != shape:
        raise InvalidData("rasters do not match", field="evergreen", value=mask.shape, expected=str(shape))
    return mask


def _cover(values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int16]:
    cover = _grid("land_cover", values, shape)
    unknown = sorted(set(np.unique(cover).tolist()) - {*GROUND_OF_CODE, BUILDING_CODE})
    if unknown:
        raise InvalidData(
            "unknown land-cover code",
            field="land_cover",
            row=_first(cover == unknown[0]),
            value=unknown[0],
            expected=str(sorted([*GROUND_OF_CODE, BUILDING_CODE])),
        )
    return cover.astype(np.int16)


def _require_range(field: str, grid: NDArray[np.float32], low: float, high: float) -> None:
    bad = (grid < low) | (grid > high)
    if bad.any():
        raise InvalidData(
            "a height is impossible",
            field=field,
            row=_first(bad),
            value=float(grid[bad][0]),
            expected=f"{low:g} to {high:g} m",
        )


def _first(mask: NDArray[np.bool_]) -> str:
    row, column = np.argwhere(mask)[0]
    return f"{row + 1} column {column + 1}"
