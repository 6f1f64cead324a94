"""What an operator watches: is it alive, is it ready, what does it do; and each dataset's terms of use."""

from __future__ import annotations

import hmac
import importlib.resources

import anyio.to_thread
import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.policy import CONTEXT
from api.access.registry import PUBLIC
from api.answers import answer, bytes_answer
from api.context import context_of
from api.entry import Visitor
from api.metrics import MEDIA_TYPE
from api.parameters import Format
from api.problems import NotAuthenticated, Unavailable
from api.store import JOBS
from geodata.manifest import Residency

router = APIRouter(tags=["Operation"])
_LOCAL = ("127.0.0.1", "::1", "testclient")


@router.get("/health", name="health", summary="Is the server alive", include_in_schema=False)
async def health() -> Response:
    """Alive as long as it answers."""
    return Response(
        b'{"status":"alive"}', media_type="application/json", headers={"Cache-Control": "no-store"}
    )


@router.get("/ready", name="ready", summary="Does the server take requests", include_in_schema=False)
async def ready(request: Request) -> Response:
    """Ready when the store answers and the server is not shutting down."""
    context = context_of(request)
    if not context.ready:
        raise Unavailable("the server is starting or shutting down")
    try:
        await anyio.to_thread.run_sync(context.store.ping)
    except sa.exc.SQLAlchemyError as error:
        raise Unavailable("the store does not answer") from error
    return Response(
        b'{"status":"ready"}', media_type="application/json", headers={"Cache-Control": "no-store"}
    )


@router.get("/metrics", name="metrics", summary="Counters for Prometheus", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Counters, for this machine or for who has the token."""
    context = context_of(request)
    token = context.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    client = request.client.host if request.client else ""
    allowed = hmac.compare_digest(given.encode(), token.encode()) if token else client in _LOCAL
    if not allowed:
        raise NotAuthenticated("metrics are for the operator")
    counters = request.app.state.metrics
    counters.collections.set(len(context.catalogue.collections))
    query = sa.select(JOBS.c.status, sa.func.count()).group_by(JOBS.c.status)

    def by_status() -> list[tuple[str, int]]:
        with context.store.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    for status, number in await anyio.to_thread.run_sync(by_status):
        counters.jobs.labels(status).set(number)
    return Response(counters.text(), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


@router.get("/static/plain.css", name="style", summary="Style of the plain pages", include_in_schema=False)
async def style(request: Request) -> Response:
    """The style sheet of the plain pages."""
    text = importlib.resources.files("api.web").joinpath("static/plain.css").read_bytes()
    return bytes_answer(
        request, text, "text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=86400"}
    )


@router.get("/static/icon.svg", name="icon", summary="Icon of the plain pages", include_in_schema=False)
async def icon(request: Request) -> Response:
    """The icon that browsers show beside the title."""
    drawn = importlib.resources.files("api.web").joinpath("static/icon.svg").read_bytes()
    return bytes_answer(request, drawn, "image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/policies/{collectionId}", name="policy", summary="Terms of use of a collection")
async def policy(entry: Visitor, collectionId: str, f: Format = None) -> Response:
    """An ODRL Offer: what anyone may do, or that a contract is needed."""
    found = entry.collection(collectionId)
    entry.note("policy", found.id)
    is_open = found.residency is Residency.OPEN and entry.context.settings.open_data and not found.run
    document = {
        "@context": CONTEXT,
        "@type": "Offer",
        "uid": entry.href(f"/policies/{found.id}"),
        "assigner": entry.context.settings.operator,
        "permission": [
            {
                "target": found.id,
                "action": ["use", "distribute", "derive"],
                "constraint": []
                if is_open
                else [
                    {
                        "leftOperand": "recipient",
                        "operator": "isAnyOf",
                        "rightOperand": ["holders of a contract"],
                    }
                ],
            }
        ]
        if found.residency is not Residency.STAYS
        else [],
        "prohibition": [{"target": found.id, "action": ["use", "distribute"]}]
        if found.residency is Residency.STAYS
        else [],
    }
    return answer(
        entry.request, document, f, media="application/ld+json", title=f"Terms of use of {found.id}"
    )


@router.get("/usage", name="usage", summary="What your tenant used this month, with its fee")
async def usage(entry: Visitor, month: str | None = None, f: Format = None) -> Response:
    """The caller's own lines of the ledger by contract and resource."""
    from api.access.bill import month_of
    from api.store import now

    if entry.caller.tenant == PUBLIC:
        raise NotAuthenticated("a key is needed")
    wanted = now().strftime("%Y-%m") if month is None else month

    def lines() -> list[dict[str, object]]:
        entry.context.journal.fold()
        rows = month_of(entry.context.store, wanted, entry.caller.tenant)
        return [
            {
                "contract": line.contract,
                "resource": line.resource,
                "requests": line.requests,
                "features": line.features,
                "bytes": line.bytes,
                "simulatedHours": line.simulated_h,
                "feeEur": str(line.fee_eur),
            }
            for line in rows
        ]

    document = {
        "tenant": entry.caller.tenant,
        "month": wanted,
        "lines": await anyio.to_thread.run_sync(lines),
    }
    return answer(entry.request, document, f, title=f"Use in {wanted}")
