"""The island of Ouessant: one real year, life-cycle cost to the last digit, and a better design.

Printed values: Microgrids.py by E. de G. Antunes, N. Sadou and P. Haessig (MIT licence), commit 289da9f.
"""

import numpy as np
import pandas as pd
import pytest

from pilots.microgrid import (
    Battery,
    Connection,
    Generator,
    Limits,
    Prices,
    Series,
    Site,
    Solar,
    Wind,
    operate,
    size,
)
from pilots.microgrid.design import evaluate

pytestmark = pytest.mark.reference

PRICES = Prices(
    battery_eur_per_kwh=350,
    battery_upkeep_eur_per_kwh_year=10,
    battery_years=15,
    battery_cycles=3000,
    solar_eur_per_kw=1200,
    solar_upkeep_eur_per_kw_year=20,
    wind_eur_per_kw=3500,
    wind_upkeep_eur_per_kw_year=100,
    generator_eur_per_kw=400,
    generator_upkeep_eur_per_kw_hour=0.02,
    generator_hours=15_000,
)
BASE = {"generator_kw": 1800.0, "battery_kwh": 5000.0, "solar_kw": 3000.0, "wind_kw": 900.0}


def wind_share(speed):
    """Capacity factor by the case's own turbine: cubic, softly limited, cut out at 25 m/s."""
    swept = np.pi * 26**2
    raw = 0.5 * 0.521 * 1.225 / (900e3 / swept) * speed**3
    soft = -np.log(np.exp(-3.1) + np.exp(-3.1 * raw)) / 3.1
    return np.where(speed > 25.0, 0.0, np.maximum(soft, 0.0))


@pytest.fixture(scope="module")
def island(sources):
    table = pd.read_csv(sources / "ouessant-microgrid" / "Ouessant_data_2016.csv", skiprows=1)
    site = Site(
        connection=Connection(import_limit_kw=0, export_limit_kw=0),
        prices=PRICES,
        battery=Battery(
            capacity_kwh=5000,
            charge_kw=5000,
            discharge_kw=5000,
            charge_efficiency=0.95,
            discharge_efficiency=1 / 1.05,
            initial_state_of_charge=0.0,
        ),
        solar=Solar(rated_kw=3000),
        wind=Wind(rated_kw=900),
        generator=Generator(rated_kw=1800, cost_eur_per_kwh=0.24),
        value_of_lost_load_eur_per_kwh=10.0,
    )
    series = Series(
        start="2016-01-01T00:00Z",
        step_h=1.0,
        load_kw=table["Load"].to_numpy(float),
        solar_kw=3.0 * table["Ppv1k"].to_numpy(float),
        wind_kw=900 * wind_share(1.059 * table["Wind"].to_numpy(float)),
        price_eur_per_kwh=np.full(len(table), 0.1),
    )
    return site, series


def test_the_published_design_costs_what_was_published(island):
    cost, shed = evaluate(*island, BASE)
    assert cost.lcoe_eur_per_kwh == pytest.approx(0.22924812869928668, rel=1e-9)
    assert cost.npc_eur == pytest.approx(21_890_027.729086526, rel=1e-9)
    assert shed == 0.0
    assert cost.factors.investment_eur == pytest.approx(9_220_000.0, rel=1e-12)
    assert cost.factors.replacement_eur == pytest.approx(2_788_220.2252348172, rel=1e-9)
    assert cost.factors.upkeep_eur == pytest.approx(4_498_223.347698843, rel=1e-9)
    assert cost.factors.fuel_eur == pytest.approx(5_658_609.470860712, rel=1e-9)
    assert cost.factors.salvage_eur == pytest.approx(-275_025.3147078488, rel=1e-9)


@pytest.mark.parametrize(
    ("sizes", "lcoe", "shed"),
    [
        ({**BASE, "generator_kw": 900.0}, 0.2067100016092461, 0.009602858175478346),
        (
            {"generator_kw": 1e-4, "battery_kwh": 0, "solar_kw": 500.0, "wind_kw": 0},
            0.10149717606888833,
            0.9235477392624462,
        ),
        (
            {"generator_kw": 1e-4, "battery_kwh": 0, "solar_kw": 0, "wind_kw": 500.0},
            0.10040273654193947,
            0.7439572426735248,
        ),
        (
            {"generator_kw": 2048.4, "battery_kwh": 17_070, "solar_kw": 17_070, "wind_kw": 8535},
            0.8229416738277804,
            0.0,
        ),
    ],
    ids=["half the generator", "sun only", "wind only", "largest sizes"],
)
def test_other_published_designs(island, sizes, lcoe, shed):
    cost, found = evaluate(*island, sizes)
    assert cost.lcoe_eur_per_kwh == pytest.approx(lcoe, rel=1e-9)
    assert found == pytest.approx(shed, abs=1e-12)


def test_the_controllers_own_simulation_agrees_with_the_fast_one(island):
    """Self-consumption with a generator behind it is the same rule as load following."""
    schedule = operate(*island, "self_consumption", bound=False)
    assert schedule.generator_kw.sum() == pytest.approx(1_672_884.3618927454, rel=1e-9)
    assert schedule.curtailed_kw.sum() == pytest.approx(1_041_263.9003006715, rel=1e-9)


def test_the_design_found_is_at_least_as_cheap_as_the_best_published(island):
    design = size(
        *island,
        "lcoe",
        Limits(
            generator_kw=(0, 2048.4),
            battery_kwh=(0, 17_070),
            solar_kw=(1, 17_070),
            wind_kw=(0, 8535),
            unserved_share=0.01,
        ),
    )
    assert design.value <= 0.19063
    assert design.unserved_share <= 0.01 + 1e-9
