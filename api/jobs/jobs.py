"""Jobs as they stand in the store: every change is one transaction, committed before anyone is told.

A job is accepted, then runs, and ends as successful, failed or dismissed; an ended job never changes again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api.problems import NoSuchJob
from api.store import JOB_EVENTS, JOBS, RUN_OWNERS, Store, moment, now, stamp

TERMINAL = ("successful", "failed", "dismissed")


@dataclass(frozen=True)
class Event:
    """One line of a job's story."""

    seq: int
    data: str


@dataclass(frozen=True)
class Wanted:
    """Which of a tenant's jobs are asked for; whatever is empty or None asks nothing.

    Attributes:
        processes: Processes, any of them.
        status: States, any of them.
        created_from: When it was accepted, at the earliest.
        created_until: The same, at the latest.
        least_s: How long it has run, in seconds, at least.
        most_s: The same, at most.
    """

    processes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    created_from: datetime | None = None
    created_until: datetime | None = None
    least_s: int | None = None
    most_s: int | None = None

    def lasted(self, row: sa.RowMapping) -> bool:
        """Whether a job has run as long as is asked for; one that never ran has no duration."""
        if row["started"] is None:
            return False
        end = moment(row["finished"]) if row["finished"] else now()
        took_s = (end - moment(row["started"])).total_seconds()
        return (self.least_s or 0) <= took_s and (self.most_s is None or took_s <= self.most_s)


class Jobs:
    """The jobs of one store.

    Args:
        store: The store.
        server: Names the server that runs the jobs, the same after a restart.
    """

    def __init__(self, store: Store, server: str) -> None:
        self.store, self.server = store, server

    def add(self, tenant: str, key_id: str, process: str, inputs: Mapping[str, Any]) -> str:
        """Accept a job; returns its id."""
        job = secrets.token_urlsafe(16)
        at = stamp()
        with self.store.write() as connection:
            connection.execute(
                sa.insert(JOBS).values(
                    id=job,
                    tenant=tenant,
                    key_id=key_id,
                    process=process,
                    status="accepted",
                    inputs=json.dumps(inputs),
                    message="waits for a worker",
                    progress=0,
                    created=at,
                    updated=at,
                    attempt=0,
                    cpu_s=0.0,
                    boot_id=self.server,
                )
            )
            _tell(connection, job, at, {"status": "accepted", "progress": 0, "message": "waits for a worker"})
        return job

    def get(self, job: str, tenant: str) -> sa.RowMapping:
        """A tenant's job.

        Raises:
            NoSuchJob: There is none, or it is another tenant's: the answer is the same.
        """
        row = self.store.one(sa.select(JOBS).where(JOBS.c.id == job, JOBS.c.tenant == tenant))
        if row is None:
            raise NoSuchJob("there is no such job", field="jobId", value=job)
        return row

    def of_tenant(self, tenant: str, wanted: Wanted, *, limit: int, offset: int) -> list[sa.RowMapping]:
        """A tenant's jobs, newest first."""
        query = sa.select(JOBS).where(JOBS.c.tenant == tenant)
        if wanted.processes:
            query = query.where(JOBS.c.process.in_(wanted.processes))
        if wanted.status:
            query = query.where(JOBS.c.status.in_(wanted.status))
        if wanted.created_from is not None:
            query = query.where(JOBS.c.created >= stamp(wanted.created_from))
        if wanted.created_until is not None:
            query = query.where(JOBS.c.created <= stamp(wanted.created_until))
        query = query.order_by(JOBS.c.created.desc(), JOBS.c.id)
        if wanted.least_s is None and wanted.most_s is None:
            return self.store.rows(query.limit(limit).offset(offset))
        rows = [row for row in self.store.rows(query) if wanted.lasted(row)]
        return rows[offset : offset + limit]

    def unfinished(self, tenant: str) -> int:
        """How many jobs of a tenant wait or run."""
        query = sa.select(sa.func.count()).where(JOBS.c.tenant == tenant, JOBS.c.status.not_in(TERMINAL))
        with self.store.read() as connection:
            return int(connection.execute(query).scalar_one())

    def waiting(self) -> list[sa.RowMapping]:
        """Jobs of this server that wait, oldest first."""
        return self.store.rows(
            sa.select(JOBS)
            .where(JOBS.c.status == "accepted", JOBS.c.boot_id == self.server)
            .order_by(JOBS.c.created, JOBS.c.id)
        )

    def begin(self, job: str, lease_until: str) -> bool:
        """Mark a job as running; False if it no longer waits."""
        at = stamp()
        changes = {"status": "running", "started": at, "message": "runs", "lease_until": lease_until}
        changes |= {"attempt": JOBS.c.attempt + 1}  # type: ignore[dict-item]
        return self._change(job, ("accepted",), at, changes, {"status": "running", "progress": 0})

    def renew(self, job: str, lease_until: str) -> None:
        """Say that a running job is alive."""
        with self.store.write() as connection:
            connection.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == job, JOBS.c.status == "running")
                .values(lease_until=lease_until)
            )

    def progress(self, job: str, percent: int) -> None:
        """Note how far a job has come."""
        self._change(
            job, ("running",), stamp(), {"progress": percent}, {"status": "running", "progress": percent}
        )

    def succeed(self, job: str, outputs: bytes, *, run_id: str | None, tenant: str, cpu_s: float) -> bool:
        """Keep a job's outputs, let its tenant read the run's results, and end it, all at once."""
        at = stamp()
        changes = {
            "status": "successful",
            "progress": 100,
            "finished": at,
            "message": "done",
            "outputs": outputs.decode(),
            "run_id": run_id,
            "cpu_s": cpu_s,
            "lease_until": None,
        }
        event = {"status": "successful", "progress": 100, "message": "done"}
        return self._change(job, ("running",), at, changes, event, owner=(run_id, tenant) if run_id else None)

    def fail(self, job: str, problem: Mapping[str, Any], cpu_s: float = 0.0) -> bool:
        """End a job with the problem it ended by."""
        at = stamp()
        message = str(problem.get("detail", "failed"))[:1000]
        changes = {
            "status": "failed",
            "finished": at,
            "message": message,
            "error": json.dumps(problem),
            "cpu_s": cpu_s,
            "lease_until": None,
        }
        event = {"status": "failed", "message": message}
        return self._change(job, ("accepted", "running"), at, changes, event)

    def dismiss(self, job: str) -> bool:
        """End a job that its tenant no longer wants; False if it has ended."""
        at = stamp()
        changes = {"status": "dismissed", "finished": at, "message": "dismissed", "lease_until": None}
        event = {"status": "dismissed", "message": "dismissed"}
        return self._change(job, ("accepted", "running"), at, changes, event)

    def recover(self, most_attempts: int, besides: Collection[str] = ()) -> tuple[int, int]:
        """Running jobs that nobody runs wait again, or fail when they were tried too often.

        Args:
            most_attempts: How often a job is tried.
            besides: Jobs that are known to run.

        Returns:
            How many wait again, how many failed.
        """
        again = failed = 0
        lost = sa.select(JOBS).where(JOBS.c.status == "running", JOBS.c.boot_id == self.server)
        for row in self.store.rows(lost):
            if row["id"] in besides:
                continue
            if row["attempt"] < most_attempts:
                again += self.await_again(row["id"])
            else:
                failed += self.fail(row["id"], lost_too_often(row["attempt"]))
        return again, failed

    def await_again(self, job: str) -> bool:
        """Put a running job whose worker was lost back among those that wait."""
        event = {"status": "accepted", "progress": 0, "message": "its worker was lost; waits again"}
        return self._change(job, ("running",), stamp(), event, event)

    def abandon(self, silent_since: str) -> int:
        """Fail running jobs of other servers on this store whose leases nobody has renewed for long.

        A server that comes back takes its own jobs up again; one that never does must not leave them running
        for ever.

        Args:
            silent_since: Leases that ended before this are given up.

        Returns:
            How many failed.
        """
        lost = sa.select(JOBS).where(
            JOBS.c.status == "running", JOBS.c.boot_id != self.server, JOBS.c.lease_until < silent_since
        )
        failed = 0
        for row in self.store.rows(lost):
            problem = {
                "type": "about:blank",
                "title": "Internal Server Error",
                "status": 500,
                "detail": f"its server has not been heard of since {row['lease_until']}",
                "reason": "server-lost",
            }
            failed += self.fail(row["id"], problem)
        return failed

    def events(self, job: str, after: int) -> list[Event]:
        """A job's story from some event on."""
        query = sa.select(JOB_EVENTS).where(JOB_EVENTS.c.job == job, JOB_EVENTS.c.seq > after)
        return [Event(row["seq"], row["data"]) for row in self.store.rows(query.order_by(JOB_EVENTS.c.seq))]

    def _change(
        self,
        job: str,
        only_from: tuple[str, ...],
        at: str,
        changes: Mapping[str, Any],
        event: Mapping[str, Any],
        owner: tuple[str, str] | None = None,
    ) -> bool:
        with self.store.write() as connection:
            done = connection.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == job, JOBS.c.status.in_(only_from))
                .values(**changes, updated=at)
            )
            if done.rowcount == 0:
                return False
            _tell(connection, job, at, event)
            if owner is not None:
                known = sa.select(RUN_OWNERS).where(
                    RUN_OWNERS.c.run_id == owner[0], RUN_OWNERS.c.tenant == owner[1]
                )
                if connection.execute(known).first() is None:
                    connection.execute(sa.insert(RUN_OWNERS).values(run_id=owner[0], tenant=owner[1]))
            return True


def lost_too_often(attempts: int) -> dict[str, Any]:
    """The problem document of a job whose worker was lost each time it was tried."""
    return {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": f"its worker was lost {attempts} times",
        "reason": "worker-lost",
    }


def _tell(connection: sa.Connection, job: str, at: str, event: Mapping[str, Any]) -> None:
    connection.execute(
        sa.insert(JOB_EVENTS).values(job=job, time=at, data=json.dumps({**event, "updated": at}))
    )
