"""The server's memory: tenants, keys, contracts, jobs, uploads, the ledger of use; in SQLite or PostgreSQL.

Only one server writes (it holds a lock on its folder), so that what is accepted is decided in one place;
the command line beside it adds tenants and keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from geodata.errors import InvalidInput, NotReady

SCHEMA = 1
METADATA = sa.MetaData()
_STAMP = sa.String(32)
_NAME = sa.String(200)
_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")

ABOUT = sa.Table("about", METADATA, sa.Column("schema_version", sa.Integer, nullable=False))
TENANTS = sa.Table(
    "tenants",
    METADATA,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created", _STAMP, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("requests_per_minute", sa.BigInteger),
    sa.Column("requests_per_month", sa.BigInteger),
)
KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("tenant", _NAME, sa.ForeignKey("tenants.id"), nullable=False, index=True),
    sa.Column("secret_sha256", sa.String(64), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created", _STAMP, nullable=False),
    sa.Column("expires", _STAMP),
    sa.Column("revoked", _STAMP),
)
CONTRACTS = sa.Table(
    "contracts",
    METADATA,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("tenant", _NAME, sa.ForeignKey("tenants.id"), nullable=False, index=True),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("created", _STAMP, nullable=False),
    sa.Column("revoked", _STAMP),
)
RUN_OWNERS = sa.Table(
    "run_owners",
    METADATA,
    sa.Column("run_id", _NAME, primary_key=True),
    sa.Column("tenant", _NAME, primary_key=True),
)
JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("tenant", _NAME, nullable=False, index=True),
    sa.Column("key_id", _NAME, nullable=False),
    sa.Column("process", _NAME, nullable=False),
    sa.Column("status", sa.String(20), nullable=False, index=True),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("progress", sa.Integer, nullable=False, default=0),
    sa.Column("created", _STAMP, nullable=False),
    sa.Column("started", _STAMP),
    sa.Column("finished", _STAMP),
    sa.Column("updated", _STAMP, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("pid", sa.Integer),
    sa.Column("boot_id", sa.String(64)),
    sa.Column("lease_until", _STAMP),
    sa.Column("outputs", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("run_id", _NAME),
    sa.Column("cpu_s", sa.Float, nullable=False, default=0.0),
)
JOB_EVENTS = sa.Table(
    "job_events",
    METADATA,
    sa.Column("seq", _ROW, primary_key=True, autoincrement=True),
    sa.Column("job", _NAME, nullable=False, index=True),
    sa.Column("time", _STAMP, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
USAGE = sa.Table(
    "usage",
    METADATA,
    sa.Column("seq", _ROW, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(64), nullable=False, unique=True),
    sa.Column("time", _STAMP, nullable=False, index=True),
    sa.Column("tenant", _NAME, nullable=False, index=True),
    sa.Column("key_id", _NAME, nullable=False),
    sa.Column("contract", _NAME, nullable=False),
    sa.Column("operation", _NAME, nullable=False),
    sa.Column("resource", _NAME, nullable=False),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("features", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("simulated_h", sa.Float, nullable=False),
    sa.Column("cpu_s", sa.Float, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
UPLOADS = sa.Table(
    "uploads",
    METADATA,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("tenant", _NAME, nullable=False, index=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("created", _STAMP, nullable=False),
)


class Store:
    """A connection to the server's database.

    Args:
        url: SQLAlchemy URL: ``sqlite:///…`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError as error:
            raise InvalidInput("the database's address is no SQLAlchemy URL", field="database") from error
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        try:
            self.engine = sa.create_engine(parsed, pool_pre_ping=not self.is_sqlite)
            if self.is_sqlite:
                sa.event.listen(self.engine, "connect", _set_up_sqlite)
            self._make_tables()
        except (ModuleNotFoundError, sa.exc.OperationalError) as error:
            # The driver's text may quote the address with its password: name the place only.
            raise NotReady(
                "the database cannot be reached",
                field="database",
                value=parsed.render_as_string(hide_password=True),
                hint="for PostgreSQL install twinbox[postgres] and check that the server answers",
            ) from error

    def _make_tables(self) -> None:
        with self.write() as connection:
            METADATA.create_all(connection)
            version = connection.execute(sa.select(ABOUT.c.schema_version)).scalar()
            if version is None:
                connection.execute(sa.insert(ABOUT).values(schema_version=SCHEMA))
            elif version != SCHEMA:
                raise NotReady(
                    "the database was made by another version of Twinbox",
                    field="schema_version",
                    value=version,
                    expected=str(SCHEMA),
                )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that writes: committed when the block ends, undone when it raises."""
        with self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading."""
        with self.engine.connect() as connection:
            yield connection

    def rows(self, query: sa.Select[Any]) -> list[sa.RowMapping]:
        """All rows of a query, each by column name."""
        with self.read() as connection:
            return list(connection.execute(query).mappings())

    def one(self, query: sa.Select[Any]) -> sa.RowMapping | None:
        """The first row of a query, or None."""
        with self.read() as connection:
            return connection.execute(query).mappings().first()

    def ping(self) -> None:
        """Ask the database for the simplest answer; raises what the driver raises."""
        with self.read() as connection:
            connection.execute(sa.select(ABOUT.c.schema_version)).scalar()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _set_up_sqlite(connection: Any, _: object) -> None:
    # Transactions are opened by Store.write: the driver's own begin is late and not immediate.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """A moment as fixed-width RFC 3339 text in UTC, so that text order is time order."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The moment of a stamp."""
    return datetime.fromisoformat(text)
