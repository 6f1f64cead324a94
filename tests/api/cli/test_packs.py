"""`twinbox cities` and `twinbox pack …`."""

from __future__ import annotations

import json

import pytest


def test_cities_say_which_pack_each_has(twinbox):
    rows = {city["id"]: city for city in json.loads(twinbox("cities", "--json").out)["cities"]}
    assert rows["tallinn"]["pack"] == "built"
    assert rows["rae"]["pack"] == "demo"
    assert rows["rae"]["names"]["et"] == "Rae vald"
    assert rows["helsinki"]["country"] == "FI"
    out = twinbox("cities").out
    assert "synthetic demo data" in out


def test_show_lists_datasets_with_rows_grade_state_and_licence(twinbox):
    out = twinbox("pack", "show", "Rae vald").out
    row = next(line for line in out.splitlines() if line.startswith("stops"))
    for text in ("3", "synthetic", "production", "CC0-1.0"):
        assert text in row
    assert "SYNTHETIC DEMO DATA" in out
    assert "Test Office of Maps" in out
    assert "SYNTHETIC DEMO DATA" not in twinbox("pack", "show", "tallinn").out


def test_show_json_is_the_manifest(twinbox):
    document = json.loads(twinbox("pack", "show", "rae", "--json").out)
    assert document["demo"] is True
    assert {entry["id"] for entry in document["datasets"]} >= {"boundary", "districts", "stops"}
    assert len(document["sha256"]) == 64


def test_show_draws_a_map(twinbox, tmp_path):
    said = twinbox("pack", "show", "rae", "--map", tmp_path / "maps" / "rae.png")
    assert said.code == 0
    assert (tmp_path / "maps" / "rae.png").read_bytes().startswith(b"\x89PNG")
    refused = twinbox("pack", "show", "rae", "--map", "rae.pdf")
    assert refused.code == 2
    assert "FILE.png" in refused.err


def test_check_says_which_needs_are_met_and_what_to_do(twinbox):
    said = twinbox("pack", "check", "rae", "--pilot", "lanterns")
    assert said.code == 0
    weather = next(line for line in said.out.splitlines() if line.startswith("weather"))
    assert "optional" in weather
    assert "missing" in weather
    assert "twinbox pack build rae" in weather
    document = json.loads(twinbox("pack", "check", "rae", "--pilot", "lanterns", "--json").out)
    assert document["ready"] is True
    assert [check["met"] for check in document["checks"]] == [True, True, False]


def test_check_of_a_pack_that_is_not_ready_is_exit_code_four(twinbox, home):
    manifest = home / "packs" / "rae" / "pack.json"
    manifest.write_text(
        manifest.read_text().replace('"synthetic"', '"derived"').replace("production", "staging")
    )
    said = twinbox("pack", "check", "rae", "--pilot", "lanterns")
    assert said.code == 4
    assert "is in staging" in said.out
    assert "The pack is not ready." in said.out


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("pack", "show", "atlantis"), 2, "no city is called this"),
        (("pack", "show", "talinn"), 2, "did you mean tallinn"),
        (("pack", "check", "rae", "--pilot", "atlantis"), 2, "no pilot is called this"),
        (("pack", "check", "rae"), 2, "--pilot"),
    ],
)
def test_bad_names(twinbox, words, code, text):
    said = twinbox(*words)
    assert said.code == code
    assert text in said.err


def test_a_damaged_manifest_is_data_not_ready(twinbox, home):
    (home / "packs" / "rae" / "pack.json").write_text('{"format": "twinbox-pack/1"}')
    said = twinbox("pack", "show", "rae")
    assert said.code == 4
    assert "pack.json" in said.err
    assert "damaged" in twinbox("cities").out
