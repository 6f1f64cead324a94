"""What people have of the green around them: the rule of 3-30-300, parks within reach, cooler air.

Homes are residential buildings where the pack has them, else the middles of population cells. Where trees are
only known as a density, the chance to see three of them follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.stats import poisson

from geodata.errors import InvalidInput, NotReady
from geodata.streets import snap, street_graph, travel_times
from pilots.green.city.inventory import FOREST_CANOPY, Inventory, forest_share
from pilots.green.city.light import CrownBodies
from pilots.green.services.access import network_access
from pilots.green.services.cooling import urban_cooling
from pilots.green.services.cover import canopy_around, cover_grid, trees_in_view
from twin.packs import PackView

Floats = NDArray[np.float64]

TREES_TO_SEE, SEEN_WITHIN_M = 3, 40.0
CANOPY_AROUND, CANOPY_WITHIN_M, RULE_CELL_M = 0.30, 250.0, 10.0
PARK_WITHIN_M = 300.0
LEAST_PARK_M2 = 5_000.0
DEMAND_M2 = 9.0
"""Green within reach per person that is often asked for (WHO Europe)."""

MOST_HOMES = 3_000
WALKING_M_S = 1.2
LARGE_GREEN_SHADE = 0.4
"""Cells with more canopy than this count as green that cools beyond its edge."""

_DWELLINGS = {"apartments", "residential", "house", "detached", "terrace", "dormitory", "semidetached_house"}


@dataclass(frozen=True)
class Homes:
    """Homes and what does not change around them.

    Attributes:
        x_m: Where they are.
        y_m: Likewise.
        people: Residents that each stands for.
        buildings: Footprints around them; empty where there are none.
        park_m: Distance along the streets to the nearest green of half a hectare; NaN where not known.
        supply_m2: Green on offer within 1 km per person; NaN where not known.
        forest: Share of the land within 250 m that is under the crowns of forest.
        notes: What was assumed.
    """

    x_m: Floats
    y_m: Floats
    people: Floats
    buildings: NDArray[np.object_]
    park_m: Floats
    supply_m2: Floats
    forest: Floats
    notes: tuple[str, ...]


def find_homes(pack: PackView, inventory: Inventory) -> Homes:
    """The homes of a city within the extent of its inventory, and their ways to parks."""
    x, y, people, notes = _homes(pack, inventory)
    buildings = (
        pack.features("buildings").geometry.to_numpy() if pack.has("buildings") else np.empty(0, dtype=object)
    )
    park, supply, more = _parks(pack, x, y, people)
    forest = _forest_around(x, y, inventory.forest)
    return Homes(x, y, people, np.asarray(buildings, dtype=object), park, supply, forest, (*notes, *more))


def _homes(pack: PackView, inventory: Inventory) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    if pack.has("buildings"):
        table = pack.features("buildings")
        lived_in = table[table["use"].isin(_DWELLINGS)] if "use" in table else table.iloc[:0]
        points = lived_in.geometry.representative_point()
        inside = shapely.contains_xy(inventory.extent, points.x.to_numpy(), points.y.to_numpy())
        if inside.sum() >= 50:
            levels = lived_in["levels"].fillna(2.0).to_numpy(dtype=float) if "levels" in lived_in else 2.0
            size = lived_in.geometry.area.to_numpy() * levels
            chosen = np.flatnonzero(inside)[:: max(int(inside.sum()) // MOST_HOMES, 1)]
            note = f"{len(chosen)} residential buildings stand for homes, weighted by floor area"
            return points.x.to_numpy()[chosen], points.y.to_numpy()[chosen], size[chosen] / 45.0, (note,)
    if pack.has("population"):
        cells = pack.features("population")
        points = cells.geometry.representative_point()
        inside = shapely.contains_xy(inventory.extent, points.x.to_numpy(), points.y.to_numpy())
        people = cells["population"].to_numpy(dtype=float)[inside]
        note = "middles of population cells stand for homes"
        return points.x.to_numpy()[inside], points.y.to_numpy()[inside], people, (note,)
    return np.empty(0), np.empty(0), np.empty(0), ("no homes: neither buildings nor population",)


def _parks(pack: PackView, x: Floats, y: Floats, people: Floats) -> tuple[Floats, Floats, tuple[str, ...]]:
    nothing = np.full(len(x), np.nan)
    if not len(x) or not pack.has("green_areas"):
        return nothing, nothing, ("ways to parks are not known: no green areas",)
    parks = _public_parks(pack.features("green_areas"))
    if parks.empty:
        return nothing, nothing, ("no green area of half a hectare is mapped",)
    try:
        graph = street_graph(pack)  # type: ignore[arg-type]  # a view of a pack reads like a pack
        doors, park_of_door = _doors(parks)
        homes = snap(graph, np.column_stack([x, y]), max_distance_m=300.0, mode="walk")
        gates = snap(graph, doors, max_distance_m=150.0, mode="walk")
    except (NotReady, InvalidInput) as error:
        return nothing, nothing, (f"ways to parks are not known: {error}",)
    times = travel_times(graph, homes, gates, mode="walk", limit_s=1000.0 / WALKING_M_S)
    metres = np.full((len(x), len(parks)), np.inf)
    for park in range(len(parks)):
        of_park = park_of_door == park
        metres[:, park] = times.metres[:, of_park].min(axis=1)
    access = network_access(parks.area.to_numpy(), people, metres, radius_m=1000.0, demand_m2=DEMAND_M2)
    return metres.min(axis=1), access.supply_m2, ()


def _public_parks(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    used = areas["green_class"].isin(["park", "lawn", "meadow", "forest", "shrub"])
    public = areas["public"].fillna(value=True).astype(bool) if "public" in areas else True
    joined = shapely.union_all(shapely.buffer(areas[used & public].geometry.to_numpy(), 2.0))
    parts = shapely.get_parts(joined)
    large = parts[shapely.area(parts) >= LEAST_PARK_M2]
    return gpd.GeoDataFrame(geometry=large, crs=areas.crs)


def _doors(parks: gpd.GeoDataFrame) -> tuple[Floats, NDArray[np.int64]]:
    """Points every eighty metres along the edge of each park: one can enter anywhere."""
    edges = shapely.segmentize(shapely.boundary(shapely.simplify(parks.geometry.to_numpy(), 5.0)), 80.0)
    points, park = shapely.get_coordinates(edges, return_index=True)
    return points, park.astype(np.int64)


def _forest_around(x: Floats, y: Floats, forest: shapely.Geometry) -> Floats:
    parts = shapely.get_parts(forest)
    circles = np.asarray(shapely.buffer(shapely.points(x, y), CANOPY_WITHIN_M), dtype=object)
    home, part = shapely.STRtree(parts).query(circles, predicate="intersects")
    area = shapely.area(shapely.intersection(circles[home], parts[part]))
    return np.asarray(np.bincount(home, area, len(x)) * FOREST_CANOPY / (np.pi * CANOPY_WITHIN_M**2))


@dataclass(frozen=True)
class ThreeThirty:
    """The three parts of the rule for each home, 1 kept, 0 not (or the chance of it, or NaN where not known).

    Attributes:
        sees: Three trees in view.
        canopy: 30 % of canopy around.
        park: A park within 300 m.
    """

    sees: Floats
    canopy: Floats
    park: Floats

    @property
    def kept(self) -> Floats:
        """How much of the rule each home has, 0 to 3."""
        return np.asarray(np.nansum([self.sees, self.canopy, self.park], axis=0))


def three_thirty(
    homes: Homes, inventory: Inventory, crowns: CrownBodies, district_trees: Floats, district_canopy: Floats
) -> ThreeThirty:
    """What each home has of 3-30-300.

    Args:
        homes: The homes.
        inventory: The city's land.
        crowns: The living trees.
        district_trees: Trees by district, used where trees are only known as a density.
        district_canopy: Share of canopy by district, likewise.
    """
    park = np.where(np.isnan(homes.park_m), np.nan, homes.park_m <= PARK_WITHIN_M)
    if inventory.generated:
        return ThreeThirty(*_by_density(homes, inventory, district_trees, district_canopy), park)
    x, y = crowns.x_m, crowns.y_m
    seen = trees_in_view(homes.x_m, homes.y_m, x, y, homes.buildings, distance_m=SEEN_WITHIN_M)
    west, south, east, north = shapely.bounds(inventory.extent)
    shape = (int((north - south) / RULE_CELL_M) + 1, int((east - west) / RULE_CELL_M) + 1)
    grid = cover_grid(
        x,
        y,
        crowns.diameter_m,
        crowns.top_m,
        west_m=west,
        north_m=north,
        shape=shape,
        cell_size_m=RULE_CELL_M,
    )
    canopy = canopy_around(grid, homes.x_m, homes.y_m) + homes.forest
    return ThreeThirty((seen >= TREES_TO_SEE).astype(float), (canopy >= CANOPY_AROUND).astype(float), park)


def _by_density(
    homes: Homes, inventory: Inventory, district_trees: Floats, district_canopy: Floats
) -> tuple[Floats, Floats]:
    district = _district_at(homes, inventory)
    expected = district_trees / inventory.districts.geometry.area.to_numpy() * np.pi * SEEN_WITHIN_M**2
    sees = np.where(district >= 0, poisson.sf(TREES_TO_SEE - 1, expected[district]), 0.0)
    canopy = np.where(district >= 0, district_canopy[district], 0.0) >= CANOPY_AROUND
    return np.asarray(sees), canopy.astype(float)


def _district_at(homes: Homes, inventory: Inventory) -> NDArray[np.int64]:
    found = np.full(len(homes.x_m), -1, np.int64)
    tree = shapely.STRtree(inventory.districts.geometry.to_numpy())
    home, district = tree.query(shapely.points(homes.x_m, homes.y_m), predicate="within")
    found[home] = district
    return found


def cooling_index(inventory: Inventory, crowns: CrownBodies, heat_island_k: float) -> tuple[float, float]:
    """Mean heat mitigation index of the land, and how much the canopies cool its air, K.

    Shade is the share of canopy of each cell, green evaporates with 0.9 of the reference, the rest with 0.3.
    """
    cell = 500.0 if inventory.generated else 100.0
    west, _, _, north = shapely.bounds(inventory.extent)
    # A city smaller than a cell has the middle of none: it takes finer cells.
    while not (land := _land(inventory.extent, cell)).any():
        cell /= 2.0
    rows, columns = land.shape
    row, column = ((north - crowns.y_m) // cell).astype(int), ((crowns.x_m - west) // cell).astype(int)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    place = row[inside] * columns + column[inside]
    area = np.pi / 4 * crowns.diameter_m**2 * crowns.weight
    covered = np.bincount(place, area[inside], rows * columns).reshape(rows, columns)
    shade = np.where(land, 1.0 - np.exp(-covered / cell**2), np.nan)
    green, forest = inventory.green_m2 / inventory.land_m2, forest_share(inventory)
    results = [
        urban_cooling(
            np.where(land, layer, np.nan), np.where(land, 0.18, np.nan),
            np.where(land, 0.3 + 0.6 * green, np.nan), np.where(land, 4.0, np.nan), shade > LARGE_GREEN_SHADE,
            cell_size_m=cell, heat_island_k=heat_island_k,
        )
        for layer in (np.minimum(shade + forest, 1.0), np.zeros_like(shade))
    ]  # fmt: skip
    offset = np.nanmean(results[0].air_temperature_c - results[1].air_temperature_c)
    return float(np.nanmean(results[0].mitigation)), float(offset)


def _land(extent: shapely.Geometry, cell_m: float) -> NDArray[np.bool_]:
    """Which cells of a raster over an area have their middle in it (rows x columns)."""
    west, south, east, north = shapely.bounds(extent)
    rows, columns = int((north - south) // cell_m) + 1, int((east - west) // cell_m) + 1
    x = west + (np.arange(columns) + 0.5) * cell_m
    y = north - (np.arange(rows) + 0.5) * cell_m
    return np.asarray(shapely.contains_xy(extent, *np.meshgrid(x, y)))
