"""OpenStreetMap extracts (PBF): streets, buildings, parks, trees, shops, by their tags.

The tags of interest become columns; what they mean is for the recipe to say. Rows are named as the map itself
names them (``way/4252453``), so that whatever looks wrong can be looked up on openstreetmap.org.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import shapely
from pydantic import Field

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading, Remark, missing_library

if TYPE_CHECKING:
    import geopandas as gpd

Test = Annotated[str, Field(pattern=r"^[^=|]+(=[^=]+)?$")]
_AREA_RELATIONS = ("multipolygon", "boundary")


class OsmOptions(Options):
    """Options of the reader ``osm_pbf``.

    Args:
        match: Which objects: each a key (``building``) or a key with values (``leisure=park|garden``); one
            match is enough.
        without: Which of them not, written alike.
        geometry: ``point``: nodes; ``line``: ways; ``area``: closed ways and multipolygons; ``place``:
            nodes, and areas by a point inside them.
        tags: Tags that become columns. The columns ``osm_id`` and ``osm_type`` are always there. With
            ``oneway`` among them, ways drawn against their direction (-1) are turned round and say ``yes``.
    """

    match: tuple[Test, ...] = Field(min_length=1)
    without: tuple[Test, ...] = ()
    geometry: Literal["point", "line", "area", "place"]
    tags: tuple[str, ...] = ()


@dataclass
class _Found:
    """What was found so far, column by column."""

    tags: tuple[str, ...]
    types: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    values: list[tuple[str | None, ...]] = field(default_factory=list)
    rejected: list[Remark] = field(default_factory=list)
    mended: list[Remark] = field(default_factory=list)

    def add(self, kind: str, number: int, shape: Any, tags: Any) -> None:
        values = {name: tags.get(name) for name in self.tags}
        if values.get("oneway") in {"-1", "reverse"}:
            shape, values["oneway"] = shape.reverse(), "yes"
        self.types.append(kind)
        self.ids.append(number)
        self.shapes.append(shape)
        self.values.append(tuple(values.values()))

    def reading(self) -> Reading:
        import geopandas as gpd

        columns: dict[str, Any] = {
            "osm_type": np.array(self.types, object),
            "osm_id": np.array(self.ids, np.int64),
        }
        for place, name in enumerate(self.tags):
            columns[name] = np.array([value[place] for value in self.values], object)
        frame: gpd.GeoDataFrame = gpd.GeoDataFrame(
            columns, geometry=np.array(self.shapes, object), crs="EPSG:4326"
        )
        labels = [f"{kind}/{number}" for kind, number in zip(self.types, self.ids, strict=True)]
        return Reading(frame, np.array(labels, object), self.rejected, self.mended)


def read(path: Path, options: OsmOptions) -> Reading:
    """Read the objects of an extract that bear certain tags.

    Raises:
        NotReady: The library osmium is not installed.
        UnreadableSource: The file is no OSM file, or truncated or damaged.
    """
    try:
        import osmium
    except ImportError as error:
        raise missing_library("osmium", error) from error
    found = _Found(options.tags)
    collect = {"point": _points, "line": _lines, "area": _areas, "place": _places}[options.geometry]
    try:
        collect(osmium, path, options, found)
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise UnreadableSource(
            f"the OpenStreetMap file is truncated or damaged: {error}", file=path
        ) from error
    return found.reading()


def _wanted(osmium: Any, processor: Any, options: OsmOptions) -> Iterator[Any]:
    """The objects that pass the tests; keys are tested in compiled code, values here."""
    tests = [_test(test) for test in options.match]
    excluded = [_test(test) for test in options.without]
    for item in processor.with_filter(osmium.filter.KeyFilter(*{key for key, _ in tests})):
        tags = item.tags
        if _passes(tags, tests) and not _passes(tags, excluded):
            yield item


def _test(text: str) -> tuple[str, frozenset[str] | None]:
    key, _, values = text.partition("=")
    return key, frozenset(values.split("|")) if values else None


def _passes(tags: Any, tests: list[tuple[str, frozenset[str] | None]]) -> bool:
    for key, values in tests:
        value = tags.get(key)
        if value is not None and (value != "no" if values is None else value in values):
            return True
    return False


def _points(osmium: Any, path: Path, options: OsmOptions, found: _Found) -> None:
    for node in _wanted(osmium, osmium.FileProcessor(path, osmium.osm.NODE), options):
        found.add("node", node.id, shapely.Point(node.lon, node.lat), node.tags)


def _lines(osmium: Any, path: Path, options: OsmOptions, found: _Found) -> None:
    processor = osmium.FileProcessor(path, osmium.osm.NODE | osmium.osm.WAY).with_locations()
    processor = processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    for way in _wanted(osmium, processor, options):
        known = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
        label = f"way/{way.id}"
        if len(known) < 2:
            found.rejected.append(
                Remark(label, "fewer than two of its nodes are in the extract", fault=False)
            )
            continue
        if len(known) < len(way.nodes):
            missing = len(way.nodes) - len(known)
            found.mended.append(
                Remark(label, "cut at the edge of the extract", "nodes", f"{missing} missing")
            )
        found.add("way", way.id, shapely.LineString(known), way.tags)


def _areas(osmium: Any, path: Path, options: OsmOptions, found: _Found) -> None:
    keys = {_test(test)[0] for test in options.match}
    processor = osmium.FileProcessor(path).with_areas(osmium.filter.KeyFilter(*keys))
    factory = osmium.geom.WKBFactory()
    expected: dict[str, str] = {}
    for item in _wanted(osmium, processor, options):
        if item.is_area():
            shape = shapely.from_wkb(factory.create_multipolygon(item))
            found.add("way" if item.from_way() else "relation", item.orig_id(), shape, item.tags)
        elif item.is_way():
            expected[f"way/{item.id}"] = "its line is not closed or crosses itself"
        elif item.is_relation() and item.tags.get("type") in _AREA_RELATIONS:
            expected[f"relation/{item.id}"] = "its ways are not all in the extract or do not close"
    built = {f"{kind}/{number}" for kind, number in zip(found.types, found.ids, strict=True)}
    found.rejected += [
        Remark(label, reason, "geometry", expected="an area")
        for label, reason in expected.items()
        if label not in built
    ]


def _places(osmium: Any, path: Path, options: OsmOptions, found: _Found) -> None:
    _areas(osmium, path, options, found)
    found.shapes = list(shapely.point_on_surface(np.array(found.shapes, object)))
    _points(osmium, path, options, found)


READER = Reader(OsmOptions, read)
