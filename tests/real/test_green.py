"""Thirty years of the real trees of Helsinki and the real districts of Tallinn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import twin
from geodata.build import build_pack
from geodata.recipe import load_recipe
from twin.result import Result

pytestmark = [pytest.mark.real, pytest.mark.slow]

CITIES = ("tallinn", "helsinki")


@pytest.fixture(scope="module")
def result(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """A run on packs built from the cities' open data."""
    home = tmp_path_factory.mktemp("home")
    for city in CITIES:
        build_pack(load_recipe(city), sources, home / "packs" / city)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(home))
        yield twin.run(
            "green", cities=CITIES, years=30, scenario={"members": 10, "places": 1, "fell_trees": 50}
        )


def test_both_cities_have_figures_with_ranges(result: Result) -> None:
    assert not any(item["demo"] for item in result.manifest["plan"]["cities"])
    table = result.kpis.set_index(["city", "kpi"])
    for city in CITIES:
        for kpi in ("tree_canopy_cover", "carbon_stored", "pm25_removed", "tmrt_mean", "share_30pct_canopy"):
            row = table.loc[city, kpi]
            assert np.isfinite([row["low"], row["value"], row["high"]]).all(), (city, kpi)
    assert len(result.data["green/tallinn"]["year"]) == 31


def test_helsinki_has_its_mapped_trees_and_tallinn_says_that_its_are_drawn(result: Result) -> None:
    notes = {city: "\n".join(result.data[f"green/{city}"].attrs["notes"]) for city in CITIES}
    assert "6605 trees (official)" in notes["helsinki"]
    assert "(synthetic)" in notes["tallinn"]
    assert "no tree data" in notes["tallinn"]


def test_spring_comes_to_tallinn_in_the_first_half_of_may(result: Result) -> None:
    # Birches of Estonia unfold between late April and mid-May (day 115 to 140).
    assert 115 < result.value("leaf_on_day", "tallinn") < 140
    assert result.value("leaf_on_day", "helsinki") == pytest.approx(
        result.value("leaf_on_day", "tallinn"), abs=6
    )


def test_a_large_tree_takes_decades_to_make_up_for(result: Result) -> None:
    for city in CITIES:
        needed = result.data[f"green/{city}"]["replacements_needed"].sel(service="carbon", bound="median")
        young, semi_mature = (needed.sel(grade=grade, year=2035) for grade in (4.0, 20.0))
        assert float(young) > float(semi_mature) > 1.0
