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
        self._packs: dict[str, tuple[str, CityPack]] = {}
        self._runs: dict[str, tuple[Collection, ...]] = {}
        self._signature: tuple[object, ...] | None = None
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
        return {city: pack for city, (_, pack) in self._packs.items()}

    def _look(self) -> None:
        signature = tuple(self._signatures())
        if signature != self._signature:
            self._read()
            self._signature = signature
        self._looked_at = time.monotonic()

    def _pack_folder(self, city: str) -> Path | None:
        """The city's built pack, else its demo pack, if either is there."""
        folders = (self.home / name / city for name in ("packs", "demo-packs"))
        return next((folder for folder in folders if (folder / PACK).exists()), None)

    def _signatures(self) -> Iterator[object]:
        for pattern in ("packs/*/pack.json", "demo-packs/*/pack.json", "recipes/*.toml"):
            for path in sorted(self.home.glob(pattern)):
                stat = path.stat()
                yield path, stat.st_mtime_ns, stat.st_size
        runs = self.home / "runs"
        if runs.is_dir():
            yield runs.stat().st_mtime_ns, len(list(runs.iterdir()))

    def _read(self) -> None:
        broken: list[Broken] = []
        found: dict[str, Collection] = {}
        before = {city: digest for city, (digest, _) in self._packs.items()}
        for city in known_cities().values():
            folder = self._pack_folder(city.id)
            if folder is None:
                self._packs.pop(city.id, None)
                continue
            try:
                pack = open_pack(folder)
            except TwinboxError as error:
                broken.append(Broken(f"pack of {city.id}", str(error)))
                continue
            self._packs[city.id] = (pack.hash, pack)
            found |= {item.id: item for item in of_pack(pack)}
        if before != {city: digest for city, (digest, _) in self._packs.items()}:
            self._runs.clear()  # what a result may show depends on the packs' residency
        for item in self._of_runs(broken):
            found[item.id] = item
        self.broken = tuple(broken)
        self._collections = dict(sorted(found.items()))

    def _of_runs(self, broken: list[Broken]) -> Iterator[Collection]:
        folder = self.home / "runs"
        names = {path.parent.name for path in folder.glob(f"*/{MANIFEST}")} if folder.is_dir() else set()
        for gone in set(self._runs) - names:
            del self._runs[gone]
        packs = {city: pack for city, (_, pack) in self._packs.items()}
        for name in sorted(names):
            if name not in self._runs:
                try:
                    self._runs[name] = tuple(of_run(folder / name, packs))
                except (TwinboxError, OSError, ValueError, KeyError) as error:
                    broken.append(Broken(f"run {name}", f"{type(error).__name__}: {error}"))
                    continue
            yield from self._runs[name]
