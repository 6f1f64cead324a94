"""The abstract tests of OGC API – Features, part 1 (17-069r4, annex A), by their names."""

from __future__ import annotations

import json
import re

import pytest

F = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
ITEMS = "/collections/metsa.buildings/items"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def links(document, rel):
    return [item for item in document["links"] if item["rel"] == rel]


def test_abstract_1_http(server):
    assert server.get("/").http_version.startswith("HTTP/1.1")


def test_abstract_2_crs84_unless_another_is_asked_for(server):
    for feature in server.get(ITEMS).json()["features"]:
        lon, lat = feature["geometry"]["coordinates"][0][0]
        assert 24 < lon < 26, "longitude first"
        assert 59 < lat < 60


def test_abstract_3_landing_page(server):
    for wanted in ("application/json", "text/html"):
        answer = server.get("/", headers={"Accept": wanted})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(wanted)


def test_abstract_4_landing_page_content(server):
    page = server.get("/").json()
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        assert links(page, rel), rel
        for item in links(page, rel):
            answer = server.get(item["href"])
            assert answer.status_code == 200
            assert answer.headers["content-type"].split(";")[0] == item["type"].split(";")[0]


def test_abstract_5_6_api_definition(server):
    from openapi_spec_validator import OpenAPIV30SpecValidator

    document = server.get("/openapi.json").json()
    assert document["openapi"] == "3.0.3"
    assert "$ref" not in json.dumps(document)
    OpenAPIV30SpecValidator(document).validate()


def test_abstract_7_8_conformance(server):
    classes = server.get("/conformance").json()["conformsTo"]
    assert {F + name for name in ("core", "geojson", "html", "oas30")} <= set(classes)
    assert len(classes) == len(set(classes))


def test_abstract_9_10_collections(server):
    document = server.get("/collections").json()
    assert links(document, "self")
    assert links(document, "alternate")
    assert all("rel" in item and "type" in item for item in document["links"])
    for collection in document["collections"]:
        assert {"id", "links", "extent"} <= set(collection)
        assert collection["extent"]["spatial"]["bbox"][0]
        if collection.get("itemType") == "feature":
            assert links(collection, "items")
            assert CRS84 in collection["crs"]


def test_abstract_11_12_collection(server):
    listed = {item["id"]: item for item in server.get("/collections").json()["collections"]}
    for name in ("metsa.buildings", "salo.stops"):
        one = server.get(f"/collections/{name}").json()
        for member in ("id", "title", "description", "extent", "itemType", "crs", "links"):
            assert one[member] == listed[name][member], member


def test_abstract_13_items(server):
    answer = server.get(ITEMS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["type"] == "FeatureCollection"


@pytest.mark.parametrize("box", ["24.7,59.4,24.8,59.5", "24.7,59.4,0,24.8,59.5,100", "170,59,-170,60"])
def test_abstract_14_15_bbox(server, box):
    assert server.get(ITEMS, params={"bbox": box}).status_code == 200


def test_abstract_14_15_bbox_of_features_without_geometry(server):
    body = {"inputs": {"cities": ["metsa", "salo"], "seed": 3}}
    kpis = server.client.post("/processes/parks/execution", json=body).json()["collections"][0]
    assert server.get(f"/collections/{kpis}/items?bbox=0,0,1,1").json()["numberMatched"] == 2


def test_abstract_16_17_limit(server):
    for limit, expected in (("1", 1), ("200", 200), ("1000000", 200)):
        assert server.get(ITEMS, params={"limit": limit}).json()["numberReturned"] == expected
    for limit in ("0", "-1", "1e3", "ten"):
        assert server.get(ITEMS, params={"limit": limit}).status_code == 400


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01/2026-02-01",
        "../2026-02-01",
        "2026-01-01/..",
        "/2026-02-01",
        "2026-01-01/",
    ],
)
def test_abstract_18_19_datetime(server, time):
    assert server.get(ITEMS, params={"datetime": time}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/conformance", "/openapi.json", "/api.html", "/collections", "/processes", "/jobs", "/licences"],
)
def test_abstract_20_unknown_parameters_of_every_other_document(server, is_problem, path):
    is_problem(server.get(f"{path}?unknown=1"), 400)


def test_abstract_5_the_description_is_there_in_one_form_only(server, is_problem):
    assert server.get("/openapi.json?f=json").content == server.get("/openapi.json").content
    is_problem(server.get("/openapi.json?f=html"), 400)
    assert server.get("/api.html?f=html").status_code == 200


def test_abstract_20_21_parameters_that_are_unknown_or_invalid(server):
    for query in ("unknown=1", "bbox=x", "datetime=x", "limit=x"):
        assert server.get(f"{ITEMS}?{query}").status_code == 400


def test_abstract_22_to_26_response(server):
    answer = server.get(f"{ITEMS}?limit=5").json()
    assert answer["numberReturned"] == len(answer["features"]) == 5
    assert answer["numberMatched"] == 200
    assert answer["timeStamp"].endswith("Z")
    for rel in ("self", "alternate", "next"):
        assert links(answer, rel), rel
    assert all("rel" in item and "type" in item for item in answer["links"])


def test_abstract_27_to_29_feature(server):
    feature = server.get(f"{ITEMS}/b000004").json()
    assert feature["id"] == "b000004"
    for rel in ("self", "alternate", "collection"):
        assert links(feature, rel), rel
    assert server.get(f"{ITEMS}/none").status_code == 404


def test_part_2_a1_crs_uri(server):
    about = server.get("/collections/metsa.buildings").json()
    assert about["crs"][0] == CRS84
    assert about["storageCrs"] in about["crs"]
    assert "http://www.opengis.net/def/crs/EPSG/0/3301" in about["crs"]
    for uri in about["crs"]:
        answer = server.get(ITEMS, params={"crs": uri, "limit": 1})
        assert answer.headers["content-crs"] == f"<{uri}>"


def test_part_2_a2_crs_that_is_not_offered(server):
    for name in ("crs", "bbox-crs"):
        params = {name: "http://www.opengis.net/def/crs/EPSG/0/27700", "bbox": "1,2,3,4"}
        assert server.get(ITEMS, params=params).status_code == 400


def test_part_3_get_queryables_uris(server):
    """A client that asks for nothing but headers finds what it can filter by."""
    told = server.client.head(ITEMS).headers["link"]
    uri, rel = re.match(r'<([^>]+)>; rel="([^"]+)"', told).groups()
    assert rel == "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    assert server.get(uri).json()["properties"]


def test_default_crs_is_named_in_the_answer(server):
    assert server.get(f"{ITEMS}?limit=1").headers["content-crs"] == f"<{CRS84}>"
