"""What a service costs, who pays, and what it emits, per ride and per kilometre.

All factors are inputs with a stated origin; the defaults are a place to begin, not findings about a city.

Sources: TCRP Report 124 (2008), chapter 4 (costs per trip, fare recovery); emission factors as stated beside
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilots.transport.indicators import Indicator, fleet_indicators
from pilots.transport.result import ServiceResult


@dataclass(frozen=True)
class Factors:
    """Prices and emissions.

    Attributes:
        vehicle_eur_per_day: Lease, insurance, cleaning, booking system per vehicle and day. Default 60, of
            the order of 1 800 EUR a month for a leased minibus; replace by the operator's contract.
        driver_eur_per_hour: Wage with taxes per hour of service. Default 18: Estonian transport wages of
            2024 (about 1 900 EUR gross a month; Statistics Estonia, PA001) with 33.8 % employer's taxes and
            paid leave.
        distance_eur_per_km: Energy, tyres, maintenance per kilometre. Default 0.25.
        fare_eur: Mean fare paid per ride. Default 0: rides are free for Tallinn's residents.
        vehicle_g_co2_per_km: Emissions per vehicle-kilometre. Default 130 g/km, FleetPy's for a combustion
            vehicle.
        grid_g_co2_per_kwh: Emissions of charged electricity. Default 112 g/kWh, FleetPy's; Estonia's grid is
            higher.
        electric: Whether vehicles take their energy from the grid rather than from fuel.
        consumption_kwh_per_km: Electricity per kilometre of an electric vehicle. Default 0.25.
        car_g_co2_per_km: Emissions of the car a rider would have driven. Default 130 g/km.
        car_share: Share of rides that replace a car drive. Default 0, which claims nothing.
    """

    vehicle_eur_per_day: float = 60.0
    driver_eur_per_hour: float = 18.0
    distance_eur_per_km: float = 0.25
    fare_eur: float = 0.0
    vehicle_g_co2_per_km: float = 130.0
    grid_g_co2_per_kwh: float = 112.0
    electric: bool = False
    consumption_kwh_per_km: float = 0.25
    car_g_co2_per_km: float = 130.0
    car_share: float = 0.0


DEFINITIONS = (
    Indicator("cost_eur", "EUR", "lower", "vehicles + drivers' hours + kilometres", "T"),
    Indicator("cost_per_ride_eur", "EUR", "lower", "cost / rides", "T"),
    Indicator("cost_per_passenger_km_eur", "EUR", "lower", "cost / the rides' direct kilometres", "T"),
    Indicator("cost_recovery", "1", "higher", "fares / cost", "T"),
    Indicator("subsidy_per_ride_eur", "EUR", "lower", "(cost - fares) / rides", "T"),
    Indicator("co2_kg", "kg", "lower", "vehicle_km or kWh times factor", "F"),
    Indicator("co2_per_passenger_km_g", "g", "lower", "co2 / the rides' direct kilometres", "F"),
    Indicator(
        "co2_change_kg", "kg", "lower", "co2 less that of the car drives replaced; below 0 is a saving", "F"
    ),
)


def economics(result: ServiceResult, factors: Factors, days: float = 1.0) -> dict[str, float]:
    """Costs and emissions of a service.

    Args:
        result: The simulated service.
        factors: Prices and emissions.
        days: Days it covers.

    Returns:
        Values by key, in the order of ``DEFINITIONS``.
    """
    fleet = fleet_indicators(result)
    served = result.trips[result.trips["status"] == "served"]
    rides, direct_km = len(served), float(served["direct_m"].sum()) / 1000
    cost = (
        factors.vehicle_eur_per_day * result.vehicles * days
        + factors.driver_eur_per_hour * fleet["revenue_hours"]
        + factors.distance_eur_per_km * fleet["vehicle_km"]
    )
    fares = factors.fare_eur * rides
    per_km = (
        factors.grid_g_co2_per_kwh * factors.consumption_kwh_per_km
        if factors.electric
        else factors.vehicle_g_co2_per_km
    )
    co2_g = per_km * fleet["vehicle_km"]
    replaced_g = factors.car_share * factors.car_g_co2_per_km * direct_km
    return {
        "cost_eur": cost,
        "cost_per_ride_eur": cost / rides if rides else np.nan,
        "cost_per_passenger_km_eur": cost / direct_km if direct_km else np.nan,
        "cost_recovery": fares / cost if cost else np.nan,
        "subsidy_per_ride_eur": (cost - fares) / rides if rides else np.nan,
        "co2_kg": co2_g / 1000,
        "co2_per_passenger_km_g": co2_g / direct_km if direct_km else np.nan,
        "co2_change_kg": (co2_g - replaced_g) / 1000,
    }
