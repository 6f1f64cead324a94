"""Columns: from a source's own to those of a kind, by the word of the recipe.

A cell that cannot be used is treated by what it is worth: where the kind can do without the value, the cell
is emptied and the row stays; where it cannot, the row goes. Either way the ledger says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.cleaning.clock import read_times
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.cleaning.units import convert
from geodata.cleaning.values import as_text, each, origin, recoded
from geodata.errors import InvalidInput
from geodata.kinds import Column, Kind

if TYPE_CHECKING:
    from geodata.ingredients import ColumnRecipe

Mask = NDArray[np.bool_]

LEVEL = "node_level"

_TRUTH = {
    "true": True,
    "1": True,
    "yes": True,
    "t": True,
    "false": False,
    "0": False,
    "no": False,
    "f": False,
}


@dataclass(frozen=True)
class Fault:
    """Cells that cannot be used.

    Args:
        mask: Which rows, of the table as it was when the fault was found.
        reason: Why.
        raw: What stood there, one for each row.
        expected: What should have stood there.
    """

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
    making = _Making(frame, kind, ledger, file)
    for column in _in_order(kind):
        recipe = recipes.get(column.name) or _same_name(frame, column)
        if recipe is not None:
            making.make(column, recipe)
    carried = [name for name in (INDEX, LEVEL, "geometry") if name in frame]
    made = {column.name: making.made[column.name] for column in kind.columns if column.name in making.made}
    return settle(frame[carried].assign(**made), making.faults, ledger)


def settle(table: pd.DataFrame, faults: list[tuple[Column, Fault]], ledger: Ledger) -> pd.DataFrame:
    """Empty cells that the kind can do without, drop rows that it cannot use.

    The table's index tells which place of a fault's mask each row has.
    """
    settled: dict[str, Mask] = {}
    for column, fault in faults:
        # A cell may be wrong in two ways (infinite, and too large); the first is told.
        told = settled.setdefault(column.name, np.zeros(len(fault.mask), np.bool_))
        mask, raw = (fault.mask & ~told)[table.index], fault.raw.to_numpy(object)[table.index]
        told |= fault.mask
        if column.nullable:
            reason = f"{fault.reason}: cell emptied"
            ledger.repair(table, mask, reason, field=column.name, values=raw, expected=fault.expected)
            table = table.assign(**{column.name: table[column.name].mask(mask)})
        else:
            table = ledger.drop(
                table, mask, fault.reason, field=column.name, values=raw, expected=fault.expected
            )
    return table


def _in_order(kind: Kind) -> list[Column]:
    """What tells series apart first, then times, then what may depend on them."""
    keys = [column for column in kind.columns if column.name in kind.key and column.type != "time"]
    times = [column for column in kind.columns if column.type == "time"]
    return [*keys, *times, *(column for column in kind.columns if column not in keys and column not in times)]


def _same_name(frame: pd.DataFrame, column: Column) -> ColumnRecipe | None:
    from geodata.ingredients import ColumnRecipe

    return ColumnRecipe(source=column.name) if column.name in frame else None


@dataclass
class _Making:
    """The columns made so far, and what was wrong with their cells."""

    frame: pd.DataFrame
    kind: Kind
    ledger: Ledger
    file: str
    made: dict[str, pd.Series[Any]] = field(default_factory=dict)
    faults: list[tuple[Column, Fault]] = field(default_factory=list)

    def make(self, column: Column, recipe: ColumnRecipe) -> None:
        """Make one column."""
        raw = origin(self.frame, recipe, self.file, self.ledger)
        values, missed = recoded(raw, recipe)
        self._blame(column, missed, "not among the values that the recipe knows", raw)
        if column.type == "time":
            self.made[column.name] = self._times(column, recipe, raw, values if recipe.pattern else raw)
        elif column.type == "text":
            self.made[column.name] = as_text(values)
        elif column.type == "boolean":
            self.made[column.name] = self._booleans(column, values)
        else:
            self.made[column.name] = self._numbers(column, recipe, raw, values)

    def _blame(
        self, column: Column, mask: Mask, reason: str, raw: pd.Series[Any], expected: str | None = None
    ) -> None:
        if mask.any():
            self.faults.append((column, Fault(mask, reason, raw, expected or column.expected)))

    def _booleans(self, column: Column, values: pd.Series[Any]) -> pd.Series[Any]:
        if pd.api.types.is_bool_dtype(values.dtype):
            return values.astype("boolean")
        text = as_text(values.map(lambda value: str(value).lower(), na_action="ignore"))
        truth = each(text, _TRUTH.get).astype("boolean")
        unknown = text.notna().to_numpy(bool) & truth.isna().to_numpy(bool)
        self._blame(column, unknown, "neither true nor false", values)
        return truth

    def _numbers(
        self, column: Column, recipe: ColumnRecipe, raw: pd.Series[Any], values: pd.Series[Any]
    ) -> pd.Series[Any]:
        numbers = _parsed(values, recipe)
        self._blame(column, values.notna().to_numpy(bool) & np.isnan(numbers), "not a number", raw)
        self._blame(column, np.isinf(numbers), "not a finite number", raw)
        if recipe.unit is not None:
            try:
                numbers = convert(numbers, recipe.unit, column.unit or "1")
            except ValueError as error:
                raise InvalidInput(
                    str(error), file=self.file, field=column.name, value=recipe.unit
                ) from error
        if recipe.factor is not None:
            numbers = numbers * recipe.factor
        if recipe.factors:
            if "time" not in self.made:
                raise InvalidInput("factors by date need a column time", file=self.file, field=column.name)
            numbers = numbers * _factors(recipe, self.made["time"])
        result = pd.Series(numbers, index=values.index)
        return result.round().astype("Int64") if column.type == "integer" else result

    def _times(
        self, column: Column, recipe: ColumnRecipe, raw: pd.Series[Any], values: pd.Series[Any]
    ) -> pd.Series[Any]:
        found = read_times(values, recipe.format, recipe.timezone, self._group(column))
        if found.unzoned.any():
            raise InvalidInput(
                "the times do not name their zone",
                file=self.file,
                field=column.name,
                value=raw[found.unzoned].iloc[0],
                expected="timezone in the column's recipe",
            )
        if found.twice.any():
            self.ledger.note(
                f"{int(found.twice.sum())} values of {column.name} fall into the hour that the clocks of "
                f"{recipe.timezone} show twice in autumn; the first is taken"
            )
        written = f"a time written as {recipe.format or 'iso8601'}"
        shown = f"a time that the clocks of {recipe.timezone} show"
        self._blame(column, found.unreadable, "not a time", raw, written)
        self._blame(column, found.skipped, "an hour that clocks skip in spring", raw, shown)
        return found.times + pd.Timedelta(seconds=recipe.shift_s)

    def _group(self, column: Column) -> NDArray[np.int64] | None:
        """For the time of a series, which rows belong to one series."""
        if column.name not in self.kind.key:
            return None
        others = {name: self.made[name] for name in self.kind.key if name in self.made}
        if not others:
            return np.zeros(len(self.frame), np.int64)
        table = pd.DataFrame(others)
        codes = table.groupby(list(others), sort=False, dropna=False).ngroup()
        return codes.to_numpy().astype(np.int64)


def _parsed(values: pd.Series[Any], recipe: ColumnRecipe) -> NDArray[np.float64]:
    """Numbers; NaN where empty or unreadable."""
    if not (pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)):
        text = values.astype("string")
        if recipe.thousands:
            text = text.str.replace(recipe.thousands, "", regex=False)
        if recipe.decimal != ".":
            # A point is then no decimal sign: 1.234 is refused rather than read as one and a bit.
            text = text.mask(text.str.contains(".", regex=False).fillna(value=False))
            text = text.str.replace(recipe.decimal, ".", regex=False)
        values = pd.to_numeric(text, errors="coerce")
    return values.to_numpy(np.float64, na_value=np.nan)


def _factors(recipe: ColumnRecipe, time: pd.Series[Any]) -> NDArray[np.float64]:
    """The factor that holds at each row's time; 1 before the first."""
    steps = sorted(recipe.factors, key=lambda step: step.since)
    since = pd.DatetimeIndex([pd.Timestamp(step.since).tz_convert("UTC") for step in steps])
    place = since.searchsorted(pd.DatetimeIndex(time), side="right")
    return np.array([1.0, *(step.factor for step in steps)])[place]
