"""Turn street axes into a network: lines that meet are cut where they meet and share that point exactly.

A map of axes is drawn for the eye: an axis runs through ten junctions, a side street ends forty centimetres
short of it, another overshoots. A router needs segments that begin and end at junctions. As a tailor pins
pieces before sewing, the places where lines meet are found first, those that lie within a stated tolerance
of each other become one node, and only then are the lines cut.

Two lines that cross are taken to meet, unless they run on different levels (a street on a viaduct, a road in
a cutting): those meet only where one of them ends. Where a source shares vertices at junctions and nowhere
else, as OpenStreetMap does, :func:`node_shared_vertices` takes the source at its word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Lines = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Segments that meet exactly.

    Args:
        segments: LineStrings, ordered by parent and along it.
        parent: For each segment, the position of the line it was cut from.
        start: Node at which it begins.
        end: Node at which it ends.
        component: Connected part it belongs to: 0 for the longest, then by falling length.
        nodes: Coordinates of the nodes, shape (nodes, 2).
        length_in_m: Length of the lines that were given.
        collapsed_m: Length of stubs shorter than the tolerance that vanished into a node.
        repeated_m: Length of segments that repeat another between the same nodes.
    """

    segments: Lines
    parent: Ints
    start: Ints
    end: Ints
    component: Ints
    nodes: Floats
    length_in_m: float
    collapsed_m: float
    repeated_m: float

    @property
    def length_m(self) -> float:
        """Length of all segments."""
        return float(shapely.length(self.segments).sum())

    @property
    def largest_share(self) -> float:
        """Share of the length that lies in the largest connected part."""
        lengths = shapely.length(self.segments)
        return float(lengths[self.component == 0].sum() / lengths.sum()) if len(lengths) else 0.0


@dataclass(frozen=True)
class _Cuts:
    """Places at which lines are to be cut: line, distance along it, and where the place is."""

    line: Ints
    along: Floats
    place: Floats


def node_crossings(lines: Lines, *, tolerance_m: float, level: Ints | None = None) -> Network:
    """Cut lines where they cross, and tie ends to lines that pass within a tolerance.

    Args:
        lines: LineStrings or MultiLineStrings in a metric CRS.
        tolerance_m: Places closer than this become one node; ends closer than this to a line are tied to it.
            Stay below half the distance of the closest parallel axes.
        level: Level of each line (0 on the ground); lines of different levels do not meet where they cross.

    Returns:
        The network. Its nodes lie at most a few tolerances from where the source has them.
    """
    levels = np.zeros(len(lines), np.int64) if level is None else np.asarray(level, np.int64)
    simple, parent = _simple_lines(lines)
    tree = shapely.STRtree(simple)
    found = [
        _ends(simple),
        _crossings(simple, tree, levels[parent]),
        _near_ends(simple, tree, tolerance_m),
    ]
    cuts = _Cuts(
        np.concatenate([part.line for part in found]),
        np.concatenate([part.along for part in found]),
        np.concatenate([part.place for part in found]),
    )
    node = _clusters(cuts.place, tolerance_m)
    total_m = float(shapely.length(lines).sum())
    return _cut(simple, parent, cuts, node, tolerance_m=tolerance_m, length_in_m=total_m)


def node_shared_vertices(lines: Lines) -> Network:
    """Cut lines at the vertices they share, and nowhere else.

    Args:
        lines: LineStrings or MultiLineStrings in a metric CRS, whose junctions are vertices with the very
            same coordinates on each line.
    """
    parts, parent = shapely.get_parts(lines, return_index=True)
    line, place, along, is_end = _vertices(parts)
    _, vertex, uses = np.unique(place, axis=0, return_inverse=True, return_counts=True)
    chosen = is_end | (uses[vertex.ravel()] > 1)
    cuts = _Cuts(line[chosen], along[chosen], place[chosen])
    node = _clusters(cuts.place, 0.0)
    total_m = float(shapely.length(lines).sum())
    return _cut(parts, parent, cuts, node, tolerance_m=0.0, length_in_m=total_m)


def _simple_lines(lines: Lines) -> tuple[Lines, Ints]:
    """LineStrings that do not cross themselves, with the position of the line each comes from."""
    parts, parent = shapely.get_parts(lines, return_index=True)
    long_enough = shapely.length(parts) > 0
    parts, parent = parts[long_enough], parent[long_enough]
    crossed = ~shapely.is_simple(parts)
    noded, of = shapely.get_parts(shapely.node(parts[crossed]), return_index=True)
    order = np.argsort(np.concatenate([parent[~crossed], parent[crossed][of]]), kind="stable")
    simple = np.concatenate([parts[~crossed], noded])[order]
    return simple, np.concatenate([parent[~crossed], parent[crossed][of]])[order]


def _vertices(lines: Lines) -> tuple[Ints, Floats, Floats, NDArray[np.bool_]]:
    """Each vertex's line, coordinates, distance along the line, and whether it is an end."""
    place, line = shapely.get_coordinates(lines, return_index=True)
    if not len(place):
        return line, place, np.zeros(0), np.zeros(0, np.bool_)
    first = np.r_[True, line[1:] != line[:-1]]
    last = np.r_[first[1:], True]
    step = np.r_[0.0, np.hypot(*np.diff(place, axis=0).T)]
    step[first] = 0.0
    total = np.cumsum(step)
    along = total - np.repeat(total[first], np.diff(np.r_[np.flatnonzero(first), len(line)]))
    return line, place, along, first | last


def _ends(lines: Lines) -> _Cuts:
    line, place, along, is_end = _vertices(lines)
    return _Cuts(line[is_end], along[is_end], place[is_end])


def _crossings(lines: Lines, tree: shapely.STRtree, level: Ints) -> _Cuts:
    """Where two lines of one level touch or cross, and where a stretch they share begins and ends."""
    one, other = tree.query(lines, predicate="intersects")
    pair = (one < other) & (level[one] == level[other])
    one, other = one[pair], other[pair]
    shared, of = shapely.get_parts(shapely.intersection(lines[one], lines[other]), return_index=True)
    stretch = shapely.get_dimensions(shared) == 1
    marks, whose = shapely.get_parts(shapely.boundary(shared[stretch]), return_index=True)
    points = np.concatenate([shared[~stretch], marks])
    pair_of = np.concatenate([of[~stretch], of[stretch][whose]])
    place = shapely.get_coordinates(points)
    line = np.concatenate([one[pair_of], other[pair_of]])
    return _Cuts(line, shapely.line_locate_point(lines[line], np.tile(points, 2)), np.tile(place, (2, 1)))


def _near_ends(lines: Lines, tree: shapely.STRtree, tolerance_m: float) -> _Cuts:
    """Where an end of another line lies on a line or nearly so."""
    ends = _ends(lines)
    points = np.atleast_1d(np.asarray(shapely.points(ends.place), object))
    end, line = tree.query(points, predicate="dwithin", distance=tolerance_m)
    other = ends.line[end] != line
    end, line = end[other], line[other]
    along = shapely.line_locate_point(lines[line], points[end])
    return _Cuts(line, along, shapely.get_coordinates(shapely.line_interpolate_point(lines[line], along)))


def _clusters(place: Floats, tolerance_m: float) -> Ints:
    """Number the places so that those within the tolerance, directly or by way of others, share a number."""
    unique, inverse = np.unique(place, axis=0, return_inverse=True)
    if tolerance_m <= 0:
        return inverse.ravel()
    near = cKDTree(unique).query_pairs(tolerance_m, output_type="ndarray")
    graph = coo_matrix((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(unique),) * 2)
    part: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return part[inverse.ravel()]


def _cut(
    lines: Lines, parent: Ints, cuts: _Cuts, node: Ints, *, tolerance_m: float, length_in_m: float
) -> Network:
    """Cut each line at its cuts; pieces begin and end exactly at the nodes."""
    count = int(node.max()) + 1 if len(node) else 0
    weight = np.bincount(node, minlength=count)
    nodes = np.stack([np.bincount(node, cuts.place[:, axis], count) / weight for axis in (0, 1)], axis=1)
    order = np.lexsort((node, cuts.along, cuts.line))
    line, along, node = cuts.line[order], cuts.along[order], node[order]
    follows = np.flatnonzero(line[1:] == line[:-1])
    segments = _segments(lines, _Cuts(line, along, nodes[node]), follows, tolerance_m)
    start, end, length = node[follows], node[follows + 1], shapely.length(segments)
    stub = (start == end) & (along[follows + 1] - along[follows] <= 4 * tolerance_m)
    kept = ~stub & (length > 0)
    of = parent[line[follows]]
    collapsed_m = float((along[follows + 1] - along[follows])[~kept].sum())
    segments, of, start, end = segments[kept], of[kept], start[kept], end[kept]
    repeats = _repeats(segments, start, end, tolerance_m)
    repeated_m = float(shapely.length(segments[repeats]).sum())
    segments, of, start, end = segments[~repeats], of[~repeats], start[~repeats], end[~repeats]
    used, renumbered = np.unique(np.concatenate([start, end]), return_inverse=True)
    start, end = renumbered[: len(start)], renumbered[len(start) :]
    component = _components(start, end, shapely.length(segments))
    return Network(segments, of, start, end, component, nodes[used], length_in_m, collapsed_m, repeated_m)


def _segments(lines: Lines, cuts: _Cuts, follows: Ints, tolerance_m: float) -> Lines:
    """The pieces between each cut and the next one on its line.

    The lines' own vertices keep their place between the cuts, except those so close to a cut that the piece
    would double back on its way to the node.
    """
    if not len(follows):
        return np.zeros(0, object)
    line, along, place = cuts.line, cuts.along, cuts.place
    own_line, own_place, own_along, _ = _vertices(lines)
    reach = float(own_along.max()) + 1.0
    keys, own_keys = line * reach + along, own_line * reach + own_along
    after = np.searchsorted(keys, own_keys, side="right") - 1
    piece_of_cut = np.full(len(line), -1)
    piece_of_cut[follows] = np.arange(len(follows))
    piece = piece_of_cut[after]
    gap = max(tolerance_m, 1e-6)
    inside = (piece >= 0) & (own_along - along[after] > gap)
    inside[inside] = along[after[inside] + 1] - own_along[inside] > gap
    number = np.arange(len(follows))
    index = np.concatenate([number, piece[inside], number])
    position = np.concatenate([along[follows], own_along[inside], along[follows + 1]])
    rank = np.repeat([0, 1, 2], [len(number), inside.sum(), len(number)])
    coordinates = np.concatenate([place[follows], own_place[inside], place[follows + 1]])
    order = np.lexsort((position, rank, index))
    return np.asarray(shapely.linestrings(coordinates[order], indices=index[order]), object)


def _repeats(segments: Lines, start: Ints, end: Ints, tolerance_m: float) -> NDArray[np.bool_]:
    """Which segments run, within the tolerance, where an earlier one between the same nodes runs."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((np.arange(len(segments)), high, low))
    low, high = low[order], high[order]
    repeats = np.zeros(len(segments), np.bool_)
    # Each segment is held against the one a step before it, then two steps, until no two share their nodes.
    for step in range(1, len(segments) if tolerance_m > 0 else 0):
        pair = np.flatnonzero((low[step:] == low[:-step]) & (high[step:] == high[:-step])) + step
        if not len(pair):
            break
        apart = shapely.hausdorff_distance(segments[order[pair]], segments[order[pair - step]])
        repeats[order[pair]] |= apart <= tolerance_m
    return repeats


def _components(start: Ints, end: Ints, length: Floats) -> Ints:
    """Number the connected parts by falling length, ties by their first segment."""
    if not len(start):
        return np.zeros(0, np.int64)
    nodes = int(max(start.max(), end.max())) + 1
    graph = coo_matrix((np.ones(len(start)), (start, end)), shape=(nodes, nodes))
    part = connected_components(graph, directed=False)[1][start]
    names, first, part = np.unique(part, return_index=True, return_inverse=True)
    total = np.bincount(part, length, len(names))
    rank = np.empty(len(names), np.int64)
    rank[np.lexsort((first, -total))] = np.arange(len(names))
    return rank[part]
