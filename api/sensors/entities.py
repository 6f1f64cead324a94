"""The entities of SensorThings that one caller may read, and the paths that lead to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

import anyio.to_thread
import numpy as np

from api.access.actions import Action
from api.catalogue.collection import Collection
from api.catalogue.series import Series
from api.entry import Entry
from api.parameters import instant
from api.problems import NotFound, NotPermitted
from api.sensors import observations
from api.sensors.model import ONE, RELATIONS, SETS, City, Entity, load
from api.sensors.observations import Arrived

BASE = "/sta/v1.1"
_STEP = re.compile(r"([A-Za-z]+)(?:\('((?:[^']|'')*)'\)|\(([^'()]*)\))?")


@dataclass(frozen=True)
class Stream:
    """A datastream and where its observations are."""

    id: str
    sensor: str
    city: str
    observed: Collection | None


class Sensors:
    """The entities that one caller may read."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        guard, caller = entry.context.guard, entry.caller
        collections = entry.context.catalogue.collections
        self.cities: dict[str, City] = {}
        self.streams: dict[str, Stream] = {}
        for item in collections.values():
            if item.run or item.about.get("kind") != "sensors":
                continue
            if guard.judge(caller, Action.READ, item.target).allowed:
                city = load(item)
                self.cities[item.city] = city
                observed = collections.get(f"{item.city}.observations")
                for stream in city.entities["Datastreams"]:
                    sensor = stream.partition(":")[2]
                    self.streams[stream] = Stream(stream, sensor, item.city, observed)

    def all(self, kind: str) -> list[Entity]:
        """All entities of a set but observations."""
        return [item for city in self.cities.values() for item in city.entities[kind].values()]

    def one(self, kind: str, entity_id: str) -> Entity:
        """An entity.

        Raises:
            NotFound: There is none that the caller may read.
        """
        for city in self.cities.values():
            if entity_id in city.entities[kind]:
                return city.entities[kind][entity_id]
        raise NotFound("there is no such entity", field=kind, value=entity_id)

    def related(self, kind: str, entity_id: str, relation: str) -> list[Entity]:
        """The entities that one points to."""
        target = ONE.get(relation, relation)
        for city in self.cities.values():
            if entity_id in city.entities[kind]:
                ids = city.related.get((kind, entity_id, relation), [])
                return [city.entities[target][other] for other in ids]
        return []

    async def observations(self, stream_id: str) -> tuple[Any, Any]:
        """Times and values of a datastream, if its observations may be read."""
        stream = self.streams[stream_id]
        series: Series | None = None
        context = self.entry.context
        if stream.observed is not None:
            if not context.guard.judge(self.entry.caller, Action.READ, stream.observed.target).allowed:
                raise NotPermitted(
                    "these observations may not be read",
                    list(context.guard.judge(self.entry.caller, Action.READ, stream.observed.target).reasons),
                )
            series = cast("Series", await context.products.get(stream.observed))
        return await anyio.to_thread.run_sync(
            observations.of_stream, context.store, stream.id, stream.sensor, series
        )


async def resolve(sensors: Sensors, path: str) -> tuple[str, list[Any], bool]:
    """Follow a path; returns the set, its entities, and whether it is one entity rather than a set.

    A path to observations gives the ids of their datastreams, or one observation.
    """
    steps = path.split("/")
    if len(steps) > 8:
        raise NotFound("there is no such path", field="path", value=path)
    kind, current, one = "", [], False
    for place, step in enumerate(_joined(steps)):
        parsed = _STEP.fullmatch(step)
        name = parsed.group(1) if parsed else step
        key = (
            None
            if parsed is None or (parsed.group(2) is None and parsed.group(3) is None)
            else parsed.group(2) or parsed.group(3)
        )
        if place == 0:
            if name not in SETS:
                raise NotFound("there is no such set", field="path", value=name)
            kind, current, one = name, _everything(sensors, name), False
        elif one and name in RELATIONS.get(kind, ()):
            kind, current, one = await _follow(sensors, kind, current[0], name)
        elif one and isinstance(current[0], dict) and name in current[0] and "(" not in step:
            member = {name: current[0][name]}
            last = steps[-1] == "$value"
            return ("$value" if last else "$ref"), [member[name] if last else member], False
        else:
            raise NotFound("there is no such path", field="path", value=step)
        if key is not None:
            if one:
                raise NotFound("this is one entity already", field="path", value=step)
            current, one = [await _pick(sensors, kind, current, key.replace("''", "'"))], True
    return kind, current, one


def _joined(steps: list[str]) -> list[str]:
    """Steps of a path; a quoted id may hold slashes."""
    joined: list[str] = []
    for step in steps:
        if joined and joined[-1].count("'") % 2:
            joined[-1] += "/" + step
        else:
            joined.append(step)
    return joined


def _everything(sensors: Sensors, kind: str) -> list[Any]:
    return list(sensors.streams) if kind == "Observations" else sensors.all(kind)


async def _follow(sensors: Sensors, kind: str, entity: Entity, relation: str) -> tuple[str, list[Any], bool]:
    entity_id = entity["@iot.id"]
    if kind == "Observations":
        stream = entity_id.rpartition("@")[0]
        target = ONE[relation]
        return target, [sensors.one(target, stream)], True
    if relation == "Observations":
        return "Observations", [entity_id], False
    found = sensors.related(kind, entity_id, relation)
    if relation in ONE:
        if not found:
            raise NotFound("there is no such entity", field=relation)
        return ONE[relation], found[:1], True
    return relation, found, False


async def follow_or_none(
    sensors: Sensors, kind: str, entity: Entity, relation: str
) -> tuple[str, list[Any], bool]:
    """The set, the entities and whether they are one, that a relation leads to; none where there is none."""
    try:
        return await _follow(sensors, kind, entity, relation)
    except NotFound:
        return ONE[relation], [], False


async def _pick(sensors: Sensors, kind: str, current: list[Any], key: str) -> Entity:
    if kind != "Observations":
        for item in current:
            if item["@iot.id"] == key:
                return cast("Entity", item)
        raise NotFound("there is no such entity", field=kind, value=key)
    stream, _, time = key.rpartition("@")
    if stream in current:
        times, values = await sensors.observations(stream)
        moment = instant(time, "path")
        wanted = Arrived(stream, moment, None).time_ns
        place = int(np.searchsorted(times, wanted))
        if place < len(times) and times[place] == wanted:
            return observation(stream, int(times[place]), float(values[place]))
    raise NotFound("there is no such observation", field=kind, value=key)


def observation(stream: str, time_ns: int, value: float) -> Entity:
    """An observation of a datastream; its id is the datastream's and its instant."""
    time = observations.iso(time_ns)
    return {
        "@iot.id": f"{stream}@{time}",
        "phenomenonTime": time,
        "resultTime": time,
        "result": observations.as_number(value),
    }


def absolute(entry: Entry, path: str) -> str:
    """An address with its host: SensorThings clients do not resolve relative ones."""
    href = entry.href(path)
    return entry.host + href if href.startswith("/") else href
