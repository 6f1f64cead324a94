"""One city of an on-demand service: its riders, its share of the shared fleet, and what it reports.

All cities of a run share one service, one fleet and one clock; a vehicle of Tallinn may take a rider from
Rae. A trip counts for the city it begins in, a kilometre for the city whose stop the leg leaves from.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import simpy
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from pilots.transport.alternatives import LineBus
from pilots.transport.area import WALKING_M_S, Area
from pilots.transport.economics import Factors, economics
from pilots.transport.equity import equity
from pilots.transport.feeder import DIRECT, TO_LINE
from pilots.transport.indicators import indicators, indicators_by
from pilots.transport.prebooked import plan_gap
from pilots.transport.result import ServiceResult
from pilots.transport.scenario import TransportScenario
from pilots.transport.service import Service
from pilots.transport.vehicles import setting_by_vehicle, types_of
from twin.pilot import CityModel
from twin.world import World

GROUPS = ("others", "wheelchair", "school")
BY_DISTRICT = ("requests", "rides", "service_rate", "wait_mean_s", "wait_p95_s", "detour_factor")


@dataclass(frozen=True)
class SharedService:
    """What the cities of a run share.

    Attributes:
        area: Stops, cells, districts.
        service: The running service.
        trips: One row per trip drawn, aligned with the service's requests by ``id``.
        bus: Journeys by line bus of the same trips.
        shares: Probability of each way to travel of each traveller, by city, shape (3, travellers).
        potential: Trips a day that begin in each city.
        scenario: What the planner set.
        days: Length of the run.
    """

    area: Area
    service: Service
    trips: pd.DataFrame
    bus: LineBus
    shares: Mapping[str, NDArray[np.float64]]
    potential: pd.Series
    scenario: TransportScenario
    days: float

    @cached_property
    def result(self) -> ServiceResult:
        """The tables of the whole service, once the clock has stopped."""
        return self.service.result()

    @cached_property
    def plan_gap(self) -> float:
        """How far the search for a booked day's plan is from proven best, on rides of the busiest time."""
        if self.service.policy.plan_steps == 0:
            return np.nan
        service = self.service
        return plan_gap(service.network, service.requests, service.fleet, service.policy)


class CityTransport(CityModel):
    """The part of a service that belongs to one city."""

    def __init__(self, city: str, shared: SharedService, world: World) -> None:
        self.city = city
        self.shared = shared
        self.world = world
        self.charging_kw = np.zeros(max(1, world.end_s // world.window_s))

    def run(self) -> Generator[simpy.Event, Any, None]:
        """At the end of each window: the mean power that this city's depots charged with."""
        while True:
            window = yield self.world.turn()
            energy = sum(
                charge.energy_kwh * _overlap(charge.start_s, charge.end_s, window.start_s, window.end_s)
                for charge in self.shared.service.charges
                if self.shared.area.stops["city"].iloc[charge.node] == self.city
            )
            self.charging_kw[window.index] = energy / ((window.end_s - window.start_s) / 3600)
            self.world.signals.write("ev_charging_power", self.city, float(self.charging_kw[window.index]))

    @cached_property
    def own(self) -> ServiceResult:
        """The tables of this city."""
        whole, city_of = self.shared.result, self.shared.area.stops["city"].to_numpy()
        starts = self.shared.service.fleet.start_node
        return ServiceResult(
            trips=whole.trips[self._rows].reset_index(drop=True),
            legs=whole.legs[city_of[whole.legs["origin"].to_numpy()] == self.city].reset_index(drop=True),
            charges=whole.charges[city_of[whole.charges["node"].to_numpy(np.int64)] == self.city],
            vehicles=int((city_of[starts] == self.city).sum()),
        )

    @cached_property
    def _rows(self) -> NDArray[np.bool_]:
        """Which requests of the service begin in this city."""
        return np.asarray(self._drawn["city"] == self.city)

    @cached_property
    def _drawn(self) -> pd.DataFrame:
        """The trips drawn, in the order of the service's requests."""
        return self.shared.trips.loc[self.shared.result.trips["id"].astype(int)]

    def kpis(self) -> Mapping[str, float]:
        """Indicators of trips and fleet, costs, access, equity, bounds."""
        return {
            **indicators(self.own),
            **economics(self.own, self._factors(), self.shared.days),
            **self._access(),
            **self._equity(),
            **self._bounds(),
            "plan_gap": self.shared.plan_gap,
            **self._connections(),
            **self._demand(),
            **self._choice(),
        }

    def _factors(self) -> Factors:
        """Prices and emissions; of several types their means, weighted by what each is paid for."""
        scenario, legs = self.shared.scenario, self.own.legs
        starts = self.shared.service.fleet.start_node
        kind = types_of(starts, scenario.vehicle_types)
        at_home = self.shared.area.stops["city"].to_numpy()[starts] == self.city
        vehicle = legs["vehicle"].to_numpy(np.int64)
        km = np.bincount(vehicle, legs["distance_m"], minlength=len(starts))
        hours = np.bincount(vehicle, legs["span_s"], minlength=len(starts))

        def each(name: str) -> NDArray[np.float64]:
            return setting_by_vehicle(scenario, kind, name)

        grams = np.where(
            each("range_km") > 0,
            scenario.grid_g_co2_per_kwh * each("consumption_kwh_per_km"),
            each("vehicle_g_co2_per_km"),
        )
        return Factors(
            vehicle_eur_per_day=_mean(each("vehicle_eur_per_day"), at_home),
            driver_eur_per_hour=_mean(each("driver_eur_per_hour"), hours),
            distance_eur_per_km=_mean(each("distance_eur_per_km"), km),
            fare_eur=scenario.fare_eur,
            vehicle_g_co2_per_km=_mean(grams, km),
            car_share=scenario.car_share,
        )

    def _access(self) -> dict[str, float]:
        """Minutes gained over the best way by line bus."""
        gain = self._gain_min()
        served = (self.own.trips["status"] == "served").to_numpy()
        known = np.isfinite(gain)
        return {
            "access_gain_mean_min": float(gain[known].mean()) if known.any() else np.nan,
            "access_new_share": float((~known[served]).mean()) if served.any() else np.nan,
        }

    def _gain_min(self) -> NDArray[np.float64]:
        """Door-to-door minutes by line bus less those by the service, of each request of this city."""
        trips = self.own.trips
        walk_s = self._drawn["walk_m"].to_numpy()[self._rows] / WALKING_M_S
        drawn = self._drawn[self._rows]
        by_line = (drawn["feeder"] == TO_LINE).to_numpy()
        there_s = np.where(by_line, drawn["line_arrives_s"], trips["dropoff_s"])
        service_s = walk_s + there_s - drawn["start_s"].to_numpy()
        row = self.shared.trips.index.get_indexer(self._drawn.index)[self._rows]
        gain = (self.shared.bus.total_s[row] - service_s) / 60
        return np.where((trips["status"] == "served").to_numpy() & np.isfinite(gain), gain, np.nan)

    @cached_property
    def by_district(self) -> pd.DataFrame:
        """The riders' indicators by district of origin, every district of the city present."""
        district = self._drawn["district_id"].to_numpy()[self._rows]
        table = indicators_by(self.own, district)
        gain = pd.Series(self._gain_min())
        table["access_gain_mean_min"] = gain.groupby(district).mean()
        # Who is faster by line bus keeps the bus: nobody's access falls.
        table["access_gained_min"] = gain.clip(lower=0).groupby(district).mean()
        return table.reindex(self._districts.index)

    @cached_property
    def by_group(self) -> pd.DataFrame:
        """The riders' indicators by group: in a wheelchair, on the way to school, and everybody else."""
        drawn = self._drawn[self._rows]
        group = np.select(
            [(drawn["wheelchair_places"] > 0).to_numpy(), drawn["school"].to_numpy(np.bool_)],
            GROUPS[1:],
            GROUPS[0],
        )
        return indicators_by(self.own, group).reindex(list(GROUPS))

    @cached_property
    def _districts(self) -> pd.Series:
        places = self.shared.area.districts
        return places[places["city"] == self.city].set_index("district_id")["population"].sort_index()

    def _equity(self) -> dict[str, float]:
        people = self._districts.to_numpy(np.float64)
        names = ("worst_district_service_rate", "district_service_rate_spread", "district_service_rate_gini")
        rates = self.by_district["service_rate"].to_numpy(np.float64)
        values = dict.fromkeys((*names, "worst_district_wait_p95_s", "district_access_palma"), np.nan)
        if (np.isfinite(rates) & (people > 0)).any():
            served = equity(rates, people)
            values |= dict(zip(names, (served.worst_value, served.spread, served.gini), strict=True))
        waits = self.by_district["wait_p95_s"].to_numpy(np.float64)
        if (np.isfinite(waits) & (people > 0)).any():
            values["worst_district_wait_p95_s"] = equity(waits, people, higher_is_better=False).worst_value
        gains = self.by_district["access_gained_min"].to_numpy(np.float64)
        if (np.isfinite(gains) & (people > 0)).any():
            values["district_access_palma"] = equity(gains, people).palma
        return values

    def _bounds(self) -> dict[str, float]:
        """What no dispatcher and no fleet could better, on the same requests."""
        trips = self.own.trips
        asked = len(trips)
        dispatch = (
            trips["reason"].astype(str).isin(["", "no_vehicle_in_time", "vehicle_breakdown", "unfinished"])
        )
        served = trips[trips["status"] == "served"]
        fleet = self.shared.service.fleet
        places = int((fleet.seats + fleet.wheelchair_places).max(initial=1))
        riders_km = (served["direct_m"] * (served["seats"] + served["wheelchair_places"])).sum() / 1000
        return {
            "service_rate_bound": float(dispatch.sum() / asked) if asked else np.nan,
            "vehicle_km_bound": float(riders_km / places),
        }

    def _connections(self) -> dict[str, float]:
        """Rides to and from lines: how many, whether in time, and how long riders stand at the stop."""
        trips, drawn = self.own.trips, self._drawn[self._rows].reset_index(drop=True)
        feeder = drawn["feeder"].to_numpy()
        carried = (feeder != DIRECT) & trips["status"].isin(("served", "stranded")).to_numpy()
        served = carried & (trips["status"] == "served").to_numpy()
        in_time = served & (trips["dropoff_s"] <= trips["latest_dropoff_s"] + 1.0).to_numpy()
        stands = np.where(
            feeder == TO_LINE,
            drawn["line_departs_s"] - trips["dropoff_s"],
            trips["pickup_s"] - drawn["line_arrives_s"],
        )
        return {
            "connections": float(in_time.sum()),
            "connections_kept_share": float(in_time.sum() / carried.sum()) if carried.any() else np.nan,
            "connection_wait_mean_s": float(stands[served].mean()) if served.any() else np.nan,
        }

    def _demand(self) -> dict[str, float]:
        """What was asked of the service beside all that people travel."""
        potential = float(self.shared.potential[self.city])
        asked = len(self.own.trips) / self.shared.days
        return {"potential_trips": potential, "demand_share": asked / potential if potential else np.nan}

    def _choice(self) -> dict[str, float]:
        names = ("on_demand_share", "line_bus_share", "walk_share")
        share = self.shared.shares[self.city]
        mean = share.mean(axis=1) if share.shape[1] else np.full(len(names), np.nan)
        return dict(zip(names, mean.tolist(), strict=True))

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """Every request has one outcome."""
        outcomes = self.own.trips["status"].value_counts()
        asked = float((self.shared.trips["city"] == self.city).sum())
        return {"requests": (asked, float(outcomes.sum()))}

    def data(self) -> xr.Dataset:
        """Charging by window, riders by hour, refusals by reason, indicators by district."""
        trips = self.own.trips
        hour = (trips["earliest_s"] // 3600).astype(int)
        hours = np.arange(int(np.ceil(self.world.end_s / 3600)))
        start = np.datetime64(self.world.start.replace(tzinfo=None), "ns")
        windows = start + np.arange(len(self.charging_kw)) * np.timedelta64(self.world.window_s, "s")
        refused = self.own.refusals
        refused = refused[refused > 0]
        table = self.by_district

        def hourly(rows: NDArray[np.bool_]) -> NDArray[np.float64]:
            return np.bincount(hour[rows].clip(0, len(hours) - 1), minlength=len(hours)).astype(np.float64)

        served = (trips["status"] == "served").to_numpy()
        units = {name: "s" if name.endswith("_s") else "1" for name in BY_DISTRICT}
        dataset = xr.Dataset(
            {
                "ev_charging_power": (("time",), self.charging_kw, {"units": "kW"}),
                "requests_by_hour": (("hour",), hourly(np.ones(len(trips), np.bool_)), {"units": "1"}),
                "rides_by_hour": (("hour",), hourly(served), {"units": "1"}),
                "requests_lost": (("reason",), refused.to_numpy(np.float64), {"units": "1"}),
                **{
                    name: (("district",), table[name].to_numpy(np.float64), {"units": units[name]})
                    for name in BY_DISTRICT
                },
                **{
                    f"{name}_by_group": (
                        ("group",),
                        self.by_group[name].to_numpy(np.float64),
                        {"units": units[name]},
                    )
                    for name in BY_DISTRICT
                },
                "access_gain_mean_min": (
                    ("district",),
                    table["access_gain_mean_min"].to_numpy(np.float64),
                    {"units": "min"},
                ),
            },
            coords={
                "time": windows,
                "hour": ("hour", hours, {"units": "h"}),
                "reason": [str(name) for name in refused.index],
                "district": [str(name) for name in table.index],
                "group": list(GROUPS),
            },
        )
        dataset.attrs["notes"] = list(self.shared.area.notes[self.city])
        return dataset


def _mean(values: NDArray[np.float64], weight: ArrayLike) -> float:
    """Weighted mean; 0 of nothing, and exactly the value where all are the same."""
    weights = np.asarray(weight, dtype=np.float64)
    if weights.sum() <= 0:
        return 0.0
    return float(values[0] if (values == values[0]).all() else np.average(values, weights=weights))


def _overlap(start: float, end: float, window_start: float, window_end: float) -> float:
    """Share of a span of time that lies in a window."""
    if end <= start:
        return 0.0
    return max(0.0, min(end, window_end) - max(start, window_start)) / (end - start)
