"""Trees that keep their own size, grow along their curve and never run backwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidData
from pilots.green.growth.species import INDEX, SPECIES, match_species
from pilots.green.growth.stock import grown, planted, stock, tables

LIME = INDEX["Tilia cordata"]

kinds = st.integers(0, len(SPECIES) - 1)


@given(kind=kinds, dbh=st.floats(0.6, 200), height=st.floats(1.5, 40), crown=st.floats(0.5, 25))
@settings(max_examples=80, deadline=None)
def test_a_measured_tree_is_the_size_that_was_measured(kind, dbh, height, crown):
    tree = stock([kind], dbh_cm=[dbh], height_m=[height], crown_diameter_m=[crown])
    assert tree.dbh_cm[0] == pytest.approx(dbh)
    assert tree.height_m[0] == pytest.approx(height)
    assert tree.crown_diameter_m[0] == pytest.approx(crown)


@given(kind=kinds, dbh=st.floats(0.6, 150), years=st.floats(0, 80))
@settings(max_examples=80, deadline=None)
def test_trees_only_grow(kind, dbh, years):
    young = stock([kind], dbh_cm=[dbh])
    old = grown(young, years)
    for name in ("dbh_cm", "height_m", "crown_diameter_m", "leaf_area_m2", "carbon_kg"):
        assert getattr(old, name)[0] >= getattr(young, name)[0] - 1e-9
    assert old.crown_height_m[0] <= 0.95 * old.height_m[0] + 1e-9


def test_a_tall_lime_stays_tall():
    pair = stock([LIME, LIME], dbh_cm=[30.0, 30.0], height_m=[15.0, 12.0])
    later = grown(pair, 10.0)
    assert later.height_m[0] / later.height_m[1] == pytest.approx(15.0 / 12.0)


def test_growth_in_one_leap_is_growth_in_steps():
    trees = stock(np.arange(len(SPECIES)), dbh_cm=np.full(len(SPECIES), 12.0))
    leap, walk = grown(trees, 20.0, 0.6), trees
    for _ in range(20):
        walk = grown(walk, 1.0, 0.6)
    np.testing.assert_allclose(leap.dbh_cm, walk.dbh_cm)


def test_growth_stops_where_its_authors_stop():
    ancient = grown(planted(LIME, 1, 8.0), 500.0)
    assert ancient.dbh_cm[0] == pytest.approx(tables().largest_dbh_cm[LIME])
    assert tables().largest_dbh_cm[LIME] <= 66.18


def test_a_tree_known_by_its_height_alone_gets_the_trunk_of_that_height():
    tree = stock([LIME], height_m=[14.0])
    assert tree.height_m[0] == pytest.approx(14.0)
    assert 20 < tree.dbh_cm[0] < 50


def test_half_dead_crowns_have_half_the_leaves():
    trees = stock([LIME, LIME], dbh_cm=[30.0, 30.0], condition=[1.0, 0.5])
    assert trees.leaf_area_m2[1] == pytest.approx(0.5 * trees.leaf_area_m2[0])
    assert trees.crown_diameter_m[1] == trees.crown_diameter_m[0]


def test_carbon_of_a_lime():
    """McHale's equation for small-leaved lime, density 420, roots 1.28, carbon one half."""
    tree = stock([LIME], dbh_cm=[40.0], height_m=[13.0])
    expected = 0.0009453 * 40**1.617 * 13**0.59 * 420 * 1.28 * 0.5
    assert tree.carbon_kg[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("sizes", "field"),
    [
        ({"dbh_cm": [30.0, -1.0]}, "dbh_cm"),
        ({"dbh_cm": [30.0, 900.0]}, "dbh_cm"),
        ({"height_m": [10.0, 80.0]}, "height_m"),
        ({"crown_diameter_m": [5.0, 0.0]}, "crown_diameter_m"),
        ({"condition": [1.0, 1.5]}, "condition"),
    ],
)
def test_impossible_sizes_are_named(sizes, field):
    with pytest.raises(InvalidData, match=f"row 2, field {field}"):
        stock([LIME, LIME], **sizes)


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidData, match="differ in length"):
        stock([LIME, LIME], dbh_cm=[30.0])


@pytest.mark.parametrize(
    ("name", "leaf_type", "expected", "how"),
    [
        ("Tilia cordata", None, "Tilia cordata", "exact"),
        ("Tilia × europaea 'Pallida'", None, "Tilia x europaea", "exact"),
        ("TILIA_CORDATA", None, "Tilia cordata", "exact"),
        ("Betula sp.", None, "Betula pendula", "genus"),
        ("Pinus cembra", None, "Pinus sylvestris", "genus"),
        ("Juniperus communis", None, "Conifer sp.", "form"),
        ("Ginkgo biloba", None, "Broadleaf sp.", "form"),
        (None, "needleleaved", "Conifer sp.", "form"),
        (None, None, "Broadleaf sp.", "unknown"),
        ("", "broadleaved", "Broadleaf sp.", "form"),
    ],
)
def test_the_nearest_taxon_stands_for_an_unknown_one(name, leaf_type, expected, how):
    match = match_species(name, leaf_type)
    assert (match.species.name, match.how) == (expected, how)
