"""OGC API – Environmental Data Retrieval 1.1: values at a place, in an area, in a cube, at named locations.

Two forms answer: grids (the cell whose centre is nearest) and series at places (the place nearest). An answer
without any value is 204, not an empty document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, cast
from weakref import WeakKeyDictionary

import anyio.to_thread
import numpy as np
import numpy.typing as npt
import orjson
import shapely
from fastapi import APIRouter, Depends, Query
from pyproj import Transformer
from starlette.responses import Response

from api.access.actions import Action
from api.answers import GEOJSON, HTML, answer, bytes_answer, negotiate
from api.catalogue.collection import Collection, Property
from api.catalogue.features import transformer
from api.catalogue.grid import Grid
from api.catalogue.series import Series
from api.entry import Entry, Visitor, link
from api.ogc import covjson
from api.ogc import crs as systems
from api.parameters import Box, DatetimeText, Format, Span, bbox, check_lonlat, geometry, number, span, words
from api.problems import NotFound, TooLarge
from geodata.errors import InvalidInput

_CONF = "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/"
CONFORMANCE = tuple(
    _CONF + name for name in ("core", "collections", "queries", "json", "geojson", "covjson", "html", "oas30")
)
router = APIRouter(tags=["Environmental data"])
FORMATS = {
    "covjson": covjson.MEDIA_TYPE,
    "vnd.covjson": covjson.ALSO,
    "json": covjson.MEDIA_TYPE,
    "html": HTML,
}
_SHAPES = {"position": ("POINT", "MULTIPOINT"), "area": ("POLYGON", "MULTIPOLYGON")}
_OK: dict[int | str, dict[str, Any]] = {
    200: {"description": "A coverage", "content": {covjson.MEDIA_TYPE: {}, HTML: {}}},
    204: {"description": "No data"},
}


async def _names(
    names: Annotated[
        str | None, Query(alias="parameter-name", max_length=2000, description="Parameters, comma-separated.")
    ] = None,
    same: Annotated[
        str | None,
        Query(
            alias="parameter_names", max_length=2000, description="The same, as the client OWSLib spells it."
        ),
    ] = None,
) -> str | None:
    return names if names is not None else same


Names = Annotated[str | None, Depends(_names)]
Crs = Annotated[str | None, Query(max_length=200, description="CRS of `coords` and of the answer.")]
Coords = Annotated[str | None, Query(max_length=12_000, description="A geometry in well-known text.")]
Height = Annotated[str | None, Query(max_length=200, description="Height; the data have one level.")]


def described(entry: Entry, item: Collection, links: list[dict[str, Any]]) -> dict[str, Any]:
    """What EDR wants said of a collection."""
    base = f"/collections/{item.id}"
    queries = {}
    for name in ("position", "area", "cube", "locations"):
        if name == "locations" and item.form == "grid":
            continue
        href = entry.href(f"{base}/{name}")
        queries[name] = {
            "link": {
                "href": href,
                "rel": "data",
                "type": GEOJSON if name == "locations" else covjson.MEDIA_TYPE,
                "title": f"{name} query",
                "variables": {
                    "title": f"{name} query",
                    "query_type": name,
                    "output_formats": list(FORMATS),
                    "default_output_format": "covjson",
                    "crs_details": [{"crs": uri, "wkt": ""} for uri in _crs_list(item)],
                },
            }
        }
        links.append(link(href, "data", covjson.MEDIA_TYPE, f"{name} query"))
    return {
        "itemType": "coverage",
        "data_queries": queries,
        "crs": _crs_list(item),
        "output_formats": list(FORMATS),
        "parameter_names": {p.name: _parameter(p) for p in served(item)},
    }


def _parameter(item: Property) -> dict[str, Any]:
    """A parameter as a collection lists it: unlike in CoverageJSON its description is plain text."""
    return covjson.parameter(item) | {"id": item.name, "description": item.description or item.name}


def _crs_list(item: Collection) -> list[str]:
    return systems.offered(item.storage_crs if item.form == "grid" else "")


def served(item: Collection) -> tuple[Property, ...]:
    """The parameters of a coverage: its properties that are numbers."""
    return tuple(p for p in item.properties if p.type in ("number", "integer"))


def _coverage(entry: Entry, collection_id: str, operation: str) -> Collection:
    found = entry.collection(collection_id)
    if found.form not in ("grid", "series"):
        raise NotFound("the collection is no coverage", field="collectionId", value=collection_id)
    entry.check(Action.READ, found.target, operation)
    return found


async def _product(entry: Entry, found: Collection) -> Grid | Series:
    product = entry.context.products.ready(found) or await entry.context.products.get(found)
    return cast("Grid | Series", product)


class _Ask:
    """What a query asks for, read from its parameters."""

    def __init__(
        self,
        entry: Entry,
        found: Collection,
        f: str | None,
        crs: str | None,
        names: str | None,
        datetime: str | None,
    ) -> None:
        self.entry, self.found = entry, found
        self.form = negotiate(entry.request, FORMATS, f)
        self.crs = "OGC:CRS84" if crs is None else systems.code(crs, found.storage_crs, "crs")
        self.span: Span | None = None if datetime is None else span(datetime)
        known = {p.name: p for p in served(found)}
        wanted = words(names) if names is not None else tuple(known)
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            raise InvalidInput(
                "there is no such parameter",
                field="parameter-name",
                value=unknown[0] if unknown else names,
                expected="one of " + ", ".join(known),
            )
        self.parameters = {name: known[name] for name in wanted}

    def bounds(self) -> tuple[int, int]:
        """The span of time in nanoseconds."""
        return Span(None, None).in_ns() if self.span is None else self.span.in_ns()

    def lonlat(self, shape: shapely.Geometry) -> shapely.Geometry:
        """A geometry of the query in longitude and latitude."""
        if self.crs != "OGC:CRS84":
            to = transformer(self.crs, "OGC:CRS84")
            shape = shapely.transform(shape, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
        points = shapely.get_coordinates(shape)
        if not ((abs(points[:, 0]) <= 180) & (abs(points[:, 1]) <= 90)).all():
            raise InvalidInput("the geometry leaves the range of its CRS", field="coords")
        return shape

    def shown(self, lon: float, lat: float) -> tuple[float, float]:
        """A place of the answer in the CRS asked for: east, then north; the document names the axes."""
        if self.crs == "OGC:CRS84":
            return round(lon, 7), round(lat, 7)
        x, y = east_north(self.crs).transform(lon, lat)
        return round(float(x), 3), round(float(y), 3)

    def send(self, coverages: list[dict[str, Any]], kind: str, crs: str | None = None) -> Response:
        """Coverages as an answer; none is 204."""
        if not coverages:
            return Response(status_code=204, headers=systems.header(self.crs))
        parameters = {name: covjson.parameter(item) for name, item in self.parameters.items()}
        if len(coverages) == 1:
            document = {**coverages[0], "parameters": parameters}
        else:
            document = covjson.collection(coverages, parameters, kind)
        values = sum(r["values"].size for c in coverages for r in c["ranges"].values())
        self.entry.count(int(values))
        if self.form == "html":
            plain = _short(orjson.loads(covjson.to_bytes(document)))
            return answer(self.entry.request, plain, "html", title=self.found.title(self.entry.language))
        name = (
            f"{self.found.id}:{self.found.version}:{self.form}".encode()
            + self.entry.request.scope["raw_path"]
        )
        name += self.entry.request.scope["query_string"]
        etag = f'W/"{hashlib.blake2b(name, digest_size=12).hexdigest()}"'
        return bytes_answer(
            self.entry.request,
            covjson.to_bytes(document),
            FORMATS[self.form],
            etag=etag,
            headers=systems.header(crs or self.crs),
        )


@lru_cache(maxsize=32)
def east_north(crs: str) -> Transformer:
    """From longitude and latitude to a CRS, east before north whatever its register says."""
    return Transformer.from_crs("OGC:CRS84", crs, always_xy=True)


def _short(document: Any) -> Any:
    """A coverage for people: long lists cut, with a word that they were."""
    if isinstance(document, dict):
        return {name: _short(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_short(item) for item in document[:200]]
    return document


@router.get(
    "/collections/{collectionId}/position", name="position", summary="Values at a place", responses=_OK
)
async def position(
    entry: Visitor,
    collectionId: str,
    parameter_name: Names,
    coords: Coords = None,
    datetime: DatetimeText = None,
    z: Height = None,
    crs: Crs = None,
    f: Format = None,
) -> Response:
    """Values at one point or several: of the grid's cell there, or of the series nearest."""
    found = _coverage(entry, collectionId, "position")
    ask = _Ask(entry, found, f, crs, parameter_name, datetime)
    _check_height(z)
    shape = ask.lonlat(_shape(entry, coords, "position"))
    points = shapely.get_coordinates(shape)
    product = await _product(entry, found)
    if isinstance(product, Grid):
        made = [_at_cell(ask, product, lon, lat) for lon, lat in points.tolist()]
        return ask.send([item for item in made if item], "PointSeries")
    places = dict.fromkeys(_nearest(product, lon, lat) for lon, lat in points.tolist())
    return ask.send(_at_places(ask, product, [place for place in places if place is not None]), "PointSeries")


@router.get("/collections/{collectionId}/area", name="area", summary="Values in an area", responses=_OK)
async def area(
    entry: Visitor,
    collectionId: str,
    parameter_name: Names,
    coords: Coords = None,
    datetime: DatetimeText = None,
    z: Height = None,
    crs: Crs = None,
    f: Format = None,
) -> Response:
    """Values within a polygon: the grid's cells whose centres lie in it, or the series of places in it."""
    found = _coverage(entry, collectionId, "area")
    ask = _Ask(entry, found, f, crs, parameter_name, datetime)
    _check_height(z)
    shape = ask.lonlat(_shape(entry, coords, "area"))
    if not shapely.is_valid(shape):
        raise InvalidInput("the polygon is not valid", field="coords", expected="rings that do not cross")
    product = await _product(entry, found)
    return await anyio.to_thread.run_sync(_in_area, ask, product, shape)


@router.get("/collections/{collectionId}/cube", name="cube", summary="Values in a box", responses=_OK)
async def cube(
    entry: Visitor,
    collectionId: str,
    parameter_name: Names,
    box: Annotated[
        str | None, Query(alias="bbox", max_length=200, description="Four or six numbers.")
    ] = None,
    datetime: DatetimeText = None,
    z: Height = None,
    crs: Crs = None,
    f: Format = None,
) -> Response:
    """Values within a box, in its CRS: a grid cut out, or the series of places in it."""
    found = _coverage(entry, collectionId, "cube")
    ask = _Ask(entry, found, f, crs, parameter_name, datetime)
    _check_height(z)
    if box is None:
        raise InvalidInput("a cube needs a box", field="bbox", expected="west,south,east,north")
    wanted = systems.area_of(bbox(box), ask.crs)
    if isinstance(wanted, Box):
        if wanted.x0 > wanted.x1:
            raise InvalidInput("a cube does not cross the antimeridian", field="bbox", value=box)
        wanted = shapely.box(wanted.x0, wanted.y0, wanted.x1, wanted.y1)
    product = await _product(entry, found)
    return await anyio.to_thread.run_sync(_in_area, ask, product, wanted)


@router.get(
    "/collections/{collectionId}/locations",
    name="locations",
    summary="Places that have values",
    responses={200: {"description": "Places", "content": {GEOJSON: {}, HTML: {}}}},
)
async def locations(
    entry: Visitor,
    collectionId: str,
    box: Annotated[str | None, Query(alias="bbox", max_length=200)] = None,
    datetime: DatetimeText = None,
    f: Format = None,
) -> Response:
    """The places of a collection of series."""
    found, series = await _series(entry, collectionId)
    if datetime is not None:
        span(datetime)
    inside = np.ones(len(series.ids), dtype=bool)
    if box is not None:
        area = check_lonlat(bbox(box))
        inside = shapely.intersects_xy(shapely.box(area.x0, area.y0, area.x1, area.y1), series.lonlat)
    base = f"/collections/{found.id}/locations"
    features = [
        {
            "type": "Feature",
            "id": series.ids[place],
            "geometry": _point(series.lonlat[place]),
            "properties": {
                "name": series.ids[place],
                "rows": int(series.offsets[place + 1] - series.offsets[place]),
                "parameter-name": list(series.names),
            },
            "links": [link(entry.href(f"{base}/{series.ids[place]}"), "data", covjson.MEDIA_TYPE, "Values")],
        }
        for place in np.flatnonzero(inside).tolist()
    ]
    document = {
        "type": "FeatureCollection",
        "features": features,
        "links": [link(entry.href(base), "self", GEOJSON)],
    }
    return answer(entry.request, document, f, media=GEOJSON, title="Locations")


@router.get(
    "/collections/{collectionId}/locations/{locationId:path}",
    name="location",
    summary="Values of a place",
    responses=_OK,
)
async def location(
    entry: Visitor,
    collectionId: str,
    locationId: str,
    parameter_name: Names,
    datetime: DatetimeText = None,
    crs: Crs = None,
    f: Format = None,
) -> Response:
    """The series of one place."""
    found, series = await _series(entry, collectionId)
    ask = _Ask(entry, found, f, crs, parameter_name, datetime)
    if locationId not in series.ids:
        raise NotFound("there is no such location", field="locationId", value=locationId)
    return ask.send(_at_places(ask, series, [list(series.ids).index(locationId)]), "PointSeries")


async def _series(entry: Entry, collection_id: str) -> tuple[Collection, Series]:
    found = _coverage(entry, collection_id, "locations")
    product = await _product(entry, found)
    if not isinstance(product, Series):
        raise NotFound("a grid has no named locations", field="collectionId", value=collection_id)
    return found, product


def _point(lonlat: npt.NDArray[np.float64]) -> dict[str, Any] | None:
    if np.isnan(lonlat).any():
        return None
    return {"type": "Point", "coordinates": [round(float(lonlat[0]), 7), round(float(lonlat[1]), 7)]}


def _shape(entry: Entry, coords: str | None, query: str) -> shapely.Geometry:
    if coords is None:
        raise InvalidInput("the geometry is missing", field="coords", expected=" or ".join(_SHAPES[query]))
    shape = geometry(coords, "coords", _SHAPES[query], entry.context.settings.limits.vertices)
    most = 100 if query == "position" else 10**9
    if shapely.get_num_coordinates(shape) > most:
        raise InvalidInput("too many points", field="coords", expected=f"{most} at most")
    return shape


def _check_height(z: str | None) -> None:
    """Heights are read, and taken for the one level that the data have."""
    if z is not None:
        parts = z.split("/") if "/" in z else z.removeprefix("R").split(",")
        for part in parts[:100]:
            number(part.strip(), "z")


def _at_cell(ask: _Ask, grid: Grid, lon: float, lat: float) -> dict[str, Any] | None:
    x, y = grid.from_lonlat.transform(lon, lat)
    cell = grid.cell(float(x), float(y))
    if cell is None:
        return None
    chosen = [grid.names.index(name) for name in ask.parameters]
    timed = [index for index in chosen if grid.values[index].ndim == 3]
    rows = _times(ask, grid) if timed else None
    if rows is not None and rows.stop <= rows.start:
        return None
    ranges = [
        (grid.names[index], grid.values[index][(*cell, rows) if grid.values[index].ndim == 3 else cell])
        for index in chosen
    ]
    ranges = [(name, np.asarray(values)) for name, values in ranges]
    if not any(values.dtype.kind != "f" or np.isfinite(values).any() for _, values in ranges):
        return None
    place = ask.shown(lon, lat)
    time = covjson.times_of(_axis(grid), rows) if rows is not None else None
    return covjson.point_series(*place, time, ranges, ask.crs)


def _axis(grid: Grid) -> covjson.TimeAxis:
    """The grid's time axis as text, made once."""
    axis = _AXES.get(grid)
    if axis is None:
        assert grid.time is not None
        axis = _AXES[grid] = covjson.TimeAxis(grid.time)
    return axis


_AXES: WeakKeyDictionary[Grid, covjson.TimeAxis] = WeakKeyDictionary()


def _times(ask: _Ask, grid: Grid) -> slice:
    assert grid.time is not None
    start, end = ask.bounds()
    first, last = np.searchsorted(grid.time, start, "left"), np.searchsorted(grid.time, end, "right")
    return slice(int(first), int(last))


def _nearest(series: Series, lon: float, lat: float) -> int | None:
    """The place nearest to a point, on the sphere; a tie goes to the first."""
    if not len(series.ids):
        return None
    east = (series.lonlat[:, 0] - lon) * np.cos(np.radians(lat))
    distance = np.hypot(east, series.lonlat[:, 1] - lat)
    return None if np.isnan(distance).all() else int(np.nanargmin(distance))


def _at_places(ask: _Ask, series: Series, places: Sequence[int]) -> list[dict[str, Any]]:
    start, end = ask.bounds()
    made = []
    total = 0
    for place in places:
        rows = series.rows(place, start, end)
        total += (rows.stop - rows.start) * len(ask.parameters)
        _check_size(ask, total)
        if rows.stop > rows.start:
            ranges = [(name, series.values[series.names.index(name)][rows]) for name in ask.parameters]
            lon, lat = series.lonlat[place]
            shown = ask.shown(float(lon), float(lat))
            made.append(
                covjson.point_series(*shown, covjson.times(series.time[rows]), ranges, ask.crs)
                | {"id": series.ids[place]}
            )
    return made


def _check_size(ask: _Ask, values: int) -> None:
    most = ask.entry.context.settings.limits.cube_values
    if values > most:
        raise TooLarge("the answer would be too large", value=values, expected=f"{most} values at most")


def _in_area(ask: _Ask, product: Grid | Series, area: shapely.Geometry) -> Response:
    if isinstance(product, Series):
        inside = shapely.intersects_xy(area, product.lonlat)
        return ask.send(_at_places(ask, product, np.flatnonzero(inside).tolist()), "PointSeries")
    cut = _cut(ask, product, area)
    return ask.send([cut] if cut else [], "Grid", product.crs)


def _cut(ask: _Ask, grid: Grid, area: shapely.Geometry) -> dict[str, Any] | None:
    """The part of a grid in an area; cells outside it are null. Axes are the grid's own, in its CRS."""
    to = grid.from_lonlat
    dense = shapely.segmentize(area, max(1e-6, shapely.length(area) / 256))
    own = shapely.transform(dense, lambda xy: np.column_stack(to.transform(xy[:, 0], xy[:, 1])))
    west, south, east, north = shapely.bounds(own).tolist()
    columns = np.flatnonzero((grid.x >= west) & (grid.x <= east))
    lines = np.flatnonzero((grid.y >= south) & (grid.y <= north))
    if not len(columns) or not len(lines):
        return None
    x, y = grid.x[columns], grid.y[lines]
    chosen = [grid.names.index(name) for name in ask.parameters]
    timed = any(grid.values[index].ndim == 3 for index in chosen)
    rows = _times(ask, grid) if timed else slice(0, 1)
    if rows.stop <= rows.start:
        return None
    _check_size(ask, len(x) * len(y) * (rows.stop - rows.start) * len(chosen))
    shapely.prepare(own)
    inside = shapely.intersects_xy(own, *np.meshgrid(x, y))
    if not inside.any():
        return None
    ranges = {}
    for index in chosen:
        values = grid.values[index][lines[0] : lines[-1] + 1, columns[0] : columns[-1] + 1]
        mask = inside
        if values.ndim == 3:
            values, mask = (
                values[..., rows].transpose(2, 0, 1),
                np.broadcast_to(inside, (rows.stop - rows.start, *inside.shape)),
            )
        masked = np.where(mask, values.astype(np.float64), np.nan)
        ranges[grid.names[index]] = covjson.ndarray(
            masked, ["t", "y", "x"] if values.ndim == 3 else ["y", "x"]
        )
    axes: dict[str, Any] = {"x": {"values": x}, "y": {"values": y}}
    if timed and grid.time is not None:
        axes["t"] = {"values": covjson.times_of(_axis(grid), rows)}
    domain = {
        "type": "Domain",
        "domainType": "Grid",
        "axes": axes,
        "referencing": covjson.referencing(crs=grid.crs, timed=timed),
    }
    return {"type": "Coverage", "domain": domain, "ranges": ranges}
