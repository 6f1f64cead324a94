"""Trees for the browser: one glTF mesh per form, drawn fifty thousand times, as a 3D Tiles tileset.

A tile holds the places and sizes of its trees as arrays for the graphics card (EXT_mesh_gpu_instancing) and
their attributes, among them year and season, as a table (EXT_instance_features, EXT_structural_metadata); a
viewer such as Cesium or loaders.gl picks and colours single trees from it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geodata.errors import UnreadableSource
from pilots.green.exports.shapes import FORMS, shape
from pilots.green.exports.trees import checked_trees, forms

_GLB_MAGIC, _JSON_CHUNK, _BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_FLOAT, _UNSIGNED_INT = 5126, 5125
_SEASONS = {
    "summer": (0.28, 0.47, 0.18),
    "autumn": (0.75, 0.50, 0.15),
    "winter": (0.45, 0.38, 0.33),
    "spring": (0.50, 0.68, 0.28),
}
_CONIFER_RGB, _TRUNK_RGB = (0.13, 0.30, 0.18), (0.36, 0.27, 0.20)
_NUMBERS = {
    "height_m": "FLOAT32",
    "crown_diameter_m": "FLOAT32",
    "dbh_cm": "FLOAT32",
    "year": "UINT32",
    "leaf_on_doy": "UINT32",
    "leaf_off_doy": "UINT32",
}


@dataclass
class _Binary:
    """The binary part of a glTF file and the views into it."""

    data: bytearray = field(default_factory=bytearray)
    views: list[dict[str, int]] = field(default_factory=list)

    def add(self, array: NDArray[Any] | bytes) -> int:
        """Append bytes, aligned to eight, and return the number of their view."""
        raw = array if isinstance(array, bytes) else np.ascontiguousarray(array).tobytes()
        self.data.extend(b"\0" * (-len(self.data) % 8))
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)})
        self.data.extend(raw)
        return len(self.views) - 1


def write_glb(trees: gpd.GeoDataFrame, path: str | Path, *, season: str = "summer") -> NDArray[np.float64]:
    """Write trees as a binary glTF file with instancing and a table of attributes.

    Args:
        trees: Table of `trees.tree_table`.
        path: Where to.
        season: Colour of the deciduous crowns: spring, summer, autumn or winter.

    Returns:
        Map coordinates (x, y, z) of the file's origin: the middle of the trees on the lowest ground.
    """
    table = checked_trees(trees)
    points = np.nan_to_num(shapely.get_coordinates(table.geometry, include_z=True))
    middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
    origin = np.array([*middle, points[:, 2].min()])
    binary = _Binary()
    model: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "Twinbox"},
        "extensionsUsed": ["EXT_mesh_gpu_instancing", "EXT_instance_features", "EXT_structural_metadata"],
        "extensionsRequired": ["EXT_mesh_gpu_instancing"],
        "scene": 0,
        "scenes": [{"nodes": []}],
        "nodes": [],
        "meshes": [],
        "materials": [
            _material("trunk", _TRUNK_RGB),
            _material("crown", _SEASONS[season]),
            _material("conifer", _CONIFER_RGB),
        ],
        "accessors": [],
    }
    kind = forms(table)
    for form in np.unique(kind).tolist():
        here = np.flatnonzero(kind == form)
        model["meshes"].append(_mesh(form, model["accessors"], binary))
        model["nodes"].append(_instances(table.iloc[here], points[here] - origin, here, model, binary))
        model["scenes"][0]["nodes"].append(len(model["nodes"]) - 1)
    model["extensions"] = {"EXT_structural_metadata": _attributes(table, binary)}
    model["bufferViews"] = binary.views
    model["buffers"] = [{"byteLength": len(binary.data)}]
    Path(path).write_bytes(_packed(model, bytes(binary.data)))
    return origin


def _material(name: str, rgb: tuple[float, float, float]) -> dict[str, Any]:
    surface = {"baseColorFactor": [*rgb, 1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0}
    return {"name": name, "pbrMetallicRoughness": surface, "doubleSided": True}


def _accessor(
    accessors: list[dict[str, Any]], view: int, component: int, count: int, kind: str, **more: Any
) -> int:
    accessors.append({"bufferView": view, "componentType": component, "count": count, "type": kind, **more})
    return len(accessors) - 1


def _upright(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """From east, north, up to glTF's axes: x east, y up, z south."""
    return points[:, [0, 2, 1]].astype(np.float32) * np.array([1, 1, -1], np.float32)


def _mesh(form: int, accessors: list[dict[str, Any]], binary: _Binary) -> dict[str, Any]:
    unit = shape(form)
    points = _upright(unit.points)
    position = _accessor(
        accessors,
        binary.add(points),
        _FLOAT,
        len(points),
        "VEC3",
        min=points.min(axis=0).tolist(),
        max=points.max(axis=0).tolist(),
    )
    primitives = []
    for triangles, material in ((unit.trunk, 0), (unit.crown, 2 if FORMS[form] == "conifer" else 1)):
        indices = triangles.astype(np.uint32).ravel()
        corner = _accessor(accessors, binary.add(indices), _UNSIGNED_INT, len(indices), "SCALAR")
        primitives.append({"attributes": {"POSITION": position}, "indices": corner, "material": material})
    return {"name": FORMS[form], "primitives": primitives}


def _instances(
    table: gpd.GeoDataFrame,
    offsets: NDArray[np.float64],
    row: NDArray[np.int64],
    model: dict[str, Any],
    binary: _Binary,
) -> dict[str, Any]:
    count = len(table)
    size = table[["crown_diameter_m", "height_m", "crown_diameter_m"]].to_numpy(dtype=np.float32)
    accessors = model["accessors"]
    attributes = {
        "TRANSLATION": _accessor(accessors, binary.add(_upright(offsets)), _FLOAT, count, "VEC3"),
        "SCALE": _accessor(accessors, binary.add(size), _FLOAT, count, "VEC3"),
        "_FEATURE_ID_0": _accessor(accessors, binary.add(row.astype(np.float32)), _FLOAT, count, "SCALAR"),
    }
    features = {"featureCount": count, "attribute": 0, "propertyTable": 0}
    return {
        "mesh": len(model["meshes"]) - 1,
        "extensions": {
            "EXT_mesh_gpu_instancing": {"attributes": attributes},
            "EXT_instance_features": {"featureIds": [features]},
        },
    }


def _attributes(table: gpd.GeoDataFrame, binary: _Binary) -> dict[str, Any]:
    """The table of attributes, one row per tree of the file."""
    properties: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, component in _NUMBERS.items():
        array = table[name].to_numpy(dtype=np.float32 if component == "FLOAT32" else np.uint32)
        properties[name] = {"type": "SCALAR", "componentType": component}
        values[name] = {"values": binary.add(array)}
    for name in ("tree_id", "species"):
        words = [str(word).encode() for word in table[name]]
        offsets = np.cumsum([0, *map(len, words)]).astype(np.uint32)
        properties[name] = {"type": "STRING"}
        values[name] = {
            "values": binary.add(b"".join(words) or b"\0"),
            "stringOffsets": binary.add(offsets),
            "stringOffsetType": "UINT32",
        }
    return {
        "schema": {"id": "twinbox_trees", "classes": {"tree": {"properties": properties}}},
        "propertyTables": [{"class": "tree", "count": len(table), "properties": values}],
    }


def _packed(model: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(model, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<III", _GLB_MAGIC, 2, length)
    return (
        head
        + struct.pack("<II", len(text), _JSON_CHUNK)
        + text
        + struct.pack("<II", len(binary), _BIN_CHUNK)
        + binary
    )


def read_glb(path: str | Path) -> tuple[dict[str, Any], bytes]:
    """The JSON and binary parts of a binary glTF file.

    Raises:
        UnreadableSource: The file is missing or no binary glTF 2.0.
    """
    try:
        raw = Path(path).read_bytes()
        magic, version, length = struct.unpack_from("<III", raw)
        size, _ = struct.unpack_from("<II", raw, 12)
    except (OSError, struct.error) as error:
        raise UnreadableSource("cannot read the glTF file", file=path, hint=str(error)) from error
    if magic != _GLB_MAGIC or version != 2 or length != len(raw):
        raise UnreadableSource("not a binary glTF 2.0 file", file=path)
    return json.loads(raw[20 : 20 + size]), raw[20 + size + 8 :]


def write_tileset(
    trees: gpd.GeoDataFrame, folder: str | Path, *, season: str = "summer", tile_m: float = 500.0
) -> None:
    """Write trees as a 3D Tiles 1.1 tileset: ``tileset.json`` and one file per square of the map.

    Args:
        trees: Table of `trees.tree_table`.
        folder: Where to; made if it does not exist.
        season: As in `write_glb`.
        tile_m: Side of a square.
    """
    table = checked_trees(trees)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    column = (table.geometry.x // tile_m).astype(int)
    row = (table.geometry.y // tile_m).astype(int)
    children = []
    for (c, r), part in table.groupby([column, row], sort=True):
        name = f"trees_{c}_{r}.glb"
        origin = write_glb(part, target / name, season=season)
        children.append({**_tile(part, origin), "content": {"uri": name}})
    everything = _tile(table, np.array([*(np.array(table.total_bounds).reshape(2, 2).mean(axis=0)), 0.0]))
    root = {
        "boundingVolume": everything["boundingVolume"],
        "geometricError": 500.0,
        "refine": "ADD",
        "children": children,
    }
    tileset = {"asset": {"version": "1.1"}, "geometricError": 1000.0, "root": root}
    (target / "tileset.json").write_text(json.dumps(tileset, indent=1), encoding="utf-8")


def _tile(table: gpd.GeoDataFrame, origin: NDArray[np.float64]) -> dict[str, Any]:
    """Bounding region and placing of a tile on the globe."""
    geographic = table.to_crs(4326).total_bounds
    z = np.nan_to_num(shapely.get_coordinates(table.geometry, include_z=True)[:, 2])
    top = float((z + table["height_m"].to_numpy()).max())
    region = [*np.radians(geographic).tolist(), float(z.min()), top]
    to_globe = pyproj.Transformer.from_crs(table.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_globe.transform(origin[0], origin[1])
    turned = pyproj.Proj(table.crs).get_factors(longitude, latitude).meridian_convergence
    matrix = _east_north_up(longitude, latitude, origin[2], turned)
    return {
        "boundingVolume": {"region": region},
        "geometricError": 0.0,
        "transform": matrix.T.ravel().tolist(),
    }


def _east_north_up(
    longitude: float, latitude: float, height: float, convergence_deg: float
) -> NDArray[np.float64]:
    """Matrix from local axes (x grid east, y up, z grid south, turned by 3D Tiles to z up) to the globe."""
    to_centre = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    place = np.array(to_centre.transform(longitude, latitude, height))
    lam, phi, turn = np.radians([longitude, latitude, convergence_deg])
    east = np.array([-np.sin(lam), np.cos(lam), 0.0])
    north = np.array([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)])
    up = np.cross(east, north)
    grid_north = np.cos(turn) * north + np.sin(turn) * east
    grid_east = np.cos(turn) * east - np.sin(turn) * north
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = grid_east, grid_north, up, place
    return matrix
