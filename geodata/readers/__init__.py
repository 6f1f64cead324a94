"""Readers: one module for each format that cities publish their data in.

A reader turns a file into a raw table and says for every row where it stood, so that whatever is found wrong
with it later can be looked up in the file itself. It knows nothing of kinds and cities.

The libraries that some formats need are imported when a file of that format is opened, and not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from geodata.errors import UnknownName
from geodata.readers.raw import Grid, Options, Reader, Reading, Remark

__all__ = ["READERS", "Grid", "Options", "Reader", "Reading", "Remark", "options_of", "read", "reader"]

READERS: Mapping[str, str] = MappingProxyType(
    {
        "citygml": "geodata.readers.citygml",
        "cityjson": "geodata.readers.cityjson",
        "csv": "geodata.readers.delimited",
        "epw": "geodata.readers.epw",
        "geotiff": "geodata.readers.geotiff",
        "gtfs": "geodata.readers.gtfs",
        "json": "geodata.readers.records",
        "mapnificent": "geodata.readers.mapnificent",
        "osm_pbf": "geodata.readers.osm_pbf",
        "parquet": "geodata.readers.parquet",
        "sqlite": "geodata.readers.sqlite",
        "vector": "geodata.readers.vector",
    }
)


def reader(name: str) -> Reader:
    """The reader of this name.

    Raises:
        UnknownName: There is no such reader.
    """
    if name not in READERS:
        raise UnknownName(
            "no reader is called this", field="reader", value=name, expected="one of " + ", ".join(READERS)
        )
    found: Reader = importlib.import_module(READERS[name]).READER
    return found


def options_of(name: str, options: Mapping[str, Any]) -> Options:
    """Check a reader's options.

    Raises:
        ValueError: There is no such reader, or it does not take these options.
    """
    if name not in READERS:
        raise ValueError(f"no reader is called {name!r}; there are " + ", ".join(READERS))
    return reader(name).options.model_validate(options)


def read(name: str, path: Path, options: Mapping[str, Any]) -> Reading | Grid:
    """Read a file.

    Args:
        name: Name of the reader.
        path: The file, or for a format of several files the folder they stand in.
        options: The reader's options.

    Raises:
        UnreadableSource: The file is not what the reader takes it for.
    """
    found = reader(name)
    return found.read(path, found.options.model_validate(options))
