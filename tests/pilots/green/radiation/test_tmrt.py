"""A square, a wall and a tree: what a person there feels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData, InvalidInput
from pilots.green.radiation import daily_maps, mean_radiant_temperature, site
from tests.pilots.green.radiation.test_weather import sunny_day

SIZE = 60


def square(**changes):
    """An open square of paving with a wall of ten metres along its western side."""
    surface = np.zeros((SIZE, SIZE), np.float32)
    surface[:, :6] = 10.0
    rasters = {"surface_m": surface, "ground_m": np.zeros_like(surface), "cell_size_m": 1.0,
               "latitude": 57.7, "longitude": 12.0, "west_m": 0.0, "north_m": float(SIZE)}  # fmt: skip
    return site(**{**rasters, **changes})


def crown(row: int, column: int, height: float = 10.0) -> np.ndarray:
    rows, columns = np.indices((SIZE, SIZE))
    return np.where(np.hypot(rows - row, columns - column) <= 4.0, height, 0.0).astype(np.float32)


MIDDLE = (30.5, 30.5)


def test_noon_in_the_sun_is_hot_and_night_is_cold():
    result = mean_radiant_temperature(square(), sunny_day(), points=[MIDDLE])
    felt = result["mean_radiant_temperature"].to_numpy()[:, 0]
    air = sunny_day()["air_temperature_c"].to_numpy()
    assert felt[11] > air[11] + 20
    assert felt[0] < air[0]


def test_shade_of_a_tree_takes_most_of_it_away():
    weather = sunny_day()
    bare = mean_radiant_temperature(square(), weather, points=[MIDDLE])
    # The crown stands south of the point, where the sun is at noon.
    shaded = mean_radiant_temperature(square(crown_m=crown(35, 30)), weather, points=[MIDDLE])
    noon = (bare["mean_radiant_temperature"] - shaded["mean_radiant_temperature"]).to_numpy()[11, 0]
    assert noon > 12


def test_a_bare_crown_lets_the_winter_sun_through():
    weather = sunny_day("2026-03-10")
    tree = square(crown_m=crown(36, 30))
    leafy = mean_radiant_temperature(tree, weather, points=[MIDDLE], leaf_area_index=6.0)
    bare = mean_radiant_temperature(tree, weather, points=[MIDDLE], leaf_area_index=0.0)
    by_calendar = mean_radiant_temperature(tree, weather, points=[MIDDLE])
    assert bare["sunlit"].to_numpy()[11, 0] > leafy["sunlit"].to_numpy()[11, 0] + 0.3
    np.testing.assert_allclose(by_calendar["sunlit"], bare["sunlit"], atol=0.01)


def test_the_wall_warms_who_stands_before_it_in_the_evening():
    near, far = (8.5, 30.5), (50.5, 30.5)
    west = np.zeros((SIZE, SIZE), np.float32)
    west[:, -6:] = 10.0  # the wall now faces west, into the evening sun
    result = mean_radiant_temperature(
        square(surface_m=west), sunny_day(), points=[(52.5, 30.5), (10.5, 30.5)]
    )
    toward_wall = result["longwave"].sel(side="east").to_numpy()
    assert toward_wall[18, 0] > toward_wall[18, 1] + 15
    assert near != far


def test_fluxes_of_an_open_square_are_those_of_the_weather():
    weather = sunny_day()
    flat = square(surface_m=np.zeros((SIZE, SIZE), np.float32))
    result = mean_radiant_temperature(flat, weather, points=[MIDDLE])
    down = result["shortwave"].sel(side="up").to_numpy()[:, 0]
    high = weather["global_w_m2"].to_numpy() > 200
    assert down[high] == pytest.approx(weather["global_w_m2"].to_numpy()[high], rel=0.03)
    assert result["sunlit"].to_numpy()[11, 0] == pytest.approx(1.0)


def test_days_one_by_one_are_the_days_together():
    weather = pd.concat([sunny_day("2026-06-20"), sunny_day("2026-06-21")])
    weather.index = pd.date_range("2026-06-20", periods=48, freq="h", tz="UTC")
    small = square(crown_m=crown(30, 40))
    together = mean_radiant_temperature(small, weather, moments=1)
    apart = list(daily_maps(small, weather, moments=1))
    assert len(apart) == 2
    for i, day in enumerate(apart):
        np.testing.assert_array_equal(
            day["mean_radiant_temperature"], together["mean_radiant_temperature"][24 * i : 24 * (i + 1)]
        )


def test_same_inputs_same_bytes():
    runs = [mean_radiant_temperature(square(crown_m=crown(30, 40)), sunny_day(), moments=1) for _ in range(2)]
    for name in runs[0].data_vars:
        assert runs[0][name].to_numpy().tobytes() == runs[1][name].to_numpy().tobytes()


def test_a_tile_with_its_margin_is_like_the_whole():
    rng = np.random.default_rng(5)
    surface = np.zeros((SIZE, SIZE), np.float32)
    for row, column in rng.integers(5, 50, (6, 2)):
        surface[row : row + 5, column : column + 5] = 8.0
    whole = square(surface_m=surface)
    weather = sunny_day()
    everything = mean_radiant_temperature(whole, weather, moments=1)["mean_radiant_temperature"].to_numpy()[
        11
    ]
    tiles = list(whole.tiles(30, margin_m=60.0))
    assert len(tiles) == 4
    for core, inner, window in tiles:
        part = mean_radiant_temperature(window, weather, moments=1)["mean_radiant_temperature"].to_numpy()[11]
        np.testing.assert_allclose(part[inner], everything[core], atol=0.2)


def test_buildings_have_no_value():
    result = mean_radiant_temperature(square(), sunny_day(), moments=1)
    assert np.isnan(result["mean_radiant_temperature"].to_numpy()[:, :, :6]).all()
    assert np.isfinite(result["mean_radiant_temperature"].to_numpy()[:, :, 6:]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crown_m": np.zeros((3, 3))}, "rasters do not match"),
        ({"crown_m": np.full((SIZE, SIZE), -2.0)}, "impossible"),
        (
            {"crown_m": np.full((SIZE, SIZE), 3.0), "crown_base_m": np.full((SIZE, SIZE), 9.0)},
            "above its top",
        ),
        ({"land_cover": np.full((SIZE, SIZE), 9)}, "unknown land-cover code"),
        ({"ground_m": np.full((SIZE, SIZE), np.nan)}, "holes"),
        ({"cell_size_m": 0.0}, "size"),
        ({"latitude": 123.0}, "no such place"),
    ],
)
def test_rasters_that_cannot_be_are_refused(changes, message):
    with pytest.raises(InvalidData, match=message):
        square(**changes)


def test_points_outside_or_on_roofs_are_refused():
    with pytest.raises(InvalidInput, match="outside"):
        mean_radiant_temperature(square(), sunny_day(), points=[(500.0, 30.0)])
    with pytest.raises(InvalidInput, match="building"):
        mean_radiant_temperature(square(), sunny_day(), points=[(2.0, 30.0)])


def test_a_day_without_leaf_area_is_named():
    leaves = pd.Series([4.0], index=[pd.Timestamp("2026-01-01")])
    with pytest.raises(InvalidInput, match="2026-06-20"):
        mean_radiant_temperature(square(), sunny_day(), points=[MIDDLE], leaf_area_index=leaves)
