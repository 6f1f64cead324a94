"""Jobs of a tenant: the list, how one stands, its events and results, and its dismissal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import StringConstraints
from starlette.responses import Response, StreamingResponse

from api.answers import HTML, JSON, answer, bytes_answer
from api.entry import Entry, Visitor, link
from api.jobs.jobs import TERMINAL, Wanted
from api.ogc.common import REL
from api.parameters import DatetimeText, Format, Limit, Span, integer, span, words
from api.problems import (
    Conflict,
    ResultNotReady,
    problem_response,
)
from geodata.errors import InvalidInput

_CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMANCE = (_CONF + "job-list", _CONF + "dismiss")
router = APIRouter(tags=["Processes"])
_STATUS = ("accepted", "running", "successful", "failed", "dismissed")


Texts = list[Annotated[str, StringConstraints(max_length=400)]] | None
"""A parameter that may be repeated; each may also be a list with commas."""


def _list_of(*names: str) -> dict[str, Any]:
    """How a list of names is declared."""
    items: dict[str, Any] = {"type": "string", "enum": list(names)} if names else {"type": "string"}
    return {"max_length": 100, "json_schema_extra": {"items": items, "x-repeated": True}}


_SECONDS: dict[str, Any] = {
    "max_length": 16,
    "json_schema_extra": {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "maxItems": 1,
        "x-repeated": True,
    },
}


def _each_of(name: str, texts: Texts, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
    wanted = words(",".join(texts or ()))
    if known is not None and not set(wanted) <= set(known):
        value = ",".join(wanted)
        raise InvalidInput(f"there is no such {name}", field=name, value=value, expected=", ".join(known))
    return wanted


def _given(entry: Entry) -> dict[str, str]:
    """What was asked, for links to the same and to the next page; a repeated parameter becomes a list."""
    given: dict[str, str] = {}
    for name, value in entry.request.query_params.multi_items():
        if name not in ("f", "offset"):
            given[name] = f"{given[name]},{value}" if name in given else value
    return given


@router.get("/jobs", name="jobs", summary="Your jobs")
async def jobs(
    entry: Visitor,
    limit: Limit = None,
    offset: Annotated[str | None, Query(max_length=16)] = None,
    type_: Annotated[Texts, Query(alias="type", **_list_of("process"))] = None,
    process_id: Annotated[Texts, Query(alias="processID", **_list_of())] = None,
    status: Annotated[Texts, Query(**_list_of(*_STATUS))] = None,
    datetime: DatetimeText = None,
    least: Annotated[str | None, Query(alias="minDuration", **_SECONDS)] = None,
    most: Annotated[str | None, Query(alias="maxDuration", **_SECONDS)] = None,
    f: Format = None,
) -> Response:
    """The tenant's jobs, newest first; `datetime` is when they were accepted, durations are in seconds."""
    count = 100 if limit is None else integer(limit, "limit", 1, 1000)
    start = 0 if offset is None else integer(offset, "offset", 0, 10**9)
    _each_of("type", type_, ("process",))
    accepted = span(datetime) if datetime is not None else Span(None, None)
    wanted = Wanted(
        _each_of("processID", process_id),
        _each_of("status", status, _STATUS),
        accepted.start,
        accepted.end,
        None if least is None else integer(least, "minDuration", 0),
        None if most is None else integer(most, "maxDuration", 0),
    )
    rows = await asyncio.to_thread(
        entry.context.manager.jobs.of_tenant, entry.caller.tenant, wanted, limit=count + 1, offset=start
    )
    given = _given(entry)
    links = [
        link(entry.href("/jobs", **given, f="json"), "self", JSON, "This document"),
        link(entry.href("/jobs", **given, f="html"), "alternate", HTML, "This document for people"),
    ]
    if len(rows) > count:
        links.append(link(entry.href("/jobs", **given, offset=start + count), "next", JSON, "Next page"))
    document = {"jobs": [status_of(entry, row) for row in rows[:count]], "links": links}
    return answer(entry.request, document, f, title="Jobs")


@router.get("/jobs/{jobId}", name="job", summary="How a job stands")
async def job(entry: Visitor, jobId: str, f: Format = None) -> Response:
    """The status of a job."""
    row = await asyncio.to_thread(entry.context.manager.jobs.get, jobId, entry.caller.tenant)
    return answer(entry.request, status_of(entry, row), f, title=f"Job {jobId}")


@router.delete("/jobs/{jobId}", name="dismiss", summary="Dismiss a job")
async def dismiss(entry: Visitor, jobId: str) -> Response:
    """Stop a job with everything its worker started; a finished job cannot be dismissed."""
    manager = entry.context.manager
    row = await asyncio.to_thread(manager.jobs.get, jobId, entry.caller.tenant)
    if not await manager.dismiss(jobId) and row["status"] in TERMINAL and row["status"] != "dismissed":
        raise Conflict("the job has ended", field="jobId", value=row["status"])
    row = await asyncio.to_thread(manager.jobs.get, jobId, entry.caller.tenant)
    return answer(entry.request, status_of(entry, row), "json")


@router.get("/jobs/{jobId}/results", name="results", summary="Results of a job")
async def results(entry: Visitor, jobId: str, f: Format = None) -> Response:
    """What a successful job gave; a failed one answers with the problem it ended by."""
    row = await asyncio.to_thread(entry.context.manager.jobs.get, jobId, entry.caller.tenant)
    if row["status"] in ("accepted", "running", "dismissed"):
        raise ResultNotReady("the job has no result", field="jobId", value=row["status"])
    entry.note("results", row["process"])
    if row["status"] == "successful" and f == "html":
        return answer(entry.request, json.loads(row["outputs"]), "html", title="Results")
    return answer_of(entry, row, None, "document", {})


def answer_of(
    entry: Entry, row: sa.RowMapping, wanted: list[str] | None, response: str, headers: Mapping[str, str]
) -> Response:
    """What a job that has ended answers with: its outputs, or the problem it ended by.

    Raises:
        Conflict: It was dismissed.
    """
    if row["status"] == "dismissed":
        raise Conflict("the job was dismissed", field="jobId", value=row["id"])
    if row["status"] == "failed":
        problem = {
            "title": "Internal Server Error",
            **json.loads(row["error"]),
            "instance": f"/jobs/{row['id']}",
        }
        return problem_response(problem, headers)
    body = row["outputs"].encode()
    outputs = orjson.loads(body)
    if wanted is not None and set(wanted) != set(outputs):
        chosen = {name: outputs[name] for name in wanted}
        body = orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS)
        if response == "raw" and len(chosen) == 1:
            body = orjson.dumps(next(iter(chosen.values())), option=orjson.OPT_SORT_KEYS)
    return bytes_answer(entry.request, body, JSON, headers=headers)


def status_of(entry: Entry, row: sa.RowMapping) -> dict[str, Any]:
    """A job as the standard's ``statusInfo``."""
    base = f"/jobs/{row['id']}"
    links = [
        link(entry.href(base, f="json"), "self", JSON, "This job"),
        link(entry.href(base, f="html"), "alternate", HTML, "This job for people"),
        link(entry.href(f"{base}/events"), "monitor", "text/event-stream", "Progress as it happens"),
    ]
    if row["status"] == "successful":
        links.append(link(entry.href(f"{base}/results"), f"{REL}results", JSON, "Results"))
    if row["status"] == "failed":
        links.append(
            link(entry.href(f"{base}/results"), f"{REL}exceptions", "application/problem+json", "Problem")
        )
    document = {
        "jobID": row["id"],
        "processID": row["process"],
        "type": "process",
        "status": row["status"],
        "message": row["message"],
        "progress": row["progress"],
        **{name: row[name] for name in ("created", "started", "finished", "updated") if row[name]},
        "links": links,
    }
    if row["run_id"]:
        document["runID"] = row["run_id"]
    return document


@router.get(
    "/jobs/{jobId}/events",
    name="events",
    summary="Progress as it happens",
    responses={200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
)
async def events(entry: Visitor, jobId: str) -> Response:
    """The job's story as server-sent events; ``Last-Event-ID`` goes on where a broken connection left off."""
    manager = entry.context.manager
    await asyncio.to_thread(manager.jobs.get, jobId, entry.caller.tenant)
    last = entry.request.headers.get("last-event-id", "0")
    after = integer(last, "Last-Event-ID", 0)

    async def stream() -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        async for item in manager.story(jobId, after):
            yield f"id: {item.seq}\nevent: status\ndata: {item.data}\n\n".encode()

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)
