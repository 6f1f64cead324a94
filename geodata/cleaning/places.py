"""Places: where rows lie, brought into the city's CRS, mended where they are broken, and kept if in the city.

Example: a polygon whose outline crosses itself like an 8 is made two areas, and the ledger says so; a stop
whose longitude and latitude were exchanged lies in the Indian Ocean, and the ledger names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.cleaning.ledger import INDEX, Ledger
from geodata.errors import InvalidData, InvalidInput
from geodata.kinds.model import Geometry

if TYPE_CHECKING:
    import geopandas as gpd

    from geodata.ingredients import GeometryRecipe

Mask = NDArray[np.bool_]

_DIMENSION: dict[Geometry, int] = {"point": 0, "line": 1, "polygon": 2}
# Of rows that would lie in the city under another reading, this share is taken for an explanation.
_ENOUGH = 0.1
_SAMPLE = 200
_CANDIDATES = ("EPSG:4326", "EPSG:3857", "EPSG:3035", "EPSG:4258")


def _simplified(placed: gpd.GeoDataFrame, distance_m: float, ledger: Ledger) -> gpd.GeoDataFrame:
    """Outlines and courses without vertices that say nothing (Douglas and Peucker 1973)."""
    shapes = placed.geometry.to_numpy()
    # Lines of many parts are joined first: a part of two vertices has none to spare.
    whole = np.where(shapely.get_dimensions(shapes) == 1, shapely.line_merge(shapes, directed=True), shapes)
    simpler = shapely.simplify(whole, distance_m, preserve_topology=True)
    before, after = (int(shapely.get_num_coordinates(item).sum()) for item in (shapes, simpler))
    ledger.note(f"{before} vertices simplified to {after}, within {distance_m:g} m")
    return placed.set_geometry(np.asarray(simpler, object), crs=placed.crs)


@dataclass(frozen=True)
class Place:
    """A city as far as clipping is concerned.

    Args:
        name: Its name, for messages.
        outline: Its outline in its CRS.
        crs: That CRS.
    """

    name: str
    outline: Any
    crs: str


def located(
    frame: pd.DataFrame, recipe: GeometryRecipe, kind: Geometry, crs: str, ledger: Ledger, *, file: str
) -> tuple[gpd.GeoDataFrame, str]:
    """Rows with their geometry in the city's CRS, valid, flat and of the kind's dimension.

    Args:
        frame: Rows, with ``geometry`` where the format has it.
        recipe: Where they lie.
        kind: What the kind wants: ``point``, ``line``, ``polygon`` or ``any``.
        crs: The city's CRS.
        ledger: Where repairs and drops are noted.
        file: The source, for messages.

    Returns:
        The rows, and the CRS that their source has.

    Raises:
        InvalidInput: There is no geometry, no CRS, or the recipe's contradicts the file's.
    """
    placed = _points(frame, recipe, ledger, file) if recipe.x is not None else _declared(frame, recipe, file)
    empty = (placed.geometry.isna() | placed.geometry.is_empty).to_numpy()
    placed = ledger.drop(placed, empty, "no geometry", field="geometry", expected="a geometry")
    placed = placed.set_geometry(shapely.force_2d(placed.geometry.to_numpy()), crs=placed.crs)
    placed = _on_earth(placed, ledger)
    placed = _mended(placed, ledger)
    source_crs = placed.crs.to_string()
    placed = placed.to_crs(crs)
    wild = ~np.isfinite(placed.geometry.bounds.to_numpy()).all(axis=1)
    placed = ledger.drop(
        placed, wild, "lies outside the CRS", field="geometry", expected=f"a place within {crs}"
    )
    placed = _shaped(placed, recipe, kind, ledger)
    return (_simplified(placed, recipe.simplify_m, ledger) if recipe.simplify_m else placed), source_crs


def _points(frame: pd.DataFrame, recipe: GeometryRecipe, ledger: Ledger, file: str) -> gpd.GeoDataFrame:
    import geopandas as gpd

    from geodata.cleaning.values import origin
    from geodata.ingredients import ColumnRecipe

    numbers = {}
    for axis, name in (("x", recipe.x), ("y", recipe.y)):
        raw = origin(frame, ColumnRecipe(source=name), file)
        text = raw.astype("string").str.replace(recipe.decimal, ".", regex=False)
        numbers[axis] = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = ~np.isfinite(numbers[axis])
        if wrong.any():
            frame = ledger.drop(
                frame, wrong, "not a coordinate", field=name, values=raw, expected="a finite number"
            )
            numbers = {key: values[~wrong] for key, values in numbers.items()}
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(numbers["x"], numbers["y"]), crs=recipe.crs)


def _declared(frame: Any, recipe: GeometryRecipe, file: str) -> gpd.GeoDataFrame:
    """The file's own geometry, its CRS checked against the recipe's."""
    import geopandas as gpd
    import pyproj

    if not isinstance(frame, gpd.GeoDataFrame):
        raise InvalidInput(
            "the rows have no geometry", file=file, field="geometry", expected="x, y and crs in the recipe"
        )
    if frame.crs is None and recipe.crs is None:
        raise InvalidInput(
            "the file does not name its CRS", file=file, field="crs", expected="crs in the recipe"
        )
    if frame.crs is None or recipe.overrule_crs:
        return frame.set_crs(recipe.crs, allow_override=True)
    if recipe.crs is not None and not frame.crs.equals(pyproj.CRS(recipe.crs), ignore_axis_order=True):
        raise InvalidInput(
            "the file's CRS is not the recipe's",
            file=file,
            field="crs",
            value=frame.crs.to_string(),
            expected=recipe.crs,
            hint="overrule_crs = true takes the recipe's word",
        )
    return frame


def _on_earth(placed: gpd.GeoDataFrame, ledger: Ledger) -> gpd.GeoDataFrame:
    """Drop what no longitude and latitude can be, and the 0, 0 of forms that were never filled in."""
    if not placed.crs.is_geographic or not len(placed):
        return placed
    bounds = placed.geometry.bounds.to_numpy()
    outside = (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1) | (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1)
    placed = ledger.drop(
        placed,
        outside,
        "no longitude and latitude",
        field="geometry",
        values=_shown(placed),
        expected="longitude within -180 and 180, latitude within -90 and 90",
    )
    nowhere = (np.abs(placed.geometry.bounds.to_numpy()) < 1e-9).all(axis=1)
    return ledger.drop(
        placed,
        nowhere,
        "lies at 0, 0",
        field="geometry",
        values=_shown(placed),
        expected="a place that was filled in",
    )


def _shown(placed: gpd.GeoDataFrame) -> list[str]:
    """Each geometry's place in a few characters."""
    middle = shapely.centroid(placed.geometry.to_numpy())
    return [f"{x:.6g}, {y:.6g}" for x, y in zip(shapely.get_x(middle), shapely.get_y(middle), strict=True)]


def _mended(placed: gpd.GeoDataFrame, ledger: Ledger) -> gpd.GeoDataFrame:
    """Make invalid geometries valid, keeping the parts of their own dimension."""
    shapes = placed.geometry.to_numpy()
    broken = ~shapely.is_valid(shapes)
    if not broken.any():
        return placed
    reasons = np.full(len(shapes), None, object)
    reasons[broken] = shapely.is_valid_reason(shapes[broken])
    whole = shapes.copy()
    whole[broken] = [
        _of_dimension(shapely.make_valid(shape), shapely.get_dimensions(shape)) for shape in shapes[broken]
    ]
    lost = shapely.is_empty(whole)
    ledger.repair(
        placed,
        broken & ~lost,
        "broken outline made valid",
        field="geometry",
        values=reasons,
        expected="a valid geometry",
    )
    placed = placed.set_geometry(whole, crs=placed.crs)
    return ledger.drop(
        placed, lost, "broken beyond repair", field="geometry", values=reasons, expected="a valid geometry"
    )


def _of_dimension(shape: Any, dimension: int) -> Any:
    parts = shapely.get_parts(shape)
    parts = np.concatenate([shapely.get_parts(part) for part in parts]) if len(parts) else parts
    return shapely.union_all(parts[shapely.get_dimensions(parts) == dimension])


def _shaped(
    placed: gpd.GeoDataFrame, recipe: GeometryRecipe, kind: Geometry, ledger: Ledger
) -> gpd.GeoDataFrame:
    """The shape that the recipe asks for, and no other than the kind has."""
    shapes = placed.geometry.to_numpy()
    single = (shapely.get_type_id(shapes) == 4) & (shapely.get_num_geometries(shapes) == 1)
    shapes = np.where(single, shapely.get_geometry(shapes, 0), shapes)
    if recipe.shape == "point":
        shapes = np.where(shapely.get_type_id(shapes) == 0, shapes, shapely.point_on_surface(shapes))
    elif recipe.shape == "square":
        assert recipe.cell_m is not None
        middle, half = shapely.centroid(shapes), recipe.cell_m / 2
        x, y = shapely.get_x(middle), shapely.get_y(middle)
        shapes = shapely.box(x - half, y - half, x + half, y + half)
    placed = placed.set_geometry(np.asarray(shapes, object), crs=placed.crs)
    if kind == "any":
        return placed
    names = placed.geometry.geom_type.to_numpy()
    wrong = shapely.get_dimensions(placed.geometry.to_numpy()) != _DIMENSION[kind]
    wrong |= (names == "MultiPoint") & (kind == "point")
    return ledger.drop(
        placed, wrong, "another kind of geometry", field="geometry", values=names, expected=f"a {kind}"
    )


def clipped(
    placed: gpd.GeoDataFrame,
    recipe: GeometryRecipe,
    city: Place,
    ledger: Ledger,
    *,
    file: str,
    source_crs: str,
) -> gpd.GeoDataFrame:
    """Keep the rows that belong to the city.

    Args:
        placed: Rows in the city's CRS.
        recipe: How to tell.
        city: The city's name and outline.
        ledger: Where the others are noted.
        file: The source, for messages.
        source_crs: The CRS that the source claims, for messages.

    Raises:
        InvalidData: No row lies in the city; the error says if exchanged coordinates or another CRS would
            explain it.
    """
    if recipe.clip == "none" or not len(placed):
        return placed
    area = shapely.buffer(city.outline, recipe.margin_m) if recipe.margin_m else city.outline
    shapely.prepare(area)
    shapes = placed.geometry.to_numpy()
    whole = recipe.clip in {"touch", "cut"}
    inside = np.asarray(shapely.intersects(area, shapes if whole else shapely.point_on_surface(shapes)))
    if not inside.any():
        raise _explained(placed, city, ledger, file, source_crs)
    outside = placed[~inside]
    swapped = np.zeros(len(placed), np.bool_)
    swapped[~inside] = _inside_if_swapped(outside, area) if len(outside) else False
    shown = np.full(len(placed), None, object)
    shown[~inside] = _shown(outside.to_crs(4326)) if len(outside) else None
    expected = f"a place in {city.name}"
    left = ledger.drop(
        placed, swapped, "x and y are exchanged", field="geometry", values=shown, expected=expected
    )
    left = ledger.drop(
        left, ~inside[~swapped], f"outside {city.name}", field="geometry", values=shown[~swapped], fault=False
    )
    if recipe.clip == "cut":
        left = left.set_geometry(shapely.intersection(left.geometry.to_numpy(), area), crs=left.crs)
    return left


def _inside_if_swapped(placed: gpd.GeoDataFrame, area: Any) -> Mask:
    """Whether each row would lie in the area if its two coordinates were exchanged."""
    middle = shapely.centroid(placed.geometry.to_numpy())
    plain = shapely.contains_xy(area, shapely.get_y(middle), shapely.get_x(middle))
    degrees = placed.set_geometry(middle, crs=placed.crs).to_crs(4326).geometry
    return np.asarray(plain | _contains(area, placed.crs, degrees.y.to_numpy(), degrees.x.to_numpy()))


def _contains(area: Any, crs: Any, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Mask:
    import pyproj

    turn = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    possible = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    x, y = turn.transform(np.where(possible, longitude, 0.0), np.where(possible, latitude, 0.0))
    return np.asarray(possible & shapely.contains_xy(area, x, y))


def _explained(
    placed: gpd.GeoDataFrame, city: Place, ledger: Ledger, file: str, source_crs: str
) -> InvalidData:
    """Why no row lies in the city."""
    import geopandas as gpd

    area = shapely.buffer(city.outline, 1000.0)
    hint = None
    if _inside_if_swapped(placed, area).mean() >= _ENOUGH:
        hint = "x and y are exchanged"
    else:
        candidates = dict.fromkeys((placed.crs.to_string(), *_CANDIDATES))
        fitting = [crs for crs in candidates if crs != source_crs and _fits(placed, area, source_crs, crs)]
        hint = f"they would if their CRS were {fitting[0]}" if fitting else None
    west, south, east, north = gpd.GeoSeries([city.outline], crs=placed.crs).to_crs(4326).total_bounds
    return InvalidData(
        f"no row lies in {city.name}" + (f": {hint}" if hint else ""),
        file=file,
        row=ledger.label(int(placed[INDEX].iloc[0]))[1],
        field="geometry",
        value=_shown(placed.iloc[[0]].to_crs(4326))[0],
        expected=f"longitude {west:.3f} to {east:.3f}, latitude {south:.3f} to {north:.3f}",
        hint=hint,
    )


def _fits(placed: gpd.GeoDataFrame, area: Any, source_crs: str, crs: str) -> bool:
    """Whether the numbers as they stand in the file would lie in the area if they were of another CRS."""
    stand = placed.iloc[:_SAMPLE].to_crs(source_crs).set_crs(crs, allow_override=True)
    bounds = stand.geometry.bounds.to_numpy()
    if stand.crs.is_geographic and ((np.abs(bounds) > 180).any() or (np.abs(bounds[:, [1, 3]]) > 90).any()):
        return False
    middle = shapely.centroid(stand.to_crs(placed.crs).geometry.to_numpy())
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    known = np.isfinite(x) & np.isfinite(y)
    return bool(shapely.contains_xy(area, x[known], y[known]).sum() >= _ENOUGH * len(stand))
