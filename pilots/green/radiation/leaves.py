"""Crowns between the sky and a person: how much light they let through, and how they glow themselves.

A lime in June lets three hundredths of the sun through, in January half of it: leaves are gone, branches are
not. Light thins out exponentially with the leaf and wood area that it meets (Monsi and Saeki 1953).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilots.green.radiation.sky import STEFAN_BOLTZMANN, Floats, black_body, dome
from pilots.green.radiation.surfaces import AIR_HEAT_CAPACITY_J_M3_K, PSYCHROMETRIC_HPA_K
from pilots.green.radiation.weather import Forcing, saturation_pressure_hpa

EXTINCTION = 0.5
"""Per unit of leaf area, for leaves that face all ways alike."""

FULL_LEAF_AREA_INDEX = 6.0
"""Leaf area per crown projection of a dense broad-leaved city tree in summer; with `WOOD_AREA_INDEX` it lets
0.03 of the sun through, as Konarska and others (2014, Theor. Appl. Climatol. 117:363-376) measured in
Gothenburg."""

WOOD_AREA_INDEX = 1.0
"""Branch and trunk area per crown projection: a bare crown lets 0.61 through."""

CROWN_ALBEDO = 0.20
STOMATAL_RESISTANCE_S_M = 200.0
_LEAF_AIR_RESISTANCE_S_M = 30.0


@dataclass(frozen=True)
class Foliage:
    """The state of the leaves on one day.

    Attributes:
        leaf_area_index: Of deciduous crowns, m2 of leaf per m2 of crown projection.
        evergreen_leaf_area_index: Of evergreen crowns.
        water_stress: FAO-56 stress coefficient, 1 well watered, 0 dry: leaves short of water get warmer.
    """

    leaf_area_index: float = FULL_LEAF_AREA_INDEX
    evergreen_leaf_area_index: float = FULL_LEAF_AREA_INDEX
    water_stress: float = 1.0

    @property
    def extinction(self) -> float:
        """Extinction per crown thickness of deciduous crowns."""
        return EXTINCTION * (self.leaf_area_index + WOOD_AREA_INDEX)

    @property
    def evergreen_extinction(self) -> float:
        """Extinction per crown thickness of evergreen crowns."""
        return EXTINCTION * (self.evergreen_leaf_area_index + WOOD_AREA_INDEX)


def transmissivity(leaf_area_index: Floats | float, wood_area_index: float = WOOD_AREA_INDEX) -> Floats:
    """Share of light that passes straight down through a crown of given leaf and wood area."""
    return np.asarray(np.exp(-EXTINCTION * (np.asarray(leaf_area_index) + wood_area_index)))


def leaf_short_w_m2(forcing: Forcing) -> Floats:
    """Short-wave radiosity of crowns as seen from below, W/m2 (steps x patches).

    A crown is taken as a rough sphere (Lambert): full where it is seen with the sun behind the eye, dark
    against the sun. It receives about half of the diffuse radiation of an open plane.
    """
    from_sun = dome().angle_to(forcing.sun_azimuth_deg, np.maximum(forcing.sun_altitude_deg, 0.5))
    phase = np.pi - from_sun
    lit = 2.0 / 3.0 * (np.sin(phase) + (np.pi - phase) * np.cos(phase)) / np.pi
    return np.asarray(
        CROWN_ALBEDO * (forcing.direct_normal_w_m2[:, None] * lit + 0.5 * forcing.diffuse_w_m2[:, None])
    )


def leaf_long_w_m2(forcing: Forcing, foliage: Foliage) -> Floats:
    """Long-wave radiosity of crowns, W/m2 (one per step): black at the temperature of their shaded leaves."""
    return black_body(forcing.air_temperature_c + leaf_excess_k(forcing, foliage))


def leaf_excess_k(forcing: Forcing, foliage: Foliage) -> Floats:
    """How much warmer than the air the shaded leaves of a crown are (below 0 where they evaporate much).

    Source: leaf energy balance of Campbell and Norman 1998, "An introduction to environmental biophysics",
    chapter 14, for leaves with stomata on one side that absorb an eighth of the sky's diffuse radiation and
    see the sky with three tenths of one side. Wood, which does not evaporate, counts by its share of area.
    """
    air = forcing.air_temperature_c
    saturation = saturation_pressure_hpa(air)
    slope = 4098.0 * saturation / (air + 237.3) ** 2
    deficit = np.maximum(saturation - forcing.vapour_pressure_hpa, 0.0)
    sky = forcing.sky_long_w_m2 @ dome().horizontal
    absorbed = 0.125 * forcing.diffuse_w_m2 + 0.15 * (sky - black_body(air))
    to_air = 2.0 * AIR_HEAT_CAPACITY_J_M3_K / _LEAF_AIR_RESISTANCE_S_M
    radiative = 8.0 * STEFAN_BOLTZMANN * (air + 273.15) ** 3
    stomata = STOMATAL_RESISTANCE_S_M / max(foliage.water_stress, 0.05) + _LEAF_AIR_RESISTANCE_S_M
    psychrometric = PSYCHROMETRIC_HPA_K * 2.0 * stomata / _LEAF_AIR_RESISTANCE_S_M
    living = foliage.leaf_area_index / (foliage.leaf_area_index + WOOD_AREA_INDEX)
    loss = to_air * (1 + living * slope / psychrometric) + radiative
    return np.asarray((absorbed - living * to_air * deficit / psychrometric) / loss)
