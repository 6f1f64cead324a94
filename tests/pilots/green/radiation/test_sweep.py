"""Shadows and crowns on small rasters where the answer can be drawn on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilots.green.radiation.sweep import NOTHING, Canopy, Relief, cast, edge_of_shadow, ray


def tower(height_m: float = 10.0, size: int = 41) -> np.ndarray:
    surface = np.zeros((size, size), np.float32)
    surface[size // 2, size // 2] = height_m
    return surface


def relief_of(surface: np.ndarray, crown_top=None, crown_base=None, density=None) -> Relief:
    return Relief.of(surface, crown_top, crown_base, 1.0, density)


@pytest.mark.parametrize(("azimuth", "towards"), [(0, (1, 0)), (90, (0, -1)), (180, (-1, 0)), (270, (0, 1))])
def test_a_tower_throws_its_shadow_away_from_the_sun(azimuth, towards):
    relief = relief_of(tower())
    beam = cast(relief, Canopy.of(relief, 1.0, 1.0), azimuth, 45.0)
    shaded = np.argwhere(~beam.on_open_ground())
    expected = {(20 + k * towards[0], 20 + k * towards[1]) for k in range(1, 10)}
    assert {tuple(cell) for cell in shaded} == expected


@given(azimuth=st.floats(0, 360), altitude=st.floats(5, 85))
@settings(max_examples=40, deadline=None)
def test_a_shadow_is_as_long_as_its_tower_is_high_over_the_tangent(azimuth, altitude):
    relief = relief_of(tower(8.0, 81 if altitude > 12 else 241))
    way = ray(azimuth, altitude, relief.shape, 1.0)
    edge = edge_of_shadow(relief.surface, way)
    middle = relief.shape[0] // 2
    reach = [math.dist((middle, middle), cell) for cell in np.argwhere(edge > 0)]
    length = 8.0 / math.tan(math.radians(altitude))
    # The last cell in shadow lies at most one step of the ray (a diagonal) before the shadow's end, and its
    # middle at most half a diagonal beside the ray.
    allowed = 1.5 * math.sqrt(2.0)
    if length > allowed and length < middle:
        assert max(reach) == pytest.approx(length, abs=allowed)


def test_light_passes_straight_down_through_one_crown_as_the_law_says():
    surface = np.zeros((9, 9), np.float32)
    top, base = np.full((9, 9), NOTHING), np.full((9, 9), NOTHING)
    top[3:6, 3:6], base[3:6, 3:6] = 10.0, 4.0
    relief = relief_of(surface, top, base)
    share = cast(relief, Canopy.of(relief, 1.2, 1.2), 180.0, 89.9).on_map(0.0)
    assert share[4, 4] == pytest.approx(math.exp(-1.2), rel=0.01)
    assert share[0, 0] == 1.0


def test_light_goes_below_a_crown_on_a_high_trunk():
    surface = np.zeros((60, 5), np.float32)
    top, base = np.full((60, 5), NOTHING), np.full((60, 5), NOTHING)
    top[30], base[30] = 12.0, 6.0
    relief = relief_of(surface, top, base)
    share = cast(relief, Canopy.of(relief, 2.0, 2.0), 180.0, 45.0).on_map(0.0)
    # Rays at 45 degrees meet the crown between 6 and 12 m north of it, and nowhere nearer.
    assert (share[25:30, 2] == 1.0).all()
    assert (share[19:23, 2] < 0.7).all()


@given(seed=st.integers(0, 1000), azimuth=st.floats(0, 360), altitude=st.floats(3, 80))
@settings(max_examples=25, deadline=None)
def test_single_places_and_whole_maps_agree(seed, azimuth, altitude):
    rng = np.random.default_rng(seed)
    surface = np.where(rng.random((30, 37)) > 0.95, rng.uniform(3, 20, (30, 37)), 0.0).astype(np.float32)
    tree = rng.random((30, 37)) > 0.85
    top = np.where(tree, rng.uniform(4, 15, (30, 37)), NOTHING)
    base = np.where(tree, top * 0.3, NOTHING)
    density = np.where(rng.random((30, 37)) > 0.5, 1.0, -1.0)
    relief = relief_of(surface, top, base, density)
    beam = cast(relief, Canopy.of(relief, 0.7, 1.9), azimuth, altitude)
    row, column = (index.ravel().astype(np.int32) for index in np.indices(surface.shape))
    places = beam.on(row, column, surface[row, column] + np.float32(1.1))
    # Single rays are given up when a thousandth is left.
    np.testing.assert_allclose(places, beam.on_map(1.1)[row, column], atol=2e-3)


def test_a_crown_darkens_and_never_brightens():
    rng = np.random.default_rng(3)
    surface = np.where(rng.random((40, 40)) > 0.9, 9.0, 0.0).astype(np.float32)
    tree = rng.random((40, 40)) > 0.8
    top, base = np.where(tree, 8.0, NOTHING), np.where(tree, 2.0, NOTHING)
    bare, leafy = relief_of(surface), relief_of(surface, top, base)
    for altitude in (8.0, 30.0, 60.0):
        without = cast(bare, Canopy.of(bare, 1.0, 1.0), 140.0, altitude).on_map(1.1)
        thin = cast(leafy, Canopy.of(leafy, 0.5, 0.5), 140.0, altitude).on_map(1.1)
        thick = cast(leafy, Canopy.of(leafy, 3.0, 3.0), 140.0, altitude).on_map(1.1)
        assert (thick <= thin + 1e-6).all()
        assert (thin <= without + 1e-6).all()
