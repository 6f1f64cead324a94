"""What a kind of dataset is: a table or a cube with named columns, each with type, unit and bounds.

A kind is to a dataset what a form is to a filled-in page: `stops` says that a stop has an identifier, a name
and a point; the pack of Tartu holds the page with Tartu's 435 stops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Type = Literal["text", "integer", "number", "boolean", "time"]
Geometry = Literal["point", "line", "polygon", "any"]
Form = Literal["table", "cube"]


@dataclass(frozen=True)
class Column:
    """One column of a table, or one variable of a cube.

    Args:
        name: Its name, with the unit at the end where the unit is not in ``unit`` alone.
        type: What its values are; ``time`` is an aware instant, kept in UTC.
        description: What it means, in one sentence.
        unit: Unit in UCUM-like spelling (``m``, ``km/h``, ``%``, ``EUR/MWh``), or None for names and counts.
        required: Whether a dataset of the kind must have it.
        nullable: Whether a row may leave it empty.
        low: Least value allowed, inclusive.
        high: Greatest value allowed, inclusive.
        allowed: The only values allowed, for codes.
    """

    name: str
    type: Type
    description: str
    unit: str | None = None
    required: bool = True
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] | None = None

    @property
    def expected(self) -> str:
        """What stands in this column, in words, for error messages."""
        parts = {
            "text": "text",
            "integer": "a whole number",
            "number": "a number",
            "boolean": "true or false",
        }
        words = parts.get(self.type, "a time with zone")
        if self.allowed:
            return "one of " + ", ".join(self.allowed)
        if self.low is not None and self.high is not None:
            words += f" between {_plain(self.low)} and {_plain(self.high)}"
        elif self.low is not None:
            words += f" of at least {_plain(self.low)}"
        elif self.high is not None:
            words += f" of at most {_plain(self.high)}"
        return words + (f" {self.unit}" if self.unit not in {None, "1"} else "")


def _plain(number: float) -> str:
    """A bound as people write it: 5,000,000 rather than 5e+06."""
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


@dataclass(frozen=True)
class Kind:
    """A kind of dataset that packs may hold and pilots may need.

    Args:
        name: Its name, as pilots and recipes write it.
        titles: Its title in English, Estonian and Finnish.
        description: What a dataset of this kind holds, one row at a time.
        columns: The columns it may have; others are refused.
        geometry: What each row looks like on a map, or None.
        key: The columns that tell rows apart; unique together and sorted by.
        form: ``table`` (GeoParquet or Parquet) or ``cube`` (Zarr).
        disjoint: Whether the rows' areas may not overlap.
        unequal: Columns whose values differ within each row, as the two ends of a ride do.
    """

    name: str
    titles: Mapping[str, str]
    description: str
    columns: tuple[Column, ...]
    geometry: Geometry | None = None
    key: tuple[str, ...] = ()
    form: Form = "table"
    disjoint: bool = False
    unequal: tuple[str, ...] = ()
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        assert len(by_name) == len(self.columns), f"{self.name}: a column is declared twice"
        assert set(self.key) <= set(by_name), f"{self.name}: the key names no column"
        object.__setattr__(self, "_by_name", by_name)

    @property
    def title(self) -> str:
        """The English title."""
        return self.titles["en"]

    def column(self, name: str) -> Column | None:
        """The column of this name, if the kind has it."""
        return self._by_name.get(name)


def titles(en: str, et: str, fi: str) -> Mapping[str, str]:
    """The three titles of a kind."""
    return {"en": en, "et": et, "fi": fi}


def text(
    name: str, description: str, *, required: bool = False, allowed: tuple[str, ...] | None = None
) -> Column:
    """A column of text; empty cells are allowed unless it is required."""
    return Column(name, "text", description, required=required, nullable=not required, allowed=allowed)


def number(
    name: str,
    unit: str,
    description: str,
    low: float | None = None,
    high: float | None = None,
    *,
    required: bool = False,
) -> Column:
    """A column of numbers with a unit and bounds; empty cells are allowed unless it is required."""
    return Column(
        name, "number", description, unit, required=required, nullable=not required, low=low, high=high
    )


def identifier(name: str, description: str) -> Column:
    """A required column of text that names the row or another dataset's row."""
    return Column(name, "text", description)


def instant(name: str, description: str, *, required: bool = True) -> Column:
    """A column of aware instants, kept in UTC."""
    return Column(name, "time", description, required=required, nullable=not required)
