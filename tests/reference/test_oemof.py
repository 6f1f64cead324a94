"""oemof-solph's regression cases: the same objectives and flows from an energy system of our own.

Printed values: oemof-solph, tests/test_scripts (MIT licence), commit 5131b06.
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
    size,
)
from pilots.microgrid.system import Activity, EnergySystem, Investment, Storage

pytestmark = pytest.mark.reference


def annuity(price, years, rate):
    return price * rate * (1 + rate) ** years / ((1 + rate) ** years - 1)


def profile(table, name, rated):
    return Activity(name, {"el": 1.0}, capacity=rated, profile=table[name].to_numpy(float), fixed=True)


def storage_case(folder, hours, storage):
    table = pd.read_csv(folder / "storage_investment_500h.csv").iloc[:hours]
    gas_limit = 194_397_000 * 400 / 8760
    return EnergySystem(
        hours,
        1.0,
        {"el": table["demand_el"].to_numpy(float), "gas": 0.0},
        (
            profile(table, "wind", 1_000_000),
            profile(table, "pv", 582_000),
            Activity("excess", {"el": -1.0}),
            Activity("gas", {"gas": 1.0}, total_most=gas_limit),
            Activity("gas plant", {"gas": -1 / 0.58, "el": 1.0}, cost=50.0),
        ),
        (storage,),
    ).optimum()


@pytest.fixture(scope="module")
def folder(reference_cases):
    return reference_cases / "oemof"


def test_storage_investment_of_400_hours_matches_the_printed_objective(folder):
    """Costs of 1e11 beside 50: a badly scaled model fails here."""
    found = storage_case(
        folder,
        400,
        Storage(
            "storage",
            "el",
            6851,
            Investment(annuity(1000, 20, 0.05)),
            charge_rate=1 / 6,
            discharge_rate=1 / 6,
            discharge_efficiency=0.8,
            charge_cost=1e11,
            discharge_cost=1e11,
            cyclic=False,
            initial=0.0,
        ),
    )
    assert found.cost == pytest.approx(423167578261115584, rel=1e-8)
    assert found.bought["storage"] == pytest.approx(2_040_000, rel=1e-6)
    assert found.activity["excess"].sum() == pytest.approx(211_771_291, rel=1e-6)
    assert found.charge["storage"].sum() == pytest.approx(2_350_931, rel=1e-6)
    assert found.discharge["storage"].sum() == pytest.approx(1_880_745, rel=1e-6)
    assert found.activity["gas plant"].sum() == pytest.approx(5_148_414, rel=1e-6)


def test_fixed_storage_of_40_hours_matches_the_printed_objective(folder):
    found = storage_case(
        folder,
        40,
        Storage("storage", "el", 204_685, discharge_efficiency=0.8, charge_cost=1e11, discharge_cost=1e11),
    )
    assert found.cost == pytest.approx(37_819_254, abs=0.5)
    assert found.activity["gas"].sum() == pytest.approx(1_304_112, abs=0.5)
    assert found.activity["gas plant"].sum() == pytest.approx(756_385, abs=0.5)
    assert found.level["storage"].max() == pytest.approx(0, abs=1e-6)


def heat_and_power(folder, wind, pv):
    table = pd.read_csv(folder / "simple_model_120h.csv")
    plants = [
        ("coal", 20.2, 25, 0.39),
        ("lignite", 11.8, 19, 0.41),
        ("gas", 41, 40, 0.5),
        ("oil", 5, 50, 0.28),
    ]
    return EnergySystem(
        len(table),
        1.0,
        {"el": 85 * table["demand_el"].to_numpy(float), "heat": 40 * table["demand_th"].to_numpy(float)},
        (
            Activity(
                "wind",
                {"el": 1.0},
                capacity=wind[0],
                profile=table["wind"].to_numpy(float),
                fixed=True,
                invest=wind[1],
            ),
            Activity(
                "pv",
                {"el": 1.0},
                capacity=pv[0],
                profile=table["pv"].to_numpy(float),
                fixed=True,
                invest=pv[1],
            ),
            Activity("excess", {"el": -1.0}),
            *(Activity(name, {"el": 1.0}, cost=cost, capacity=most) for name, most, cost, _ in plants),
            Activity("chp", {"el": 1.0, "heat": 0.4 / 0.3}, cost=42.0, capacity=30.0),
            Activity("heat pump", {"el": -1 / 3, "heat": 1.0}, capacity=10.0),
        ),
    ).optimum()


def flows(found):
    sums = {name: float(values.sum()) for name, values in found.activity.items()}
    return sums | {"heat pump electricity": sums.pop("heat pump") / 3}


DISPATCH = {
    "wind": 1773,
    "pv": 605,
    "coal": 1925,
    "gas": 1519,
    "lignite": 1210,
    "oil": 0,
    "chp": 666,
    "excess": 139,
    "heat pump electricity": 118,
}
INVEST = {
    "wind": 9239,
    "pv": 1147,
    "coal": 1256,
    "gas": 934,
    "lignite": 850,
    "oil": 0,
    "chp": 477,
    "excess": 6261,
    "heat pump electricity": 202,
}


def test_dispatch_of_120_hours_matches_each_printed_flow(folder):
    found = heat_and_power(folder, (66.3, None), (65.3, None))
    assert flows(found) == pytest.approx(DISPATCH, abs=0.5)


def test_investment_of_120_hours_matches_each_printed_flow(folder):
    found = heat_and_power(
        folder, (100, Investment(annuity(1000, 20, 0.05))), (80, Investment(annuity(1500, 20, 0.05)))
    )
    assert flows(found) == pytest.approx(INVEST, abs=0.5)
    assert found.bought == pytest.approx({"wind": 246, "pv": 44}, abs=0.5)


def test_existing_power_that_differs_by_rounding_is_feasible():
    """oemof once called this infeasible: 625,046 / 6 is 104,174.3333."""
    demand = np.array([209_643.0, 207_497.0, 200_108.0, 191_892.0])
    found = EnergySystem(
        4,
        1.0,
        {"el": demand},
        (Activity("gas plant", {"el": 1.0}, capacity=300_000.0),),
        (
            Storage(
                "storage", "el", 625_046, charge_rate=1 / 6, discharge_rate=1 / 6, discharge_efficiency=0.8
            ),
        ),
    ).optimum()
    assert found.activity["gas plant"].sum() >= demand.sum() - 1e-6


def year_of_storage_investment(folder, *, gas, plants_from_nothing=False, renewable_share=0.0):
    """oemof's example of storage investment, 8,760 h: 2.255 TWh of load, wind, sun, gas and a storage of 6 h.

    Plants cost 1000 a kW where their size is free and nothing where it is given.
    """
    table = pd.read_csv(folder / "storage_investment_8760h.csv")
    plant = 1000.0 if plants_from_nothing else 0.0
    free = (0.0, 1e8) if plants_from_nothing else None
    site = Site(
        connection=Connection(import_limit_kw=0, export_limit_kw=1e9),
        prices=Prices(
            project_years=20, discount_rate=0.05, generator_eur_per_kw=0, battery_eur_per_kwh=1000,
            battery_years=20, battery_upkeep_eur_per_kwh_year=0, solar_eur_per_kw=plant, solar_years=20,
            solar_upkeep_eur_per_kw_year=0, wind_eur_per_kw=plant, wind_years=20,
            wind_upkeep_eur_per_kw_year=0,
        ),
        battery=Battery(
            capacity_kwh=6, charge_kw=1, discharge_kw=1, charge_efficiency=1, discharge_efficiency=0.8,
            initial_state_of_charge=0.0, wear_charge_eur_per_kwh=1e-4,
        ),
        solar=Solar(rated_kw=600_000),
        wind=Wind(rated_kw=1_000_000),
        generator=Generator(rated_kw=1_000_000, cost_eur_per_kwh=gas / 0.58),
    )  # fmt: skip
    series = Series(
        start="2021-01-01T00:00Z",
        step_h=1.0,
        load_kw=table["demand_el"].to_numpy(float),
        price_eur_per_kwh=np.zeros(len(table)),
        solar_kw=600_000 * table["pv"].to_numpy(float),
        wind_kw=1_000_000 * table["wind"].to_numpy(float),
    )
    limits = Limits(battery_kwh=(0, 1e8), wind_kw=free, solar_kw=free, renewable_share=renewable_share)
    return size(site, series, "cost", limits)


def gas_share(design, gas):
    """Gas plant over load, from what is paid for gas."""
    yearly = 80.2425871906913 * (design.wind_kw + design.solar_kw)
    return (design.value - yearly) / (gas / 0.58) / 2.255e9


def test_v1_wind_and_sun_from_nothing(folder):
    design = year_of_storage_investment(folder, gas=0.04, plants_from_nothing=True)
    assert design.value == pytest.approx(112_686_100.461, rel=2e-8)
    assert design.wind_kw == pytest.approx(455_671, abs=0.5)
    assert (design.solar_kw, design.battery_kwh) == pytest.approx((0, 0), abs=0.5)
    assert 1 - gas_share(design, 0.04) == pytest.approx(0.510524, abs=1e-6)


def test_v2_storage_does_not_pay_where_gas_is_cheap(folder):
    design = year_of_storage_investment(folder, gas=0.04)
    assert design.value == pytest.approx(34_853_801.7033, rel=2e-8)
    assert design.battery_kwh == pytest.approx(0, abs=0.5)
    assert 1 - design.value / (0.04 / 0.58) / 2.255e9 == pytest.approx(0.775885, abs=1e-6)


def test_v3_storage_for_a_share_of_renewables(folder):
    """The storage is empty before the first hour; left free there, it would be 395,084 kWh."""
    design = year_of_storage_investment(folder, gas=0.0, renewable_share=0.8)
    assert design.value == pytest.approx(31_926_875.0192, rel=2e-8)
    assert design.battery_kwh == pytest.approx(397_795, abs=0.5)


@pytest.mark.slow
def test_v4_more_wind_and_sun_for_a_share_of_renewables(folder):
    design = year_of_storage_investment(folder, gas=0.0, plants_from_nothing=True, renewable_share=0.8)
    assert design.value == pytest.approx(148_062_861.987, rel=2e-8)
    assert (design.wind_kw, design.solar_kw) == pytest.approx((1_189_781, 655_409), abs=0.5)
    assert design.battery_kwh == pytest.approx(0, abs=0.5)
