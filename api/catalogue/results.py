"""Collections of a stored run: its indicators, its simulated series and grids, its files.

A variable is placed by its dimensions: ``(time)`` is a series of the city, ``(district)`` a property of
districts, ``(school_id, time)`` a series of each school, ``(y, x[, time])`` a grid. What has other dimensions
is in the files alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.catalogue.collection import Collection, Origin, Property, Titles
from api.catalogue.datasets import LANGUAGES, outline
from geodata.kinds import KINDS
from geodata.manifest import Residency
from geodata.pack import CityPack

MANIFEST, KPIS, DATA = "run.json", "kpis.parquet", "data.zarr"
_WORDS: Mapping[str, Titles] = {
    "kpis": {"en": "indicators", "et": "näitajad", "fi": "mittarit"},
    "series": {"en": "time series", "et": "aegread", "fi": "aikasarjat"},
    "grid": {"en": "grid", "et": "võrgustik", "fi": "ruudukko"},
    "data": {"en": "all data", "et": "kõik andmed", "fi": "kaikki tiedot"},
}


@dataclass(frozen=True)
class Variable:
    """What a run's store says of one variable, without opening it."""

    name: str
    dims: tuple[str, ...]
    size: int
    units: str
    title: str
    origin: str
    numeric: bool


def of_run(folder: Path, packs: Mapping[str, CityPack]) -> Iterator[Collection]:
    """The collections of a stored run.

    Args:
        folder: The run's folder.
        packs: The packs of this machine, for the places that results are told by.
    """
    manifest = json.loads((folder / MANIFEST).read_bytes())
    short = f"run-{manifest['run_hash'][:10]}"
    about = _About(folder, manifest, packs)
    yield about.collection(
        f"{short}.kpis",
        "kpis",
        Origin(folder / KPIS, "kpis"),
        "features",
        about.subject(None, None, _WORDS["kpis"]),
        "Key performance indicators, one for each pilot and city.",
        properties=_KPI_COLUMNS,
    )
    groups = variables_of(folder / DATA)
    for group in sorted(groups):
        pilot, _, city = group.partition("/")
        yield from _of_group(about, f"{short}.{pilot}.{city}", pilot, city, groups[group])


def _of_group(
    about: _About, base: str, pilot: str, city: str, variables: list[Variable]
) -> Iterator[Collection]:
    served = [item for item in variables if item.origin != "measured" or about.all_open(city)]
    withheld = sorted(item.name for item in variables if item not in served)
    places = {item.name: place_of(item) for item in served}
    group = f"{pilot}/{city}"

    def origin(kind: str, names: tuple[str, ...], label: str = "") -> Origin:
        pack = about.packs[city].path if city in about.packs else None
        return Origin(about.folder, kind, pack=pack, group=group, label=label, names=names)

    yield about.collection(
        base,
        "data",
        origin("data", tuple(item.name for item in served)),
        "files",
        about.subject(pilot, city, _WORDS["data"]),
        "All that was simulated, as files.",
        city=city,
        properties=tuple(map(_property, served)),
        withheld=withheld,
    )
    for place in sorted(set(filter(None, places.values()))):
        kind, label = place
        chosen = [item for item in served if places[item.name] == place]
        names = tuple(item.name for item in chosen)
        words = _WORDS.get(kind) or _label_words(label, "-series" if kind == "label-series" else "")
        suffix = {"series": "series", "grid": "grid", "label": label, "label-series": f"{label}-series"}[kind]
        form = {"series": "series", "grid": "grid", "label": "features", "label-series": "series"}[kind]
        yield about.collection(
            f"{base}.{suffix}",
            kind,
            origin(kind, names, label),
            form,
            about.subject(pilot, city, words),
            "Simulated: " + ", ".join(item.title for item in chosen) + ".",
            city=city,
            properties=tuple(map(_property, chosen)),
            withheld=[],
        )


def place_of(variable: Variable) -> tuple[str, str] | None:
    """How a variable is placed, from its dimensions; None if it is in the files alone."""
    dims = variable.dims
    if not variable.numeric:
        return None
    if dims == ("time",):
        return "series", ""
    if set(dims) in ({"y", "x"}, {"y", "x", "time"}):
        return "grid", ""
    labels = [dim for dim in dims if dim != "time"]
    if len(labels) == 1 and labels[0] not in ("x", "y") and kind_of_label(labels[0]):
        return ("label-series" if "time" in dims else "label"), labels[0]
    return None


def kind_of_label(label: str) -> str | None:
    """The kind of dataset whose places a label names: ``district`` names rows of ``districts``."""
    for kind in KINDS.values():
        if kind.geometry and kind.key in ((label,), (f"{label}_id",)):
            return kind.name
    return None


def _label_words(label: str, suffix: str) -> Titles:
    titles = KINDS[kind_of_label(label) or ""].titles
    more = _WORDS["series"] if suffix else {}
    return {
        language: titles[language].lower() + (f", {more[language]}" if more else "") for language in LANGUAGES
    }


@dataclass(frozen=True)
class _About:
    """A run's manifest, and what every collection of it has in common."""

    folder: Path
    manifest: Mapping[str, Any]
    packs: Mapping[str, CityPack]

    def all_open(self, city: str) -> bool:
        """Whether everything the run read of a city may go anywhere; what cannot be told may not."""
        pack = self.packs.get(city)
        used = self.manifest["data"].get(city, [])
        return pack is not None and all(
            pack.has(item["id"])
            and pack.dataset(item["id"]).sha256 == item["sha256"]
            and pack.dataset(item["id"]).provenance.residency is Residency.OPEN
            for item in used
        )

    def subject(self, pilot: str | None, city: str | None, words: Titles) -> Titles:
        """Titles such as "On-demand transport, Tallinn: time series"."""
        pilots = [pilot] if pilot else sorted(self.manifest["pilots"])
        cities = {item["city"]["id"]: item["city"]["names"] for item in self.manifest["plan"]["cities"]}
        titles = {}
        for language in LANGUAGES:
            names = [
                self.manifest["pilots"][p].get("titles", {}).get(language)
                or self.manifest["pilots"][p]["title"]
                for p in pilots
            ]
            where = [cities[c].get(language, cities[c]["en"]) for c in ([city] if city else sorted(cities))]
            titles[language] = f"{' + '.join(names)}, {' + '.join(where)}: {words[language]}"
        return titles

    def collection(
        self,
        collection_id: str,
        kind: str,
        origin: Origin,
        form: Any,
        titles: Titles,
        description: str,
        *,
        city: str = "",
        properties: tuple[Property, ...] = (),
        withheld: list[str] | None = None,
    ) -> Collection:
        """One collection of the run."""
        plan = self.manifest["plan"]
        start = datetime.fromisoformat(plan["start"])
        cities = [city] if city else [item["city"]["id"] for item in plan["cities"]]
        boxes = [outline(self.packs[name]) for name in cities if name in self.packs]
        known = [box for box in boxes if box]
        demo = any(item["demo"] for item in plan["cities"] if item["city"]["id"] in cities)
        return Collection(
            id=collection_id,
            titles=titles,
            description=description,
            form=form,
            version=self.manifest["run_hash"],
            city=city,
            origin=origin,
            storage_crs=next((c["city"]["crs"] for c in plan["cities"] if c["city"]["id"] == city), ""),
            geometry="any" if kind == "label" else "",
            bbox=_union(known) if known else None,
            interval=(start, start + timedelta(days=plan["days"])),
            properties=properties,
            about=self._provenance(cities, demo=demo, withheld=withheld or []),
            run=self._run(),
            updated=datetime.fromtimestamp((self.folder / MANIFEST).stat().st_mtime, UTC).isoformat(
                timespec="seconds"
            ),
        )

    def _provenance(self, cities: list[str], *, demo: bool, withheld: list[str]) -> dict[str, Any]:
        used = [item for city in cities for item in self.manifest["data"].get(city, [])]
        return {
            "source": "simulated by " + ", ".join(sorted(self.manifest["pilots"])),
            "licence": "; ".join(sorted({item["licence"] for item in used})) or "unknown",
            "attribution": "; ".join(sorted({item["attribution"] for item in used})),
            "grade": "simulated",
            "inputs": used,
            "notes": list(self.manifest.get("notes", [])),
            **({"demo": True} if demo else {}),
            **({"withheld": withheld} if withheld else {}),
        }

    def _run(self) -> dict[str, Any]:
        plan = self.manifest["plan"]
        return {
            "run_id": self.manifest["run_id"],
            "run_hash": self.manifest["run_hash"],
            "verdict": self.manifest["verdict"],
            "pilots": self.manifest["pilots"],
            "scenario": {item["id"]: item["scenario"] for item in plan["pilots"]},
            "seed": plan["seed"],
            "days": plan["days"],
            "replications": plan["replications"],
            "versions": plan["versions"],
        }


def _union(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def _property(variable: Variable) -> Property:
    return Property(variable.name, "number", variable.title, variable.units)


_KPI_COLUMNS = (
    Property("pilot", "text", "Pilot."),
    Property("city", "text", "City."),
    Property("kpi", "text", "Indicator."),
    Property("value", "number", "Its value."),
    Property("unit", "text", "Unit of the value."),
    Property("better", "text", "Which way is better."),
    Property("low", "number", "Lower end of the interval."),
    Property("high", "number", "Upper end of the interval."),
)


def variables_of(store: Path) -> dict[str, list[Variable]]:
    """The variables of a run's data by group, coordinates left out, from the store's metadata alone."""
    metadata = json.loads((store / ".zmetadata").read_bytes())["metadata"]
    groups: dict[str, list[Variable]] = {}
    for key in sorted(metadata):
        path, _, what = key.rpartition("/")
        group, _, name = path.rpartition("/")
        if what != ".zarray" or group.count("/") != 1:
            continue
        attributes = metadata.get(f"{path}/.zattrs", {})
        dims = tuple(attributes.get("_ARRAY_DIMENSIONS", ()))
        coordinates = str(metadata.get(f"{group}/.zattrs", {}).get("coordinates", "")).split()
        if dims == (name,) or name in coordinates or "units" not in attributes:
            continue
        size = 1
        for length in metadata[key]["shape"]:
            size *= length
        groups.setdefault(group, []).append(
            Variable(
                name,
                dims,
                size,
                str(attributes["units"]),
                str(attributes.get("long_name", name)),
                str(attributes.get("origin", "simulated")),
                str(metadata[key]["dtype"])[1:2] in "fiub",
            )
        )
    return groups
