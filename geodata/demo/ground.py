"""The ground of a demo city: land and water, districts, parks, and where it is built up.

A sheet of squared paper is laid over the city; each crossing knows its district and whether it lies in a
park, in built-up land or in open country. Streets, people, trees and land cover are all drawn on this sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geodata.city import fold
from geodata.demo.chance import stream
from geodata.demo.facts import Facts

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

CharacterName = Literal["old", "centre", "wooden", "blocks", "houses", "industry", "village", "wild"]


@dataclass(frozen=True)
class Character:
    """How a kind of neighbourhood is built.

    Args:
        residents_per_km2: On its built-up land.
        reach: Radius of the built-up land over that which its residents fill; over 1 where people work too.
        block_m: Spacing of streets, along and across.
        levels: Least and most storeys.
        house_m: Length and depth of a usual building.
        pitch_m: From one building to the next on one side of a street.
        oneway_share: Share of its small streets that are one-way.
        uses: Shares of dwelling, offices and services, industry.
        years: First and last year of building.
        cover: Its CORINE class.
    """

    residents_per_km2: float
    reach: float
    block_m: tuple[float, float]
    levels: tuple[int, int]
    house_m: tuple[float, float]
    pitch_m: float
    oneway_share: float
    uses: tuple[float, float, float]
    years: tuple[int, int]
    cover: str

    @property
    def urban(self) -> bool:
        """Whether it is built up from border to border rather than around its middle."""
        return self.reach > 1


CHARACTERS: dict[str, Character] = {
    "old": Character(
        8000, 1.7, (110, 90), (2, 4), (24, 14), 34, 0.35, (0.55, 0.40, 0.0), (1650, 1910), "111"),
    "centre": Character(
        9000, 1.7, (160, 120), (4, 8), (34, 18), 52, 0.30, (0.50, 0.45, 0.0), (1900, 2022), "111"),
    "wooden": Character(
        7000, 1.7, (170, 100), (2, 3), (20, 12), 36, 0.25, (0.80, 0.10, 0.02), (1890, 1940), "112"),
    "blocks": Character(
        11000, 1.7, (270, 200), (5, 9), (72, 13), 105, 0.0, (0.75, 0.12, 0.02), (1958, 1990), "112"),
    "houses": Character(
        2600, 1.0, (210, 130), (1, 2), (13, 10), 42, 0.0, (0.85, 0.04, 0.01), (1925, 2022), "112"),
    "industry": Character(
        20, 1.4, (340, 260), (1, 3), (64, 34), 130, 0.0, (0.05, 0.25, 0.55), (1950, 2022), "121"),
    "village": Character(
        1300, 1.0, (190, 140), (1, 2), (14, 10), 55, 0.0, (0.70, 0.08, 0.08), (1945, 2022), "112"),
    "wild": Character(
        100, 1.0, (500, 500), (1, 1), (10, 8), 300, 0.0, (0.10, 0.0, 0.0), (1920, 2010), "313"),
}  # fmt: skip

WIDEST_M = {"industry": 800.0}
"""How far from its middle a district is built up at most, 1,500 m where nothing is said."""

SHORE_M = 35.0
"""No street or house stands nearer to the water, bridges aside."""

SHEET_POINTS = 22_000


@dataclass(frozen=True)
class Ground:
    """The ground of a demo city, all in its metric CRS."""

    facts: Facts

    @cached_property
    def water(self) -> BaseGeometry:
        """Lakes and rivers."""
        return shapely.union_all([shape for _, shape in self.facts.water])

    @cached_property
    def dry(self) -> BaseGeometry:
        """Land, a little back from every shore."""
        coast = self.facts.outline.buffer(-SHORE_M)
        return _prepared(shapely.difference(coast, self.water.buffer(SHORE_M)))

    @cached_property
    def districts(self) -> gpd.GeoDataFrame:
        """One cell around each district's middle, cut at the outline and at its neighbours' cells."""
        import geopandas as gpd

        table = self.facts.table("districts")
        middles = np.array(shapely.points(table[["x", "y"]].to_numpy()), ndmin=1)
        cells = shapely.voronoi_polygons(shapely.multipoints(middles), extend_to=self.facts.outline)
        cells = shapely.get_parts(cells)
        middle, cell = shapely.STRtree(cells).query(middles, predicate="within")
        shapes = shapely.intersection(cells[cell[np.argsort(middle)]], self.facts.outline)
        table["district_id"] = [fold(name) for name in table["name"]]
        return gpd.GeoDataFrame(table, geometry=[_areas(shape) for shape in shapes], crs=self.facts.city.crs)

    @cached_property
    def parks(self) -> gpd.GeoDataFrame:
        """Green areas, as rounded shapes about their known size."""
        import geopandas as gpd

        table = self.facts.table("parks")
        chance = stream(self.facts.city.id, "parks")
        form = table[["x", "y", "length_m", "width_m", "bearing_deg"]].to_numpy(float)
        shapes = [_blob(x, y, length, width, bearing, chance) for x, y, length, width, bearing in form]
        inside = shapely.difference(shapely.intersection(shapes, self.facts.outline), self.water)
        frame = gpd.GeoDataFrame(table, geometry=[_areas(shape) for shape in inside], crs=self.facts.city.crs)
        return frame[~frame.geometry.is_empty].reset_index(drop=True)

    @cached_property
    def built(self) -> NDArray[np.object_]:
        """The built-up land of each district."""
        open_land = shapely.union_all(self.parks.geometry.to_numpy())
        chance = stream(self.facts.city.id, "built")
        shapes = []
        table = self.districts
        cells = table.geometry.to_numpy()
        for cell, (x, y, residents), name in zip(
            cells, table[["x", "y", "population"]].to_numpy(float), table["character"], strict=True
        ):
            character = CHARACTERS[name]
            filled_m = np.sqrt(residents / character.residents_per_km2 / np.pi) * 1000
            widest_m = WIDEST_M.get(name, 1500.0)
            radius_m = np.clip(filled_m * character.reach, 150.0, widest_m)
            extent = _blob(x, y, 2.2 * radius_m, 1.8 * radius_m, chance.uniform(0, 180), chance)
            shape = shapely.intersection(cell, extent)
            shapes.append(shapely.difference(shapely.intersection(shape, self.dry), open_land))
        return np.array(shapes, dtype=object)

    @cached_property
    def sheet(self) -> pd.DataFrame:
        """Points on squared paper over the land.

        Columns x and y, ``district`` (row of :attr:`districts`), ``built``, ``park`` (row of :attr:`parks`,
        -1 outside) and ``from_middle_m``, the distance to the middle of the district.
        """
        import pandas as pd

        step = self.sheet_step_m
        west, south, east, north = self.facts.outline.bounds
        columns, rows = np.meshgrid(
            np.arange(np.floor(west / step) + 0.5, np.ceil(east / step)) * step,
            np.arange(np.floor(south / step) + 0.5, np.ceil(north / step)) * step,
        )
        x, y = columns.ravel(), rows.ravel()
        on_land = shapely.contains_xy(_prepared(self.facts.outline), x, y)
        on_land &= ~shapely.contains_xy(_prepared(self.water), x, y)
        x, y = x[on_land], y[on_land]
        from_middle, district = cKDTree(self.districts[["x", "y"]].to_numpy()).query(np.column_stack([x, y]))
        park = np.full(len(x), -1)
        for row, shape in enumerate(self.parks.geometry):
            park[shapely.contains_xy(_prepared(shape), x, y)] = row
        built = np.zeros(len(x), bool)
        for row, shape in enumerate(self.built):
            here = np.flatnonzero(district == row)
            built[here] = shapely.contains_xy(_prepared(shape), x[here], y[here])
        return pd.DataFrame(
            {"x": x, "y": y, "district": district, "built": built, "park": park, "from_middle_m": from_middle}
        )

    @cached_property
    def sheet_step_m(self) -> float:
        """Spacing of the squared paper: 50 m in a town, 100 m in a large city."""
        return 50.0 if self.facts.outline.area / 50**2 < SHEET_POINTS else 100.0


def _prepared(shape: BaseGeometry) -> BaseGeometry:
    shapely.prepare(shape)
    return shape


def _areas(shape: BaseGeometry) -> BaseGeometry:
    """The polygons of a shape; lines and points that a cut leaves behind are dropped."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _blob(
    x: float, y: float, length_m: float, width_m: float, bearing_deg: float, chance: np.random.Generator
) -> shapely.Polygon:
    """A rounded shape of a given length and width; its long side points to a bearing."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = sum(
        chance.uniform(0, 0.12) * np.cos(order * turn + chance.uniform(0, 2 * np.pi)) for order in (2, 3, 5)
    )
    along, across = np.cos(turn) * (1 + waves) * length_m / 2, np.sin(turn) * (1 + waves) * width_m / 2
    sine, cosine = np.sin(np.radians(bearing_deg)), np.cos(np.radians(bearing_deg))
    return shapely.Polygon(
        np.column_stack([x + along * sine + across * cosine, y + along * cosine - across * sine])
    )
