"""Comfort against the validation rows of Tartarini et al. (12 of them from ISO 7730 itself)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilots.buildings.comfort.adaptive import Adaptive, adaptive_by_ashrae, adaptive_by_en
from pilots.buildings.comfort.mean_vote import dissatisfied_percent, mean_vote, mean_vote_by_library
from pilots.buildings.comfort.sun_on_body import sun_on_body

pytestmark = pytest.mark.reference


def load(cases: Path, name: str) -> tuple[list[dict[str, Any]], dict[str, float]]:
    table = json.loads((cases / "comfort" / f"{name}.json").read_text(encoding="utf-8"))
    return table["data"], table["tolerance"]


def lists(value: Any) -> Iterator[Any]:
    return iter(value if isinstance(value, list) else [value])


def compare(ours: np.ndarray, wanted: Any, tolerance: float, row: object) -> None:
    """Numbers within the tolerance, and no number where the row has none."""
    for have, want in zip(np.atleast_1d(ours), lists(wanted), strict=True):
        if want is None or (isinstance(want, float) and np.isnan(want)):
            assert np.isnan(have), row
        else:
            assert have == pytest.approx(want, abs=tolerance), row


def test_every_row_of_mean_vote_and_dissatisfied(reference_cases: Path) -> None:
    rows, tolerance = load(reference_cases, "ts_pmv_ppd")
    assert len(rows) == 35
    for row in rows:
        given = row["inputs"]
        fahrenheit = given.get("units", "SI").lower() == "ip"
        vote, unhappy = mean_vote_by_library(
            celsius(given["tdb"], fahrenheit),
            celsius(given["tr"], fahrenheit),
            np.asarray(given["vr"]) * (0.3048 if fahrenheit else 1.0),
            given["rh"],
            given["met"],
            given["clo"],
            standard=given.get("standard", "ISO").upper(),
            limited=given.get("limit_inputs", True),
            own_fans=given.get("airspeed_control", True),
        )
        compare(vote, row["outputs"]["pmv"], tolerance["pmv"], row)
        if "ppd" in row["outputs"]:
            compare(unhappy, row["outputs"]["ppd"], tolerance["ppd"], row)


def test_compiled_mean_vote_meets_the_rows_of_iso_7730(reference_cases: Path) -> None:
    rows, tolerance = load(reference_cases, "ts_pmv_ppd")
    checked = 0
    for row in rows:
        given = row["inputs"]
        if "ISO 7730" in row.get("source", "") and given.get("standard") == "ISO":
            vote = mean_vote(
                given["tdb"],
                given["tr"],
                given["rh"],
                air_speed_m_s=given["vr"],
                activity_met=given["met"],
                clothing_clo=given["clo"],
            )
            compare(vote, row["outputs"]["pmv"], tolerance["pmv"], row)
            compare(dissatisfied_percent(vote), row["outputs"]["ppd"], tolerance["ppd"], row)
            checked += 1
    assert checked >= 12


def test_compiled_mean_vote_equals_the_library_everywhere() -> None:
    rng = np.random.default_rng(7730)
    air, radiant = rng.uniform(5, 35, 20_000), rng.uniform(5, 45, 20_000)
    humidity, clothing = rng.uniform(5, 100, 20_000), rng.uniform(0, 2.2, 20_000)
    for speed, met in ((0.05, 1.0), (0.1, 1.2), (0.3, 1.6), (0.9, 3.0)):
        library, _ = mean_vote_by_library(
            air, radiant, np.full(air.size, speed), humidity, np.full(air.size, met), clothing
        )
        ours = mean_vote(air, radiant, humidity, air_speed_m_s=speed, activity_met=met, clothing_clo=clothing)
        np.testing.assert_allclose(ours, library, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "model", "count"),
    [("ts_adaptive_en", adaptive_by_en, 4), ("ts_adaptive_ashrae", adaptive_by_ashrae, 11)],
)
def test_every_row_of_adaptive_comfort(reference_cases: Path, name: str, model: Any, count: int) -> None:
    rows, tolerance = load(reference_cases, name)
    assert len(rows) == count
    for row in rows:
        given = row["inputs"]
        fahrenheit = given.get("units") == "ip"
        result: Adaptive = model(
            *(celsius(given[key], fahrenheit) for key in ("tdb", "tr", "t_running_mean")),
            np.asarray(given["v"]) * (0.3048 if fahrenheit else 1.0),
        )
        if "tmp_cmf" in row["outputs"]:
            wanted = [None if want is None else want for want in lists(row["outputs"]["tmp_cmf"])]
            ours = result.comfort_c * 1.8 + 32 if fahrenheit else result.comfort_c
            compare(ours, wanted, tolerance["tmp_cmf"], row)
        for key, want in row["outputs"].items():
            if key.startswith("acceptability_"):
                category = {"cat_i": "I", "cat_ii": "II", "cat_iii": "III"}.get(key[14:], key[14:])
                ours = np.atleast_1d(result.acceptable[category]).tolist()
                assert ours == [bool(value) for value in lists(want)], row


def celsius(value: Any, fahrenheit: bool) -> np.ndarray:
    return (np.asarray(value, dtype=float) - 32) / 1.8 if fahrenheit else np.asarray(value, dtype=float)


def test_every_row_of_sun_on_the_body(reference_cases: Path) -> None:
    rows, tolerance = load(reference_cases, "ts_solar_gain")
    assert len(rows) == 27
    for row in rows:
        given = row["inputs"]
        field, rise = sun_on_body(
            given["sol_altitude"],
            given["sharp"],
            given["sol_radiation_dir"],
            glass_transmittance=given["sol_transmittance"],
            sky_view=given["f_svv"],
            body_in_sun=given["f_bes"],
            absorptance=given["asw"],
            posture=given["posture"],
        )
        compare(field, row["outputs"]["erf"], tolerance["erf"], row)
        compare(rise, row["outputs"]["delta_mrt"], tolerance["delta_mrt"], row)
