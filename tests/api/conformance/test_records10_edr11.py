"""What OGC API – Records 1.0 and EDR 1.1 ask for, by requirement."""

from __future__ import annotations

import pytest

CATALOGUE = "/collections/catalogue"


def test_record_core(server):
    found = server.get(f"{CATALOGUE}/items?limit=1000").json()["features"]
    listed = {item["id"] for item in server.get("/collections").json()["collections"]}
    assert {record["id"] for record in found} > listed - {"catalogue"}
    for record in found:
        assert {"id", "type", "geometry", "properties", "time", "links"} <= set(record)
        assert {"type", "title"} <= set(record["properties"])
        assert record["properties"]["license"]
        one = server.get(f"{CATALOGUE}/items/{record['id']}")
        assert one.json()["id"] == record["id"]
        assert one.headers["content-type"] == "application/geo+json"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=buildings", {"metsa.buildings", "salo.buildings", "jarve.buildings"}),
        ("q=metsa hooned", {"metsa.buildings"}),
        ("q=buildings&ids=salo.buildings,salo.stops", {"salo.buildings"}),
        ("ids=metsa.stops", {"metsa.stops"}),
        ("ids=metsa.stops&bbox=0,0,1,1", set()),
        ("ids=metsa.stops&bbox=24,59,25,60", {"metsa.stops"}),
        ("ids=metsa.weather&datetime=2026-03-01T12:00:00Z", {"metsa.weather"}),
        ("ids=metsa.weather&datetime=1999-01-01/2000-01-01", set()),
        ("type=service", set()),
    ],
)
def test_record_core_query_parameters(server, query, found):
    records = server.get(f"{CATALOGUE}/items?{query}").json()["features"]
    assert {record["id"] for record in records} == found


def test_records_api(server):
    about = server.get(CATALOGUE).json()
    assert about["itemType"] == "record"
    assert server.get(f"{CATALOGUE}/items?bogus=1").status_code == 400
    assert server.get(f"{CATALOGUE}/items/none").status_code == 404
    assert server.get(f"{CATALOGUE}/items?limit=2").json()["numberReturned"] == 2


def test_edr_collections(server):
    for item in server.get("/collections").json()["collections"]:
        if "data_queries" in item:
            assert {"extent", "crs", "output_formats", "parameter_names"} <= set(item)
            for query in item["data_queries"].values():
                assert query["link"]["href"]


def test_edr_missing_coords_is_400_and_unknown_parameter_too(server):
    for path in ("position", "area", "cube"):
        assert server.get(f"/collections/metsa.terrain/{path}").status_code == 400


def test_every_declared_class_is_one_of_a_known_standard(server):
    prefixes = ("http://www.opengis.net/spec/ogcapi-", "http://www.opengis.net/spec/cql2/1.0/conf/")
    assert all(item.startswith(prefixes) for item in server.get("/conformance").json()["conformsTo"])
