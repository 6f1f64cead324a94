"""The mapping file: which sensors there are, and how to read the tables that hold their values.

A caretaker's logger writes a column per quantity and local time; the mapping says so once::

    [table]
    time = "date"
    time_zone = "Europe/Tallinn"
    columns = { CO2 = "room-204/co2", Temperature = "room-204/temperature" }

    [[datastreams]]
    id = "room-204/co2"
    observed_property = "co2"
    building_id = "school-12"
    room_id = "204"
    interval_s = 300
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geodata.errors import InvalidInput, UnreadableSource
from geodata.observations.model import Datastream
from geodata.observations.tables import TableMapping


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    time: str = "time"
    datastream: str = "sensor_id"
    value: str = "value"
    columns: dict[str, str] = {}
    time_zone: str = "UTC"
    epoch: Literal["", "s", "ms"] = ""
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


class _Datastream(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    observed_property: str
    unit: str = ""
    building_id: str = ""
    room_id: str = ""
    interval_s: float = Field(default=300.0, gt=0)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    table: _Table = _Table()
    datastreams: list[_Datastream] = []


def load_mapping(path: str | Path) -> tuple[TableMapping, list[Datastream]]:
    """Read a mapping file.

    Args:
        path: A TOML file; see the module.

    Returns:
        How to read tables, and the datastreams.

    Raises:
        UnreadableSource: No such file, or not TOML.
        InvalidInput: A field that nobody knows, or a value of the wrong kind.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableSource(
            "not a mapping of sensors", file=path, value=str(error), expected="TOML"
        ) from error
    try:
        file = _File.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(
            "the mapping of sensors does not hold",
            file=path,
            field=".".join(str(part) for part in first["loc"]),
            value=first.get("input"),
            expected=first["msg"],
        ) from error
    return TableMapping(**file.table.model_dump()), [
        Datastream(**one.model_dump()) for one in file.datastreams
    ]
