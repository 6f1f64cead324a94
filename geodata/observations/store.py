"""The store of observations: a year of 2,700 sensors on one machine, the latest value of each at once.

A file of SQLite keeps one row of packed columns per datastream and month, the few observations that trickle
in one by one until they are many enough to pack, and the latest value of each datastream. A reader sees
whole batches or nothing of them, whatever crashes. An observation that comes twice is kept once, one that
comes late goes where it belongs, a correction replaces what it corrects and leaves a note, and what could
not be read waits in staging with the reason.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput, UnknownName, UnreadableSource
from geodata.observations.chunks import EMPTY, Columns, decode, encode, merge
from geodata.observations.model import Batch, Datastream, State
from geodata.observations.quality import LABELS, Flag

_PACK_FROM = 48
"""So many observations of one month are packed at once; fewer wait as rows."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS datastreams (key INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, description TEXT
NOT NULL); CREATE TABLE IF NOT EXISTS chunks (
  datastream INTEGER, month INTEGER, count INTEGER NOT NULL, columns BLOB NOT NULL, PRIMARY KEY (datastream,
  month)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recent (
  datastream INTEGER, time INTEGER, value REAL, flag INTEGER NOT NULL, state INTEGER NOT NULL,
  PRIMARY KEY (datastream, time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latest (
  datastream INTEGER PRIMARY KEY, time INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL, state INTEGER
  NOT NULL
);
CREATE TABLE IF NOT EXISTS staging (
  batch TEXT, row INTEGER, datastream TEXT, reason TEXT, field TEXT, value TEXT, raw TEXT
);
CREATE TABLE IF NOT EXISTS corrections (datastream INTEGER, time INTEGER, old REAL, new REAL, batch TEXT);
"""


@dataclass(frozen=True)
class AppendReport:
    """What became of a batch."""

    stored: int
    duplicates: int
    """Came before with the same value."""
    corrected: int
    """Came before with another value."""
    late: int
    """Older than the latest of their datastream."""
    rejected: Mapping[str, int]
    """Turned away, by reason; their raw text is in staging."""


class ObservationStore:
    """Observations in one file; see the module.

    Args:
        path: The file; made when it is not there.

    Raises:
        UnreadableSource: There is a file, but not of this kind.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._db = sqlite3.connect(self.path, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise UnreadableSource("not a store of observations", file=path, value=str(error)) from error
        self._keys: dict[str, int] = dict(self._db.execute("SELECT id, key FROM datastreams"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def register(self, datastreams: Iterable[Datastream]) -> None:
        """Make datastreams known, or describe known ones anew."""
        with self._transaction():
            for datastream in datastreams:
                self._db.execute(
                    "INSERT INTO datastreams (id, description) VALUES (?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET description = excluded.description",
                    (datastream.id, json.dumps(asdict(datastream))),
                )
        self._keys = dict(self._db.execute("SELECT id, key FROM datastreams"))

    @property
    def datastreams(self) -> dict[str, Datastream]:
        """The datastreams known, by identifier."""
        rows = self._db.execute("SELECT id, description FROM datastreams ORDER BY key")
        return {name: Datastream(**json.loads(description)) for name, description in rows}

    def append(
        self,
        batch: Batch,
        *,
        flag: Flag = Flag.UNKNOWN,
        state: State = State.STAGING,
        name: str = "",
    ) -> AppendReport:
        """Store a batch; all of it or, if anything fails, nothing.

        Args:
            batch: What a reader made of what arrived.
            flag: Verdict on its values; those that are not numbers are missing.
            state: Where they stand; quality control promotes them later.
            name: Where it came from, noted beside what was turned away or corrected.

        Raises:
            UnknownName: A datastream that was not registered.
        """
        frame = batch.observations
        keys = frame["datastream"].map(self._keys)
        if keys.isna().any():
            unknown = str(frame["datastream"][keys.isna()].iloc[0])
            raise UnknownName("a datastream that was not registered", field="datastream", value=unknown)
        time = pd.DatetimeIndex(frame["time"]).as_unit("ns").asi8
        value = frame["value"].to_numpy(np.float64)
        columns = Columns(
            time,
            value,
            np.where(np.isfinite(value), int(flag), int(Flag.MISSING)).astype(np.uint8),
            np.full(value.size, int(state), dtype=np.uint8),
        )
        counts = np.zeros(4, dtype=np.int64)
        with self._transaction():
            for key, own in _by_datastream(keys.to_numpy().astype(np.int64), columns):
                counts += self._append_one(key, own, name)
            self._db.executemany(
                "INSERT INTO staging VALUES (?, ?, ?, ?, ?, ?, ?)",
                ([name, *row] for row in batch.rejected.itertuples(index=False, name=None)),
            )
        stored, duplicates, corrected, late = (int(count) for count in counts)
        return AppendReport(stored, duplicates, corrected, late, batch.reasons)

    def append_series(
        self,
        datastream: str,
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        *,
        flag: NDArray[np.uint8] | None = None,
        state: State = State.STAGING,
        name: str = "",
    ) -> AppendReport:
        """Store observations of one datastream that are arrays already: history, or a virtual sensor.

        Args:
            datastream: Its identifier.
            time: Instants, ns since 1970.
            value: Values in the unit of its property.
            flag: Verdicts; unknown, or missing where the value is not a number, without them.
            state: Where they stand.
            name: Where they came from.

        Raises:
            UnknownName: No such datastream.
        """
        verdict = np.where(np.isfinite(value), int(Flag.UNKNOWN), int(Flag.MISSING)) if flag is None else flag
        states = np.full(value.size, int(state), dtype=np.uint8)
        with self._transaction():
            counts = self._append_one(
                self._key(datastream), Columns(time, value, verdict.astype(np.uint8), states), name
            )
        stored, duplicates, corrected, late = (int(count) for count in counts)
        return AppendReport(stored, duplicates, corrected, late, {})

    def _append_one(self, key: int, new: Columns, name: str) -> NDArray[np.int64]:
        """Store observations of one datastream, not in order and perhaps twice; returns the four counts."""
        arrived = len(new)
        if not arrived:
            return np.zeros(4, dtype=np.int64)
        new = _once(new)
        last = self._db.execute("SELECT time FROM latest WHERE datastream = ?", (key,)).fetchone()
        late = 0 if last is None else int((new.time < last[0]).sum())
        known = corrected = 0
        for month, own in _by_month(new):
            twice, other = self._append_month(key, month, own, name)
            known += twice
            corrected += other
        newest = len(new) - 1
        if last is None or new.time[newest] >= last[0]:
            self._db.execute(
                "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?)", (key, *_row(new, newest))
            )
        duplicates = arrived - len(new) + known - corrected
        return np.array([arrived - duplicates - corrected, duplicates, corrected, late])

    def _append_month(self, key: int, month: int, new: Columns, name: str) -> tuple[int, int]:
        """Store observations of one month; returns how many were known, and of those how many differ."""
        if len(new) < _PACK_FROM:
            chunk = self._chunk(key, month) if self._reaches_chunk(key, month, new) else EMPTY
            old = _overlaid(chunk, self._recent(key, int(new.time[0]), int(new.time[-1]) + 1))
            _, known, other = merge(old, new)
            fresh = np.flatnonzero(~known | other)
            self._db.executemany(
                "INSERT OR REPLACE INTO recent VALUES (?, ?, ?, ?, ?)",
                ((key, *_row(new, int(i))) for i in fresh),
            )
        else:
            old = self._month(key, month)
            both, known, other = merge(old, new)
            self._write(key, month, both)
        self._note(key, old, new.take(other), name)
        return int(known.sum()), int(other.sum())

    def _reaches_chunk(self, key: int, month: int, new: Columns) -> bool:
        """Whether observations may be among those packed, judged by the latest value."""
        last = self._db.execute("SELECT time FROM latest WHERE datastream = ?", (key,)).fetchone()
        return last is not None and int(new.time[0]) <= last[0] and month <= _month_of(last[0])

    def _note(self, key: int, old: Columns, corrected: Columns, name: str) -> None:
        if len(corrected):
            before = old.value[np.searchsorted(old.time, corrected.time)]
            rows = zip(corrected.time.tolist(), before.tolist(), corrected.value.tolist(), strict=True)
            self._db.executemany(
                "INSERT INTO corrections VALUES (?, ?, ?, ?, ?)", ((key, *row, name) for row in rows)
            )

    def latest(self, datastreams: Iterable[str] | None = None) -> pd.DataFrame:
        """Latest value of each datastream, from one indexed read.

        Args:
            datastreams: Only these.

        Returns:
            Columns ``datastream``, ``time``, ``value``, ``flag``, ``state``; those that have said nothing
            yet are not in it.
        """
        select = "SELECT id, time, value, flag, state FROM latest JOIN datastreams ON key = datastream"
        if datastreams is None:
            rows = self._db.execute(f"{select} ORDER BY key").fetchall()
        else:
            keys = [self._key(name) for name in datastreams]
            rows = [row for key in keys for row in self._db.execute(f"{select} WHERE datastream = ?", (key,))]
        names, times, values, flags, states = zip(*rows, strict=True) if rows else ([], [], [], [], [])
        return _frame(
            list(names),
            Columns(
                np.array(times, dtype=np.int64),
                np.array(values, dtype=np.float64),
                np.array(flags, dtype=np.uint8),
                np.array(states, dtype=np.uint8),
            ),
        )

    def read(
        self,
        datastream: str,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        *,
        state: State | None = None,
    ) -> pd.DataFrame:
        """Observations of a datastream in order of time.

        Args:
            datastream: Its identifier.
            start: From this instant on, included.
            end: Up to this instant, not included.
            state: Only those in this state.

        Returns:
            Columns ``datastream``, ``time``, ``value``, ``flag``, ``state``.

        Raises:
            UnknownName: No such datastream.
        """
        columns = self.columns(datastream, start, end)
        if state is not None:
            columns = columns.take(columns.state == int(state))
        return _frame([datastream] * len(columns), columns)

    def columns(
        self, datastream: str, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None
    ) -> Columns:
        """Observations of a datastream as arrays; see `read`."""
        key = self._key(datastream)
        low, high = _bounds(start, end)
        rows = self._db.execute(
            "SELECT columns FROM chunks WHERE datastream = ? AND month BETWEEN ? AND ? ORDER BY month",
            (key, _month_of(low), _month_of(high)),
        )
        packed = [decode(blob) for (blob,) in rows]
        old = _joined_all(packed).within(low, high)
        return _overlaid(old, self._recent(key, low, high))

    def count(self, datastream: str) -> int:
        """How many observations a datastream has."""
        key = self._key(datastream)
        packed = self._db.execute("SELECT total(count) FROM chunks WHERE datastream = ?", (key,)).fetchone()[
            0
        ]
        waiting = self._db.execute("SELECT count(*) FROM recent WHERE datastream = ?", (key,)).fetchone()[0]
        if not waiting:
            return int(packed)
        return len(self.columns(datastream))

    def judge(
        self, datastream: str, time: NDArray[np.int64], flag: NDArray[np.uint8], state: NDArray[np.uint8]
    ) -> None:
        """Set verdict and state of observations that are there.

        Args:
            datastream: Its identifier.
            time: Their instants, ns, in order.
            flag: Verdicts.
            state: States.

        Raises:
            InvalidInput: An instant at which there is no observation.
        """
        key = self._key(datastream)
        with self._transaction():
            for month, own in _by_month(Columns(time, np.zeros(time.size), flag, state)):
                columns = self._month(key, month)
                place = np.minimum(np.searchsorted(columns.time, own.time), len(columns) - 1)
                if not len(columns) or (columns.time[place] != own.time).any():
                    raise InvalidInput("no observation to judge", field="time", value=datastream)
                new_flag, new_state = columns.flag.copy(), columns.state.copy()
                new_flag[place], new_state[place] = own.flag, own.state
                self._write(key, month, Columns(columns.time, columns.value, new_flag, new_state))
            self._refresh_latest(key)

    def staging(self) -> pd.DataFrame:
        """What was turned away: batch, row, datastream, reason, field, value, raw text."""
        return pd.read_sql_query("SELECT * FROM staging ORDER BY rowid", self._db)

    def corrections(self) -> pd.DataFrame:
        """Values that a later one replaced: datastream, time, old and new value, batch."""
        rows = pd.read_sql_query(
            "SELECT id AS datastream, time, old, new, batch FROM corrections"
            " JOIN datastreams ON key = datastream ORDER BY corrections.rowid",
            self._db,
        )
        rows["time"] = pd.to_datetime(rows["time"], utc=True)
        return rows

    def pack(self) -> None:
        """Pack all observations that wait as rows; for quiet hours."""
        waiting = self._db.execute("SELECT DISTINCT datastream FROM recent ORDER BY datastream").fetchall()
        for (key,) in waiting:
            with self._transaction():
                columns = self._recent(key, *_bounds(None, None))
                for month, _ in _by_month(columns):
                    self._write(key, month, self._month(key, month))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _key(self, datastream: str) -> int:
        try:
            return self._keys[datastream]
        except KeyError:
            raise UnknownName("no such datastream", field="datastream", value=datastream) from None

    def _chunk(self, key: int, month: int) -> Columns:
        row = self._db.execute(
            "SELECT columns FROM chunks WHERE datastream = ? AND month = ?", (key, month)
        ).fetchone()
        return EMPTY if row is None else decode(row[0])

    def _recent(self, key: int, low: int, high: int) -> Columns:
        rows = self._db.execute(
            "SELECT time, value, flag, state FROM recent"
            " WHERE datastream = ? AND time >= ? AND time < ? ORDER BY time",
            (key, low, high),
        ).fetchall()
        time, value, flag, state = zip(*rows, strict=True) if rows else ([], [], [], [])
        return Columns(
            np.array(time, dtype=np.int64),
            np.array(value, dtype=np.float64),
            np.array(flag, dtype=np.uint8),
            np.array(state, dtype=np.uint8),
        )

    def _month(self, key: int, month: int) -> Columns:
        """A whole month, what waits included."""
        return _overlaid(self._chunk(key, month), self._recent(key, *_month_bounds(month)))

    def _write(self, key: int, month: int, columns: Columns) -> None:
        """Pack a whole month; nothing of it waits any longer."""
        low, high = _month_bounds(month)
        self._db.execute(
            "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)", (key, month, len(columns), encode(columns))
        )
        self._db.execute(
            "DELETE FROM recent WHERE datastream = ? AND time >= ? AND time < ?", (key, low, high)
        )

    def _refresh_latest(self, key: int) -> None:
        row = self._db.execute("SELECT time FROM latest WHERE datastream = ?", (key,)).fetchone()
        if row is not None:
            month = self._month(key, _month_of(row[0]))
            place = int(np.searchsorted(month.time, row[0]))
            self._db.execute(
                "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?)", (key, *_row(month, place))
            )


def _row(columns: Columns, i: int) -> tuple[int, float | None, int, int]:
    value = float(columns.value[i])
    return (
        int(columns.time[i]),
        None if np.isnan(value) else value,
        int(columns.flag[i]),
        int(columns.state[i]),
    )


def _once(columns: Columns) -> Columns:
    """In order of time, of several at one instant the one that came last."""
    order = np.argsort(columns.time, kind="stable")
    sorted_ = columns.take(order)
    return sorted_.take(np.append(np.diff(sorted_.time) > 0, True))


def _overlaid(old: Columns, new: Columns) -> Columns:
    """Two sets of observations; the newer counts where both have one."""
    if not len(new):
        return old
    keep = ~np.isin(old.time, new.time)
    return _once(_joined_all([old.take(keep), new]))


def _joined_all(parts: list[Columns]) -> Columns:
    if not parts:
        return EMPTY
    return Columns(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.flag for part in parts]),
        np.concatenate([part.state for part in parts]),
    )


def _by_datastream(keys: NDArray[np.int64], columns: Columns) -> Iterator[tuple[int, Columns]]:
    """Each datastream's own, in the order in which they came."""
    if not keys.size:
        return
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    for rows in np.split(order, cuts):
        yield int(keys[rows[0]]), columns.take(rows)


def _by_month(columns: Columns) -> Iterator[tuple[int, Columns]]:
    """Each month's own of observations in order of time."""
    if not len(columns):
        return
    months = columns.time.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    for rows in np.split(np.arange(len(columns)), np.flatnonzero(np.diff(months)) + 1):
        yield int(months[rows[0]]), columns.take(slice(int(rows[0]), int(rows[-1]) + 1))


def _month_of(nanoseconds: int) -> int:
    """Months since January 1970."""
    return int(np.datetime64(nanoseconds, "ns").astype("datetime64[M]").astype(np.int64))


def _month_bounds(month: int) -> tuple[int, int]:
    """First instant of a month and of the next, ns."""
    low, high = (np.datetime64(month + i, "M").astype("datetime64[ns]").astype(np.int64) for i in (0, 1))
    return int(low), int(high)


def _bounds(start: pd.Timestamp | None, end: pd.Timestamp | None) -> tuple[int, int]:
    low = 0 if start is None else pd.Timestamp(start).as_unit("ns").value
    high = np.iinfo(np.int64).max if end is None else pd.Timestamp(end).as_unit("ns").value
    return int(low), int(high)


def _frame(names: list[str], columns: Columns) -> pd.DataFrame:
    states = np.array([state.label for state in State], dtype=object)
    return pd.DataFrame(
        {
            "datastream": pd.Series(names, dtype=object),
            "time": pd.to_datetime(columns.time, utc=True),
            "value": columns.value,
            "flag": LABELS[columns.flag],
            "state": states[columns.state],
        }
    )
