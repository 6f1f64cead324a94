"""Observations in the shapes of NGSI-LD (ETSI GS CIM 009) and its Smart Data Models.

Normalised entities, temporal ones (arrays of instances) and ``temporalValues``. Its traps: the unit is a
UN/CEFACT code, and where it is missing the data model decides, which for ``IndoorEnvironmentObserved`` means
carbon dioxide in **mg/L** and humidity from **0 to 1**; times must end in Z; one attribute may have several
instances, told apart by ``datasetId``; without their context, keys come as addresses.

A datastream is called ``<entity id>/<attribute>``, with ``/<datasetId>`` behind it where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from geodata.observations.collect import NOT_A_TIME, Collector, parse_utc
from geodata.observations.model import Batch, Datastream

AMBIGUOUS_INSTANCES = "ambiguous_instances"
SIMPLIFIED = "no_time_in_simplified_form"

MODEL_UNITS: Mapping[tuple[str, str], str] = {
    ("IndoorEnvironmentObserved", "co2"): "M1",
    ("IndoorEnvironmentObserved", "relativeHumidity"): "C62",
    ("IndoorEnvironmentObserved", "temperature"): "CEL",
    ("IndoorEnvironmentObserved", "illuminance"): "LUX",
    ("IndoorEnvironmentObserved", "peopleCount"): "C62",
    ("WeatherObserved", "relativeHumidity"): "C62",
    ("WeatherObserved", "temperature"): "CEL",
}
"""Units of the Smart Data Models, where an entity does not state its own."""

_NOT_OBSERVED = frozenset({"id", "type", "@context", "scope", "createdAt", "modifiedAt", "dateObserved"})


def read_ngsi_ld(
    document: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    datastreams: Mapping[str, Datastream],
    now: pd.Timestamp,
) -> Batch:
    """Read the observed properties of one entity or several.

    Args:
        document: An entity, or a list of them.
        datastreams: Those known, by ``<entity id>/<attribute>``.
        now: The present.
    """
    collector = Collector(datastreams, now)
    entities = [document] if isinstance(document, Mapping) else document
    row = 0
    for entity in entities:
        model = short_name(str(entity.get("type", "")))
        shared = _value(entity.get("dateObserved"))
        for key, attribute in entity.items():
            name = short_name(key)
            if name in _NOT_OBSERVED:
                continue
            for owner, instance in _instances(str(entity.get("id", "")), name, attribute):
                for value, time, unit in _values(instance, shared):
                    row += 1
                    known = unit or MODEL_UNITS.get((model, name), "")
                    _take(collector, row, owner, value, time, known, instance)
    return collector.batch()


def short_name(key: str) -> str:
    """The last part of a key that came as an address."""
    return key.rsplit("#", 1)[-1].rsplit("/", 1)[-1] if "://" in key else key


def _take(
    collector: Collector, row: int, owner: str, value: object, time: object, unit: str, instance: object
) -> None:
    if owner not in collector.datastreams and not isinstance(value, int | float):
        return  # a name, a place, a relationship: not something a sensor observes
    if value is AMBIGUOUS_INSTANCES:
        collector.refuse(row, owner, AMBIGUOUS_INSTANCES, "datasetId", "several without one", instance)
    elif time is None:
        collector.refuse(row, owner, SIMPLIFIED, "observedAt", None, instance)
    elif not str(time).endswith("Z"):
        collector.refuse(row, owner, NOT_A_TIME, "observedAt", time, instance)
    else:
        collector.add(row, owner, parse_utc(time), value, unit=unit, raw=instance)


def _instances(entity: str, name: str, attribute: Any) -> Iterator[tuple[str, Any]]:
    """The instances of an attribute with the datastream each belongs to."""
    owner = f"{entity}/{name}"
    listed = attribute if isinstance(attribute, list) else [attribute]
    seen: set[tuple[str, str]] = set()
    for instance in listed:
        dataset = str(instance.get("datasetId", "")) if isinstance(instance, Mapping) else ""
        own = f"{owner}/{dataset}" if dataset else owner
        moment = (own, str(instance.get("observedAt")) if isinstance(instance, Mapping) else "")
        if moment in seen:
            yield own, {"type": "Property", "value": AMBIGUOUS_INSTANCES}
        else:
            seen.add(moment)
            yield own, instance


def _values(instance: Any, shared: object) -> Iterator[tuple[object, object, str]]:
    """Value, time and unit of an instance; several for ``temporalValues``."""
    if not isinstance(instance, Mapping):
        yield instance, shared, ""
        return
    unit = str(instance.get("unitCode", ""))
    value = _value(instance)
    if isinstance(value, list) and value and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        for number, time in value:
            yield number, time, unit
    else:
        yield value, instance.get("observedAt") or shared, unit


def _value(attribute: object) -> Any:
    """The value within an attribute, and within a typed value."""
    if isinstance(attribute, Mapping):
        inner = attribute.get("value", attribute.get("values"))
        if isinstance(inner, Mapping):
            return inner.get("@value")
        return inner if inner is not None or "value" in attribute else attribute.get("@value")
    return attribute
