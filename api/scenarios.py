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
from api.bodies import json_of
from api.entry import Entry, Visitor
from api.jobs.tasks import COUPLED
from api.parameters import Format
from api.problems import NotAuthenticated, NotFound, QuotaExceeded, UnsupportedMedia
from api.store import UPLOADS, stamp
from geodata.errors import InvalidInput

router = APIRouter(tags=["Processes"])
_TOML = "application/toml"
_MOST_OF_TENANT = 1000
_HREF = re.compile(
    r"(?:https?://[^/\s]+(?:/[^\s?#]*)?)?/processes/([^/\s]{1,100})/scenarios/([\w-]{1,64})", re.ASCII
)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"type": "object"}}, _TOML: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/processes/{processId}/scenarios",
    name="keep scenario",
    summary="Keep a scenario",
    openapi_extra=_BODY,
    responses={201: {"description": "The scenario is kept", "content": {JSON: {}}}},
)
async def keep(entry: Visitor, processId: str) -> Response:
    """Hold a file of fields, JSON or TOML, to the pilot's scenario, and keep it for the tenant."""
    if not entry.caller.known:
        raise NotAuthenticated("a key is needed", field="scenarios")
    if processId != COUPLED:
        await entry.context.pilots.get(processId)
        entry.check(Action.RUN, Target(processId), "keep scenario")
    body = await entry.request.body()
    fields = fields_of(entry.request.headers.get("content-type", JSON), body)
    payload = {"pilot": processId, "fields": fields}
    await entry.context.workshop.call("check_scenario", payload, wall_s=60)
    document = {"process": processId, "scenario": fields}
    name = await asyncio.to_thread(_keep, entry, len(body), document)
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
        UnsupportedMedia: It is neither JSON nor TOML.
        InvalidInput: It cannot be read, or holds no fields.
    """
    kind = media.partition(";")[0].strip().lower()
    if kind not in (JSON, _TOML):
        raise UnsupportedMedia(
            "a scenario is JSON or TOML", field="Content-Type", value=kind, expected=f"{JSON} or {_TOML}"
        )
    if kind == JSON:
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
        return inputs
    found = _HREF.fullmatch(str(given["href"]))
    if found is None or found.group(1) != process:
        raise InvalidInput(
            "this is no scenario of the process",
            field="/inputs/scenario/href",
            value=given["href"],
            expected=f"/processes/{process}/scenarios/…",
        )
    return {**inputs, "scenario": await asyncio.to_thread(_kept, entry, process, found.group(2))}


def _keep(entry: Entry, size: int, document: Mapping[str, Any]) -> str:
    store, tenant, name = entry.context.store, entry.caller.tenant, secrets.token_urlsafe(12)
    with store.write() as connection:
        count = sa.select(sa.func.count()).where(UPLOADS.c.tenant == tenant)
        if connection.execute(count).scalar_one() >= _MOST_OF_TENANT:
            raise QuotaExceeded("the tenant keeps too much", 3600, expected=f"{_MOST_OF_TENANT} uploads")
        connection.execute(
            sa.insert(UPLOADS).values(
                id=name,
                tenant=tenant,
                bytes=size,
                status="accepted",
                report=json.dumps(document),
                created=stamp(),
            )
        )
    return name


def _kept(entry: Entry, process: str, name: str) -> dict[str, Any]:
    query = sa.select(UPLOADS).where(UPLOADS.c.id == name, UPLOADS.c.tenant == entry.caller.tenant)
    row = entry.context.store.one(query)
    report = json.loads(row["report"]) if row is not None else {}
    if report.get("process") != process:
        raise NotFound("there is no such scenario", field="scenarioId", value=name)
    fields: dict[str, Any] = report["scenario"]
    return fields
