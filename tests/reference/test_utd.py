"""Growth of city trees against the Urban Tree Database (McPherson, van Doorn and Peper 2016)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData
from pilots.green.growth.biomass import read_biomass_equations
from pilots.green.growth.equations import COMPONENTS, equation, read_equations

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def utd(reference_cases: Path) -> Path:
    return reference_cases / "utd"


def test_every_reproducible_published_prediction_is_met(utd):
    known = {(e.region, e.code, e.component): e for e in read_equations(utd / "TS6_Growth_coefficients.csv")
             if e.variable == "dbh_cm"}  # fmt: skip
    published = pd.read_csv(utd / "utd_published_predictions.csv").query("reproduced == 1")
    assert len(published) == 2197
    for row in published.itertuples():
        predicted = float(known[row.region, row.spcode, COMPONENTS[row.component]](row.dbh_cm))
        assert predicted == pytest.approx(row.published_apps, abs=0.011, rel=0.002), row


def test_every_row_of_the_table_can_be_read(utd):
    rows = read_equations(utd / "TS6_Growth_coefficients.csv")
    assert len(rows) == 2402
    assert len({(e.region, e.code, e.component, e.variable) for e in rows}) == 2402


def test_the_worked_example_of_the_guide(utd):
    rows = read_equations(utd / "TS6_Growth_coefficients.csv")
    sweetgum = equation(rows, "NoCalC", "LIST", "dbh_cm", "age_years")
    assert float(sweetgum(33)) == pytest.approx(42.2, abs=0.05)
    assert float(equation(rows, "NoCalC", "LIST", "height_m")(42.2)) == pytest.approx(15.129, abs=0.001)
    assert float(equation(rows, "NoCalC", "LIST", "leaf_area_m2")(42.2)) == pytest.approx(413.24, abs=0.01)


def test_wood_of_the_worked_example(utd):
    rows = read_biomass_equations(utd / "TS7_Volume_eqns_from_urban.csv", from_forest=False)
    with_height = next(e for e in rows if e.species == "Liquidambar styraciflua")
    volume = float(with_height(42.2, 15.129))
    assert volume == pytest.approx(1.1335, abs=5e-5)
    assert volume * 460 == pytest.approx(521.41, abs=0.05)


def test_forest_equations_can_be_read_and_say_what_they_cannot_do(utd):
    rows = read_biomass_equations(utd / "TS8_Volume_and_biomass_eqns_from_rural.csv", from_forest=True)
    pine = next(e for e in rows if e.species == "Gen Sftwd pine")
    expected = np.exp(-2.5356 + 2.4349 * np.log(30)) - np.exp(-2.9584 + 4.4766 / 30)
    assert float(pine(30, 15)) == pytest.approx(expected)
    spiny = next(e for e in rows if "spiny" in e.species)
    with pytest.raises(InvalidData, match="unknown symbol"):
        spiny(20, 8, 600)


@pytest.mark.parametrize(("corrected", "least", "largest"), [(False, 0.05, 0.15), (True, -0.025, 0.025)])
def test_bias_of_leaf_area_against_the_raw_trees(utd, corrected, least, largest):
    rows = read_equations(utd / "TS6_Growth_coefficients.csv", bias_corrected_leaf_area=corrected)
    leaf = {(e.region, e.code): e for e in rows if e.component == "leaf_area_m2" and e.form == "loglogw1"}
    raw = pd.read_csv(utd / "TS3_Raw_tree_data.csv", encoding="latin1")
    raw = raw[(raw["Leaf (m2)"] > 0) & (raw["DBH (cm)"] > 0)]
    bias = [
        leaf[key](trees["DBH (cm)"]).mean() / trees["Leaf (m2)"].mean() - 1
        for key, trees in raw.groupby(["Region", "SpCode"])
        if key in leaf and len(trees) >= 10
    ]
    assert len(bias) > 200
    assert least <= np.median(bias) <= largest
    assert {e.bias_corrected for e in leaf.values()} == {corrected}


def test_fit_to_the_raw_trees(utd):
    """Relative errors that the published equations reach on their own trees (medians over species)."""
    rows = {(e.region, e.code, e.component): e for e in read_equations(utd / "TS6_Growth_coefficients.csv")
            if e.variable == "dbh_cm"}  # fmt: skip
    raw = pd.read_csv(utd / "TS3_Raw_tree_data.csv", encoding="latin1")
    for component, column, allowed in (
        ("height_m", "TreeHt (m)", 0.19),
        ("crown_diameter_m", "AvgCdia (m)", 0.18),
    ):
        known = raw[(raw[column] > 0) & (raw["DBH (cm)"] > 0)]
        errors = [
            np.sqrt(((rows[(*key, component)](t["DBH (cm)"]) - t[column]) ** 2).mean()) / t[column].mean()
            for key, t in known.groupby(["Region", "SpCode"])
            if (*key, component) in rows and len(t) >= 10
        ]
        assert np.median(errors) <= allowed + 0.005
