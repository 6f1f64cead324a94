"""On-demand transport on Tallinn's and Rae's own data: trips as surveyed, buses across the border."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import twin
from geodata.build import build_pack
from geodata.home import packs_home
from geodata.locate import pack_of
from geodata.recipe import load_recipe
from geodata.streets import street_graph
from pilots.transport.area import area_of
from pilots.transport.demand import demand_of, draw_trips
from pilots.transport.lines import lines_of
from pilots.transport.pilot import Transport
from pilots.transport.scenario import TransportScenario
from twin.packs import PackView

pytestmark = [pytest.mark.real, pytest.mark.slow]

CITIES = ("rae", "tallinn")


@pytest.fixture(scope="module", autouse=True)
def home(sources: Path, tmp_path_factory: pytest.TempPathFactory):
    """Twinbox's home with both packs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(tmp_path_factory.mktemp("home")))
        for city in CITIES:
            build_pack(load_recipe(city), sources, packs_home() / city)
        yield


@pytest.fixture(scope="module")
def packs(home):
    return {city: PackView(pack_of(city), "transport", Transport.needs) for city in CITIES}


@pytest.fixture(scope="module")
def area(packs):
    return area_of(packs, {city: street_graph(pack) for city, pack in packs.items()}, TransportScenario())


def test_trips_of_tallinn_are_those_of_its_travel_survey(area, packs):
    demand = demand_of(area, packs, 2.5)
    residents = area.districts["population"].sum()
    assert demand.flow.sum() == pytest.approx(2.5 * residents, rel=1e-6)
    own = (area.districts["city"] == "tallinn").to_numpy()
    survey = packs["tallinn"].table("trips", ["origin_id", "destination_id", "trips"])
    within = (
        survey.loc[survey["origin_id"] == survey["destination_id"], "trips"].sum() / survey["trips"].sum()
    )
    inner = demand.flow[np.ix_(own, own)]
    assert np.trace(inner) / inner.sum() == pytest.approx(within, abs=0.02)
    drawn = draw_trips(
        area, demand, 20_000, 0.0, {city: np.random.default_rng(1) for city in CITIES}, weekend=False
    )
    shares = drawn[drawn["city"] == "tallinn"]["district_id"].value_counts(normalize=True)
    known = survey.groupby("origin_id")["trips"].sum() / survey["trips"].sum()
    assert shares.reindex(known.index).fillna(0).sub(known).abs().max() < 0.01
    assert "2,054 pairs" in demand.notes["tallinn"]
    assert "gravity" in demand.notes["rae"]


def test_buses_take_riders_from_rae_to_tallinn(area, packs):
    lines = lines_of(area, packs, "weekday")
    city = area.stops["city"].to_numpy()
    served = lines.row >= 0
    rae, tallinn = (np.flatnonzero(served & (city == name)) for name in CITIES)
    reached = np.isfinite(lines.journeys[0][0][np.ix_(lines.row[rae], lines.row[tallinn])])
    assert reached.mean() > 0.5


def test_a_weekday_of_both_cities_answers_with_intervals(home):
    asked = {"requests_per_day": 1500, "fleet_size": 50}
    result = twin.run(
        "transport",
        cities=CITIES,
        scenario=asked,
        seed=1,
        replications=2,
    )
    table = result.kpis.set_index(["kpi", "city"])
    assert table.loc[("service_rate", "tallinn"), "value"] > 0.9
    assert table.loc[("access_new_share", "rae"), "value"] < 0.3
    assert (table.loc["wait_mean_s", "low"] < table.loc["wait_mean_s", "high"]).all()
