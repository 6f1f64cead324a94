"""Values: what a recipe takes from a source's columns, still as the source has them.

Example: ``{ first_of = ["maxspeed", "highway"], match = [["^residential", 30]], keep = true }`` takes the
posted limit where there is one, and otherwise what the class of the street stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.city import fold
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.errors import InvalidInput

if TYPE_CHECKING:
    from geodata.ingredients import ColumnRecipe

Mask = NDArray[np.bool_]


def origin(
    frame: pd.DataFrame, recipe: ColumnRecipe, file: str, ledger: Ledger | None = None
) -> pd.Series[Any]:
    """What the recipe takes from the source, with empty cells as None.

    Args:
        frame: The rows.
        recipe: What to take.
        file: The source, for messages.
        ledger: Where rows are numbered, for ``number_rows``.

    Raises:
        InvalidInput: The source lacks a column.
    """
    if recipe.source is not None:
        return _taken(frame, recipe, file)
    if recipe.value is not None:
        return pd.Series([recipe.value] * len(frame), index=frame.index, dtype=object)
    if recipe.first_of is not None or recipe.sum_of is not None:
        return _combined(frame, recipe, file)
    if recipe.text is not None:
        return _filled(frame, recipe.text, file)
    if recipe.measure is not None:
        shapes = frame["geometry"]
        measured = shapes.length if recipe.measure == "length" else shapes.area
        return pd.Series(measured.to_numpy(), index=frame.index)
    assert recipe.number_rows is not None
    assert ledger is not None
    labels = [str(ledger.label(row)[1]).replace("/", "") for row in frame[INDEX]]
    return pd.Series(labels, index=frame.index, dtype=object).radd(recipe.number_rows)


def _taken(frame: pd.DataFrame, recipe: ColumnRecipe, file: str) -> pd.Series[Any]:
    """A column, or several joined by a space."""
    if isinstance(recipe.source, str):
        return _emptied(column_of(frame, recipe.source, file), recipe)
    assert recipe.source is not None
    joined = as_text(column_of(frame, recipe.source[0], file))
    for name in recipe.source[1:]:
        joined = joined.str.cat(as_text(column_of(frame, name, file)), sep=" ")
    return joined


def _combined(frame: pd.DataFrame, recipe: ColumnRecipe, file: str) -> pd.Series[Any]:
    """The first of several columns that is filled in, or their sum."""
    parts = [
        _emptied(column_of(frame, name, file), recipe) for name in recipe.first_of or recipe.sum_of or ()
    ]
    if recipe.sum_of is not None:
        numbers = [pd.to_numeric(part, errors="coerce") for part in parts]
        return pd.concat(numbers, axis=1).sum(axis=1, min_count=len(parts))
    first = parts[0].astype(object)
    for part in parts[1:]:
        first = first.where(first.notna(), part.astype(object))
    return first


def _filled(frame: pd.DataFrame, template: str, file: str) -> pd.Series[Any]:
    """A template with each row's own values in it; empty cells leave nothing."""
    result = pd.Series("", index=frame.index, dtype="string")
    for literal, name in re.findall(r"([^{}]*)(?:\{([^{}]+)\})?", template):
        result = result + literal
        if name:
            result = result + as_text(column_of(frame, name, file)).fillna("")
    return result


def column_of(frame: pd.DataFrame, name: str, file: str) -> pd.Series[Any]:
    """A column of the source.

    Raises:
        InvalidInput: There is none of this name.
    """
    if name not in frame:
        known = ", ".join(str(column) for column in frame.columns if column not in {INDEX, "geometry"})
        raise InvalidInput("the source lacks a column", file=file, field=name, expected=f"one of {known}")
    return frame[name]


def _emptied(raw: pd.Series[Any], recipe: ColumnRecipe) -> pd.Series[Any]:
    """Cells that stand for nothing become empty."""
    named = isinstance(raw.dtype, pd.CategoricalDtype) or raw.dtype == object
    if named or pd.api.types.is_string_dtype(raw.dtype):
        text = raw.astype("string").str.strip()
        nothing = text.isin(["", *(str(value) for value in recipe.nulls)])
        return raw.mask(nothing.fillna(value=False).to_numpy(bool))
    numbers = [value for value in map(_as_number, recipe.nulls) if value is not None]
    return raw.mask(raw.isin(numbers)) if numbers else raw


def _as_number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def as_text(raw: pd.Series[Any]) -> pd.Series[Any]:
    """Texts without spaces around them; whole numbers without a decimal point; None where empty."""
    if pd.api.types.is_float_dtype(raw.dtype):
        numbers = raw.astype("float64")
        if bool(((numbers % 1 == 0) | numbers.isna()).all()):
            raw = numbers.astype("Int64")
    text = raw.astype("string").str.strip()
    return text.mask((text == "").fillna(value=False))


def recoded(raw: pd.Series[Any], recipe: ColumnRecipe) -> tuple[pd.Series[Any], Mask]:
    """The values after the recipe's pattern, fold, match and map, and where none of them applied."""
    missed = np.zeros(len(raw), np.bool_)
    if not (recipe.pattern or recipe.fold or recipe.match or recipe.map is not None):
        numeric = pd.api.types.is_numeric_dtype(raw.dtype) or pd.api.types.is_bool_dtype(raw.dtype)
        return (raw if numeric else as_text(raw)), missed
    text = as_text(raw)
    if recipe.pattern:
        found = text.str.extract(recipe.pattern, expand=False)
        missed = text.notna().to_numpy(bool) & found.isna().to_numpy(bool)
        text = found
    if recipe.fold:
        text = each(text, fold)
    if recipe.match or recipe.map is not None:
        text, unknown = _chosen(text, recipe)
        missed |= unknown
    if recipe.otherwise is not None:
        text = text.astype(object).mask(text.isna().to_numpy(bool), recipe.otherwise)
        missed[:] = False
    return text, missed


def _chosen(text: pd.Series[Any], recipe: ColumnRecipe) -> tuple[pd.Series[Any], Mask]:
    """What match and map make of each text, and which texts they do not know."""
    patterns = [(re.compile(pattern), choice) for pattern, choice in recipe.match]
    choices: Mapping[str, str | bool | float] = recipe.map or {}

    def choose(value: str) -> str | bool | float | None:
        for pattern, choice in patterns:
            if pattern.search(value):
                return choice
        return choices.get(value)

    found = each(text, choose)
    unknown = text.notna().to_numpy(bool) & found.isna().to_numpy(bool)
    if recipe.keep:
        return found.mask(unknown, text.astype(object)), np.zeros(len(text), np.bool_)
    return found, unknown


def each(text: pd.Series[Any], change: Callable[[str], Any]) -> pd.Series[Any]:
    """Change each different text once."""
    codes, unique = pd.factorize(text)
    changed = np.empty(len(unique) + 1, object)
    changed[:-1] = [change(value) for value in unique]
    return pd.Series(changed[codes], index=text.index, dtype=object)
