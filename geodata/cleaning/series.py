"""Series: gaps, steps and fillings of what was measured by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geodata.cleaning.ledger import INDEX, Ledger
from geodata.kinds import Kind

if TYPE_CHECKING:
    from geodata.ingredients import Series

_SHOWN = 3


def regular(
    table: pd.DataFrame, kind: Kind, recipe: Series, ledger: Ledger
) -> tuple[pd.DataFrame, float | None]:
    """A series in the order of its clock, its gaps counted and, where the recipe says so, filled.

    Args:
        table: Rows in the kind's columns, one for each key.
        kind: A kind with ``time`` in its key.
        recipe: What is known of the clock.
        ledger: Where gaps and fillings are noted.

    Returns:
        The series, and the seconds between its rows (None for fewer than two rows).
    """
    others = [name for name in kind.key if name != "time"]
    table = table.sort_values(list(kind.key), kind="stable").reset_index(drop=True)
    step = _steps(table, others)
    usual = recipe.resolution_s or _most_frequent(step)
    if usual is None:
        return table, None
    uneven = step[(step % usual > 1e-6) & (step > 0)]
    if len(uneven):
        ledger.note(f"{len(uneven)} rows do not follow each other in steps of {usual:g} s", fault=True)
    wide = np.flatnonzero((step > usual * 1.5).to_numpy())
    missing = int((step.iloc[wide] / usual - 1).round().sum())
    if missing:
        since = ", ".join(table["time"].iloc[place - 1].isoformat() for place in wide[:_SHOWN])
        ledger.note(
            f"{missing} rows of {usual:g} s are missing in {len(wide)} gaps, the longest of "
            f"{_lasting(step.max() - usual)}; they begin after {since}"
            + (" ..." if len(wide) > _SHOWN else "")
        )
    if missing and recipe.fill_up_to_s:
        table = _filled(table, kind, ledger, usual=usual, most=recipe.fill_up_to_s)
    return table, usual


def _lasting(seconds: float) -> str:
    """A duration in the unit a reader would choose."""
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds:g} s"


def _steps(table: pd.DataFrame, others: list[str]) -> pd.Series[float]:
    """Seconds since the row before of the same series; NaN for the first."""
    times = table.groupby(others, sort=False)["time"].diff() if others else table["time"].diff()
    seconds: pd.Series[float] = times.dt.total_seconds()
    return seconds


def _most_frequent(step: pd.Series[float]) -> float | None:
    counts = step[step > 0].value_counts()
    return None if counts.empty else float(counts[counts == counts.max()].index.min())


def _filled(table: pd.DataFrame, kind: Kind, ledger: Ledger, *, usual: float, most: float) -> pd.DataFrame:
    """Close short gaps by straight lines between their neighbours."""
    others = [name for name in kind.key if name != "time"]
    numbers = [column.name for column in kind.columns if column.type == "number" and column.name in table]
    pieces, added = [], 0
    for _, one in table.groupby(others, sort=False) if others else [(None, table)]:
        whole = one.set_index("time")
        grid = pd.date_range(whole.index[0], whole.index[-1], freq=pd.Timedelta(seconds=usual), name="time")
        dense = whole.reindex(whole.index.union(grid))
        gap = whole.index.to_series().diff().dt.total_seconds() - usual
        short = gap.reindex(dense.index).bfill() <= most
        new = ~dense.index.isin(whole.index) & short.to_numpy()
        filled = dense[numbers].interpolate(method="time", limit_area="inside")
        dense.loc[new, numbers] = filled.loc[new, numbers]
        carried = [name for name in dense.columns if name not in numbers]
        dense[carried] = dense[carried].ffill()
        pieces.append(dense[new | dense.index.isin(whole.index)].reset_index())
        added += int(new.sum())
    result: pd.DataFrame = pd.concat(pieces, ignore_index=True)[list(table.columns)]
    result[INDEX] = result[INDEX].astype(np.int64)
    if added:
        ledger.reshaped(
            "filled", len(table), len(result), f"gaps of up to {most:g} s closed by straight lines"
        )
    return result
