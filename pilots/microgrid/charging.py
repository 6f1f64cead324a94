"""Electric vehicles at the chargers of a site: when they stand, what they need, when it is given to them.

A car that arrives at 17:00, leaves at 7:00 and needs 12 kWh from an 11 kW charger can wait fourteen hours
for a little over one hour of charging: that is its flexibility window. Who stays one hour and wants 30 kWh
gets 11; the other 19 are counted, not refused.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    def check(self, steps: int) -> None:
        """Refuse stays outside the series, upside down, or in need of less than nothing.

        A stay that is too short for what the vehicle needs is no fault of the data: see :meth:`possible_kwh`.

        Raises:
            InvalidData: Naming the row of the first such stay.
        """
        faults = (
            (
                self.departure <= self.arrival,
                "a vehicle leaves before it has come",
                self.departure,
                "a step after its arrival",
            ),
            (
                (self.arrival < 0) | (self.departure > steps),
                "a stay lies outside the series",
                self.arrival,
                f"0..{steps}",
            ),
            (~(self.energy_kwh >= 0), "a vehicle needs negative energy", self.energy_kwh, "0 kWh or more"),
            (~(self.power_kw > 0), "a charger has no power", self.power_kw, "more than 0 kW"),
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

    def possible_kwh(self, step_h: float) -> Floats:
        """What each stay needs, or all that its charger can give while it lasts where that is less, kWh."""
        most = self.power_kw * step_h * (self.departure - self.arrival)
        return np.minimum(self.energy_kwh, most)

    def present_kw(self, steps: int) -> Floats:
        """Power of all chargers with a vehicle in each step; shape (steps,)."""
        change = np.zeros(steps + 1)
        np.add.at(change, self.arrival, self.power_kw)
        np.add.at(change, self.departure, -self.power_kw)
        return np.maximum(np.cumsum(change)[:-1], 0.0)


class Charging:
    """The vehicles of a site as time goes on.

    As a vehicle arrives, its charging is planned into the cheapest steps of its stay whose price is then
    known and, where the stay outlasts the known prices and they do not suffice, the steps after them in
    order; first into what the vehicles before it leave of the room beside the load of a day ago, then, if
    that is too little, into steps that are full. Each step charges what was planned or is overdue, but no
    more than there is room for: vehicles that can wait do so, each in the same proportion. One that would
    else leave without all it needs waits no longer; what the site cannot give it counts as load not served.

    Args:
        sessions: The stays.
        price: Import price of each step, EUR/kWh.
        known_until: First step whose price is not yet known, for each step of decision.
        step_h: Length of a step, h.
    """

    def __init__(self, sessions: ChargingSessions, price: Floats, known_until: Ints, step_h: float) -> None:
        self.sessions, self.step_h = sessions, step_h
        self.price, self.known_until = price, known_until
        self.left = sessions.possible_kwh(step_h)
        length = sessions.departure - sessions.arrival
        self.begins = np.cumsum(length) - length
        self.after = np.zeros(int(length.sum()))
        self.planned_kwh, self.room_kwh = np.zeros(len(price)), np.zeros(len(price))

    def advance(self, first: int, last: int, beside_kw: Floats, own_kw: Floats | float = 0.0) -> Floats:
        """Charge over the steps ``first .. last - 1``.

        Args:
            first: The first step.
            last: The step after the last.
            beside_kw: What the connection has left beside the other load in each of these steps; negative
                where that needs more.
            own_kw: What own plants give on top; no plan counts on it.

        Returns:
            Charging power of each of these steps, kW.
        """
        power, s = np.zeros(last - first), self.sessions
        self.room_kwh[first:last] = beside_kw * self.step_h
        room = np.maximum(beside_kw + own_kw, 0.0) * self.step_h
        most = s.power_kw * self.step_h
        day = round(24.0 / self.step_h)
        _charge(
            first, s.arrival, s.departure, most, self.begins, self.after, self.left, self.price,
            self.known_until, self.room_kwh, self.planned_kwh, day, room, power,
        )  # fmt: skip
        return power / self.step_h


@njit(cache=True)
def _charge(
    first: int, arrival: Ints, departure: Ints, most: Floats, begins: Ints, after: Floats, left: Floats,
    price: Floats, known_until: Ints, beside: Floats, planned: Floats, day: int, room: Floats,
    given: Floats,
) -> None:  # fmt: skip
    """Fill ``given`` with the energy of each step from ``first`` on, kWh, plan by plan as vehicles arrive."""
    low = 0
    spans = np.zeros((2, len(arrival)))
    for t in range(first, first + len(given)):
        while low < len(arrival) and departure[low] <= t:
            low += 1
        last = low
        while last < len(arrival) and arrival[last] <= t:
            last += 1
        spans[:, low:last] = 0.0
        for i in range(low, last):
            stay = after[begins[i] : begins[i] + departure[i] - arrival[i]]
            if arrival[i] == t:
                _plan(t, stay, left[i], most[i], price, known_until[t], beside, planned, day)
            if departure[i] > t:
                spans[0, i], spans[1, i] = _span(left[i], most[i], stay, t - arrival[i])
        musts, wants = spans[0, low:last].sum(), spans[1, low:last].sum()
        share = 1.0
        if wants > room[t - first] and wants > musts:
            share = max(room[t - first] - musts, 0.0) / (wants - musts)
        for i in range(low, last):
            give = spans[0, i] + share * (spans[1, i] - spans[0, i])
            given[t - first] += give
            left[i] -= give


@njit(cache=True)
def _plan(
    t: int, stay: Floats, need: float, most: float, price: Floats, known_until: int, beside: Floats,
    planned: Floats, day: int,
) -> None:  # fmt: skip
    """Fill ``stay`` with what a vehicle that comes at ``t`` still needs after each step of its stay, kWh."""
    length = len(stay)
    known = min(max(known_until - t, 0), length)
    order = np.arange(length)
    order[:known] = np.argsort(price[t : t + known], kind="mergesort")
    stay[:] = 0.0
    for crowd in range(2):
        for k in range(length):
            j = order[k]
            u = t + j
            seen = u if u <= t else u - day * ((u - t - 1) // day + 1)
            free = max(beside[max(seen, 0)] - planned[u], 0.0) if crowd == 0 else np.inf
            give = min(need, most - stay[j], free)
            stay[j] += give
            planned[u] += give
            need -= give
    rest = 0.0
    for k in range(length):
        j = length - 1 - k
        stay[j], rest = rest, rest + stay[j]


@njit(cache=True)
def _span(left: float, most: float, after: Floats, step: int) -> tuple[float, float]:
    """What a vehicle must have in a step lest it leave short, and what it is due by plan, kWh."""
    high = min(most, left)
    must = min(max(left - most * (len(after) - 1 - step), 0.0), high)
    return must, min(max(left - after[step], must), high)
