"""Phenology on made-up sites whose law is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geodata.errors import InvalidData
from pilots.green.phenology import (
    NORTHERN_AUTUMN,
    NORTHERN_SPRING,
    AutumnModel,
    Member,
    SiteYears,
    SpringModel,
    day_length_h,
)


def made_up(sites: int = 8, years: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weather of sites from 40 to 60 N, and the places."""
    rng = np.random.default_rng(4)
    day = np.concatenate([np.arange(-102, 0), np.arange(1, 366)])
    rows, places = [], {}
    for s in range(sites):
        mean = 11.0 - 0.8 * s
        places[f"site{s}"] = {"latitude": 40.0 + 2.5 * s, "mean_temperature_c": mean}
        for year in range(2010, 2010 + years):
            warmth = (
                mean
                - 11 * np.cos(2 * np.pi * (day - 20) / 365)
                + rng.normal(0, 1.5)
                + rng.normal(0, 2, len(day))
            )
            rows.append(pd.DataFrame({"site": f"site{s}", "year": year, "doy": day, "t_mean_c": warmth}))
    return pd.concat(rows), pd.DataFrame.from_dict(places, orient="index")


def test_day_length_of_tallinn():
    assert float(day_length_h(59.4, 172)) == pytest.approx(18.7, abs=0.2)
    assert float(day_length_h(59.4, 355)) == pytest.approx(6.1, abs=0.2)
    assert float(day_length_h(59.4, -10)) == pytest.approx(float(day_length_h(59.4, 355)), abs=0.1)


def test_a_law_that_is_in_the_data_is_found():
    weather, places = made_up()
    law = SpringModel((Member(59, 0.0, 3.0, 6.8),))
    dates = law.predict(weather, places).rename("transition_doy").reset_index()
    found = SpringModel.fit(dates, weather, places, covariates=())
    error = found.predict(weather, places).to_numpy() - dates["transition_doy"].to_numpy()
    assert np.sqrt((error**2).mean()) < 1.5


def test_a_warmer_year_is_an_earlier_spring_and_a_later_autumn():
    weather, places = made_up()
    warmer = weather.assign(t_mean_c=weather["t_mean_c"] + 2.0)
    assert (NORTHERN_SPRING.predict(warmer, places) < NORTHERN_SPRING.predict(weather, places)).all()
    assert (NORTHERN_AUTUMN.predict(warmer, places) > NORTHERN_AUTUMN.predict(weather, places)).all()


def test_spring_reaches_helsinki_in_the_first_half_of_may():
    day = np.concatenate([np.arange(-102, 0), np.arange(1, 264)])
    normal = 6.5 - 11.5 * np.cos(2 * np.pi * (day - 27) / 365)
    weather = pd.DataFrame({"site": "helsinki", "year": 2026, "doy": day, "t_mean_c": normal})
    place = pd.DataFrame({"latitude": [60.2], "mean_temperature_c": [6.5]}, index=["helsinki"])
    assert 120 < NORTHERN_SPRING.predict(weather, place).iloc[0] < 142


def test_one_wild_date_does_not_sway_autumn():
    weather, places = made_up()
    law = AutumnModel(250.0, 1.5, 1.0)
    dates = law.predict(weather, places).rename("transition_doy").reset_index()
    clean = AutumnModel.fit(dates, weather, places)
    dates.loc[3, "transition_doy"] += 60
    swayed = AutumnModel.fit(dates, weather, places)
    shift = swayed.predict(weather, places) - clean.predict(weather, places)
    assert abs(shift).max() < 4


def test_a_place_beyond_the_calibration_counts_as_its_edge():
    weather, places = made_up()
    dates = (
        SpringModel((Member(59, 0.0, 3.0, 6.8),))
        .predict(weather, places)
        .rename("transition_doy")
        .reset_index()
    )
    model = SpringModel.fit(dates, weather, places)
    far = places.assign(latitude=75.0)
    edge = places.assign(latitude=places["latitude"].max())
    rows = [SiteYears.of(weather, table) for table in (far, edge)]
    thresholds = [
        model.members[0].threshold(
            (np.clip(r.covariates(model.covariates), model.lowest, model.highest) - np.array(model.centre))
            / np.array(model.spread)
        )
        for r in rows
    ]
    np.testing.assert_array_equal(*thresholds)


def test_what_is_missing_is_named():
    weather, places = made_up(2, 1)
    with pytest.raises(InvalidData, match="day of weather is missing"):
        NORTHERN_SPRING.predict(weather.drop(weather.index[50]).reset_index(drop=True).iloc[:-1], places)
    with pytest.raises(InvalidData, match="without a place"):
        NORTHERN_SPRING.predict(weather, places.iloc[:1])
    with pytest.raises(InvalidData, match="t_mean_c"):
        NORTHERN_SPRING.predict(weather.drop(columns="t_mean_c"), places)
