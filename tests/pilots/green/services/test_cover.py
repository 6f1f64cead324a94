"""Canopy from above, trees from home, signs behind crowns, mixed stocks and the ledger."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.green.growth.species import INDEX
from pilots.green.services.cover import (
    ThreeThirty,
    canopy_area_m2,
    canopy_around,
    cover_grid,
    trees_in_view,
)
from pilots.green.services.diversity import diversity
from pilots.green.services.ledger import check_years, ledger
from pilots.green.services.sight import Crowns, hidden, length_in_crowns_m


def test_overlapping_crowns_are_joined_and_small_trees_do_not_count():
    alone = canopy_area_m2([0], [0], [10.0], [12.0])
    assert alone == pytest.approx(np.pi * 25, rel=1e-9)
    assert canopy_area_m2([0, 0], [0, 0], [10.0, 10.0], [12.0, 12.0]) == pytest.approx(alone)
    assert canopy_area_m2([0, 100], [0, 0], [10.0, 10.0], [12.0, 12.0]) == pytest.approx(2 * alone)
    assert canopy_area_m2([0, 100], [0, 0], [10.0, 10.0], [12.0, 1.8]) == pytest.approx(alone)
    half = shapely.box(0, -50, 50, 50)
    assert canopy_area_m2([0], [0], [10.0], [12.0], land=half) == pytest.approx(alone / 2)


@given(seed=st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_the_raster_of_cover_agrees_with_the_union_of_circles(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(20, 180, 40), rng.uniform(20, 180, 40)
    crown, height = rng.uniform(4, 14, 40), rng.uniform(3, 20, 40)
    exact = canopy_area_m2(x, y, crown, height)
    grid = cover_grid(x, y, crown, height, west_m=0, north_m=200, shape=(400, 400), cell_size_m=0.5)
    assert grid.share.sum() * 0.25 == pytest.approx(exact, rel=0.01)


def test_canopy_around_a_home():
    grid = cover_grid([100.0], [100.0], [100.0], [20.0], west_m=0, north_m=200, shape=(200, 200))
    share = canopy_around(grid, [100.0, 5.0], [100.0, 195.0], radius_m=30.0)
    assert share[0] == pytest.approx(1.0, abs=0.02)
    assert share[1] == 0.0


def test_three_trees_are_seen_unless_a_house_stands_between():
    home, trees = ([0.0], [0.0]), ([10.0, 0.0, -10.0, 200.0], [0.0, 10.0, 0.0, 0.0])
    own, other = shapely.box(-2, -2, 2, 2), shapely.box(4, -3, 6, 3)
    assert trees_in_view(*home, *trees, [own]).tolist() == [3]
    assert trees_in_view(*home, *trees, [own, other]).tolist() == [2]
    assert trees_in_view(*home, [], [], [own]).tolist() == [0]
    assert trees_in_view([], [], *trees, [own]).tolist() == []


def test_shares_of_the_rule():
    rule = ThreeThirty(
        np.array([True, True, False, True]), np.array([True, False, False, True]), np.array([True] * 4)
    )
    assert rule.shares == {"sees_3_trees": 0.75, "30_pct_canopy": 0.5, "300_m_to_green": 1.0, "all": 0.5}


def test_a_sign_behind_a_crown():
    crowns = Crowns(*(np.array([v]) for v in (20.0, 0.0, 0.0, 6.0, 8.0, 6.0)))
    driver, low, high = (0.0, 0.0, 1.1), (40.0, 0.0, 1.5), (40.0, 0.0, 9.0)
    assert not hidden([driver], [low], crowns)[0]
    assert hidden([driver], [high], crowns)[0]
    through = length_in_crowns_m([(0.0, 0.0, 5.0)], [(40.0, 0.0, 5.0)], crowns)
    assert through.tolist() == pytest.approx([6.0])
    assert not hidden([driver], [(10.0, 0.0, 5.0)], crowns)[0]  # the sign stands before the tree


def test_a_street_of_limes_breaks_every_rule():
    limes = diversity(np.full(50, INDEX["Tilia cordata"]))
    assert not limes.keeps_10_20_30
    assert limes.largest_species_share == limes.largest_family_share == 1.0
    assert limes.shannon == 0.0
    pair = diversity([INDEX["Tilia cordata"], INDEX["Acer platanoides"]])
    assert pair.shannon == pytest.approx(np.log(2))
    assert diversity([]).shannon == 0.0


def test_maples_and_chestnuts_are_one_family():
    mixed = diversity([INDEX["Acer platanoides"], INDEX["Aesculus hippocastanum"], INDEX["Tilia cordata"]])
    assert mixed.largest_genus_share == pytest.approx(1 / 3)
    assert mixed.largest_family_share == pytest.approx(2 / 3)


def test_no_net_loss_to_2030_and_more_every_six_years_after():
    assert check_years(2045) == [2030, 2036, 2042]
    green = {2024: 0.40, 2030: 0.40, 2036: 0.41, 2042: 0.41}
    canopy = {2024: 0.08, 2030: 0.08, 2036: 0.085, 2042: 0.09}
    entries = ledger(green, canopy)
    assert [e.kept for e in entries] == [True, True, False]
    lost = ledger(green, {**canopy, 2030: 0.079})
    assert not lost[0].kept
    rich = ledger(dict.fromkeys(green, 0.5), {y: 0.2 - 0.001 * (y - 2024) for y in green})
    assert all(e.exempt and e.kept for e in rich)
