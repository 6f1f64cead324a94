"""A sky that adds up: whatever its pattern, it puts on open ground what it was given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.green.radiation.sky import (
    black_body,
    clear_sky_emissivity,
    cloudy_sky_emissivity,
    diffuse_radiosity,
    dome,
    sky_radiosity,
    upright_view,
)


def test_view_factors_add_up():
    sky = dome()
    assert len(sky) == 145
    assert sky.horizontal.sum() == pytest.approx(1.0, abs=1e-12)
    for facing in (0.0, 37.0, 90.0, 211.0):
        assert upright_view(facing).sum() == pytest.approx(0.5, abs=1e-3)


@given(
    diffuse=st.floats(1, 400),
    direct=st.floats(0, 950),
    azimuth=st.floats(0, 360),
    altitude=st.floats(0.6, 89),
)
@settings(max_examples=60, deadline=None)
def test_the_diffuse_sky_puts_on_level_ground_what_it_was_given(diffuse, direct, azimuth, altitude):
    patches = diffuse_radiosity(*(np.array([v]) for v in (diffuse, direct, azimuth, altitude, 1361.0)))
    assert (patches >= 0).all()
    assert float(patches[0] @ dome().horizontal) == pytest.approx(diffuse, rel=1e-9)


def test_a_clear_sky_is_brightest_around_the_sun_and_warmest_at_the_horizon():
    patches = diffuse_radiosity(*(np.array([v]) for v in (90.0, 850.0, 180.0, 42.0, 1361.0)))[0]
    sun = int(np.argmin(dome().angle_to(np.array(180.0), np.array(42.0))))
    assert int(np.argmax(patches)) == sun
    long = sky_radiosity(np.array([15.0]), np.array([0.75]), np.array([0.0]))[0]
    assert long[0] > long[-1]
    assert float(long @ dome().horizontal) == pytest.approx(
        0.75 * float(black_body(np.array(15.0))), rel=1e-6
    )


def test_an_overcast_sky_is_nearly_black_and_even():
    emissivity = cloudy_sky_emissivity(clear_sky_emissivity(np.array([10.0])), np.array([1.0]))
    long = sky_radiosity(np.array([10.0]), emissivity, np.array([1.0]))[0]
    assert emissivity[0] > 0.97
    assert np.ptp(long) == pytest.approx(0.0, abs=1e-9)
