"""Films of air at walls: how readily a surface gives heat to the air that brushes it.

The breeze outside takes heat off a wall; the warm air that climbs a cold window pane inside is a breeze of
its own making.

Sources: Walton, "Thermal Analysis Research Program reference manual" (NBSSIR 83-2655, 1983) for still air;
the DOE-2 correlation of Yazdanian and Klems (1994) for wind; ISO 15099:2003 for panes of glass inside.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from pilots.buildings.thermal.envelope import Roughness

ROUGHNESS: dict[Roughness, float] = {
    "very_rough": 2.17,
    "rough": 1.67,
    "medium_rough": 1.52,
    "medium_smooth": 1.13,
    "smooth": 1.11,
    "very_smooth": 1.00,
}
"""What roughness does to the wind's share, from glass to stucco (Walton 1981)."""


@njit(cache=True, error_model="numpy", inline="always")
def cube_root(x: float) -> float:
    """Cube root of a number that is not negative, three times as fast as the library's.

    A third of the bits of a floating-point number is a first guess good to 5 % (Kahan 1991); two steps of
    Halley's rule make it exact to the last digits.
    """
    root = np.int64(np.float64(x).view(np.int64) // 3 + 0x2A9F7893782DA1CE).view(np.float64)
    cube = root * root * root
    root *= (cube + 2.0 * x) / (2.0 * cube + x)
    cube = root * root * root
    return float(root * (cube + 2.0 * x) / (2.0 * cube + x))


@njit(cache=True, error_model="numpy")
def still_air_factors(cos_tilt: float) -> tuple[float, float]:
    """Natural convection over the cube root of the difference in temperature, W/(m2 K^(4/3)).

    Args:
        cos_tilt: Cosine of the angle between the surface's outward normal (towards this air) and up. Seen
            from its other side a surface has the two factors swapped.

    Returns:
        Of a surface that is warmer than the air, and of one that is colder.
    """
    if abs(cos_tilt) < 1e-6:
        return 1.31, 1.31
    # A warm face that looks up, or a cold one that looks down, drives the air; the others hold it.
    driven, held = 9.482 / (7.283 - abs(cos_tilt)), 1.810 / (1.382 + abs(cos_tilt))
    return (driven, held) if cos_tilt > 0.0 else (held, driven)


@njit(cache=True, error_model="numpy", inline="always")
def still_air(difference_k: float, warm: float, cold: float) -> float:
    """Natural convection at a surface, W/(m2 K).

    Args:
        difference_k: Surface minus air.
        warm: What `still_air_factors` says of the surface where it is warmer.
        cold: And where it is colder.
    """
    return cube_root(abs(difference_k)) * (warm if difference_k > 0.0 else cold)


@njit(cache=True, error_model="numpy", inline="always")
def windy_air(still: float, forced: float, roughness: float) -> float:
    """Convection outside, W/(m2 K): still air and wind together (DOE-2).

    Args:
        still: Natural convection of this surface.
        forced: What the wind v, m/s, does to glass: 3.26 v^0.89 where it blows onto it, 3.55 v^0.617 past it.
        roughness: Factor of `ROUGHNESS`.
    """
    glass = math.sqrt(still * still + forced * forced)
    return still + roughness * (glass - still)


@njit(cache=True, error_model="numpy")
def critical_rayleigh(tilt_sin: float) -> float:
    """Rayleigh number at which the air along a window of this tilt becomes turbulent (ISO 15099, 8.3.2.2)."""
    # That of a vertical window; exp(0.72 x 90) has the angle in degrees.
    return float(2.5e5 * (math.exp(0.72 * 90.0) / tilt_sin) ** 0.2)


@njit(cache=True, error_model="numpy", inline="always")
def still_air_at_pane(
    pane_k: float, air_k: float, height_m: float, tilt_sin: float, critical: float, pressure_pa: float
) -> float:
    """Natural convection at the room side of a window, W/(m2 K) (ISO 15099, 8.3.2.2).

    Args:
        pane_k: Temperature of the pane.
        air_k: Temperature of the room.
        height_m: Height of the window.
        tilt_sin: Sine of the window's tilt from the horizontal.
        critical: Its `critical_rayleigh`.
        pressure_pa: Pressure of the air in the room.
    """
    film = air_k + 0.25 * (pane_k - air_k)
    conductivity = 2.873e-3 + 7.76e-5 * film
    viscosity = 3.723e-6 + 4.94e-8 * film
    capacity = 1002.737 + 1.2324e-2 * film
    density = pressure_pa * 28.97 / (8314.462 * film)
    rayleigh = (
        density
        * density
        * height_m**3
        * 9.80665
        * capacity
        * abs(pane_k - air_k)
        / (film * viscosity * conductivity)
    )
    if rayleigh <= critical:
        nusselt = 0.56 * math.sqrt(math.sqrt(rayleigh * tilt_sin))
    else:
        nusselt = 0.13 * (cube_root(rayleigh) - cube_root(critical)) + 0.56 * (critical * tilt_sin) ** 0.25
    return float(nusselt * conductivity / height_m)
