"""What a planner reads off a simulated service, under the names the field uses.

Each indicator has a unit, a direction and one definition, so that two services compare. Waits and rides are
those of riders who were served; they mean nothing without the service rate beside them, and no function here
gives one without the other.

Sources, as marked: [M] MATSim's drt_customer_stats and drt_vehicle_stats; [F] FleetPy's standard_eval;
[T] TCRP Report 124 (2008), Guidebook for Measuring, Assessing, and Improving Performance of Demand-Response
Transportation; [N] FTA National Transit Database glossary; [A] Alonso-Mora et al. 2017, PNAS 114:462-467.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pilots.transport.result import ServiceResult


@dataclass(frozen=True)
class Indicator:
    """What an indicator is.

    Attributes:
        key: Its name.
        unit: Its unit; "1" for shares and ratios.
        better: "higher", "lower" or "neither".
        definition: How it is worked out.
        source: Who defines it so.
    """

    key: str
    unit: str
    better: str
    definition: str
    source: str


_OF_TRIPS = (
    Indicator("requests", "1", "neither", "rides asked for", "M"),
    Indicator("rides", "1", "higher", "requests delivered", "M"),
    Indicator("service_rate", "1", "higher", "rides / requests", "M, F, A"),
    Indicator("wait_mean_s", "s", "lower", "mean of pickup less time asked for; rides only", "M"),
    Indicator("wait_median_s", "s", "lower", "median wait; rides only", "M"),
    Indicator("wait_p95_s", "s", "lower", "95th percentile of waits; rides only", "M"),
    Indicator("wait_max_s", "s", "lower", "longest wait; rides only", "M"),
    Indicator("in_vehicle_time_mean_s", "s", "lower", "mean of drop-off less pickup; rides only", "M"),
    Indicator("in_vehicle_time_p95_s", "s", "lower", "95th percentile of the same; rides only", "M"),
    Indicator("total_travel_time_mean_s", "s", "lower", "mean of drop-off less time asked; rides only", "M"),
    Indicator("trip_delay_mean_s", "s", "lower", "mean of total travel time less direct; rides only", "A"),
    Indicator("detour_factor", "1", "lower", "sum of rides / sum of direct drives", "F, M"),
)

_OF_FLEET = (
    Indicator("vehicles", "1", "lower", "vehicles of the fleet", "F"),
    Indicator("vehicles_used", "1", "lower", "vehicles that drove at all", "F"),
    Indicator("vehicles_busy_peak", "1", "lower", "most vehicles at work at once", "F"),
    Indicator("vehicle_km", "km", "lower", "kilometres driven, empty ones included", "M, F, N"),
    Indicator(
        "revenue_hours", "h", "lower", "a day's first departure to its last arrival, split by place", "N"
    ),
    Indicator("vehicle_km_per_ride", "km", "lower", "vehicle_km / rides", "F"),
    Indicator("empty_share", "1", "lower", "kilometres with nobody on board / vehicle_km", "M, F, N"),
    Indicator("empty_pickup_share", "1", "lower", "of these, on the way to a pickup / vehicle_km", "M"),
    Indicator("empty_reposition_share", "1", "lower", "of these, to expected riders / vehicle_km", "M"),
    Indicator("empty_depot_share", "1", "lower", "of these, to a depot (deadhead) / vehicle_km", "N"),
    Indicator("distance_ratio", "1", "lower", "vehicle_km / direct km of the rides (l_det)", "M, F"),
    Indicator("occupancy", "1", "higher", "passenger-kilometres / vehicle_km", "F"),
    Indicator("occupancy_loaded", "1", "higher", "passenger-kilometres / kilometres not empty", "F"),
    Indicator("pooling_rate", "1", "higher", "share of rides with another party on board on some leg", "F"),
    Indicator("rides_per_revenue_hour", "1/h", "higher", "rides / revenue_hours (productivity)", "T, F"),
    Indicator("fleet_utilisation", "1", "neither", "share of revenue time spent driving", "F"),
    Indicator("energy_charged_kwh", "kWh", "lower", "electricity taken at charging points", "F"),
)

DEFINITIONS = (*_OF_TRIPS, *_OF_FLEET)
"""Every indicator of a service, in the order of the table."""


def indicators(result: ServiceResult) -> dict[str, float]:
    """All indicators of a service; nan where nobody was served.

    Args:
        result: The simulated service.

    Returns:
        Values by key, in the order of ``DEFINITIONS``.
    """
    return {**trip_indicators(result.trips), **fleet_indicators(result)}


def trip_indicators(trips: pd.DataFrame) -> dict[str, float]:
    """The indicators of some requests, whoever carried them."""
    served = trips[trips["status"] == "served"]
    wait = served["wait_s"].to_numpy(dtype=np.float64)
    in_vehicle = (served["dropoff_s"] - served["pickup_s"]).to_numpy(dtype=np.float64)
    direct = served["direct_s"].to_numpy(dtype=np.float64)
    requests, rides = len(trips), len(served)
    some = rides > 0
    return {
        "requests": float(requests),
        "rides": float(rides),
        "service_rate": rides / requests if requests else np.nan,
        "wait_mean_s": float(wait.mean()) if some else np.nan,
        "wait_median_s": float(np.median(wait)) if some else np.nan,
        "wait_p95_s": float(np.quantile(wait, 0.95)) if some else np.nan,
        "wait_max_s": float(wait.max()) if some else np.nan,
        "in_vehicle_time_mean_s": float(in_vehicle.mean()) if some else np.nan,
        "in_vehicle_time_p95_s": float(np.quantile(in_vehicle, 0.95)) if some else np.nan,
        "total_travel_time_mean_s": float((wait + in_vehicle).mean()) if some else np.nan,
        "trip_delay_mean_s": float((wait + in_vehicle - direct).mean()) if some else np.nan,
        "detour_factor": _ratio(served["ride_s"].sum(), direct.sum()),
    }


def fleet_indicators(result: ServiceResult) -> dict[str, float]:
    """The indicators of the vehicles."""
    legs = result.legs
    served = result.trips[result.trips["status"] == "served"]
    km = legs["distance_m"].to_numpy(dtype=np.float64) / 1000
    riders = legs["riders"].to_numpy()
    purpose = legs["purpose"].astype(str).to_numpy()
    total, loaded = km.sum(), km[riders > 0].sum()
    passenger_km = float((km * riders).sum())
    hours = float(legs["span_s"].sum()) / 3600
    return {
        "vehicles": float(result.vehicles),
        "vehicles_used": float(legs["vehicle"].nunique()),
        "vehicles_busy_peak": float(_busy_peak(legs)),
        "vehicle_km": float(total),
        "revenue_hours": hours,
        "vehicle_km_per_ride": _ratio(total, len(served)),
        "empty_share": _ratio(total - loaded, total),
        "empty_pickup_share": _ratio(km[(riders == 0) & (purpose == "service")].sum(), total),
        "empty_reposition_share": _ratio(km[purpose == "reposition"].sum(), total),
        "empty_depot_share": _ratio(km[purpose == "depot"].sum(), total),
        "distance_ratio": _ratio(total, served["direct_m"].sum() / 1000),
        "occupancy": _ratio(passenger_km, total),
        "occupancy_loaded": _ratio(passenger_km, loaded),
        "pooling_rate": _ratio(float(pooled(result).sum()), len(served)),
        "rides_per_revenue_hour": _ratio(len(served), hours),
        "fleet_utilisation": _ratio(float((legs["arrive_s"] - legs["depart_s"]).sum()) / 3600, hours),
        "energy_charged_kwh": float(result.charges["energy_kwh"].sum()),
    }


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else np.nan


def _busy_peak(legs: pd.DataFrame) -> int:
    """Most vehicles driving at one moment."""
    if legs.empty:
        return 0
    times = np.concatenate([legs["arrive_s"], legs["depart_s"]])
    change = np.concatenate([-np.ones(len(legs), np.int64), np.ones(len(legs), np.int64)])
    order = np.lexsort((change, times))
    return int(change[order].cumsum().max())


def pooled(result: ServiceResult) -> NDArray[np.bool_]:
    """Which served trips shared the vehicle with another party on some leg, shape (rides,)."""
    served = result.trips[result.trips["status"] == "served"]
    shared = np.zeros(len(served), np.bool_)
    vehicle = served["vehicle"].to_numpy()
    board, alight = served["boarded_s"].to_numpy(), served["dropoff_s"].to_numpy()
    order = np.lexsort((board, vehicle))
    latest, who = -np.inf, -1
    for place, trip in enumerate(order):
        first = place == 0 or vehicle[order[place - 1]] != vehicle[trip]
        if first:
            latest, who = -np.inf, -1
        if board[trip] < latest:
            shared[trip] = True
            shared[who] = True
        if alight[trip] > latest:
            latest, who = alight[trip], trip
    return shared


def kilometres_by_riders(result: ServiceResult) -> pd.Series:
    """Kilometres by number of riders on board."""
    km = result.legs["distance_m"] / 1000
    return km.groupby(result.legs["riders"]).sum().rename("vehicle_km")


def indicators_by(result: ServiceResult, group: ArrayLike) -> pd.DataFrame:
    """The riders' indicators by group: district of origin, age, zone, hour.

    Args:
        result: The simulated service.
        group: A label for each row of ``result.trips``, shape (requests,).

    Returns:
        One row per label, in order of the labels, one column per indicator.
    """
    labels = pd.Series(np.asarray(group), index=result.trips.index)
    rows = {label: trip_indicators(trips) for label, trips in result.trips.groupby(labels, sort=True)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[one.key for one in _OF_TRIPS])
