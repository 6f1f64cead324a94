"""How warm the ground and the walls get: layers of matter that store the day's heat.

Asphalt that lay in the sun until noon is still warm in the afternoon shade, a lawn beside it is not. Each
surface is a column of layers under a skin without mass. The skin receives radiation, gives heat to the air
and, where it can, water; what is left goes into the layers and comes back later. The equations are linear, so
for every step the state of the layers and the mean temperature of the skin follow exactly from matrices that
all cells of one material share, and a million cells cost a few multiplications each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from geodata.errors import InvalidData
from pilots.green.radiation.sky import STEFAN_BOLTZMANN, Floats
from pilots.green.radiation.weather import Forcing, saturation_pressure_hpa

LAYERS = 6
PSYCHROMETRIC_HPA_K = 0.66
AIR_HEAT_CAPACITY_J_M3_K = 1200.0


@dataclass(frozen=True)
class Material:
    """A surface and the matter below it.

    Attributes:
        albedo: Share of short-wave radiation that it reflects.
        absorptance: Share that warms its skin; less than 1 - albedo where windows let some through.
        emissivity: For long-wave radiation.
        conductivity_w_m_k: Heat conductivity.
        heat_capacity_j_m3_k: Heat capacity by volume.
        evaporation_resistance_s_m: Resistance of the surface to evaporation; None where it is dry.
        thickness_m: Depth of the column.
    """

    albedo: float
    absorptance: float
    emissivity: float
    conductivity_w_m_k: float
    heat_capacity_j_m3_k: float
    evaporation_resistance_s_m: float | None = None
    thickness_m: float = 0.64


# Albedo and emissivity: Lindberg, Holmer and Thorsson 2008; Lindberg and others 2016 (SOLWEIG). Heat
# properties: Oke 1987, "Boundary layer climates", table 7.4 (paved: mean of asphalt, dense concrete and
# stone) and 2.1 (moist soil). Grass resists evaporation like the reference crop of FAO-56. A facade is brick
# with a quarter of windows, which absorb a fifth.
COBBLE = Material(0.20, 0.80, 0.95, 2.19, 2.25e6)
PAVED = Material(0.18, 0.82, 0.95, 1.48, 2.10e6)
GRASS = Material(0.16, 0.84, 0.94, 1.0, 1.8e6, 70.0)
BARE_SOIL = Material(0.25, 0.75, 0.94, 1.5, 2.0e6, 500.0)
WATER = Material(0.05, 0.95, 0.98, 100.0, 4.18e6, 0.0, 3.0)
FACADE = Material(0.1875, 0.65, 0.90, 0.84, 1.36e6, None, 0.25)

GROUND_OF_CODE = {0: COBBLE, 1: PAVED, 3: GRASS, 4: GRASS, 5: GRASS, 6: BARE_SOIL, 7: WATER}
"""Ground by land-cover code of UMEP: 1 paved, 3 and 4 below trees, 5 grass, 6 bare soil, 7 water."""

BUILDING_CODE = 2


@dataclass(frozen=True)
class Response:
    """The exact response of one material over some steps (leading axis) to a constant push within each.

    The push is what the skin would have to lose to the air at 0 C, W/m2.
    """

    carry: Floats
    gain: Floats
    mean_carry: Floats
    mean_gain: Floats
    loss_w_m2_k: Floats
    contact_w_m2_k: float


def heat_loss(material: Material, forcing: Forcing, water_stress: float = 1.0) -> tuple[Floats, Floats]:
    """Loss coefficient of the skin to the air, W/(m2 K), and what evaporation takes at air temperature, W/m2.

    Convection is 4 + 4 v (ISO 6946:2017, annex C), long-wave loss is linear about air temperature, and
    evaporation follows Penman and Monteith with the temperature of the skin as the unknown.

    Args:
        material: What the skin is.
        forcing: Air temperature, vapour pressure and wind.
        water_stress: FAO-56 stress coefficient, 1 well watered, 0 dry; divides the resistance.
    """
    air = forcing.air_temperature_c
    convection = 4.0 + 4.0 * forcing.wind_speed_m_s
    loss = convection + 4.0 * material.emissivity * STEFAN_BOLTZMANN * (air + 273.15) ** 3
    if material.evaporation_resistance_s_m is None or water_stress <= 0.0:
        return loss, np.zeros_like(air)
    saturation = saturation_pressure_hpa(air)
    slope = 4098.0 * saturation / (air + 237.3) ** 2
    aerodynamic = AIR_HEAT_CAPACITY_J_M3_K / convection
    psychrometric = PSYCHROMETRIC_HPA_K * (
        1 + material.evaporation_resistance_s_m / water_stress / aerodynamic
    )
    deficit = np.maximum(saturation - forcing.vapour_pressure_hpa, 0.0)
    return loss + convection * slope / psychrometric, convection * deficit / psychrometric


def response(material: Material, loss_w_m2_k: Floats, step_h: float) -> Response:
    """The matrices that carry the layers of a material over steps with given loss to the air."""
    widths = 2.0 ** np.arange(LAYERS)
    widths *= material.thickness_m / widths.sum()
    store = material.heat_capacity_j_m3_k * widths
    between = material.conductivity_w_m_k / (0.5 * (widths[:-1] + widths[1:]))
    contact = material.conductivity_w_m_k / (0.5 * widths[0])
    rate = np.zeros((LAYERS, LAYERS))
    for i, link in enumerate(between):
        rate[i : i + 2, i : i + 2] += link * np.array([[-1.0, 1.0], [1.0, -1.0]])
    rate /= store[:, None]
    steps = len(loss_w_m2_k)
    # One matrix holds the state, the push and the running integral of the state.
    joint = np.zeros((steps, 2 * LAYERS + 1, 2 * LAYERS + 1))
    joint[:, :LAYERS, :LAYERS] = rate
    joint[:, 0, 0] -= contact * loss_w_m2_k / (loss_w_m2_k + contact) / store[0]
    joint[:, 0, LAYERS] = contact / (loss_w_m2_k + contact) / store[0]
    seconds = step_h * 3600.0
    joint[:, LAYERS + 1 :, :LAYERS] = np.eye(LAYERS) / seconds
    moved = expm(joint * seconds)
    return Response(
        carry=np.ascontiguousarray(moved[:, :LAYERS, :LAYERS]),
        gain=np.ascontiguousarray(moved[:, :LAYERS, LAYERS]),
        mean_carry=np.ascontiguousarray(moved[:, LAYERS + 1, :LAYERS]),
        mean_gain=np.ascontiguousarray(moved[:, LAYERS + 1, LAYERS]),
        loss_w_m2_k=loss_w_m2_k,
        contact_w_m2_k=float(contact),
    )


@numba.njit(cache=True)
def _advance(
    layers: NDArray[np.float32],
    push: NDArray[np.float32],
    carry: NDArray[np.float32],
    gain: NDArray[np.float32],
    mean_carry: NDArray[np.float32],
    mean_gain: NDArray[np.float32],
    loss: NDArray[np.float32],
    contact: np.float32,
    offset: NDArray[np.float32],
    skin: NDArray[np.float32],
) -> None:
    """Step each column through all steps; ``push + offset`` drives it, ``skin`` receives mean temperatures.

    ``carry`` is step x from x to.
    """
    state = np.empty(LAYERS, np.float32)
    after = np.empty(LAYERS, np.float32)
    for i in range(push.shape[0]):
        state[:] = layers[i]
        for s in range(push.shape[1]):
            drive = push[i, s] + offset[s]
            mean = mean_gain[s] * drive
            for b in range(LAYERS):
                mean += mean_carry[s, b] * state[b]
                after[b] = gain[s, b] * drive
            for a in range(LAYERS):
                for b in range(LAYERS):
                    after[b] += state[a] * carry[s, a, b]
            for b in range(LAYERS):
                state[b] = after[b]
            skin[i, s] = (drive + contact * mean) / (loss[s] + contact)
        layers[i] = state


@dataclass
class Columns:
    """The layers below all cells or walls of one material, carried from day to day."""

    material: Material
    layers: NDArray[np.float32] | None = None

    def step(
        self,
        absorbed_w_m2: NDArray[np.float32],
        forcing: Forcing,
        *,
        fresh_from: float | None,
        water_stress: float = 1.0,
    ) -> NDArray[np.float32]:
        """Mean temperature of the skin in each step, C (cells x steps).

        Args:
            absorbed_w_m2: Short-wave absorbed plus long-wave absorbed less what a skin at air temperature
                would emit (cells x steps).
            forcing: The weather of these steps.
            fresh_from: Only used for the first steps of a run: mean air temperature of the time before, C.
                The columns start from the end of such days, half as sunny as this one: what came before is
                unknown, and clear days are half of all days at most.
            water_stress: See `heat_loss`.
        """
        loss, evaporation = heat_loss(self.material, forcing, water_stress)
        matrices = response(self.material, loss, forcing.step_h)
        offset = loss * forcing.air_temperature_c - evaporation
        if self.layers is None:
            self.layers = _settled(absorbed_w_m2, offset, matrices, forcing, fresh_from)
        return _run(self.layers, absorbed_w_m2, offset, matrices)


def _settled(
    absorbed: NDArray[np.float32],
    offset: Floats,
    matrices: Response,
    forcing: Forcing,
    before_c: float | None,
) -> NDArray[np.float32]:
    """Layers at the end of a few days like the first one, but half as sunny and as warm as it was before."""
    loss = float(matrices.loss_w_m2_k.mean())
    cooler = 0.0 if before_c is None else loss * (float(forcing.air_temperature_c.mean()) - before_c)
    half_the_sun = 0.5 * absorbed.mean(axis=1, keepdims=True, dtype=np.float64)
    earlier = (absorbed - half_the_sun - cooler).astype(np.float32)
    start = (earlier.mean(axis=1, dtype=np.float64) + offset.mean()) / loss
    layers = np.repeat(start.astype(np.float32)[:, None], LAYERS, axis=1)
    for _ in range(3):
        _run(layers, earlier, offset, matrices)
    return layers


def _run(
    layers: NDArray[np.float32], absorbed: NDArray[np.float32], offset: Floats, matrices: Response
) -> NDArray[np.float32]:
    """Carry layers (in place) through the steps; the mean temperature of the skin in each."""
    skin = np.empty_like(absorbed)
    by_step = (matrices.gain, matrices.mean_carry, matrices.mean_gain, matrices.loss_w_m2_k)
    gain, mean_carry, mean_gain, loss = (array.astype(np.float32) for array in by_step)
    carry = np.ascontiguousarray(matrices.carry.transpose(0, 2, 1), dtype=np.float32)
    contact = np.float32(matrices.contact_w_m2_k)
    drive = offset.astype(np.float32)
    _advance(layers, absorbed, carry, gain, mean_carry, mean_gain, loss, contact, drive, skin)
    return skin


def ground_material(code: int) -> Material:
    """The ground of a land-cover code.

    Raises:
        InvalidData: Nobody knows the code.
    """
    if code not in GROUND_OF_CODE:
        raise InvalidData(
            "unknown land-cover code", field="land_cover", value=code, expected=str(sorted(GROUND_OF_CODE))
        )
    return GROUND_OF_CODE[code]
