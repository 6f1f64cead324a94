"""Rays over a raster city: how high the shadow stands on each cell, and how much crown a ray crosses.

A low sun over a row of houses: the shadow's upper edge starts at the eaves and sinks with every metre away
from them, until it meets the pavement. All cells that lie on one line towards the sun share that edge, so one
pass over the raster hands it on from cell to cell and costs the same at noon as at dusk. (The shadow volume
of Ratti and Richens 2004, "Raster analysis of urban form", Environment and Planning B 31:297-309, written as
a recursion along lines of cells.)

Crowns let light through, so for them the depth crossed matters and not only the edge: the ray is followed
from the receiver towards the light for as long as a crown can still be in its way. Depth is counted in *crown
thicknesses*: the length inside each crown over that crown's vertical thickness. A vertical ray through one
crown has depth 1, whatever the size of the tree.

Rows of a raster run south, columns run east. Azimuths are clockwise from the raster's own north.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

NOTHING = np.float32(-1e9)
"""Stands for "no surface here" in a raster of heights."""


@dataclass(frozen=True)
class Ray:
    """The way towards the light over a raster, one cell of the major axis at a time.

    Attributes:
        transposed: Columns are the major axis.
        step: Change of the major index per step towards the light, +1 or -1.
        offset: Minor index of the line through minor index 0, for each major index.
        rise_m: What the ray gains in height per step.
        sine: Sine of its altitude.
    """

    transposed: bool
    step: int
    offset: NDArray[np.int32]
    rise_m: float
    sine: float


def ray(azimuth_deg: float, altitude_deg: float, shape: tuple[int, int], cell_size_m: float) -> Ray:
    """The ray towards a light at the given azimuth (clockwise from raster north) and altitude."""
    south, east = -math.cos(math.radians(azimuth_deg)), math.sin(math.radians(azimuth_deg))
    transposed = abs(east) > abs(south)
    major, minor = (east, south) if transposed else (south, east)
    step = 1 if major > 0 else -1
    slope = minor / abs(major)
    index = np.arange(shape[1] if transposed else shape[0])
    offset = np.floor(index * step * slope + 0.5).astype(np.int32)
    altitude = math.radians(min(max(altitude_deg, 0.05), 89.9))
    rise = cell_size_m * math.hypot(1.0, slope) * math.tan(altitude)
    return Ray(transposed, step, offset, rise, math.sin(altitude))


@dataclass(frozen=True)
class Relief:
    """What stands in the light's way: solid surfaces and crowns, in the two orders that rays need.

    Each attribute is a pair of arrays: as given, and transposed.
    """

    surface: tuple[NDArray[np.float32], NDArray[np.float32]]
    crown_top: tuple[NDArray[np.float32], NDArray[np.float32]]
    crown_base: tuple[NDArray[np.float32], NDArray[np.float32]]
    density: tuple[NDArray[np.float32], NDArray[np.float32]]
    cell_size_m: float
    has_crowns: bool

    @classmethod
    def of(
        cls,
        surface: NDArray[np.floating],
        crown_top: NDArray[np.floating] | None,
        crown_base: NDArray[np.floating] | None,
        cell_size_m: float,
        density: NDArray[np.floating] | None = None,
    ) -> Relief:
        """Arrange rasters of heights above datum (m) for rays.

        Args:
            surface: Ground and buildings, rows x columns.
            crown_top: Top of the crown; ``NOTHING`` (or not above ``crown_base``) where there is none.
            crown_base: Underside of the crown.
            cell_size_m: Side of a cell.
            density: Leaf area of the crown relative to the reference (1). Negative marks an evergreen crown.
        """
        top = np.full(surface.shape, NOTHING) if crown_top is None else crown_top
        base = np.full(surface.shape, NOTHING) if crown_base is None else crown_base
        top = np.where(top - base > 0.1, top, NOTHING)
        dense = np.ones(surface.shape) if density is None else density
        return cls(
            surface=_both_orders(surface),
            crown_top=_both_orders(top),
            crown_base=_both_orders(base),
            density=_both_orders(dense),
            cell_size_m=cell_size_m,
            has_crowns=bool((top > NOTHING).any()),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        rows, columns = self.surface[0].shape
        return rows, columns


def _both_orders(array: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    plain = np.ascontiguousarray(array, dtype=np.float32)
    return plain, np.ascontiguousarray(plain.T)


def edge_of_shadow(heights: tuple[NDArray[np.float32], NDArray[np.float32]], way: Ray) -> NDArray[np.float32]:
    """Height up to which each cell stands in shadow of other cells, in the ray's own order of axes.

    A receiver at height z above a cell sees the light when the edge is not above z. The cell itself does not
    shade its receiver.
    """
    source = heights[int(way.transposed)]
    edge = np.empty_like(source)
    _sweep(source, way.step, way.offset, np.float32(way.rise_m), edge)
    return edge


@numba.njit(cache=True)
def _sweep(
    source: NDArray[np.float32],
    step: int,
    offset: NDArray[np.int32],
    rise: np.float32,
    edge: NDArray[np.float32],
) -> None:
    majors, minors = source.shape
    start = majors - 1 if step > 0 else 0
    edge[start, :] = NOTHING
    for i in range(1, majors):
        here = start - i * step
        there = here + step
        shift = offset[there] - offset[here]
        low, high = max(0, -shift), min(minors, minors - shift)
        edge[here, :low] = NOTHING
        edge[here, high:] = NOTHING
        for j in range(low, high):
            edge[here, j] = max(source[there, j + shift], edge[there, j + shift]) - rise


@numba.njit(cache=True, inline="always")
def follow(
    major: int,
    minor: int,
    height: float,
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
    enough: float,
) -> tuple[float, float, bool, int, int, float]:
    """Follow one ray from a receiver until it is free of crowns or meets a solid surface.

    All arrays are in the ray's own order of axes; the edges are those of `edge_of_shadow`. The ray is given
    up when it has crossed ``enough`` crown for nothing to come through.

    Returns:
        Depth of deciduous crown, depth of evergreen crown, whether it met a solid, and where it ended: major
        and minor index of the last open cell, and the ray's height on leaving it.
    """
    majors, minors = surface.shape
    blocked = solid_edge[major, minor] > height
    leafy, evergreen = 0.0, 0.0
    here, across, low, high = major, minor, height, height + 0.5 * rise
    while True:
        if crown_top[here, across] > low:
            top, base = crown_top[here, across], crown_base[here, across]
            inside = min(top, high) - max(base, low)
            if inside > 0.0:
                depth = density[here, across] * inside / ((top - base) * sine)
                if depth < 0.0:
                    evergreen -= depth
                else:
                    leafy += depth
                if leafy + evergreen > enough:
                    return leafy, evergreen, blocked, here, across, high
        if not blocked and crown_edge[here, across] <= high - rise:
            return leafy, evergreen, False, here, across, high
        there = here + step
        if there < 0 or there >= majors:
            return leafy, evergreen, blocked, here, across, high
        beyond = across + offset[there] - offset[here]
        if beyond < 0 or beyond >= minors:
            return leafy, evergreen, blocked, here, across, high
        if blocked and surface[there, beyond] > high + 0.5 * rise:
            return leafy, evergreen, True, here, across, high
        here, across, low, high = there, beyond, high, high + rise


_RUN = 64
"""Neighbouring cells that walk towards the light together."""


@numba.njit(cache=True)
def _pass_crowns(
    height: np.float32,
    surface: NDArray[np.float32],
    crown_top: NDArray[np.float32],
    crown_base: NDArray[np.float32],
    opacity: NDArray[np.float32],
    solid_edge: NDArray[np.float32],
    crown_edge: NDArray[np.float32],
    step: int,
    offset: NDArray[np.int32],
    rise: np.float32,
    sine: float,
    passed: NDArray[np.float32],
) -> None:
    """Share of a beam that reaches ``height`` above every cell; 0 behind a solid surface.

    The same walk towards the light as `follow`, for a run of neighbouring cells at once: they meet the same
    rows of the raster, and the processor handles many of them in one instruction.
    """
    majors, minors = surface.shape
    low = np.empty(_RUN, np.float32)
    depth = np.empty(_RUN, np.float32)
    half = np.float32(0.5) * rise
    for major in range(majors):
        for left in range(0, minors, _RUN):
            right = min(left + _RUN, minors)
            shaded = False
            for j in range(left, right):
                z = surface[major, j] + height
                low[j - left], depth[j - left] = z, 0.0
                crossed = crown_edge[major, j] > z - half or crown_top[major, j] > z
                shaded |= solid_edge[major, j] <= z and crossed
            if shaded:
                _walk(
                    major,
                    left,
                    right,
                    crown_top,
                    crown_base,
                    opacity,
                    crown_edge,
                    step,
                    offset,
                    rise,
                    low,
                    depth,
                )
            for j in range(left, right):
                passed[major, j] = 1.0
                if solid_edge[major, j] > surface[major, j] + height:
                    passed[major, j] = 0.0
                elif depth[j - left] > 0.0:
                    passed[major, j] = math.exp(-depth[j - left] / sine)


@numba.njit(cache=True, fastmath={"nnan", "nsz"})
def _walk(
    major: int,
    left: int,
    right: int,
    crown_top: NDArray[np.float32],
    crown_base: NDArray[np.float32],
    opacity: NDArray[np.float32],
    crown_edge: NDArray[np.float32],
    step: int,
    offset: NDArray[np.int32],
    rise: np.float32,
    low: NDArray[np.float32],
    depth: NDArray[np.float32],
) -> None:
    """Walk a run of cells towards the light, adding to ``depth`` what their rays meet of crowns.

    ``low`` holds the height at which each ray enters its present cell. Whether anything can still be in the
    way is only asked at every fourth step.
    """
    majors, minors = crown_top.shape
    here, shift, ascent, count = major, 0, np.float32(0.5) * rise, 0
    while True:
        first, last = max(left, -shift), min(right, minors - shift)
        if first >= last:
            return
        at, met = low[first - left : last - left], depth[first - left : last - left]
        tops = crown_top[here, first + shift : last + shift]
        bases = crown_base[here, first + shift : last + shift]
        opacities = opacity[here, first + shift : last + shift]
        for j in range(len(at)):
            inside = min(tops[j], at[j] + ascent) - max(bases[j], at[j])
            met[j] += max(inside, np.float32(0.0)) * opacities[j]
            at[j] += ascent
        if count % 4 == 0:
            edges = crown_edge[here, first + shift : last + shift]
            excess = NOTHING
            for j in range(len(at)):
                excess = max(excess, edges[j] - at[j])
            if excess <= -rise:
                return
        there = here + step
        if there < 0 or there >= majors:
            return
        shift += offset[there] - offset[here]
        here, ascent, count = there, rise, count + 1


@numba.njit(cache=True)
def _reach(
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
    extinction: float,
    evergreen_extinction: float,
    passed: NDArray[np.float32],
) -> None:
    """Share of a beam that reaches single receivers at heights of their own."""
    enough = 7.0 / max(min(extinction, evergreen_extinction), 1e-6)
    for i in range(len(major)):
        here, across, z = major[i], minor[i], height[i]
        passed[i] = 0.0
        if solid_edge[here, across] > z:
            continue
        passed[i] = 1.0
        if crown_edge[here, across] > z - 0.5 * rise or crown_top[here, across] > z:
            leafy, evergreen, _, _, _, _ = follow(
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
                enough,
            )
            passed[i] = math.exp(-extinction * leafy - evergreen_extinction * evergreen)


@dataclass(frozen=True)
class Canopy:
    """How much light the crowns of a relief take.

    Attributes:
        extinction: Per crown thickness of deciduous crowns.
        evergreen_extinction: Of evergreen crowns.
        opacity: Per metre of way, in the two orders of `Relief`.
    """

    extinction: float
    evergreen_extinction: float
    opacity: tuple[NDArray[np.float32], NDArray[np.float32]]

    @classmethod
    def of(cls, relief: Relief, extinction: float, evergreen_extinction: float) -> Canopy:
        """The crowns of a relief on a day with the given extinctions."""
        density = relief.density[0]
        per_thickness = np.where(density < 0, -density * evergreen_extinction, density * extinction)
        thickness = np.where(relief.crown_top[0] > NOTHING, relief.crown_top[0] - relief.crown_base[0], 1.0)
        return cls(extinction, evergreen_extinction, _both_orders(per_thickness / thickness))


@dataclass(frozen=True)
class Beam:
    """A beam from one direction over a relief; make it with `cast`.

    Attributes:
        way: The ray towards it.
        relief: What stands in its way.
        canopy: How the crowns take light.
        solid_edge: Height up to which solid surfaces shade each cell, in the ray's order of axes.
        crown_edge: Height up to which crowns do.
    """

    way: Ray
    relief: Relief
    canopy: Canopy
    solid_edge: NDArray[np.float32]
    crown_edge: NDArray[np.float32]

    def on_map(self, height_m: float) -> NDArray[np.float32]:
        """Share that arrives at a height above the surface of every cell (rows x columns)."""
        relief, order = self.relief, int(self.way.transposed)
        if relief.has_crowns:
            share = np.empty_like(self.solid_edge)
            _pass_crowns(
                np.float32(height_m),
                relief.surface[order],
                relief.crown_top[order],
                relief.crown_base[order],
                self.canopy.opacity[order],
                self.solid_edge,
                self.crown_edge,
                self.way.step,
                self.way.offset,
                np.float32(self.way.rise_m),
                self.way.sine,
                share,
            )
        else:
            share = (self.solid_edge <= relief.surface[order] + np.float32(height_m)).astype(np.float32)
        return share.T if order else share

    def on_open_ground(self) -> NDArray[np.bool_]:
        """Where no solid surface shades the surface itself (rows x columns)."""
        order = int(self.way.transposed)
        free = self.solid_edge <= self.relief.surface[order]
        return np.asarray(free.T if order else free)

    def on(
        self, row: NDArray[np.int32], column: NDArray[np.int32], height_m: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Share that arrives at single places: cells and heights above datum."""
        relief, order = self.relief, int(self.way.transposed)
        major, minor = (column, row) if order else (row, column)
        share = np.empty(len(row), np.float32)
        _reach(
            major,
            minor,
            height_m,
            relief.surface[order],
            relief.crown_top[order],
            relief.crown_base[order],
            relief.density[order],
            self.solid_edge,
            self.crown_edge,
            self.way.step,
            self.way.offset,
            self.way.rise_m,
            self.way.sine,
            self.canopy.extinction,
            self.canopy.evergreen_extinction,
            share,
        )
        return share


def cast(relief: Relief, canopy: Canopy, azimuth_deg: float, altitude_deg: float) -> Beam:
    """Cast a beam from a direction (azimuth clockwise from raster north) over a relief."""
    way = ray(azimuth_deg, altitude_deg, relief.shape, relief.cell_size_m)
    solid_edge = edge_of_shadow(relief.surface, way)
    crown_edge = (
        edge_of_shadow(relief.crown_top, way) if relief.has_crowns else relief.crown_top[int(way.transposed)]
    )
    return Beam(way, relief, canopy, solid_edge, crown_edge)
