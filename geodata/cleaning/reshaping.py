"""Reshaping: many rows of one (streets cut at junctions), one of many (settlements merged into a city), grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.cleaning.columns import LEVEL, as_text, recoded
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.cleaning.report import DatasetReport, Note, Reason
from geodata.kinds import Kind
from geodata.noding import Network, node_crossings, node_shared_vertices

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from geodata.recipe import ColumnRecipe, DatasetRecipe, Dissolve, Noding

Floats = NDArray[np.float64]


def levels(raw: pd.Series[Any], recipe: ColumnRecipe) -> NDArray[np.int64]:
    """The level on which each street runs, 0 where nothing is said."""
    values, _ = recoded(raw, recipe)
    return pd.to_numeric(as_text(values), errors="coerce").fillna(0).round().to_numpy(np.int64)


def noded(table: gpd.GeoDataFrame, recipe: Noding, ledger: Ledger) -> gpd.GeoDataFrame:
    """Streets as segments between junctions, with their length and connected part.

    Args:
        table: Streets in the kind's columns.
        recipe: Where they meet.
        ledger: Where the outcome is noted.
    """
    lines = table.geometry.to_numpy()
    if recipe.meet == "vertices":
        network = node_shared_vertices(lines)
    else:
        level = table[LEVEL].to_numpy(np.int64) if LEVEL in table else None
        network = node_crossings(lines, tolerance_m=recipe.tolerance_m, level=level)
    gone = ~np.isin(np.arange(len(table)), network.parent)
    kept = ledger.drop(table, gone, "repeats another street, or is shorter than the tolerance", fault=False)
    parts = table.iloc[network.parent].drop(columns="geometry").reset_index(drop=True)
    of = pd.Series(network.parent)
    number, pieces = of.groupby(of).cumcount(), of.groupby(of).transform("size")
    own = parts["street_id"].astype("string")
    parts["street_id"] = own.where(pieces.eq(1), own + "-" + (number + 1).astype("string"))
    parts["length_m"] = shapely.length(network.segments)
    parts["component"] = network.component
    ledger.reshaped("noded", len(kept), len(parts), _told(network, recipe))
    import geopandas as gpd

    return gpd.GeoDataFrame(parts, geometry=network.segments, crs=table.crs)


def _told(network: Network, recipe: Noding) -> str:
    where = "shared vertices" if recipe.meet == "vertices" else f"crossings and within {recipe.tolerance_m:g} m"
    return (
        f"cut at {where}; {network.length_in_m / 1000:.1f} km in, {network.length_m / 1000:.1f} km out "
        f"({network.collapsed_m / 1000:.2f} km in stubs shorter than the tolerance, {network.repeated_m / 1000:.2f} km "
        f"repeated), {network.largest_share:.2%} of the length in the largest of "
        f"{int(network.component.max(initial=-1)) + 1} connected parts"
    )


def dissolved(table: gpd.GeoDataFrame, recipe: Dissolve, ledger: Ledger) -> gpd.GeoDataFrame:
    """Rows merged into one for each value of some columns, or into a single one."""
    by = list(recipe.by)
    group = table.groupby(by, sort=True, dropna=False).ngroup().to_numpy() if by else np.zeros(len(table), np.int64)
    first = pd.Series(group).drop_duplicates()
    order = first.index[np.argsort(first.to_numpy(), kind="stable")]
    merged = table.iloc[order].reset_index(drop=True)
    for name in recipe.total:
        merged[name] = np.bincount(group, table[name].to_numpy(np.float64, na_value=0.0))
    shapes = table.geometry.to_numpy()
    outlines = [shapely.union_all(shapes[group == number]) for number in range(len(merged))]
    ledger.reshaped("merged", len(table), len(merged), f"by {', '.join(by)}" if by else "into one")
    return merged.set_geometry(np.array(outlines, object), crs=table.crs)


def cube(
    window: tuple[Floats, Floats, Floats], kind: Kind, dataset: DatasetRecipe, crs: str, outline: Any, file: str, cells: int
) -> tuple[xr.Dataset, DatasetReport]:
    """A raster's window as a cube, with the account of its cells.

    Args:
        window: Centres of columns and rows, and values.
        kind: A kind of cubes with one variable.
        dataset: The dataset's recipe.
        crs: The city's CRS.
        outline: The city's outline.
        file: The source, for messages.
        cells: Cells in the file.
    """
    import xarray as xr

    x, y, values = window
    variable = kind.columns[0]
    low = -np.inf if variable.low is None else variable.low
    high = np.inf if variable.high is None else variable.high
    wrong = np.isfinite(values) & ((values < low) | (values > high))
    values = np.where(wrong, np.nan, values)
    empty = int(np.isnan(values).sum() - wrong.sum())
    shapely.prepare(outline)
    inside = shapely.contains_xy(outline, *np.meshgrid(x, y))
    cell = (x[1] - x[0]) * (y[0] - y[1]) if len(x) > 1 and len(y) > 1 else 0.0
    covered = float((np.isfinite(values) & inside).sum() * cell / shapely.area(outline))
    data = xr.Dataset(
        {variable.name: (("y", "x"), values.astype(np.float32), {"units": variable.unit, "long_name": variable.description})},
        coords={"y": ("y", y, {"units": "m", "axis": "Y"}), "x": ("x", x, {"units": "m", "axis": "X"})},
        attrs={"crs": crs},
    )
    dropped = [Reason(reason="the raster has no value here", rows=empty, fault=False)] if empty else []
    if wrong.any():
        dropped.append(Reason(reason="value out of bounds", rows=int(wrong.sum()), fault=True, field=variable.name))
    kept = int(np.isfinite(values).sum())
    report = DatasetReport(
        dataset=dataset.id, kind=kind.name, files=(file,), rows_read=values.size, rows_dropped=values.size - kept,
        rows_kept=kept, rows_repaired=0, rows_written=kept, dropped=tuple(dropped),
        notes=(
            Note(text=f"rows are cells of the raster's part in the city's box ({len(x)} x {len(y)}); the file has {cells}"),
            Note(text=f"values cover {covered:.2%} of the city's area"),
        ),
    )  # fmt: skip
    return data, report
