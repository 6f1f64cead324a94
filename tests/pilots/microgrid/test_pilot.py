"""The plug-in as a planner meets it: two cities, a month, every indicator beside its bound."""

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import twin
import twin.pilot
from geodata.city import known_cities
from geodata.errors import InvalidInput
from geodata.locate import pack_of
from pilots.microgrid.model import EV
from pilots.microgrid.pilot import Microgrid
from twin import plugins
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Signal
from twin.plan import make_plan
from twin.simulate import execute

SCENARIOS = Path(__file__).resolve().parents[3] / "docs" / "scenarios" / "microgrid"
CITIES = ["tartu", "paldiski"]


def run(days=14, **scenario):
    return twin.run("microgrid", cities=CITIES, scenario=scenario, days=days)


def values(result, city="tartu"):
    rows = result.kpis[(result.kpis.pilot == "microgrid") & (result.kpis.city == city)]
    return dict(zip(rows.kpi, rows.value, strict=True))


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """One home for all tests here: demo packs are made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def result(home):
    return run()


def test_a_connection_that_is_too_small_is_said_with_hour_and_power():
    notes = run(days=2, connection_kw=50).data["microgrid/tartu"].attrs["notes"]
    assert any(
        note.startswith("The connection of 50 kW is too small") and "first at 2025-12-31 22:00 UTC" in note
        for note in notes
    )


def test_it_is_found_like_an_outsiders_plugin():
    assert isinstance(plugins.load("microgrid"), Microgrid)


def test_every_indicator_is_a_number_beside_its_bound(result):
    for city in CITIES:
        found = values(result, city)
        assert set(found) == {kpi.id for kpi in Microgrid.kpis}
        empty = [name for name, value in found.items() if math.isnan(value)]
        assert empty == ["ev_energy_unmet_share"], "no vehicle needs anything on this site"
        assert found["cost_eur"] >= found["cost_bound_eur"] - 1e-6
        assert found["connection_avoided_kw"] <= found["connection_avoidable_kw"] + 1e-6
        assert found["peak_import_kw"] >= found["connection_least_kw"] - 0.02


def test_what_would_happen_after_the_end_is_said_to_change_nothing():
    notes = (
        run(days=2, outage_from_h=60, cold_windless_days=3, cold_windless_from_day=14)
        .data["microgrid/tartu"]
        .attrs["notes"]
    )
    assert any("outage from hour 60 on begins after the end of the run, at hour 48" in note for note in notes)
    assert any("from day 14 on begin after the end of the run, of 2 days" in note for note in notes)


def test_an_unknown_turbine_is_named_and_nothing_else_warns():
    with pytest.raises(InvalidInput, match=r"no power curve of this turbine.*Enercon9"):
        run(days=2, turbine="Enercon9")


def test_a_sweeps_frontier_sets_yearly_cost_against_peak_import():
    """A frontier is drawn of the first two indicators with a direction."""
    directed = [kpi.id for kpi in Microgrid.kpis if kpi.better != "neither"]
    assert directed[:2] == ["yearly_cost_eur", "peak_import_kw"]


def test_the_battery_cuts_the_connection(result):
    for city in CITIES:
        assert values(result, city)["connection_avoided_kw"] > 10.0


def test_survival_falls_with_the_length_of_the_outage(result):
    found = values(result)
    shares = [found[f"survival_{hours}h"] for hours in (1, 4, 12, 24)]
    assert shares == sorted(shares, reverse=True)


def test_own_energy_is_counted_once(result):
    found = values(result)
    assert 0.0 <= found["renewable_share"] <= found["self_sufficiency"] <= 1.0
    assert 0.0 <= found["self_consumption"] <= 1.0


def test_what_is_assumed_is_said(result):
    notes = " ".join(result.data["microgrid/tartu"].attrs["notes"])
    assert "synthetic" in notes
    assert "assumptions of the scenario" in notes
    assert "No wind plant" in notes
    assert "persistence" in notes


def test_a_planner_sees_the_connection_question_answered(result):
    figures = Microgrid().charts(result)
    assert set(figures) == {"connection", "cost_and_bound", "flows"}
    data = result.data["microgrid/tartu"]
    least = data["connection_by_battery"].to_numpy()
    assert np.all(np.diff(least) <= 0.02)
    assert least[0] == pytest.approx(values(result)["peak_without_battery_kw"], rel=1e-6)


def test_members_shares_add_up_to_the_bill(result):
    data = result.data["microgrid/tartu"]
    assert float(data["member_share_eur"].sum()) == pytest.approx(values(result)["bill_eur"], rel=1e-9)


def test_load_not_served_is_an_item_of_its_own_and_part_of_the_yearly_cost():
    """A connection that sheds must not look cheaper than one that serves."""
    common = {"outages_per_year": 0, "lost_load_eur_per_kwh": 10}
    tight, ample = values(run(days=7, connection_kw=150, **common)), values(run(days=7, **common))
    assert tight["unserved_kwh"] > 100
    assert tight["unserved_cost_eur"] == pytest.approx(10 * tight["unserved_kwh"])
    assert ample["unserved_cost_eur"] == 0.0
    assert tight["yearly_cost_eur"] - tight["unserved_cost_eur"] * 365 / 7 < ample["yearly_cost_eur"]
    assert tight["yearly_cost_eur"] > ample["yearly_cost_eur"]


def test_a_tight_connection_is_held_with_energy_kept_for_the_evening():
    """What the least connection allows with all known, a connection a little larger must allow without."""
    common = {"outages_per_year": 0}
    free = values(run(days=28, **common))
    least = free["connection_least_kw"]
    tight = values(run(days=28, connection_kw=1.1 * least, **common))
    assert tight["peak_import_kw"] <= 1.1 * least + 1e-6
    assert tight["unserved_kwh"] < 0.0005 * tight["import_kwh"]
    assert tight["peak_without_battery_kw"] == pytest.approx(free["peak_without_battery_kw"])
    assert tight["connection_avoided_kw"] > 0.0


def test_vehicles_that_cannot_be_filled_are_counted_and_told():
    found = run(days=7, vehicles=10, vehicle_kwh=60, charger_kw=3.7)
    assert 0.0 < values(found)["ev_energy_unmet_share"] < 1.0
    assert values(found)["ev_energy_unmet_kwh"] > 10.0
    notes = found.data["microgrid/tartu"].attrs["notes"]
    assert any("stays need more than their charger can give, first the one from 2026" in n for n in notes)


def test_vehicles_keep_to_the_import_that_the_site_is_steered_to():
    """Forty vehicles that all want the cheapest hour must not make a peak of their own."""
    scenario = tomllib.loads((SCENARIOS / "ev_fleet.toml").read_text(encoding="utf-8"))
    with_fleet, without = values(run(days=28, **scenario)), values(run(days=28))
    assert with_fleet["ev_energy_unmet_kwh"] == 0.0
    assert with_fleet["peak_import_kw"] < without["peak_import_kw"] + 0.25 * 40 * scenario["charger_kw"]


def test_a_single_run_has_intervals_of_its_outages_and_weeks():
    rows = run(days=35, outages_per_year=20).kpis
    rows = rows[rows.city == "tartu"].set_index("kpi")
    for name in ("survival_4h", "survival_mean_h", "unserved_kwh", "unserved_cost_eur", "yearly_cost_eur"):
        row = rows.loc[name]
        assert row.low <= row.value <= row.high
        assert row.low < row.high
    assert math.isnan(rows.loc["import_kwh"].low)


def test_a_run_of_two_years_tells_what_is_left_of_the_battery_after_each():
    result = twin.run(
        "microgrid",
        cities=CITIES,
        days=730,
        scenario={"controller": "self_consumption", "outages_per_year": 0, "capacity_eur_per_kw_month": 0},
    )
    left = result.data["microgrid/tartu"]["capacity_left"].to_numpy()
    assert len(left) == 2
    assert 1.0 > left[0] > left[1] == values(result)["capacity_left"]
    notes = result.data["microgrid/tartu"].attrs["notes"]
    assert any(
        n.startswith(f"Battery's capacity left, year by year: {left[0]:.1%}, {left[1]:.1%}") for n in notes
    )


def test_repetitions_draw_other_weeks_and_give_intervals():
    result = twin.run(
        "microgrid", cities=CITIES, days=14, replications=3, scenario={"controller": "self_consumption"}
    )
    row = result.kpis[(result.kpis.kpi == "bill_eur") & (result.kpis.city == "tartu")].iloc[0]
    assert row.low < row.value < row.high


def test_a_drawn_year_is_another_year():
    common = {"controller": "self_consumption", "outages_per_year": 0}
    drawn, plain = (values(run(days=21, drawn_year=each, **common)) for each in (True, False))
    assert drawn["bill_eur"] != plain["bill_eur"]
    assert drawn["bill_eur"] == values(run(days=21, drawn_year=True, **common))["bill_eur"]


def test_perfect_foresight_is_labelled():
    notes = run(days=3, controller="perfect").data["microgrid/tartu"].attrs["notes"]
    assert any("PERFECT" in note for note in notes)


def test_an_outage_at_a_given_hour_is_survived_or_counted():
    common = {"outages_per_year": 0, "outage_from_h": 30, "outage_h": 10}
    with_battery = values(run(days=4, reserve_h=10, **common))
    without = values(run(days=4, battery_kwh=0, **common))
    assert with_battery["unserved_kwh"] < without["unserved_kwh"]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_scenario_runs(path):
    fields = tomllib.loads(path.read_text(encoding="utf-8"))
    found = values(run(days=3, **fields), "paldiski")
    assert found["cost_eur"] >= found["cost_bound_eur"] - 1e-6


class Depot(CityModel):
    def __init__(self, city, world):
        self.city, self.world = city, world

    def run(self):
        while self.world.env.now < self.world.end_s:
            yield self.world.turn()
            self.world.signals.write(EV, self.city, 100.0)

    def data(self):
        return xr.Dataset({"power": ("city", [100.0], {"units": "kW"})})

    def kpis(self):
        return {"nothing": 0.0}


class Vehicles(Pilot):
    id = "depots"
    title = "Depots"
    domain = Domain.MOBILITY
    version = "1"
    needs = (Need("boundary", "where it is"),)
    writes = (Signal(EV, "kW", "charging"),)
    kpis = (Kpi("nothing", "Nothing", "1", "neither", "nothing", "none"),)
    Scenario = twin.pilot.Scenario

    def build(self, packs, scenario, world):  # noqa: ARG002
        for pack in packs.values():
            pack.features("boundary")
        return {city: Depot(city, world) for city in packs}


def test_coupled_signals_load_the_site():
    """What other pilots write is drawn through the site's meter."""
    packs = {city: pack_of(known_cities()[city]) for city in CITIES}
    pilots = [Microgrid(), Vehicles()]
    scenario = {"microgrid": {"outages_per_year": 0}, "depots": {}}
    plan = make_plan(pilots, packs.values(), days=2, scenario=scenario)
    coupled = execute(plan, packs, pilots=pilots)
    alone = run(days=2, outages_per_year=0)
    notes = coupled.data["microgrid/tartu"].attrs["notes"]
    assert any("a main fuse of 3 x" in note for note in notes)
    more = coupled.data["microgrid/tartu"]["load_kw"] - alone.data["microgrid/tartu"]["load_kw"]
    assert more.to_numpy() == pytest.approx(np.full(48, 100.0))
