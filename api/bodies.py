"""JSON bodies read strictly: UTF-8, finite numbers, bounded depth, text that any store takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from api.answers import JSON
from geodata.errors import InvalidInput

_MOST_DEPTH = 50
_MOST_DIGITS = 20
_LONG = re.compile(rb"\d{19}")


def takes(content: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A route's body as the API's description has it: a schema for each media type that is taken."""
    schemas = {media: {"schema": dict(schema)} for media, schema in content.items()}
    return {"requestBody": {"required": True, "content": schemas}}


def created(words: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that keeps what it is sent."""
    return {201: {"description": words, "content": {JSON: {}}}}


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
    if _LONG.search(body):
        json.loads(body, parse_int=_whole)
    return document


def _whole(digits: str) -> int:
    """A whole number that is kept as it is: a longer one would become another, rounded to a float."""
    if len(digits) > _MOST_DIGITS + 1 or not -(2**63) <= int(digits) < 2**64:
        raise InvalidInput(
            "a whole number is too large", field="body", value=digits[:40], expected="64 bits at most"
        )
    return int(digits)


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
