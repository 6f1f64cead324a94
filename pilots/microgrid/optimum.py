"""The least that a site could have cost, had everything been known beforehand.

No controller can do better; shown beside its result, the bound says how much of the possible saving it
caught.
"""

from __future__ import annotations

import numpy as np

from pilots.microgrid.bus import conditions, plant_of
from pilots.microgrid.checks import check, served, unreachable_end
from pilots.microgrid.schedule import Schedule, scheduled
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.tariff import export_price, import_price
from pilots.microgrid.value import whole

# 24 million segments are 384 MB; beyond that the linear programme is the better way.
MOST_SEGMENTS = 24_000_000


def optimum(site: Site, series: Series, *, exclusive: bool = False) -> Schedule:
    """The schedule of least cost when load, sun, wind and prices are all known.

    A site with one battery is solved exactly by dynamic programming in milliseconds; vehicles whose
    charging may be moved, a capacity charge, or feed-in above the import price take a sparse linear
    programme. Both give the optimum of the same programme: in hours of negative price it may charge and
    discharge at once to burn energy, which makes it a bound; ``Schedule.simultaneous_kwh`` says how much it
    did.

    Args:
        site: The site.
        series: What it sees.
        exclusive: Forbid that burning. The cost is then one that a real battery can reach, a little above
            the bound.

    Returns:
        The schedule; ``cost_eur`` is the optimum, and ``bound_eur`` the same unless ``exclusive``.

    Raises:
        InvalidData: If the series cannot be those of the site (see :func:`pilots.microgrid.checks.check`).
        Infeasible: If load cannot be served or the final state of charge not reached, naming limit and time.
    """
    check(site, series)
    exact = not exclusive and series.sessions is None and site.tariff.capacity_eur_per_kw_month == 0.0
    if exact and not np.any(export_price(site, series) > import_price(site, series) + 1e-12):
        schedule = _by_dynamic_programme(site, series)
        if schedule is not None:
            return served(schedule).with_bound(schedule.cost_eur)
    schedule = _by_linear_programme(site, series, exclusive=exclusive)
    return served(schedule if exclusive else schedule.with_bound(schedule.cost_eur))


def _by_dynamic_programme(site: Site, series: Series) -> Schedule | None:
    battery = site.battery
    level = low = final = 0.0
    if battery is not None:
        low = battery.level_min_kwh
        level = battery.level_initial_kwh - low
        final = 0.0 if battery.level_final_kwh is None else battery.level_final_kwh - low
    plant = plant_of(site, series.step_h)
    status, _, draw, burnt, levels, _ = whole(
        conditions(site, series), plant, level, final, 0.0, MOST_SEGMENTS
    )
    if status == 1:
        raise unreachable_end(site, series)
    if status == 2:
        return None
    dt = series.step_h
    return scheduled(site, series, "optimum", draw / dt, levels + low, burnt_kw=burnt / dt)


def _by_linear_programme(site: Site, series: Series, *, exclusive: bool) -> Schedule:
    # Here, because most sites never need the solver.
    from pilots.microgrid.dispatch import Member, schedule_from, system_of
    from pilots.microgrid.program import NoSolution

    member = Member("site", site, series)
    try:
        solution = system_of(member, exclusive=exclusive).optimum()
    except NoSolution as fault:
        raise unreachable_end(site, series) from fault
    return schedule_from(member, solution, "optimum")
