"""The pilot: a local grid with storage in each city, steered by a controller that sees no future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.microgrid.connection import least_connection, next_fuse_a
from pilots.microgrid.control import Controller, Operation
from pilots.microgrid.controllers import named
from pilots.microgrid.fleet import overnight_stays
from pilots.microgrid.indicators import INDICATORS
from pilots.microgrid.inputs import SiteInputs, outages, read_inputs, street_network
from pilots.microgrid.lifecycle import Prices
from pilots.microgrid.model import SCHOOL, CitySite
from pilots.microgrid.predictive import Predictive
from pilots.microgrid.rules import PeakShaving
from pilots.microgrid.scenario import MicrogridScenario
from pilots.microgrid.series import Series
from pilots.microgrid.site import Battery, Connection, Generator, Site, Solar, Tariff, Wind
from twin.packs import PackView
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Signal
from twin.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twin.result import Result

Floats = NDArray[np.float64]

UNLIMITED_KW = 1e6


class Microgrid(Pilot):
    """Storage that cuts the connection, raises renewables and earns its keep."""

    id = "microgrid"
    title = "Microgrid with storage"
    titles = {"et": "Salvestiga mikrovõrk", "fi": "Mikroverkko ja sähkövarasto"}  # noqa: RUF012
    domain = Domain.ENERGY
    version = "1.0.0"
    needs = (
        Need("boundary", "where the sun stands"),
        Need("weather", "sun and wind plants, lamps, heat pumps",
             columns=("temperature_c", "wind_speed_m_s", "ghi_w_m2", "dni_w_m2", "dhi_w_m2")),
        Need("prices", "what energy costs and earns, step by step", columns=("price_eur_per_mwh",)),
        Need("load", "the shape of the members' load; assumed shapes of the day without", optional=True),
        Need("generators", "whether the city has wind turbines", optional=True),
    )  # fmt: skip
    reads = (
        Signal("ev_charging_power", "kW", "Charging of the transport pilot's vehicles."),
        Signal("school_electric_power", "kW", "Electric power of the educational buildings."),
        Signal("school_heat_power", "kW", "Heat supplied to the educational buildings."),
    )
    kpis = tuple(
        Kpi(one.key, one.title, one.unit, one.better, one.definition, one.source) for one in INDICATORS
    )
    Scenario = MicrogridScenario
    start = "2026-01-01"
    days = 365
    separable = True

    def build(
        self, packs: Mapping[str, PackView], scenario: MicrogridScenario, world: World
    ) -> Mapping[str, CityModel]:
        """A site for each city."""
        return {city: _city_site(city, packs[city], scenario, world) for city in sorted(packs)}

    def charts(self, result: Result) -> Mapping[str, Figure]:
        """The connection question, what it costs against the bound, and two weeks of flows."""
        from pilots.microgrid.charts import charts

        return charts(result)


def _city_site(city: str, pack: PackView, scenario: MicrogridScenario, world: World) -> CitySite:
    step_h = float(scenario.step_min) / 60.0
    steps = -(-world.end_s // round(step_h * 3600))
    time = pd.date_range(world.start, periods=steps, freq=pd.Timedelta(hours=step_h), unit="ns")
    drawn = world.replication + scenario.drawn_year
    inputs = read_inputs(pack, scenario, time, world.rng("weeks", city), drawn)
    site = site_of(city, scenario, inputs, pack)
    coupled = any(world.signals.is_written(signal.id) for signal in Microgrid.reads)
    planned = _planned_net(site, pack, scenario, time, inputs, world)
    if world.signals.is_written(SCHOOL):
        inputs.members.pop("schools", None)
        inputs.notes[:] = [note for note in inputs.notes if not note.startswith("Load of schools")]
        inputs.notes.append(f"Load of schools: {scenario.school_share:.0%} of the coupled buildings pilot's.")
    there = outages(scenario, steps, world.rng("outages", city))
    stays = overnight_stays(scenario, time, pack.city.timezone, world.rng("vehicles", city))
    load = np.sum(list(inputs.members.values()), axis=0) if inputs.members else np.zeros(steps)
    series = Series(
        start=time[0],
        step_h=step_h,
        load_kw=load,
        price_eur_per_kwh=inputs.price_eur_per_kwh,
        solar_kw=inputs.solar_per_kw * scenario.solar_kw if site.solar else None,
        wind_kw=inputs.wind_per_kw * scenario.wind_kw if site.wind else None,
        co2_kg_per_kwh=np.full(steps, scenario.co2_kg_per_kwh),
        marginal_co2_kg_per_kwh=np.full(steps, scenario.marginal_co2_kg_per_kwh),
        grid_available=there * street_network(scenario, inputs.lit),
        sessions=stays,
    )
    inputs.notes.extend([*_assumptions(scenario), *_beyond(scenario, series.hours)])
    target = _target_kw(site, scenario, planned)
    if coupled and scenario.connection_kw <= 0.0:
        target = _fuse_kw(site, target if np.isfinite(target) else float(planned.max()), inputs.notes)
    elif scenario.connection_kw <= 0.0 and np.isfinite(target):
        inputs.notes.append(
            f"Steered to keep import under {target:.0f} kW, found for the year as it is in the pack."
        )
    controller = controller_of(scenario, target)
    operation = Operation(site, series, controller, world.rng("controller", city), target)
    return CitySite(city, operation, inputs, scenario, world)


def _assumptions(scenario: MicrogridScenario) -> list[str]:
    return [
        "Network fees, taxes and capacity charge are assumptions of the scenario.",
        (
            f"Grid emissions are constants of the scenario: {scenario.co2_kg_per_kwh:g} kg/kWh on average, "
            f"{scenario.marginal_co2_kg_per_kwh:g} at the margin."
        ),
    ]


def _beyond(scenario: MicrogridScenario, hours: float) -> list[str]:
    """What the scenario asks for after the end of the run, where it changes nothing."""
    found = []
    if scenario.outage_from_h >= hours:
        found.append(
            f"The outage from hour {scenario.outage_from_h:g} on begins after the end of the run, "
            f"at hour {hours:g}, and changes nothing."
        )
    if scenario.cold_windless_days and 24.0 * scenario.cold_windless_from_day >= hours:
        found.append(
            f"The cold windless days from day {scenario.cold_windless_from_day} on begin after the end of "
            f"the run, of {hours / 24.0:g} days, and change nothing."
        )
    return found


def _planned_net(
    site: Site,
    pack: PackView,
    scenario: MicrogridScenario,
    time: pd.DatetimeIndex,
    inputs: SiteInputs,
    world: World,
) -> Floats:
    """Load less sun and wind of the year as it is in the pack, which a connection is planned with, kW."""
    if world.replication > 0 or scenario.drawn_year:
        inputs = read_inputs(pack, scenario, time, world.rng("plan", site.name), 0)
    load = np.sum(list(inputs.members.values()), axis=0) if inputs.members else np.zeros(len(time))
    wind = inputs.wind_per_kw * scenario.wind_kw if site.wind else 0.0
    return np.asarray(load - inputs.solar_per_kw * scenario.solar_kw - wind, np.float64)


def _fuse_kw(site: Site, alone_kw: float, notes: list[str]) -> float:
    """The import to keep to in a coupled run: the next fuse above what the site alone would keep to, kW."""
    if alone_kw <= 0.0:
        return np.inf
    fuse = next_fuse_a(site.connection.amperes(alone_kw))
    limit = fuse / site.connection.amperes(1.0)
    notes.append(
        f"Steered to keep import under {limit:.0f} kW, a main fuse of 3 x {fuse:g} A: the next standard size "
        f"above the {alone_kw:.0f} kW that the site would keep to without coupled vehicles and buildings. "
        "Import beyond it is shown, not cut; connection_kw sets a limit at which load is shed."
    )
    return limit


def _target_kw(site: Site, scenario: MicrogridScenario, net_kw: Floats) -> float:
    """The import that the controller is to keep to, kW; infinite for none."""
    if scenario.connection_kw > 0.0:
        return float(scenario.connection_kw)
    if site.battery is None or scenario.connection_target >= 1.0:
        return np.inf
    step_h = float(scenario.step_min) / 60.0
    least = least_connection(net_kw, site.battery, step_h, scenario.backup_kw)
    without = least_connection(net_kw, None, step_h, scenario.backup_kw)
    return least + scenario.connection_target * (without - least)


def controller_of(scenario: MicrogridScenario, limit_kw: float) -> Controller:
    """Who steers the battery, to keep to a limit where it can."""
    chosen = named(scenario.controller)
    if isinstance(chosen, Predictive):
        return replace(chosen, reserve_h=scenario.reserve_h, limit_kw=limit_kw)
    if isinstance(chosen, PeakShaving) and np.isfinite(limit_kw):
        return PeakShaving(limit_kw)
    return chosen


def site_of(city: str, scenario: MicrogridScenario, inputs: SiteInputs, pack: PackView) -> Site:
    """The site that a scenario describes, in one city."""
    s = scenario
    battery = None
    if s.battery_kwh > 0.0:
        battery = Battery(
            capacity_kwh=s.battery_kwh, charge_kw=s.battery_kw, discharge_kw=s.battery_kw,
            charge_efficiency=s.efficiency, discharge_efficiency=s.efficiency,
            wear_charge_eur_per_kwh=s.wear_eur_per_kwh, wear_discharge_eur_per_kwh=s.wear_eur_per_kwh,
        )  # fmt: skip
    limit = s.connection_kw + s.street_network_kw if s.connection_kw > 0.0 else UNLIMITED_KW
    backup = None
    if s.backup_kw > 0.0:
        backup = Generator(
            rated_kw=s.backup_kw,
            cost_eur_per_kwh=s.backup_eur_per_kwh,
            heat_credit_eur_per_kwh=s.heat_credit_eur_per_kwh,
        )
    return Site(
        name=city,
        connection=Connection(
            import_limit_kw=limit, export_limit_kw=s.export_kw if s.export_kw > 0.0 else UNLIMITED_KW
        ),
        tariff=_tariff(s),
        prices=_prices(s),
        battery=battery,
        solar=Solar(rated_kw=s.solar_kw) if s.solar_kw > 0.0 else None,
        wind=Wind(rated_kw=s.wind_kw) if s.wind_kw > 0.0 and inputs.has_wind else None,
        generator=backup,
        value_of_lost_load_eur_per_kwh=s.lost_load_eur_per_kwh,
        critical_share=s.critical_share,
        timezone=pack.city.timezone,
    )


def _tariff(s: MicrogridScenario) -> Tariff:
    return Tariff(
        import_fee_eur_per_kwh=s.margin_eur_per_kwh,
        network_day_eur_per_kwh=s.network_day_eur_per_kwh,
        network_night_eur_per_kwh=s.network_night_eur_per_kwh,
        tax_eur_per_kwh=s.tax_eur_per_kwh,
        vat=s.vat,
        export_margin_eur_per_kwh=s.margin_eur_per_kwh,
        capacity_eur_per_kw_month=s.capacity_eur_per_kw_month,
    )


def _prices(s: MicrogridScenario) -> Prices:
    return Prices(
        discount_rate=s.discount_rate,
        battery_eur_per_kwh=s.battery_eur_per_kwh,
        battery_upkeep_eur_per_kwh_year=0.02 * s.battery_eur_per_kwh,
        solar_eur_per_kw=s.solar_eur_per_kw,
        wind_eur_per_kw=s.wind_eur_per_kw,
        connection_eur_per_kw=s.connection_eur_per_kw,
    )
