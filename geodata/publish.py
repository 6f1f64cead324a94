"""Write a pack so that it is there whole or not at all.

Data files go first, under names that carry their hash; then `pack.json` replaces its predecessor in one
step. Whoever opens the pack sees the old one or the new one. Files that no manifest names are swept after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from geodata.atomic import flush, partial_name, remove, write_text
from geodata.city import City
from geodata.kinds import Kind
from geodata.manifest import DatasetEntry, PackManifest, Provenance
from geodata.pack import MANIFEST, CityPack, hash_of, open_pack

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True)
class Draft:
    """A dataset that is checked and ready to be written.

    Args:
        id: Its id in the pack.
        kind: Its kind.
        data: Table in the kind's columns (a GeoDataFrame in the city's CRS where the kind has a geometry),
            or cube.
        provenance: Where it comes from.
        resolution_s: Length of the interval that a row of a series describes.
    """

    id: str
    kind: Kind
    data: pd.DataFrame | gpd.GeoDataFrame | xr.Dataset
    provenance: Provenance
    resolution_s: float | None = None


def write_pack(
    folder: Path,
    city: City,
    drafts: Mapping[str, Draft],
    *,
    recipe_sha256: str,
    demo: bool = False,
    extra: Mapping[str, str] | None = None,
) -> CityPack:
    """Write a pack into a folder, replacing the one that stands there.

    Args:
        folder: The pack's folder, made if needed.
        city: The city.
        drafts: Datasets by id.
        recipe_sha256: Hash of the recipe it was built by.
        demo: Whether it is a generated demo pack.
        extra: Texts to keep beside the manifest by file name, e.g. the cleaning report.

    Returns:
        The pack, opened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = {path.name for path in folder.iterdir()}
    try:
        entries = tuple(_write_dataset(folder, drafts[name]) for name in sorted(drafts))
        extras = {name: _write_extra(folder, name, text) for name, text in sorted((extra or {}).items())}
        manifest = PackManifest(
            city=city, demo=demo, recipe_sha256=recipe_sha256, datasets=entries, extras=extras
        )
        write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
    except BaseException:
        _sweep(folder, before)
        raise
    _sweep(folder, {entry.file for entry in entries} | set(extras.values()) | {MANIFEST})
    return open_pack(folder)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing a pack into the same folder meanwhile; they wait their turn."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        yield


def _write_extra(folder: Path, name: str, text: str) -> str:
    """Keep a text under a name that carries its hash, so that it changes together with the manifest."""
    stem, _, suffix = name.rpartition(".")
    file = f"{stem}.{hashlib.sha256(text.encode()).hexdigest()[:12]}.{suffix}"
    write_text(folder / file, text)
    return file


def _write_dataset(folder: Path, draft: Draft) -> DatasetEntry:
    """Write a dataset's file under a name that carries its hash."""
    import xarray as xr

    data = draft.data
    partial = partial_name(folder / draft.id)
    try:
        if isinstance(data, xr.Dataset):
            data.to_zarr(partial, consolidated=False, zarr_format=3)
            suffix, rows = "zarr", int(sum(item.size for item in data.data_vars.values()))
            columns = tuple(str(name) for name in data.data_vars)
        else:
            _write_table(data, partial, mapped=draft.kind.geometry is not None)
            suffix, rows = "parquet", len(data)
            columns = tuple(str(name) for name in data.columns if name != "geometry")
        digest = hash_of(partial)
        file = f"{draft.id}.{digest[:12]}.{suffix}"
        _put(partial, folder / file, digest)
    except BaseException:
        remove(partial)
        raise
    start, end = _period(data)
    crs, bbox = _extent(data)
    return DatasetEntry(
        id=draft.id, kind=draft.kind.name, file=file, form=draft.kind.form, rows=rows,
        columns=columns, crs=crs, bbox=bbox, time_start=start, time_end=end,
        resolution_s=draft.resolution_s, provenance=draft.provenance, sha256=digest,
    )  # fmt: skip


def _write_table(data: pd.DataFrame, path: Path, *, mapped: bool) -> None:
    if mapped:
        data.to_parquet(
            path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
        )
    else:
        data.to_parquet(path, index=False, compression="zstd")


def _put(partial: Path, target: Path, digest: str) -> None:
    """Give a written file its name, unless the same bytes stand there already and are whole."""
    if target.exists() and hash_of(target) == digest:
        remove(partial)
        return
    flush(partial)
    remove(target)
    partial.rename(target)


def _period(data: pd.DataFrame | xr.Dataset) -> tuple[datetime | None, datetime | None]:
    """First and last instant of a series of rows."""
    import pandas as pd
    import xarray as xr

    if isinstance(data, xr.Dataset) or "time" not in data or not len(data):
        return None, None
    first, last = data["time"].min(), data["time"].max()
    return pd.Timestamp(first).to_pydatetime(), pd.Timestamp(last).to_pydatetime()


def _extent(
    data: pd.DataFrame | gpd.GeoDataFrame | xr.Dataset,
) -> tuple[str | None, tuple[float, float, float, float] | None]:
    """CRS and the box in WGS 84, of a map or of a grid with its CRS in ``attrs``."""
    import geopandas as gpd
    import pyproj
    import xarray as xr

    if isinstance(data, gpd.GeoDataFrame):
        crs, bounds = data.crs.to_string(), tuple(data.total_bounds) if len(data) else None
    elif isinstance(data, xr.Dataset) and "crs" in data.attrs:
        x, y = data["x"].to_numpy(), data["y"].to_numpy()
        half = abs(x[1] - x[0]) / 2 if len(x) > 1 else 0.0
        crs, bounds = data.attrs["crs"], (x.min() - half, y.min() - half, x.max() + half, y.max() + half)
    else:
        return None, None
    if bounds is None:
        return crs, None
    turn = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    west, south, east, north = turn.transform_bounds(*bounds)
    return crs, (float(west), float(south), float(east), float(north))


def _sweep(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in keep:
            remove(path)
