"""From a site and its series to the table of conditions that the compiled models work on.

Example: an outage becomes an import and export limit of zero for its hours, a fixed charging plan becomes
load.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
    CONDITIONS,
    EXCESS_PRICE,
    EXPORT_LIMIT,
    EXPORT_PRICE,
    FREE_IMPORT,
    IMPORT_LIMIT,
    IMPORT_PRICE,
    LOAD,
    RENEWABLE,
    Plant,
)
from pilots.microgrid.tariff import export_price, import_price

Floats = NDArray[np.float64]

# What a kWh of load that must be served is taken to be worth: far above any price, so that it is shed last.
MUST_SERVE_EUR_PER_KWH = 100.0


def lost_load_price(site: Site, step_h: float) -> float:
    """What a kWh of load not served costs, EUR.

    Load that must be served is worth more than any capacity charge that serving it for one step could cost.
    """
    value = site.value_of_lost_load_eur_per_kwh
    return max(MUST_SERVE_EUR_PER_KWH, _beyond_any_peak(site, step_h)) if value is None else value


def _beyond_any_peak(site: Site, step_h: float) -> float:
    """More than what a kWh costs that raises the month's peak for one step, EUR."""
    return 10.0 * site.tariff.capacity_eur_per_kw_month / step_h


def missed_charging_eur(site: Site, series: Series) -> float:
    """What vehicles that need more than their charger can give cost, EUR: the same in every schedule.

    Nothing where load must be served, because nobody could serve this.
    """
    stays, value = series.sessions, site.value_of_lost_load_eur_per_kwh
    if stays is None or value is None:
        return 0.0
    return float((stays.energy_kwh - stays.possible_kwh(series.step_h)).sum()) * value


def plant_of(site: Site, step_h: float) -> Plant:
    """What stays the same over all steps. Without a battery its room and powers are zero.

    Load is never shed for the sake of the month's peak: a controller that saw no further would do so anew in
    every step, where paying once is cheaper.
    """
    battery, generator = site.battery, site.generator
    generator_kw = 0.0 if generator is None else generator.rated_kw
    generator_cost = 0.0 if generator is None else generator.marginal_eur_per_kwh
    shed_price = max(lost_load_price(site, step_h), _beyond_any_peak(site, step_h))
    rest = (generator_kw, generator_cost, shed_price)
    if battery is None:
        return Plant(step_h, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, *rest)
    return Plant(
        step_h,
        battery.level_max_kwh - battery.level_min_kwh,
        battery.charge_kw,
        battery.discharge_kw,
        battery.charge_efficiency,
        battery.discharge_efficiency,
        battery.wear_charge_eur_per_kwh,
        battery.wear_discharge_eur_per_kwh,
        battery.retention(step_h),
        *rest,
    )


def conditions(site: Site, series: Series, charging_kw: Floats | None = None) -> Floats:
    """The table of conditions, one row a step; see :mod:`pilots.microgrid.stage`.

    Where exporting would earn more than importing costs, the table holds the lower of the two for export: one
    meter cannot do both at once, and a convex cost cannot say so. Bills are made with the true prices.
    """
    rows = np.zeros((len(series), CONDITIONS))
    available = 1.0 if series.grid_available is None else series.grid_available
    rows[:, LOAD] = series.load_kw
    if charging_kw is not None:
        rows[:, LOAD] += charging_kw
    rows[:, RENEWABLE] = series.renewable_kw
    rows[:, IMPORT_PRICE] = import_price(site, series)
    rows[:, EXPORT_PRICE] = np.minimum(export_price(site, series), rows[:, IMPORT_PRICE])
    rows[:, IMPORT_LIMIT] = site.connection.import_limit_kw * available
    rows[:, EXPORT_LIMIT] = site.connection.export_limit_kw * available
    rows[:, FREE_IMPORT] = np.inf
    rows[:, EXCESS_PRICE] = 0.0
    return rows
