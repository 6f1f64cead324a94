"""Maps: a KPI by district over what makes a city recognisable, and a pack's data at a glance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib import patheffects
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline

from geodata.errors import UnknownName
from twin.charts.canvas import (
    GREY,
    INK,
    SCALE,
    TWO_SIDED,
    Sheet,
    head,
    names_of,
    new_figure,
    plain,
    sheet_of,
    unit_and_direction,
)
from twin.charts.indicators import label

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

    from geodata.pack import CityPack
    from twin.result import Result

WATER, GREEN, LAND, BUILT = "#BFD9EA", "#CFE6C4", "#F4F2EC", "#CDBFB2"
FEW = 14
"""Up to this many districts each is labelled; above, the three highest and lowest."""
ABREAST = 3
"""Maps beside one another."""
POINTS = 375
"""Height of a district map in points."""
HALO = (patheffects.withStroke(linewidth=1.6, foreground="white"),)
Shapes = Any
"""An array of shapely geometries."""
Layer = Callable[["Axes", "CityPack"], list[Any]]
"""Draws one kind of a pack and gives what stands for it in the legend."""


def district_map(result: Result, pilot: str, kpi: str, packs: Mapping[str, CityPack]) -> Figure:
    """A KPI by district, one map for each city, all on one scale.

    Args:
        result: A result whose data hold the KPI by district.
        pilot: One of its pilots.
        kpi: One of the pilot's KPIs.
        packs: Packs by city; cities without one, or without districts in it, are left out.

    Raises:
        UnknownName: No city has both values and districts.
    """
    frame = result.district_kpis
    frame = frame[(frame.pilot == pilot) & (frame.kpi == kpi)]
    cities = [
        city for city in dict.fromkeys(frame.city) if city in packs and packs[city].of_kind("districts")
    ]
    if not cities:
        raise UnknownName("no city has both values and outlines by district", field="kpi", value=kpi)
    told = result.manifest["pilots"][pilot]["kpis"][kpi]
    names = names_of(result.manifest["plan"])
    rows, columns = math.ceil(len(cities) / ABREAST), min(len(cities), ABREAST)
    sheet = sheet_of(result.manifest, f"{told['title']} by district", one_replication=True)
    figure = new_figure(4.9 * columns + 0.5, rows * POINTS / 72, sheet)
    scale = _scale(frame[frame.city.isin(cities)].value.to_numpy(float))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(cities) :]:
        axes.set_visible(False)
    for axes, city in zip(panels, cities, strict=False):
        _choropleth(axes, packs[city], frame[frame.city == city].set_index("district").value, scale)
        head(axes, names[city])
    bar = figure.colorbar(scale, ax=list(panels), shrink=0.55, aspect=28, pad=0.015)
    bar.set_label(unit_and_direction(told["unit"], told["better"]), size=8, color=GREY)
    bar.ax.tick_params(labelsize=8, colors=GREY)
    bar.outline.set_visible(False)
    return figure


def _scale(values: Any) -> ScalarMappable:
    """From the lowest to the highest value; where the sign changes, even on both sides of a pale zero."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < 0 < high:
        reach = max(-low, high)
        return ScalarMappable(Normalize(-reach, reach), TWO_SIDED)
    return ScalarMappable(Normalize(low, high if high > low else low + 1), SCALE)


def _choropleth(axes: Axes, pack: CityPack, values: Any, scale: ScalarMappable) -> None:
    districts = pack.features(pack.of_kind("districts")[0].id, ["district_id", "name"])
    shown = values.reindex(districts.district_id).to_numpy(float)
    known = np.isfinite(shown)
    fill = scale.to_rgba(np.nan_to_num(shown))
    shapes = districts.geometry.to_numpy()
    areas(axes, shapes[known], facecolor=fill[known], edgecolor="white", linewidth=0.7, zorder=2)
    areas(
        axes, shapes[~known], facecolor="#EEEEEE", edgecolor="#BBBBBB", linewidth=0.5, hatch="////", zorder=2
    )
    _context(axes, pack)
    frame_map(axes, shapes)
    _labels(axes, districts, shown)
    if not known.all():
        axes.annotate(
            f"hatched: no value ({int((~known).sum())})",
            (1, 0),
            xycoords="axes fraction",
            ha="right",
            size=7,
            color=GREY,
        )


def _context(axes: Axes, pack: CityPack) -> None:
    """What makes a city recognisable above its districts: water, streets, outline."""
    for entry in pack.of_kind("green_areas")[:1]:
        frame = pack.features(entry.id, ["green_class"])
        water = frame.geometry[frame.green_class == "water"].to_numpy()
        areas(axes, water, facecolor=WATER, edgecolor="none", zorder=3)
    for entry in pack.of_kind("streets")[:1]:
        lines(
            axes,
            pack.features(entry.id, []).geometry.to_numpy(),
            color="#333333",
            linewidth=0.25,
            alpha=0.28,
            zorder=4,
        )
    for entry in pack.of_kind("boundary")[:1]:
        outline = pack.features(entry.id, []).geometry.to_numpy()
        areas(axes, outline, facecolor="none", edgecolor="#444444", linewidth=1.0, zorder=5)


def _labels(axes: Axes, districts: gpd.GeoDataFrame, values: Any) -> None:
    """Names and values of the districts that matter most, as far as there is room."""
    taken: list[Any] = []
    metre_per_point = (axes.get_ylim()[1] - axes.get_ylim()[0]) / (POINTS * 0.9)
    for n in _by_weight(values):
        text = f"{districts.name.iloc[n]}\n{label(values[n])}"
        point = districts.geometry.iloc[n].representative_point()
        half_width = 0.5 * 3.7 * max(map(len, text.splitlines())) * metre_per_point
        half_height = 8.5 * metre_per_point
        box = shapely.box(
            point.x - half_width, point.y - half_height, point.x + half_width, point.y + half_height
        )
        if any(box.intersects(other) for other in taken):
            continue
        taken.append(box)
        axes.text(
            point.x, point.y, text, size=6, color=INK, ha="center", va="center", path_effects=HALO, zorder=8,
            linespacing=1.25,
        )  # fmt: skip


def _by_weight(values: Any) -> list[int]:
    """Which districts are labelled, the most telling first: highest, lowest, next highest, next lowest."""
    order = [int(n) for n in np.argsort(values, kind="stable") if math.isfinite(values[n])]
    turns = [n for pair in zip(order[::-1], order, strict=True) for n in pair]
    ranked = list(dict.fromkeys(turns))
    return ranked if len(ranked) <= FEW else ranked[:6]


def pack_map(pack: CityPack) -> Figure:
    """What a pack holds, drawn in its place: outline, green, water, buildings, streets, stops, schools.

    Args:
        pack: The pack; kinds that it lacks are left out.
    """
    words = dict.fromkeys(entry.provenance.attribution for entry in pack.datasets)
    sheet = Sheet(
        f"{pack.city.name}: the pack",
        f"{len(pack.datasets)} datasets · {pack.city.crs} · hash {pack.hash[:12]}",
        ["Data: " + "; ".join(words)] if words else (),
        [pack.city.name] if pack.demo else (),
    )
    extent = _extent(pack)
    west, south, east, north = shapely.total_bounds(extent)
    # Six inches wide beside the legend, and as high as the place is.
    height = 6.0 * (north - south) / max(east - west, 1.0)
    figure = new_figure(8.4, min(max(height, 3.0), 9.0), sheet)
    axes = figure.subplots()
    handles = [handle for layer in LAYERS for handle in layer(axes, pack)]
    frame_map(axes, extent)
    if handles:
        axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            fontsize=8,
            frameon=False,
            labelcolor=INK,
        )
    return figure


def _extent(pack: CityPack) -> Shapes:
    """The geometries that decide what part of the world is shown."""
    for kind in ("boundary", "districts", "streets", "stops", "buildings", "schools", "green_areas", "trees"):
        shapes = _shapes(pack, kind)
        if len(shapes):
            return shapes
    raise UnknownName("the pack holds nothing that can be drawn on a map", field="city", value=pack.city.id)


def _area_layer(kind: str, title: str, **style: Any) -> Layer:
    return lambda axes, pack: _drawn_areas(axes, _shapes(pack, kind), title, style)


def _line_layer(kind: str, title: str, **style: Any) -> Layer:
    def draw(axes: Axes, pack: CityPack) -> list[Any]:
        shapes = _shapes(pack, kind)
        return [lines(axes, shapes, label=f"{title} ({len(shapes):,})", **style)] if len(shapes) else []

    return draw


def _point_layer(kind: str, title: str, **style: Any) -> Layer:
    def draw(axes: Axes, pack: CityPack) -> list[Any]:
        points = shapely.get_coordinates(shapely.centroid(_shapes(pack, kind)))
        label = f"{title} ({len(points):,})"
        return axes.plot(*points.T, linestyle="none", label=label, **style) if len(points) else []

    return draw


def _green_layer(axes: Axes, pack: CityPack) -> list[Any]:
    drawn = []
    for entry in pack.of_kind("green_areas")[:1]:
        frame = pack.features(entry.id, ["green_class"])
        wet, shapes = (frame.green_class == "water").to_numpy(), frame.geometry.to_numpy()
        for title, colour, chosen in (("green areas", GREEN, ~wet), ("water", WATER, wet)):
            style = {"facecolor": colour, "edgecolor": "none", "zorder": 2}
            drawn += _drawn_areas(axes, shapes[chosen], title, style)
    return drawn


def _shapes(pack: CityPack, kind: str) -> Shapes:
    """The geometries of a kind's main dataset, none if the pack lacks the kind."""
    for entry in pack.of_kind(kind)[:1]:
        return pack.features(entry.id, []).geometry.to_numpy()
    return np.array([], dtype=object)


def _drawn_areas(axes: Axes, shapes: Shapes, title: str, style: Mapping[str, Any]) -> list[Any]:
    """Draw areas and give the patch that stands for them in the legend."""
    if not len(shapes):
        return []
    areas(axes, shapes, **style)
    return [Patch(label=f"{title} ({len(shapes):,})", **style)]


LAYERS = (
    _area_layer("boundary", "boundary", facecolor=LAND, edgecolor="#444444", linewidth=1.2, zorder=1),
    _green_layer,
    _point_layer("trees", "trees", marker=".", markersize=0.7, color="#5F9E4F", alpha=0.6, zorder=3),
    _area_layer("buildings", "buildings", facecolor=BUILT, edgecolor="none", zorder=4),
    _line_layer("streets", "streets", color="#777777", linewidth=0.35, zorder=5),
    _area_layer("districts", "districts", facecolor="none", edgecolor="#8A6FA8", linewidth=0.6, zorder=6),
    _point_layer("stops", "stops", marker=".", markersize=2.2, color="#0072B2", zorder=7),
    _point_layer("schools", "educational buildings", marker="D", markersize=3, color="#D55E00", zorder=8),
    _point_layer("sensors", "sensors", marker="^", markersize=4, color="#009E73", zorder=9),
)


def areas(axes: Axes, shapes: Shapes, **style: Any) -> PathCollection:
    """Draw polygons with their holes; other geometries are left out."""
    parts = shapely.get_parts(shapes)
    owners = np.repeat(np.arange(len(shapes)), shapely.get_num_geometries(shapes).astype(int))
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    face = style.get("facecolor")
    if isinstance(face, np.ndarray):
        style["facecolor"] = face[owners[polygonal]]
    # Normalized rings run against their holes, which is how a renderer knows a hole.
    outlines = [_outline(polygon) for polygon in shapely.normalize(parts[polygonal])]
    collection = PathCollection(outlines, **style)
    axes.add_collection(collection)
    return collection


def _outline(polygon: Any) -> Outline:
    rings = [polygon.exterior, *polygon.interiors]
    points = np.concatenate([shapely.get_coordinates(ring) for ring in rings])
    codes = np.full(len(points), Outline.LINETO, dtype=Outline.code_type)
    starts = np.cumsum([0, *(shapely.get_num_coordinates(ring) for ring in rings)])
    codes[starts[:-1]] = Outline.MOVETO
    codes[starts[1:] - 1] = Outline.CLOSEPOLY
    return Outline(points, codes)


def lines(axes: Axes, shapes: Shapes, **style: Any) -> LineCollection:
    """Draw lines."""
    parts = shapely.get_parts(shapes)
    points, owner = shapely.get_coordinates(parts, return_index=True)
    cuts = np.flatnonzero(np.diff(owner)) + 1
    collection = LineCollection(np.split(points, cuts) if len(points) else [], **style)
    axes.add_collection(collection)
    return collection


def frame_map(axes: Axes, shapes: Sequence[Any] | Shapes) -> None:
    """Frame a map around geometries: one scale in both directions, a scale bar instead of coordinates."""
    west, south, east, north = shapely.total_bounds(np.asarray(shapes))
    margin = 0.03 * max(east - west, north - south, 1.0)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - 2 * margin, north + margin)
    axes.set_aspect("equal", anchor="N")
    plain(axes, grid=None)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    length = _round_length((east - west) / 4)
    axes.plot(
        [west, west + length], [south - margin] * 2, color=INK, linewidth=2, solid_capstyle="butt", zorder=9
    )
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    axes.text(west + length + margin / 3, south - margin, text, size=7, color=INK, va="center", zorder=9)


def _round_length(metres: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not above a length."""
    metres = max(metres, 1.0)
    power: float = 10.0 ** math.floor(math.log10(metres))
    return max(step * power for step in (1, 2, 5) if step * power <= metres)
