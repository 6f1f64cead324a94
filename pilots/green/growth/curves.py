"""From equations to curves that a tree can follow for decades: increasing, bounded, invertible.

A polynomial fitted to thirty years of limes turns over or explodes soon after its last tree. So a tree grows
along the part of the equation that increases, from planting to the largest size that the authors stand
behind, and stays there. A tree of known size but unknown age is placed on the curve by its size; below the
smallest size the growth of the first year is drawn out, so that a sapling has a negative age (age 0 is
planting).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.green.growth.equations import GrowthEquation, equation

Floats = NDArray[np.float64]

STEP_YEARS = 0.1
DBH_STEP_CM = 0.5
SMALLEST_DBH_CM = 0.5
OLDEST_YEARS = 200.0


@dataclass(frozen=True)
class AgeCurve:
    """Trunk diameter along the increasing part of an age equation.

    Attributes:
        age_years: Ages, evenly spaced.
        dbh_cm: Diameter at those ages; never falls.
    """

    age_years: Floats
    dbh_cm: Floats

    @classmethod
    def of(cls, dbh_from_age: GrowthEquation) -> AgeCurve:
        """Tabulate an equation up to the largest diameter that its authors stand behind."""
        age = np.arange(0.0, OLDEST_YEARS + STEP_YEARS, STEP_YEARS)
        with np.errstate(over="ignore"):
            # The logarithmic forms have no value at age 0 itself.
            dbh = dbh_from_age(np.maximum(age, 0.05))
        usable = (dbh > 0) & (dbh <= dbh_from_age.largest)
        rising = np.concatenate([[False], (np.diff(dbh) > 0) & usable[1:] & usable[:-1]])
        start, stop = _longest_run(rising)
        age, dbh = age[start:stop], dbh[start:stop]
        yearly = np.interp(age[0] + 1.0, age, dbh) - dbh[0]
        earlier = (
            np.arange(-int(np.ceil((dbh[0] - SMALLEST_DBH_CM) / max(yearly, 0.05) / STEP_YEARS)), 0)
            * STEP_YEARS
        )
        first = dbh[0] + earlier * yearly
        keep = first >= SMALLEST_DBH_CM
        return cls(np.concatenate([age[0] + earlier[keep], age]), np.concatenate([first[keep], dbh]))

    def dbh_at(self, age_years: ArrayLike) -> Floats:
        """Diameter at an age; constant beyond both ends."""
        return np.asarray(np.interp(np.asarray(age_years, dtype=float), self.age_years, self.dbh_cm))

    def age_at(self, dbh_cm: ArrayLike) -> Floats:
        """Age at a diameter; that of the nearer end beyond both ends."""
        return np.asarray(np.interp(np.asarray(dbh_cm, dtype=float), self.dbh_cm, self.age_years))


def _longest_run(rising: NDArray[np.bool_]) -> tuple[int, int]:
    """First index and end of the longest run along which each value rises above the one before."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rising.astype(int), [0]])))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]) - 1, int(ends[longest])


@dataclass(frozen=True)
class SizeCurves:
    """What a tree of a given trunk diameter looks like, tabulated every half centimetre.

    Attributes:
        dbh_cm: Diameters.
        height_m: Height of the tree.
        crown_diameter_m: Diameter of its crown.
        crown_height_m: Height of its crown.
        leaf_area_m2: One-sided area of its leaves.
    """

    dbh_cm: Floats
    height_m: Floats
    crown_diameter_m: Floats
    crown_height_m: Floats
    leaf_area_m2: Floats


def size_curves(equations: list[GrowthEquation], region: str, code: str, largest_dbh_cm: float) -> SizeCurves:
    """Tabulate the components of one species.

    Each is kept from falling as the trunk grows, above zero, and below the largest value that its authors
    stand behind; the crown is kept no higher than the tree.
    """
    dbh = np.arange(SMALLEST_DBH_CM, largest_dbh_cm + DBH_STEP_CM, DBH_STEP_CM)
    tables: dict[str, Floats] = {}
    for component in ("height_m", "crown_diameter_m", "crown_height_m", "leaf_area_m2"):
        curve = equation(equations, region, code, component)
        smallest = 1.3 if component == "height_m" else 0.05
        values = np.clip(curve(dbh), smallest, max(curve.largest, smallest))
        tables[component] = np.maximum.accumulate(values)
    tables["crown_height_m"] = np.minimum(tables["crown_height_m"], 0.95 * tables["height_m"])
    return SizeCurves(dbh, **tables)
