"""OGC API – Records: the catalogue, a record for each collection with licence, policy and contacts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from api.answers import FEATURES, GEOJSON, HTML, JSON, answer, negotiate
from api.catalogue.collection import Collection
from api.downloads import offered_files
from api.entry import Entry, link
from api.ogc.schemas import RECORD
from api.parameters import Box, bbox, check_lonlat, integer, span, words
from api.problems import NotFound
from geodata.errors import InvalidInput

_CONF = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/"
CONFORMANCE = tuple(
    _CONF + name
    for name in (
        "record-core",
        "record-collection",
        "record-core-query-parameters",
        "records-api",
        "searchable-catalog",
        "json",
        "html",
        "oas30",
    )
)
PARAMETERS = ("f", "limit", "offset", "bbox", "datetime", "q", "type", "ids", "externalIds")
_DEFAULT, _MOST = 100, 1000
_TYPES = {"features": "dataset", "grid": "dataset", "series": "dataset", "files": "dataset"}


def record(entry: Entry, item: Collection) -> dict[str, Any]:
    """The record of a collection."""
    base = f"/collections/{item.id}"
    geometry = None
    if item.bbox:
        west, south, east, north = item.bbox
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    time = None
    if item.interval:
        time = {"interval": [moment.isoformat().replace("+00:00", "Z") for moment in item.interval]}
    return {
        "type": "Feature",
        "id": item.id,
        "conformsTo": [_CONF + "record-core"],
        "time": time,
        "geometry": geometry,
        "properties": {
            "type": _TYPES[item.form],
            "title": item.title(entry.language),
            "titles": dict(item.titles),
            "description": item.description,
            "keywords": _keywords(item),
            "language": {"code": entry.language},
            "languages": [{"code": code} for code in item.titles],
            "updated": item.updated.replace("+00:00", "Z"),
            "externalIds": [{"scheme": "sha256", "value": item.version}],
            "formats": [{"name": title, "mediaType": media} for _, media, title in offered_files(item)],
            "contacts": [{"name": entry.context.settings.operator, "roles": ["publisher"]}],
            "license": str(item.about.get("licence", "other")),
            "rights": str(item.about.get("attribution", "")),
            "themes": [{"concepts": [{"id": str(item.about.get("kind", "result"))}], "scheme": "kinds"}],
        },
        "links": [
            link(
                entry.href(f"/collections/catalogue/items/{item.id}", f="json"),
                "self",
                GEOJSON,
                "This record",
            ),
            link(
                entry.href(f"/collections/catalogue/items/{item.id}", f="html"),
                "alternate",
                HTML,
                "For people",
            ),
            link(entry.href("/collections/catalogue"), "collection", JSON, "Catalogue"),
            link(entry.href(base, f="json"), "describes", JSON, "The collection"),
            link(entry.href(f"{base}/licence"), "license", "text/plain", "Licence"),
            link(
                entry.href(f"/policies/{item.id}"),
                "http://www.w3.org/ns/odrl/2/hasPolicy",
                "application/ld+json",
                "Terms of use",
            ),
        ],
    }


def _keywords(item: Collection) -> list[str]:
    names = [item.city, str(item.about.get("kind", "")), str(item.about.get("grade", "")), item.form]
    return sorted({name for name in names if name})


def record_items(
    entry: Entry, f: str | None, limit: str | None, offset: str | None, box: str | None, datetime: str | None
) -> Response:
    """Records by text, type, id, place and time."""
    query = entry.request.query_params
    for name in query:
        if name not in PARAMETERS:
            raise InvalidInput(
                "this query parameter is not known here",
                field=name,
                expected="one of " + ", ".join(PARAMETERS),
            )
    entry.note("records", "catalogue")
    form = negotiate(entry.request, FEATURES, f)
    count = _DEFAULT if limit is None else integer(limit, "limit", 1, _MOST)
    start = 0 if offset is None else integer(offset, "offset", 0, 10**9)
    found = [item for item in entry.visible() if _matches(item, query)]
    if box is not None:
        area = check_lonlat(bbox(box))
        found = [item for item in found if _meets(item, area)]
    if datetime is not None:
        wanted = span(datetime)
        found = [item for item in found if _overlaps(item, wanted.start, wanted.end)]
    shown = found[start : start + count]
    entry.count(len(shown))
    given = {name: value for name, value in query.items() if name not in ("f", "offset")}
    path = "/collections/catalogue/items"
    links = [
        link(entry.href(path, **given, offset=start or None, f="json"), "self", GEOJSON, "This page"),
        link(
            entry.href(path, **given, offset=start or None, f="html"),
            "alternate",
            HTML,
            "This page for people",
        ),
        link(entry.href("/collections/catalogue"), "collection", JSON, "Catalogue"),
    ]
    if start + count < len(found):
        links.append(
            link(entry.href(path, **given, offset=start + count, f=form), "next", GEOJSON, "Next page")
        )
    document = {
        "type": "FeatureCollection",
        "numberMatched": len(found),
        "numberReturned": len(shown),
        "features": [record(entry, item) for item in shown],
        "links": links,
    }
    return answer(entry.request, document, form, media=_media(entry), title="Catalogue")


def _matches(item: Collection, query: Any) -> bool:
    """Words must all occur; types, ids and external ids are alternatives."""
    texts = [*item.titles.values(), item.description, *_keywords(item), item.id]
    text = " ".join(texts).casefold()
    if "q" in query and not any(
        all(part in text for part in phrase.split()) for phrase in words(query["q"].casefold())
    ):
        return False
    if "type" in query and _TYPES[item.form] not in words(query["type"]):
        return False
    if "ids" in query and item.id not in words(query["ids"]):
        return False
    wanted = [value.rpartition(":")[2] for value in words(query.get("externalIds", ""))]
    return not wanted or item.version in wanted


def _meets(item: Collection, area: Box) -> bool:
    if item.bbox is None:
        return True
    west, south, east, north = item.bbox
    return west <= area.x1 and east >= area.x0 and south <= area.y1 and north >= area.y0


def _overlaps(item: Collection, start: datetime | None, end: datetime | None) -> bool:
    if item.interval is None:
        return True
    first, last = item.interval
    return (end is None or first <= end) and (start is None or last >= start)


def record_item(entry: Entry, record_id: str, f: str | None) -> Response:
    """One record."""
    for name in entry.request.query_params:
        if name != "f":
            raise InvalidInput("this query parameter is not known here", field=name, expected="f")
    try:
        found = entry.collection(record_id)
    except NotFound:
        raise NotFound("there is no such record", field="recordId", value=record_id) from None
    entry.note("record", "catalogue", features=1)
    form = negotiate(entry.request, FEATURES, f)
    title = found.title(entry.language)
    return answer(entry.request, record(entry, found), form, media=_media(entry), title=title)


def _media(entry: Entry) -> str:
    """Records are GeoJSON; who asks for them by their own type gets them under it."""
    return RECORD if "ogc-record" in entry.request.headers.get("accept", "") else GEOJSON
