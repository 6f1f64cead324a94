"""The area a service covers: stops of several cities on one network, and who lives near each.

A rider walks to the nearest stop: where a line bus or tram stops today, or a virtual stop, put where people
live too far from those. Cells of the population that lie too far from any stop on a street are outside the
area, and what their residents ask for is refused and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from geodata.errors import NotReady
from geodata.streets import StreetGraph, combine, snap, travel_times
from pilots.transport.network import Network
from pilots.transport.scenario import TransportScenario
from twin.packs import PackView

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SNAP_M = 300.0
LINK_REACH_M = 1500.0
EARTH_RADIUS_M = 6_371_009.0
CIRCUITY = 1.3
"""Walk over straight distance (Boscoe et al. 2012, The Professional Geographer 64:188-196: 1.2 to 1.4)."""

WALKING_M_S = 1.2
COARSE_M2 = 3e6
"""An area larger than this says nothing of who lives within a walk of a stop."""

PEAKS_H = ((7, 9), (16, 18))
ON_STREET = ("bus", "trolleybus", "tram", "on_demand")


@dataclass(frozen=True)
class Area:
    """Stops, drives between them, and cells with residents.

    Attributes:
        network: Drives between stops; node k is row k of ``stops``.
        stops: Columns ``city``, ``stop_id``, ``name``, ``x_m``, ``y_m``.
        cells: Where trips begin and end. Columns ``city``, ``district_id``, ``x_m``, ``y_m``, ``population``,
            ``young`` (10 to 19), ``activity`` (1 for a place where a line stops), ``stop`` (row of the
            nearest stop), ``walk_m``.
        schools: Columns ``city``, ``pupils``, ``stop``, ``walk_m``.
        districts: Columns ``city``, ``district_id``, ``name``, ``population``.
        crs: Coordinate reference system of all coordinates.
        notes: What must stand beside the numbers, by city.
    """

    network: Network
    stops: pd.DataFrame
    cells: pd.DataFrame
    schools: pd.DataFrame
    districts: pd.DataFrame
    crs: str
    notes: Mapping[str, tuple[str, ...]]


def open_streets(graph: StreetGraph, pack: PackView, closed: Sequence[str]) -> StreetGraph:
    """The network without streets that a scenario closes, by name or id."""
    if not closed or not pack.has("streets"):
        return graph
    streets = pack.features("streets")
    shut = streets["street_id"].isin(closed)
    if "name" in streets:
        shut |= streets["name"].isin(closed)
    gone = np.isin(graph.street_id.astype(str), streets.loc[shut, "street_id"].astype(str).to_numpy())
    return replace(graph, car=graph.car & ~gone)


def neighbourhoods(graphs: Mapping[str, StreetGraph]) -> list[list[str]]:
    """Groups of cities whose streets come near one another; a fleet serves one group.

    Args:
        graphs: The network of each city.

    Returns:
        Cities by group, in order of their ids.
    """
    trees = {city: cKDTree(_on_globe(graph)) for city, graph in sorted(graphs.items())}
    groups: list[list[str]] = []
    for city, tree in trees.items():
        near = [g for g in groups if any(_touch(tree, trees[other]) for other in g)]
        groups = [g for g in groups if g not in near] + [sorted([city, *(c for g in near for c in g)])]
    return sorted(groups)


def _on_globe(graph: StreetGraph) -> FloatArray:
    """Junctions in metres from the centre of the earth, whatever their CRS, shape (junctions, 3)."""
    to_degrees = Transformer.from_crs(graph.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = np.radians(to_degrees.transform(*graph.node_xy.T))
    across = np.cos(latitude)
    unit = [across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)]
    return EARTH_RADIUS_M * np.column_stack(unit)


def _touch(tree: cKDTree, other: cKDTree) -> bool:
    return bool(np.isfinite(tree.query(other.data, distance_upper_bound=LINK_REACH_M)[0]).any())


def area_of(
    packs: Mapping[str, PackView], graphs: Mapping[str, StreetGraph], scenario: TransportScenario
) -> Area:
    """The area that neighbouring cities make together.

    Args:
        packs: A pack for each city.
        graphs: The network of each city.
        scenario: Speeds and walks.

    Returns:
        The area, cities in order of their ids.

    Raises:
        NotReady: A city has no stops near its streets.
    """
    order = sorted(packs)
    graph = combine([graphs[city] for city in order], max_gap_m=LINK_REACH_M)
    cells = pd.concat([_cells(packs[city], graph.crs) for city in order], ignore_index=True)
    stops = _once(pd.concat([_stops(packs[city], graph) for city in order], ignore_index=True))
    stops = pd.concat([stops, _virtual_stops(stops, cells, scenario.max_walk_m)], ignore_index=True)
    places = snap(
        graph, stops[["x_m", "y_m"]].to_numpy(), max_distance_m=SNAP_M, names=stops["stop_id"].tolist()
    )
    standing = places.on_network
    for city in order:
        if not standing[(stops["city"] == city).to_numpy()].any():
            raise NotReady("no stop lies near a street", file=city, field="stops", hint="rebuild the pack")
    stops, places = stops[standing].reset_index(drop=True), places[standing]
    tables = [
        travel_times(_slowed(graph, factor, scenario.top_speed_kmh), places, places, speed_factor=factor)
        for factor in (scenario.speed_factor, scenario.peak_speed_factor)
    ]
    network = Network.from_matrices(
        np.stack([tables[index].seconds for index in (0, 1, 0, 1, 0)]),
        np.array(tables[0].metres),
        slice_start_s=[0.0] + [3600.0 * hour for peak in PEAKS_H for hour in peak],
        x_m=stops["x_m"],
        y_m=stops["y_m"],
    )
    tree = cKDTree(stops[["x_m", "y_m"]].to_numpy())
    schools = pd.concat([_schools(packs[city], graph.crs) for city in order], ignore_index=True)
    for table in (cells, schools):
        metres, nearest = tree.query(table[["x_m", "y_m"]].to_numpy().reshape(-1, 2))
        table["stop"], table["walk_m"] = np.asarray(nearest, np.int64), CIRCUITY * np.asarray(metres)
    districts = pd.concat([_districts(packs[city], cells) for city in order], ignore_index=True)
    notes = {city: _notes(packs[city], tables[0].note) for city in order}
    return Area(network, stops, cells, schools, districts, graph.crs, notes)


def _slowed(graph: StreetGraph, factor: float, top_speed_kmh: float) -> StreetGraph:
    """The network on which nobody drives faster than the top speed once the factor is applied."""
    return replace(graph, car_speed_kmh=np.minimum(graph.car_speed_kmh, top_speed_kmh / factor))


def _stops(pack: PackView, graph: StreetGraph) -> pd.DataFrame:
    stops = pack.features("stops").to_crs(graph.crs)
    if "mode" in stops:
        stops = stops[stops["mode"].isna() | stops["mode"].isin(ON_STREET)]
    stops = stops.sort_values("stop_id", kind="stable")
    inside = pack.features("districts").to_crs(graph.crs).union_all().contains(stops.geometry)
    return pd.DataFrame(
        {
            "city": pack.city.id,
            "inside": np.asarray(inside, np.bool_),
            "stop_id": stops["stop_id"].astype(str).to_numpy(),
            "name": stops["name"].astype(str).to_numpy(),
            "x_m": stops.geometry.x.to_numpy(),
            "y_m": stops.geometry.y.to_numpy(),
        }
    )


def _once(stops: pd.DataFrame) -> pd.DataFrame:
    """Stops near a border that both cities list, kept for the city they lie in."""
    place = stops[["x_m", "y_m"]].round(0)
    same = stops["stop_id"] + place["x_m"].astype(str) + place["y_m"].astype(str)
    first = stops["inside"].groupby(same).idxmax()
    return stops.loc[np.sort(first.to_numpy())].drop(columns="inside").reset_index(drop=True)


def _virtual_stops(stops: pd.DataFrame, cells: pd.DataFrame, max_walk_m: float) -> pd.DataFrame:
    """Stops in the middle of cells whose residents have none within reach, most residents first."""
    reach = max_walk_m / CIRCUITY
    xy = cells[["x_m", "y_m"]].to_numpy()
    far = cKDTree(stops[["x_m", "y_m"]].to_numpy()).query(xy)[0] > reach
    lacking = np.flatnonzero(far & (cells["population"] > 0).to_numpy())
    lacking = lacking[np.argsort(-cells["population"].to_numpy()[lacking], kind="stable")]
    near = cKDTree(xy[lacking]).query_ball_point(xy[lacking], reach) if len(lacking) else []
    covered, chosen = np.zeros(len(lacking), np.bool_), []
    for place in range(len(lacking)):
        if not covered[place]:
            chosen.append(lacking[place])
            covered[near[place]] = True
    return pd.DataFrame(
        {
            "city": cells["city"].to_numpy()[chosen],
            "stop_id": [f"virtual-{number}" for number in range(len(chosen))],
            "name": [f"virtual stop {number}" for number in range(len(chosen))],
            "x_m": xy[chosen, 0],
            "y_m": xy[chosen, 1],
        }
    )


def _cells(pack: PackView, crs: str) -> pd.DataFrame:
    """Residents by place, each in the district it lies in or nearest to.

    A coarse area (a whole parish in one row) says nothing of where in it people live; its residents are
    spread evenly over the stops inside it.
    """
    finest = max(pack.of_kind("population"), key=lambda entry: len(pack.table(entry.id, ["population"])))
    areas = pack.features(finest.id).to_crs(crs).reset_index(drop=True)
    stops = pack.features("stops").to_crs(crs)[["geometry"]]
    coarse = areas[areas.geometry.area > COARSE_M2]
    inside = stops.sjoin(coarse[["geometry"]], how="inner", predicate="within")
    per_area = inside.groupby("index_right").size()
    kept = areas.drop(index=per_area.index)
    row = np.concatenate([kept.index.to_numpy(), inside["index_right"].to_numpy()])
    middle = pd.concat([kept.geometry.representative_point(), inside.geometry]).to_numpy()
    homes = gpd.GeoDataFrame({"cell": row}, geometry=middle, crs=crs)
    share = 1.0 / per_area.reindex(row).fillna(1).to_numpy(np.float64)
    districts = pack.features("districts").to_crs(crs)[["district_id", "geometry"]]
    young = areas["population_10_19"] if "population_10_19" in areas else 0.1 * areas["population"]
    table = _placed(homes, districts).assign(
        city=pack.city.id,
        population=share * np.nan_to_num(areas["population"].to_numpy(dtype=np.float64)[row]),
        young=share * np.nan_to_num(young.to_numpy(dtype=np.float64)[row]),
        activity=0.0,
    )
    active = _placed(stops.sjoin(districts, predicate="within")[["geometry"]], districts)
    lacking = districts[~districts["district_id"].astype(str).isin(active["district_id"])]
    empty = _placed(lacking.set_geometry(lacking.representative_point()), districts)
    places = pd.concat([one for one in (active, empty) if len(one)], ignore_index=True)
    places = places.assign(city=pack.city.id, population=0.0, young=0.0, activity=1.0)
    return pd.concat([table, places], ignore_index=True)


def _placed(points: gpd.GeoDataFrame, districts: gpd.GeoDataFrame) -> pd.DataFrame:
    """Points with the district each lies in or nearest to."""
    points = points[["geometry"]].reset_index(drop=True)
    joined = points.sjoin_nearest(districts, how="left")
    joined = joined[~joined.index.duplicated()].sort_index()
    return pd.DataFrame(
        {
            "district_id": joined["district_id"].astype(str).to_numpy(),
            "x_m": points.geometry.x.to_numpy(),
            "y_m": points.geometry.y.to_numpy(),
        }
    )


def _schools(pack: PackView, crs: str) -> pd.DataFrame:
    columns = ["city", "pupils", "x_m", "y_m"]
    if not pack.has("schools"):
        return pd.DataFrame({name: pd.Series(dtype=np.float64) for name in columns})
    schools = pack.features("schools").to_crs(crs)
    pupils = schools["pupils"] if "pupils" in schools else pd.Series(300.0, index=schools.index)
    return pd.DataFrame(
        {
            "city": pack.city.id,
            "pupils": pupils.fillna(pupils.median() if pupils.notna().any() else 300.0).to_numpy(np.float64),
            "x_m": schools.geometry.x.to_numpy(),
            "y_m": schools.geometry.y.to_numpy(),
        }
    )


def _districts(pack: PackView, cells: pd.DataFrame) -> pd.DataFrame:
    districts = pack.table("districts", ["district_id", "name"])
    own = cells[cells["city"] == pack.city.id]
    residents = own.groupby("district_id")["population"].sum()
    return pd.DataFrame(
        {
            "city": pack.city.id,
            "district_id": districts["district_id"].astype(str).to_numpy(),
            "name": districts["name"].astype(str).to_numpy(),
            "population": districts["district_id"].astype(str).map(residents).fillna(0.0).to_numpy(),
        }
    )


def _notes(pack: PackView, streets: str) -> tuple[str, ...]:
    notes = [streets] if streets else []
    finest = max(pack.of_kind("population"), key=lambda entry: len(pack.table(entry.id, ["population"])))
    if (pack.features(finest.id).to_crs(pack.city.crs).geometry.area > COARSE_M2).any():
        notes.append(f"residents of coarse areas of {pack.city.name} are spread evenly over the stops inside")
    if pack.has("headways"):
        known = pack.table("headways", ["day_type", "start_h", "end_h"])
        known = known[known["day_type"].isin(("weekday", "daily"))]
        if len(known) and (known["start_h"].min() > 9 or known["end_h"].max() < 18):
            first, last = known["start_h"].min(), known["end_h"].max()
            notes.append(
                f"line buses of {pack.city.name} are known from {first:g} to {last:g} h and stand for the day"
            )
    if not pack.has("schools"):
        notes.append(f"{pack.city.name} shares no schools; trips to school are left out there")
    return tuple(notes)
