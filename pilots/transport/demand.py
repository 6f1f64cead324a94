"""Who wants to go where, and when: requests drawn from trips between districts, residents, and schools.

All residents together make a total anybody can check: residents times trips a day. Where a city shares its
origin-destination table, that total is spread over pairs of districts as the table has it; elsewhere by
gravity, half of the trips going out from home and half coming back. Within a district one end of a trip in
two is a home, the other a place where a line stops; hours follow a profile with two peaks. Trips to school
are between seven and nine.

Source of the gravity law: Wilson 1967, Transportation Research 1:253-269.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

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

HOME_SHARE = 0.5
"""Share of trip ends that are homes: a trip from home or back has one such end of two."""


@dataclass(frozen=True)
class Demand:
    """All trips that residents make on a day, between districts of all cities.

    Attributes:
        flow: Trips a day, shape (districts, districts), in the order of the area's districts.
        notes: Where they come from, by city.
    """

    flow: FloatArray
    notes: Mapping[str, str]


def demand_of(area: Area, packs: Mapping[str, PackView], trips_per_resident: float) -> Demand:
    """Trips between districts: the cities' own tables, scaled to residents times trips, or gravity.

    Args:
        area: Cells with residents, districts.
        packs: Where each city's trips between districts are.
        trips_per_resident: Trips a day of a resident.

    Returns:
        The demand; its total is residents times trips a day.
    """
    places = area.districts
    known = pd.Index(places["city"] + "/" + places["district_id"])
    made = trips_per_resident * places["population"].to_numpy(np.float64)
    flow, notes = np.zeros((len(known), len(known))), {}
    gravity = _gravity(area)
    for city, pack in sorted(packs.items()):
        own = (places["city"] == city).to_numpy()
        table, pairs, strange = _table(pack, city, known)
        listed = own & (table.sum(axis=1) > 0)
        guessed = own & ~listed
        if listed.any():
            flow += table * (made[listed].sum() / table.sum())
        outward = np.zeros_like(flow)
        outward[guessed] = made[guessed, None] * gravity[guessed]
        flow += (outward + outward.T) / 2
        notes[city] = _note(pack, pairs, float(made[own].sum()), trips_per_resident)
        if strange:
            notes[city] += f"; {strange:,} of its rows name a district that no city of the run has"
    return Demand(flow, notes)


def _note(pack: PackView, pairs: int, made: float, trips_per_resident: float) -> str:
    total = f"{made:,.0f} trips a day of residents of {pack.city.name} ({trips_per_resident:g} each)"
    if pairs == 0:
        return f"{total} are spread by gravity, for want of a table of trips"
    grade = pack.dataset("trips").provenance.grade
    return f"{total} are spread over {pairs:,} pairs of districts as its table of trips has them ({grade})"


def _table(pack: PackView, city: str, known: pd.Index) -> tuple[FloatArray, int, int]:
    """A pack's trips between districts of all cities, shape (districts, districts).

    With it how many pairs have trips, and how many rows name a district that is not there.
    """
    flow, strange = np.zeros((len(known), len(known))), 0
    for entry in pack.of_kind("trips") if pack.has("trips") else ():
        table = pack.table(entry.id, ["origin_id", "destination_id", "trips"])
        ends = []
        for column in ("origin_id", "destination_id"):
            names = table[column].astype(str)
            own = names.where(names.str.contains("/", regex=False), f"{city}/" + names)
            ends.append(known.get_indexer(pd.Index(own)))
        found = (ends[0] >= 0) & (ends[1] >= 0)
        strange += int((~found).sum())
        weight = table["trips"].to_numpy(dtype=np.float64)
        np.add.at(flow, (ends[0][found], ends[1][found]), weight[found])
    return flow, int((flow > 0).sum()), strange


def _gravity(area: Area) -> FloatArray:
    """Share of each district in destinations of trips from each: residents times a decay with distance."""
    cells = area.cells
    weight = np.maximum(cells["population"].to_numpy(), 1e-9)
    place = cells["city"] + "/" + cells["district_id"]
    total = pd.Series(weight).groupby(place).sum()
    x = (cells["x_m"] * weight).groupby(place).sum() / total
    y = (cells["y_m"] * weight).groupby(place).sum() / total
    key = area.districts["city"] + "/" + area.districts["district_id"]
    at = np.stack([key.map(x), key.map(y)], axis=1)
    apart = np.hypot(at[:, None, 0] - at[None, :, 0], at[:, None, 1] - at[None, :, 1])
    residents = area.districts["population"].to_numpy(np.float64)
    pull = np.nan_to_num(residents[None, :] * np.exp(-apart / DECAY_M))
    return np.asarray(pull / np.maximum(pull.sum(axis=1, keepdims=True), 1e-12), dtype=np.float64)


def draw_trips(
    area: Area,
    demand: Demand,
    total: int,
    school_share: float,
    generators: Mapping[str, np.random.Generator],
    *,
    weekend: bool,
) -> pd.DataFrame:
    """Draw a day's trips of all cities.

    Args:
        area: Stops, cells, schools.
        demand: Trips between districts.
        total: Number of trips, shared among cities by the trips that begin there.
        school_share: Share that go to school on a weekday.
        generators: A generator for each city.
        weekend: Whether it is a day at the weekend.

    Returns:
        One row per trip in order of time: ``city``, ``district_id`` (of origin), ``origin_cell``,
        ``destination_cell`` (rows of the area's cells; -1 for a school), ``school`` (row of schools or -1),
        ``second`` of the day.
    """
    begun = pd.Series(demand.flow.sum(axis=1)).groupby(area.districts["city"].to_numpy()).sum().sort_index()
    counts = dict(zip(begun.index, shared_out(total, begun.to_numpy()).tolist(), strict=True))
    share, profile = (0.0, WEEKEND) if weekend else (school_share, WEEKDAY)
    tables = [
        _trips_of(area, demand, city, counts.get(city, 0), share, profile, generators[city])
        for city in sorted(generators)
    ]
    trips = pd.concat(tables, ignore_index=True)
    return trips.sort_values("second", kind="stable").reset_index(drop=True)


def shared_out(total: int, weight: ArrayLike) -> NDArray[np.int64]:
    """Whole shares of a total by weight, largest remainders first (Hamilton's method), shape (shares,)."""
    weights = np.asarray(weight, dtype=np.float64)
    exact = total * weights / max(float(weights.sum()), 1e-9)
    shares = np.floor(exact).astype(np.int64)
    shares[np.argsort(shares - exact, kind="stable")[: total - int(shares.sum())]] += 1
    return shares


def _trips_of(
    area: Area,
    demand: Demand,
    city: str,
    count: int,
    school_share: float,
    profile: FloatArray,
    generator: np.random.Generator,
) -> pd.DataFrame:
    cells = area.cells
    schools = np.flatnonzero((area.schools["city"] == city).to_numpy())
    to_school = generator.random(count) < (school_share if len(schools) else 0.0)
    at_home = np.flatnonzero((cells["city"] == city).to_numpy())
    pupils_home = at_home[_draw(cells["young"].to_numpy()[at_home], generator.random(count))]
    ends = _ends(area, demand, city, generator.random((4, count)))
    origin = np.where(to_school, pupils_home, ends[0])
    school = np.full(count, -1)
    chance = generator.random(count)
    if len(schools):
        pupils = area.schools["pupils"].to_numpy()[schools]
        school = np.where(to_school, schools[_draw(pupils, chance)], -1)
    second = _seconds(profile, generator.random(count), generator.random(count))
    at_school = 3600 * (SCHOOL_HOURS[0] + (SCHOOL_HOURS[1] - SCHOOL_HOURS[0]) * generator.random(count))
    return pd.DataFrame(
        {
            "city": city,
            "district_id": cells["district_id"].to_numpy()[origin],
            "origin_cell": origin,
            "destination_cell": np.where(to_school, -1, ends[1]),
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


def _ends(area: Area, demand: Demand, city: str, chance: FloatArray) -> NDArray[np.int64]:
    """Cells that trips of a city begin and end in, shape (2, trips): districts by flow, then a cell."""
    places = area.districts
    flow = np.where((places["city"] == city).to_numpy()[:, None], demand.flow, 0.0)
    pair = _draw(flow.ravel(), chance[0])
    cell_of = _Cells(area)
    return np.stack([cell_of(end, chance[k + 1]) for k, end in enumerate(divmod(pair, len(places)))])


class _Cells:
    """A cell within each district: a home, or a place where a line stops."""

    def __init__(self, area: Area) -> None:
        cells, places = area.cells, area.districts
        known = pd.Index(places["city"] + "/" + places["district_id"])
        self.district = known.get_indexer(pd.Index(cells["city"] + "/" + cells["district_id"]))
        self.weight = np.zeros(len(cells))
        for column, share in (("population", HOME_SHARE), ("activity", 1 - HOME_SHARE)):
            value = cells[column].to_numpy(np.float64)
            total = np.bincount(self.district, value, minlength=len(known))[self.district]
            self.weight += share * value / np.where(total > 0, total, 1.0)
        self.order = np.argsort(self.district, kind="stable")
        self.reached = np.cumsum(self.weight[self.order])
        upto = np.searchsorted(self.district[self.order], np.arange(len(known) + 1))
        self.bounds = np.concatenate([[0.0], self.reached])[upto]

    def __call__(self, district: NDArray[np.int64], chance: FloatArray) -> NDArray[np.int64]:
        low, high = self.bounds[district], self.bounds[district + 1]
        found = np.searchsorted(self.reached, low + chance * (high - low), side="right")
        return np.asarray(self.order[np.minimum(found, len(self.order) - 1)], dtype=np.int64)
