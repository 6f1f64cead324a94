"""Prepared products of collections, opened when they are asked for and closed when others push them out."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import anyio.to_thread

from api.catalogue.collection import Collection
from api.catalogue.features import FeatureTable
from api.catalogue.grid import Grid, open_grid
from api.catalogue.series import Series, open_series
from api.catalogue.wire import collection_to_json
from api.jobs.workshop import Workshop

FORMAT = 2
"""Of the prepared files; a change makes all products anew."""
_OPEN = 200
_OPENERS: dict[str, Any] = {"features": FeatureTable, "grid": open_grid, "series": open_series}
Product = FeatureTable | Grid | Series


class Products:
    """Opens products, having them prepared where they are not.

    Args:
        folder: Where products stand.
        workshop: Prepares them.
    """

    def __init__(self, folder: Path, workshop: Workshop) -> None:
        self.folder, self.workshop = folder, workshop
        self._open: OrderedDict[tuple[str, str], Product] = OrderedDict()
        self._locks: dict[Path, asyncio.Lock] = {}

    def ready(self, collection: Collection) -> Product | None:
        """The product, if it is open."""
        key = (collection.id, self.mark(collection))
        product = self._open.get(key)
        if product is not None:
            self._open.move_to_end(key)
        return product

    async def get(self, collection: Collection) -> Product:
        """The product, prepared and opened if need be."""
        product = self.ready(collection)
        if product is not None:
            return product
        folder = self.path(collection)
        async with self._locks.setdefault(folder, asyncio.Lock()):
            product = self.ready(collection)
            if product is None:
                if not folder.exists():
                    payload = {"collection": collection_to_json(collection), "folder": str(folder)}
                    await self.workshop.call("prepare", payload, wall_s=900)
                opened: Product = await anyio.to_thread.run_sync(_OPENERS[collection.form], folder)
                self._open[collection.id, self.mark(collection)] = product = opened
                while len(self._open) > _OPEN:
                    self._open.popitem(last=False)
        return product

    async def file(self, collection: Collection, form: str, suffix: str) -> Path:
        """A collection as a file (for Zarr a folder), written if need be."""
        path = (
            self.path(collection).with_name(f"{self.path(collection).name}.files")
            / f"{collection.id}.{suffix}"
        )
        if not path.exists():
            async with self._locks.setdefault(path, asyncio.Lock()):
                payload = {"collection": collection_to_json(collection), "format": form, "path": str(path)}
                await self.workshop.call("export", payload, wall_s=900)
        return path

    def path(self, collection: Collection) -> Path:
        """Where a collection's product stands."""
        return self.folder / f"{collection.id}-{self.mark(collection)}"

    @staticmethod
    def mark(collection: Collection) -> str:
        """Names a version of what is served: the data, what of them is shown, and the format of the files."""
        shown = ",".join(collection.origin.names)
        text = f"{FORMAT}:{collection.version}:{shown}:{collection.origin.pack}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
