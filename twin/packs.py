"""What a pilot sees of a pack: the kinds it declared, production data only, and every read noted.

A library card rather than the library: the reader gets the shelves that were asked for, and the desk keeps
the slips. The slips prove which city's data a run really used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geodata.city import City
from geodata.manifest import DatasetEntry, State
from geodata.pack import CityPack
from twin.errors import ContractBroken
from twin.pilot import Need

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr


class PackView:
    """A city's pack as one pilot may read it."""

    def __init__(self, pack: CityPack, pilot: str, needs: Sequence[Need]) -> None:
        self._pack = pack
        self._pilot = pilot
        self._kinds = {kind for need in needs for kind in (need.kind, *need.instead)}
        self.used: set[str] = set()

    @property
    def city(self) -> City:
        """The city."""
        return self._pack.city

    @property
    def demo(self) -> bool:
        """Whether the data are generated."""
        return self._pack.demo

    @property
    def hash(self) -> str:
        """Content hash of the pack."""
        return self._pack.hash

    def has(self, dataset_id: str) -> bool:
        """Whether the pack holds this dataset in state production, and the pilot declared its kind."""
        if not self._pack.has(dataset_id):
            return False
        entry = self._pack.dataset(dataset_id)
        return entry.kind in self._kinds and entry.provenance.state is State.PRODUCTION

    def of_kind(self, kind: str) -> tuple[DatasetEntry, ...]:
        """The production datasets of a declared kind, its main one first."""
        self._check_kind(kind)
        return tuple(e for e in self._pack.of_kind(kind) if e.provenance.state is State.PRODUCTION)

    def dataset(self, dataset_id: str) -> DatasetEntry:
        """What the manifest says of a dataset: grade, licence, resolution."""
        entry = self._pack.dataset(dataset_id)
        self._check_kind(entry.kind)
        return entry

    def table(self, dataset_id: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table without geometry; see :meth:`geodata.pack.CityPack.table`."""
        self._note(dataset_id)
        return self._pack.table(dataset_id, columns)

    def features(self, dataset_id: str, columns: Sequence[str] | None = None) -> gpd.GeoDataFrame:
        """A table with geometry; see :meth:`geodata.pack.CityPack.features`."""
        self._note(dataset_id)
        return self._pack.features(dataset_id, columns)

    def cube(self, dataset_id: str) -> xr.Dataset:
        """A cube; see :meth:`geodata.pack.CityPack.cube`."""
        self._note(dataset_id)
        return self._pack.cube(dataset_id)

    def _check_kind(self, kind: str) -> None:
        if kind not in self._kinds:
            raise ContractBroken(
                f"the pilot {self._pilot} reads a kind of dataset that it does not declare as a need",
                field="kind",
                value=kind,
                expected="one of " + ", ".join(sorted(self._kinds)),
            )

    def _note(self, dataset_id: str) -> None:
        entry = self.dataset(dataset_id)
        if entry.provenance.state is not State.PRODUCTION:
            raise ContractBroken(
                f"only production data may feed a result; {dataset_id} of {self.city.id} is in "
                f"{entry.provenance.state}",
                field="state",
                value=str(entry.provenance.state),
            )
        self.used.add(dataset_id)
