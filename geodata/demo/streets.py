"""Streets of a demo city: the main roads as they are, and between them streets as they might be.

Each district has its own grain: narrow lanes in the old town, wide blocks among the tower houses. Small
streets end where a district, a shore or a park ends; bridges are where the main roads cross the water.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import Delaunay
from shapely.geometry.base import BaseGeometry

from geodata.demo.chance import stream
from geodata.demo.ground import CHARACTERS, Ground
from geodata.streets.graph import merge_points

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

GRID_M = 0.5
"""Crossings are rounded to this, so that streets meet exactly; a street cut by a border is rounded alike on
both sides."""

MAIN = 0
CONNECTING = 1
SMALL = 2

KEPT_SHARE = 0.8
"""Share of the small streets kept where none is needed to reach a junction."""


def streets(ground: Ground) -> gpd.GeoDataFrame:
    """A connected network in the columns of the kind ``streets``."""
    import geopandas as gpd

    plan = _plan(ground)
    pieces = _pieces(plan)
    pieces = _thinned(pieces, stream(ground.facts.city.id, "streets", "thinning"))
    lines = _bent(pieces["line"].to_numpy())
    share = np.array([CHARACTERS[name].oneway_share for name in ground.districts["character"]])
    oneway = _oneways(pieces, share, stream(ground.facts.city.id, "streets", "oneways"))
    on_foot_only = pieces["road_class"] == "footway"
    table = {
        "street_id": [f"{ground.facts.city.id}-{row:05d}" for row in range(len(pieces))],
        "name": pieces["name"],
        "road_class": pieces["road_class"],
        "length_m": shapely.length(lines),
        "speed_kmh": pieces["speed_kmh"].astype(float),
        "oneway": oneway,
        "car": ~on_foot_only,
        "walk": ~pieces["road_class"].isin(["motorway", "trunk"]) | (pieces["speed_kmh"] <= 70),
        "component": 0,
    }
    return gpd.GeoDataFrame(table, geometry=lines, crs=ground.facts.city.crs)


def _plan(ground: Ground) -> pd.DataFrame:
    """Lines before they are cut at their crossings, with what is known of each."""
    import pandas as pd

    columns = ["line", "name", "road_class", "speed_kmh", "rank", "district"]
    rows = [*_main_roads(ground), *_connecting_roads(ground), *_small_streets(ground)]
    return pd.DataFrame(rows, columns=columns)


def _main_roads(ground: Ground) -> list[tuple[object, ...]]:
    """The main roads of the city and of its neighbours, each on its own side of the border."""
    facts = ground.facts
    rows: list[tuple[object, ...]] = []
    abroad = shapely.union_all([neighbour.outline for neighbour in facts.neighbours])
    for owner in (facts, *facts.neighbours):
        for name, road_class, speed, points in owner.table("roads").itertuples(index=False):
            line = shapely.LineString(owner.plane(points))
            here = (
                shapely.difference(line, abroad)
                if owner is facts
                else shapely.intersection(line, facts.outline)
            )
            rows += [(part, name, road_class, speed, MAIN, -1) for part in _line_parts(here)]
    return rows


def _line_parts(shape: BaseGeometry) -> list[shapely.LineString]:
    return [part for part in shapely.get_parts(shape) if part.geom_type == "LineString" and part.length > 1]


def _connecting_roads(ground: Ground) -> list[tuple[object, ...]]:
    """Roads from the middle of a district to those of its nearest neighbours, not across water.

    Districts that are built up from border to border need none between them. Two districts are neighbours if
    no third is nearer to the point halfway (Gabriel & Sokal 1969).
    """
    districts = ground.districts
    middles, character = districts[["x", "y"]].to_numpy(), districts["character"].to_numpy()
    rows: list[tuple[object, ...]] = []
    for one, other in _gabriel_pairs(middles):
        line = shapely.LineString(middles[[one, other]])
        if not shapely.contains(ground.dry, line):
            continue
        characters = {character[one], character[other]}
        if all(CHARACTERS[name].urban for name in characters):
            continue
        speed = 70 if characters & {"village", "wild"} else 40
        rows.append((line, None, "tertiary", speed, CONNECTING, one))
    return rows


def _gabriel_pairs(xy: NDArray[np.float64]) -> list[tuple[int, int]]:
    triangles = Delaunay(xy).simplices
    edges = np.unique(
        np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])), axis=0
    )
    middle = (xy[edges[:, 0]] + xy[edges[:, 1]]) / 2
    radius = np.hypot(*(xy[edges[:, 0]] - middle).T)
    nearest = np.hypot(*(xy[:, None, :] - middle[None, :, :]).transpose(2, 0, 1)).min(axis=0)
    return [tuple(edge) for edge in edges[nearest >= radius - 1e-6].tolist()]


def _small_streets(ground: Ground) -> list[tuple[object, ...]]:
    """Two families of streets across each built-up district, and one along its border."""
    chance = stream(ground.facts.city.id, "streets", "grid")
    grain = ground.facts.document["grain"]
    rows: list[tuple[object, ...]] = []
    for row, (district, built) in enumerate(zip(ground.districts.itertuples(), ground.built, strict=True)):
        character = CHARACTERS[district.character]
        turn = chance.uniform(0, np.pi / 2)
        speed = 50 if district.character in {"blocks", "industry"} else 30
        widest_m = np.sqrt(shapely.area(built)) / 2.5
        for angle, spacing in zip((turn, turn + np.pi / 2), character.block_m, strict=True):
            lines = _parallel_lines(built, angle, min(spacing * grain, widest_m), chance)
            rows += [
                (part, None, "residential", speed, SMALL, row)
                for part in _line_parts(shapely.intersection(lines, built))
            ]
        border = shapely.intersection(shapely.boundary(district.geometry), built)
        rows += [
            (part, None, "residential", speed, SMALL, row) for part in _line_parts(shapely.line_merge(border))
        ]
    return rows


def _parallel_lines(
    shape: BaseGeometry, angle: float, spacing_m: float, chance: np.random.Generator
) -> BaseGeometry:
    """Parallel lines over a shape, roughly evenly spaced."""
    if shape.is_empty:
        return shapely.MultiLineString()
    west, south, east, north = shape.bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    reach = np.hypot(east - west, north - south) / 2
    offsets = np.arange(-reach, reach, spacing_m) + chance.uniform(0, spacing_m)
    offsets = offsets + chance.uniform(-0.12, 0.12, len(offsets)) * spacing_m
    along = np.array([np.cos(angle), np.sin(angle)]) * reach * 1.1
    across = np.array([-np.sin(angle), np.cos(angle)])
    start = middle + offsets[:, None] * across - along
    return shapely.MultiLineString(list(np.stack([start, start + 2 * along], axis=1)))


def _pieces(plan: pd.DataFrame) -> pd.DataFrame:
    """The plan cut at every crossing: pieces between junctions, the largest connected part only."""
    import pandas as pd

    lines = plan["line"].to_numpy()
    merged = shapely.union_all(lines, grid_size=GRID_M)
    pieces = shapely.get_parts(merged)
    pieces = pieces[shapely.length(pieces) > GRID_M]
    halfway = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    piece, line = shapely.STRtree(lines).query(halfway, predicate="dwithin", distance=2 * GRID_M)
    owners = pd.DataFrame({"piece": piece, "line": line, "rank": plan["rank"].to_numpy()[line]})
    owner = owners.sort_values(["piece", "rank", "line"]).drop_duplicates("piece").set_index("piece")["line"]
    table = plan.drop(columns="line").iloc[owner.to_numpy()].reset_index(drop=True)
    table["line"] = pieces[owner.index.to_numpy()]
    return _with_ends(_largest_part(_with_ends(table)))


def _with_ends(pieces: pd.DataFrame) -> pd.DataFrame:
    """Junctions are numbered anew: columns ``tail`` and ``head``."""
    lines = pieces["line"].to_numpy()
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1)])
    _, node = merge_points(ends, GRID_M / 10)
    return pieces.assign(tail=node[: len(lines)], head=node[len(lines) :])


def _matrix(pieces: pd.DataFrame, weight: NDArray[np.float64]) -> coo_matrix:
    count = int(pieces[["tail", "head"]].to_numpy().max()) + 1
    return coo_matrix((weight, (pieces["tail"], pieces["head"])), shape=(count, count))


def _largest_part(pieces: pd.DataFrame) -> pd.DataFrame:
    _, label = connected_components(_matrix(pieces, np.ones(len(pieces))), directed=False)
    part = label[pieces["tail"]]
    largest: pd.DataFrame = pieces[part == np.bincount(part).argmax()].reset_index(drop=True)
    return largest


def _thinned(pieces: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    """Fewer small streets, so that blocks differ; what is left still reaches every junction."""
    wish = np.where(pieces["rank"] == SMALL, 1 + chance.random(len(pieces)), 0.5)
    matrix = _matrix(pieces, wish).tocsr()
    tree = minimum_spanning_tree(matrix).tocoo()
    needed = set(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    in_tree = np.array([(a, b) in needed for a, b in zip(pieces["tail"], pieces["head"], strict=True)])
    kept = in_tree | (pieces["rank"] != SMALL) | (chance.random(len(pieces)) < KEPT_SHARE)
    return _with_ends(pieces[kept].reset_index(drop=True))


def _bent(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Streets with a slight bend: every point is moved by a smooth field that is the same in all cities."""
    return shapely.transform(shapely.segmentize(lines, 90.0), _bend)


def _bend(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y = xy.T / 1000
    aside: NDArray[np.float64] = np.column_stack(
        [
            18 * np.sin(2 * np.pi * (y / 1.30 + x / 3.1)) + 9 * np.sin(2 * np.pi * (y / 0.71 - x / 1.9)),
            18 * np.sin(2 * np.pi * (x / 1.45 - y / 2.7)) + 9 * np.sin(2 * np.pi * (x / 0.63 + y / 2.1)),
        ]
    )
    return xy + aside


def _oneways(
    pieces: pd.DataFrame, share: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.bool_]:
    """One-way streets as often as each district has them, but none that would trap a car."""
    oneway = (pieces["rank"] == SMALL).to_numpy() & (chance.random(len(pieces)) < share[pieces["district"]])
    tail, head = pieces["tail"].to_numpy(), pieces["head"].to_numpy()
    driven = (pieces["road_class"] != "footway").to_numpy()
    count = max(tail.max(), head.max()) + 1
    while True:
        both = driven & ~oneway
        starts, ends = np.concatenate([tail[driven], head[both]]), np.concatenate([head[driven], tail[both]])
        matrix = coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(count, count))
        _, label = connected_components(matrix, directed=True, connection="strong")
        traps = oneway & (label[tail] != label[head])
        if not traps.any():
            return oneway
        oneway &= ~traps
