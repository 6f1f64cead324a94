"""The manager of jobs: takes them in turn, has them done, tells who listens, ends what is unwanted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import anyio.to_thread
import sqlalchemy as sa

from api.access.guard import Caller
from api.access.usage import Journal, Use
from api.jobs.jobs import TERMINAL, Event, Jobs, lost_too_often
from api.jobs.tasks import ECHO, to_bytes
from api.jobs.workshop import Work, Workshop, ended
from api.problems import QuotaExceeded, Unavailable
from api.store import now, stamp
from geodata.errors import TwinboxError

LEASE = timedelta(seconds=15)
_SILENCE = timedelta(minutes=10)  # after which another server's jobs are taken for lost
_BEAT_S = 3.0
_LOOK_S = 5.0
_ATTEMPTS = 3
_KILLED = (ended("it was ended by SIGKILL"), ended("its supervisor was killed"))
"""How it looks when the system, short of memory, or a person has killed a worker or who watches it."""
_LOG = logging.getLogger("twinbox.jobs")


class Manager:
    """Runs the jobs of one server.

    Args:
        jobs: The jobs in the store.
        workshop: Where they are done.
        journal: Where their use is noted.
        per_tenant: Unfinished jobs that one tenant may have.
        at_once: Jobs that run at one time.

    Attributes:
        published: Called when a job has published a run, before anyone is told that it is done.
    """

    def __init__(
        self, jobs: Jobs, workshop: Workshop, journal: Journal, *, per_tenant: int, at_once: int
    ) -> None:
        self.jobs, self.workshop, self.journal = jobs, workshop, journal
        self.per_tenant, self.at_once = per_tenant, at_once
        self.published: Callable[[], None] = lambda: None
        self._running: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._work: dict[str, Work] = {}
        self._unwanted: set[str] = set()
        self._news: dict[str, asyncio.Event] = {}
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._closing = False

    async def start(self) -> None:
        """Recover what a crash left, and begin to take jobs."""
        await self._recover()
        self._loop = asyncio.create_task(self._take_jobs())

    async def _recover(self) -> None:
        again, failed = await anyio.to_thread.run_sync(self.jobs.recover, _ATTEMPTS, [*self._running])
        failed += await anyio.to_thread.run_sync(self.jobs.abandon, stamp(now() - _SILENCE))
        if again or failed:
            _LOG.warning("recovered jobs", extra={"again": again, "failed": failed})

    async def submit(self, caller: Caller, process: str, inputs: Mapping[str, Any]) -> str:
        """Accept a job: it stands in the store when this returns.

        Raises:
            QuotaExceeded: The tenant's queue is full.
            Unavailable: The server is shutting down.
        """
        if self._closing:
            raise Unavailable("the server is shutting down")
        unfinished = await anyio.to_thread.run_sync(self.jobs.unfinished, caller.tenant)
        if unfinished >= self.per_tenant:
            raise QuotaExceeded(
                "the tenant's queue is full",
                30,
                value=unfinished,
                expected=f"{self.per_tenant} unfinished jobs",
            )
        job = await anyio.to_thread.run_sync(self.jobs.add, caller.tenant, caller.key_id, process, inputs)
        self._wake.set()
        return job

    async def dismiss(self, job: str) -> bool:
        """End a job and everything its worker started; False if it had ended."""
        done = await anyio.to_thread.run_sync(self.jobs.dismiss, job)
        self._tell(job)
        work, running = self._work.get(job), self._running.get(job)
        if work is not None:
            work.stop()
        if running is not None:
            self._unwanted.add(job)  # its worker may be being born at this moment
            await asyncio.wait([running[1]], timeout=5.0)
        return done

    async def finished(self, job: str, tenant: str, wait_s: float) -> sa.RowMapping | None:
        """A job once it has ended; None if it has not after some time."""
        deadline = time.monotonic() + wait_s
        while True:
            event = self._news.setdefault(job, asyncio.Event())
            row = await anyio.to_thread.run_sync(self.jobs.get, job, tenant)
            if row["status"] in TERMINAL:
                return row
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await event.wait()
            except TimeoutError:
                return None

    async def story(self, job: str, after: int) -> AsyncIterator[Event]:
        """A job's events from some event on, until it has ended."""
        while True:
            event = self._news.setdefault(job, asyncio.Event())
            for item in await anyio.to_thread.run_sync(self.jobs.events, job, after):
                after = item.seq
                yield item
                if json.loads(item.data)["status"] in TERMINAL:
                    return
            if self._closing:
                return
            try:
                async with asyncio.timeout(15.0):
                    await event.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Stop taking jobs and stop those that run; they wait in the store for the next start."""
        self._closing = True
        for work in self._work.values():
            work.stop()
        tasks = [task for _, task in self._running.values()]
        if self._loop is not None:
            self._loop.cancel()
            tasks.append(self._loop)
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)
        for job in list(self._news):
            self._tell(job)

    def _tell(self, job: str) -> None:
        event = self._news.pop(job, None)
        if event is not None:
            event.set()

    async def _take_jobs(self) -> None:
        """Take jobs as they come and as workers become free.

        Now and then look without being woken: a store that did not answer for a while may have kept a job's
        end from being written. This server alone has its jobs, so what it does not run is taken again.
        """
        while True:
            self._wake.clear()
            try:
                await self._recover()
                await self._take()
            except sa.exc.SQLAlchemyError:
                _LOG.exception("the store does not answer; jobs wait")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._wake.wait()

    async def _take(self) -> None:
        waiting = await anyio.to_thread.run_sync(self.jobs.waiting)
        for row in _fair(waiting, [tenant for tenant, _ in self._running.values()]):
            if len(self._running) >= self.at_once:
                break
            if row["id"] not in self._running:
                task = asyncio.create_task(self._do(row))
                self._running[row["id"]] = (row["tenant"], task)

    async def _do(self, row: sa.RowMapping) -> None:
        job = row["id"]
        try:
            if await anyio.to_thread.run_sync(self.jobs.begin, job, stamp(now() + LEASE)):
                await self._work_on(row)
        except TwinboxError as error:
            await anyio.to_thread.run_sync(self.jobs.fail, job, {"status": 500, "detail": str(error)})
        except Exception:  # noqa: BLE001 - the job must end whatever happens; the log has the cause
            _LOG.exception("a job could not be run", extra={"job": job})
            problem = {"type": "about:blank", "status": 500, "detail": "the server could not run the job"}
            await anyio.to_thread.run_sync(self.jobs.fail, job, problem)
        finally:
            self._work.pop(job, None)
            self._unwanted.discard(job)
            del self._running[job]
            self._tell(job)
            self._wake.set()

    async def _work_on(self, row: sa.RowMapping) -> None:
        job = row["id"]
        name = ECHO if row["process"] == ECHO else "run"
        payload = {"pilot": row["process"], "inputs": json.loads(row["inputs"])}
        work = self._work[job] = await self.workshop.start(name, payload)
        if job in self._unwanted:
            work.stop()
        heart = asyncio.create_task(self._beat(job))
        try:
            percent, told = 0, 0.0
            async for message in work.messages():
                if "progress" in message:
                    new = int(message["progress"] * 100)
                    if new > percent and time.monotonic() - told > 0.2:
                        percent, told = new, time.monotonic()
                        await anyio.to_thread.run_sync(self.jobs.progress, job, min(percent, 99))
                        self._tell(job)
                elif "done" in message:
                    await anyio.to_thread.run_sync(self._settle, row, message["done"], work.cpu_s)
                    if "run_id" in message["done"]:
                        await anyio.to_thread.run_sync(self.published)
                elif (
                    not self._closing
                ):  # a job stopped by a shutdown stays running in the store: it is recovered
                    await anyio.to_thread.run_sync(self._give_up, row, message["error"], work.cpu_s)
        finally:
            heart.cancel()

    def _give_up(self, row: sa.RowMapping, problem: dict[str, Any], cpu_s: float) -> None:
        """End a job with its problem, or have it wait again if its worker was killed from outside.

        Of what is done to workers here, only the system's kill at the end of their processor time looks so.
        """
        if problem in _KILLED and cpu_s < self.workshop.settings.limits.job_cpu_s:
            attempts = row["attempt"] + 1
            if attempts < _ATTEMPTS:
                self.jobs.await_again(row["id"])
                return
            problem = lost_too_often(attempts)
        self.jobs.fail(row["id"], problem, cpu_s)

    async def _beat(self, job: str) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await anyio.to_thread.run_sync(self.jobs.renew, job, stamp(now() + LEASE))
            except sa.exc.SQLAlchemyError:
                _LOG.exception("a lease cannot be renewed", extra={"job": job})

    def _settle(self, row: sa.RowMapping, done: Mapping[str, Any], cpu_s: float) -> None:
        """Keep a job's outputs and note its use once: the ledger knows a job's mark, whoever repeats it."""
        outputs = to_bytes(done["outputs"])
        inputs = json.loads(row["inputs"])
        use = Use(
            row["tenant"],
            row["key_id"],
            inputs.get("contract", ""),
            "run",
            row["process"],
            bytes=0,
            simulated_h=float(inputs.get("simulated_h", 0.0)),
            cpu_s=round(cpu_s, 3),
            requests=0,
        )
        self.journal.add(use, f"job:{row['id']}")
        self.jobs.succeed(row["id"], outputs, run_id=done.get("run_id"), tenant=row["tenant"], cpu_s=cpu_s)


def _fair(waiting: list[sa.RowMapping], running: list[str]) -> list[sa.RowMapping]:
    """Waiting jobs in the order in which tenants take turns: who has fewest running or chosen comes first."""
    load = Counter(running)
    queues: dict[str, list[sa.RowMapping]] = {}
    for row in waiting:
        queues.setdefault(row["tenant"], []).append(row)
    order = []
    while queues:
        tenant = min(queues, key=lambda name: (load[name], queues[name][0]["created"]))
        order.append(queues[tenant].pop(0))
        load[tenant] += 1
        if not queues[tenant]:
            del queues[tenant]
    return order
