"""Whatever fails in the application is answered with a problem document, the framework's own errors too."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.problems import HttpProblem, document, problem_response
from geodata.errors import InvalidInput, TwinboxError, shorten


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""

    @app.exception_handler(TwinboxError)
    async def _twinbox(request: Request, error: TwinboxError) -> Response:
        headers = dict(error.headers) if isinstance(error, HttpProblem) else {}
        return problem_response(document(error, instance=request.url.path), headers)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return problem_response(document(of_validation(error), instance=request.url.path))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(error.status_code).phrase,
            "status": error.status_code,
            "detail": shorten(error.detail, 300),
            "instance": request.url.path,
        }
        return problem_response(problem, error.headers)


def of_validation(error: RequestValidationError) -> TwinboxError:
    """A framework's validation error as an error of the tree: where, what, and what was expected."""
    first = error.errors()[0]
    cause = (first.get("ctx") or {}).get("error")
    if isinstance(cause, TwinboxError):
        return cause
    where, *path = map(str, first["loc"]) if first["loc"] else ("request",)
    field = "/" + "/".join(path) if where == "body" else ".".join(path)
    return InvalidInput(
        f"the {where} is not valid: {first['msg']}",
        field=field,
        value=None if first["type"] == "missing" else shorten(first.get("input")),
    )
