"""A recipe: how the pack of one city is made of files that others publish.

As a cook's recipe names the ingredients, where to buy them and what to do with each, a city's recipe names
its source files with their address on the net and their checksum, and for each dataset of the pack which
file, which reader, which of its columns, in which unit and time zone, under which licence. A city of the
world is added by writing one such file; `docs/recipes.md` describes every field.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from geodata.city import City, city_of_recipe, recipe_files
from geodata.errors import InvalidInput, UnknownName
from geodata.ingredients import (
    ColumnRecipe,
    Condition,
    Dissolve,
    GeometryRecipe,
    Input,
    Join,
    Name,
    Noding,
    Part,
    Series,
    SourceFile,
    spelled_out,
)
from geodata.kinds import KINDS
from geodata.manifest import Provenance


class DatasetRecipe(Part):
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
        same_key: Of rows with one key: ``first`` keeps the first, ``least`` the least of the first number.
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
    same_key: Literal["first", "least"] = "first"
    dissolve: Dissolve | None = None
    node: Noding | None = None
    series: Series = Series()
    most_faulty: Annotated[float, Field(ge=0, le=1)] = 0.05

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, columns: Any) -> Any:
        return spelled_out(columns)

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


class Recipe(Part):
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
                    raise ValueError(
                        f"dataset {dataset.id!r} uses the source {use!r}, which [sources] does not name"
                    )
            for earlier in _earlier(dataset):
                if earlier not in seen:
                    raise ValueError(
                        f"dataset {dataset.id!r} needs {earlier!r}, which does not stand before it"
                    )
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
            "no recipe is called this",
            field="city",
            value=city,
            expected="one of " + ", ".join(sorted(files)),
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
    return [item.source for item in dataset.input if item.source] + [
        join.table.source for join in joins if join.table
    ]


def _earlier(dataset: DatasetRecipe) -> list[str]:
    """The datasets that must be built before this one."""
    joins = [*dataset.join, *(join for item in dataset.input for join in item.join or ())]
    tests = [*dataset.where, *(test for item in dataset.input for test in item.where or ())]
    return [join.dataset for join in joins if join.dataset] + [
        test.in_dataset.split(".")[0] for test in tests if test.in_dataset
    ]
