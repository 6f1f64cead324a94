"""Observations in the shapes of OGC SensorThings 1.1 (OGC 18-088).

Read are single observations, lists of them (``value``), data arrays (``dataArray``) and datastreams with
their observations expanded. Identifiers may be numbers or text and are kept as given; ``phenomenonTime``
may be an interval, of which the end counts, as a mean is known only then; ``result`` may be anything, and
what is not a number is turned away with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from geodata.observations.collect import Collector, parse_utc
from geodata.observations.model import Batch, Datastream

Document = Mapping[str, Any]


def read_sensorthings(
    document: Document | Sequence[Document],
    datastreams: Mapping[str, Datastream],
    now: pd.Timestamp,
    *,
    datastream: str = "",
) -> Batch:
    """Read observations.

    Args:
        document: What arrived: an observation, ``{"value": [...]}``, data arrays, or datastreams with
            ``Observations``.
        datastreams: Those known, by ``@iot.id`` as text.
        now: The present.
        datastream: Datastream of observations that do not name theirs (they came from its path).
    """
    collector = Collector(datastreams, now)
    for row, (owner, unit, observation) in enumerate(_observations(document, datastream, ""), start=1):
        time = _instant(observation.get("phenomenonTime") or observation.get("resultTime"))
        collector.add(row, owner, time, observation.get("result"), unit=unit, raw=observation)
    return collector.batch()


def _observations(document: Any, owner: str, unit: str) -> Iterator[tuple[str, str, Document]]:
    """Every observation in a document with its datastream and, where it is told, the unit."""
    if isinstance(document, Mapping):
        own = document.get("Datastream")
        if isinstance(own, Mapping):
            owner, unit = identifier(own) or owner, unit_of(own) or unit
        if "dataArray" in document:
            names = list(document.get("components", ()))
            for values in document["dataArray"]:
                yield owner, unit, dict(zip(names, values, strict=False))
        elif "Observations" in document:
            for child in document["Observations"]:
                yield from _observations(child, identifier(document) or owner, unit_of(document) or unit)
        elif "value" in document:
            yield from _observations(document["value"], owner, unit)
        else:
            yield owner, unit, document
    else:
        for child in document:
            yield from _observations(child, owner, unit)


def identifier(entity: Document) -> str:
    """``@iot.id`` as text."""
    return str(entity.get("@iot.id", ""))


def unit_of(datastream: Document) -> str:
    """Unit of a datastream: the definition's code where there is one, else symbol, else name."""
    unit = datastream.get("unitOfMeasurement")
    if not isinstance(unit, Mapping):
        return ""
    return str(unit.get("symbol") or unit.get("name") or unit.get("definition") or "")


def _instant(text: object) -> pd.Timestamp | None:
    """An instant, or the end of an interval."""
    return parse_utc(str(text).rsplit("/", 1)[-1]) if text else None
