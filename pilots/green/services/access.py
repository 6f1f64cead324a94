"""Access to green: how much of it each person can reach, on a raster and along the streets.

A park of a hectare serves a thousand people well and ten thousand badly. The two-step floating catchment
shares each park among all who can reach it, and then adds up for each person what is on offer (Luo and Wang
2003, Environment and Planning B 30:865-884; with decay kernels as in InVEST's urban nature access).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geodata.errors import InvalidData
from pilots.green.services.kernels import Decay, decay, kernel, neighbourhood_sum

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NatureAccess:
    """Supply of nature and its balance with demand.

    Attributes:
        supply_m2: Nature on offer to each person in a cell.
        balance_m2: Supply less demand per person.
        balance_total_m2: Balance of all people in the cell.
        undersupplied: People in cells with less than the demand.
        oversupplied: People in cells with more than the demand.
    """

    supply_m2: Floats
    balance_m2: Floats
    balance_total_m2: Floats
    undersupplied: Floats
    oversupplied: Floats


def nature_access(
    nature_m2: ArrayLike,
    population: ArrayLike,
    *,
    radius_cells: float,
    demand_m2: float,
    kind: Decay = "dichotomy",
    exponent: float = -1.0,
) -> NatureAccess:
    """Nature access on a raster (InVEST user's guide, "Urban nature access", uniform radius).

    Args:
        nature_m2: Area of nature in each cell.
        population: People in each cell.
        radius_cells: Search radius.
        demand_m2: Nature that each person should have.
        kind: Decay with distance.
        exponent: Of the power kernel.
    """
    nature, people = np.asarray(nature_m2, dtype=np.float64), np.asarray(population, dtype=np.float64)
    if nature.shape != people.shape:
        raise InvalidData(
            "rasters do not match", field="population", value=people.shape, expected=str(nature.shape)
        )
    weights = kernel(kind, radius_cells, exponent=exponent)
    ratio = _shared(nature, np.maximum(neighbourhood_sum(people, weights), 0.0))
    supply = np.maximum(neighbourhood_sum(ratio, weights), 0.0)
    return _balanced(supply, people, demand_m2)


def _shared(nature: Floats, reached_by: Floats) -> Floats:
    """Nature per person who can reach it; undivided where that is one person or fewer."""
    return np.asarray(nature / np.where(reached_by > 1.0, reached_by, 1.0))


def _balanced(supply: Floats, people: Floats, demand_m2: float) -> NatureAccess:
    balance = supply - demand_m2
    return NatureAccess(
        supply_m2=supply,
        balance_m2=balance,
        balance_total_m2=balance * people,
        undersupplied=np.where(balance < 0, people, 0.0),
        oversupplied=np.where(balance > 0, people, 0.0),
    )


def network_access(
    nature_m2: ArrayLike,
    population: ArrayLike,
    distance_m: sparse.spmatrix | ArrayLike,
    *,
    radius_m: float,
    demand_m2: float,
    kind: Decay = "dichotomy",
) -> NatureAccess:
    """Nature access along a street network.

    Args:
        nature_m2: Area of each green area.
        population: People at each home.
        distance_m: Distance along the streets from each home to each green area (homes x areas): a dense
            array, infinite where there is no way, or a sparse matrix that holds only the pairs within reach
            (a distance of zero must be stored as a small number).
        radius_m: Search radius.
        demand_m2: Nature that each person should have.
        kind: Decay with distance.

    Raises:
        InvalidData: Shapes do not match, or a distance is negative.
    """
    nature, people = np.asarray(nature_m2, dtype=np.float64), np.asarray(population, dtype=np.float64)
    weights = _network_weights(distance_m, radius_m, kind)
    if weights.shape != (len(people), len(nature)):
        raise InvalidData(
            "distances do not match homes and green areas",
            field="distance_m",
            value=weights.shape,
            expected=str((len(people), len(nature))),
        )
    ratio = _shared(nature, weights.T @ people)
    return _balanced(weights @ ratio, people, demand_m2)


def _network_weights(
    distance_m: sparse.spmatrix | ArrayLike, radius_m: float, kind: Decay
) -> sparse.csr_matrix:
    if sparse.issparse(distance_m):
        pairs = sparse.coo_matrix(distance_m)
        row, column, distance = pairs.row, pairs.col, pairs.data
        shape = pairs.shape
    else:
        dense = np.asarray(distance_m, dtype=np.float64)
        row, column = np.nonzero(dense <= radius_m)
        distance, shape = dense[row, column], dense.shape
    if (distance < 0).any():
        raise InvalidData("a distance is negative", field="distance_m", value=float(distance.min()))
    return sparse.csr_matrix((decay(kind, distance, radius_m), (row, column)), shape=shape)


def within_reach(
    distance_m: sparse.spmatrix | ArrayLike,
    area_m2: ArrayLike,
    *,
    radius_m: float = 300.0,
    least_m2: float = 5_000.0,
) -> NDArray[np.bool_]:
    """Which homes have a green area of some size within a distance along the streets.

    The defaults are the half hectare within 300 m of WHO Europe (2016, "Urban green spaces and health").
    """
    weights = _network_weights(distance_m, radius_m, "dichotomy")
    large = np.asarray(area_m2, dtype=np.float64) >= least_m2
    return np.asarray(weights @ large.astype(np.float64)) > 0
