"""Heat through walls: each wall as a chain of nodes that store heat and resistances between them.

A brick wall warmed by the afternoon sun passes its heat on to the room in the evening: the chain of nodes is
what delays it. Nodes stand at both faces and inside, as in ISO 52016-1; between two steps everything between
the faces is condensed into one small matrix, because only the films at the faces change with time.

Source: finite volumes and the spacing rule of the conduction solver of EnergyPlus (Engineering Reference,
"Conduction finite difference": cell = sqrt(3 x diffusivity x step)); condensation as in Kusuda (1969).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.thermal.envelope import Construction

Floats = NDArray[np.float64]

_CELLS_MOST = 12


@dataclass(frozen=True, eq=False)
class Chain:
    """Nodes of a wall from its outside to its inside face."""

    capacity_j_m2k: Floats
    """Shape (nodes,)."""
    conductance_w_m2k: Floats
    """Shape (nodes - 1,), between neighbours."""


@dataclass(frozen=True, eq=False)
class Condensed:
    """A wall for one step of implicit Euler, seen from its two faces.

    With T the temperatures between the faces, To and Ti those of the faces, and ' the previous step::

        T  = memory T' + from_outside To + from_inside Ti
        (outside_w_m2k + film) To - between_w_m2k Ti = outside_capacity To' + pull_outside . memory T' +
        film Te
    """

    memory: Floats
    """Shape (inner, inner)."""
    from_outside: Floats
    from_inside: Floats
    """Shape (inner,)."""
    outside_w_m2k: float
    inside_w_m2k: float
    between_w_m2k: float
    outside_capacity_w_m2k: float
    inside_capacity_w_m2k: float
    """Capacity of the node at a face over the length of the step."""
    link_outside_w_m2k: float
    link_inside_w_m2k: float
    """Conductance from a face to its neighbour; the whole wall's where there are no nodes between."""


def chain(construction: Construction, step_s: float) -> Chain:
    """Cut a wall into cells fine enough for steps of this length."""
    capacities, conductances = [0.0], []
    for layer in construction.layers:
        cells = 1
        if layer.capacity_j_m2k > 0:
            diffusivity = layer.conductivity_w_mk / (layer.density_kg_m3 * layer.specific_heat_j_kgk)
            cells = min(int(np.ceil(layer.thickness_m / np.sqrt(3 * diffusivity * step_s))), _CELLS_MOST)
        for _ in range(cells):
            half = 0.5 * layer.capacity_j_m2k / cells
            capacities[-1] += half
            capacities.append(half)
            conductances.append(cells / layer.resistance_m2k_w)
    return Chain(np.array(capacities), np.array(conductances))


def condense(wall: Chain, step_s: float) -> Condensed:
    """Eliminate what lies between the faces of a wall for steps of one length."""
    store = wall.capacity_j_m2k / step_s
    link = wall.conductance_w_m2k
    inner = store.size - 2
    if inner == 0:
        g = float(link[0])
        empty = np.zeros(0)
        return Condensed(
            np.zeros((0, 0)), empty, empty, g + store[0], g + store[-1], g, store[0], store[-1], 0.0, 0.0
        )
    matrix = np.diag(store[1:-1] + link[:-1] + link[1:]) - np.diag(link[1:-1], 1) - np.diag(link[1:-1], -1)
    inverse = np.linalg.inv(matrix)
    from_outside, from_inside = inverse[:, 0] * link[0], inverse[:, -1] * link[-1]
    return Condensed(
        memory=inverse * store[1:-1],
        from_outside=from_outside,
        from_inside=from_inside,
        outside_w_m2k=float(store[0] + link[0] - link[0] * from_outside[0]),
        inside_w_m2k=float(store[-1] + link[-1] - link[-1] * from_inside[-1]),
        between_w_m2k=float(link[0] * from_inside[0]),
        outside_capacity_w_m2k=float(store[0]),
        inside_capacity_w_m2k=float(store[-1]),
        link_outside_w_m2k=float(link[0]),
        link_inside_w_m2k=float(link[-1]),
    )
