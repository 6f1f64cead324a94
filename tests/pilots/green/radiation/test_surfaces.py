"""Layers of matter: they keep heat, give it back, and follow the exact solution of the heat equation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData
from pilots.green.radiation.surfaces import (
    COBBLE,
    GRASS,
    PAVED,
    Columns,
    ground_material,
    heat_loss,
    response,
)
from pilots.green.radiation.weather import forcing


def still_air(hours: int = 24, temperature: float = 20.0) -> object:
    index = pd.date_range("2026-07-01", periods=hours, freq="h", tz="UTC")
    weather = pd.DataFrame(
        {
            "air_temperature_c": temperature,
            "relative_humidity_pct": 50.0,
            "global_w_m2": 0.0,
            "wind_speed_m_s": 1.0,
        },
        index=index,
    )
    return forcing(weather, 59.4, 24.7)


def test_without_radiation_a_dry_surface_has_the_temperature_of_the_air():
    skin = Columns(PAVED).step(np.zeros((1, 24), np.float32), still_air(), fresh_from=None)
    assert skin == pytest.approx(20.0, abs=1e-3)


def test_steady_sun_warms_by_flux_over_loss():
    air = still_air(24 * 60)
    loss, _ = heat_loss(PAVED, air)
    column = Columns(replace(PAVED, thickness_m=0.1))
    skin = column.step(np.full((1, len(air.time)), 300.0, np.float32), air, fresh_from=None)
    assert skin[0, -1] == pytest.approx(20.0 + 300.0 / loss[0], abs=0.05)


def test_stone_warms_and_cools_more_slowly_than_soil_that_conducts_badly():
    day = np.zeros((1, 24), np.float32)
    day[0, 6:18] = 400.0
    air = still_air()
    swings = {
        name: np.ptp(
            Columns(replace(material, evaporation_resistance_s_m=None)).step(day, air, fresh_from=None)
        )
        for name, material in {"stone": COBBLE, "felt": replace(COBBLE, conductivity_w_m_k=0.1)}.items()
    }
    assert swings["stone"] < swings["felt"]


def test_a_watered_lawn_is_cooler_than_a_dry_one():
    day = np.full((1, 24), 300.0, np.float32)
    wet = Columns(GRASS).step(day, still_air(), fresh_from=None, water_stress=1.0)
    dry = Columns(GRASS).step(day, still_air(), fresh_from=None, water_stress=0.0)
    assert wet.mean() < dry.mean() - 3.0


def test_the_state_of_two_half_steps_is_that_of_one_step():
    loss = np.array([15.0])
    whole, half = response(PAVED, loss, 1.0), response(PAVED, loss, 0.5)
    state = np.linspace(15.0, 30.0, 6)
    once = whole.carry[0] @ state + whole.gain[0] * 500.0
    twice = half.carry[0] @ (half.carry[0] @ state + half.gain[0] * 500.0) + half.gain[0] * 500.0
    np.testing.assert_allclose(once, twice, rtol=1e-9)


def test_unknown_ground_is_named():
    with pytest.raises(InvalidData, match="land_cover"):
        ground_material(42)
