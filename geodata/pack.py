"""A city pack: one folder with what a city shares of itself, opened lazily and read by dataset.

Like a box with a packing list: `pack.json` says what is in it, who made each thing, how good it is and what
may be done with it; nothing is unpacked before it is asked for.

Example::

    pack = open_pack(Path("packs/tartu"))
    stops = pack.table("stops")        # a GeoDataFrame in the city's metric CRS
    pack.dataset("stops").provenance.licence
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from geodata.city import City
from geodata.errors import DamagedPack, NotReady, UnknownName
from geodata.manifest import DatasetEntry, PackManifest

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

MANIFEST = "pack.json"


class CityPack:
    """An opened pack. Datasets are read on demand and never changed.

    A dataset is named by its id; a kind's main dataset has the kind's name as id.
    """

    def __init__(self, path: Path, manifest: PackManifest) -> None:
        self.path = path
        self.manifest = manifest
        self._entries = {entry.id: entry for entry in manifest.datasets}

    def __repr__(self) -> str:
        return f"CityPack({self.city.id!r}, {len(self._entries)} datasets, hash {self.hash[:12]})"

    @property
    def city(self) -> City:
        """The city."""
        return self.manifest.city

    @property
    def demo(self) -> bool:
        """Whether this is a generated demo pack."""
        return self.manifest.demo

    @cached_property
    def hash(self) -> str:
        """Content hash of the whole pack."""
        return self.manifest.content_hash

    @property
    def datasets(self) -> tuple[DatasetEntry, ...]:
        """All datasets, in the order of their ids."""
        return self.manifest.datasets

    def has(self, dataset_id: str) -> bool:
        """Whether the pack holds a dataset of this id."""
        return dataset_id in self._entries

    def of_kind(self, kind: str) -> tuple[DatasetEntry, ...]:
        """The datasets of a kind, its main one first."""
        found = (entry for entry in self.datasets if entry.kind == kind)
        return tuple(sorted(found, key=lambda entry: (entry.id != kind, entry.id)))

    def dataset(self, dataset_id: str) -> DatasetEntry:
        """The manifest entry of a dataset.

        Raises:
            UnknownName: The pack holds none of this id.
        """
        try:
            return self._entries[dataset_id]
        except KeyError:
            raise UnknownName(
                f"the pack of {self.city.name} holds no such dataset",
                field="dataset",
                value=dataset_id,
                expected="one of " + ", ".join(self._entries),
            ) from None

    def file(self, dataset_id: str) -> Path:
        """Where the dataset's file (or Zarr folder) stands.

        Raises:
            DamagedPack: The manifest names a file that is not there.
        """
        path = self.path / self.dataset(dataset_id).file
        if not path.exists():
            raise DamagedPack(
                f"the pack of {self.city.name} has lost a file",
                file=path,
                hint=f"build it again: twinbox pack build {self.city.id}",
            )
        return path

    def table(self, dataset_id: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table without its geometry, for joins, sums and series.

        Args:
            dataset_id: A dataset of form ``table``.
            columns: Which columns to read; all but the geometry if left out.
        """
        import pyarrow.parquet as pq

        path = self.file(dataset_id)
        wanted = list(self.dataset(dataset_id).columns if columns is None else columns)
        frame: pd.DataFrame = pq.read_table(path, columns=wanted).to_pandas(ignore_metadata=True)
        return frame

    def features(self, dataset_id: str, columns: Sequence[str] | None = None) -> gpd.GeoDataFrame:
        """A table with its geometry, in the city's metric CRS.

        Args:
            dataset_id: A dataset of form ``table`` whose kind has a geometry.
            columns: Which columns to read besides the geometry; all if left out.
        """
        import geopandas as gpd

        path = self.file(dataset_id)
        wanted = None if columns is None else [*columns, "geometry"]
        return gpd.read_parquet(path, columns=wanted)

    def cube(self, dataset_id: str) -> xr.Dataset:
        """A cube, opened lazily."""
        import xarray as xr

        cube: xr.Dataset = xr.open_zarr(self.file(dataset_id), consolidated=False)
        return cube

    def text(self, name: str) -> str | None:
        """A text that lies beside the data, e.g. ``cleaning.json``; None if the pack has none of this name.

        Raises:
            DamagedPack: The manifest names a file that is not there.
        """
        file = self.manifest.extras.get(name)
        if file is None:
            return None
        try:
            return (self.path / file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedPack(
                f"the pack of {self.city.name} has lost a text",
                file=self.path / file,
                hint=f"build it again: twinbox pack build {self.city.id}",
            ) from error

    def verify(self) -> None:
        """Compare every file with its hash.

        Raises:
            DamagedPack: A file is missing or differs.
        """
        for entry in self.datasets:
            path = self.file(entry.id)
            if hash_of(path) != entry.sha256:
                raise DamagedPack(
                    f"the pack of {self.city.name} holds a file that differs from its manifest",
                    file=path,
                    field=entry.id,
                    hint=f"build it again: twinbox pack build {self.city.id}",
                )


def open_pack(path: Path) -> CityPack:
    """Open the pack in a folder.

    Raises:
        NotReady: There is no pack.
        DamagedPack: Its manifest cannot be read.
    """
    manifest = path / MANIFEST
    try:
        text = manifest.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotReady(
            "there is no city pack here", file=path, hint="twinbox pack build CITY makes one"
        ) from None
    try:
        return CityPack(path, PackManifest.model_validate_json(text))
    except ValidationError as error:
        first = error.errors()[0]
        raise DamagedPack(
            f"the pack's manifest is not valid: {first['msg']}",
            file=manifest,
            field=".".join(map(str, first["loc"])) or None,
        ) from error


def hash_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's files with their relative names in sorted order."""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        name = file.relative_to(path).as_posix().encode()
        digest.update(len(name).to_bytes(4, "big") + name + bytes.fromhex(hash_of(file)))
    return digest.hexdigest()
