"""Reshaping: streets cut into segments, settlements merged into a parish, rasters cut to the city."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.cleaning.columns import LEVEL
from geodata.cleaning.ledger import Ledger
from geodata.cleaning.places import Place
from geodata.cleaning.report import DatasetReport, Note, Reason
from geodata.cleaning.values import as_text, recoded
from geodata.kinds import Column, Kind
from geodata.noding import Network, node_crossings, node_shared_vertices

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from geodata.ingredients import ColumnRecipe, Dissolve, Noding

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
    where = (
        "shared vertices" if recipe.meet == "vertices" else f"crossings and within {recipe.tolerance_m:g} m"
    )
    stubs, repeated = network.collapsed_m / 1000, network.repeated_m / 1000
    return (
        f"cut at {where}; {network.length_in_m / 1000:.1f} km in, {network.length_m / 1000:.1f} km out "
        f"({stubs:.2f} km in stubs shorter than the tolerance, {repeated:.2f} km repeated), "
        f"{network.largest_share:.2%} of the length in the largest of "
        f"{int(network.component.max(initial=-1)) + 1} connected parts"
    )


def dissolved(table: gpd.GeoDataFrame, recipe: Dissolve, ledger: Ledger) -> gpd.GeoDataFrame:
    """Rows merged into one for each value of some columns, or into a single one."""
    by = list(recipe.by)
    group = (
        table.groupby(by, sort=True, dropna=False).ngroup().to_numpy()
        if by
        else np.zeros(len(table), np.int64)
    )
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
    window: tuple[Floats, Floats, Floats], kind: Kind, dataset: str, place: Place, *, file: str, cells: int
) -> tuple[xr.Dataset, DatasetReport]:
    """A raster's window as a cube, with the account of its cells.

    Args:
        window: Centres of columns and rows, and values.
        kind: A kind of cubes with one variable.
        dataset: Id of the dataset.
        place: The city.
        file: The source, for messages.
        cells: Cells in the file.
    """
    import xarray as xr

    x, y, values = window
    variable = kind.columns[0]
    values, wrong = _bounded(values, variable)
    empty = int(np.isnan(values).sum()) - wrong
    attributes = {"units": variable.unit, "long_name": variable.description}
    data = xr.Dataset(
        {variable.name: (("y", "x"), values.astype(np.float32), attributes)},
        coords={
            "y": ("y", y, {"units": "m", "axis": "Y"}),
            "x": ("x", x, {"units": "m", "axis": "X"}),
        },
        attrs={"crs": place.crs},
    )
    dropped = [Reason(reason="the raster has no value here", rows=empty, fault=False)] if empty else []
    if wrong:
        dropped.append(Reason(reason="value out of bounds", rows=wrong, fault=True, field=variable.name))
    kept = int(np.isfinite(values).sum())
    size = f"{len(x)} x {len(y)}"
    report = DatasetReport(
        dataset=dataset, kind=kind.name, files=(file,), rows_read=values.size,
        rows_dropped=values.size - kept, rows_kept=kept, rows_repaired=0, rows_written=kept,
        dropped=tuple(dropped),
        notes=(
            Note(text=f"rows are cells of the raster within the city's box ({size}); the file has {cells}"),
            Note(text=f"values cover {_covered(x, y, values, place.outline):.2%} of the city's area"),
        ),
    )  # fmt: skip
    return data, report


def _bounded(values: Floats, variable: Column) -> tuple[Floats, int]:
    """Values without those that the kind does not allow, and how many they were."""
    low = -np.inf if variable.low is None else variable.low
    high = np.inf if variable.high is None else variable.high
    wrong = np.isfinite(values) & ((values < low) | (values > high))
    return np.where(wrong, np.nan, values), int(wrong.sum())


def _covered(x: Floats, y: Floats, values: Floats, outline: Any) -> float:
    """Share of the city's area that lies under cells with a value."""
    if len(x) < 2 or len(y) < 2:
        return 0.0
    shapely.prepare(outline)
    inside = shapely.contains_xy(outline, *np.meshgrid(x, y))
    cell_m2 = (x[1] - x[0]) * (y[0] - y[1])
    return float((np.isfinite(values) & inside).sum() * cell_m2 / shapely.area(outline))
