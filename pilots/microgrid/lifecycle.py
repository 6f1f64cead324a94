"""What a site costs over its life: bought, kept up, fed with fuel, replaced, sold at the end.

A battery of 100 kWh at 350 EUR/kWh that lasts 15 of 25 years is bought twice, and a third of the second
one's price comes back when the project ends: all of it counted at what it is worth today.

Costs are net present (Haessig et al., Microgrids.jl and Microgrids.py, 2019-2023): investment, upkeep and
fuel times the sum of yearly factors ``1 / (1 + rate)^i``, replacements at whole lives, less the value that
is left, in proportion to the life that is left. The levelised cost of energy is the yearly cost of that
capital per kWh served.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from pilots.microgrid.asset import Asset, Share


class Prices(Asset):
    """What things cost to buy and to keep, and how long they last. EUR of today.

    The defaults are round figures of a European project of this size and are meant to be replaced by offers.
    """

    project_years: int = Field(default=25, ge=1, le=100)
    discount_rate: Share = Field(default=0.05, ge=0, le=1)
    battery_eur_per_kwh: float = Field(default=350.0, ge=0)
    battery_upkeep_eur_per_kwh_year: float = Field(default=7.0, ge=0)
    battery_years: float = Field(default=15.0, gt=0, description="calendar life")
    battery_cycles: float = Field(default=6000.0, gt=0, description="equivalent full cycles of its life")
    solar_eur_per_kw: float = Field(default=900.0, ge=0)
    solar_upkeep_eur_per_kw_year: float = Field(default=15.0, ge=0)
    solar_years: float = Field(default=25.0, gt=0)
    wind_eur_per_kw: float = Field(default=1400.0, ge=0)
    wind_upkeep_eur_per_kw_year: float = Field(default=40.0, ge=0)
    wind_years: float = Field(default=25.0, gt=0)
    generator_eur_per_kw: float = Field(default=400.0, ge=0)
    generator_upkeep_eur_per_kw_hour: float = Field(
        default=0.02, ge=0, description="per kW and hour of running"
    )
    generator_hours: float = Field(default=15_000.0, gt=0, description="hours of running of its life")
    connection_eur_per_kw: float = Field(default=180.0, ge=0, description="paid once for a larger connection")
    replacement_ratio: float = Field(
        default=1.0, ge=0, description="price of a replacement over the first price"
    )
    salvage_ratio: float = Field(
        default=1.0, ge=0, description="share of the remaining value that is recovered"
    )

    @property
    def factor_sum(self) -> float:
        """The sum of the yearly discount factors; its inverse is the capital recovery factor."""
        rate, years = self.discount_rate, self.project_years
        return float(years) if rate == 0.0 else (1.0 - (1.0 + rate) ** -years) / rate

    def annuity(self, price: float, years: float) -> float:
        """The yearly payment for something that lasts some years."""
        rate = self.discount_rate
        if rate == 0.0:
            return price / years
        return float(price * rate / (1.0 - (1.0 + rate) ** -years))


@dataclass(frozen=True)
class ComponentCost:
    """The net present cost of one component, EUR; salvage is negative."""

    investment_eur: float = 0.0
    replacement_eur: float = 0.0
    upkeep_eur: float = 0.0
    fuel_eur: float = 0.0
    salvage_eur: float = 0.0

    @property
    def total_eur(self) -> float:
        """All together."""
        return self.investment_eur + self.replacement_eur + self.upkeep_eur + self.fuel_eur + self.salvage_eur

    def __add__(self, other: ComponentCost) -> ComponentCost:
        return ComponentCost(
            self.investment_eur + other.investment_eur,
            self.replacement_eur + other.replacement_eur,
            self.upkeep_eur + other.upkeep_eur,
            self.fuel_eur + other.fuel_eur,
            self.salvage_eur + other.salvage_eur,
        )


@dataclass(frozen=True)
class Year:
    """What a year of operation did that costs depend on.

    Attributes:
        served_kwh: Load served.
        generator_kwh: Given by the backup generator.
        generator_hours: Hours it ran.
        battery_cycles: Equivalent full cycles of the battery.
        grid_eur: Paid to the grid less earned from it.
    """

    served_kwh: float
    generator_kwh: float = 0.0
    generator_hours: float = 0.0
    battery_cycles: float = 0.0
    grid_eur: float = 0.0


@dataclass(frozen=True)
class LifeCycle:
    """The life-cycle cost of a site.

    Attributes:
        components: Cost of each component.
        npc_eur: Net present cost.
        lcoe_eur_per_kwh: Levelised cost of energy.
    """

    components: Mapping[str, ComponentCost]
    npc_eur: float
    lcoe_eur_per_kwh: float

    @property
    def factors(self) -> ComponentCost:
        """Investment, replacement, upkeep, fuel and salvage over all components."""
        return sum(self.components.values(), ComponentCost())


def component_cost(
    prices: Prices, investment: float, yearly: float, life_years: float, yearly_fuel: float = 0.0
) -> ComponentCost:
    """The net present cost of a component.

    Replacements fall due after one life, two lives and so on, not rounded to years; what is left at the end
    of the project is worth its price times the share of its life that remains.

    Args:
        prices: Rates and terms.
        investment: Price of the component, EUR.
        yearly: Upkeep, EUR a year.
        life_years: How long one lasts; infinity if it is never used.
        yearly_fuel: Fuel or energy, EUR a year.
    """
    term, rate = prices.project_years, prices.discount_rate
    count = max(0, math.ceil(term / life_years) - 1) if math.isfinite(life_years) else 0
    again = investment * prices.replacement_ratio
    remaining = 1.0 if not math.isfinite(life_years) else (life_years * (count + 1) - term) / life_years
    last = investment if count == 0 else again
    return ComponentCost(
        investment,
        sum(again / (1.0 + rate) ** (life_years * number) for number in range(1, count + 1)),
        yearly * prices.factor_sum,
        yearly_fuel * prices.factor_sum,
        -prices.salvage_ratio * last * remaining / (1.0 + rate) ** term,
    )


def life_cycle(
    prices: Prices,
    year: Year,
    *,
    generator_kw: float = 0.0,
    battery_kwh: float = 0.0,
    solar_kw: float = 0.0,
    wind_kw: float = 0.0,
    connection_kw: float = 0.0,
    fuel_eur_per_kwh: float = 0.0,
) -> LifeCycle:
    """The life-cycle cost of a site whose every year is like the one given.

    Args:
        prices: What things cost.
        year: The year of operation.
        generator_kw: Rating of the backup generator.
        battery_kwh: Capacity of the battery.
        solar_kw: Rating of the solar plant.
        wind_kw: Rating of the wind plant.
        connection_kw: Connection that has to be paid for.
        fuel_eur_per_kwh: Fuel per kWh of the generator.
    """
    p = prices
    hours = year.generator_hours
    generator_years = p.generator_hours / hours if hours > 0.0 else math.inf
    battery_years = min(
        p.battery_years, p.battery_cycles / year.battery_cycles if year.battery_cycles > 0 else math.inf
    )
    components = {
        "generator": component_cost(
            p,
            p.generator_eur_per_kw * generator_kw,
            p.generator_upkeep_eur_per_kw_hour * generator_kw * hours,
            generator_years,
            fuel_eur_per_kwh * year.generator_kwh,
        ),
        "battery": component_cost(
            p,
            p.battery_eur_per_kwh * battery_kwh,
            p.battery_upkeep_eur_per_kwh_year * battery_kwh,
            battery_years,
        ),
        "solar": component_cost(
            p, p.solar_eur_per_kw * solar_kw, p.solar_upkeep_eur_per_kw_year * solar_kw, p.solar_years
        ),
        "wind": component_cost(
            p, p.wind_eur_per_kw * wind_kw, p.wind_upkeep_eur_per_kw_year * wind_kw, p.wind_years
        ),
    }
    if connection_kw or year.grid_eur:
        bought = p.connection_eur_per_kw * connection_kw
        components["grid"] = ComponentCost(bought, 0.0, 0.0, year.grid_eur * p.factor_sum, 0.0)
    total = sum(one.total_eur for one in components.values())
    per_kwh = total / p.factor_sum / year.served_kwh if year.served_kwh > 0.0 else math.inf
    return LifeCycle(components, total, per_kwh)


def lcos_eur_per_kwh(
    prices: Prices, capacity_kwh: float, charging_eur: float, discharged_kwh: float, fade: float
) -> float:
    """The levelised cost of storage: present cost of storage over present kWh discharged.

    Schmidt et al. 2019, *Projecting the future levelized cost of electricity storage technologies*, Joule
    3(1), with capital recovered over the battery's calendar life.

    Args:
        prices: What things cost.
        capacity_kwh: Capacity of the battery.
        charging_eur: What a year's charging costs.
        discharged_kwh: What is discharged in the first year.
        fade: Share of the output that is lost each year.

    Returns:
        NaN where nothing is discharged.
    """
    if discharged_kwh <= 0.0:
        return math.nan
    years = np.arange(1, int(prices.battery_years) + 1)
    factor = (1.0 + prices.discount_rate) ** -years
    output = (1.0 - fade) ** (years - 1)
    upkeep = prices.battery_upkeep_eur_per_kwh_year * capacity_kwh
    cost = prices.battery_eur_per_kwh * capacity_kwh + (factor * (upkeep + charging_eur * output)).sum()
    return float(cost / (factor * discharged_kwh * output).sum())
