"""Light at windows and on streets: crowns take it in summer, give much of it back in winter."""

import numpy as np
import pytest

from pilots.green.city.light import CrownBodies, shade_at
from pilots.green.radiation.leaves import Foliage


def crowns(x, y, *, evergreen=False, weight=1.0):
    one = np.ones(len(x))
    return CrownBodies(
        x_m=np.array(x, dtype=float), y_m=np.array(y, dtype=float), diameter_m=8 * one, top_m=12 * one,
        crown_height_m=9 * one, evergreen=np.full(len(x), evergreen), weight=weight * one,
    )  # fmt: skip


SUMMER, WINTER = Foliage(leaf_area_index=6.0), Foliage(leaf_area_index=0.0)
PLACES = np.array([[0.0, 0.0], [500.0, 0.0]])


def test_a_row_of_limes_before_a_window_shades_it_by_season():
    shade = shade_at(PLACES, 2.0, crowns([-8.0, 0.0, 8.0], [-7.0, -7.0, -7.0]))
    summer, winter = shade.transmittance(SUMMER), shade.transmittance(WINTER)
    assert summer[0] < winter[0] < 1.0
    assert summer[0] < 0.7
    assert summer[1] == winter[1] == 1.0


def test_conifers_shade_in_winter_too():
    leafy, needled = (
        shade_at(PLACES, 2.0, crowns([0.0], [-6.0], evergreen=green)) for green in (False, True)
    )
    assert needled.transmittance(WINTER)[0] < leafy.transmittance(WINTER)[0]
    assert needled.transmittance(SUMMER)[0] == pytest.approx(leafy.transmittance(SUMMER)[0])


def test_trees_to_the_north_of_a_window_take_no_sun_at_noon():
    south, north = (shade_at(PLACES, 2.0, crowns([0.0], [y])) for y in (-8.0, 8.0))
    assert south.transmittance(SUMMER)[0] < north.transmittance(SUMMER)[0] == 1.0


def test_no_trees_no_shade():
    assert shade_at(PLACES, 0.0, crowns([], [])).transmittance(SUMMER).tolist() == [1.0, 1.0]
