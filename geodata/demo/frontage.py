"""Places along streets at even steps: where houses, trees and street pictures stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frontage:
    """*n* places on streets.

    Args:
        street: The street's row among the lines given (n,).
        number: 0, 1, 2 ... along each street (n,).
        xy: Points on the street's line (n, 2).
        angle: Direction of the street there, radians from the x axis (n,).
    """

    street: NDArray[np.intp]
    number: NDArray[np.intp]
    xy: NDArray[np.float64]
    angle: NDArray[np.float64]

    def aside(self, offset_m: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Points (n, 2) to the left of the street for positive offsets, to the right for negative ones."""
        left = np.column_stack([-np.sin(self.angle), np.cos(self.angle)])
        shifted: NDArray[np.float64] = self.xy + left * np.broadcast_to(offset_m, len(self.angle))[:, None]
        return shifted

    @property
    def by_turns(self) -> NDArray[np.float64]:
        """1 and -1 by turns along each street: left side, right side."""
        return np.where(self.number % 2 == 0, 1.0, -1.0)


def along(lines: NDArray[np.object_], step_m: NDArray[np.float64] | float) -> Frontage:
    """Places at even steps along lines, half a step from their beginnings.

    Args:
        lines: Streets (m,).
        step_m: From one place to the next, one for all or one per line.
    """
    step = np.broadcast_to(np.asarray(step_m, dtype=float), len(lines))
    count = (shapely.length(lines) // step).astype(int)
    street = np.repeat(np.arange(len(lines)), count)
    number = np.arange(len(street)) - np.repeat(np.cumsum(count) - count, count)
    # All lines are laid end to end, so that one search finds every place's stretch.
    xy, line = shapely.get_coordinates(lines, return_index=True)
    ahead = np.diff(xy, axis=0)
    ahead[np.diff(line) > 0] = 0.0
    mileage = np.concatenate([[0.0], np.cumsum(np.hypot(*ahead.T))])
    begins = mileage[np.searchsorted(line, np.arange(len(lines)))]
    at = begins[street] + (number + 0.5) * step[street]
    stretch = np.searchsorted(mileage, at, side="right") - 1
    share = (at - mileage[stretch]) / (mileage[stretch + 1] - mileage[stretch])
    here = xy[stretch] + share[:, None] * ahead[stretch]
    return Frontage(street, number, here, np.arctan2(*ahead[stretch].T[::-1]))
