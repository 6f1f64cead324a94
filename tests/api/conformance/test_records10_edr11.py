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


def test_records_api_mediatype_link_and_collection(server):
    """record-core: a record is GeoJSON, leads back to its catalogue and on to what it describes."""
    answer = server.get(f"{CATALOGUE}/items/metsa.stops")
    record = answer.json()
    relations = {item["rel"]: item for item in record["links"]}
    assert {"self", "alternate", "collection", "describes", "license"} <= set(relations)
    for relation in ("self", "collection", "describes"):
        assert server.get(relations[relation]["href"]).status_code == 200
    assert all({"href", "rel", "type"} <= set(item) for item in record["links"])
    assert record["conformsTo"]


def test_records_response_numbers_pages_and_order(server):
    """searchable-catalog: counts are right, `next` leads through all records, none comes twice."""
    every = server.get(f"{CATALOGUE}/items?limit=1000").json()
    assert every["numberMatched"] == every["numberReturned"] == len(every["features"])
    seen, path = [], f"{CATALOGUE}/items?limit=4"
    while path:
        page = server.get(path).json()
        assert page["numberMatched"] == every["numberMatched"]
        seen += [record["id"] for record in page["features"]]
        path = next((item["href"] for item in page["links"] if item["rel"] == "next"), None)
    assert seen == [record["id"] for record in every["features"]]


@pytest.mark.parametrize("query", ["bbox=1,2,3", "bbox=a,b,c,d", "datetime=yesterday", "limit=0", "q=a&q=b"])
def test_records_parameters_that_are_not_valid_are_400(server, is_problem, query):
    is_problem(server.get(f"{CATALOGUE}/items?{query}"), 400)


def test_records_external_ids_and_words(server):
    record = server.get(f"{CATALOGUE}/items/metsa.stops").json()
    (own,) = record["properties"]["externalIds"]
    for value in (own["value"], f"{own['scheme']}:{own['value']}"):
        found = server.get(f"{CATALOGUE}/items", params={"externalIds": value}).json()["features"]
        assert "metsa.stops" in {item["id"] for item in found}
    assert server.get(f"{CATALOGUE}/items?q=metsa stops,salo stops").json()["numberMatched"] == 2
    assert server.get(f"{CATALOGUE}/items?q=METSA STOPS").json()["numberMatched"] == 1


def coverages(server):
    listed = server.get("/collections").json()["collections"]
    return {item["id"]: item for item in listed if "data_queries" in item}


def test_edr_rc_md_query_links(server):
    """collections: every query that a collection offers has a link, a type and formats, and answers."""
    found = coverages(server)
    assert {"metsa.terrain", "metsa.weather", "metsa.observations"} <= set(found)
    for item in found.values():
        assert {"id", "links", "extent", "crs", "output_formats", "parameter_names"} <= set(item)
        assert item == {**server.get(f"/collections/{item['id']}").json(), **item}
        for name, query in item["data_queries"].items():
            link = query["link"]
            assert {"href", "rel", "type"} <= set(link)
            assert link["variables"]["query_type"] == name
            assert link["variables"]["default_output_format"] in link["variables"]["output_formats"]


def test_edr_rc_extent(server):
    for item in coverages(server).values():
        west, south, east, north = item["extent"]["spatial"]["bbox"][0]
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
    time = coverages(server)["metsa.weather"]["extent"]["temporal"]
    assert time["interval"] == [["2026-03-01T00:00:00Z", "2026-03-02T23:00:00Z"]]
    assert time["values"] == ["2026-03-01T00:00:00Z/2026-03-02T23:00:00Z"]


def test_edr_rc_parameters(server):
    """A parameter says what is observed and its unit in UCUM."""
    weather = coverages(server)["metsa.weather"]["parameter_names"]["temperature_c"]
    assert weather["type"] == "Parameter"
    assert weather["description"] == "Air temperature."
    assert {"id", "label"} <= set(weather["observedProperty"])
    assert weather["unit"]["symbol"]["type"] == "http://www.opengis.net/def/uom/UCUM/"


@pytest.mark.parametrize("path", ["position", "area", "cube"])
def test_edr_rc_missing_geometry_is_400(server, is_problem, path):
    is_problem(server.get(f"/collections/metsa.terrain/{path}"), 400)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("position", "coords=POLYGON((24 59,25 59,25 60,24 59))"),
        ("position", "coords=POINT(24)"),
        ("position", "coords=POINT(200 59)"),
        ("area", "coords=POINT(24.7 59.4)"),
        ("area", "coords=POLYGON((24 59,25 60,25 59,24 60,24 59))"),
        ("cube", "bbox=1,2,3"),
        ("position", "coords=POINT(24.7 59.4)&datetime=never"),
        ("position", "coords=POINT(24.7 59.4)&parameter-name=nothing"),
        ("position", "coords=POINT(24.7 59.4)&crs=EPSG:1"),
        ("position", "coords=POINT(24.7 59.4)&f=grib"),
        ("position", "coords=POINT(24.7 59.4)&z=high"),
        ("position", "coords=POINT(24.7 59.4)&bogus=1"),
    ],
)
def test_edr_parameters_that_are_not_valid_are_400(server, is_problem, path, wrong):
    is_problem(server.get(f"/collections/metsa.terrain/{path}?{wrong}"), 400)


def test_edr_position_area_cube_success(server):
    """REQ A.23 to A.40: a query gives CoverageJSON with the parameters asked for, 204 where nothing is."""
    place = "POINT(24.71 59.43)"
    ring = "POLYGON((24.705 59.425,24.715 59.425,24.715 59.432,24.705 59.432,24.705 59.425))"
    for path in (f"position?coords={place}", f"area?coords={ring}", "cube?bbox=24.705,59.425,24.715,59.432"):
        answer = server.get(f"/collections/metsa.terrain/{path}")
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/prs.coverage+json"
        document = answer.json()
        assert document["type"] in ("Coverage", "CoverageCollection")
        assert set(document["parameters"]) == {"elevation_m"}
    nowhere = server.get("/collections/metsa.terrain/position?coords=POINT(0 0)")
    assert nowhere.status_code == 204


def test_edr_datetime_takes_instants_and_spans_with_open_ends(server):
    path = "/collections/metsa.weather/position?coords=POINT(24.7 59.4)&datetime="
    for text, count in (
        ("2026-03-01T05:00:00Z", 1),
        ("2026-03-01T05:00:00Z/2026-03-01T07:00:00Z", 3),
        ("../2026-03-01T01:00:00Z", 2),
        ("2026-03-02T22:00:00Z/..", 2),
    ):
        document = server.get(path + text).json()
        assert document["ranges"]["temperature_c"]["shape"] == [count], text
    assert server.get(path + "1999-01-01T00:00:00Z").status_code == 204


def test_edr_locations_list_leads_to_values(server):
    listed = server.get("/collections/metsa.observations/locations").json()
    assert listed["type"] == "FeatureCollection"
    for feature in listed["features"]:
        (href,) = [item["href"] for item in feature["links"] if item["rel"] == "data"]
        assert server.get(href).status_code == 200
    assert server.get("/collections/metsa.observations/locations/nothing").status_code == 404


def test_every_declared_class_is_one_of_a_known_standard(server):
    prefixes = ("http://www.opengis.net/spec/ogcapi-", "http://www.opengis.net/spec/cql2/1.0/conf/")
    assert all(item.startswith(prefixes) for item in server.get("/conformance").json()["conformsTo"])
