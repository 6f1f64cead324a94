"""The API's description as OpenAPI 3.0.3 with everything inline: what OGC's standards and X-Road take.

FastAPI writes OpenAPI 3.1 with references; this turns it down one version and puts every schema where it is
referred to, so that no client has to fetch or resolve anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from api.ogc.schemas import ANSWERS, CONTENT_CRS, IN_A_CRS
from api.problems import MEDIA_TYPE

_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
    },
    "required": ["type", "title", "status"],
}
_ERRORS = {
    400: "A parameter or the body is not valid",
    401: "A key is needed or is not valid",
    403: "Not permitted; the reasons say why",
    404: "There is no such resource",
    405: "The method is not allowed here",
    406: "There is no such representation",
    409: "The state of the resource does not allow it",
    410: "The data have been replaced",
    413: "The body or the answer is too large",
    414: "The address is too long",
    415: "The body is of another type",
    422: "The cities do not satisfy the programme's rule",
    429: "The quota is used up",
    500: "An unforeseen error",
    503: "The server is starting or stopping",
}
_MOST_DEPTH = 40


def openapi_document(app: FastAPI, *, title: str, version: str, server: str) -> dict[str, Any]:
    """The description of an application.

    Args:
        app: The application.
        title: Its title.
        version: Its version.
        server: The address it is reached at, or ``/``.
    """
    from fastapi.openapi.utils import get_openapi

    raw = get_openapi(title=title, version=version, routes=app.routes)
    schemas = raw.get("components", {}).get("schemas", {})
    paths = lowered(_inline(raw["paths"], schemas, 0))
    for path, operations in paths.items():
        for method, operation in operations.items():
            _finish(operation)
            _declare(method, path, operation)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": title,
            "version": version,
            "description": "Cities' data, pilots and results by the standards of the OGC.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key twb_… or a token of the issuer.",
                }
            }
        },
        "security": [{}, {"key": []}],
    }


def _finish(operation: dict[str, Any]) -> None:
    """Declare every way an operation can fail, once and alike, and drop what only we read."""
    operation.pop("x-own-parameters", None)
    responses = {code: item for code, item in operation["responses"].items() if code != "422"}
    for item in responses.values():
        content = item.get("content", {})
        if list(content) == ["application/json"] and content["application/json"] == {"schema": {}}:
            item["content"] = {"application/json": {}, "text/html": {}}
        elif (
            "application/json" in content
            and len(content) > 1
            and content["application/json"] == {"schema": {}}
        ):
            del content["application/json"]
    for status, words in _ERRORS.items():
        responses[str(status)] = {"description": words, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    responses["304"] = {"description": "The caller has this very content"}
    operation["responses"] = responses


def _declare(method: str, path: str, operation: dict[str, Any]) -> None:
    """Say what the standards' documents hold, and whether a list is repeated or one text with commas."""
    for status, response in operation["responses"].items():
        for media, schema in ANSWERS.get((method, path, status), {}).items():
            response.setdefault("content", {})[media] = {"schema": schema}
        if (method, path, status) in IN_A_CRS:
            response["headers"] = {"Content-Crs": CONTENT_CRS}
    for parameter in operation.get("parameters", []):
        parameter["schema"].pop("nullable", None)  # one that may be left out is not one that may be null
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
            parameter |= {"style": "form", "explode": parameter["schema"].pop("x-repeated", False)}


def _inline(node: Any, schemas: Mapping[str, Any], depth: int) -> Any:
    if depth > _MOST_DEPTH:
        return {}
    if isinstance(node, Mapping):
        if "$ref" in node:
            return _inline(schemas.get(str(node["$ref"]).rpartition("/")[2], {}), schemas, depth + 1)
        return {name: _inline(value, schemas, depth + 1) for name, value in node.items()}
    return [_inline(item, schemas, depth + 1) for item in node] if isinstance(node, list) else node


def lowered(node: Any) -> Any:
    """A piece of OpenAPI 3.1 as 3.0 says the same."""
    if isinstance(node, list):
        return [lowered(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    made = _without_null({name: lowered(value) for name, value in node.items()})
    if "x-default" in made:
        made["default"] = made.pop("x-default")  # the framework drops what is not its own default
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("examples"), list) and "schema" not in made:
        made["example"] = made.pop("examples")[0]
    for bound, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(bound), (int, float)) and not isinstance(made.get(bound), bool):
            made[plain] = made[bound]
            made[bound] = True
    if "oneOf" in made and made.get("type") == "array":
        made["oneOf"] = [{"type": "array", **item} if "type" not in item else item for item in made["oneOf"]]
    # What the text of a number or list may be is told by its type; the bounds of the text are ours.
    dropped = (
        ("maxLength", "minLength", "pattern") if made.get("type") in ("integer", "array", "number") else ()
    )
    return {name: value for name, value in made.items() if name not in (*dropped, "prefixItems")}


def _without_null(made: dict[str, Any]) -> dict[str, Any]:
    """Null as OpenAPI 3.0 has it: not a type of its own, but what a value of some type may be."""
    some = made.get("anyOf")
    if isinstance(some, list) and {"type": "null"} in some:
        rest = [item for item in some if item != {"type": "null"}]
        del made["anyOf"]
        made = {**rest[0], **made} if len(rest) == 1 else {**made, "anyOf": rest}
        made["nullable"] = True
    if isinstance(made.get("type"), list):
        made["type"] = next(kind for kind in made["type"] if kind != "null")
        made["nullable"] = True
    return made
