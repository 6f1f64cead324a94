"""Values at places are those that xarray and pandas would give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from pyproj import Transformer

TERRAIN, WEATHER, OBSERVATIONS = (
    f"/collections/metsa.{name}" for name in ("terrain", "weather", "observations")
)
TO = Transformer.from_crs("OGC:CRS84", "EPSG:3301", always_xy=True)
BACK = Transformer.from_crs("EPSG:3301", "OGC:CRS84", always_xy=True)


@pytest.fixture(scope="module")
def terrain(small_world_home) -> xr.DataArray:
    (path,) = (small_world_home / "packs" / "metsa").glob("terrain.*.zarr")
    return xr.open_zarr(path, consolidated=False).elevation_m.load()


def test_the_nearest_cell(server, terrain):
    rng = np.random.default_rng(1)
    low, high = (float(terrain.x[0]), float(terrain.y[0])), (float(terrain.x[-1]), float(terrain.y[-1]))
    for _ in range(100):
        lon, lat = BACK.transform(*rng.uniform(low, high))
        x, y = TO.transform(lon, lat)
        answer = server.get(f"{TERRAIN}/position", params={"coords": f"POINT({lon!r} {lat!r})"})
        assert answer.headers["content-type"] == "application/prs.coverage+json"
        (value,) = answer.json()["ranges"]["elevation_m"]["values"]
        assert np.float32(value) == terrain.sel(x=x, y=y, method="nearest").to_numpy()


def test_outside_the_grid_there_is_no_content(server):
    answer = server.get(f"{TERRAIN}/position?coords=POINT(10 10)")
    assert answer.status_code == 204
    assert answer.content == b""


def test_a_point_in_another_crs(server, terrain):
    uri = "http://www.opengis.net/def/crs/EPSG/0/3301"
    x, y = float(terrain.x[7]), float(terrain.y[11])
    answer = server.get(f"{TERRAIN}/position", params={"coords": f"POINT({y} {x})", "crs": uri}).json()
    assert np.float32(answer["ranges"]["elevation_m"]["values"][0]) == terrain[11, 7].to_numpy()
    assert answer["domain"]["referencing"][0] == {
        "coordinates": ["y", "x"],
        "system": {"type": "ProjectedCRS", "id": uri},
    }
    assert answer["domain"]["axes"]["x"]["values"][0] == pytest.approx(x, abs=0.01)


def test_a_cube_and_an_area_are_cut_out_of_the_grid(server, terrain):
    box = (24.706, 59.4285, 24.711, 59.4310)
    shape = shapely.segmentize(shapely.box(*box), 1e-5)
    own = shapely.transform(shape, lambda xy: np.column_stack(TO.transform(xy[:, 0], xy[:, 1])))
    xs, ys = np.meshgrid(terrain.x, terrain.y)
    inside = shapely.contains_xy(own, xs, ys)
    expected = np.sort(terrain.to_numpy()[inside])
    for path, query in (
        ("cube", f"bbox={','.join(map(str, box))}"),
        ("area", f"coords={shapely.box(*box).wkt}"),
    ):
        answer = server.get(f"{TERRAIN}/{path}?{query}").json()
        assert answer["domain"]["domainType"] == "Grid"
        block = answer["ranges"]["elevation_m"]
        assert block["axisNames"] == ["y", "x"]
        assert block["shape"] == [len(answer["domain"]["axes"][axis]["values"]) for axis in ("y", "x")]
        values = np.sort([value for value in block["values"] if value is not None])
        assert values == pytest.approx(expected)


def test_a_series_in_a_span_of_time(server, small_world_home):
    (path,) = (small_world_home / "packs" / "metsa").glob("weather.*.parquet")
    table = pd.read_parquet(path).set_index("time")
    span = "2026-03-01T03:00:00Z/2026-03-01T06:00:00Z"
    query = f"coords=POINT(24.7 59.4)&datetime={span}&parameter-name=temperature_c"
    answer = server.get(f"{WEATHER}/position?{query}").json()
    assert answer["domain"]["domainType"] == "PointSeries"
    assert answer["domain"]["axes"]["t"]["values"] == [f"2026-03-01T0{hour}:00:00Z" for hour in (3, 4, 5, 6)]
    assert answer["ranges"]["temperature_c"]["values"] == table.temperature_c[3:7].tolist()
    assert answer["parameters"]["temperature_c"]["unit"]["symbol"]["value"] == "Cel"
    assert server.get(f"{WEATHER}/position?coords=POINT(24.7 59.4)&datetime=1999-01-01").status_code == 204


def test_locations(server, small_world_home):
    places = server.get(f"{OBSERVATIONS}/locations").json()["features"]
    assert [place["id"] for place in places] == ["s1", "s2"]
    (path,) = (small_world_home / "packs" / "metsa").glob("observations.*.parquet")
    table = pd.read_parquet(path)
    answer = server.get(f"{OBSERVATIONS}/locations/s2").json()
    assert answer["ranges"]["value"]["values"] == table[table.sensor_id == "s2"].value.tolist()
    assert server.get(f"{OBSERVATIONS}/locations/nobody").status_code == 404


def test_two_points_give_two_coverages(server):
    query = "coords=MULTIPOINT((24.7049 59.428),(24.77 59.465))"
    answer = server.get(f"{OBSERVATIONS}/position?{query}").json()
    assert answer["type"] == "CoverageCollection"
    assert [item["id"] for item in answer["coverages"]] == ["s1", "s2"]


def test_documents_are_valid_coveragejson(server):
    from covjson_pydantic.coverage import Coverage

    for path in (
        f"{TERRAIN}/position?coords=POINT(24.71 59.43)",
        f"{WEATHER}/position?coords=POINT(24.7 59.4)",
        f"{TERRAIN}/cube?bbox=24.706,59.4285,24.711,59.4310",
        f"{OBSERVATIONS}/locations/s1",
    ):
        Coverage.model_validate_json(server.get(path).content)


def test_the_media_type_that_was_asked_for(server):
    path = f"{TERRAIN}/position?coords=POINT(24.71 59.43)"
    assert (
        server.get(path, headers={"Accept": "application/vnd.cov+json"}).headers["content-type"]
        == "application/vnd.cov+json"
    )
    assert server.get(f"{path}&f=html").headers["content-type"].startswith("text/html")


def test_a_collection_says_what_it_offers(server):
    about = server.get(TERRAIN).json()
    assert {"position", "area", "cube"} <= set(about["data_queries"])
    assert "http://www.opengis.net/def/crs/EPSG/0/3301" in about["crs"]
    assert about["parameter_names"]["elevation_m"]["observedProperty"]["label"]["en"]
    assert about["output_formats"]


def test_a_grid_is_read_as_zarr_object_by_object(server):
    """What describes the store is JSON, as its link says; chunks are bytes."""
    (link,) = [
        item
        for item in server.get("/collections/metsa.terrain").json()["links"]
        if item["href"].endswith(".zarr/.zmetadata")
    ]
    answer = server.get(link["href"])
    assert answer.headers["content-type"] == link["type"] == "application/json"
    assert "elevation_m/.zarray" in answer.json()["metadata"]
    chunk = server.get(link["href"].replace(".zmetadata", "elevation_m/0.0"))
    assert (chunk.status_code, chunk.headers["content-type"]) == (200, "application/octet-stream")
