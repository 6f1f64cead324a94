"""Write a pack so that it is there whole or not at all.

Data files go first, under names that carry their hash; then `pack.json` replaces its predecessor in one
step. Whoever opens the pack sees the old one or the new one. Files that no manifest names are swept after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    entries = tuple(_write_dataset(folder, drafts[name]) for name in sorted(drafts))
    manifest = PackManifest(city=city, demo=demo, recipe_sha256=recipe_sha256, datasets=entries)
    for name, text in (extra or {}).items():
        write_text(folder / name, text)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
    _sweep(folder, {entry.file for entry in entries} | {MANIFEST, *(extra or {})})
    return open_pack(folder)


def _write_dataset(folder: Path, draft: Draft) -> DatasetEntry:
    import xarray as xr
    from shapely.geometry import box

    data = draft.data
    partial = partial_name(folder / draft.id)
    bbox = crs = None
    try:
        if isinstance(data, xr.Dataset):
            data.to_zarr(partial, consolidated=False, zarr_format=3)
            rows, columns, suffix = (
                int(sum(v.size for v in data.data_vars.values())),
                tuple(map(str, data.data_vars)),
                "zarr",
            )
            crs = data.attrs.get("crs")
        else:
            if draft.kind.geometry is not None:
                data.to_parquet(
                    partial, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
                )
                crs = data.crs.to_string()
                outline = box(*data.total_bounds) if len(data) else None
                if outline is not None:
                    import geopandas as gpd

                    west, south, east, north = (
                        gpd.GeoSeries([outline], crs=data.crs).to_crs(4326).total_bounds
                    )
                    bbox = (float(west), float(south), float(east), float(north))
            else:
                data.to_parquet(partial, index=False, compression="zstd")
            rows, suffix = len(data), "parquet"
            columns = tuple(str(name) for name in data.columns if name != "geometry")
        digest = hash_of(partial)
        file = f"{draft.id}.{digest[:12]}.{suffix}"
        if (folder / file).exists():
            remove(partial)
        else:
            flush(partial)
            partial.rename(folder / file)
    except BaseException:
        remove(partial)
        raise
    start = end = None
    if not isinstance(data, xr.Dataset) and "time" in data.columns and len(data):
        start, end = data["time"].min().to_pydatetime(), data["time"].max().to_pydatetime()
    return DatasetEntry(
        id=draft.id, kind=draft.kind.name, file=file, form=draft.kind.form, rows=rows, columns=columns,
        crs=crs, bbox=bbox, time_start=start, time_end=end, resolution_s=draft.resolution_s,
        provenance=draft.provenance, sha256=digest,
    )  # fmt: skip


def _sweep(folder: Path, keep: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in keep:
            remove(path)
