"""OGC API – Processes 1.0: pilots are processes, runs are jobs; an echo process is there to try it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.answers import HTML, JSON, answer
from api.entry import Entry, Visitor, link
from api.ogc.common import REL
from api.ogc.descriptions import card_of, cards
from api.openapi import lowered
from api.parameters import Format, Limit, integer

_CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CONFORMANCE = tuple(_CONF + name for name in ("core", "ogc-process-description", "json", "html", "oas30"))
router = APIRouter(tags=["Processes"])
_MODES = ["sync-execute", "async-execute"]


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


@router.get("/processes", name="processes", summary="Processes that can be executed")
async def processes(entry: Visitor, limit: Limit = None, f: Format = None) -> Response:
    """The echo process and every pilot that is installed and sound."""
    count = 100 if limit is None else integer(limit, "limit", 1, 1000)
    document = {
        "processes": [_summary(entry, card) for card in (await cards(entry))[:count]],
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
    """What a process takes and gives, in schemas of OpenAPI 3.0 (OGC 18-062r2, schema.yaml)."""
    card = await card_of(entry, processId)
    entry.note("process", processId)
    document = {**_summary(entry, card), **{name: lowered(card[name]) for name in ("inputs", "outputs")}}
    if "needs" in card:
        document["needs"] = card["needs"]
    return answer(entry.request, document, f, title=str(card["title"]))
