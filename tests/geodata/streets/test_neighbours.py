"""Cities without streets, and cities side by side."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.errors import InvalidInput, NotReady
from geodata.manifest import Grade
from geodata.streets import combine, from_features, from_rides, snap, travel_times
from geodata.streets.derived import CIRCUITY, RIDE_CIRCUITY
from geodata.streets.graph import BUS_TO_CAR_SPEED
from tests.geodata.streets.towns import CRS, square, town


def stops_at(**points: tuple[float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"stop_id": list(points), "name": list(points)},
        geometry=[shapely.Point(xy) for xy in points.values()],
        crs=CRS,
    )


def rides_of(*rides: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "from_stop_id": [ride[0] for ride in rides],
            "to_stop_id": [ride[1] for ride in rides],
            "line_id": "132",
            "travel_time_s": [ride[2] for ride in rides],
        }
    )


JURI, PEETRI, VAIDA = (0.0, 0.0), (5000.0, 0.0), (0.0, 4000.0)


def test_a_bus_takes_its_own_time_and_a_car_less():
    """5 km in 400 s by bus, both ways; the car at the measured ratio of speeds."""
    stops = stops_at(juri=JURI, peetri=PEETRI, vaida=VAIDA)
    graph = from_rides(stops, rides_of(("juri", "peetri", 400.0), ("vaida", "juri", 300.0)), place="Rae")
    places = snap(graph, stops, max_distance_m=1, names=stops["stop_id"])
    bus = travel_times(graph, places, places, mode="bus")
    assert bus.seconds[0].tolist() == pytest.approx([0, 400, 300])
    assert bus.seconds[1].tolist() == pytest.approx([400, 0, 700])
    assert bus.metres[0, 1] == pytest.approx(5000 * RIDE_CIRCUITY)
    car = travel_times(graph, places, places)
    assert car.seconds[0, 2] == pytest.approx(max(300 * BUS_TO_CAR_SPEED, 4000 * RIDE_CIRCUITY / 25))
    assert car.grade is Grade.DERIVED
    assert "Rae shares no streets" in car.note
    assert "Newell 1980" in car.note


def test_a_ride_that_knows_its_distance_keeps_it():
    stops = stops_at(juri=JURI, peetri=PEETRI)
    rides = rides_of(("juri", "peetri", 400.0)).assign(distance_m=6100.0)
    graph = from_rides(stops, rides)
    assert graph.length_m.tolist() == [6100]


def test_neighbouring_stops_are_joined_at_the_usual_speed():
    stops = stops_at(juri=JURI, peetri=PEETRI, karla=(5000.0, 1000.0))
    graph = from_rides(stops, rides_of(("juri", "peetri", 400.0)))
    added = graph.road_class == "neighbour"
    assert added.sum() == 1
    assert graph.length_m[added] == pytest.approx(1000 * CIRCUITY)
    assert graph.bus_speed_kmh[added] == pytest.approx(graph.bus_speed_kmh[~added])


def test_rides_out_of_the_pack_are_counted_and_walks_are_no_roads():
    stops = stops_at(juri=JURI, peetri=PEETRI)
    rides = rides_of(("juri", "peetri", 400.0), ("juri", "Tallinn", 900.0))
    walk = rides_of(("juri", "peetri", 4000.0)).assign(line_id="walk")
    graph = from_rides(stops, pd.concat([rides, walk]))
    assert graph.segments == 1
    assert "1 rides to stops outside the pack are left out" in graph.note


def test_without_rides_there_is_no_network():
    with pytest.raises(NotReady, match="no ride joins"):
        from_rides(stops_at(juri=JURI, peetri=PEETRI), rides_of(("juri", "juri", 10.0)), place="Rae")


def east_of(streets: gpd.GeoDataFrame, metres: float) -> gpd.GeoDataFrame:
    return streets.set_geometry(streets.translate(metres, 0)).assign(street_id="far " + streets["street_id"])


def test_a_street_cut_by_the_border_goes_on():
    """Two blocks that share a corner half a metre off are one network without links."""
    west = from_features(square())
    east = from_features(
        east_of(square(), 100.4).assign(speed_kmh=72.0), grade=Grade.SYNTHETIC, note="made up"
    )
    graph = combine([west, east])
    assert graph.segments == 8
    assert graph.nodes == 6
    assert graph.grade is Grade.SYNTHETIC
    assert graph.note == "made up"
    places = snap(graph, np.array([(0.0, 0.0), (200.4, 0.0)]), max_distance_m=1)
    assert travel_times(graph, places, places).seconds[0, 1] == pytest.approx(15, abs=0.05)


def test_a_network_of_rides_is_linked_across_the_border():
    streets = from_features(
        town([("a", [(-4000, 0), (-2000, 0)]), ("b", [(-2000, 0), (-1000, 0)])], speed_kmh=[50.0, 50.0])
    )
    stops = stops_at(juri=JURI, peetri=PEETRI)
    rides = from_rides(stops, rides_of(("juri", "peetri", 300.0)), place="Rae")
    graph = combine([streets, rides])
    assert (graph.road_class == "link").sum() == 1
    assert "1 links across the border" in graph.note
    assert graph.grade is Grade.DERIVED
    places = snap(graph, np.array([(-1000.0, 0.0), JURI]), max_distance_m=1)
    times = travel_times(graph, places, places)
    assert times.metres[0, 1] == pytest.approx(1000 * CIRCUITY)
    assert times.seconds[0, 1] == pytest.approx(1000 * CIRCUITY / (50 / 3.6))


def test_a_stop_on_a_junction_does_not_keep_the_others_from_being_linked():
    streets = from_features(town([("a", [(0, 0), (900, 0)]), ("b", [(900, 0), (900, 900)])]))
    stops = stops_at(here=(0.0, 0.0), there=(1000.0, 1000.0), beyond=(3000.0, 1000.0))
    rides = from_rides(stops, rides_of(("here", "there", 300.0), ("there", "beyond", 200.0)))
    graph = combine([streets, rides])
    assert (graph.road_class == "link").sum() == 2


def test_far_cities_are_not_combined():
    with pytest.raises(InvalidInput, match=r"part 2 lies 79\.9 km from part 1"):
        combine([from_features(square()), from_features(east_of(square(), 80_000))])
    with pytest.raises(InvalidInput, match="no network"):
        combine([])


def test_one_city_is_itself():
    graph = from_features(square())
    assert combine([graph]) is graph


def test_a_neighbour_in_another_crs():
    here = square()
    here = here.set_geometry(here.translate(542000, 6589000))
    there = here.set_geometry(here.translate(100, 0)).to_crs(3067)
    graph = combine([from_features(here), from_features(there)])
    assert graph.crs == CRS
    assert graph.nodes == 6
    assert sorted(graph.street_id)[:2] == ["1:east", "1:north"]
