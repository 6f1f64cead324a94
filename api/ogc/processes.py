"""OGC API – Processes 1.0: pilots are processes, runs are jobs; an echo process is there to try it out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

import jsonschema
import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from api.access.actions import Action
from api.access.guard import Caller, Target
from api.answers import HTML, JSON, answer, bytes_answer
from api.entry import Entry, Visitor, link
from api.jobs.jobs import TERMINAL, Wanted
from api.jobs.pilots import PilotCard
from api.jobs.tasks import COUPLED, ECHO
from api.parameters import DatetimeText, Format, Limit, Span, integer, span, words
from api.problems import (
    Conflict,
    NotPermitted,
    ResultNotReady,
    UnsupportedMedia,
    problem_response,
)
from geodata.errors import InvalidInput
from geodata.manifest import Residency

_CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMANCE = tuple(
    _CONF + name
    for name in ("core", "ogc-process-description", "json", "html", "oas30", "job-list", "dismiss")
)
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
router = APIRouter(tags=["Processes"])
_STATUS = ("accepted", "running", "successful", "failed", "dismissed")
_MODES = ["sync-execute", "async-execute"]
_MOST_DEPTH = 50


def _echo_card() -> dict[str, Any]:
    return {
        "id": ECHO,
        "title": "Echo",
        "description": "Gives back what it is given, after a pause.",
        "version": "1.0.0",
        "inputs": {
            "echo": {
                "title": "What to give back",
                "description": "Any value.",
                "minOccurs": 1,
                "maxOccurs": 1,
                "schema": {
                    "oneOf": [
                        {"type": "string", "maxLength": 10_000},
                        {"type": "number"},
                        {"type": "boolean"},
                        {"type": "array", "items": {}},
                        {"type": "object"},
                    ]
                },
            },
            "pause": {
                "title": "Pause",
                "description": "Seconds to wait first.",
                "minOccurs": 0,
                "maxOccurs": 1,
                "schema": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
            },
        },
        "outputs": {"echo": {"title": "What was given", "schema": {}}},
    }


def _pilot_card(card: PilotCard, language: str, most_days: int) -> dict[str, Any]:
    about = card.about
    scenario = dict(about["scenario"])
    scenario.pop("title", None)
    return {
        "id": card.id,
        "title": about["titles"].get(language, about["title"]),
        "description": about["description"],
        "version": about["version"],
        "keywords": [about["domain"]],
        "inputs": _run_inputs(_inline(scenario), about, most_days),
        "outputs": _run_outputs(about["kpis"]),
        "needs": about["needs"],
    }


def _run_inputs(scenario: dict[str, Any], about: Mapping[str, Any], most_days: int) -> dict[str, Any]:
    """What every run takes; ``about`` gives the defaults."""
    return {
        "cities": _input(
            "Cities",
            "Cities that take part; the programme's rule must allow them.",
            {"type": "array", "items": {"type": "string", "maxLength": 100}, "minItems": 1, "maxItems": 50},
            required=True,
        ),
        "scenario": _input("Scenario", "What to set otherwise than the default.", scenario),
        "start": _input(
            "Start",
            "First day, or an aware instant.",
            {"type": "string", "maxLength": 40, **_default(about, "start")},
        ),
        "days": _input(
            "Days",
            "Length of the run.",
            {"type": "integer", "minimum": 1, "maximum": most_days, **_default(about, "days")},
        ),
        "seed": _input(
            "Seed",
            "Root of all random numbers.",
            {"type": "integer", "minimum": 0, "maximum": 2**53 - 1, "default": 1},
        ),
        "replications": _input(
            "Replications",
            "How often the run is repeated with other random numbers, for intervals.",
            {"type": "integer", "minimum": 1, "maximum": 1000, **_default(about, "replications")},
        ),
    }


def _default(about: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"default": about[name]} if name in about else {}


def _run_outputs(kpis: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What every run gives."""
    return {
        "kpis": {
            "title": "Key performance indicators",
            "description": "; ".join(f"{k['id']} ({k['unit']}): {k['definition']}" for k in kpis),
            "schema": {"type": "array", "items": {"type": "object"}},
        },
        "manifest": {"title": "Rule's verdict, plan and data of the run", "schema": {"type": "object"}},
        "collections": {
            "title": "Ids of the collections that hold the result",
            "schema": {"type": "array", "items": {"type": "string"}},
        },
    }


def _coupled_card(pilots: Sequence[PilotCard], most_days: int) -> dict[str, Any]:
    """Several pilots in one run: what one writes at the end of a window, another reads in the next."""
    scenarios = {card.id: _inline(dict(card.about["scenario"])) for card in pilots}
    scenario = {"type": "object", "properties": scenarios, "additionalProperties": False}
    names = [card.id for card in pilots]
    chosen = {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 2, "uniqueItems": True}
    return {
        "id": COUPLED,
        "title": "Coupled run",
        "description": "Several pilots on one clock: the signals that one writes are read by the others.",
        "version": "1.0.0",
        "keywords": names,
        "inputs": {
            "pilots": _input("Pilots", "Pilots that run together.", chosen, required=True),
            **_run_inputs(scenario, {}, most_days),
        },
        "outputs": _run_outputs([kpi for card in pilots for kpi in card.about["kpis"]]),
    }


def _input(title: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "minOccurs": int(required),
        "maxOccurs": 1,
        "schema": schema,
    }


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema with its own definitions put where they are referred to."""
    definitions = schema.pop("$defs", {})

    def put(node: Any, depth: int) -> Any:
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name in definitions and depth < 10:
                return put(definitions[name], depth + 1)
            return {key: put(value, depth) for key, value in node.items()}
        return [put(item, depth) for item in node] if isinstance(node, list) else node

    inlined: dict[str, Any] = put(schema, 0)
    return inlined


def _summary(entry: Entry, card: Mapping[str, Any]) -> dict[str, Any]:
    base = f"/processes/{card['id']}"
    return {
        **{name: card[name] for name in ("id", "title", "description", "version")},
        "keywords": card.get("keywords", []),
        "jobControlOptions": [*_MODES, "dismiss"],
        "outputTransmission": ["value"],
        "links": [
            link(entry.href(base, f="json"), "self", JSON, str(card["title"])),
            link(entry.href(base, f="html"), "alternate", HTML, "For people"),
            link(entry.href(f"{base}/execution"), f"{REL}execute", JSON, "Execute"),
        ],
    }


async def _cards(entry: Entry) -> list[dict[str, Any]]:
    most = entry.context.settings.limits.job_days
    found = await entry.context.pilots.all()
    coupled = [_coupled_card(found, most)] if len(found) > 1 else []
    return [_echo_card(), *coupled, *(_pilot_card(card, entry.language, most) for card in found)]


async def _card(entry: Entry, process: str) -> dict[str, Any]:
    if process == ECHO:
        return _echo_card()
    if process == COUPLED and len(pilots := await entry.context.pilots.all()) > 1:
        return _coupled_card(pilots, entry.context.settings.limits.job_days)
    card = await entry.context.pilots.get(process)
    return _pilot_card(card, entry.language, entry.context.settings.limits.job_days)


@router.get("/processes", name="processes", summary="Processes that can be executed")
async def processes(entry: Visitor, limit: Limit = None, f: Format = None) -> Response:
    """The echo process and every pilot that is installed and sound."""
    count = 100 if limit is None else integer(limit, "limit", 1, 1000)
    document = {
        "processes": [_summary(entry, card) for card in (await _cards(entry))[:count]],
        "refused": [
            {"id": name, "reason": reason} for name, reason in sorted(entry.context.pilots.refused.items())
        ],
        "links": [
            link(entry.href("/processes", f="json"), "self", JSON, "This document"),
            link(entry.href("/processes", f="html"), "alternate", HTML, "This document for people"),
        ],
    }
    return answer(entry.request, document, f, title="Processes")


@router.get("/processes/{processId}", name="process", summary="Description of a process")
async def process(entry: Visitor, processId: str, f: Format = None) -> Response:
    """What a process takes and gives."""
    card = await _card(entry, processId)
    entry.note("process", processId)
    document = {**_summary(entry, card), **{name: card[name] for name in ("inputs", "outputs")}}
    if "needs" in card:
        document["needs"] = card["needs"]
    return answer(entry.request, document, f, title=str(card["title"]))


_EXECUTE = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "inputs": {"type": "object"},
                        "outputs": {"type": "object"},
                        "response": {"type": "string", "enum": ["raw", "document"]},
                        "mode": {"type": "string"},
                        "subscriber": {"type": "object"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/processes/{processId}/execution",
    name="execute",
    summary="Execute a process",
    openapi_extra=_EXECUTE,
    responses={
        200: {"description": "Results", "content": {JSON: {}}},
        201: {"description": "The job was accepted", "content": {JSON: {}}},
    },
)
async def execute(entry: Visitor, processId: str) -> Response:
    """Hold a request against the rule and the process's inputs, then run it now or later."""
    from api.scenarios import referred

    card = await _card(entry, processId)
    if processId != COUPLED:
        entry.check(Action.RUN, Target(processId), "execute")
    body = _body(entry.request, await entry.request.body())
    inputs = _inputs(card, await referred(entry, processId, body.get("inputs", {})))
    wanted = _outputs(card, body.get("outputs"))
    verdicts = [
        entry.check(Action.RUN, Target(name), "execute") for name in inputs.get("pilots", [processId])
    ]
    entry.note("execute", processId, contract=verdicts[0].contract)
    job_inputs = {**inputs, "contract": verdicts[0].contract}
    if processId != ECHO:
        job_inputs["simulated_h"] = await _plan(entry, processId, inputs)
    manager = entry.context.manager
    job = await manager.submit(entry.caller, processId, job_inputs)
    prefer = entry.request.headers.get("prefer", "")
    wants_async = "respond-async" in prefer
    if not wants_async:
        row = await manager.finished(job, entry.caller.tenant, entry.context.settings.limits.sync_wait_s)
        if row is not None:
            applied = {"Preference-Applied": "respond-sync"} if "respond-sync" in prefer else {}
            return _results(entry, row, wanted, body.get("response", "raw"), applied)
    row = await asyncio.to_thread(manager.jobs.get, job, entry.caller.tenant)
    headers = {
        "Location": entry.href(f"/jobs/{job}"),
        "Link": f'<{entry.href(f"/jobs/{job}")}>; rel="monitor"',
    }
    if wants_async:
        headers["Preference-Applied"] = "respond-async"
    return bytes_answer(entry.request, orjson.dumps(_status(entry, row)), JSON, status=201, headers=headers)


def _body(request: Request, body: bytes) -> dict[str, Any]:
    media = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMedia(
            "a request to execute is JSON", field="Content-Type", value=media, expected=JSON
        )
    document = json_of(body)
    if not isinstance(document, dict):
        raise InvalidInput("a request to execute is a JSON object", field="body")
    known = {"inputs", "outputs", "response", "mode", "subscriber", "id"}
    unknown = sorted(set(document) - known)
    if unknown or not isinstance(document.get("inputs", {}), dict):
        raise InvalidInput(
            "the request to execute is not understood",
            field=f"/{unknown[0] if unknown else 'inputs'}",
            expected=", ".join(sorted(known)),
        )
    if "subscriber" in document:
        raise InvalidInput(
            "callbacks are not offered here", field="/subscriber", hint="follow the job's events"
        )
    if document.get("response", "raw") not in ("raw", "document"):
        raise InvalidInput("the response is raw or document", field="/response")
    return document


def json_of(body: bytes) -> Any:
    """A JSON document: UTF-8, finite numbers, bounded depth, text that any store takes.

    Raises:
        InvalidInput: It is none.
    """
    if _too_deep(body):
        raise InvalidInput(
            "the body nests too deep", field="body", expected=f"a depth of {_MOST_DEPTH} at most"
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"the body is no JSON: {error}", field="body") from error
    if b"\\u0000" in body:
        raise InvalidInput("the body holds a null character", field="body")
    return document


def _too_deep(body: bytes) -> bool:
    depth = 0
    if body.count(b"[") + body.count(b"{") <= _MOST_DEPTH:
        return False
    quoted = escaped = False
    for byte in body:
        if quoted:
            escaped, quoted = (byte == 92 and not escaped), not (byte == 34 and not escaped)
        elif byte == 34:
            quoted = True
        elif byte in b"[{":
            depth += 1
            if depth > _MOST_DEPTH:
                return True
        elif byte in b"]}":
            depth -= 1
    return False


def _inputs(card: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs held against the description's schemas; ``{"value": …}`` stands for its value."""
    described = card["inputs"]
    unknown = sorted(set(inputs) - set(described))
    if unknown:
        raise InvalidInput(
            "the process has no such input", field=f"/inputs/{unknown[0]}", expected=", ".join(described)
        )
    plain: dict[str, Any] = {}
    for name, about in described.items():
        if name not in inputs:
            if about["minOccurs"]:
                raise InvalidInput("an input is missing", field=f"/inputs/{name}", expected=about["title"])
            continue
        value = inputs[name]
        if (
            isinstance(value, dict)
            and set(value) <= {"value", "mediaType", "encoding", "schema"}
            and "value" in value
        ):
            value = value["value"]
        _validate(value, about["schema"], f"/inputs/{name}")
        plain[name] = value
    return plain


def _validate(value: Any, schema: Mapping[str, Any], where: str) -> None:
    error = jsonschema.Draft202012Validator(schema).iter_errors(value)
    first = next(iter(error), None)
    if first is not None:
        path = "/".join([where, *map(str, first.absolute_path)])
        raise InvalidInput(f"the input is not valid: {first.message[:200]}", field=path, value=first.instance)


def _outputs(card: Mapping[str, Any], outputs: Any) -> list[str]:
    if outputs is None:
        return list(card["outputs"])
    if (
        not isinstance(outputs, dict)
        or not set(outputs) <= set(card["outputs"])
        or not all(isinstance(item, dict) for item in outputs.values())
    ):
        raise InvalidInput(
            "the process has no such output",
            field="/outputs",
            value=outputs,
            expected=", ".join(card["outputs"]),
        )
    if any(item.get("transmissionMode", "value") != "value" for item in outputs.values()):
        raise InvalidInput(
            "outputs are given by value only", field="/outputs", expected="transmissionMode value"
        )
    return list(outputs) or list(card["outputs"])


async def _plan(entry: Entry, pilot: str, inputs: Mapping[str, Any]) -> float:
    """Have the run planned: rule, scenario and data; then see whether the caller may run on these data.

    Returns:
        Simulated hours, cities and replications added up.
    """
    planned = await entry.context.workshop.call("plan", {"pilot": pilot, "inputs": inputs}, wall_s=60)
    reasons = _why_not_on(entry, planned["cities"], planned["kinds"])
    if reasons:
        raise NotPermitted(f"to run {pilot} on these cities' data is not permitted", reasons, field="cities")
    return float(planned["simulated_h"])


def _why_not_on(entry: Entry, cities: list[str], kinds: list[str]) -> list[str]:
    from api.access.actions import scope

    caller = Caller(entry.caller.tenant, entry.caller.key_id, (scope("run:*"),), entry.caller.purpose)
    reasons = []
    for item in entry.context.catalogue.collections.values():
        if item.city in cities and not item.run and item.about.get("kind") in kinds:
            if item.residency is Residency.OPEN:
                continue
            verdict = entry.context.guard.judge(caller, Action.RUN, item.target)
            reasons += [f"{item.id}: {reason}" for reason in verdict.reasons]
    return reasons


def _list_of(*names: str) -> dict[str, Any]:
    """How a list of names is declared; it comes as one text with commas."""
    items: dict[str, Any] = {"type": "string", "enum": list(names)} if names else {"type": "string"}
    return {"max_length": 400, "json_schema_extra": {"type": "array", "items": items}}


_SECONDS: dict[str, Any] = {"max_length": 16, "json_schema_extra": {"type": "integer", "minimum": 0}}


def _each_of(name: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    wanted = words(text) if text is not None else ()
    if not set(wanted) <= set(known):
        raise InvalidInput(f"there is no such {name}", field=name, value=text, expected=", ".join(known))
    return wanted


@router.get("/jobs", name="jobs", summary="Your jobs")
async def jobs(
    entry: Visitor,
    limit: Limit = None,
    offset: Annotated[str | None, Query(max_length=16)] = None,
    type_: Annotated[str | None, Query(alias="type", **_list_of("process"))] = None,
    process_id: Annotated[str | None, Query(alias="processID", **_list_of())] = None,
    status: Annotated[str | None, Query(**_list_of(*_STATUS))] = None,
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
        words(process_id) if process_id is not None else (),
        _each_of("status", status, _STATUS),
        accepted.start,
        accepted.end,
        None if least is None else integer(least, "minDuration", 0),
        None if most is None else integer(most, "maxDuration", 0),
    )
    rows = await asyncio.to_thread(
        entry.context.manager.jobs.of_tenant, entry.caller.tenant, wanted, limit=count + 1, offset=start
    )
    given = {name: value for name, value in entry.request.query_params.items() if name not in ("f", "offset")}
    links = [
        link(entry.href("/jobs", **given, f="json"), "self", JSON, "This document"),
        link(entry.href("/jobs", **given, f="html"), "alternate", HTML, "This document for people"),
    ]
    if len(rows) > count:
        links.append(link(entry.href("/jobs", **given, offset=start + count), "next", JSON, "Next page"))
    document = {"jobs": [_status(entry, row) for row in rows[:count]], "links": links}
    return answer(entry.request, document, f, title="Jobs")


@router.get("/jobs/{jobId}", name="job", summary="How a job stands")
async def job(entry: Visitor, jobId: str, f: Format = None) -> Response:
    """The status of a job."""
    row = await asyncio.to_thread(entry.context.manager.jobs.get, jobId, entry.caller.tenant)
    return answer(entry.request, _status(entry, row), f, title=f"Job {jobId}")


@router.delete("/jobs/{jobId}", name="dismiss", summary="Dismiss a job")
async def dismiss(entry: Visitor, jobId: str) -> Response:
    """Stop a job with everything its worker started; a finished job cannot be dismissed."""
    manager = entry.context.manager
    row = await asyncio.to_thread(manager.jobs.get, jobId, entry.caller.tenant)
    if not await manager.dismiss(jobId) and row["status"] in TERMINAL and row["status"] != "dismissed":
        raise Conflict("the job has ended", field="jobId", value=row["status"])
    row = await asyncio.to_thread(manager.jobs.get, jobId, entry.caller.tenant)
    return answer(entry.request, _status(entry, row), "json")


@router.get("/jobs/{jobId}/results", name="results", summary="Results of a job")
async def results(entry: Visitor, jobId: str, f: Format = None) -> Response:
    """What a successful job gave; a failed one answers with the problem it ended by."""
    row = await asyncio.to_thread(entry.context.manager.jobs.get, jobId, entry.caller.tenant)
    if row["status"] in ("accepted", "running", "dismissed"):
        raise ResultNotReady("the job has no result", field="jobId", value=row["status"])
    entry.note("results", row["process"])
    if row["status"] == "successful" and f == "html":
        return answer(entry.request, json.loads(row["outputs"]), "html", title="Results")
    return _results(entry, row, None, "document", {})


def _results(
    entry: Entry, row: sa.RowMapping, wanted: list[str] | None, response: str, headers: Mapping[str, str]
) -> Response:
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


def _status(entry: Entry, row: sa.RowMapping) -> dict[str, Any]:
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
