"""The installed pilots, as each describes itself in a worker: a broken one is listed with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.jobs.workshop import TaskProblem, Workshop
from api.problems import NoSuchProcess
from twin.plugins import found


@dataclass(frozen=True)
class PilotCard:
    """What a pilot says of itself."""

    id: str
    about: Mapping[str, Any]


class Pilots:
    """Describes pilots, once each.

    Args:
        workshop: Where their code is loaded.
    """

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.refused: dict[str, str] = {}
        self._cards: dict[str, PilotCard] = {}
        self._looked = asyncio.Event()
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Describe every pilot that is installed."""
        async with self._looking:
            for plugin in found():
                if plugin.id in self._cards:
                    continue
                if plugin.reason:
                    self.refused.setdefault(plugin.id, plugin.reason)
                    continue
                try:
                    about = await self.workshop.call("describe", {"pilot": plugin.id}, wall_s=60)
                except TaskProblem as problem:
                    self.refused[plugin.id] = problem.message
                else:
                    self._cards[plugin.id] = PilotCard(plugin.id, about)
            self._looked.set()

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
