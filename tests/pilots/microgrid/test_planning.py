"""Planning: connections, members, years and outages, each on a case small enough to work out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.microgrid import Battery, Connection, Limits, Series, Site, Solar, Tariff, operate, optimum, size
from pilots.microgrid.ageing import Ageing, aged, calendar_rate, half_cycles, life_years, loss_rate
from pilots.microgrid.connection import connection_curve, least_connection, years_deferred
from pilots.microgrid.cooperative import fair_shares, shapley
from pilots.microgrid.dispatch import Member
from pilots.microgrid.horizon import operate_years
from pilots.microgrid.islanding import hours_survived, survival
from pilots.microgrid.joint import optimum_together
from pilots.microgrid.lifecycle import Prices, component_cost, lcos_eur_per_kwh
from pilots.microgrid.origin import origin_of
from pilots.microgrid.rules import PeakShaving


def lossless(kwh, kw):
    return Battery(
        capacity_kwh=kwh, charge_kw=kw, discharge_kw=kw, charge_efficiency=1, discharge_efficiency=1,
        initial_state_of_charge=1.0, final_state_of_charge=None,
    )  # fmt: skip


def series(load, price=0.1, **more):
    load = np.asarray(load, float)
    return Series(
        start="2026-03-02T00:00Z",
        step_h=1.0,
        load_kw=load,
        price_eur_per_kwh=np.broadcast_to(price, load.shape),
        **more,
    )


def site(**more):
    return Site(**{"connection": Connection(import_limit_kw=1e4, export_limit_kw=1e4), **more})


def test_the_bakery_needs_a_third_of_its_connection():
    """Two hours of 300 kW beside 22 of 80: 200 kWh above 200 kW, or 400 above 100."""
    load = np.tile([80.0] * 6 + [300.0] * 2 + [80.0] * 16, 3)
    assert least_connection(load, None, 1.0) == 300.0
    assert least_connection(load, lossless(200, 150), 1.0) == pytest.approx(200.0, abs=0.02)
    assert least_connection(load, lossless(400, 250), 1.0) == pytest.approx(100.0, abs=0.02)


def test_power_limits_what_energy_could():
    load = np.tile([80.0] * 6 + [300.0] * 2 + [80.0] * 16, 3)
    assert least_connection(load, lossless(1000, 50), 1.0) == pytest.approx(250.0, abs=0.02)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kwh=st.floats(10, 500), kw=st.floats(5, 200))
def test_peak_shaving_holds_the_least_connection_and_no_less_is_possible(seed, kwh, kw):
    load = np.random.default_rng(seed).uniform(0, 200, 96)
    battery = lossless(kwh, kw)
    least = least_connection(load, battery, 1.0)
    held = operate(site(battery=battery), series(load), PeakShaving(least), bound=False)
    assert held.import_kw.max() <= least + 0.02
    best = optimum(site(battery=battery, tariff=Tariff(capacity_eur_per_kw_month=1000.0)), series(load))
    assert best.import_kw.max() >= least - 0.03


def test_a_larger_battery_never_needs_a_larger_connection():
    load = np.random.default_rng(1).uniform(0, 200, 200)
    curve = connection_curve(load, lossless(100, 50), np.linspace(0, 800, 9), 1.0)
    assert np.all(np.diff(curve) <= 0.02)


def test_a_connection_that_lasts_for_a_quarter_more_load_is_deferred_by_that_growth():
    assert years_deferred(250.0, 200.0, 0.03) == pytest.approx(math.log(1.25) / math.log(1.03))
    assert math.isnan(years_deferred(250.0, 200.0, 0.0))


def test_sizing_the_connection_agrees_with_the_curve():
    load = np.random.default_rng(1).uniform(0, 200, 200)
    design = size(site(battery=lossless(100, 50)), series(load), "connection", Limits(battery_kwh=(0, 400)))
    assert design.value == pytest.approx(least_connection(load, lossless(400, 200), 1.0), abs=0.02)


def test_least_cost_buys_the_battery_only_if_prices_pay_for_it():
    hours = np.arange(24 * 28)
    price = np.where(hours % 24 < 12, 0.02, 0.30)
    place = site(battery=lossless(10, 5), connection=Connection(import_limit_kw=1e4, export_limit_kw=0))
    dear = place.model_copy(update={"prices": Prices(battery_eur_per_kwh=3000)})
    cheap = place.model_copy(update={"prices": Prices(battery_eur_per_kwh=100)})
    limits = Limits(battery_kwh=(0, 1000))
    data = series(np.full(len(hours), 50.0), price)
    assert size(dear, data, "cost", limits).battery_kwh == pytest.approx(0.0, abs=1e-6)
    assert size(cheap, data, "cost", limits).battery_kwh == pytest.approx(600.0, abs=1.0)


def test_own_energy_keeps_its_origin_through_the_battery():
    """Noon's 100 kWh wait for the evening; the 100 kWh charged from the grid at night are not own."""
    battery = lossless(100, 100).model_copy(update={"initial_state_of_charge": 0.0})
    data = series([0.0, 100.0, 0.0, 100.0], [0.01, 0.5, 0.1, 0.5], solar_kw=[0.0, 0.0, 100.0, 0.0])
    place = site(battery=battery, solar=Solar(rated_kw=100), tariff=Tariff(export_margin_eur_per_kwh=0.2))
    traced = origin_of(optimum(place, data))
    assert traced.grid_to_battery == pytest.approx(100.0)
    assert traced.own_to_battery == pytest.approx(100.0)
    assert traced.own_used == pytest.approx(100.0)


def test_an_island_lasts_as_long_as_its_battery():
    schedule = operate(
        site(battery=lossless(100, 50), critical_share=1.0), series(np.full(48, 10.0)), PeakShaving(20.0)
    )
    hours = hours_survived(schedule)
    assert np.all(hours == 10.0)
    assert survival(hours, 10) == 1.0
    assert survival(hours, 11) == 0.0


def test_the_shapley_value_of_the_gloves():
    """One left glove, two right ones: the left one is worth two thirds (Shapley's own textbook example)."""
    groups = (
        ("left",), ("a",), ("b",), ("left", "a"), ("left", "b"), ("a", "b"), ("left", "a", "b"),
    )  # fmt: skip
    gains = {frozenset(group): float("left" in group and len(group) > 1) for group in groups}
    values = shapley(gains, ["left", "a", "b"])
    assert values == pytest.approx({"left": 2 / 3, "a": 1 / 6, "b": 1 / 6})


def test_shares_add_up_and_equals_pay_alike():
    load = np.random.default_rng(1).uniform(10, 60, 24 * 14)
    place = site(battery=lossless(50, 25), tariff=Tariff(capacity_eur_per_kw_month=5.0))
    whole = operate(place, series(3 * load), "self_consumption", bound=False)
    shares = fair_shares(place, series(3 * load), {"a": load, "b": load, "c": load[::-1]}, whole.bill_eur)
    assert sum(one.share_eur for one in shares.values()) == pytest.approx(whole.bill_eur)
    assert shares["a"].share_eur == pytest.approx(shares["b"].share_eur)


def test_settled_together_a_surplus_next_door_is_not_bought():
    sunny = Member("school", site(solar=Solar(rated_kw=50)), series([0.0, 0.0], solar_kw=[50.0, 0.0]))
    hungry = Member("bakery", site(tariff=Tariff(export_margin_eur_per_kwh=0.08)), series([50.0, 50.0]))
    school = Member("school", sunny.site.model_copy(update={"tariff": hungry.site.tariff}), sunny.series)
    together = optimum_together([hungry, school], Connection(import_limit_kw=1e4, export_limit_kw=1e4))
    assert together.cost_eur == pytest.approx(5.0)
    assert together.apart_eur == pytest.approx(10.0 - 50 * 0.02)


def test_rainflow_counts_the_standards_example():
    """ASTM E1049-85, figure 6: ranges 3, 4, 4 (full), 6, 8, 8, 9 as half cycles."""
    path = np.array([-2.0, 1.0, -3.0, 5.0, -1.0, 3.0, -4.0, 4.0, -2.0])
    assert sorted(half_cycles(path)) == [3.0, 4.0, 4.0, 4.0, 6.0, 8.0, 8.0, 9.0]


def test_a_battery_cycled_daily_ages_faster_than_one_at_rest():
    hours = np.arange(8760)
    resting, cycled = np.full(8760, 0.5), 0.5 + 0.4 * np.sin(hours / 24 * 2 * np.pi)
    assert loss_rate(resting, 1.0, Ageing()) < loss_rate(cycled, 1.0, Ageing())
    assert life_years(cycled, 1.0, Ageing()) < life_years(resting, 1.0, Ageing())


def test_ageing_is_that_of_the_tested_cells():
    """1.2571e-5 x 0.60225 per root second at 25 °C; 400 cycles of 60 % at 0.1 an hour."""
    assert calendar_rate(0.5, Ageing(), 25.0) == pytest.approx(1.2571e-5 * 0.60225 * math.sqrt(365 * 86400))
    assert calendar_rate(0.9, Ageing(), 40.0) > calendar_rate(0.9, Ageing(), 25.0) > 0.0425
    up = np.linspace(0.2, 0.8, 7)[:-1]
    saw = np.concatenate([up, 1.0 - up])
    path = np.append(np.tile(saw, 400), 0.2)
    length = (len(path) - 1) / 8760
    cycling = loss_rate(path, length, Ageing(), 25.0) - calendar_rate(path.mean(), Ageing(), 25.0)
    assert cycling == pytest.approx(0.01 * (0.063 * 0.1 + 0.0971) * 1.0923 * math.sqrt(400 * 0.6 / length))


def test_losses_go_on_from_what_is_lost():
    assert aged(0.0, 0.04, 4.0) == pytest.approx(0.08)
    assert aged(aged(0.0, 0.04), 0.04, 3.0) == pytest.approx(0.08)
    rest = np.full(8760, 0.5)
    assert life_years(rest, 1.0, Ageing()) == pytest.approx((0.2 / loss_rate(rest, 1.0, Ageing())) ** 2)
    assert life_years(rest, 1.0, Ageing(calendar_per_sqrt_s=0.0)) == 40.0


def test_years_make_the_battery_smaller_and_the_connection_larger():
    hours = np.arange(24 * 28)
    load = 50 + 30 * np.sin((hours - 9) / 12 * np.pi)
    price = 0.1 + 0.05 * np.sin((hours - 12) / 12 * np.pi)
    place = site(battery=lossless(200, 100).model_copy(update={"initial_state_of_charge": 0.5}))
    found = operate_years(place, series(load, price), years=5, load_growth=0.05)
    assert np.all(np.diff(found.capacity_kwh) < 0)
    assert np.all(np.diff(found.least_connection_kw) > 0)
    assert np.all(found.cost_eur >= found.bound_eur - 1e-6)


def test_a_worn_battery_saves_less_each_year_and_is_replaced_at_the_end_of_its_life():
    hours = np.arange(24 * 28)
    load = 50 + 30 * np.sin((hours - 9) / 12 * np.pi)
    price = 0.1 + 0.05 * np.sin((hours - 12) / 12 * np.pi)
    place = site(battery=lossless(200, 100).model_copy(update={"initial_state_of_charge": 0.5}))
    hard = Ageing(cycle_constant=0.5e-2)
    found = operate_years(place, series(load, price), years=6, ageing=hard)
    first = int(np.flatnonzero(found.replaced)[0])
    assert found.capacity_kwh[0] == found.capacity_kwh[first] == 200.0
    assert (
        found.capacity_kwh[first - 1]
        > 0.8 * 200
        >= found.capacity_kwh[first - 1] - 200 * found.fade[first - 1]
    )
    assert np.all(np.diff(found.cost_eur[:first]) > 0)
    assert found.cost_eur[first] == pytest.approx(found.cost_eur[0])
    assert np.allclose(np.diff(found.capacity_kwh[:first]), -200 * found.fade[: first - 1])


def test_a_component_replaced_once_is_sold_with_what_is_left():
    """Two lives of 15 in 25 years: a third of the second one's price comes back, discounted."""
    cost = component_cost(Prices(), 1000.0, 0.0, 15.0)
    assert cost.replacement_eur == pytest.approx(1000 / 1.05**15)
    assert cost.salvage_eur == pytest.approx(-1000 / 3 / 1.05**25)


def test_storage_that_costs_nothing_to_charge_costs_its_annuity():
    """An annuity of 96.34 EUR a year over 1,000 kWh."""
    prices = Prices(battery_eur_per_kwh=1000, battery_upkeep_eur_per_kwh_year=0)
    assert lcos_eur_per_kwh(prices, 1.0, 0.0, 1000.0, 0.0) == pytest.approx(0.09634, rel=1e-3)
