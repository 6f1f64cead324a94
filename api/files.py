"""Files of a tenant's own that runs read: last year's bookings for a service on demand, for one.

A pilot declares which of its scenario's fields name such a file and reads it to the end before it is kept;
from then on the tenant's runs name it: ``"scenario": {"requests_file": "upload-….csv"}``.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.access.actions import Action
from api.access.guard import Target
from api.answers import answer
from api.bodies import created, takes
from api.entry import Entry, Visitor
from api.jobs.tasks import COUPLED
from api.problems import NotAuthenticated, NotFound
from api.receiving import UPLOADED, check_room, media_of, note, received
from api.store import UPLOADS
from geodata.errors import InvalidInput

router = APIRouter(tags=["Processes"])


@router.post(
    "/processes/{processId}/files/{field}",
    name="keep file",
    summary="Keep a file that runs read",
    openapi_extra=takes({"text/csv": {"type": "string"}}),
    responses=created("The file is kept"),
)
async def keep(entry: Visitor, processId: str, field: str) -> Response:
    """Take a file in quarantine, have the pilot read it, and keep it for the tenant's runs."""
    if not entry.caller.known:
        raise NotAuthenticated("a key is needed", field="files")
    context = entry.context
    card = await context.pilots.get(processId)
    entry.check(Action.RUN, Target(processId), "keep file")
    wanted = next((item for item in card.about["files"] if item["field"] == field), None)
    if wanted is None:
        fields = ", ".join(item["field"] for item in card.about["files"])
        raise NotFound("the process takes no such file", field="field", value=field, expected=fields or None)
    media_of(entry.request, wanted["media"])
    await check_room(context.store, entry.caller.tenant)
    name = secrets.token_urlsafe(12)
    own = f"upload-{name}{wanted['suffix']}"
    limits = context.settings.limits
    async with received(entry.request, context.settings, field + wanted["suffix"], limits.file_bytes) as file:
        payload = {"pilot": processId, "field": field, "file": str(file)}
        report = await context.workshop.call("check_file", payload, wall_s=120)
        size = file.stat().st_size
        document = {"process": processId, "field": field, "file": own, "report": report}
        place = context.settings.home / wanted["folder"] / own
        await asyncio.to_thread(_settle, entry, name, size, document, file, place)
    return answer(entry.request, {"id": name, "status": "accepted", **document}, "json", status=201)


def _settle(entry: Entry, name: str, size: int, document: Mapping[str, Any], file: Path, place: Path) -> None:
    """Put a file in its place and note whose it is; what has no note is removed at the next start."""
    place.parent.mkdir(parents=True, exist_ok=True)
    file.replace(place)
    note(entry.context.store, entry.caller, name, size, document)


async def check_own(entry: Entry, process: str, inputs: Mapping[str, Any]) -> None:
    """Refuse a run that names a file which another tenant has uploaded.

    Raises:
        InvalidInput: It does; the answer is the same as for a file that is not there.
    """
    scenario = inputs.get("scenario")
    if not isinstance(scenario, Mapping):
        return
    for pilot, fields in scenario.items() if process == COUPLED else [(process, scenario)]:
        cards = [card for card in await entry.context.pilots.all() if card.id == pilot]
        for item in cards[0].about["files"] if cards and isinstance(fields, Mapping) else []:
            found = UPLOADED.fullmatch(str(fields.get(item["field"], "")))
            if found and not await asyncio.to_thread(_is_own, entry, found.group(1)):
                raise InvalidInput(
                    "there is no such file", field=item["field"], value=fields[item["field"]]
                )  # fmt: skip


def _is_own(entry: Entry, name: str) -> bool:
    query = sa.select(UPLOADS.c.id).where(UPLOADS.c.id == name, UPLOADS.c.tenant == entry.caller.tenant)
    return entry.context.store.one(query) is not None
