"""The least-cost sizes of a site's components as one linear programme: capacities are chosen with the flows.

Prices become yearly payments (annuities) over each component's life; a battery's power grows with its
capacity. The flows know the whole year, so the cost is a bound: a real controller will need a little more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pilots.microgrid.bus import lost_load_price
from pilots.microgrid.checks import Infeasible
from pilots.microgrid.design import NAMES, Design, Limits, per_kw, sized, standing
from pilots.microgrid.dispatch import Member, deliveries_of
from pilots.microgrid.program import INFINITY, NoSolution
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.system import Activity, EnergySystem, Investment, Solution, Storage, Together
from pilots.microgrid.tariff import billing_months, export_price, import_price

MUST_SERVE_EUR_PER_KW = 1e4
"""What a kW not served for one step costs where none may be: more than any plant or connection for it."""


def least_cost(site: Site, series: Series, limits: Limits) -> Design:
    """The sizes of least yearly cost; see :func:`pilots.microgrid.design.size`."""
    now = standing(site)
    ranges = {name: limits.range_of(name, now[name]) for name in NAMES}
    system = _system(site, series, ranges, limits)
    try:
        solution = system.optimum()
    except NoSolution as fault:
        raise Infeasible(
            f"no size within the limits serves the load{_and_share(limits)}", field="limits",
            value=str(ranges),
            expected="larger sizes, a larger limits.unserved_share, or a smaller limits.renewable_share",
        ) from fault  # fmt: skip
    sizes: dict[str, Any] = {name: ranges[name][0] + solution.bought.get(name, 0.0) for name in NAMES}
    load = _asked_kwh(series) / series.step_h
    shed = float(solution.activity["unserved"].sum()) / load if load else 0.0
    value = solution.cost * 8760.0 / series.hours + _standing_cost(site, ranges)
    if shed > limits.unserved_share + 1e-6:
        raise _short(solution, series, shed, limits)
    return Design("cost", value, **sizes, unserved_share=shed, evaluations=1, site=sized(site, sizes))


def _and_share(limits: Limits) -> str:
    return f" with {limits.renewable_share:.0%} from sun and wind" if limits.renewable_share else ""


def _short(solution: Solution, series: Series, shed: float, limits: Limits) -> Infeasible:
    at = int(np.argmax(solution.activity["unserved"] > 1e-6))
    return Infeasible(
        f"no size within the limits serves the load{_and_share(limits)}, first at {series.stamp(at)}",
        field="limits.unserved_share",
        value=f"{shed:.3%} shed at best",
        expected=f"at most {limits.unserved_share:.3%}; allow larger sizes"
        + (", or a smaller limits.renewable_share" if limits.renewable_share else ""),
    )


def yearly_prices(site: Site) -> dict[str, float]:
    """What one unit of each size costs a year: annuity and upkeep, EUR."""
    p, tariff = site.prices, site.tariff
    return {
        "generator_kw": p.annuity(p.generator_eur_per_kw, float(p.project_years)),
        "battery_kwh": p.annuity(p.battery_eur_per_kwh, p.battery_years) + p.battery_upkeep_eur_per_kwh_year,
        "solar_kw": p.annuity(p.solar_eur_per_kw, p.solar_years) + p.solar_upkeep_eur_per_kw_year,
        "wind_kw": p.annuity(p.wind_eur_per_kw, p.wind_years) + p.wind_upkeep_eur_per_kw_year,
        "connection_kw": p.annuity(p.connection_eur_per_kw, float(p.project_years))
        + tariff.connection_eur_per_kw_year,
    }


def _standing_cost(site: Site, ranges: dict[str, tuple[float, float]]) -> float:
    """What the least sizes cost a year, EUR; a size that is fixed counts too."""
    yearly = yearly_prices(site)
    return sum(yearly[name] * low for name, (low, _) in ranges.items())


def _system(
    site: Site, series: Series, ranges: dict[str, tuple[float, float]], limits: Limits
) -> EnergySystem:
    n, dt = len(series), series.step_h
    share_of_year = series.hours / 8760.0
    yearly = yearly_prices(site)

    def more(name: str) -> Investment | None:
        low, high = ranges[name]
        return Investment(yearly[name] * share_of_year, high - low) if high > low else None

    solar, wind = per_kw(site, series)
    available = np.ones(n) if series.grid_available is None else series.grid_available
    present = 0.0 if series.sessions is None else series.sessions.present_kw(n)
    positive = np.maximum(series.load_kw, 0.0) + present
    free = limits.unserved_share * _asked_kwh(series)
    # Load that may not be shed must never be cheaper to shed than to serve by what one peak step asks for.
    lost = lost_load_price(site, dt) if free else MUST_SERVE_EUR_PER_KW / dt
    generator_cost = 0.0 if site.generator is None else site.generator.marginal_eur_per_kwh
    activities = (
        Activity(
            "connection_kw", {"bus": 1.0}, import_price(site, series), ranges["connection_kw"][0], available,
            invest=more("connection_kw"), peak_price=site.tariff.capacity_eur_per_kw_month,
            peak_groups=billing_months(site, series),
        ),
        Activity("export", {"bus": -1.0}, -export_price(site, series), site.connection.export_limit_kw,
        available),
        Activity("solar_kw", {"bus": 1.0}, 0.0, ranges["solar_kw"][0], solar, invest=more("solar_kw")),
        Activity("wind_kw", {"bus": 1.0}, 0.0, ranges["wind_kw"][0], wind, invest=more("wind_kw")),
        Activity(
            "generator_kw", {"bus": 1.0}, generator_cost, ranges["generator_kw"][0],
            invest=more("generator_kw"),
        ),
        Activity("unserved", {"bus": 1.0}, lost, 1.0, positive, total_most=free or INFINITY),
        Activity("spilled", {"bus": -1.0}, lost, 1.0, np.maximum(-series.load_kw, 0.0)),
    )  # fmt: skip
    storages: tuple[Storage, ...] = ()
    battery, (low, high) = site.battery, ranges["battery_kwh"]
    if battery is not None and high > 0.0:
        least = battery.state_of_charge_min
        usable = battery.state_of_charge_max - least
        first, final = battery.level_initial_kwh, battery.level_final_kwh
        storages = (
            Storage(
                "battery_kwh", "bus", low, more("battery_kwh"),
                charge_rate=battery.charge_kw / battery.capacity_kwh,
                discharge_rate=battery.discharge_kw / battery.capacity_kwh,
                charge_efficiency=battery.charge_efficiency,
                discharge_efficiency=battery.discharge_efficiency,
                retention=battery.retention(dt), charge_cost=battery.wear_charge_eur_per_kwh,
                discharge_cost=battery.wear_discharge_eur_per_kwh, usable=usable,
                initial_share=first / battery.capacity_kwh - least,
                final_share=0.0 if final is None else final / battery.capacity_kwh - least,
            ),
        )  # fmt: skip
    together: tuple[Together, ...] = ()
    if limits.renewable_share > 0.0:
        most = (1.0 - limits.renewable_share) * _asked_kwh(series)
        together = (Together(("connection_kw", "generator_kw"), most),)
    stays = deliveries_of(Member("bus", site, series))
    return EnergySystem(n, dt, {"bus": series.load_kw}, activities, storages, stays, together=together)


def _asked_kwh(series: Series) -> float:
    """Energy of the load and of what vehicles can take, kWh."""
    stays = series.sessions
    charging = 0.0 if stays is None else float(stays.possible_kwh(series.step_h).sum())
    return float(series.load_kw.sum()) * series.step_h + charging
