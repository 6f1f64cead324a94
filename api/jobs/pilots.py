"""The installed pilots, as each describes itself in a worker: a broken one is listed with its reason.

A description is kept from one start of the server to the next, as long as nothing has changed that it could
depend on: a server that comes back after a crash spends its first seconds on the runs that were broken off.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import anyio.to_thread

import geodata
import twin
from api.jobs import tasks
from api.jobs.workshop import TaskProblem, Workshop
from api.problems import NoSuchProcess
from geodata.atomic import write_text
from twin.plugins import Found, found
from twin.versions import digest


@dataclass(frozen=True)
class PilotCard:
    """What a pilot says of itself."""

    id: str
    about: Mapping[str, Any]


class Pilots:
    """Describes pilots, once each.

    Args:
        workshop: Where their code is loaded.
        folder: Where descriptions are kept.
    """

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self.workshop, self.folder = workshop, folder
        self.refused: dict[str, str] = {}
        self._cards: dict[str, PilotCard] = {}
        self._looked = asyncio.Event()
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Describe every pilot that is installed."""
        async with self._looking:
            plugins = await anyio.to_thread.run_sync(found)
            places = await anyio.to_thread.run_sync(_places, plugins, self.folder)
            for plugin in plugins:
                if plugin.id in self._cards:
                    continue
                if plugin.reason:
                    self.refused.setdefault(plugin.id, plugin.reason)
                    continue
                try:
                    about = await self._describe(plugin.id, places[plugin])
                except TaskProblem as problem:
                    self.refused[plugin.id] = problem.message
                else:
                    self._cards[plugin.id] = PilotCard(plugin.id, about)
            await anyio.to_thread.run_sync(_keep_only, set(places.values()), self.folder)
            self._looked.set()

    async def _describe(self, pilot: str, kept: Path) -> Mapping[str, Any]:
        about = await anyio.to_thread.run_sync(_read, kept)
        if about is None:
            about = await self.workshop.call("describe", {"pilot": pilot}, wall_s=60)
            await anyio.to_thread.run_sync(_write, kept, about)
        return about

    async def all(self) -> list[PilotCard]:
        """All pilots that can be used, by id."""
        await self._looked.wait()
        return [self._cards[name] for name in sorted(self._cards)]

    async def get(self, pilot: str) -> PilotCard:
        """The pilot of this id.

        Raises:
            NoSuchProcess: There is none, or it was refused.
        """
        if pilot not in self._cards:
            await self._looked.wait()
        if pilot not in self._cards:
            raise NoSuchProcess(
                "there is no such process", field="processId", value=pilot, hint=self.refused.get(pilot)
            )
        return self._cards[pilot]


def _places(plugins: tuple[Found, ...], folder: Path) -> dict[Found, Path]:
    """Where the description of each pilot is kept: named by all that it could depend on."""
    installed = {
        path.name for place in sys.path if Path(place).is_dir() for path in Path(place).glob("*.*-info")
    }
    core = digest(*(Path(str(package.__file__)).parent for package in (twin, geodata)), Path(tasks.__file__))
    common = [platform.python_version(), core, *sorted(installed)]
    return {plugin: folder / f"{_mark(plugin, common)}.json" for plugin in plugins}


def _mark(plugin: Found, common: list[str]) -> str:
    parts = [plugin.id, plugin.distribution, plugin.version, plugin.object, _sources(plugin), *common]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _sources(plugin: Found) -> str:
    """A digest of the package or module that a plug-in stands in; nothing of it is imported."""
    spec = PathFinder.find_spec(plugin.object.partition(":")[0].partition(".")[0])
    if spec is None:
        return ""
    places = spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
    return digest(*map(Path, places))


def _read(kept: Path) -> Mapping[str, Any] | None:
    if not kept.exists():
        return None
    about: dict[str, Any] = json.loads(kept.read_bytes())
    return about


def _write(kept: Path, about: Mapping[str, Any]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_text(kept, json.dumps(about))


def _keep_only(wanted: set[Path], folder: Path) -> None:
    """Remove descriptions of what is no longer installed."""
    for path in set(folder.glob("*.json")) - wanted:
        path.unlink(missing_ok=True)
