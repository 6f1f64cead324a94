"""The parts of a recipe: files, readers, columns, places, joins.

Each class stands for one table of the TOML file and refuses fields that it does not know;
:mod:`geodata.recipe` puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from geodata.readers import options_of

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Crs = Annotated[str, Field(pattern=r"^(EPSG|ESRI|OGC):[A-Za-z0-9]+$")]


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_is_pattern)]


class Part(BaseModel):
    """A table of a recipe: its fields and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Companion(Part):
    """A file that belongs to another, as a shapefile's .dbf does."""

    path: str
    url: str | None = None
    sha256: Sha256 | None = None

    @field_validator("path")
    @classmethod
    def _stays_below(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in path or not parts.parts:
            raise ValueError("a path below the sources folder, written with / and without .., is expected")
        return path


class SourceFile(Companion):
    """A source file: where it stands below the sources folder and where it comes from.

    Args:
        path: Path below the sources folder.
        url: Public address, or None.
        sha256: Checksum of the file that the recipe was written for.
        get: What to do where there is no public address.
        companions: Files that must stand beside it.
        max_mb: Greatest size read, in megabytes.
    """

    get: str | None = None
    companions: tuple[Companion, ...] = ()
    max_mb: Annotated[float, Field(gt=0)] = 2000.0


class Condition(Part):
    """Which rows are asked for. All the tests given must hold.

    Args:
        column: A column of the source.
        equals: Its value is this, or one of these.
        differs: Its value is none of these.
        matches: Its text holds this regular expression.
        low: Its number is at least this.
        high: Its number is at most this.
        above: Its number is greater than this.
        given: Whether it is filled in.
        in_dataset: Its value stands in this column of an earlier dataset, e.g. ``stops.stop_id``.
    """

    column: str
    equals: str | float | tuple[str | float, ...] | None = None
    differs: str | float | tuple[str | float, ...] | None = None
    matches: Pattern | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    given: bool | None = None
    in_dataset: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_-]*\.[a-z][a-z0-9_]*$")] = None


class FactorStep(Part):
    """A factor that holds from a moment on."""

    since: datetime
    factor: float

    @field_validator("since")
    @classmethod
    def _aware(cls, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("a moment with its UTC offset is expected")
        return moment


class ColumnRecipe(Part):
    """How a column of the kind is made of the source's columns.

    Exactly one of ``from``, ``value``, ``first_of``, ``sum_of``, ``text``, ``number_rows``, ``measure`` says
    where the values come from; the rest says what is done to them, in the order of this list.

    Args:
        source: ``from``: a column; several are joined by a space (for dates and times in parts).
        value: The same value in every row.
        first_of: The first of these columns that is filled in.
        sum_of: The sum of these columns.
        text: A template such as ``{origin}-{destination}``.
        number_rows: Rows are numbered, after this prefix.
        measure: ``length`` or ``area`` of the geometry, in m or m2.
        nulls: Texts and numbers that stand for an empty cell.
        pattern: A regular expression; its first group is kept.
        fold: The text loses case, accents and separators, to serve as an identifier.
        match: Pairs of a regular expression and a value; the first that is found in the text gives the value.
        map: Values by text; what is not listed becomes ``otherwise``.
        otherwise: The value where no match and no map applies, and where the cell is empty; without it,
            such rows are wrong.
        keep: Where no match and no map applies, the value stays as it is.
        decimal: The decimal sign.
        thousands: A sign between thousands, to be ignored.
        unit: The source's unit, where it differs from the kind's.
        factor: A factor to multiply by, after the unit.
        factors: Factors that hold from a moment on, by the row's ``time``.
        format: How times are written: a strptime pattern, ``iso8601``, ``epoch_s`` or ``epoch_ms``.
        timezone: Time zone of times that do not name theirs.
        shift_s: Seconds to add to times, e.g. -3600 where a row is stamped at the end of its hour.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: Annotated[str | tuple[str, ...] | None, Field(alias="from")] = None
    value: str | bool | int | float | None = None
    first_of: tuple[str, ...] | None = None
    sum_of: tuple[str, ...] | None = None
    text: str | None = None
    number_rows: str | None = None
    measure: Literal["length", "area"] | None = None
    nulls: tuple[str | float, ...] = ()
    pattern: Annotated[Pattern | None, Field(description="with one group")] = None
    fold: bool = False
    match: tuple[tuple[Pattern, str | bool | float], ...] = ()
    map: Mapping[str, str | bool | float] | None = None
    otherwise: str | bool | float | None = None
    keep: bool = False
    decimal: Annotated[str, Field(min_length=1, max_length=1)] = "."
    thousands: Annotated[str | None, Field(min_length=1, max_length=1)] = None
    unit: str | None = None
    factor: float | None = None
    factors: tuple[FactorStep, ...] = ()
    format: str | None = None
    timezone: str | None = None
    shift_s: float = 0.0

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = ("source", "value", "first_of", "sum_of", "text", "number_rows", "measure")
        given = [name for name in origins if getattr(self, name) is not None]
        if self.pattern is not None and re.compile(self.pattern).groups != 1:
            raise ValueError("a pattern with one group is expected")
        if len(given) != 1:
            said = ", ".join("from" if name == "source" else name for name in given) or "none"
            raise ValueError(
                "exactly one of from, value, first_of, sum_of, text, number_rows, measure is expected, got "
                + said
            )
        return self


class GeometryRecipe(Part):
    """Where the rows lie and which of them belong to the city.

    Args:
        x: Column of the easting or longitude, for tables of points.
        y: Column of the northing or latitude.
        crs: CRS of ``x`` and ``y``, or of a file that does not name its own.
        decimal: The decimal sign of ``x`` and ``y``.
        overrule_crs: Whether ``crs`` is right and the file's own is wrong.
        shape: ``point`` takes a point inside each area, ``square`` makes a square cell around each point.
        cell_m: Side of that square, or of a raster's cells in the pack.
        simplify_m: Vertices that lie within this distance of a straight line between others are left out.
        clip: ``inside``: rows whose point or whose area's inner point lies in the city; ``touch``: rows that
            meet the city; ``cut``: the part of each row that lies in the city; ``none``: all rows.
        margin_m: How far beyond the city's boundary rows are taken.
    """

    x: str | None = None
    y: str | None = None
    crs: Crs | None = None
    decimal: Annotated[str, Field(min_length=1, max_length=1)] = "."
    overrule_crs: bool = False
    shape: Literal["point", "square"] | None = None
    cell_m: Annotated[float | None, Field(gt=0)] = None
    simplify_m: Annotated[float | None, Field(gt=0)] = None
    clip: Literal["inside", "touch", "cut", "none"] = "inside"
    margin_m: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.x is None) != (self.y is None):
            raise ValueError("x and y are expected together")
        if self.x is not None and self.crs is None:
            raise ValueError("crs is expected with x and y")
        if self.shape == "square" and self.cell_m is None:
            raise ValueError("cell_m is expected with shape = 'square'")
        return self


class Table(Part):
    """A file and the reader that opens it.

    Args:
        source: A source of the recipe.
        reader: Name of the reader.
        member: File inside a zip archive, where there are several.
        options: The reader's options.
    """

    source: Name
    reader: str
    member: str | None = None
    options: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _options_known(self) -> Self:
        options_of(self.reader, self.options)
        return self


class Join(Part):
    """Columns taken from another table: a file's, or an earlier dataset's of the pack.

    Args:
        table: A file.
        dataset: An earlier dataset.
        on: Which column of the rows equals which of the other table's.
        fold: Whether names are compared without case, accents and separators.
        place: ``within``: the other table's area that holds the row's point; ``nearest``: its nearest row.
        max_distance_m: How far the nearest may be.
        geometry: Where the other table's rows lie.
        take: The other table's columns by the name they get.
        unmatched: What becomes of rows without a partner.
    """

    table: Table | None = None
    dataset: Name | None = None
    on: Mapping[str, str] = {}
    fold: bool = False
    place: Literal["within", "nearest"] | None = None
    max_distance_m: Annotated[float | None, Field(gt=0)] = None
    geometry: GeometryRecipe = GeometryRecipe(clip="none")
    take: Mapping[str, str]
    unmatched: Literal["keep", "drop"] = "keep"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.table is None) == (self.dataset is None):
            raise ValueError("either table or dataset is expected")
        if bool(self.on) == (self.place is not None):
            raise ValueError("either on or place is expected")
        if (self.place == "nearest") != (self.max_distance_m is not None):
            raise ValueError("max_distance_m is expected with place = 'nearest', and only there")
        return self


class Input(Part):
    """Where rows of a dataset come from: a table of a file, or rows written into the recipe."""

    source: Name | None = None
    reader: str | None = None
    member: str | None = None
    options: Mapping[str, Any] = {}
    rows: tuple[Mapping[str, Any], ...] | None = None
    where: tuple[Condition, ...] | None = None
    geometry: GeometryRecipe | None = None
    join: tuple[Join, ...] | None = None
    columns: Mapping[str, ColumnRecipe] | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, columns: Any) -> Any:
        return spelled_out(columns)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rows is None) == (self.source is None):
            raise ValueError("either source and reader, or rows, are expected")
        if self.source is not None:
            if self.reader is None:
                raise ValueError("reader is expected with source")
            options_of(self.reader, self.options)
        return self

    @property
    def table(self) -> Table:
        """The file and its reader."""
        assert self.source is not None
        assert self.reader is not None
        return Table(source=self.source, reader=self.reader, member=self.member, options=self.options)


class Noding(Part):
    """How street axes become a network.

    Args:
        meet: ``crossings``: lines meet where they cross; ``vertices``: where they share a vertex.
        tolerance_m: Places closer than this become one junction.
        level: The level of each line, made like a column; lines of different levels do not cross.
    """

    meet: Literal["crossings", "vertices"]
    tolerance_m: Annotated[float, Field(ge=0, le=20)] = 0.0
    level: ColumnRecipe | None = None


class Dissolve(Part):
    """Rows merged into one: by equal columns, or all of them.

    Args:
        by: Columns that tell the merged rows apart; none merges all.
        total: Columns to add up; of the others the first value stays.
    """

    by: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


class Series(Part):
    """What is known of a series' clock.

    Args:
        resolution_s: Seconds between rows; found from the rows if left out.
        fill_up_to_s: Gaps up to this long are filled by straight lines between their neighbours.
    """

    resolution_s: Annotated[float | None, Field(gt=0)] = None
    fill_up_to_s: Annotated[float, Field(ge=0)] = 0.0


def spelled_out(columns: Any) -> Any:
    """``name = "stop_name"`` is short for ``name = { from = "stop_name" }``."""
    if not isinstance(columns, Mapping):
        return columns
    return {name: {"from": spec} if isinstance(spec, str) else spec for name, spec in columns.items()}
