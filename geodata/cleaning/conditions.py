"""Conditions: which rows of a source are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.cleaning.ledger import Ledger
from geodata.cleaning.values import as_text, column_of, each
from geodata.errors import InvalidInput

if TYPE_CHECKING:
    from geodata.ingredients import Condition


def meeting(
    frame: pd.DataFrame,
    condition: Condition,
    tables: Mapping[str, pd.DataFrame],
    ledger: Ledger,
    *,
    file: str,
) -> pd.DataFrame:
    """The rows that meet a condition; the others leave as not asked for.

    Args:
        frame: The rows.
        condition: The condition.
        tables: Earlier datasets, for conditions that refer to one.
        ledger: Where the others are noted.
        file: The source, for messages.

    Raises:
        InvalidInput: The source lacks the column, or a dataset referred to lacks its own.
    """
    name = condition.column
    values = column_of(frame, name, file)
    reason = f"not asked for: {name} is not {_in_words(condition)}"
    return ledger.drop(frame, ~_met(values, condition, tables), reason, field=name, fault=False)


def _met(
    values: pd.Series[Any], condition: Condition, tables: Mapping[str, pd.DataFrame]
) -> NDArray[np.bool_]:
    text = as_text(values)
    met = np.ones(len(values), np.bool_)
    if condition.equals is not None:
        met &= text.isin(_texts(condition.equals)).to_numpy(bool)
    if condition.differs is not None:
        met &= ~text.isin(_texts(condition.differs)).to_numpy(bool)
    if condition.matches is not None:
        pattern = re.compile(condition.matches)
        met &= each(text, lambda value: pattern.search(value) is not None).eq(other=True).to_numpy(bool)
    if condition.given is not None:
        met &= text.notna().to_numpy(bool) == condition.given
    if condition.in_dataset is not None:
        dataset, column = condition.in_dataset.split(".")
        if column not in tables[dataset]:
            raise InvalidInput("the dataset referred to lacks a column", field=condition.in_dataset)
        met &= text.isin(as_text(tables[dataset][column])).to_numpy(bool)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if condition.low is not None:
        met &= numbers >= condition.low
    if condition.high is not None:
        met &= numbers <= condition.high
    if condition.above is not None:
        met &= numbers > condition.above
    return met


def _texts(values: str | float | tuple[str | float, ...]) -> list[str]:
    single = values if isinstance(values, tuple) else (values,)
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in single]


def _in_words(condition: Condition) -> str:
    said = condition.model_dump(exclude={"column"}, exclude_none=True)
    words = {
        "equals": "one of",
        "differs": "other than",
        "matches": "like",
        "given": "given:",
        "in_dataset": "in",
        "low": "at least",
        "high": "at most",
    }
    return " and ".join(f"{words.get(name, name)} {_plainly(value)}" for name, value in said.items())


def _plainly(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
