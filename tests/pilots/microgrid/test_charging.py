"""Vehicles at chargers: what they need they get as far as possible, and what they miss is counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidData
from pilots.microgrid import (
    Battery,
    ChargingSessions,
    Connection,
    Limits,
    Series,
    Site,
    operate,
    optimum,
    size,
)
from pilots.microgrid.checks import Infeasible
from pilots.microgrid.control import Operation
from pilots.microgrid.controllers import named

HOURS = 72
PRICE = 0.1 + 0.05 * np.cos(np.arange(HOURS) / 12 * np.pi)


def series(stays, load_kw=50.0, price=PRICE, **more):
    return Series(
        start="2026-03-02T00:00Z",
        step_h=1.0,
        load_kw=np.full(HOURS, load_kw),
        price_eur_per_kwh=price,
        sessions=stays,
        **more,
    )


def site(limit_kw=1000.0, value=10.0, **more):
    return Site(
        connection=Connection(import_limit_kw=limit_kw, export_limit_kw=0),
        value_of_lost_load_eur_per_kwh=value,
        **more,
    )


def test_a_stay_too_short_for_its_need_is_served_as_far_as_possible_and_told():
    stays = ChargingSessions.of([3, 20], [5, 30], [50.0, 11.0], [11.0, 11.0])
    for schedule in (optimum(site(), series(stays)), operate(site(), series(stays), "self_consumption")):
        assert schedule.charging_kw.sum() == pytest.approx(22 + 11)
        assert schedule.charging_asked_kwh == 61.0
        assert schedule.charging_unmet_kwh == pytest.approx(28.0)
        assert schedule.bill.unserved_eur == pytest.approx(280.0)
        (note,) = schedule.notes
        assert "28 kWh less than they need (45.9%)" in note
        assert "1 of 2 stays" in note
        assert "2026-03-02 03:00 UTC to 2026-03-02 05:00 UTC: 50.0 kWh at 11 kW" in note


def test_what_all_vehicles_get_is_not_noted():
    schedule = operate(site(), series(ChargingSessions.of([3], [9], [50.0], [11.0])), "self_consumption")
    assert schedule.charging_unmet_kwh == 0.0
    assert schedule.notes == ()


def test_without_a_price_for_lost_load_what_no_charger_can_give_costs_nothing():
    schedule = optimum(site(value=None), series(ChargingSessions.of([3], [5], [50.0], [11.0])))
    assert schedule.bill.unserved_eur == 0.0
    assert schedule.charging_unmet_kwh == pytest.approx(28.0)


def test_vehicles_wait_while_the_connection_is_full():
    """Ten vehicles all want the cheapest hour; 60 kW are left beside the load, enough over the night."""
    stays = ChargingSessions.of(np.full(10, 18), np.full(10, 31), np.full(10, 30.0), np.full(10, 11.0))
    schedule = operate(site(110), series(stays), "self_consumption")
    assert schedule.import_kw.max() <= 110 + 1e-9
    assert schedule.charging_unmet_kwh == 0.0
    assert schedule.charging_kw.sum() == pytest.approx(300.0)


def test_a_connection_too_small_leaves_vehicles_short_and_never_the_other_load():
    stays = ChargingSessions.of(np.full(10, 18), np.full(10, 24), np.full(10, 40.0), np.full(10, 11.0))
    for schedule in (
        operate(site(80), series(stays), "self_consumption"),
        optimum(site(80), series(stays)),
    ):
        assert schedule.charging_unmet_kwh == pytest.approx(400 - 6 * 30)
        assert schedule.unserved_kw.sum() == pytest.approx(220)
        assert schedule.cost_eur >= optimum(site(80), series(stays)).cost_eur - 1e-6
        assert "220 kWh fail for want of the grid or a larger connection" in schedule.notes[0]


def test_an_outage_puts_charging_off():
    grid = np.ones(HOURS)
    grid[20:26] = 0.0
    stays = ChargingSessions.of([18], [31], [55.0], [11.0])
    schedule = operate(site(), series(stays, grid_available=grid), "self_consumption")
    assert schedule.charging_kw[20:26].sum() == 0.0
    assert schedule.charging_unmet_kwh == 0.0


def test_where_all_must_be_served_a_connection_too_small_for_vehicles_is_named():
    stays = ChargingSessions.of([18], [20], [20.0], [11.0])
    with pytest.raises(Infeasible, match=r"cannot be served at 2026-03-02 1[89]:00"):
        optimum(site(51, value=None), series(stays))


@pytest.mark.parametrize(
    ("stay", "message"),
    [
        (([5], [3], [5.0], [11.0]), "leaves before it has come"),
        (([5], [5], [5.0], [11.0]), "leaves before it has come"),
        (([5], [9], [-5.0], [11.0]), "negative energy"),
        (([5], [9], [np.nan], [11.0]), "negative energy"),
        (([5], [9], [5.0], [0.0]), "no power"),
        (([70], [80], [5.0], [11.0]), "outside the series"),
    ],
)
def test_stays_that_cannot_be_are_refused(stay, message):
    with pytest.raises(InvalidData, match=message):
        series(ChargingSessions.of(*stay))


@st.composite
def fleets(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 30))
    arrival = rng.integers(0, HOURS - 1, n)
    departure = np.minimum(arrival + rng.integers(1, 30, n), HOURS)
    return ChargingSessions.of(arrival, departure, rng.gamma(2, 15, n), rng.choice([3.7, 11, 22], n))


@settings(max_examples=30, deadline=None)
@given(fleets(), st.sampled_from([0.0, 60.0, 90.0, 500.0]), st.integers(1, 40))
def test_no_vehicle_gets_more_than_it_needs_and_blocks_change_nothing(stays, limit_kw, block):
    where, seen = site(limit_kw), series(stays)
    whole = operate(where, seen, "self_consumption")
    cut = Operation(where, seen, named("self_consumption"), np.random.default_rng(0))
    for last in [*range(block, HOURS, block), HOURS]:
        cut.advance(last, seen.load_kw[cut.done : last])
    assert np.array_equal(cut.schedule().charging_kw, whole.charging_kw)
    assert whole.charging_kw.sum() == pytest.approx(stays.possible_kwh(1.0).sum())
    assert np.all(whole.charging_kw <= stays.present_kw(HOURS) + 1e-6)
    assert whole.cost_eur >= whole.bound_eur - 1e-6 * max(abs(whole.bound_eur), 1)
    assert whole.imbalance_kw() < 1e-6


@pytest.mark.parametrize("objective", ["cost", "lcoe", "connection"])
def test_sizes_are_found_for_load_and_vehicles_together(objective):
    stays = ChargingSessions.of([18, 42], [20, 44], [44.0, 44.0], [22.0, 22.0])
    where = site(500, battery=Battery(capacity_kwh=10, charge_kw=5, discharge_kw=5))
    limits = Limits(battery_kwh=(0, 0), connection_kw=(0, 500))
    assert size(where, series(stays), objective, limits).connection_kw >= 72 - 0.02


@pytest.mark.parametrize("step_min", [60, 15])
def test_load_that_may_not_be_shed_is_never_shed_because_shedding_is_cheap(step_min):
    """One sharp hour a year: a kW of connection for it costs more than the kWh it serves."""
    load = np.full(HOURS, 50.0)
    load[40] = 200.0
    seen = Series(start="2026-03-02T00:00Z", step_h=step_min / 60, load_kw=load, price_eur_per_kwh=PRICE)
    design = size(site(1000, value=0.5), seen, "cost", Limits(connection_kw=(0, 1000)))
    assert design.connection_kw == pytest.approx(200, abs=1e-3)
    assert design.unserved_share == 0.0
