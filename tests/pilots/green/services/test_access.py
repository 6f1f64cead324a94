"""Green within reach, by raster and by street."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geodata.errors import InvalidData
from pilots.green.services.access import nature_access, network_access, within_reach


@given(seed=st.integers(0, 200), radius=st.floats(1, 4))
@settings(max_examples=30, deadline=None)
def test_all_nature_that_anyone_reaches_is_shared_out(seed, radius):
    rng = np.random.default_rng(seed)
    nature = np.where(rng.random((9, 9)) > 0.7, 900.0, 0.0)
    people = rng.uniform(2, 30, (9, 9))
    access = nature_access(nature, people, radius_cells=radius, demand_m2=9.0)
    assert (access.supply_m2 * people).sum() == pytest.approx(nature.sum())
    assert access.undersupplied.sum() + access.oversupplied.sum() == pytest.approx(people.sum())


def test_a_park_for_one_person_is_not_multiplied():
    nature, people = np.zeros((5, 5)), np.zeros((5, 5))
    nature[2, 2], people[2, 2] = 500.0, 0.5
    access = nature_access(nature, people, radius_cells=1.0, demand_m2=9.0)
    assert access.supply_m2[2, 2] == pytest.approx(500.0)
    assert access.balance_total_m2[2, 2] == pytest.approx((500.0 - 9.0) * 0.5)


def test_streets_decide_and_not_the_crow():
    distance = np.array([[250.0, 900.0], [np.inf, 100.0], [200.0, 280.0]])
    access = network_access([3000.0, 1000.0], [10.0, 20.0, 10.0], distance, radius_m=300.0, demand_m2=50.0)
    np.testing.assert_allclose(access.supply_m2, [150.0, 1000 / 30, 150.0 + 1000 / 30])
    thin = sparse.csr_matrix(np.where(np.isfinite(distance) & (distance <= 300), distance, 0.0))
    again = network_access([3000.0, 1000.0], [10.0, 20.0, 10.0], thin, radius_m=300.0, demand_m2=50.0)
    np.testing.assert_allclose(again.supply_m2, access.supply_m2)
    np.testing.assert_array_equal(within_reach(distance, [6000.0, 1000.0]), [True, False, True])


def test_distances_must_match():
    with pytest.raises(InvalidData, match="do not match"):
        network_access([1.0], [1.0, 2.0], np.zeros((3, 1)), radius_m=300.0, demand_m2=1.0)
    with pytest.raises(InvalidData, match="negative"):
        network_access([1.0], [1.0], np.array([[-5.0]]), radius_m=300.0, demand_m2=1.0)
    with pytest.raises(InvalidData, match="rasters do not match"):
        nature_access(np.zeros((2, 2)), np.zeros((3, 3)), radius_cells=1.0, demand_m2=1.0)
