"""The person who stands in all that radiation, and the temperature that sums it up.

The mean radiant temperature is that of an enclosure, equally warm all round, in which a person would receive
as much radiation as outdoors. It is measured with six instruments that look up, down and to the four sides;
the model computes exactly those six, so that it can be held to the measurements flux by flux.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.green.radiation.sky import STEFAN_BOLTZMANN


@dataclass(frozen=True)
class Person:
    """What a person makes of radiation from six sides (Höppe 1992; VDI 3787-2).

    Attributes:
        upward: Weight of each of the two horizontal planes.
        sideward: Weight of each of the four upright planes.
        short_absorptance: Share of short-wave radiation that skin and clothes absorb.
        long_absorptance: Share of long-wave radiation, equal to their emissivity.
        height_m: Height of the middle of the body above the ground.
    """

    upward: float = 0.06
    sideward: float = 0.22
    short_absorptance: float = 0.70
    long_absorptance: float = 0.97
    height_m: float = 1.1


STANDING = Person()
SITTING = Person(upward=0.166666, sideward=0.166666, height_m=0.75)


def radiant_temperature_c(
    absorbed_w_m2: NDArray[np.floating], person: Person = STANDING
) -> NDArray[np.floating]:
    """Mean radiant temperature from the radiation that a person absorbs."""
    return np.asarray((absorbed_w_m2 / (person.long_absorptance * STEFAN_BOLTZMANN)) ** 0.25 - 273.15)
