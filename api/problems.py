"""What becomes of an error over HTTP: one problem document (RFC 9457) for every way a request can fail.

The tree of :mod:`geodata.errors` knows nothing of HTTP; the table below maps it, once. Whatever else goes
wrong is answered with a generic text and the request's id, under which the log has the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
from starlette.responses import Response

from geodata.errors import InvalidInput, NotReady, TwinboxError, UnknownName, shorten
from twin.errors import ContractBroken, DamagedRun, NotEligible, PluginRefused, RunFailed

MEDIA_TYPE = "application/problem+json"
OGC_PROCESSES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


class HttpProblem(TwinboxError):
    """An error that only exists because there is HTTP: a status of its own and a type."""

    status = 400
    type = "about:blank"
    headers: Mapping[str, str] = MappingProxyType({})


class NotFound(HttpProblem):
    """There is no such resource, or none that this caller may know of."""

    status = 404


class NoSuchProcess(NotFound):
    """There is no such process."""

    type = OGC_PROCESSES + "no-such-process"


class NoSuchJob(NotFound):
    """There is no such job, or it is another tenant's."""

    type = OGC_PROCESSES + "no-such-job"


class ResultNotReady(NotFound):
    """The job has no result yet."""

    type = OGC_PROCESSES + "result-not-ready"


class NotAuthenticated(HttpProblem):
    """A key is missing, unknown, expired or revoked."""

    status = 401
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="twinbox"'})


class NotPermitted(HttpProblem):
    """The caller is known and may not do this; the reasons say why."""

    status = 403

    def __init__(self, message: str, reasons: list[str], **parts: Any) -> None:
        super().__init__(message, **parts)
        self.reasons = reasons

    def details(self) -> dict[str, Any]:
        """The parts of the error, with the reasons."""
        return {**super().details(), "reasons": self.reasons}


class NotAcceptable(HttpProblem):
    """The resource has no such representation."""

    status = 406


class Conflict(HttpProblem):
    """The request contradicts the state of the resource."""

    status = 409


class Gone(HttpProblem):
    """What a page token points into has been replaced."""

    status = 410


class TooLarge(HttpProblem):
    """A body, a page or an upload is over its limit."""

    status = 413


class UnsupportedMedia(HttpProblem):
    """The body is of a type this resource does not take."""

    status = 415


class QuotaExceeded(HttpProblem):
    """The tenant has used up what it may use in a minute or a month, or its queue is full."""

    status = 429

    def __init__(self, message: str, retry_after_s: int, **parts: Any) -> None:
        super().__init__(message, **parts)
        self.headers = {"Retry-After": str(retry_after_s)}


class Unavailable(HttpProblem):
    """The server is starting, stopping or has no worker."""

    status = 503
    headers = MappingProxyType({"Retry-After": "5"})


STATUS: dict[type[TwinboxError], int] = {
    UnknownName: 404,
    InvalidInput: 400,
    NotEligible: 422,
    NotReady: 409,
    DamagedRun: 500,
    RunFailed: 500,
    ContractBroken: 500,
    PluginRefused: 409,
}
"""The status of each branch of the tree; an error has the status of its nearest ancestor here."""


def status_of(error: TwinboxError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, HttpProblem):
        return error.status
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def document(error: TwinboxError, *, instance: str | None = None) -> dict[str, Any]:
    """The problem document of an error."""
    status = status_of(error)
    kind = error.type if isinstance(error, HttpProblem) else "about:blank"
    title = HTTPStatus(status).phrase if kind == "about:blank" else type(error).__doc__ or ""
    problem: dict[str, Any] = {
        "type": kind,
        "title": title.strip().rstrip("."),
        "status": status,
        "detail": str(error),
    }
    if instance:
        problem["instance"] = instance
    details = error.details()
    return problem | {name: value for name, value in details.items() if name not in problem}


def problem_bytes(problem: Mapping[str, Any]) -> bytes:
    """A problem document as bytes that any parser takes: unpaired surrogates become question marks."""
    try:
        return orjson.dumps(problem)
    except TypeError:
        return orjson.dumps(_printable(problem))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_printable(str(name)): _printable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    return value if isinstance(value, (int, float, bool, type(None))) else shorten(value)


def problem_response(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem document as a response."""
    return Response(
        problem_bytes(problem),
        status_code=int(problem["status"]),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )
