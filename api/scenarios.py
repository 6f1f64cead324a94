"""Scenarios that a tenant sends once and runs many times: files of fields, held to the pilot and kept.

Example: a planner keeps ``night.toml`` with the fleet of the night buses, and starts runs that name it:
``"scenario": {"href": "/processes/transport/scenarios/x1"}``, as OGC API – Processes refers to inputs.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import tomllib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from starlette.responses import Response

from api.access.actions import Action
from api.access.guard import Target
from api.answers import JSON, answer
from api.bodies import created, json_of, takes
from api.entry import Entry, Visitor
from api.files import check_own
from api.jobs.tasks import COUPLED
from api.parameters import Format
from api.problems import NotAuthenticated, NotFound
from api.receiving import check_room, media_of, note, received
from api.store import UPLOADS
from geodata.errors import InvalidInput

router = APIRouter(tags=["Processes"])
_TOML = "application/toml"
_HREF = re.compile(
    r"(?:https?://[^/\s]+(?:/[^\s?#]*)?)?/processes/([^/\s]{1,100})/scenarios/([\w-]{1,64})", re.ASCII
)


@router.post(
    "/processes/{processId}/scenarios",
    name="keep scenario",
    summary="Keep a scenario",
    openapi_extra=takes({JSON: {"type": "object"}, _TOML: {"type": "string"}}),
    responses=created("The scenario is kept"),
)
async def keep(entry: Visitor, processId: str) -> Response:
    """Hold a file of fields, JSON or TOML, to the pilot's scenario, and keep it for the tenant."""
    if not entry.caller.known:
        raise NotAuthenticated("a key is needed", field="scenarios")
    if processId != COUPLED:
        await entry.context.pilots.get(processId)
        entry.check(Action.RUN, Target(processId), "keep scenario")
    media = media_of(entry.request, JSON, _TOML)
    context = entry.context
    await check_room(context.store, entry.caller.tenant)
    async with received(
        entry.request, context.settings, "scenario", context.settings.limits.body_bytes
    ) as file:
        body = await asyncio.to_thread(file.read_bytes)
    fields = fields_of(media, body)
    payload = {"pilot": processId, "fields": fields}
    await entry.context.workshop.call("check_scenario", payload, wall_s=60)
    document = {"process": processId, "scenario": fields}
    name = secrets.token_urlsafe(12)
    await asyncio.to_thread(note, context.store, entry.caller, name, len(body), document)
    href = entry.href(f"/processes/{processId}/scenarios/{name}")
    return answer(
        entry.request, {"id": name, "href": href, **document}, "json", status=201, headers={"Location": href}
    )


@router.get("/processes/{processId}/scenarios/{scenarioId}", name="scenario", summary="A scenario you keep")
async def scenario(entry: Visitor, processId: str, scenarioId: str, f: Format = None) -> Response:
    """The fields of a kept scenario of the caller's tenant."""
    fields = await asyncio.to_thread(_kept, entry, processId, scenarioId)
    return answer(entry.request, {"id": scenarioId, "process": processId, "scenario": fields}, f)


def fields_of(media: str, body: bytes) -> dict[str, Any]:
    """The fields of a scenario's file.

    Raises:
        InvalidInput: It cannot be read, or holds no fields.
    """
    if media == JSON:
        fields = json_of(body)
    else:
        try:
            # Through JSON, so that dates become text and numbers without an end are refused.
            fields = json_of(json.dumps(tomllib.loads(body.decode()), default=str).encode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInput(f"the scenario is no TOML: {error}", field="body") from error
    if not isinstance(fields, dict):
        raise InvalidInput("a scenario is an object of fields", field="body")
    return fields


async def referred(entry: Entry, process: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs with a scenario that is named by its address put in its place."""
    given = inputs.get("scenario")
    if not (isinstance(given, dict) and "href" in given and set(given) <= {"href", "type"}):
        await check_own(entry, process, inputs)
        return inputs
    found = _HREF.fullmatch(str(given["href"]))
    if found is None or found.group(1) != process:
        raise InvalidInput(
            "this is no scenario of the process",
            field="/inputs/scenario/href",
            value=given["href"],
            expected=f"/processes/{process}/scenarios/…",
        )
    named = {**inputs, "scenario": await asyncio.to_thread(_kept, entry, process, found.group(2))}
    await check_own(entry, process, named)
    return named


def _kept(entry: Entry, process: str, name: str) -> dict[str, Any]:
    query = sa.select(UPLOADS).where(UPLOADS.c.id == name, UPLOADS.c.tenant == entry.caller.tenant)
    row = entry.context.store.one(query)
    report = json.loads(row["report"]) if row is not None else {}
    if report.get("process") != process:
        raise NotFound("there is no such scenario", field="scenarioId", value=name)
    fields: dict[str, Any] = report["scenario"]
    return fields
