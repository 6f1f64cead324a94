"""45 buildings of Tallinn, Tartu and TalTech at their real places, for a year."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import twin
from geodata.build import build_pack
from geodata.recipe import load_recipe
from pilots.buildings.pilot import Buildings
from twin.result import Result

pytestmark = [pytest.mark.real, pytest.mark.slow]

CITIES = ("tallinn", "tartu")


@pytest.fixture(scope="module")
def year(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(home))
        for city in CITIES:
            build_pack(load_recipe(city), sources, home / "packs" / city)
        return twin.run("buildings", cities=CITIES, days=365, replications=2, seed=1)


def test_45_buildings_with_their_indicators_and_intervals(year: Result) -> None:
    table = year.kpis.set_index(["city", "kpi"])
    assert table.loc[("tallinn", "buildings"), "value"] + table.loc[("tartu", "buildings"), "value"] == 45
    assert len(year.kpis) == 2 * len(Buildings.kpis)
    known = year.kpis.dropna(subset=["value"])
    assert set(table.index.get_level_values("kpi")) - set(known["kpi"]) <= {
        "measured_co2_exceedance",
        "heat_model_cv_rmse",
        "heat_model_nmbe",
        "heat_models_calibrated",
    }
    assert (known["low"] <= known["value"]).all()
    assert (known["value"] <= known["high"]).all()


def test_heat_of_the_stock_is_that_of_estonian_schools(year: Result) -> None:
    """Unrenovated schools draw 120 to 220 kWh/m2 of heat, renovated ones 30 to 90 (energy labels)."""
    for city in CITIES:
        data = year.data[f"buildings/{city}"].to_dataset()
        heat = data["heat_of_building"].to_numpy()
        assert 20 < heat.min() < 90 < heat.max() < 260
        assert np.isfinite(data["energy_class"]).all()


def test_what_stands_in_is_said(year: Result) -> None:
    for city in CITIES:
        notes = " ".join(year.data[f"buildings/{city}"].attrs["notes"])
        assert "Helsinki-Vantaa" in notes
        assert "drawn" in notes
