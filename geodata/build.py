"""Build a city's pack: read its sources by the recipe, clean them, check them, write the pack in one step.

The pack that stood there before stays whole until the new one is complete. Beside the data lies the cleaning
report, which accounts for every row that was read.

Example::

    report = build_pack(load_recipe("tartu"), Path("sources"), packs_home() / "tartu")
    print(report.cleaning.text())
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geodata import quality
from geodata.cleaning import joins, places, reshaping, series
from geodata.cleaning.columns import LEVEL, map_columns, settle
from geodata.cleaning.conditions import meeting
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.cleaning.report import CleaningReport, DatasetReport, SourceUse
from geodata.cleaning.values import origin
from geodata.errors import InvalidInput, TwinboxError
from geodata.ingredients import GeometryRecipe, Input, Join, SourceFile, Table
from geodata.kinds import KINDS, Kind
from geodata.pack import CityPack, hash_of
from geodata.publish import Draft, locked, write_pack
from geodata.readers import Grid, Reading, reader
from geodata.readers.guard import check_file, opened
from geodata.recipe import DatasetRecipe, Recipe

if TYPE_CHECKING:
    import geopandas as gpd

CLEANING = "cleaning.json"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Args:
        pack: The pack, opened.
        cleaning: The account of every row.
        seconds: How long it took.
    """

    pack: CityPack
    cleaning: CleaningReport
    seconds: float


def build_pack(recipe: Recipe, sources: Path, folder: Path, progress: Progress | None = None) -> BuildReport:
    """Build the pack of a recipe.

    Args:
        recipe: The recipe.
        sources: Folder below which the recipe's source files stand.
        folder: The pack's folder; the pack that stands there is replaced once the new one is complete.
        progress: Told the dataset in hand, how many are done, and how many there are.

    Raises:
        InvalidInput: The recipe does not fit the sources, a source cannot be read, or its data break their
            kind.
        NotReady: A library for one of the formats is not installed.
    """
    began = time.perf_counter()
    with locked(folder):
        used = _sources(recipe, sources)
        kitchen = _Kitchen(recipe, sources)
        drafts: dict[str, Draft] = {}
        reports: list[DatasetReport] = []
        for done, dataset in enumerate(recipe.dataset):
            if progress is not None:
                progress(dataset.id, done, len(recipe.dataset))
            drafts[dataset.id], report = kitchen.make(dataset)
            reports.append(report)
        cleaning = CleaningReport(city=recipe.city.id, sources=used, datasets=tuple(reports))
        extra = {CLEANING: cleaning.model_dump_json(indent=1) + "\n"}
        pack = write_pack(
            folder, recipe.city, drafts, recipe_sha256=recipe.sha256 or _hash(recipe), extra=extra
        )
    if progress is not None:
        progress("written", len(recipe.dataset), len(recipe.dataset))
    return BuildReport(pack, cleaning, time.perf_counter() - began)


def cleaning_report(pack: CityPack) -> CleaningReport | None:
    """The cleaning report that lies in a pack; None in a demo pack, which was not made of sources."""
    text = pack.text(CLEANING)
    return None if text is None else CleaningReport.model_validate_json(text)


def _hash(recipe: Recipe) -> str:
    return hashlib.sha256(recipe.model_dump_json().encode()).hexdigest()


def _sources(recipe: Recipe, folder: Path) -> tuple[SourceUse, ...]:
    """Every source as it is found, checked before anything is read."""
    used = []
    for source in recipe.sources.values():
        for item in (source, *source.companions):
            path = folder / item.path
            try:
                check_file(path, source.max_mb)
            except TwinboxError as error:
                error.file = item.path
                raise
            digest = hash_of(path)
            expected = None if item.sha256 is None else digest == item.sha256
            used.append(
                SourceUse(path=item.path, bytes=path.stat().st_size, sha256=digest, as_expected=expected)
            )
    return tuple(sorted(used, key=lambda item: item.path))


class _Kitchen:
    """Makes one dataset after another; later ones may ask earlier ones."""

    def __init__(self, recipe: Recipe, sources: Path) -> None:
        self.recipe = recipe
        self.city = recipe.city
        self.sources = sources
        self.tables: dict[str, Any] = {}

    def make(self, dataset: DatasetRecipe) -> tuple[Draft, DatasetReport]:
        """Make a dataset and account for its rows."""
        kind = KINDS[dataset.kind]
        try:
            if kind.form == "cube":
                return self._cube(dataset, kind)
            return self._table(dataset, kind)
        except TwinboxError as error:
            if f"dataset {dataset.id}" not in error.message:
                error.message = f"dataset {dataset.id}: {error.message}"
            raise

    def _table(self, dataset: DatasetRecipe, kind: Kind) -> tuple[Draft, DatasetReport]:
        ledger = Ledger(dataset.id, dataset.kind)
        parts = [self._part(dataset, item, kind, ledger) for item in dataset.input]
        table = _stacked(parts, kind, self.city.crs)
        file = dataset.input[0].source or self.recipe.file
        quality.check_text(table, kind, ledger, dataset=dataset.id)
        quality.check_magnitudes(table, kind, dataset=dataset.id, file=self._name(file))
        table = settle(table, quality.row_faults(table, kind), ledger).reset_index(drop=True)
        table = settle(table, quality.too_dense(table, kind), ledger).reset_index(drop=True)
        if dataset.dissolve is None:
            table = quality.one_for_each_key(table, kind, ledger, least=dataset.same_key == "least")
        ledger.check_faults(dataset.most_faulty)
        resolution_s = None
        if "time" in kind.key:
            table, resolution_s = series.regular(table, kind, dataset.series, ledger)
        if dataset.node is not None:
            table = reshaping.noded(table, dataset.node, ledger)
        if dataset.dissolve is not None:
            table = reshaping.dissolved(table, dataset.dissolve, ledger)
        table = quality.check_overlaps(table, kind, ledger, dataset=dataset.id)
        table = table.sort_values(list(kind.key), kind="stable").reset_index(drop=True)
        quality.check_whole(table, kind, dataset=dataset.id)
        table = _typed(table, kind)
        self.tables[dataset.id] = table
        draft = Draft(dataset.id, kind, table, dataset.provenance, resolution_s)
        return draft, ledger.report(len(table))

    def _part(self, dataset: DatasetRecipe, item: Input, kind: Kind, ledger: Ledger) -> Any:
        """One input's rows in the kind's columns."""
        frame, file = self._rows(item, ledger)
        where = dataset.where if item.where is None else item.where
        for condition in where:
            frame = meeting(frame, condition, self.tables, ledger, file=file)
        if kind.geometry is not None:
            frame = self._placed(frame, item.geometry or dataset.geometry, kind, ledger, file)
        for join in dataset.join if item.join is None else item.join:
            other, named = self._other(join)
            frame = joins.joined(frame, other, join, ledger, named=named)
        if dataset.node is not None and dataset.node.level is not None:
            frame = frame.assign(
                **{LEVEL: reshaping.levels(origin(frame, dataset.node.level, file), dataset.node.level)}
            )
        return map_columns(frame, kind, {**dataset.columns, **(item.columns or {})}, ledger, file=file)

    def _rows(self, item: Input, ledger: Ledger) -> tuple[pd.DataFrame, str]:
        """One input's rows as they stand in the source, counted into the ledger."""
        if item.rows is not None:
            frame = pd.DataFrame([dict(row) for row in item.rows])
            reading, file = Reading.numbered(frame), self.recipe.file
        else:
            found, file = self._read(item.table)
            if isinstance(found, Grid):
                raise InvalidInput("a raster gives no rows", file=file, field="reader", value=item.reader)
            reading = found
        rejected = list(reading.rejected)
        index = ledger.read(file, [*reading.labels, *(remark.label for remark in rejected)])
        frame = reading.frame.assign(**{INDEX: index[: len(reading.frame)]})
        _note_remarks(reading, frame, index, ledger)
        return frame, file

    def _read(self, table: Table) -> tuple[Reading | Grid, str]:
        """Open a file with its reader; errors name it as the user knows it."""
        source = self.recipe.sources[table.source]
        path, named = self.sources / source.path, _named(source, table)
        found = reader(table.reader)
        with opened(path, table.member, source.max_mb, folder=found.folder) as file:
            try:
                return found.read(file, found.options.model_validate(table.options)), named
            except TwinboxError as error:
                error.file = _known_as(error.file, file, named)
                raise

    def _placed(
        self, frame: Any, recipe: GeometryRecipe, kind: Kind, ledger: Ledger, file: str
    ) -> gpd.GeoDataFrame:
        assert kind.geometry is not None
        placed, source_crs = places.located(frame, recipe, kind.geometry, self.city.crs, ledger, file=file)
        if kind.name == "boundary" or recipe.clip == "none":
            return placed
        return places.clipped(placed, recipe, self._city_place(), ledger, file=file, source_crs=source_crs)

    def _city_place(self) -> places.Place:
        boundaries = [
            item.id for item in self.recipe.dataset if item.kind == "boundary" and item.id in self.tables
        ]
        if not boundaries:
            raise InvalidInput(
                "rows are to be clipped to the city, but no dataset of the kind boundary stands before",
                file=self.recipe.file,
                field="dataset",
            )
        outline = self.tables[boundaries[0]].geometry.union_all()
        return places.Place(self.city.name, outline, self.city.crs)

    def _other(self, join: Join) -> tuple[Any, str]:
        """The other table of a join, with its name for messages."""
        if join.dataset is not None:
            return self.tables[join.dataset], f"the dataset {join.dataset}"
        assert join.table is not None
        reading, file = self._read(join.table)
        if isinstance(reading, Grid):
            raise InvalidInput(
                "a raster cannot be joined", file=file, field="reader", value=join.table.reader
            )
        frame = reading.frame
        if join.place is not None:
            ledger = Ledger("join", "any")
            frame = frame.assign(**{INDEX: ledger.read(file, list(reading.labels))})
            frame, _ = places.located(frame, join.geometry, "any", self.city.crs, ledger, file=file)
        return frame, file

    def _cube(self, dataset: DatasetRecipe, kind: Kind) -> tuple[Draft, DatasetReport]:
        """A raster's part that covers the city."""
        table = dataset.input[0].table
        source = self.recipe.sources[table.source]
        place = self._city_place()
        found = reader(table.reader)
        with opened(self.sources / source.path, table.member, source.max_mb) as file:
            try:
                grid = found.read(file, found.options.model_validate(table.options))
                if not isinstance(grid, Grid):
                    raise InvalidInput("a raster is expected", field="reader", value=table.reader)
                window = grid.window(self.city.crs, place.outline.bounds, dataset.geometry.cell_m)
            except TwinboxError as error:
                error.file = _named(source, table)
                raise
        named = _named(source, table)
        data, report = reshaping.cube(window, kind, dataset.id, place, file=named, cells=grid.cells)
        return Draft(dataset.id, kind, data, dataset.provenance), report

    def _name(self, source: str) -> str:
        return self.recipe.sources[source].path if source in self.recipe.sources else source


def _note_remarks(reading: Reading, frame: pd.DataFrame, index: Any, ledger: Ledger) -> None:
    """Pass on what the reader rejected and mended, each reason once."""
    lost = pd.DataFrame({INDEX: index[len(frame) :]})
    for remarks, rows in ((reading.rejected, lost), (reading.mended, frame)):
        place = {label: number for number, label in enumerate(reading.labels)} if rows is frame else None
        for reason in dict.fromkeys(remark.reason for remark in remarks):
            chosen = [(number, remark) for number, remark in enumerate(remarks) if remark.reason == reason]
            mask, values = np.zeros(len(rows), np.bool_), np.full(len(rows), None, object)
            for number, remark in chosen:
                row = number if place is None else place[remark.label]
                mask[row], values[row] = True, remark.value
            first = chosen[0][1]
            note = ledger.drop if place is None else ledger.repair
            note(
                rows,
                mask,
                reason,
                field=first.field,
                values=values,
                expected=first.expected,
                fault=first.fault,
            )
    for text in reading.notes:
        ledger.note(text)


def _named(source: SourceFile, table: Table) -> str:
    return source.path if table.member is None else f"{source.path}/{table.member}"


def _known_as(said: str | None, opened_file: Path, named: str) -> str:
    """A file as the user knows it, where the error names one that was unpacked for a moment."""
    if said is None:
        return named
    inside = Path(said)
    if opened_file.is_dir() and inside.is_relative_to(opened_file) and inside != opened_file:
        return f"{named}/{inside.relative_to(opened_file).as_posix()}"
    return named if inside.stem == opened_file.stem or inside == opened_file else said


def _stacked(parts: list[Any], kind: Kind, crs: str) -> Any:
    import geopandas as gpd

    if kind.geometry is None:
        return pd.concat(parts, ignore_index=True)
    stacked = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    return gpd.GeoDataFrame(stacked, geometry="geometry", crs=crs)


_TYPES: Mapping[str, str] = {"number": "float64", "boolean": "boolean", "integer": "Int64", "text": "object"}
_WHOLE = {"boolean": "bool", "Int64": "int64"}


def _typed(table: Any, kind: Kind) -> Any:
    """The kind's columns in their order and types, and nothing else."""
    columns = [column for column in kind.columns if column.name in table]
    kept = [column.name for column in columns] + (["geometry"] if kind.geometry is not None else [])
    types = {column.name: _TYPES[column.type] for column in columns if column.type in _TYPES}
    typed = table[kept].astype(types)
    for name, kind_of in types.items():
        given = typed[name].notna()
        if kind_of == "object":
            typed[name] = typed[name].where(given, None)
        elif kind_of in _WHOLE and given.all():
            typed[name] = typed[name].astype(_WHOLE[kind_of])
    return typed
