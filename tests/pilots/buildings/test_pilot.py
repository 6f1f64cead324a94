"""The pilot on demo packs of Tallinn and Tartu, through the house."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import twin
from geodata.demo import ensure
from geodata.errors import TwinboxError
from pilots.buildings.pilot import Buildings, BuildingsScenario
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Scenario, Signal
from twin.plan import make_plan
from twin.simulate import execute

CITIES = ["tallinn", "tartu"]
SMALL = {"buildings": 4, "rooms_per_building": 2}
SCENARIOS = sorted((Path(__file__).parents[3] / "docs" / "scenarios" / "buildings").glob("*.toml"))
JULY, WINTER = {"start": "2026-06-01", "days": 9}, {"start": "2026-01-12", "days": 7}


def run(days=3, start="2026-03-02", replications=1, **scenario):
    return twin.run(
        "buildings",
        cities=CITIES,
        scenario=SMALL | scenario,
        start=start,
        days=days,
        seed=1,
        replications=replications,
    )


def value(result, kpi, city="tallinn"):
    table = result.kpis
    return float(table[(table["kpi"] == kpi) & (table["city"] == city)]["value"].iloc[0])


def data(result, city="tallinn"):
    return result.data[f"buildings/{city}"].to_dataset()


@pytest.fixture(scope="session")
def week(shared_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(shared_home))
        yield run(7)


def test_all_45_buildings_are_there_by_default(shared_home):
    result = twin.run("buildings", cities=CITIES, days=1, seed=1, replications=1)
    assert value(result, "buildings") == 25
    assert value(result, "buildings", "tartu") == 20
    names = data(result)["school_name"].to_numpy()
    assert sum("TalTech" in name for name in names) == 5


def test_every_indicator_of_both_cities_is_given(week):
    assert len(week.kpis) == 2 * len(Buildings.kpis)
    unknown = set(week.kpis[week.kpis["value"].isna()]["kpi"])
    # A week is too short to tell drifts from chance, and demo packs have no heat meters.
    assert unknown <= {
        "fault_detection_f1",
        "heat_model_cv_rmse",
        "heat_model_nmbe",
        "heat_models_calibrated",
    }
    shares = [value(week, f"time_in_category_{number}") for number in (1, 2, 3, 4)]
    assert sum(shares) == pytest.approx(100.0)


def test_energy_over_the_floor_is_the_sum_of_hourly_powers(week):
    city = data(week)
    energy = float((city["heat_power"] + city["electric_power"]).sum())
    assert value(week, "final_energy") == pytest.approx(energy / float(city["floor_area"].sum()))
    each = city["heat_of_building"] * city["floor_area"]
    np.testing.assert_allclose(each, city["heat_power"].sum("time"))


def test_heat_is_never_negative_and_stays_within_what_boilers_give(week):
    city = data(week)
    assert float(city["heat_power"].min()) >= 0
    assert float((city["heat_power"] / city["floor_area"]).max()) < 0.25
    assert 10 < float(city["operative_temperature"].min()) < 22


def test_every_value_of_a_building_carries_its_grade(week):
    city = data(week)
    grade = city["grade_of_renovation"]
    words = grade.attrs["flag_meanings"].split()
    assert {words[int(rank)] for rank in grade.to_numpy()} == {"synthetic"}
    assert {"grade_of_year_built", "grade_of_floor_area_m2", "grade_of_shape", "grade_of_use"} <= set(city)


def test_the_notes_say_what_stands_in_for_what(week):
    notes = " ".join(data(week).attrs["notes"])
    assert "Weather: " in notes
    assert "grade synthetic" in notes
    assert "no certificate" in notes


def test_replications_give_intervals():
    table = run(1, replications=3).kpis.set_index(["city", "kpi"])
    row = table.loc[("tallinn", "final_energy")]
    assert row["low"] < row["value"] < row["high"]


def test_weekends_and_nights_need_no_lessons(week):
    people = data(week)["people"].to_pandas().sum(axis=1)
    assert people["2026-03-07":"2026-03-08"].sum() == 0
    assert people.at_time("00:00").sum() == 0
    assert people["2026-03-03 09:00"] > 100


def test_public_holidays_are_spent_at_home():
    people = data(run(2, start="2026-02-24"))["people"].to_pandas().sum(axis=1)
    # The 24th of February is Independence Day; the winter break of 2026 is the week of the 23rd for schools.
    assert people["2026-02-24 06:00":"2026-02-24 20:00"].sum() == 0


def test_a_run_over_new_year_takes_the_typical_year_anew():
    hours = data(run(2, start="2026-12-31"))["heat_power"]
    assert np.isfinite(hours).all()
    assert hours.sizes["time"] == 48


def test_the_sun_in_a_leap_day_is_that_of_the_day_before():
    assert np.isfinite(data(run(1, start="2028-02-29"))["heat_power"]).all()


def test_the_detailed_model_tells_the_same_story():
    fast, detailed = (run(3, thermal_model=model) for model in ("fast", "detailed"))
    assert value(detailed, "final_energy") == pytest.approx(value(fast, "final_energy"), rel=0.35)
    # Rooms breathe the same air whatever their walls do.
    assert value(detailed, "co2_exceedance") == value(fast, "co2_exceedance")


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_every_scenario_file_runs(file):
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    result = twin.run("buildings", cities=CITIES, scenario=fields | SMALL, days=1, replications=1, seed=1)
    assert value(result, "buildings") >= 4


def test_there_is_a_scenario_for_each_question():
    assert len(SCENARIOS) >= 12


def test_airing_in_breaks_helps_the_air_and_costs_heat(week):
    aired = run(7, window_airing=True)
    assert value(aired, "co2_exceedance") < value(week, "co2_exceedance")
    assert value(aired, "final_energy") > value(week, "final_energy")


def test_demand_costs_less_than_constant_ventilation(week):
    constant, demand = (run(7, ventilation=kind) for kind in ("constant", "demand"))
    assert value(demand, "final_energy") < value(constant, "final_energy")
    for city in CITIES:
        assert value(constant, "co2_exceedance", city) < value(week, "co2_exceedance", city)
    assert value(demand, "outdoor_air_per_person") < value(constant, "outdoor_air_per_person")


def test_fewer_pupils_breathe_better_air(week):
    assert value(run(7, pupils=0.6), "co2_exceedance") < value(week, "co2_exceedance")


def test_setback_and_preheat_move_heat():
    week = run(**WINTER)
    cool = run(**WINTER, setback=14, preheat=4)
    warm = run(**WINTER, setback=21)
    energy = [value(result, "final_energy") for result in (cool, week, warm)]
    assert energy[0] < energy[1] < energy[2]
    assert value(cool, "peak_heat") > value(warm, "peak_heat")


def test_retrofits_save_heat_in_their_order():
    steps = ("as_is", "windows_and_ventilation", "major", "nearly_zero")
    heat = [value(run(**WINTER, renovation=step), "heat_weather_normalised") for step in steps]
    assert heat == sorted(heat, reverse=True)
    assert heat[-1] < 0.7 * heat[0]


def test_a_cap_holds_building_by_building():
    capped = data(run(**WINTER, heat_cap=30))
    power = capped["heat_power"] / capped["floor_area"] * 1000
    assert float(power.max()) <= 30 * 1.001
    free = data(run(**WINTER))
    assert float((free["heat_power"] / free["floor_area"] * 1000).max()) > 40


def test_night_air_and_trees_cool_a_heat_wave():
    wave = run(**JULY, heat_wave=8)
    night = run(**JULY, heat_wave=8, night_ventilation=True)
    trees = run(**JULY, heat_wave=8, tree_shade=0.8)
    usual = run(**JULY)
    heat = [value(result, "overheating_degree_hours") for result in (usual, trees, night, wave)]
    assert heat[0] < heat[3]
    assert heat[1] < heat[3]
    assert heat[2] < heat[3]


class _TreesScenario(Scenario):
    """Nothing to set."""


class _Trees(Pilot):
    """Says how much light canopies let through."""

    id = "a_row_of_trees"
    title = "A row of trees"
    domain = Domain.BUILT_ENVIRONMENT
    version = "1.0.0"
    needs = (Need("schools", "where windows are"),)
    writes = (
        Signal("window_transmittance", "1", "Light let through.", dims=("school_id",)),
        Signal("canopy_air_temperature_offset", "K", "Cooler by."),
    )
    kpis = (Kpi("trees", "Trees", "1", "neither", "Number of trees.", "test"),)
    Scenario = _TreesScenario
    window_s = 3600
    let_through: ClassVar[float] = 0.2

    def build(self, packs, scenario, world):  # noqa: ARG002
        return {city: _City(city, pack, world) for city, pack in packs.items()}


class _City(CityModel):
    def __init__(self, city, pack, world):
        self.city, self.world = city, world
        self.names = sorted(pack.table("schools", ["school_id"])["school_id"])
        world.signals.label("window_transmittance", city, self.names)

    def run(self):
        while True:
            yield self.world.turn()
            self.world.signals.write(
                "window_transmittance", self.city, np.full(len(self.names), _Trees.let_through)
            )
            self.world.signals.write("canopy_air_temperature_offset", self.city, -0.5)

    def data(self):
        import xarray as xr

        return xr.Dataset({"trees": ((), 1.0, {"units": "1"})})

    def kpis(self):
        return {"trees": 1.0}


class _Meter(_Trees):
    """Reads what the buildings write."""

    id = "a_meter"
    title = "A meter"
    writes = ()
    reads = (
        Signal("school_electric_power", "kW", required=True),
        Signal("school_heat_power", "kW", required=True),
    )
    heard: ClassVar[dict[str, list[tuple[float, float]]]] = {}

    def build(self, packs, scenario, world):  # noqa: ARG002
        return {city: _MeterCity(city, world, pack) for city, pack in packs.items()}


class _MeterCity(_City):
    def __init__(self, city, world, pack):
        self.city, self.world = city, world
        pack.table("schools", ["school_id"])
        self.heard = _Meter.heard.setdefault(city, [])

    def run(self):
        while True:
            yield self.world.turn()
            read = self.world.signals.read
            self.heard.append(
                tuple(float(read(f"school_{kind}_power", self.city)) for kind in ("electric", "heat"))
            )


def together(*others, **more):
    packs = {city: ensure(city) for city in CITIES}
    pilots = [Buildings(), *(pilot() for pilot in others)]
    settings = {"scenario": {"buildings": SMALL}, "seed": 1, "replications": 1} | more
    return execute(make_plan(pilots, packs.values(), **settings), packs, pilots=pilots)


def test_trees_of_another_pilot_shade_the_windows():
    shaded = together(_Trees, **JULY)
    bare = run(**JULY)
    a, b = (data(result)["operative_temperature"].mean() for result in (shaded, bare))
    assert float(a) < float(b) - 0.2


def test_the_microgrid_reads_what_the_meters_say():
    _Meter.heard.clear()
    result = together(_Meter, days=1)
    city = data(result)
    heard = np.array(_Meter.heard["tallinn"])
    np.testing.assert_allclose(heard[:, 0], city["electric_power"].sum("school_id"))
    np.testing.assert_allclose(heard[:, 1], city["heat_power"].sum("school_id"))


def test_the_same_seed_gives_the_same_numbers(week):
    again = run(7)
    pd.testing.assert_frame_equal(week.kpis, again.kpis)
    assert data(week).identical(data(again))


@pytest.mark.parametrize(
    ("field", "wrong"), [("setpoint", 40), ("pupils", 0), ("thermal_model", "exact"), ("rooms", 3)]
)
def test_settings_out_of_bounds_are_refused_by_name(field, wrong):
    with pytest.raises(TwinboxError, match=field):
        run(1, **{field: wrong})


def test_charts_are_drawn(week):
    figures = Buildings().charts(week)
    assert {"tallinn-power", "tallinn-by-building", "tallinn-measured"} <= set(figures)


@pytest.mark.slow
def test_the_pilot_keeps_the_contract(pilot_contract):
    pilot_contract("buildings")


def test_the_operation_is_what_the_planner_set():
    operation = BuildingsScenario(setback=15, heat_cap=20, pupils=0.5).operation()
    assert (operation.setback_c, operation.heat_cap_w_m2, operation.pupils_factor) == (15, 20, 0.5)
