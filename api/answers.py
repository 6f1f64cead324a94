"""Answers in the form the caller asked for, by ``f`` or ``Accept``; with an ETag, compressed if it pays."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from api.problems import NotAcceptable
from api.web.page import page
from geodata.errors import InvalidInput

JSON, GEOJSON, HTML, SCHEMA = (
    "application/json",
    "application/geo+json",
    "text/html",
    "application/schema+json",
)
_ZIP_FROM = 1400
"""Bytes; a smaller body fits one packet as it is."""

JSON_OR_HTML: Mapping[str, str] = {"json": JSON, "html": HTML}
FEATURES: Mapping[str, str] = {"json": GEOJSON, "html": HTML}


def negotiate(request: Request, offered: Mapping[str, str], f: str | None) -> str:
    """The name of the representation to answer with; the first offered is the default.

    Raises:
        InvalidInput: ``f`` names none.
        NotAcceptable: The header Accept takes none.
    """
    if f is not None:
        if f in offered:
            return f
        named = [name for name, media in offered.items() if media == f]
        if named:
            return named[0]
        raise InvalidInput(
            "there is no such representation", field="f", value=f, expected="one of " + ", ".join(offered)
        )
    accept = request.headers.get("accept", "*/*")
    chosen = _choose(accept[:1000], tuple(offered.items()))
    if chosen is None:
        raise NotAcceptable(
            "there is no such representation",
            field="Accept",
            value=accept,
            expected=", ".join(offered.values()),
        )
    return chosen


@lru_cache(maxsize=1024)
def _choose(accept: str, offered: tuple[tuple[str, str], ...]) -> str | None:
    best: tuple[float, int, int] | None = None
    chosen = None
    for part in accept.split(","):
        media, *parameters = (item.strip() for item in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        for place, (name, offer) in enumerate(offered):
            close = _closeness(media, offer)
            if close and weight > 0:
                rank = (weight, close, -place)
                if best is None or rank > best:
                    best, chosen = rank, name
    return chosen


def _closeness(wish: str, offer: str) -> int:
    """3 for the type itself, 2 for its family, 1 for anything, 0 for another."""
    if wish == offer:
        return 3
    if wish == "*/*" or not wish:
        return 1
    family = wish.split("/", maxsplit=1)[0]
    if wish == f"{family}/*" and offer.startswith(f"{family}/"):
        return 2
    # GeoJSON is JSON: whoever takes plain JSON can read it.
    return 2 if wish == JSON and offer.endswith("+json") else 0


def answer(
    request: Request,
    document: Any,
    f: str | None = None,
    *,
    media: str = JSON,
    title: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A document as JSON, or as a page for people."""
    if negotiate(request, {"json": media, "html": HTML}, f) == "html":
        body = page(document, title or str(document.get("title", "")), request.url.path)
        return bytes_answer(request, body, "text/html; charset=utf-8", status=status, headers=headers)
    return bytes_answer(request, orjson.dumps(document), media, status=status, headers=headers)


def bytes_answer(
    request: Request,
    body: bytes,
    media: str,
    *,
    etag: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Bytes as they are, with an ETag, and compressed for who takes it.

    Args:
        request: The request.
        body: The body.
        media: Its media type.
        etag: A weak tag that names the content; made from the bytes if left out.
        status: The status.
        headers: Further headers.
    """
    given = dict(headers or {})
    if status == 200:
        tag = etag or f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        given["ETag"] = tag
        if same_tag(request, tag):
            return Response(status_code=304, headers=given)
    if len(body) >= _ZIP_FROM and takes_gzip(request):
        given["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 1, mtime=0)
    return Response(body, status_code=status, media_type=media, headers=given)


def same_tag(request: Request, tag: str) -> bool:
    """Whether the caller has this very content already."""
    known = request.headers.get("if-none-match")
    return known is not None and (known.strip() == "*" or tag in (part.strip() for part in known.split(",")))


def takes_gzip(request: Request) -> bool:
    """Whether the caller takes gzip."""
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.strip().partition(";q=")
        if name in ("gzip", "*") and weight not in ("0", "0.0", "0.00", "0.000"):
            return True
    return False
