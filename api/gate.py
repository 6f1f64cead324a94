"""The gate that every request passes: the malformed stays out, what goes out is marked, noted and counted.

It stands before the framework, so that a body that is too large or a path that is no text costs nothing, and
after it, so that every answer has the headers that protect a browser and a line in the journal of use.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from api.access.usage import Journal, Use
from api.metrics import Metrics
from api.problems import MEDIA_TYPE, problem_bytes
from api.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger("twinbox.access")
_MOST_PATH, _MOST_QUERY = 2048, 16_384
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
_ALLOW = ", ".join(_METHODS).encode()
_STREAMED = re.compile(r"/uploads/.*|/processes/[^/]+/(scenarios|files/[^/]+)")
"""Paths whose handlers take the body piece by piece and count it themselves."""
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class Refused(Exception):
    """A request that is answered at the gate."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Gate:
    """Wraps the application.

    Args:
        app: The application.
        settings: Limits, origins, proxies.
        journal: Gives the journal of use, once the server has started.
        metrics: Counters.
    """

    def __init__(
        self, app: App, settings: Settings, journal: Callable[[], Journal], metrics: Metrics
    ) -> None:
        self.app, self.settings, self.journal, self.metrics = app, settings, journal, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        scope = dict(scope)  # the server looks at its own to know that an answer to HEAD has no body
        visit = _Visit(self, scope, send)
        try:
            visit.check()
            if scope["method"] == "OPTIONS":
                await visit.options()
                return
            if visit.head:
                scope["method"] = "GET"
            if not (scope["method"] == "POST" and _STREAMED.fullmatch(scope["path"])):
                receive = await _whole_body(scope, receive, self.settings.limits.body_bytes)
            await self.app(scope, receive, visit.send)
        except Refused as refusal:
            await visit.refuse(refusal)
        except Exception:  # noqa: BLE001 - the last resort: the log has the cause, the caller a reference
            _LOG.exception("an error nobody foresaw", extra={"request": visit.id, "path": visit.route})
            if not visit.started:
                await visit.refuse(Refused(500, f"an unforeseen error; the log has it under {visit.id}"))
        finally:
            visit.end()


class _Visit:
    """One request on its way through the gate."""

    def __init__(self, gate: Gate, scope: Scope, send: Send) -> None:
        self.gate, self.scope, self._send = gate, scope, send
        self.id = secrets.token_hex(8)
        self.head = scope["method"] == "HEAD"
        self.method = scope["method"]
        self.started = self.withheld = False
        self.status = 499  # the caller left before an answer
        self.began = time.perf_counter()
        scope.setdefault("state", {})
        scope["state"]["request_id"] = self.id
        self._believe_proxy()

    def _believe_proxy(self) -> None:
        client = (self.scope.get("client") or ("", 0))[0]
        if client not in self.gate.settings.trust_proxy:
            return
        for name, value in self.scope["headers"]:
            if name == b"x-forwarded-for":
                self.scope["client"] = (value.decode("latin-1").split(",")[-1].strip(), 0)
            elif name == b"x-forwarded-proto" and value in (b"http", b"https"):
                self.scope["scheme"] = value.decode()

    @property
    def route(self) -> str:
        """The pattern of the route, which holds nothing of the caller's."""
        return str(getattr(self.scope.get("route"), "path", "(none)"))

    def check(self) -> None:
        """Refuse what no client that means well sends."""
        if self.method not in _METHODS:
            raise Refused(405, "this method is not known here")
        path, query = self.scope.get("raw_path") or b"", self.scope["query_string"]
        if len(path) > _MOST_PATH or len(query) > _MOST_QUERY:
            raise Refused(414, f"an address has at most {_MOST_PATH} bytes of path, {_MOST_QUERY} of query")
        for part, words in ((path, "path"), (query, "query")):
            if _BAD_ESCAPE.search(part):
                raise Refused(400, f"the {words} has a percent sign that is no escape")
            plain = unquote_to_bytes(part)
            try:
                plain.decode("utf-8")
            except UnicodeDecodeError:
                raise Refused(400, f"the {words} is not UTF-8") from None
            if any(byte < 32 or byte == 127 for byte in plain):
                raise Refused(400, f"the {words} holds a control character")

    async def options(self) -> None:
        """Answer a browser that asks before it calls."""
        headers = [(b"allow", _ALLOW), (b"content-length", b"0")]
        if self._origin():
            headers += [
                (b"access-control-allow-methods", _ALLOW),
                (b"access-control-allow-headers", b"authorization, content-type, prefer, idempotency-key"),
                (b"access-control-max-age", b"600"),
            ]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self.send({"type": "http.response.body", "body": b""})

    async def refuse(self, refusal: Refused) -> None:
        """Answer with a problem document."""
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(refusal.status).phrase,
            "status": refusal.status,
            "detail": refusal.detail,
        }
        body = problem_bytes(problem)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", _ALLOW))
        if refusal.status in (408, 413):
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def send(self, message: Message) -> None:
        """Pass on what the application answers, with headers; note its use before the first byte."""
        if self.withheld:
            return
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if message["status"] < HTTPStatus.BAD_REQUEST and not self._noted(headers):
                await self.refuse(Refused(503, "the journal of use cannot be written; nothing is answered"))
                self.withheld = True
                return
            self.status = message["status"]
            self.started = True
            message = {**message, "headers": headers + self._headers(headers)}
        elif self.head and message["type"] == "http.response.body":
            message = {
                "type": "http.response.body",
                "body": b"",
                "more_body": message.get("more_body", False),
            }
        await self._send(message)

    def _noted(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Note an answer's use; false if that failed, as on a full disk: what is not noted is not given."""
        state = self.scope["state"]
        use: Use | None = state.get("use")
        if use is None or self.gate.journal() is None:
            return True
        length = 0 if self.head else int(dict(headers).get(b"content-length", b"0"))
        try:
            self.gate.journal().add(replace(use, bytes=length), state.get("mark"))
        except OSError:
            _LOG.exception("the journal of use cannot be written", extra={"request": self.id})
            return False
        return True

    def _headers(self, present: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        state = self.scope["state"]
        have = {name.lower() for name, _ in present}
        headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-security-policy", CSP.encode()),
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"x-request-id", self.id.encode()),
        ]
        if b"cache-control" not in have:
            private = b"private, no-cache" if state.get("known") else b"no-cache"
            headers.append((b"cache-control", private))
        headers.append(
            (b"vary", b"Accept, Accept-Encoding, Accept-Language, Authorization, Origin, User-Agent")
        )
        if self.scope["scheme"] == "https":
            headers.append((b"strict-transport-security", b"max-age=31536000"))
        origin = self._origin()
        if origin:
            headers.append((b"access-control-allow-origin", origin))
            headers.append(
                (b"access-control-expose-headers", b"Content-Crs, Link, Location, RateLimit-Remaining")
            )
        quota = state.get("quota_headers") or {}
        return headers + [(name.lower().encode(), value.encode()) for name, value in quota.items()]

    def _origin(self) -> bytes:
        allowed = self.gate.settings.cors_origins
        if "*" in allowed:
            return b"*"
        given = dict(self.scope["headers"]).get(b"origin", b"")
        return given if given.decode("latin-1") in allowed else b""

    def end(self) -> None:
        """Count the request and log it: no address, no query, no header, since each may hold a secret."""
        took = time.perf_counter() - self.began
        self.gate.metrics.count(self.method, self.route, self.status, took)
        if _LOG.isEnabledFor(logging.INFO):
            use = self.scope["state"].get("use")
            _LOG.info(
                "request",
                extra={
                    "request": self.id,
                    "method": self.method,
                    "route": self.route,
                    "status": self.status,
                    "ms": round(took * 1000, 2),
                    "tenant": use.tenant if use else "",
                    "key": use.key_id if use else "",
                    "resource": use.resource if use else "",
                },
            )


async def _whole_body(scope: Scope, receive: Receive, most: int) -> Receive:
    """Read a body up to a limit; the application gets it in one piece."""
    headers = dict(scope["headers"])
    declared = headers.get(b"content-length", b"")
    if declared and (not declared.isdigit() or int(declared) > most):
        raise Refused(413, f"a body has at most {most} bytes here")
    if not declared and b"transfer-encoding" not in headers:
        return receive
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise Refused(413, f"a body has at most {most} bytes here")
        if not message.get("more_body", False):
            break
    whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


class JsonLines(logging.Formatter):
    """Log records as lines of JSON."""

    _PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in self._PLAIN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)
