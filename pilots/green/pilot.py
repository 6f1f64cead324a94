"""The pilot: trees and green areas that grow, change with the season, and serve the city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pilots.green import charts
from pilots.green.city.climate import TypicalYear, degree_days, lived_years, pace_by_species, typical_year
from pilots.green.city.forest import Forest
from pilots.green.city.inventory import Inventory, evergreen_of, read_inventory
from pilots.green.city.light import CrownBodies, CrownShade, shade_at
from pilots.green.city.neighbours import cooling_index, find_homes
from pilots.green.city.summary import Summary, overlap_of
from pilots.green.city.yards import STOREY_M, UNKNOWN_BUILDING_M, Place
from pilots.green.city.yearly import yearly_services
from pilots.green.indicators import KPIS
from pilots.green.model import CityGreen
from pilots.green.scenario import GreenScenario
from pilots.green.services.soil import PARK_TREE
from twin.packs import PackView
from twin.pilot import CityModel, Domain, Need, Pilot, Signal
from twin.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twin.result import Result

WINDOW_M = 2.0
"""Height of a school's window above the ground at which light is asked for."""


class Green(Pilot):
    """Dynamic green areas."""

    id = "green"
    title = "Green areas that grow"
    titles = {"et": "Kasvav linnarohelus", "fi": "Kasvava kaupunkivihreä"}  # noqa: RUF012
    domain = Domain.BUILT_ENVIRONMENT
    version = "1.0.0"
    needs = (
        Need("districts", "canopy is reported by district", columns=("district_id",)),
        Need("trees", "single trees grow", instead=("land_cover",)),
        Need("land_cover", "land use tells how many trees to expect where none are mapped", optional=True),
        Need("weather", "leaves, growth, drought and heat follow it",
             columns=("temperature_c", "relative_humidity_percent", "ghi_w_m2")),  # fmt: skip
        Need("green_areas", "parks, forest and lawns; ways to parks", optional=True),
        Need("buildings", "shadows, free views, homes", optional=True),
        Need("population", "homes where no buildings are mapped", optional=True),
        Need("streets", "ways to parks; light on street segments", optional=True),
        Need("schools", "school yards and windows in the shade of trees", optional=True),
    )
    writes = (
        Signal("window_transmittance", "1",
               "Share of the sun's direct light that canopies let through to a school's windows.",
               dims=("school_id",), hold=True),
        Signal("street_canopy_transmittance", "1",
               "Share of the sun's direct light that canopies let through to a street segment's surface.",
               dims=("street_id",), hold=True),
        Signal("canopy_air_temperature_offset", "K",
               "Difference of the air temperature that the city's canopies make, mean over the city.", hold=True),
    )  # fmt: skip
    kpis = KPIS
    Scenario = GreenScenario
    start = "2026-01-01"
    days = 3653
    window_s = 86_400
    replications = 1
    separable = True

    def build(
        self, packs: Mapping[str, PackView], scenario: GreenScenario, world: World
    ) -> Mapping[str, CityModel]:
        """Read each city, draw its years, and set up its forest."""
        return {city: _city(packs[city], city, scenario, world) for city in sorted(packs)}

    def charts(self, result: Result) -> Mapping[str, Figure]:
        """Canopy by year, and break-even of felling and replacing."""
        return charts.charts(result)


def _city(pack: PackView, city: str, scenario: GreenScenario, world: World) -> CityGreen:
    typical = typical_year(pack, world.rng("rain", city))
    latitude, longitude = _middle(pack)
    inventory = read_inventory(pack, pace_by_species(degree_days(typical)), world.rng("inventory", city))
    span = (world.start + timedelta(seconds=world.end_s)).year - world.start.year + 1
    years = lived_years(
        typical, latitude, members=scenario.members, years=span, warming_k=scenario.warming_k,
        rain_factor=scenario.summer_rain, zone=replace(PARK_TREE, soaking_share=0.5 + 0.5 * scenario.soaking_share),
        rng=world.rng("years", city),
    )  # fmt: skip
    forest = Forest.of(
        inventory.trees, inventory.weight, inventory.district, scenario.members, world.rng("equations", city)
    )
    shade = _shade(pack, inventory, city, world)
    summary = _summary(pack, inventory, typical, (latitude, longitude), years.stress[0, 0], scenario, world, city)
    return CityGreen(city, inventory, forest, years, shade, summary, scenario, world)


def _summary(
    pack: PackView,
    inventory: Inventory,
    typical: TypicalYear,
    middle: tuple[float, float],
    stress: float,
    scenario: GreenScenario,
    world: World,
    city: str,
) -> Summary:
    trees, homes = inventory.trees, find_homes(pack, inventory)
    area = np.pi / 4 * trees.crown_diameter_m**2
    _, offset = cooling_index(inventory, inventory.x_m, inventory.y_m, area, inventory.weight, scenario.heat_island_k)
    base = lived_years(typical, middle[0], members=1, years=1, warming_k=scenario.warming_k, rain_factor=1.0,
                       rng=world.rng("base year", city))  # fmt: skip
    on, off = float(base.leaf_on_doy[0, 0]), float(base.leaf_off_doy[0, 0])
    notes = (*inventory.notes, *typical.notes, *homes.notes,
             "growth is borrowed from US cities and scaled by heat sum; intervals are P10 to P90 of the ensemble",
             "leaf dates rest on PhenoCam sites, none of them Estonian or Finnish",
             "pollutant concentrations are means of the scenario")  # fmt: skip
    return Summary(
        typical=typical,
        services=yearly_services(typical, middle[0], on, off, stress, scenario),
        homes=homes,
        places=_places(pack, inventory, middle, scenario.places),
        spread=overlap_of(inventory),
        offset_k=float(np.nan_to_num(offset)),
        scatter=int(world.rng("scatter", city).integers(2**31)),
        notes=notes,
    )


def _middle(pack: PackView) -> tuple[float, float]:
    """Latitude and longitude of the city's middle."""
    outline = pack.features("districts").to_crs(4326)
    west, south, east, north = outline.total_bounds
    return float((south + north) / 2), float((west + east) / 2)


def _shade(pack: PackView, inventory: Inventory, city: str, world: World) -> dict[str, CrownShade]:
    """What the other pilots are told: crowns before school windows and over streets."""
    crowns = _standing(inventory)
    shade: dict[str, CrownShade] = {}
    for signal, kind, key, height in (
        ("window_transmittance", "schools", "school_id", WINDOW_M),
        ("street_canopy_transmittance", "streets", "street_id", 0.0),
    ):
        table = pack.features(kind).sort_values(key) if pack.has(kind) else None
        names = [] if table is None else table[key].astype(str).tolist()
        world.signals.label(signal, city, names)
        points = np.empty((0, 2)) if table is None else _middles(table)
        shade[signal] = shade_at(points, height, crowns)
    return shade


def _standing(inventory: Inventory) -> CrownBodies:
    trees = inventory.trees
    return CrownBodies(
        inventory.x_m, inventory.y_m, trees.crown_diameter_m, trees.height_m, trees.crown_height_m,
        evergreen_of(trees.species), inventory.weight,
    )  # fmt: skip


def _middles(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    geometry = table.geometry.to_numpy()
    lines = shapely.get_type_id(geometry) == shapely.GeometryType.LINESTRING
    middle = shapely.centroid(geometry)
    middle[lines] = shapely.line_interpolate_point(geometry[lines], 0.5, normalized=True)
    return shapely.get_coordinates(middle)


def _places(pack: PackView, inventory: Inventory, middle: tuple[float, float], most: int) -> tuple[Place, ...]:
    """The schools with most trees around them, by name and id."""
    if not pack.has("schools") or most == 0:
        return ()
    schools = pack.features("schools").sort_values("school_id")
    x, y = schools.geometry.centroid.x.to_numpy(), schools.geometry.centroid.y.to_numpy()
    inside = np.flatnonzero(shapely.contains_xy(inventory.extent, x, y))
    trees = shapely.STRtree(shapely.points(inventory.x_m, inventory.y_m))
    near = trees.query(shapely.points(x[inside], y[inside]), predicate="dwithin", distance=60.0)[0]
    count = np.bincount(near, minlength=len(inside))
    chosen = inside[np.argsort(-count, kind="stable")[:most]]
    buildings, green = _buildings(pack), pack.features("green_areas") if pack.has("green_areas") else None
    return tuple(
        Place(str(schools["name"].iloc[i]), float(x[i]), float(y[i]), *middle, _around(buildings, x[i], y[i]),
              _around(green, x[i], y[i]))
        for i in chosen
    )  # fmt: skip


def _buildings(pack: PackView) -> gpd.GeoDataFrame | None:
    if not pack.has("buildings"):
        return None
    table = pack.features("buildings")
    height = table["height_m"] if "height_m" in table else np.nan
    levels = table["levels"] * STOREY_M if "levels" in table else np.nan
    return table.assign(height_m=np.nan_to_num(np.where(np.isnan(height), levels, height), nan=UNKNOWN_BUILDING_M))


def _around(table: gpd.GeoDataFrame | None, x: float, y: float) -> gpd.GeoDataFrame | None:
    return None if table is None else table[table.intersects(shapely.box(x - 90.0, y - 90.0, x + 90.0, y + 90.0))]
