"""What each place sees: patch by patch of the sky, and ring by ring of the ground.

Nothing of this changes with the hour. For every patch of the dome a receiver stores one byte: whether a wall
ends the view, whether the crowns in front are evergreen, and how much crown is crossed. The byte is turned
into light by a table of 256 numbers that is made anew whenever the leaves change; so a spring day costs no
new rays. Where a wall ends the view, the facet that is seen is stored too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.green.radiation.leaves import Foliage
from pilots.green.radiation.site import Site
from pilots.green.radiation.sky import dome
from pilots.green.radiation.sweep import Relief, edge_of_shadow, follow, ray
from pilots.green.radiation.walls import FACET_M, Walls

BLOCKED = 128
EVERGREEN = 64
DEEPEST = 10.0
"""Crown thicknesses beyond which nothing more is lost."""

_STEPS_OF_DEPTH = 63


@dataclass(frozen=True)
class Receivers:
    """Places from which rays start: a cell and a height above datum."""

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    height_m: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.row)

    def part(self, which: NDArray[np.int32]) -> Receivers:
        """Some of the places."""
        return Receivers(self.row[which], self.column[which], self.height_m[which])


@dataclass(frozen=True)
class SkyView:
    """What receivers see of the dome.

    Attributes:
        code: One byte per receiver and patch.
        start: For each receiver where its facets begin in ``facet``; one more entry at the end.
        facet: The facets seen in blocked patches, in the order of the patches; the number of facets stands
            for "something else" (a slope, the rim of the raster).
    """

    code: NDArray[np.uint8]
    start: NDArray[np.int64]
    facet: NDArray[np.int32]

    def part(self, which: NDArray[np.int32]) -> SkyView:
        """The views of some of the receivers."""
        facets = [self.facet[self.start[i] : self.start[i + 1]] for i in which]
        start = np.cumsum([0, *map(len, facets)]).astype(np.int64)
        return SkyView(self.code[which], start, np.concatenate([np.empty(0, np.int32), *facets]))


def transmission_by_code(foliage: Foliage) -> NDArray[np.float32]:
    """Share of light that the crowns of each code let through."""
    code = np.arange(256)
    depth = ((code & _STEPS_OF_DEPTH) / _STEPS_OF_DEPTH) ** 2 * DEEPEST
    extinction = np.where(code & EVERGREEN, foliage.evergreen_extinction, foliage.extinction)
    return np.exp(-extinction * depth).astype(np.float32)


def view_sky(relief: Relief, receivers: Receivers, walls: Walls, convergence_deg: float) -> SkyView:
    """Cast a ray from each receiver to each patch of the dome."""
    patches = dome()
    code = np.zeros((len(patches), len(receivers)), np.uint8)
    first = (walls.first, np.ascontiguousarray(walls.first.T))
    levels = (walls.levels, np.ascontiguousarray(walls.levels.T))
    seen = []
    buffer = np.empty(len(receivers), np.int32)
    for patch, (azimuth, altitude) in enumerate(zip(patches.azimuth_deg, patches.altitude_deg, strict=True)):
        way = ray(azimuth - convergence_deg, altitude, relief.shape, relief.cell_size_m)
        order = int(way.transposed)
        major, minor = (receivers.column, receivers.row) if order else (receivers.row, receivers.column)
        count = _look_up(
            major,
            minor,
            receivers.height_m,
            relief.surface[order],
            relief.crown_top[order],
            relief.crown_base[order],
            relief.density[order],
            edge_of_shadow(relief.surface, way),
            edge_of_shadow(relief.crown_top, way),
            way.step,
            way.offset,
            way.rise_m,
            way.sine,
            first[order],
            levels[order],
            len(walls),
            code[patch],
            buffer,
        )
        seen.append(buffer[:count].copy())
    start = np.empty(len(receivers) + 1, np.int64)
    facet = np.empty(sum(map(len, seen)), np.int32)
    cursor = np.cumsum([0, *map(len, seen)])[:-1]
    _sort_by_receiver(code, np.concatenate(seen), cursor, start, facet)
    return SkyView(np.ascontiguousarray(code.T), start, facet)


@numba.njit(cache=True)
def _look_up(
    major: NDArray[np.int32],
    minor: NDArray[np.int32],
    height: NDArray[np.float32],
    surface: NDArray[np.float32],
    crown_top: NDArray[np.float32],
    crown_base: NDArray[np.float32],
    density: NDArray[np.float32],
    solid_edge: NDArray[np.float32],
    crown_edge: NDArray[np.float32],
    step: int,
    offset: NDArray[np.int32],
    rise: float,
    sine: float,
    first: NDArray[np.int32],
    levels: NDArray[np.int32],
    other: int,
    code: NDArray[np.uint8],
    facets: NDArray[np.int32],
) -> int:
    """Fill the codes of one patch and list the facets seen; return how many."""
    count = 0
    for i in range(len(major)):
        here, across, z = major[i], minor[i], height[i]
        crossed = crown_edge[here, across] > z - 0.5 * rise or crown_top[here, across] > z
        if solid_edge[here, across] <= z and not crossed:
            continue
        leafy, evergreen, blocked, last, beside, level_m = follow(
            here,
            across,
            z,
            surface,
            crown_top,
            crown_base,
            density,
            solid_edge,
            crown_edge,
            step,
            offset,
            rise,
            sine,
            10.0,
        )
        depth = min(leafy + evergreen, DEEPEST)
        byte = int(math.sqrt(depth / DEEPEST) * _STEPS_OF_DEPTH + 0.5)
        if evergreen > leafy:
            byte |= EVERGREEN
        if blocked:
            byte |= BLOCKED
            facet = first[last, beside]
            if facet < 0:
                facet = other
            else:
                level = int((level_m - surface[last, beside]) / FACET_M)
                facet += min(max(level, 0), levels[last, beside] - 1)
            facets[count] = facet
            count += 1
        code[i] = byte
    return count


@numba.njit(cache=True)
def _sort_by_receiver(
    code: NDArray[np.uint8],
    by_patch: NDArray[np.int32],
    cursor: NDArray[np.int64],
    start: NDArray[np.int64],
    facet: NDArray[np.int32],
) -> None:
    count = 0
    for i in range(code.shape[1]):
        start[i] = count
        for patch in range(code.shape[0]):
            if code[patch, i] & BLOCKED:
                facet[count] = by_patch[cursor[patch]]
                cursor[patch] += 1
                count += 1
    start[code.shape[1]] = count


# The ground is seen in rings; beyond the last lies a fiftieth of what an upright plane sees of it.
_RING_EDGES_M = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 40.0])
_RING_SAMPLES = (4, 8, 8, 8, 8, 8)
SECTORS = 16


@dataclass(frozen=True)
class GroundSamples:
    """Where a person looks at the ground: offsets from the person's cell and their weights.

    Attributes:
        row: Rows to the south.
        column: Columns to the east.
        sector: Which of the 16 directions a sample lies in.
        distance_m: How far away.
        upward: Weight for a plane facing down; all add up to 1.
        sideward: Weights for upright planes facing north, east, south, west (4 x samples); each row adds up
            to one half.
    """

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    sector: NDArray[np.int32]
    distance_m: NDArray[np.float64]
    upward: NDArray[np.float64]
    sideward: NDArray[np.float64]


def ground_samples(site: Site, eye_m: float) -> GroundSamples:
    """Sample points for view factors of level ground from planes at a height.

    A plane facing down sees a disc of radius r with r2/(r2 + h2); an upright plane sees the half disc with
    (atan(r/h) - rh/(r2 + h2))/pi (integrals of cosine times solid angle).
    """
    edges = _RING_EDGES_M
    disc = edges**2 / (edges**2 + eye_m**2)
    half_disc = (np.arctan(edges / eye_m) - edges * eye_m / (edges**2 + eye_m**2)) / np.pi
    below, beside = np.diff(disc) / disc[-1], 0.5 * np.diff(half_disc) / half_disc[-1]
    middle = 0.5 * (edges[:-1] + edges[1:])
    ring = np.repeat(np.arange(len(_RING_SAMPLES)), _RING_SAMPLES)
    azimuth = np.concatenate([(np.arange(n) + 0.5) * 360.0 / n for n in _RING_SAMPLES])
    count = np.asarray(_RING_SAMPLES)[ring]
    facing = np.maximum(np.cos(np.radians(azimuth - np.array([[0.0], [90.0], [180.0], [270.0]]))), 0.0)
    per_ring = np.stack([np.bincount(ring, row) for row in facing])
    on_grid = np.radians(azimuth - site.convergence_deg)
    return GroundSamples(
        row=np.rint(-np.cos(on_grid) * middle[ring] / site.cell_size_m).astype(np.int32),
        column=np.rint(np.sin(on_grid) * middle[ring] / site.cell_size_m).astype(np.int32),
        sector=(azimuth // (360.0 / SECTORS)).astype(np.int32),
        distance_m=middle[ring],
        upward=below[ring] / count,
        sideward=beside[ring] * facing / per_ring[:, ring],
    )


@dataclass(frozen=True)
class GroundView:
    """What receivers see of the ground: how far it reaches in each sector, and which facet ends it."""

    reach_m: NDArray[np.float32]
    facet: NDArray[np.int32]

    def part(self, which: NDArray[np.int32]) -> GroundView:
        """The views of some of the receivers."""
        return GroundView(self.reach_m[which], self.facet[which])


def view_ground(site: Site, receivers: Receivers, walls: Walls) -> GroundView:
    """Look along the ground in 16 directions until something built or the last ring stops the view."""
    reach = np.empty((len(receivers), SECTORS), np.float32)
    facet = np.empty((len(receivers), SECTORS), np.int32)
    azimuth = np.radians((np.arange(SECTORS) + 0.5) * 360.0 / SECTORS - site.convergence_deg)
    _look_around(
        receivers.row,
        receivers.column,
        site.open_ground,
        walls.first,
        len(walls),
        -np.cos(azimuth),
        np.sin(azimuth),
        site.cell_size_m,
        float(_RING_EDGES_M[-1]),
        reach,
        facet,
    )
    return GroundView(reach, facet)


@numba.njit(cache=True)
def _look_around(
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    is_open: NDArray[np.bool_],
    first: NDArray[np.int32],
    other: int,
    south: NDArray[np.float64],
    east: NDArray[np.float64],
    cell_m: float,
    farthest_m: float,
    reach: NDArray[np.float32],
    facet: NDArray[np.int32],
) -> None:
    rows, columns = is_open.shape
    for i in range(len(row)):
        for k in range(len(south)):
            last_r, last_c = row[i], column[i]
            distance = cell_m
            while distance <= farthest_m:
                r = math.floor(row[i] + south[k] * distance / cell_m + 0.5)
                c = math.floor(column[i] + east[k] * distance / cell_m + 0.5)
                if r < 0 or c < 0 or r >= rows or c >= columns:
                    distance = farthest_m + cell_m
                elif not is_open[r, c]:
                    break
                else:
                    last_r, last_c = r, c
                    distance += cell_m
            reach[i, k] = distance - 0.5 * cell_m
            facet[i, k] = first[last_r, last_c] if first[last_r, last_c] >= 0 else other
