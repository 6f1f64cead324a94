"""The thermal climate index."""

from __future__ import annotations

import numpy as np
import pytest

from pilots.green.services.comfort import stress_hours, universal_thermal_climate_index, windy_enough


def test_sun_feels_hotter_and_wind_cooler():
    shade, sun = universal_thermal_climate_index(25.0, [25.0, 55.0], 50.0, 1.0)
    assert sun > shade + 7
    assert universal_thermal_climate_index(25.0, 25.0, 50.0, 8.0) < shade


def test_beyond_its_limits_it_says_nothing():
    assert np.isnan(universal_thermal_climate_index(60.0, 60.0, 50.0, 1.0))
    assert np.isnan(universal_thermal_climate_index(25.0, 25.0, 50.0, 0.0))
    assert np.isfinite(universal_thermal_climate_index(25.0, 25.0, 50.0, windy_enough(0.0)))


def test_hours_of_stress():
    hours = stress_hours(np.array([[20.0, 27.0], [33.0, 39.0], [47.0, 25.0]]))
    assert hours["moderate"].tolist() == [2.0, 2.0]
    assert hours["extreme"].tolist() == [1.0, 0.0]
    assert stress_hours([30.0, 33.0], 0.5)["strong"] == pytest.approx(0.5)
