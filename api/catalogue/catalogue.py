"""The catalogue: every collection that the packs and runs of this machine offer, read from their manifests.

Nothing is opened here but manifests; a collection's data are prepared when somebody first asks for them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.catalogue.collection import Collection
from api.catalogue.datasets import of_pack
from api.catalogue.results import MANIFEST, of_run
from geodata.city import known_cities
from geodata.errors import TwinboxError
from geodata.pack import MANIFEST as PACK
from geodata.pack import CityPack, open_pack

LOOK_AGAIN_S = 1.0


@dataclass(frozen=True)
class Broken:
    """A pack or run that is there but cannot be offered, and why."""

    name: str
    reason: str


class Catalogue:
    """Collections by id, kept in step with what is on the disk.

    Args:
        home: Folder with packs and runs.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.broken: tuple[Broken, ...] = ()
        self._collections: Mapping[str, Collection] = {}
        self._packs: dict[str, CityPack] = {}
        self._of_packs: dict[str, Collection] = {}
        self._broken_packs: tuple[Broken, ...] = ()
        self._runs: dict[str, tuple[Collection, ...]] = {}
        self._seen_packs: tuple[object, ...] | None = None
        self._seen_runs: tuple[object, ...] | None = None
        self._looked_at = -LOOK_AGAIN_S
        self._lock = threading.Lock()

    @property
    def collections(self) -> Mapping[str, Collection]:
        """All collections by id, in the order of their ids."""
        if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
            with self._lock:
                if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
                    self._look()
        return self._collections

    def look_again(self) -> None:
        """Read the manifests at the next question, whenever the last look was."""
        self._looked_at = -LOOK_AGAIN_S

    def packs(self) -> Mapping[str, CityPack]:
        """The packs by city."""
        _ = self.collections
        return dict(self._packs)

    def _look(self) -> None:
        """Read what has changed: a run that ends must not have all packs and recipes read again."""
        packs, runs = tuple(self._signs_of_packs()), tuple(self._signs_of_runs())
        if packs != self._seen_packs:
            self._read_packs()
        if (packs, runs) != (self._seen_packs, self._seen_runs):
            self._gather()
        self._seen_packs, self._seen_runs = packs, runs
        self._looked_at = time.monotonic()

    def _pack_folder(self, city: str) -> Path | None:
        """The city's built pack, else its demo pack, if either is there."""
        folders = (self.home / name / city for name in ("packs", "demo-packs"))
        return next((folder for folder in folders if (folder / PACK).exists()), None)

    def _signs_of_packs(self) -> Iterator[object]:
        for pattern in ("packs/*/pack.json", "demo-packs/*/pack.json", "recipes/*.toml"):
            for path in sorted(self.home.glob(pattern)):
                stat = path.stat()
                yield path, stat.st_mtime_ns, stat.st_size

    def _signs_of_runs(self) -> Iterator[object]:
        runs = self.home / "runs"
        if runs.is_dir():
            yield runs.stat().st_mtime_ns, len(list(runs.iterdir()))

    def _read_packs(self) -> None:
        before = {city: pack.hash for city, pack in self._packs.items()}
        broken: list[Broken] = []
        packs: dict[str, CityPack] = {}
        found: dict[str, Collection] = {}
        for city in known_cities().values():
            folder = self._pack_folder(city.id)
            if folder is None:
                continue
            try:
                pack = open_pack(folder)
            except TwinboxError as error:
                broken.append(Broken(f"pack of {city.id}", str(error)))
                continue
            packs[city.id] = pack
            found |= {item.id: item for item in of_pack(pack)}
        self._packs, self._of_packs, self._broken_packs = packs, found, tuple(broken)
        if before != {city: pack.hash for city, pack in packs.items()}:
            self._runs.clear()  # what a result may show depends on the packs' residency

    def _gather(self) -> None:
        broken: list[Broken] = []
        found = dict(self._of_packs)
        for item in self._of_runs(broken):
            found[item.id] = item
        self.broken = (*self._broken_packs, *broken)
        self._collections = dict(sorted(found.items()))

    def _of_runs(self, broken: list[Broken]) -> Iterator[Collection]:
        folder = self.home / "runs"
        names = {path.parent.name for path in folder.glob(f"*/{MANIFEST}")} if folder.is_dir() else set()
        for gone in set(self._runs) - names:
            del self._runs[gone]
        for name in sorted(names):
            if name not in self._runs:
                try:
                    self._runs[name] = tuple(of_run(folder / name, self._packs))
                except (TwinboxError, OSError, ValueError, KeyError) as error:
                    broken.append(Broken(f"run {name}", f"{type(error).__name__}: {error}"))
                    continue
            yield from self._runs[name]
