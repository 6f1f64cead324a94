"""Light and warmth inside a room: which surface the sun falls on, and how surfaces warm one another.

The patch of sun under a classroom window warms the floor in summer and climbs the opposite wall in winter; a
third of it is thrown back and spreads over the room, and a little of that leaves by the window again.

Sources: Carroll (1980), "An MRT method of computing radiant energy exchange in rooms", for long waves; for
    the
sun, the first strike is followed through a room taken as a box and the rest spread evenly, as EnergyPlus does
("full interior" distribution, then short-wave exchange by area times absorptance).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.buildings.thermal.envelope import Surface, Window
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.zone import Zone

Floats = NDArray[np.float64]

FLOOR, CEILING, SIDES = 0, 5, 6
"""Sides of a room: the floor, four walls from north clockwise (1 to 4), the ceiling."""

_ACROSS, _UP = 6, 5
"""Points across all equal windows of a wall, and up each, from which sunbeams are followed."""


@dataclass(frozen=True)
class Face:
    """What a room sees of a surface or a window."""

    side: int
    area_m2: float
    emissivity: float
    absorptance: float
    """Of short waves; of a window, all that does not come back."""


def side_of(tilt_deg: float, azimuth_deg: float) -> int:
    """The side of the room at which a surface lies."""
    if tilt_deg > 135.0:
        return FLOOR
    if tilt_deg < 45.0:
        return CEILING
    return 1 + int((azimuth_deg + 45.0) % 360.0 // 90.0)


def radiant_factors(faces: list[Face]) -> Floats:
    """Carroll's factors: a face gives ``sigma F (T^4 - T_mr^4)`` to the room's mean radiant temperature.

    Returns:
        One factor per face; faces of 0.9 in a box come near 1.
    """
    area = np.array([face.area_m2 for face in faces])
    emissivity = np.array([face.emissivity for face in faces])
    return np.asarray(1.0 / ((1.0 - emissivity) / emissivity + 1.0 / _carroll(area)))


@njit(cache=True, error_model="numpy")
def _carroll(area: Floats) -> Floats:
    """How much more a face would see if it saw itself too: Carroll's F for black faces."""
    factor = np.ones_like(area)
    for _ in range(100):
        # A face that holds more than half of the room's area sees itself; Carroll's series then has no end.
        share = np.minimum(area * factor / (area * factor).sum(), 0.5)
        factor = 1.0 / (1.0 - share)
    return factor


def absorbed_shares(faces: list[Face]) -> tuple[Floats, Floats]:
    """What each face keeps of a watt of sunlight, W/m2 per W.

    Returns:
        For beams that first strike a side, and for diffuse light that enters through a side, both of shape
        (sides, faces).
    """
    side = np.array([face.side for face in faces])
    area = np.array([face.area_m2 for face in faces])
    absorptance = np.array([face.absorptance for face in faces])
    spread = absorptance / (area * absorptance).sum()
    beam, diffuse = np.empty((SIDES, area.size)), np.empty((SIDES, area.size))
    for k in range(SIDES):
        for table, struck in ((beam, side == k), (diffuse, side != k)):
            hit = struck if struck.any() else np.ones_like(struck)
            first = hit / area[hit].sum()
            back = 1.0 - (first * area * absorptance).sum()
            table[k] = first * absorptance + back * spread
    return beam, diffuse


@njit(cache=True, error_model="numpy")
def absorbed(sources: Floats, shares: Floats) -> Floats:
    """What each face keeps of the light in a room.

    Args:
        sources: Light by the way it comes in, W, shape (ways, day steps); most ways are dark.
        shares: What a face keeps of each way, 1/m2, shape (ways, faces).

    Returns:
        W/m2, shape (faces, day steps).
    """
    out = np.zeros((shares.shape[1], sources.shape[1]))
    for k in range(sources.shape[0]):
        if sources[k].any():
            for face in range(shares.shape[1]):
                share = shares[k, face]
                for t in range(sources.shape[1]):
                    out[face, t] += share * sources[k, t]
    return out


def add_strikes(
    sources: Floats,
    beam_w: Floats,
    zone: Zone,
    surface: Surface,
    window: Window,
    azimuth_deg: float,
    sun: Sun,
) -> None:
    """Add a window's sunbeams to the sides of the room that they strike first.

    Args:
        sources: Beams by side, W, shape (sides, day steps); added to.
        beam_w: What enters by the window.
        zone: The room, taken as a box as long as this surface.
        surface: The surface that the window is in.
        window: The window, its equal panes spread evenly along the surface.
        azimuth_deg: True azimuth of the surface, the building's turn included.
        sun: The sun over the run.
    """
    if surface.tilt_deg < 45.0:
        sources[FLOOR] += beam_w
        return
    length = max(surface.area_m2 * zone.floor_area_m2 / zone.volume_m3, window.width_m)
    own = side_of(surface.tilt_deg, surface.azimuth_deg) - 1
    # Seen from outside, the wall to the right of a south wall is the east wall.
    right, opposite, left = (1 + (own + turn) % 4 for turn in (3, 2, 1))
    _add_strikes(
        sources,
        beam_w,
        *sun.slopes(azimuth_deg),
        np.array([opposite, left, right]),
        length,
        zone.floor_area_m2 / length,
        (length / window.count - window.width_m) / 2,
        window.width_m,
        window.sill_m,
        window.height_m,
        window.count,
    )


@njit(cache=True, error_model="numpy")
def _add_strikes(
    sources: Floats,
    beam: Floats,
    right: Floats,
    down: Floats,
    sides: NDArray[np.int64],
    length: float,
    depth: float,
    margin: float,
    width: float,
    sill: float,
    height: float,
    count: int,
) -> None:
    """Follow beams from points on the glass to the floor, the opposite, left or right wall of a box."""
    points = -(-_ACROSS // count)
    weight = 1.0 / (count * points * _UP)
    pane, point = np.arange(count * points) // points, np.arange(count * points) % points
    across = margin + pane * (width + 2 * margin) + (point + 0.5) / points * width
    up = sill + (np.arange(_UP) + 0.5) / _UP * height
    reach = np.empty(_UP)
    for t in range(beam.size):
        if beam[t] <= 0.0:
            continue
        if down[t] == np.inf:
            sources[FLOOR, t] += beam[t]
            continue
        part = beam[t] * weight
        for j in range(_UP):
            reach[j] = up[j] / down[t]
        on_floor, opposite, aside = 0, 0, 0
        for i in range(across.size):
            sideways = np.inf
            if right[t] > 0:
                sideways = (length - across[i]) / right[t]
            elif right[t] < 0:
                sideways = -across[i] / right[t]
            landed = 0
            for j in range(_UP):
                landed += reach[j] <= min(depth, sideways)
            on_floor += landed
            if depth <= sideways:
                opposite += _UP - landed
            else:
                aside += _UP - landed
        sources[FLOOR, t] += on_floor * part
        sources[sides[0], t] += opposite * part
        sources[sides[2 if right[t] > 0 else 1], t] += aside * part
