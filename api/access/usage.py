"""The ledger of use: what was answered, for whom, under which contract, in a chain that shows any change.

Before an answer's first byte leaves, one line is written to a journal, a file the system keeps even when the
server is killed. Now and then the lines are folded into the ledger in the store, each row carrying the hash
of the one before it. A line has an id; folding the same line twice adds it once. So nothing is lost and
nothing doubles, wherever the server dies.

Example: a company asks for 500 buildings with ``Idempotency-Key: order-17``, the connection breaks, it asks
again with the same key and gets the same answer: the ledger has one row.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from api.store import USAGE, Store, stamp
from geodata.manifest import canonical_json

FIRST = "0" * 64
_FOLD_ROWS = 2000
_ASK_IDS = 200


@dataclass(frozen=True, slots=True)
class Use:
    """One answered request, or one finished run.

    Attributes:
        tenant: Whose it is.
        key_id: By which key.
        contract: Under which contract; empty if none.
        operation: What was done: ``items``, ``position``, ``download``, ``execute``, …
        resource: Collection or process.
        features: Features or values answered.
        bytes: Size of the answer's body.
        simulated_h: Simulated hours, cities added up.
        cpu_s: Processor seconds of a run.
        requests: 1 for a request, 0 for what a request set off.
    """

    tenant: str
    key_id: str
    contract: str
    operation: str
    resource: str
    features: int = 0
    bytes: int = 0
    simulated_h: float = 0.0
    cpu_s: float = 0.0
    requests: int = 1


_USE = tuple(item.name for item in fields(Use))


class Journal:
    """Lines of use on their way to the ledger.

    Args:
        folder: Where the journal's files stand.
        store: The ledger's store.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.store = folder, store
        self._lock, self._folding = threading.Lock(), threading.Lock()
        self._file = self._open()
        self.pending = 0
        self.fold()

    def _open(self) -> int:
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.journal"
        self._name = name
        return os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)

    def add(self, use: Use, mark: str | None = None) -> None:
        """Write one line; when this returns, a kill does not lose it.

        Args:
            use: What was done.
            mark: What makes it the same use when it is repeated; random if left out.
        """
        row = {"id": mark or secrets.token_hex(16), "time": stamp()}
        row |= {name: getattr(use, name) for name in _USE}
        line = orjson.dumps(row) + b"\n"
        with self._lock:
            written = os.write(self._file, line)
            if written != len(line):  # the disk is full: undo the part, refuse the answer
                os.ftruncate(self._file, os.lseek(self._file, 0, os.SEEK_END) - written)
                raise OSError("the journal of use cannot be written")
            self.pending += 1

    def sync(self) -> None:
        """Ask the system to put the journal on the disk, against loss of power."""
        os.fsync(self._file)

    def fold(self) -> int:
        """Move all lines into the ledger; returns how many were new."""
        with self._folding:
            with self._lock:
                if self.pending:
                    old, self._file = self._file, self._open()
                    self.pending = 0
                    os.fsync(old)
                    os.close(old)
                current = self._name
            new = 0
            for path in sorted(self.folder.glob("*.journal")):
                if path.name == current:
                    continue
                for batch in _batches(_lines(path), _FOLD_ROWS):
                    new += append(self.store, batch)
                path.unlink()
            return new

    def close(self) -> None:
        """Fold what is left and close."""
        self.fold()
        os.close(self._file)
        (self.folder / self._name).unlink(missing_ok=True)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for line in stream:
            if line.endswith(b"\n"):  # a line cut short was never followed by an answer
                yield orjson.loads(line)


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def append(store: Store, rows: list[dict[str, Any]]) -> int:
    """Chain rows onto the ledger, in one transaction; rows whose id it has are passed over."""
    with store.write() as connection:
        if not store.is_sqlite:  # an SQLite transaction that writes is alone as it is
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7766)"))
        known = _known(connection, [row["id"] for row in rows])
        last = connection.execute(
            sa.select(USAGE.c.seq, USAGE.c.hash).order_by(USAGE.c.seq.desc()).limit(1)
        ).first()
        seq, previous = (last.seq, last.hash) if last else (0, FIRST)
        chained = []
        for row in rows:
            if row["id"] in known:
                continue
            known.add(row["id"])
            seq += 1
            digest = hash_of_row({**row, "seq": seq, "previous": previous})
            chained.append({**row, "seq": seq, "previous": previous, "hash": digest})
            previous = digest
        if chained:
            connection.execute(sa.insert(USAGE), chained)
        return len(chained)


def _known(connection: sa.Connection, ids: list[str]) -> set[str]:
    """Which ids the ledger has; asked in lots of one size, since a driver keeps each question it has seen."""
    found: set[str] = set()
    for start in range(0, len(ids), _ASK_IDS):
        lot = ids[start : start + _ASK_IDS]
        lot += lot[-1:] * (_ASK_IDS - len(lot))
        found |= set(connection.execute(sa.select(USAGE.c.id).where(USAGE.c.id.in_(lot))).scalars())
    return found


def hash_of_row(row: Mapping[str, Any]) -> str:
    """The hash of a ledger row: over everything it says, the previous row's hash included."""
    parts = {name: row[name] for name in USAGE.c.keys() if name != "hash"}  # noqa: SIM118 - a column collection
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def broken_link(store: Store) -> int | None:
    """The number of the first row that does not follow from the one before it; None if the chain holds."""
    previous, expected = FIRST, 1
    with store.read() as connection:
        for row in connection.execute(sa.select(USAGE).order_by(USAGE.c.seq)).mappings():
            if row["seq"] != expected or row["previous"] != previous or hash_of_row(dict(row)) != row["hash"]:
                return int(row["seq"])
            previous, expected = row["hash"], expected + 1
    return None


def mark_of(tenant: str, key: str, method: str, path: str, query: bytes, day: str) -> str:
    """What makes a repeated request the same use: tenant, Idempotency-Key, the request and the day."""
    parts = (tenant, key, method, path, query.decode("latin-1"), day)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
