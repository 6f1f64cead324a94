"""Equations and curves: forms as printed, and growth that only ever goes up."""

from __future__ import annotations

import numpy as np
import pytest

from geodata.errors import InvalidData, UnknownName, UnreadableSource
from pilots.green.growth.curves import AgeCurve, size_curves
from pilots.green.growth.equations import FORMS, GrowthEquation, equation, read_equations

HEAD = (
    "Region,Scientific Name,SpCode,Independent variable,Predicts component ,EqName,"
    "a,b,c,d,e,Apps min,Apps max,Sigma\n"
)
LIME = "MidWst,Tilia cordata,TICO,age,dbh,cub,3.31492,1.20157,0.13063,-0.00336,,3.31,66.18,1\n"
LIME_CROWN = "MidWst,Tilia cordata,TICO,dbh,crown dia,loglogw1,-1.2244,2.59725,0.02277,,,0.8,12.36,1\n"


def read(tmp_path, rows: str, **settings) -> list[GrowthEquation]:
    path = tmp_path / "equations.csv"
    path.write_text(HEAD + rows)
    return read_equations(path, **settings)


def test_a_lime_in_minneapolis(tmp_path):
    lime = equation(read(tmp_path, LIME), "MidWst", "TICO", "dbh_cm", "age_years")
    assert float(lime(10)) == pytest.approx(3.31492 + 12.0157 + 13.063 - 3.36)


def test_every_published_form_is_known_and_finite():
    assert set(FORMS) == {
        "lin",
        "quad",
        "cub",
        "quart",
        *(f"{k}w{n}" for k in ("loglog", "expo") for n in "1234"),
    }
    for form in FORMS.values():
        assert np.isfinite(form(np.array([5.0, 50.0]), (0.1, 0.05, 0.02, 0.0, 0.0))).all()


def test_half_the_error_inside_or_outside_the_logarithm(tmp_path):
    printed = read(tmp_path, LIME_CROWN)[0]
    assert float(printed(30)) == pytest.approx(np.exp(-1.2244 + 2.59725 * np.log(np.log(31) + 0.02277 / 2)))
    inland_empire = read(tmp_path, LIME_CROWN.replace("MidWst", "InlEmp"))[0]
    assert float(inland_empire(30)) == pytest.approx(
        np.exp(-1.2244 + 2.59725 * np.log(np.log(31)) + 0.02277 / 2)
    )
    leaf = "MidWst,Tilia cordata,TICO,dbh,leaf area,loglogw1,-7.34991,9.5324,0.2519,,,0.23,666.71,1\n"
    assert read(tmp_path, leaf)[0](30) > read(tmp_path, leaf, bias_corrected_leaf_area=True)[0](30)


def test_a_polynomial_is_followed_only_while_it_rises(tmp_path):
    lime = equation(read(tmp_path, LIME), "MidWst", "TICO", "dbh_cm", "age_years")
    curve = AgeCurve.of(lime)
    assert (np.diff(curve.dbh_cm) > 0).all()
    assert curve.dbh_cm[-1] <= 66.18
    assert float(lime(60)) < 0  # the equation itself has long turned over
    assert curve.dbh_at(60.0) == curve.dbh_cm[-1]
    dbh = np.array([1.0, 5.0, 20.0, 60.0])
    np.testing.assert_allclose(curve.dbh_at(curve.age_at(dbh)), dbh, atol=1e-9)
    assert curve.age_at(1.0) < 0  # a sapling is younger than planting


def test_components_never_shrink_as_the_trunk_grows():
    from importlib.resources import as_file, files

    with as_file(files("pilots.green.growth") / "northern_equations.csv") as path:
        rows = read_equations(path)
    for region, code in sorted({(e.region, e.code) for e in rows}):
        curves = size_curves(rows, region, code, 120.0)
        for values in (curves.height_m, curves.crown_diameter_m, curves.leaf_area_m2):
            assert (np.diff(values) >= 0).all(), code
        assert (curves.crown_height_m < curves.height_m).all()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (LIME.replace("cub", "cubic"), "EqName"),
        (LIME.replace(",age,", ",girth,"), "Independent variable"),
        (LIME.replace("-0.00336", ""), "a to e"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, field):
    with pytest.raises(InvalidData, match=f"row 2, field {field}"):
        read(tmp_path, LIME_CROWN + row)


def test_absent_equations_and_files_are_told(tmp_path):
    with pytest.raises(UnknownName, match="height_m"):
        equation(read(tmp_path, LIME), "MidWst", "TICO", "height_m")
    with pytest.raises(UnreadableSource, match="cannot read"):
        read_equations(tmp_path / "none.csv")
    path = tmp_path / "other.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(UnreadableSource, match="lacks columns"):
        read_equations(path)
