"""Radiation on its way between surfaces: sums over the patches of the sky and over samples of the ground.

What a source radiates is kept as one *line*: its short-wave radiosity in the lit steps of the day, then its
long-wave radiosity in all steps. Each sum runs over whole lines, so that what is read about the geometry
serves every hour and both kinds of radiation.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.green.radiation.sky import Floats
from pilots.green.radiation.views import GroundSamples, GroundView, Receivers, SkyView
from pilots.green.radiation.weather import Forcing

Lines = NDArray[np.float32]
"""Sources x (lit steps + steps), W/m2."""


def lines(forcing: Forcing, short_w_m2: NDArray[np.floating], long_w_m2: NDArray[np.floating]) -> Lines:
    """Join the two radiosities of sources (each sources x steps)."""
    return np.hstack([short_w_m2[:, forcing.lit], long_w_m2]).astype(np.float32)


def parted(forcing: Forcing, line: Lines) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Short-wave and long-wave radiation of each step (... x steps) from lines (last axis)."""
    lit = forcing.lit
    short = np.zeros((*line.shape[:-1], len(forcing)), np.float32)
    short[..., lit] = line[..., : len(lit)]
    return short, line[..., len(lit) :]


def from_the_sky(
    view: SkyView, passed: NDArray[np.float32], weights: Floats, sky: Lines, leaf: Lines, wall: Lines
) -> NDArray[np.float32]:
    """Sum what comes from above the horizon: sky, crowns and walls.

    Args:
        view: What each receiver sees.
        passed: Share of light that crowns of each code let through.
        weights: View factor of each patch from each plane (planes x patches).
        sky: Radiosity of the open patches.
        leaf: Radiosity of crowns seen in each patch.
        wall: Radiosity of the facets, with one more line for anything else.

    Returns:
        Receivers x planes (an even number) x length of a line, W/m2.
    """
    total = np.empty((len(view.code), len(weights), sky.shape[1]), np.float32)
    unobstructed = (weights @ sky.astype(np.float64)).astype(np.float32)
    by_patch = weights.T.astype(np.float32)
    for pair in (slice(i, i + 2) for i in range(0, len(weights), 2)):
        _sum_sky(
            view.code,
            view.start,
            view.facet,
            passed,
            np.ascontiguousarray(by_patch[:, pair]),
            sky,
            leaf,
            wall,
            unobstructed[pair],
            total[:, pair],
        )
    return total


@numba.njit(cache=True)
def _sum_sky(
    code: NDArray[np.uint8],
    start: NDArray[np.int64],
    facet: NDArray[np.int32],
    passed: NDArray[np.float32],
    weight: NDArray[np.float32],
    sky: Lines,
    leaf: Lines,
    wall: Lines,
    unobstructed: NDArray[np.float32],
    total: NDArray[np.float32],
) -> None:
    """Start from an open sky and replace what stands in front of it, patch by patch; two planes at once."""
    length = unobstructed.shape[1]
    first = np.empty(length, np.float32)
    second = np.empty(length, np.float32)
    for i in range(code.shape[0]):
        for s in range(length):
            first[s], second[s] = unobstructed[0, s], unobstructed[1, s]
        seen = start[i]
        for patch in range(code.shape[1]):
            byte = code[i, patch]
            if byte == 0:
                continue
            through = passed[byte]
            stopped = np.float32(1.0) - through
            on_first, on_second = weight[patch, 0], weight[patch, 1]
            if byte < 128:
                on_first *= stopped
                on_second *= stopped
                for s in range(length):
                    change = leaf[patch, s] - sky[patch, s]
                    first[s] += on_first * change
                    second[s] += on_second * change
            else:
                behind = facet[seen]
                seen += 1
                for s in range(length):
                    change = through * wall[behind, s] + stopped * leaf[patch, s] - sky[patch, s]
                    first[s] += on_first * change
                    second[s] += on_second * change
        for s in range(length):
            total[i, 0, s], total[i, 1, s] = first[s], second[s]


def from_the_ground(
    receivers: Receivers,
    view: GroundView,
    samples: GroundSamples,
    weights: Floats,
    number: NDArray[np.int32],
    ground: Lines,
    wall: Lines,
) -> NDArray[np.float32]:
    """Sum what comes from below the horizon: ground, and walls where they end the view of it.

    Args:
        receivers: Who looks.
        view: How far they see in each sector.
        samples: Where they look.
        weights: View factor of each sample from each plane (planes x samples).
        number: Number of each cell among the lines of ``ground``, -1 for none (rows x columns).
        ground: Radiosity of the cells (any quantity with one line per cell).
        wall: The same of the facets, with one more line for anything else.

    Returns:
        Receivers x planes x length of a line.
    """
    total = np.empty((len(receivers), len(weights), ground.shape[1]), np.float32)
    _sum_ground(
        receivers.row,
        receivers.column,
        view.reach_m,
        view.facet,
        samples.row,
        samples.column,
        samples.sector,
        samples.distance_m,
        np.ascontiguousarray(weights.T, dtype=np.float32),
        number,
        ground,
        wall,
        total,
    )
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
    weight: NDArray[np.float32],
    number: NDArray[np.int32],
    ground: Lines,
    wall: Lines,
    total: NDArray[np.float32],
) -> None:
    rows, columns = number.shape
    planes, length = total.shape[1], total.shape[2]
    sums = np.empty(length, np.float32)
    for i in range(len(row)):
        own = number[row[i], column[i]]
        for plane in range(planes):
            sums[:] = 0.0
            for k in range(len(south)):
                share = weight[k, plane]
                if share == 0.0:
                    continue
                if distance[k] > reach[i, sector[k]]:
                    source = facet[i, sector[k]]
                    for s in range(length):
                        sums[s] += share * wall[source, s]
                else:
                    source = own
                    r, c = row[i] + south[k], column[i] + east[k]
                    if 0 <= r < rows and 0 <= c < columns and number[r, c] >= 0:
                        source = number[r, c]
                    for s in range(length):
                        sums[s] += share * ground[source, s]
            total[i, plane] = sums
