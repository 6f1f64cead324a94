"""What every part of the server needs, made once: store, guard, ledger, catalogue, workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
import sqlalchemy as sa
from fastapi import Request

from api.access.guard import Guard
from api.access.quota import Quotas
from api.access.registry import Registry
from api.access.usage import Journal
from api.catalogue.catalogue import Catalogue
from api.catalogue.products import Products
from api.jobs.checks import Checks
from api.jobs.jobs import Jobs
from api.jobs.manager import Manager
from api.jobs.nursery import Nursery
from api.jobs.pilots import Pilots
from api.jobs.quarantine import mend
from api.jobs.workshop import TaskProblem, Workshop
from api.lock import Lock
from api.receiving import quarantine, sweep
from api.settings import Settings
from api.store import USAGE, Store, now
from geodata.atomic import write_text
from geodata.demo.facts import demo_cities
from geodata.pack import MANIFEST

_FOLD_S = 1.0
_LOG = logging.getLogger("twinbox.server")


@dataclass
class Context:
    """The server's parts."""

    settings: Settings
    store: Store
    registry: Registry
    guard: Guard
    journal: Journal
    quotas: Quotas
    catalogue: Catalogue
    products: Products
    workshop: Workshop
    manager: Manager
    pilots: Pilots
    checks: Checks
    lock: Lock
    ready: bool = False
    coming: set[str] = field(default_factory=set)
    _tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def start(self) -> None:
        """Recover, begin to take jobs, look at the pilots."""
        for folder in (self.workshop.work_folder, quarantine(self.settings)):
            shutil.rmtree(folder, ignore_errors=True)
        mend(self.settings.home / "packs")
        await anyio.to_thread.run_sync(self.workshop.nursery.start)
        self.manager.published = self._published
        self.coming = {city for city in demo_cities() if self._lacks(city)} if self.settings.demo else set()
        await self.manager.start()
        self._tasks = [asyncio.create_task(self._fold()), asyncio.create_task(self._look())]
        self.ready = True

    async def _look(self) -> None:
        """Look at the pilots, then have demo packs made for cities that have no pack."""
        await self.pilots.look()
        for folder in {item["folder"] for card in await self.pilots.all() for item in card.about["files"]}:
            await anyio.to_thread.run_sync(sweep, self.store, self.settings.home / folder)
        for city in sorted(self.coming):
            try:
                await self.workshop.call("demo", {"city": city}, wall_s=600)
            except TaskProblem as problem:
                _LOG.warning("no demo pack", extra={"city": city, "reason": problem.message})
            self.catalogue.look_again()
            self.coming.discard(city)

    def _lacks(self, city: str) -> bool:
        return not (self.settings.home / "packs" / city / MANIFEST).exists()

    def _published(self) -> None:
        self.guard.refresh()
        self.catalogue.look_again()

    async def _fold(self) -> None:
        while True:
            await asyncio.sleep(_FOLD_S)
            try:
                await anyio.to_thread.run_sync(self.journal.fold)
            except (OSError, sa.exc.SQLAlchemyError):
                _LOG.exception("the ledger cannot be written; the journal keeps what is to come")

    async def stop(self) -> None:
        """Stop jobs, bring the journal into the ledger, let go of everything."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.manager.close()
        await anyio.to_thread.run_sync(self.workshop.stop)
        await anyio.to_thread.run_sync(self.journal.close)
        self.store.close()
        self.lock.release()


def make_context(settings: Settings, nursery: Nursery | None = None) -> Context:
    """Make the server's parts.

    Args:
        settings: The operator's settings.
        nursery: Where workers are born, if one is started already.

    Raises:
        NotReady: The database cannot be reached, or another server has the folder.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(settings.folder / "server.lock")
    store = Store(settings.database_url)
    registry = Registry(store)
    guard = Guard(registry, settings)
    journal = Journal(settings.folder / "journal", store)
    workshop = Workshop(settings, nursery or Nursery({"TWINBOX_HOME": str(settings.home)}))
    jobs = Jobs(store, _server_id(settings.folder / "server.id"))
    limits = settings.limits
    pilots = Pilots(workshop, settings.folder / "pilots")
    return Context(
        settings=settings,
        store=store,
        registry=registry,
        guard=guard,
        journal=journal,
        quotas=Quotas(_limits_of(guard, settings), _used_in(store)),
        catalogue=Catalogue(settings.home),
        products=Products(settings.folder / "products", workshop),
        workshop=workshop,
        manager=Manager(
            jobs, workshop, journal, per_tenant=limits.jobs_per_tenant, at_once=limits.jobs_at_once
        ),
        pilots=pilots,
        checks=Checks(settings.folder / "checks", workshop, pilots),
        lock=lock,
    )


def _server_id(path: Path) -> str:
    """What names this server in a store it may share.

    It is kept with the server's files: a container that comes back under another host name takes its own jobs
    up again.
    """
    if not path.exists():
        write_text(path, secrets.token_hex(16))
    return path.read_text(encoding="utf-8").strip()


def _limits_of(guard: Guard, settings: Settings) -> Any:
    def limits(tenant: str) -> tuple[int, int]:
        snapshot = guard.snapshot
        return (
            snapshot.minute.get(tenant) or settings.requests_per_minute,
            snapshot.month.get(tenant) or settings.requests_per_month,
        )

    return limits


def _used_in(store: Store) -> Any:
    def used(tenant: str, month: str) -> int:
        query = sa.select(sa.func.coalesce(sa.func.sum(USAGE.c.requests), 0)).where(
            USAGE.c.tenant == tenant, USAGE.c.time >= f"{month}-01", USAGE.c.time < f"{month}-32"
        )
        with store.read() as connection:
            return int(connection.execute(query).scalar_one())

    return used


def context_of(request: Request) -> Context:
    """The parts of the server that got a request."""
    context: Context = request.app.state.context
    return context


def today() -> str:
    """The day in UTC."""
    return now().date().isoformat()
