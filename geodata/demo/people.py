"""People of a demo city: where they live, a sample of made-up persons, and where they travel in a day.

Residents of each district are known; within it they are spread thinner from its middle outwards. Journeys
follow the law of gravity: many between big places, few between far ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.demo.chance import stream
from geodata.demo.ground import Ground

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

CELL_M = 500.0
"""Population is told by cells as wide as those of the national grid."""

PERSONS = 2000
TRIPS_PER_RESIDENT = 2.4
"""Trips a day, as travel surveys of the Nordic countries find them (2.2 to 2.8)."""

REACH_KM = 4.0
"""Mean distance by which trips fall to 1/e."""

JOBS_PER_RESIDENT = {"old": 2.0, "centre": 1.3, "industry": 12.0, "wooden": 0.4, "blocks": 0.3}
JOBS_ELSEWHERE = 0.15

ACROSS_SHARE = 0.45

LEAST_TRIPS = 2.0
"""Pairs of districts with fewer trips a day are left out, and the others raised to keep the total."""

AGE_CLASSES = {"0_9": (0, 10), "10_19": (10, 20), "20_59": (20, 60), "60_69": (60, 70), "70_up": (70, 96)}


def boundary(ground: Ground) -> gpd.GeoDataFrame:
    """The outline of the city."""
    import geopandas as gpd

    city = ground.facts.city
    name = city.names.get("fi" if city.country == "FI" else "et", city.name)
    return gpd.GeoDataFrame({"name": [name]}, geometry=[ground.facts.outline], crs=city.crs)


def districts(ground: Ground) -> gpd.GeoDataFrame:
    """Its districts, in the columns of the kind."""
    table = ground.districts[["district_id", "name", "part_of", "population", "geometry"]]
    return table.assign(population=table["population"].astype(float))


def population(ground: Ground) -> gpd.GeoDataFrame:
    """Residents by cell and age."""
    import geopandas as gpd
    import pandas as pd

    sheet = ground.sheet
    residents = pd.Series(_residents(ground), index=sheet.index)
    column, row = ((sheet[axis] // CELL_M).astype(int) for axis in ("x", "y"))
    cells = residents.groupby([column, row]).sum().rename("population").reset_index()
    cells["population"] = _rounded(cells["population"].to_numpy())
    cells = cells[cells["population"] > 0].reset_index(drop=True)
    shares = np.cumsum([0.0, *ground.facts.document["people"]["age_shares"]])
    bounds = np.round(np.outer(cells["population"], shares))
    west, south = cells["x"].to_numpy() * CELL_M, cells["y"].to_numpy() * CELL_M
    table = pd.DataFrame(
        {
            "cell_id": [
                f"{int(CELL_M)}mE{x // CELL_M:.0f}N{y // CELL_M:.0f}"
                for x, y in zip(west, south, strict=True)
            ],
            "population": cells["population"],
            **{f"population_{name}": np.diff(bounds, axis=1)[:, at] for at, name in enumerate(AGE_CLASSES)},
        }
    )
    squares = shapely.box(west, south, west + CELL_M, south + CELL_M)
    return gpd.GeoDataFrame(table, geometry=squares, crs=ground.facts.city.crs)


def _residents(ground: Ground) -> NDArray[np.float64]:
    """Residents at each point of the sheet: the district's, thinner from its middle outwards."""
    sheet, table = ground.sheet, ground.districts
    district = sheet["district"].to_numpy()
    extent = np.sqrt(table.area.to_numpy() / np.pi)
    weight = (
        np.exp(-((sheet["from_middle_m"].to_numpy() / extent[district]) ** 2)) * sheet["built"].to_numpy()
    )
    # A district without built-up paper gathers its few people at its middle.
    total = np.bincount(district, weight, len(table))
    nearest = sheet.groupby("district")["from_middle_m"].idxmin()
    lonely = nearest[total[nearest.index] == 0]
    weight[lonely.to_numpy()] = 1.0
    total = np.bincount(district, weight, len(table))
    residents: NDArray[np.float64] = table["population"].to_numpy(float)[district] * weight / total[district]
    return residents


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers of the same total, each off by less than one."""
    whole = np.floor(values)
    missing = round(float(values.sum() - whole.sum()))
    most = np.argsort(whole - values, kind="stable")[:missing]
    whole[most] += 1
    return whole


def persons(ground: Ground) -> pd.DataFrame:
    """A sample of synthetic persons in households; nobody real."""
    import pandas as pd

    facts = ground.facts.document["people"]
    chance = stream(ground.facts.city.id, "persons")
    size = chance.choice([1, 2, 3, 4, 5], PERSONS, p=[0.42, 0.29, 0.14, 0.11, 0.04])
    household = np.repeat(np.arange(PERSONS), size)[:PERSONS]
    place_in_household = np.arange(PERSONS) - np.searchsorted(household, household)
    share = ground.districts["population"].to_numpy(float)
    home = chance.choice(len(share), PERSONS, p=share / share.sum())[household]
    age = _ages(place_in_household, np.array(facts["age_shares"]), chance)
    occupation = _occupations(age, chance)
    employed, retired = occupation == "employed", occupation == "retired"
    pay = facts["net_pay_eur"] * np.exp(chance.normal(-0.12, 0.45, PERSONS))
    income = np.select(
        [employed, retired, occupation == "student"], [pay, 0.5 * facts["net_pay_eur"], 350.0], 0.0
    )
    cars = np.minimum(chance.poisson(facts["cars_per_household"], PERSONS), 4)[household]
    return pd.DataFrame(
        {
            "person_id": [f"{row:05d}" for row in range(PERSONS)],
            "household_id": [f"{row:05d}" for row in household],
            "district_id": ground.districts["district_id"].to_numpy()[home],
            "age": age.astype(float),
            "sex": np.where(chance.random(PERSONS) < 0.53, "female", "male"),
            "occupation": occupation,
            "licence": (age >= 18) & (chance.random(PERSONS) < np.where(age < 70, 0.72, 0.45)),
            "cars": cars.astype(float),
            "income_eur": income.round(0),
        }
    )


def _ages(
    place_in_household: NDArray[np.int64], shares: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """Ages that follow the city's shares; the first two of a household are grown up, the others are not."""
    classes = np.array(list(AGE_CLASSES.values()))
    adult = place_in_household < 2
    chosen = np.where(
        adult,
        chance.choice([2, 3, 4], len(adult), p=shares[2:] / shares[2:].sum()),
        chance.choice([0, 1], len(adult), p=shares[:2] / shares[:2].sum()),
    )
    ages: NDArray[np.int64] = chance.integers(classes[chosen, 0], classes[chosen, 1])
    return ages


def _occupations(age: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.object_]:
    draw = chance.random(len(age))
    return np.select(
        [age < 7, age < 19, age >= 66, (age < 25) & (draw < 0.5), draw < 0.82],
        ["preschool", "pupil", "retired", "student", "employed"],
        "other",
    ).astype(object)


def trips(ground: Ground) -> pd.DataFrame:
    """Trips between districts on a weekday, by a gravity model (Ortúzar & Willumsen 2011, chapter 5)."""
    table = ground.districts
    ids = table["district_id"].to_numpy()
    matrix = _gravity(table, table)
    return _as_trips(ids, ids, matrix * TRIPS_PER_RESIDENT * table["population"].sum() / matrix.sum())


def trips_across(ground: Ground) -> pd.DataFrame:
    """Trips from the city's districts to its neighbours'; the latter are called ``city/district``.

    The way back is in the neighbour's pack. Of the smaller city's trips, :data:`ACROSS_SHARE` cross.
    """
    import pandas as pd

    home = ground.districts
    parts = []
    for facts in ground.facts.neighbours:
        away = Ground(facts).districts
        matrix = _gravity(home, away)
        smaller = min(home["population"].sum(), away["population"].sum())
        matrix *= ACROSS_SHARE / 2 * TRIPS_PER_RESIDENT * smaller / matrix.sum()
        there = np.array([f"{facts.city.id}/{name}" for name in away["district_id"]])
        parts.append(_as_trips(home["district_id"].to_numpy(), there, matrix))
    return pd.concat(parts, ignore_index=True)


def _gravity(origins: pd.DataFrame, destinations: pd.DataFrame) -> NDArray[np.float64]:
    """Attraction between places: residents of one, residents and jobs of the other, fading with distance."""
    distance_km = (
        np.hypot(
            origins["x"].to_numpy()[:, None] - destinations["x"].to_numpy(),
            origins["y"].to_numpy()[:, None] - destinations["y"].to_numpy(),
        )
        / 1000
    )
    within_km = 0.5 * np.sqrt(origins.area.to_numpy() / np.pi)[:, None] / 1000
    jobs = destinations["character"].map(JOBS_PER_RESIDENT).fillna(JOBS_ELSEWHERE).to_numpy()
    pull = destinations["population"].to_numpy(float) * (0.35 + jobs)
    fading = np.exp(-np.maximum(distance_km, within_km) / REACH_KM)
    attraction: NDArray[np.float64] = origins["population"].to_numpy(float)[:, None] * pull * fading
    return attraction


def _as_trips(
    origin_ids: NDArray[np.object_], destination_ids: NDArray[np.object_], matrix: NDArray[np.float64]
) -> pd.DataFrame:
    import pandas as pd

    one, other = np.nonzero(matrix >= LEAST_TRIPS)
    kept = matrix[one, other]
    return pd.DataFrame(
        {
            "trip_id": [f"{a}>{b}" for a, b in zip(origin_ids[one], destination_ids[other], strict=True)],
            "origin_id": origin_ids[one],
            "destination_id": destination_ids[other],
            "trips": (kept * matrix.sum() / kept.sum()).round(2),
        }
    )
