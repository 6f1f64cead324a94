"""CityJSON 1.0 to 2.0: buildings with their heights and footprints, out of a city's 3D model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading
from geodata.readers.records import load_json
from geodata.readers.solids import Building, Ring, reading

_PLAIN = {
    "name": "name",
    "function": "function",
    "usage": "usage",
    "storeysAboveGround": "storeys",
    "yearOfConstruction": "year_built",
    "measuredHeight": "measured_height_m",
}
# How many lists stand around a surface's rings in each type of geometry.
_NESTING = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}


class CityjsonOptions(Options):
    """Options of the reader ``cityjson``.

    Args:
        attributes: Further attributes that become columns.
        crs: The CRS, where the file does not name it.
    """

    attributes: tuple[str, ...] = ()
    crs: str | None = None


def read(path: Path, options: CityjsonOptions) -> Reading:
    """Read the buildings of a CityJSON file.

    Raises:
        UnreadableSource: The file is no JSON, truncated, no CityJSON, or refers to vertices it does not hold.
    """
    model = load_json(path)
    if not isinstance(model, dict) or model.get("type") != "CityJSON":
        raise UnreadableSource("the file is no CityJSON", file=path, field="type", expected="CityJSON")
    try:
        places = _vertices(model)
        found = list(_buildings(model["CityObjects"], places, options))
        crs = options.crs or _crs(model)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableSource(f"the CityJSON file is damaged: {error!r}", file=path) from error
    if crs is None:
        raise UnreadableSource(
            "the file does not name its CRS",
            file=path,
            field="metadata.referenceSystem",
            hint="give crs in the options",
        )
    if not found:
        raise UnreadableSource("the file holds no buildings", file=path)
    return reading(found, crs, options.attributes)


def _vertices(model: dict[str, Any]) -> NDArray[np.float64]:
    places = np.array(model["vertices"], np.float64).reshape(-1, 3)
    transform = model.get("transform")
    return places if transform is None else places * transform["scale"] + transform["translate"]


def _crs(model: dict[str, Any]) -> str | None:
    name = str(model.get("metadata", {}).get("referenceSystem", ""))
    code = name.replace("::", "/").replace(":", "/").rsplit("/", 1)[-1]
    return f"EPSG:{code}" if code.isdigit() else None


def _buildings(
    objects: dict[str, Any], places: NDArray[np.float64], options: CityjsonOptions
) -> Iterator[Building]:
    """Each building with the surfaces of its parts."""
    for name, item in objects.items():
        if item.get("type") != "Building":
            continue
        building = Building(name)
        attributes = item.get("attributes", {})
        building.values = {own: attributes[theirs] for theirs, own in _PLAIN.items() if theirs in attributes}
        building.values |= {key: attributes.get(key) for key in options.attributes}
        for part in (item, *(objects[child] for child in item.get("children", []) if child in objects)):
            for geometry in part.get("geometry", []):
                _gather(building, geometry, places)
        yield building


def _gather(building: Building, geometry: dict[str, Any], places: NDArray[np.float64]) -> None:
    nesting = _NESTING.get(geometry["type"])
    if nesting is None:
        return
    surfaces, values = geometry["boundaries"], geometry.get("semantics", {}).get("values")
    for _ in range(nesting):
        surfaces = [inner for outer in surfaces for inner in outer]
        values = None if values is None else [inner for outer in values for inner in outer or []]
    types = [item["type"] for item in geometry.get("semantics", {}).get("surfaces", [])]
    for number, surface in enumerate(surfaces):
        rings: list[Ring] = [_closed(places[np.array(ring, np.int64)]) for ring in surface]
        building.surfaces.append(rings)
        meaning = values[number] if values and number < len(values) else None
        if meaning is not None and types[meaning] == "GroundSurface":
            building.ground.append(rings)


def _closed(ring: Ring) -> Ring:
    return np.vstack([ring, ring[:1]])


READER = Reader(CityjsonOptions, read)
