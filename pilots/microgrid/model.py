"""One city's site over a run: it reads signals, steers its battery, and gives account.

Alone, a site runs from beginning to end in one compiled call. Coupled, it wakes at the end of each window,
learns what the charging vehicles and the schools drew, and goes on by the steps that are then complete.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.ageing import Ageing, capacity_left
from pilots.microgrid.chance import interval_of_outages, interval_of_weeks
from pilots.microgrid.checks import missed_charging, shortfall
from pilots.microgrid.connection import connection_curve
from pilots.microgrid.control import Operation
from pilots.microgrid.controllers import named
from pilots.microgrid.cooperative import Share, fair_shares
from pilots.microgrid.indicators import DURATIONS_H, indicators
from pilots.microgrid.inputs import SiteInputs, outages, street_network
from pilots.microgrid.islanding import hours_survived
from pilots.microgrid.optimum import optimum
from pilots.microgrid.plants import coefficient_of_performance
from pilots.microgrid.scenario import MicrogridScenario
from pilots.microgrid.schedule import Schedule
from pilots.microgrid.site import Battery, Site
from twin.pilot import CityModel, Estimate
from twin.world import World

if TYPE_CHECKING:
    import simpy
    import xarray as xr

Floats = NDArray[np.float64]

EV, SCHOOL, HEAT = "ev_charging_power", "school_electric_power", "school_heat_power"
SIGNALS = (EV, SCHOOL, HEAT)
SIZES = 13
"""Batteries on the curve of the connection question, from none to twice the site's."""


class CitySite(CityModel):
    """The site of one city."""

    def __init__(
        self, city: str, operation: Operation, inputs: SiteInputs, scenario: MicrogridScenario, world: World
    ) -> None:
        self.city, self.operation, self.inputs, self.scenario, self.world = (
            city,
            operation,
            inputs,
            scenario,
            world,
        )
        self.step_s = round(operation.series.step_h * 3600)
        self.members = {name: load.copy() for name, load in inputs.members.items()}

    def run(self) -> Generator[simpy.Event, Any, Any]:
        """Steer the site to the end of the run."""
        coupled = [name for name in SIGNALS if self.world.signals.is_written(name)]
        if not coupled:
            self.operation.advance(len(self.operation.series))
            yield self.world.env.timeout(self.world.end_s)
            return
        told = {name: np.zeros(len(self.operation.series)) for name in coupled}
        while self.operation.done < len(self.operation.series):
            window = yield self.world.turn()
            for name in coupled:
                value = self.world.signals.read(name, self.city)
                self._spread(told[name], window.start_s, window.end_s, 0.0 if value is None else float(value))
            self._advance(window.end_s // self.step_s, told)

    def _spread(self, steps: Floats, start_s: int, end_s: int, power_kw: float) -> None:
        """Add a window's mean power to the steps that it covers."""
        for step in range(start_s // self.step_s, -(-end_s // self.step_s)):
            inside = min(end_s, (step + 1) * self.step_s) - max(start_s, step * self.step_s)
            steps[step] += power_kw * inside / self.step_s

    def _advance(self, last: int, told: Mapping[str, Floats]) -> None:
        first = self.operation.done
        if last <= first:
            return
        part = slice(first, last)
        load = self.operation.series.load_kw[part].copy()
        for member, share in (("vehicles", EV), ("schools", SCHOOL), ("heat_pumps", HEAT)):
            if share not in told:
                continue
            drawn = self._drawn(share, told[share][part], part)
            self.members.setdefault(member, np.zeros(len(self.operation.series)))[part] += drawn
            load += drawn
        self.operation.advance(last, load)

    def _drawn(self, signal: str, power_kw: Floats, part: slice) -> Floats:
        """What a signal means for this connection, kW."""
        s = self.scenario
        if signal == EV:
            return s.ev_share * power_kw
        if signal == SCHOOL:
            return s.school_share * power_kw
        temperature = self.inputs.temperature_c[part]
        return s.school_share * s.heat_pump_share * power_kw / coefficient_of_performance(temperature)

    @cached_property
    def schedule(self) -> Schedule:
        """What happened."""
        return self.operation.schedule()

    @cached_property
    def without_battery(self) -> Schedule:
        """What would have happened without the battery, vehicles charged as they are."""
        site, limit = _without(self.schedule.site), self.operation.charging_limit_kw
        rng = np.random.default_rng(0)
        without = Operation(site, self.schedule.series, named("self_consumption"), rng, limit)
        without.advance(len(self.schedule.series))
        return without.schedule()

    @cached_property
    def bound_eur(self) -> float:
        """The perfect-foresight optimum of what really came."""
        return optimum(self.schedule.site, self.schedule.series).cost_eur

    @cached_property
    def shares(self) -> dict[str, Share]:
        """What each member pays."""
        loads = dict(self.members)
        if float(self.schedule.charging_kw.sum()) > 0.0:
            loads["vehicles"] = loads.get("vehicles", 0.0) + self.schedule.charging_kw
        return fair_shares(self.schedule.site, self.schedule.series, loads, self.schedule.bill_eur)

    def kpis(self) -> Mapping[str, float | Estimate]:
        """The value of each indicator."""
        found = indicators(
            self.schedule, self.without_battery, self.bound_eur, self.shares, self.scenario.load_growth
        )
        # Repetitions give intervals of their own; a single run has those of its outages and its weeks.
        return found if self.world.replication else {**found, **self._intervals(found)}

    def _intervals(self, found: Mapping[str, float]) -> dict[str, Estimate]:
        """The indicators that other outages or other weeks would change most, with their intervals."""
        schedule, dt = self.schedule, self.schedule.series.step_h
        rng = self.world.rng("intervals", self.city)
        estimates = {}
        hours = hours_survived(schedule)
        for name, values in (
            *((f"survival_{d}h", (hours >= d - 1e-9).astype(np.float64)) for d in DURATIONS_H),
            ("survival_mean_h", hours),
        ):
            span = interval_of_weeks(values, dt, rng)
            if span is not None:
                estimates[name] = _estimate(found[name], *span)
        if self.scenario.outages_per_year > 0.0:
            usual = street_network(self.scenario, self.inputs.lit)
            low, high = interval_of_outages(
                schedule, usual, lambda: outages(self.scenario, len(hours), rng) * usual
            )
            price, to_year = self.scenario.lost_load_eur_per_kwh, 8760.0 / schedule.series.hours
            estimates["unserved_kwh"] = _estimate(found["unserved_kwh"], low, high)
            low, high = (price * (kwh - found["unserved_kwh"]) for kwh in (low, high))
            for name, scale in (("unserved_cost_eur", 1.0), ("cost_eur", 1.0), ("yearly_cost_eur", to_year)):
                value = found[name]
                estimates[name] = _estimate(value, value + scale * low, value + scale * high)
        return estimates

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """Energy on the bus and in the battery, kWh."""
        s, dt = self.schedule, self.schedule.series.step_h
        gets = s.import_kw + s.solar_kw + s.wind_kw + s.discharge_kw + s.generator_kw + s.unserved_kw
        gives = s.load_kw + s.charging_kw + s.charge_kw + s.export_kw + s.curtailed_kw + s.spilled_kw
        found = {"energy on the bus": (float(gets.sum() * dt), float(gives.sum() * dt))}
        battery = s.site.battery
        if battery is not None:
            into = (
                battery.charge_efficiency * s.charge_kw.sum()
                - s.discharge_kw.sum() / battery.discharge_efficiency
            )
            found["energy in the battery"] = (float(s.level_kwh[-1] - s.level_kwh[0]), float(into * dt))
        return found

    def data(self) -> xr.Dataset:
        """Flows, levels, the connection curve, the members' shares."""
        data = self.schedule.to_xarray()
        data["price"] = (
            "time",
            self.schedule.series.price_eur_per_kwh,
            {"units": "EUR/kWh", "long_name": "day-ahead price"},
        )
        sizes, least = self._connection_curve()
        data = data.assign_coords(
            battery_size=("battery_size", sizes, {"units": "kWh", "long_name": "capacity of a battery"})
        )
        about = "least import limit under which all load is served, by capacity of the battery"
        data["connection_by_battery"] = ("battery_size", least, {"units": "kW", "long_name": about})
        names = sorted(self.shares)
        data = data.assign_coords(member=("member", names))
        for key, meaning in (
            ("alone_eur", "cost on an own connection without plants"),
            ("share_eur", "cost in the cooperative"),
        ):
            values = np.array([getattr(self.shares[name], key) for name in names], np.float64)
            data[f"member_{key}"] = ("member", values, {"units": "EUR", "long_name": meaning})
        if self.schedule.site.battery is not None:
            self._add_ageing(data)
        steered = f"Steered by: {self.operation.controller.label}."
        data.attrs |= {
            "notes": [*self.inputs.notes, steered, *self._cautions()],
            "peak_import_kw": float(self.schedule.import_kw.max()),
            "bound_eur": self.bound_eur,
            "battery_kwh": 0.0
            if self.schedule.site.battery is None
            else self.schedule.site.battery.capacity_kwh,
        }
        return data

    def _add_ageing(self, data: xr.Dataset) -> None:
        """What is left of the battery at the end of each year."""
        schedule = self.schedule
        left = capacity_left(schedule.state_of_charge, schedule.series.hours, Ageing())
        about = {"units": "1", "long_name": "share of the battery's first capacity left after the year"}
        data["capacity_left"] = ("year_of_run", left, about)
        data.coords["year_of_run"] = ("year_of_run", np.arange(1, len(left) + 1), {"units": "1"})

    def _cautions(self) -> list[str]:
        """What a reader of the figures must know."""
        found = [shortfall(self.schedule), missed_charging(self.schedule)]
        years = round(self.schedule.series.hours / 8766.0)
        if self.schedule.site.battery is not None and years > 1:
            left = capacity_left(self.schedule.state_of_charge, self.schedule.series.hours, Ageing())
            found.append(
                "Battery's capacity left, year by year: "
                + ", ".join(f"{share:.1%}" for share in left)
                + "; steered with all of it throughout, so that savings of later years are a little high."
            )
        return [one for one in found if one is not None]

    def _connection_curve(self) -> tuple[Floats, Floats]:
        s, schedule = self.scenario, self.schedule
        net = schedule.load_kw + schedule.charging_kw - schedule.solar_kw - schedule.wind_kw
        battery = schedule.site.battery or Battery(
            capacity_kwh=1000.0, charge_kw=400.0, discharge_kw=400.0,
            charge_efficiency=s.efficiency, discharge_efficiency=s.efficiency,
        )  # fmt: skip
        sizes = np.linspace(0.0, 2.0 * battery.capacity_kwh, SIZES)
        return sizes, connection_curve(net, battery, sizes, schedule.series.step_h, s.backup_kw)


def _estimate(value: float, low: float, high: float) -> Estimate:
    """A value with its interval, which holds the value itself however rare it is."""
    return Estimate(value, min(low, value), max(high, value))


def _without(site: Site) -> Site:
    return site.model_copy(update={"battery": None})
