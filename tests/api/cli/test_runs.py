"""`twinbox run` and `twinbox runs`."""

from __future__ import annotations

import json

import pytest

from twin.result import open_result

BOTH = ("--city", "tallinn", "--city", "rae")


def test_a_run_is_stored_and_its_kpis_are_shown_city_beside_city(twinbox, home):
    said = twinbox("run", "lanterns", *BOTH, "--seed", 3)
    assert said.code == 0, said.err
    result = open_result(next((home / "runs").glob("lanterns-*")))
    oil = {city: result.value("oil", city) for city in ("rae", "tallinn")}
    row = next(line for line in said.out.splitlines() if line.startswith("Oil burnt (oil)"))
    assert "↓ lower" in row
    assert " l " in row
    shown = [float(word) for word in row.split()[-2:]]
    assert shown == [pytest.approx(oil["rae"], abs=0.01), pytest.approx(oil["tallinn"], abs=0.01)]
    head = next(line for line in said.out.splitlines() if line.startswith("KPI"))
    assert head.split()[-3:] == ["Rae", "parish", "Tallinn"]


def test_a_run_says_what_its_numbers_stand_on(twinbox, home):
    out = twinbox("run", "lanterns", *BOTH).out
    assert "SYNTHETIC DEMO DATA   Rae parish" in out
    assert "Rule finest-2020: satisfied by rae, tallinn" in out
    assert "Note: lanterns/rae: the oil is imagined" in out
    assert "synthetic" in out
    assert "Test Office of Maps" in out
    assert str(home / "runs") in out
    assert "twinbox show" in out


def test_the_same_plan_is_not_simulated_again(twinbox, monkeypatch):
    first = twinbox("run", "lanterns", *BOTH)
    monkeypatch.setattr("twin.simulate.execute", None)
    again = twinbox("run", "lanterns", *reversed(["rae", "--city", "tallinn", "--city"]))
    assert again.code == 0, again.err
    assert "stored already" in again.out
    assert "stored already" not in first.out


def test_json_of_a_run_is_manifest_and_kpis_with_null_for_nan(twinbox):
    document = json.loads(twinbox("run", "lanterns", *BOTH, "--json").out)
    assert {"run_id", "run_hash", "verdict"} <= set(document["manifest"])
    columns = ["pilot", "city", "kpi", "value", "unit", "better", "low", "high"]
    assert all(list(row) == columns for row in document["kpis"])
    assert {row["value"] for row in document["kpis"] if row["kpi"] == "complaints"} == {None}
    assert {(row["low"], row["high"]) for row in document["kpis"]} == {(None, None)}
    assert len(document["kpis"]) == 6


def test_replications_give_intervals_on_screen_and_in_json(twinbox):
    words = ("run", "lanterns", *BOTH, "--replications", 4)
    document = json.loads(twinbox(*words, "--json").out)
    oil = [row for row in document["kpis"] if row["kpi"] == "oil"]
    assert all(row["low"] < row["value"] < row["high"] for row in oil)
    out = twinbox(*words).out
    assert "interval" in out
    assert "95 % for the mean of 4 replications" in out


def test_two_pilots_run_on_one_clock(twinbox):
    words = (
        "run",
        "lanterns",
        "street_lamps",
        *BOTH,
        "--set",
        "lanterns.number=2",
        "--set",
        "street_lamps.crews=3",
    )
    document = json.loads(twinbox(*words, "--json").out)
    plan = {item["id"]: item["scenario"] for item in document["manifest"]["plan"]["pilots"]}
    assert plan["lanterns"]["number"] == 2
    assert plan["street_lamps"]["crews"] == 3
    assert {row["pilot"] for row in document["kpis"]} == {"lanterns", "street_lamps"}


def test_a_scenario_file_sets_the_fields_of_the_run(twinbox, tmp_path):
    (tmp_path / "night.toml").write_text("number = 21\n")
    document = json.loads(twinbox("run", "lanterns", *BOTH, "--scenario", "night.toml", "--json").out)
    assert document["manifest"]["plan"]["pilots"][0]["scenario"]["number"] == 21


def test_a_line_of_a_bad_scenario_file_is_named(twinbox, tmp_path):
    (tmp_path / "night.toml").write_text("number = 21\nnumber = 22\n")
    said = twinbox("run", "lanterns", *BOTH, "--scenario", "night.toml")
    assert said.code == 2
    assert "night.toml" in said.err
    assert "row        2" in said.err


@pytest.mark.parametrize(
    ("cities", "missing"),
    [
        (["tallinn"], ["2 cities are needed, 1 counted"]),
        (["helsinki", "stockholm"], ["at least 1 city of Estonia", "stockholm does not count"]),
        ([], ["2 cities are needed, 0 counted"]),
        (["tallinn", "Tallinna"], ["2 cities are needed, 1 counted"]),
    ],
)
def test_a_refusal_names_the_rule_what_is_missing_and_who_could_help(twinbox, home, cities, missing):
    said = twinbox("run", "lanterns", *(word for city in cities for word in ("--city", city)))
    assert said.code == 3
    assert "rule finest-2020" in said.err
    for text in missing:
        assert text in said.err
    assert "add " in said.err
    assert not (home / "runs").exists() or not list((home / "runs").glob("lanterns*"))


def test_another_rule_can_be_asked_for_with_its_partners(twinbox):
    refused = twinbox("run", "lanterns", *BOTH, "--rule", "ldt4ssc")
    assert refused.code == 3
    assert "countries" in refused.err
    assert "partner" in refused.err


def test_an_unmet_need_says_what_is_missing_and_what_to_do(twinbox, home):
    manifest = home / "packs" / "rae" / "pack.json"
    manifest.write_text(
        manifest.read_text()
        .replace('"state":"production"', '"state":"staging"')
        .replace('"state": "production"', '"state": "staging"')
    )
    said = twinbox("run", "lanterns", *BOTH)
    assert said.code == 4
    assert "districts: districts: is in staging" in said.err
    assert "twinbox pack check rae --pilot lanterns" in said.err


def test_city_names_are_taken_in_any_spelling(twinbox):
    document = json.loads(twinbox("run", "lanterns", "-c", "TALLINNA", "-c", "Rae vald", "--json").out)
    assert [item["city"]["id"] for item in document["manifest"]["plan"]["cities"]] == ["rae", "tallinn"]


def test_an_interrupted_run_leaves_nothing_and_says_so(twinbox, home, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("twin.simulate.execute", stopped)
    said = twinbox("run", "lanterns", *BOTH)
    assert said.code == 130
    assert "interrupted" in said.err
    assert not list((home / "runs").glob("*lanterns*"))


def test_runs_lists_what_is_kept(twinbox):
    assert "No run is kept yet" in twinbox("runs").out
    for seed in (1, 2):
        twinbox("run", "lanterns", *BOTH, "--seed", seed)
    kept = json.loads(twinbox("runs", "--json").out)["runs"]
    assert sorted(item["seed"] for item in kept) == [1, 2]
    out = twinbox("runs").out
    for item in kept:
        assert item["run_hash"][:10] in out
    assert "2026-03-02 00:00" in out  # The clock of the city, not UTC.


def test_the_same_command_gives_the_same_bytes_in_two_processes(shell, home):
    words = ("run", "lanterns", *BOTH, "--replications", 2)
    assert shell(*words, PYTHONHASHSEED="1").code == 0
    run = next((home / "runs").glob("lanterns-*"))
    first = {f.relative_to(run): f.read_bytes() for f in run.rglob("*") if f.is_file()}
    run.rename(home / "elsewhere")
    assert shell(*words, PYTHONHASHSEED="2").code == 0
    assert {f.relative_to(run): f.read_bytes() for f in run.rglob("*") if f.is_file()} == first


def test_nothing_but_json_on_standard_output_and_no_bar_in_a_pipe(shell):
    said = shell("run", "lanterns", *BOTH, "--json", "--chart", "charts")
    assert json.loads(said.out)["charts"]
    assert said.err == ""
    table = shell("show")
    assert table.err == ""
    assert max(map(len, table.out.splitlines())) > 80  # Nothing is folded to a terminal's width.
