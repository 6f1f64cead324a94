"""The five real packs: every row accounted for, figures that other sources confirm, within the limits."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geodata.build import BuildReport, build_pack
from geodata.manifest import Grade, Residency
from geodata.pack import CityPack, open_pack
from geodata.recipe import load_recipe

pytestmark = [pytest.mark.real, pytest.mark.slow]

CITIES = ("tallinn", "rae", "tartu", "paldiski", "helsinki")


@pytest.fixture(scope="session")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BuildReport]:
    """The five packs, built once."""
    folder = tmp_path_factory.mktemp("packs")
    return {city: build_pack(load_recipe(city), sources, folder / city) for city in CITIES}


@pytest.fixture(scope="session")
def packs(built: dict[str, BuildReport]) -> dict[str, CityPack]:
    """The packs, opened."""
    return {city: report.pack for city, report in built.items()}


@pytest.mark.parametrize("city", CITIES)
def test_every_row_is_accounted_for(city: str, built: dict[str, BuildReport]) -> None:
    for report in built[city].cleaning.datasets:
        assert report.rows_read == report.rows_kept + report.rows_dropped
        assert report.rows_dropped == sum(reason.rows for reason in report.dropped)
        assert report.rows_written > 0
        for reason in report.dropped:
            assert reason.examples or report.kind == "terrain"
    assert all(source.as_expected for source in built[city].cleaning.sources)
    assert built[city].cleaning.rows_faulty < 0.001 * built[city].cleaning.rows_kept


@pytest.mark.parametrize("city", CITIES)
def test_pack_is_whole_and_every_dataset_can_be_read(city: str, packs: dict[str, CityPack]) -> None:
    pack = open_pack(packs[city].path)
    pack.verify()
    outline = pack.features("boundary").geometry.iloc[0]
    for entry in pack.datasets:
        assert entry.provenance.licence
        assert entry.provenance.attribution
        if entry.form == "cube":
            assert pack.cube(entry.id)["elevation_m"].notnull().any()  # noqa: PD004 (xarray)
            continue
        assert len(pack.table(entry.id)) == entry.rows
        if entry.crs is None:
            continue
        features = pack.features(entry.id)
        assert features.crs.to_string() == pack.city.crs
        assert features.is_valid.all()
        if entry.kind != "lines":
            assert (features.distance(outline) <= 1500).all()


@pytest.mark.parametrize("city", CITIES)
def test_built_within_a_minute(city: str, built: dict[str, BuildReport]) -> None:
    assert built[city].seconds < 60


def test_memory(built: dict[str, BuildReport]) -> None:
    """Five builds in one process stay below 2 GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < 2e9


def test_opening_and_reading_one_kind(packs: dict[str, CityPack]) -> None:
    for pack in packs.values():
        pack.features("boundary")
        began = time.process_time()
        open_pack(pack.path).features("districts")
        assert time.process_time() - began < 0.1


def test_a_second_build_gives_the_same_pack(
    packs: dict[str, CityPack], sources: Path, tmp_path: Path
) -> None:
    again = build_pack(load_recipe("rae"), sources, tmp_path / "rae")
    assert again.pack.hash == packs["rae"].hash


@pytest.mark.parametrize(
    ("city", "area_km2"),
    [("tallinn", 159.3), ("rae", 206.8), ("tartu", 154.0), ("paldiski", 60.1), ("helsinki", 214.2)],
)
def test_areas(city: str, area_km2: float, packs: dict[str, CityPack]) -> None:
    """Official areas: Tallinn 159.4, Rae 206.7, Tartu 154.0, Paldiski 60.2, Helsinki 217 km2 of land."""
    outline, districts = packs[city].features("boundary"), packs[city].features("districts")
    assert outline.area.sum() / 1e6 == pytest.approx(area_km2, rel=0.005)
    assert districts.area.sum() == pytest.approx(outline.area.sum(), rel=0.005)
    assert districts.area.sum() == pytest.approx(districts.union_all().area, rel=1e-6)


def test_residents(packs: dict[str, CityPack]) -> None:
    tallinn = packs["tallinn"]
    assert tallinn.table("population")["population"].sum() == pytest.approx(396_764, rel=0.001)
    assert tallinn.table("districts")["population"].sum() == pytest.approx(443_926, rel=0.001)
    assert len(tallinn.table("persons", ["person_id"])) == 398_193
    assert packs["rae"].table("population")["population"].sum() == 17_766
    assert packs["tartu"].table("population")["population"].sum() == pytest.approx(97_600, rel=0.05)
    # Statistics Finland: 628,208 residents at the end of 2015, 658,457 at the end of 2021.
    assert packs["helsinki"].table("districts")["population"].sum() == pytest.approx(628_208, rel=0.005)
    assert packs["helsinki"].table("population")["population"].sum() == pytest.approx(658_457, rel=0.015)


def test_census_and_register_of_tallinn_agree_by_district(packs: dict[str, CityPack]) -> None:
    """The catalogue's cross-check: census cells of 2011 against the register by sub-district, r = 0.98."""
    cells = packs["tallinn"].features("population")
    cells = cells.set_geometry(cells.centroid)
    districts = packs["tallinn"].features("districts").rename(columns={"population": "register"})
    joined = gpd.sjoin(cells, districts[["district_id", "geometry"]], predicate="within")
    census = joined.groupby("district_id")["population"].sum()
    both = districts.set_index("district_id")["register"].to_frame().join(census, how="left").fillna(0)
    assert both.corr().iloc[0, 1] > 0.95
    persons = packs["tallinn"].table("persons", ["district_id"])["district_id"].value_counts()
    assert both["register"].corr(persons.reindex(both.index).fillna(0)) > 0.98


def test_streets_of_tallinn(built: dict[str, BuildReport], packs: dict[str, CityPack]) -> None:
    """Noded and snapped: 99 % of the length in one part; the island of Aegna is most of the rest."""
    streets = packs["tallinn"].features("streets")
    share = streets.loc[streets["component"] == 0, "length_m"].sum() / streets["length_m"].sum()
    assert share > 0.99
    assert streets["length_m"].sum() / 1000 == pytest.approx(1197.5, abs=2)
    np.testing.assert_allclose(streets["length_m"], streets.length)
    mainland = streets.geometry.centroid.y < 6_600_000
    main = streets[mainland]
    assert main.loc[main["component"] == 0, "length_m"].sum() / main["length_m"].sum() > 0.997
    assert streets["name"].notna().all()
    assert not streets.loc[streets["road_class"] == "path", "car"].any()
    assert "in the largest of" in built["tallinn"].cleaning.datasets[4].reshapes[0].detail


def test_streets_do_not_meet_laagna_tee_at_bridges(packs: dict[str, CityPack]) -> None:
    """Laagna tee runs in a cutting; Lindakivi puiestee and Saarepiiga puiestee cross it on bridges."""
    streets = packs["tallinn"].features("streets")
    laagna = streets[streets["name"].str.fullmatch(r"Laagna tee( 1)?")]
    above = streets[streets["name"].isin(["Lindakivi puiestee", "Saarepiiga puiestee", "Valge tänav"])]
    ends = shapely.get_coordinates(shapely.boundary(laagna.geometry.to_numpy()))
    crossing = shapely.get_coordinates(shapely.boundary(above.geometry.to_numpy()))
    assert not {tuple(place) for place in ends.round(3)} & {tuple(place) for place in crossing.round(3)}
    assert len(laagna) > 20


@pytest.mark.parametrize(("city", "least"), [("tallinn", 0.99), ("tartu", 0.99), ("helsinki", 0.97)])
def test_street_segments_meet_exactly(city: str, least: float, packs: dict[str, CityPack]) -> None:
    streets = packs[city].features("streets")
    share = streets.loc[streets["component"] == 0, "length_m"].sum() / streets["length_m"].sum()
    assert share > least
    places = shapely.get_coordinates(shapely.boundary(streets[streets["component"] == 0].geometry.to_numpy()))
    uses = np.unique(places, axis=0, return_counts=True)[1]
    assert (uses > 1).mean() > 0.6


def test_transit_refers_to_stops_and_lines(packs: dict[str, CityPack]) -> None:
    for city in ("tallinn", "rae", "paldiski"):
        pack = packs[city]
        stops, lines = set(pack.table("stops")["stop_id"]), set(pack.table("lines")["line_id"])
        rides, headways = pack.table("rides"), pack.table("headways")
        assert set(rides["from_stop_id"]) | set(rides["to_stop_id"]) <= stops
        assert set(rides["line_id"]) - {"walk"} == lines
        assert set(headways["line_id"]) <= lines
        assert rides["travel_time_s"].median() < 400
    assert len(packs["tallinn"].table("stops_national")) == pytest.approx(1317, rel=0.01)


def test_trips(packs: dict[str, CityPack]) -> None:
    survey = packs["tallinn"].table("trips")
    assert (len(survey), survey["trips"].sum()) == (2054, pytest.approx(1_124_808, rel=1e-6))
    assert set(survey["origin_id"]) <= set(packs["tallinn"].table("districts")["district_id"])
    bikes = packs["tartu"].table("trips")
    stations = set(packs["tartu"].table("bike_stations")["stop_id"])
    assert len(bikes) == 19_523
    assert bikes["origin_id"].isin(stations).mean() > 0.9
    lasting = (bikes["arrival"] - bikes["departure"]).dt.total_seconds()
    assert lasting.notna().all()
    assert (lasting >= 0).all()
    assert lasting.median() / 60 == pytest.approx(14, abs=1)


def test_schools(packs: dict[str, CityPack]) -> None:
    counts = {city: len(packs[city].table("schools")) for city in CITIES}
    assert (counts["tallinn"], counts["tartu"], counts["rae"], counts["paldiski"]) == (279, 75, 10, 5)
    tallinn = packs["tallinn"].features("schools")
    taltech = tallinn[tallinn["operator"] == "TalTech"]
    assert len(taltech) == 5
    districts = packs["tallinn"].features("districts")
    assert set(gpd.sjoin(taltech, districts[["name", "geometry"]])["name_right"]) <= {
        "Mustamäe",
        "Siili",
        "Sääse",
        "Kadaka",
    }
    assert tallinn["name"].str.contains("Õ|ä|õ|ü").any()


def test_energy_of_tartu_and_paldiski(packs: dict[str, CityPack]) -> None:
    for city in ("tartu", "paldiski"):
        load = packs[city].table("load")
        assert len(load) == 8760
        assert load["time"].diff().dropna().eq(pd.Timedelta(hours=1)).all()
        assert load["power_kw"].mean() / 1000 == pytest.approx(896, abs=5)
        prices = packs[city].table("prices")
        assert prices["price_eur_per_mwh"].median() == pytest.approx(43, abs=5)
        assert packs[city].dataset("prices").provenance.residency is Residency.STAYS
    assert len(packs["paldiski"].table("generators")) == 26


def test_value_added_tax_is_taken_out_of_prices(packs: dict[str, CityPack]) -> None:
    """0.152 c/kWh with 10 % in January 2023, 5.559 c/kWh with 24 % in May."""
    prices = packs["helsinki"].table("prices").set_index("time")["price_eur_per_mwh"]
    assert prices["2023-01-01T00:00Z"] == pytest.approx(1.52 / 1.10)
    assert prices["2023-05-01T03:00Z"] == pytest.approx(55.59 / 1.24)
    assert prices["2023-04-30T20:00Z"] == pytest.approx(37.46 / 1.10)
    assert prices["2023-04-30T21:00Z"] == pytest.approx(34.66 / 1.24)


def test_weather(packs: dict[str, CityPack]) -> None:
    for city in CITIES:
        weather = packs[city].table("weather")
        assert len(weather) == 8760
        assert weather["time"].diff().dropna().eq(pd.Timedelta(hours=1)).all()
        assert weather["temperature_c"].mean() == pytest.approx(5.3, abs=0.6)
        assert weather["ghi_w_m2"].sum() / 1000 == pytest.approx(950, abs=80)
        # The sun stands highest at noon by the sun: local hour 12 to 13 in winter time.
        noon = weather.groupby(weather["time"].dt.tz_convert("Etc/GMT-2").dt.hour)["ghi_w_m2"].mean().idxmax()
        assert noon in {11, 12}
    july = packs["tallinn"].table("weather_july")
    assert july["wind_speed_m_s"].median() < 5
    summer = packs["helsinki"].table("weather_summer")
    warmest = (
        summer.groupby(summer["time"].dt.tz_convert("Europe/Helsinki").dt.hour)["temperature_c"]
        .mean()
        .idxmax()
    )
    assert warmest in range(13, 18)


def test_helsinki_in_three_dimensions(packs: dict[str, CityPack]) -> None:
    houses = packs["helsinki"].features("buildings_lod2")
    assert len(houses) == 84
    assert houses["height_m"].between(1.5, 120).all()
    assert houses["year_built"].dropna().between(1880, 2021).all()
    assert len(packs["helsinki"].table("trees")) > 6_500
    assert len(packs["helsinki"].table("buildings")) > 3_500
    assert packs["helsinki"].table("green_view")["green_view_percent"].between(0, 100).all()


def test_decoded_network_is_the_published_table(sources: Path) -> None:
    """The reader gives the rides, walks and headways that others decoded from the same file."""
    from geodata.readers import read

    folder = sources / "tallinn-pt-graph"
    rides = read("mapnificent", folder / "tallinn.bin", {"layer": "rides"}).frame
    other = pd.read_csv(folder / "ride_edges.csv")
    assert rides["from"].str[1:].astype(int).tolist() == other["from"].tolist()
    np.testing.assert_array_equal(rides["travel_s"].astype(float), other["travel_s"].fillna(0))
    walks = read("mapnificent", folder / "tallinn.bin", {"layer": "walks"}).frame
    assert walks["walk_m"].tolist() == pd.read_csv(folder / "walk_edges.csv")["walk_m"].tolist()


def test_grades_say_what_data_are(packs: dict[str, CityPack]) -> None:
    assert packs["tallinn"].dataset("persons").provenance.grade is Grade.SYNTHETIC
    assert packs["tallinn"].dataset("land_cover").provenance.grade is Grade.RECONSTRUCTED
    assert packs["tallinn"].dataset("weather").provenance.grade is Grade.DERIVED
    assert "proxy" in str(packs["tartu"].dataset("weather").provenance.notes)
    assert not any(pack.demo for pack in packs.values())
