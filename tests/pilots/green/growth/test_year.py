"""Death, dieback, pruning and storms."""

from __future__ import annotations

import numpy as np
import pytest

from pilots.green.growth.species import INDEX
from pilots.green.growth.stock import planted, stock
from pilots.green.growth.year import (
    ASH_DIEBACK_PER_YEAR,
    Hazards,
    pruned,
    recovered,
    regrown,
    sickened,
    survivors,
    windthrow_chance,
)

LIME, ASH = INDEX["Tilia cordata"], INDEX["Fraxinus excelsior"]


def test_deaths_come_at_the_stated_rate():
    trees = stock(np.full(20_000, LIME), dbh_cm=np.full(20_000, 25.0))
    alive = survivors(trees, Hazards(established=0.02), np.random.default_rng(1).random(20_000))
    assert 1 - alive.mean() == pytest.approx(0.02, abs=0.004)


def test_saplings_old_trees_and_sick_trees_risk_more():
    hazards = Hazards()
    grown_up = hazards.of(stock([LIME], dbh_cm=[30.0]))[0]
    assert hazards.of(planted(LIME, 1, 5.0))[0] > grown_up
    assert hazards.of(stock([LIME], dbh_cm=[66.0]))[0] > grown_up
    assert hazards.of(stock([LIME], dbh_cm=[30.0], condition=[0.3]))[0] > grown_up


def test_the_same_luck_under_a_harder_life_kills_the_same_trees_and_more():
    trees = stock(np.full(5000, LIME), dbh_cm=np.full(5000, 25.0))
    luck = np.random.default_rng(2).random(5000)
    mild, hard = (survivors(trees, Hazards(established=rate), luck) for rate in (0.01, 0.05))
    assert (mild | ~hard).all()
    assert hard.sum() < mild.sum()


def test_ash_dieback_takes_ash_only():
    trees = sickened(stock([LIME, ASH], dbh_cm=[30.0, 30.0]), ASH_DIEBACK_PER_YEAR)
    assert trees.condition[0] == 1.0
    assert trees.condition[1] == pytest.approx(0.92)
    assert recovered(trees, 1.0, 0.5).condition[1] == pytest.approx(0.96)


def test_a_pruned_crown_grows_back():
    trees = stock([LIME, LIME], dbh_cm=[30.0, 30.0])
    natural = trees.crown_ratio
    cut = pruned(trees, np.array([True, False]), 0.3)
    assert cut.crown_diameter_m[0] == pytest.approx(0.7 * trees.crown_diameter_m[0])
    after = cut
    for _ in range(30):
        after = regrown(after, natural, 4.0)
    np.testing.assert_allclose(after.crown_ratio, natural, rtol=1e-3)


def test_storms_throw_tall_full_crowns_first():
    trees = stock([LIME, LIME], dbh_cm=[40.0, 40.0], height_m=[22.0, 9.0])
    summer, winter = (windthrow_chance(trees, 32.0, in_leaf=leaf) for leaf in (True, False))
    assert summer[0] > summer[1]
    assert (winter < summer).all()
    assert windthrow_chance(trees, 0.0, in_leaf=True) == pytest.approx(0.0, abs=1e-9)
