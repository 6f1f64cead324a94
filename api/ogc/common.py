"""The entrance: landing page, what is conformed to, the collections and what is said of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from api.access.actions import Action
from api.answers import GEOJSON, HTML, JSON, JSON_OR_HTML, SCHEMA, answer, negotiate
from api.catalogue.collection import Collection
from api.downloads import offered_files
from api.entry import Entry, Visitor, link
from api.ogc import crs
from api.ogc.schemas import CATALOGUE
from api.parameters import CRS84, Format
from geodata.manifest import Residency

_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/"
CONFORMANCE = (
    *(_FEATURES + name for name in ("core", "geojson", "html", "oas30")),
    _COMMON + "core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
)
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
router = APIRouter(tags=["Entrance"])


@router.get("/", name="landing page", summary="Where everything begins")
async def landing(entry: Visitor, f: Format = None) -> Response:
    """Title, and links to all that is here."""
    settings = entry.context.settings
    document = {
        "title": settings.title,
        "description": "Open data and simulated results of cities that try smart-city pilots together.",
        "attribution": f"Served by {settings.operator}",
        "links": [
            link(entry.href("/", f="json"), "self", JSON, "This page"),
            link(entry.href("/", f="html"), "alternate", HTML, "This page for people"),
            link(entry.href("/openapi.json"), "service-desc", OPENAPI, "Description of the API"),
            link(entry.href("/api.html"), "service-doc", HTML, "Description of the API for people"),
            link(entry.href("/conformance"), "conformance", JSON, "Standards conformed to"),
            link(entry.href("/collections"), "data", JSON, "Collections of data and results"),
            link(entry.href("/collections"), f"{REL}data", JSON, "Collections of data and results"),
            link(entry.href("/processes"), f"{REL}processes", JSON, "Pilots that can be run"),
            link(entry.href("/jobs"), f"{REL}job-list", JSON, "Your jobs"),
            link(entry.href("/collections/catalogue"), f"{REL}ogc-catalog", JSON, "Catalogue of datasets"),
            link(entry.href("/sta/v1.1"), "related", JSON, "Sensors and observations (SensorThings 1.1)"),
            link(entry.href("/licences"), "license", JSON, "Licences and attributions"),
        ],
    }
    return answer(entry.request, document, f, title=settings.title)


@router.get("/conformance", name="conformance", summary="Standards conformed to")
async def conformance(entry: Visitor, f: Format = None) -> Response:
    """The union of what the server's modules declare."""
    classes = entry.request.app.state.conformance
    links = [
        link(entry.href("/conformance", f="json"), "self", JSON, "This document"),
        link(entry.href("/conformance", f="html"), "alternate", HTML, "This document for people"),
    ]
    return answer(entry.request, {"conformsTo": classes, "links": links}, f, title="Conformance")


@router.get("/collections", name="collections", summary="All collections")
async def collections(entry: Visitor, f: Format = None) -> Response:
    """Every collection whose data the caller may read; the catalogue lists what else there is, with terms.

    GDAL and QGIS take whatever is listed for a layer and open it at once.
    """
    described = [describe(entry, item, short=True) for item in entry.readable()]
    document = {
        "title": "Collections",
        "description": "What you may read. The catalogue lists all that is here, with its terms of use.",
        "collections": [*described, catalogue_record(entry)],
        "crs": crs.offered(""),
        "links": [
            link(entry.href("/collections", f="json"), "self", JSON, "This document"),
            link(entry.href("/collections", f="html"), "alternate", HTML, "This document for people"),
        ],
    }
    return answer(entry.request, document, f, title="Collections")


@router.get("/collections/{collectionId}", name="collection", summary="One collection")
async def collection(entry: Visitor, collectionId: str, f: Format = None) -> Response:
    """What a collection holds, where it comes from and how it can be asked."""
    if collectionId == "catalogue":
        wanted = "ogc-catalog" in entry.request.headers.get("accept", "")
        media = CATALOGUE if wanted else JSON
        return answer(entry.request, catalogue_record(entry), f, media=media, title="Catalogue")
    found = entry.collection(collectionId)
    entry.note("collection", found.id)
    return answer(entry.request, describe(entry, found), f, title=found.title(entry.language))


@router.get("/licences", name="licences", summary="Licences and attributions")
async def licences(entry: Visitor, f: Format = None) -> Response:
    """What must stand beside the data, by collection."""
    rows = [
        {
            "id": item.id,
            "title": item.title(entry.language),
            "licence": item.about.get("licence"),
            "attribution": item.about.get("attribution"),
            "grade": item.about.get("grade"),
        }
        for item in entry.visible()
    ]
    return answer(entry.request, {"title": "Licences", "collections": rows}, f, title="Licences")


def catalogue_record(entry: Entry) -> dict[str, Any]:
    """The catalogue's own description as a collection of records."""
    base = "/collections/catalogue"
    return {
        "id": "catalogue",
        "type": "Catalog",
        "title": "Catalogue",
        "description": "A record for every dataset and result, with licence and terms of use.",
        "itemType": "record",
        "extent": {"spatial": {"bbox": [extent_of(entry.visible())], "crs": CRS84}},
        "crs": [CRS84],
        "links": [
            link(entry.href(base, f="json"), "self", JSON, "This document"),
            link(entry.href(base, f="html"), "alternate", HTML, "This document for people"),
            link(entry.href(f"{base}/items", f="json"), "items", GEOJSON, "Records"),
            link(entry.href(f"{base}/items", f="html"), "items", HTML, "Records for people"),
        ],
    }


def extent_of(items: Iterable[Collection]) -> list[float]:
    """What collections cover together; the world where nothing is known."""
    boxes = [item.bbox for item in items if item.bbox]
    if not boxes:
        return [-180.0, -90.0, 180.0, 90.0]
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]


def describe(entry: Entry, item: Collection, *, short: bool = False) -> dict[str, Any]:
    """A collection as the standards want it described, with all that must stand beside its data."""
    base = f"/collections/{item.id}"
    document: dict[str, Any] = {
        "id": item.id,
        "title": item.title(entry.language),
        "titles": dict(item.titles),
        "description": item.description,
        "attribution": item.about.get("attribution", ""),
        "extent": _extent(item),
        "links": [
            link(entry.href(base, f="json"), "self", JSON, "This collection"),
            link(entry.href(base, f="html"), "alternate", HTML, "This collection for people"),
            link(entry.href(f"{base}/licence"), "license", "text/plain", str(item.about.get("licence", ""))),
            link(entry.href(f"/collections/catalogue/items/{item.id}"), "describedby", GEOJSON, "Record"),
        ],
    }
    if item.form == "features":
        document |= _as_features(entry, item, document["links"])
    if item.form == "files":
        document |= {"itemType": "file", "crs": [CRS84]}
    if item.form != "features":
        document["layerDataType"] = "Coverage"  # by which GDAL knows that there are no features to open
    if item.form in ("grid", "series"):
        from api.ogc.edr import described

        document |= described(entry, item, document["links"])
    document["links"] += [
        link(entry.href(f"{base}/files/{name}"), "enclosure", media, title)
        for name, media, title in offered_files(item)
    ]
    document["provenance"] = {**item.about, "version": item.version, "updated": item.updated}
    if item.run:
        document["run"] = {name: item.run[name] for name in ("run_id", "run_hash", "verdict")}
        if not short:
            document["run"] = dict(item.run)
            document["links"].append(
                link(entry.href(f"{base}/check"), "related", JSON, "Contract check of the pilot")
            )
    document["terms"] = _terms(entry, item)
    return document


def _extent(item: Collection) -> dict[str, Any]:
    extent: dict[str, Any] = {
        "spatial": {"bbox": [list(item.bbox) if item.bbox else [-180.0, -90.0, 180.0, 90.0]], "crs": CRS84}
    }
    if item.interval:
        ends = [moment.isoformat().replace("+00:00", "Z") for moment in item.interval]
        extent["temporal"] = {
            "interval": [ends],
            "values": ["/".join(ends)],
            "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
        }
    return extent


def _as_features(entry: Entry, item: Collection, links: list[dict[str, Any]]) -> dict[str, Any]:
    base = f"/collections/{item.id}"
    links += [
        link(entry.href(f"{base}/items", f="json"), "items", GEOJSON, "Features"),
        link(entry.href(f"{base}/items", f="html"), "items", HTML, "Features for people"),
        link(entry.href(f"{base}/queryables"), f"{REL}queryables", SCHEMA, "What can be filtered by"),
    ]
    return {
        "itemType": "feature",
        "crs": crs.offered(item.storage_crs),
        "storageCrs": crs.uri(item.storage_crs),
    }


def _terms(entry: Entry, item: Collection) -> dict[str, Any]:
    """Whether this caller may read and download, and why not."""
    terms = {}
    for action in (Action.READ, Action.DOWNLOAD):
        verdict = entry.context.guard.judge(entry.caller, action, item.target)
        terms[str(action)] = {"permitted": verdict.allowed, "reasons": list(verdict.reasons)}
    return {
        "residency": str(item.residency),
        "withoutKey": item.residency is Residency.OPEN and entry.context.settings.open_data and not item.run,
        **terms,
    }


@router.get("/collections/{collectionId}/check", name="check", summary="Contract check of a result's pilot")
async def check(entry: Visitor, collectionId: str, f: Format = None) -> Response:
    """The report that held the plug-in to the contract, made once for each version of it."""
    found = entry.collection(collectionId)
    entry.note("check", found.id)
    negotiate(entry.request, JSON_OR_HTML, f)
    reports = [await entry.context.checks.of(pilot) for pilot in sorted(found.run.get("pilots", {}))]
    return answer(entry.request, {"title": "Contract check", "reports": reports}, f)
