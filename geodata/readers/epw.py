"""EPW: a typical year of hourly weather, as building engineers exchange it.

The file's hours are stamped at their end, in local standard time all year round; here each row is stamped at
its start, in UTC. The months of a typical year are taken from different years, so the year is the recipe's to
name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading
from geodata.readers.text import check_encoding

# Field, name here, and the value from which on it means "missing" (EnergyPlus, EPW data dictionary).
_FIELDS = (
    ("temp_air", "temperature_c", 99.9),
    ("temp_dew", "dew_point_c", 99.9),
    ("relative_humidity", "relative_humidity_percent", 999.0),
    ("atmospheric_pressure", "pressure_pa", 999999.0),
    ("ghi_infrared", "infrared_w_m2", 9999.0),
    ("ghi", "ghi_w_m2", 9999.0),
    ("dni", "dni_w_m2", 9999.0),
    ("dhi", "dhi_w_m2", 9999.0),
    ("wind_direction", "wind_direction_deg", 999.0),
    ("wind_speed", "wind_speed_m_s", 999.0),
    ("total_sky_cover", "cloud_cover_tenths", 99.0),
    ("snow_depth", "snow_depth_cm", 999.0),
    ("liquid_precipitation_depth", "precipitation_mm", 999.0),
)
_HEADER_LINES = 8


class EpwOptions(Options):
    """Options of the reader ``epw``.

    Args:
        year: The year that the typical year is stamped with; not a leap year.
    """

    year: Annotated[int, Field(ge=1900, le=2200)]


def read(path: Path, options: EpwOptions) -> Reading:
    """Read an EPW file into the columns of the kind ``weather``, and ``time`` in UTC.

    Raises:
        UnreadableSource: It is no EPW file, or does not hold a whole year of hours.
    """
    from pvlib.iotools import read_epw

    check_encoding(path, "latin-1")
    _check_lines(path)
    try:
        data, place = read_epw(path, coerce_year=options.year)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnreadableSource(f"the file is no EPW file: {error}", file=path) from error
    frame = pd.DataFrame({"time": _start_of_hours(len(data), options.year, float(place["TZ"]))})
    for field, name, missing in _FIELDS:
        values = data[field].to_numpy(np.float64)
        frame[name] = np.where(values >= missing, np.nan, values)
    return Reading.numbered(frame, notes=(_station(place),))


def _check_lines(path: Path) -> None:
    with path.open(encoding="latin-1") as stream:
        lines = [line.count(",") for line in stream]
    if len(lines) < _HEADER_LINES:
        raise UnreadableSource("the file is no EPW file: its eight header lines are missing", file=path)
    rows = lines[_HEADER_LINES:]
    short = [number for number, commas in enumerate(rows, 1) if commas < 21]
    if short:
        raise UnreadableSource(
            "a line is truncated",
            file=path,
            row=short[0],
            value=f"{rows[short[0] - 1] + 1} fields",
            expected="35 fields",
        )
    if len(rows) not in (8760, 8784):
        raise UnreadableSource(
            "the year is not whole", file=path, value=f"{len(rows)} hours", expected="8760 hours"
        )


def _start_of_hours(hours: int, year: int, offset_h: float) -> pd.DatetimeIndex:
    start = pd.Timestamp(year=year, month=1, day=1, tz="UTC") - pd.Timedelta(hours=offset_h)
    return pd.date_range(start, periods=hours, freq="h")


def _station(place: dict[str, object]) -> str:
    return (
        f"typical year of {place['city']} ({place['data_type']}, WMO {place['WMO_code']}), "
        f"{place['latitude']} N {place['longitude']} E, {place['altitude']} m"
    )


READER = Reader(EpwOptions, read)
