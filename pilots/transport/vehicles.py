"""Vehicles of several types in one fleet: minibuses, a few vans for wheelchairs, some on batteries.

A type says what share of the fleet it is and where it differs; in all else its vehicles are like the rest.
Shares, not numbers, so that a sweep over the size of the fleet keeps its mix. Every depot gets its part of
each type.

Example: a tenth of the fleet are vans with three seats and two wheelchair places, at 80 EUR a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pilots.transport.scenario import TransportScenario

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class VehicleType(BaseModel):
    """A type of vehicle: its share of the fleet, and where it is unlike the scenario's other vehicles."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=60)
    share: float = Field(gt=0, le=1)
    seats: int | None = Field(default=None, ge=0, le=60)
    wheelchair_places: int | None = Field(default=None, ge=0, le=10)
    range_km: float | None = Field(default=None, ge=0, le=2000)
    consumption_kwh_per_km: float | None = Field(default=None, ge=0, le=5)
    charge_kw: float | None = Field(default=None, ge=1, le=1000)
    hours_between_failures: float | None = Field(default=None, ge=0, le=100_000)
    repair_h: float | None = Field(default=None, ge=0, le=1000)
    vehicle_eur_per_day: float | None = Field(default=None, ge=0, le=10_000)
    driver_eur_per_hour: float | None = Field(default=None, ge=0, le=500)
    distance_eur_per_km: float | None = Field(default=None, ge=0, le=50)
    vehicle_g_co2_per_km: float | None = Field(default=None, ge=0, le=5000)


def types_of(start_node: IntArray, types: Sequence[VehicleType]) -> IntArray:
    """Type of each vehicle, dealt out depot by depot so that each depot has nearly the fleet's mix.

    Args:
        start_node: Depot of each vehicle, shape (vehicles,).
        types: The types; what their shares leave is like the scenario says, type 0.

    Returns:
        0, or the number of the type from 1, shape (vehicles,).
    """
    share = np.array([max(0.0, 1 - sum(one.share for one in types)), *(one.share for one in types)])
    given = np.zeros(len(share))
    kind = np.zeros(len(start_node), np.int64)
    for count, vehicle in enumerate(np.argsort(start_node, kind="stable").tolist(), start=1):
        kind[vehicle] = int(np.argmax(share * count - given))
        given[kind[vehicle]] += 1
    return kind


def setting_by_vehicle(scenario: TransportScenario, kind: IntArray, name: str) -> FloatArray:
    """A setting of each vehicle: its type's, or where that says nothing the scenario's; shape (vehicles,)."""
    usual = getattr(scenario, name)
    own = [getattr(one, name) for one in scenario.vehicle_types]
    return np.array([usual, *(usual if value is None else value for value in own)], np.float64)[kind]
