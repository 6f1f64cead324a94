"""What energy costs and earns at the meter of a site, step by step and month by month.

Example: a day-ahead price of 8 cents, 1 cent of supplier's margin, 4 cents of network fee by day and 22 %
of tax on all of it make 15.86 cents for the kWh that is drawn at noon, while the kWh fed in earns 7.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.microgrid.series import Series
from pilots.microgrid.site import Site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def import_price(site: Site, series: Series) -> Floats:
    """What a kWh drawn from the grid costs in each step, EUR/kWh."""
    tariff = site.tariff
    energy = series.price_eur_per_kwh + tariff.import_fee_eur_per_kwh + tariff.tax_eur_per_kwh
    price = (energy + network_fee(site, series)) * (1.0 + tariff.vat)
    if tariff.co2_eur_per_kg and series.co2_kg_per_kwh is not None:
        price = price + tariff.co2_eur_per_kg * series.co2_kg_per_kwh
    return np.asarray(price, np.float64)


def export_price(site: Site, series: Series) -> Floats:
    """What a kWh fed into the grid earns in each step, EUR/kWh."""
    if series.export_price_eur_per_kwh is not None:
        return series.export_price_eur_per_kwh
    if site.tariff.feed_in_eur_per_kwh is not None:
        return np.full(len(series), site.tariff.feed_in_eur_per_kwh)
    return np.asarray(series.price_eur_per_kwh - site.tariff.export_margin_eur_per_kwh, np.float64)


def network_fee(site: Site, series: Series) -> Floats:
    """The network fee by day (working days 07:00 to 22:00 local time) and by night, EUR/kWh."""
    tariff = site.tariff
    if tariff.network_night_eur_per_kwh is None:
        return np.full(len(series), tariff.network_day_eur_per_kwh)
    local = series.time.tz_convert(site.timezone)
    day = (local.day_of_week < 5) & (local.hour >= 7) & (local.hour < 22)
    return np.where(day, tariff.network_day_eur_per_kwh, tariff.network_night_eur_per_kwh)


def billing_months(site: Site, series: Series) -> Ints:
    """The number of the month, counted from 0, in which each step is billed."""
    if series.billing_period is not None:
        return np.unique(series.billing_period, return_inverse=True)[1].astype(np.int64)
    local = series.time.tz_convert(site.timezone)
    count = local.year.to_numpy(np.int64) * 12 + local.month.to_numpy(np.int64)
    return np.asarray(count - count[0], np.int64)


def known_until(site: Site, series: Series) -> Ints:
    """The first step whose day-ahead price is not yet known when each step begins.

    Prices are known to the end of the market's day, and from the hour of publication to the end of the next.
    """
    market = series.time.tz_convert(site.tariff.market_timezone)
    day = pd.DatetimeIndex(market.tz_localize(None)).normalize().as_unit("s").asi8 // 86_400
    last_known = day + np.where(market.hour >= site.tariff.published_at_hour, 1, 0)
    return np.searchsorted(day, last_known, side="right").astype(np.int64)


@dataclass(frozen=True)
class Bill:
    """The parts of what a schedule costs, EUR; income is negative.

    ``wear_eur`` and ``unserved_eur`` are no invoices: the first values the ageing of the battery, the
    second the load that was not served (or surplus that found no way out), vehicles included.
    ``storage_eur`` corrects for the battery ending with more (negative) or less energy than asked for.
    """

    import_eur: float
    export_eur: float
    capacity_eur: float
    generator_eur: float
    wear_eur: float
    unserved_eur: float
    storage_eur: float

    @property
    def bill_eur(self) -> float:
        """What is paid for grid and fuel."""
        return self.import_eur + self.export_eur + self.capacity_eur + self.generator_eur

    @property
    def cost_eur(self) -> float:
        """All parts together."""
        return self.bill_eur + self.wear_eur + self.unserved_eur + self.storage_eur
