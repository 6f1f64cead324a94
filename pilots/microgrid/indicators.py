"""The indicators of a local grid: what each is, and its value for a schedule.

The connection comes first: these pilots exist to show that storage makes it smaller. A bill is never shown
without the peak it was bought with, nor a cost without the bound that perfect foresight sets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pilots.microgrid.ageing import Ageing, capacity_left, life_years, loss_rate
from pilots.microgrid.connection import least_connection, years_deferred
from pilots.microgrid.cooperative import Share
from pilots.microgrid.invest import yearly_prices
from pilots.microgrid.islanding import hours_survived, survival
from pilots.microgrid.lifecycle import lcos_eur_per_kwh
from pilots.microgrid.origin import Origin, origin_of
from pilots.microgrid.schedule import Schedule
from pilots.microgrid.tariff import export_price, import_price

DURATIONS_H = (1, 4, 12, 24)
HIGH_SHARE = 95


@dataclass(frozen=True)
class Indicator:
    """A key performance indicator's declaration."""

    key: str
    title: str
    unit: str
    better: Literal["higher", "lower", "neither"]
    definition: str
    source: str


_OF = {
    "pilot": "FinEst Twins pilot on microgrids, stated aim",
    "scis": "Smart Cities Information System, KPI guide 2.0 (2017), section 2.1",
    "reopt": "REopt outage simulator; Laws et al. 2018",
    "practice": "common practice of network tariffs",
    "own": "Twinbox's own definition",
    "bound": "linear programme with perfect foresight",
    "lcos": "Schmidt et al. 2019, Joule 3(1)",
    "npc": "Haessig et al., Microgrids.py",
    "ghg": "GHG Protocol Scope 2 guidance (2015)",
    "age": "ASTM E1049-85; Naumann et al. 2018, 2020",
    "shapley": "Shapley 1953",
}

INDICATORS = tuple(
    Indicator(key, title, unit, better, definition, _OF[source])  # type: ignore[arg-type]
    for key, title, unit, better, definition, source in (
        (
            "yearly_cost_eur",
            "Yearly cost",
            "EUR",
            "lower",
            (
                "bill and load not served, scaled to a year, plus annuities and upkeep of sun, wind, battery "
                "and backup"
            ),
            "npc",
        ),
        ("peak_import_kw", "Peak import", "kW", "lower", "highest mean import over one step", "practice"),
        (
            "connection_avoided_kw",
            "Connection avoided",
            "kW",
            "higher",
            (
                "peak without battery less the peak with it, as steered; load that the connection could not "
                "serve counts in both as if drawn"
            ),
            "pilot",
        ),
        (
            "connection_avoidable_kw",
            "Connection avoidable",
            "kW",
            "higher",
            "the same if the battery did nothing else: the bound of the one above",
            "pilot",
        ),
        (
            "connection_least_kw",
            "Least connection",
            "kW",
            "lower",
            "least import limit under which plants and battery can serve all load",
            "pilot",
        ),
        (
            "peak_without_battery_kw",
            "Peak without battery",
            "kW",
            "neither",
            "highest mean import over one step with the battery left out, load not served as if drawn",
            "pilot",
        ),
        (
            "peak_import_p95_kw",
            "Import, 95th percentile",
            "kW",
            "lower",
            "95th percentile of import over steps",
            "practice",
        ),
        (
            "peak_current_a",
            "Current at peak",
            "A",
            "lower",
            "peak import over three phases of 400 V at unit power factor",
            "practice",
        ),
        (
            "peak_reduction",
            "Peak reduction",
            "1",
            "higher",
            "connection avoided over peak import without the battery",
            "scis",
        ),
        (
            "mean_monthly_peak_kw",
            "Mean monthly peak",
            "kW",
            "lower",
            "mean of the calendar months' highest imports",
            "practice",
        ),
        ("load_factor", "Load factor", "1", "higher", "mean over highest import", "practice"),
        (
            "ramping_kw",
            "Ramping",
            "kW",
            "lower",
            "mean absolute change of import less export from step to step",
            "practice",
        ),
        (
            "upgrade_deferred_years",
            "Upgrade deferred",
            "year",
            "higher",
            "years until the growing load needs with the battery the connection it needs today without",
            "pilot",
        ),
        (
            "bill_eur",
            "Bill",
            "EUR",
            "lower",
            "import, export, capacity charge and fuel over the run",
            "practice",
        ),
        (
            "cost_eur",
            "Cost",
            "EUR",
            "lower",
            "bill, wear, load not served, and energy missing from the battery at the end",
            "bound",
        ),
        (
            "unserved_cost_eur",
            "Cost of load not served",
            "EUR",
            "lower",
            (
                "load not served and energy that vehicles did not get, at the price of lost load "
                "(lost_load_eur_per_kwh); part of cost and of yearly cost, no invoice"
            ),
            "reopt",
        ),
        (
            "cost_bound_eur",
            "Cost, bound",
            "EUR",
            "neither",
            "least cost had everything been known beforehand",
            "bound",
        ),
        (
            "cost_without_battery_eur",
            "Cost without battery",
            "EUR",
            "neither",
            "cost with the battery left out",
            "bound",
        ),
        ("gap_to_bound", "Gap to bound", "1", "lower", "cost less bound over bound", "bound"),
        (
            "saving_captured",
            "Saving captured",
            "1",
            "higher",
            "saving by the battery over what perfect foresight would have saved",
            "bound",
        ),
        (
            "self_consumption",
            "Self-consumption",
            "1",
            "higher",
            (
                "own sun and wind that reached the load over what could be generated; origin traced, "
                "the battery well mixed"
            ),
            "scis",
        ),
        (
            "self_sufficiency",
            "Self-sufficiency",
            "1",
            "higher",
            "load served by own sun, wind and backup over load; energy charged from the grid is not own",
            "scis",
        ),
        (
            "renewable_share",
            "Renewable share",
            "1",
            "higher",
            "load served by own sun and wind over load; origin traced",
            "scis",
        ),
        (
            "curtailment_kwh",
            "Curtailment",
            "kWh",
            "lower",
            "sun and wind that could have been generated and was not",
            "scis",
        ),
        ("import_kwh", "Import", "kWh", "lower", "energy drawn from the grid", "practice"),
        ("export_kwh", "Export", "kWh", "neither", "energy fed into the grid", "practice"),
        (
            "lcoe_eur_per_kwh",
            "Levelised cost of energy",
            "EUR/kWh",
            "lower",
            "yearly cost, but for load not served, over load served in a year",
            "npc",
        ),
        (
            "lcos_eur_per_kwh",
            "Levelised cost of storage",
            "EUR/kWh",
            "lower",
            "present cost of battery, upkeep and charging over present kWh discharged",
            "lcos",
        ),
        (
            "equivalent_full_cycles",
            "Equivalent full cycles",
            "1/year",
            "neither",
            "mean of energy into and out of the cells over capacity, scaled to a year",
            "age",
        ),
        (
            "capacity_fade",
            "Capacity fade",
            "1/year",
            "lower",
            "capacity lost in a first year all like the run, by age and by rainflow cycles, cells at 20 °C",
            "age",
        ),
        (
            "capacity_left",
            "Capacity left",
            "1",
            "higher",
            (
                "share of the battery's first capacity left at the end of the run, each year worn by its own "
                "states; the run itself is steered with the first capacity to its end"
            ),
            "age",
        ),
        (
            "battery_life_years",
            "Battery life",
            "year",
            "higher",
            "years until 80 % of capacity if all are alike; at most 40",
            "age",
        ),
        (
            "emissions_t",
            "Emissions, average",
            "t",
            "lower",
            "CO2 of import at the grid's average intensity, and of backup; export is not credited",
            "ghg",
        ),
        (
            "emissions_marginal_t",
            "Emissions, marginal",
            "t",
            "lower",
            "CO2 of import less export at the intensity of the marginal plant, and of backup",
            "ghg",
        ),
        (
            "unserved_kwh",
            "Load not served",
            "kWh",
            "lower",
            "load, vehicles at the chargers included, that neither grid nor site could serve",
            "reopt",
        ),
        (
            "ev_energy_unmet_kwh",
            "Vehicles' energy unmet",
            "kWh",
            "lower",
            (
                "energy that vehicles needed and did not get in their stay, for want of power at the charger "
                "or of grid and connection; where load is short, vehicles are first to go without"
            ),
            "own",
        ),
        (
            "ev_energy_unmet_share",
            "Vehicles' energy unmet, share",
            "1",
            "lower",
            "the same over all energy that they needed; none without vehicles",
            "own",
        ),
        (
            "survival_1h",
            "Survival of 1 h",
            "1",
            "higher",
            "share of beginnings from which an outage of 1 h is survived",
            "reopt",
        ),
        (
            "survival_4h",
            "Survival of 4 h",
            "1",
            "higher",
            "share of beginnings from which an outage of 4 h is survived",
            "reopt",
        ),
        (
            "survival_12h",
            "Survival of 12 h",
            "1",
            "higher",
            "share of beginnings from which an outage of 12 h is survived",
            "reopt",
        ),
        (
            "survival_24h",
            "Survival of 24 h",
            "1",
            "higher",
            "share of beginnings from which an outage of 24 h is survived",
            "reopt",
        ),
        (
            "survival_mean_h",
            "Mean survival",
            "h",
            "higher",
            "mean time from the beginning of an outage until critical load fails, at most 168 h",
            "reopt",
        ),
        (
            "members_saving",
            "Members' saving",
            "1",
            "higher",
            (
                "what the members save against connections of their own, without plants, "
                "over what they would pay"
            ),
            "shapley",
        ),
        (
            "least_member_saving",
            "Least member's saving",
            "1",
            "higher",
            "the same for the member that gains least by fair shares (Shapley value)",
            "shapley",
        ),
    )
)


def indicators(
    schedule: Schedule, without: Schedule, bound_eur: float, shares: Mapping[str, Share], load_growth: float
) -> dict[str, float]:
    """The value of every indicator; NaN where there is none.

    Args:
        schedule: What happened.
        without: The same site without its battery.
        bound_eur: The perfect-foresight optimum.
        shares: What each member pays.
        load_growth: Yearly growth of the load.
    """
    traced = origin_of(schedule)
    return {
        **_of_connection(schedule, without, load_growth),
        **_of_cost(schedule, without, bound_eur),
        **_of_energy(schedule, traced),
        **_of_battery(schedule, traced),
        **_of_outages(schedule),
        **_of_members(shares),
    }


def _of_connection(schedule: Schedule, without: Schedule, load_growth: float) -> dict[str, float]:
    site, dt = schedule.site, schedule.series.step_h
    peak, needed, before = float(schedule.import_kw.max()), _needed_kw(schedule), _needed_kw(without)
    least = least_connection(_net(schedule), site.battery, dt, _backup_kw(schedule))
    net = schedule.import_kw - schedule.export_kw
    return {
        "peak_import_kw": peak,
        "connection_avoided_kw": before - needed,
        "connection_avoidable_kw": max(
            least_connection(_net(schedule), None, dt, _backup_kw(schedule)) - least, 0.0
        ),
        "connection_least_kw": least,
        "peak_without_battery_kw": before,
        "peak_import_p95_kw": float(np.percentile(schedule.import_kw, HIGH_SHARE)),
        "peak_current_a": site.connection.amperes(peak),
        "peak_reduction": (before - needed) / before if before > 0.0 else math.nan,
        "mean_monthly_peak_kw": float(schedule.monthly_peaks_kw.mean()),
        "load_factor": float(schedule.import_kw.mean()) / peak if peak > 0.0 else math.nan,
        "ramping_kw": float(np.abs(np.diff(net)).mean()) if len(net) > 1 else math.nan,
        "upgrade_deferred_years": years_deferred(before, needed, load_growth),
    }


def _needed_kw(schedule: Schedule) -> float:
    """The highest import, with load that was not served although the grid was there as if drawn, kW."""
    there = schedule.series.grid_available
    short = schedule.unserved_kw if there is None else np.where(there > 0.0, schedule.unserved_kw, 0.0)
    return float((schedule.import_kw + short).max())


def _net(schedule: Schedule) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return schedule.load_kw + schedule.charging_kw - schedule.solar_kw - schedule.wind_kw


def _backup_kw(schedule: Schedule) -> float:
    return 0.0 if schedule.site.generator is None else schedule.site.generator.rated_kw


def own_plant_eur(schedule: Schedule) -> float:
    """Annuities and upkeep of what stands on the site, EUR a year."""
    from pilots.microgrid.design import standing

    yearly, sizes = yearly_prices(schedule.site), standing(schedule.site)
    return sum(yearly[name] * sizes[name] for name in sizes if name != "connection_kw")


def _of_cost(schedule: Schedule, without: Schedule, bound_eur: float) -> dict[str, float]:
    to_year = 8760.0 / schedule.series.hours
    served = _energy(schedule, schedule.load_kw + schedule.charging_kw - schedule.unserved_kw) * to_year
    lost = schedule.bill.unserved_eur
    paid = schedule.bill_eur * to_year + own_plant_eur(schedule)
    possible = without.cost_eur - bound_eur
    return {
        "yearly_cost_eur": paid + lost * to_year,
        "unserved_cost_eur": lost,
        "bill_eur": schedule.bill_eur,
        "cost_eur": schedule.cost_eur,
        "cost_bound_eur": bound_eur,
        "cost_without_battery_eur": without.cost_eur,
        "gap_to_bound": (schedule.cost_eur - bound_eur) / abs(bound_eur) if bound_eur else math.nan,
        "saving_captured": (without.cost_eur - schedule.cost_eur) / possible if possible > 1e-9 else math.nan,
        "lcoe_eur_per_kwh": paid / served if served > 0.0 else math.nan,
    }


def _of_energy(schedule: Schedule, traced: Origin) -> dict[str, float]:
    could = _energy(schedule, schedule.solar_kw + schedule.wind_kw)
    load = _energy(schedule, schedule.load_kw + schedule.charging_kw)
    made = _energy(schedule, schedule.generator_kw)
    site, series = schedule.site, schedule.series
    backup = 0.0 if site.generator is None else made * site.generator.emissions_kg_per_kwh
    asked = schedule.charging_asked_kwh
    average, marginal = series.co2_kg_per_kwh, series.marginal_co2_kg_per_kwh
    return {
        "self_consumption": traced.own_used / could if could > 0.0 else math.nan,
        "self_sufficiency": min((traced.own_used + made) / load, 1.0) if load > 0.0 else math.nan,
        "renewable_share": traced.own_used / load if load > 0.0 else math.nan,
        "curtailment_kwh": _energy(schedule, schedule.curtailed_kw),
        "import_kwh": _energy(schedule, schedule.import_kw),
        "export_kwh": _energy(schedule, schedule.export_kw),
        "unserved_kwh": _energy(schedule, schedule.unserved_kw),
        "ev_energy_unmet_kwh": schedule.charging_unmet_kwh,
        "ev_energy_unmet_share": schedule.charging_unmet_kwh / asked if asked > 0.0 else math.nan,
        "emissions_t": math.nan
        if average is None
        else (_energy(schedule, schedule.import_kw * average) + backup) / 1000.0,
        "emissions_marginal_t": math.nan
        if marginal is None
        else (_energy(schedule, (schedule.import_kw - schedule.export_kw) * marginal) + backup) / 1000.0,
    }


def _of_battery(schedule: Schedule, traced: Origin) -> dict[str, float]:
    battery, hours = schedule.site.battery, schedule.series.hours
    if battery is None:
        names = ("lcos_eur_per_kwh", "equivalent_full_cycles", "battery_life_years")
        return dict.fromkeys((*names, "capacity_fade", "capacity_left"), math.nan)
    to_year = 8760.0 / hours
    into, out = _energy(schedule, schedule.charge_kw), _energy(schedule, schedule.discharge_kw)
    cells = battery.charge_efficiency * into + out / battery.discharge_efficiency
    ageing, years = Ageing(), hours / 8760.0
    fade = loss_rate(schedule.state_of_charge, years, ageing)
    life = life_years(schedule.state_of_charge, years, ageing)
    charging = charging_eur(schedule, traced)
    return {
        "lcos_eur_per_kwh": lcos_eur_per_kwh(
            schedule.site.prices,
            battery.capacity_kwh,
            charging * to_year,
            out * to_year,
            0.2 / max(life, 1.0),
        ),
        "equivalent_full_cycles": cells / 2.0 / battery.capacity_kwh * to_year,
        "capacity_fade": fade,
        "capacity_left": float(capacity_left(schedule.state_of_charge, hours, ageing)[-1]),
        "battery_life_years": life,
    }


def charging_eur(schedule: Schedule, traced: Origin) -> float:
    """What charging cost: import prices for grid energy, lost export prices for own, EUR."""
    site, series, dt = schedule.site, schedule.series, schedule.series.step_h
    charge = schedule.charge_kw
    total = traced.own_to_battery + traced.grid_to_battery
    if total <= 0.0:
        return 0.0
    surplus = np.maximum(schedule.solar_kw + schedule.wind_kw - schedule.curtailed_kw - schedule.load_kw, 0.0)
    own = np.minimum(surplus, charge)
    lost = np.maximum(export_price(site, series), 0.0)
    return dt * float(own @ lost + (charge - own) @ import_price(site, series))


def _of_outages(schedule: Schedule) -> dict[str, float]:
    hours = hours_survived(schedule)
    shares = {f"survival_{duration}h": survival(hours, duration) for duration in DURATIONS_H}
    return {**shares, "survival_mean_h": float(hours.mean())}


def _of_members(shares: Mapping[str, Share]) -> dict[str, float]:
    alone = sum(one.alone_eur for one in shares.values())
    if alone <= 0.0:
        return {"members_saving": math.nan, "least_member_saving": math.nan}
    saving = sum(one.saving_eur for one in shares.values()) / alone
    return {"members_saving": saving, "least_member_saving": min(one.saving for one in shares.values())}


def _energy(schedule: Schedule, power_kw: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(power_kw.sum() * schedule.series.step_h)
