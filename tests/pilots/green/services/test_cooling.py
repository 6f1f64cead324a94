"""Kernels and the cooling index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidInput
from pilots.green.services.cooling import (
    air_temperature_c,
    energy_saving,
    green_area_m2,
    heat_mitigation,
    park_cooling,
    urban_cooling,
    wet_bulb_globe_c,
    work_loss,
)
from pilots.green.services.kernels import (
    decay,
    exponential_kernel,
    kernel,
    neighbourhood_mean,
    neighbourhood_sum,
)


def summed_by_hand(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    reach = weights.shape[0] // 2
    total = np.zeros_like(values)
    for (r, c), value in np.ndenumerate(values):
        for (i, j), weight in np.ndenumerate(weights):
            row, column = r + i - reach, c + j - reach
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                total[row, column] += value * weight
    return total


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), radius=st.floats(0.5, 6), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_sums_over_neighbourhoods_are_those_by_hand(rows, columns, radius, seed):
    values = np.random.default_rng(seed).random((rows, columns))
    weights = kernel("gaussian", radius)
    np.testing.assert_allclose(
        neighbourhood_sum(values, weights), summed_by_hand(values, weights), atol=1e-12
    )


def test_the_power_kernel_counts_in_cells_and_is_one_at_home():
    np.testing.assert_allclose(decay("power", [0, 1, 2, 3, 4], 3, exponent=-2.0), [1, 1, 0.25, 1 / 9, 0])
    with pytest.raises(InvalidInput, match="must fall"):
        kernel("power", 3, exponent=0.5)
    with pytest.raises(InvalidInput, match="unknown kernel"):
        kernel("cubic", 3)


def test_edges_and_holes_are_not_dimmed():
    valid = np.ones((12, 12), bool)
    valid[4:6, 4:6] = False
    mean = neighbourhood_mean(np.full((12, 12), 0.7), exponential_kernel(2), valid)
    np.testing.assert_allclose(mean[valid], 0.7)
    assert np.isnan(mean[~valid]).all()


def test_a_large_park_cools_its_surroundings_and_a_small_one_itself():
    capacity = np.full((60, 60), 0.02)
    green = np.zeros((60, 60), bool)
    green[10:50, 10:41] = True
    capacity[green] = 0.9
    park = park_cooling(capacity, green, 150.0, 10.0)
    area = green_area_m2(green, 150.0, 10.0)
    mitigation = heat_mitigation(capacity, park, area)
    assert mitigation[30, 41] > 0.1
    assert mitigation[30, 30] == 0.9
    assert mitigation[0, 0] == 0.02
    small = heat_mitigation(capacity, park, np.zeros_like(area))
    np.testing.assert_array_equal(small, capacity)


def test_air_is_between_the_countryside_and_the_full_heat_island():
    rng = np.random.default_rng(1)
    result = urban_cooling(
        rng.random((30, 30)), rng.random((30, 30)), rng.random((30, 30)), rng.uniform(1, 5, (30, 30)),
        rng.random((30, 30)) > 0.6, cell_size_m=30.0, rural_c=21.0, heat_island_k=3.0,
    )  # fmt: skip
    assert ((result.air_temperature_c >= 21.0) & (result.air_temperature_c <= 24.0)).all()
    assert air_temperature_c(np.ones((3, 3)), 21.0, 3.0, 30.0, 30.0) == pytest.approx(21.0)


def test_money_heat_and_work():
    assert float(energy_saving(2.0, 100.0, 22.0, 20.0, 3.0)) == pytest.approx(2.0 * 100.0 * 1.0)
    assert float(wet_bulb_globe_c(30.0, 50.0)) == pytest.approx(0.567 * 30 + 0.393 * 21.2 + 3.94, abs=0.1)
    np.testing.assert_array_equal(work_loss([31.0, 31.5, 32.0, 33.0], "light"), [0, 0.25, 0.5, 0.75])
    np.testing.assert_array_equal(work_loss([27.0, 28.0, 30.0, 32.0], "heavy"), [0, 0.25, 0.5, 0.75])
