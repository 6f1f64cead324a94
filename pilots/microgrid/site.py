"""What stands on a site: battery, solar and wind plant, backup generator, grid connection, tariff.

A site is one bus behind one meter, for example a school with a roof of panels, a battery in the cellar and a
main fuse that the city would rather not have enlarged. Everything here is a plain, frozen value: powers in
kW at the bus, energies in kWh, prices in EUR per kWh, shares between 0 and 1.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pilots.microgrid.asset import Asset, Share
from pilots.microgrid.lifecycle import Prices


class Battery(Asset):
    """A battery seen from the bus: what goes in times ``charge_efficiency`` is stored.

    Limits hold at the bus. Wear is a cost per kWh through the terminals; to charge it per kWh through the
    cells, multiply by ``charge_efficiency`` on the way in and divide by ``discharge_efficiency`` on the way
    out.

    ``final_state_of_charge`` is the least state after the last step; ``None`` leaves the end free. The
    default asks for what the battery began with, so that a year neither earns nor loses by emptying it.
    """

    capacity_kwh: float = Field(gt=0, description="energy between empty and full, kWh")
    charge_kw: float = Field(gt=0, description="highest power drawn from the bus, kW")
    discharge_kw: float = Field(gt=0, description="highest power given to the bus, kW")
    charge_efficiency: Share = Field(default=0.95, gt=0, le=1)
    discharge_efficiency: Share = Field(default=0.95, gt=0, le=1)
    state_of_charge_min: Share = Field(default=0.0, ge=0, lt=1)
    state_of_charge_max: Share = Field(default=1.0, gt=0, le=1)
    initial_state_of_charge: Share = Field(default=0.5, ge=0, le=1)
    final_state_of_charge: Share | Literal["initial"] | None = "initial"
    self_discharge_per_day: Share = Field(
        default=0.0, ge=0, lt=1, description="share of the level lost in a day"
    )
    wear_charge_eur_per_kwh: float = Field(default=0.0, ge=0)
    wear_discharge_eur_per_kwh: float = Field(default=0.0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _power_needs_energy(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("capacity_kwh") == 0:
            raise ValueError(
                "a capacity above 0 kWh: a battery with power and no energy cannot run; leave it out"
            )
        return fields

    @model_validator(mode="after")
    def _states_in_order(self) -> Self:
        low, high = self.state_of_charge_min, self.state_of_charge_max
        if low >= high:
            raise ValueError(f"state_of_charge_min below state_of_charge_max, not {low} and {high}")
        for name in ("initial_state_of_charge", "final_state_of_charge"):
            value = getattr(self, name)
            if isinstance(value, float) and not low <= value <= high:
                raise ValueError(f"{name} between {low} and {high}, not {value}")
        return self

    @property
    def level_min_kwh(self) -> float:
        """The least level, kWh."""
        return self.state_of_charge_min * self.capacity_kwh

    @property
    def level_max_kwh(self) -> float:
        """The highest level, kWh."""
        return self.state_of_charge_max * self.capacity_kwh

    @property
    def level_initial_kwh(self) -> float:
        """The level before the first step, kWh."""
        return self.initial_state_of_charge * self.capacity_kwh

    @property
    def level_final_kwh(self) -> float | None:
        """The least level after the last step, kWh; ``None`` where the end is free."""
        if self.final_state_of_charge is None:
            return None
        if self.final_state_of_charge == "initial":
            return self.level_initial_kwh
        return float(self.final_state_of_charge) * self.capacity_kwh

    def retention(self, step_h: float) -> float:
        """The share of a level that is left after ``step_h`` hours."""
        return float((1.0 - self.self_discharge_per_day) ** (step_h / 24.0))


class Solar(Asset):
    """A photovoltaic plant; ``Series.solar_kw`` is the output of this very rating."""

    rated_kw: float = Field(gt=0, description="peak power of the modules, kWp")


class Wind(Asset):
    """Wind turbines; ``Series.wind_kw`` is the output of this very rating."""

    rated_kw: float = Field(gt=0, description="rated power of the turbines, kW")


class Generator(Asset):
    """Backup by diesel or combined heat and power: any output up to its rating, at one marginal cost.

    The heat of a CHP unit is credited where somebody needs it: set ``heat_credit_eur_per_kwh`` to what the
    heat of one kWh of electricity saves.
    """

    rated_kw: float = Field(gt=0)
    cost_eur_per_kwh: float = Field(ge=0, description="fuel and variable upkeep per kWh of electricity")
    heat_credit_eur_per_kwh: float = Field(default=0.0, ge=0)
    emissions_kg_per_kwh: float = Field(default=0.27 / 0.36, ge=0, description="CO2 per kWh; diesel at 36 %")

    @property
    def marginal_eur_per_kwh(self) -> float:
        """What one more kWh costs after the credit for its heat, EUR/kWh."""
        return self.cost_eur_per_kwh - self.heat_credit_eur_per_kwh


class Connection(Asset):
    """The grid connection: what may flow in and out, kW. An export limit of 0 forbids feeding in."""

    import_limit_kw: float = Field(ge=0)
    export_limit_kw: float = Field(ge=0)
    phases: Literal[1, 3] = 3
    voltage_v: float = Field(
        default=400.0, gt=0, description="between the phases, or phase to neutral if one"
    )

    def amperes(self, power_kw: float) -> float:
        """Current per phase at unit power factor, A: P / (sqrt(3) U) on three phases."""
        spread = 3.0**0.5 if self.phases == 3 else 1.0
        return power_kw * 1000.0 / (spread * self.voltage_v)


class Tariff(Asset):
    """From the day-ahead price to what is paid and earned.

    One kWh imported costs ``(price + import_fee + network fee + tax) x (1 + vat) + co2_price x intensity``;
    one kWh exported earns ``feed_in`` where that is fixed, else ``price - export_margin``. Each month
    ``capacity_eur_per_kw_month`` is paid for its highest mean import over one step.
    """

    import_fee_eur_per_kwh: float = Field(default=0.0, description="supplier's margin and fees")
    network_day_eur_per_kwh: float = Field(default=0.0, ge=0, description="07:00 to 22:00 on working days")
    network_night_eur_per_kwh: float | None = Field(default=None, ge=0, description="else the day's fee")
    tax_eur_per_kwh: float = Field(default=0.0, ge=0, description="excise and renewable-energy charge")
    vat: float = Field(default=0.0, ge=0, le=1)
    export_margin_eur_per_kwh: float = Field(default=0.0)
    feed_in_eur_per_kwh: float | None = Field(default=None, description="a fixed price for what is exported")
    capacity_eur_per_kw_month: float = Field(default=0.0, ge=0)
    connection_eur_per_kw_year: float = Field(
        default=0.0, ge=0, description="standing charge on the import limit"
    )
    co2_eur_per_kg: float = Field(default=0.0, ge=0)
    market_timezone: str = "Europe/Brussels"
    published_at_hour: int = Field(
        default=13, ge=0, le=23, description="when tomorrow's prices are known, market time"
    )


class Site(Asset):
    """One bus behind one meter.

    ``value_of_lost_load_eur_per_kwh`` prices load that is not served; ``None`` means that all load must be
    served: an optimum that cannot is then an error that names the hour. ``curtailment`` says when solar and
    wind plant may be throttled: ``"economic"`` whenever that pays, also where importing earns money,
    ``"export_only"`` at most what would else be exported at a loss.
    """

    name: str = "site"
    connection: Connection
    tariff: Tariff = Tariff()
    prices: Prices = Prices()
    battery: Battery | None = None
    solar: Solar | None = None
    wind: Wind | None = None
    generator: Generator | None = None
    value_of_lost_load_eur_per_kwh: float | None = Field(default=None, gt=0)
    critical_share: Share = Field(
        default=0.5, ge=0, le=1, description="share of the load to be kept up on the island"
    )
    curtailment: Literal["economic", "export_only"] = "economic"
    latitude_deg: float = Field(
        default=58.7, ge=-66, le=66, description="for the season of the sun; Estonia's middle"
    )
    timezone: str = "Europe/Tallinn"
    annual_load_kwh: float | None = Field(
        default=None, gt=0, description="metered, to check the series against"
    )
