"""Sunlight through one window, step by step: what enters the room and what warms the panes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.buildings.thermal.envelope import Window
from pilots.buildings.thermal.glazing import GlazingOptics
from pilots.buildings.thermal.solar import Sun, sky_shares, sunlit_share

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WindowSun:
    """One value per step of day."""

    beam_w: Floats
    """Beams that enter, all equal panes together."""
    diffuse_w: Floats
    absorbed_w_m2: Floats
    """Shape (panes, day steps), per square metre of glass."""


def window_sun(
    window: Window, optics: GlazingOptics, azimuth_deg: float, tilt_deg: float, sun: Sun, canopy: float = 1.0
) -> WindowSun:
    """Sunlight through a window and into its panes.

    Args:
        window: Size and shades.
        optics: Its glazing's properties.
        azimuth_deg: True azimuth of the wall it is in.
        tilt_deg: Tilt of that wall.
        sun: The sun over the run.
        canopy: Share of the sun's direct light that trees let through.
    """
    incident = sun.on(azimuth_deg, tilt_deg)
    lit = sunlit_share(window, azimuth_deg, sun)
    dome, horizon = sky_shares(window)
    beam = canopy * incident.beam * lit
    diffuse = incident.dome * dome + incident.circumsolar * lit + incident.horizon * horizon + incident.ground
    diffuse = np.maximum(diffuse, 0.0)
    tables = np.vstack((optics.transmittance, optics.absorptance))
    passed = _at_angle(beam, incident.cos_incidence, tables)
    area = window.glass_area_m2
    return WindowSun(
        beam_w=area * passed[0],
        diffuse_w=area * optics.diffuse_transmittance * diffuse,
        absorbed_w_m2=passed[1:] + optics.diffuse_absorptance[:, None] * diffuse,
    )


@njit(cache=True, error_model="numpy")
def _at_angle(beam: Floats, cos_incidence: Floats, tables: Floats) -> Floats:
    """Beam times each property (a row of `tables`, one column per degree) at its angle of incidence."""
    out = np.zeros((tables.shape[0], beam.size))
    for t in range(beam.size):
        if beam[t] > 0.0:
            degrees = np.degrees(np.arccos(min(cos_incidence[t], 1.0)))
            below = min(int(degrees), 89)
            part = degrees - below
            for k in range(tables.shape[0]):
                out[k, t] = beam[t] * ((1 - part) * tables[k, below] + part * tables[k, below + 1])
    return out
