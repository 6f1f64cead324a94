"""GeoTIFF rasters: elevation, imagery, forest loss, one band at a time.

A raster is warped into the city's CRS while it is read, and only the city's part of it: a national elevation
model never stands in memory whole.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geodata.errors import UnreadableSource
from geodata.readers.raw import Grid, Options, Reader, missing_library

MOST_CELLS = 100_000_000

Bounds = tuple[float, float, float, float]
Floats = NDArray[np.float64]


class GeotiffOptions(Options):
    """Options of the reader ``geotiff``.

    Args:
        band: Which band, 1 for the first.
        nodata: The value that stands for "no value", where the file does not say.
        crs: The CRS, where the file does not say.
        scale: What values are multiplied by.
    """

    band: Annotated[int, Field(ge=1)] = 1
    nodata: float | None = None
    crs: str | None = None
    scale: float = 1.0


def read(path: Path, options: GeotiffOptions) -> Grid:
    """Open a raster.

    Raises:
        NotReady: The library rasterio is not installed.
        UnreadableSource: The file is no raster, damaged, without CRS, or without such a band.
    """
    try:
        import rasterio
    except ImportError as error:
        raise missing_library("rasterio", error) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(path) as file:
                _check(path, file, options)
                cells = file.width * file.height
    except rasterio.errors.RasterioError as error:
        raise UnreadableSource(f"the file is no raster, truncated or damaged: {error}", file=path) from error

    def window(crs: str, bounds: Bounds, cell_m: float | None) -> tuple[Floats, Floats, Floats]:
        try:
            with warnings.catch_warnings():
                # rasterio multiplies affine transforms in a way that affine 3 will give up.
                warnings.filterwarnings(
                    "ignore", message="Use `@` matmul", category=PendingDeprecationWarning
                )
                return _window(path, options, crs, bounds, cell_m)
        except rasterio.errors.RasterioError as error:
            raise UnreadableSource(f"the raster is truncated or damaged: {error}", file=path) from error

    return Grid(cells, window)


def _check(path: Path, file: Any, options: GeotiffOptions) -> None:
    if options.band > file.count:
        raise UnreadableSource(
            "the raster has no such band",
            file=path,
            field="band",
            value=options.band,
            expected=f"1 to {file.count}",
        )
    if file.crs is None and options.crs is None:
        raise UnreadableSource(
            "the raster does not name its CRS",
            file=path,
            field="crs",
            hint="give crs in the reader's options",
        )


def _window(
    path: Path, options: GeotiffOptions, crs: str, bounds: Bounds, cell_m: float | None
) -> tuple[Floats, Floats, Floats]:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import from_origin
    from rasterio.vrt import WarpedVRT
    from rasterio.warp import calculate_default_transform

    with rasterio.open(path) as file:
        source_crs = options.crs or file.crs
        nodata = options.nodata if options.nodata is not None else file.nodata
        shape, wide, high = calculate_default_transform(
            source_crs, crs, file.width, file.height, *file.bounds
        )
        cell_m = cell_m or abs(shape.a)
        # Where the raster ends, so does the window.
        extent = (shape.c, shape.f + high * shape.e, shape.c + wide * shape.a, shape.f)
        bounds = (*np.maximum(bounds[:2], extent[:2]), *np.minimum(bounds[2:], extent[2:]))
        if bounds[0] >= bounds[2] or bounds[1] >= bounds[3]:
            raise UnreadableSource(
                "the raster does not cover the city", file=path, expected=f"cells within {bounds} of {crs}"
            )
        west, north = math.floor(bounds[0] / cell_m) * cell_m, math.ceil(bounds[3] / cell_m) * cell_m
        width, height = math.ceil((bounds[2] - west) / cell_m), math.ceil((north - bounds[1]) / cell_m)
        if width * height > MOST_CELLS:
            raise UnreadableSource(
                "the city's part of the raster is enormous",
                file=path,
                value=f"{width} x {height} cells",
                expected=f"at most {MOST_CELLS} cells",
                hint="give a larger cell_m in the dataset's geometry",
            )
        with WarpedVRT(
            file, src_crs=source_crs, crs=crs, src_nodata=nodata, nodata=math.nan,
            transform=from_origin(west, north, cell_m, cell_m), width=width, height=height,
            resampling=Resampling.bilinear, dtype="float64",
        ) as warped:  # fmt: skip
            values = warped.read(options.band) * options.scale
    cell_m = float(cell_m)
    x = west + cell_m * (np.arange(width, dtype=np.float64) + 0.5)
    y = north - cell_m * (np.arange(height, dtype=np.float64) + 0.5)
    return x, y, np.asarray(np.where(np.isfinite(values), values, np.nan), np.float64)


READER = Reader(GeotiffOptions, read)
