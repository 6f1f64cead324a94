"""The ratios by which travel times are derived where a city shares no streets, measured again on real data.

Tallinn shares both its road axes and the rides of its buses, so that one can be held against the other.
"""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.streets import from_features, from_rides, snap, travel_times
from geodata.streets.derived import RIDE_CIRCUITY
from geodata.streets.graph import BUS_TO_CAR_SPEED

SOURCES = Path(
    os.environ.get("TWINBOX_SOURCES", Path(__file__).resolve().parents[2].parent / "shared" / "data")
)
BUSES = "tallinna-lin_bus|tallinna-lin_trol|harju_regionalbus|harju_commercialbus"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (SOURCES / "tallinn-roads").is_dir(), reason=f"no real data of Tallinn in {SOURCES}"
    ),
]


@pytest.fixture(scope="module")
def streets():
    """Tallinn's road axes cut where they cross, at 50 km/h."""
    axes = gpd.read_file(SOURCES / "tallinn-roads" / "roads_tln.gpkg").to_crs(3301)
    lines = shapely.get_parts(shapely.union_all(axes.geometry.to_numpy(), grid_size=0.5))
    table = {
        "street_id": np.arange(len(lines)).astype(str),
        "road_class": "street",
        "length_m": shapely.length(lines),
        "speed_kmh": 50.0,
        "oneway": False,
        "car": True,
        "walk": True,
    }
    return from_features(gpd.GeoDataFrame(table, geometry=lines, crs=3301))


@pytest.fixture(scope="module")
def stops(streets):
    """Stops of Harju county within 60 m of a street of Tallinn."""
    table = pd.read_csv(SOURCES / "tallinn-pt-graph" / "stops.csv")
    points = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    places = snap(streets, points, max_distance_m=60)
    near = places.on_network
    frame = gpd.GeoDataFrame({"stop_id": table["stop"].astype(str)}, geometry=points.to_crs(3301), crs=3301)
    return frame[near].reset_index(drop=True), places[near]


@pytest.fixture(scope="module")
def rides(stops):
    """Bus rides between those stops, in the columns of the kind."""
    table = pd.read_csv(SOURCES / "tallinn-pt-graph" / "ride_edges.csv")
    table = table[table["line"].str.contains(BUSES) & table["travel_s"].notna()]
    frame = pd.DataFrame(
        {
            "from_stop_id": table["from"].astype(str),
            "to_stop_id": table["to"].astype(str),
            "line_id": table["line"],
            "travel_time_s": table["travel_s"],
        }
    )
    known = set(stops[0]["stop_id"])
    return frame[frame["from_stop_id"].isin(known) & frame["to_stop_id"].isin(known)]


def test_the_detour_and_the_speed_of_buses(streets, stops, rides):
    table, places = stops
    times = travel_times(streets, places, places)
    row = pd.Index(table["stop_id"])
    one, other = row.get_indexer(rides["from_stop_id"]), row.get_indexer(rides["to_stop_id"])
    straight = np.hypot(*(places.xy[one] - places.xy[other]).T)
    metres, seconds = times.metres[one, other], times.seconds[one, other]
    # Left out: stops across the street, and stops that were set onto the wrong one of two parallel streets.
    plain = (straight > 150) & (metres < 4 * straight)
    assert plain.sum() > 3000
    assert metres[plain].sum() / straight[plain].sum() == pytest.approx(RIDE_CIRCUITY, abs=0.01)
    by_bus = rides["travel_time_s"].to_numpy()[plain].sum()
    assert seconds[plain].sum() / by_bus == pytest.approx(BUS_TO_CAR_SPEED, abs=0.01)


def test_how_far_off_a_network_made_of_rides_is(streets, stops, rides):
    """At the median, ways 5 to 15 % too long and times 2 % too long to 16 % too short, by distance."""
    table, places = stops
    derived = from_rides(table, rides, place="Tallinn")
    own = snap(derived, table, max_distance_m=5, names=table["stop_id"])
    truth, guess = travel_times(streets, places, places), travel_times(derived, own, own)
    straight = np.hypot(*(places.xy[:, None] - places.xy[None]).transpose(2, 0, 1))
    reached = np.isfinite(truth.seconds) & np.isfinite(guess.seconds)
    for low, high in ((500, 2000), (2000, 5000), (5000, 30000)):
        pairs = reached & (straight > low) & (straight <= high)
        assert 1.05 < np.median(guess.metres[pairs] / truth.metres[pairs]) < 1.15
        assert 0.84 < np.median(guess.seconds[pairs] / truth.seconds[pairs]) < 1.02
