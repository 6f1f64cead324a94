"""The growth equations of the Urban Tree Database, and a reader for its table of coefficients.

The database (McPherson, van Doorn and Peper 2016, "Urban tree database", USDA Forest Service RDS-2016-0005
and PSW-GTR-253, with the errata of January 2020) holds 2,402 equations fitted to 14,487 measured trees in 17
US cities: trunk diameter from age, age from diameter, and height, crown and leaf area from diameter. A lime
in Minneapolis, for example, has a trunk of 3.31 + 1.20 t + 0.131 t2 - 0.0034 t3 centimetres t years after
planting.

Every row of the published table can be read and evaluated, so that a city with a better climate analogue than
ours can bring its own rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData, UnknownName, UnreadableSource

Floats = NDArray[np.float64]
Coefficients = tuple[float, float, float, float, float]

COMPONENTS = {
    "age": "age_years",
    "dbh": "dbh_cm",
    "tree ht": "height_m",
    "crown dia": "crown_diameter_m",
    "crown ht": "crown_height_m",
    "leaf area": "leaf_area_m2",
}
"""The database's names of what is predicted, and ours."""

VARIABLES = {"age": "age_years", "dbh": "dbh_cm", "cdia": "crown_diameter_m"}


def _polynomial(x: Floats, k: Coefficients) -> Floats:
    a, b, c, d, e = k
    return np.asarray(a + x * (b + x * (c + x * (d + x * e))))


def _loglog(spread: Callable[[Floats], Floats]) -> Callable[[Floats, Coefficients], Floats]:
    def curve(x: Floats, k: Coefficients) -> Floats:
        a, b, mse, _, _ = k
        return np.asarray(np.exp(a + b * np.log(np.log(x + 1)) + spread(x) * mse / 2))

    return curve


def _exponential(spread: Callable[[Floats], Floats]) -> Callable[[Floats, Coefficients], Floats]:
    def curve(x: Floats, k: Coefficients) -> Floats:
        a, b, mse, _, _ = k
        return np.asarray(np.exp(a + b * x + spread(x) * mse / 2))

    return curve


def _loglog_inside(x: Floats, k: Coefficients) -> Floats:
    a, b, mse, _, _ = k
    return np.asarray(np.exp(a + b * np.log(np.log(x + 1) + mse / 2)))


_SPREADS: dict[str, Callable[[Floats], Floats]] = {
    "1": np.ones_like,
    "2": np.sqrt,
    "3": np.asarray,
    "4": np.square,
}

FORMS: dict[str, Callable[[Floats, Coefficients], Floats]] = {
    **dict.fromkeys(("lin", "quad", "cub", "quart"), _polynomial),
    "loglogw1": _loglog_inside,
    **{f"loglogw{n}": _loglog(_SPREADS[n]) for n in "234"},
    **{f"expow{n}": _exponential(_SPREADS[n]) for n in "1234"},
}
"""Published forms (table S4 with its errata) by name, as functions of x and the coefficients a to e.

In the logarithmic forms c is the mean square error of ln y. ``loglogw1`` is printed with half of it inside
the inner logarithm, and the authors' own predicted ranges confirm that reading.
"""

_OUTSIDE = _loglog(_SPREADS["1"])
_POLYNOMIAL_TERMS = {"lin": 2, "quad": 3, "cub": 4, "quart": 5}


@dataclass(frozen=True)
class GrowthEquation:
    """One equation of the database.

    Attributes:
        region: Code of the climate region, such as ``MidWst`` (Minneapolis).
        species: Scientific name.
        code: Species code, such as ``TICO``.
        variable: What x is, a value of ``VARIABLES``.
        component: What y is, a value of ``COMPONENTS``.
        form: Name in ``FORMS``.
        coefficients: a to e; absent ones are 0.
        least: Smallest predicted value that the authors stand behind, in units of y.
        largest: Largest such value.
        sigma: Standard error of the (weighted) fit.
        bias_corrected: Evaluate ``loglogw1`` with half the mean square error outside the inner logarithm.
            Against the raw trees the printed form over-predicts leaf area by a tenth, this one by a fortieth.
    """

    region: str
    species: str
    code: str
    variable: str
    component: str
    form: str
    coefficients: Coefficients
    least: float
    largest: float
    sigma: float
    bias_corrected: bool = False

    def __call__(self, x: ArrayLike) -> Floats:
        """Evaluate the equation at x."""
        curve = FORMS[self.form]
        if self.form == "loglogw1" and (self.bias_corrected or self._fitted_outside):
            curve = _OUTSIDE
        return curve(np.asarray(x, dtype=np.float64), self.coefficients)

    @property
    def _fitted_outside(self) -> bool:
        # The predicted ranges of the Inland Empire's crown diameters and leaf areas follow the other reading.
        return self.region == "InlEmp" and self.component in {"crown_diameter_m", "leaf_area_m2"}


def read_equations(path: str | Path, *, bias_corrected_leaf_area: bool = False) -> list[GrowthEquation]:
    """Read a table of growth coefficients in the form published with the database (table S6).

    Args:
        path: CSV with the columns Region, Scientific Name, SpCode, Independent variable, Predicts component,
            EqName, a to e, Apps min, Apps max and Sigma.
        bias_corrected_leaf_area: Evaluate leaf area without its bias; see `GrowthEquation`.

    Raises:
        UnreadableSource: The file is missing or lacks columns.
        InvalidData: A row has an unknown form, variable or component, or lacks a coefficient.
    """
    try:
        table = pd.read_csv(path, comment="#")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableSource("cannot read growth equations", file=path, hint=str(error)) from error
    table.columns = [str(name).strip() for name in table.columns]
    needed = [
        "Region",
        "Scientific Name",
        "SpCode",
        "Independent variable",
        "Predicts component",
        "EqName",
        *"abcde",
        "Apps min",
        "Apps max",
        "Sigma",
    ]
    lacking = [name for name in needed if name not in table.columns]
    if lacking:
        raise UnreadableSource("the table of growth equations lacks columns", file=path, value=lacking)
    rows = table[needed].itertuples(index=False, name=None)
    return [
        _equation(values, path, i + 1, corrected=bias_corrected_leaf_area) for i, values in enumerate(rows)
    ]


def _equation(values: tuple[object, ...], path: str | Path, row: int, *, corrected: bool) -> GrowthEquation:
    region, species, code, variable, component, form = (str(value).strip() for value in values[:6])
    numbers = [float(str(value)) for value in values[6:]]
    for name, value, known in (
        ("Independent variable", variable, VARIABLES),
        ("Predicts component", component, COMPONENTS),
        ("EqName", form, FORMS),
    ):
        if value not in known:
            raise InvalidData(
                "unknown word", file=path, row=row, field=name, value=value, expected=", ".join(known)
            )
    used = _POLYNOMIAL_TERMS.get(form, 3)
    if np.isnan(numbers[:used]).any():
        raise InvalidData(
            "a coefficient is missing", file=path, row=row, field="a to e", expected=f"{used} numbers"
        )
    # Some rows carry a figure of another kind in the columns that their form does not use.
    a, b, c, d, e = (*numbers[:used], *([0.0] * (5 - used)))
    return GrowthEquation(
        region=region,
        species=species,
        code=code,
        variable=VARIABLES[variable],
        component=COMPONENTS[component],
        form=form,
        coefficients=(a, b, c, d, e),
        least=numbers[5],
        largest=numbers[6],
        sigma=numbers[7],
        bias_corrected=corrected and component == "leaf area",
    )


def equation(
    equations: list[GrowthEquation], region: str, code: str, component: str, variable: str = "dbh_cm"
) -> GrowthEquation:
    """Find one equation.

    Raises:
        UnknownName: There is none for that region, species, component and variable.
    """
    for candidate in equations:
        found = (candidate.region, candidate.code, candidate.component, candidate.variable)
        if found == (region, code, component, variable):
            return candidate
    raise UnknownName("no such growth equation", value=f"{component} from {variable} of {code} in {region}")
