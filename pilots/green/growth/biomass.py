"""Wood, carbon and carbon dioxide in trees.

A lime with a trunk of 40 cm and a height of 13 m holds 1.7 m3 of wood above ground, some 700 kg when dry;
with its roots that is half a tonne of carbon. Volume equations measured on city trees come first (McHale and
others 2009; Pillsbury and others 1998; Aguaron and McPherson 2012, all as given in tables S7 to S9 of the
Urban Tree Database); forest equations over-estimate open-grown trees and are reduced by a fifth, as i-Tree
Eco does.

An equation carried to another city errs by up to 60 % for a whole street population (McHale and others 2009,
Urban Forestry and Urban Greening 8:49-60): give ranges.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData, UnreadableSource

Floats = NDArray[np.float64]

ROOT_SHARE = 1.28
"""Whole dry weight over dry weight above ground (Husch, Miller and Beers 1982; PSW-GTR-253)."""

CARBON_SHARE = 0.5
CO2_PER_CARBON = 44.0 / 12.0
FOREST_TO_OPEN_GROWN = 0.8
"""i-Tree Eco's reduction for biomass from forest equations; never for urban ones."""


@dataclass(frozen=True)
class WoodEquation:
    """Volume of wood above ground as ``scale x dbh^dbh_power x height^height_power``, and its density.

    Attributes:
        scale: For m3 from dbh in cm and height in m.
        dbh_power: Exponent of dbh.
        height_power: Exponent of height.
        density_kg_m3: Dry weight of a cubic metre of green wood.
        from_forest: The equation was measured in forests.
    """

    scale: float
    dbh_power: float
    height_power: float
    density_kg_m3: float
    from_forest: bool = False

    def volume_m3(self, dbh_cm: ArrayLike, height_m: ArrayLike) -> Floats:
        """Volume of wood above ground."""
        dbh, height = np.asarray(dbh_cm, dtype=float), np.asarray(height_m, dtype=float)
        return np.asarray(self.scale * dbh**self.dbh_power * height**self.height_power)

    def carbon_kg(self, dbh_cm: ArrayLike, height_m: ArrayLike) -> Floats:
        """Carbon in the whole tree, roots included."""
        dry = self.volume_m3(dbh_cm, height_m) * self.density_kg_m3
        return whole_tree_carbon_kg(dry, from_forest=self.from_forest)


def whole_tree_carbon_kg(above_ground_kg: ArrayLike, *, from_forest: bool = False) -> Floats:
    """Carbon in a tree with its roots from its dry weight above ground.

    Args:
        above_ground_kg: Dry weight above ground.
        from_forest: It comes from a forest equation (dry weight or volume of forest-grown trees).
    """
    open_grown = FOREST_TO_OPEN_GROWN if from_forest else 1.0
    return np.asarray(np.asarray(above_ground_kg, dtype=float) * open_grown * ROOT_SHARE * CARBON_SHARE)


_NAMES = {"dbhcm": "dbh_cm", "htm": "height_m", "htmet": "height_m", "dwdensity": "density_kg_m3"}
_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {"EXP": np.exp, "LN": np.log, "SQRT": np.sqrt}
_OPERATORS: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class BiomassEquation:
    """One row of the database's tables S7 (urban) or S8 (rural and general).

    Attributes:
        species: Species or group.
        predicts: ``Volume`` (m3 of wood above ground) or ``DW Biomass`` (kg dry above ground).
        text: The formula as published. Where table S8 subtracts "foliage" as exp(b0 + b1/dbh), the formula
            takes a share for kilograms and leaves the foliage in; it is followed as printed.
        least_dbh_cm: Smallest measured trunk.
        largest_dbh_cm: Largest measured trunk.
        from_forest: From table S8.
    """

    species: str
    predicts: str
    text: str
    least_dbh_cm: float
    largest_dbh_cm: float
    from_forest: bool

    def __call__(self, dbh_cm: ArrayLike, height_m: ArrayLike, density_kg_m3: ArrayLike = np.nan) -> Floats:
        """Evaluate the formula."""
        values = {
            "dbh_cm": np.asarray(dbh_cm, dtype=float),
            "height_m": np.asarray(height_m, dtype=float),
            "density_kg_m3": np.asarray(density_kg_m3, dtype=float),
        }
        return _evaluate(_parse(self.text), values)


def read_biomass_equations(path: str | Path, *, from_forest: bool) -> list[BiomassEquation]:
    """Read table S7 (urban) or S8 (``from_forest``) of the Urban Tree Database.

    Raises:
        UnreadableSource: The file is missing or lacks columns.
        InvalidData: A formula cannot be read.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableSource("cannot read biomass equations", file=path, hint=str(error)) from error
    table.columns = [str(name).strip() for name in table.columns]
    needed = ["Equation Species", "DBH lower (cm)", "DBH upper (cm)", "Equation", "Predicts"]
    lacking = [name for name in needed if name not in table.columns]
    if lacking:
        raise UnreadableSource("the table of biomass equations lacks columns", file=path, value=lacking)
    found = []
    for row, (species, least, largest, text, predicts) in enumerate(
        table[needed].itertuples(index=False), start=1
    ):
        try:
            _parse(text)
        except SyntaxError as error:
            raise InvalidData(
                "cannot read a formula", file=path, row=row, field="Equation", value=text
            ) from error
        low, high = np.nan_to_num(float(least), nan=0.0), np.nan_to_num(float(largest), nan=np.inf)
        found.append(BiomassEquation(species.strip(), predicts.strip(), text, low, high, from_forest))
    return found


def _parse(text: str) -> ast.expr:
    """Turn a spreadsheet formula into an expression."""
    formula = text.strip().lstrip("=").replace("^", "**").replace("dw density", "dwdensity").replace(" ", "")
    if (
        formula.count(")") == formula.count("(") + 1
    ):  # one published formula closes a bracket that it never opened
        formula = formula.replace(")", "", 1)
    return ast.parse(formula, mode="eval").body


def _evaluate(node: ast.expr, values: dict[str, Floats]) -> Floats:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return np.asarray(float(node.value))
    if isinstance(node, ast.Name):
        if node.id not in _NAMES:  # one published formula has a symbol that is explained nowhere
            raise InvalidData("a formula has an unknown symbol", value=node.id, expected=", ".join(_NAMES))
        return values[_NAMES[node.id]]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return np.asarray(-_evaluate(node.operand, values))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return np.asarray(
            _OPERATORS[type(node.op)](_evaluate(node.left, values), _evaluate(node.right, values))
        )
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
        return np.asarray(_FUNCTIONS[node.func.id](_evaluate(node.args[0], values)))
    raise InvalidData("a formula uses something else than arithmetic", value=ast.dump(node))
