"""Places along streets."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.demo.frontage import along


def test_left_and_right_of_an_angle():
    """Every 4 m along 10 m east and 6 m north: at 2, 6, 10 and 14 m, half a metre to the left."""
    lines = np.array([shapely.LineString([(0, 0), (10, 0), (10, 6)])])
    places = along(lines, 4.0)
    assert places.xy.tolist() == [[2, 0], [6, 0], [10, 0], [10, 4]]
    assert places.aside(0.5)[[0, 3]] == pytest.approx(np.array([[2, 0.5], [9.5, 4]]))
    assert places.by_turns.tolist() == [1, -1, 1, -1]


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(5, 400))
def test_the_same_places_as_geos_finds(seed, step):
    rng = np.random.default_rng(seed)
    lines = np.array([shapely.LineString(rng.uniform(0, 500, (rng.integers(2, 6), 2))) for _ in range(5)])
    places = along(lines, step)
    expected = shapely.line_interpolate_point(lines[places.street], (places.number + 0.5) * step)
    assert places.xy == pytest.approx(shapely.get_coordinates(expected), abs=1e-6)
    assert len(places.xy) == (shapely.length(lines) // step).sum()
