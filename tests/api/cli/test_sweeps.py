"""`twinbox sweep`."""

from __future__ import annotations

import json

import pytest

from api.cli.sweeps import _once_if_unmoved

SWEEP = ("sweep", "lanterns", "--city", "tallinn", "--city", "rae", "--workers", 1)


@pytest.mark.slow
def test_a_sweep_shows_intervals_and_paired_differences_and_draws_them(shell, tmp_path):
    words = (*SWEEP, "--grid", "number=10,20", "--grid", "oil_l=0.5,1", "--seeds", 3, "--chart", tmp_path)
    said = shell(*words)
    assert said.code == 0, said.err
    assert "4 points × 3 seeds" in said.out
    assert "SYNTHETIC DEMO DATA" in said.out
    assert "No value at any point: complaints" in said.out
    assert "Test Office of Maps" in said.out
    assert {file.name for file in tmp_path.glob("*.png")} == {
        "lanterns-response-1.png",
        "lanterns-frontier-oil-light.png",
    }
    document = json.loads(shell(*words, "--json").out)
    rows = [row for row in document["kpis"] if row["kpi"] == "light" and row["city"] == "rae"]
    assert [(row["number"], row["oil_l"]) for row in rows] == [(10, 0.5), (10, 1), (20, 0.5), (20, 1)]
    assert rows[-1]["difference"] == pytest.approx(rows[0]["value"])


def test_an_indicator_that_the_grid_leaves_alone_takes_one_line():
    def row(kpi, number, difference, low=0.0, high=0.0):
        told = {"difference": difference, "difference_low": low, "difference_high": high}
        return {"kpi": kpi, "number": number, **told}

    unsure = [row("oil", 10, 0.0), row("oil", 20, 0.0, -1.0, 1.0)]
    moved = [row("light", 10, 0.0), row("light", 20, 5.0)]
    still = [row("bench", 10, 0.0), row("bench", 20, 0.0)]
    single_seed = [row("lane", 10, 0.0, float("nan"), float("nan"))] * 2
    told = _once_if_unmoved([*unsure, *moved, *still, *single_seed], ("number",))
    assert [(line["kpi"], line["number"]) for line in told] == [
        ("oil", 10), ("oil", 20), ("light", 10), ("light", 20), ("bench", "any"), ("lane", "any"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((*SWEEP,), 2, "--grid"),
        ((*SWEEP, "--grid", "number"), 2, "malformed"),
        ((*SWEEP, "--grid", "lamps=1,2"), 2, "lamps"),
        ((*SWEEP, "--grid", "number=0,2"), 2, "greater than or equal to 1"),
        ((*SWEEP, "--grid", "number=1,2", "--seeds", 0), 2, "--seeds"),
        ((*SWEEP[:4], "--grid", "number=1,2"), 3, "finest-2020"),
    ],
)
def test_a_bad_sweep_is_refused_before_anything_is_simulated(twinbox, home, words, code, text):
    said = twinbox(*words)
    assert said.code == code
    assert text in said.err
    assert not (home / "sweeps").exists()
