"""How large should battery, sun, wind, backup and connection be?

Two ways, by what is asked for. The least **cost** a year with everything known is one linear programme in
which the capacities are columns like the flows. The least **levelised cost** or **net present cost** of a
site run by the simple rule of :mod:`pilots.microgrid.merit` is not linear (lives depend on use), so
thousands of designs are simulated for the whole year, by differential evolution (Storn and Price 1997, doi
10.1023/A:1008202821328) and a last search around the best (Nelder and Mead 1965). The least **connection**
for given plant is exact (:mod:`pilots.microgrid.connection`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from geodata.errors import InvalidInput, UnknownName
from pilots.microgrid import merit
from pilots.microgrid.asset import Asset, Share
from pilots.microgrid.charging import Charging
from pilots.microgrid.checks import Infeasible, check
from pilots.microgrid.connection import least_connection
from pilots.microgrid.lifecycle import LifeCycle, Prices, Year, life_cycle
from pilots.microgrid.series import Series
from pilots.microgrid.site import Battery, Site
from pilots.microgrid.tariff import export_price, import_price, known_until

Floats = NDArray[np.float64]
Range = tuple[float, float]
Objective = Literal["cost", "lcoe", "npc", "connection"]

# Added to the objective per unit of load that is shed beyond the limit; steep enough that no design profits
# from it.
PENALTY = 1e5
NAMES = ("generator_kw", "battery_kwh", "solar_kw", "wind_kw", "connection_kw")
SEED = 20_260_101
POPULATION = 64


class Limits(Asset):
    """Within which sizes to search; what is left out stays as it is at the site.

    ``(0, 0)`` removes a component, ``(500, 500)`` fixes it.
    """

    generator_kw: Range | None = None
    battery_kwh: Range | None = None
    solar_kw: Range | None = None
    wind_kw: Range | None = None
    connection_kw: Range | None = Field(default=None, description="the import limit")
    unserved_share: Share = Field(default=0.0, ge=0, le=1, description="most of the load that may be shed")
    renewable_share: Share = Field(
        default=0.0, ge=0, le=1, description="least share of the load that neither grid nor backup gives"
    )

    def range_of(self, name: str, standing: float) -> Range:
        """The range of one size."""
        given: Range | None = getattr(self, name)
        low, high = (standing, standing) if given is None else given
        if not 0.0 <= low <= high:
            raise InvalidInput(
                "the limits of a size are upside down or negative",
                field=f"limits.{name}", value=f"{low:g}..{high:g}",
                expected="0 <= low <= high",
            )  # fmt: skip
        return low, high


@dataclass(frozen=True)
class Design:
    """The sizes found and what they cost.

    Attributes:
        objective: What was minimised.
        value: Its value: EUR a year, EUR/kWh, EUR, or kW.
        generator_kw, battery_kwh, solar_kw, wind_kw, connection_kw: The sizes.
        unserved_share: Share of the load that is shed.
        life_cycle: The life-cycle cost, where the objective is one.
        evaluations: How many years were simulated.
        site: The site with these sizes.
    """

    objective: str
    value: float
    generator_kw: float
    battery_kwh: float
    solar_kw: float
    wind_kw: float
    connection_kw: float
    unserved_share: float
    evaluations: int
    site: Site
    life_cycle: LifeCycle | None = field(default=None, repr=False)


def size(
    site: Site,
    series: Series,
    objective: Objective = "cost",
    limits: Limits | Mapping[str, object] | None = None,
) -> Design:
    """Find the sizes of battery, sun, wind, backup generator and connection that are best for a site.

    The series' plant outputs are scaled with the plants, so a site whose wind park is to be sized needs one
    of some rating and its output. Prices are those of ``site.prices``.

    Args:
        site: The site; what ``limits`` does not name stays as it is here.
        series: What it sees, best a whole year; shorter series are scaled up to one. Vehicles are charged
            where that is best for ``"cost"``, else as they would be without a limit.
        objective: ``"cost"``: bill and annuities of what is bought, EUR a year, under perfect foresight;
            ``"lcoe"`` and ``"npc"``: life-cycle cost under the simple rule; ``"connection"``: the least
            import limit, kW, for the site's own plants and battery (the largest battery that ``limits``
            allow).
        limits: Ranges of the sizes and the most load that may be shed.

    Raises:
        InvalidData: If the series cannot be those of the site.
        Infeasible: If no size within the limits serves the load.
    """
    check(site, series)
    if series.sessions is not None and objective != "cost":
        series = _with_charging(site, series)
    bounds = limits if isinstance(limits, Limits) else Limits(**(limits or {}))
    _check_parts(site, series, bounds)
    if objective in ("lcoe", "npc"):
        return _by_rule(site, series, objective, bounds)
    if objective == "cost":
        from pilots.microgrid.invest import least_cost

        return least_cost(site, series, bounds)
    if objective == "connection":
        return _least_connection(site, series, bounds)
    raise UnknownName(
        "an objective is not known",
        field="objective",
        value=objective,
        expected="cost, lcoe, npc, connection",
    )


def _with_charging(site: Site, series: Series) -> Series:
    """The series with its vehicles as fixed load, charged in the cheapest steps known as each arrives."""
    if series.sessions is None:
        return series
    charging = Charging(
        series.sessions, import_price(site, series), known_until(site, series), series.step_h
    ).advance(0, len(series), np.full(len(series), np.inf))
    return replace(series, load_kw=series.load_kw + charging, sessions=None)


def _check_parts(site: Site, series: Series, limits: Limits) -> None:
    for name, plant in (("solar", site.solar), ("wind", site.wind)):
        if plant is None and getattr(series, f"{name}_kw") is not None:
            raise InvalidInput(
                f"the series has {name} output, but the site has no {name} plant that could be sized with it",
                field=f"site.{name}",
                expected="a plant with the rating that the output belongs to, or a series without it",
            )
    for name, part in (
        ("generator_kw", site.generator),
        ("battery_kwh", site.battery),
        ("solar_kw", site.solar),
        ("wind_kw", site.wind),
    ):
        wanted: Range | None = getattr(limits, name)
        if part is None and wanted is not None and wanted[1] > 0.0:
            raise InvalidInput(
                "the site has nothing of which another size could be found",
                field=f"limits.{name}",
                value=f"{wanted[0]:g}..{wanted[1]:g}",
                expected="a site with one of any size, which says what it costs to run and what it gives",
            )


def sized(site: Site, sizes: Mapping[str, float]) -> Site:
    """The site with other sizes; the battery's power grows with its capacity."""
    update: dict[str, object] = {}
    for name, part in (("solar_kw", "solar"), ("wind_kw", "wind"), ("generator_kw", "generator")):
        plant, rated = getattr(site, part), sizes[name]
        update[part] = None if plant is None or rated <= 0.0 else plant.model_copy(update={"rated_kw": rated})
    update["battery"] = None
    if site.battery is not None and sizes["battery_kwh"] > 0.0:
        update["battery"] = scaled(site.battery, sizes["battery_kwh"])
    update["connection"] = site.connection.model_copy(update={"import_limit_kw": sizes["connection_kw"]})
    return site.model_copy(update=update)


def scaled(battery: Battery, capacity_kwh: float) -> Battery:
    """A battery of another capacity with the same power per kWh."""
    by = capacity_kwh / battery.capacity_kwh
    return battery.model_copy(
        update={
            "capacity_kwh": capacity_kwh,
            "charge_kw": battery.charge_kw * by,
            "discharge_kw": battery.discharge_kw * by,
        }
    )


def standing(site: Site) -> dict[str, float]:
    """The sizes of a site as it is."""
    return {
        "generator_kw": 0.0 if site.generator is None else site.generator.rated_kw,
        "battery_kwh": 0.0 if site.battery is None else site.battery.capacity_kwh,
        "solar_kw": 0.0 if site.solar is None else site.solar.rated_kw,
        "wind_kw": 0.0 if site.wind is None else site.wind.rated_kw,
        "connection_kw": site.connection.import_limit_kw,
    }


def per_kw(site: Site, series: Series) -> tuple[Floats, Floats]:
    """Output of the solar and the wind plant per kW of rating."""
    zeros = np.zeros(len(series))
    solar = zeros if series.solar_kw is None or site.solar is None else series.solar_kw / site.solar.rated_kw
    wind = zeros if series.wind_kw is None or site.wind is None else series.wind_kw / site.wind.rated_kw
    return solar, wind


def simulated(site: Site, series: Series, designs: Floats, *, parallel: bool = False) -> Floats:
    """What the years of many designs do under the simple rule; see :mod:`pilots.microgrid.merit`.

    Args:
        site: The site whose battery and tariff all have.
        series: What it sees.
        designs: Shape (designs, 6): generator, battery, solar, wind, import and export limit.
        parallel: Whether to use all threads.

    Returns:
        Shape (designs, 10).
    """
    solar, wind = per_kw(site, series)
    battery = site.battery
    rates = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    if battery is not None:
        rates = np.array([
            battery.charge_kw / battery.capacity_kwh, battery.discharge_kw / battery.capacity_kwh,
            battery.charge_efficiency, battery.discharge_efficiency, battery.initial_state_of_charge,
        ])  # fmt: skip
    # Fewer than two blocks are not worth waking another thread for.
    run = merit.years_in_parallel if parallel and len(designs) > merit.BLOCK else merit.years
    price = import_price(site, series), export_price(site, series)
    return np.asarray(run(series.load_kw, solar, wind, *price, designs, rates, series.step_h))


def costs_of(prices: Prices, site: Site, series: Series, design: Floats, outcome: Floats) -> LifeCycle:
    """The life-cycle cost of one design and its year."""
    to_year = 8760.0 / series.hours
    battery = float(design[merit.BATTERY])
    used = float(outcome[merit.CHARGED] + outcome[merit.DISCHARGED])
    year = Year(
        served_kwh=(float(series.load_kw.sum() * series.step_h) - float(outcome[merit.SHED])) * to_year,
        generator_kwh=float(outcome[merit.GENERATED]) * to_year,
        generator_hours=float(outcome[merit.RUNNING_H]) * to_year,
        battery_cycles=used / (2.0 * battery) * to_year if battery > 0.0 else 0.0,
        grid_eur=float(outcome[merit.GRID_EUR]) * to_year,
    )
    fuel = 0.0 if site.generator is None else site.generator.marginal_eur_per_kwh
    return life_cycle(
        prices,
        year,
        generator_kw=float(design[merit.GENERATOR]),
        battery_kwh=battery,
        solar_kw=float(design[merit.SOLAR]),
        wind_kw=float(design[merit.WIND]),
        connection_kw=float(design[merit.IMPORT_LIMIT]),
        fuel_eur_per_kwh=fuel,
    )


def evaluate(site: Site, series: Series, sizes: Mapping[str, float]) -> tuple[LifeCycle, float]:
    """The life-cycle cost of given sizes under the simple rule, and the share of the load that is shed."""
    design = _row(site, np.array([{**standing(site), **sizes}[name] for name in NAMES]))
    outcome = simulated(site, series, design[None])[0]
    load = float(series.load_kw.sum() * series.step_h)
    return costs_of(site.prices, site, series, design, outcome), float(outcome[merit.SHED]) / load


def _row(site: Site, x: Floats) -> Floats:
    generator, battery, solar, wind, connection = x
    return np.array([generator, battery, solar, wind, connection, site.connection.export_limit_kw])


def _by_rule(site: Site, series: Series, objective: str, limits: Limits) -> Design:
    now = standing(site)
    ranges = np.array([limits.range_of(name, now[name]) for name in NAMES])
    free = np.flatnonzero(ranges[:, 1] > ranges[:, 0])
    load = float(series.load_kw.sum() * series.step_h)
    count = 0

    def values(columns: Floats) -> Floats:
        nonlocal count
        many = np.atleast_2d(columns.T)
        full = np.repeat(ranges[None, :, 0], len(many), axis=0)
        full[:, free] = many
        designs = np.array([_row(site, x) for x in full])
        outcomes = simulated(site, series, designs)
        count += len(many)
        found = np.empty(len(many))
        for i, (design, outcome) in enumerate(zip(designs, outcomes, strict=True)):
            cost = costs_of(site.prices, site, series, design, outcome)
            base = cost.lcoe_eur_per_kwh if objective == "lcoe" else cost.npc_eur
            scale = 1.0 if objective == "lcoe" else load
            shed, foreign = _shares(outcome, load)
            beyond = max(0.0, shed - limits.unserved_share) + max(0.0, foreign - 1.0 + limits.renewable_share)
            found[i] = base + scale * PENALTY * beyond
        return found

    best = ranges[:, 0].copy()
    if len(free):
        best[free] = _minimised(values, ranges[free])
    cost, shed = evaluate(site, series, dict(zip(NAMES, best.tolist(), strict=True)))
    foreign = _shares(simulated(site, series, _row(site, best)[None])[0], load)[1]
    if shed > limits.unserved_share + 1e-6:
        raise Infeasible(
            "no size within the limits serves the load",
            field="limits.unserved_share",
            value=f"{shed:.3%} shed at best",
            expected=f"at most {limits.unserved_share:.3%}; allow larger sizes",
        )
    if foreign > 1.0 - limits.renewable_share + 1e-6:
        raise Infeasible(
            "no size within the limits gives the share of renewables",
            field="limits.renewable_share",
            value=f"{1.0 - foreign:.3%} at best",
            expected=f"{limits.renewable_share:.3%} or more; allow larger sizes",
        )
    sizes: dict[str, Any] = dict(zip(NAMES, best.tolist(), strict=True))
    value = cost.lcoe_eur_per_kwh if objective == "lcoe" else cost.npc_eur
    return Design(
        objective,
        value,
        **sizes,
        unserved_share=shed,
        evaluations=count,
        site=sized(site, sizes),
        life_cycle=cost,
    )


def _shares(outcome: Floats, load_kwh: float) -> tuple[float, float]:
    """The shares of the load that are shed, and that grid and backup give."""
    foreign = float(outcome[merit.IMPORTED] + outcome[merit.GENERATED])
    return float(outcome[merit.SHED]) / load_kwh, foreign / load_kwh


def _minimised(values: Callable[[Floats], Floats], ranges: Floats) -> Floats:
    """The least point of a function of many points at once within ranges; the same for the same function."""
    from scipy import optimize

    wide = optimize.differential_evolution(
        values, list(map(tuple, ranges)), vectorized=True, updating="deferred", polish=False, init="sobol",
        popsize=max(5, POPULATION // len(ranges)), maxiter=220, tol=1e-6, mutation=(0.5, 0.9),
        recombination=0.9,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    near = optimize.minimize(
        lambda x: float(values(np.clip(x, ranges[:, 0], ranges[:, 1]))[0]), wide.x, method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-10, "maxfev": 1500, "adaptive": True},
    )  # fmt: skip
    best = near.x if near.fun < wide.fun else wide.x
    return np.asarray(np.clip(best, ranges[:, 0], ranges[:, 1]), np.float64)


def _least_connection(site: Site, series: Series, limits: Limits) -> Design:
    if limits.renewable_share > 0.0:
        raise InvalidInput(
            "the least connection is that of given plants, whatever they give",
            field="limits.renewable_share", value=f"{limits.renewable_share:g}",
            expected="0, or another objective: cost, lcoe, npc",
        )  # fmt: skip
    now = standing(site)
    sizes: dict[str, Any] = {name: limits.range_of(name, now[name])[1] for name in NAMES}
    larger = sized(site, sizes)
    solar, wind = per_kw(site, series)
    net = series.load_kw - sizes["solar_kw"] * solar - sizes["wind_kw"] * wind
    battery = larger.battery
    if battery is not None:
        battery = battery.model_copy(update={"initial_state_of_charge": battery.state_of_charge_max})
    least = least_connection(net, battery, series.step_h, sizes["generator_kw"])
    sizes["connection_kw"] = least
    return Design("connection", least, **sizes, unserved_share=0.0, evaluations=1, site=sized(site, sizes))
