"""The pilot on demo packs of neighbouring cities, through the house."""

import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import twin
from geodata.demo import ensure
from geodata.errors import InvalidInput, UnknownName
from geodata.streets import street_graph
from pilots.transport.area import area_of, neighbourhoods
from pilots.transport.demand import WEEKDAY, demand_of, draw_trips, shared_out
from pilots.transport.designed import designed_service
from pilots.transport.gtfs_flex import PRIOR_DAYS, read_flex, write_flex
from pilots.transport.imported import imported_requests
from pilots.transport.lines import known_hour
from pilots.transport.pilot import Transport
from pilots.transport.requests import file_of
from pilots.transport.scenario import TransportScenario
from twin.packs import PackView

CITIES = ["tallinn", "rae"]
SMALL = {"requests_per_day": 300, "fleet_size": 12}


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home, monkeypatch):
    monkeypatch.setenv("TWINBOX_HOME", str(home))


def run(replications=1, **scenario):
    return twin.run("transport", cities=CITIES, scenario=SMALL | scenario, seed=1, replications=replications)


def value(result, kpi, city="tallinn"):
    table = result.kpis
    return float(table[(table["kpi"] == kpi) & (table["city"] == city)]["value"].iloc[0])


@pytest.fixture(scope="session")
def weekday(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINBOX_HOME", str(home))
        yield run()


def test_a_weekday_reports_every_indicator_of_both_cities(weekday):
    assert len(weekday.kpis) == 2 * len(Transport.kpis)
    assert value(weekday, "requests") + value(weekday, "requests", "rae") == 300
    assert 0.5 < value(weekday, "service_rate") <= value(weekday, "service_rate_bound") <= 1
    assert value(weekday, "vehicle_km_bound") <= value(weekday, "vehicle_km")


def test_results_by_district_add_up_to_the_city(weekday):
    data = weekday.data["transport/tallinn"].to_dataset()
    assert float(data["requests"].sum()) == value(weekday, "requests")
    assert float(data["rides_by_hour"].sum()) == value(weekday, "rides")
    lost = value(weekday, "requests") - value(weekday, "rides")
    assert float(data["requests_lost"].sum()) == lost


def test_results_by_group_add_up_to_the_city(weekday):
    data = weekday.data["transport/tallinn"].to_dataset()
    assert float(data["requests_by_group"].sum()) == value(weekday, "requests")
    assert float(data["rides_by_group"].sum()) == value(weekday, "rides")
    assert float(data["requests_by_group"].sel(group="school")) > 0


def test_more_vehicles_serve_more_riders():
    few, many = run(fleet_size=2), run(fleet_size=30)
    assert value(few, "service_rate") < value(many, "service_rate")


def test_electric_vehicles_charge_what_they_use(weekday):
    electric = run(range_km=80, consumption_kwh_per_km=0.3)
    charged = sum(value(electric, "energy_charged_kwh", city) for city in CITIES)
    power = sum(
        float(electric.data[f"transport/{city}"].to_dataset()["ev_charging_power"].sum()) for city in CITIES
    )
    assert charged > 0
    assert power * 0.25 == pytest.approx(charged, rel=0.05)
    assert value(weekday, "energy_charged_kwh") == 0


def test_the_line_bus_rule_refuses_what_a_bus_serves(weekday):
    ruled = run(line_bus_rule_min=30)
    data = ruled.data["transport/tallinn"].to_dataset()
    assert float(data["requests_lost"].sel(reason="line_bus_available")) > 0
    assert value(ruled, "rides") < value(weekday, "rides")


def test_a_higher_fare_loses_travellers_to_bus_and_foot():
    free, dear = (run(demand_by_choice=True, fare_eur=fare) for fare in (0, 5))
    assert value(dear, "on_demand_share") < value(free, "on_demand_share")
    shares = [value(free, name) for name in ("on_demand_share", "line_bus_share", "walk_share")]
    assert sum(shares) == pytest.approx(1, abs=0.02)


def test_feeder_rides_keep_their_connections_and_save_kilometres(weekday):
    fed = run(feeder_beyond_km=3)
    assert value(fed, "connections") > 0
    assert value(fed, "connections_kept_share") == 1
    assert value(fed, "connection_wait_mean_s") >= 180
    assert value(fed, "vehicle_km") < value(weekday, "vehicle_km")
    assert value(weekday, "connections") == 0


def test_repetitions_give_intervals_within_bounds():
    table = run(replications=3).kpis.set_index(["kpi", "city"])
    assert (table.loc["wait_mean_s", "low"] < table.loc["wait_mean_s", "high"]).all()
    shares = [kpi.id for kpi in Transport.kpis if kpi.share]
    assert {"service_rate", "empty_share", "pooling_rate"} <= set(shares)
    known = table.loc[shares].dropna(subset=["low"])
    assert known["low"].between(0, 1).all()
    assert known["high"].between(0, 1).all()


def test_hours_of_vehicles_are_split_between_the_cities_and_add_up():
    one, many = run(fleet_size=1), run(fleet_size=12)
    assert sum(value(one, "revenue_hours", city) for city in CITIES) <= 24
    assert sum(value(many, "revenue_hours", city) for city in CITIES) <= 12 * 24


def test_a_share_of_all_trips_sets_the_number_of_requests():
    result = run(demand_share=0.0002)
    for city in CITIES:
        assert value(result, "demand_share", city) == pytest.approx(0.0002, rel=0.2)
    potential = sum(value(result, "potential_trips", city) for city in CITIES)
    residents = sum(ensure(city).table("population", ["population"])["population"].sum() for city in CITIES)
    assert potential == pytest.approx(2.5 * residents, rel=0.01)


def test_snow_slows_everything(weekday):
    snow = run(speed_factor=0.4, peak_speed_factor=0.3)
    assert value(snow, "in_vehicle_time_mean_s") > 1.3 * value(weekday, "in_vehicle_time_mean_s")


def test_a_closed_street_and_a_zone_take_riders_from_the_service(weekday):
    closed = run(closed_streets=("Narva maantee",))
    assert value(closed, "vehicle_km") != value(weekday, "vehicle_km")
    zone = run(districts_served=("juri", "peetri"))
    assert value(zone, "rides") == 0
    assert value(zone, "rides", "rae") > 0


@pytest.mark.parametrize(
    ("field", "name", "expected"),
    [
        ("districts_served", "jueri", "juri"),
        ("closed_streets", "Narva mnt", "Narva maantee"),
        ("withdrawn_lines", "no line", "in all"),
    ],
)
def test_a_district_street_or_line_that_no_city_has_is_refused(field, name, expected):
    with pytest.raises(UnknownName) as refused:
        run(**{field: (name,)})
    assert (refused.value.field, refused.value.value) == (field, name)
    assert expected in refused.value.expected


def test_withdrawn_lines_leave_travellers_to_the_service():
    before, after = (
        run(demand_by_choice=True, withdrawn_lines=lines) for lines in ((), tuple(lines_of("rae")["name"]))
    )
    assert value(after, "line_bus_share", "rae") < value(before, "line_bus_share", "rae")


@pytest.mark.parametrize(
    "file",
    sorted((Path(__file__).parents[3] / "docs" / "scenarios" / "transport").glob("*.toml")),
    ids=lambda f: f.stem,
)
def test_every_scenario_file_runs(file):
    fields = tomllib.loads(file.read_text(encoding="utf-8"))
    result = twin.run("transport", cities=CITIES, scenario=fields | SMALL, seed=1, replications=1)
    assert value(result, "requests") > 0


def test_headways_of_the_morning_stand_for_the_day_where_no_others_are_known():
    morning = pd.DataFrame({"day_type": ["weekday"], "start_h": [6.0], "end_h": [9.0]})
    assert known_hour(morning, "weekday", 8) == 8
    assert known_hour(morning, "weekday", 20) == 7.5
    assert known_hour(morning, "sunday", 20) == 20


def test_shares_are_whole_and_sum_to_the_total():
    shares = shared_out(10, np.array([1.0, 1.0, 1.0]))
    assert shares.sum() == 10
    assert sorted(shares) == [3, 3, 4]
    assert shared_out(0, np.array([1.0, 2.0])).tolist() == [0, 0]


def lines_of(city):
    return ensure(city).table("lines", ["name"])


@pytest.fixture(scope="session")
def packs(home):
    return {city: PackView(ensure(city, home), "transport", Transport.needs) for city in CITIES}


@pytest.fixture(scope="session")
def area(packs):
    graphs = {city: street_graph(pack) for city, pack in packs.items()}
    assert neighbourhoods(graphs) == [["rae", "tallinn"]]
    return area_of(packs, graphs, TransportScenario())


def test_nobody_lives_far_from_a_stop_unless_far_from_streets(area):
    near = area.cells["walk_m"] <= TransportScenario().max_walk_m
    assert area.cells["population"][near].sum() > 0.95 * area.cells["population"].sum()
    assert area.network.nodes == len(area.stops)


def test_trips_follow_residents_hours_and_the_trip_table(area, packs):
    generators = {city: np.random.default_rng(number) for number, city in enumerate(CITIES)}
    trips = draw_trips(area, demand_of(area, packs, 2.5), 40_000, 0.1, generators, weekend=False)
    assert abs(len(trips) - 40_000) <= 2
    residents = area.cells.groupby("city")["population"].sum()
    share = trips["city"].value_counts(normalize=True)
    assert share["rae"] == pytest.approx(residents["rae"] / residents.sum(), abs=0.001)
    others = trips[trips["school"] < 0]
    by_hour = np.bincount((others["second"] // 3600).astype(int).clip(upper=23), minlength=24) / len(others)
    assert by_hour == pytest.approx(WEEKDAY / WEEKDAY.sum(), abs=0.01)
    school = trips[trips["school"] >= 0]
    assert len(school) / len(trips) == pytest.approx(0.1, abs=0.01)
    assert school["second"].between(7 * 3600, 9 * 3600).all()
    own = others[others["city"] == "tallinn"]
    cells = area.cells
    inside = (cells["city"].to_numpy()[own["destination_cell"]] == "tallinn").mean()
    table = packs["tallinn"].table("trips", ["trips"])["trips"].sum()
    across = packs["tallinn"].table("trips-across", ["trips"])["trips"].sum()
    assert inside == pytest.approx(table / (table + across), abs=0.05)


def test_the_same_generators_draw_the_same_trips(area, packs):
    first, second = (
        draw_trips(
            area,
            demand_of(area, packs, 2.5),
            500,
            0.1,
            {c: np.random.default_rng(7) for c in CITIES},
            weekend=True,
        )
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)


def write_requests(home, text):
    (home / "requests").mkdir(exist_ok=True)
    (home / "requests" / "asked.csv").write_text(text, encoding="utf-8")


HEAD = "origin_lon,origin_lat,destination_lon,destination_lat,request_time,pickup_time,seats\n"


def test_requests_of_a_file_are_carried_and_what_is_outside_is_counted(home):
    rows = [
        "24.745,59.437,24.760,59.430,07:42,,1",
        "24.745,59.437,24.760,59.430,0,09:00:30,2",
        "26.722,58.380,24.760,59.430,08:00,,1",
        ",59.437,24.760,59.430,08:00,,1",
        "24.745,59.437,24.760,59.430,08:00,,40",
        "24.745,59.437,24.760,59.430,-5,,1",
    ]
    write_requests(home, HEAD + "\n".join(rows) + "\n")
    result = run(requests_file="asked.csv")
    lost = sum(
        result.data[f"transport/{city}"].to_dataset()["requests_lost"].to_series().to_dict().get(reason, 0)
        for city in CITIES
        for reason in ("outside_area", "capacity", "invalid_time")
    )
    assert sum(value(result, "requests", city) for city in CITIES) == 6
    assert sum(value(result, "rides", city) for city in CITIES) == 2
    assert lost == 4


def test_a_run_is_tied_to_what_its_file_of_requests_holds(home):
    write_requests(home, HEAD + "24.745,59.437,24.760,59.430,07:42,,1\n")
    one = TransportScenario(requests_file="asked.csv")
    write_requests(home, HEAD + "24.745,59.437,24.760,59.430,07:43,,1\n")
    assert TransportScenario(requests_file="asked.csv").requests_sha256 != one.requests_sha256
    with pytest.raises(InvalidInput, match="not the one"):
        TransportScenario(**one.model_dump())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("origin_lon,origin_lat\n1,2\n", "destination_lon"),
        (HEAD + "24.7,59.4,24.8,59.4,noon,,1\n", "request_time"),
        (HEAD + "24.7,59.4,24.8,59.4,07:10,,1\n24.7,x,24.8,59.4,07:10,,1\n", "origin_lat"),
    ],
)
def test_a_file_of_requests_that_cannot_be_read_names_file_row_and_field(home, area, text, field):
    write_requests(home, text)
    with pytest.raises(InvalidInput) as caught:
        imported_requests(area, "asked.csv", 600)
    assert field in caught.value.field
    assert "asked.csv" in caught.value.file


@pytest.mark.parametrize("name", ["../asked.csv", "/etc/passwd", "absent.csv", ".hidden"])
def test_only_files_of_the_folder_of_requests_are_read(home, name):
    with pytest.raises(InvalidInput):
        file_of(name)


def test_the_service_of_a_scenario_is_published_and_read_back(area, tmp_path):
    scenario = TransportScenario(prebooked_share=1.0, service_start_h=6, service_end_h=22)
    service = designed_service(
        area, scenario, agency="Harju", agency_url="https://example.org", timezone="Europe/Tallinn",
        first_day=date(2026, 3, 2), last_day=date(2026, 12, 31),
    )  # fmt: skip
    (found,) = read_flex(write_flex([service], tmp_path / "flex.zip"))
    assert (found.start_s, found.end_s, found.booking.kind) == (6 * 3600, 22 * 3600, PRIOR_DAYS)
    assert len(found.stops) == len(area.stops)
    assert found.stops["stop_lat"].between(59, 60).all()
    villages = TransportScenario(districts_served=("juri",))
    few = designed_service(
        area, villages, agency="Harju", agency_url="https://example.org", timezone="Europe/Tallinn",
        first_day=date(2026, 3, 2), last_day=date(2026, 12, 31),
    )  # fmt: skip
    assert 0 < len(few.stops) < len(area.stops)
