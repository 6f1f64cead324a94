"""pymgrid's grid-connected microgrids: the optimum lies at or below the package's own MPC.

Henri, Levent, Halev, Alami and Cordier 2020, pymgrid: an open-source Python microgrid simulator,
arXiv 2011.08004.
"""

import json

import numpy as np
import pytest

from pilots.microgrid import Battery, Connection, Series, Site, Solar, Tariff, operate, optimum

pytestmark = pytest.mark.reference

CASES = ("mg0", "mg6", "mg12")


def scenario(folder, name):
    case = json.loads((folder / "cases.json").read_text())[name]
    data, p = np.load(folder / f"{name}.npz"), case["parameters"]
    n, efficiency = case["steps_used"], p["efficiency"]
    capacity = p["max_capacity_kwh"]
    site = Site(
        connection=Connection(
            import_limit_kw=p["max_import_kwh_per_step"], export_limit_kw=p["max_export_kwh_per_step"]
        ),
        tariff=Tariff(co2_eur_per_kg=p["co2_cost_per_kg"]),
        battery=Battery(
            capacity_kwh=capacity,
            charge_kw=p["max_charge_kwh_per_step"] / efficiency,
            discharge_kw=p["max_discharge_kwh_per_step"] * efficiency,
            charge_efficiency=efficiency,
            discharge_efficiency=efficiency,
            state_of_charge_min=p["min_capacity_kwh"] / capacity,
            initial_state_of_charge=max(p["initial_soc"], p["min_capacity_kwh"] / capacity),
            final_state_of_charge=None,
            # The package counts wear inside the cells, the site at its terminals.
            wear_charge_eur_per_kwh=p["battery_cost_per_kwh_cycled"] * efficiency,
            wear_discharge_eur_per_kwh=p["battery_cost_per_kwh_cycled"] / efficiency,
        ),
        solar=Solar(rated_kw=max(float(data["pv_kwh"].max()), 1.0)),
        value_of_lost_load_eur_per_kwh=p["loss_load_cost_per_kwh"],
    )
    series = Series(
        start="2019-01-01T00:00Z",
        step_h=1.0,
        load_kw=data["load_kwh"][:n],
        solar_kw=data["pv_kwh"][:n],
        price_eur_per_kwh=data["import_price"][:n],
        export_price_eur_per_kwh=data["export_price"][:n],
        co2_kg_per_kwh=data["co2_kg_per_kwh"][:n],
        grid_available=data["grid_status"][:n],
    )
    return case, site, series


@pytest.mark.parametrize("name", CASES)
def test_the_optimum_is_at_or_below_the_packages_own_predictive_control(reference_cases, name):
    case, site, series = scenario(reference_cases / "pymgrid25", name)
    best = optimum(site, series)
    assert best.cost_eur <= case["mpc_24h_cost"]
    assert best.cost_eur == pytest.approx(case["perfect_foresight_optimum"], rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_control_that_sees_no_future_lies_between_optimum_and_the_packages_rule(reference_cases, name):
    case, site, series = scenario(reference_cases / "pymgrid25", name)
    steered = operate(site, series, "predictive")
    assert steered.bound_eur <= steered.cost_eur <= case["rule_based_cost"]
