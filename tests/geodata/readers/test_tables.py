"""JSON, Parquet and SQLite tables."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from geodata.errors import UnreadableSource
from geodata.readers import read


def test_nested_records_become_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": [{"id": 1, "at": {"lat": 58.4}}, 7, {"id": 2, "at": {"lat": 58.5}}]}))
    reading = read("json", path, {"path": ["data"]})
    assert reading.frame.to_dict("list") == {"id": [1, 2], "at.lat": [58.4, 58.5]}
    assert list(reading.labels) == [1, 3]
    assert reading.rejected[0].label == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}', "no JSON"),
        ('[{"a": NaN}]', "no JSON number"),
        ('{"a": 1}', "list of objects"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_json_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(UnreadableSource, match=message):
        read("json", path, {})


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}).to_parquet(path)
    assert read("parquet", path, {}).frame["a"].tolist() == [1, 2]
    with pytest.raises(UnreadableSource, match="lacks a column"):
        read("parquet", path, {"columns": ["c"]})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableSource, match="truncated or damaged"):
        read("parquet", path, {})


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE node (id INTEGER, name TEXT); INSERT INTO node VALUES (1, 'a'), (2, NULL)"
    )
    connection.close()
    assert read("sqlite", path, {"table": "node"}).frame["id"].tolist() == [1, 2]
    with pytest.raises(UnreadableSource, match="no such table") as caught:
        read("sqlite", path, {"table": "way"})
    assert caught.value.expected == "one of node"
    path.write_bytes(b"x" * 200)
    with pytest.raises(UnreadableSource, match="damaged"):
        read("sqlite", path, {"table": "node"})
