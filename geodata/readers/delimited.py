"""Delimited text (CSV, TSV, GTFS's .txt): tables and series as offices and meters export them.

Every cell is read as text, so that whatever is wrong with it can be shown as it stands in the file; numbers
and times are made of it later, by the recipe's word on decimal sign, unit and time zone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading, Remark
from geodata.readers.text import check_encoding


class Matrix(Options):
    """A table whose header holds values, as a matrix of origins and destinations does.

    Args:
        row: Name for the first column's values.
        column: Name for the header's values.
        value: Name for the cells.
    """

    row: str
    column: str
    value: str


class DelimitedOptions(Options):
    """Options of the reader ``csv``.

    Args:
        delimiter: The sign between columns.
        encoding: The file's encoding, e.g. ``cp1252``.
        quoted: Whether cells may stand in quotes; ``false`` where a quote is a sign like any other.
        skip_lines: Lines before the header.
        names: Column names, where the file has no header.
        matrix: How to unfold a matrix.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8"
    quoted: bool = True
    skip_lines: Annotated[int, Field(ge=0)] = 0
    names: tuple[str, ...] | None = None
    matrix: Matrix | None = None


def read(path: Path, options: DelimitedOptions) -> Reading:
    """Read a delimited text file.

    Raises:
        UnreadableSource: It is empty, in another encoding, has a column name twice, or a quote never closes.
    """
    check_encoding(path, options.encoding)
    if options.quoted:
        _check_quotes(path, options.encoding)
    names = _names(path, options)
    frame, labels, rejected = _rows(path, options, names)
    blank = frame.isna().all(axis=1).to_numpy()
    rejected += [Remark(label, "blank row", fault=False) for label in labels[blank]]
    frame, labels = frame[~blank].reset_index(drop=True), labels[~blank]
    if options.matrix is not None:
        return _unfolded(frame, labels, rejected, options.matrix)
    return Reading(frame, labels, rejected)


def _rows(path: Path, options: DelimitedOptions, names: list[str]) -> tuple[pd.DataFrame, Any, list[Remark]]:
    import pyarrow as pa
    from pyarrow import csv

    rejected: list[Remark] = []
    header = options.skip_lines + (options.names is None)

    def reject(row: Any) -> str:
        rejected.append(
            Remark(
                row.number - header,
                "not as many cells as columns",
                "row",
                row.text,
                f"{row.expected_columns} cells",
            )
        )
        return "skip"

    try:
        table = csv.read_csv(
            path,
            csv.ReadOptions(
                use_threads=False, skip_rows=header, column_names=names, encoding=options.encoding
            ),
            csv.ParseOptions(
                delimiter=options.delimiter,
                quote_char='"' if options.quoted else False,
                invalid_row_handler=reject,
                newlines_in_values=True,
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        raise UnreadableSource(f"the file is no delimited text: {error}", file=path) from error
    wrong = np.array([remark.label for remark in rejected], np.int64)
    labels = np.setdiff1d(np.arange(1, table.num_rows + len(wrong) + 1), wrong)
    return table.to_pandas(), labels, rejected


def _names(path: Path, options: DelimitedOptions) -> list[str]:
    """The column names: given, or the header's."""
    import csv

    if options.names is not None:
        return list(options.names)
    encoding = "utf-8-sig" if options.encoding.lower() in {"utf-8", "utf8"} else options.encoding
    with path.open(encoding=encoding, newline="") as stream:
        lines = csv.reader(stream, delimiter=options.delimiter)
        if not options.quoted:
            lines = csv.reader(stream, delimiter=options.delimiter, quoting=csv.QUOTE_NONE)
        for _ in range(options.skip_lines):
            next(lines, None)
        header = [name.strip() for name in next(lines, [])]
    if not header:
        raise UnreadableSource("the file has no header", file=path)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UnreadableSource(
            "a column name stands twice in the header", file=path, row="header", value=twice[0]
        )
    return header


def _check_quotes(path: Path, encoding: str) -> None:
    """An odd number of quotes means that one never closes and swallows the rows behind it."""
    if encoding.lower().startswith("utf-16"):
        return
    quotes = line = last = 0
    with path.open("rb") as stream:
        for text in stream:
            line += 1
            found = text.count(b'"')
            quotes += found
            last = line if found else last
    if quotes % 2:
        raise UnreadableSource(
            "a quoted cell is opened and not closed: the file is truncated or damaged",
            file=path,
            row=f"{last} (line)",
            expected='an even number of "',
            hint="quoted = false if a quote is a sign like any other in this file",
        )


def _unfolded(frame: pd.DataFrame, labels: Any, rejected: list[Remark], matrix: Matrix) -> Reading:
    """One row for each cell of the matrix; the row is named by its number and its column."""
    origin, columns = frame.columns[0], list(frame.columns[1:])
    size, width = len(frame), len(columns)
    unfolded = pd.DataFrame(
        {
            matrix.row: np.repeat(frame[origin].to_numpy(object), width),
            matrix.column: np.tile(np.array(columns, object), size),
            matrix.value: frame[columns].to_numpy(object).ravel(),
        }
    )
    places = [f"{label}, column {column}" for label in labels for column in columns]
    return Reading(unfolded, np.array(places, object), rejected)


READER = Reader(DelimitedOptions, read)
