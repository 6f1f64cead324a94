"""The workshop: where the server has tasks done by workers, and waits for them without standing still."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread

from api.jobs.nursery import Nursery
from api.problems import HttpProblem
from api.settings import Limits, Settings

_MOST_LINE = 64 * 1024 * 1024
_NICE_JOB, _NICE_CALL = 5, 0
"""How far a worker steps back behind the nursery: one with a job, and one that somebody waits for."""


class TaskProblem(HttpProblem):
    """A task failed in its worker; the worker's problem document is kept as it is."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "the task failed")))
        self.problem = dict(problem)
        self.status = int(problem.get("status", 500))
        self.type = str(problem.get("type", "about:blank"))

    def details(self) -> dict[str, Any]:
        """The worker's own members."""
        return {name: value for name, value in self.problem.items() if name != "instance"}


def ended(reason: str) -> dict[str, Any]:
    """The problem document of a worker that was ended."""
    return {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": f"the worker did not finish: {reason}",
        "reason": "worker-ended",
    }


class Work:
    """A task under way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.cpu_s = 0.0

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """What the worker says: ``{"progress": 0.4}``, and last ``{"done": …}`` or ``{"error": …}``.

        The last one comes when nothing of the worker is left.
        """
        last: dict[str, Any] = {}
        with contextlib.suppress(ConnectionError):
            async for line in self._reader:
                message = json.loads(line)
                self.cpu_s = message.get("cpu_s", self.cpu_s)
                if "progress" in message:
                    yield message
                elif "ended" in message:
                    if message["ended"]:
                        last = {"error": ended(message["ended"])}
                elif not last:
                    last = message
        self._writer.close()
        yield last or {"error": ended("its supervisor was killed")}

    def stop(self) -> None:
        """Have the worker killed, with everything it started."""
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.write(b"stop")

    async def result(self) -> Any:
        """What the task gives.

        Raises:
            TaskProblem: It failed.
        """
        try:
            async for message in self.messages():
                if "done" in message:
                    return message["done"]
                if "error" in message:
                    raise TaskProblem(message["error"])
        finally:
            self._writer.close()
        raise TaskProblem(ended("it said nothing"))


class Workshop:
    """Starts tasks in workers.

    Args:
        settings: Limits, and the folder for workers' temporary files.
        nursery: Where workers are born.
    """

    def __init__(self, settings: Settings, nursery: Nursery) -> None:
        self.settings, self.nursery = settings, nursery
        self._short = asyncio.Semaphore(4)

    async def start(self, name: str, payload: Mapping[str, Any], wall_s: float | None = None) -> Work:
        """Start a task; ``wall_s`` shortens the time it has."""
        limits: Limits = self.settings.limits
        task = {
            "name": name,
            "payload": payload,
            "folder": str(self.work_folder / f"{name}-{secrets.token_hex(8)}"),
            "limits": {
                "memory_bytes": limits.job_memory_bytes,
                "cpu_s": limits.job_cpu_s,
                "file_bytes": limits.job_file_bytes,
                "processes": limits.job_processes,
                "wall_s": wall_s or limits.job_wall_s,
            },
            "niceness": _NICE_JOB if wall_s is None else _NICE_CALL,
        }
        connection = await anyio.to_thread.run_sync(self.nursery.spawn, task)
        reader, writer = await asyncio.open_connection(sock=connection, limit=_MOST_LINE)
        return Work(reader, writer)

    async def call(self, name: str, payload: Mapping[str, Any], wall_s: float = 120.0) -> Any:
        """Have a short task done; a few at a time.

        Raises:
            TaskProblem: It failed.
        """
        async with self._short:
            return await (await self.start(name, payload, wall_s)).result()

    @property
    def work_folder(self) -> Path:
        """Where workers have their temporary files."""
        return self.settings.folder / "work"

    def stop(self) -> None:
        """End the nursery; workers under way are ended by their supervisors."""
        self.nursery.stop()
