"""Schemas of the standards' documents, as the API's description declares them for each path.

They say what a client may rely on: members that are always there and what they are. Documents hold more.
Sources: OGC 17-069r4 (Features), 18-058r1 (CRS), 18-062r2 (Processes), 20-004r1 (Records), 19-086r6 (EDR).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.answers import GEOJSON, JSON

RECORD = "application/geo+json; application=ogc-record"
CATALOGUE = "application/ogc-catalog+json"
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_URI: Schema = {"type": "string", "format": "uri"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}


def _object(required: str = "", **properties: Schema) -> Schema:
    made: Schema = {"type": "object", "properties": properties}
    return {"required": required.split(), **made} if required else made


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


LINK = _object("href rel type", href=_TEXT, rel=_TEXT, type=_TEXT, hreflang=_TEXT, title=_TEXT)
LINKS = _list(LINK)
LANDING = _object("links", title=_TEXT, description=_TEXT, attribution=_TEXT, links=LINKS)
CONFORMANCE = _object("conformsTo", conformsTo=_list(_TEXT))
_NUMBERS = _list({"type": "number"}, minItems=4, maxItems=6)
_ENDS = _list({**_INSTANT, "nullable": True}, minItems=2, maxItems=2)
_SYSTEMS = {"type": "string", "enum": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]}
_CLOCK = {"type": "string", "enum": ["http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"]}
EXTENT = _object(
    spatial=_object(bbox=_list(_NUMBERS, minItems=1), crs=_SYSTEMS),
    temporal=_object(interval=_list(_ENDS, minItems=1), trs=_CLOCK),
)
COLLECTION = _object(
    "id links crs extent",
    id=_TEXT,
    title=_TEXT,
    description=_TEXT,
    attribution=_TEXT,
    links=LINKS,
    extent=EXTENT,
    itemType={"type": "string", "default": "feature"},
    crs=_list(_TEXT),
    storageCrs=_URI,
    data_queries=_object(),
    parameter_names=_object(),
    output_formats=_list(_TEXT),
)
CATALOG = _object(
    "id type title links crs extent itemType",
    **{**COLLECTION["properties"], "itemType": {"type": "string", "enum": ["record"]}},
    type={"type": "string", "enum": ["Catalog"]},
)
COLLECTIONS = _object("links collections", links=LINKS, collections=_list(COLLECTION))
GEOMETRY = {**_object("type", type=_TEXT, coordinates=_list({})), "nullable": True}
FEATURE = _object(
    "id type geometry properties",
    type={"type": "string", "enum": ["Feature"]},
    id={"oneOf": [{"type": "string"}, {"type": "integer"}]},
    geometry=GEOMETRY,
    properties={"type": "object", "nullable": True},
    links=LINKS,
)
_COUNT = {"type": "integer", "minimum": 0}


def _collection_of(feature: Schema) -> Schema:
    return _object(
        "type features",
        type={"type": "string", "enum": ["FeatureCollection"]},
        features=_list(feature),
        links=LINKS,
        timeStamp=_INSTANT,
        numberMatched=_COUNT,
        numberReturned=_COUNT,
    )


FEATURES = _collection_of(FEATURE)
_RECORD_TIME = {**_object(interval=_list(_TEXT), date=_TEXT, timestamp=_INSTANT), "nullable": True}
RECORD_FEATURE = _object(
    "id type time geometry properties",
    **{**FEATURE["properties"], "id": _TEXT, "conformsTo": _list(_TEXT), "time": _RECORD_TIME},
)
RECORD_FEATURE["properties"]["properties"] = _object("type title", type=_TEXT, title=_TEXT, license=_TEXT)
_SUMMARY: Mapping[str, Schema] = {
    "id": _TEXT,
    "version": _TEXT,
    "title": _TEXT,
    "description": _TEXT,
    "keywords": _list(_TEXT),
    "jobControlOptions": _list({"type": "string", "enum": ["sync-execute", "async-execute", "dismiss"]}),
    "outputTransmission": _list({"type": "string", "enum": ["value", "reference"]}),
    "links": LINKS,
}
PROCESSES = _object("processes links", processes=_list(_object("id version", **_SUMMARY)), links=LINKS)
PROCESS = _object("id version", **_SUMMARY, inputs=_object(), outputs=_object())
STATUS = _object(
    "jobID status type",
    processID=_TEXT,
    type={"type": "string", "enum": ["process"]},
    jobID=_TEXT,
    status={"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
    message=_TEXT,
    created=_INSTANT,
    started=_INSTANT,
    finished=_INSTANT,
    updated=_INSTANT,
    progress={"type": "integer", "minimum": 0, "maximum": 100},
    links=LINKS,
)
JOBS = _object("jobs links", jobs=_list(STATUS), links=LINKS)
RESULTS = _object()

ANSWERS: Mapping[tuple[str, str, str], Mapping[str, Schema]] = {
    ("get", "/", "200"): {JSON: LANDING},
    ("get", "/conformance", "200"): {JSON: CONFORMANCE},
    ("get", "/collections", "200"): {JSON: COLLECTIONS},
    ("get", "/collections/{collectionId}", "200"): {JSON: COLLECTION, CATALOGUE: CATALOG},
    ("get", "/collections/{collectionId}/items", "200"): {
        GEOJSON: FEATURES,
        RECORD: _collection_of(RECORD_FEATURE),
    },
    ("get", "/collections/{collectionId}/items/{featureId}", "200"): {
        GEOJSON: FEATURE,
        RECORD: RECORD_FEATURE,
    },
    ("get", "/processes", "200"): {JSON: PROCESSES},
    ("get", "/processes/{processId}", "200"): {JSON: PROCESS},
    ("post", "/processes/{processId}/execution", "200"): {JSON: RESULTS},
    ("post", "/processes/{processId}/execution", "201"): {JSON: STATUS},
    ("get", "/jobs", "200"): {JSON: JOBS},
    ("get", "/jobs/{jobId}", "200"): {JSON: STATUS},
    ("delete", "/jobs/{jobId}", "200"): {JSON: STATUS},
    ("get", "/jobs/{jobId}/results", "200"): {JSON: RESULTS},
}
"""Schemas of answers by method, path, status and media type."""

CONTENT_CRS: Schema = {
    "description": "URI of the CRS of the answer's coordinates, in angle brackets.",
    "schema": _TEXT,
}
IN_A_CRS = {
    ("get", "/collections/{collectionId}/items", "200"),
    ("get", "/collections/{collectionId}/items/{featureId}", "200"),
}
"""Answers whose coordinates are in the CRS that their header names."""

_RECORDS_ASKED = {
    "q": "Words; a record has all words of one of the phrases.",
    "type": "Kinds of resource, such as `dataset`.",
    "ids": "Ids of records.",
    "externalIds": "Digests of the data's versions, with or without `sha256:`.",
}
RECORD_PARAMETERS: list[Schema] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"{words} Only for records (the collection `catalogue`).",
        "schema": _list(_TEXT),
    }
    for name, words in _RECORDS_ASKED.items()
]
"""What records are asked for by, beside place and time (20-004r1, clause 9)."""
