"""Electric vehicles at the chargers of a site: when they stand, what they need, when it is given to them.

A car that arrives at 17:00, leaves at 7:00 and needs 12 kWh from an 11 kW charger can wait fourteen hours
for a little over one hour of charging: that is its flexibility window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ChargingSessions:
    """The stays of vehicles at chargers, one row a stay.

    Attributes:
        arrival: Step at whose start the vehicle is plugged in.
        departure: Step at whose start it has left; it can charge in ``arrival .. departure - 1``.
        energy_kwh: Energy it needs, at the bus.
        power_kw: Highest power of its charger.
    """

    arrival: Ints
    departure: Ints
    energy_kwh: Floats
    power_kw: Floats

    @classmethod
    def of(
        cls, arrival: ArrayLike, departure: ArrayLike, energy_kwh: ArrayLike, power_kw: ArrayLike
    ) -> ChargingSessions:
        """The sessions from anything array-like, sorted by arrival."""
        a, d = np.asarray(arrival, np.int64), np.asarray(departure, np.int64)
        e = np.broadcast_to(np.asarray(energy_kwh, np.float64), a.shape)
        p = np.broadcast_to(np.asarray(power_kw, np.float64), a.shape)
        order = np.lexsort((e, d, a))
        return cls(a[order], d[order], e[order].copy(), p[order].copy())

    def __len__(self) -> int:
        """How many stays there are."""
        return len(self.arrival)

    def check(self, steps: int, step_h: float) -> None:
        """Refuse stays outside the series, or too short for what they need.

        Raises:
            InvalidData: Naming the row of the first such stay.
        """
        window = self.departure - self.arrival
        faults = (
            (window <= 0, "a vehicle leaves before it has come", self.departure, "a step after its arrival"),
            (
                (self.arrival < 0) | (self.departure > steps),
                "a stay lies outside the series",
                self.arrival,
                f"0..{steps}",
            ),
            (self.energy_kwh < 0, "a vehicle needs negative energy", self.energy_kwh, "0 kWh or more"),
            (
                self.energy_kwh > self.power_kw * step_h * window * (1 + 1e-9),
                "a vehicle needs more than its charger can give while it stands",
                self.energy_kwh,
                "at most power times the length of the stay",
            ),
        )
        for wrong, message, values, expected in faults:
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise InvalidData(
                    message,
                    file="charging sessions",
                    row=row + 1,
                    value=values[row].item(),
                    expected=expected,
                )


def charging_on_arrival(
    sessions: ChargingSessions,
    price: Floats,
    known_until: Ints,
    step_h: float,
    rule: Literal["cheapest", "at_once"],
) -> Floats:
    """Charging power when each stay is planned as the vehicle arrives, kW.

    ``"cheapest"`` takes the cheapest steps of the stay whose price is known on arrival and, where the stay
    outlasts the known prices and they do not suffice, the steps after them in order; ``"at_once"`` charges
    from the start.

    Args:
        sessions: The stays.
        price: Import price of each step, EUR/kWh.
        known_until: First step whose price is not yet known, for each step of decision.
        step_h: Length of a step, h.
        rule: Which of the two.
    """
    power = np.zeros(len(price))
    _plan_stays(
        sessions.arrival, sessions.departure, sessions.energy_kwh, sessions.power_kw,
        price, known_until, step_h, rule == "cheapest", power,
    )  # fmt: skip
    return power


@njit(cache=True)
def _plan_stays(
    arrival: Ints, departure: Ints, energy: Floats, limit: Floats,
    price: Floats, known_until: Ints, step_h: float, cheapest: bool, power: Floats,
) -> None:  # fmt: skip
    for i in range(len(arrival)):
        first, last = arrival[i], departure[i]
        known = min(last, max(known_until[first], first))
        left = energy[i]
        if cheapest:
            order = np.argsort(price[first:known], kind="mergesort")
            for j in order:
                give = min(left, limit[i] * step_h)
                power[first + j] += give / step_h
                left -= give
        else:
            known = first
        for t in range(known, last):
            give = min(left, limit[i] * step_h)
            power[t] += give / step_h
            left -= give
