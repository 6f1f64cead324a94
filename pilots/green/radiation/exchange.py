"""Radiation on its way between surfaces: sums over the patches of the sky and over samples of the ground.

All sums run over the steps of a day at once, so that what is read about the geometry serves every hour. A
quantity is one sum with weights of its own: radiation on a horizontal plane, on the plane facing east, or all
that a person absorbs from the sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.green.radiation.person import Person
from pilots.green.radiation.sky import Floats, dome
from pilots.green.radiation.views import GroundSamples, GroundView, Receivers, SkyView

SHORT, LONG, ABSORBED = 0, 1, 2
"""Layers of a radiosity: short-wave, long-wave, and what a person absorbs of both."""

Radiosity = NDArray[np.float32]
"""Layers x sources x steps, W/m2."""


def radiosity(short_w_m2: NDArray[np.floating], long_w_m2: NDArray[np.floating], person: Person) -> Radiosity:
    """Stack the layers of sources that radiate short and long waves (each sources x steps)."""
    absorbed = person.short_absorptance * short_w_m2 + person.long_absorptance * long_w_m2
    return np.stack([short_w_m2, long_w_m2, absorbed]).astype(np.float32)


@dataclass(frozen=True)
class Quantities:
    """Sums to be made over the sky and over the ground.

    Attributes:
        layer: Which layer of the radiosity each quantity sums.
        sky_weight: Weight of each patch (quantities x patches).
        ground_weight: Weight of each ground sample (quantities x samples).
    """

    layer: NDArray[np.int64]
    sky_weight: Floats
    ground_weight: Floats


def on_the_ground(samples: GroundSamples) -> Quantities:
    """Short-wave and long-wave radiation on a horizontal plane, and what a person absorbs from the sides."""
    sky = dome()
    weights = np.stack([sky.horizontal, sky.horizontal, sky.upright.sum(axis=0)])
    return Quantities(np.array([SHORT, LONG, ABSORBED]), weights, np.zeros((3, len(samples.row))))


def on_six_sides(samples: GroundSamples) -> Quantities:
    """Short-wave, then long-wave radiation on planes facing up, down, north, east, south and west."""
    sky = dome()
    above = np.vstack([sky.horizontal, np.zeros(len(sky)), sky.upright])
    below = np.vstack([np.zeros(len(samples.row)), samples.upward, samples.sideward])
    layer = np.repeat([SHORT, LONG], 6)
    return Quantities(layer, np.tile(above, (2, 1)), np.tile(below, (2, 1)))


def absorbed_from_the_ground(samples: GroundSamples, person: Person) -> Quantities:
    """All that a person absorbs from below the horizon."""
    weight = person.upward * samples.upward + person.sideward * samples.sideward.sum(axis=0)
    return Quantities(np.array([ABSORBED]), np.zeros((1, len(dome()))), weight[None])


def from_the_sky(
    view: SkyView, passed: NDArray[np.float32], quantities: Quantities, sky: Radiosity, leaf: Radiosity, wall: Radiosity
) -> NDArray[np.float32]:
    """Sum what comes from above the horizon: sky, crowns and walls.

    Args:
        view: What each receiver sees.
        passed: Share of light that crowns of each code let through.
        quantities: What to sum.
        sky: Radiosity of the open patches.
        leaf: Radiosity of crowns seen in each patch.
        wall: Radiosity of the facets, with one more entry for anything else.

    Returns:
        Receivers x quantities x steps, W/m2.
    """
    weight = quantities.sky_weight.astype(np.float32)[:, :, None]
    open_sky, crowns = weight * sky[quantities.layer], weight * leaf[quantities.layer]
    total = np.empty((len(view.code), len(quantities.layer), sky.shape[2]), np.float32)
    _sum_sky(
        view.code, view.start, view.facet, passed, quantities.layer, weight[:, :, 0], open_sky, crowns, wall,
        open_sky.sum(axis=1, dtype=np.float64).astype(np.float32), total,
    )  # fmt: skip
    return total


@numba.njit(cache=True)
def _sum_sky(
    code: NDArray[np.uint8],
    start: NDArray[np.int64],
    facet: NDArray[np.int32],
    passed: NDArray[np.float32],
    layer: NDArray[np.int64],
    weight: NDArray[np.float32],
    sky: NDArray[np.float32],
    leaf: NDArray[np.float32],
    wall: NDArray[np.float32],
    unobstructed: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    quantities, steps = unobstructed.shape
    for i in range(code.shape[0]):
        into = total[i]
        into[:] = unobstructed
        seen = start[i]
        for patch in range(code.shape[1]):
            byte = code[i, patch]
            if byte == 0:
                continue
            through = passed[byte]
            stopped = np.float32(1.0) - through
            if byte < 128:
                for q in range(quantities):
                    for s in range(steps):
                        into[q, s] += stopped * (leaf[q, patch, s] - sky[q, patch, s])
            else:
                source = facet[seen]
                seen += 1
                for q in range(quantities):
                    share = through * weight[q, patch]
                    behind = wall[layer[q], source]
                    for s in range(steps):
                        into[q, s] += share * behind[s] + stopped * leaf[q, patch, s] - sky[q, patch, s]


def from_the_ground(
    receivers: Receivers,
    view: GroundView,
    samples: GroundSamples,
    quantities: Quantities,
    number: NDArray[np.int32],
    ground: Radiosity,
    wall: Radiosity,
) -> NDArray[np.float32]:
    """Sum what comes from below the horizon: ground, and walls where they end the view of it.

    Args:
        receivers: Who looks.
        view: How far they see in each sector.
        samples: Where they look.
        quantities: What to sum.
        number: Number of each cell among the sources of ``ground``, -1 for none (rows x columns).
        ground: Radiosity of the cells.
        wall: Radiosity of the facets, with one more entry for anything else.

    Returns:
        Receivers x quantities x steps, W/m2.
    """
    total = np.zeros((len(receivers), len(quantities.layer), ground.shape[2]), np.float32)
    _sum_ground(
        receivers.row, receivers.column, view.reach_m, view.facet, samples.row, samples.column, samples.sector,
        samples.distance_m, quantities.layer, quantities.ground_weight.astype(np.float32), number, ground, wall, total,
    )  # fmt: skip
    return total


@numba.njit(cache=True)
def _sum_ground(
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    reach: NDArray[np.float32],
    facet: NDArray[np.int32],
    south: NDArray[np.int32],
    east: NDArray[np.int32],
    sector: NDArray[np.int32],
    distance: NDArray[np.float64],
    layer: NDArray[np.int64],
    weight: NDArray[np.float32],
    number: NDArray[np.int32],
    ground: NDArray[np.float32],
    wall: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    rows, columns = number.shape
    quantities, steps = total.shape[1], total.shape[2]
    for i in range(len(row)):
        own = number[row[i], column[i]]
        for k in range(len(south)):
            source = own
            from_wall = distance[k] > reach[i, sector[k]]
            if from_wall:
                source = facet[i, sector[k]]
            else:
                r, c = row[i] + south[k], column[i] + east[k]
                if 0 <= r < rows and 0 <= c < columns and number[r, c] >= 0:
                    source = number[r, c]
            for q in range(quantities):
                share = weight[q, k]
                seen = wall[layer[q], source] if from_wall else ground[layer[q], source]
                for s in range(steps):
                    total[i, q, s] += share * seen[s]
