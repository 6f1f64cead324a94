"""Write a collection as a file that a tool opens: GeoPackage for QGIS, NetCDF for Python, CSV for all."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from api.catalogue.collection import Collection
from api.catalogue.prepare import dataset_of, frame_of
from geodata.atomic import flush, partial_name, remove


def export(collection: Collection, form: str, path: Path) -> None:
    """Write a collection in a format; the file appears whole or not at all.

    Args:
        collection: The collection.
        form: A name of :data:`WRITERS`.
        path: The file, or for Zarr the folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path).with_suffix(path.suffix)
    try:
        WRITERS[form](collection, partial)
        if partial.is_file() and form in ("csv", "geojson"):
            zipped = partial_name(path.with_name(path.name + ".gz"))
            with partial.open("rb") as plain, gzip.GzipFile(zipped, "wb", 6, mtime=0) as packed:
                shutil.copyfileobj(plain, packed)
            zipped.rename(path.with_name(path.name + ".gz"))
        flush(partial)
        partial.rename(path)
    finally:
        remove(partial)


def _geoparquet(collection: Collection, path: Path) -> None:
    frame = frame_of(collection)
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(
            path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
        )
    else:
        frame.to_parquet(path, index=False, compression="zstd")


def _arrow(collection: Collection, path: Path) -> None:
    frame = frame_of(collection)
    if isinstance(frame, gpd.GeoDataFrame):
        table = pa.table(frame.to_arrow(index=False))
    else:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def _vector(driver: str) -> Callable[[Collection, Path], None]:
    def write(collection: Collection, path: Path) -> None:
        import pyogrio

        frame = frame_of(collection)
        layer = collection.id.replace(".", "_")
        # SPATIAL_INDEX in FlatGeobuf refuses rows without geometry; a table without any is written plain.
        options = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" and _some_nowhere(frame) else {}
        with pyogrio_quiet():
            pyogrio.write_dataframe(frame, path, driver=driver, layer=layer, **options)

    return write


def _some_nowhere(frame: pd.DataFrame) -> bool:
    return not isinstance(frame, gpd.GeoDataFrame) or bool(frame.geometry.isna().any())


def pyogrio_quiet() -> Any:
    """Without GDAL's remark that a file with a hidden name does not end as its format does."""
    import warnings

    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


def _csv(collection: Collection, path: Path) -> None:
    frame = frame_of(collection)
    if isinstance(frame, gpd.GeoDataFrame):
        lonlat = frame.to_crs("OGC:CRS84").geometry
        frame = pd.DataFrame(frame.drop(columns="geometry")).assign(geometry_wkt=lonlat.to_wkt())
    safe = frame.apply(
        lambda column: (
            column.map(_no_formula)
            if column.dtype.kind in "OU" or str(column.dtype).startswith("str")
            else column
        )
    )
    safe.to_csv(path, index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")


def _no_formula(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, made harmless with an apostrophe."""
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _netcdf(collection: Collection, path: Path) -> None:
    data = dataset_of(collection).load()
    data.attrs = _plain(data.attrs) | _credits(collection)
    for variable in data.variables.values():
        variable.attrs = _plain(variable.attrs)
    data.to_netcdf(path, engine="h5netcdf")


def _zarr(collection: Collection, path: Path) -> None:
    data = dataset_of(collection)
    data.attrs = _plain(data.attrs) | _credits(collection)
    for variable in data.variables.values():
        variable.encoding.clear()
    data.to_zarr(path, consolidated=True, zarr_format=2)


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes that every format takes: lists as text, nothing empty."""
    return {
        str(name): "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
        for name, value in attributes.items()
        if value is not None and not isinstance(value, dict)
    }


def _credits(collection: Collection) -> dict[str, str]:
    names = ("licence", "attribution", "source", "grade")
    return {name: str(collection.about[name]) for name in names if collection.about.get(name)}


WRITERS: Mapping[str, Callable[[Collection, Path], None]] = {
    "geoparquet": _geoparquet,
    "arrow": _arrow,
    "gpkg": _vector("GPKG"),
    "flatgeobuf": _vector("FlatGeobuf"),
    "csv": _csv,
    "netcdf": _netcdf,
    "zarr": _zarr,
}
