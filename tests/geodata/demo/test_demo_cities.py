"""The demo cities look like the cities they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geodata.demo.datasets import drafts
from geodata.demo.facts import facts_of
from geodata.errors import NotReady
from geodata.manifest import Grade
from geodata.publish import write_pack
from geodata.streets import combine, paths, snap, street_graph, transit_times, travel_times

AREA_KM2 = {"tallinn": 156.5, "rae": 206.7, "tartu": 38.9, "paldiski": 59.7, "helsinki": 187.0}
"""Land: Statistics Estonia and the Land Board (Tallinn without Aegna); Helsinki without Östersundom."""

RESIDENTS = {"tallinn": 450_000, "rae": 23_500, "tartu": 97_000, "paldiski": 3_600, "helsinki": 655_000}
"""Statistics Estonia and Statistics Finland, 2023, rounded."""


def at(pack, *lon_lat):
    return shapely.points(facts_of(pack.city.id).plane(lon_lat))


def test_area_and_residents_are_the_published_ones(pack):
    area = pack.features("boundary").area.sum() / 1e6
    assert area == pytest.approx(AREA_KM2[pack.city.id], rel=0.05)
    residents = pack.table("population")["population"].sum()
    assert residents == pytest.approx(RESIDENTS[pack.city.id], rel=0.05)


def test_land_and_water_are_where_they_are(packs):
    """Town halls stand on land; lake Ülemiste, the Emajõgi and Töölö bay are water; the bays are outside."""
    land = {city: pack.features("boundary").union_all() for city, pack in packs.items()}
    water = {
        city: shapely.union_all(areas.geometry[areas["green_class"] == "water"])
        for city, areas in ((city, pack.features("green_areas")) for city, pack in packs.items())
    }
    town_halls = {
        "tallinn": (24.7454, 59.4372), "tartu": (26.7225, 58.3803), "helsinki": (24.9523, 60.1695),
        "paldiski": (24.0556, 59.3500), "rae": (24.8960, 59.3560),
    }  # fmt: skip
    for city, point in town_halls.items():
        (place,) = at(packs[city], point)
        assert land[city].contains(place)
        assert not water[city].contains(place)
    assert water["tallinn"].contains(at(packs["tallinn"], (24.765, 59.398))[0])
    assert water["tartu"].contains(at(packs["tartu"], (26.7285, 58.3785))[0])
    assert water["helsinki"].contains(at(packs["helsinki"], (24.935, 60.181))[0])
    for city, bay in {
        "tallinn": (24.77, 59.47),
        "helsinki": (24.93, 60.13),
        "paldiski": (24.02, 59.36),
    }.items():
        assert not land[city].intersects(at(packs[city], bay)[0])


@pytest.mark.parametrize(
    ("city", "places"),
    [
        ("tallinn", ["Vanalinn", "Kalamaja", "Mustamäe", "Nõmme", "Pirita", "Väike-Õismäe"]),
        ("rae", ["Jüri", "Peetri", "Lagedi", "Vaida"]),
        ("tartu", ["Supilinn", "Karlova", "Ihaste", "Tammelinn"]),
        ("paldiski", ["Väike-Pakri", "Suur-Pakri", "Leetse"]),
        ("helsinki", ["Kallio", "Lauttasaari", "Suomenlinna", "Kontula"]),
    ],
)
def test_districts_have_their_names(packs, city, places):
    assert set(places) <= set(packs[city].table("districts")["name"])


def test_streets_join_the_whole_city(pack):
    streets = pack.features("streets")
    graph = street_graph(pack)
    assert graph.main_component("car")[streets["car"]].mean() > 0.98
    assert (streets["component"] == 0).all()
    assert streets["length_m"].to_numpy() == pytest.approx(streets.length.to_numpy(), rel=1e-6)
    assert len(pack.table("streets").drop_duplicates("road_class")) >= 4


def test_small_streets_end_at_the_water(pack):
    """Only main roads cross a lake or river: on bridges."""
    areas, streets = pack.features("green_areas"), pack.features("streets")
    water = shapely.union_all(areas.geometry[areas["green_class"] == "water"].to_numpy())
    crossing = streets[streets.crosses(water)]
    assert crossing["name"].notna().all()


def test_the_emajogi_is_crossed_on_bridges_only(packs):
    """With its bridges closed, Tartu falls apart, and Annelinn cannot be reached from the town hall."""
    graph = street_graph(packs["tartu"])
    river = next(shape for name, shape in facts_of("tartu").water if name == "Emajõgi")
    bridges = graph.street_id[shapely.crosses(graph.geometry, river)]
    assert 4 <= len(bridges) <= 14
    town = facts_of("tartu").plane([(26.7215, 58.3803), (26.757, 58.372)])
    assert paths(graph, *(snap(graph, point[None], max_distance_m=300) for point in town))[0].length < 5000
    closed = graph.without(set(bridges))
    assert len(snap(closed, town, max_distance_m=300).refused) == 1


def test_tallinn_and_rae_share_a_border_and_its_roads(packs):
    one, other = (packs[city].features("boundary").union_all() for city in ("tallinn", "rae"))
    assert one.intersection(other).area < 1
    assert one.buffer(1).intersection(other).area > 10_000
    graph = combine([street_graph(packs["tallinn"]), street_graph(packs["rae"])])
    assert "link" not in set(graph.road_class)
    viru, juri = (
        snap(graph, facts_of("tallinn").plane([place]), max_distance_m=300)
        for place in ((24.754, 59.436), (24.904, 59.356))
    )
    times = travel_times(graph, viru, juri)
    assert times.metres[0, 0] == pytest.approx(14_500, rel=0.15)
    assert 10 * 60 < times.seconds[0, 0] < 20 * 60
    assert "synthetic" in times.note


def test_trips_cross_the_border_both_ways(packs):
    out, back = (packs[city].table("trips-across") for city in ("tallinn", "rae"))
    assert out["trips"].sum() == pytest.approx(back["trips"].sum(), rel=0.01)
    assert out["destination_id"].str.startswith("rae/").all()
    assert set(out["destination_id"].str.removeprefix("rae/")) <= set(
        packs["rae"].table("districts")["district_id"]
    )


def test_forty_five_educational_buildings_of_the_pilot(packs):
    tallinn, tartu = packs["tallinn"].table("schools"), packs["tartu"].table("schools")
    assert (tallinn["operator"] == "Tallinn").sum() >= 20
    assert (tallinn["operator"] == "TalTech").sum() == 5
    assert (tartu["operator"] == "Tartu").sum() >= 20


def test_houses_stand_clear_of_streets_and_of_each_other(pack):
    buildings, streets = pack.features("buildings"), pack.features("streets")
    shapes = buildings.geometry.to_numpy()
    assert len(buildings) > 300
    near = shapely.STRtree(streets.geometry.to_numpy()).query(shapes, predicate="intersects")[0]
    made_up = ~buildings["use"].isin(["school"]) & buildings["name"].isna()
    assert not made_up.to_numpy()[near].any()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    both = made_up.to_numpy()[one] & made_up.to_numpy()[other]
    assert not both.any()


def test_public_transport_beats_walking_across_the_city(packs):
    """From Kopli to Kadriorg the tram takes between 20 and 60 minutes, waiting included."""
    pack = packs["tallinn"]
    stops = pack.table("stops")
    times = transit_times(stops, pack.table("rides"), pack.table("headways"), hour=8)
    kopli, kadriorg = (stops.index[stops["name"] == name][0] for name in ("Kopli", "Kadriorg"))
    assert 20 * 60 < times.seconds[kopli, kadriorg] < 60 * 60
    assert np.isfinite(times.seconds).mean() > 0.95


def test_paldiski_has_its_wind_parks(packs):
    generators = packs["paldiski"].table("generators")
    wind = generators[generators["source"] == "wind"]
    assert len(wind) == 26
    assert wind["capacity_kw"].sum() == pytest.approx(63_400)


def test_rae_without_streets_travels_by_its_bus_rides(packs, tmp_path):
    """A pack with stops, lines and rides alone gives a derived network that says so and joins Tallinn's."""
    rae = packs["rae"]
    made = drafts("rae")
    pack = write_pack(
        tmp_path, rae.city, {name: made[name] for name in ("stops", "lines", "rides")}, recipe_sha256=""
    )
    derived = street_graph(pack)
    assert derived.grade is Grade.DERIVED
    graph = combine([street_graph(packs["tallinn"]), derived])
    assert graph.grade is Grade.SYNTHETIC
    stops = snap(graph, pack.features("stops"), max_distance_m=100, names=pack.table("stops")["stop_id"])
    assert not stops.refused
    times = travel_times(graph, stops, stops)
    assert times.reachable == 1
    assert "Rae parish shares no streets" in times.note
    assert "links across the border" in times.note


def test_a_pack_without_streets_and_rides_is_not_ready(packs, tmp_path):
    pack = write_pack(tmp_path, packs["rae"].city, {"boundary": drafts("rae")["boundary"]}, recipe_sha256="")
    with pytest.raises(NotReady, match="neither streets nor rides"):
        street_graph(pack)
