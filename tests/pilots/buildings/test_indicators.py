"""Indicators on hand-made series: every number can be checked with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.errors import InvalidInput
from pilots.buildings.comfort.adaptive import beyond_adaptive_k, running_mean_c
from pilots.buildings.comfort.categories import (
    category_shares_percent,
    co2_category,
    humidity_category,
    temperature_category,
    worst_category,
)
from pilots.buildings.indicators.air import exceedance, outdoor_air_per_person_l_s, ppm_hours
from pilots.buildings.indicators.energy import (
    degree_days,
    energy_class,
    fit,
    peak_w_m2,
    primary_energy_kwh,
    weather_normalised_kwh,
)
from pilots.buildings.indicators.warmth import discomfort_k_h, estonian_summer_k_h, overheating
from pilots.buildings.indicators.wellbeing import layered_score, partial_tail, utility
from pilots.buildings.monitoring import rooms_needed


def test_lessons_and_breaks_are_counted_apart():
    co2 = np.array([900.0, 1100, 1300, np.nan, 800, 1500])
    lesson = np.array([True, True, True, True, False, False])
    assert exceedance(co2, lesson, 0.25).hours == pytest.approx(0.5)
    assert exceedance(co2, lesson, 0.25).share_percent == pytest.approx(200 / 3)
    assert exceedance(co2, ~lesson, 0.25).share_percent == pytest.approx(50)
    assert np.isnan(exceedance(co2, lesson & False, 0.25).share_percent)
    measured = np.where(np.isfinite(co2), co2, 1000.0)
    assert ppm_hours(measured[:, None], lesson[:, None], 0.25) == pytest.approx((100 + 300) * 0.25)
    assert np.isnan(ppm_hours(co2[:, None], lesson[:, None], 0.25))  # an hour unmeasured is not clean air


def test_air_per_person_counts_only_when_somebody_is_there():
    flow, people = np.array([0.2, 0.2, 0.4]), np.array([20.0, 0.0, 20.0])
    assert outdoor_air_per_person_l_s(flow, people) == pytest.approx(15.0)


def test_categories_of_en_16798():
    assert co2_category([900, 1100, 1500, 2000]).tolist() == [1, 2, 3, 4]
    assert temperature_category([22, 20.5, 19.5, 17, 27.5]).tolist() == [1, 2, 3, 4, 4]
    assert humidity_category([40, 28, 22, 10]).tolist() == [1, 2, 3, 4]
    worst = worst_category(np.array([1, 2, 3]), np.array([2, 1, 4]))
    assert worst.tolist() == [2, 2, 4]
    assert category_shares_percent(np.array([1, 1, 4, 0])).tolist() == pytest.approx([200 / 3, 0, 0, 100 / 3])


def test_heat_in_summer_is_degree_hours_above_25_in_use():
    operative = np.array([[26.0], [28.0], [28.0], [24.0]])
    used = np.array([[True], [True], [False], [True]])
    month = np.array([6, 7, 7, 8])
    assert estonian_summer_k_h(operative, used, month, 1.0).tolist() == [4.0]
    assert overheating(operative, used, 1.0, 27.0).hours == 1.0
    assert discomfort_k_h(operative, used, 1.0, 25.0, 26.0) == pytest.approx(3.0)


def test_adaptive_limits_follow_the_running_mean():
    # EN 16798-1: 0.33 * 20 + 18.8 = 25.4 °C, category II up to 28.4.
    assert beyond_adaptive_k([29.0, 26.0], [20.0, 20.0]).tolist() == pytest.approx([0.6, 0.0])
    assert running_mean_c(np.full(30, 15.0)) == pytest.approx(np.full(30, 15.0))


def test_energy_of_a_normal_year():
    assert primary_energy_kwh({"electricity": 10.0, "efficient_district_heat": 100.0}) == pytest.approx(85)
    assert weather_normalised_kwh(110.0, 10.0, 4000.0, 4400.0) == pytest.approx(120.0)
    assert degree_days(np.repeat([7.0, 20.0], 24)) == pytest.approx(10.0)
    assert energy_class(99.0, "school") == "A"
    assert energy_class(161.0, "school") == "D"
    assert peak_w_m2(np.array([1000.0, 3000.0]), 100.0) == 30.0
    for wrong in (
        lambda: primary_energy_kwh({"coal": 1.0}),
        lambda: energy_class(1.0, "palace"),
        lambda: weather_normalised_kwh(1.0, 0.0, 0.0, 1.0),
    ):
        with pytest.raises(InvalidInput):
            wrong()


def test_guideline_14_by_hand():
    measured, simulated = np.array([100.0, 120, 80, np.nan]), np.array([90.0, 120, 90, 50])
    got = fit(measured, simulated)
    assert got.nmbe_percent == pytest.approx(0.0)
    assert got.cv_rmse_percent == pytest.approx(10.0)
    assert got.calibrated("hourly")
    assert got.calibrated("monthly")
    assert not fit(measured, simulated * 1.2).calibrated("hourly")
    with pytest.raises(InvalidInput):
        fit(measured[:1], simulated[:1])


def test_tail_rates_what_is_measured_and_never_imputes():
    tail = partial_tail({"co2": 3, "temperature": 1})
    assert tail.rating == "III"
    assert "humidity" not in tail.rated
    assert tail.missing == ("acoustic", "luminous")
    assert partial_tail({"co2": 0}).rating == ""
    with pytest.raises(InvalidInput):
        partial_tail({"smell": 1})


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["built environment", "activities", "psychological", "physiological"]),
        st.floats(0, 100),
        min_size=3,
    )
)
def test_the_layered_score_lies_within_its_layers_and_its_interval(layers):
    score = layered_score(layers)
    assert min(layers.values()) - 1e-9 <= score.low <= score.score + 1e-9
    assert score.score <= score.high + 1e-9 <= max(layers.values()) + 2e-9


def test_no_score_rests_on_less_than_half_of_its_layers():
    score = layered_score({"built environment": 90.0, "activities": 80.0})
    assert np.isnan(score.score)
    assert score.coverage_percent == pytest.approx(40.0)
    assert score.layers == {"built environment": 90.0, "activities": 80.0}


def test_utility_is_straight_between_worst_and_best():
    assert [utility(value, 100, 0) for value in (150, 100, 25, 0, -5)] == [0, 0, 75, 100, 100]


def test_few_rooms_suffice_where_the_rooms_of_a_building_are_alike():
    building = np.repeat(np.arange(8), 5)
    level = np.repeat(np.linspace(5, 95, 8), 5)
    rng = np.random.default_rng(1)
    assert rooms_needed(level, building, rng) == 8
    apart = level + np.random.default_rng(2).uniform(-30, 30, 40)
    assert 8 < rooms_needed(apart, building, rng) <= 40
    assert rooms_needed(np.full(3, np.nan), building[:3], rng) == 0
