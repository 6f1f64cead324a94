"""Dust on leaves and gases through pores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.green.services.pollution import (
    NITROGEN_DIOXIDE,
    OZONE,
    deposition_velocity_m_s,
    fine_particles,
    gas_uptake_g_m2,
    heat_correction,
    momentum_correction,
    stomatal_resistance_s_m,
    turbulence,
)


def test_the_table_of_nowak_at_its_own_winds():
    """One hour at 3 m/s and 10 ug/m3 on a leaf area of 2: 0.15 cm/s, 4.5 % lifted off at once."""
    uptake = fine_particles([10.0], [3.0], [False], [2.0])
    landed = 0.0015 * 3600 * 10e-6 * 2.0
    assert uptake.deposited[0] == pytest.approx(landed)
    assert uptake.resuspended[0] == pytest.approx(0.045 * landed)


@given(seed=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_no_more_is_lifted_off_than_has_landed(seed):
    rng = np.random.default_rng(seed)
    uptake = fine_particles(
        rng.uniform(0, 40, 200), rng.uniform(0, 13, 200), rng.random(200) > 0.9, rng.uniform(0, 6, (200, 3))
    )
    assert (uptake.resuspended <= uptake.deposited + 1e-12).all()
    assert (uptake.removed >= -1e-12).all()


def test_rain_saves_what_the_wind_would_take():
    wind, dust, area = np.full(48, 5.0), np.full(48, 15.0), np.full(48, 4.0)
    washed = np.zeros(48, bool)
    washed[23] = True
    dry = fine_particles(dust, wind, np.zeros(48, bool), area)
    wet = fine_particles(dust, wind, washed, area)
    assert wet.resuspended[0] < dry.resuspended[0]


def test_neutral_air_follows_the_logarithm():
    air = turbulence(np.array([4.0]), 15.0, np.array([0.0]), height_m=10.0, canopy_m=5.0)
    friction = 0.4 * 4.0 / np.log(10.0 / 0.5)
    assert air.friction_velocity_m_s[0] == pytest.approx(friction)
    assert air.aerodynamic_s_m[0] == pytest.approx(np.log(20.0) / (0.4 * friction))
    assert np.isinf(air.obukhov_length_m[0])


def test_sun_stirs_the_air_and_night_stills_it():
    hot, neutral, cold = (turbulence(np.array([3.0]), 20.0, np.array([h])) for h in (250.0, 0.0, -40.0))
    assert hot.obukhov_length_m[0] < 0 < cold.obukhov_length_m[0]
    assert hot.aerodynamic_s_m[0] < neutral.aerodynamic_s_m[0] < cold.aerodynamic_s_m[0]


def test_the_corrections_join_smoothly_at_neutral():
    for correction in (momentum_correction, heat_correction):
        assert float(correction(0.0)) == pytest.approx(0.0, abs=1e-12)
        slope = (float(correction(1e-6)) - float(correction(-1e-6))) / 2e-6
        # The mean of both sides: -5 in stable air, and -4 or -8 in unstable air.
        assert slope == pytest.approx(-4.5 if correction is momentum_correction else -6.5, abs=0.01)


def test_stomata_open_in_light_and_close_in_darkness_frost_and_drought():
    noon = float(stomatal_resistance_s_m(800.0, 22.0, 8.0))
    assert 150 < noon < 400
    assert float(stomatal_resistance_s_m(0.0, 22.0, 8.0)) == 1e6
    assert float(stomatal_resistance_s_m(800.0, -5.0, 8.0)) == 1e6
    assert float(stomatal_resistance_s_m(800.0, 22.0, 8.0, 0.3)) > 2 * noon


def test_ozone_goes_faster_than_nitrogen_dioxide_and_leaves_faster_than_twigs():
    air = turbulence(np.array([3.0]), 20.0, np.array([100.0]))
    pores = stomatal_resistance_s_m(600.0, 20.0, 8.0)
    ozone, nitrogen = (deposition_velocity_m_s(gas, air, pores, 4.0)[0] for gas in (OZONE, NITROGEN_DIOXIDE))
    bare = deposition_velocity_m_s(OZONE, air, 1e6, 0.0)[0]
    assert 0.002 < nitrogen < ozone < 0.02  # published canopy velocities: 0.2 to 1 cm/s by day
    assert bare < 0.1 * ozone


def test_nothing_is_taken_up_in_rain():
    assert gas_uptake_g_m2([0.005, 0.005], [60.0, 60.0], [0.0, 1.0]) == pytest.approx(0.005 * 60e-6 * 3600)
