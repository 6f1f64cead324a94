"""The vehicles of a service: where they start, whom they hold, how far they go, when they rest.

Example: ``Fleet.of(start_node=[4, 4, 17], seats=8)`` is three minibuses, two of them at node 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Rest:
    """A driver's break: taken whole with nobody on board, begun within a window.

    Attributes:
        vehicle: Index of the vehicle.
        earliest_s: Earliest start.
        latest_s: Latest start.
        duration_s: Length.
    """

    vehicle: int
    earliest_s: float
    latest_s: float
    duration_s: float


@dataclass(frozen=True)
class Fleet:
    """Vehicles, all arrays of shape (vehicles,).

    Attributes:
        start_node: Where each vehicle stands at the start of its shift.
        seats: Seats.
        wheelchair_places: Places for wheelchairs.
        shift_start_s: Start of the shift.
        shift_end_s: End of the shift; by then it is back at its start node. Inf: it never ends.
        range_m: Metres on a full battery or tank; inf for no limit.
        consumption_kwh_per_km: Electricity used per kilometre.
        charge_kw: Power it charges with, at its start node.
        mean_time_between_failures_s: Mean time in service between breakdowns; inf for none.
        mean_repair_s: Mean time out of service after a breakdown.
        rests: The drivers' breaks.
        chargers: Charging points at each start node; None for one per vehicle.
    """

    start_node: IntArray
    seats: IntArray
    wheelchair_places: IntArray
    shift_start_s: FloatArray
    shift_end_s: FloatArray
    range_m: FloatArray
    consumption_kwh_per_km: FloatArray
    charge_kw: FloatArray
    mean_time_between_failures_s: FloatArray
    mean_repair_s: FloatArray
    rests: tuple[Rest, ...] = ()
    chargers: int | None = None

    @property
    def vehicles(self) -> int:
        """Number of vehicles."""
        return len(self.start_node)

    @classmethod
    def of(
        cls,
        start_node: ArrayLike,
        seats: ArrayLike = 8,
        *,
        wheelchair_places: ArrayLike = 0,
        shift_start_s: ArrayLike = 0.0,
        shift_end_s: ArrayLike = float("inf"),
        range_m: ArrayLike = float("inf"),
        consumption_kwh_per_km: ArrayLike = 0.25,
        charge_kw: ArrayLike = 22.0,
        mean_time_between_failures_s: ArrayLike = float("inf"),
        mean_repair_s: ArrayLike = 0.0,
        rests: tuple[Rest, ...] = (),
        chargers: int | None = None,
    ) -> Fleet:
        """A fleet from one value per vehicle, or one value for all.

        Returns:
            The fleet.

        Raises:
            InvalidInput: A value is impossible, or there are not as many as vehicles.
        """
        nodes = np.atleast_1d(np.asarray(start_node, dtype=np.int64))
        count = len(nodes)

        def whole(name: str, values: ArrayLike) -> IntArray:
            return _column(name, values, count).astype(np.int64)

        for one in rests:
            if not 0 <= one.vehicle < len(nodes) or one.latest_s < one.earliest_s or one.duration_s < 0:
                raise InvalidInput("a driver's break cannot be taken", field="rests", value=one)
        return cls(
            start_node=nodes,
            seats=whole("seats", seats),
            wheelchair_places=whole("wheelchair_places", wheelchair_places),
            shift_start_s=_column("shift_start_s", shift_start_s, count),
            shift_end_s=_column("shift_end_s", shift_end_s, count),
            range_m=_column("range_m", range_m, count),
            consumption_kwh_per_km=_column("consumption_kwh_per_km", consumption_kwh_per_km, count),
            charge_kw=_column("charge_kw", charge_kw, count),
            mean_time_between_failures_s=_column(
                "mean_time_between_failures_s", mean_time_between_failures_s, count
            ),
            mean_repair_s=_column("mean_repair_s", mean_repair_s, count),
            rests=tuple(rests),
            chargers=chargers,
        )


def _column(name: str, values: ArrayLike, vehicles: int) -> FloatArray:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim > 1 or (column.ndim == 1 and len(column) != vehicles):
        raise InvalidInput(
            "a column of the fleet has the wrong length",
            field=name,
            value=column.shape,
            expected=f"one value or {vehicles}",
        )
    column = np.broadcast_to(column, (vehicles,))
    wrong = np.flatnonzero(np.isnan(column) | (column < 0))
    if len(wrong):
        raise InvalidInput(
            "a vehicle has an impossible value",
            row=int(wrong[0]) + 1,
            field=name,
            value=float(column[wrong[0]]),
            expected="a number from 0",
        )
    return column.copy()
