"""Clocks that the sun confirms or refutes, and weather that is refused with the row named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest

from geodata.errors import InvalidData, UnreadableSource
from pilots.green.radiation.weather import clock_offset_h, forcing, read_weather

PLACE = {"latitude": 57.7, "longitude": 12.0}


def sunny_day(date: str = "2026-06-20") -> pd.DataFrame:
    """A clear day in UTC whose beam and diffuse add up to global radiation."""
    index = pd.date_range(date, periods=24, freq="h", tz="UTC")
    sun = pvlib.solarposition.get_solarposition(index + pd.Timedelta("30min"), **PLACE)
    altitude = sun["apparent_elevation"].to_numpy()
    beam = np.where(altitude > 3, 800.0, 0.0)
    diffuse = np.where(altitude > 0, 80.0, 0.0)
    return pd.DataFrame(
        {
            "air_temperature_c": 15.0 + 5 * np.sin((index.hour - 8) / 24 * 2 * np.pi),
            "relative_humidity_pct": 60.0,
            "global_w_m2": beam * np.sin(np.radians(np.maximum(altitude, 0))) + diffuse,
            "diffuse_w_m2": diffuse,
            "direct_normal_w_m2": beam,
        },
        index=index,
    )


@pytest.mark.parametrize("offset", [-5.0, 0.0, 1.0, 2.0, 5.5])
def test_the_clock_of_a_file_is_found_from_the_sun(offset):
    weather = sunny_day()
    weather.index = weather.index + pd.Timedelta(hours=offset)
    assert clock_offset_h(weather, **PLACE) == offset


def test_a_clock_that_contradicts_the_sun_is_refused():
    weather = sunny_day()
    weather.index = weather.index + pd.Timedelta(hours=2)
    with pytest.raises(InvalidData, match="contradicts the sun"):
        forcing(weather, **PLACE)


def test_the_sun_is_up_only_while_it_is():
    drive = forcing(sunny_day("2026-12-20"), **PLACE)
    assert (drive.direct_normal_w_m2[drive.sun_altitude_deg == 0] == 0).all()
    assert (drive.diffuse_w_m2[drive.sun_altitude_deg == 0] == 0).all()
    assert 0 < (drive.sun_altitude_deg > 0).sum() < 10


def test_global_radiation_alone_is_split():
    drive = forcing(sunny_day()[["air_temperature_c", "relative_humidity_pct", "global_w_m2"]], **PLACE)
    noon = int(np.argmax(drive.sun_altitude_deg))
    assert drive.direct_normal_w_m2[noon] > 500
    assert 40 < drive.diffuse_w_m2[noon] < 250


@pytest.mark.parametrize(
    ("column", "value", "row"), [("air_temperature_c", 99.0, 5), ("relative_humidity_pct", np.nan, 12)]
)
def test_a_bad_value_is_named(column, value, row):
    weather = sunny_day()
    weather.iloc[row - 1, weather.columns.get_loc(column)] = value
    with pytest.raises(InvalidData, match=f"row {row}, field {column}"):
        forcing(weather, **PLACE)


def test_gaps_and_naive_clocks_are_refused():
    weather = sunny_day()
    with pytest.raises(InvalidData, match="gap"):
        forcing(weather.drop(weather.index[7]), **PLACE)
    with pytest.raises(InvalidData, match="aware"):
        forcing(weather.tz_localize(None), **PLACE)


def umep_text(weather: pd.DataFrame, offset_h: int) -> str:
    lines = ["%iy id it imin Q* Wind RH Td press rain Kdn snow ldown Kdiff Kdir Wd"]
    for time, row in weather.iterrows():
        clock = time + pd.Timedelta(hours=offset_h)
        lines.append(
            f"{clock.year} {clock.day_of_year} {clock.hour} 7 -999 -999 {row['relative_humidity_pct']:.2f} "
            f"{row['air_temperature_c']:.2f} -999 -999 {row['global_w_m2']:.2f} -999 -999 "
            f"{row['diffuse_w_m2']:.2f} {row['direct_normal_w_m2']:.2f} -999"
        )
    return "\n".join(lines)


def test_an_umep_file_is_read_with_its_clock(tmp_path):
    path = tmp_path / "met.txt"
    path.write_text(umep_text(sunny_day(), 1))
    weather = read_weather(path, **PLACE)
    assert weather.attrs["utc_offset_h"] == 1.0
    assert weather.index[0] == pd.Timestamp("2026-06-20T00:00Z")
    assert "wind_speed_m_s" not in weather


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "met.txt"
    path.write_text("a b c\n1 2 3\n")
    with pytest.raises(UnreadableSource, match="lacks columns"):
        read_weather(path, **PLACE)
    with pytest.raises(UnreadableSource, match="cannot read"):
        read_weather(tmp_path / "nowhere.txt", **PLACE)
