"""Rain on leaves, storms on the ground and water in the soil: nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidData
from pilots.green.services.rain import damage_service, flood_retention, interception, runoff_mm
from pilots.green.services.soil import LAWN, STREET_TREE, RootZone, soil_water

days = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 8)), min_size=1, max_size=60)


@given(days=days, area=st.floats(0, 8))
@settings(max_examples=60, deadline=None)
def test_rain_on_leaves_is_kept_dripped_or_evaporated(days, area):
    rain, evaporation = np.array(days).T
    water = interception(rain, evaporation, np.full(len(rain), area), 0.5)
    kept = water.throughfall_mm.sum() + water.evaporated_mm.sum() + water.stored_mm[-1].sum()
    assert kept == pytest.approx(rain.sum(), abs=1e-9)
    assert water.stored_mm.max() <= 0.2 * (area + 0.5) + 1e-12
    assert min(water.throughfall_mm.min(), water.evaporated_mm.min(), water.stored_mm.min()) >= 0


def test_a_shower_on_a_full_crown():
    water = interception([5.0], [0.0], [5.0])
    assert water.stored_mm[0, 0] == pytest.approx(1.0)
    assert water.throughfall_mm[0, 0] == pytest.approx(4.0)
    assert water.washed[0, 0]


def test_a_cloudburst_on_lawn_and_asphalt():
    # TR-55 by hand: CN 61, S 162.4 mm, Q = (40 - 32.48)^2 / (40 + 129.9).
    assert float(runoff_mm(40.0, 61)) == pytest.approx(7.52**2 / 169.92, abs=0.01)
    assert float(runoff_mm(40.0, 98)) > 30
    assert float(runoff_mm(40.0, 100)) == pytest.approx(40.0)
    assert float(runoff_mm(40.0, 0)) == 0.0


@given(rain=st.floats(0.1, 200), number=st.floats(0, 100))
def test_what_does_not_run_off_stays(rain, number):
    storm = flood_retention(rain, np.array([number]), 100.0)
    assert 0 <= storm.retention[0] <= 1
    assert storm.retained_m3[0] + storm.flood_m3[0] == pytest.approx(rain * 100.0 * 1e-3)


def test_damage_is_weighted_with_retention():
    assert damage_service([10.0, 5.0], [100.0, 20.0], 3.0) == pytest.approx((1000 + 100) * 3)


@given(days=days, start=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_soil_neither_makes_nor_loses_water(days, start):
    rain, demand = np.array(days).T
    first = start * LAWN.available_mm
    water = soil_water(rain, demand, LAWN, depletion_mm=first)
    change = first - water.depletion_mm[-1]
    assert rain.sum() - water.transpired_mm.sum() - water.drained_mm.sum() == pytest.approx(change, abs=1e-9)
    assert ((water.stress >= 0) & (water.stress <= 1)).all()
    assert (water.depletion_mm <= LAWN.available_mm + 1e-9).all()


def test_a_street_tree_thirsts_before_a_park_lawn_is_wet_again():
    dry = soil_water(np.zeros(60), np.full(60, 4.5), STREET_TREE)
    assert dry.stress[5] == 1.0
    assert dry.stress[40] < 0.5
    watered = soil_water(np.zeros(60), np.full(60, 4.5), STREET_TREE, irrigation_mm=4.0)
    assert watered.stress[40] > dry.stress[40] + 0.3


def test_a_root_zone_must_hold_water():
    with pytest.raises(InvalidData, match="available_mm"):
        soil_water([1.0], [1.0], RootZone(0.0, 0.5, 1.0))
    with pytest.raises(InvalidData, match="depletion_mm"):
        soil_water([1.0], [1.0], LAWN, depletion_mm=500.0)
