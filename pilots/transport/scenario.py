"""What a planner of an on-demand service may set, with units and bounds."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from geodata.errors import InvalidInput
from pilots.transport.requests import hash_of
from pilots.transport.vehicles import VehicleType
from twin.pilot import Scenario, quantity


class TransportScenario(Scenario):
    """An on-demand service over the cities of a run.

    A scenario file that closes a bridge, makes snow or sends autonomous shuttles sets a few of these.
    """

    requests_per_day: int = quantity(
        2000, "1", 0, 200_000, "Trips a day whose travellers consider the service, all cities together."
    )
    demand_share: float = quantity(
        0, "1", 0, 1, "Share of residents' trips whose travellers consider it; 0 to use requests_per_day."
    )
    trips_per_resident: float = quantity(
        2.5, "1", 0.1, 10, "Trips a resident makes a day; Tallinn's travel survey gives 2.53."
    )
    requests_file: str = Field(
        default="",
        description="CSV file of requests in the folder `requests` of Twinbox's home.",
    )
    requests_sha256: str = Field(
        default="", description="Hash of that file, filled in if left out; another file is refused."
    )
    demand_by_choice: bool = Field(
        default=False, description="Let travellers choose between the service, line buses and walking."
    )
    school_share: float = quantity(0.08, "1", 0, 1, "Share of trips that go to school, between 7 and 9.")
    fleet_size: int = quantity(60, "1", 0, 3000, "Vehicles, shared by all cities.")
    seats: int = quantity(8, "1", 1, 60, "Seats of a vehicle.")
    wheelchair_places: int = quantity(1, "1", 0, 10, "Places for wheelchairs in a vehicle.")
    wheelchair_share: float = quantity(0.01, "1", 0, 1, "Share of riders in a wheelchair.")
    vehicle_types: tuple[VehicleType, ...] = Field(
        default=(),
        description="Types unlike the rest of the fleet: each a `name`, a `share` and what differs.",
    )
    max_wait_min: float = quantity(15, "min", 0, 240, "Longest wait for a vehicle after the time asked for.")
    max_ride_factor: float = quantity(1.6, "1", 1, 10, "Longest ride as a multiple of the direct drive.")
    max_ride_extra_min: float = quantity(5, "min", 0, 120, "Minutes allowed on top of that.")
    max_walk_m: float = quantity(600, "m", 0, 5000, "Longest walk to a stop.")
    boarding_s: float = quantity(30, "s", 0, 600, "Time that boarding takes.")
    alighting_s: float = quantity(15, "s", 0, 600, "Time that alighting takes.")
    drive_weight: float = quantity(1.0, "1", 0, 100, "Cost of a second of driving.")
    wait_weight: float = quantity(1.0, "1", 0, 100, "Cost of a second of a rider's wait.")
    ride_weight: float = quantity(1.0, "1", 0, 100, "Cost of a second of a rider's ride.")
    rebalance_every_min: float = quantity(
        15, "min", 0, 240, "How often idle vehicles move to expected riders; 0 for never."
    )
    feeder_beyond_km: float = quantity(
        0, "km", 0, 200, "Longer trips are carried to or from a line with a kept connection; 0 for none."
    )
    connection_min: float = quantity(3, "min", 0, 60, "Time for a change between service and line.")
    service_start_h: float = quantity(5, "h", 0, 24, "Local hour from which riders are picked up.")
    service_end_h: float = quantity(23, "h", 0, 24, "Local hour until which riders can ask for a pickup.")
    prebooked_share: float = quantity(0.0, "1", 0, 1, "Share of riders who book the day before.")
    plan_steps: int = quantity(
        0, "1", 0, 1_000_000, "Steps of the search that plans booked rides the day before; 0 for none."
    )
    line_bus_rule_min: float = quantity(
        0,
        "min",
        0,
        240,
        "Refuse trips that a line bus serves at least this often without a change; 0 for none.",
    )
    speed_factor: float = quantity(
        0.8, "1", 0.05, 1.5, "Speed as a share of free flow outside the peaks; a snow day has 0.5."
    )
    peak_speed_factor: float = quantity(0.6, "1", 0.05, 1.5, "The same from 7 to 9 and from 16 to 18.")
    top_speed_kmh: float = quantity(130, "km/h", 5, 130, "Fastest a vehicle drives; autonomous shuttles 25.")
    range_km: float = quantity(0, "km", 0, 2000, "Range of an electric vehicle; 0 for vehicles on fuel.")
    consumption_kwh_per_km: float = quantity(0.25, "kWh/km", 0, 5, "Electricity per kilometre.")
    charge_kw: float = quantity(22, "kW", 1, 1000, "Power of a charging point.")
    chargers_per_depot: int = quantity(4, "1", 1, 500, "Charging points of each depot.")
    hours_between_failures: float = quantity(
        0, "h", 0, 100_000, "Mean time in service between breakdowns; 0 for none."
    )
    repair_h: float = quantity(2, "h", 0, 1000, "Mean time out of service after a breakdown.")
    break_min: float = quantity(0, "min", 0, 240, "Each driver's break, begun between 11 and 13; 0 for none.")
    closed_streets: tuple[str, ...] = Field(
        default=(), description="Streets closed to vehicles, by name or street_id: a bridge under repair."
    )
    districts_served: tuple[str, ...] = Field(
        default=(), description="Zones of the service: ids of districts; all if left empty."
    )
    withdrawn_lines: tuple[str, ...] = Field(
        default=(), description="Bus lines that the service replaces, by number or line_id."
    )
    fare_eur: float = quantity(0, "EUR", 0, 100, "Fare of a ride.")
    vehicle_eur_per_day: float = quantity(60, "EUR", 0, 10_000, "Cost of a vehicle and day.")
    driver_eur_per_hour: float = quantity(
        18, "EUR/h", 0, 500, "Cost of an hour of service; 0 without driver."
    )
    distance_eur_per_km: float = quantity(0.25, "EUR/km", 0, 50, "Cost of a kilometre.")
    car_share: float = quantity(0, "1", 0, 1, "Share of rides that replace a car drive; 0 claims nothing.")
    vehicle_g_co2_per_km: float = quantity(130, "g/km", 0, 5000, "Emissions of a vehicle on fuel.")
    grid_g_co2_per_kwh: float = quantity(112, "g/kWh", 0, 2000, "Emissions of charged electricity.")
    value_of_time_eur_per_h: float = quantity(6, "EUR/h", 0.1, 200, "Value of a traveller's hour aboard.")

    @model_validator(mode="after")
    def _share_fleet(self) -> Self:
        """Types are parts of one fleet."""
        total = sum(one.share for one in self.vehicle_types)
        if total > 1 + 1e-9:
            raise InvalidInput(
                "the types make up more than the fleet", field="vehicle_types", value=total,
                expected="shares that sum to 1 or less",
            )  # fmt: skip
        return self

    @model_validator(mode="before")
    @classmethod
    def _pin_requests(cls, fields: Any) -> Any:
        """Tie a scenario to what its file of requests holds, not to the file's name."""
        if not (isinstance(fields, dict) and fields.get("requests_file")):
            return fields
        known, found = fields.get("requests_sha256"), hash_of(str(fields["requests_file"]))
        if known and known != found:
            raise InvalidInput(
                "the file of requests is not the one the run was planned with",
                field="requests_sha256",
                value=found,
                expected=known,
            )
        return {**fields, "requests_sha256": found}
