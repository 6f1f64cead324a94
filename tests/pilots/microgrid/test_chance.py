"""Intervals of a single run: of outages that could have come, and of weeks that could have been."""

import numpy as np
import pytest

from pilots.microgrid import Battery, Connection, Series, Site, operate
from pilots.microgrid.ageing import Ageing, aged, capacity_left, loss_rate
from pilots.microgrid.chance import interval_of_outages, interval_of_weeks
from pilots.microgrid.connection import next_fuse_a

WEEK = 7 * 24
ALWAYS = np.ones(4 * WEEK)


def schedule(battery=None, load_kw=100.0):
    hours = 4 * WEEK
    series = Series(
        start="2026-03-02T00:00Z",
        step_h=1.0,
        load_kw=np.full(hours, load_kw),
        price_eur_per_kwh=np.full(hours, 0.1),
    )
    site = Site(
        connection=Connection(import_limit_kw=1e6, export_limit_kw=0),
        battery=battery,
        value_of_lost_load_eur_per_kwh=10.0,
    )
    return operate(site, series, "self_consumption", bound=False)


def outage(first, length, hours=4 * WEEK):
    there = np.ones(hours)
    there[first : first + length] = 0.0
    return there


def test_what_is_not_served_in_an_outage_is_load_times_hours():
    assert interval_of_outages(schedule(), ALWAYS, lambda: outage(30, 5)) == (500.0, 500.0)


def test_a_battery_gives_what_it_holds_when_the_outage_begins():
    battery = Battery(capacity_kwh=400, charge_kw=200, discharge_kw=200, discharge_efficiency=0.5)
    low, high = interval_of_outages(schedule(battery), ALWAYS, lambda: outage(0, 5))
    assert low == high == pytest.approx(500 - 0.5 * 200)


def test_years_without_outage_and_with_one_span_the_interval():
    rng = np.random.default_rng(1)
    low, high = interval_of_outages(schedule(), ALWAYS, lambda: outage(30, int(rng.integers(0, 2))))
    assert (low, high) == (0.0, 100.0)


def test_weeks_that_are_alike_leave_no_doubt_and_few_weeks_no_interval():
    rng = np.random.default_rng(2)
    assert interval_of_weeks(np.full(5 * WEEK, 0.7), 1.0, rng) == pytest.approx((0.7, 0.7))
    assert interval_of_weeks(np.full(3 * WEEK, 0.7), 1.0, rng) is None


def test_the_interval_of_weeks_holds_the_mean_and_narrows_with_their_number():
    rng = np.random.default_rng(3)
    few, many = (np.repeat(rng.uniform(0, 1, n), WEEK) for n in (8, 52))
    spans = [interval_of_weeks(values, 1.0, rng) for values in (few, many)]
    assert spans[1][0] < many.mean() < spans[1][1]
    assert spans[1][1] - spans[1][0] < spans[0][1] - spans[0][0]


def test_each_year_wears_the_battery_by_its_own_states():
    year = np.tile([0.2, 0.8], 4380)
    still = np.full(8760, 0.5)
    left = capacity_left(np.concatenate([year, still, [0.5]]), 2 * 8760.0, Ageing())
    first = loss_rate(np.append(year, 0.5), 1.0, Ageing())
    assert left[0] == pytest.approx(1 - first, rel=1e-3)
    assert left[1] == pytest.approx(1 - aged(first, loss_rate(still, 1.0, Ageing())), rel=1e-3)
    assert len(capacity_left(year[:1000], 999.0, Ageing())) == 1


@pytest.mark.parametrize(
    ("amperes", "fuse"), [(1, 10), (16, 16), (16.1, 20), (401, 500), (6300, 6300), (6301, 7000)]
)
def test_the_next_fuse_is_one_that_is_sold(amperes, fuse):
    assert next_fuse_a(amperes) == fuse
