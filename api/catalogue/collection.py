"""A collection: one dataset of a city or one result of a run, with all that must be said beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from api.access.guard import Target
from geodata.manifest import Residency, State

Form = Literal["features", "grid", "series", "files"]
Titles = Mapping[str, str]


@dataclass(frozen=True)
class Property:
    """A column of features, or a parameter of a coverage."""

    name: str
    type: Literal["text", "integer", "number", "boolean", "time"]
    description: str = ""
    unit: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Where a collection's data are on this machine.

    Attributes:
        path: File or folder of a pack's dataset, or folder of a run.
        kind: ``table`` or ``cube`` of a pack; ``kpis``, ``label``, ``series``, ``grid`` or ``data`` of a run.
        pack: The city's pack, for outlines and places.
        group: Group in a run's data, such as ``transport/tallinn``.
        label: Labelled dimension that tells places apart, such as ``district``.
        names: Variables or columns that are served; what is withheld is not among them.
        key: Columns of a table that name a row.
    """

    path: Path
    kind: str
    pack: Path | None = None
    group: str = ""
    label: str = ""
    names: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collection:
    """What can be asked for under one id.

    Attributes:
        id: Its id in addresses, e.g. ``tallinn.buildings`` or ``run-0f3a1b2c3d.transport.tallinn.district``.
        titles: Title by language; English always.
        description: What it holds.
        form: How it can be asked: as features, as a grid or series of values, or as files only.
        version: Hash of the data; another version is another product.
        city: The city's id, empty for a result of several.
        storage_crs: CRS the data are kept in, as ``EPSG:3301``; empty where there is no geometry.
        bbox: West, south, east, north, or None.
        interval: First and last instant, or None.
        rows: Rows or values.
        properties: Columns or parameters.
        about: Licence, attribution, grade, source and the like, by name.
        run: What a result's manifest says of its run; empty for a dataset.
    """

    id: str
    titles: Titles
    description: str
    form: Form
    version: str
    city: str
    origin: Origin
    storage_crs: str = ""
    geometry: str = ""
    bbox: tuple[float, float, float, float] | None = None
    interval: tuple[datetime, datetime] | None = None
    rows: int = 0
    properties: tuple[Property, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    residency: Residency = Residency.OPEN
    state: State = State.PRODUCTION
    updated: str = ""

    @property
    def target(self) -> Target:
        """What the guard judges."""
        return Target(self.id, self.residency, self.state, str(self.run.get("run_id", "")))

    def title(self, language: str = "en") -> str:
        """The title in a language, English where there is none."""
        return self.titles.get(language) or self.titles["en"]
