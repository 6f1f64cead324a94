"""Sums over a neighbourhood: the distance kernels of the InVEST urban models.

A park cools the street beside it more than the one behind it; a kernel says how much a cell at a distance
counts. Kernels are exact to the cell: the sums are done by fast Fourier transform in double precision, which
agrees with direct summation to twelve digits.

Source: Natural Capital Project, InVEST user's guide, "Urban cooling" and "Urban nature access".
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import fftconvolve

from geodata.errors import InvalidInput

Floats = NDArray[np.float64]
Decay = Literal["dichotomy", "density", "gaussian", "exponential", "power"]


def decay(kind: Decay, distance: ArrayLike, radius: float, *, exponent: float = -1.0) -> Floats:
    """Weight of a place at a distance; 0 beyond the radius.

    Args:
        kind: ``dichotomy`` 1; ``density`` 0.75 (1 - (d/r)^2); ``gaussian`` from 1 to 0 at the radius;
            ``exponential`` exp(-d/r); ``power`` d^exponent with d in cells, 1 at distance 0.
        distance: Distances, in cells.
        radius: Search radius, in cells.
        exponent: Of ``power``, below zero.

    Raises:
        InvalidInput: The kind is unknown, or the exponent is not negative.
    """
    d = np.asarray(distance, dtype=np.float64)
    share = d / radius
    if kind == "dichotomy":
        weight = np.ones_like(d)
    elif kind == "density":
        weight = 0.75 * (1.0 - share**2)
    elif kind == "gaussian":
        weight = (np.exp(-0.5 * share**2) - np.exp(-0.5)) / (1.0 - np.exp(-0.5))
    elif kind == "exponential":
        weight = np.exp(-share)
    elif kind == "power":
        if exponent >= 0:
            raise InvalidInput(
                "a power kernel must fall", field="exponent", value=exponent, expected="below 0"
            )
        weight = np.where(d > 0, d, 1.0) ** exponent
    else:
        raise InvalidInput("unknown kernel", field="kind", value=kind, expected=", ".join(get_args(Decay)))
    return np.where(d <= radius, weight, 0.0)


def kernel(kind: Decay, radius: float, *, exponent: float = -1.0) -> Floats:
    """A square raster of weights around a cell, as far as the radius (in cells)."""
    reach = int(np.floor(radius))
    return decay(kind, _distances(reach), radius, exponent=exponent)


def exponential_kernel(expected_distance: float, reach_factor: float = 5.0) -> Floats:
    """Weights exp(-d/expected) out to ``reach_factor`` times the expected distance (in cells)."""
    reach = int(np.ceil(expected_distance * reach_factor))
    distances = _distances(reach)
    return np.where(
        distances <= expected_distance * reach_factor, np.exp(-distances / expected_distance), 0.0
    )


def _distances(reach: int) -> Floats:
    offset = np.arange(-reach, reach + 1, dtype=np.float64)
    return np.hypot(offset[:, None], offset)


def neighbourhood_sum(values: Floats, weights: Floats) -> Floats:
    """Weighted sum around each cell; beyond the raster lies nothing."""
    return np.asarray(fftconvolve(values, weights, mode="same"))


def neighbourhood_mean(values: Floats, weights: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Weighted mean around each cell over the valid cells, so that edges are not dimmed."""
    inside = np.where(valid, values, 0.0)
    share = neighbourhood_sum(valid.astype(np.float64), weights)
    mean = neighbourhood_sum(inside, weights) / np.maximum(share, 1e-12)
    return np.where(valid, mean, np.nan)
