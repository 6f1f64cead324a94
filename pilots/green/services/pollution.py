"""Air pollution that trees take up: fine particles on leaves, ozone and nitrogen dioxide through pores.

Particles stick to leaves until wind lifts some of them off again or rain washes them down; gases are taken up
by the living leaf, so mostly by day and not in drought. The figures are small per tree (grams a year) and are
the most uncertain of all services.

Sources: fine particles, Nowak, Hirabayashi, Bodine and Hoehn 2013, Environ. Pollut. 178:395-402. Gases: the
resistance model of UFORE-D (Baldocchi, Hicks and Camara 1987, Atmos. Environ. 21:91-101; Hirabayashi, Kroll
and Nowak 2012) with the turbulence of Monin and Obukhov as in Dyer 1974, Boundary-Layer Meteorol. 7:363-372,
and stomata of Jarvis 1976.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

VON_KARMAN = 0.4
GRAVITY = 9.81
_AIR_HEAT_J_M3_K = 1200.0
_PRANDTL = 0.72

# Nowak and others 2013, table 3: deposition velocity per unit of leaf area and resuspended share, by wind 0
# to 13 m/s.
PM25_VELOCITY_CM_S = (0.0, 0.03, 0.09, 0.15, 0.17, 0.19, 0.20, 0.56, 0.92, 0.92, 2.11, 2.11, 2.11, 2.11)
PM25_RESUSPENDED_PCT = (0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0, 10.0, 11.0, 12.0, 13.0, 16.0, 20.0, 23.0)


@dataclass(frozen=True)
class ParticleUptake:
    """Fine particles per m2 of crown projection over the run, g.

    Attributes:
        deposited: Landed on leaves.
        resuspended: Lifted off again.
        removed: Washed down or still on the leaves: the net removal.
    """

    deposited: Floats
    resuspended: Floats
    removed: Floats


def fine_particles(
    concentration_ug_m3: ArrayLike, wind_m_s: ArrayLike, rain_washes: ArrayLike, leaf_area_index: ArrayLike
) -> ParticleUptake:
    """Hourly balance of fine particles (PM2.5) on leaves.

    Args:
        concentration_ug_m3: Concentration in each hour.
        wind_m_s: Wind in each hour.
        rain_washes: Hours in which the canopy store overflows and washes the leaves.
        leaf_area_index: Leaf (and bark) area index in each hour and canopy (hours x canopies) or each hour.
    """
    area = np.asarray(leaf_area_index, dtype=np.float64)
    area = area[:, None] if area.ndim == 1 else area
    knots = np.arange(len(PM25_VELOCITY_CM_S))
    wind = np.asarray(wind_m_s, dtype=np.float64)
    velocity = np.interp(wind, knots, PM25_VELOCITY_CM_S) / 100.0
    lifted = np.interp(wind, knots, PM25_RESUSPENDED_PCT) / 100.0
    washes = np.broadcast_to(np.asarray(rain_washes, dtype=bool).reshape(len(wind), -1), area.shape)
    landing = velocity * 3600.0 * np.asarray(concentration_ug_m3, dtype=np.float64) * 1e-6
    deposited, resuspended = _particles(landing, lifted, np.ascontiguousarray(washes), area)
    return ParticleUptake(deposited, resuspended, deposited - resuspended)


@numba.njit(cache=True)
def _particles(
    landing: NDArray[np.float64],
    lifted: NDArray[np.float64],
    washes: NDArray[np.bool_],
    area: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hours, canopies = area.shape
    deposited, resuspended = np.zeros(canopies), np.zeros(canopies)
    for k in range(canopies):
        stock = 0.0
        for h in range(hours):
            if washes[h, k]:
                stock = 0.0
                continue
            fresh = landing[h] * area[h, k]
            stock += fresh
            off = stock * lifted[h]
            stock -= off
            deposited[k] += fresh
            resuspended[k] += off
    return deposited, resuspended


@dataclass(frozen=True)
class Gas:
    """How a gas meets a leaf.

    Attributes:
        schmidt: Schmidt number over that of water vapour's carrier, as used in UFORE-D.
        diffusivity_ratio: Diffusivity of water vapour over that of the gas: its stomatal resistance is that
            much larger.
        mesophyll_s_m: Resistance inside the leaf.
        cuticle_s_m: Resistance of its skin per leaf area.
    """

    schmidt: float
    diffusivity_ratio: float
    mesophyll_s_m: float
    cuticle_s_m: float


OZONE = Gas(schmidt=1.00, diffusivity_ratio=1.6, mesophyll_s_m=10.0, cuticle_s_m=10_000.0)
NITROGEN_DIOXIDE = Gas(schmidt=0.98, diffusivity_ratio=1.6, mesophyll_s_m=100.0, cuticle_s_m=20_000.0)
SOIL_RESISTANCE_S_M = 2941.0


@dataclass(frozen=True)
class Turbulence:
    """The state of the air above a canopy.

    Attributes:
        friction_velocity_m_s: u*.
        obukhov_length_m: L; infinite in neutral air.
        aerodynamic_s_m: Resistance between the measuring height and the canopy.
    """

    friction_velocity_m_s: Floats
    obukhov_length_m: Floats
    aerodynamic_s_m: Floats


def turbulence(
    wind_m_s: ArrayLike,
    air_temperature_c: ArrayLike,
    heat_flux_w_m2: ArrayLike,
    *,
    height_m: float = 10.0,
    canopy_m: float = 8.0,
    iterations: int = 25,
) -> Turbulence:
    """Friction velocity and aerodynamic resistance from wind and sensible heat flux.

    Monin-Obukhov similarity with the functions of Dyer 1974 (integrated by Paulson 1970), displacement height
    0.67 and roughness length 0.1 of the canopy. The wind is given at ``height_m`` above the displacement
    height.

    Args:
        wind_m_s: Wind; below 0.5 m/s it counts as 0.5.
        air_temperature_c: Air temperature.
        heat_flux_w_m2: Sensible heat flux, upward positive.
        height_m: Measuring height above the displacement height.
        canopy_m: Height of the canopy.
        iterations: Steps of the fixed-point iteration.
    """
    wind = np.maximum(np.asarray(wind_m_s, dtype=np.float64), 0.5)
    kelvin = np.asarray(air_temperature_c, dtype=np.float64) + 273.15
    flux = np.asarray(heat_flux_w_m2, dtype=np.float64) / _AIR_HEAT_J_M3_K
    rough = 0.1 * canopy_m
    friction = VON_KARMAN * wind / np.log(height_m / rough)
    length = np.full_like(friction, np.inf)
    for _ in range(iterations):
        with np.errstate(divide="ignore"):
            length = np.where(
                np.abs(flux) > 1e-6, -(friction**3) * kelvin / (VON_KARMAN * GRAVITY * flux), np.inf
            )
        # Very stable air is kept on the near side of where similarity breaks down.
        length = np.where((length > 0) & (length < height_m), height_m, length)
        profile = (
            np.log(height_m / rough)
            - momentum_correction(height_m / length)
            + momentum_correction(rough / length)
        )
        friction = VON_KARMAN * wind / np.maximum(profile, 0.5)
    heat = np.log(height_m / rough) - heat_correction(height_m / length) + heat_correction(rough / length)
    return Turbulence(friction, length, np.maximum(heat, 0.5) / (VON_KARMAN * friction))


def momentum_correction(stability: ArrayLike) -> Floats:
    """Integrated stability function of momentum, psi_M(z/L)."""
    zeta = np.asarray(stability, dtype=np.float64)
    x = (1.0 - 16.0 * np.minimum(zeta, 0.0)) ** 0.25
    unstable = 2 * np.log((1 + x) / 2) + np.log((1 + x**2) / 2) - 2 * np.arctan(x) + np.pi / 2
    return np.where(zeta < 0, unstable, -5.0 * zeta)


def heat_correction(stability: ArrayLike) -> Floats:
    """Integrated stability function of heat and gases, psi_H(z/L)."""
    zeta = np.asarray(stability, dtype=np.float64)
    x = (1.0 - 16.0 * np.minimum(zeta, 0.0)) ** 0.25
    return np.where(zeta < 0, 2 * np.log((1 + x**2) / 2), -5.0 * zeta)


LEAST_STOMATAL_RESISTANCE_S_M = 150.0
"""Of broad-leaved trees in full light (Körner 1995: 0.2 mol/(m2 s) and more)."""


def stomatal_resistance_s_m(
    global_w_m2: ArrayLike,
    air_temperature_c: ArrayLike,
    vapour_deficit_hpa: ArrayLike,
    water_stress: ArrayLike = 1.0,
) -> Floats:
    """Resistance of a unit of leaf area to water vapour (Jarvis 1976; factors of Stewart 1988).

    Infinite (1e6) in the dark, below freezing, and when no water is left.

    Args:
        global_w_m2: Global radiation.
        air_temperature_c: Air temperature; 25 C is best, 0 and 45 C close the stomata.
        vapour_deficit_hpa: Vapour pressure deficit.
        water_stress: FAO-56 stress coefficient, 1 to 0.
    """
    light = np.maximum(np.asarray(global_w_m2, dtype=np.float64), 0.0)
    by_light = light * (1000.0 + 200.0) / (1000.0 * (light + 200.0))
    t = np.clip(np.asarray(air_temperature_c, dtype=np.float64), 0.0, 45.0)
    by_warmth = t / 25.0 * ((45.0 - t) / 20.0) ** (20.0 / 25.0)
    by_dryness = 1.0 / (1.0 + np.maximum(np.asarray(vapour_deficit_hpa, dtype=np.float64), 0.0) / 30.0)
    opening = np.minimum(by_light, 1.0) * by_warmth * by_dryness * np.asarray(water_stress, dtype=np.float64)
    return np.minimum(LEAST_STOMATAL_RESISTANCE_S_M / np.maximum(opening, 1e-9), 1e6)


def deposition_velocity_m_s(
    gas: Gas,
    air: Turbulence,
    stomatal_s_m: ArrayLike,
    leaf_area_index: ArrayLike,
    bark_area_index: float = 0.5,
) -> Floats:
    """Velocity at which a canopy takes up a gas (Baldocchi and others 1987).

    Args:
        gas: The gas.
        air: Turbulence.
        stomatal_s_m: Resistance of the stomata of a unit of leaf area.
        leaf_area_index: Of the canopy; without leaves only bark and soil take part.
        bark_area_index: Of branches.
    """
    boundary = 2.0 * (gas.schmidt / _PRANDTL) ** (2.0 / 3.0) / (VON_KARMAN * air.friction_velocity_m_s)
    leaves = np.asarray(leaf_area_index, dtype=np.float64)
    through_pores = leaves / (np.asarray(stomatal_s_m) * gas.diffusivity_ratio + gas.mesophyll_s_m)
    on_skin = (leaves + bark_area_index) / gas.cuticle_s_m
    canopy = through_pores + on_skin + 1.0 / SOIL_RESISTANCE_S_M
    return np.asarray(1.0 / (air.aerodynamic_s_m + boundary + 1.0 / canopy))


def gas_uptake_g_m2(velocity_m_s: ArrayLike, concentration_ug_m3: ArrayLike, rain_mm: ArrayLike) -> float:
    """Gas taken up per m2 of crown projection over hourly steps, g; none while it rains."""
    dry = np.asarray(rain_mm, dtype=np.float64) <= 0.0
    flux = np.asarray(velocity_m_s) * np.asarray(concentration_ug_m3, dtype=np.float64) * 1e-6 * 3600.0
    return float(np.sum(np.where(dry, flux, 0.0)))
