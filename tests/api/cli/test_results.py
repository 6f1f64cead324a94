"""`twinbox show` and `twinbox compare`."""

from __future__ import annotations

import json
import math
import shutil

import pytest

from api.cli.comparison import Value, judge

BOTH = ("--city", "tallinn", "--city", "rae")


@pytest.fixture
def run(twinbox):
    """Run and give the run's id."""

    def go(*words, pilot="lanterns"):
        said = twinbox("run", pilot, *BOTH, *words, "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)["manifest"]["run_id"]

    return go


def test_show_shows_the_newest_run_if_none_is_named(twinbox, run):
    run("--seed", 1)
    newest = run("--seed", 2)
    assert newest in twinbox("show").out


def test_show_takes_an_id_a_part_of_it_or_a_folder(twinbox, run, home, tmp_path):
    name = run()
    shutil.copytree(home / "runs" / name, tmp_path / "sent")
    for word in (name, name[-10:], tmp_path / "sent"):
        document = json.loads(twinbox("show", word, "--json").out)
        assert document["manifest"]["run_id"] == name


def test_show_says_when_there_is_no_such_run(twinbox, run):
    assert twinbox("show").code == 2
    run()
    said = twinbox("show", "nonsense")
    assert said.code == 2
    assert "no run is called this" in said.err


def test_a_damaged_run_is_not_shown(twinbox, run, home):
    file = home / "runs" / run() / "kpis.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    said = twinbox("show")
    assert said.code == 4
    assert "kpis.parquet" in said.err


def test_show_by_district_names_districts_and_units(twinbox, run):
    name = run("--replications", 3)
    out = twinbox("show", name, "--by", "district").out
    assert "lanterns: Tallinn by district" in out
    assert "oil [l]" in out
    assert "Küla 0" in out
    assert "first replication" in out
    rows = json.loads(twinbox("show", name, "--by", "district", "--json").out)["districts"]
    assert {row["city"] for row in rows} == {"rae", "tallinn"}
    assert {row["unit"] for row in rows} == {"l"}


def test_districts_show_their_ids_when_the_pack_is_gone(twinbox, run, home):
    name = run()
    shutil.rmtree(home / "packs" / "rae")
    out = twinbox("show", name, "--by", "district").out
    assert "\nd0 " in out


def test_a_run_without_districts_says_so(twinbox, run):
    said = twinbox("show", run(pilot="street_lamps"), "--by", "district")
    assert said.code == 2
    assert "no KPI by district" in said.err


def test_charts_are_written_and_named(twinbox, run, tmp_path):
    said = twinbox("show", run(), "--chart", tmp_path / "charts")
    names = {file.name for file in (tmp_path / "charts").iterdir()}
    assert names == {"lanterns-indicators.png", "lanterns-map-oil.png", "lanterns-series-1.png"}
    for name in names:
        assert str(tmp_path / "charts" / name) in said.out


def test_compare_gives_difference_direction_and_finding(twinbox, run):
    base, other = run(), run("--set", "number=30")
    out = twinbox("compare", base, other).out
    assert "lanterns.number" in out
    tallinn = out.partition("lanterns: tallinn, run")[2].splitlines()
    row = next(line for line in tallinn if line.startswith("light"))
    assert "↑ higher" in row
    assert "+200.0 %" in row
    assert row.rstrip().endswith("better")
    row = next(line for line in tallinn if line.startswith("oil"))
    assert row.rstrip().endswith("worse")
    document = json.loads(twinbox("compare", base, other, "--json").out)
    assert document["plans"] == {"lanterns.number": ["10", "30"]}
    light = next(d for d in document["differences"] if d["kpi"] == "light" and d["city"] == "rae")
    assert light["difference"] == pytest.approx(2 * light["base"]["value"])


def test_compare_leaves_nothing_out_that_cannot_be_compared(twinbox, run):
    base, other = run(), run("--set", "number=30")
    document = json.loads(twinbox("compare", base, other, "--json").out)
    complaints = [d for d in document["differences"] if d["kpi"] == "complaints"]
    assert {(d["finding"], d["reason"], d["difference"]) for d in complaints} == {
        ("not comparable", "no value in one of the runs", None)
    }
    assert "no value in one of the runs" in twinbox("compare", base, other).out


def test_compare_says_what_else_differs(twinbox, run):
    out = twinbox("compare", run("--seed", 1), run("--seed", 2, "--set", "number=3")).out
    assert "Not only the scenario differs: seed" in out
    assert "by luck alone" in out


def test_intervals_that_overlap_leave_the_finding_open(twinbox, run):
    out = twinbox("compare", run("--seed", 1, "--replications", 3), run("--seed", 2, "--replications", 3)).out
    assert "not sure" in out
    assert "the intervals overlap" in out


def test_a_comparison_needs_two_different_runs_with_something_in_common(twinbox, run):
    one = run()
    assert twinbox("compare", one, one).code == 2
    assert twinbox("compare", one).code == 2
    said = twinbox("compare", one, run(pilot="street_lamps"))
    assert said.code == 2
    assert "in common" in said.err


def value(centre, half=math.nan):
    return Value(centre, centre - half, centre + half)


@pytest.mark.parametrize(
    ("base", "other", "better", "finding"),
    [
        (value(1), value(2), "higher", "better"),
        (value(1), value(2), "lower", "worse"),
        (value(1), value(2), "neither", "higher"),
        (value(2), value(1), "neither", "lower"),
        (value(1), value(1), "higher", "same"),
        (value(1, 0.6), value(2, 0.6), "higher", "not sure"),
        (value(1, 0.4), value(2, 0.4), "higher", "better"),
        (value(1, 0.4), value(2), "lower", "worse"),
        (value(2, 5), value(2, 1), "lower", "same"),
    ],
)
def test_a_difference_is_judged_by_direction_and_intervals(base, other, better, finding):
    assert judge(base, other, better) == finding
