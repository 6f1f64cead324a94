"""Uploads: a city's pack comes as a zip file, waits in quarantine, and is put in place if it holds up."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.actions import Action
from api.access.guard import Target
from api.answers import JSON, answer
from api.entry import Entry, Visitor
from api.jobs.workshop import TaskProblem
from api.parameters import Format
from api.problems import NotFound, TooLarge, UnsupportedMedia
from api.store import UPLOADS, stamp
from geodata.city import find_city
from geodata.errors import InvalidInput

router = APIRouter(tags=["Uploads"])
_ZIP = "application/zip"
_BODY = {
    "requestBody": {"required": True, "content": {_ZIP: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post(
    "/uploads/{cityId}",
    name="upload",
    summary="Upload a city's pack",
    openapi_extra=_BODY,
    responses={201: {"description": "The pack is in place", "content": {JSON: {}}}},
)
async def upload(entry: Visitor, cityId: str) -> Response:
    """Take a pack as a zip file, hold it to its manifest, and put it in the place of the city's old one."""
    city = find_city(cityId)
    entry.check(Action.UPLOAD, Target(city.id), "upload")
    media = entry.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _ZIP:
        raise UnsupportedMedia("a pack comes as a zip file", field="Content-Type", value=media, expected=_ZIP)
    limits = entry.context.settings.limits
    name = secrets.token_urlsafe(12)
    folder = entry.context.settings.folder / "quarantine" / name
    folder.mkdir(parents=True)
    try:
        size = await _receive(entry.request, folder / "pack.zip", limits.upload_bytes)
        report = await _check(entry, folder)
        _same_city(report["city"], city.id)
        await anyio.to_thread.run_sync(
            _install, folder / "pack", entry.context.settings.home / "packs" / city.id
        )
    except (InvalidInput, TaskProblem, TooLarge) as error:
        await asyncio.to_thread(_keep, entry, name, 0, "refused", {"detail": str(error)})
        raise
    finally:
        await anyio.to_thread.run_sync(shutil.rmtree, folder, True)  # noqa: FBT003 - ignore errors
    entry.context.catalogue.look_again()
    await asyncio.to_thread(_keep, entry, name, size, "accepted", report)
    document = {"id": name, "status": "accepted", **report}
    headers = {"Location": entry.href(f"/uploads/{name}/report")}
    return answer(entry.request, document, "json", status=201, headers=headers)


@router.get("/uploads/{uploadId}/report", name="upload report", summary="What became of an upload")
async def report(entry: Visitor, uploadId: str, f: Format = None) -> Response:
    """The report of an upload of the caller's tenant."""
    query = sa.select(UPLOADS).where(UPLOADS.c.id == uploadId, UPLOADS.c.tenant == entry.caller.tenant)
    row = await asyncio.to_thread(entry.context.store.one, query)
    if row is None:
        raise NotFound("there is no such upload", field="uploadId", value=uploadId)
    document = {
        "id": row["id"],
        "status": row["status"],
        "created": row["created"],
        **json.loads(row["report"]),
    }
    return answer(entry.request, document, f, title="Upload")


async def _receive(request: Request, path: Path, most: int) -> int:
    """Stream a body into a file, a piece at a time; the first piece must begin as a zip file does."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge("the upload is too large", value=int(declared), expected=f"{most} bytes at most")
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        async for piece in request.stream():
            if size == 0 and piece and not piece.startswith(b"PK"[: len(piece)]):
                raise InvalidInput("the upload is no zip file", field="body")
            size += len(piece)
            if size > most:
                raise TooLarge("the upload is too large", value=size, expected=f"{most} bytes at most")
            await anyio.to_thread.run_sync(_write_all, descriptor, piece)
    finally:
        os.close(descriptor)
    if size == 0:
        raise InvalidInput("the upload is empty", field="body", expected="a zip file")
    return size


def _write_all(descriptor: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


async def _check(entry: Entry, folder: Path) -> dict[str, Any]:
    limits = entry.context.settings.limits
    payload = {
        "archive": str(folder / "pack.zip"),
        "folder": str(folder / "pack"),
        "limits": {
            "unpacked_bytes": limits.unpacked_bytes,
            "files": limits.upload_files,
            "ratio": limits.upload_ratio,
        },
    }
    found: dict[str, Any] = await entry.context.workshop.call("check_pack", payload, wall_s=600)
    return found


def _same_city(found: str, expected: str) -> None:
    if found != expected:
        raise InvalidInput("the pack is of another city", field="city", value=found, expected=expected)


def _install(new: Path, place: Path) -> None:
    """Put a checked pack in place of the old one; whoever has the old one open keeps it open."""
    place.parent.mkdir(parents=True, exist_ok=True)
    old = place.with_name(f".{place.name}.{secrets.token_hex(4)}.old")
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _keep(entry: Entry, name: str, size: int, status: str, report_: dict[str, Any]) -> None:
    with entry.context.store.write() as connection:
        connection.execute(
            sa.insert(UPLOADS).values(
                id=name,
                tenant=entry.caller.tenant,
                bytes=size,
                status=status,
                report=json.dumps(report_),
                created=stamp(),
            )
        )
