"""The application: every part of the API on one port.

Example::

    uvicorn.run(create_app(load_settings()), host="127.0.0.1", port=8080)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from api import downloads, files, operations, scenarios, uploads
from api.answers import bytes_answer
from api.context import Context, make_context
from api.entry import check_parameters
from api.gate import Gate
from api.handlers import install
from api.jobs.nursery import Nursery
from api.metrics import Metrics
from api.ogc import common, crs, edr, execution, features, filtering, jobs, processes, records
from api.openapi import openapi_document
from api.parameters import Format
from api.problems import MEDIA_TYPE, problem_response
from api.sensors import sensorthings, sentilo, writing
from api.settings import Settings
from api.web.page import page
from geodata.errors import InvalidInput

_MODULES = (common, features, crs, filtering, edr, records, processes, jobs)
_ROUTERS = (
    common,
    features,
    edr,
    processes,
    execution,
    jobs,
    scenarios,
    files,
    downloads,
    sensorthings,
    writing,
    sentilo,
    uploads,
    operations,
)


def conformance() -> list[str]:
    """The union of what the modules conform to, sorted."""
    classes: set[str] = set()
    for module in _MODULES:
        classes |= set(getattr(module, "CONFORMANCE", ()))
    return sorted(classes)


def create_app(settings: Settings, nursery: Nursery | None = None) -> Gate:
    """The application behind its gate; it opens the store when it starts and closes it when it ends.

    Args:
        settings: The operator's settings.
        nursery: Where workers are born, if one is started already.
    """
    metrics = Metrics()
    holder: dict[str, Context] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        context = holder["context"] = app.state.context = make_context(settings, nursery)
        await context.start()
        try:
            yield
        finally:
            await context.stop()

    app = FastAPI(
        title=settings.title,
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.conformance = conformance()
    app.state.metrics = metrics
    install(app)
    _last_resort(app)
    for module in _ROUTERS:
        app.include_router(module.router)
    _describe(app, settings)
    return Gate(app, settings, lambda: holder["context"].journal, metrics)


def _last_resort(app: FastAPI) -> None:
    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the gate logs it
        reference = getattr(request.state, "request_id", "")
        problem = {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": f"an unforeseen error; the log has it under {reference}",
        }
        return problem_response(problem)


def _describe(app: FastAPI, settings: Settings) -> None:
    document = openapi_document(
        app, title=settings.title, version=version("twinbox"), server=settings.public_url or "/"
    )
    body = orjson.dumps(document)

    @app.get("/openapi.json", name="openapi", include_in_schema=False)
    async def _openapi(request: Request, f: Format = None) -> Response:
        _only(request, f, "json")
        return bytes_answer(request, body, common.OPENAPI)

    @app.get("/api.html", name="api", include_in_schema=False)
    async def _api(request: Request, f: Format = None) -> Response:
        _only(request, f, "html")
        return bytes_answer(
            request, page(_readable(document), "API", "/api.html"), "text/html; charset=utf-8"
        )


def _only(request: Request, f: str | None, form: str) -> None:
    """Refuse other parameters than ``f``, and other forms than the one there is."""
    check_parameters(request)
    if f not in (None, form):
        raise InvalidInput("there is no such representation", field="f", value=f, expected=form)


def _readable(document: dict[str, Any]) -> dict[str, Any]:
    """The description for people: each operation with its parameters, without the errors all have alike."""
    rows = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "parameters": ", ".join(item["name"] for item in operation.get("parameters", [])),
        }
        for path, operations_ in document["paths"].items()
        for method, operation in operations_.items()
    ]
    return {"title": document["info"]["title"], "errors": f"every error is {MEDIA_TYPE}", "operations": rows}
