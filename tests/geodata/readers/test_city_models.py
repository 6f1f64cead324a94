"""3D city models in both encodings give the same house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geodata.errors import UnreadableSource
from geodata.readers import read

# A house of 10 by 8 m with a gable: the ground at 3 m, eaves at 9 m, ridge at 12 m.
X, Y = 25_500_000.0, 6_679_000.0
GROUND = [(X, Y, 3), (X + 10, Y, 3), (X + 10, Y + 8, 3), (X, Y + 8, 3), (X, Y, 3)]
ROOF = [(X, Y, 9), (X + 10, Y, 9), (X + 10, Y + 4, 12), (X, Y + 4, 12), (X, Y, 9)]
WALL = [(X, Y, 3), (X + 10, Y, 3), (X + 10, Y, 9), (X, Y, 9), (X, Y, 3)]

GML = """<?xml version="1.0" encoding="UTF-8"?>
{prolog}<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"
 xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:gen="http://www.opengis.net/citygml/generics/2.0">
<gml:boundedBy>
<gml:Envelope srsName="urn:ogc:def:crs,crs:EPSG:6.12:3879,crs:EPSG:6.12:5717" srsDimension="3"/>
</gml:boundedBy>
<core:cityObjectMember><bldg:Building gml:id="B1">
<gml:name>Koulu</gml:name>
<gen:stringAttribute name="Kerroksia"><gen:value>2</gen:value></gen:stringAttribute>
<bldg:measuredHeight uom="m">8.5</bldg:measuredHeight>
<bldg:boundedBy><bldg:GroundSurface>{ground}</bldg:GroundSurface></bldg:boundedBy>
<bldg:boundedBy><bldg:RoofSurface>{roof}</bldg:RoofSurface></bldg:boundedBy>
<bldg:boundedBy><bldg:WallSurface>{wall}</bldg:WallSurface></bldg:boundedBy>
</bldg:Building></core:cityObjectMember>
<core:cityObjectMember><bldg:Building gml:id="B2"/></core:cityObjectMember>
</core:CityModel>"""
POLYGON = (
    "<bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing>"
    "<gml:posList>{}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
    "</gml:MultiSurface></bldg:lod2MultiSurface>"
)


def citygml(prolog: str = "") -> str:
    """The house as CityGML 2."""
    rings = {name: POLYGON.format(" ".join(f"{v}" for place in ring for v in place))
             for name, ring in (("ground", GROUND), ("roof", ROOF), ("wall", WALL))}  # fmt: skip
    return GML.format(prolog=prolog, **rings)


def cityjson() -> dict[str, object]:
    """The house as CityJSON 2."""
    places = [*GROUND[:4], *ROOF[:4], *WALL[:4]]
    whole = [
        [round(v * 1000 - shift) for v, shift in zip(place, (X * 1000, Y * 1000, 0), strict=True)]
        for place in places
    ]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [X, Y, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/3879"},
        "vertices": whole,
        "CityObjects": {
            "B1": {
                "type": "Building",
                "attributes": {"name": "Koulu", "measuredHeight": 8.5, "Kerroksia": 2},
                "children": ["B1-1"],
            },
            "B1-1": {
                "type": "BuildingPart",
                "geometry": [
                    {
                        "type": "Solid",
                        "lod": "2",
                        "boundaries": [[[[0, 1, 2, 3]], [[4, 5, 6, 7]], [[8, 9, 10, 11]]]],
                        "semantics": {
                            "surfaces": [
                                {"type": "GroundSurface"},
                                {"type": "RoofSurface"},
                                {"type": "WallSurface"},
                            ],
                            "values": [[0, 1, 2]],
                        },
                    }
                ],
            },
        },
    }


def test_both_encodings_tell_of_the_same_house(tmp_path: Path) -> None:
    gml, cj = tmp_path / "a.gml", tmp_path / "a.json"
    gml.write_text(citygml())
    cj.write_text(json.dumps(cityjson()))
    options = {"attributes": ["Kerroksia"]}
    one, other = read("citygml", gml, options).frame.iloc[0], read("cityjson", cj, options).frame.iloc[0]
    for house in (one, other):
        assert (house["name"], str(house["Kerroksia"]), float(house["measured_height_m"])) == (
            "Koulu",
            "2",
            8.5,
        )
        assert (house["z_min_m"], house["z_max_m"], house["height_m"]) == (3.0, 12.0, 9.0)
        assert house.geometry.area == pytest.approx(80.0)
    assert (
        one.geometry.equals_exact(other.geometry.normalize(), 1e-3)
        or one.geometry.symmetric_difference(other.geometry).area < 1e-3
    )
    assert read("citygml", gml, options).frame.crs.to_epsg() == 3879
    assert read("cityjson", cj, options).frame.crs.to_epsg() == 3879


def test_height_as_citygml_3_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    three = citygml().replace(
        '<bldg:measuredHeight uom="m">8.5</bldg:measuredHeight>',
        '<core:height><core:Height><core:value uom="m">8.5</core:value></core:Height></core:height>',
    )
    path.write_text(three.replace("citygml/2.0", "citygml/3.0"))
    assert float(read("citygml", path, {}).frame["measured_height_m"].iloc[0]) == 8.5


def test_building_without_surfaces_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(citygml())
    assert [remark.label for remark in read("citygml", path, {}).rejected] == ["B2"]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
REMOTE = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">'


@pytest.mark.parametrize("prolog", [BOMB, FETCH, REMOTE])
def test_entities_are_refused(tmp_path: Path, prolog: str) -> None:
    path = tmp_path / "a.gml"
    path.write_text(citygml(prolog))
    with pytest.raises(UnreadableSource, match="document type or entities"):
        read("citygml", path, {})


def test_damaged_models(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(citygml()[:-200])
    with pytest.raises(UnreadableSource, match="truncated or damaged"):
        read("citygml", path, {})
    path.write_text("<a/>")
    with pytest.raises(UnreadableSource, match="no CityGML buildings"):
        read("citygml", path, {})
    model = cityjson()
    model["vertices"] = []
    path.write_text(json.dumps(model))
    with pytest.raises(UnreadableSource, match="damaged"):
        read("cityjson", path, {})
    path.write_text('{"type": "FeatureCollection"}')
    with pytest.raises(UnreadableSource, match="no CityJSON"):
        read("cityjson", path, {})


def test_northing_first(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(citygml())
    swapped = read("citygml", path, {"axes": "yx"}).frame.geometry.iloc[0]
    assert swapped.centroid.x == pytest.approx(Y + 4)
