"""Signs that drivers must see in time, and the crowns that take them from view."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from pilots.green.city.light import CrownBodies
from pilots.green.city.signs import LANE_M, SIGN_ASIDE_M, approaches, stopping_distance_m
from pilots.green.city.yards import CELL_M, CELLS, ground_around

EVERYWHERE = shapely.box(-1000, -1000, 1000, 1000)


def street(**changes):
    row = {"street_id": "1", "car": True, "oneway": False, "speed_kmh": 50.0}
    return gpd.GeoDataFrame(
        [row | changes], geometry=[shapely.LineString([(0.0, 0.0), (0.0, 200.0)])], crs="EPSG:3301"
    )


def crown(x, y, *, diameter=6.0, top=7.0, height=6.0):
    return CrownBodies(
        *(np.array([v]) for v in (x, y, diameter, top, height)), np.array([False]), np.array([1.0])
    )


def test_a_car_at_50_stops_within_the_published_65_m():
    # AASHTO 2018, table 3-1, rounds up to 65 m at 50 km/h, 35 m at 30 km/h and 105 m at 70 km/h.
    assert stopping_distance_m(np.array([30.0, 50.0, 70.0])) == pytest.approx([35.0, 65.0, 105.0], abs=4.5)


def test_drivers_keep_right_and_look_right():
    both = approaches(street(), EVERYWHERE)
    # Northwards the right-hand side is the east, southwards the west.
    assert both.sign[:, 0].tolist() == [SIGN_ASIDE_M, -SIGN_ASIDE_M]
    assert both.sign[:, 1].tolist() == [200.0, 0.0]
    assert both.eye[:, 0].tolist() == [LANE_M, -LANE_M]
    assert both.eye[0, 1] == pytest.approx(200.0 - stopping_distance_m(50.0))
    assert len(approaches(street(oneway=True), EVERYWHERE).eye) == 1
    assert len(approaches(street(car=False), EVERYWHERE).eye) == 0
    assert len(approaches(street(), shapely.box(500, 500, 600, 600)).eye) == 0


def test_a_low_crown_at_the_kerb_hides_one_of_two_signs():
    ways = approaches(street(), EVERYWHERE)
    assert ways.hidden_share(crown(4.0, 180.0)) == 0.5
    assert ways.hidden_share(crown(4.0, 180.0, top=12.0)) == 0.0  # its branches begin at six metres
    assert ways.hidden_share(crown(15.0, 180.0)) == 0.0
    assert np.isnan(approaches(None, EVERYWHERE).hidden_share(crown(0.0, 0.0)))


def test_a_street_whose_speed_nobody_knows_counts_as_50():
    known, unknown = (approaches(street(speed_kmh=speed), EVERYWHERE) for speed in (50.0, np.nan))
    np.testing.assert_array_equal(known.eye, unknown.eye)


def test_the_ground_of_a_yard_is_that_of_the_terrain_or_level():
    x, y = np.arange(-200.0, 201.0, 10.0), np.arange(200.0, -201.0, -10.0)
    slope = xr.DataArray(30.0 + 0.1 * (x[None] + 0.0 * y[:, None]), coords={"y": y, "x": x}, dims=("y", "x"))
    ground = ground_around(slope, 0.0, 0.0)
    assert ground.min() == 0.0
    assert np.diff(ground, axis=1) == pytest.approx(0.1 * CELL_M)
    assert ground.shape == (CELLS, CELLS)
    # Half outside the terrain: no slope is made up.
    assert not ground_around(slope, 180.0, 0.0).any()
    assert not ground_around(None, 0.0, 0.0).any()
