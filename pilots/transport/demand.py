"""Who wants to go where, and when: requests drawn from residents, trips between districts, and schools.

Trips begin where people live, end in districts as the city's own origin–destination table says (or, without
one, by gravity), and are spread over the day with two peaks. Trips to school are between seven and nine.

Source of the gravity law: Wilson 1967, Transportation Research 1:253-269.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.transport.area import Area
from twin.packs import PackView

FloatArray = NDArray[np.float64]

WEEKDAY = np.array(
    [
        0.3,
        0.2,
        0.1,
        0.1,
        0.3,
        1.2,
        3.5,
        8.5,
        8.0,
        5.0,
        4.5,
        5.0,
        5.5,
        5.5,
        6.0,
        8.0,
        9.0,
        8.5,
        6.5,
        5.0,
        3.5,
        2.8,
        1.8,
        1.2,
    ]
)
"""Share of a weekday's trips by hour of start, in per cent: stylised, peaks at 7-9 and 15-18 as household
travel surveys show them (e.g. UK National Travel Survey, table NTS0502). Replace by a city's own counts."""

WEEKEND = np.array(
    [
        0.8,
        0.5,
        0.3,
        0.2,
        0.2,
        0.4,
        0.9,
        2.0,
        3.8,
        6.0,
        7.8,
        8.4,
        8.6,
        8.2,
        7.8,
        7.4,
        7.0,
        6.6,
        6.0,
        5.2,
        4.2,
        3.4,
        2.5,
        1.8,
    ]
)
"""The same for a day at the weekend, with one broad peak at midday."""

DECAY_M = 5000.0
"""Distance over which gravity falls to 1/e; used only where a city shares no trips."""

SCHOOL_HOURS = (7.0, 9.0)


def draw_trips(
    area: Area,
    packs: Mapping[str, PackView],
    total: int,
    school_share: float,
    generators: Mapping[str, np.random.Generator],
    *,
    weekend: bool,
) -> pd.DataFrame:
    """Draw a day's trips of all cities.

    Args:
        area: Stops, cells, schools.
        packs: Where each city's trips between districts are.
        total: Number of trips, shared among cities by residents.
        school_share: Share that go to school on a weekday.
        generators: A generator for each city.
        weekend: Whether it is a day at the weekend.

    Returns:
        One row per trip in order of time: ``city``, ``district_id`` (of origin), ``origin_cell``,
        ``destination_cell`` (rows of the area's cells; -1 for a school), ``school`` (row of schools or -1),
        ``second`` of the day.
    """
    profile = WEEKEND if weekend else WEEKDAY
    residents = area.cells.groupby("city")["population"].sum()
    counts = (total * residents / max(residents.sum(), 1e-9)).round().astype(int)
    tables = [
        _trips_of(
            area, packs, city, int(counts[city]), 0.0 if weekend else school_share, profile, generators[city]
        )
        for city in sorted(packs)
    ]
    trips = pd.concat(tables, ignore_index=True)
    return trips.sort_values("second", kind="stable").reset_index(drop=True)


def _trips_of(
    area: Area,
    packs: Mapping[str, PackView],
    city: str,
    count: int,
    school_share: float,
    profile: FloatArray,
    generator: np.random.Generator,
) -> pd.DataFrame:
    cells = area.cells
    own = np.flatnonzero((cells["city"] == city).to_numpy())
    schools = np.flatnonzero((area.schools["city"] == city).to_numpy())
    to_school = generator.random(count) < (school_share if len(schools) else 0.0)
    young = cells["young"].to_numpy()[own]
    living = cells["population"].to_numpy()[own]
    origin = own[_draw(living, generator.random(count))]
    pupils_home = own[_draw(young, generator.random(count))]
    origin = np.where(to_school, pupils_home, origin)
    school = np.full(count, -1)
    if len(schools):
        pupils = area.schools["pupils"].to_numpy()[schools]
        school = np.where(to_school, schools[_draw(pupils, generator.random(count))], -1)
    destination = np.where(to_school, -1, _destinations(area, packs, city, origin, generator))
    second = _seconds(profile, generator.random(count), generator.random(count))
    at_school = 3600 * (SCHOOL_HOURS[0] + (SCHOOL_HOURS[1] - SCHOOL_HOURS[0]) * generator.random(count))
    return pd.DataFrame(
        {
            "city": city,
            "district_id": cells["district_id"].to_numpy()[origin],
            "origin_cell": origin,
            "destination_cell": destination,
            "school": school,
            "second": np.where(to_school, at_school, second).round(),
        }
    )


def _draw(weight: FloatArray, chance: FloatArray) -> NDArray[np.int64]:
    """Indices drawn with probability proportional to weights; evenly where all weights are zero."""
    weight = weight if weight.sum() > 0 else np.ones_like(weight)
    reached = np.cumsum(weight)
    found = np.searchsorted(reached, chance * reached[-1], side="right")
    return np.asarray(np.minimum(found, len(weight) - 1), dtype=np.int64)


def _seconds(by_hour: FloatArray, hour_chance: FloatArray, within: FloatArray) -> FloatArray:
    return 3600.0 * (_draw(by_hour, hour_chance) + within)


def _destinations(
    area: Area,
    packs: Mapping[str, PackView],
    city: str,
    origin: NDArray[np.int64],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """A cell for each trip's end: a district by the trips from the origin's, then a cell by residents."""
    cells = area.cells
    places = area.districts
    key = (places["city"] + "/" + places["district_id"]).to_numpy()
    cell_key = (cells["city"] + "/" + cells["district_id"]).to_numpy()
    known = pd.Index(key)
    flow = _flows(area, packs[city], city, known)
    chance, within = generator.random(len(origin)), generator.random(len(origin))
    destination = np.zeros(len(origin), np.int64)
    district = known.get_indexer(cell_key[origin])
    population = cells["population"].to_numpy()
    members = {place: np.flatnonzero(cell_key == place) for place in np.unique(cell_key)}
    target = np.zeros(len(origin), np.int64)
    for one in np.unique(district):
        rows = np.flatnonzero(district == one)
        target[rows] = _draw(flow[one], chance[rows])
    for one in np.unique(target):
        rows = np.flatnonzero(target == one)
        choice = members.get(key[one], np.arange(len(cells)))
        destination[rows] = choice[_draw(population[choice], within[rows])]
    return destination


def _flows(area: Area, pack: PackView, city: str, known: pd.Index) -> FloatArray:
    """Trips between districts of all cities, shape (districts, districts), from the pack or by gravity."""
    flow = np.zeros((len(known), len(known)))
    if pack.has("trips"):
        for entry in pack.of_kind("trips"):
            table = pack.table(entry.id, ["origin_id", "destination_id", "trips"])
            ends = []
            for column in ("origin_id", "destination_id"):
                names = table[column].astype(str)
                own = names.where(names.str.contains("/", regex=False), f"{city}/" + names)
                ends.append(known.get_indexer(pd.Index(own)))
            found = (ends[0] >= 0) & (ends[1] >= 0)
            weight = table["trips"].to_numpy(dtype=np.float64)
            np.add.at(flow, (ends[0][found], ends[1][found]), np.nan_to_num(weight[found]))
    lacking = np.flatnonzero(flow.sum(axis=1) == 0)
    if len(lacking):
        flow[lacking] = _gravity(area)[lacking]
    return flow


def _gravity(area: Area) -> FloatArray:
    """Residents of the destination times a decay with distance."""
    cells = area.cells
    weight = np.maximum(cells["population"].to_numpy(), 1e-9)
    place = cells["city"] + "/" + cells["district_id"]
    total = pd.Series(weight).groupby(place).sum()
    x = (cells["x_m"] * weight).groupby(place).sum() / total
    y = (cells["y_m"] * weight).groupby(place).sum() / total
    key = area.districts["city"] + "/" + area.districts["district_id"]
    at = np.stack([key.map(x), key.map(y)], axis=1)
    apart = np.hypot(at[:, None, 0] - at[None, :, 0], at[:, None, 1] - at[None, :, 1])
    residents = area.districts["population"].to_numpy()
    return np.asarray(np.nan_to_num(residents[None, :] * np.exp(-apart / DECAY_M)), dtype=np.float64)
