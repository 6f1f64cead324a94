import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import InvalidInput
from pilots.transport import Fleet, Network, Policy, indicators, indicators_by, simulate_service
from pilots.transport.choice import Offer, Tastes, generalised_time_min, mode_shares
from pilots.transport.economics import DEFINITIONS as MONEY
from pilots.transport.economics import Factors, economics
from pilots.transport.equity import equity, gini, palma
from pilots.transport.indicators import DEFINITIONS, kilometres_by_riders


@pytest.fixture(scope="module")
def morning():
    """Two vehicles on a street of eleven stops, a minute apart, four riders, one out of reach."""
    there = np.arange(10)
    network = Network.from_edges(
        np.concatenate([there, there + 1]),
        np.concatenate([there + 1, there]),
        np.full(20, 500.0),
        np.full(20, 60.0),
    )
    table = pd.DataFrame(
        [(0, 5, 0.0), (1, 4, 10.0), (10, 6, 20.0), (3, 30, 30.0)],
        columns=["origin", "destination", "request_time_s"],
    )
    return simulate_service(network, table, Fleet.of([0, 10]), Policy(max_ride_factor=2, rebalance_every_s=0))


def test_indicators_follow_their_definitions(morning):
    numbers = indicators(morning)
    assert list(numbers) == [one.key for one in DEFINITIONS]
    assert numbers["requests"] == 4
    assert numbers["rides"] == 3
    assert numbers["service_rate"] == 0.75
    assert numbers["vehicle_km"] == pytest.approx(2.5 + 2.0)
    assert numbers["empty_share"] == 0
    assert numbers["pooling_rate"] == pytest.approx(2 / 3)
    passenger_km = 2.5 + 1.5 + 2.0
    assert numbers["occupancy"] == pytest.approx(passenger_km / 4.5)
    assert numbers["distance_ratio"] == pytest.approx(4.5 / passenger_km)
    assert kilometres_by_riders(morning).to_dict() == pytest.approx({1: 3.0, 2: 1.5})


def test_indicators_by_district_add_up(morning):
    table = indicators_by(morning, ["west", "west", "east", "west"])
    assert table.index.tolist() == ["east", "west"]
    assert table["requests"].sum() == 4
    assert table.loc["west", "service_rate"] == pytest.approx(2 / 3)


def test_costs_follow_their_factors(morning):
    factors = Factors(
        vehicle_eur_per_day=10,
        driver_eur_per_hour=0,
        distance_eur_per_km=2,
        fare_eur=1,
        vehicle_g_co2_per_km=100,
    )
    money = economics(morning, factors)
    assert list(money) == [one.key for one in MONEY]
    assert money["cost_eur"] == pytest.approx(2 * 10 + 2 * 4.5)
    assert money["cost_per_ride_eur"] == pytest.approx(29 / 3)
    assert money["cost_recovery"] == pytest.approx(3 / 29)
    assert money["subsidy_per_ride_eur"] == pytest.approx(26 / 3)
    assert money["co2_kg"] == pytest.approx(0.45)


def test_gini_and_palma_of_known_distributions():
    assert gini([1, 1, 1], [5, 1, 9]) == pytest.approx(0)
    assert gini([0, 1], [1, 1]) == pytest.approx(0.5)
    # A linear density on [0, 1] has a Gini coefficient of one third.
    assert gini(np.linspace(0, 1, 2001), np.ones(2001)) == pytest.approx(1 / 3, abs=1e-3)
    assert palma(np.ones(10), np.ones(10)) == pytest.approx(0.25)
    assert palma([1] * 9 + [10], np.ones(10)) == pytest.approx(2.5)


@given(
    values=st.lists(st.floats(0, 1e6), min_size=1, max_size=30),
    scale=st.floats(0.1, 10),
)
def test_gini_lies_between_none_and_one_and_knows_no_unit(values, scale):
    people = np.ones(len(values))
    assert -1e-9 <= gini(values, people) <= 1
    assert gini(np.array(values) * scale, people) == pytest.approx(gini(values, people), abs=1e-6)


def test_the_worst_district_depends_on_what_is_better():
    waits = equity([300, 200, np.nan, 900], [10, 10, 10, 0], higher_is_better=False)
    assert (waits.worst, waits.worst_value, waits.spread, waits.groups) == (0, 300, 100, 2)
    assert equity([0.9, 0.99], [1, 1]).worst == 0
    with pytest.raises(InvalidInput):
        equity([np.nan], [1])


def test_shares_follow_the_logit():
    plain = Tastes(nest=1.0)
    shares = mode_shares(Offer(10.0), Offer(10.0), Offer(10.0), plain)
    assert shares[:, 0] == pytest.approx([1 / 3] * 3)
    felt = generalised_time_min(Offer(10, wait_min=5, walk_min=3, transfers=1, fare_eur=1), Tastes())
    assert felt == pytest.approx(10 + 1.7 * 5 + 1.8 * 3 + 10 + 10)
    faster = mode_shares(Offer(5.0), Offer(10.0), Offer(10.0), plain)
    assert np.log(faster[0, 0] / faster[2, 0]) == pytest.approx(0.08 * 5)


def test_a_nest_makes_its_members_closer_rivals():
    """A better on-demand service takes more from the bus, and less from walking, than a plain logit says."""
    for nest, takes_more in ((1.0, False), (0.4, True)):
        tastes = Tastes(nest=nest)
        before = mode_shares(Offer(20.0), Offer(15.0), Offer(20.0), tastes)[:, 0]
        after = mode_shares(Offer(10.0), Offer(15.0), Offer(20.0), tastes)[:, 0]
        lost = (before - after) / before
        assert (lost[1] > lost[2] + 1e-6) == takes_more


def test_who_has_no_way_takes_none():
    shares = mode_shares(
        Offer(np.array([np.inf, np.inf])), Offer(np.array([10.0, np.inf])), Offer(np.inf), Tastes()
    )
    assert shares[:, 0] == pytest.approx([0, 1, 0])
    assert shares[:, 1] == pytest.approx([0, 0, 0])


@given(times=st.lists(st.floats(0, 500), min_size=3, max_size=3), nest=st.floats(0.1, 1))
def test_shares_sum_to_one(times, nest):
    shares = mode_shares(Offer(times[0]), Offer(times[1]), Offer(times[2]), Tastes(nest=nest))
    assert shares.sum() == pytest.approx(1)
