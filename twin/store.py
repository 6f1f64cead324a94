"""Where finished runs are kept: one folder each, and a registry that lists them.

The folders are the truth; the registry is their index, rebuilt from them whenever the two disagree. A run is
published by one rename, so that a killed process leaves either a whole run or nothing that can be opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from geodata.atomic import sweep
from geodata.errors import InvalidInput, UnknownName
from geodata.home import home
from twin.errors import DamagedRun
from twin.plan import RunPlan
from twin.result import MANIFEST, Result, open_result

_METADATA = sa.MetaData()
_RUNS = sa.Table(
    "runs",
    _METADATA,
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("run_hash", sa.String(64), nullable=False, index=True),
    sa.Column("pilots", sa.Text, nullable=False),
    sa.Column("cities", sa.Text, nullable=False),
    sa.Column("start", sa.String(40), nullable=False),
    sa.Column("days", sa.Integer, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("published", sa.String(40), nullable=False),
)


@dataclass(frozen=True)
class StoredRun:
    """One line of the registry."""

    run_id: str
    run_hash: str
    pilots: tuple[str, ...]
    cities: tuple[str, ...]
    start: datetime
    days: int
    seed: int
    demo: bool
    published: datetime


class RunStore:
    """The runs of one Twinbox.

    Args:
        folder: Where the runs' folders stand; ``runs`` below Twinbox's home if left out.
        url: SQLAlchemy URL of the registry; an SQLite file beside the runs if left out.

    Raises:
        InvalidInput: The registry cannot be opened or written.
    """

    def __init__(self, folder: Path | None = None, url: str | None = None) -> None:
        self.folder = folder or home() / "runs"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._engine = sa.create_engine(url or f"sqlite:///{self.folder / 'registry.sqlite'}")
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _patient)
        try:
            self.recovered = [*self._open_registry(), *self.recover()]
        except sa.exc.OperationalError as error:
            raise InvalidInput(
                f"the registry of runs cannot be used: {error.orig}",
                file=self._engine.url.database,
                hint="the disk may be full, the folder not writable, or another process at work",
            ) from error
        """What had to be brought in order, one line each."""

    def publish(self, result: Result) -> Path:
        """Keep a result; one that is kept already is left as it is.

        Raises:
            DamagedRun: The result carries no eligible verdict.
        """
        if not result.manifest.get("verdict", {}).get("eligible"):
            raise DamagedRun("a result without an eligible verdict is not published", value=result.run_id)
        path = self.folder / result.run_id
        if not path.exists():
            # Another process may publish the same run at this very moment: same plan, same bytes.
            with suppress(FileExistsError):
                result.save(path)
        self._index(path)
        return path

    def find(self, plan: RunPlan) -> Path | None:
        """Where the result of a plan is kept, or None."""
        path = self.folder / plan.run_id
        return path if (path / MANIFEST).exists() else None

    def path(self, name: str) -> Path:
        """The folder of a run, by its id or an unambiguous beginning or ending of it.

        Raises:
            UnknownName: No run, or several, answer.
        """
        ids = [run.run_id for run in self.runs()]
        found = [i for i in ids if i == name] or [i for i in ids if i.startswith(name) or i.endswith(name)]
        if len(found) == 1:
            return self.folder / found[0]
        raise UnknownName(
            "no run is called this" if not found else "several runs answer to this name",
            field="run",
            value=name,
            expected="one of " + ", ".join(found or ids[:5]) if ids else None,
            hint="twinbox runs lists them",
        )

    def open(self, name: str) -> Result:
        """Open a run by its id, or an unambiguous part of it."""
        return open_result(self.path(name))

    def runs(self) -> tuple[StoredRun, ...]:
        """All runs, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(_RUNS).order_by(_RUNS.c.published.desc(), _RUNS.c.run_id)
            ).all()
        return tuple(
            StoredRun(
                run_id=row.run_id,
                run_hash=row.run_hash,
                pilots=tuple(row.pilots.split("+")),
                cities=tuple(row.cities.split("+")),
                start=datetime.fromisoformat(row.start),
                days=row.days,
                seed=row.seed,
                demo=row.demo,
                published=datetime.fromisoformat(row.published),
            )
            for row in rows
        )

    def recover(self) -> list[str]:
        """Remove what dead processes left half-written and bring the registry in line with the folders.

        Returns:
            What was done, one line each.
        """
        done = [f"removed the half-written {name}" for name in sweep(self.folder)]
        folders = {item.name for item in self.folder.iterdir() if (item / MANIFEST).exists()}
        with self._transaction() as connection:
            listed = set(connection.execute(sa.select(_RUNS.c.run_id)).scalars())
            for gone in sorted(listed - folders):
                connection.execute(sa.delete(_RUNS).where(_RUNS.c.run_id == gone))
                done.append(f"forgot {gone}, whose folder is gone")
        for found in sorted(folders - listed):
            try:
                self._index(self.folder / found)
                done.append(f"listed {found}")
            except (ValueError, KeyError, TypeError) as error:
                done.append(f"left {found} out, whose manifest cannot be read: {error}")
        return done

    def _open_registry(self) -> list[str]:
        """Make the registry's tables; an SQLite file that is damaged is set aside and made anew."""
        try:
            _METADATA.create_all(self._engine)
        except sa.exc.DatabaseError as error:
            file = self.folder / "registry.sqlite"
            if isinstance(error, sa.exc.OperationalError) or not file.exists():
                raise
            self._engine.dispose()
            aside = file.with_suffix(".damaged")
            file.replace(aside)
            for journal in ("-wal", "-shm"):
                file.with_name(file.name + journal).unlink(missing_ok=True)
            _METADATA.create_all(self._engine)
            return [f"made the registry anew; the damaged one is {aside.name}"]
        return []

    def _index(self, path: Path) -> None:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_bytes())
        plan = manifest["plan"]
        row = {
            "run_id": manifest["run_id"],
            "run_hash": manifest["run_hash"],
            "pilots": "+".join(item["id"] for item in plan["pilots"]),
            "cities": "+".join(item["city"]["id"] for item in plan["cities"]),
            "start": plan["start"],
            "days": plan["days"],
            "seed": plan["seed"],
            "demo": any(item["demo"] for item in plan["cities"]),
            "published": datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC).isoformat(),
        }
        with self._transaction() as connection:
            known = connection.execute(
                sa.select(_RUNS.c.run_id).where(_RUNS.c.run_id == row["run_id"])
            ).first()
            if known is None:
                connection.execute(sa.insert(_RUNS).values(row))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection


def _patient(connection: Any, _: object) -> None:
    """Let SQLite wait for another writer instead of failing, and let readers go on meanwhile."""
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
