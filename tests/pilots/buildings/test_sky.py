"""Where the sun stands and what it sends onto a wall, against pvlib's own answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pvlib import atmosphere, irradiance, solarposition

from pilots.buildings.thermal.sky import on_plane, sky_brightening, sun_position
from pilots.buildings.thermal.weather import Weather


def year_at(latitude_deg: float, longitude_deg: float, offset_h: int) -> Weather:
    """A year in which nothing happens, at any place."""
    still = np.zeros(8760)
    return Weather(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        elevation_m=20.0,
        start=pd.Timestamp("2019-01-01").tz_localize(
            f"{'+' if offset_h >= 0 else '-'}{abs(offset_h):02d}:00"
        ),
        air_temperature_c=still,
        dew_point_c=still,
        pressure_pa=still + 98_000.0,
        direct_normal_w_m2=still,
        diffuse_horizontal_w_m2=still,
        sky_radiation_w_m2=still + 300.0,
        wind_speed_m_s=still,
        wind_direction_deg=still,
    )


@pytest.mark.parametrize(
    ("latitude", "longitude", "offset"),
    [(59.4, 24.7, 2), (39.8, -104.7, -7), (-33.9, 151.2, 10), (0.5, 0.0, 0), (78.2, 15.6, 1)],
)
def test_the_sun_stands_where_pvlib_sees_it(latitude, longitude, offset):
    """Between fixes every six hours the Earth turns evenly, in Tallinn, Denver, Sydney and Svalbard."""
    weather = year_at(latitude, longitude, offset)
    hour = np.arange(8760 * 4) / 4 + 0.1
    ours = sun_position(weather, hour, 98_000.0)
    when = pd.DatetimeIndex(weather.start + pd.to_timedelta(hour, unit="h"))
    theirs = solarposition.ephemeris(when, latitude, longitude, pressure=98_000.0)
    up = theirs["apparent_elevation"].to_numpy() > 0.0
    altitude, azimuth = (
        np.radians(theirs[name].to_numpy()[up]) for name in ("apparent_elevation", "azimuth")
    )
    away = np.stack((
        ours["east"][up] - np.cos(altitude) * np.sin(azimuth),
        ours["north"][up] - np.cos(altitude) * np.cos(azimuth),
        ours["up"][up] - np.sin(altitude),
    ))  # fmt: skip
    assert np.degrees(np.linalg.norm(away, axis=0)).max() < 1e-3
    assert np.mean((ours["up"] > 0.0) != up) < 1e-3


def test_light_on_a_plane_is_that_of_perez_in_pvlib():
    """Every kind of sky, height of sun and lean of plane."""
    rng = np.random.default_rng(4)
    count = 3000
    zenith, azimuth = rng.uniform(0.0, 89.9, count), rng.uniform(0.0, 360.0, count)
    direct, diffuse = rng.uniform(0.0, 1000.0, count), rng.uniform(0.0, 500.0, count)
    direct[:50], diffuse[50:100] = 0.0, 0.0
    extra = rng.uniform(1320.0, 1415.0, count)
    position = np.zeros(count, dtype=[("east", "f8"), ("north", "f8"), ("up", "f8")])
    position["east"] = np.sin(np.radians(zenith)) * np.sin(np.radians(azimuth))
    position["north"] = np.sin(np.radians(zenith)) * np.cos(np.radians(azimuth))
    position["up"] = np.cos(np.radians(zenith))
    mass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), 98_000.0)
    bright = sky_brightening(position["up"], direct, diffuse, extra, 98_000.0 / 101_325.0)
    for facing, tilt in ((0.0, 0.0), (180.0, 90.0), (77.0, 35.0), (300.0, 120.0)):
        ours = on_plane(position, direct, diffuse, bright, np.radians(facing), np.radians(tilt))
        theirs = irradiance.perez(
            tilt, facing, diffuse, direct, extra, zenith, azimuth, mass, return_components=True
        )
        for row, name in ((1, "isotropic"), (2, "circumsolar"), (3, "horizon")):
            expected = np.nan_to_num(theirs[f"poa_{name}"])
            np.testing.assert_allclose(ours[row], expected, rtol=1e-9, atol=1e-7)
        beam = irradiance.beam_component(tilt, facing, zenith, azimuth, direct)
        np.testing.assert_allclose(ours[0], beam, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(
            ours[4], irradiance.get_ground_diffuse(tilt, direct * position["up"] + diffuse, albedo=0.2)
        )


def test_the_sun_rises_over_the_pole_in_summer_only():
    """At 89.9 degrees north it is up in June and down in December."""
    weather = year_at(89.9, 0.0, 0)
    up = sun_position(weather, np.array([171.5 * 24, 354.5 * 24]), 101_325.0)["up"]
    assert up[0] > 0.3
    assert up[1] < -0.3
