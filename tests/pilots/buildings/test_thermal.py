"""The two thermal models on one room: energy is conserved, and physics points the right way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidInput
from pilots.buildings.stock.archetypes import PERIODS, archetype_of
from pilots.buildings.thermal.envelope import (
    CLEAR_PANE,
    Construction,
    Gap,
    Glazing,
    Material,
    Surface,
    Window,
)
from pilots.buildings.thermal.runs import DetailedBuildings, FastBuildings
from pilots.buildings.thermal.simulate import simulate
from pilots.buildings.thermal.weather import Weather
from pilots.buildings.thermal.zone import AirFlow, Building, Conditioning, Gains, Zone

WOOL, STONE = Material(0.1, 0.04, 30, 1030, "wool"), Material(0.2, 0.7, 1700, 880, "brick")
BRICK = Construction((WOOL, STONE))
LINED = Construction((STONE, WOOL))
HOURS = 24 * 14
MODELS = ("fast", "detailed")


def weather(air_c: float = 0.0, sun: float = 0.0) -> Weather:
    hour = np.arange(HOURS) % 24
    light = np.clip(np.sin((hour - 4) / 16 * np.pi), 0, None) * sun
    whole = np.ones(HOURS)
    return Weather(
        latitude_deg=59.4,
        longitude_deg=24.7,
        elevation_m=20.0,
        start=pd.Timestamp("2026-05-04T00:00Z"),
        air_temperature_c=air_c * whole,
        dew_point_c=(air_c - 5) * whole,
        pressure_pa=101_325.0 * whole,
        direct_normal_w_m2=light,
        diffuse_horizontal_w_m2=0.2 * light,
        sky_radiation_w_m2=5.67e-8 * (air_c + 273.15) ** 4 * whole,
        wind_speed_m_s=3.0 * whole,
        wind_direction_deg=225.0 * whole,
        name="made up",
    )


def room(**changes: object) -> Zone:
    pane = Window(Glazing((CLEAR_PANE, CLEAR_PANE), (Gap(0.012),)), 2.0, 1.5, count=2, sill_m=0.9)
    zone = Zone(
        "room",
        48.0,
        130.0,
        (
            Surface("south", BRICK, 22.0, azimuth_deg=180.0, windows=(pane,)),
            Surface("north", BRICK, 22.0, azimuth_deg=0.0),
            Surface("roof", BRICK, 48.0, tilt_deg=0.0),
            Surface("floor", BRICK, 48.0, tilt_deg=180.0, boundary="ground"),
        ),
        conditioning=Conditioning(heating_setpoint_c=21.0),
        air=AirFlow(infiltration_per_h=0.3),
    )
    return replace(zone, **changes)


def heat_kwh(zone: Zone, model: str, **kw: float) -> float:
    data = simulate(Building((zone,), ground_temperature_c=kw.get("air_c", 0.0)), weather(**kw), model)
    return float(data["heating_power"].sum()) / 1000


@pytest.mark.parametrize("model", MODELS)
def test_steady_heat_is_loss_times_difference(model):
    """No sun, constant cold: power is (U A + air) times the difference, within the freedom of films."""
    walls = tuple(s for s in room().surfaces if s.boundary == "outdoor")
    data = simulate(Building((room(surfaces=walls),)), weather(), model)
    power = float(data["heating_power"][-1, 0])
    opaque = sum((s.area_m2 - sum(w.area_m2 for w in s.windows)) * BRICK.u_value_w_m2k for s in walls)
    # Two clear panes 12 mm apart lose 2.4 W/(m2 K) at a light breeze; air at 0 °C weighs 1.29 kg/m3.
    expected = (opaque + 6.0 * 2.4 + 0.36 * 0.3 * 130) * 21.0
    assert power == pytest.approx(expected, rel=0.15)
    assert float(data["air_temperature"][-1, 0]) == pytest.approx(21.0, abs=0.05)


@pytest.mark.parametrize("model", MODELS)
def test_physics_points_the_right_way(model):
    base = heat_kwh(room(), model)
    assert heat_kwh(room(), model, air_c=-10.0) > base
    assert heat_kwh(room(air=AirFlow(infiltration_per_h=1.0)), model) > base
    assert heat_kwh(room(gains=Gains(500.0, 500.0)), model) < base - 0.8 * HOURS
    fresh = AirFlow(infiltration_per_h=0.3, mechanical_m3_s=0.1)
    recovered = replace(fresh, heat_recovery=0.8)
    saved = heat_kwh(room(air=fresh), model) - heat_kwh(room(air=recovered), model)
    assert saved == pytest.approx(0.8 * 0.1 * 1.2 * 1.006 * 21 * HOURS, rel=0.1)


@pytest.mark.parametrize("model", MODELS)
def test_the_sun_warms_and_a_capacity_caps(model):
    free = room(conditioning=Conditioning())
    dull, bright = (
        simulate(Building((free,)), weather(10.0, sun), model)["operative_temperature"].mean()
        for sun in (0.0, 500.0)
    )
    assert float(bright) > float(dull) + 2.0
    capped = room(conditioning=Conditioning(heating_setpoint_c=21.0, heating_capacity_w=500.0))
    data = simulate(Building((capped,)), weather(-10.0), model)
    assert float(data["heating_power"].max()) <= 500.0 + 1e-6
    assert float(data["air_temperature"][-1, 0]) < 20.0


@pytest.mark.parametrize("kind", [FastBuildings, DetailedBuildings])
def test_stretches_of_any_length_come_to_the_same(kind):
    building = Building((room(),), ground_temperature_c=5.0)
    bare = np.ones(1)
    whole = kind([building], weather(5.0, 400.0)).advance(0, 72, bare, 0.0)
    run = kind([building], weather(5.0, 400.0))
    parts = [run.advance(a, a + 8, bare, 0.0) for a in range(0, 72, 8)]
    np.testing.assert_allclose(np.concatenate([part.air_c for part in parts]), whole.air_c, atol=1e-9)
    np.testing.assert_allclose(np.concatenate([part.heating_w for part in parts]), whole.heating_w, atol=1e-6)


@pytest.mark.parametrize("kind", [FastBuildings, DetailedBuildings])
def test_canopies_take_sun_and_streets_change_the_air(kind):
    building = Building((room(conditioning=Conditioning()),), ground_temperature_c=10.0)
    open_, shaded, warmer = (
        kind([building], weather(15.0, 600.0)).advance(0, 72, np.full(1, share), offset).operative_c.mean()
        for share, offset in ((1.0, 0.0), (0.2, 0.0), (1.0, 2.0))
    )
    assert shaded < open_ - 0.3
    assert warmer > open_ + 0.2


@pytest.mark.parametrize("model", MODELS)
def test_a_room_lined_with_insulation_follows_the_day_more_than_one_of_bare_brick(model):
    bare = room(conditioning=Conditioning())
    lined = replace(bare, surfaces=tuple(replace(s, construction=LINED) for s in bare.surfaces))
    swings = []
    for zone in (bare, lined):
        air = simulate(Building((zone,)), weather(10.0, 400.0), model)["air_temperature"].to_numpy()[-24:, 0]
        assert np.isfinite(air).all()
        swings.append(air.max() - air.min())
    assert swings[1] > 1.5 * swings[0]


@pytest.mark.parametrize("model", MODELS)
def test_a_polar_night_has_no_sun_and_no_error(model):
    dark = replace(weather(-10.0), latitude_deg=78.2, start=pd.Timestamp("2026-12-10T00:00Z"))
    data = simulate(Building((room(),), ground_temperature_c=-2.0), dark, model)
    assert float(data["heating_power"][-1, 0]) > 0


def test_zones_side_by_side_do_not_feel_one_another():
    cold, warm = room(), replace(room(conditioning=Conditioning(heating_setpoint_c=25.0)), name="other")
    alone = simulate(Building((cold,)), weather(), "fast")["heating_power"].to_numpy()
    beside = simulate(Building((cold, warm)), weather(), "fast")["heating_power"].to_numpy()
    np.testing.assert_allclose(beside[:, :1], alone)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"volume_m3": 0.0}, "volume_m3"),
        ({"floor_area_m2": float("nan")}, "floor_area_m2"),
        ({"surfaces": ()}, "surfaces"),
    ],
)
def test_rooms_that_cannot_be_are_named(change, field):
    with pytest.raises(InvalidInput) as caught:
        room(**change)
    assert caught.value.field == field
    assert "room" in str(caught.value)


def test_a_series_of_another_length_than_the_weather_is_refused():
    short = room(conditioning=Conditioning(heating_setpoint_c=np.full(HOURS - 1, 20.0)))
    for model in MODELS:
        with pytest.raises(InvalidInput):
            simulate(Building((short,)), weather(), model)


def test_renovation_never_makes_a_building_worse():
    for end, _ in PERIODS:
        base = archetype_of(min(end, 2100) - 1)
        for step in ("windows_and_ventilation", "major", "nearly_zero"):
            done = archetype_of(min(end, 2100) - 1, step)
            assert done.wall_u <= base.wall_u
            assert done.window_u <= base.window_u
            assert done.heat_recovery >= base.heat_recovery
