"""A collection as JSON and back, for the way from the server to a worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.catalogue.collection import Collection, Origin, Property


def collection_to_json(collection: Collection) -> dict[str, Any]:
    """What a worker needs to know of a collection."""
    origin = collection.origin
    return {
        "id": collection.id,
        "titles": dict(collection.titles),
        "description": collection.description,
        "form": collection.form,
        "version": collection.version,
        "city": collection.city,
        "storage_crs": collection.storage_crs,
        "geometry": collection.geometry,
        "bbox": collection.bbox,
        "about": dict(collection.about),
        "run": {name: collection.run[name] for name in ("run_id", "run_hash") if name in collection.run},
        "properties": [[p.name, p.type, p.description, p.unit] for p in collection.properties],
        "origin": {
            "path": str(origin.path),
            "kind": origin.kind,
            "pack": str(origin.pack) if origin.pack else None,
            "group": origin.group,
            "label": origin.label,
            "names": list(origin.names),
            "key": list(origin.key),
        },
    }


def collection_from_json(document: dict[str, Any]) -> Collection:
    """The other way."""
    origin = document["origin"]
    return Collection(
        id=document["id"],
        titles=document["titles"],
        description=document["description"],
        form=document["form"],
        version=document["version"],
        city=document["city"],
        storage_crs=document["storage_crs"],
        geometry=document["geometry"],
        bbox=tuple(document["bbox"]) if document["bbox"] else None,
        about=document["about"],
        run=document["run"],
        properties=tuple(Property(*item) for item in document["properties"]),
        origin=Origin(
            Path(origin["path"]),
            origin["kind"],
            pack=Path(origin["pack"]) if origin["pack"] else None,
            group=origin["group"],
            label=origin["label"],
            names=tuple(origin["names"]),
            key=tuple(origin["key"]),
        ),
    )
