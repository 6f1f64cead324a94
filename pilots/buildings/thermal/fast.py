"""The fast thermal model: five resistances and one capacity per room, hour by hour, many rooms at once.

Air, surfaces and mass are one node each; only the mass stores heat. A year of the 45 schools takes less time
than the eye needs to blink, which is what planners' sweeps and uncertainty runs need. What it cannot know:
how glass behaves at low temperatures and very high insulation (it meets 31 of 38 criteria of Standard 140).

Source: ISO 13790:2008 annex C (simple hourly method), 12.3.1.2 for the effective mass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MASS_FILM_W_M2K = 9.1
AIR_FILM_W_M2K = 3.45


@dataclass(frozen=True, eq=False)
class FastZones:
    """Rooms of the fast model; arrays of shape (zones,)."""

    heat_capacity_j_k: Floats
    mass_area_m2: Floats
    """Effective area of the mass, A_m."""
    total_area_m2: Floats
    """All faces of the room, A_tot."""
    window_w_k: Floats
    """Transmission of what stores no heat: windows, doors, bridges."""
    opaque_w_k: Floats
    """Transmission of walls, roof and floor."""
    air_film_w_m2k: Floats
    """Exchange between surfaces and air, 3.45 in the standard."""
    heat_recovery: Floats
    supply_minimum_c: Floats
    bypass_above_c: Floats

    def __len__(self) -> int:
        return int(self.heat_capacity_j_k.size)


@dataclass(frozen=True, eq=False)
class FastDrives:
    """What acts on the rooms; arrays of shape (hours, zones), outdoor air of shape (hours,)."""

    outdoor_c: Floats
    leaks_w_k: Floats
    """Outdoor air that comes in as it is: leaks, open windows."""
    mechanical_w_k: Floats
    """Air handling unit."""
    internal_w: Floats
    solar_w: Floats
    """Sunlight through windows and the sun on walls, less what goes to the sky."""
    window_beam_w: Floats
    """Of it, the sun's direct light through windows."""
    heating_setpoint_c: Floats
    cooling_setpoint_c: Floats
    heating_capacity_w: Floats
    cooling_capacity_w: Floats


@dataclass(frozen=True, eq=False)
class FastResult:
    """Hourly means, shape (hours, zones)."""

    air_c: Floats
    surface_c: Floats
    mass_c: Floats
    power_w: Floats
    """Heat to the room; cold below 0."""
    coil_w: Floats
    """Heat to the supply air."""

    @property
    def operative_c(self) -> Floats:
        """0.3 of the air and 0.7 of the surfaces, as annex C has it."""
        return 0.3 * self.air_c + 0.7 * self.surface_c


class FastRun:
    """Rooms on their way through their hours, as far as asked.

    Args:
        zones: The rooms.
        drives: What acts on them.
        start_c: Temperature of the mass at the beginning, one or one per room.
    """

    def __init__(self, zones: FastZones, drives: FastDrives, start_c: float | Floats = 20.0) -> None:
        self.zones, self.drives = zones, drives
        mass = np.broadcast_to(np.asarray(start_c, dtype=np.float64), (len(zones),))
        # Mass, and the air that the heat exchanger meets.
        self._state = np.column_stack((mass, mass))
        self._parameters = np.column_stack(
            (
                zones.heat_capacity_j_k / 3600.0,
                zones.mass_area_m2,
                zones.total_area_m2,
                zones.window_w_k,
                zones.opaque_w_k,
                zones.air_film_w_m2k,
                zones.heat_recovery,
                zones.supply_minimum_c,
                zones.bypass_above_c,
            )
        )

    def advance(
        self, first_hour: int, last_hour: int, canopy: Floats | float = 1.0, warmer_k: float = 0.0
    ) -> FastResult:
        """Go on from where they stand through the hours of a stretch.

        Args:
            first_hour: First hour of the stretch.
            last_hour: The hour after its last.
            canopy: Share of the sun's direct light that trees let through to the windows, one or one per
                room.
            warmer_k: What the air outside is warmer than the drives say.
        """
        d, stretch = self.drives, slice(first_hour, last_hour)
        shaded = (1.0 - canopy) * d.window_beam_w[stretch]
        result = _run(
            self._parameters,
            self._state,
            d.outdoor_c[stretch] + warmer_k,
            d.leaks_w_k[stretch],
            d.mechanical_w_k[stretch],
            d.internal_w[stretch],
            d.solar_w[stretch] - shaded,
            d.heating_setpoint_c[stretch],
            d.cooling_setpoint_c[stretch],
            d.heating_capacity_w[stretch],
            d.cooling_capacity_w[stretch],
        )
        return FastResult(*np.moveaxis(result, 2, 0))


def run_fast(
    zones: FastZones, drives: FastDrives, start_c: float | Floats = 20.0, warm_up_hours: int = 0
) -> FastResult:
    """Run all rooms through all hours.

    Args:
        zones: The rooms.
        drives: What acts on them.
        start_c: Temperature of the mass at the beginning, one or one per room.
        warm_up_hours: How many of the first hours are run once beforehand.

    Returns:
        Temperatures and powers.
    """
    run = FastRun(zones, drives, start_c)
    if warm_up_hours:
        run.advance(0, warm_up_hours)
    return run.advance(0, drives.internal_w.shape[0])


@njit(cache=True, error_model="numpy")
def _run(  # noqa: PLR0915
    zones: Floats,
    state: Floats,
    outdoor: Floats,
    leaks: Floats,
    mechanical: Floats,
    internal: Floats,
    solar: Floats,
    heat_at: Floats,
    cool_at: Floats,
    heat_most: Floats,
    cool_most: Floats,
) -> Floats:
    """Annex C under the standard's own names of conductances H and flows phi; `state` keeps its last."""
    hours, count = internal.shape
    out = np.zeros((hours, count, 5))
    for z in range(count):
        store, a_m, a_t, h_w, h_op, film, recovery, supply_least, bypass = zones[z]
        h_ms, h_is = MASS_FILM_W_M2K * a_m, film * a_t
        h_em = 1.0 / (1.0 / h_op - 1.0 / h_ms) if h_op > 0.0 else 0.0
        share_mass = a_m / a_t
        share_surface = 1.0 - share_mass - h_w / (MASS_FILM_W_M2K * a_t)
        mass, air = state[z]
        for t in range(hours):
            t_e = outdoor[t]
            # Recovery counts as less air flow, unless it is bypassed or a coil warms the supply further.
            regain = 0.0 if (air > bypass and t_e < air) else recovery
            recovered = t_e + regain * (air - t_e)
            h_ve, sup, coil = leaks[t, z], leaks[t, z] * t_e, 0.0
            if recovered < supply_least:
                h_ve += mechanical[t, z]
                sup += mechanical[t, z] * supply_least
                coil = mechanical[t, z] * (supply_least - recovered)
            else:
                h_ve += mechanical[t, z] * (1.0 - regain)
                sup += mechanical[t, z] * (1.0 - regain) * t_e
            spread = 0.5 * internal[t, z] + solar[t, z]
            phi_ia = 0.5 * internal[t, z] + sup
            phi_st = share_surface * spread + h_w * t_e
            through = h_is / (h_is + h_ve)
            h_2 = h_ve * through + h_w
            h_3 = h_2 * h_ms / (h_2 + h_ms)
            half = 0.5 * (h_3 + h_em)
            below = 1.0 / (store + half)
            to_surface = 1.0 / (h_ms + h_2)
            to_air = 1.0 / (h_is + h_ve)
            side = h_3 / h_2 if h_2 > 0.0 else 1.0
            known = mass * (store - half) + share_mass * spread + h_em * t_e
            new = (known + side * (phi_st + through * phi_ia)) * below
            t_s = (h_ms * 0.5 * (mass + new) + phi_st + through * phi_ia) * to_surface
            air = (h_is * t_s + phi_ia) * to_air
            power = 0.0
            if air < heat_at[t, z] or air > cool_at[t, z]:
                # What one watt to the air does to mass, surface and air by the end of the hour.
                d_mass = side * through * below
                d_surface = (0.5 * h_ms * d_mass + through) * to_surface
                d_air = (h_is * d_surface + 1.0) * to_air
                if air < heat_at[t, z]:
                    power = min((heat_at[t, z] - air) / d_air, heat_most[t, z])
                else:
                    power = max((cool_at[t, z] - air) / d_air, -cool_most[t, z])
                new += d_mass * power
                t_s += d_surface * power
                air += d_air * power
            row = out[t, z]
            row[0] = air
            row[1] = t_s
            row[2] = 0.5 * (mass + new)
            row[3] = power
            row[4] = coil
            mass = new
        state[z, 0], state[z, 1] = mass, air
    return out
