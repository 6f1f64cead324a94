"""Columns: from a source's own to those of a kind, by the word of the recipe.

A cell that cannot be used is treated by what it is worth: where the kind can do without the value, the cell is
emptied and the row stays; where it cannot, the row goes. Either way the ledger says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.city import fold
from geodata.cleaning.clock import read_times
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.cleaning.units import convert
from geodata.errors import InvalidInput
from geodata.kinds import Column, Kind

if TYPE_CHECKING:
    from geodata.recipe import ColumnRecipe

Mask = NDArray[np.bool_]

LEVEL = "node_level"

_BOOLEANS = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}


@dataclass(frozen=True)
class Fault:
    """Cells that cannot be used."""

    mask: Mask
    reason: str
    raw: pd.Series[Any]
    expected: str


def map_columns(
    frame: pd.DataFrame, kind: Kind, recipes: Mapping[str, ColumnRecipe], ledger: Ledger, *, file: str
) -> pd.DataFrame:
    """Make the columns of a kind.

    Args:
        frame: Rows with the source's columns, ``source_index`` and, for kinds on a map, ``geometry``.
        kind: The kind.
        recipes: How its columns are made; a column the source has by the same name needs no recipe.
        ledger: Where dropped rows and emptied cells are noted.
        file: The source, for messages.

    Returns:
        The rows that could be used, in the kind's columns.

    Raises:
        InvalidInput: The source lacks a column, or a unit or time zone does not fit.
    """
    frame = frame.reset_index(drop=True)
    made: dict[str, pd.Series[Any]] = {}
    faults: list[tuple[Column, Fault]] = []
    for column in _in_order(kind):
        recipe = recipes.get(column.name) or _same_name(frame, column)
        if recipe is None:
            continue
        series, found = _make(frame, kind, column, recipe, made, ledger, file)
        made[column.name] = series
        faults += [(column, fault) for fault in found]
    carried = [name for name in (INDEX, LEVEL, "geometry") if name in frame]
    table = frame[carried].assign(**{name: made[name] for name in _names(kind) if name in made})
    return settle(table, faults, ledger)


def settle(table: pd.DataFrame, faults: list[tuple[Column, Fault]], ledger: Ledger) -> pd.DataFrame:
    """Empty cells that the kind can do without, drop rows that it cannot use.

    The table's index tells which place of a fault's mask each row has.
    """
    settled: dict[str, Mask] = {}
    for column, fault in faults:
        # A cell may be wrong in two ways (infinite, and too large); the first is told.
        fresh = fault.mask & ~settled.get(column.name, np.zeros(len(fault.mask), np.bool_))
        settled[column.name] = settled.get(column.name, fault.mask) | fault.mask
        mask, raw = fresh[table.index], fault.raw.to_numpy(object)[table.index]
        if column.nullable:
            reason = f"{fault.reason}: cell emptied"
            ledger.repair(table, mask, reason, field=column.name, values=raw, expected=fault.expected)
            table = table.assign(**{column.name: table[column.name].mask(mask)})
        else:
            table = ledger.drop(table, mask, fault.reason, field=column.name, values=raw, expected=fault.expected)
    return table


def _in_order(kind: Kind) -> list[Column]:
    """What tells series apart first, then times, then what may depend on them."""
    keys = [column for column in kind.columns if column.name in kind.key and column.type != "time"]
    times = [column for column in kind.columns if column.type == "time"]
    return [*keys, *times, *(column for column in kind.columns if column not in keys and column not in times)]


def _names(kind: Kind) -> list[str]:
    return [column.name for column in kind.columns]


def _same_name(frame: pd.DataFrame, column: Column) -> ColumnRecipe | None:
    from geodata.recipe import ColumnRecipe

    return ColumnRecipe(source=column.name) if column.name in frame else None


def _make(
    frame: pd.DataFrame,
    kind: Kind,
    column: Column,
    recipe: ColumnRecipe,
    made: Mapping[str, pd.Series[Any]],
    ledger: Ledger,
    file: str,
) -> tuple[pd.Series[Any], list[Fault]]:
    raw = origin(frame, recipe, file, ledger)
    if column.type == "time":
        group = _group(frame, kind, column, made)
        return _times(raw, column, recipe, group, ledger, file)
    values, missed = recoded(raw, recipe)
    faults = [Fault(missed, "not among the values that the recipe knows", raw, column.expected)] if missed.any() else []
    if column.type == "text":
        return as_text(values), faults
    if column.type == "boolean":
        return _booleans(values, column, faults)
    return _numbers(values, raw, column, recipe, made.get("time"), faults, file)


def origin(frame: pd.DataFrame, recipe: ColumnRecipe, file: str, ledger: Ledger | None = None) -> pd.Series[Any]:
    """What the recipe takes from the source, with empty cells as None.

    Raises:
        InvalidInput: The source lacks a column.
    """
    if recipe.value is not None:
        return pd.Series([recipe.value] * len(frame), index=frame.index, dtype=object)
    if recipe.number_rows is not None:
        assert ledger is not None
        labels = [str(ledger.label(row)[1]).replace("/", "") for row in frame[INDEX]]
        return pd.Series(labels, index=frame.index, dtype=object).radd(recipe.number_rows)
    if recipe.measure is not None:
        measured = frame["geometry"].length if recipe.measure == "length" else frame["geometry"].area
        return pd.Series(measured.to_numpy(), index=frame.index)
    if recipe.text is not None:
        names = re.findall(r"\{([^{}]+)\}", recipe.text)
        parts = {name: as_text(_column(frame, name, file)) for name in names}
        return _filled(recipe.text, parts, frame.index)
    if recipe.first_of is not None:
        first = _emptied(_column(frame, recipe.first_of[0], file), recipe)
        for name in recipe.first_of[1:]:
            other = _emptied(_column(frame, name, file), recipe)
            first = first.astype(object).where(first.notna(), other.astype(object))
        return first
    if recipe.sum_of is not None:
        parts_of_sum = [pd.to_numeric(_emptied(_column(frame, name, file), recipe), errors="coerce") for name in recipe.sum_of]
        return pd.concat(parts_of_sum, axis=1).sum(axis=1, min_count=len(parts_of_sum))
    if isinstance(recipe.source, tuple):
        joined = as_text(_column(frame, recipe.source[0], file))
        for name in recipe.source[1:]:
            joined = joined.str.cat(as_text(_column(frame, name, file)), sep=" ")
        return joined
    assert recipe.source is not None
    return _emptied(_column(frame, recipe.source, file), recipe)


def _filled(template: str, parts: Mapping[str, pd.Series[Any]], index: pd.Index[Any]) -> pd.Series[Any]:
    """A template with each row's own values in it."""
    result = pd.Series("", index=index, dtype="string")
    for literal, name in re.findall(r"([^{}]*)(?:\{([^{}]+)\})?", template):
        result = result + literal
        if name:
            result = result + parts[name].fillna("")
    return result


def _column(frame: pd.DataFrame, name: str, file: str) -> pd.Series[Any]:
    if name not in frame:
        known = ", ".join(str(column) for column in frame.columns if column not in {INDEX, "geometry"})
        raise InvalidInput("the source lacks a column", file=file, field=name, expected=f"one of {known}")
    return frame[name]


def _emptied(raw: pd.Series[Any], recipe: ColumnRecipe) -> pd.Series[Any]:
    """Cells that stand for nothing become empty."""
    if pd.api.types.is_string_dtype(raw.dtype) or raw.dtype == object:
        text = raw.astype("string").str.strip()
        raw = raw.mask((text == "").fillna(value=False).to_numpy(bool))
        texts = [str(value) for value in recipe.nulls]
        return raw.mask(text.isin(texts).fillna(value=False).to_numpy(bool)) if texts else raw
    numbers = [float(value) for value in recipe.nulls if not isinstance(value, str) or _is_number(value)]
    return raw.mask(raw.isin(numbers)) if numbers else raw


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
        return (raw if numeric and recipe.value is None else as_text(raw)), missed
    text = as_text(raw)
    given = text.notna().to_numpy(bool)
    if recipe.pattern:
        text = text.str.extract(recipe.pattern, expand=False)
        missed = given & text.isna().to_numpy(bool)
    if recipe.fold:
        text = each(text, fold)
    if recipe.match or recipe.map is not None:
        found = each(text, lambda value: _choice(value, recipe))
        unknown = text.notna().to_numpy(bool) & found.isna().to_numpy(bool)
        if recipe.keep:
            found = found.astype(object).mask(unknown, text.astype(object))
        else:
            missed = missed | unknown
        text = found
        if recipe.otherwise is not None:
            text = text.astype(object).mask(text.isna().to_numpy(bool), recipe.otherwise)
            missed = np.zeros(len(raw), np.bool_)
    return text, missed


def each(text: pd.Series[Any], change: Any) -> pd.Series[Any]:
    """Change each different text once."""
    codes, unique = pd.factorize(text)
    changed = np.array([*(change(value) for value in unique), None], object)
    return pd.Series(changed[codes], index=text.index, dtype=object)


def _choice(value: str, recipe: ColumnRecipe) -> str | bool | float | None:
    for pattern, choice in recipe.match:
        if re.search(pattern, value):
            return choice
    return None if recipe.map is None else recipe.map.get(value)


def _booleans(values: pd.Series[Any], column: Column, faults: list[Fault]) -> tuple[pd.Series[Any], list[Fault]]:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("boolean"), faults
    text = as_text(values.map(lambda value: str(value).lower(), na_action="ignore"))
    truth = each(text, _BOOLEANS.get).astype("boolean")
    unknown = text.notna().to_numpy(bool) & truth.isna().to_numpy(bool)
    return truth, [*faults, Fault(unknown, "neither true nor false", values, column.expected)]


def _numbers(
    values: pd.Series[Any],
    raw: pd.Series[Any],
    column: Column,
    recipe: ColumnRecipe,
    time: pd.Series[Any] | None,
    faults: list[Fault],
    file: str,
) -> tuple[pd.Series[Any], list[Fault]]:
    numbers = _parsed(values, recipe)
    given = values.notna().to_numpy(bool)
    unread = given & numbers.isna().to_numpy(bool)
    if unread.any():
        faults = [*faults, Fault(unread, "not a number", raw, column.expected)]
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        faults = [*faults, Fault(infinite, "not a finite number", raw, column.expected)]
    scaled = numbers.to_numpy()
    try:
        scaled = convert(scaled, recipe.unit, column.unit or "1") if recipe.unit else scaled
    except ValueError as error:
        raise InvalidInput(str(error), file=file, field=column.name, value=recipe.unit) from error
    scaled = scaled * (recipe.factor if recipe.factor is not None else 1.0)
    if recipe.factors:
        if time is None:
            raise InvalidInput("factors by date need a column time", file=file, field=column.name)
        scaled = scaled * _factors(recipe, time)
    result = pd.Series(scaled, index=values.index)
    return (result.round().astype("Int64") if column.type == "integer" else result), faults


def _factors(recipe: ColumnRecipe, time: pd.Series[Any]) -> NDArray[np.float64]:
    """The factor that holds at each row's time; 1 before the first."""
    steps = sorted(recipe.factors, key=lambda step: step.since)
    since = pd.DatetimeIndex([pd.Timestamp(step.since).tz_convert("UTC") for step in steps])
    place = since.searchsorted(pd.DatetimeIndex(time), side="right")
    return np.array([1.0, *(step.factor for step in steps)])[place]


def _parsed(values: pd.Series[Any], recipe: ColumnRecipe) -> pd.Series[Any]:
    """Numbers; NaN where empty or unreadable."""
    if not (pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)):
        text = values.astype("string")
        if recipe.thousands:
            text = text.str.replace(recipe.thousands, "", regex=False)
        if recipe.decimal != ".":
            # A point is then no decimal sign: 1.234 is refused rather than read as one and a bit.
            text = text.mask(text.str.contains(".", regex=False)).str.replace(recipe.decimal, ".", regex=False)
        values = pd.to_numeric(text, errors="coerce")
    return pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)


def _group(
    frame: pd.DataFrame, kind: Kind, column: Column, made: Mapping[str, pd.Series[Any]]
) -> NDArray[np.int64] | None:
    """For the time of a series, which rows belong to one series."""
    if column.name not in kind.key:
        return None
    others = pd.DataFrame({name: made[name] for name in kind.key if name != column.name and name in made})
    if not len(others.columns):
        return np.zeros(len(frame), np.int64)
    return others.groupby(list(others.columns), sort=False, dropna=False).ngroup().to_numpy(np.int64)


def _times(
    raw: pd.Series[Any],
    column: Column,
    recipe: ColumnRecipe,
    group: NDArray[np.int64] | None,
    ledger: Ledger,
    file: str,
) -> tuple[pd.Series[Any], list[Fault]]:
    found = read_times(recoded(raw, recipe)[0] if recipe.pattern else raw, recipe.format, recipe.timezone, group)
    if found.unzoned.any():
        raise InvalidInput(
            "the times do not name their zone",
            file=file,
            field=column.name,
            value=raw[found.unzoned].iloc[0],
            expected="timezone in the column's recipe",
        )
    if found.twice.any():
        ledger.note(
            f"{int(found.twice.sum())} values of {column.name} fall into the hour that the clocks of "
            f"{recipe.timezone} show twice in autumn; the first is taken"
        )
    times = found.times + pd.Timedelta(seconds=recipe.shift_s)
    return times, [
        Fault(found.unreadable, "not a time", raw, f"a time written as {recipe.format or 'iso8601'}"),
        Fault(found.skipped, "an hour that clocks skip in spring", raw, f"a time that clocks of {recipe.timezone} show"),
    ]
