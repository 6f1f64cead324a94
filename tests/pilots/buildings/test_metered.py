"""Heat meters in a pack: brought to hours, compared, calibrated; all through a run of the pilot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import twin
from pilots.buildings import pilot as plug_in
from pilots.buildings.metered import metered_heat_w

START = pd.Timestamp("2026-01-12T00:00Z")
SMALL = {"buildings": 2, "rooms_per_building": 1}


class Pack:
    """As much of a pack as a meter needs."""

    def __init__(self, sensors: pd.DataFrame, observations: pd.DataFrame) -> None:
        self.tables = {"sensors": sensors, "observations": observations}

    def has(self, name: str) -> bool:
        return not self.tables[name].empty

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        return self.tables[name] if columns is None else self.tables[name][columns]


def pack(kw: np.ndarray, minutes: int = 15, state: str = "production") -> Pack:
    sensors = pd.DataFrame(
        {"sensor_id": ["m"], "observed_property": ["heat_power"], "building_id": ["b"], "unit": ["kW"]}
    )
    time = pd.date_range(START, periods=kw.size, freq=f"{minutes}min")
    return Pack(sensors, pd.DataFrame({"sensor_id": "m", "time": time, "value": kw, "state": state}))


def test_quarters_become_hours_and_silence_stays_silence():
    kw = np.repeat([10.0, 30.0, np.nan, 50.0], 4) + np.tile([-2.0, -1.0, 1.0, 2.0], 4)
    heat = metered_heat_w(pack(kw), ["a", "b"], START, 4)
    assert np.isnan(heat[:, 0]).all()
    np.testing.assert_allclose(heat[:, 1], [10_000, 30_000, np.nan, 50_000])


def test_only_production_data_and_known_buildings_count():
    kw = np.full(8, 10.0)
    assert np.isnan(metered_heat_w(pack(kw, state="staging"), ["b"], START, 2)).all()
    assert metered_heat_w(pack(kw), ["elsewhere"], START, 2) is None


def test_a_run_calibrates_its_metered_buildings(monkeypatch):
    """Meters that read what the model of another run said, a fifth more: found, and calibrated away."""

    def run():
        return twin.run(
            "buildings", cities=["tallinn", "tartu"], scenario=SMALL, start="2026-01-12", days=45, seed=1,
            replications=1,
        )  # fmt: skip

    first = run()
    table = first.kpis.set_index(["city", "kpi"])["value"]
    assert np.isnan(table["tartu", "heat_models_calibrated"])
    heat = first.data["buildings/tartu"].to_dataset()["heat_power"].to_numpy() * 1000.0
    noise = np.random.default_rng(3).normal(1.0, 0.05, heat.shape)

    def meters(pack, schools, start, hours):
        return 1.2 * heat * noise if heat.shape == (hours, len(schools)) else None

    monkeypatch.setattr(plug_in, "metered_heat_w", meters)
    table = run().kpis.set_index(["city", "kpi"])["value"]
    assert table["tartu", "heat_model_nmbe"] == pytest.approx(100 * 0.2 / 1.2, abs=1.0)
    assert table["tartu", "heat_models_calibrated"] == 100.0
