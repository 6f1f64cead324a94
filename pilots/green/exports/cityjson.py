"""Trees and green areas as CityJSON 2.0, the standard that city models are exchanged in.

Every tree is a SolitaryVegetationObject that points to one of a few unit shapes (geometry templates) and
stretches it, so that fifty thousand trees take fifteen megabytes. The unit is a decimetre: stretching is then
by whole numbers, which are shorter. Green areas are PlantCover. Attributes say the year of the state and the
days on which leaves come and fall, so that a viewer can show the seasons.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.errors import InvalidData, UnreadableSource
from pilots.green.exports.shapes import FORMS, shape
from pilots.green.exports.trees import checked_trees, forms

SCALE_M = 0.01
UNIT_M = 0.1
AREA_COLUMNS = ("area_id", "kind")


def write_cityjson(
    trees: gpd.GeoDataFrame,
    path: str | Path,
    *,
    areas: gpd.GeoDataFrame | None = None,
    title: str = "Trees and green areas",
    with_seasons: bool = True,
) -> None:
    """Write trees and green areas as one CityJSON 2.0 file.

    Args:
        trees: Table of `trees.tree_table`.
        path: Where to.
        areas: Green areas: polygons in the same system with the columns area_id, kind and, where heights are
            known, average_height_m.
        title: Of the metadata.
        with_seasons: Give each tree the attributes year, leafOn and leafOff (days of the year).

    Raises:
        InvalidData: The tables cannot be exported: a column or number is missing, a name stands twice, or an
            area has no valid surface.
    """
    table = checked_trees(trees)
    epsg = table.crs.to_epsg()
    if epsg is None:
        raise InvalidData("CityJSON names coordinate systems by EPSG code", field="crs", value=str(table.crs))
    points = shapely.get_coordinates(table.geometry, include_z=True)
    points[:, 2] = np.nan_to_num(points[:, 2])
    covers = _covers(areas, table) if areas is not None else _Covers([], np.empty((0, 3)))
    corners = np.vstack([points, covers.corners])
    # The origin lies on the grid of whole centimetres, as the green areas do.
    origin = np.floor(corners.min(axis=0) / SCALE_M) * SCALE_M if len(corners) else np.zeros(3)
    vertices = np.rint((corners - origin) / SCALE_M).astype(np.int64)
    used, index = np.unique(vertices, axis=0, return_inverse=True)
    index = index.ravel()
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {
            "title": title,
            "referenceSystem": f"https://www.opengis.net/def/crs/EPSG/0/{epsg}",
            "geographicalExtent": [*corners.min(axis=0).round(3), *corners.max(axis=0).round(3)]
            if len(corners)
            else [0.0] * 6,
        },
        "transform": {"scale": [SCALE_M] * 3, "translate": origin.round(3).tolist()},
        "geometry-templates": _templates(),
    }
    objects = [
        *_tree_objects(table, index[: len(points)], with_seasons=with_seasons),
        *covers.objects(index[len(points) :]),
    ]
    text = json.dumps(head, separators=(",", ":"))[:-1]
    text += ',"CityObjects":{' + ",".join(objects) + "}"
    text += ',"vertices":' + json.dumps(used.tolist(), separators=(",", ":")) + "}"
    Path(path).write_text(text, encoding="utf-8")


def _templates() -> dict[str, Any]:
    templates, corners, offset = [], [], 0
    for form in range(len(FORMS)):
        unit = shape(form)
        triangles = np.vstack([unit.trunk, unit.crown]) + offset
        surfaces = [[triangle] for triangle in triangles.tolist()]
        templates.append({"type": "MultiSurface", "lod": "2", "boundaries": surfaces})
        corners += (unit.points * UNIT_M).round(4).tolist()
        offset += len(unit.points)
    return {"templates": templates, "vertices-templates": corners}


def _tree_objects(table: gpd.GeoDataFrame, vertex: NDArray[np.int64], *, with_seasons: bool) -> list[str]:
    """Each tree as a member of CityObjects, written out: to build dictionaries first takes thrice as long."""
    names = [json.dumps(str(name)) for name in table["tree_id"]]
    kinds = [json.dumps(str(name)) for name in table["species"]]
    wide, high = (
        (table[name] / UNIT_M).round().astype(int).clip(lower=1) for name in ("crown_diameter_m", "height_m")
    )
    trunk = (table["dbh_cm"] / 100.0).round(2)
    seasons = [""] * len(table)
    if with_seasons:
        days = zip(
            table["year"].tolist(), table["leaf_on_doy"].tolist(), table["leaf_off_doy"].tolist(), strict=True
        )
        seasons = [f',"year":{year},"leafOn":{on},"leafOff":{off}' for year, on, off in days]
    columns = zip(
        names,
        kinds,
        high.tolist(),
        wide.tolist(),
        trunk.tolist(),
        seasons,
        forms(table).tolist(),
        vertex.tolist(),
        strict=True,
    )
    return [
        f'{name}:{{"type":"SolitaryVegetationObject","attributes":{{"species":{species},"height":{h / 10},'
        f'"trunkDiameter":{dbh},"crownDiameter":{w / 10}{season}}},"geometry":[{{"type":"GeometryInstance",'
        f'"template":{form},"boundaries":[{place}],"transformationMatrix":[{w},0,0,0,0,{w},0,0,0,0,{h},0,0,0,0,1]}}]}}'
        for name, species, h, w, dbh, season, form, place in columns
    ]


@dataclass(frozen=True)
class _Covers:
    """Green areas: attributes and rings (as slices of the corners)."""

    rows: list[tuple[str, dict[str, Any], list[list[tuple[int, int]]]]]
    corners: NDArray[np.float64]

    def objects(self, index: NDArray[np.int64]) -> list[str]:
        written = []
        for name, attributes, surfaces in self.rows:
            boundaries = [[index[a:b].tolist() for a, b in rings] for rings in surfaces]
            geometry = [{"type": "MultiSurface", "lod": "1", "boundaries": boundaries}]
            body = {"type": "PlantCover", "attributes": attributes, "geometry": geometry}
            written.append(json.dumps(name) + ":" + json.dumps(body, separators=(",", ":")))
        return written


def _covers(areas: gpd.GeoDataFrame, trees: gpd.GeoDataFrame) -> _Covers:
    rows, corners, count = [], [], 0
    checked = _checked_areas(areas, trees)
    for area in checked.itertuples(index=False):
        surfaces = []
        for polygon in shapely.get_parts(shapely.normalize(area.geometry)):
            rings: list[tuple[int, int]] = []
            for ring in (polygon.exterior, *polygon.interiors):
                points = shapely.get_coordinates(ring, include_z=True)[:-1]
                # Surfaces face up: outer rings run counter-clockwise, inner ones clockwise.
                if shapely.is_ccw(ring) != (ring is polygon.exterior or not rings):
                    points = points[::-1]
                corners.append(np.nan_to_num(points))
                rings.append((count, count + len(points)))
                count += len(points)
            surfaces.append(rings)
        attributes: dict[str, Any] = {"class": str(area.kind)}
        if "average_height_m" in checked.columns:
            attributes["averageHeight"] = float(area.average_height_m)
        rows.append((area.name, attributes, surfaces))
    return _Covers(rows, np.vstack(corners) if corners else np.empty((0, 3)))


_POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def _checked_areas(areas: gpd.GeoDataFrame, trees: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Green areas with their names in the file, on the grid of whole centimetres.

    Rounded only when written, narrow rings would close upon themselves.
    """
    lacking = [name for name in AREA_COLUMNS if name not in areas.columns]
    if lacking:
        raise InvalidData(
            "columns are missing", field="areas", value=lacking, expected=", ".join(AREA_COLUMNS)
        )
    if areas.crs != trees.crs:
        raise InvalidData(
            "green areas and trees need one coordinate system", field="crs", value=str(areas.crs)
        )
    names = "area-" + areas["area_id"].astype(str)
    given = areas.geometry.to_numpy()
    polygonal = np.isin(shapely.get_type_id(given), _POLYGONAL) & shapely.is_valid(given)
    shapes = shapely.set_precision(np.where(polygonal, given, None), SCALE_M)
    known = areas.get("average_height_m", pd.Series(0.0, areas.index))
    height = pd.to_numeric(known, errors="coerce").to_numpy(float)
    rules = (
        ("area_id", names.duplicated() | names.isin(trees["tree_id"].astype(str)), "a name stands twice"),
        ("average_height_m", ~np.isfinite(height), "not a number"),
        ("geometry", ~(shapely.area(shapes) > 0), "a green area without a valid surface"),
    )
    for field, bad, message in rules:
        if bad.any():
            row = int(np.argmax(bad))
            raise InvalidData(message, row=row + 1, field=field, value=str(areas[field].iloc[row])[:80])
    return areas.assign(name=names).set_geometry(shapes, crs=areas.crs)


@dataclass(frozen=True)
class CityModel:
    """What `read_cityjson` finds: trees with their place and attributes, and green areas."""

    trees: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame


def read_cityjson(path: str | Path) -> CityModel:
    """Read vegetation from a CityJSON 2.0 file with geometry templates.

    Raises:
        UnreadableSource: The file is missing or no CityJSON 2.0.
    """
    try:
        model = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableSource("cannot read the city model", file=path, hint=str(error)) from error
    if not isinstance(model, dict) or model.get("type") != "CityJSON" or model.get("version") != "2.0":
        raise UnreadableSource("not a CityJSON 2.0 file", file=path)
    transform = model["transform"]
    vertices = (
        np.array(model["vertices"], dtype=float).reshape(-1, 3) * transform["scale"] + transform["translate"]
    )
    crs = "EPSG:" + model["metadata"]["referenceSystem"].rsplit("/", 1)[1]
    members = model["CityObjects"].items()
    solitary = [(name, body) for name, body in members if body["type"] == "SolitaryVegetationObject"]
    place = vertices[[body["geometry"][0]["boundaries"][0] for _, body in solitary]].reshape(-1, 3)
    trees = gpd.GeoDataFrame(
        [{"tree_id": name, **body["attributes"]} for name, body in solitary],
        geometry=shapely.points(place),
        crs=crs,
    )
    covers = [(name, body) for name, body in members if body["type"] == "PlantCover"]
    shapes = [_polygons(body["geometry"][0]["boundaries"], vertices) for _, body in covers]
    areas = gpd.GeoDataFrame(
        [{"area_id": name, **body["attributes"]} for name, body in covers], geometry=shapes, crs=crs
    )
    return CityModel(trees, areas)


def _polygons(boundaries: list[list[list[int]]], vertices: NDArray[np.float64]) -> shapely.MultiPolygon:
    return shapely.MultiPolygon(
        [shapely.Polygon(vertices[rings[0]], [vertices[r] for r in rings[1:]]) for rings in boundaries]
    )
