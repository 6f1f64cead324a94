"""A building whose hidden losses are found from its meter, and one that no parameters explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geodata.errors import InvalidInput
from pilots.buildings.calibration import calibrate
from pilots.buildings.thermal.fast import FastDrives, FastZones, run_fast

HOURS = 24 * 7 * 20
HOUR = np.arange(HOURS)
USED = ((HOUR % 24 > 6) & (HOUR % 24 < 17) & (HOUR // 24 % 7 < 5)).astype(float)
WATER = 6000.0 * USED


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.fixture(scope="module")
def school() -> tuple[FastZones, FastDrives]:
    rng = np.random.default_rng(8)
    zones = FastZones(
        one(6e8), one(9000.0), one(14_000.0), one(1200.0), one(2400.0), one(3.45), one(0.0), one(-np.inf),
        one(23.0),
    )  # fmt: skip
    weather = (
        -3 - 7 * np.cos(HOUR / 8760 * 2 * np.pi) + np.convolve(rng.normal(0, 1.2, HOURS), np.ones(24), "same")
    )

    def column(values: np.ndarray) -> np.ndarray:
        return np.asarray(values, dtype=float)[:, None]

    sun = (
        30_000
        * np.clip(np.sin((HOUR % 24 - 8) / 9 * np.pi), 0, None)
        * rng.uniform(0, 1, HOURS // 24 + 1)[HOUR // 24]
    )
    drives = FastDrives(
        weather, column(np.full(HOURS, 900.0)), column(np.zeros(HOURS)), column(40_000 * USED), column(sun),
        column(0.7 * sun), column(18 + 3 * USED), column(np.full(HOURS, 40.0)), column(np.full(HOURS, 5e5)),
        column(np.zeros(HOURS)),
    )  # fmt: skip
    return zones, drives


def metered(school, loss: float, shift_k: float, noise: float = 0.05) -> np.ndarray:
    zones, drives = school
    true = replace(zones, window_w_k=zones.window_w_k * loss, opaque_w_k=zones.opaque_w_k * loss)
    heat = run_fast(
        true, replace(drives, heating_setpoint_c=drives.heating_setpoint_c + shift_k), warm_up_hours=168
    ).power_w[:, 0]
    rng = np.random.default_rng(9)
    return (np.maximum(heat, 0) + WATER) / 0.97 * (1 + rng.normal(0, noise, HOURS))


@pytest.mark.parametrize(("loss", "shift_k"), [(1.35, 0.0), (0.75, 1.0)])
def test_hidden_losses_are_found_within_their_interval(school, loss, shift_k):
    done = calibrate(*school, metered(school, loss, shift_k), WATER)
    found = done.parameters["loss_factor"]
    assert found.low < loss < found.high
    assert found.value == pytest.approx(loss, rel=0.12)
    assert not done.before.calibrated("hourly") or done.seen.cv_rmse_percent < done.before.cv_rmse_percent
    assert done.calibrated
    assert abs(done.unseen.nmbe_percent) < 5


def test_months_may_be_judged_instead_of_hours(school):
    done = calibrate(*school, metered(school, 1.3, 0.5), WATER, resolution="monthly")
    assert done.calibrated
    assert done.unseen.cv_rmse_percent < 15


def test_a_meter_that_follows_no_weather_is_not_called_calibrated(school):
    rng = np.random.default_rng(10)
    assert not calibrate(*school, rng.gamma(1.0, 60_000, HOURS), WATER).calibrated


def test_a_meter_whose_building_changes_is_found_out_on_unseen_readings(school):
    first, second = metered(school, 1.0, 0.0), metered(school, 0.4, -3.0)
    changed = np.where(HOUR < 0.66 * HOURS, first, second)
    done = calibrate(*school, changed, WATER)
    assert done.seen.calibrated("hourly")
    assert not done.calibrated


def test_silent_hours_are_left_out(school):
    readings = metered(school, 1.2, 0.0)
    readings[1000:1400] = np.nan
    assert calibrate(*school, readings, WATER).parameters["loss_factor"].value == pytest.approx(1.2, rel=0.12)


def test_too_few_readings_and_other_lengths_are_refused(school):
    with pytest.raises(InvalidInput, match="too few"):
        calibrate(*school, np.where(HOUR < 200, 1.0, np.nan))
    with pytest.raises(InvalidInput, match="one building"):
        calibrate(*school, np.ones(10))
