"""Executing a process: its request held against description, rule and rights, then run now or later."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import jsonschema
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.actions import Action
from api.access.guard import Caller, Target
from api.answers import JSON, bytes_answer
from api.bodies import created, json_of, takes
from api.entry import Entry, Visitor
from api.jobs.tasks import COUPLED, ECHO
from api.ogc.descriptions import card_of
from api.ogc.jobs import answer_of, status_of
from api.problems import (
    NotPermitted,
    UnsupportedMedia,
)
from geodata.errors import InvalidInput
from geodata.manifest import Residency

router = APIRouter(tags=["Processes"])
_EXECUTE = {
    "type": "object",
    "properties": {
        "inputs": {"type": "object"},
        "outputs": {"type": "object"},
        "response": {"type": "string", "enum": ["raw", "document"]},
        "mode": {"type": "string"},
    },
}


@router.post(
    "/processes/{processId}/execution",
    name="execute",
    summary="Execute a process",
    openapi_extra=takes({JSON: _EXECUTE}),
    responses={200: {"description": "Results", "content": {JSON: {}}}, **created("The job was accepted")},
)
async def execute(entry: Visitor, processId: str) -> Response:
    """Hold a request against the rule and the process's inputs, then run it now or later."""
    from api.scenarios import referred

    card = await card_of(entry, processId)
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
            return answer_of(entry, row, wanted, body.get("response", "raw"), applied)
    row = await asyncio.to_thread(manager.jobs.get, job, entry.caller.tenant)
    headers = {
        "Location": entry.href(f"/jobs/{job}"),
        "Link": f'<{entry.href(f"/jobs/{job}")}>; rel="monitor"',
    }
    if wants_async:
        headers["Preference-Applied"] = "respond-async"
    return bytes_answer(entry.request, orjson.dumps(status_of(entry, row)), JSON, status=201, headers=headers)


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
