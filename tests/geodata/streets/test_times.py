"""How long it takes: known answers by hand, laws on random towns, an oracle."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidInput
from geodata.streets import from_features, snap, travel_times
from geodata.streets.graph import BUS_TO_CAR_SPEED, WALKING_SPEED_M_S
from tests.geodata.streets.towns import random_town, square, town

towns = st.builds(
    random_town,
    seed=st.integers(0, 10**6),
    nodes=st.integers(2, 40),
    extra=st.integers(0, 40),
    oneways=st.just(0.0),
)


def corners(graph, mode="car"):
    points = np.array([(0, 0), (0, 100), (100, 100), (100, 0)], float)
    return snap(graph, points, max_distance_m=1, mode=mode)


def test_round_the_block():
    """At 10 m/s the next corner is 10 s away, the opposite one 20 s."""
    graph = from_features(square())
    times = travel_times(graph, corners(graph), corners(graph))
    assert times.seconds.tolist() == [[0, 10, 20, 10], [10, 0, 10, 20], [20, 10, 0, 10], [10, 20, 10, 0]]
    assert times.metres.tolist() == (times.seconds * 10).tolist()
    assert times.seconds.dtype == times.metres.dtype == np.float32


def test_one_way_streets_are_driven_round_but_walked_back():
    graph = from_features(square(oneway=[True] * 4))
    driven = travel_times(graph, corners(graph), corners(graph)).seconds
    assert driven[0].tolist() == [0, 10, 20, 30]
    assert driven[1, 0] == 30
    walked = travel_times(graph, corners(graph, "walk"), corners(graph, "walk"), mode="walk").seconds
    assert walked[1, 0] == pytest.approx(100 / WALKING_SPEED_M_S)


def test_the_fastest_way_is_not_the_shortest():
    """A detour of 140 m at 72 km/h beats 100 m at 36 km/h, and its own metres are told."""
    graph = from_features(
        town(
            [("slow", [(0, 0), (100, 0)]), ("fast", [(0, 0), (50, 48.9897948), (100, 0)])],
            speed_kmh=[36.0, 72.0],
        )
    )
    ends = snap(graph, np.array([(0.0, 0.0), (100.0, 0.0)]), max_distance_m=1)
    times = travel_times(graph, ends, ends)
    assert times.seconds[0, 1] == pytest.approx(7.0)
    assert times.metres[0, 1] == pytest.approx(140.0)


def test_two_houses_in_one_street():
    """Neighbours go along their street; against a one-way street they must go round the block."""
    points = np.array([(0.0, 20.0), (0.0, 70.0)])
    both = from_features(square())
    houses = snap(both, points, max_distance_m=1)
    assert travel_times(both, houses, houses).seconds.tolist() == [[0, 5], [5, 0]]
    oneway = from_features(square(oneway=[True] * 4))
    houses = snap(oneway, points, max_distance_m=1)
    assert travel_times(oneway, houses, houses).seconds.tolist() == [[0, 5], [35, 0]]


def test_modes_and_speed_factors():
    graph = from_features(square(road_class=["primary", "lane", "primary", "lane"]))
    here = corners(graph)
    car = travel_times(graph, here, here).seconds
    assert travel_times(graph, here, here, mode="bus").seconds == pytest.approx(car / BUS_TO_CAR_SPEED)
    assert travel_times(graph, here, here, speed_factor=0.5).seconds == pytest.approx(car * 2)
    by_class = travel_times(graph, here, here, speed_factor={"lane": 0.25}).seconds
    assert by_class[0].tolist() == [0, 10, 50, 40]
    on_foot = travel_times(graph, here, here, mode="walk").seconds
    slow = travel_times(graph, here, here, mode="walk", speed_factor=0.5).seconds
    assert (on_foot == slow).all()


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf, {"lane": 0.0}])
def test_absurd_speed_factors_are_refused(factor):
    graph = from_features(square())
    with pytest.raises(InvalidInput, match="speed_factor"):
        travel_times(graph, corners(graph), corners(graph), speed_factor=factor)


def test_an_unknown_mode_is_refused():
    graph = from_features(square())
    with pytest.raises(InvalidInput, match="rocket"):
        travel_times(graph, corners(graph), corners(graph), mode="rocket")


def test_a_closed_bridge_makes_the_way_longer():
    graph = from_features(square())
    closed = graph.without(["west"])
    here = corners(closed)
    assert travel_times(closed, here, here).seconds[0, 1] == 30
    with pytest.raises(InvalidInput, match="drawbridge"):
        graph.without(["drawbridge"])


def test_a_limit_cuts_ways_off():
    graph = from_features(square())
    times = travel_times(graph, corners(graph), corners(graph), limit_s=10)
    assert times.seconds[0].tolist() == [0, 10, np.inf, 10]
    assert times.metres[0].tolist() == [0, 100, np.inf, 100]


def test_refused_places_are_infinitely_far():
    graph = from_features(square())
    places = snap(graph, np.array([(0.0, 0.0), (5000.0, 0.0)]), max_distance_m=10)
    times = travel_times(graph, places, places)
    assert times.seconds.tolist() == [[0, np.inf], [np.inf, np.inf]]
    assert times.reachable == 0.25


def test_nothing_to_compute():
    graph = from_features(square())
    none = corners(graph)[:0]
    assert travel_times(graph, none, corners(graph)).seconds.shape == (0, 4)
    assert travel_times(graph, corners(graph), none).seconds.shape == (4, 0)


@settings(deadline=None, max_examples=40)
@given(towns)
def test_two_way_towns_are_symmetric_and_keep_the_triangle_inequality(graph):
    rng = np.random.default_rng(0)
    places = snap(graph, rng.uniform(0, 5000, (12, 2)), max_distance_m=1e5)
    times = travel_times(graph, places, places).seconds.astype(float)
    assert np.isfinite(times).all()
    assert times == pytest.approx(times.T, rel=1e-5, abs=1e-3)
    assert (np.diag(times) == 0).all()
    through = (times[:, :, None] + times[None, :, :]).min(axis=1)
    assert (times <= through * (1 + 1e-5) + 1e-3).all()


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6), nodes=st.integers(2, 40), extra=st.integers(0, 60), oneways=st.floats(0, 1)
)
def test_times_agree_with_networkx(seed, nodes, extra, oneways):
    graph = random_town(seed, nodes, extra, oneways=oneways)
    oracle = nx.MultiDiGraph()
    time_s = graph.segment_time_s("car")
    for row in range(graph.segments):
        oracle.add_edge(graph.from_node[row], graph.to_node[row], weight=time_s[row])
        if not graph.oneway[row]:
            oracle.add_edge(graph.to_node[row], graph.from_node[row], weight=time_s[row])
    junctions = snap(graph, graph.node_xy, max_distance_m=1)
    ours = travel_times(graph, junctions, junctions).seconds
    expected = np.full(ours.shape, np.inf)
    for start, reached in nx.all_pairs_dijkstra_path_length(oracle):
        expected[start, list(reached)] = list(reached.values())
    assert ours == pytest.approx(expected, rel=1e-5, abs=1e-3)


def test_the_number_of_threads_changes_nothing():
    graph = random_town(3, 300, 200, oneways=0.3)
    places = snap(graph, graph.node_xy + 3.0, max_distance_m=1e4)
    one = travel_times(graph, places, places, workers=1)
    many = travel_times(graph, places, places, workers=7)
    assert one.seconds.tobytes() == many.seconds.tobytes()
    assert one.metres.tobytes() == many.metres.tobytes()
