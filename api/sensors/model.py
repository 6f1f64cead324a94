"""Sensors as SensorThings entities: a room is a thing, each property measured in it a datastream.

The entities mirror the rows of the packs' datasets ``sensors``; nothing is kept twice. Every id begins with
the collection's city, so that ids of two cities never meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow.parquet as pq
import shapely
from pyproj import Transformer

from api.catalogue.collection import Collection

SETS = (
    "Things",
    "Locations",
    "HistoricalLocations",
    "Datastreams",
    "Sensors",
    "ObservedProperties",
    "Observations",
    "FeaturesOfInterest",
)
ONE = {
    "Thing": "Things",
    "Location": "Locations",
    "Datastream": "Datastreams",
    "Sensor": "Sensors",
    "ObservedProperty": "ObservedProperties",
    "FeatureOfInterest": "FeaturesOfInterest",
}
"""The set that a relation to one entity points into."""
RELATIONS: Mapping[str, tuple[str, ...]] = {
    "Things": ("Datastreams", "Locations", "HistoricalLocations"),
    "Locations": ("Things", "HistoricalLocations"),
    "HistoricalLocations": ("Thing", "Locations"),
    "Datastreams": ("Thing", "Sensor", "ObservedProperty", "Observations"),
    "Sensors": ("Datastreams",),
    "ObservedProperties": ("Datastreams",),
    "Observations": ("Datastream", "FeatureOfInterest"),
    "FeaturesOfInterest": ("Observations",),
}
_MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
Entity = dict[str, Any]


@dataclass
class City:
    """The entities of one city's sensors.

    Attributes:
        entities: Entities by set, then by id.
        related: For each set, id and relation the ids it points to.
    """

    entities: dict[str, dict[str, Entity]] = field(default_factory=lambda: {name: {} for name in SETS})
    related: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def add(self, kind: str, entity_id: str, entity: Entity) -> None:
        """Keep an entity, the first of its id."""
        self.entities[kind].setdefault(entity_id, {"@iot.id": entity_id, **entity})

    def relate(self, kind: str, entity_id: str, relation: str, other: str) -> None:
        """Note that an entity points to another."""
        others = self.related.setdefault((kind, entity_id, relation), [])
        if other not in others:
            others.append(other)


@lru_cache(maxsize=64)
def entities_of(collection: str, path: str, crs: str) -> City:
    """The entities of a pack's dataset of sensors.

    Args:
        collection: The collection's id.
        path: The dataset's file; its name carries its hash.
        crs: Its CRS.
    """
    city_id = collection.partition(".")[0]
    table = pq.read_table(path).to_pylist()
    lonlat = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
    city = City()
    for row in table:
        _add_sensor(city, city_id, row, _place(row, lonlat))
    return city


def load(collection: Collection) -> City:
    """The entities of a collection of kind ``sensors``."""
    return entities_of(collection.id, str(collection.origin.path), collection.storage_crs)


def _place(row: Mapping[str, Any], lonlat: Transformer) -> dict[str, Any] | None:
    shape = shapely.from_wkb(row["geometry"]) if row.get("geometry") else None
    if shape is None or shape.is_empty:
        return None
    point = shape.representative_point() if shape.geom_type != "Point" else shape
    lon, lat = lonlat.transform(point.x, point.y)
    return {"type": "Point", "coordinates": [round(lon, 7), round(lat, 7)]}


def _add_sensor(city: City, city_id: str, row: Mapping[str, Any], place: dict[str, Any] | None) -> None:
    sensor, observed = f"{city_id}:{row['sensor_id']}", str(row["observed_property"])
    where = [str(row[name]) for name in ("building_id", "room_id") if row.get(name)]
    thing = f"{city_id}:{'/'.join(where) or row['sensor_id']}"
    words = " ".join(where) or str(row["sensor_id"])
    about = {name: row[name] for name in ("building_id", "room_id") if row.get(name)}
    city.add(
        "Things", thing, {"name": words, "description": f"A place with sensors: {words}", "properties": about}
    )
    city.add(
        "Sensors",
        sensor,
        {
            "name": str(row["sensor_id"]),
            "description": f"Sensor {row['sensor_id']}",
            "encodingType": "text/plain",
            "metadata": "",
        },
    )
    prop = f"{city_id}:{observed}"
    city.add("ObservedProperties", prop, {"name": observed, "definition": observed, "description": observed})
    city.add(
        "Datastreams",
        sensor,
        {
            "name": f"{observed} of {words}",
            "description": f"{observed} measured by {row['sensor_id']}",
            "observationType": _MEASUREMENT,
            "unitOfMeasurement": {"name": row["unit"], "symbol": row["unit"], "definition": None},
            "properties": {"interval_s": row.get("interval_s")},
            **({"observedArea": place} if place else {}),
        },
    )
    for kind, own, relation, other in (
        ("Datastreams", sensor, "Thing", thing),
        ("Things", thing, "Datastreams", sensor),
        ("Datastreams", sensor, "Sensor", sensor),
        ("Sensors", sensor, "Datastreams", sensor),
        ("Datastreams", sensor, "ObservedProperty", prop),
        ("ObservedProperties", prop, "Datastreams", sensor),
    ):
        city.relate(kind, own, relation, other)
    if place is not None:
        body = {"name": f"Place of {words}", "description": words, "encodingType": "application/geo+json"}
        city.add("Locations", thing, {**body, "location": place})
        city.add("FeaturesOfInterest", sensor, {**body, "feature": place})
        city.relate("Things", thing, "Locations", thing)
        city.relate("Locations", thing, "Things", thing)
