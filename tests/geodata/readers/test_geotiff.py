"""GeoTIFF: the city's part, in the city's CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from geodata.errors import UnreadableSource
from geodata.readers import Grid, read

# rasterio multiplies affine transforms in a way that affine 3 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

WEST, NORTH = 650_000.0, 6_475_000.0


@pytest.fixture
def slope(tmp_path: Path) -> Path:
    """A plane of 2 by 1 km that rises eastwards by 1 cm a metre, with one cell without a value."""
    path = tmp_path / "dem.tif"
    values = np.tile(np.arange(200) * 0.1, (100, 1)).astype("float32")
    values[50, 100] = -9999
    with rasterio.open(
        path, "w", driver="GTiff", width=200, height=100, count=1, dtype="float32", crs="EPSG:3301",
        transform=from_origin(WEST, NORTH, 10, 10), nodata=-9999,
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


def grid(path: Path, **options: object) -> Grid:
    """The opened raster."""
    found = read("geotiff", path, options)
    assert isinstance(found, Grid)
    return found


def test_window_is_the_cells_it_covers(slope: Path) -> None:
    raster = grid(slope)
    x, y, values = raster.window("EPSG:3301", (WEST + 500, NORTH - 600, WEST + 1500, NORTH - 400), None)
    assert raster.cells == 20_000
    assert (values.shape, x[0], y[0]) == ((20, 100), WEST + 505, NORTH - 405)
    np.testing.assert_allclose(values[0], (x - WEST - 5) / 100, atol=1e-4)
    assert np.isnan(values).sum() == 1


def test_window_ends_where_the_raster_ends(slope: Path) -> None:
    _, _, values = grid(slope).window(
        "EPSG:3301", (WEST - 50_000, NORTH - 50_000, WEST + 90_000, NORTH + 90_000), None
    )
    assert values.shape == (100, 200)
    with pytest.raises(UnreadableSource, match="does not cover"):
        grid(slope).window("EPSG:3301", (0, 0, 1000, 1000), None)


def test_other_crs_and_cell(slope: Path) -> None:
    x, _, values = grid(slope).window("EPSG:3067", (390_000, 6_400_000, 800_000, 6_600_000), 50.0)
    assert np.diff(x)[0] == 50.0
    assert np.nanmax(values) == pytest.approx(19.9, abs=0.6)


def test_refused(slope: Path) -> None:
    with pytest.raises(UnreadableSource, match="no such band"):
        grid(slope, band=2)
    content = slope.read_bytes()
    slope.write_bytes(content[: len(content) // 3])
    with pytest.raises(UnreadableSource, match="truncated or damaged"):
        grid(slope).window("EPSG:3301", (WEST, NORTH - 1000, WEST + 2000, NORTH), None)
