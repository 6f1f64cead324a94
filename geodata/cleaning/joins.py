"""Joins: columns that another table knows, by a shared name or by place.

Example: the register of population knows how many live in each sub-district by its name; the map of
sub-districts knows its outline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.city import fold
from geodata.cleaning.ledger import Ledger
from geodata.cleaning.report import JoinNote
from geodata.cleaning.values import as_text
from geodata.errors import InvalidInput

if TYPE_CHECKING:
    import geopandas as gpd

    from geodata.ingredients import Join

_EXAMPLES = 5


def joined(
    frame: pd.DataFrame, other: pd.DataFrame, join: Join, ledger: Ledger, *, named: str
) -> pd.DataFrame:
    """Rows with the columns that the other table gives them.

    Args:
        frame: The rows; with geometry in the city's CRS for joins by place.
        other: The other table, likewise.
        join: How they belong together.
        ledger: Where rows without a partner are noted.
        named: The other table's name, for messages.

    Raises:
        InvalidInput: A column is missing, or the other table has a key twice.
    """
    for name in join.take.values():
        _need(other, name, named)
    if join.place is not None:
        partner = _by_place(frame, other, join)
        shown: Any = np.arange(1, len(frame) + 1).astype(str)
    else:
        mine, theirs = (
            _keys(frame, join, list(join.on), "the rows"),
            _keys(other, join, list(join.on.values()), named),
        )
        partner = _by_key(mine, theirs, other, join, named)
        shown = mine.to_numpy(object)
    found = partner >= 0
    taken = other[list(join.take.values())].reset_index(drop=True).reindex(np.where(found, partner, -1))
    taken.columns = pd.Index(join.take)
    frame = frame.assign(**{name: taken[name].to_numpy() for name in join.take})
    ledger.joined(
        JoinNote(
            source=named,
            rows=len(frame),
            matched=int(found.sum()),
            unused=len(other) - len(np.unique(partner[found])),
            examples_unmatched=tuple(str(value) for value in pd.unique(shown[~found])[:_EXAMPLES]),
        )
    )
    if join.unmatched == "drop":
        field = next(iter(join.on), "geometry")
        frame = ledger.drop(
            frame, ~found, f"no partner in {named}", field=field, expected=f"a row of {named}"
        )
    return frame


def _need(other: pd.DataFrame, name: str, named: str) -> None:
    if name not in other:
        known = ", ".join(str(column) for column in other.columns if column != "geometry")
        raise InvalidInput(
            "the table to join lacks a column", file=named, field=name, expected=f"one of {known}"
        )


def _keys(table: pd.DataFrame, join: Join, columns: list[str], named: str) -> pd.Series[Any]:
    """One text for each row by which partners are found."""
    for name in columns:
        _need(table, name, named)
    texts = [as_text(table[name]).reset_index(drop=True) for name in columns]
    if join.fold:
        texts = [text.map(fold, na_action="ignore") for text in texts]
    key = texts[0]
    for text in texts[1:]:
        key = key.str.cat(text, sep="\x1f")
    return key


def _by_key(
    mine: pd.Series[Any], theirs: pd.Series[Any], other: pd.DataFrame, join: Join, named: str
) -> NDArray[np.int64]:
    usable = theirs.notna().to_numpy()
    twice = theirs.duplicated(keep=False).to_numpy() & usable
    if twice.any():
        repeated = (
            other.reset_index(drop=True)[twice]
            .groupby(theirs[twice])[list(join.take.values())]
            .nunique(dropna=False)
        )
        unequal = repeated[(repeated > 1).any(axis=1)]
        if len(unequal):
            raise InvalidInput(
                "the table to join has a key twice, with different values",
                file=named,
                field=next(iter(join.on.values())),
                value=unequal.index[0],
                expected="each key once",
            )
    place = pd.Series(np.arange(len(theirs)), index=theirs)[usable]
    place = place[~place.index.duplicated()]
    return mine.map(place).fillna(-1).to_numpy(np.int64)


def _by_place(frame: Any, other: gpd.GeoDataFrame, join: Join) -> NDArray[np.int64]:
    """For each row the other table's row that holds it or is nearest; ties go to the first."""
    points = shapely.point_on_surface(frame.geometry.to_numpy())
    tree = shapely.STRtree(other.geometry.to_numpy())
    if join.place == "within":
        row, partner = tree.query(points, predicate="intersects")
    else:
        row, partner = tree.query_nearest(points, max_distance=join.max_distance_m, all_matches=True)
    best = np.full(len(points), len(other), np.int64)
    np.minimum.at(best, row, partner)
    return np.where(best < len(other), best, -1)
