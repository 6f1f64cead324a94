"""Collections as files: the formats that planners' tools open, with the licence beside them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import anyio.to_thread
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from api.access.actions import Action
from api.answers import JSON, bytes_answer, same_tag, takes_gzip
from api.catalogue.collection import Collection
from api.entry import Entry, Visitor
from api.problems import HttpProblem, NotFound

router = APIRouter(tags=["Files"])
_TABLE = (
    ("parquet", "geoparquet", "application/vnd.apache.parquet", "GeoParquet 1.1"),
    ("arrow", "arrow", "application/vnd.apache.arrow.stream", "Arrow stream"),
    ("gpkg", "gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    ("fgb", "flatgeobuf", "application/flatgeobuf", "FlatGeobuf"),
    ("csv", "csv", "text/csv", "CSV, geometry as well-known text"),
)
_CUBE = (
    ("nc", "netcdf", "application/netcdf", "NetCDF 4"),
    ("zarr", "zarr", "application/json", "Zarr 2, consolidated; open the folder"),
)
_SERIES = (*(item for item in _TABLE if item[1] in ("geoparquet", "arrow", "csv")),)


def formats_of(item: Collection) -> tuple[tuple[str, str, str, str], ...]:
    """Suffix, format, media type and title of each file a collection is offered as."""
    if item.form == "features":
        return _TABLE if item.geometry else _SERIES
    if item.origin.kind == "table":
        return _SERIES
    return _CUBE


def offered_files(item: Collection) -> list[tuple[str, str, str]]:
    """Name, media type and title of each file of a collection."""
    return [
        (f"{item.id}.{suffix}" + ("/.zmetadata" if suffix == "zarr" else ""), media, title)
        for suffix, _, media, title in formats_of(item)
    ]


@router.get("/collections/{collectionId}/licence", name="licence", summary="Licence of a collection")
async def licence(entry: Visitor, collectionId: str) -> Response:
    """What may be done with the data and what must be said beside them, as plain text."""
    found = entry.collection(collectionId)
    entry.note("licence", found.id)
    names = ("licence", "attribution", "source", "grade", "notes")
    lines = [f"{found.title('en')} ({found.id})"] + [
        f"{name}: {found.about[name]}" for name in names if found.about.get(name)
    ]
    if found.run:
        lines += [f"run: {found.run['run_id']}", f"rule: {found.run['verdict']['rule_id']}"]
    return bytes_answer(entry.request, ("\n".join(lines) + "\n").encode(), "text/plain; charset=utf-8")


@router.get(
    "/collections/{collectionId}/files/{name:path}",
    name="download",
    summary="A collection as a file",
    responses={200: {"description": "The file", "content": {"application/octet-stream": {}}}},
)
async def download(entry: Visitor, collectionId: str, name: str) -> Response:
    """A file of a collection; a Zarr store is read object by object below its folder."""
    found = entry.collection(collectionId)
    for suffix, form, media, _ in formats_of(found):
        own = f"{found.id}.{suffix}"
        if name == own or (form == "zarr" and name.startswith(own + "/")):
            entry.check(Action.DOWNLOAD, found.target, "download")
            entry.count(found.rows if name == own else 0)
            path = await entry.context.products.file(found, form, suffix)
            return await _send(entry, path, name.removeprefix(own).lstrip("/"), media)
    raise NotFound("there is no such file", field="name", value=name)


_RANGE = re.compile(r"bytes=(\d{1,15})?-(\d{1,15})?", re.ASCII)


class _RangeNotSatisfiable(HttpProblem):
    """The range asked for lies outside the file or is no range."""

    status = 416


def _check_range(request: Request, size: int) -> None:
    """Refuse what is no single range of bytes within a file."""
    text = request.headers.get("range")
    if text is None:
        return
    found = _RANGE.fullmatch(text.strip())
    first, last = found.groups() if found else (None, None)
    good = (first is not None or last is not None) and (first is None or int(first) < size)
    if not good or (first is not None and last is not None and int(first) > int(last)):
        raise _RangeNotSatisfiable(
            "the range does not serve", field="Range", value=text, expected=f"bytes=0-{size - 1}"
        )


async def _send(entry: Entry, path: Path, inner: str, media: str) -> Response:
    if path.is_dir():  # noqa: ASYNC240 - one look at the disk
        parts = inner.split("/")
        if not inner or any(part in ("", ".", "..") for part in parts) or not (path / inner).is_file():
            raise NotFound("there is no such object in the store", field="name", value=inner)
        # The objects of Zarr 2 that describe are JSON and begin with .z; the others are chunks.
        path, media = path / inner, JSON if parts[-1].startswith(".z") else "application/octet-stream"
    tag = await anyio.to_thread.run_sync(tag_of, path)
    headers = {"ETag": tag, "Content-Disposition": f'attachment; filename="{path.name}"'}
    if same_tag(entry.request, tag):
        return Response(status_code=304, headers=headers)
    _check_range(entry.request, await anyio.to_thread.run_sync(size_of, path))
    packed = path.with_name(path.name + ".gz")
    if packed.exists() and takes_gzip(entry.request) and "range" not in entry.request.headers:
        return FileResponse(packed, media_type=media, headers={**headers, "Content-Encoding": "gzip"})
    return FileResponse(path, media_type=media, headers=headers)


def size_of(path: Path) -> int:
    """Size of a file in bytes."""
    return path.stat().st_size


def tag_of(path: Path) -> str:
    """A tag of a file's content: products never change under one name, so name, size and time tell."""
    stat = path.stat()
    text = f"{path}:{stat.st_size}:{stat.st_mtime_ns}"
    return f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'
