"""Trees that leave the house and come back the same."""

from __future__ import annotations

import json
import struct

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.errors import InvalidData, UnreadableSource
from pilots.green.exports.cityjson import read_cityjson, write_cityjson
from pilots.green.exports.gltf import read_glb, write_glb, write_tileset
from pilots.green.exports.shapes import shape
from pilots.green.exports.trees import read_geoparquet, stock_of, tree_table, write_geoparquet
from pilots.green.growth.species import INDEX, SPECIES
from pilots.green.growth.stock import stock


@pytest.fixture
def trees() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(8)
    kinds = rng.integers(0, len(SPECIES), 300)
    kinds[0] = INDEX["Picea abies"]
    return tree_table(
        stock(kinds, dbh_cm=rng.uniform(4, 60, 300)),
        rng.uniform(540_000, 541_500, 300),
        rng.uniform(6_588_000, 6_589_500, 300),
        crs="EPSG:3301",
        year=2036,
        leaf_on_doy=128.4,
        leaf_off_doy=279.6,
        ground_m=rng.uniform(5, 30, 300),
    )


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    hole = shapely.box(540_040, 6_588_040, 540_060, 6_588_060)
    meadow = shapely.box(540_000, 6_588_000, 540_100, 6_588_100).difference(hole)
    two = shapely.MultiPolygon([shapely.box(0, 0, 9, 9), shapely.box(20, 0, 29, 9)])
    return gpd.GeoDataFrame(
        {"area_id": ["a", "b"], "kind": ["meadow", "urban_forest"], "average_height_m": [0.4, 14.0]},
        geometry=[meadow, shapely.transform(two, lambda p: p + np.array([540_200, 6_588_000]))],
        crs="EPSG:3301",
    )


def test_cityjson_comes_back(tmp_path, trees, areas):
    path = tmp_path / "green.city.json"
    write_cityjson(trees, path, areas=areas)
    model = read_cityjson(path)
    assert len(model.trees) == 300
    back = model.trees.set_index("tree_id").loc[trees["tree_id"]]
    assert (back["species"].to_numpy() == trees["species"].to_numpy()).all()
    np.testing.assert_allclose(back["height"], trees["height_m"], atol=0.051)
    np.testing.assert_allclose(back["crownDiameter"], trees["crown_diameter_m"], atol=0.051)
    there = shapely.get_coordinates(trees.geometry, include_z=True)
    np.testing.assert_allclose(shapely.get_coordinates(back.geometry, include_z=True), there, atol=0.006)
    assert set(back["year"]) == {2036}
    assert set(back.loc[back["leafOn"] > 0, "leafOff"]) == {280}
    np.testing.assert_allclose(sorted(model.areas.area), sorted(areas.area))


def test_cityjson_keeps_the_rules_of_the_standard(tmp_path, trees, areas):
    """What the official schema and the consistency checks of its validator ask."""
    path = tmp_path / "green.city.json"
    write_cityjson(trees, path, areas=areas)
    model = json.loads(path.read_text())
    assert (model["type"], model["version"]) == ("CityJSON", "2.0")
    assert model["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/3301"
    used = set()
    for body in model["CityObjects"].values():
        assert body["type"] in {"SolitaryVegetationObject", "PlantCover"}
        for geometry in body["geometry"]:
            if geometry["type"] == "GeometryInstance":
                assert len(geometry["boundaries"]) == 1
                assert len(geometry["transformationMatrix"]) == 16
                assert geometry["template"] < len(model["geometry-templates"]["templates"])
                used.add(geometry["boundaries"][0])
            else:
                used |= {i for surface in geometry["boundaries"] for ring in surface for i in ring}
    assert used == set(range(len(model["vertices"])))
    assert len({tuple(v) for v in model["vertices"]}) == len(model["vertices"])
    corners = len(model["geometry-templates"]["vertices-templates"])
    for template in model["geometry-templates"]["templates"]:
        assert all(i < corners for surface in template["boundaries"] for ring in surface for i in ring)


def test_green_areas_are_rounded_without_closing_upon_themselves(tmp_path, trees, areas):
    """A corner half a millimetre from the next would be the same vertex twice in a ring."""
    corner = [
        (540_000, 6_588_000),
        (540_009, 6_588_000),
        (540_009.0005, 6_588_000.0005),
        (540_009, 6_588_009),
    ]
    areas.loc[1, "geometry"] = shapely.Polygon(corner)
    path = tmp_path / "green.city.json"
    write_cityjson(trees, path, areas=areas)
    boundaries = json.loads(path.read_text())["CityObjects"]["area-b"]["geometry"][0]["boundaries"]
    assert [len(set(ring)) for surface in boundaries for ring in surface] == [3]
    assert [len(ring) for surface in boundaries for ring in surface] == [3]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("area_id", "a", "row 2, field area_id"),
        ("average_height_m", np.nan, "row 2, field average_height_m"),
        ("geometry", None, "row 2, field geometry"),
        (
            "geometry",
            shapely.LineString([(540_000, 6_588_000), (540_009, 6_588_000)]),
            "without a valid surface",
        ),
        ("geometry", shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), "without a valid surface"),
        ("geometry", shapely.box(540_000, 6_588_000, 540_000.001, 6_588_000.001), "without a valid surface"),
    ],
)
def test_green_areas_that_cannot_be_exported_are_refused(tmp_path, trees, areas, field, value, message):
    areas.loc[1, field] = value
    with pytest.raises(InvalidData, match=message):
        write_cityjson(trees, tmp_path / "x.json", areas=areas)
    assert not (tmp_path / "x.json").exists()


def test_a_tree_and_a_green_area_of_one_name_are_refused(tmp_path, trees, areas):
    trees.loc[0, "tree_id"] = "area-a"
    with pytest.raises(InvalidData, match="stands twice"):
        write_cityjson(trees, tmp_path / "x.json", areas=areas)


def test_fifty_thousand_trees_are_small(tmp_path):
    rng = np.random.default_rng(1)
    many = stock(rng.integers(0, len(SPECIES), 50_000), dbh_cm=rng.uniform(3, 60, 50_000))
    table = tree_table(many, rng.uniform(540_000, 548_000, 50_000), rng.uniform(6_585_000, 6_592_000, 50_000),
                       crs="EPSG:3301", year=2026, leaf_on_doy=128, leaf_off_doy=280)  # fmt: skip
    path = tmp_path / "many.city.json"
    write_cityjson(table, path, with_seasons=False)
    assert path.stat().st_size / 50_000 <= 303
    assert len(read_cityjson(path).trees) == 50_000


def test_a_unit_tree_is_closed_and_stands_on_the_ground():
    for form in (0, 1):
        unit = shape(form)
        assert unit.points[:, 2].min() == 0.0
        assert unit.points[:, 2].max() == 1.0
        assert np.abs(unit.points[:, :2]).max() == pytest.approx(0.5, abs=0.001)
        a, b, c = (unit.points[unit.crown[:, k]] for k in range(3))
        volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
        assert 0.05 < volume < 0.6  # positive: every triangle faces outwards
        edges = np.sort(
            np.vstack([unit.crown[:, [0, 1]], unit.crown[:, [1, 2]], unit.crown[:, [2, 0]]]), axis=1
        )
        assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_glb_places_every_tree(tmp_path, trees):
    path = tmp_path / "trees.glb"
    origin = write_glb(trees, path, season="autumn")
    model, binary = read_glb(path)
    assert "EXT_mesh_gpu_instancing" in model["extensionsRequired"]
    found = []
    for node in model["nodes"]:
        attributes = node["extensions"]["EXT_mesh_gpu_instancing"]["attributes"]
        rows = array(model, binary, attributes["_FEATURE_ID_0"], 1).astype(int).ravel()
        place = array(model, binary, attributes["TRANSLATION"], 3)
        east, up, south = place.T
        found += [
            (r, *xyz) for r, xyz in zip(rows, np.column_stack([east, -south, up]) + origin, strict=True)
        ]
    back = np.array([xyz for _, *xyz in sorted(found)])
    np.testing.assert_allclose(back, shapely.get_coordinates(trees.geometry, include_z=True), atol=0.01)
    table = model["extensions"]["EXT_structural_metadata"]["propertyTables"][0]
    assert table["count"] == 300
    years = view(model, binary, table["properties"]["year"]["values"])
    assert set(struct.unpack(f"<{300}I", years)) == {2036}


def view(model, binary, number) -> bytes:
    part = model["bufferViews"][number]
    return binary[part["byteOffset"] : part["byteOffset"] + part["byteLength"]]


def array(model, binary, number, width) -> np.ndarray:
    accessor = model["accessors"][number]
    return np.frombuffer(view(model, binary, accessor["bufferView"]), np.float32).reshape(
        accessor["count"], width
    )


def test_a_tileset_holds_all_trees_where_they_stand(tmp_path, trees):
    write_tileset(trees, tmp_path / "tiles", tile_m=500.0)
    tileset = json.loads((tmp_path / "tiles" / "tileset.json").read_text())
    children = tileset["root"]["children"]
    counted = 0
    for child in children:
        model, _ = read_glb(tmp_path / "tiles" / child["content"]["uri"])
        counted += model["extensions"]["EXT_structural_metadata"]["propertyTables"][0]["count"]
        west, south, east, north, low, high = child["boundingVolume"]["region"]
        assert west < east
        assert south < north
        assert low < high
        matrix = np.array(child["transform"]).reshape(4, 4).T
        assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
        assert np.linalg.norm(matrix[:3, 3]) == pytest.approx(6_362_000, abs=5_000)
    assert counted == 300


def test_geoparquet_comes_back_and_grows_on(tmp_path, trees):
    write_geoparquet(trees, tmp_path / "trees.parquet")
    back = read_geoparquet(tmp_path / "trees.parquet")
    assert back.crs == trees.crs
    again = stock_of(back)
    np.testing.assert_allclose(again.dbh_cm, trees["dbh_cm"])
    np.testing.assert_allclose(again.height_m, trees["height_m"])


def test_tables_that_cannot_be_exported_are_refused(tmp_path, trees):
    with pytest.raises(InvalidData, match="columns are missing"):
        write_cityjson(trees.drop(columns="species"), tmp_path / "x.json")
    twice = trees.copy()
    twice.loc[1, "tree_id"] = twice.loc[0, "tree_id"]
    with pytest.raises(InvalidData, match="stands twice"):
        write_geoparquet(twice, tmp_path / "x.parquet")
    with pytest.raises(InvalidData, match="projected"):
        write_glb(trees.to_crs(4326), tmp_path / "x.glb")
    flat = trees.copy()
    flat.loc[4, "height_m"] = 0.0
    with pytest.raises(InvalidData, match="row 5, field height_m"):
        write_cityjson(flat, tmp_path / "x.json")


@pytest.mark.parametrize(("field", "value"), [("dbh_cm", np.nan), ("height_m", np.inf), ("geometry", None)])
def test_trees_without_numbers_or_place_are_refused(tmp_path, trees, field, value):
    trees.loc[2, field] = value
    with pytest.raises(InvalidData, match=f"row 3, field {field}"):
        write_cityjson(trees, tmp_path / "x.json")


def test_files_of_another_kind_are_refused(tmp_path):
    path = tmp_path / "x"
    path.write_text("{}")
    for read in (read_cityjson, read_glb, read_geoparquet):
        with pytest.raises(UnreadableSource):
            read(path)
