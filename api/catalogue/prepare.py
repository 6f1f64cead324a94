"""Prepare a collection for fast answers: once, in a process of its own, into a folder of flat files.

Like a kitchen that chops before it opens: features are serialised to GeoJSON, their bounds laid out in
columns,
coverages in arrays that the server maps into memory. A request then picks and joins bytes; it builds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import shapely
import xarray as xr

from api.catalogue.collection import Collection
from api.catalogue.results import kind_of_label
from api.catalogue.series import series_of_frame, write_series
from geodata.atomic import new_folder
from geodata.errors import NotReady
from geodata.pack import open_pack
from twin.result import open_result

DECIMALS = 7
"""Of a degree: about a centimetre."""


def prepare(collection: Collection, folder: Path) -> None:
    """Write the product of a collection into a folder that must not exist yet."""
    writers: Mapping[str, Callable[[Collection, Path], None]] = {
        "features": _prepare_features,
        "grid": _prepare_grid,
        "series": _prepare_series,
    }
    with new_folder(folder) as partial:
        writers[collection.form](collection, partial)


def frame_of(collection: Collection) -> pd.DataFrame | gpd.GeoDataFrame:
    """The rows of a collection, with geometry in the storage CRS where there is one."""
    origin = collection.origin
    if origin.kind == "table":
        read = gpd.read_parquet if collection.geometry else pd.read_parquet
        frame = read(origin.path)
        return frame.drop(columns=[name for name in frame.columns if name == "bbox"])
    if origin.kind == "kpis":
        return pd.read_parquet(origin.path)
    data = dataset_of(collection)
    if origin.kind == "label":
        return _frame_of_label(collection, data)
    return data.to_dataframe().reset_index()


def dataset_of(collection: Collection) -> xr.Dataset:
    """The cube of a collection, lazily: of a pack, or one group of a run without what is withheld."""
    origin = collection.origin
    if origin.kind == "cube":
        cube: xr.Dataset = xr.open_zarr(origin.path, consolidated=False)
        return cube
    node = open_result(origin.path).data[origin.group]
    assert isinstance(node, xr.DataTree)
    return node.to_dataset()[list(origin.names)]


def _frame_of_label(collection: Collection, data: xr.Dataset) -> gpd.GeoDataFrame:
    label = collection.origin.label
    frame = pd.DataFrame({name: data[name].to_numpy() for name in collection.origin.names})
    frame.insert(0, label, data[label].astype(str).to_numpy())
    places = places_of(collection, label)
    if places is None:
        return gpd.GeoDataFrame(frame, geometry=[None] * len(frame), crs=collection.storage_crs)
    joined = frame.merge(places, how="left", left_on=label, right_on="place_id").drop(columns="place_id")
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=places.crs)


def places_of(collection: Collection, label: str) -> gpd.GeoDataFrame | None:
    """The places that a label names, from the city's pack: ``place_id`` and ``geometry``."""
    kind = kind_of_label(label)
    if collection.origin.pack is None or kind is None:
        return None
    pack = open_pack(collection.origin.pack)
    found = pack.of_kind(kind)
    if not found:
        return None
    key = label if label in found[0].columns else f"{label}_id"
    frame = pack.features(found[0].id, [key])
    frame = frame.assign(place_id=frame[key].astype(str))[["place_id", "geometry"]]
    return frame.drop_duplicates("place_id")


def _prepare_features(collection: Collection, folder: Path) -> None:
    frame = frame_of(collection)
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = shapely.force_2d(frame.to_crs("OGC:CRS84").geometry.to_numpy())
        table = pd.DataFrame(frame.drop(columns="geometry"))
        native = _write_native(folder, collection, frame)
    else:
        shapes, table, native = np.full(len(frame), None, dtype=object), frame, ""
    ids = _ids(collection, table)
    _write_features(folder, ids, table, shapes)
    wkb = shapely.to_wkb(shapes)
    _write_blobs(folder / "wkb", [item or b"" for item in wkb])
    np.save(folder / "bounds.npy", np.ascontiguousarray(shapely.bounds(shapes).T))
    _write_ids(folder, ids)
    _write_columns(folder, ids, table)
    kinds = sorted({shape.geom_type for shape in shapes if shape is not None})
    meta = {"rows": len(frame), "points": kinds in ([], ["Point"]), "types": kinds, "native": native}
    (folder / "meta.json").write_text(json.dumps(meta))


def _write_native(folder: Path, collection: Collection, frame: gpd.GeoDataFrame) -> str:
    """Geometries as the pack holds them, for who asks in its CRS; returns the CRS, empty for CRS84."""
    if not collection.storage_crs:
        return ""
    shapes = shapely.force_2d(frame.to_crs(collection.storage_crs).geometry.to_numpy())
    _write_blobs(folder / "native", [item or b"" for item in shapely.to_wkb(shapes)])
    return collection.storage_crs


def _ids(collection: Collection, table: pd.DataFrame) -> list[str]:
    """Features' ids: the key's values joined by colons; the row's number where they are not unique."""
    key = {"kpis": ("pilot", "city", "kpi"), "label": (collection.origin.label,)}.get(
        collection.origin.kind, collection.origin.key
    )
    if key and set(key) <= set(table.columns):
        ids = [":".join(map(str, row)) for row in table[list(key)].itertuples(index=False)]
        if len(set(ids)) == len(ids) and all(item.strip(".") and len(item) <= 200 for item in ids):
            return ids
    return [str(number) for number in range(len(table))]


def _write_features(folder: Path, ids: list[str], table: pd.DataFrame, shapes: Any) -> None:
    """Each feature's GeoJSON followed by a comma, with the offsets of features and of their geometries."""
    rounded = shapely.transform(shapes, lambda xy: np.round(xy, DECIMALS))
    geometries = shapely.to_geojson(rounded)
    properties = rows_as_json(table)
    ends, heads, at = [0], [], 0
    with (folder / "features.bin").open("wb") as stream:
        for name, text, shape in zip(ids, properties, geometries, strict=True):
            head = b'{"type":"Feature","id":%b,"properties":%b,"geometry":' % (orjson.dumps(name), text)
            blob = head + (shape.encode() if shape is not None else b"null") + b"},"
            stream.write(blob)
            heads.append(at + len(head))
            at += len(blob)
            ends.append(at)
    np.save(folder / "offsets.npy", np.array(ends, dtype=np.int64))
    np.save(folder / "geometry_at.npy", np.array(heads, dtype=np.int64))


def rows_as_json(table: pd.DataFrame) -> list[bytes]:
    """Each row of a table as a JSON object; empty cells are null, instants RFC 3339 in UTC."""
    columns = {str(name): plain_values(table[name]) for name in table.columns}
    names = list(columns)
    return (
        [orjson.dumps(dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True)]
        if names
        else [b"{}"] * len(table)
    )


def plain_values(series: pd.Series[Any]) -> list[Any]:
    """A column's values as JSON knows them."""
    if isinstance(series.dtype, pd.DatetimeTZDtype) or series.dtype.kind == "M":
        moments = pd.to_datetime(series, utc=True)
        texts = moments.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        return [None if pd.isna(moment) else text for moment, text in zip(moments, texts, strict=True)]
    if series.dtype.kind == "f":
        values = series.to_numpy()
        return [
            value if finite else None
            for value, finite in zip(values.tolist(), np.isfinite(values), strict=True)
        ]
    return [None if value is None or value is pd.NA or value != value else value for value in series.tolist()]  # noqa: PLR0124 - NaN


def _write_blobs(stem: Path, blobs: Sequence[bytes]) -> None:
    stem.with_suffix(".bin").write_bytes(b"".join(blobs))
    ends = np.concatenate([[0], np.cumsum([len(blob) for blob in blobs], dtype=np.int64)])
    np.save(stem.with_name(stem.name + "_offsets.npy"), ends.astype(np.int64))


def _write_ids(folder: Path, ids: list[str]) -> None:
    """Ids in sorted order with their rows, so that a feature is found by halving."""
    encoded = np.array([item.encode() for item in ids], dtype=np.bytes_) if ids else np.empty(0, "S1")
    order = np.argsort(encoded, kind="stable")
    np.save(folder / "ids.npy", encoded[order])
    np.save(folder / "id_rows.npy", order.astype(np.int64))


def _write_columns(folder: Path, ids: list[str], table: pd.DataFrame) -> None:
    """The properties by column, for filters; a property named ``id`` hides the feature's own."""
    columns = {str(name): pa.array(table[name], from_pandas=True) for name in table.columns}
    arrow = pa.table({"id": pa.array(ids, pa.string()), **columns})
    with (
        pa.OSFile(str(folder / "columns.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, arrow.schema) as writer,
    ):
        writer.write_table(arrow.combine_chunks())


def _prepare_series(collection: Collection, folder: Path) -> None:
    origin = collection.origin
    if origin.kind == "table":
        table = pd.read_parquet(origin.path)
        labels = [name for name in origin.key if name != "time"]
        places = _places_of_table(collection, labels)
    else:
        data = dataset_of(collection)
        table = data.to_dataframe().reset_index()
        labels = [origin.label] if origin.label else []
        places = places_of(collection, origin.label) if labels else None
    numeric = [p.name for p in collection.properties if p.type in ("number", "integer") and p.name in table]
    series = series_of_frame(table, labels, numeric, places, _centre(collection))
    write_series(folder, series)


def _places_of_table(collection: Collection, labels: list[str]) -> gpd.GeoDataFrame | None:
    """Where the series of a pack's table stand: `sensor_id` points to the pack's dataset of sensors."""
    return places_of(collection, labels[0]) if labels else None


def _centre(collection: Collection) -> tuple[float, float]:
    if collection.bbox is None:
        raise NotReady(
            "nothing says where the city is", field=collection.id, hint="the pack needs a boundary"
        )
    west, south, east, north = collection.bbox
    return (west + east) / 2, (south + north) / 2


def _prepare_grid(collection: Collection, folder: Path) -> None:
    data = dataset_of(collection)
    names = [str(name) for name in data.data_vars if {"y", "x"} <= set(data[name].dims) <= {"y", "x", "time"}]
    x, y = (np.asarray(data[axis].to_numpy(), dtype=np.float64) for axis in ("x", "y"))
    timed = any("time" in data[name].dims for name in names)
    for index, name in enumerate(names):
        array = data[name].transpose("y", "x", *(["time"] if "time" in data[name].dims else []))
        np.save(folder / f"variable_{index}.npy", np.ascontiguousarray(array.to_numpy()))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    if timed:
        np.save(folder / "time.npy", data["time"].to_numpy().astype("datetime64[ns]").astype(np.int64))
    meta = {
        "variables": names,
        "timed": [("time" in data[name].dims) for name in names],
        "crs": data.attrs.get("crs") or collection.storage_crs,
    }
    (folder / "meta.json").write_text(json.dumps(meta))
