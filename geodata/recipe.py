"""A recipe: how the pack of one city is made of files that others publish.

As a cook's recipe names the ingredients, where to buy them and what to do with each, a city's recipe names its
source files with their address on the net and their checksum, and for each dataset of the pack which file,
which reader, which of its columns, in which unit and time zone, under which licence. A city of the world is
added by writing one such file; `docs/recipes.md` describes every field.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geodata.city import City, city_of_recipe, recipe_files
from geodata.errors import InvalidInput, UnknownName
from geodata.kinds import KINDS
from geodata.manifest import Provenance
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


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Companion(_Part):
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


class Condition(_Part):
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


class FactorStep(_Part):
    """A factor that holds from a moment on."""

    since: datetime
    factor: float

    @field_validator("since")
    @classmethod
    def _aware(cls, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("a moment with its UTC offset is expected")
        return moment


class ColumnRecipe(_Part):
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
        otherwise: The value where no match and no map applies, and where the cell is empty; without it, such rows
            are wrong.
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
                "exactly one of from, value, first_of, sum_of, text, number_rows, measure is expected, got " + said
            )
        return self


class GeometryRecipe(_Part):
    """Where the rows lie and which of them belong to the city.

    Args:
        x: Column of the easting or longitude, for tables of points.
        y: Column of the northing or latitude.
        crs: CRS of ``x`` and ``y``, or of a file that does not name its own.
        decimal: The decimal sign of ``x`` and ``y``.
        overrule_crs: Whether ``crs`` is right and the file's own is wrong.
        shape: ``point`` takes a point inside each area, ``square`` makes a square cell around each point.
        cell_m: Side of that square, or of a raster's cells in the pack.
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


class Table(_Part):
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


class Join(_Part):
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


class Input(_Part):
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
        return _spelled_out(columns)

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


class Noding(_Part):
    """How street axes become a network.

    Args:
        meet: ``crossings``: lines meet where they cross; ``vertices``: where they share a vertex.
        tolerance_m: Places closer than this become one junction.
        level: The level of each line, made like a column; lines of different levels do not cross.
    """

    meet: Literal["crossings", "vertices"]
    tolerance_m: Annotated[float, Field(ge=0, le=20)] = 0.0
    level: ColumnRecipe | None = None


class Dissolve(_Part):
    """Rows merged into one: by equal columns, or all of them.

    Args:
        by: Columns that tell the merged rows apart; none merges all.
        total: Columns to add up; of the others the first value stays.
    """

    by: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


class Series(_Part):
    """What is known of a series' clock.

    Args:
        resolution_s: Seconds between rows; found from the rows if left out.
        fill_up_to_s: Gaps up to this long are filled by straight lines between their neighbours.
    """

    resolution_s: Annotated[float | None, Field(gt=0)] = None
    fill_up_to_s: Annotated[float, Field(ge=0)] = 0.0


class DatasetRecipe(_Part):
    """How one dataset is made.

    Args:
        id: Its id in the pack; a kind's main dataset has the kind's name.
        kind: Its kind.
        provenance: Source, licence, attribution, grade and the like; ``use`` names a shared block.
        input: Its inputs, stacked in this order.
        where: Which rows are asked for; an input's own replaces it.
        geometry: Where the rows lie; an input's own replaces it.
        join: Columns taken from other tables; an input's own replaces it.
        columns: How the kind's columns are made; an input's own replaces single columns.
        duplicates: Of rows with one key: ``first`` keeps the first, ``least`` the least of the first number.
        dissolve: Rows to merge.
        node: How street axes become a network.
        series: What is known of a series' clock.
        most_faulty: The greatest share of rows that may be dropped as faulty.
    """

    id: Name
    kind: str
    provenance: Provenance
    input: tuple[Input, ...] = Field(min_length=1)
    where: tuple[Condition, ...] = ()
    geometry: GeometryRecipe = GeometryRecipe()
    join: tuple[Join, ...] = ()
    columns: Mapping[str, ColumnRecipe] = {}
    duplicates: Literal["first", "least"] = "first"
    dissolve: Dissolve | None = None
    node: Noding | None = None
    series: Series = Series()
    most_faulty: Annotated[float, Field(ge=0, le=1)] = 0.05

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, columns: Any) -> Any:
        return _spelled_out(columns)

    @field_validator("kind")
    @classmethod
    def _kind_exists(cls, name: str) -> str:
        if name not in KINDS:
            raise ValueError("no kind of dataset is called this; there are " + ", ".join(KINDS))
        return name

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        kind = KINDS[self.kind]
        for columns in (self.columns, *(item.columns or {} for item in self.input)):
            for name in columns:
                if kind.column(name) is None:
                    known = ", ".join(column.name for column in kind.columns)
                    raise ValueError(f"the kind {kind.name} has no column {name!r}; it has {known}")
        if self.node is not None and self.kind != "streets":
            raise ValueError("only streets can be noded")
        return self


class Recipe(_Part):
    """The recipe of one city's pack.

    Args:
        city: The city.
        sources: Its source files by name.
        origins: Blocks of provenance that several datasets share.
        dataset: Its datasets, in the order in which they are made.
        file: Where it was read from; set by :func:`load_recipe`.
        sha256: Checksum of that file; likewise.
    """

    city: City
    file: str = "recipe"
    sha256: str = ""
    sources: Mapping[Name, SourceFile] = {}
    origins: Mapping[Name, Mapping[str, Any]] = {}
    dataset: tuple[DatasetRecipe, ...]

    @model_validator(mode="before")
    @classmethod
    def _share_origins(cls, document: Any) -> Any:
        return _with_origins(document)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        seen: set[str] = set()
        for dataset in self.dataset:
            if dataset.id in seen:
                raise ValueError(f"two datasets have the id {dataset.id!r}")
            for use in _uses(dataset):
                if use not in self.sources:
                    raise ValueError(f"dataset {dataset.id!r} uses the source {use!r}, which [sources] does not name")
            for earlier in _earlier(dataset):
                if earlier not in seen:
                    raise ValueError(f"dataset {dataset.id!r} needs {earlier!r}, which does not stand before it")
            seen.add(dataset.id)
        return self


def load_recipe(city_or_path: str | Path) -> Recipe:
    """Read a recipe.

    Args:
        city_or_path: Id of a city with a recipe, or a recipe's path.

    Raises:
        UnknownName: No recipe is called this.
        InvalidInput: The file is no TOML or breaks the schema; the error names the field.
    """
    path = city_or_path if isinstance(city_or_path, Path) else _path_of(city_or_path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"the recipe cannot be read: {error.strerror}", file=path) from error
    city_of_recipe(path)
    try:
        recipe = Recipe.model_validate(tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        raise _as_input_error(error, path) from error
    return recipe.model_copy(update={"file": path.name, "sha256": hashlib.sha256(content).hexdigest()})


def _path_of(city: str) -> Path:
    files = recipe_files()
    if city not in files:
        raise UnknownName(
            "no recipe is called this", field="city", value=city, expected="one of " + ", ".join(sorted(files))
        )
    return files[city]


def _as_input_error(error: ValidationError, path: Path) -> InvalidInput:
    first = error.errors()[0]
    more = error.error_count() - 1
    return InvalidInput(
        first["msg"].removeprefix("Value error, "),
        file=path,
        field=".".join(map(str, first["loc"])) or None,
        value=first["input"] if isinstance(first["input"], str | int | float | bool) else None,
        hint=f"{more} more fields are wrong" if more else None,
    )


def _spelled_out(columns: Any) -> Any:
    """``name = "stop_name"`` is short for ``name = { from = "stop_name" }``."""
    if not isinstance(columns, Mapping):
        return columns
    return {name: {"from": spec} if isinstance(spec, str) else spec for name, spec in columns.items()}


def _with_origins(document: Any) -> Any:
    """Fill each dataset's provenance from the shared block that it uses."""
    if not isinstance(document, Mapping) or not isinstance(document.get("dataset"), list):
        return document
    origins = document.get("origins", {})
    datasets = []
    for dataset in document["dataset"]:
        own = dataset.get("provenance") if isinstance(dataset, Mapping) else None
        if isinstance(own, Mapping) and "use" in own:
            if own["use"] not in origins:
                raise ValueError(f"a dataset uses the origin {own['use']!r}, which [origins] does not name")
            merged = {**origins[own["use"]], **own}
            del merged["use"]
            dataset = {**dataset, "provenance": merged}  # noqa: PLW2901
        datasets.append(dataset)
    return {**document, "dataset": datasets}


def _uses(dataset: DatasetRecipe) -> list[str]:
    """The sources that a dataset reads."""
    joins = [*dataset.join, *(join for item in dataset.input for join in item.join or ())]
    return [item.source for item in dataset.input if item.source] + [join.table.source for join in joins if join.table]


def _earlier(dataset: DatasetRecipe) -> list[str]:
    """The datasets that must be built before this one."""
    joins = [*dataset.join, *(join for item in dataset.input for join in item.join or ())]
    tests = [*dataset.where, *(test for item in dataset.input for test in item.where or ())]
    return [join.dataset for join in joins if join.dataset] + [
        test.in_dataset.split(".")[0] for test in tests if test.in_dataset
    ]
