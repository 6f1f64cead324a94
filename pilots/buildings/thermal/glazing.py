"""Sunlight through panes of glass: how much passes, is thrown back, or warms each pane, at every angle.

A low winter sun strikes a school window almost head-on and four fifths of it come through double clear
glass; the high summer sun strikes it at a glancing angle and half of it bounces off.

Sources: Finlayson, Arasteh, Huizenga, Rubin and Reilly, "WINDOW 4.0: documentation of calculation
procedures" (LBL-33943, 1993) for single panes; Wright (1998) for the stack of panes; ISO 15099:2003 for the
gas between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.buildings.thermal.envelope import Gas, Glazing, Pane

Floats = NDArray[np.float64]

ANGLES_DEG = np.arange(0.0, 91.0)
"""Angles of incidence at which properties are tabulated."""

# LBL-33943: polynomials in the cosine of the angle, lowest power first; clear above 0.645, else bronze. The
# second pair gives transmittance and reflectance together.
_CLEAR_TRANSMITTANCE = (-0.0015, 3.355, -3.840, 1.460, 0.0288)
_CLEAR_REFLECTANCE = (0.999, -0.563, 2.043, -2.532, 1.054)
_BRONZE_TRANSMITTANCE = (-0.002, 2.813, -2.341, -0.05725, 0.599)
_BRONZE_REFLECTANCE = (0.997, -1.868, 6.513, -7.862, 3.225)

# ISO 15099 annex B: conductivity, viscosity, heat capacity as a + b T (K), and molar mass, kg/kmol.
GASES: dict[Gas, tuple[float, ...]] = {
    "air": (2.873e-3, 7.760e-5, 3.723e-6, 4.940e-8, 1002.737, 1.2324e-2, 28.97),
    "argon": (2.285e-3, 5.149e-5, 3.379e-6, 6.451e-8, 521.9285, 0.0, 39.948),
    "krypton": (9.443e-4, 2.826e-5, 2.213e-6, 7.777e-8, 248.0907, 0.0, 83.80),
}


@dataclass(frozen=True, eq=False)
class GlazingOptics:
    """Solar properties of a glazing: tables by angle of incidence (`ANGLES_DEG`), and for diffuse light."""

    transmittance: Floats
    """Shape (91,)."""
    absorptance: Floats
    """Shape (panes, 91): what each pane keeps of light from outside."""
    diffuse_transmittance: float
    diffuse_absorptance: Floats
    """Shape (panes,), of diffuse light from outside."""
    inside_reflectance: float
    """Share of the room's diffuse light that comes back."""
    inside_absorptance: Floats
    """Shape (panes,), of the room's diffuse light."""


def glazing_optics(glazing: Glazing) -> GlazingOptics:
    """Solar properties of a stack of panes.

    Args:
        glazing: Panes and gaps from outside to inside.

    Returns:
        Tables by angle, and hemispherical means for diffuse light.
    """
    panes = [_pane_properties(pane) for pane in glazing.panes]
    transmittance, absorptance, _ = _stack(panes)
    mirrored = [(tau, back, front) for tau, front, back in reversed(panes)]
    _, from_inside, back = _stack(mirrored)
    return GlazingOptics(
        transmittance=transmittance,
        absorptance=absorptance,
        diffuse_transmittance=float(_hemispherical(transmittance)),
        diffuse_absorptance=_hemispherical(absorptance),
        inside_reflectance=float(_hemispherical(back)),
        inside_absorptance=_hemispherical(from_inside)[::-1].copy(),
    )


def thermal_properties(glazing: Glazing, height_m: float = 1.5) -> tuple[float, Floats]:
    """Transmittance of a glazing and how much of what its panes absorb goes inwards.

    Args:
        glazing: Panes and gaps from outside to inside.
        height_m: Height of the window, for convection in the gaps.

    Returns:
        U, W/(m2 K), at 20 °C inside and 0 °C outside with films of 7.7 and 25 W/(m2 K) (EN 673), and for
        each pane the share of its absorbed heat that reaches the room.
    """
    inside, outside = 1.0 / 7.7, 1.0 / 25.0
    faces = np.linspace(273.15, 293.15, 2 * len(glazing.panes) + 2)[1:-1]
    panes, gaps = glazing.panes, glazing.gaps
    glass = np.array([pane.thickness_m / pane.conductivity_w_mk for pane in panes])
    gas = np.zeros(len(gaps))
    for _ in range(30):
        for k, gap in enumerate(gaps):
            outer, inner = faces[2 * k + 1], faces[2 * k + 2]
            grey = 1.0 / (1.0 / panes[k].emissivity_inside + 1.0 / panes[k + 1].emissivity_outside - 1.0)
            waves = grey * 5.670374419e-8 * (outer + inner) * (outer**2 + inner**2)
            gas[k] = 1.0 / (waves + gap_conductance(outer, inner, gap.thickness_m, height_m, GASES[gap.gas]))
        chain = np.zeros(2 * len(panes) - 1)
        chain[::2], chain[1::2] = glass, gas
        total = outside + chain.sum() + inside
        faces = 273.15 + 20.0 * (outside + np.concatenate(([0.0], np.cumsum(chain)))) / total
    middles = outside + np.concatenate(([0.0], np.cumsum(chain)))[:-1:2] + 0.5 * glass
    return float(1.0 / total), np.asarray(middles / total)


def _pane_properties(pane: Pane) -> tuple[Floats, Floats, Floats]:
    """Transmittance and reflectances from outside and inside of one pane at `ANGLES_DEG`."""
    if pane.solar_reflectance_outside == pane.solar_reflectance_inside:
        transmittance, reflectance = _uncoated(pane.solar_transmittance, pane.solar_reflectance_outside)
        return transmittance, reflectance, reflectance
    return _coated(pane)


def _uncoated(tau: float, rho: float) -> tuple[Floats, Floats]:
    """Fresnel's equations with index and absorption found from the values at normal incidence."""
    beta = tau**2 - rho**2 + 2 * rho + 1
    face = (beta - np.sqrt(beta**2 - 4 * (2 - rho) * rho)) / (2 * (2 - rho))
    index = (1 + np.sqrt(face)) / (1 - np.sqrt(face))
    depth = -np.log((rho - face) / (face * tau))
    angle = np.radians(ANGLES_DEG)
    inner = np.arcsin(np.sin(angle) / index)
    # Light along the pane: a trace of it keeps the balance between panes defined.
    cos, cos_inner = np.maximum(np.cos(angle), 1e-6), np.cos(inner)
    passed = np.exp(-depth / cos_inner)
    parallel = ((index * cos - cos_inner) / (index * cos + cos_inner)) ** 2
    perpendicular = ((index * cos_inner - cos) / (index * cos_inner + cos)) ** 2
    transmittance, reflectance = np.zeros_like(angle), np.zeros_like(angle)
    for polarised in (parallel, perpendicular):
        through = (1 - polarised) ** 2 * passed / (1 - (polarised * passed) ** 2)
        transmittance += 0.5 * through
        reflectance += 0.5 * polarised * (1 + passed * through)
    return transmittance, reflectance


def _coated(pane: Pane) -> tuple[Floats, Floats, Floats]:
    """Regression of coated glass; its normal values are given, its shape is that of clear or bronze glass."""
    clear = pane.solar_transmittance > 0.645
    cos = np.maximum(np.cos(np.radians(ANGLES_DEG)), 1e-6)
    shape = np.polynomial.polynomial.polyval(cos, _CLEAR_TRANSMITTANCE if clear else _BRONZE_TRANSMITTANCE)
    both = np.polynomial.polynomial.polyval(cos, _CLEAR_REFLECTANCE if clear else _BRONZE_REFLECTANCE)
    mirror = np.clip(both - shape, 0.0, 1.0)
    transmittance = np.clip(pane.solar_transmittance * shape, 0.0, 1.0)
    outside, inside = (
        np.minimum(rho * (1 - mirror) + mirror, 1 - transmittance)
        for rho in (pane.solar_reflectance_outside, pane.solar_reflectance_inside)
    )
    return transmittance, outside, inside


def _stack(panes: list[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    """Transmittance, absorptance of each pane and reflectance of a stack, seen from its first pane.

    Between each two panes the light going in and coming back are in balance: going inwards behind pane k,
    ``down[k+1] = tau down[k] + rho_back up[k+1]``; the room sends nothing back.
    """
    count = len(panes)
    behind = np.zeros_like(panes[0][0])
    reflectance = [behind]
    for tau, front, back in reversed(panes):
        behind = front + tau**2 * behind / (1 - back * behind)
        reflectance.insert(0, behind)
    down = np.ones_like(behind)
    absorptance = np.empty((count, behind.size))
    for k, (tau, front, back) in enumerate(panes):
        deeper = tau * down / (1 - back * reflectance[k + 1])
        returned = reflectance[k + 1] * deeper
        absorptance[k] = down * (1 - tau - front) + returned * (1 - tau - back)
        down = deeper
    return down, absorptance, reflectance[0]


def _hemispherical(values: Floats) -> Floats:
    """Mean over a uniform hemisphere: twice the integral of value x cos x sin over the angle."""
    angle = np.radians(ANGLES_DEG)
    return np.asarray(np.trapezoid(values * np.sin(2 * angle), angle, axis=-1))


@njit(cache=True, error_model="numpy", inline="always")
def gap_conductance(
    outer_k: float, inner_k: float, thickness_m: float, height_m: float, gas: tuple[float, ...]
) -> float:
    """Conduction and convection between two panes of a vertical gap, W/(m2 K) (ISO 15099, 5.3.3).

    Args:
        outer_k: Temperature of the face on the outer side, K.
        inner_k: Temperature of the face on the inner side, K.
        thickness_m: Width of the gap.
        height_m: Height of the window.
        gas: Properties as in `GASES`.
    """
    mean = 0.5 * (outer_k + inner_k)
    conductivity = gas[0] + gas[1] * mean
    viscosity = gas[2] + gas[3] * mean
    capacity = gas[4] + gas[5] * mean
    # Sealed units are filled at the pressure of their factory, taken as sea level.
    density = 101325.0 * gas[6] / (8314.462 * mean)
    rayleigh = (
        9.80665
        * thickness_m**3
        * abs(outer_k - inner_k)
        * capacity
        * density**2
        / (mean * viscosity * conductivity)
    )
    if rayleigh > 5e4:
        flat = 0.0673838 * np.cbrt(rayleigh)
    elif rayleigh > 1e4:
        flat = 0.028154 * rayleigh**0.4134
    else:
        flat = 1.0 + 1.7596678e-10 * rayleigh**2.2984755
    # The law of slender gaps only counts where it comes to more than 1.
    along = rayleigh * thickness_m / height_m
    if along > 180.0:
        flat = max(flat, 0.242 * along**0.272)
    return float(flat * conductivity / thickness_m)
