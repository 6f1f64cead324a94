"""The typical year keeps its normals, and sun, clouds, heat and moisture agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pvlib.solarposition import get_solarposition

from geodata.demo.facts import facts_of


@pytest.fixture
def weather(pack):
    return pack.table("weather")


@pytest.fixture
def climate(pack):
    return facts_of(pack.city.id).document["climate"]


def test_a_whole_year_of_hours(weather):
    assert len(weather) == 8760
    assert (weather["time"].diff().dropna() == pd.Timedelta(hours=1)).all()
    assert weather["time"].iloc[0] == pd.Timestamp("2026-01-01", tz="UTC")


def test_months_keep_their_normals(weather, climate):
    months = weather.groupby(weather["time"].dt.month)
    assert months["temperature_c"].mean().to_numpy() == pytest.approx(climate["temperature_c"], abs=0.1)
    assert months["precipitation_mm"].sum().to_numpy() == pytest.approx(climate["precipitation_mm"], abs=0.5)
    assert weather["wind_speed_m_s"].mean() == pytest.approx(np.mean(climate["wind_speed_m_s"]), rel=0.05)
    humidity = months["relative_humidity_percent"].mean().to_numpy()
    assert humidity == pytest.approx(climate["humidity_percent"], abs=1.5)


def test_sunshine_from_march_to_september_is_that_of_the_normals(weather, climate):
    """Sunshine is direct light of more than 120 W/m2 (WMO). In winter the low sun counts for less here."""
    sunny = (weather["dni_w_m2"] > 120).groupby(weather["time"].dt.month).sum().to_numpy()
    assert sunny[2:9] == pytest.approx(climate["sunshine_h"][2:9], rel=0.12)
    assert 800 < weather["ghi_w_m2"].sum() / 1000 < 1050


def test_light_follows_the_sun(weather, climate):
    """Global = diffuse + direct x sine of the height; no light at night."""
    middle = pd.DatetimeIndex(weather["time"]) + pd.Timedelta(minutes=30)
    sun = get_solarposition(middle, climate["latitude"], climate["longitude"])[
        "apparent_elevation"
    ].to_numpy()
    closure = weather["dhi_w_m2"] + weather["dni_w_m2"] * np.sin(np.radians(sun.clip(0)))
    assert weather["ghi_w_m2"].to_numpy() == pytest.approx(closure.to_numpy(), abs=0.3)
    night = sun < -1
    assert (weather.loc[night, ["ghi_w_m2", "dni_w_m2", "dhi_w_m2"]] == 0).all(axis=None)


def test_moisture_agrees(weather):
    """The dew point is never above the temperature, and follows from it and the humidity (Magnus formula)."""
    assert (weather["dew_point_c"] <= weather["temperature_c"] + 0.02).all()
    pressure = 611.2 * np.exp(17.62 * weather["dew_point_c"] / (243.12 + weather["dew_point_c"]))
    saturated = 611.2 * np.exp(17.62 * weather["temperature_c"] / (243.12 + weather["temperature_c"]))
    assert (100 * pressure / saturated).to_numpy() == pytest.approx(
        weather["relative_humidity_percent"].to_numpy(), abs=0.6
    )


def test_snow_lies_in_winter_only(weather):
    months = weather.groupby(weather["time"].dt.month)["snow_depth_m"].max()
    assert months[2] > 0.03
    assert (months.loc[5:9] == 0).all()


def test_neighbours_share_their_weather(packs):
    tallinn, rae, helsinki = (packs[city].table("weather") for city in ("tallinn", "rae", "helsinki"))
    assert np.corrcoef(tallinn["temperature_c"], rae["temperature_c"])[0, 1] > 0.999
    assert np.corrcoef(tallinn["temperature_c"], helsinki["temperature_c"])[0, 1] > 0.99


def test_power_follows_the_weather(packs):
    pack = packs["paldiski"]
    weather, prices = pack.table("weather"), pack.table("prices")
    power = pack.table("generation").pivot_table(index="time", columns="series_id", values="power_kw")
    wind = power[[name for name in power if "tuule" in name]].sum(axis=1).to_numpy()
    assert 0.25 < wind.mean() / 63_400 < 0.45
    assert wind.max() <= 63_400
    assert np.corrcoef(wind, weather["wind_speed_m_s"])[0, 1] > 0.85
    sun = power[[name for name in power if "paikese" in name]].sum(axis=1).to_numpy()
    assert (sun[weather["ghi_w_m2"] == 0] == 0).all()
    assert prices["price_eur_per_mwh"].mean() == pytest.approx(87, abs=0.1)
    assert prices["price_eur_per_mwh"].min() < 0
