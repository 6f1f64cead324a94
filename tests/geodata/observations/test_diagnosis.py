"""Faults put into virtual sensors are found, named, and nothing is found where nothing is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidInput
from geodata.observations.diagnosis import Diagnosis, diagnose, score
from geodata.observations.virtual import Fault, SensorQuality, inject, sense

STEP = 300_000_000_000
DAY = 288
START = pd.Timestamp("2026-01-05T00:00Z").as_unit("ns").value
ROOMS = 6


@pytest.fixture(scope="module")
def time() -> np.ndarray:
    return START + np.arange(56 * DAY, dtype=np.int64) * STEP


def heard(time: np.ndarray, observed: str, seed: int = 4) -> np.ndarray:
    """Sensors of six rooms: lessons on workdays, nights that are alike."""
    rng = np.random.default_rng(seed)
    hour, day = (time - START) % (DAY * STEP) / 3.6e12, (time - START) // (DAY * STEP)
    lesson = ((hour > 6) & (hour < 13) & (day % 7 < 5))[:, None] * rng.uniform(0.7, 1.3, ROOMS)
    swing = np.sin(hour / 24 * 2 * np.pi)[:, None]
    truth = {
        "co2": 420 + 500 * lesson,
        "temperature": 21 + lesson + 0.3 * swing + rng.normal(0, 0.5, ROOMS),
        "relative_humidity": 35 + 6 * lesson + 2 * swing + rng.normal(0, 1, ROOMS),
    }[observed]
    smooth = pd.DataFrame(truth).ewm(span=6).mean().to_numpy()
    return sense(smooth, time, SensorQuality.usual(observed), rng)


def fault(kind: str, size: float = 0.0, days: tuple[float, float] = (20, 23)) -> Fault:
    return Fault(2, kind, START + int(days[0] * DAY) * STEP, START + int(days[1] * DAY) * STEP, size)


@pytest.mark.parametrize("observed", ["co2", "temperature", "relative_humidity"])
def test_nothing_is_found_where_nothing_is_wrong(time, observed):
    assert diagnose(heard(time, observed), time, observed) == []


@pytest.mark.parametrize(
    ("observed", "wrong"),
    [
        ("co2", fault("stuck")),
        ("co2", fault("gap")),
        ("co2", fault("units")),
        ("co2", fault("spike", 1500, (20.4, 20.4 + 1 / DAY))),
        ("co2", fault("offset", 200, (20, 30))),
        ("temperature", fault("drift", 0.4, (20, 38))),
        ("temperature", fault("offset", -4, (20, 30))),
        ("temperature", fault("units")),
        ("relative_humidity", fault("units")),
    ],
    ids=lambda one: one if isinstance(one, str) else one.kind,
)
def test_each_fault_is_found_and_named(time, observed, wrong):
    series = inject(heard(time, observed), time, observed, [wrong])
    found = diagnose(series, time, observed)
    assert [(one.sensor, one.kind) for one in found] == [(2, wrong.kind)]
    assert found[0].meets(wrong)


@pytest.mark.parametrize("factor", [1.8e-3, 555.6], ids=["milligrams_per_litre", "ppm_taken_for_them"])
def test_carbon_dioxide_in_a_unit_that_cannot_be_ppm_is_told_from_the_first_value_on(time, factor):
    series = heard(time, "co2")
    series[:, 1] *= factor
    found = diagnose(series, time, "co2")
    assert [(one.sensor, one.kind) for one in found] == [(1, "units")]
    assert found[0].start == time[0]


def test_a_value_for_ever_is_one_stuck_sensor(time):
    series = heard(time, "temperature")
    series[:, 4] = 21.0
    assert {(one.sensor, one.kind) for one in diagnose(series, time, "temperature")} == {(4, "stuck")}


def test_score_counts_wrong_names_as_wrong():
    true = [fault("stuck"), fault("gap", days=(40, 41))]
    found = [Diagnosis(2, "stuck", true[0].start, true[0].end), Diagnosis(3, "gap", *span(true[1]))]
    assert score(found, true) == (0.5, 0.5, 0.5)
    assert score([], []) == (1.0, 1.0, 1.0)


def span(one: Fault) -> tuple[int, int]:
    return one.start, one.end


def test_a_fault_of_no_sensor_is_refused(time):
    with pytest.raises(InvalidInput, match="no sensor"):
        inject(np.zeros((time.size, 1)), time, "co2", [fault("gap")])
