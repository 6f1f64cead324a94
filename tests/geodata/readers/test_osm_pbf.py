"""OpenStreetMap extracts: what bears the tags comes out, what is cut off is said."""

from __future__ import annotations

from pathlib import Path

import osmium
import pytest

from geodata.errors import UnreadableSource
from geodata.readers import read

NODES = {1: (26.70, 58.30), 2: (26.71, 58.30), 3: (26.71, 58.31), 4: (26.70, 58.31), 5: (26.72, 58.32)}


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    """A tiny town: a street cut by the edge, a building, an open building, a tree, a half relation."""
    path = tmp_path / "town.osm.pbf"
    node, way, relation = osmium.osm.mutable.Node, osmium.osm.mutable.Way, osmium.osm.mutable.Relation
    with osmium.SimpleWriter(str(path)) as writer:
        for number, place in NODES.items():
            tags = {"natural": "tree", "species": "Tilia"} if number == 5 else {}
            writer.add_node(node(id=number, location=place, tags=tags))
        writer.add_way(way(id=10, nodes=[1, 2, 3], tags={"highway": "residential", "name": "Kooli"}))
        writer.add_way(way(id=11, nodes=[3, 4, 99], tags={"highway": "primary", "maxspeed": "50"}))
        writer.add_way(way(id=12, nodes=[98, 99], tags={"highway": "service"}))
        writer.add_way(way(id=20, nodes=[1, 2, 3, 4, 1], tags={"building": "school"}))
        writer.add_way(way(id=21, nodes=[1, 2, 3], tags={"building": "yes"}))
        writer.add_way(way(id=22, nodes=[1, 2, 3, 4, 1], tags={"building": "no"}))
        members = [("w", 77, "outer")]
        writer.add_relation(
            relation(id=30, members=members, tags={"type": "multipolygon", "building": "yes"})
        )
    return path


def test_streets(extract: Path) -> None:
    reading = read(
        "osm_pbf", extract, {"match": ["highway"], "geometry": "line", "tags": ["name", "maxspeed"]}
    )
    assert list(reading.labels) == ["way/10", "way/11"]
    assert reading.frame["name"].tolist()[0] == "Kooli"
    assert list(reading.frame.geometry.iloc[0].coords) == [NODES[1], NODES[2], NODES[3]]
    assert (reading.mended[0].label, reading.mended[0].value) == ("way/11", "1 missing")
    assert reading.rejected[0].label == "way/12"


def test_way_drawn_against_its_direction_is_turned_round(extract: Path) -> None:
    extract.unlink()
    with osmium.SimpleWriter(str(extract)) as writer:
        for number, place in NODES.items():
            writer.add_node(osmium.osm.mutable.Node(id=number, location=place))
        tags = {"highway": "residential", "oneway": "-1"}
        writer.add_way(osmium.osm.mutable.Way(id=10, nodes=[1, 2, 3], tags=tags))
    frame = read("osm_pbf", extract, {"match": ["highway"], "geometry": "line", "tags": ["oneway"]}).frame
    assert (frame["oneway"][0], list(frame.geometry[0].coords)) == ("yes", [NODES[3], NODES[2], NODES[1]])


def test_buildings(extract: Path) -> None:
    reading = read("osm_pbf", extract, {"match": ["building"], "geometry": "area", "tags": ["building"]})
    assert list(reading.labels) == ["way/20"]
    assert {remark.label for remark in reading.rejected} == {"way/21", "relation/30"}


def test_values_and_exceptions(extract: Path) -> None:
    options = {"match": ["highway=primary|residential"], "without": ["name"], "geometry": "line"}
    assert list(read("osm_pbf", extract, options).labels) == ["way/11"]


def test_points_and_places(extract: Path) -> None:
    trees = read("osm_pbf", extract, {"match": ["natural=tree"], "geometry": "point", "tags": ["species"]})
    assert (trees.frame["species"].tolist(), list(trees.labels)) == (["Tilia"], ["node/5"])
    places = read("osm_pbf", extract, {"match": ["building=school", "natural=tree"], "geometry": "place"})
    assert sorted(places.labels) == ["node/5", "way/20"]
    assert set(places.frame.geom_type) == {"Point"}


def test_damaged(extract: Path) -> None:
    content = extract.read_bytes()
    extract.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableSource, match="truncated or damaged"):
        read("osm_pbf", extract, {"match": ["highway"], "geometry": "line"})
