"""`twinbox pilots`, `twinbox pilot new`, `twinbox pilot check`."""

from __future__ import annotations

import json
import shutil

import pytest


def test_pilots_lists_names_without_loading_anything(twinbox, monkeypatch):
    monkeypatch.setattr("twin.plugins._import", None)
    found = {item["id"]: item for item in json.loads(twinbox("pilots", "--json").out)["pilots"]}
    assert found["lanterns"]["distribution"] == "lanterns"
    assert "lanterns:LanternPilot" in twinbox("pilots").out


def test_why_loads_each_pilot_and_names_the_cause_of_a_refusal(shell, plug_in_folder):
    info = plug_in_folder / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[twin.pilots]\nbroken = nowhere:Pilot\n")
    try:
        told = {item["id"]: item for item in json.loads(shell("pilots", "--why", "--json").out)["pilots"]}
        table = shell("pilots", "--why")
    finally:
        shutil.rmtree(info)
    assert told["lanterns"]["state"] == "loaded"
    assert told["lanterns"]["title"] == "Street lanterns"
    assert told["broken"]["state"] == "refused"
    assert "nowhere" in told["broken"]["reason"]
    assert table.code == 0
    assert "Street lanterns" in table.out
    assert "No module named 'nowhere'" in table.out


def test_new_writes_a_pilot_and_says_what_comes_next(twinbox, tmp_path):
    said = twinbox("pilot", "new", "waste_bins", "--folder", tmp_path)
    assert said.code == 0
    assert (tmp_path / "waste_bins" / "pyproject.toml").is_file()
    assert "twinbox pilot check waste_bins" in said.out
    again = twinbox("pilot", "new", "waste_bins", "--folder", tmp_path)
    assert again.code == 2
    assert "already" in again.err


@pytest.mark.parametrize("name", ["Waste", "class", "twin", "1bin", "a-b", "../x"])
def test_new_refuses_what_is_no_name(twinbox, tmp_path, name):
    said = twinbox("pilot", "new", name, "--folder", tmp_path)
    assert said.code == 2
    assert "lower-case letters" in said.err
    assert not list(tmp_path.glob("*/pyproject.toml"))


def test_check_prints_the_report_and_fails_with_code_five(twinbox, monkeypatch):
    from twin.testing import contract

    checks = (
        contract.Check("runs", "It runs", passed=True),
        contract.Check("repeats", "It repeats", passed=False, detail="sets"),
    )
    report = contract.Report("lanterns", "0.1.0", "0.1.0", ("rae", "tallinn"), checks)
    monkeypatch.setattr(contract, "check", lambda _name, _days: report)
    said = twinbox("pilot", "check", "lanterns")
    assert said.code == 5
    assert "It repeats" in said.out
    assert "sets" in said.out
    assert "does not keep the contract" in said.out
    document = json.loads(twinbox("pilot", "check", "lanterns", "--json").out)
    assert document["passed"] is False
    assert [check["passed"] for check in document["checks"]] == [True, False]


def test_check_of_an_unknown_pilot_is_bad_input(twinbox):
    assert twinbox("pilot", "check", "atlantis").code == 2
