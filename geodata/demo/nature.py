"""What grows in a demo city: parks and open land, street and park trees, green in view, land cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geodata.demo.chance import stream
from geodata.demo.frontage import along
from geodata.demo.ground import CHARACTERS, Ground

if TYPE_CHECKING:
    import geopandas as gpd

STREET_TREES = 2600
PARK_TREES = 1400
TREES_PER_RESIDENT = 0.12
"""A small town's pack holds fewer trees: no more than this, and at least :data:`LEAST_TREES`."""

LEAST_TREES = 600
GREEN_VIEW_POINTS = 600
COVER_CELL_M = {50.0: 250.0, 100.0: 500.0}
"""Width of a cell of land cover by the spacing of the squared paper."""

SPECIES = {
    # name: leaf type, height when old (m), stem growth (cm/a), crown over stem (m/cm)
    "Tilia cordata": ("broadleaved", 22.0, 0.55, 0.17),
    "Tilia x europaea": ("broadleaved", 24.0, 0.60, 0.17),
    "Acer platanoides": ("broadleaved", 20.0, 0.60, 0.19),
    "Betula pendula": ("broadleaved", 23.0, 0.60, 0.17),
    "Quercus robur": ("broadleaved", 22.0, 0.50, 0.20),
    "Fraxinus excelsior": ("broadleaved", 23.0, 0.65, 0.18),
    "Ulmus glabra": ("broadleaved", 21.0, 0.65, 0.19),
    "Sorbus aucuparia": ("broadleaved", 10.0, 0.45, 0.20),
    "Aesculus hippocastanum": ("broadleaved", 18.0, 0.70, 0.18),
    "Salix alba": ("broadleaved", 20.0, 0.90, 0.18),
    "Pinus sylvestris": ("needleleaved", 22.0, 0.45, 0.13),
    "Picea abies": ("needleleaved", 25.0, 0.50, 0.13),
}
"""Common trees of Nordic cities with sizes of the usual order; made for demonstration, not for forecasts."""

STREET_MIX = {
    "Tilia cordata": 0.28, "Tilia x europaea": 0.16, "Acer platanoides": 0.16, "Betula pendula": 0.10,
    "Sorbus aucuparia": 0.09, "Fraxinus excelsior": 0.06, "Quercus robur": 0.05, "Ulmus glabra": 0.04,
    "Aesculus hippocastanum": 0.04, "Salix alba": 0.02,
}  # fmt: skip
PARK_MIX = {
    "Pinus sylvestris": 0.28, "Betula pendula": 0.18, "Picea abies": 0.12, "Acer platanoides": 0.12,
    "Quercus robur": 0.10, "Tilia cordata": 0.10, "Sorbus aucuparia": 0.06, "Salix alba": 0.04,
}  # fmt: skip

OPEN_LAND = {"village": "farmland", "wild": "forest", "houses": "forest", "industry": "meadow"}
"""What lies between the built-up land and the border of a district; lawn elsewhere."""

COVERS = {
    "111": "Continuous urban fabric", "112": "Discontinuous urban fabric",
    "121": "Industrial or commercial units", "141": "Green urban areas", "211": "Non-irrigated arable land",
    "231": "Pastures", "313": "Mixed forest", "322": "Moors and heathland", "412": "Peat bogs",
    "512": "Water bodies",
}  # fmt: skip
"""Classes of CORINE Land Cover."""

COVER_OF_GREEN = {
    "park": "141", "cemetery": "141", "allotment": "141", "lawn": "141", "meadow": "231", "forest": "313",
    "wetland": "412", "farmland": "211", "shrub": "322", "water": "512", "other": "121",
}  # fmt: skip

PRIVATE = ("farmland", "allotment")
LEAST_AREA_M2 = 300.0
STREET_SIDE_M = 20.0
"""Open land begins this far from built-up land."""

WOODED = ("park", "forest", "cemetery", "shrub")
TREE_STEP_M = 12.0
TREE_FROM_MIDDLE_M = 6.5
GREEN_VIEW_STEP_M = 60.0

GREEN_IN_VIEW = {
    "old": 9.0, "centre": 13.0, "wooden": 20.0, "blocks": 24.0, "houses": 30.0, "industry": 10.0,
    "village": 32.0, "wild": 40.0,
}  # fmt: skip
"""Usual share of green in a street view of each kind of neighbourhood, percent."""


def green_areas(ground: Ground) -> gpd.GeoDataFrame:
    """Parks, lakes and rivers, and the open land around what is built; none overlaps another."""
    import geopandas as gpd
    import pandas as pd

    parks, waters, districts = ground.parks, ground.facts.water, ground.districts
    table = pd.DataFrame(
        {
            "name": [*parks["name"], *(name for name, _ in waters), *districts["name"]],
            "green_class": [
                *parks["green_class"],
                *("water" for _ in waters),
                *(OPEN_LAND.get(character, "lawn") for character in districts["character"]),
            ],
        }
    )
    known = _without_overlaps([*parks.geometry, *(shape for _, shape in waters)])
    unbuilt = shapely.difference(districts.geometry.to_numpy(), shapely.buffer(ground.built, STREET_SIDE_M))
    shapes = _without_slivers([*known, *shapely.difference(unbuilt, shapely.union_all(known))])
    table["public"] = ~table["green_class"].isin(PRIVATE)
    areas = gpd.GeoDataFrame(table, geometry=shapes, crs=ground.facts.city.crs)
    areas = areas[areas.area > LEAST_AREA_M2].reset_index(drop=True)
    return areas.assign(area_id=[f"{ground.facts.city.id}-green-{row:03d}" for row in range(len(areas))])


def _without_overlaps(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Each shape without those before it."""
    return [shapely.difference(shape, shapely.union_all(shapes[:row])) for row, shape in enumerate(shapes)]


def _without_slivers(shapes: list[BaseGeometry]) -> list[shapely.MultiPolygon]:
    """The parts of each shape that are wide enough to be seen; cuts leave lines and slivers behind."""
    return [
        shapely.MultiPolygon(
            [
                part
                for part in shapely.get_parts(shape)
                if part.geom_type == "Polygon" and part.area > LEAST_AREA_M2
            ]
        )
        for shape in shapes
    ]


def trees(ground: Ground, streets: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Trees along streets and in parks, with species, stem, height and crown."""
    import geopandas as gpd
    import pandas as pd

    chance = stream(ground.facts.city.id, "trees")
    residents = ground.districts["population"].sum()
    share = np.clip(max(residents * TREES_PER_RESIDENT, LEAST_TREES) / (STREET_TREES + PARK_TREES), 0, 1)
    beside = _beside_streets(streets, int(STREET_TREES * share), chance)
    within = _within_areas(areas, int(PARK_TREES * share), chance)
    species = np.concatenate([_draw(STREET_MIX, len(beside), chance), _draw(PARK_MIX, len(within), chance)])
    age = np.concatenate([chance.gamma(2.2, 17, len(beside)), chance.gamma(3.2, 20, len(within))]).clip(
        3, 220
    )
    xy = np.vstack([beside, within])
    table = pd.DataFrame({"species": species, **_sizes(species, age, chance)})
    table["condition"] = chance.choice(
        ["good", "fair", "poor", "dead"], len(table), p=[0.66, 0.26, 0.07, 0.01]
    )
    table["year_planted"] = np.round(2026 - age)
    table["tree_id"] = [f"{ground.facts.city.id}-tree-{row:05d}" for row in range(len(table))]
    return gpd.GeoDataFrame(table, geometry=shapely.points(xy), crs=ground.facts.city.crs)


def _draw(mix: dict[str, float], count: int, chance: np.random.Generator) -> NDArray[np.object_]:
    shares = np.array(list(mix.values()))
    drawn: NDArray[np.object_] = chance.choice(
        np.array(list(mix), dtype=object), count, p=shares / shares.sum()
    )
    return drawn


def _sizes(
    species: NDArray[np.object_], age: NDArray[np.float64], chance: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Stem, height and crown by species and age, with the spread that trees have."""
    leaf, tallest, growth, crown = (
        np.array(column) for column in zip(*(SPECIES[name] for name in species), strict=True)
    )
    dbh = (growth * age**0.95 * chance.lognormal(0, 0.18, len(age))).clip(2, 140)
    height = 1.3 + (tallest - 1.3) * (1 - np.exp(-0.045 * dbh)) * chance.lognormal(0, 0.08, len(age))
    return {
        "leaf_type": leaf,
        "dbh_cm": dbh.round(1),
        "height_m": height.round(1),
        "crown_diameter_m": (0.8 + crown * dbh * chance.lognormal(0, 0.12, len(age))).clip(0.8, 22).round(1),
    }


def _beside_streets(
    streets: gpd.GeoDataFrame, count: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Rows of trees: some streets are lined by turns left and right, a tree every twelve metres."""
    lines = streets.geometry[streets["road_class"].isin(["primary", "secondary", "residential"])].to_numpy()
    lined = along(lines[chance.permutation(len(lines))], TREE_STEP_M)
    return lined.aside(lined.by_turns * TREE_FROM_MIDDLE_M)[:count]


def _within_areas(areas: gpd.GeoDataFrame, count: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Points at random in woods and parks, as many in each as its share of their area."""
    shapes = areas.geometry[areas["green_class"].isin(WOODED)].to_numpy()
    shares = shapely.area(shapes) / shapely.area(shapes).sum()
    wanted = np.round(shares * count).astype(int)
    return np.vstack(
        [_points_in(shape, number, chance) for shape, number in zip(shapes, wanted, strict=True)]
    )


def _points_in(shape: BaseGeometry, count: int, chance: np.random.Generator) -> NDArray[np.float64]:
    west, south, east, north = shape.bounds
    tries = int(count * 1.6 * (east - west) * (north - south) / shape.area) + 40
    xy = chance.uniform((west, south), (east, north), (tries, 2))
    return xy[shapely.contains_xy(shape, xy)][:count]


def green_view(ground: Ground, streets: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Green seen from points on streets: more of it in gardens than among houses, most beside a wood."""
    import geopandas as gpd

    chance = stream(ground.facts.city.id, "green view")
    places = along(streets.geometry.to_numpy(), GREEN_VIEW_STEP_M)
    chosen = np.sort(chance.permutation(len(places.xy))[:GREEN_VIEW_POINTS])
    at = shapely.points(places.xy[chosen])
    seen = areas.geometry[areas["green_class"] != "water"].to_numpy()
    (_, _), distance = shapely.STRtree(seen).query_nearest(at, return_distance=True, all_matches=False)
    district = cKDTree(ground.districts[["x", "y"]].to_numpy()).query(places.xy[chosen])[1]
    base = ground.districts["character"].map(GREEN_IN_VIEW).to_numpy(float)[district]
    percent = base + 30 * np.exp(-distance / 60) + chance.normal(0, 6, len(chosen))
    table = {
        "point_id": [f"{ground.facts.city.id}-view-{row:04d}" for row in range(len(chosen))],
        "green_view_percent": percent.clip(0.5, 92).round(1),
        "month": "2026-07",
    }
    return gpd.GeoDataFrame(table, geometry=at, crs=ground.facts.city.crs)


def land_cover(ground: Ground) -> gpd.GeoDataFrame:
    """Cells with their commonest cover and the shares that are lived in, worked in and made things in."""
    import geopandas as gpd
    import pandas as pd

    cell_m = COVER_CELL_M[ground.sheet_step_m]
    sheet = ground.sheet
    character = ground.districts["character"].to_numpy()[sheet["district"]]
    uses = np.array([CHARACTERS[name].uses for name in character]) * sheet["built"].to_numpy()[:, None]
    points = pd.DataFrame(uses, columns=["residential_share", "office_share", "manufacturing_share"])
    points["cover_class"] = _cover(ground, character)
    points["column"], points["row"] = ((sheet[axis] // cell_m).astype(int) for axis in ("x", "y"))
    cells = points.groupby(["column", "row"])
    table = cells[["residential_share", "office_share", "manufacturing_share"]].mean().round(3)
    counts = pd.crosstab([points["column"], points["row"]], points["cover_class"])
    table["cover_class"] = counts.idxmax(axis=1)
    table = table.reset_index()
    west, south = table["column"] * cell_m, table["row"] * cell_m
    return gpd.GeoDataFrame(
        table.drop(columns=["column", "row"]).assign(
            patch_id=[f"{ground.facts.city.id}-cover-{row:04d}" for row in range(len(table))],
            label=table["cover_class"].map(COVERS),
        ),
        geometry=shapely.box(west, south, west + cell_m, south + cell_m),
        crs=ground.facts.city.crs,
    )


def _cover(ground: Ground, character: NDArray[np.object_]) -> NDArray[np.object_]:
    """The cover at each point of the sheet."""
    sheet = ground.sheet
    built = np.array([CHARACTERS[name].cover for name in character], dtype=object)
    unbuilt = np.array([COVER_OF_GREEN[OPEN_LAND.get(name, "lawn")] for name in character], dtype=object)
    parks = ground.parks["green_class"].map(COVER_OF_GREEN).to_numpy(object)
    cover = np.where(sheet["built"], built, unbuilt)
    in_park = sheet["park"].to_numpy() >= 0
    cover[in_park] = parks[sheet["park"].to_numpy()[in_park]]
    return cover
