"""What number and size of young trees makes up for a felled one, and by when.

A few trees of each nursery grade are grown beside the city through the same years. What the felled trees
would have been, over what one young tree has become, is how many are needed: eleven saplings or four
semi-mature trees for a lime of sixty years, if its canopy is to be back by 2040.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pilots.green.city.forest import REPLACEMENT, Forest

Floats = NDArray[np.float64]

GRADES_CM = (4.0, 6.0, 8.0, 12.0, 20.0)
"""Trunk diameters of nursery trees, from a whip of 12 cm girth to a semi-mature tree of 60 cm girth."""

TREES_PER_GRADE = 40
SERVICES = ("canopy", "carbon", "shade")
UNITS = {"canopy": "m2", "carbon": "kg", "shade": "m2"}


def services_of(forest: Forest) -> tuple[Floats, Floats, Floats]:
    """Crown area (m2), carbon (kg) and shaded ground (m2) of each tree."""
    return forest.crown_area_m2, forest.carbon_kg, forest.shaded_m2


@dataclass
class Nursery:
    """Young trees of each grade, grown to be compared.

    Attributes:
        grades_cm: Trunk diameters when planted.
        forest: The trees, grade after grade; empty until they are planted.
        per_tree: Services of one planted tree at the end of each year (services x members x grades).
    """

    grades_cm: tuple[float, ...]
    forest: Forest
    per_tree: list[Floats] = field(default_factory=list)

    @classmethod
    def of(cls, like: Forest, kind: int, grade_cm: float) -> Nursery:
        """Plant the usual grades and the scenario's own beside a forest.

        Args:
            like: Its members give growth and errors of equations.
            kind: Species, index into ``SPECIES``.
            grade_cm: The scenario's grade.
        """
        grades = tuple(sorted({*GRADES_CM, grade_cm}))
        forest = like.none()
        for i, grade in enumerate(grades):
            kinds = np.full(TREES_PER_GRADE, kind, np.int16)
            nowhere = np.full(TREES_PER_GRADE, -1, np.int64)
            forest.plant(kinds, grade, nowhere, 1.0, REPLACEMENT, i * TREES_PER_GRADE)
        return cls(grades, forest)

    def note(self) -> None:
        """Write down what one planted tree of each grade gives now, the dead counted as nothing."""
        grade = self.forest.tree // TREES_PER_GRADE
        place = self.forest.member * len(self.grades_cm) + grade
        size = self.forest.members * len(self.grades_cm)
        sums = [np.bincount(place, values, size) for values in services_of(self.forest)]
        self.per_tree.append(np.stack(sums).reshape(3, self.forest.members, -1) / TREES_PER_GRADE)

    def needed(self, felled: Floats) -> Floats:
        """Young trees per felled one (years x services x members x grades), inf if they give nothing.

        Args:
            felled: Services of one felled tree had it stayed (years x services x members).
        """
        given = np.array(self.per_tree)
        return np.where(given > 0.0, felled[..., None] / np.maximum(given, 1e-12), np.inf)
