"""Coordinate reference systems by their addresses (OGC API Features, part 2), axes as the register has them.

EPSG:3301 (Estonia) is northing, easting; EPSG:3067 (Finland) is easting, northing; CRS84 is longitude,
latitude.
"""

from __future__ import annotations

import re

import numpy as np
import shapely

from api.catalogue.features import transformer
from api.parameters import CRS84, Box, check_lonlat
from geodata.errors import InvalidInput

CONFORMANCE = ("http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",)
_EPSG = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d{4,6})", re.ASCII)
_ALWAYS = ("EPSG:4326", "EPSG:3301", "EPSG:3067", "EPSG:3857")
_EDGE_POINTS = 33


def uri(crs: str) -> str:
    """The address of a CRS: ``EPSG:3301`` becomes ``http://www.opengis.net/def/crs/EPSG/0/3301``."""
    return (
        CRS84
        if crs in ("", "OGC:CRS84")
        else f"http://www.opengis.net/def/crs/EPSG/0/{crs.partition(':')[2]}"
    )


def offered(storage: str) -> list[str]:
    """Addresses of the CRSs a collection can be asked in, the default first."""
    names = dict.fromkeys([*_ALWAYS, *([storage] if storage else [])])
    return [CRS84, *map(uri, names)]


def code(text: str, storage: str, name: str) -> str:
    """The CRS of an address, as ``OGC:CRS84`` or ``EPSG:3301``.

    Raises:
        InvalidInput: The collection does not offer it.
    """
    text = text.strip("[]")
    if text in (CRS84, "OGC:CRS84", "CRS84"):
        return "OGC:CRS84"
    found = _EPSG.fullmatch(text)
    named = f"EPSG:{found.group(1)}" if found else text
    if uri(named) in offered(storage) and named.startswith("EPSG:"):
        return named
    raise InvalidInput(
        "the collection is not offered in this CRS",
        field=name,
        value=text,
        expected=" or ".join(offered(storage)),
    )


def area_of(box: Box, crs: str) -> Box | shapely.Geometry:
    """A box of some CRS in longitude and latitude: itself, or the area its bent edges enclose."""
    if crs == "OGC:CRS84":
        return check_lonlat(box)
    if crs == "EPSG:4326":
        return check_lonlat(Box(box.y0, box.x0, box.y1, box.x1))
    if box.x0 > box.x1 or box.y0 > box.y1:
        raise InvalidInput("the bounding box ends before it begins", field="bbox")
    steps = np.linspace(0, 1, _EDGE_POINTS)[:-1]
    ring = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], dtype=float)
    edge = np.concatenate([ring[i] + steps[:, None] * (ring[i + 1] - ring[i]) for i in range(4)])
    points = edge * (box.x1 - box.x0, box.y1 - box.y0) + (box.x0, box.y0)
    lon, lat = transformer(crs, "OGC:CRS84").transform(points[:, 0], points[:, 1])
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise InvalidInput("the bounding box leaves the range of its CRS", field="bbox")
    return shapely.Polygon(np.column_stack([lon, lat]))


def header(crs: str) -> dict[str, str]:
    """The header that names the CRS of an answer."""
    return {"Content-Crs": f"<{uri(crs)}>"}
