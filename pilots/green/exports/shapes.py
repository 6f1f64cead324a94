"""Unit trees: shapes one metre wide and one metre high that are stretched to each tree's size.

A city of fifty thousand limes needs one lime. Each shape is a list of triangles around a trunk at the origin:
a round crown for broad-leaved trees, a cone for conifers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

BROADLEAF, CONIFER = 0, 1
FORMS = ("broadleaf", "conifer")

_TRUNK_WIDTH = 0.08
_SIDES = 8


@dataclass(frozen=True)
class Shape:
    """A unit tree.

    Attributes:
        name: Its form.
        points: Corners (n x 3), z up; the foot of the trunk is the origin.
        trunk: Triangles of the trunk (m x 3 indices), seen from outside counter-clockwise.
        crown: Triangles of the crown.
    """

    name: str
    points: NDArray[np.float64]
    trunk: NDArray[np.int64]
    crown: NDArray[np.int64]


@cache
def shape(form: int) -> Shape:
    """The unit tree of a form."""
    rings = [(0.28, 0.40), (0.62, 0.50), (0.88, 0.30)] if form == BROADLEAF else [(0.10, 0.50)]
    bottom = 0.25 if form == BROADLEAF else 0.08
    trunk_points, trunk = _prism(4, _TRUNK_WIDTH / 2, 0.0, bottom + 0.1)
    crown_points, crown = _lathe(rings, bottom, 1.0)
    points = np.vstack([trunk_points, crown_points])
    return Shape(FORMS[form], points, trunk, crown + len(trunk_points))


def _ring(sides: int, radius: float, height: float) -> NDArray[np.float64]:
    angle = 2 * np.pi * np.arange(sides) / sides
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(sides, height)])


def _prism(
    sides: int, radius: float, low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    points = np.vstack([_ring(sides, radius, low), _ring(sides, radius, high)])
    return points, np.array(_band(0, sides, sides))


def _band(lower: int, upper: int, sides: int) -> list[tuple[int, int, int]]:
    """Triangles between two rings of points."""
    triangles = []
    for i in range(sides):
        j = (i + 1) % sides
        triangles += [(lower + i, lower + j, upper + j), (lower + i, upper + j, upper + i)]
    return triangles


def _lathe(
    rings: list[tuple[float, float]], bottom: float, top: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A body of revolution from rings (height, radius) between two tips."""
    points = [np.array([[0.0, 0.0, bottom]]), *(_ring(_SIDES, radius, height) for height, radius in rings)]
    points.append(np.array([[0.0, 0.0, top]]))
    tip = 1 + _SIDES * len(rings)
    triangles = [(0, 1 + (i + 1) % _SIDES, 1 + i) for i in range(_SIDES)]
    for k in range(len(rings) - 1):
        triangles += _band(1 + k * _SIDES, 1 + (k + 1) * _SIDES, _SIDES)
    last = 1 + (len(rings) - 1) * _SIDES
    triangles += [(last + i, last + (i + 1) % _SIDES, tip) for i in range(_SIDES)]
    return np.vstack(points), np.array(triangles)
