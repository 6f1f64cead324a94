"""The report: gaps, faults and what was turned away, and only good values in production."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.observations.chart import draw
from geodata.observations.model import Batch, State, rejection
from geodata.observations.store import ObservationStore
from geodata.observations.survey import survey

START = pd.Timestamp("2026-09-07T00:00Z")


@pytest.fixture
def store(tmp_path, known):
    rng = np.random.default_rng(5)
    step = np.arange(14 * 288)
    time = START.as_unit("ns").value + step * 300_000_000_000
    co2 = np.round(430 + 300 * ((step % 288 > 90) & (step % 288 < 150)) + rng.normal(0, 8, step.size))
    co2 = pd.Series(co2).ewm(span=6).mean().to_numpy().copy()
    warm = np.round(21 + rng.normal(0, 0.1, step.size), 2)
    warm[1000:1400] = 20.0
    silent = (step > 2000) & (step < 2100)
    co2[3000] = 45_000.0
    with ObservationStore(tmp_path / "o.sqlite") as opened:
        opened.register(known.values())
        opened.append_series("204/co2", time[~silent], co2[~silent])
        opened.append_series("204/t", time, warm)
        opened.append(
            Batch.of(
                [],
                [],
                [],
                [
                    rejection(1, "204/t", "future_clock", "time", "2031", "raw"),
                    rejection(2, "attic", "unknown_datastream", "datastream", "attic", "raw"),
                ],
            )
        )
        yield opened


def test_a_survey_shows_gaps_faults_and_refusals(store):
    done = survey(store)
    by_id = {sensor.datastream.id: sensor for sensor in done.sensors}
    kinds = {name: [found.kind for found in sensor.findings] for name, sensor in by_id.items()}
    assert kinds == {"204/co2": ["gap", "spike"], "204/t": ["stuck"], "204/rh": []}
    gap = by_id["204/co2"].findings[0]
    assert (gap.end - gap.start) / 3.6e12 == pytest.approx(99 / 12, abs=0.2)
    assert by_id["204/co2"].health.longest_gap_h == pytest.approx(100 / 12, abs=0.1)
    assert by_id["204/t"].refused == {"future_clock": 1}
    assert done.refused_elsewhere == {"unknown_datastream": 1}
    assert by_id["204/rh"].health is None


def test_what_fails_stays_out_of_production(store):
    survey(store)
    produced = store.read("204/co2", state=State.PRODUCTION)["value"]
    assert produced.max() < 2000
    assert store.read("204/co2")["value"].max() == 45_000.0
    assert len(store.read("204/t", state=State.PRODUCTION)) < 14 * 288 - 200


def test_values_taken_during_maintenance_are_neither(store):
    spell = (START, START + pd.Timedelta(days=1))
    done = survey(store, maintenance={"204/t": [spell]})
    states = {sensor.datastream.id: sensor.states for sensor in done.sensors}
    assert states["204/t"]["maintenance"] == 288
    assert states["204/co2"]["maintenance"] == 0


def test_an_empty_store_and_an_empty_spell_are_reported_as_such(store, tmp_path):
    later = survey(store, START + pd.Timedelta(days=100), START + pd.Timedelta(days=101))
    assert all(sensor.count == 0 and sensor.health is None for sensor in later.sensors)
    with ObservationStore(tmp_path / "empty.sqlite") as empty:
        assert survey(empty).sensors == []


def test_the_chart_is_drawn(store, tmp_path):
    draw(store, survey(store), tmp_path / "s.png")
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
