"""Buildings of a demo city: along its streets, of the kinds its districts are known for, and its schools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.demo.chance import stream
from geodata.demo.frontage import along
from geodata.demo.ground import CHARACTERS, Ground
from geodata.demo.terrain import elevation_m

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

MOST_BUILDINGS = 7000
"""A demo pack holds a sample of a large city's buildings, evenly drawn."""

FRONT_GARDEN_M = 9.0
FROM_STREETS_M = 5.0
STOREY_M = 3.2
ROOF_M = 2.5
DWELLING_M2 = 75.0
SCHOOL_M2_PER_PUPIL = 10.0

USES = ("apartments", "offices", "industrial")
PLACES_SHARE = {"offices": 0.35, "apartments": 0.1, "industrial": 0.05}
"""Share of houses of each use in which people shop, eat or meet."""

PLACES = (
    ("shop", "convenience", 5), ("shop", "supermarket", 2), ("shop", "clothes", 2), ("amenity", "cafe", 4),
    ("amenity", "restaurant", 3), ("amenity", "pharmacy", 1), ("amenity", "library", 0.5),
    ("leisure", "fitness_centre", 1), ("office", "company", 4),
)  # fmt: skip
"""Category, subcategory and how common it is beside the others."""

SCHOOL_SHAPE_M = {"kindergarten": (46, 14), "university": (84, 22)}
SCHOOL_LEVELS = {"kindergarten": 2, "university": 5}


def schools(ground: Ground) -> gpd.GeoDataFrame:
    """Educational buildings: names and rough places are real, all else is made up."""
    buildings = _school_buildings(ground)
    table = buildings[
        ["school_id", "name", "operator", "school_type", "pupils", "floor_area_m2", "year_built"]
    ]
    return table.set_geometry(buildings.representative_point())


def buildings(ground: Ground, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Buildings with heights: schools, landmarks, and houses along the streets."""
    import geopandas as gpd
    import pandas as pd

    known = pd.concat([_as_buildings(_school_buildings(ground)), _landmarks(ground)], ignore_index=True)
    houses = _houses(ground, streets, known.geometry.to_numpy())
    table = pd.concat([known, houses], ignore_index=True)
    prefix = ground.facts.city.id
    numbers = [f"{prefix}-building-{row:05d}" for row in range(len(table))]
    table["building_id"] = table["building_id"].where(table["building_id"].notna(), pd.Series(numbers))
    middle = shapely.get_coordinates(shapely.centroid(table.geometry.to_numpy()))
    table["ground_elevation_m"] = elevation_m(ground, middle).round(1)
    return gpd.GeoDataFrame(table, crs=ground.facts.city.crs)


def places(ground: Ground, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Shops, cafés and the like in some of the houses."""
    chance = stream(ground.facts.city.id, "places")
    share = buildings["use"].map(PLACES_SHARE).fillna(0.0).to_numpy(np.float64)
    houses = buildings[chance.random(len(buildings)) < share].reset_index(drop=True)
    weight = np.array([common for *_, common in PLACES])
    drawn = chance.choice(len(PLACES), len(houses), p=weight / weight.sum())
    table = houses[["building_id"]].assign(
        place_id=houses["building_id"] + "-place",
        category=[PLACES[number][0] for number in drawn],
        subcategory=[PLACES[number][1] for number in drawn],
    )
    return table.set_geometry(houses.representative_point())


def _school_buildings(ground: Ground) -> gpd.GeoDataFrame:
    import geopandas as gpd

    table = ground.facts.table("schools")
    chance = stream(ground.facts.city.id, "schools")
    count = len(table)
    size = np.array([SCHOOL_SHAPE_M.get(kind, (66, 16)) for kind in table["school_type"]], dtype=float)
    size *= chance.uniform(0.8, 1.25, (count, 1))
    levels = np.array([SCHOOL_LEVELS.get(kind, 3) for kind in table["school_type"]])
    angle = chance.uniform(0, np.pi, count)
    middle = table[["x", "y"]].to_numpy()
    shapes = [_winged(*at) for at in zip(middle, size, angle, strict=True)]
    floor_area = shapely.area(shapes) * levels
    return gpd.GeoDataFrame(
        table.assign(
            school_id=[f"{ground.facts.city.id}-school-{row:02d}" for row in range(1, count + 1)],
            levels=levels.astype(float),
            floor_area_m2=floor_area.round(0),
            pupils=(floor_area / (SCHOOL_M2_PER_PUPIL * chance.uniform(0.85, 1.3, count))).round(0),
            year_built=chance.choice([1910, 1936, 1957, 1965, 1974, 1983, 1990, 2006, 2019], count).astype(
                float
            ),
        ),
        geometry=shapes,
        crs=ground.facts.city.crs,
    )


def _winged(middle: NDArray[np.float64], size: NDArray[np.float64], angle: float) -> shapely.Polygon:
    """A main wing with a second one at its end."""
    length, depth = size
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    main = _rectangles(middle[None], angle * np.ones(1), size[None])[0]
    side = middle + along * (length - depth) / 2 + across * (depth / 2 + length * 0.2)
    wing = _rectangles(side[None], np.array([angle]), np.array([[depth, length * 0.4 + 1]]))[0]
    winged: shapely.Polygon = shapely.union(main, wing)
    return winged


def _as_buildings(school_buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    table = school_buildings[["school_id", "name", "levels", "year_built", "floor_area_m2", "geometry"]]
    return table.rename(columns={"school_id": "building_id"}).assign(
        use="school", height_m=table["levels"] * 3.8 + ROOF_M, dwellings=0.0
    )


def _landmarks(ground: Ground) -> gpd.GeoDataFrame:
    import geopandas as gpd

    table = ground.facts.table("landmarks")
    slender = table["use"].isin(["tower", "lighthouse"]).to_numpy()
    width = np.where(slender, 14.0, 32.0)
    angle = stream(ground.facts.city.id, "landmarks").uniform(0, np.pi, len(table))
    shapes = _rectangles(table[["x", "y"]].to_numpy(), angle, np.column_stack([width, width * 0.8]))
    levels = np.where(slender, np.nan, np.maximum(table["height_m"] // 3.6, 1))
    table = table.assign(
        height_m=table["height_m"].astype(float),
        levels=levels,
        building_id=None,
        dwellings=np.where(table["use"] == "apartments", levels * 4, 0.0),
        floor_area_m2=(shapely.area(shapes) * np.nan_to_num(levels, nan=1.0)).round(0),
    )
    return gpd.GeoDataFrame(table.drop(columns=["x", "y"]), geometry=shapes, crs=ground.facts.city.crs)


def _houses(ground: Ground, streets: gpd.GeoDataFrame, taken: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Houses on both sides of the streets that are not main roads."""
    import geopandas as gpd

    chance = stream(ground.facts.city.id, "houses")
    plots = _plots(ground, streets, chance)
    shapes = _rectangles(
        plots[["x", "y"]].to_numpy(), plots["angle"].to_numpy(), plots[["length", "depth"]].to_numpy()
    )
    free = _free(shapes, streets.geometry.to_numpy(), taken)
    if free.sum() > MOST_BUILDINGS:
        free[chance.permutation(np.flatnonzero(free))[MOST_BUILDINGS:]] = False
    table = _described(ground, plots[free].reset_index(drop=True), shapes[free], chance)
    return gpd.GeoDataFrame(table, geometry=shapes[free], crs=streets.crs)


def _described(
    ground: Ground, plots: pd.DataFrame, shapes: NDArray[np.object_], chance: np.random.Generator
) -> dict[str, NDArray[np.generic]]:
    """Use, storeys, height, year, floor area and dwellings of each house, as its district has them."""
    names = ground.districts["character"].to_numpy()[plots["district"]]
    shares = np.array([CHARACTERS[name].uses for name in names])
    bounds = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    use = np.array(USES)[(chance.random((len(plots), 1)) > bounds).sum(axis=1)]
    lived_in = use == "apartments"
    small = lived_in & np.isin(names, ["houses", "village", "wild"])
    levels = plots["levels"].to_numpy(float)
    floor_area = (shapely.area(shapes) * levels).round(0)
    years = np.array([CHARACTERS[name].years for name in names])
    return {
        "use": np.where(small, "house", use),
        "levels": levels,
        "height_m": (levels * STOREY_M + ROOF_M).round(1),
        "year_built": chance.integers(years[:, 0], years[:, 1]).astype(float),
        "floor_area_m2": floor_area,
        "dwellings": np.where(
            lived_in & ~small, np.maximum(floor_area // DWELLING_M2, 1), small.astype(float)
        ),
    }


def _plots(ground: Ground, streets: gpd.GeoDataFrame, chance: np.random.Generator) -> pd.DataFrame:
    """Places for houses: by turns left and right of each street, at the pitch of its district."""
    import pandas as pd

    small = streets[streets["road_class"].isin(["residential", "tertiary"])]
    lines = small.geometry.to_numpy()
    district = _district_of(ground, shapely.get_coordinates(shapely.centroid(lines)))
    characters = [CHARACTERS[name] for name in ground.districts["character"].to_numpy()[district]]
    places = along(lines, np.array([character.pitch_m for character in characters]) / 2)
    size = np.array([character.house_m for character in characters], dtype=float)[places.street]
    size *= chance.uniform(0.8, 1.2, (len(size), 1))
    levels = np.array([character.levels for character in characters])[places.street]
    xy = places.aside(places.by_turns * (FRONT_GARDEN_M + size[:, 1] / 2))
    plots = pd.DataFrame(
        {
            "x": xy[:, 0], "y": xy[:, 1], "angle": places.angle, "length": size[:, 0], "depth": size[:, 1],
            "levels": chance.integers(levels[:, 0], levels[:, 1] + 1), "district": _district_of(ground, xy),
        }
    )  # fmt: skip
    buildable: pd.DataFrame = plots[_on_built_land(ground, plots)].reset_index(drop=True)
    return buildable


def _district_of(ground: Ground, xy: NDArray[np.float64]) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = cKDTree(ground.districts[["x", "y"]].to_numpy()).query(xy)[1]
    return nearest


def _on_built_land(ground: Ground, plots: pd.DataFrame) -> NDArray[np.bool_]:
    on_built_land = np.zeros(len(plots), bool)
    district, xy = plots["district"].to_numpy(), plots[["x", "y"]].to_numpy()
    for row, built in enumerate(ground.built):
        here = np.flatnonzero(district == row)
        on_built_land[here] = shapely.contains_xy(built, xy[here])
    return on_built_land


def _rectangles(
    middle: NDArray[np.float64], angle: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Rectangles (n,) by middle (n, 2), angle of their length (n,), length and depth (n, 2)."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    local = corners[None] * size[:, None, :]
    sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
    x = middle[:, :1] + local[..., 0] * cosine - local[..., 1] * sine
    y = middle[:, 1:] + local[..., 0] * sine + local[..., 1] * cosine
    return np.array(shapely.polygons(np.stack([x, y], axis=-1)), ndmin=1)


def _free(
    shapes: NDArray[np.object_], streets: NDArray[np.object_], taken: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Which houses stand clear of streets, of what is there already, and of houses before them."""
    free = np.ones(len(shapes), bool)
    free[shapely.STRtree(streets).query(shapes, predicate="dwithin", distance=FROM_STREETS_M)[0]] = False
    free[shapely.STRtree(taken).query(shapes, predicate="dwithin", distance=FROM_STREETS_M)[0]] = False
    late, early = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = np.unique(np.column_stack([late, early])[late > early], axis=0)
    for one, before in pairs.tolist():
        free[one] &= not free[before]
    return free
