"""Tables of an SQLite database, read without the right to write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading


class SqliteOptions(Options):
    """Options of the reader ``sqlite``.

    Args:
        table: Name of the table or view.
    """

    table: str


def read(path: Path, options: SqliteOptions) -> Reading:
    """Read a table of an SQLite database.

    Raises:
        UnreadableSource: The file is no SQLite database, is damaged, or has no such table.
    """
    address = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            names = [
                row[0]
                for row in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
                )
            ]
            if options.table not in names:
                raise UnreadableSource(
                    "the database has no such table",
                    file=path,
                    field="table",
                    value=options.table,
                    expected="one of " + ", ".join(names),
                )
            quoted = options.table.replace('"', '""')
            frame = pd.read_sql_query(f'SELECT * FROM "{quoted}"', connection)  # noqa: S608
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        raise UnreadableSource(f"the SQLite database is damaged: {error}", file=path) from error
    return Reading.numbered(frame)


READER = Reader(SqliteOptions, read)
