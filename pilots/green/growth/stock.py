"""A city's trees as columns of numbers, and how a year changes them.

Each tree keeps what makes it itself: if a lime is a fifth taller than a lime of its trunk should be, it stays
a fifth taller. Fifty thousand trees grow sixty years in a tenth of a second, because all of them follow
tabulated curves and none is an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import as_file, files

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData
from pilots.green.growth.curves import DBH_STEP_CM, SMALLEST_DBH_CM, STEP_YEARS, AgeCurve, size_curves
from pilots.green.growth.equations import GrowthEquation, equation, read_equations
from pilots.green.growth.species import SPECIES

Floats = NDArray[np.float64]

LARGEST_DBH_CM = 250.0
LARGEST_HEIGHT_M = 50.0
LARGEST_CROWN_M = 35.0

HEIGHT, CROWN_DIAMETER, CROWN_HEIGHT, LEAF_AREA, CARBON = range(5)
"""Rows of `Tables.size`."""


@dataclass(frozen=True)
class Tables:
    """The curves of all species on common grids.

    Attributes:
        first_age: Age at which each species' diameter curve begins.
        dbh_cm: Diameter every `STEP_YEARS` from there (species x steps), the last value repeated.
        largest_dbh_cm: Diameter at which each species stops.
        size: Height, crown diameter, crown height, leaf area and carbon every `DBH_STEP_CM` of diameter
            (species x 5 x steps).
    """

    first_age: Floats
    dbh_cm: Floats
    largest_dbh_cm: Floats
    size: Floats


@cache
def tables(*, bias_corrected_leaf_area: bool = True) -> Tables:
    """Tabulate the curves of ``SPECIES`` from the equations of their donors.

    Args:
        bias_corrected_leaf_area: Use leaf areas without the bias of the published reading.
    """
    with as_file(files("pilots.green.growth") / "northern_equations.csv") as path:
        rows = read_equations(path, bias_corrected_leaf_area=bias_corrected_leaf_area)
    ages = [AgeCurve.of(equation(rows, *species.donor, "dbh_cm", "age_years")) for species in SPECIES]
    longest = max(len(curve.dbh_cm) for curve in ages)
    dbh = np.stack([np.pad(curve.dbh_cm, (0, longest - len(curve.dbh_cm)), mode="edge") for curve in ages])
    largest = dbh[:, -1]
    size = np.stack([_sizes(rows, i, largest.max()) for i in range(len(SPECIES))])
    return Tables(np.array([curve.age_years[0] for curve in ages]), dbh, largest, size)


def _sizes(rows: list[GrowthEquation], index: int, largest_dbh_cm: float) -> Floats:
    species = SPECIES[index]
    curves = size_curves(rows, *species.donor, largest_dbh_cm)
    carbon = species.wood.carbon_kg(curves.dbh_cm, curves.height_m)
    return np.stack(
        [curves.height_m, curves.crown_diameter_m, curves.crown_height_m, curves.leaf_area_m2, carbon]
    )


@dataclass(frozen=True)
class Stock:
    """Trees, one entry each.

    Attributes:
        species: Index into ``SPECIES``.
        age_years: Age since planting on the species' curve; negative for saplings.
        dbh_ratio: Trunk diameter over that of the curve at this age.
        height_ratio: Height over that of the species at this trunk.
        crown_ratio: Crown diameter over that of the species at this trunk.
        condition: 1 healthy, 0 dead: share of the crown that is alive.
    """

    species: NDArray[np.int16]
    age_years: Floats
    dbh_ratio: Floats
    height_ratio: Floats
    crown_ratio: Floats
    condition: Floats

    def __len__(self) -> int:
        return len(self.species)

    def part(self, which: ArrayLike) -> Stock:
        """Some of the trees."""
        return Stock(**{name: values[np.asarray(which)] for name, values in vars(self).items()})

    def joined(self, others: Stock) -> Stock:
        """These trees and others."""
        return Stock(
            **{name: np.concatenate([values, getattr(others, name)]) for name, values in vars(self).items()}
        )

    @property
    def dbh_cm(self) -> Floats:
        """Trunk diameter at breast height."""
        return _dbh_at(self.species, self.age_years, *_age_grid()) * self.dbh_ratio

    @property
    def height_m(self) -> Floats:
        """Height."""
        return self._size(HEIGHT) * self.height_ratio

    @property
    def crown_diameter_m(self) -> Floats:
        """Diameter of the crown; a thinned crown keeps its outline."""
        return self._size(CROWN_DIAMETER) * self.crown_ratio

    @property
    def crown_height_m(self) -> Floats:
        """Height of the crown."""
        return np.minimum(self._size(CROWN_HEIGHT) * self.height_ratio, 0.95 * self.height_m)

    @property
    def leaf_area_m2(self) -> Floats:
        """One-sided leaf area in full leaf: in proportion to crown area and to what is alive."""
        return self._size(LEAF_AREA) * self.crown_ratio**2 * self.condition

    @property
    def carbon_kg(self) -> Floats:
        """Carbon in wood and roots; a tree taller than its trunk lets expect holds more."""
        powers = np.array([species.wood.height_power for species in SPECIES])[self.species]
        return np.asarray(self._size(CARBON) * self.height_ratio**powers)

    def _size(self, row: int) -> Floats:
        return _size_at(self.species, self.dbh_cm, tables().size[:, row])


def _age_grid() -> tuple[Floats, Floats]:
    return tables().first_age, tables().dbh_cm


@numba.njit(cache=True)
def _dbh_at(
    species: NDArray[np.int16],
    age: NDArray[np.float64],
    first_age: NDArray[np.float64],
    curves: NDArray[np.float64],
) -> NDArray[np.float64]:
    out = np.empty(len(species))
    last = curves.shape[1] - 1
    for i in range(len(species)):
        kind = species[i]
        place = min(max((age[i] - first_age[kind]) / STEP_YEARS, 0.0), float(last))
        low = min(int(place), last - 1)
        share = place - low
        out[i] = curves[kind, low] * (1.0 - share) + curves[kind, low + 1] * share
    return out


@numba.njit(cache=True)
def _size_at(
    species: NDArray[np.int16], dbh: NDArray[np.float64], curves: NDArray[np.float64]
) -> NDArray[np.float64]:
    out = np.empty(len(species))
    last = curves.shape[1] - 1
    for i in range(len(species)):
        kind = species[i]
        place = min(max((dbh[i] - SMALLEST_DBH_CM) / DBH_STEP_CM, 0.0), float(last))
        low = min(int(place), last - 1)
        share = place - low
        out[i] = curves[kind, low] * (1.0 - share) + curves[kind, low + 1] * share
    return out


def stock(
    species: ArrayLike,
    *,
    dbh_cm: ArrayLike | None = None,
    height_m: ArrayLike | None = None,
    crown_diameter_m: ArrayLike | None = None,
    age_years: ArrayLike | None = None,
    condition: ArrayLike | None = None,
) -> Stock:
    """Place trees of known size on the curves of their species.

    Sizes that are not known are NaN or left out. A tree's age is taken if known, else found from its trunk,
    else from its height, else it is a tree of 20 years. What is known of a tree beyond that becomes its own
    ratio.

    Args:
        species: Index into ``SPECIES`` of each tree.
        dbh_cm: Trunk diameters.
        height_m: Heights.
        crown_diameter_m: Crown diameters.
        age_years: Years since planting.
        condition: Share of the crown that is alive, 1 if left out.

    Raises:
        InvalidData: A size is impossible, or arrays differ in length.
    """
    kinds = np.asarray(species, dtype=np.int16)
    dbh = _sizes_given("dbh_cm", dbh_cm, len(kinds), 0.0, LARGEST_DBH_CM)
    height = _sizes_given("height_m", height_m, len(kinds), 0.0, LARGEST_HEIGHT_M)
    crown = _sizes_given("crown_diameter_m", crown_diameter_m, len(kinds), 0.0, LARGEST_CROWN_M)
    age = _sizes_given("age_years", age_years, len(kinds), -10.0, 1000.0)
    alive = _sizes_given("condition", condition, len(kinds), -1e-9, 1.0)
    if len(kinds) and (kinds.min() < 0 or kinds.max() >= len(SPECIES)):
        raise InvalidData("no such species", field="species", expected=f"0 to {len(SPECIES) - 1}")
    age = np.where(np.isnan(age), _age_from_size(kinds, dbh, height), age)
    one = np.ones(len(kinds))
    bare = Stock(kinds, age, one, one, one, np.where(np.isnan(alive), 1.0, alive))
    sized = replace(bare, dbh_ratio=_ratio(dbh, bare.dbh_cm))
    return replace(
        sized,
        height_ratio=_ratio(height, sized.height_m),
        crown_ratio=_ratio(crown, sized.crown_diameter_m),
    )


def _sizes_given(field: str, values: ArrayLike | None, count: int, low: float, high: float) -> Floats:
    if values is None:
        return np.full(count, np.nan)
    sizes = np.asarray(values, dtype=np.float64)
    if sizes.shape != (count,):
        raise InvalidData(
            "columns of trees differ in length", field=field, value=sizes.shape, expected=f"({count},)"
        )
    bad = (sizes <= low) | (sizes > high)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InvalidData(
            "impossible size of a tree",
            row=row + 1,
            field=field,
            value=float(sizes[row]),
            expected=f"above {max(low, 0.0):g}, at most {high:g}",
        )
    return sizes


def _ratio(known: Floats, expected: Floats) -> Floats:
    return np.where(np.isnan(known), 1.0, known / np.maximum(expected, 1e-9))


def _age_from_size(kinds: NDArray[np.int16], dbh: Floats, height: Floats) -> Floats:
    curves = tables()
    age = np.full(len(kinds), 20.0)
    for kind in np.unique(kinds).tolist():
        here = kinds == kind
        grid_age = curves.first_age[kind] + STEP_YEARS * np.arange(curves.dbh_cm.shape[1])
        rising = np.concatenate([[True], np.diff(curves.dbh_cm[kind]) > 0])
        from_height = _dbh_from_height(kind, height[here])
        trunk = np.where(np.isnan(dbh[here]), from_height, dbh[here])
        found = np.interp(trunk, curves.dbh_cm[kind][rising], grid_age[rising])
        age[here] = np.where(np.isnan(trunk), 20.0, found)
    return age


def _dbh_from_height(kind: int, height: Floats) -> Floats:
    heights = tables().size[kind, HEIGHT]
    dbh = SMALLEST_DBH_CM + DBH_STEP_CM * np.arange(len(heights))
    rising = np.concatenate([[True], np.diff(heights) > 0])
    return np.where(np.isnan(height), np.nan, np.interp(height, heights[rising], dbh[rising]))


def planted(species: int | Sequence[int], count: int, dbh_cm: float) -> Stock:
    """Nursery trees of one grade.

    Args:
        species: Index into ``SPECIES``, one or one per tree.
        count: How many.
        dbh_cm: Trunk diameter of the grade.
    """
    return stock(np.broadcast_to(species, count), dbh_cm=np.full(count, dbh_cm))


def grown(trees: Stock, years: float, pace: ArrayLike = 1.0) -> Stock:
    """The trees some years on.

    Args:
        trees: The trees.
        years: How many years.
        pace: Growth relative to the donor's climate, one or one per tree: drought, soil and short summers
            slow a tree's ageing along its curve.
    """
    return replace(trees, age_years=trees.age_years + years * np.asarray(pace, dtype=float))
