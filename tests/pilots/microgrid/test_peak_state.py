"""The month's peak as a second state: what theory says of the values, and what a controller must never do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.microgrid import Battery, Connection, Series, Site, Solar, Tariff
from pilots.microgrid.control import Operation, operate
from pilots.microgrid.ensemble import Ensemble
from pilots.microgrid.forecast import Perfect
from pilots.microgrid.peak_state import PeakStatePredictive, rungs
from pilots.microgrid.peak_value import Ladder, Stages, step_back_on_grid, value_ahead
from pilots.microgrid.predictive import Predictive
from pilots.microgrid.stage import CONDITIONS, OFFERS, SEGMENTS, Plant, offers, step_cost
from pilots.microgrid.value import one_step_back, value_at

PLANT = Plant(1.0, 200.0, 80.0, 60.0, 0.95, 0.95, 0.0, 0.0, 0.999, 0.0, 0.0, 100.0)
LEVELS, CAPS = 21, np.array([50.0, 80.0, 120.0, 200.0])
PRICE = 6.0
QUICK = settings(max_examples=20, deadline=None)


def futures(rng, members, stages):
    load, sun = rng.uniform(20, 150, (members, stages)), rng.uniform(0, 60, (members, stages))
    prices = rng.uniform(-0.05, 0.3, stages)
    return Stages(
        load,
        sun,
        np.array([prices, prices - 0.01]),
        np.array([np.full(stages, 400.0), np.full(stages, 100.0)]),
    )


def worth_of(ahead, memory, *, month_ends=99, caps=CAPS, levels=LEVELS):
    ladder = Ladder(caps, PRICE * caps, 90.0, month_ends)
    final = -0.1 * np.linspace(0.0, PLANT.room_kwh, levels)
    worth = np.empty((1, len(caps), levels))
    value_ahead(ahead, PLANT, PLANT, ladder, PRICE, PLANT.room_kwh, final, memory, worth)
    return worth[0]


def members_of(ahead, chosen):
    return ahead._replace(load=ahead.load[chosen].copy(), renewable=ahead.renewable[chosen].copy())


@QUICK
@given(seed=st.integers(0, 10_000), month_ends=st.sampled_from([1, 4, 99]))
def test_with_full_memory_the_worth_is_the_mean_of_plans_made_in_hindsight(seed, month_ends):
    ahead = futures(np.random.default_rng(seed), 5, 9)
    together = worth_of(ahead, 1.0, month_ends=month_ends)
    apart = [worth_of(members_of(ahead, [k]), 1.0, month_ends=month_ends) for k in range(5)]
    assert together == pytest.approx(np.mean(apart, axis=0), rel=1e-10, abs=1e-9)


@QUICK
@given(seed=st.integers(0, 10_000), memory=st.floats(0.0, 1.0))
def test_a_certain_future_is_planned_alike_whatever_the_memory(seed, memory):
    ahead = futures(np.random.default_rng(seed), 1, 9)
    alike = members_of(ahead, [0, 0, 0])
    assert worth_of(alike, memory) == pytest.approx(worth_of(ahead, 1.0), rel=1e-9, abs=1e-8)


@QUICK
@given(seed=st.integers(0, 10_000))
def test_more_paid_for_the_peak_never_makes_what_follows_dearer(seed):
    worth = worth_of(futures(np.random.default_rng(seed), 3, 8), 0.8)
    assert np.all(np.diff(worth - PRICE * CAPS[:, None], axis=0) <= 1e-6)


@QUICK
@given(seed=st.integers(0, 10_000), retention=st.sampled_from([1.0, 0.99]))
def test_a_step_back_on_the_grid_is_exact_at_its_levels(seed, retention):
    rng = np.random.default_rng(seed)
    slopes, width = np.sort(rng.uniform(-0.3, 0.2, LEVELS - 1)), PLANT.room_kwh / (LEVELS - 1)
    after = np.concatenate([[0.0], np.cumsum(slopes * width)])
    plant = PLANT._replace(retention=retention)
    row = np.zeros(CONDITIONS)
    row[:] = (rng.uniform(0, 150), rng.uniform(0, 150), 0.12, 0.1, 400.0, 100.0, 90.0, PRICE)
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    curve, back = np.empty((SEGMENTS, 4)), np.empty((4 * LEVELS, 2))
    n, start = offers(row, plant, prices, widths, kinds)
    m, first, cost = step_cost(
        n, prices, widths, kinds, start, row[0] - row[1], plant, -60.0, 80.0, True, curve
    )  # fmt: skip
    out = np.empty(LEVELS)
    step_back_on_grid(after, plant.room_kwh, retention, curve, m, first, cost, out)
    function = np.column_stack([slopes, np.full(LEVELS - 1, width)])
    k, begin, base = one_step_back(
        function, LEVELS - 1, 0.0, after[0], curve, m, first, cost, plant, back
    )  # fmt: skip
    exact = [value_at(back, k, begin, base, level) for level in np.linspace(0, plant.room_kwh, LEVELS)]
    assert out == pytest.approx(exact, rel=1e-9, abs=1e-8)


@given(reached=st.floats(0, 1e4), best=st.floats(0, 1e4))
def test_rungs_begin_at_the_peak_that_is_paid_and_rise(reached, best):
    caps = rungs(reached, max(best, reached))
    assert caps[0] == reached
    assert np.all(np.diff(caps) > 0.0)


def some_site(days=8, step_h=0.25, seed=3):
    rng = np.random.default_rng(seed)
    count = round(24 * days / step_h)
    hour = np.arange(count) * step_h % 24
    load = 80 + 40 * (hour > 16) + rng.uniform(-15, 15, count)
    sun = 90 * np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None) * rng.uniform(0.4, 1.0, count)
    site = Site(
        connection=Connection(import_limit_kw=400, export_limit_kw=200),
        tariff=Tariff(capacity_eur_per_kw_month=6.0),
        battery=Battery(
            capacity_kwh=250, charge_kw=100, discharge_kw=100, self_discharge_per_day=0.01,
            state_of_charge_min=0.1, state_of_charge_max=0.9, final_state_of_charge=0.5,
        ),
        solar=Solar(rated_kw=100),
    )  # fmt: skip
    price = 0.1 + 0.08 * np.sin((hour - 12) / 12 * 2 * np.pi) - 0.25 * ((hour > 12) & (hour < 13))
    series = Series(
        start="2026-03-28T00:00Z", step_h=step_h, load_kw=load, solar_kw=sun, price_eur_per_kwh=price
    )
    return site, series


@pytest.mark.parametrize("replan_h", [1.0, 2.0])
def test_a_run_cut_anywhere_gives_the_same_bytes(replan_h):
    """Over a month's end, at prices below nothing, with a reserve and a limit to keep to."""
    site, series = some_site(days=5)
    controller = PeakStatePredictive(Ensemble(members=4), replan_h=replan_h, reserve_h=1.0, limit_kw=150.0)
    whole, parts = (Operation(site, series, controller, np.random.default_rng(0)) for _ in range(2))
    whole.advance(len(series))
    for last in (1, 6, 95, 96, 101, 250, len(series)):
        parts.advance(last)
    assert np.array_equal(whole.record.draws, parts.record.draws)
    assert np.array_equal(whole.record.caps_kw, parts.record.caps_kw)


@pytest.mark.parametrize("step_h", [0.25, 1.0])
def test_the_battery_stays_within_its_limits(step_h):
    site, series = some_site(days=6, step_h=step_h)
    schedule = operate(site, series, PeakStatePredictive(Ensemble(members=6)))
    assert schedule.imbalance_kw() < 1e-6
    assert schedule.level_kwh.min() >= site.battery.level_min_kwh - 1e-9
    assert schedule.level_kwh.max() <= site.battery.level_max_kwh + 1e-9
    assert not np.any(schedule.charge_kw * schedule.discharge_kw)
    assert schedule.cost_eur >= schedule.bound_eur


def test_a_peak_that_must_be_is_paid_once_and_then_used():
    """An evening too long for the battery sets the month's peak; the nights after charge up to it at will."""
    hour = np.arange(24 * 12) % 24
    load = np.where((hour >= 17) & (hour < 22), 100.0, 40.0)
    load[24 * 3 + 12 : 24 * 3 + 24] = 160.0
    site = Site(
        connection=Connection(import_limit_kw=500, export_limit_kw=0),
        tariff=Tariff(capacity_eur_per_kw_month=6.0),
        battery=Battery(capacity_kwh=200, charge_kw=150, discharge_kw=150, final_state_of_charge=None),
    )
    series = Series(
        start="2026-03-02T00:00Z", step_h=1.0, load_kw=load, price_eur_per_kwh=np.where(hour == 3, 0.02, 0.1)
    )
    schedule = operate(site, series, PeakStatePredictive(Perfect()), bound=False)
    peak = schedule.import_kw.max()
    later = schedule.import_kw[24 * 4 :].reshape(-1, 24)
    assert later[:, 3] == pytest.approx(np.full(8, peak), rel=0.02)


def test_without_a_capacity_charge_it_is_predictive_control():
    site, series = some_site(days=4)
    free = site.model_copy(update={"tariff": Tariff()})
    one, two = (
        operate(free, series, kind(Ensemble(members=3)), bound=False)
        for kind in (PeakStatePredictive, Predictive)
    )
    assert np.array_equal(one.charge_kw, two.charge_kw)


def test_another_future_does_not_change_what_was_decided_before_it():
    site, series = some_site(days=5)
    first = 333
    load = series.load_kw.copy()
    load[first:] = load[first:][::-1] * 1.3
    runs = [
        operate(site, each, PeakStatePredictive(Ensemble(members=4)), bound=False)
        for each in (series, replace(series, load_kw=load))
    ]
    assert np.array_equal(runs[0].charge_kw[:first], runs[1].charge_kw[:first])
    assert np.array_equal(runs[0].discharge_kw[:first], runs[1].discharge_kw[:first])
