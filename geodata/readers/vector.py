"""Vector files: GeoPackage, GeoJSON, Shapefile, TopoJSON, FlatGeobuf and others that GDAL reads; GeoParquet.

One reader for all of them: the format is told by the file, the rest is the same.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading

if TYPE_CHECKING:
    import geopandas as gpd

_SIDECARS = (".shx", ".dbf")


class VectorOptions(Options):
    """Options of the reader ``vector``.

    Args:
        layer: Name of the layer, where the file has several.
        columns: Which columns to read; all if left out.
        encoding: Encoding of the text, where the file does not tell it (Shapefile without .cpg).
    """

    layer: str | None = None
    columns: tuple[str, ...] | None = None
    encoding: str | None = None


def read(path: Path, options: VectorOptions) -> Reading:
    """Read a vector file.

    Raises:
        UnreadableSource: It is of no known format, damaged or truncated, lacks a layer or column, or a
            Shapefile's companions are missing.
    """
    if path.suffix in {".parquet", ".geoparquet"}:
        return Reading.numbered(_geoparquet(path, options))
    _check_companions(path)
    frame = _gdal(path, options)
    if options.columns:
        missing = sorted(set(options.columns) - set(frame.columns))
        if missing:
            known = ", ".join(str(name) for name in frame.columns if name != "geometry")
            raise UnreadableSource(
                "the file lacks a column", file=path, field=missing[0], expected=f"one of {known}"
            )
    return Reading.numbered(frame)


def _geoparquet(path: Path, options: VectorOptions) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyarrow as pa

    try:
        return gpd.read_parquet(path, columns=[*options.columns, "geometry"] if options.columns else None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableSource(f"the GeoParquet file is truncated or damaged: {error}", file=path) from error


def _gdal(path: Path, options: VectorOptions) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyogrio

    layer = _layer(path, options.layer)
    more: dict[str, Any] = {"encoding": options.encoding} if options.encoding else {}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frame = pyogrio.read_dataframe(
                path, layer=layer, columns=options.columns, use_arrow=False, **more
            )
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pyogrio.errors.FeatureError,
    ) as error:
        raise UnreadableSource(f"the file is truncated or damaged: {error}", file=path) from error
    except (UnicodeDecodeError, ValueError, RuntimeError) as error:
        raise UnreadableSource(f"the file cannot be read: {error}", file=path) from error
    _check_whole(path, layer, len(frame), [str(item.message) for item in caught])
    if not isinstance(frame, gpd.GeoDataFrame):
        frame = gpd.GeoDataFrame(frame, geometry=np.full(len(frame), None))
    return frame


def _layer(path: Path, wanted: str | None) -> str:
    import pyogrio

    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise UnreadableSource(
            "the file is of no vector format that is known, or damaged", file=path, value=_begin(path)
        ) from error
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted is None or wanted not in layers:
        raise UnreadableSource(
            "the file has several layers" if wanted is None else "the file has no such layer",
            file=path,
            field="layer",
            value=wanted,
            expected="one of " + ", ".join(layers),
        )
    return wanted


def _check_whole(path: Path, layer: str, rows: int, said: list[str]) -> None:
    """GDAL gives what it could read of a truncated file, and only mutters."""
    import pyogrio

    promised = int(pyogrio.read_info(path, layer=layer)["features"])
    worrying = [
        text for text in said if any(word in text.lower() for word in ("truncat", "corrupt", "damag", "fail"))
    ]
    if worrying or (promised >= 0 and rows != promised):
        detail = worrying[0] if worrying else f"{rows} features could be read"
        raise UnreadableSource(
            f"the file is truncated or damaged: {detail}", file=path, expected=f"{promised} features"
        )


def _check_companions(path: Path) -> None:
    if path.suffix.lower() != ".shp":
        return
    for suffix in _SIDECARS:
        if not any(path.with_suffix(form).exists() for form in (suffix, suffix.upper())):
            raise UnreadableSource(
                "a file that belongs to the Shapefile is missing",
                file=path.with_suffix(suffix),
                expected="a file",
            )


def _begin(path: Path) -> str:
    with path.open("rb") as stream:
        return repr(stream.read(16))


READER = Reader(VectorOptions, read)
