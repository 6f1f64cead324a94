"""How likely one sick pupil infects another: the share of each breath that others have breathed before.

Opening the windows that halves the carbon dioxide above outdoors halves the dose. The absolute risk depends
on a virus that nobody knows in advance; the ratio of two states of air hardly does, so that ratio is the
figure given.

Sources: Riley, Murphy and Riley (1978), the Wells-Riley equation; Rudnick and Milton (2003) for the
    rebreathed
fraction from carbon dioxide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.buildings.air.balance import OUTDOOR_PPM

Floats = NDArray[np.float64]

EXHALED_PPM = 38_000.0
"""Carbon dioxide that a breath adds (Rudnick and Milton 2003)."""


def infection_probability(
    infectious: ArrayLike,
    quanta_per_h: ArrayLike,
    breathing_m3_h: ArrayLike,
    hours: ArrayLike,
    fresh_air_m3_h: ArrayLike,
) -> Floats:
    """Probability that a susceptible person is infected (Wells-Riley, steady room)."""
    parts = (infectious, quanta_per_h, breathing_m3_h, hours)
    dose = np.prod(np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in parts)), axis=0)
    return np.asarray(1.0 - np.exp(-dose / np.asarray(fresh_air_m3_h, dtype=np.float64)))


def rebreathed_share(co2_ppm: ArrayLike, outdoor_ppm: float = OUTDOOR_PPM) -> Floats:
    """Share of the air in a room that somebody has breathed out."""
    return np.asarray(np.maximum(np.asarray(co2_ppm, dtype=np.float64) - outdoor_ppm, 0.0) / EXHALED_PPM)


def relative_risk(
    co2_ppm: ArrayLike,
    people: ArrayLike,
    reference_ppm: float = 1000.0,
    *,
    hours: float = 1.0,
    quanta_per_h: float = 25.0,
    infectious: float = 1.0,
    outdoor_ppm: float = OUTDOOR_PPM,
) -> Floats:
    """Risk at a concentration over the risk at a reference, the same people present.

    Args:
        co2_ppm: Mean concentration while people were present.
        people: Persons present.
        reference_ppm: What to compare with.
        hours: How long they were together.
        quanta_per_h: Infectious doses that a sick person gives off (25 is that of a talking carrier of
            SARS-CoV-2, Buonanno et al. 2020); it only bends the ratio where the risk is high.
        infectious: Sick persons among them.
        outdoor_ppm: Carbon dioxide outdoors.

    Returns:
        Ratio; 1 at the reference, 0 in outdoor air.
    """
    present = np.maximum(np.asarray(people, dtype=np.float64), 1.0)

    def risk(ppm: ArrayLike) -> Floats:
        dose = rebreathed_share(ppm, outdoor_ppm) * infectious * quanta_per_h * hours / present
        return np.asarray(-np.expm1(-dose))

    return np.asarray(risk(co2_ppm) / risk(reference_ppm))
