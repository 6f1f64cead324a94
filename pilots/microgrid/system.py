"""An energy system as activities and storages on buses, with capacities given or to be chosen.

Each *activity* (Koopmans 1951, *Activity Analysis of Production and Allocation*) is one number a step, zero
or more, with what one unit of it gives to or takes from each bus. A wind park gives 1 to electricity; a
heat pump takes 1/3 from electricity and gives 1 to heat; a CHP unit gives to both; a free sink takes. A
*storage* links the steps. That is enough for grid, diesel, CHP, hydrogen and their sizing, and it is solved
as one sparse linear programme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geodata.errors import UnknownName
from pilots.microgrid.program import INFINITY, LinearProgram

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Investment:
    """Capacity to be bought: its price per unit for the time of all steps, and the most of it."""

    price: float
    most: float = INFINITY


@dataclass(frozen=True, eq=False)
class Activity:
    """Something that can be done in each step.

    Attributes:
        name: How it is called.
        gives: What one unit adds to each bus; negative where it takes.
        cost: Per unit and hour.
        capacity: Existing capacity; activity is at most ``capacity x profile``.
        profile: Share of the capacity that can be had in each step.
        fixed: Whether the activity equals that product instead of staying below it.
        invest: Capacity that may be added.
        total_most: Limit on the sum over all steps (activity x hours).
        peak_price: Price of the highest activity within each of ``peak_groups``.
        peak_groups: Number of the group (a month, say) of each step.
    """

    name: str
    gives: Mapping[str, float]
    cost: float | Floats = 0.0
    capacity: float = INFINITY
    profile: Floats | None = None
    fixed: bool = False
    invest: Investment | None = None
    total_most: float = INFINITY
    peak_price: float = 0.0
    peak_groups: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Storage:
    """Energy carried from step to step on one bus.

    Attributes:
        name: How it is called.
        bus: Where it stands.
        capacity: Existing capacity, energy.
        invest: Capacity that may be added.
        charge_rate: Highest charging power per unit of capacity, 1/h.
        discharge_rate: The same for discharging.
        charge_efficiency: Stored per unit drawn.
        discharge_efficiency: Given per unit taken out.
        retention: Share of the level left after a step.
        charge_cost: Per unit drawn.
        discharge_cost: Per unit given.
        initial: Level before the first step; ``None`` leaves it free.
        final_least: Least level after the last step.
        cyclic: Whether the level before the first step equals the one after the last.
        reserve: Least level after each step.
        usable: Share of the capacity that the level may fill.
        initial_share: Level before the first step as a share of the capacity, bought or standing; takes the
            place of ``initial``.
        final_share: Least level after the last step as such a share.
    """

    name: str
    bus: str
    capacity: float = 0.0
    invest: Investment | None = None
    charge_rate: float = INFINITY
    discharge_rate: float = INFINITY
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    retention: float = 1.0
    charge_cost: float = 0.0
    discharge_cost: float = 0.0
    initial: float | None = 0.0
    final_least: float = 0.0
    cyclic: bool = False
    reserve: Floats | None = None
    usable: float = 1.0
    initial_share: float | None = None
    final_share: float = 0.0


@dataclass(frozen=True, eq=False)
class Deliveries:
    """Amounts of energy that must be given on a bus within windows of steps, as to vehicles at chargers."""

    bus: str
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    energy: Floats
    power: Floats


@dataclass(frozen=True)
class Together:
    """A limit on the sum of several activities over all steps (activity x hours), as on imported energy."""

    names: tuple[str, ...]
    most: float


@dataclass(frozen=True, eq=False)
class Solution:
    """The optimum: its cost, activities, storage flows and levels, and what was bought."""

    cost: float
    activity: dict[str, Floats]
    charge: dict[str, Floats]
    discharge: dict[str, Floats]
    level: dict[str, Floats]
    delivered: dict[str, Floats]
    bought: dict[str, float]


@dataclass
class EnergySystem:
    """Steps of equal length, what each bus must give away, and what can be done about it."""

    steps: int
    step_h: float
    demand: Mapping[str, Floats | float]
    activities: tuple[Activity, ...] = ()
    storages: tuple[Storage, ...] = ()
    deliveries: tuple[Deliveries, ...] = ()
    exclusive: tuple[tuple[str, str, NDArray[np.bool_], float], ...] = ()
    together: tuple[Together, ...] = ()
    program: LinearProgram = field(default_factory=LinearProgram, repr=False)
    columns: dict[str, Ints] = field(default_factory=dict, repr=False)
    balance: dict[str, Ints] = field(default_factory=dict, repr=False)
    continuity: dict[str, Ints] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for bus, need in self.demand.items():
            self.balance[bus] = self.program.add_rows(self.steps, need, need)
        for activity in self.activities:
            self._add_activity(activity)
        for storage in self.storages:
            self._add_storage(storage)
        for number, delivery in enumerate(self.deliveries):
            self._add_deliveries(f"delivery {number}", delivery)
        for one, other, when, most in self.exclusive:
            self._add_exclusion(one, other, when, most)
        for limit in self.together:
            row = self.program.add_rows(1, -INFINITY, limit.most)
            for name in limit.names:
                self.program.put(row, self.columns[name], self.step_h)

    def optimum(self) -> Solution:
        """Solve for the least cost.

        Raises:
            NoSolution: If the limits contradict each other.
        """
        x = self.program.solve()
        pick = {name: x[columns] for name, columns in self.columns.items()}
        names = [storage.name for storage in self.storages]
        return Solution(
            cost=self.program.objective,
            activity={a.name: pick[a.name] for a in self.activities},
            charge={name: pick[f"{name} charge"] for name in names},
            discharge={name: pick[f"{name} discharge"] for name in names},
            level={name: pick[f"{name} level"] for name in names},
            delivered={
                d.bus: self._delivered(d, pick[f"delivery {k}"]) for k, d in enumerate(self.deliveries)
            },
            bought={
                name.removesuffix(" bought"): float(v[0])
                for name, v in pick.items()
                if name.endswith(" bought")
            },
        )

    def _bus(self, name: str) -> Ints:
        if name not in self.balance:
            raise UnknownName("a bus is not known", field="bus", value=name, expected=", ".join(self.balance))
        return self.balance[name]

    def _buy(self, name: str, invest: Investment | None) -> Ints | None:
        if invest is None:
            return None
        columns = self.program.add_columns(1, invest.price, 0.0, invest.most)
        self.columns[f"{name} bought"] = columns
        return columns

    def _add_activity(self, a: Activity) -> None:
        lp, n = self.program, self.steps
        profile = np.ones(n) if a.profile is None else a.profile
        given = np.full(n, INFINITY) if a.capacity == INFINITY else a.capacity * profile
        limit = np.full(n, INFINITY) if a.invest else given
        columns = lp.add_columns(
            n, np.asarray(a.cost) * self.step_h, given if a.fixed and not a.invest else 0.0, limit
        )
        self.columns[a.name] = columns
        for bus, amount in a.gives.items():
            lp.put(self._bus(bus), columns, amount)
        bought = self._buy(a.name, a.invest)
        if bought is not None:
            # activity - profile x bought is at most, or equals, what stands already.
            rows = lp.add_rows(n, given if a.fixed else -INFINITY, given)
            lp.put(rows, columns, 1.0)
            lp.put(rows, bought, -profile)
        if a.total_most < INFINITY:
            row = lp.add_rows(1, -INFINITY, a.total_most)
            lp.put(row, columns, self.step_h)
        if a.peak_price > 0.0:
            self._add_peaks(a, columns)

    def _add_peaks(self, a: Activity, columns: Ints) -> None:
        groups = np.zeros(self.steps, np.int64) if a.peak_groups is None else a.peak_groups
        peaks = self.program.add_columns(int(groups.max()) + 1, a.peak_price)
        self.columns[f"{a.name} peaks"] = peaks
        rows = self.program.add_rows(self.steps, -INFINITY, 0.0)
        self.program.put(rows, columns, 1.0)
        self.program.put(rows, peaks[groups], -1.0)

    def _add_storage(self, s: Storage) -> None:
        lp, n, dt = self.program, self.steps, self.step_h
        fixed = s.invest is None
        top = s.usable * s.capacity if fixed else INFINITY
        charge = lp.add_columns(n, s.charge_cost * dt, 0.0, _power(s.charge_rate, s.capacity, fixed=fixed))
        discharge = lp.add_columns(
            n, s.discharge_cost * dt, 0.0, _power(s.discharge_rate, s.capacity, fixed=fixed)
        )
        least = np.zeros(n) if s.reserve is None else s.reserve.copy()
        least[-1] = max(least[-1], s.final_least)
        level = lp.add_columns(n, 0.0, least, top)
        self.columns |= {
            f"{s.name} charge": charge,
            f"{s.name} discharge": discharge,
            f"{s.name} level": level,
        }
        lp.put(self._bus(s.bus), charge, -1.0)
        lp.put(self._bus(s.bus), discharge, 1.0)
        begin = np.zeros(n)
        if not s.cyclic:
            begin[0] = s.retention * _first_level(s)
        rows = lp.add_rows(n, begin, begin)
        self.continuity[s.name] = rows
        lp.put(rows, level, 1.0)
        lp.put(rows[1:], level[:-1], -s.retention)
        lp.put(rows, charge, -s.charge_efficiency * dt)
        lp.put(rows, discharge, dt / s.discharge_efficiency)
        if s.cyclic:
            lp.put(rows[:1], level[-1:], -s.retention)
        elif s.initial is None and s.initial_share is None:
            lp.put(rows[:1], lp.add_columns(1, 0.0, 0.0, top), -s.retention)
        bought = self._buy(s.name, s.invest)
        if s.final_share > 0.0:
            last = lp.add_rows(1, s.final_share * s.capacity, INFINITY)
            lp.put(last, level[-1:], 1.0)
            if bought is not None:
                lp.put(last, bought, -s.final_share)
        if bought is not None:
            if s.initial_share is not None and not s.cyclic:
                lp.put(rows[:1], bought, -s.retention * s.initial_share)
            for columns, rate in ((level, s.usable), (charge, s.charge_rate), (discharge, s.discharge_rate)):
                if rate < INFINITY:
                    limit = lp.add_rows(n, -INFINITY, rate * s.capacity)
                    lp.put(limit, columns, 1.0)
                    lp.put(limit, bought, -rate)

    def _add_deliveries(self, name: str, d: Deliveries) -> None:
        lp = self.program
        owner, step = windows(d.first, d.last)
        columns = lp.add_columns(len(step), 0.0, 0.0, d.power[owner])
        self.columns[name] = columns
        lp.put(self._bus(d.bus)[step], columns, -1.0)
        rows = lp.add_rows(len(d.first), d.energy, d.energy)
        lp.put(rows[owner], columns, self.step_h)

    def _delivered(self, d: Deliveries, values: Floats) -> Floats:
        _, step = windows(d.first, d.last)
        return np.bincount(step, weights=values, minlength=self.steps).astype(np.float64)

    def _add_exclusion(self, one: str, other: str, when: NDArray[np.bool_], most: float) -> None:
        """Let two activities not be above zero in the same step, where ``when`` says so."""
        steps = np.flatnonzero(when)
        if len(steps) == 0:
            return
        lp = self.program
        which = lp.add_columns(len(steps), 0.0, 0.0, 1.0)
        lp.make_whole(which)
        for name, side, limit in ((one, -most, 0.0), (other, most, most)):
            rows = lp.add_rows(len(steps), -INFINITY, limit)
            lp.put(rows, self.columns[name][steps], 1.0)
            lp.put(rows, which, side)


def windows(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The steps of all windows ``first .. last - 1`` in a row, and whose window each belongs to."""
    length = last - first
    owner = np.repeat(np.arange(len(first)), length)
    before = np.repeat(np.cumsum(length) - length, length)
    return owner, np.arange(len(owner)) - before + first[owner]


def _first_level(s: Storage) -> float:
    """The level before the first step that does not depend on what is bought."""
    if s.initial_share is not None:
        return s.initial_share * s.capacity
    return 0.0 if s.initial is None else s.initial


def _power(rate: float, capacity: float, *, fixed: bool) -> float:
    return rate * capacity if fixed and rate < INFINITY else INFINITY
