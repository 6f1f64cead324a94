"""EPW: a year of hours, stamped at their start in UTC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.errors import UnreadableSource
from geodata.readers import read

HEADER = (
    "LOCATION,KYLA,-,EST,TEST,260000,58.38,26.72,2.0,60.0\nDESIGN CONDITIONS,0\nTYPICAL/EXTREME PERIODS,0\n"
    "GROUND TEMPERATURES,0\nHOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0\nCOMMENTS 1,x\nCOMMENTS 2,x\n"
    "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31\n"
)


def epw(hours: int = 8760) -> str:
    """A made-up year whose temperature tells its hour; the third hour's wind is missing."""
    times = pd.date_range("1990-01-01", periods=hours, freq="h")
    rows = []
    for number, time in enumerate(times):
        wind = "999" if number == 2 else "4.0"
        rows.append(
            f"{time.year},{time.month},{time.day},{time.hour + 1},60,"
            f"?9,{number % 24}.0,-5.0,90,100400,0,1415,"
            f"247,10,20,30,0,0,0,0,180,{wind},4,4,13.3,77777,9,999999999,0,0.0290,15,88,0.000,0.0,0.0"
        )
    return HEADER + "\n".join(rows) + "\n"


def test_year(tmp_path: Path) -> None:
    path = tmp_path / "a.epw"
    path.write_text(epw())
    reading = read("epw", path, {"year": 2025})
    frame = reading.frame
    assert len(frame) == 8760
    assert frame["time"].iloc[0] == pd.Timestamp("2024-12-31T22:00Z")
    assert (frame["time"].diff().dropna() == pd.Timedelta(hours=1)).all()
    local = frame["time"] + pd.Timedelta(hours=2)
    np.testing.assert_array_equal(frame["temperature_c"], local.dt.hour)
    assert np.isnan(frame["wind_speed_m_s"][2])
    assert (frame["ghi_w_m2"][0], frame["dni_w_m2"][0], frame["dhi_w_m2"][0]) == (10, 20, 30)
    assert (frame["snow_depth_cm"][0], frame["pressure_pa"][0], frame["infrared_w_m2"][0]) == (
        15,
        100400,
        247,
    )
    assert "58.38 N 26.72 E" in reading.notes[0]


def test_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.epw"
    path.write_text(epw(100))
    with pytest.raises(UnreadableSource, match="not whole") as caught:
        read("epw", path, {"year": 2025})
    assert caught.value.value == "100 hours"
    lines = epw().splitlines()
    lines[8 + 41] = lines[8 + 41][:40]
    path.write_text("\n".join(lines))
    with pytest.raises(UnreadableSource, match="line is truncated") as caught:
        read("epw", path, {"year": 2025})
    assert caught.value.row == 42
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableSource, match="no EPW file"):
        read("epw", path, {"year": 2025})
