"""Collections of a city's pack: one for each dataset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from api.catalogue.collection import Collection, Form, Origin, Property, Titles
from geodata.errors import UnknownName
from geodata.kinds import KINDS, Kind
from geodata.manifest import DatasetEntry
from geodata.pack import MANIFEST, CityPack

LANGUAGES = ("en", "et", "fi")


def of_pack(pack: CityPack) -> Iterator[Collection]:
    """The collections of a pack, in the order of their ids."""
    updated = datetime.fromtimestamp((pack.path / MANIFEST).stat().st_mtime, UTC).isoformat(
        timespec="seconds"
    )
    for entry in pack.datasets:
        kind = KINDS.get(entry.kind)
        if kind is None:
            raise UnknownName("the pack holds a dataset of an unknown kind", field="kind", value=entry.kind)
        yield _collection(pack, entry, kind, updated)


def _collection(pack: CityPack, entry: DatasetEntry, kind: Kind, updated: str) -> Collection:
    form = _form(entry, kind)
    timed = entry.time_start and entry.time_end
    return Collection(
        id=f"{pack.city.id}.{entry.id}",
        titles=titles(pack, kind.titles if entry.id == kind.name else {"en": _named(entry, kind)}),
        description=kind.description,
        form=form,
        version=entry.sha256,
        city=pack.city.id,
        origin=Origin(pack.path / entry.file, entry.form, pack=pack.path, names=entry.columns, key=kind.key),
        storage_crs=entry.crs or (pack.city.crs if form == "grid" else ""),
        geometry=kind.geometry or "",
        bbox=entry.bbox or outline(pack),
        interval=(entry.time_start, entry.time_end) if timed else None,  # type: ignore[arg-type]
        rows=entry.rows,
        properties=tuple(_property(kind, name) for name in entry.columns),
        about=_about(entry, pack.demo),
        residency=entry.provenance.residency,
        state=entry.provenance.state,
        updated=updated,
    )


def _form(entry: DatasetEntry, kind: Kind) -> Form:
    if entry.form == "cube":
        return "grid"
    return "series" if kind.geometry is None and "time" in kind.key else "features"


def titles(pack: CityPack, subject: Titles) -> Titles:
    """Titles of something in a city, such as "Tallinn: Stops" and "Tallinn: Peatused"."""
    return {
        language: f"{pack.city.names.get(language, pack.city.name)}: {subject.get(language) or subject['en']}"  # type: ignore[call-overload]
        for language in LANGUAGES
    }


def _named(entry: DatasetEntry, kind: Kind) -> str:
    return f"{kind.title} ({entry.id})"


def outline(pack: CityPack) -> tuple[float, float, float, float] | None:
    """What the pack's datasets cover together, in longitude and latitude."""
    boxes = [entry.bbox for entry in pack.datasets if entry.bbox]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _property(kind: Kind, name: str) -> Property:
    column = kind.column(name)
    if column is None:
        return Property(name, "text")
    return Property(name, column.type, column.description, column.unit, column.allowed or ())


def _about(entry: DatasetEntry, demo: bool) -> dict[str, Any]:  # noqa: FBT001
    about = entry.provenance
    parts = {
        "source": about.source,
        "licence": about.licence,
        "attribution": about.attribution,
        "grade": str(about.grade),
        "state": str(about.state),
        "residency": str(about.residency),
        "retrieved": about.retrieved.isoformat() if about.retrieved else None,
        "validFrom": about.valid_from.isoformat() if about.valid_from else None,
        "validTo": about.valid_to.isoformat() if about.valid_to else None,
        "gradeByColumn": {name: str(grade) for name, grade in about.variables.items()} or None,
        "notes": about.notes,
        "demo": demo or None,
        "kind": entry.kind,
        "sha256": entry.sha256,
        "resolutionSeconds": entry.resolution_s,
    }
    return {name: part for name, part in parts.items() if part is not None}
