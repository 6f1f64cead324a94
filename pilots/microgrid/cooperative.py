"""What each member of an energy cooperative should pay.

Forty flats, a school and a bakery behind one connection pay for one peak instead of three, and the school's
sun at noon runs the bakery's ovens. Who earned that? Each member gets its average contribution over all
orders in which the members could have joined: the Shapley value (Shapley 1953), the one division that
treats equals equally, gives nothing for nothing, and shares out all there is.

What a group could do alone is found by the simple rule of :mod:`pilots.microgrid.merit`, with its part (by
yearly energy) of plants and battery; the whole group's real cost is then divided in proportion to what the
rule says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid import merit
from pilots.microgrid.design import per_kw, standing
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.tariff import billing_months, export_price, import_price

Floats = NDArray[np.float64]

MOST_MEMBERS = 12


@dataclass(frozen=True)
class Share:
    """What one member pays.

    Attributes:
        alone_eur: Its cost on a connection of its own, without plants and battery.
        share_eur: Its cost in the cooperative.
    """

    alone_eur: float
    share_eur: float

    @property
    def saving_eur(self) -> float:
        """What it gains by taking part."""
        return self.alone_eur - self.share_eur

    @property
    def saving(self) -> float:
        """The same as a share of what it would pay alone; 0 where that is nothing."""
        return self.saving_eur / self.alone_eur if self.alone_eur > 0.0 else 0.0


def shapley(gains: Mapping[frozenset[str], float], members: list[str]) -> dict[str, float]:
    """The Shapley value of each member of a game.

    Args:
        gains: What each group of members gains together; the empty group may be left out.
        members: The members.
    """
    n = len(members)
    values = dict.fromkeys(members, 0.0)
    for member in members:
        others = [one for one in members if one != member]
        for count in range(n):
            weight = factorial(count) * factorial(n - count - 1) / factorial(n)
            for group in combinations(others, count):
                without = frozenset(group)
                gain = gains[without | {member}] - (gains[without] if without else 0.0)
                values[member] += weight * gain
    return values


def fair_shares(site: Site, series: Series, loads: Mapping[str, Floats], cost_eur: float) -> dict[str, Share]:
    """How a cooperative's cost is divided among its members.

    Args:
        site: The site that the members run together.
        series: What it sees.
        loads: Load of each member, kW.
        cost_eur: What the whole site really costs.

    Returns:
        The share of each member; they add up to the cost.
    """
    members = sorted(name for name, load in loads.items() if float(load.sum()) > 0.0)[:MOST_MEMBERS]
    alone = {name: _cost(site, series, loads[name], 0.0) for name in members}
    total = sum(float(loads[name].sum()) for name in members)
    gains: dict[frozenset[str], float] = {}
    for count in range(1, len(members) + 1):
        for group in combinations(members, count):
            load = np.sum([loads[name] for name in group], axis=0)
            part = float(load.sum()) / total
            gains[frozenset(group)] = sum(alone[name] for name in group) - _cost(site, series, load, part)
    values = shapley(gains, members)
    whole = gains[frozenset(members)] if members else 0.0
    real = sum(alone.values()) - cost_eur
    shares = {}
    for name in members:
        # What the rule cannot explain is divided by what each would pay alone.
        part = values[name] / whole if whole > 0.0 else alone[name] / max(sum(alone.values()), 1e-9)
        shares[name] = Share(alone[name], alone[name] - part * real)
    return shares


def _cost(site: Site, series: Series, load: Floats, part: float) -> float:
    """What a load costs with a part of the site's plants and battery under the simple rule, EUR."""
    now = standing(site)
    solar, wind = per_kw(site, series)
    battery = site.battery
    rates = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    if battery is not None:
        rates = np.array([
            battery.charge_kw / battery.capacity_kwh, battery.discharge_kw / battery.capacity_kwh,
            battery.charge_efficiency, battery.discharge_efficiency, battery.initial_state_of_charge,
        ])  # fmt: skip
    design = np.array(
        [0.0, part * now["battery_kwh"], part * now["solar_kw"], part * now["wind_kw"], np.inf, np.inf]
    )
    price = import_price(site, series), export_price(site, series)
    outcome, drawn = merit.year_with_import(load, solar, wind, *price, design, rates, series.step_h)
    months = billing_months(site, series)
    peaks = np.zeros(int(months.max()) + 1)
    np.maximum.at(peaks, months, drawn)
    return float(outcome[merit.GRID_EUR] + site.tariff.capacity_eur_per_kw_month * peaks.sum())
