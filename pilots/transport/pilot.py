"""The pilot: on-demand shared transport over neighbouring cities, one fleet across their border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from geodata.streets import StreetGraph, street_graph
from pilots.transport.alternatives import LineBus, choose, line_bus
from pilots.transport.area import Area, area_of, neighbourhoods, open_streets
from pilots.transport.demand import Demand, demand_of, draw_trips, shared_out
from pilots.transport.economics import DEFINITIONS as OF_MONEY
from pilots.transport.feeder import fed, feeders
from pilots.transport.fleet import Fleet, Rest
from pilots.transport.imported import check_requests, imported_requests
from pilots.transport.indicators import DEFINITIONS as OF_SERVICE
from pilots.transport.indicators import Indicator
from pilots.transport.lines import Lines, lines_of
from pilots.transport.model import CityTransport, SharedService
from pilots.transport.named import check_names
from pilots.transport.policy import Policy
from pilots.transport.requests import read_requests
from pilots.transport.scenario import TransportScenario
from pilots.transport.service import Service
from pilots.transport.vehicles import setting_by_vehicle, types_of
from twin.packs import PackView
from twin.pilot import CityModel, Domain, InputFile, Kpi, Need, Pilot, Signal
from twin.world import World

DAY_S = 86_400
VEHICLES_PER_DEPOT = 20
FRIDAY, SATURDAY = 4, 5
HEADLINES = ("service_rate", "vehicles", "wait_mean_s", "vehicle_km", "cost_per_ride_eur")
"""Indicators that planners look at first; the first two make the frontier of a sweep."""

SHARES = ("_share", "_rate", "_rate_bound", "_rate_spread", "_rate_gini", "fleet_utilisation")
"""How the names of indicators end that are shares of a whole."""

_SOURCES = {
    "M": "MATSim drt_customer_stats, drt_vehicle_stats",
    "F": "FleetPy standard_eval",
    "T": "TCRP Report 124 (2008)",
    "N": "FTA National Transit Database glossary",
    "A": "Alonso-Mora et al. 2017, PNAS 114:462-467",
    "AG": "Alonso-González et al. 2018, Transportation Research Record 2672(8)",
    "E": "Delbosc & Currie 2011, Journal of Transport Geography 19:1252-1259",
    "B": "relaxation: vehicles without limit, every place filled",
    "O": "residents times trips_per_resident, spread as the city's table of trips or by gravity",
    "Q": "Chandra & Quadrifoglio 2013, Transportation Research B 47:43-55",
    "X": "Gaul, Klamroth & Stiglmayr 2022, European Journal of Operational Research 301:1046-1067",
    "C": "McFadden 1974; Ben-Akiva & Lerman 1985",
}

_OF_CITY = (
    Indicator(
        "access_gain_mean_min", "min", "higher", "door to door by line bus less by the service; rides", "AG"
    ),
    Indicator("access_new_share", "1", "higher", "share of rides between places no line bus joins", "AG"),
    Indicator(
        "worst_district_service_rate", "1", "higher", "least service rate of a district of origin", "E"
    ),
    Indicator("district_service_rate_spread", "1", "lower", "greatest less least of the same", "E"),
    Indicator("district_service_rate_gini", "1", "lower", "Gini of the same, weighted by residents", "E"),
    Indicator(
        "worst_district_wait_p95_s", "s", "lower", "greatest 95th percentile of waits of a district", "E"
    ),
    Indicator(
        "district_access_palma", "1", "lower", "Palma ratio of access gain, least 0, by residents", "E"
    ),
    Indicator(
        "service_rate_bound", "1", "neither", "share of requests any fleet could serve by these rules", "B"
    ),
    Indicator(
        "vehicle_km_bound", "km", "neither", "riders' direct kilometres over places; no plan needs less", "B"
    ),
    Indicator(
        "plan_gap", "1", "lower", "plan's km / proven least - 1; ten booked rides of the busiest time", "X"
    ),
    Indicator("connections", "1", "higher", "rides to or from a line with a kept connection", "Q"),
    Indicator("connections_kept_share", "1", "higher", "of feeder rides carried, those in time", "Q"),
    Indicator("connection_wait_mean_s", "s", "lower", "time at the stop between service and line", "Q"),
    Indicator("potential_trips", "1", "neither", "trips a day that begin here", "O"),
    Indicator("demand_share", "1", "neither", "requests / potential trips of the same days", "O"),
    Indicator("on_demand_share", "1", "neither", "mean probability of taking the service", "C"),
    Indicator("line_bus_share", "1", "neither", "mean probability of taking a line bus", "C"),
    Indicator("walk_share", "1", "neither", "mean probability of walking", "C"),
)


_WORDS = {"co2": "CO2", "eur": "EUR", "kwh": "kWh", "p95": "95th percentile"}


def _kpi(one: Indicator) -> Kpi:
    source = "; ".join(_SOURCES[mark.strip()] for mark in one.source.split(","))
    words = [
        _WORDS.get(word, word)
        for word in (one.key if one.unit == "km" else one.key.removesuffix(f"_{one.unit.lower()}")).split("_")
    ]
    title = " ".join(words)
    title = title if title[:3].isupper() else title[0].upper() + title[1:]
    share = one.key.endswith(SHARES)
    return Kpi(one.key, title, one.unit, one.better, one.definition, source, share)  # type: ignore[arg-type]


class Transport(Pilot):
    """On-demand shared transport."""

    id = "transport"
    title = "On-demand shared transport"
    titles = {"et": "Nõudetransport", "fi": "Kutsuliikenne"}  # noqa: RUF012
    domain = Domain.MOBILITY
    version = "1.0.0"
    needs = (
        Need("districts", "results are reported by district", columns=("district_id", "name")),
        Need("population", "requests start where people live", columns=("population",)),
        Need("stops", "riders board and alight at stops"),
        Need("streets", "vehicles drive on them", instead=("rides",)),
        Need("rides", "journeys by line bus to compare with", optional=True),
        Need("lines", "which rides are on streets", optional=True),
        Need("headways", "waits for line buses", optional=True),
        Need("trips", "shares of origin and destination; gravity without", optional=True),
        Need("schools", "trips to school", optional=True),
    )
    files = (
        InputFile("requests_file", "requests", "text/csv", ".csv", "riders' requests, one a row"),
    )  # fmt: skip
    writes = (Signal("ev_charging_power", "kW", "Mean power drawn by charging on-demand vehicles."),)
    kpis = tuple(
        sorted(
            (_kpi(one) for one in (*OF_SERVICE, *OF_MONEY, *_OF_CITY)),
            key=lambda kpi: HEADLINES.index(kpi.id) if kpi.id in HEADLINES else len(HEADLINES),
        )
    )
    Scenario = TransportScenario
    replications = 4
    frontiers = (("service_rate", "vehicles"), ("wait_mean_s", "vehicle_km"))

    def check_file(self, field: str, file: Path) -> Mapping[str, int]:  # noqa: ARG002 - there is only one
        """Read a file of requests; says how many it holds."""
        return {"requests": check_requests(file)}

    def build(
        self, packs: Mapping[str, PackView], scenario: TransportScenario, world: World
    ) -> Mapping[str, CityModel]:
        """One service for neighbouring cities, and a model of each city's part.

        Repetitions of a run share what chance does not touch: the area of the first is kept for the others.
        """
        cities = sorted(packs)
        local = world.start.astimezone(ZoneInfo(packs[cities[0]].city.timezone))
        if (local.hour, local.minute, local.second) != (0, 0, 0):
            raise InvalidInput(
                "a run of transport begins at midnight",
                field="start",
                value=str(local),
                expected="00:00 local time",
            )
        if world.replication == 0:
            check_names(packs, scenario)
        graphs = {
            city: open_streets(street_graph(packs[city]), packs[city], scenario.closed_streets)  # type: ignore[arg-type]
            for city in cities
        }
        models: dict[str, CityModel] = {}
        groups = neighbourhoods(graphs)
        residents = np.array([_residents([packs[city] for city in group]) for group in groups])
        vehicles, requests = (
            shared_out(total, residents) for total in (scenario.fleet_size, scenario.requests_per_day)
        )
        if world.replication == 0:
            self._places = [
                _place({city: packs[city] for city in group}, graphs, scenario, local.weekday())
                for group in groups
            ]
        parts = zip(groups, self._places, vehicles.tolist(), requests.tolist(), strict=True)
        for group, place, fleet_size, total in parts:
            part = scenario.model_copy(update={"fleet_size": fleet_size, "requests_per_day": total})
            shared = _shared_service(place, group, part, world, local.weekday())
            models |= {city: CityTransport(city, shared, world) for city in group}
        return models


def _residents(packs: Sequence[PackView]) -> float:
    return float(sum(_finest(pack)["population"].sum() for pack in packs))


def _finest(pack: PackView) -> pd.DataFrame:
    """The dataset of residents with most rows."""
    tables = [pack.table(entry.id, ["population"]) for entry in pack.of_kind("population")]
    return max(tables, key=len)


@dataclass(frozen=True)
class _Place:
    """What the repetitions of a run share: stops, drives, lines, and where trips go."""

    area: Area
    lines: Lines | None
    demand: Demand


def _place(
    packs: Mapping[str, PackView], graphs: Mapping[str, StreetGraph], scenario: TransportScenario, day: int
) -> _Place:
    """The area of neighbouring cities, its lines and its demand on a day of the week."""
    area = area_of(packs, graphs, scenario)
    demand = demand_of(area, packs, scenario.trips_per_resident)
    notes = {city: (*area.notes[city], demand.notes[city]) for city in packs}
    day_type = ("weekday", "saturday", "sunday")[max(0, day - FRIDAY)]
    return _Place(
        replace(area, notes=notes), lines_of(area, packs, day_type, scenario.withdrawn_lines), demand
    )


def _shared_service(
    place: _Place, cities: Sequence[str], scenario: TransportScenario, world: World, weekday: int
) -> SharedService:
    """The service of neighbouring cities, ready to run."""
    area, first = place.area, min(cities)
    trips = _trips(place, cities, scenario, world, weekday)
    bus = line_bus(place.lines, trips)
    taken, share = choose(area, trips, bus, scenario, world.rng("choice", first).random(len(trips)))
    shares = {city: share[:, (trips["city"] == city).to_numpy()] for city in cities}
    if not scenario.demand_by_choice:
        taken = np.ones(len(trips), np.bool_)
    trips["reason"] = _refusals(trips, bus, scenario)
    phase = world.rng("timetable", first).random(area.network.nodes)
    feeder = feeders(area, place.lines, trips, scenario, phase)
    kept = fed(trips, feeder, 60 * scenario.connection_min)[taken]
    days = max(1, -(-world.end_s // DAY_S))
    fleet, policy = fleet_of(area, scenario, days), policy_of(scenario)
    service = Service(
        world.env,
        area.network,
        read_requests(kept.assign(id=kept.index), area.network, fleet, policy),
        fleet,
        policy,
        np.random.SeedSequence(int(world.rng("chance", first).integers(2**63))),
    )
    begun = pd.Series(place.demand.flow.sum(axis=1)).groupby(area.districts["city"].to_numpy()).sum()
    return SharedService(area, service, kept, bus.only(taken), shares, begun, scenario, world.end_s / DAY_S)


def _trips(
    place: _Place, cities: Sequence[str], scenario: TransportScenario, world: World, weekday: int
) -> pd.DataFrame:
    """Trips of all days of the run, as requests between stops."""
    if scenario.requests_file:
        trips = imported_requests(place.area, scenario.requests_file, scenario.max_walk_m)
        return trips[trips["city"].isin(cities)].reset_index(drop=True)
    generators = {city: world.rng("trips", city) for city in cities}
    days = max(1, -(-world.end_s // DAY_S))
    total, school_share = requests_of(scenario, place.demand), scenario.school_share
    drawn = [
        draw_trips(
            place.area, place.demand, total, school_share, generators, weekend=(weekday + day) % 7 >= SATURDAY
        )
        for day in range(days)
    ]
    table = pd.concat([trips.assign(day=day) for day, trips in enumerate(drawn)], ignore_index=True)
    return _requests(place.area, table, scenario, world, min(cities))


def requests_of(scenario: TransportScenario, demand: Demand) -> int:
    """Requests a day: as given, or a share of all trips that residents make."""
    if scenario.demand_share > 0:
        return round(scenario.demand_share * float(demand.flow.sum()))
    return scenario.requests_per_day


def _requests(
    area: Area, drawn: pd.DataFrame, scenario: TransportScenario, world: World, first: str
) -> pd.DataFrame:
    """Trips as requests between stops; -1 for an end beyond walking distance of any stop."""
    cells, schools = area.cells, area.schools
    origin_cell = drawn["origin_cell"].to_numpy()
    school = drawn["school"].to_numpy()
    ends = cells["stop"].to_numpy()[drawn["destination_cell"].clip(lower=0)]
    end_walk = cells["walk_m"].to_numpy()[drawn["destination_cell"].clip(lower=0)]
    if len(schools):
        at_school = school >= 0
        ends = np.where(at_school, schools["stop"].to_numpy()[np.maximum(school, 0)], ends)
        end_walk = np.where(at_school, schools["walk_m"].to_numpy()[np.maximum(school, 0)], end_walk)
    start_walk = cells["walk_m"].to_numpy()[origin_cell]
    if scenario.districts_served:
        outside = ~cells["district_id"].isin(scenario.districts_served).to_numpy()
        start_walk = np.where(outside[origin_cell], np.inf, start_walk)
        to_cell = (school < 0) & outside[drawn["destination_cell"].clip(lower=0)]
        end_walk = np.where(to_cell, np.inf, end_walk)
    wheelchair = world.rng("wheelchairs", first).random(len(drawn)) < scenario.wheelchair_share
    booked = world.rng("booking", first).random(len(drawn)) < scenario.prebooked_share
    second = drawn["second"].to_numpy() + DAY_S * drawn["day"].to_numpy()
    return pd.DataFrame(
        {
            "city": drawn["city"].to_numpy(),
            "district_id": drawn["district_id"].to_numpy(),
            "origin": np.where(start_walk <= scenario.max_walk_m, cells["stop"].to_numpy()[origin_cell], -1),
            "destination": np.where(end_walk <= scenario.max_walk_m, ends, -1),
            "walk_m": start_walk + end_walk,
            "school": school >= 0,
            "request_time_s": np.where(booked, DAY_S * drawn["day"].to_numpy(), second).astype(np.float64),
            "earliest_s": second.astype(np.float64),
            "seats": np.where(wheelchair, 0, 1),
            "wheelchair_places": np.where(wheelchair, 1, 0),
        }
    )


def _refusals(trips: pd.DataFrame, bus: LineBus, scenario: TransportScenario) -> list[str]:
    """Refusals by the rules of the service: its hours, and the line bus that must not be doubled."""
    hour = trips["earliest_s"].to_numpy() % DAY_S / 3600
    closed = (hour < scenario.service_start_h) | (hour > scenario.service_end_h)
    closed &= trips["earliest_s"].to_numpy() >= 0  # what is no time at all is refused as such
    served = np.zeros(len(trips), np.bool_)
    if scenario.line_bus_rule_min > 0:
        served = bus.serves_every(60 * scenario.line_bus_rule_min)
    return [
        "outside_hours" if c else "line_bus_available" if s else ""
        for c, s in zip(closed, served, strict=True)
    ]


def policy_of(scenario: TransportScenario) -> Policy:
    """The rules of a scenario."""
    return Policy(
        max_wait_s=60 * scenario.max_wait_min,
        max_ride_factor=scenario.max_ride_factor,
        max_ride_extra_s=60 * scenario.max_ride_extra_min,
        boarding_s=scenario.boarding_s,
        alighting_s=scenario.alighting_s,
        drive_weight=scenario.drive_weight,
        wait_weight=scenario.wait_weight,
        ride_weight=scenario.ride_weight,
        rebalance_every_s=60 * scenario.rebalance_every_min,
        plan_steps=scenario.plan_steps,
    )


def fleet_of(area: Area, scenario: TransportScenario, days: int) -> Fleet:
    """Vehicles at depots: cities share them by residents, a depot for every twenty of them."""
    starts = _depots(area, scenario.fleet_size)
    kind = types_of(starts, scenario.vehicle_types)

    def each(name: str) -> NDArray[np.float64]:
        return setting_by_vehicle(scenario, kind, name)

    rests = tuple(
        Rest(vehicle, DAY_S * day + 11 * 3600.0, DAY_S * day + 13 * 3600.0, 60 * scenario.break_min)
        for vehicle in range(len(starts))
        for day in range(days)
        if scenario.break_min > 0
    )
    return Fleet.of(
        starts,
        seats=each("seats"),
        wheelchair_places=each("wheelchair_places"),
        range_m=np.where(each("range_km") > 0, 1000 * each("range_km"), np.inf),
        consumption_kwh_per_km=each("consumption_kwh_per_km"),
        charge_kw=each("charge_kw"),
        mean_time_between_failures_s=np.where(
            each("hours_between_failures") > 0, 3600 * each("hours_between_failures"), np.inf
        ),
        mean_repair_s=3600 * each("repair_h"),
        rests=rests,
        chargers=scenario.chargers_per_depot,
    )


def _depots(area: Area, vehicles: int) -> NDArray[np.int64]:
    """The stop each vehicle starts at: those with most residents around, one per twenty vehicles."""
    residents = area.cells.groupby("city")["population"].sum().sort_index()
    counts = dict(zip(residents.index, shared_out(vehicles, residents.to_numpy()).tolist(), strict=True))
    around = area.cells.groupby("stop")["population"].sum().reindex(range(len(area.stops)), fill_value=0.0)
    starts: list[int] = []
    for city, count in counts.items():
        stops = np.flatnonzero((area.stops["city"] == city).to_numpy())
        best = stops[np.argsort(-around.to_numpy()[stops], kind="stable")]
        depots = best[: max(1, -(-count // VEHICLES_PER_DEPOT))]
        starts += [int(depots[vehicle % len(depots)]) for vehicle in range(count)]
    return np.array(starts, dtype=np.int64)
