"""Laws for any site, series and controller: nothing is lost, no limit broken, no bound beaten."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.microgrid import (
    CONTROLLERS,
    Battery,
    Connection,
    Generator,
    Series,
    Site,
    Solar,
    Tariff,
    Wind,
    operate,
    optimum,
)
from pilots.microgrid.dispatch import Member, schedule_from, system_of

HOURS = 72
QUICK = settings(max_examples=25, deadline=None)
SLACK = 1e-6


@st.composite
def batteries(draw):
    low = draw(st.sampled_from([0.0, 0.1, 0.3]))
    return Battery(
        capacity_kwh=draw(st.floats(1, 2000)),
        charge_kw=draw(st.floats(1, 600)),
        discharge_kw=draw(st.floats(1, 600)),
        charge_efficiency=draw(st.floats(0.5, 1.0)),
        discharge_efficiency=draw(st.floats(0.5, 1.0)),
        state_of_charge_min=low,
        initial_state_of_charge=draw(st.floats(low, 1.0)),
        final_state_of_charge=None,
        self_discharge_per_day=draw(st.sampled_from([0.0, 0.01])),
        wear_charge_eur_per_kwh=draw(st.sampled_from([0.0, 0.02])),
        wear_discharge_eur_per_kwh=draw(st.sampled_from([0.0, 0.02])),
    )


@st.composite
def cases(draw):
    """A site and three days that it sees, negative prices and outages included."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    site = Site(
        connection=Connection(
            import_limit_kw=draw(st.sampled_from([0.0, 60.0, 400.0])),
            export_limit_kw=draw(st.sampled_from([0.0, 300.0])),
        ),
        tariff=Tariff(import_fee_eur_per_kwh=0.04, export_margin_eur_per_kwh=0.005),
        battery=draw(st.one_of(st.none(), batteries())),
        solar=Solar(rated_kw=200),
        wind=Wind(rated_kw=100),
        generator=draw(st.sampled_from([None, Generator(rated_kw=50, cost_eur_per_kwh=0.3)])),
        value_of_lost_load_eur_per_kwh=10.0,
    )
    hour = np.arange(HOURS) % 24
    series = Series(
        start="2026-03-02T00:00Z",
        step_h=1.0,
        load_kw=rng.uniform(10, 150, HOURS),
        solar_kw=np.maximum(np.sin((hour - 6) / 12 * np.pi), 0) * rng.uniform(0, 200, HOURS),
        wind_kw=rng.uniform(0, 100, HOURS),
        price_eur_per_kwh=rng.normal(0.06, 0.08, HOURS),
        grid_available=(rng.random(HOURS) > 0.05).astype(float),
    )
    return site, series


def assert_feasible(schedule):
    site, dt = schedule.site, schedule.series.step_h
    assert schedule.imbalance_kw() < SLACK
    for flow in ("import", "export", "charge", "discharge", "curtailed", "generator", "unserved", "spilled"):
        assert getattr(schedule, f"{flow}_kw").min() >= -SLACK
    there = schedule.series.grid_available
    assert np.all(schedule.import_kw <= site.connection.import_limit_kw * there + SLACK)
    assert np.all(schedule.export_kw <= site.connection.export_limit_kw * there + SLACK)
    assert np.all(schedule.curtailed_kw <= schedule.series.renewable_kw + SLACK)
    assert np.all(np.minimum(schedule.import_kw, schedule.export_kw) < SLACK)
    battery = site.battery
    if battery is None:
        assert not schedule.charge_kw.any()
        return
    level = schedule.level_kwh
    assert level.min() >= battery.level_min_kwh - SLACK
    assert level.max() <= battery.level_max_kwh + SLACK
    assert schedule.charge_kw.max() <= battery.charge_kw + SLACK
    assert schedule.discharge_kw.max() <= battery.discharge_kw + SLACK
    change = (
        schedule.charge_kw * battery.charge_efficiency - schedule.discharge_kw / battery.discharge_efficiency
    )
    low = battery.level_min_kwh
    held = (level[:-1] - low) * battery.retention(dt)
    assert level[1:] - low == pytest.approx(held + change * dt, abs=1e-5)


@pytest.mark.parametrize("name", [name for name in CONTROLLERS if name != "linear"])
@QUICK
@given(case=cases())
def test_every_controller_is_feasible_and_never_beats_the_bound(name, case):
    schedule = operate(*case, name)
    assert_feasible(schedule)
    assert schedule.simultaneous_kwh == 0.0
    assert schedule.cost_eur >= schedule.bound_eur - 1e-6 * max(1.0, abs(schedule.bound_eur))


@settings(max_examples=5, deadline=None)
@given(case=cases())
def test_the_linear_programme_is_feasible_too(case):
    schedule = operate(*case, "linear")
    assert_feasible(schedule)
    assert schedule.cost_eur >= schedule.bound_eur - 1e-6 * max(1.0, abs(schedule.bound_eur))


@QUICK
@given(case=cases())
def test_dynamic_and_linear_programme_find_the_same_optimum(case):
    site, series = case
    exact = optimum(site, series)
    member = Member("site", site, series)
    linear = schedule_from(member, system_of(member).optimum(), "linear")
    assert exact.cost_eur == pytest.approx(linear.cost_eur, rel=1e-7, abs=1e-5)


@QUICK
@given(case=cases())
def test_a_larger_battery_never_costs_more_under_perfect_foresight(case):
    site, series = case
    if site.battery is None:
        return
    battery = site.battery.model_copy(update={"initial_state_of_charge": site.battery.state_of_charge_min})
    larger = battery.model_copy(
        update={"charge_kw": 2 * battery.charge_kw, "discharge_kw": 2 * battery.discharge_kw}
    )
    less = optimum(site.model_copy(update={"battery": battery}), series).cost_eur
    more = optimum(site.model_copy(update={"battery": larger}), series).cost_eur
    assert more <= less + 1e-6 * max(1.0, abs(less))


@QUICK
@given(case=cases(), first=st.integers(1, HOURS - 1))
def test_control_never_looks_ahead(case, first):
    """Another future does not change what was decided before it."""
    site, series = case
    load, wind = series.load_kw.copy(), series.wind_kw.copy()
    load[first:] = load[first:][::-1] * 1.2
    wind[first:] = 0.0
    other = replace(series, load_kw=load, wind_kw=wind)
    one, two = (operate(site, each, "predictive", bound=False) for each in (series, other))
    assert np.array_equal(one.charge_kw[:first], two.charge_kw[:first])
    assert np.array_equal(one.discharge_kw[:first], two.discharge_kw[:first])


def with_capacity_charge(case):
    site, series = case
    tariff = site.tariff.model_copy(update={"capacity_eur_per_kw_month": 6.0})
    return site.model_copy(update={"tariff": tariff}), series


@pytest.mark.parametrize("name", ["predictive", "ensemble", "linear"])
@settings(max_examples=5, deadline=None)
@given(case=cases(), first=st.integers(1, HOURS - 1))
def test_control_under_a_capacity_charge_is_feasible_and_never_looks_ahead(name, case, first):
    site, series = with_capacity_charge(case)
    load, sun = series.load_kw.copy(), series.solar_kw.copy()
    load[first:] = load[first:][::-1] * 1.2
    sun[first:] = 0.0
    other = replace(series, load_kw=load, solar_kw=sun)
    one, two = (operate(site, each, name, bound=False) for each in (series, other))
    assert_feasible(one)
    assert one.simultaneous_kwh == 0.0
    assert np.array_equal(one.charge_kw[:first], two.charge_kw[:first])
    assert np.array_equal(one.discharge_kw[:first], two.discharge_kw[:first])


def evening_peaks(days=24):
    """A site whose power is cheap at night, and whose evenings need more than the rest of the day."""
    hour = np.arange(24 * days) % 24
    site = Site(
        connection=Connection(import_limit_kw=1000, export_limit_kw=0),
        tariff=Tariff(capacity_eur_per_kw_month=6.0),
        battery=Battery(
            capacity_kwh=300, charge_kw=200, discharge_kw=200, initial_state_of_charge=0.5,
            final_state_of_charge=None,
        ),
    )  # fmt: skip
    series = Series(
        start="2026-03-22T00:00Z",
        step_h=1.0,
        load_kw=np.where((hour >= 18) & (hour < 21), 150.0, 60.0),
        price_eur_per_kwh=np.where(hour < 5, 0.02, 0.12),
        grid_available=np.ones(len(hour)),
    )
    return site, series


@pytest.mark.parametrize("name", ["linear", "predictive", "ensemble"])
def test_a_capacity_charge_is_honoured(name):
    """Blind to it, the battery fills up at full power in one cheap hour.

    Of the first month's first day nothing is known; the second month is steered by what the first has shown.
    """
    site, series = evening_peaks()
    blind = site.model_copy(update={"tariff": Tariff()})
    aware, unaware = (operate(each, series, name, bound=False).monthly_peaks_kw for each in (site, blind))
    assert unaware[1] > 200.0
    assert aware[1] < 120.0


@pytest.mark.parametrize("name", CONTROLLERS)
def test_no_load_is_shed_for_the_sake_of_a_peak(name):
    """A kW more costs 30 EUR once a month; a kWh not served 10 EUR, but anew in every hour that needs it."""
    site, series = evening_peaks(days=8)
    dear = {"tariff": Tariff(capacity_eur_per_kw_month=30.0), "value_of_lost_load_eur_per_kwh": 10.0}
    schedule = operate(site.model_copy(update=dear), series, name, bound=False)
    assert schedule.unserved_kw.max() == 0.0


@pytest.mark.parametrize("charge", [0.0, 6.0])
@pytest.mark.parametrize("name", CONTROLLERS)
def test_any_price_is_served(name, charge):
    """The Baltic market stood at 4 EUR/kWh on 17 August 2022, and others at half a euro below nothing."""
    site, series = evening_peaks(days=6)
    price = series.price_eur_per_kwh.copy()
    price[[65, 66]], price[[84, 85, 110]] = 4.0, -0.5
    tariff = Tariff(capacity_eur_per_kw_month=charge)
    site = site.model_copy(update={"tariff": tariff})
    schedule = operate(site, replace(series, price_eur_per_kwh=price), name)
    assert_feasible(schedule)
    assert schedule.simultaneous_kwh == 0.0
    assert np.all(schedule.charge_kw * schedule.discharge_kw == 0.0)
    assert schedule.cost_eur >= schedule.bound_eur - 1e-6 * abs(schedule.bound_eur)
    if charge == 0.0 and name in {"predictive", "linear", "ensemble"}:
        assert schedule.discharge_kw[[65, 66]].sum() > 100.0


@QUICK
@given(case=cases())
def test_the_parts_of_the_cost_add_up(case):
    schedule = optimum(*case)
    bill = schedule.bill
    parts = (
        bill.import_eur + bill.export_eur + bill.capacity_eur + bill.generator_eur + bill.wear_eur
        + bill.unserved_eur + bill.storage_eur
    )  # fmt: skip
    assert schedule.cost_eur == pytest.approx(parts)


def test_a_dear_hour_calls_the_backup_to_feed_in():
    """40 kW of load and 100 of backup at 0.30: in the hour of 0.50 the other 60 are sold."""
    site = Site(
        connection=Connection(import_limit_kw=0, export_limit_kw=300),
        generator=Generator(rated_kw=100, cost_eur_per_kwh=0.3),
    )
    series = Series(
        start="2026-03-02T00:00Z", step_h=1.0, load_kw=np.full(3, 40.0), price_eur_per_kwh=[0.1, 0.5, 0.1]
    )
    best = optimum(site, series)
    assert best.generator_kw == pytest.approx([40, 100, 40])
    assert best.cost_eur == pytest.approx(180 * 0.3 - 60 * 0.5)
