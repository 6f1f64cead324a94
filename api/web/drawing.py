"""A drawing of features for people's pages: where the buildings or stops of this page lie, north up.

One SVG without scripts, pictures or outside fonts, so that it passes the pages' content security policy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _MOST_HEIGHT, _MARGIN = 640.0, 480.0, 8.0
Position = Sequence[float]


def drawing(features: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of GeoJSON features in longitude and latitude; nothing where none has a geometry.

    Args:
        features: Features as GeoJSON says them. A degree of longitude is drawn as long as it is at the
            middle latitude, so that shapes are not stretched.
    """
    shapes = [
        (str(item.get("id", "")), part)
        for item in features
        if isinstance(item.get("geometry"), Mapping)
        for part in _parts(item["geometry"])
    ]
    points = [position for _, (_, lines) in shapes for line in lines for position in line]
    if not points:
        return ""
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    shrink = math.cos(math.radians((south + north) / 2))
    across, up = max((east - west) * shrink, 1e-9), max(north - south, 1e-9)
    scale = min(_WIDTH / across, _MOST_HEIGHT / up)

    def put(position: Position) -> str:
        x = _MARGIN + (position[0] - west) * shrink * scale
        y = _MARGIN + (north - position[1]) * scale
        return f"{x:.1f},{y:.1f}"

    width, height = across * scale + 2 * _MARGIN, up * scale + 2 * _MARGIN
    drawn = "".join(
        _drawn(name, kind, [list(map(put, line)) for line in lines]) for name, (kind, lines) in shapes
    )
    words = f"Map of {len(features)} features, north up"
    return (
        f'<figure><svg class="map" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{words}">{drawn}</svg><figcaption>{words}: longitude {west:.4f} to {east:.4f}, '
        f"latitude {south:.4f} to {north:.4f}.</figcaption></figure>"
    )


def _drawn(name: str, kind: str, lines: list[list[str]]) -> str:
    title = f"<title>{escape(name)}</title>"
    if kind == "Point":
        x, _, y = lines[0][0].partition(",")
        return f'<circle cx="{x}" cy="{y}" r="3">{title}</circle>'
    path = "".join("M" + "L".join(line) + ("Z" if kind == "Polygon" else "") for line in lines)
    return f'<path class="{kind.lower()}" fill-rule="evenodd" d="{path}">{title}</path>'


def _parts(geometry: Mapping[str, Any]) -> Iterable[tuple[str, list[Sequence[Position]]]]:
    """The points, lines and polygons of a geometry, each as lists of positions."""
    kind, coordinates = str(geometry.get("type")), geometry.get("coordinates", ())
    if kind == "GeometryCollection":
        for item in geometry.get("geometries", ()):
            yield from _parts(item)
    elif kind.startswith("Multi"):
        for item in coordinates:
            yield from _parts({"type": kind.removeprefix("Multi"), "coordinates": item})
    elif kind == "Point":
        yield kind, [[coordinates]]
    elif kind == "LineString":
        yield "Line", [coordinates]
    elif kind == "Polygon":
        yield kind, list(coordinates)
