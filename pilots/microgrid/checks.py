"""Whether a series can be that of a site at all: mixed-up units, impossible plant, clashing limits.

Example: a price series with a median of 8.4 is in cents; a solar plant of 700 kW that gives 2,800 kW had
its energy per quarter-hour divided by a quarter twice. Each fault is told with its time stamp, value and
what was expected.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidData, TwinboxError
from pilots.microgrid.schedule import Schedule
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site

Floats = NDArray[np.float64]

# A median day-ahead price above 1 EUR/kWh has never been seen; in cents it is about 8, in EUR/MWh about 80.
DEAREST_MEDIAN_EUR_PER_KWH = 1.0
# Modules in cold, clear air give a little more than their rating.
ABOVE_RATING = 1.25
# How far the series' energy may lie from the metered year.
METER_TOLERANCE = 0.25


class Infeasible(TwinboxError):
    """The limits of a site contradict what it must do."""


def check(site: Site, series: Series) -> None:
    """Refuse series that cannot be those of the site.

    Raises:
        InvalidData: Naming column, time stamp, value and what was expected.
    """
    _check_prices(series)
    _check_plant(site, series)
    _check_load(site, series)
    _check_grid(series)


def _check_prices(series: Series) -> None:
    for name in ("price_eur_per_kwh", "export_price_eur_per_kwh"):
        values = getattr(series, name)
        if values is None:
            continue
        median = float(np.median(np.abs(values)))
        if median > DEAREST_MEDIAN_EUR_PER_KWH:
            at = int(np.argmax(np.abs(values) > DEAREST_MEDIAN_EUR_PER_KWH))
            unit = "EUR/MWh" if median > 20 else "c/kWh"
            guess = "EUR/MWh" if median > 20 else "cents per kWh"
            raise InvalidData(
                f"the price looks as if it were in {guess}: "
                f"its median is {median:.3g}, at {series.stamp(at)} it stands at",
                field=name,
                value=float(values[at]),
                expected="EUR/kWh, for example 0.085",
                hint=f"give units={{'{name}': '{unit}'}} to Series.from_frame",
            )


def _check_plant(site: Site, series: Series) -> None:
    for name, plant in (("solar_kw", site.solar), ("wind_kw", site.wind)):
        values: Floats | None = getattr(series, name)
        if values is None:
            continue
        _refuse(series, name, values < 0.0, "a plant cannot give less than nothing", "0 kW or more")
        if plant is not None:
            top = ABOVE_RATING * plant.rated_kw
            what = f"the plant gives more than its rating of {plant.rated_kw:g} kW; is it kWh, or W?"
            _refuse(series, name, values > top, what, f"at most {top:g} kW")


def _check_load(site: Site, series: Series) -> None:
    if site.connection.export_limit_kw == 0.0 and site.battery is None:
        what = "the load is negative, and the site may neither export nor store"
        _refuse(series, "load_kw", series.load_kw < 0.0, what, "0 kW or more, or an export limit above 0")
    elif site.connection.export_limit_kw == 0.0:
        what = "the load is negative, and the site may not export"
        _refuse(series, "load_kw", series.load_kw < 0.0, what, "0 kW or more, or an export limit above 0")
    if site.annual_load_kwh is None:
        return
    found = float(series.load_kw.sum() * series.step_h) * 8760.0 / series.hours
    ratio = found / site.annual_load_kwh
    if abs(ratio - 1.0) > METER_TOLERANCE:
        energy = abs(ratio * 1.0 / series.step_h - 1.0) < METER_TOLERANCE and series.step_h != 1.0
        power = abs(ratio * series.step_h - 1.0) < METER_TOLERANCE and series.step_h != 1.0
        guess = "; it looks like kWh per step given as kW" if energy or power else ""
        raise InvalidData(
            f"the load does not add up to the metered year from {series.stamp(0)}{guess}",
            field="load_kw",
            value=f"{found:.6g} kWh a year",
            expected=f"about {site.annual_load_kwh:.6g} kWh a year",
        )


def _check_grid(series: Series) -> None:
    if series.grid_available is not None:
        wrong = (series.grid_available < 0.0) | (series.grid_available > 1.0)
        _refuse(
            series,
            "grid_available",
            wrong,
            "the grid is there, out, or there for a part",
            "a share from 0 to 1",
        )


def _refuse(series: Series, name: str, wrong: NDArray[np.bool_], message: str, expected: str) -> None:
    if not wrong.any():
        return
    at = int(np.flatnonzero(wrong)[0])
    count = int(wrong.sum())
    more = f" and in {count - 1} more steps" if count > 1 else ""
    raise InvalidData(
        f"{message} (at {series.stamp(at)}{more})",
        field=name,
        row=at + 1,
        value=float(getattr(series, name)[at]),
        expected=expected,
    )


def unreachable_end(site: Site, series: Series) -> Infeasible:
    """The error for a final level that cannot be reached from the initial one."""
    battery = site.battery
    if battery is None:
        return Infeasible("the site has no feasible schedule", field="site")
    return Infeasible(
        f"the battery cannot reach its final state of charge by {series.stamp(len(series))}",
        field="battery.final_state_of_charge",
        value=battery.final_state_of_charge,
        expected=f"what {battery.charge_kw:g} kW can store in {series.hours:g} h, "
        f"from {battery.level_initial_kwh:g} kWh",
    )


def served(schedule: Schedule) -> Schedule:
    """The schedule, if it serves all load that must be served, with a note on vehicles that go short.

    Raises:
        Infeasible: Naming the first step in which a limit of the connection stands in the way.
    """
    site, series = schedule.site, schedule.series
    if site.value_of_lost_load_eur_per_kwh is not None:
        return noted(schedule)
    for name, limit, message in (
        ("unserved_kw", "connection.import_limit_kw", "the load cannot be served"),
        ("spilled_kw", "connection.export_limit_kw", "the surplus of a negative load cannot leave the site"),
    ):
        values: Floats = getattr(schedule, name)
        if values.max() <= 1e-6:
            continue
        at, count = int(np.argmax(values > 1e-6)), int((values > 1e-6).sum())
        raise Infeasible(
            f"{message} at {series.stamp(at)}" + (f", and in {count} steps in all" if count > 1 else ""),
            field=limit,
            value=f"{getattr(site.connection, limit.split('.')[1]):g} kW, {values[at]:.4g} kW short",
            expected=f"at least {float(values.max()):.4g} kW more, a larger battery, or a value of lost load",
        )
    return noted(schedule)


def shortfall(schedule: Schedule) -> str | None:
    """A sentence on the load that a site could not serve although the grid was there; ``None`` if all was."""
    site, series = schedule.site, schedule.series
    there = np.ones(len(series)) if series.grid_available is None else series.grid_available
    short = np.where(there >= 1.0, schedule.unserved_kw, 0.0)
    if short.max() <= 1e-6:
        return None
    return (
        f"The connection of {site.connection.import_limit_kw:g} kW is too small: "
        f"{short.sum() * series.step_h:,.0f} kWh are not served, "
        f"first at {series.stamp(int(np.argmax(short > 1e-6)))}; at most {short.max():,.0f} kW are missing."
    )


def noted(schedule: Schedule) -> Schedule:
    """The schedule with a note on the energy that vehicles did not get, if there is any."""
    missed = missed_charging(schedule)
    return schedule if missed is None else replace(schedule, notes=(*schedule.notes, missed))


def missed_charging(schedule: Schedule) -> str | None:
    """A sentence on the energy that vehicles needed and did not get; ``None`` if they got all."""
    series, stays = schedule.series, schedule.series.sessions
    missed = schedule.charging_unmet_kwh
    if stays is None or missed <= 1e-6 * max(schedule.charging_asked_kwh, 1.0):
        return None
    share = missed / schedule.charging_asked_kwh
    told = [f"Vehicles get {missed:,.0f} kWh less than they need ({share:.1%})."]
    beyond = stays.energy_kwh > stays.possible_kwh(series.step_h) * (1 + 1e-9)
    if beyond.any():
        i = int(np.argmax(beyond))
        told.append(
            f"{int(beyond.sum()):,} of {len(stays):,} stays need more than their charger can give, first the "
            f"one from {series.stamp(int(stays.arrival[i]))} to {series.stamp(int(stays.departure[i]))}: "
            f"{stays.energy_kwh[i]:.1f} kWh at {stays.power_kw[i]:g} kW."
        )
    short = np.minimum(schedule.unserved_kw, schedule.charging_kw)
    if short.max() > 1e-6:
        told.append(
            f"{short.sum() * series.step_h:,.0f} kWh fail for want of the grid or a larger connection, "
            f"first at {series.stamp(int(np.argmax(short > 1e-6)))}."
        )
    return " ".join(told)
