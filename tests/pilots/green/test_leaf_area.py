"""Leaves through the year."""

from __future__ import annotations

import numpy as np
import pytest

from pilots.green.leaf_area import SuewsLeaves, calendar_leaf_share, leaf_share, suews_leaf_area_index

DAYS = np.arange(1, 366)


def test_a_quarter_of_the_leaves_is_there_on_the_first_day_and_gone_on_the_last():
    assert float(leaf_share(125, 125, 280)) == pytest.approx(0.25, abs=0.01)
    assert float(leaf_share(280, 125, 280)) == pytest.approx(0.75, abs=0.01)


def test_summer_is_full_and_winter_bare():
    share = leaf_share(DAYS, 125, 280)
    assert share[200] > 0.99
    assert share[20] < 0.01
    assert (np.diff(share[:180]) >= 0).all()
    assert (np.diff(share[220:]) <= 0).all()


def test_the_south_has_its_summer_in_january():
    assert float(calendar_leaf_share(15, southern=True)) > 0.95
    assert float(calendar_leaf_share(15)) < 0.05


def test_degree_days_make_leaves_in_may_and_take_them_in_autumn():
    mean = 6.0 - 12.0 * np.cos(2 * np.pi * (DAYS - 20) / 365)
    index = suews_leaf_area_index(mean - 4, mean + 4, DAYS, 59.4)
    limits = SuewsLeaves()
    assert index.min() == limits.least
    assert index.max() == limits.largest
    assert index[60] == limits.least
    assert index[200] == limits.largest
    assert index[340] == limits.least
    warm = suews_leaf_area_index(mean - 2, mean + 6, DAYS, 59.4)
    assert np.argmax(warm > 3) < np.argmax(index > 3)
