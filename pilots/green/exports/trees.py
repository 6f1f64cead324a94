"""The table of trees that all exports share, and its GeoParquet form.

One row is one tree in one year: where it stands, what it is, how large it is, and when it has leaves.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from geodata.errors import InvalidData, UnreadableSource
from pilots.green.growth.species import INDEX, SPECIES
from pilots.green.growth.stock import Stock, stock

COLUMNS = {
    "tree_id": "name of the tree",
    "species": "scientific name",
    "year": "year of the state",
    "dbh_cm": "trunk diameter at breast height, cm",
    "height_m": "height, m",
    "crown_diameter_m": "crown diameter, m",
    "crown_base_m": "height of the underside of the crown, m",
    "leaf_area_m2": "one-sided leaf area in full leaf, m2",
    "condition": "share of the crown that is alive",
    "leaf_on_doy": "day of the year on which leaves come; 0 for evergreens",
    "leaf_off_doy": "day of the year on which they fall; 0 for evergreens",
}
"""Columns of the table besides the geometry: points in a projected system, with z where it is known."""


def tree_table(
    trees: Stock,
    x_m: ArrayLike,
    y_m: ArrayLike,
    *,
    crs: str,
    year: int,
    leaf_on_doy: float,
    leaf_off_doy: float,
    tree_id: ArrayLike | None = None,
    ground_m: ArrayLike = 0.0,
) -> gpd.GeoDataFrame:
    """Arrange a stock as a table for export.

    Args:
        trees: The trees.
        x_m: Map coordinates.
        y_m: Likewise.
        crs: Their projected coordinate system, such as ``EPSG:3301``.
        year: Year of the state.
        leaf_on_doy: Day of the year on which leaves come.
        leaf_off_doy: Day on which they fall.
        tree_id: Names; numbers from 1 if left out.
        ground_m: Height of the ground.
    """
    evergreen = np.array([kind.evergreen for kind in SPECIES])[trees.species]
    names = np.array([kind.name for kind in SPECIES], dtype=object)
    z = np.broadcast_to(np.asarray(ground_m, dtype=float), (len(trees),))
    height = trees.height_m
    table = {
        "tree_id": np.arange(1, len(trees) + 1).astype(str)
        if tree_id is None
        else np.asarray(tree_id).astype(str),
        "species": names[trees.species],
        "year": np.full(len(trees), year, np.int32),
        "dbh_cm": trees.dbh_cm.round(1),
        "height_m": height.round(2),
        "crown_diameter_m": trees.crown_diameter_m.round(2),
        "crown_base_m": np.maximum(height - trees.crown_height_m, 0.0).round(2),
        "leaf_area_m2": trees.leaf_area_m2.round(1),
        "condition": trees.condition.round(3),
        "leaf_on_doy": np.where(evergreen, 0, round(leaf_on_doy)).astype(np.int16),
        "leaf_off_doy": np.where(evergreen, 0, round(leaf_off_doy)).astype(np.int16),
    }
    return gpd.GeoDataFrame(table, geometry=shapely.points(np.asarray(x_m), np.asarray(y_m), z), crs=crs)


def checked_trees(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The table itself, if it has everything an export needs.

    Raises:
        InvalidData: A column is missing, a name stands twice, a number is missing, a size is impossible, a
            tree is no point, or the coordinates are not in a projected system.
    """
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise InvalidData("columns are missing", field="trees", value=lacking, expected=", ".join(COLUMNS))
    if table.crs is None or not table.crs.is_projected:
        raise InvalidData("trees need a projected coordinate system", field="crs", value=str(table.crs))
    twice = table["tree_id"].duplicated()
    if twice.any():
        raise InvalidData("a tree stands twice", field="tree_id", value=table.loc[twice, "tree_id"].iloc[0])
    points = table.geometry.to_numpy()
    stands = (shapely.get_type_id(points) == shapely.GeometryType.POINT) & ~shapely.is_empty(points)
    if not stands.all():
        row = int(np.argmin(stands))
        raise InvalidData(
            "a tree without place", row=row + 1, field="geometry", value=str(points[row]), expected="a point"
        )
    for name in list(COLUMNS)[2:]:
        _check_numbers(table[name], "a tree without size" if name in _SIZES else None)
    return table


_SIZES = ("height_m", "crown_diameter_m")


def _check_numbers(column: pd.Series, without: str | None) -> None:
    """Refuse what is no finite number and, if there is a message for it, what is not above zero."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~np.isfinite(values) | ((values <= 0) & (without is not None)))
    if len(bad):
        row = int(bad[0])
        raise InvalidData(
            without or "not a number", row=row + 1, field=str(column.name), value=str(column.iloc[row])
        )


def forms(table: pd.DataFrame) -> np.ndarray:
    """Form of each tree, an index into `shapes.FORMS`: evergreens and larches are cones."""
    conifer = {kind.name for kind in SPECIES if kind.evergreen or kind.genus == "Larix"}
    return table["species"].isin(conifer).to_numpy().astype(np.int64)


def write_geoparquet(table: gpd.GeoDataFrame, path: str | Path) -> None:
    """Write the table as GeoParquet 1.1."""
    checked_trees(table).to_parquet(path, schema_version="1.1.0", index=False)


def read_geoparquet(path: str | Path) -> gpd.GeoDataFrame:
    """Read a table back.

    Raises:
        UnreadableSource: The file is missing or no GeoParquet.
        InvalidData: As in `checked_trees`.
    """
    try:
        table = gpd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UnreadableSource("cannot read trees", file=path, hint=str(error)) from error
    return checked_trees(table)


def stock_of(table: pd.DataFrame) -> Stock:
    """The trees of a table as a stock."""
    kinds = table["species"].map(INDEX)
    if kinds.isna().any():
        raise InvalidData(
            "unknown species", field="species", value=table.loc[kinds.isna(), "species"].iloc[0]
        )
    return stock(
        kinds.to_numpy(),
        dbh_cm=table["dbh_cm"].to_numpy(),
        height_m=table["height_m"].to_numpy(),
        crown_diameter_m=table["crown_diameter_m"].to_numpy(),
        condition=table["condition"].to_numpy(),
    )
