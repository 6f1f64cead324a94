"""Parquet tables without geometry; for GeoParquet see the reader ``vector``."""

from __future__ import annotations

from pathlib import Path

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading


class ParquetOptions(Options):
    """Options of the reader ``parquet``.

    Args:
        columns: Which columns to read; all if left out.
    """

    columns: tuple[str, ...] | None = None


def read(path: Path, options: ParquetOptions) -> Reading:
    """Read a Parquet table.

    Raises:
        UnreadableSource: It is truncated or damaged, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            missing = sorted(set(options.columns or ()) - set(file.schema_arrow.names))
            if missing:
                raise UnreadableSource(
                    "the file lacks a column",
                    file=path,
                    field=missing[0],
                    expected="one of " + ", ".join(file.schema_arrow.names),
                )
            table = file.read(columns=list(options.columns) if options.columns else None)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableSource(f"the Parquet file is truncated or damaged: {error}", file=path) from error
    return Reading.numbered(table.to_pandas(ignore_metadata=True))


READER = Reader(ParquetOptions, read)
