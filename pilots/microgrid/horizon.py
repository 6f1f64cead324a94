"""Many years of one site: the battery grows old, the load grows, the connection is asked for anew.

In its first year the battery saves 25,000 EUR and holds 270 kW. In its tenth it has 86 % of its capacity
left and the load is a third higher: what does it still save, and does the connection still do?

Each year is steered with what the years before have left of the battery, and wears it by the states it really
went through: a smaller battery is cycled harder. One that has come to the end of its life is replaced as a
year begins. The power stays that of the inverter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.microgrid.ageing import Ageing, aged, loss_rate
from pilots.microgrid.connection import least_connection
from pilots.microgrid.control import Controller, operate
from pilots.microgrid.optimum import optimum
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site

Floats = NDArray[np.float64]

CELLS_C = 20.0
"""Mean temperature of the cells, in a cellar or a container with air conditioning."""


@dataclass(frozen=True, eq=False)
class Years:
    """What each year comes to; shape (years,).

    Attributes:
        capacity_kwh: Of the battery at the beginning of the year.
        replaced: Whether a new battery came at the beginning of the year.
        fade: Share of the first capacity lost in the year.
        cost_eur: As steered.
        bound_eur: With perfect foresight.
        peak_kw: Highest import.
        least_connection_kw: Least import limit under which all load could be served.
        net_present_eur: Present value of all years' costs, of the battery and of its replacements.
    """

    capacity_kwh: Floats
    replaced: NDArray[np.bool_]
    fade: Floats
    cost_eur: Floats
    bound_eur: Floats
    peak_kw: Floats
    least_connection_kw: Floats
    net_present_eur: float


def operate_years(
    site: Site,
    series: Series,
    controller: Controller | str = "predictive",
    *,
    years: int = 10,
    load_growth: float = 0.0,
    ageing: Ageing | None = None,
    seed: int = 0,
) -> Years:
    """Run a site for several years, each like the series but for age and load.

    Args:
        site: The site, with a battery.
        series: A year of what it sees.
        controller: Who steers.
        years: How many years.
        load_growth: Growth of the load a year, as a share.
        ageing: How the battery ages.
        seed: Seed of the controller.

    Raises:
        InvalidInput: If the site has no battery.
    """
    battery, coefficients = site.battery, ageing or Ageing()
    if battery is None:
        raise InvalidInput("the site has no battery that could grow old", field="site.battery")
    length = series.hours / 8760.0
    out, left, replaced = np.empty((5, years)), np.empty(years), np.zeros(years, np.bool_)
    lost = 0.0
    for year in range(years):
        if 1.0 - lost <= coefficients.end_of_life:
            lost, replaced[year] = 0.0, True
        left[year] = 1.0 - lost
        worn = battery.model_copy(update={"capacity_kwh": battery.capacity_kwh * left[year]})
        older = site.model_copy(update={"battery": worn})
        grown = replace(series, load_kw=series.load_kw * (1.0 + load_growth) ** year)
        schedule = operate(older, grown, controller, seed, bound=False)
        fade = aged(lost, loss_rate(schedule.state_of_charge, length, coefficients, CELLS_C)) - lost
        net = grown.load_kw - grown.renewable_kw
        out[:, year] = (
            schedule.cost_eur, optimum(older, grown).cost_eur, schedule.import_kw.max(),
            least_connection(net, worn, series.step_h), fade,
        )  # fmt: skip
        lost += fade
    factors = (1.0 + site.prices.discount_rate) ** -np.arange(1, years + 1)
    bought = replaced.copy()
    bought[0] = True
    price = site.prices.battery_eur_per_kwh * battery.capacity_kwh
    due = (1.0 + site.prices.discount_rate) ** -np.arange(years)
    present = float(factors @ out[0] + price * due[bought].sum())
    kwh = left * battery.capacity_kwh
    return Years(kwh, replaced, out[4], out[0], out[1], out[2], out[3], present)
