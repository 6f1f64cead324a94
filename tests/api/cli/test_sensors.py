"""`twinbox sensors …`: a file in, a report of gaps and faults out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

MAP = """
[table]
time = "date"
time_zone = "Europe/Tallinn"
columns = { CO2 = "204/co2", Temp = "204/t" }

[[datastreams]]
id = "204/co2"
observed_property = "co2"
building_id = "school"

[[datastreams]]
id = "204/t"
observed_property = "temperature"
building_id = "school"
"""


@pytest.fixture
def logger(tmp_path):
    rng = np.random.default_rng(2)
    time = pd.date_range("2026-09-07", periods=5 * 288, freq="5min")
    table = pd.DataFrame({"date": time.astype(str)})
    table["CO2"] = pd.Series(430 + rng.normal(0, 9, len(time))).round(1).astype(object)
    table["Temp"] = pd.Series(21 + rng.normal(0, 0.1, len(time))).round(2).astype(object)
    table.loc[300:420, "CO2"] = 512.0
    table.loc[20, "Temp"] = "hot"
    table.loc[21, "date"] = "2031-01-01 00:00:00"
    table = table.drop(index=range(800, 900))
    (tmp_path / "map.toml").write_text(MAP)
    table.to_csv(tmp_path / "logger.csv", index=False)
    return tmp_path / "logger.csv"


def ingest(twinbox, logger, *more):
    return twinbox("sensors", "ingest", logger, "--map", logger.with_name("map.toml"), *more)


def test_a_real_day_at_the_command_line(twinbox, logger, tmp_path):
    first = ingest(twinbox, logger)
    assert first.code == 0
    assert "1 turned away (not_a_number)" in first.out
    assert "2 turned away (future_clock)" in first.out
    again = json.loads(ingest(twinbox, logger, "--json").out)["files"][0]
    assert (again["stored"], again["duplicates"]) == (0, 1339 * 2 - 1)
    told = twinbox("sensors", "report", "--chart", tmp_path / "r.png")
    assert told.code == 0
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    lines = [line.split() for line in told.out.splitlines()]
    assert ["204/co2", "stuck"] in [words[:2] for words in lines]
    gaps = [words for words in lines if words[:2] == ["204/t", "gap"]]
    assert gaps[0][-2:] == ["8.3", "h"]
    document = json.loads(twinbox("sensors", "report", "--json").out)
    kinds = {s["datastream"]["id"]: [f["fault"] for f in s["findings"]] for s in document["sensors"]}
    assert kinds == {"204/co2": ["stuck", "gap"], "204/t": ["gap"]}
    assert {s["datastream"]["id"]: s["states"]["staging"] > 0 for s in document["sensors"]} == {
        "204/co2": True,
        "204/t": False,
    }


def test_latest_and_staging_are_shown(twinbox, logger):
    ingest(twinbox, logger)
    assert "ppm" in twinbox("sensors", "latest").out
    rows = json.loads(twinbox("sensors", "staging", "--json").out)
    assert {row["reason"] for row in rows} == {"not_a_number", "future_clock"}
    assert any("hot" in row["raw"] for row in rows)
    assert "not_a_number" in twinbox("sensors", "staging").out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["report"], 4, "no store of sensors"),
        (["ingest", "absent.csv"], 2, "not a table"),
        (["listen", "--topic", "#", "--format", "telex"], 2, "plain, sensorthings, sentilo, ngsi-ld"),
        (["listen", "--topic", "#", "--broker", "here:there"], 2, "HOST:PORT"),
        (["report", "--from", "soon", "--store"], 2, "not an instant"),
    ],
)
def test_what_goes_wrong_is_said(twinbox, tmp_path, words, code, text):
    if words[-1] == "--store":
        store = tmp_path / "s.sqlite"
        (tmp_path / "map.toml").write_text(MAP)
        (tmp_path / "e.csv").write_text("date,CO2,Temp\n")
        twinbox("sensors", "ingest", tmp_path / "e.csv", "--map", tmp_path / "map.toml", "--store", store)
        words = [*words, store]
    said = twinbox("sensors", *words)
    assert said.code == code
    assert text in said.out + said.err


def test_an_empty_store_is_reported_as_such(twinbox, tmp_path):
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "e.csv").write_text("date,CO2,Temp\n")
    twinbox("sensors", "ingest", tmp_path / "e.csv", "--map", tmp_path / "map.toml")
    assert "never spoke" in twinbox("sensors", "report").out
