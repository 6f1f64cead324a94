"""Several sites settled together: a cooperative across the grid, or a virtual power plant.

The school exports at noon what the bakery across the street imports. Each keeps its own meter and limits;
what is bought and sold is the sum. With a network fee on what each draws and one price for the sum, the
optimum says what netting is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geodata.errors import InvalidInput
from pilots.microgrid.bus import missed_charging_eur
from pilots.microgrid.checks import Infeasible, check
from pilots.microgrid.dispatch import Member, activities_of, deliveries_of, schedule_from, storage_of
from pilots.microgrid.program import NoSolution
from pilots.microgrid.schedule import Schedule
from pilots.microgrid.series import Series
from pilots.microgrid.site import Connection
from pilots.microgrid.system import Activity, EnergySystem
from pilots.microgrid.tariff import billing_months, export_price, import_price


@dataclass(frozen=True, eq=False)
class JointSchedule:
    """The optimum of several sites settled together.

    Attributes:
        cost_eur: What all pay together.
        apart_eur: What they would pay in sum, each by itself.
        sites: The schedule of each; its own accounts are as if it settled alone.
    """

    cost_eur: float
    apart_eur: float
    sites: Mapping[str, Schedule]


def optimum_together(members: Sequence[Member], connection: Connection) -> JointSchedule:
    """The least cost of sites whose imports and exports are settled as one sum.

    Tariff and prices are those of the first; its capacity charge is on the sum.

    Args:
        members: The sites; steps and start alike.
        connection: The limits of the sum.

    Raises:
        InvalidInput: If their steps differ.
        Infeasible: If their limits contradict each other.
    """
    from pilots.microgrid.optimum import optimum

    first = members[0]
    for member in members:
        check(member.site, member.series)
        if (len(member.series), member.series.step_h, member.series.start) != (
            len(first.series), first.series.step_h, first.series.start,
        ):  # fmt: skip
            raise InvalidInput(
                "sites are settled together step by step, and theirs differ", field=member.name,
                value=_steps(member.series),
                expected=_steps(first.series),
            )  # fmt: skip
    series, tariff = first.series, first.site.tariff
    settlement = (
        Activity(
            "joint import", {"settlement": 1.0}, import_price(first.site, series), connection.import_limit_kw,
            peak_price=tariff.capacity_eur_per_kw_month, peak_groups=billing_months(first.site, series),
        ),
        Activity(
            "joint export", {"settlement": -1.0}, -export_price(first.site, series),
            connection.export_limit_kw
        ),
    )  # fmt: skip
    system = EnergySystem(
        steps=len(series),
        step_h=series.step_h,
        demand={
            **{one.name: one.series.load_kw - one.series.renewable_kw for one in members},
            "settlement": np.zeros(len(series)),
        },
        activities=(
            *settlement, *(part for one in members for part in activities_of(one, settled_jointly=True)),
        ),
        storages=tuple(part for one in members for part in storage_of(one)),
        deliveries=tuple(part for one in members for part in deliveries_of(one)),
    )  # fmt: skip
    try:
        solution = system.optimum()
    except NoSolution as fault:
        raise Infeasible("the sites have no feasible schedule together", field="members") from fault
    apart = sum(optimum(one.site, one.series).cost_eur for one in members)
    together = solution.cost + sum(missed_charging_eur(one.site, one.series) for one in members)
    return JointSchedule(
        together, apart, {one.name: schedule_from(one, solution, "joint optimum") for one in members}
    )


def _steps(series: Series) -> str:
    return f"{len(series)} steps of {series.step_h:g} h from {series.stamp(0)}"
