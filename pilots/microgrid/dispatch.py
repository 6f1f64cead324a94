"""A site, or several that settle together, as an energy system of one bus each, solved by linear programme.

Used where the exact dynamic programme cannot go: several batteries, vehicles whose charging may be moved,
capacity charges that tie a month together, feed-in that pays more than importing costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.bus import lost_load_price
from pilots.microgrid.schedule import Schedule, assembled
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.system import Activity, Deliveries, EnergySystem, Solution, Storage
from pilots.microgrid.tariff import billing_months, export_price, import_price

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Member:
    """A site with its series, under a name that no other member has."""

    name: str
    site: Site
    series: Series


def activities_of(member: Member, *, settled_jointly: bool = False) -> tuple[Activity, ...]:
    """What can be done on the bus of a site in each step.

    Args:
        member: The site.
        settled_jointly: Leave prices out of import and export, because the members' sum is priced.
    """
    site, series, name = member.site, member.series, member.name
    available = np.ones(len(series)) if series.grid_available is None else series.grid_available
    connection, tariff = site.connection, site.tariff
    free = np.zeros(len(series))
    present = 0.0 if series.sessions is None else series.sessions.present_kw(len(series))
    grid = "settlement" if settled_jointly else None
    intake: dict[str, float] = {name: 1.0} | ({grid: -1.0} if grid else {})
    feed: dict[str, float] = {name: -1.0} | ({grid: 1.0} if grid else {})
    parts = [
        Activity(
            f"{name} import",
            intake,
            cost=free if settled_jointly else import_price(site, series),
            capacity=connection.import_limit_kw,
            profile=available,
            peak_price=0.0 if settled_jointly else tariff.capacity_eur_per_kw_month,
            peak_groups=billing_months(site, series),
        ),
        Activity(
            f"{name} export",
            feed,
            cost=free if settled_jointly else -export_price(site, series),
            capacity=connection.export_limit_kw,
            profile=available,
        ),
        Activity(f"{name} curtailed", {name: -1.0}, capacity=1.0, profile=series.renewable_kw),
        Activity(
            f"{name} unserved",
            {name: 1.0},
            lost_load_price(site, series.step_h),
            capacity=1.0,
            profile=np.maximum(series.load_kw, 0.0) + present,
        ),
        Activity(
            f"{name} spilled",
            {name: -1.0},
            lost_load_price(site, series.step_h),
            capacity=1.0,
            profile=np.maximum(-series.load_kw, 0.0),
        ),
    ]
    if site.generator is not None:
        generator = site.generator
        parts.append(
            Activity(
                f"{name} generator", {name: 1.0}, generator.marginal_eur_per_kwh, capacity=generator.rated_kw
            )
        )
    return tuple(parts)


def storage_of(member: Member, reserve_kwh: Floats | None = None) -> tuple[Storage, ...]:
    """The battery of a site, counted above its least level; none where there is none."""
    battery = member.site.battery
    if battery is None:
        return ()
    room = battery.level_max_kwh - battery.level_min_kwh
    final = battery.level_final_kwh
    return (
        Storage(
            f"{member.name} battery",
            member.name,
            capacity=room,
            charge_rate=battery.charge_kw / room,
            discharge_rate=battery.discharge_kw / room,
            charge_efficiency=battery.charge_efficiency,
            discharge_efficiency=battery.discharge_efficiency,
            retention=battery.retention(member.series.step_h),
            charge_cost=battery.wear_charge_eur_per_kwh,
            discharge_cost=battery.wear_discharge_eur_per_kwh,
            initial=battery.level_initial_kwh - battery.level_min_kwh,
            final_least=0.0 if final is None else final - battery.level_min_kwh,
            reserve=reserve_kwh,
        ),
    )


def deliveries_of(member: Member) -> tuple[Deliveries, ...]:
    """The vehicles of a site; none where none come."""
    stays = member.series.sessions
    if stays is None or len(stays) == 0:
        return ()
    energy = stays.possible_kwh(member.series.step_h)
    return (Deliveries(member.name, stays.arrival, stays.departure, energy, stays.power_kw),)


def system_of(member: Member, *, exclusive: bool = False, reserve_kwh: Floats | None = None) -> EnergySystem:
    """The energy system of one site.

    Args:
        member: The site.
        exclusive: Forbid charging and discharging at once by whole-number variables where that could pay.
        reserve_kwh: Least level above the battery's own least, after each step.
    """
    site, series, name = member.site, member.series, member.name
    inverted = export_price(site, series) > import_price(site, series) + 1e-12
    most = (
        float(np.abs(series.load_kw).max() + series.renewable_kw.max())
        + _battery_power(site)
        + _charging_power(series)
    )
    apart = [(f"{name} import", f"{name} export", inverted, most)]
    if exclusive and site.battery is not None:
        burning = np.minimum(import_price(site, series), export_price(site, series)) < 0.0
        apart.append((f"{name} battery charge", f"{name} battery discharge", burning, _battery_power(site)))
    return EnergySystem(
        steps=len(series),
        step_h=series.step_h,
        demand={name: series.load_kw - series.renewable_kw},
        activities=activities_of(member),
        storages=storage_of(member, reserve_kwh),
        deliveries=deliveries_of(member),
        exclusive=tuple(apart),
    )


def schedule_from(
    member: Member, solution: Solution, controller: str, notes: tuple[str, ...] = ()
) -> Schedule:
    """The schedule of one site in a solution."""
    site, series, name = member.site, member.series, member.name
    zeros = np.zeros(len(series))
    battery = site.battery
    levels = np.zeros(len(series) + 1)
    if battery is not None:
        levels[0] = battery.level_initial_kwh
        levels[1:] = battery.level_min_kwh + solution.level[f"{name} battery"]
    charging = solution.delivered.get(name, zeros)
    return assembled(
        site,
        series,
        controller,
        charging,
        levels,
        notes=notes,
        charge_kw=solution.charge.get(f"{name} battery", zeros),
        discharge_kw=solution.discharge.get(f"{name} battery", zeros),
        generator_kw=solution.activity.get(f"{name} generator", zeros),
        **{
            f"{what}_kw": solution.activity[f"{name} {what}"]
            for what in ("import", "export", "curtailed", "unserved", "spilled")
        },
    )


def _battery_power(site: Site) -> float:
    return 0.0 if site.battery is None else max(site.battery.charge_kw, site.battery.discharge_kw)


def _charging_power(series: Series) -> float:
    return 0.0 if series.sessions is None else float(series.sessions.power_kw.sum())
