"""The contract checks of pilots: made once for each version of a plug-in, served beside its results."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from api.jobs.pilots import Pilots
from api.jobs.workshop import TaskProblem, Workshop
from api.problems import NoSuchProcess
from geodata.atomic import write_text


class Checks:
    """Reports by pilot.

    Args:
        folder: Where they are kept.
        workshop: Makes them.
        pilots: The pilots that are installed.
    """

    def __init__(self, folder: Path, workshop: Workshop, pilots: Pilots) -> None:
        self.folder, self.workshop, self.pilots = folder, workshop, pilots
        self._making: dict[Path, asyncio.Task[None]] = {}

    async def of(self, pilot: str) -> dict[str, Any]:
        """The report of a pilot, or that it is being made or cannot be made."""
        try:
            card = await self.pilots.get(pilot)
        except NoSuchProcess:
            return {"pilot": pilot, "state": "not installed here"}
        path = self.folder / f"{pilot}-{card.about['version']}.json"
        if path.exists():
            report: dict[str, Any] = json.loads(path.read_bytes())
            return report
        if path not in self._making:
            self._making[path] = asyncio.create_task(self._make(pilot, path))
        return {"pilot": pilot, "version": card.about["version"], "state": "being made; ask again"}

    async def _make(self, pilot: str, path: Path) -> None:
        try:
            report = await self.workshop.call("check_pilot", {"pilot": pilot}, wall_s=1800)
        except TaskProblem as problem:
            report = {"pilot": pilot, "state": "could not be made", "reason": problem.message}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(report, indent=1))
        self._making.pop(path, None)
