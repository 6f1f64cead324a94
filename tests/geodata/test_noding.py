"""Noding: lines that meet share a point exactly; nothing is lost, nothing joined that does not meet."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString

from geodata.noding import Network, node_crossings, node_shared_vertices


def lines(*coordinates: list[tuple[float, float]]) -> np.ndarray:
    """LineStrings as an array."""
    return np.array([LineString(points) for points in coordinates], object)


def joints(network: Network) -> int:
    """Nodes at which more than two segments end."""
    return int((np.bincount(np.concatenate([network.start, network.end])) > 2).sum())


def test_crossroads() -> None:
    network = node_crossings(lines([(0, 0), (100, 0)], [(50, -50), (50, 50)]), tolerance_m=0.5)
    assert len(network.segments) == 4
    assert network.parent.tolist() == [0, 0, 1, 1]
    assert (joints(network), network.largest_share) == (1, 1.0)
    assert network.length_m == pytest.approx(200)


def test_side_street_that_ends_short_or_overshoots_is_tied() -> None:
    main, short, over = [(0, 0), (100, 0)], [(30, 0.8), (30, 60)], [(60, -0.7), (60, 60)]
    network = node_crossings(lines(main, short, over), tolerance_m=1.0)
    assert network.component.max() == 0
    assert joints(network) == 2
    assert len(network.segments) == 5
    assert network.collapsed_m == pytest.approx(0.7)


def test_gap_wider_than_the_tolerance_stays() -> None:
    network = node_crossings(lines([(0, 0), (100, 0)], [(30, 1.5), (30, 60)]), tolerance_m=1.0)
    assert network.component.tolist() == [0, 1]
    assert network.largest_share == pytest.approx(100 / 158.5)


def test_viaduct_meets_only_where_it_ends() -> None:
    road, viaduct, ramp = [(0, 0), (100, 0)], [(50, -50), (50, 50)], [(50, 50), (100, 50)]
    network = node_crossings(lines(road, viaduct, ramp), tolerance_m=1.0, level=np.array([0, 1, 0]))
    assert joints(network) == 0
    assert network.component.max() == 1
    met = node_crossings(lines(road, viaduct, ramp), tolerance_m=1.0)
    assert met.component.max() == 0


def test_the_same_street_twice_counts_once() -> None:
    network = node_crossings(lines([(0, 0), (50, 0), (100, 0)], [(100, 0.3), (0, 0.2)]), tolerance_m=1.0)
    assert len(network.segments) == 1
    assert network.repeated_m == pytest.approx(100, abs=0.5)


def test_loop_and_figure_of_eight_stay_whole() -> None:
    loop = [(0, 0), (40, 0), (40, 40), (0, 40), (0, 0)]
    eight = [(100, 0), (140, 40), (140, 0), (100, 40)]
    network = node_crossings(lines(loop, eight), tolerance_m=1.0)
    assert network.length_m == pytest.approx(160 + LineString(eight).length)
    assert joints(network) == 1


def test_parts_of_one_street_keep_their_parent() -> None:
    street = MultiLineString([[(0, 0), (10, 0)], [(20, 0), (30, 0)]])
    network = node_crossings(np.array([street, LineString([(5, -5), (5, 5)])], object), tolerance_m=0.5)
    assert network.parent.tolist() == [0, 0, 0, 1, 1]


def test_shared_vertices_are_taken_at_their_word() -> None:
    """A bridge that crosses without a shared vertex does not meet; a junction in mid-line does."""
    street, bridge, side = [(0, 0), (50, 0), (100, 0)], [(70, -50), (70, 50)], [(50, 0), (50, 40)]
    network = node_shared_vertices(lines(street, bridge, side))
    assert len(network.segments) == 4
    assert network.component.tolist() == [0, 0, 1, 0]


def test_nothing_in_nothing_out() -> None:
    network = node_crossings(np.zeros(0, object), tolerance_m=1.0)
    assert (len(network.segments), network.largest_share) == (0, 0.0)


PLACES = st.tuples(st.integers(0, 60), st.integers(0, 60))
STREETS = st.lists(st.lists(PLACES, min_size=2, max_size=4, unique=True), min_size=1, max_size=10)


@settings(max_examples=150, deadline=None)
@given(streets=STREETS, tolerance=st.sampled_from([0.01, 0.4]))
def test_laws(streets: list[list[tuple[int, int]]], tolerance: float) -> None:
    given_lines = lines(*streets)
    network = node_crossings(given_lines, tolerance_m=tolerance)
    ends = shapely.get_coordinates(shapely.boundary(network.segments))
    # Segments end exactly at nodes.
    known = {tuple(place) for place in network.nodes}
    assert {tuple(place) for place in ends} <= known
    # They lie on the line they were cut from, within what the nodes moved.
    parents = given_lines[network.parent]
    assert (shapely.hausdorff_distance(network.segments, parents) <= 120).all()
    assert (
        shapely.distance(shapely.line_interpolate_point(network.segments, 0.5, normalized=True), parents)
        <= 10 * tolerance
    ).all()
    # What lay together still does: no street is lost but for what the report says.
    lost = network.length_in_m - network.collapsed_m - network.repeated_m - network.length_m
    assert abs(lost) <= 20 * tolerance * (len(network.segments) + 1)
    if len(network.segments):
        parts = np.bincount(network.component, shapely.length(network.segments))
        assert (np.diff(parts) <= 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(streets=STREETS, seed=st.integers(0, 1000))
def test_order_of_streets_does_not_change_the_network(
    streets: list[list[tuple[int, int]]], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(streets))
    one = node_crossings(lines(*streets), tolerance_m=0.01)
    other = node_crossings(lines(*[streets[place] for place in order]), tolerance_m=0.01)
    assert one.length_m == pytest.approx(other.length_m, abs=0.5)
    assert one.component.max(initial=0) == other.component.max(initial=0)
