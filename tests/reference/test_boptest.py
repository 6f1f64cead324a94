"""Indicators of BOPTEST's single-zone emulator (Blum et al. 2021), from its own uneven time series."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pilots.buildings.indicators.emulator import (
    air_discomfort_ppm_h,
    energy_kwh_m2,
    held,
    peak_kw_m2,
    thermal_discomfort_k_h,
)

pytestmark = pytest.mark.reference

FLOOR_M2 = 48.0
EXACT = 1e-9
POWERS = ["cooling_power_w", "fan_power_w", "heating_power_w", "pump_power_w"]


@pytest.fixture(scope="module")
def emulator(reference_cases: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = reference_cases / "boptest"
    series = pd.read_csv(folder / "single_zone_timeseries.csv.gz")
    limits = pd.read_csv(folder / "single_zone_boundary_data.csv")
    at = {name: held(series["time_s"], limits["time_s"], limits[name]) for name in limits if name != "time_s"}
    return series, pd.DataFrame(at)


def test_the_clock_stands_still_at_events(emulator):
    series, _ = emulator
    assert (series["time_s"].diff() == 0).sum() == 37


def test_discomfort(emulator):
    series, limits = emulator
    below, above = thermal_discomfort_k_h(
        series["time_s"],
        series["room_air_temperature_k"],
        limits["lower_setpoint_k"],
        limits["upper_setpoint_k"],
    )
    assert below == pytest.approx(5.17473310469, rel=EXACT)
    assert above == pytest.approx(0.869547845179, rel=EXACT)
    assert below + above == pytest.approx(6.04428094987, rel=EXACT)
    air = air_discomfort_ppm_h(series["time_s"], series["co2_ppm"], limits["upper_co2_ppm"])
    assert air == pytest.approx(365.69118734, rel=EXACT)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (None, 3.0671718671),
        ("emission_factor_kg_per_kwh", 1.53358593355),
        ("price_constant_per_kwh", 0.61343437342),
        ("price_dynamic_per_kwh", 0.509866323065),
        ("price_highly_dynamic_per_kwh", 0.00520327621997),
    ],
)
def test_energy_emissions_and_cost(emulator, weight, expected):
    series, limits = emulator
    factor = 1.0 if weight is None else limits[weight]
    got = energy_kwh_m2(series["time_s"], series[POWERS].sum(axis=1), FLOOR_M2, factor)
    assert got == pytest.approx(expected, rel=EXACT)


def test_peak_of_quarter_hours(emulator):
    series, _ = emulator
    got = peak_kw_m2(series["time_s"], series[POWERS].sum(axis=1), FLOOR_M2)
    assert got == pytest.approx(0.111183369923, rel=EXACT)
