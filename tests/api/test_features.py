"""Features are the ones that shapely would choose, in every CRS, page after page."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from api_world import serving

BUILDINGS = "/collections/metsa.buildings"


@pytest.fixture(scope="module")
def truth(small_world_home) -> gpd.GeoDataFrame:
    (path,) = (small_world_home / "packs" / "metsa").glob("buildings.*.parquet")
    return gpd.read_parquet(path).set_index("building_id")


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def test_a_box_gives_what_intersects_it(server, truth):
    shapes = truth.to_crs(4326).geometry
    rng = np.random.default_rng(3)
    west, south, east, north = shapes.total_bounds
    for _ in range(100):
        x = np.sort(rng.uniform(west, east, 2))
        y = np.sort(rng.uniform(south, north, 2))
        box = f"{x[0]},{y[0]},{x[1]},{y[1]}"
        expected = truth.index[shapes.intersects(shapely.box(x[0], y[0], x[1], y[1]))]
        answer = server.get(f"{BUILDINGS}/items", params={"bbox": box, "limit": 1000})
        assert ids(answer) == list(expected)
        assert answer.json()["numberMatched"] == answer.json()["numberReturned"] == len(expected)


def test_pages_follow_one_another_and_end(server, truth):
    seen, path, pages = [], f"{BUILDINGS}/items?limit=37", 0
    while path:
        answer = server.get(path)
        seen += ids(answer)
        path = next((item["href"] for item in answer.json()["links"] if item["rel"] == "next"), None)
        pages += 1
    assert seen == list(truth.index)
    assert pages == 6


def test_a_page_is_bounded_by_bytes(small_world_home, tmp_path, truth):
    for served in serving(small_world_home, tmp_path, open_data=True, limits={"page_bytes": 5000}):
        answer = served.get(f"{BUILDINGS}/items?limit=200")
        assert 1 <= len(ids(answer)) < 30
        assert answer.json()["numberMatched"] == len(truth)
        assert any(item["rel"] == "next" for item in answer.json()["links"])


def test_a_cursor_belongs_to_its_question(server, is_problem):
    first = server.get(f"{BUILDINGS}/items?limit=5")
    cursor = (
        next(x["href"] for x in first.json()["links"] if x["rel"] == "next")
        .partition("cursor=")[2]
        .partition("&")[0]
    )
    is_problem(server.get(f"{BUILDINGS}/items?bbox=24,59,26,61&cursor={cursor}"), 400)
    is_problem(server.get(f"{BUILDINGS}/items?cursor=bm9uZQ"), 400)
    assert ids(server.get(f"{BUILDINGS}/items?limit=3&cursor={cursor}")) == ["b000005", "b000006", "b000007"]


@pytest.mark.parametrize(
    ("collection", "code", "axes"),
    [("metsa.stops", 3301, ("northing", "easting")), ("salo.stops", 3067, ("easting", "northing"))],
)
def test_a_known_point_in_the_axis_order_of_the_register(server, collection, code, axes):
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    answer = server.get(f"/collections/{collection}/items/000", params={"crs": uri})
    assert answer.headers["content-crs"] == f"<{uri}>"
    known = {
        3301: {"easting": 540_000.0, "northing": 6_588_050.0},
        3067: {"easting": 385_000.0, "northing": 6_672_050.0},
    }[code]
    expected = [known[axis] for axis in axes]
    assert answer.json()["geometry"]["coordinates"] == expected


def test_a_box_in_another_crs(server, truth):
    y, x = (6_590_000, 6_593_000), (541_000, 545_000)
    expected = truth.index[truth.geometry.intersects(shapely.box(x[0], y[0], x[1], y[1]))]
    uri = "http://www.opengis.net/def/crs/EPSG/0/3301"
    answer = server.get(
        f"{BUILDINGS}/items", params={"bbox": f"{y[0]},{x[0]},{y[1]},{x[1]}", "bbox-crs": uri, "limit": 1000}
    )
    assert set(ids(answer)) == set(expected)


def test_coordinates_are_the_stored_ones_in_the_storage_crs(server, truth):
    uri = "http://www.opengis.net/def/crs/EPSG/0/3301"
    assert server.get(BUILDINGS).json()["storageCrs"] == uri
    for feature in server.get(f"{BUILDINGS}/items", params={"limit": 20, "crs": uri}).json()["features"]:
        served = np.array(feature["geometry"]["coordinates"][0])[:, ::-1]
        stored = shapely.get_coordinates(truth.geometry[feature["id"]])
        assert served == pytest.approx(stored, abs=0.000501)  # to the millimetre, as the pack holds them


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("height_m > 50", lambda t: t.height_m > 50),
        (
            "height_m BETWEEN 10 AND 20 AND NOT use = 'use 3'",
            lambda t: t.height_m.between(10, 20) & (t.use != "use 3"),
        ),
        (
            "use IN ('use 1', 'use 2') OR height_m <= 5",
            lambda t: t.use.isin(["use 1", "use 2"]) | (t.height_m <= 5),
        ),
        ("name LIKE 'name _' AND height_m * 2 < 60", lambda t: t.height_m * 2 < 60),
        ("CASEI(use) = CASEI('USE 4')", lambda t: t.use == "use 4"),
        ("building_id = 'b000007'", lambda t: t.index == "b000007"),
        ("name IS NULL", lambda t: t["name"].isna()),
        ("height_m > 50 OR height_m <= 50", lambda t: t.height_m > -1),
    ],
)
def test_cql2_filters(server, truth, text, rows):
    expected = list(truth.index[np.asarray(rows(truth))])
    assert ids(server.get(f"{BUILDINGS}/items", params={"filter": text, "limit": 1000})) == expected


def test_a_spatial_filter_agrees_with_shapely(server, truth):
    area = shapely.Polygon([(24.72, 59.44), (24.83, 59.45), (24.78, 59.50)])
    expected = truth.index[truth.to_crs(4326).geometry.intersects(area)]
    answer = server.get(
        f"{BUILDINGS}/items", params={"filter": f"S_INTERSECTS(geometry, {area.wkt})", "limit": 1000}
    )
    assert ids(answer) == list(expected)
    within = truth.index[truth.to_crs(4326).geometry.within(area)]
    answer = server.get(
        f"{BUILDINGS}/items", params={"filter": f"S_WITHIN(geometry, {area.wkt})", "limit": 1000}
    )
    assert ids(answer) == list(within)


def test_cql2_as_json(server, truth):
    tall = {"op": ">", "args": [{"property": "height_m"}, 50]}
    used = {"op": "=", "args": [{"property": "use"}, "use 1"]}
    text = json.dumps({"op": "and", "args": [tall, used]})
    expected = list(truth.index[(truth.height_m > 50) & (truth.use == "use 1")])
    assert (
        ids(server.get(f"{BUILDINGS}/items", params={"filter": text, "filter-lang": "cql2-json"})) == expected
    )


@pytest.mark.parametrize(
    "text",
    [
        "height_m >",
        "nobody = 1",
        "height_m = 'tall'",
        "(" * 100 + "height_m=1" + ")" * 100,
        "NOT " * 100 + "height_m=1",
        "S_INTERSECTS(geometry, POINT(1e999 2))",
        "foo(height_m)",
        "'" * 99,
        "name LIKE name",
        "1",
    ],
)
def test_a_filter_that_cannot_be_used_is_refused(server, is_problem, text):
    is_problem(server.get(f"{BUILDINGS}/items", params={"filter": text}), 400)


def test_queryables_are_parameters(server, truth):
    assert ids(server.get(f"{BUILDINGS}/items", params={"use": "use 3", "limit": 1000})) == list(
        truth.index[truth.use == "use 3"]
    )
    schema = server.get(f"{BUILDINGS}/queryables").json()
    assert schema["properties"]["height_m"]["x-ogc-unit"] == "m"
    assert schema["properties"]["geometry"]["format"] == "geometry-polygon"


def test_features_without_time_belong_to_every_span(server, truth):
    assert server.get(f"{BUILDINGS}/items?datetime=1999-01-01/..").json()["numberMatched"] == len(truth)


def test_the_same_content_is_not_sent_twice(server):
    first = server.get(f"{BUILDINGS}/items?limit=3")
    again = server.get(f"{BUILDINGS}/items?limit=3", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert server.get(f"{BUILDINGS}/items?limit=4").headers["etag"] != first.headers["etag"]


def test_head_has_the_headers_of_get_and_no_body(server):
    for path in (
        "/",
        "/collections",
        f"{BUILDINGS}/items?limit=2",
        f"{BUILDINGS}/items/b000001",
        "/openapi.json",
    ):
        head, get = server.client.head(path), server.get(path)
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]


def test_titles_in_three_languages(server):
    titles = {
        language: server.get(BUILDINGS, headers={"Accept-Language": language}).json()["title"]
        for language in ("et", "fi", "de, en;q=0.5")
    }
    assert titles == {"et": "Metsa: Hooned", "fi": "Metsa: Rakennukset", "de, en;q=0.5": "Metsa: Buildings"}


def test_every_resource_has_a_page_for_people(server):
    for path in (
        "/",
        "/conformance",
        "/collections",
        BUILDINGS,
        f"{BUILDINGS}/items",
        f"{BUILDINGS}/items/b000001",
        f"{BUILDINGS}/queryables",
        "/collections/catalogue/items",
        "/processes",
        "/processes/echo",
        "/jobs",
    ):
        answer = server.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert answer.headers["content-type"].startswith("text/html"), path
        assert "<h1>" in answer.text
        assert "<script" not in answer.text


def test_a_page_draws_features_where_they_lie():
    """A box of 0.02 by 0.01 degrees at latitude 60 is as wide as it is high, north up."""
    from api.web.drawing import drawing

    ring = [[24.0, 59.995], [24.02, 59.995], [24.02, 60.005], [24.0, 60.005], [24.0, 59.995]]
    box = {"id": "a<b", "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}}
    point = {"id": "p", "geometry": {"type": "Point", "coordinates": [24.02, 60.005, 7.0]}}
    drawn = drawing([box, point, {"id": "none", "geometry": None}])
    assert 'd="M8.0,488.0L488.0,488.0L488.0,8.0L8.0,8.0L8.0,488.0Z"' in drawn
    assert '<circle cx="488.0" cy="8.0"' in drawn
    assert "a&lt;b" in drawn
    assert drawing([{"id": "none", "geometry": None}]) == ""


def test_rows_with_pages_of_their_own_lead_there_and_numbers_line_up(server):
    text = server.get("/collections?f=html").text
    assert '<td class="short"><a href="/collections/metsa.buildings?f=html">metsa.buildings</a></td>' in text
    assert '<td class="number">' in server.get(f"{BUILDINGS}/items?f=html").text


def test_text_of_data_cannot_become_markup(server):
    from api.web.page import page

    assert b"<script>" not in page(
        {"name": "<script>alert(1)</script>", "href": 'x" onclick="y'}, "<b>", "/<i>/x"
    )
