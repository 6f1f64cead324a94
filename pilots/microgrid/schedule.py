"""What flows on a site in every step, and what it costs.

A schedule is the common answer of the optimum, of every controller and of every rule, so that they can be
laid side by side: the same flows, the same accounts, the bound beside the cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.microgrid.bus import conditions, lost_load_price, missed_charging_eur, plant_of
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
    CURTAIL,
    EXCESS,
    EXCESS_PRICE,
    EXPORT,
    FREE_IMPORT,
    GENERATE,
    IMPORT,
    IMPORT_PRICE,
    SHED,
    SPILL,
)
from pilots.microgrid.tariff import Bill, billing_months, export_price, import_price
from pilots.microgrid.value import replay

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

FLOWS = {
    "load_kw": "load without charging vehicles",
    "charging_kw": "charging of vehicles",
    "solar_kw": "solar plant, before curtailment",
    "wind_kw": "wind plant, before curtailment",
    "import_kw": "drawn from the grid",
    "export_kw": "fed into the grid",
    "charge_kw": "drawn by the battery",
    "discharge_kw": "given by the battery",
    "curtailed_kw": "solar and wind not used",
    "generator_kw": "backup generator",
    "unserved_kw": "load not served, vehicles first",
    "spilled_kw": "surplus of a negative load that found no way out",
}


@dataclass(frozen=True, eq=False)
class Schedule:
    """Flows (kW, one value a step), the battery's level (kWh, one value more) and the accounts (EUR).

    Attributes:
        site: The site.
        series: What it saw.
        controller: Who decided, for example ``"optimum"`` or ``"predictive, persistence forecast"``.
        level_kwh: Level before the first step and after each.
        bill: The parts of the cost.
        bound_eur: The perfect-foresight optimum, where it is known; no schedule can cost less.
    """

    site: Site
    series: Series
    controller: str
    load_kw: Floats
    charging_kw: Floats
    solar_kw: Floats
    wind_kw: Floats
    import_kw: Floats
    export_kw: Floats
    charge_kw: Floats
    discharge_kw: Floats
    curtailed_kw: Floats
    generator_kw: Floats
    unserved_kw: Floats
    spilled_kw: Floats
    level_kwh: Floats
    bill: Bill
    bound_eur: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def cost_eur(self) -> float:
        """All that the schedule costs; see :class:`pilots.microgrid.tariff.Bill`."""
        return self.bill.cost_eur

    @property
    def bill_eur(self) -> float:
        """What is paid for grid and fuel."""
        return self.bill.bill_eur

    @property
    def gap(self) -> float | None:
        """By which share the cost lies above the bound."""
        if self.bound_eur is None or self.bound_eur == 0.0:
            return None
        return (self.cost_eur - self.bound_eur) / abs(self.bound_eur)

    @property
    def state_of_charge(self) -> Floats:
        """Level over capacity, before the first step and after each; zeros without a battery."""
        battery = self.site.battery
        return self.level_kwh / battery.capacity_kwh if battery else self.level_kwh

    @property
    def time(self) -> pd.DatetimeIndex:
        """The starts of the steps, UTC."""
        return self.series.time

    @property
    def simultaneous_kwh(self) -> float:
        """Energy that went in and out of the battery at once; 0 for everything but the relaxed bound."""
        both = np.minimum(self.charge_kw, self.discharge_kw)
        return float(both.sum() * self.series.step_h)

    @property
    def charging_asked_kwh(self) -> float:
        """What the vehicles need."""
        stays = self.series.sessions
        return 0.0 if stays is None else float(stays.energy_kwh.sum())

    @property
    def charging_unmet_kwh(self) -> float:
        """What the vehicles need and do not get, for want of power at the charger, the grid or the site."""
        stays = self.series.sessions
        if stays is None:
            return 0.0
        beyond = stays.energy_kwh - stays.possible_kwh(self.series.step_h)
        short = np.minimum(self.unserved_kw, self.charging_kw)
        return float(beyond.sum() + short.sum() * self.series.step_h)

    @property
    def monthly_peaks_kw(self) -> Floats:
        """The highest import of each billing month, kW."""
        months = billing_months(self.site, self.series)
        peaks = np.zeros(int(months.max()) + 1)
        np.maximum.at(peaks, months, self.import_kw)
        return peaks

    def imbalance_kw(self) -> float:
        """The largest difference between what the bus gets and gives in any step, kW."""
        gets = (
            self.import_kw
            + self.solar_kw
            + self.wind_kw
            + self.discharge_kw
            + self.generator_kw
            + self.unserved_kw
        )
        gives = (
            self.load_kw
            + self.charging_kw
            + self.charge_kw
            + self.export_kw
            + self.curtailed_kw
            + self.spilled_kw
        )
        return float(np.abs(gets - gives).max())

    def with_bound(self, bound_eur: float) -> Self:
        """The same schedule with the perfect-foresight cost beside it."""
        return replace(self, bound_eur=bound_eur)

    def to_xarray(self) -> xr.Dataset:
        """The flows and the level after each step as a dataset with units."""
        import xarray as xr

        time = (
            "time",
            self.time.tz_localize(None),
            {"standard_name": "time", "long_name": "start of the step, UTC"},
        )
        flows = {
            name: ("time", getattr(self, name), {"units": "kW", "long_name": meaning})
            for name, meaning in FLOWS.items()
        }
        level = (
            "time",
            self.level_kwh[1:],
            {"units": "kWh", "long_name": "energy in the battery after the step"},
        )
        charge = (
            "time",
            self.state_of_charge[1:],
            {"units": "1", "long_name": "state of charge after the step"},
        )
        return xr.Dataset(
            {**flows, "level_kwh": level, "state_of_charge": charge},
            coords={"time": time},
            attrs={"controller": self.controller, "cost_eur": self.cost_eur},
        )


def end_value(site: Site, series: Series) -> float:
    """Credit for a kWh left at the end, EUR: discharge efficiency x median import price."""
    if site.battery is None:
        return 0.0
    return float(site.battery.discharge_efficiency * np.median(import_price(site, series)))


def scheduled(
    site: Site,
    series: Series,
    controller: str,
    draw_kw: Floats,
    level_kwh: Floats,
    *,
    charging_kw: Floats | None = None,
    burnt_kw: Floats | None = None,
    caps_kw: Floats | None = None,
    notes: tuple[str, ...] = (),
) -> Schedule:
    """The schedule that follows when the battery's draw is given: the bus meets the rest by merit order.

    Args:
        site: The site.
        series: What it saw.
        controller: Who decided.
        draw_kw: Charge less discharge at the bus.
        level_kwh: Level before the first step and after each.
        charging_kw: Charging of vehicles.
        burnt_kw: What is charged and discharged at once on top (only in the relaxed bound).
        caps_kw: Import up to which a capacity charge is taken as paid; plant is not throttled for more.
        notes: What a reader of the result should know.
    """
    charging = np.zeros(len(series)) if charging_kw is None else charging_kw
    rows = conditions(site, series, charging)
    if caps_kw is not None:
        rows[:, FREE_IMPORT] = caps_kw
        rows[:, EXCESS_PRICE] = site.tariff.capacity_eur_per_kw_month / series.step_h
    if site.curtailment == "export_only":
        rows[:, IMPORT_PRICE] = np.maximum(rows[:, IMPORT_PRICE], 0.0)
    flows = replay(rows, plant_of(site, series.step_h), draw_kw * series.step_h) / series.step_h
    both = np.zeros(len(series)) if burnt_kw is None else burnt_kw
    parts = {
        "import_kw": flows[:, IMPORT] + flows[:, EXCESS],
        "export_kw": flows[:, EXPORT],
        "charge_kw": np.maximum(draw_kw, 0.0) + both,
        "discharge_kw": np.maximum(-draw_kw, 0.0) + both,
        "curtailed_kw": flows[:, CURTAIL],
        "generator_kw": flows[:, GENERATE],
        "unserved_kw": flows[:, SHED],
        "spilled_kw": flows[:, SPILL],
    }
    return assembled(site, series, controller, charging, level_kwh, notes=notes, **parts)


def assembled(
    site: Site,
    series: Series,
    controller: str,
    charging_kw: Floats,
    level_kwh: Floats,
    *,
    notes: tuple[str, ...] = (),
    **flows: Any,
) -> Schedule:
    """A schedule from all its flows, with the accounts made up."""
    zeros = np.zeros(len(series))
    return Schedule(
        site=site,
        series=series,
        controller=controller,
        load_kw=series.load_kw,
        charging_kw=charging_kw,
        solar_kw=zeros if series.solar_kw is None else series.solar_kw,
        wind_kw=zeros if series.wind_kw is None else series.wind_kw,
        level_kwh=level_kwh,
        bill=accounts(site, series, flows, level_kwh),
        notes=notes,
        **flows,
    )


def accounts(site: Site, series: Series, flows: dict[str, Floats], level_kwh: Floats) -> Bill:
    """What the flows cost, part by part."""
    dt, battery, generator = series.step_h, site.battery, site.generator
    months = billing_months(site, series)
    peaks = np.zeros(int(months.max()) + 1)
    np.maximum.at(peaks, months, flows["import_kw"])
    wear = storage = 0.0
    if battery is not None:
        wear = dt * float(
            battery.wear_charge_eur_per_kwh * flows["charge_kw"].sum()
            + battery.wear_discharge_eur_per_kwh * flows["discharge_kw"].sum()
        )
        if battery.level_final_kwh is not None:
            # Rounding of a schedule that just meets its end is no energy.
            short = battery.level_final_kwh - float(level_kwh[-1])
            storage = short * end_value(site, series) if abs(short) > 1e-6 * battery.capacity_kwh else 0.0
    lost = float(flows["unserved_kw"].sum() + flows["spilled_kw"].sum())
    return Bill(
        import_eur=dt * float(flows["import_kw"] @ import_price(site, series)),
        export_eur=-dt * float(flows["export_kw"] @ export_price(site, series)),
        capacity_eur=site.tariff.capacity_eur_per_kw_month * float(peaks.sum()),
        generator_eur=0.0
        if generator is None
        else dt * float(flows["generator_kw"].sum()) * generator.marginal_eur_per_kwh,
        wear_eur=wear,
        unserved_eur=dt * lost * lost_load_price(site, series.step_h) + missed_charging_eur(site, series),
        storage_eur=storage,
    )


def settled(
    site: Site, series: Series, charge_kw: Floats, discharge_kw: Floats, controller: str = "given"
) -> Schedule:
    """The schedule and accounts of a battery plan that was made elsewhere.

    Raises:
        InvalidInput: If the plan breaks a limit of the battery, naming the step.
    """
    battery = site.battery
    draw = np.asarray(charge_kw, np.float64) - np.asarray(discharge_kw, np.float64)
    if battery is None:
        if np.any(draw):
            raise InvalidInput("the site has no battery to follow a plan", field="site.battery")
        return scheduled(site, series, controller, draw, np.zeros(len(series) + 1))
    level = np.empty(len(series) + 1)
    level[0] = battery.level_initial_kwh
    keep, low = battery.retention(series.step_h), battery.level_min_kwh
    change = series.step_h * (
        battery.charge_efficiency * np.maximum(draw, 0) - np.maximum(-draw, 0) / battery.discharge_efficiency
    )
    for t in range(len(series)):
        level[t + 1] = low + (level[t] - low) * keep + change[t]
    _check_plan(battery.level_max_kwh, low, battery.charge_kw, battery.discharge_kw, draw, level, series)
    return scheduled(site, series, controller, draw, level)


def _check_plan(
    high: float, low: float, charge: float, discharge: float, draw: Floats, level: Floats, series: Series
) -> None:
    slack = 1e-6 * high
    for values, least, most, what in (
        (level[1:], low - slack, high + slack, "level_kwh"),
        (draw, -discharge * (1 + 1e-9), charge * (1 + 1e-9), "draw_kw"),
    ):
        wrong = (values < least) | (values > most)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise InvalidInput(
                f"the plan breaks a limit of the battery at {series.stamp(at)}",
                field=what,
                value=float(values[at]),
                expected=f"between {least:.6g} and {most:.6g}",
            )
