"""From a table of streets to a network, and from points to places on it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.errors import InvalidInput
from geodata.manifest import Grade
from geodata.streets import from_features, nearest_stops, paths, snap, travel_times
from geodata.streets.graph import WALKING_SPEED_M_S
from tests.geodata.streets.towns import CRS, random_town, square, town


def test_streets_meet_at_common_end_points_only():
    """A bridge over a road is no junction; end points a millimetre apart are one."""
    graph = from_features(
        town(
            [
                ("road", [(-100, 0), (100, 0)]),
                ("bridge", [(0, -100), (0, 100)]),
                ("ramp", [(100.001, 0), (0, 100.001)]),
            ]
        )
    )
    assert graph.nodes == 4
    assert graph.segments == 3
    ends = snap(graph, np.array([(-100.0, 0.0), (0.0, -100.0)]), max_distance_m=1)
    assert travel_times(graph, ends, ends).metres[0, 1] == pytest.approx(200 + 141.42 + 200, abs=0.01)


def test_places_are_set_onto_the_largest_part_that_can_be_left_again():
    """An island and a one-way street without return are near but of no use."""
    streets = town(
        [
            *[(name, list(line.coords)) for name, line in zip("wnes", square().geometry, strict=True)],
            ("island", [(500, 500), (550, 500)]),
            ("dead end", [(100, 100), (200, 200)]),
        ],
        oneway=[False] * 5 + [True],
    )
    graph = from_features(streets)
    assert graph.main_component("car").tolist() == [True] * 4 + [False] * 2
    assert graph.main_component("walk").tolist() == [True] * 4 + [False] + [True]
    place = snap(graph, np.array([(190.0, 190.0)]), max_distance_m=500)
    assert graph.street_id[place.segment[0]] in {"n", "e"}


def test_refused_points_are_named():
    graph = from_features(square())
    places = snap(
        graph,
        np.array([(50.0, 3.0), (50.0, -40.0), (900.0, 0.0)]),
        max_distance_m=30,
        names=["school", "pier", "lighthouse"],
    )
    assert [refusal.name for refusal in places.refused] == ["pier", "lighthouse"]
    assert [refusal.nearest_m for refusal in places.refused] == pytest.approx([40, 800])
    assert "lighthouse is 800 m" in str(places.refused[1])
    assert places.on_network.tolist() == [True, False, False]
    assert len(places.refused) + places.on_network.sum() == 3


def test_points_come_in_any_crs_and_bring_their_names():
    graph = from_features(_near_tallinn())
    point = gpd.GeoSeries([shapely.Point(542000, 6589050)], index=["Viru"], crs=CRS)
    here = snap(graph, point, max_distance_m=60)
    there = snap(graph, point.to_crs(4326), max_distance_m=60)
    assert list(here.names) == list(there.names) == ["Viru"]
    assert here.xy == pytest.approx(there.xy, abs=0.01)
    with pytest.raises(InvalidInput, match="CRS"):
        snap(graph, point.set_crs(None, allow_override=True), max_distance_m=60)


def _near_tallinn():
    streets = square()
    return streets.set_geometry(streets.translate(542000, 6589000))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_points_without_coordinates_are_an_error_that_names_the_row(wrong):
    graph = from_features(square())
    with pytest.raises(InvalidInput, match="row 2, field hut"):
        snap(graph, np.array([(0.0, 0.0), (wrong, 0.0)]), max_distance_m=10, names=["house", "hut"])


def test_as_many_names_as_points():
    with pytest.raises(InvalidInput, match="number"):
        snap(from_features(square()), np.zeros((2, 2)), max_distance_m=10, names=["one"])


def test_no_streets_and_degrees_are_refused():
    with pytest.raises(InvalidInput, match="no streets"):
        from_features(square().iloc[:0])
    with pytest.raises(InvalidInput, match="metric"):
        from_features(square().set_crs(4326, allow_override=True))


def test_a_mode_without_streets_is_refused():
    graph = from_features(square(car=[False] * 4))
    with pytest.raises(InvalidInput, match="no street for this mode"):
        snap(graph, np.zeros((1, 2)), max_distance_m=10, mode="car")
    assert len(snap(graph, np.zeros((1, 2)), max_distance_m=10, mode="walk").refused) == 0


def test_the_grade_and_note_reach_the_times():
    graph = from_features(square(), grade=Grade.SYNTHETIC, note="drawn by a child")
    place = snap(graph, np.zeros((1, 2)), max_distance_m=10)
    times = travel_times(graph, place, place)
    assert (times.grade, times.note) == (Grade.SYNTHETIC, "drawn by a child")


def test_ways_are_drawn_in_the_direction_of_travel():
    graph = from_features(square(oneway=[True] * 4))
    start, end = (
        snap(graph, np.array([(0.0, 70.0)]), max_distance_m=1),
        snap(graph, np.array([(0.0, 20.0)]), max_distance_m=1),
    )
    (there,) = paths(graph, start, end)
    assert list(there.coords) == [(0, 70), (0, 100), (100, 100), (100, 0), (0, 0), (0, 20)]
    (back,) = paths(graph, end, start)
    assert list(back.coords) == [(0, 20), (0, 70)]
    (on_foot,) = paths(graph, start, end, mode="walk")
    assert list(on_foot.coords) == [(0, 70), (0, 20)]


def test_no_way_no_line():
    graph = from_features(square())
    places = snap(graph, np.array([(0.0, 0.0), (900.0, 0.0)]), max_distance_m=10)
    assert paths(graph, places, places[::-1]) == [None, None]
    (standing,) = paths(graph, places[:1], places[:1])
    assert standing.length == 0
    with pytest.raises(InvalidInput, match="destination"):
        paths(graph, places, places[:1])


def test_lines_are_as_long_as_the_matrix_says():
    graph = random_town(11, 60, 40, oneways=0.4)
    rng = np.random.default_rng(5)
    a = snap(graph, rng.uniform(0, 5000, (40, 2)), max_distance_m=1e4)
    b = snap(graph, rng.uniform(0, 5000, (40, 2)), max_distance_m=1e4)
    metres = np.diag(travel_times(graph, a, b).metres)
    assert [line.length for line in paths(graph, a, b)] == pytest.approx(metres, abs=0.01)


def test_stops_around_a_house():
    """Walking counts the way to the street, along it and from it; far stops are left out."""
    graph = from_features(square())
    house = snap(graph, np.array([(50.0, -10.0), (2000.0, 0.0)]), max_distance_m=50, mode="walk")
    stops = snap(graph, np.array([(100.0, 105.0), (0.0, 0.0), (100.0, 50.0)]), max_distance_m=50, mode="walk")
    near = nearest_stops(graph, house, stops, max_walk_m=120, count=5)
    assert near.stop.tolist() == [[1, 2, -1], [-1, -1, -1]]
    assert near.metres[0].tolist() == [60, 110, np.inf]
    assert near.seconds[0, 0] == pytest.approx(60 / WALKING_SPEED_M_S)
