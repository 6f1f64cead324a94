"""The pilot: trees and green areas that grow, change with the season, and serve the city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pilots.green import charts
from pilots.green.city.climate import (
    TypicalYear,
    Years,
    degree_days,
    lived_years,
    pace_by_species,
    typical_year,
)
from pilots.green.city.forest import Forest
from pilots.green.city.ground import BARE_SHARE, Ground, Project, projects
from pilots.green.city.inventory import Inventory, read_inventory
from pilots.green.city.light import CrownBodies, Lookout
from pilots.green.city.neighbours import cooling_index, find_homes, three_thirty
from pilots.green.city.signs import approaches
from pilots.green.city.snapshots import bodies_of
from pilots.green.city.summary import Summary, overlap_of
from pilots.green.city.windows import school_windows
from pilots.green.city.yards import STOREY_M, UNKNOWN_BUILDING_M, Place, ground_around
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
        Need(
            "weather",
            "leaves, growth, drought and heat follow it",
            columns=("temperature_c", "relative_humidity_percent", "ghi_w_m2"),
        ),
        Need("green_areas", "parks, forest and lawns; ways to parks", optional=True),
        Need("buildings", "shadows, free views, homes", optional=True),
        Need("population", "homes where no buildings are mapped", optional=True),
        Need("streets", "ways to parks; light on street segments", optional=True),
        Need("schools", "school yards and windows in the shade of trees", optional=True),
        Need("terrain", "the lie of the land around school yards", optional=True),
    )
    writes = (
        Signal("window_transmittance", "1",
               "Share of the sun's direct light that canopies let through to a school's windows.",
               dims=("school_id",), hold=True),
        Signal("street_canopy_transmittance", "1",
               "Share of the sun's direct light that canopies let through to a street segment's surface.",
               dims=("street_id",), hold=True),
        Signal("canopy_air_temperature_offset", "K",
               "Difference of the air temperature that canopies make, mean over the city.", hold=True),
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
        project = projects(packs, scenario)
        return {city: _city(packs[city], city, project[city], scenario, world) for city in sorted(packs)}

    def charts(self, result: Result) -> Mapping[str, Figure]:
        """Canopy by year, and break-even of felling and replacing."""
        return charts.charts(result)


def _city(pack: PackView, city: str, project: Project, scenario: GreenScenario, world: World) -> CityGreen:
    typical = typical_year(pack, world.rng("rain", city))
    middle = _middle(pack)
    inventory = read_inventory(pack, pace_by_species(degree_days(typical)), world.rng("inventory", city))
    years = _years(pack, typical, middle[0], scenario, world, city)
    forest = Forest.of(
        inventory.trees, inventory.weight, inventory.district, scenario.members, world.rng("equations", city)
    )
    homes, places = find_homes(pack, inventory), _places(pack, inventory, middle, scenario.places)
    buildings = (
        pack.features("buildings").geometry.to_numpy() if pack.has("buildings") else np.empty(0, dtype=object)
    )
    yards = np.array([(place.x_m, place.y_m) for place in places]).reshape(-1, 2)
    ground = Ground(inventory, project, np.empty((0, 2)), yards, buildings)
    crowns = bodies_of(forest, ground)
    base = lived_years(typical, middle[0], members=1, years=1, warming_k=scenario.warming_k, rain_factor=1.0,
                       rng=world.rng("base year", city))  # fmt: skip
    summary = Summary(
        typical=typical,
        services=yearly_services(
            typical, middle[0], float(base.leaf_on_doy[0, 0]), float(base.leaf_off_doy[0, 0]),
            float(years.stress[0, 0]), scenario,
        ),
        homes=homes,
        places=places,
        approaches=approaches(
            pack.features("streets") if pack.has("streets") and not inventory.generated else None,
            inventory.extent,
        ),
        spread=overlap_of(inventory),
        offset_k=cooling_index(inventory, crowns, scenario.heat_island_k)[1],
        scatter=int(world.rng("scatter", city).integers(2**31)),
        notes=(*inventory.notes, *typical.notes, *homes.notes, *_of_yards(pack, inventory, places),
               *_of_buildings(pack), *_NOTES),
    )  # fmt: skip
    model = CityGreen(
        city, pack.city.timezone, inventory, ground, forest, years, _lookouts(pack, buildings, city, world),
        summary, scenario, world,
    )  # fmt: skip
    if scenario.plant_where == "worst_3_30_300" and len(homes.x_m):
        ground.bare_homes = _bare_homes(model, crowns)
    return model


_NOTES = (
    "growth is borrowed from US cities and scaled by heat sum; intervals are P10 to P90 of the ensemble",
    "leaf dates rest on PhenoCam sites, none of them Estonian or Finnish",
    "pollutant concentrations are means of the scenario",
)


def _of_yards(pack: PackView, inventory: Inventory, places: tuple[Place, ...]) -> tuple[str, ...]:
    """What the light in school yards rests on."""
    if not places:
        return ()
    level = [place.name for place in places if not place.ground_m.any()]
    named = "shade and heat of the yards of " + "; ".join(place.name for place in places)
    lacks = [] if pack.has("buildings") else ["no buildings are known, so that trees alone shade"]
    lacks += ["the trees around are drawn, not mapped (synthetic)"] if inventory.generated else []
    lacks += (
        ["ground is taken as level" + ("" if len(level) == len(places) else f" at {'; '.join(level)}")]
        if level
        else []
    )
    return (named + "".join(f"; {lack}" for lack in lacks),)


def _of_buildings(pack: PackView) -> tuple[str, ...]:
    """How many buildings have no height of their own."""
    if not pack.has("buildings"):
        return ()
    table = pack.features("buildings")
    unknown = int(table["height_m"].isna().sum()) if "height_m" in table else len(table)
    if unknown == 0:
        return ()
    assumed = f"storeys of {STOREY_M:g} m, else {UNKNOWN_BUILDING_M:g} m, are assumed"
    return (f"{unknown} of {len(table)} buildings have no height: {assumed}",)


def _years(
    pack: PackView, typical: TypicalYear, latitude: float, scenario: GreenScenario, world: World, city: str
) -> Years:
    zone = ZoneInfo(pack.city.timezone)
    first, last = (world.at(second).astimezone(zone).year for second in (0, world.end_s - 1))
    roots = replace(PARK_TREE, soaking_share=0.5 + 0.5 * scenario.soaking_share)
    return lived_years(
        typical, latitude, members=scenario.members, years=last - first + 1, warming_k=scenario.warming_k,
        rain_factor=scenario.summer_rain, zone=roots, rng=world.rng("years", city),
    )  # fmt: skip


def _bare_homes(model: CityGreen, crowns: CrownBodies) -> NDArray[np.float64]:
    """The third of the homes that has least of 3-30-300 at the start."""
    homes, forest = model.summary.homes, model.forest
    trees = forest.by_district(np.ones(len(forest.trees)), len(model.inventory.districts))[0]
    rule = three_thirty(homes, model.inventory, crowns, trees, model.district_canopy()[0])
    worst = np.argsort(rule.kept, kind="stable")[: max(round(len(rule.kept) * BARE_SHARE), 1)]
    return np.column_stack([homes.x_m[worst], homes.y_m[worst]])


def _middle(pack: PackView) -> tuple[float, float]:
    """Latitude and longitude of the city's middle."""
    outline = pack.features("districts").to_crs(4326)
    west, south, east, north = outline.total_bounds
    return float((south + north) / 2), float((west + east) / 2)


def _lookouts(pack: PackView, buildings: NDArray[np.object_], city: str, world: World) -> dict[str, Lookout]:
    """School windows and street segments, whose light the other pilots are told."""
    places = {}
    for signal, kind, key in (
        ("window_transmittance", "schools", "school_id"),
        ("street_canopy_transmittance", "streets", "street_id"),
    ):
        table = pack.features(kind).sort_values(key) if pack.has(kind) else None
        world.signals.label(signal, city, [] if table is None else table[key].astype(str).tolist())
        places[signal] = np.empty((0, 2)) if table is None else _middles(table)
    return {
        "window_transmittance": school_windows(places["window_transmittance"], buildings),
        "street_canopy_transmittance": Lookout.of(places["street_canopy_transmittance"], 0.0),
    }


def _middles(table: gpd.GeoDataFrame) -> NDArray[np.float64]:
    geometry = table.geometry.to_numpy()
    lines = shapely.get_type_id(geometry) == shapely.GeometryType.LINESTRING
    middle = shapely.centroid(geometry)
    middle[lines] = shapely.line_interpolate_point(geometry[lines], 0.5, normalized=True)
    return shapely.get_coordinates(middle)


def _places(
    pack: PackView, inventory: Inventory, middle: tuple[float, float], most: int
) -> tuple[Place, ...]:
    """The schools with most trees around them, by name and id."""
    if not pack.has("schools") or most == 0:
        return ()
    schools = pack.features("schools").sort_values("school_id")
    x, y = schools.geometry.centroid.x.to_numpy(), schools.geometry.centroid.y.to_numpy()
    inside = np.flatnonzero(shapely.contains_xy(inventory.extent, x, y))
    trees = shapely.STRtree(np.asarray(shapely.points(inventory.x_m, inventory.y_m), dtype=object))
    near = trees.query(shapely.points(x[inside], y[inside]), predicate="dwithin", distance=60.0)[0]
    count = np.bincount(near, minlength=len(inside))
    chosen = inside[np.argsort(-count, kind="stable")[:most]]
    buildings, green = _buildings(pack), pack.features("green_areas") if pack.has("green_areas") else None
    terrain = pack.cube("terrain")["elevation_m"].load() if pack.has("terrain") else None
    return tuple(
        Place(str(schools["name"].iloc[i]), float(x[i]), float(y[i]), *middle, _around(buildings, x[i], y[i]),
              _around(green, x[i], y[i]), ground_around(terrain, x[i], y[i]))
        for i in chosen
    )  # fmt: skip


def _buildings(pack: PackView) -> gpd.GeoDataFrame | None:
    if not pack.has("buildings"):
        return None
    table = pack.features("buildings")
    height = table.get("height_m", np.nan)
    levels = table["levels"] * STOREY_M if "levels" in table else np.nan
    return table.assign(
        height_m=np.nan_to_num(np.where(np.isnan(height), levels, height), nan=UNKNOWN_BUILDING_M)
    )


def _around(table: gpd.GeoDataFrame | None, x: float, y: float) -> gpd.GeoDataFrame | None:
    return (
        None
        if table is None
        else table[table.intersects(shapely.box(x - 90.0, y - 90.0, x + 90.0, y + 90.0))]
    )
