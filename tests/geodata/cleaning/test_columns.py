"""Columns: each way in which a recipe makes one, on a table of three rows."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from geodata.cleaning.columns import map_columns
from geodata.cleaning.ledger import INDEX, Ledger
from geodata.errors import InvalidInput
from geodata.ingredients import ColumnRecipe
from geodata.kinds import KINDS

ROWS = pd.DataFrame(
    {
        "code": ["A 1", " b2 ", None],
        "long": ["Õismäe Lasteaed", "Kool", ""],
        "short": [None, "K", "-"],
        "n": ["1 234,5", "7", "x"],
        "m": [1.0, 2.0, np.nan],
        "whole": [3.0, 4.0, 5.0],
        "flag": ["yes", "NO", "maybe"],
        "on": ["01.02.2026", "02.02.2026", "?"],
        "at": ["10:30", "11:00", "12:00"],
    }
)


def made(kind: str, column: str, **recipe: Any) -> tuple[list[Any], Ledger]:
    """One optional column of a kind, made of the rows; None where it is empty."""
    ledger = Ledger("test", kind)
    frame = ROWS.assign(**{INDEX: ledger.read("rows.csv", [1, 2, 3])})
    table = map_columns(frame, KINDS[kind], {column: ColumnRecipe(**recipe)}, ledger, file="rows.csv")
    return [None if pd.isna(value) else value for value in table[column]], ledger


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"source": "code"}, ["A 1", "b2", None]),
        ({"source": "whole"}, ["3", "4", "5"]),
        ({"source": ("code", "whole")}, ["A 1 3", "b2 4", None]),
        ({"source": "short", "nulls": ("-",)}, [None, "K", None]),
        ({"first_of": ("short", "long"), "nulls": ("-",)}, ["Õismäe Lasteaed", "K", None]),
        ({"text": "{code}/{whole}"}, ["A 1/3", "b2/4", "/5"]),
        ({"value": "same"}, ["same"] * 3),
        ({"number_rows": "r"}, ["r1", "r2", "r3"]),
        ({"source": "long", "fold": True}, ["oismaelasteaed", "kool", None]),
        ({"source": "code", "pattern": r"(\d)"}, ["1", "2", None]),
        (
            {"source": "long", "match": (("(?i)aed", "kindergarten"),), "otherwise": "basic"},
            ["kindergarten", "basic", "basic"],
        ),
        ({"source": "code", "map": {"A 1": "one"}, "keep": True}, ["one", "b2", None]),
    ],
)
def test_text(recipe: dict[str, Any], expected: list[str | None]) -> None:
    assert made("schools", "address", **recipe)[0] == expected


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"source": "n", "decimal": ",", "thousands": " "}, [1234.5, 7.0, None]),
        ({"source": "m", "factor": 10.0}, [10.0, 20.0, None]),
        ({"source": "whole", "unit": "km", "factor": 2.0}, [6000.0, 8000.0, 10000.0]),
        ({"sum_of": ("m", "whole")}, [4.0, 6.0, None]),
        ({"value": 5}, [5.0, 5.0, 5.0]),
        ({"source": "code", "map": {"A 1": 1, "b2": 2}}, [1.0, 2.0, None]),
        ({"source": "whole", "nulls": (4,)}, [3.0, None, 5.0]),
    ],
)
def test_numbers(recipe: dict[str, Any], expected: list[float | None]) -> None:
    assert made("rides", "distance_m", **recipe)[0] == expected


def test_a_point_is_no_decimal_sign_where_a_comma_is() -> None:
    ledger = Ledger("test", "rides")
    frame = pd.DataFrame({"distance_m": ["1.234", "1,5"], INDEX: ledger.read("r.csv", [1, 2])})
    recipe = {"distance_m": ColumnRecipe(source="distance_m", decimal=",")}
    table = map_columns(frame, KINDS["rides"], recipe, ledger, file="r.csv")
    assert table["distance_m"].fillna(-1).tolist() == [-1.0, 1.5]
    assert ledger.report(2).repaired[0].examples[0].value == "1.234"


def test_booleans_and_what_is_neither() -> None:
    values, ledger = made("persons", "licence", source="flag")
    assert values == [True, False, None]
    emptied = ledger.report(3).repaired[0]
    assert (emptied.reason, emptied.examples[0].row, emptied.examples[0].value) == (
        "neither true nor false: cell emptied",
        "3",
        "maybe",
    )


def test_times_in_parts() -> None:
    values, ledger = made(
        "trips", "departure", source=("on", "at"), format="%d.%m.%Y %H:%M", timezone="UTC", shift_s=-60.0
    )
    assert values[:2] == [pd.Timestamp("2026-02-01T10:29Z"), pd.Timestamp("2026-02-02T10:59Z")]
    assert values[2] is None
    assert ledger.report(3).repaired[0].examples[0].value == "? 12:00"


def test_measures() -> None:
    for column, kind, shape, expected in (
        ("length_m", "streets", LineString([(0, 0), (3, 4)]), 5.0),
        ("floor_area_m2", "buildings", box(0, 0, 4, 5), 20.0),
    ):
        ledger = Ledger("test", kind)
        frame = gpd.GeoDataFrame({INDEX: ledger.read("a", [1])}, geometry=[shape], crs=3301)
        measure = "length" if column == "length_m" else "area"
        table = map_columns(frame, KINDS[kind], {column: ColumnRecipe(measure=measure)}, ledger, file="a")
        assert table[column].tolist() == [expected]


def test_factors_that_hold_from_a_moment_on() -> None:
    ledger = Ledger("test", "prices")
    times = ["2023-04-30T20:00Z", "2023-04-30T21:00Z", "2022-01-01T00:00Z"]
    frame = pd.DataFrame({"time": times, "p": ["110", "124", "100"], INDEX: ledger.read("p.csv", [1, 2, 3])})
    steps = [
        {"since": "2022-12-01T00:00:00+02:00", "factor": 1 / 1.1},
        {"since": "2023-05-01T00:00:00+03:00", "factor": 1 / 1.24},
    ]
    recipe = {"price_eur_per_mwh": ColumnRecipe(source="p", factors=steps)}
    table = map_columns(frame, KINDS["prices"], recipe, ledger, file="p.csv")
    np.testing.assert_allclose(table["price_eur_per_mwh"], [100.0, 100.0, 100.0])


def test_unit_that_does_not_fit_names_the_field() -> None:
    with pytest.raises(InvalidInput, match="cannot be turned into") as caught:
        made("rides", "distance_m", source="m", unit="kg")
    assert (caught.value.file, caught.value.field, caught.value.value) == ("rows.csv", "distance_m", "kg")


def test_categories_can_stand_for_an_empty_cell() -> None:
    ledger = Ledger("test", "persons")
    groups = pd.Series(["average", "NotAvailable"], dtype="category")
    frame = pd.DataFrame({"person_id": ["1", "2"], "IFM": groups, INDEX: ledger.read("p", [1, 2])})
    recipe = {"income_group": ColumnRecipe(source="IFM", nulls=("NotAvailable",))}
    assert map_columns(frame, KINDS["persons"], recipe, ledger, file="p")["income_group"].isna().tolist() == [
        False,
        True,
    ]


def test_points_keep_their_place() -> None:
    ledger = Ledger("test", "stops")
    frame = gpd.GeoDataFrame(
        {"stop_id": ["a"], "name": ["A"], INDEX: ledger.read("s", [1])}, geometry=[Point(1, 2)], crs=3301
    )
    table = map_columns(frame, KINDS["stops"], {}, ledger, file="s")
    assert table["geometry"].iloc[0] == Point(1, 2)
