"""Delimited text: every row is handed over as it stands, or named."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import UnreadableSource
from geodata.readers import read

CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\x00﻿"), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *rows])
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_text(stream.getvalue(), encoding="utf-8")
    reading = read("csv", path, {"delimiter": delimiter})
    kept = [row for row in rows if any(row)]
    assert reading.frame.astype(object).where(reading.frame.notna(), "").to_numpy().tolist() == kept
    assert len(reading.rejected) == len(rows) - len(kept)
    assert [rows[label - 1] for label in reading.labels] == kept


@settings(max_examples=60, deadline=None)
@given(widths=st.lists(st.integers(1, 6), min_size=1, max_size=12))
def test_no_row_is_lost(tmp_path_factory: pytest.TempPathFactory, widths: list[int]) -> None:
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_text("\n".join(["a,b,c", *(",".join("x" * width) for width in widths)]))
    reading = read("csv", path, {})
    assert len(reading.frame) + len(reading.rejected) == len(widths)
    assert sorted([*reading.labels, *(remark.label for remark in reading.rejected)]) == list(
        range(1, len(widths) + 1)
    )
    assert all(widths[label - 1] == 3 for label in reading.labels)


def test_matrix_gives_a_row_for_each_cell(tmp_path: Path) -> None:
    path = tmp_path / "od.csv"
    path.write_text('"",north,south\nnorth,1,2\nsouth,3,4\n')
    reading = read("csv", path, {"matrix": {"row": "from", "column": "to", "value": "trips"}})
    assert reading.frame.to_numpy().tolist() == [
        ["north", "north", "1"],
        ["north", "south", "2"],
        ["south", "north", "3"],
        ["south", "south", "4"],
    ]
    assert reading.labels[2] == "2, column north"


def test_byte_order_mark_and_lines_before_the_header(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfname;n\nA;1\n")
    assert list(read("csv", path, {"delimiter": ";"}).frame) == ["name", "n"]
    path.write_text("made by a meter\na,b\n1,2\n")
    assert read("csv", path, {"skip_lines": 1}).frame.to_numpy().tolist() == [["1", "2"]]


def test_quotes_that_are_signs_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "pipes.tsv"
    path.write_text('name\tsize\nwater\t2"\ngas\t1"\n')
    reading = read("csv", path, {"delimiter": "\t", "quoted": False})
    assert reading.frame["size"].tolist() == ['2"', '1"']


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,a\n1,2\n", "stands twice"),
        (b"\x00\x01\x02", "zero bytes"),
        (b"a,b\n1,\xff\xfe\n", "not encoded in utf-8"),
        (b'a,b\n1,"2\n', "not closed"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource, match=message):
        read("csv", path, {})
