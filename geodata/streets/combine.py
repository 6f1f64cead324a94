"""Neighbouring cities' networks joined into one, so that a fleet may cross the border.

Where both sides share real streets, a street that the border cuts goes on where its end points meet. Where no
streets meet, because one side is made of bus rides or drawn by another hand, junctions near the border are
linked to their nearest on the other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geodata.errors import InvalidInput
from geodata.streets.derived import CIRCUITY, is_derived
from geodata.streets.graph import StreetGraph
from geodata.streets.shortest import Floats, Integers

CUT_TOLERANCE_M = 1.0
"""The two end points of a street that a border cuts lie no farther apart than this."""

LINK_REACH_M = 1500.0


def combine(graphs: Sequence[StreetGraph], *, max_gap_m: float = LINK_REACH_M) -> StreetGraph:
    """One network out of several neighbours'.

    Coordinates come in the CRS of the first; lengths stay as they are. The grade is the worst of the parts',
    and the notes are joined. Links are straight lines times a circuity of 1.2, at the slower median speed of
    the two sides; the note counts them.

    Args:
        graphs: At least one network. Segments keep their identifiers, unless two parts use the same: then the
            number of the part goes in front.
        max_gap_m: How far apart two junctions may lie to be linked.

    Raises:
        InvalidInput: No network is given, or a part lies farther from all others than ``max_gap_m``.
    """
    if not graphs:
        raise InvalidInput("there is no network to combine", field="graphs")
    if len(graphs) == 1:
        return graphs[0]
    parts = [_in_crs(graph, graphs[0].crs) for graph in graphs]
    xy = np.vstack([part.node_xy for part in parts])
    part_of = np.repeat(np.arange(len(parts)), [part.nodes for part in parts])
    met = _meeting_pairs(xy, part_of)
    links = [
        _links(parts, one, other, max_gap_m)
        for one, other in combinations(range(len(parts)), 2)
        if not _streets_meet(parts, part_of, met, one, other)
    ]
    _check_joined(parts, np.vstack([part_of[met], *(part_of[link] for link in links)]))
    return _assembled(parts, xy, met, np.vstack([np.empty((0, 2), np.int32), *links]), part_of)


def _in_crs(graph: StreetGraph, crs: str) -> StreetGraph:
    if graph.crs == crs:
        return graph
    transform = Transformer.from_crs(graph.crs, crs, always_xy=True).transform
    return replace(
        graph,
        crs=crs,
        node_xy=np.column_stack(transform(*graph.node_xy.T)),
        geometry=shapely.transform(graph.geometry, lambda xy: np.column_stack(transform(*xy.T))),
    )


def _meeting_pairs(xy: Floats, part_of: NDArray[np.intp]) -> Integers:
    """Pairs of junctions of different parts that are one."""
    near = cKDTree(xy).query_pairs(CUT_TOLERANCE_M, output_type="ndarray").reshape(-1, 2)
    pairs: Integers = near.astype(np.int32)
    across: Integers = pairs[part_of[pairs[:, 0]] != part_of[pairs[:, 1]]]
    return across


def _streets_meet(
    parts: Sequence[StreetGraph], part_of: NDArray[np.intp], met: Integers, one: int, other: int
) -> bool:
    """Whether real streets of two parts meet; a stop that happens to stand on a junction does not count."""
    if is_derived(parts[one]) or is_derived(parts[other]):
        return False
    return bool((np.sort(part_of[met], axis=1) == (one, other)).all(axis=1).any())


def _links(parts: Sequence[StreetGraph], one: int, other: int, max_gap_m: float) -> Integers:
    """Pairs of junctions, numbered over all parts, each the nearest of the other within reach."""
    here, there = (_drivable_nodes(parts[part]) for part in (one, other))
    xy_here, xy_there = parts[one].node_xy[here], parts[other].node_xy[there]
    distance, nearest = cKDTree(xy_there).query(xy_here, distance_upper_bound=max_gap_m)
    _, back = cKDTree(xy_here).query(xy_there)
    mutual = np.flatnonzero(np.isfinite(distance))
    mutual = mutual[back[nearest[mutual]] == mutual]
    first_node = np.cumsum([0, *(part.nodes for part in parts)])
    return np.column_stack(
        [first_node[one] + here[mutual], first_node[other] + there[nearest[mutual]]]
    ).astype(np.int32)


def _drivable_nodes(graph: StreetGraph) -> NDArray[np.int32]:
    main = graph.main_component("car")
    return np.unique(np.concatenate([graph.from_node[main], graph.to_node[main]]))


def _check_joined(parts: Sequence[StreetGraph], pairs: NDArray[np.intp]) -> None:
    shape = (len(parts), len(parts))
    count, label = connected_components(
        coo_matrix((np.ones(len(pairs)), pairs.T), shape=shape), directed=False
    )
    if count > 1:
        apart = int(np.flatnonzero(label != label[0])[0])
        gap = cKDTree(parts[0].node_xy).query(parts[apart].node_xy)[0].min()
        raise InvalidInput(
            f"the networks are no neighbours: part {apart + 1} lies {gap / 1000:.1f} km from part 1",
            field="graphs",
            hint="a fleet can only be shared where streets meet",
        )


def _assembled(
    parts: Sequence[StreetGraph], xy: Floats, met: Integers, links: Integers, part_of: NDArray[np.intp]
) -> StreetGraph:
    together = coo_matrix((np.ones(len(met), np.int8), met.T), shape=(len(xy), len(xy)))
    _, node = connected_components(together, directed=False)
    _, first = np.unique(node, return_index=True)
    node = node.astype(np.int32)
    offset = np.cumsum([0, *(part.nodes for part in parts)])
    drawn = len(links)
    straight = np.hypot(*(xy[links[:, 1]] - xy[links[:, 0]]).T)

    def column(name: str, of_links: object) -> Any:
        return np.concatenate([*(getattr(part, name) for part in parts), np.asarray(of_links)])

    def slower(name: str) -> Floats:
        median = np.array([np.median(getattr(part, name)) for part in parts])
        least: Floats = median[part_of[links]].min(axis=1)
        return least

    def nodes(name: str, end: int) -> Integers:
        own = [getattr(part, name) + start for part, start in zip(parts, offset, strict=False)]
        merged: Integers = node[np.concatenate([*own, links[:, end]])]
        return merged

    return StreetGraph(
        crs=parts[0].crs,
        node_xy=xy[first],
        from_node=nodes("from_node", 0),
        to_node=nodes("to_node", 1),
        length_m=column("length_m", np.maximum(straight * CIRCUITY, CUT_TOLERANCE_M)),
        car_speed_kmh=column("car_speed_kmh", slower("car_speed_kmh")),
        bus_speed_kmh=column("bus_speed_kmh", slower("bus_speed_kmh")),
        oneway=column("oneway", np.zeros(drawn, bool)),
        car=column("car", np.ones(drawn, bool)),
        walk=column("walk", np.ones(drawn, bool)),
        road_class=column("road_class", np.array(["link"] * drawn, dtype=object)),
        street_id=_street_ids(parts, drawn),
        geometry=column("geometry", shapely.linestrings(xy[links])),
        grade=max((part.grade for part in parts), key=lambda grade: grade.rank),
        note=_note(parts, drawn),
    )


def _street_ids(parts: Sequence[StreetGraph], drawn: int) -> NDArray[np.object_]:
    ids = [part.street_id for part in parts]
    if len(set().union(*ids)) < sum(map(len, ids)):
        ids = [
            np.array([f"{number}:{name}" for name in own], dtype=object) for number, own in enumerate(ids, 1)
        ]
    return np.concatenate([*ids, np.array([f"link-{number}" for number in range(drawn)], dtype=object)])


def _note(parts: Sequence[StreetGraph], drawn: int) -> str:
    notes = dict.fromkeys(part.note for part in parts if part.note)
    if drawn:
        notes[f"{drawn} links across the border are straight lines lengthened by {CIRCUITY:g}"] = None
    return "; ".join(notes)
