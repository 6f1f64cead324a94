"""CityGML 1 to 3: buildings with their heights and footprints, out of a city's 3D model.

The file is read element by element and forgotten behind, so that a model of gigabytes needs little memory.
Document types and entities, by which a harmless-looking XML file can grow without end or fetch another, are
refused: no city model needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError

import numpy as np

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading, missing_library
from geodata.readers.solids import Building, Ring, reading

_PLAIN = {
    "name": "name",
    "function": "function",
    "usage": "usage",
    "storeysAboveGround": "storeys",
    "yearOfConstruction": "year_built",
    "measuredHeight": "measured_height_m",
}
_CODE = re.compile(r"EPSG[:/]+(?:[\d.]*[:/]+)?(\d{4,6})")


class CitygmlOptions(Options):
    """Options of the reader ``citygml``.

    Args:
        attributes: Generic attributes that become columns.
        crs: The CRS, where the file does not name it.
        axes: ``xy`` if positions begin with the easting, ``yx`` if with the northing.
    """

    attributes: tuple[str, ...] = ()
    crs: str | None = None
    axes: Literal["xy", "yx"] = "xy"


def read(path: Path, options: CitygmlOptions) -> Reading:
    """Read the buildings of a CityGML file.

    Raises:
        NotReady: The library defusedxml is not installed.
        UnreadableSource: The file is no XML, truncated, no CityGML, or holds a document type or entities.
    """
    try:
        from defusedxml import ElementTree
        from defusedxml.common import DefusedXmlException
    except ImportError as error:
        raise missing_library("defusedxml", error) from error
    found: list[Building] = []
    names: list[str] = []
    try:
        events = ElementTree.iterparse(path, events=("start", "end"), forbid_dtd=True)
        found.extend(_buildings(events, names, options))
    except DefusedXmlException as error:
        raise UnreadableSource(
            "the XML file holds a document type or entities, which are refused", file=path, value=str(error)
        ) from error
    except (ParseError, ValueError) as error:
        line = getattr(error, "position", (None,))[0]
        raise UnreadableSource(
            f"the XML file is truncated or damaged: {error}",
            file=path,
            row=None if line is None else f"{line} (line)",
        ) from error
    if not found:
        raise UnreadableSource("the file holds no CityGML buildings", file=path)
    return reading(found, options.crs or _crs(path, names), options.attributes)


def _tag(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _buildings(events: Any, names: list[str], options: CitygmlOptions) -> Iterator[Building]:
    """Each building when its element ends; what stands around it is dropped."""
    depth = 0
    for event, element in events:
        tag = _tag(element)
        if event == "start":
            depth += tag == "Building"
            name = element.get("srsName")
            if name and name not in names:
                names.append(name)
        elif tag == "Building":
            depth -= 1
            if depth == 0:
                yield _building(element, options)
                element.clear()
        elif depth == 0:
            element.clear()


def _building(element: Element, options: CitygmlOptions) -> Building:
    label = next((value for key, value in element.attrib.items() if key.rsplit("}", 1)[-1] == "id"), "")
    building = Building(label or "without gml:id")
    for child in element:
        name = _PLAIN.get(_tag(child))
        if name is not None and child.text and name not in building.values:
            building.values[name] = child.text.strip()
    for item in element.iter():
        tag = _tag(item)
        if tag.endswith("Attribute") and item.get("name") in options.attributes:
            building.values[str(item.get("name"))] = next((part.text for part in item if part.text), None)
        elif tag == "Height":
            # CityGML 3 wraps the measured height in an element of its own.
            value = next((part.text for part in item if _tag(part) == "value" and part.text), None)
            building.values.setdefault("measured_height_m", value)
        elif tag == "GroundSurface":
            building.ground += [_rings(polygon, options.axes) for polygon in _polygons(item)]
    building.surfaces = [_rings(polygon, options.axes) for polygon in _polygons(element)]
    building.surfaces = [rings for rings in building.surfaces if rings]
    return building


def _polygons(element: Element) -> Iterator[Element]:
    return (item for item in element.iter() if _tag(item) == "Polygon")


def _rings(polygon: Element, axes: str) -> list[Ring]:
    """Outer ring first, as GML writes them."""
    rings = []
    for ring in polygon.iter():
        if _tag(ring) != "LinearRing":
            continue
        text = " ".join(item.text or "" for item in ring.iter() if _tag(item) in {"posList", "pos"})
        numbers = np.array(text.split(), np.float64)
        if len(numbers) % 3:
            raise ValueError(f"a ring of {len(numbers)} numbers is not made of x, y, z")
        places = numbers.reshape(-1, 3)
        rings.append(places if axes == "xy" else places[:, [1, 0, 2]])
    return rings


def _crs(path: Path, names: list[str]) -> str:
    """The horizontal CRS of the srsName, in any of its spellings."""
    codes = [match.group(1) for name in names if (match := _CODE.search(name))]
    if not codes:
        raise UnreadableSource(
            "the file does not name its CRS",
            file=path,
            field="srsName",
            hint="give crs in the reader's options",
        )
    return f"EPSG:{codes[0]}"


READER = Reader(CitygmlOptions, read)
