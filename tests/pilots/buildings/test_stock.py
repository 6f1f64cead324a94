"""The stock and its calendar: what is known wins, what is drawn is marked, holidays are kept."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.errors import InvalidInput, NotReady
from pilots.buildings.site_weather import weather_of
from pilots.buildings.stock.calendar import (
    Timetable,
    calendar,
    easter,
    in_term,
    is_holiday,
    lessons_on_holidays,
)
from pilots.buildings.stock.school import choose_schools, schools_of, zone_of


def table(count: int = 8, **columns: object) -> gpd.GeoDataFrame:
    points = [shapely.Point(540_000 + 300 * k, 6_590_000) for k in range(count)]
    return gpd.GeoDataFrame(
        {
            "school_id": [f"s{k}" for k in range(count)],
            "name": [f"School {k}" for k in range(count)],
            "school_type": ["basic"] * count,
            "operator": ["TalTech" if k == 3 else "city" for k in range(count)],
            **columns,
        },
        geometry=points,
        crs=3301,
    )


def test_taltech_comes_on_top_and_choice_is_no_lottery():
    chosen = choose_schools(table(), 3)
    assert chosen["school_id"].tolist() == ["s3", "s0", "s2", "s5"]
    hobby = choose_schools(table(school_type=["hobby"] * 8), 3)
    assert len(hobby) == 0


def test_footprints_and_heights_win_over_archetypes():
    chosen = table(2)
    shape = shapely.box(540_000 - 30, 6_590_000 - 8, 540_000 + 30, 6_590_000 + 8)
    footprints = gpd.GeoDataFrame({"levels": [4.0], "height_m": [14.0]}, geometry=[shape], crs=3301)
    near, far = schools_of(chosen, footprints, np.random.default_rng(1))
    assert near.floor_area_m2 == pytest.approx(60 * 16 * 4)
    assert (near.storeys, near.azimuth_deg) == (4, 180.0)
    assert near.length_m == pytest.approx(60.0)
    assert (near.grades["shape"], far.grades["shape"]) == ("derived", "synthetic")
    alone = schools_of(chosen, None, np.random.default_rng(1))
    # A known footprint of one building moves no other building's draws.
    assert alone[1] == far


def test_official_values_are_kept_and_marked():
    chosen = table(1, year_built=[2020.0], pupils=[512.0], floor_area_m2=[8000.0])
    (school,) = schools_of(chosen, None, np.random.default_rng(1))
    assert (school.year_built, school.pupils, school.floor_area_m2) == (2020, 512.0, 8000.0)
    assert {school.grades[key] for key in ("year_built", "pupils", "floor_area_m2")} == {"official"}
    assert school.archetype.name == "from 2019"
    zone = zone_of(school)
    assert zone.floor_area_m2 == 8000.0
    outer = sum(s.area_m2 for s in zone.surfaces if s.boundary == "outdoor")
    assert outer == pytest.approx(school.facade_m2 + school.footprint_m2)


@pytest.mark.parametrize(
    ("year", "expected"), [(2024, date(2024, 3, 31)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))]
)
def test_easter(year, expected):
    assert easter(year) == expected


def test_holidays_and_terms():
    assert is_holiday(date(2026, 2, 24))
    assert is_holiday(date(2026, 4, 3))
    assert not is_holiday(date(2026, 4, 2))
    assert not in_term(date(2026, 7, 1), "school")
    assert in_term(date(2026, 7, 1), "kindergarten")
    assert in_term(date(2026, 9, 1), "school")


def test_a_school_day_has_lessons_and_breaks_in_local_time():
    time = pd.date_range("2026-03-03", periods=288, freq="5min", tz="UTC")
    day = calendar(time, "Europe/Tallinn", "school")
    first = time[np.flatnonzero(day.lesson)[0]].tz_convert("Europe/Tallinn")
    assert f"{first:%H:%M}" == "08:15"
    assert day.lesson.sum() * 5 == 7 * 45
    assert not (day.lesson & day.pause).any()
    assert (day.open | ~day.lesson).all()
    summer = calendar(
        pd.date_range("2026-05-05", periods=288, freq="5min", tz="UTC"), "Europe/Tallinn", "school"
    )
    shifted = np.flatnonzero(day.lesson)[0] - np.flatnonzero(summer.lesson)[0]
    assert shifted == 12


def test_lessons_booked_on_holidays_are_reported():
    booked = pd.DatetimeIndex(
        ["2026-02-23T08:00Z", "2026-02-24T08:00Z", "2026-03-07T08:00Z", "2026-03-03T08:00Z"]
    )
    days = lessons_on_holidays(booked, "Europe/Tallinn", "university")
    assert days == [date(2026, 2, 24), date(2026, 3, 7)]


def test_lessons_that_overlap_are_refused():
    with pytest.raises(InvalidInput, match="overlap"):
        Timetable(8.0, 15.0, ((9.0, 10.0), (9.5, 10.5)))


def year(**columns: object) -> pd.DataFrame:
    time = pd.date_range("2025-01-01", periods=8760, freq="h", tz="UTC")
    return pd.DataFrame(
        {
            "time": time,
            "temperature_c": np.arange(8760) % 24 * 1.0,
            "dni_w_m2": 0.0,
            "dhi_w_m2": 0.0,
            **columns,
        }
    )


def test_a_typical_year_is_laid_over_other_years_and_stand_ins_are_said():
    start = pd.Timestamp("2028-02-28T22:00Z")
    weather, notes = weather_of(year(), start, 28, 59.4, 24.7, "tallinn")
    assert weather.air_temperature_c.tolist() == [22.0, 23.0, *range(24), 0.0, 1.0]
    assert any("dew point" in note for note in notes)
    assert any("wind" in note for note in notes)
    full = year(
        dew_point_c=-1.0,
        cloud_cover=0.5,
        infrared_w_m2=280.0,
        pressure_pa=101_000.0,
        wind_speed_m_s=4.0,
        wind_direction_deg=90.0,
    )
    assert weather_of(full, start, 28, 59.4, 24.7, "tallinn")[1] == []


def test_weather_that_does_not_cover_the_run_is_said():
    with pytest.raises(NotReady, match="does not cover"):
        weather_of(year().iloc[:2000], pd.Timestamp("2026-07-01T00:00Z"), 24, 59.4, 24.7, "tallinn")
