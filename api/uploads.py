"""Uploads: a city's pack comes as a zip file, waits in quarantine, and is put in place if it holds up."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.access.actions import Action
from api.access.guard import Target
from api.answers import answer
from api.bodies import created, takes
from api.entry import Entry, Visitor
from api.jobs.quarantine import put_in_place
from api.jobs.workshop import TaskProblem
from api.parameters import Format
from api.problems import NotFound, TooLarge
from api.receiving import media_of, note, received
from api.store import UPLOADS
from geodata.city import find_city
from geodata.errors import InvalidInput

router = APIRouter(tags=["Uploads"])
_ZIP = "application/zip"


@router.post(
    "/uploads/{cityId}",
    name="upload",
    summary="Upload a city's pack",
    openapi_extra=takes({_ZIP: {"type": "string", "format": "binary"}}),
    responses=created("The pack is in place"),
)
async def upload(entry: Visitor, cityId: str) -> Response:
    """Take a pack as a zip file, hold it to its manifest, and put it in the place of the city's old one."""
    city = find_city(cityId)
    entry.check(Action.UPLOAD, Target(city.id), "upload")
    media_of(entry.request, _ZIP)
    context, limits = entry.context, entry.context.settings.limits
    name = secrets.token_urlsafe(12)
    try:
        async with received(entry.request, context.settings, "pack.zip", limits.upload_bytes, b"PK") as file:
            report = await _check(entry, file.parent)
            _same_city(report["city"], city.id)
            size = file.stat().st_size
            place = context.settings.home / "packs" / city.id
            await anyio.to_thread.run_sync(put_in_place, file.parent / "pack", place)
    except (InvalidInput, TaskProblem, TooLarge) as error:
        refused = {"detail": str(error)}
        await asyncio.to_thread(note, context.store, entry.caller, name, 0, refused, "refused")
        raise
    entry.context.catalogue.look_again()
    await asyncio.to_thread(note, context.store, entry.caller, name, size, report)
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
