"""Carbon dioxide of a real office, minute by minute (Candanedo and Feldheim 2016)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData
from pilots.buildings.air.forecast import forecast_co2, forecast_skill
from pilots.buildings.air.tracking import Readings, fit_room, free_run, read_frame, track_co2

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def office(reference_cases: Path) -> dict[str, pd.DataFrame]:
    names = {"training": "datatraining.txt", "test": "datatest.txt"}
    return {name: pd.read_csv(reference_cases / "indoor" / file) for name, file in names.items()}


def rmse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def test_parameters_of_the_training_file_run_freely_through_the_test(office):
    room = fit_room(read_frame(office["training"]))
    test = read_frame(office["test"])
    assert room.air_change_in_use_per_h == pytest.approx(0.38, abs=0.01)
    assert room.outdoor_ppm == pytest.approx(450, abs=5)
    assert round(rmse(free_run(test, room), test.co2_ppm)) <= 93


def test_tracked_ventilation_runs_freely_through_the_test(office):
    assert track_co2(office["test"]).attrs["free_running_rmse_ppm"] <= 93


@pytest.mark.parametrize("name", ["training", "test"])
@pytest.mark.parametrize("minutes", [15.0, 60.0])
def test_the_forecast_beats_persistence(office, name, minutes):
    skill, error, persistence = forecast_skill(track_co2(office[name]), minutes)
    assert skill > 0
    assert error < persistence


@pytest.mark.parametrize("factor", [0.2, 6.0])
def test_a_room_whose_ventilation_changes_is_followed(office, factor):
    """People as in the office; half-way the air change of the room in use is another one."""
    office_hours = read_frame(office["training"])
    rng = np.random.default_rng(20261122)
    room = fit_room(office_hours)
    half = office_hours.hours.size // 2
    parts = []
    first = free_run(_part(office_hours, slice(0, half), 600.0), room)
    other = type(room)(
        factor * room.air_change_in_use_per_h,
        factor * room.air_change_empty_per_h,
        room.emission_ppm_h,
        room.outdoor_ppm,
    )
    parts = [first, free_run(_part(office_hours, slice(half, None), float(first[-1])), other)]
    truth = np.concatenate(parts)
    changed = Readings(
        office_hours.time,
        office_hours.hours,
        truth + rng.normal(0, 15, truth.size),
        office_hours.people,
    )
    track = track_co2(changed)
    assert track.attrs["free_running_rmse_ppm"] < 200
    assert rmse(free_run(changed, room), changed.co2_ppm) > track.attrs["free_running_rmse_ppm"]
    in_use = (office_hours.people > 0) & (np.arange(truth.size) > 0.9 * truth.size)
    late = track["air_change"].to_numpy()[in_use]
    assert np.median(late) == pytest.approx(factor * room.air_change_in_use_per_h, rel=0.35)


def _part(readings: Readings, rows: slice, first_ppm: float) -> Readings:
    co2 = readings.co2_ppm[rows].copy()
    co2[0] = first_ppm
    return Readings(readings.time[rows], readings.hours[rows], co2, readings.people[rows])


def test_intervals_of_the_forecast_hold_what_came(office):
    """A 90 % interval of the next hour from every eighth reading, against what was read then."""
    track = track_co2(office["test"])
    measured = track["co2_measured"].to_numpy()
    rng = np.random.default_rng(1)
    inside = []
    for at in range(1200, measured.size - 61, 30):
        ahead = forecast_co2(track, 1.0, rng, at=at)
        inside.append(float(ahead["low"][-1]) <= measured[at + 60] <= float(ahead["high"][-1]))
    assert np.mean(inside) > 0.7


def test_tables_in_other_units_are_refused(office):
    wrong = office["test"].assign(CO2=office["test"]["CO2"] * 44.01 / 24.45 / 1000.0)
    with pytest.raises(InvalidData, match="another unit"):
        track_co2(wrong)
    with pytest.raises(InvalidData, match="column is missing"):
        track_co2(office["test"].drop(columns="Occupancy"))
