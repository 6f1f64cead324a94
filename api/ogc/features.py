"""OGC API – Features: the features of a collection, by place, time, property and filter, page by page."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, cast
from urllib.parse import parse_qsl

import anyio.to_thread
import numpy as np
import orjson
import pyarrow as pa
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.access.actions import Action
from api.answers import FEATURES, GEOJSON, HTML, JSON, SCHEMA, answer, bytes_answer, negotiate
from api.catalogue.collection import Collection, Property
from api.catalogue.features import FeatureTable, Rows, merge
from api.entry import Entry, Visitor, link
from api.ogc import crs as systems
from api.ogc import filtering
from api.ogc.common import REL
from api.ogc.schemas import RECORD_PARAMETERS
from api.parameters import (
    BBoxCrsText,
    BBoxText,
    Box,
    CrsText,
    DatetimeText,
    FilterCrsText,
    Format,
    Limit,
    bbox,
    integer,
    span,
)
from api.problems import Gone, NotFound
from api.store import now
from geodata.errors import InvalidInput

router = APIRouter(tags=["Features"])
DEFAULT_LIMIT = 100
_OWN = (
    "f",
    "limit",
    "offset",
    "cursor",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
)
_IN_THREAD_FROM = 50_000
"""Rows from which a filter is evaluated beside the loop that serves the others."""
_LINK_TYPES = {"json": GEOJSON, "html": HTML}


@dataclass(frozen=True)
class Question:
    """What is asked of a collection's features."""

    box: Any
    datetime: Any
    filter: filtering.Filter | None
    equals: tuple[tuple[str, str], ...]
    crs: str
    limit: int
    start: int


def features_of(entry: Entry, collection_id: str) -> Collection:
    """A collection that has features.

    Raises:
        NotFound: It is none, or has none.
    """
    found = entry.collection(collection_id)
    if found.form != "features":
        raise NotFound("the collection has no features", field="collectionId", value=collection_id)
    return found


@router.get(
    "/collections/{collectionId}/items",
    name="items",
    summary="Features of a collection",
    openapi_extra={"x-own-parameters": True, "parameters": RECORD_PARAMETERS},
    responses={200: {"description": "Features", "content": {GEOJSON: {}, HTML: {}}}},
)
async def items(
    entry: Visitor,
    collectionId: str,
    f: Format = None,
    limit: Limit = None,
    offset: Annotated[
        str | None, Query(max_length=16, json_schema_extra={"type": "integer", "minimum": 0})
    ] = None,
    cursor: Annotated[str | None, Query(max_length=300, description="From the link `next`; opaque.")] = None,
    box: BBoxText = None,
    box_crs: BBoxCrsText = None,
    crs: CrsText = None,
    datetime: DatetimeText = None,
    filter: Annotated[str | None, Query(max_length=8192, description="A filter in CQL2.")] = None,  # noqa: A002
    filter_lang: Annotated[
        str | None,
        Query(alias="filter-lang", max_length=20, json_schema_extra={"enum": ["cql2-text", "cql2-json"]}),
    ] = None,
    filter_crs: FilterCrsText = None,
) -> Response:
    """Features that meet a box, a span of time and a filter; further parameters are queryables."""
    if collectionId == "catalogue":
        from api.ogc.records import record_items

        return record_items(entry, f, limit, offset, box, datetime)
    found = features_of(entry, collectionId)
    entry.check(Action.READ, found.target, "items")
    form = negotiate(entry.request, FEATURES, f)
    most = entry.context.settings.limits.page_features
    question = Question(
        None if box is None else _area(box, box_crs, found),
        None if datetime is None else span(datetime),
        None if filter is None else _filter(filter, filter_lang, filter_crs, found),
        _equalities(entry, found),
        "OGC:CRS84" if crs is None else systems.code(crs, found.storage_crs, "crs"),
        DEFAULT_LIMIT if limit is None else integer(limit, "limit", 1, most),
        0 if offset is None else integer(offset, "offset", 0, 10**12),
    )
    start = question.start if cursor is None else _start_of(entry, found, cursor)
    table = cast(
        "FeatureTable", entry.context.products.ready(found) or await entry.context.products.get(found)
    )
    if question.filter is not None and table.rows >= _IN_THREAD_FROM:
        rows = await anyio.to_thread.run_sync(select, table, found, question)
    else:
        rows = select(table, found, question)
    return _page(entry, found, table, rows, question, start, form)


def _area(text: str, box_crs: str | None, found: Collection) -> Any:
    box = bbox(text)
    code = "OGC:CRS84" if box_crs is None else systems.code(box_crs, found.storage_crs, "bbox-crs")
    return systems.area_of(box, code)


def _filter(text: str, language: str | None, crs: str | None, found: Collection) -> filtering.Filter:
    language = language or ("cql2-json" if text.lstrip().startswith("{") else "cql2-text")
    code = "OGC:CRS84" if crs is None else systems.code(crs, found.storage_crs, "filter-crs")
    return filtering.read(text, language, code)


def _equalities(entry: Entry, found: Collection) -> tuple[tuple[str, str], ...]:
    """Query parameters that are queryables; any other is refused."""
    known = {item.name for item in found.properties if item.type != "time"}
    pairs = []
    for name, value in parse_qsl(
        entry.request.scope["query_string"].decode("latin-1"), keep_blank_values=True
    ):
        if name in _OWN:
            continue
        if name not in known:
            raise InvalidInput(
                "this query parameter is not known here",
                field=name,
                expected="one of " + ", ".join([*_OWN, *sorted(known)]),
            )
        pairs.append((name, value))
    return tuple(pairs)


def select(table: FeatureTable, found: Collection, question: Question) -> Rows | None:
    """The rows that answer a question, in the table's order; None for all."""
    chosen: list[Rows | None] = []
    if question.box is not None:
        inside = table.within if isinstance(question.box, Box) else table.touching
        chosen.append(inside(question.box))
    if question.filter is not None:
        chosen.append(question.filter.rows(table))
    for name, value in question.equals:
        chosen.append(_equal(table, found, name, value))
    if question.datetime is not None:
        chosen.append(_in_time(table, found, question.datetime))
    return merge(chosen)


def _equal(table: FeatureTable, found: Collection, name: str, text: str) -> Rows:
    kind = next(item for item in found.properties if item.name == name).type
    value: Any = text
    if kind in ("number", "integer"):
        from api.parameters import number

        value = number(text, name)
    elif kind == "boolean":
        if text not in ("true", "false"):
            raise InvalidInput("this is neither true nor false", field=name, value=text)
        value = text == "true"
    tree = {"op": "=", "args": [{"property": name}, value]}
    return filtering.Filter(tree).rows(table)


def _in_time(table: FeatureTable, found: Collection, wanted: Any) -> Rows | None:
    """Rows within a span by the first instant column; features without time belong to every span."""
    name = next((item.name for item in found.properties if item.type == "time"), None)
    if name is None or name not in table.columns.column_names:
        return None
    column = table.columns[name].cast(pa.timestamp("ns", "UTC")).combine_chunks()
    known = np.asarray(column.is_valid())
    values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    start, end = wanted.in_ns()
    return np.flatnonzero(~known | ((values >= start) & (values <= end)))


def _page(
    entry: Entry,
    found: Collection,
    table: FeatureTable,
    rows: Rows | None,
    question: Question,
    start: int,
    form: str,
) -> Response:
    limits = entry.context.settings.limits
    chosen, following = table.page(rows, start, question.limit, limits.page_bytes)
    matched = table.rows if rows is None else len(rows)
    entry.count(len(chosen))
    cursor = _cursor(entry, found, following) if following < matched else None
    links = _links(entry, found, form, cursor)
    if form == "html":
        document = {
            "numberMatched": matched,
            "numberReturned": len(chosen),
            "features": table.records(chosen[:1000]),
            "links": links,
        }
        return answer(entry.request, document, "html", title=found.title(entry.language))
    plain = question.crs == "OGC:CRS84"
    body = b"".join(
        [
            b'{"type":"FeatureCollection","timeStamp":"',
            now().strftime("%Y-%m-%dT%H:%M:%SZ").encode(),
            b'","numberMatched":%d,"numberReturned":%d,"links":' % (matched, len(chosen)),
            orjson.dumps(links),
            b',"features":[',
            table.join(chosen) if plain else table.join_in(chosen, question.crs),
            b"]}",
        ]
    )
    name = (
        f"{found.id}:{found.version}:{matched}:{entry.base}".encode()
        + entry.request.scope["query_string"]
        + form.encode()
    )
    etag = f'W/"{hashlib.blake2b(name, digest_size=12).hexdigest()}"'
    headers = {**systems.header(question.crs), "Link": _queryables(entry, found)}
    return bytes_answer(entry.request, body, GEOJSON, etag=etag, headers=headers)


def _queryables(entry: Entry, found: Collection) -> str:
    """Where a client that reads no more than headers learns what can be filtered by (Part 3)."""
    href = entry.href(f"/collections/{found.id}/queryables")
    return f'<{href}>; rel="{REL}queryables"; type="{SCHEMA}"'


def _links(entry: Entry, found: Collection, form: str, cursor: str | None) -> list[dict[str, Any]]:
    path = f"/collections/{found.id}/items"
    given = {
        name: value
        for name, value in parse_qsl(
            entry.request.scope["query_string"].decode("latin-1"), keep_blank_values=True
        )
        if name != "f"
    }
    links = [link(entry.href(path, **given, f=form), "self", _LINK_TYPES[form], "This page")]
    links += [
        link(entry.href(path, **given, f=other), "alternate", media, "The same as " + other.upper())
        for other, media in _LINK_TYPES.items()
        if other != form
    ]
    if cursor is not None:
        rest = {name: value for name, value in given.items() if name not in ("offset", "cursor")}
        links.append(
            link(entry.href(path, **rest, cursor=cursor, f=form), "next", _LINK_TYPES[form], "Next page")
        )
    links.append(
        link(entry.href(f"/collections/{found.id}", f="json"), "collection", JSON, found.title("en"))
    )
    return links


def _digest(entry: Entry) -> str:
    """What a page token belongs to: everything asked but how far and in what form."""
    given = sorted(
        (name, value)
        for name, value in parse_qsl(
            entry.request.scope["query_string"].decode("latin-1"), keep_blank_values=True
        )
        if name not in ("f", "limit", "offset", "cursor")
    )
    return hashlib.blake2b(json.dumps(given).encode(), digest_size=8).hexdigest()


def _cursor(entry: Entry, found: Collection, start: int) -> str:
    token = json.dumps([start, _digest(entry), found.version[:16]], separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


def _start_of(entry: Entry, found: Collection, cursor: str) -> int:
    try:
        token = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        start, digest, version = token
        good = isinstance(start, int) and 0 <= start < 2**53 and digest == _digest(entry)
    except (ValueError, TypeError, RecursionError):
        good, start, version = False, 0, ""
    if not good:
        raise InvalidInput(
            "the cursor does not belong to this question", field="cursor", expected="a link `next`"
        )
    if version != found.version[:16]:
        raise Gone("the data have been replaced since the first page; begin again", field="cursor")
    return int(start)


@router.get(
    "/collections/{collectionId}/items/{featureId:path}",
    name="item",
    summary="One feature",
    responses={200: {"description": "A feature", "content": {GEOJSON: {}, HTML: {}}}},
)
async def item(
    entry: Visitor, collectionId: str, featureId: str, f: Format = None, crs: CrsText = None
) -> Response:
    """A feature by its id."""
    if collectionId == "catalogue":
        from api.ogc.records import record_item

        return record_item(entry, featureId, f)
    found = features_of(entry, collectionId)
    entry.check(Action.READ, found.target, "item")
    form = negotiate(entry.request, FEATURES, f)
    code = "OGC:CRS84" if crs is None else systems.code(crs, found.storage_crs, "crs")
    table = cast("FeatureTable", await entry.context.products.get(found))
    row = table.row_of(featureId)
    if row is None:
        raise NotFound("there is no such feature", field="featureId", value=featureId)
    entry.count(1)
    rows = np.array([row])
    text = table.join(rows) if code == "OGC:CRS84" else table.join_in(rows, code)
    path = f"/collections/{found.id}/items/{featureId}"
    links = [
        link(entry.href(path, f=form), "self", _LINK_TYPES[form], "This feature"),
        *(
            link(entry.href(path, f=other), "alternate", media, "The same as " + other.upper())
            for other, media in _LINK_TYPES.items()
            if other != form
        ),
        link(entry.href(f"/collections/{found.id}", f="json"), "collection", JSON, found.title("en")),
    ]
    if form == "html":
        return answer(entry.request, {**orjson.loads(text), "links": links}, "html", title=featureId)
    body = text[:-1] + b',"links":' + orjson.dumps(links) + b"}"
    return bytes_answer(entry.request, body, GEOJSON, headers=systems.header(code))


@router.get(
    "/collections/{collectionId}/queryables",
    name="queryables",
    summary="What features can be filtered by",
    responses={200: {"description": "A JSON Schema", "content": {SCHEMA: {}, HTML: {}}}},
)
async def queryables(entry: Visitor, collectionId: str, f: Format = None) -> Response:
    """The queryables of a collection as a JSON Schema."""
    found = features_of(entry, collectionId)
    entry.note("queryables", found.id)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": entry.href(f"/collections/{found.id}/queryables"),
        "type": "object",
        "title": found.title(entry.language),
        "properties": {
            **{item.name: schema_of(item) for item in found.properties},
            **(
                {"geometry": {"title": "geometry", "format": f"geometry-{_SHAPES[found.geometry]}"}}
                if found.geometry
                else {}
            ),
        },
        "additionalProperties": False,
    }
    return answer(entry.request, document, f, media=SCHEMA, title="Queryables")


_SHAPES = {"point": "point", "line": "linestring", "polygon": "polygon", "any": "any"}
_TYPES = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean", "time": "string"}


def schema_of(item: Property) -> dict[str, Any]:
    """A property as JSON Schema, with its unit."""
    schema: dict[str, Any] = {"title": item.name, "type": _TYPES[item.type]}
    if item.description:
        schema["description"] = item.description
    if item.type == "time":
        schema["format"] = "date-time"
    if item.unit:
        schema["x-ogc-unit"] = item.unit
    if item.allowed:
        schema["enum"] = list(item.allowed)
    return schema
