"""What is publicly known of the demo cities, a hundred lines each: outlines, districts, main roads, climate.

Everything else in a demo pack is made up around these facts. A city's file is TOML; tables are written as
``columns`` and ``rows`` so that a person can read and correct them.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from geodata.city import City, known_cities
from geodata.errors import UnknownName

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(str(resources.files("geodata.demo.facts")))


@dataclass(frozen=True)
class Facts:
    """The facts of one city, with all places in its metric CRS.

    Args:
        city: The city.
        document: The file's content.
    """

    city: City
    document: Mapping[str, Any]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the file; ``lon`` and ``lat`` become ``x`` and ``y``. Empty if the city has none."""
        import pandas as pd

        section = self.document.get(name, {"columns": [], "rows": []})
        frame = pd.DataFrame(section["rows"], columns=section["columns"])
        if "lon" in frame:
            xy = self.plane(frame[["lon", "lat"]].to_numpy(float))
            frame = frame.drop(columns=["lon", "lat"]).assign(x=xy[:, 0], y=xy[:, 1])
        return frame

    def plane(self, lon_lat: object) -> NDArray[np.float64]:
        """Longitudes and latitudes (n, 2) in the city's metric CRS."""
        degrees = np.asarray(lon_lat, dtype=float).reshape(-1, 2)
        return np.column_stack(_to_plane(self.city.crs).transform(degrees[:, 0], degrees[:, 1]))

    @cached_property
    def outline(self) -> shapely.MultiPolygon:
        """The land of the city; where a neighbour owns the border, all but the neighbour's land."""
        land = shapely.union_all(
            [shapely.Polygon(self.plane(ring)) for ring in self.document["outline"]["rings"]]
        )
        owner = self.document["outline"].get("border_of")
        if owner is not None:
            land = shapely.difference(land, facts_of(owner).outline)
            land = max(shapely.get_parts(land), key=lambda part: part.area)
        return shapely.MultiPolygon(shapely.get_parts(land).tolist())

    @cached_property
    def coast(self) -> NDArray[np.float64]:
        """Corners of the outline (n, 2) that stand by the sea."""
        rings = [self.plane(ring) for ring in self.document["outline"]["rings"]]
        if "coast" not in self.document["outline"]:
            return np.empty((0, 2))
        mainland = self.document["outline"]["rings"][0]
        first, last = (mainland.index(corner) for corner in self.document["outline"]["coast"])
        return np.vstack(
            [np.roll(rings[0], -first, axis=0)[: (last - first) % len(mainland) + 1], *rings[1:]]
        )

    @cached_property
    def water(self) -> list[tuple[str, BaseGeometry]]:
        """Lakes and rivers within the outline, by name."""
        return [
            (item["name"], shapely.intersection(self._water_body(item), self.outline))
            for item in self.document.get("water", [])
        ]

    def _water_body(self, item: Mapping[str, Any]) -> BaseGeometry:
        if "ring" in item:
            return smooth(shapely.Polygon(self.plane(item["ring"])))
        return shapely.LineString(self.plane(item["line"])).buffer(item["width_m"] / 2)

    @cached_property
    def neighbours(self) -> list[Facts]:
        """Facts of the demo cities this one borders on."""
        return [facts_of(city_id) for city_id in self.document.get("neighbours", [])]


def smooth(polygon: shapely.Polygon, radius_m: float = 60.0) -> BaseGeometry:
    """A polygon with rounded corners, as shores have."""
    return polygon.buffer(radius_m).buffer(-2 * radius_m).buffer(radius_m)


def demo_cities() -> tuple[str, ...]:
    """Cities that have a demo pack, by id."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@lru_cache(maxsize=16)
def facts_of(city_id: str) -> Facts:
    """The facts of a city.

    Raises:
        UnknownName: No demo city has this id.
    """
    if city_id not in demo_cities():
        raise UnknownName(
            "there is no demo pack of this city",
            field="city",
            value=city_id,
            expected="one of " + ", ".join(demo_cities()),
        )
    document = tomllib.loads((FOLDER / f"{city_id}.toml").read_text(encoding="utf-8"))
    return Facts(known_cities()[city_id], document)


@lru_cache(maxsize=4)
def _to_plane(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def fingerprint() -> str:
    """SHA-256 of the facts and of the code that builds on them: a demo pack made by other code is stale."""
    digest = hashlib.sha256()
    code = (*FOLDER.parent.glob("*.py"), *FOLDER.glob("*.py"), *FOLDER.parents[1].glob("streets/*.py"))
    for path in sorted([*code, *FOLDER.glob("*.toml")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
