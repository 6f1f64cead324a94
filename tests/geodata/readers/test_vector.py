"""Vector files of many formats give the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point

from geodata.errors import UnreadableSource
from geodata.readers import read

STOPS = gpd.GeoDataFrame(
    {"name": ["Lõuna", "Põhi"], "docks": [10, 20]}, geometry=[Point(26.7, 58.3), Point(26.8, 58.4)], crs=4326
)


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb", "parquet"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"stops.{suffix}"
    STOPS.to_parquet(path) if suffix == "parquet" else STOPS.to_file(path)
    reading = read("vector", path, {"columns": ["name"]})
    rows = reading.frame.sort_values("name")
    assert rows["name"].tolist() == ["Lõuna", "Põhi"]
    assert rows.crs.to_epsg() == 4326
    assert [(point.x, point.y) for point in rows.geometry] == [(26.7, 58.3), (26.8, 58.4)]
    assert list(reading.labels) == [1, 2]
    with pytest.raises(UnreadableSource):
        read("vector", path, {"columns": ["height"]})


def test_topojson(tmp_path: Path) -> None:
    path = tmp_path / "areas.json"
    square = {"type": "Polygon", "arcs": [[0]], "properties": {"name": "A"}}
    path.write_text(
        json.dumps(
            {
                "type": "Topology",
                "objects": {"areas": {"type": "GeometryCollection", "geometries": [square]}},
                "arcs": [[[26, 58], [27, 58], [27, 59], [26, 59], [26, 58]]],
            }
        )
    )
    reading = read("vector", path, {})
    assert reading.frame["name"].tolist() == ["A"]
    assert reading.frame.geometry.iloc[0].area == pytest.approx(1)


def test_shapefile_without_its_companion(tmp_path: Path) -> None:
    path = tmp_path / "stops.shp"
    STOPS.to_file(path)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(UnreadableSource, match="belongs to the Shapefile") as caught:
        read("vector", path, {})
    assert str(caught.value.file).endswith("stops.dbf")


def test_layers(tmp_path: Path) -> None:
    path = tmp_path / "stops.gpkg"
    STOPS.to_file(path, layer="stops")
    STOPS.to_file(path, layer="stations")
    with pytest.raises(UnreadableSource, match="several layers") as caught:
        read("vector", path, {})
    assert caught.value.expected == "one of stops, stations"
    assert len(read("vector", path, {"layer": "stations"}).frame) == 2
    with pytest.raises(UnreadableSource, match="no such layer"):
        read("vector", path, {"layer": "lines"})


def test_no_vector_format(tmp_path: Path) -> None:
    path = tmp_path / "stops.gpkg"
    path.write_text("nothing of the kind")
    with pytest.raises(UnreadableSource, match="no vector format"):
        read("vector", path, {})
