"""The trees of a stored run in the formats of others' tools.

A run keeps its first member's trees at the start, every ten years and at the end. Any of these years can be
taken away: as a city model for planners' 3D tools, as tiles for the browser, as a table for a geographic
information system, as a cube for analysis.

Example::

    python -m pilots.green.exports 5c69de5ba8 --city tallinn --year 2055 --to tallinn-2055
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from geodata.errors import InvalidInput, NotReady, UnknownName
from geodata.locate import pack_of
from pilots.green.exports.cityjson import write_cityjson
from pilots.green.exports.gltf import write_tileset
from pilots.green.exports.trees import write_geoparquet
from pilots.green.growth.species import SPECIES
from twin.result import Result


def years_of(result: Result, city: str) -> list[int]:
    """The years whose trees a run keeps.

    Raises:
        UnknownName: The run has no green of that city.
    """
    return [int(year) for year in _data(result, city)["snapshot"].values]


def _data(result: Result, city: str) -> xr.Dataset:
    cities = result.data["green"].children if "green" in result.data.children else {}
    if city not in cities:
        raise UnknownName(
            "the run has no trees of this city",
            field="city",
            value=city,
            expected=", ".join(cities) or "none",
        )
    return cities[city].to_dataset()


def trees_of(result: Result, city: str, year: int | None = None) -> gpd.GeoDataFrame:
    """One city's trees in one year, as the table that all exports share.

    Args:
        result: A run of the pilot.
        city: The city's id.
        year: One of `years_of`; the last if left out.

    Raises:
        UnknownName: The run has no trees of that city or year.
    """
    data = _data(result, city)
    known = years_of(result, city)
    year = known[-1] if year is None else year
    if year not in known:
        raise UnknownName(
            "the run keeps no trees of this year",
            field="year",
            value=year,
            expected=", ".join(map(str, known)),
        )
    here = data["tree_year"].values == year
    columns = {name: data[f"tree_{name}"].values[here] for name in _COLUMNS}
    kinds = columns["species"].astype(np.int64)
    evergreen = np.array([kind.evergreen for kind in SPECIES])[kinds]
    days = {
        name: float(data[f"snapshot_{name}"].sel(snapshot=year)) for name in ("leaf_on_doy", "leaf_off_doy")
    }
    points = shapely.points(columns["x"], columns["y"], np.zeros(len(kinds)))
    return gpd.GeoDataFrame(
        {
            "tree_id": columns["number"].astype(str),
            "species": np.array([kind.name for kind in SPECIES], dtype=object)[kinds],
            "year": np.full(len(kinds), year, np.int32),
            "dbh_cm": columns["dbh"].astype(float).round(1),
            "height_m": columns["height"].astype(float).round(2),
            "crown_diameter_m": columns["crown_diameter"].astype(float).round(2),
            "crown_base_m": columns["crown_base"].astype(float).round(2),
            "leaf_area_m2": columns["leaf_area"].astype(float).round(1),
            "condition": columns["condition"].astype(float).round(3),
            "leaf_on_doy": np.where(evergreen, 0, round(days["leaf_on_doy"])).astype(np.int16),
            "leaf_off_doy": np.where(evergreen, 0, round(days["leaf_off_doy"])).astype(np.int16),
        },
        geometry=points,
        crs=data.attrs["crs"],
    )


_COLUMNS = (
    "number", "species", "x", "y", "dbh", "height", "crown_diameter", "crown_base", "leaf_area", "condition",
)  # fmt: skip


def cube_of(result: Result, city: str) -> xr.Dataset:
    """All kept years as one cube: tree by year, with coordinates x, y and species, missing where none stands.

    Args:
        result: A run of the pilot.
        city: The city's id.
    """
    data = _data(result, city)
    numbers, place = np.unique(data["tree_number"].values, return_inverse=True)
    years = np.array(years_of(result, city))
    when = np.searchsorted(years, data["tree_year"].values)
    fields: dict[str, tuple[tuple[str, str], np.ndarray, dict[str, str]]] = {}
    for name in ("species", "dbh", "height", "crown_diameter", "crown_base", "leaf_area", "condition"):
        values = np.full((len(numbers), len(years)), -1 if name == "species" else np.nan, np.float32)
        values[place, when] = data[f"tree_{name}"].values
        fields[name] = (("tree", "year"), values, dict(data[f"tree_{name}"].attrs))
    fields["species"] = (fields["species"][0], fields["species"][1].astype(np.int16), fields["species"][2])
    first = np.unique(data["tree_number"].values, return_index=True)[1]
    return xr.Dataset(
        fields,
        coords={
            "tree": numbers,
            "year": years,
            "x": ("tree", data["tree_x"].values[first], {"units": "m"}),
            "y": ("tree", data["tree_y"].values[first], {"units": "m"}),
        },
        attrs={"crs": data.attrs["crs"], "title": f"Trees of {city}", "run": result.run_id},
    )


def areas_of(result: Result, city: str) -> gpd.GeoDataFrame | None:
    """One city's green areas as the run read them; None if it read none.

    A run does not keep what it read: they come from the city's pack, if that is still the same.

    Args:
        result: A run of the pilot.
        city: The city's id.

    Raises:
        NotReady: The pack has been built anew since, of other areas.
    """
    read = [item for item in result.manifest["data"].get(city, ()) if item["kind"] == "green_areas"]
    if not read:
        return None
    pack = pack_of(city)
    now = {entry.id: entry.sha256 for entry in pack.of_kind("green_areas")}
    if any(now.get(item["id"]) != item["sha256"] for item in read):
        raise NotReady(
            "the city's pack has other green areas than those the run read", field="city", value=city
        )
    areas = [pack.features(item["id"], ["area_id", "green_class"]) for item in read]
    columns = {
        name: np.concatenate([part[column].to_numpy(str) for part in areas])
        for name, column in (("area_id", "area_id"), ("kind", "green_class"))
    }
    shapes = np.concatenate([part.geometry.to_numpy() for part in areas])
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=areas[0].crs)


def export(
    result: Result,
    city: str,
    folder: str | Path,
    year: int | None = None,
    areas: gpd.GeoDataFrame | None = None,
) -> list[Path]:
    """Write one city's trees in every format, and its green areas into the city model.

    Args:
        result: A run of the pilot.
        city: The city's id.
        folder: Where to; made if it does not exist, and must be empty.
        year: Of the trees, one of `years_of`; the last if left out.
        areas: Green areas, as `areas_of` gives them; none if left out.

    Returns:
        The CityJSON 2.0 file, the 3D Tiles tileset (glTF with instancing), the GeoParquet file, the cube.

    Raises:
        UnknownName: The run has no trees of that city or year.
        InvalidInput: The folder holds something already.
    """
    folder = Path(folder)
    table = trees_of(result, city, year)
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput("the folder is not empty", field="--to", value=str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("trees.city.json", "tiles/tileset.json", "trees.parquet", "trees.nc")]
    title = f"Trees of {city} in {table['year'].iloc[0]}, simulated"
    write_cityjson(table, paths[0], areas=areas, title=title)
    write_tileset(table, paths[1].parent)
    write_geoparquet(table, paths[2])
    cube_of(result, city).to_netcdf(paths[3], engine="h5netcdf")
    return paths
