"""The sun on a person by the window: how much warmer it makes the surroundings seem.

A pupil in the April sun behind clear glass feels as if the room's surfaces were 10 K warmer; a lime tree in
leaf outside takes three quarters of that away. Source: ASHRAE 55-2023 appendix C, through pythermalcomfort.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.buildings.comfort.library import quiet

Floats = NDArray[np.float64]

Posture = Literal["standing", "sitting", "supine"]


def sun_on_body(
    altitude_deg: ArrayLike,
    angle_deg: ArrayLike,
    direct_w_m2: ArrayLike,
    *,
    glass_transmittance: ArrayLike = 0.6,
    canopy_transmittance: ArrayLike = 1.0,
    sky_view: ArrayLike = 0.2,
    body_in_sun: ArrayLike = 0.5,
    absorptance: float = 0.7,
    posture: Posture = "sitting",
) -> tuple[Floats, Floats]:
    """Effective radiant field of the sun on a person, and the rise of mean radiant temperature it stands for.

    Args:
        altitude_deg: Height of the sun, 0 to 90.
        angle_deg: Angle between the sun and the front of the person, 0 to 180.
        direct_w_m2: Direct normal radiation outdoors.
        glass_transmittance: Of the window, for sunlight.
        canopy_transmittance: Share of the direct light that trees outside let through.
        sky_view: Share of the sky vault that the person sees.
        body_in_sun: Share of the body that the sun reaches.
        absorptance: Of skin and clothes, for sunlight.
        posture: Of the person.

    Returns:
        Effective radiant field, W/m2, and rise of the mean radiant temperature, K.
    """
    from pythermalcomfort.models import solar_gain

    with quiet():
        result = solar_gain(
            sol_altitude=altitude_deg,
            sharp=angle_deg,
            sol_radiation_dir=np.asarray(direct_w_m2, dtype=np.float64) * np.asarray(canopy_transmittance),
            sol_transmittance=glass_transmittance,
            f_svv=sky_view,
            f_bes=body_in_sun,
            asw=absorptance,
            posture=posture,
            round_output=False,
        )
    return np.asarray(result.erf, dtype=np.float64), np.asarray(result.delta_mrt, dtype=np.float64)
