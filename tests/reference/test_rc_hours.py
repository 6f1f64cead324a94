"""The fast model against 17 hours of the RC_BuildingSimulator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pilots.buildings.stock.gains import lighting_power_w
from pilots.buildings.thermal.fast import FastDrives, FastZones, run_fast

pytestmark = pytest.mark.reference


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


def hour(value: float) -> np.ndarray:
    return np.array([[float(value)]])


def test_every_hour_comes_out_to_two_decimals(reference_cases: Path) -> None:
    cases = json.loads((reference_cases / "rc" / "rc_hour_cases.json").read_text(encoding="utf-8"))["cases"]
    assert len(cases) == 17
    for case in cases:
        zone, now, expected = case["zone"], case["inputs"], case["expected"]
        area, volume = zone["floor_area"], zone["room_vol"]
        zones = FastZones(
            heat_capacity_j_k=one(zone["thermal_capacitance_per_floor_area"] * area),
            mass_area_m2=one(2.5 * area),
            total_area_m2=one(zone["total_internal_area"]),
            window_w_k=one(zone["u_windows"] * zone["window_area"]),
            opaque_w_k=one(zone["u_walls"] * zone["walls_area"]),
            air_film_w_m2k=one(3.45),
            heat_recovery=one(zone["ventilation_efficiency"]),
            supply_minimum_c=one(-np.inf),
            bypass_above_c=one(np.inf),
        )
        drives = FastDrives(
            outdoor_c=one(now["t_out"]),
            leaks_w_k=hour(1200 * volume * zone["ach_infl"] / 3600),
            mechanical_w_k=hour(1200 * volume * zone["ach_vent"] / 3600),
            internal_w=hour(now["internal_gains"]),
            solar_w=hour(now["solar_gains"]),
            window_beam_w=hour(0.0),
            heating_setpoint_c=hour(zone["t_set_heating"]),
            cooling_setpoint_c=hour(zone["t_set_cooling"]),
            heating_capacity_w=hour(zone["max_heating_energy_per_floor_area"] * area),
            cooling_capacity_w=hour(-zone["max_cooling_energy_per_floor_area"] * area),
        )
        result = run_fast(zones, drives, now["t_m_prev"])
        assert round(result.mass_c[0, 0], 2) == expected["t_m"]["value"], case["name"]
        assert round(result.power_w[0, 0], 2) == expected["energy_demand"]["value"], case["name"]
        if "lighting_demand" in expected:
            light = lighting_power_w(
                daylight_lm=now["ill"],
                people=now["occupancy"],
                floor_area_m2=area,
                installed_w_m2=zone["lighting_load"],
                wanted_lux=zone["lighting_control"],
                utilisation=zone["lighting_utilisation_factor"],
                maintenance=zone["lighting_maintenance_factor"],
            )
            assert round(float(light), 2) == pytest.approx(expected["lighting_demand"]["value"]), case["name"]
