"""Light at windows and on streets: crowns take it in summer, give much of it back in winter."""

import numpy as np
import pytest
import shapely

from pilots.green.city.light import CrownBodies, Lookout, shade_at
from pilots.green.city.windows import school_windows
from pilots.green.radiation.leaves import Foliage


def crowns(x, y, *, evergreen=False, weight=1.0):
    one = np.ones(len(x))
    return CrownBodies(
        x_m=np.array(x, dtype=float), y_m=np.array(y, dtype=float), diameter_m=8 * one, top_m=12 * one,
        crown_height_m=9 * one, evergreen=np.full(len(x), evergreen), weight=weight * one,
    )  # fmt: skip


SUMMER, WINTER = Foliage(leaf_area_index=6.0), Foliage(leaf_area_index=0.0)
AT_EYE = Lookout.of(np.array([[0.0, 0.0], [500.0, 0.0]]), 2.0)


def test_a_row_of_limes_before_a_window_shades_it_by_season():
    shade = shade_at(AT_EYE, crowns([-8.0, 0.0, 8.0], [-7.0, -7.0, -7.0]))
    summer, winter = shade.transmittance(SUMMER), shade.transmittance(WINTER)
    assert summer[0] < winter[0] < 1.0
    assert summer[0] < 0.7
    assert summer[1] == winter[1] == 1.0


def test_conifers_shade_in_winter_too():
    leafy, needled = (shade_at(AT_EYE, crowns([0.0], [-6.0], evergreen=green)) for green in (False, True))
    assert needled.transmittance(WINTER)[0] < leafy.transmittance(WINTER)[0]
    assert needled.transmittance(SUMMER)[0] == pytest.approx(leafy.transmittance(SUMMER)[0])


def test_trees_to_the_north_of_a_window_take_no_sun_at_noon():
    south, north = (shade_at(AT_EYE, crowns([0.0], [y])) for y in (-8.0, 8.0))
    assert south.transmittance(SUMMER)[0] < north.transmittance(SUMMER)[0] == 1.0


def test_no_trees_no_shade():
    assert shade_at(AT_EYE, crowns([], [])).transmittance(SUMMER).tolist() == [1.0, 1.0]


def test_windows_look_out_of_the_walls_of_the_house_around_the_school():
    house = np.array([shapely.box(-30, -10, 30, 10)], dtype=object)
    schools = np.array([[0.0, 0.0], [500.0, 0.0]])
    windows = school_windows(schools, house)
    assert windows.places == 2
    of_house = windows.points[windows.place == 0]
    assert (windows.place == 1).sum() == 1
    assert shapely.distance(shapely.points(of_house), house[0]) == pytest.approx(0.5)
    # Before the south wall a row of trees takes light; behind the north wall it takes hardly any.
    row = [-24.0, -12.0, 0.0, 12.0, 24.0]
    south, north = (shade_at(windows, crowns(row, [y] * 5)).transmittance(SUMMER) for y in (-18.0, 18.0))
    assert south[0] < 0.75
    assert north[0] > 0.9
    assert south[1] == north[1] == 1.0
