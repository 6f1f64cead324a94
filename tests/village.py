"""A made-up village of ten by ten kilometres near Tartu, to try recipes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyproj
from shapely.geometry import box

from geodata.build import BuildReport, build_pack
from geodata.recipe import Recipe, load_recipe

WEST, SOUTH, EAST, NORTH = 650_000.0, 6_465_000.0, 660_000.0, 6_475_000.0
CITY = """
[city]
id = "kyla"
names = { en = "Village", et = "Küla" }
country = "EE"
crs = "EPSG:3301"
timezone = "Europe/Tallinn"
"""
PROVENANCE = '{ source = "tests", licence = "CC0-1.0", attribution = "nobody", grade = "synthetic" }'
BOUNDARY = f"""
[sources.outline]
path = "outline.gpkg"

[[dataset]]
id = "boundary"
kind = "boundary"
provenance = {PROVENANCE}
geometry = {{ clip = "none" }}
columns.name = "name"
input = [{{ source = "outline", reader = "vector" }}]
"""


def lonlat(x: float, y: float) -> tuple[float, float]:
    """A place of the village in degrees."""
    turn = pyproj.Transformer.from_crs(3301, 4326, always_xy=True)
    longitude, latitude = turn.transform(x, y)
    return float(longitude), float(latitude)


@dataclass(frozen=True)
class Village:
    """A folder with sources, a recipe and a pack."""

    root: Path

    @property
    def sources(self) -> Path:
        """Where source files stand."""
        return self.root / "sources"

    @property
    def pack(self) -> Path:
        """Where the pack stands."""
        return self.root / "packs" / "kyla"

    def put(self, name: str, content: str | bytes) -> Path:
        """Write a source file."""
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def frame(self, name: str, frame: gpd.GeoDataFrame) -> Path:
        """Write a map as a source file."""
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_file(path)
        return path

    def recipe(self, text: str) -> Recipe:
        """A recipe of the village with more datasets."""
        path = self.root / "kyla.toml"
        path.write_text(CITY + BOUNDARY + text, encoding="utf-8")
        return load_recipe(path)

    def build(self, text: str) -> BuildReport:
        """Build the village's pack by a recipe with more datasets."""
        return build_pack(self.recipe(text), self.sources, self.pack)


def village_at(root: Path) -> Village:
    """The village, with its outline drawn."""
    village = Village(root)
    outline = gpd.GeoDataFrame({"name": ["Küla"]}, geometry=[box(WEST, SOUTH, EAST, NORTH)], crs=3301)
    village.frame("outline.gpkg", outline)
    return village


def dataset(kind: str, reader: str, file: str, more: str = "", *, options: str = "", name: str = "") -> str:
    """The text of a dataset with one source."""
    return f"""
[sources.{name or kind}]
path = "{file}"

[[dataset]]
id = "{name or kind}"
kind = "{kind}"
provenance = {PROVENANCE}
input = [{{ source = "{name or kind}", reader = "{reader}"{", options = " + options if options else ""} }}]
{more}
"""
