"""From walls and windows to the fast model: its five resistances, its capacity and its gains.

Source: ISO 13790:2008: 12.3.1.2 (effective mass), 11.3 (sun on glass and walls, radiation to the sky),
    annex C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.thermal.envelope import Construction, Window
from pilots.buildings.thermal.fast import AIR_FILM_W_M2K, FastDrives, FastZones
from pilots.buildings.thermal.glazing import ANGLES_DEG, glazing_optics, thermal_properties
from pilots.buildings.thermal.solar import Sun, sky_shares, sunlit_share
from pilots.buildings.thermal.zone import AirFlow, Building, Conditioning, Gains, Zone, stepwise

Floats = NDArray[np.float64]

_FILM_OUTSIDE_M2K_W = 0.04
_SKY_EXCHANGE_W_M2K = 5.0
_SKY_COLDER_K = 11.0
_EFFECTIVE_DEPTH_M = 0.10
_INSULATOR_W_MK = 0.065
_FILMS_M2K_W = 0.17
_GROUND_FACTOR = 0.5
"""What the ground leaves of a floor's transmission where nothing else is known (ISO 13790, b_tr)."""

_LIGHT_AREA, _LIGHT_J_K_M2 = 2.5, 80_000.0
"""Very light buildings (ISO 13790, table 12): mass area and heat capacity over the floor."""


@dataclass(frozen=True, eq=False)
class SunnyGlass:
    """Glass of one orientation: area, U and total solar transmittance by angle and for diffuse light."""

    area_m2: float
    azimuth_deg: float
    u_value_w_m2k: float
    g_by_angle: Floats
    """One value per degree of incidence, 0 to 90."""
    g_diffuse: float
    tilt_deg: float = 90.0
    lit: Floats | float = 1.0
    """Share of the beam that shades leave, one or one per step of day."""
    dome: float = 1.0
    """Share of the sky's light that shades leave."""
    emissivity: float = 0.9


@dataclass(frozen=True)
class SunnyWall:
    """An opaque surface of one orientation."""

    area_m2: float
    azimuth_deg: float
    tilt_deg: float
    u_value_w_m2k: float
    absorptance: float = 0.6
    emissivity: float = 0.9


def solar_gain_w(glass: list[SunnyGlass], walls: list[SunnyWall], sun: Sun) -> Floats:
    """Sunlight through glass and into walls, less what both radiate to the sky, W, hourly means.

    Args:
        glass: Windows of a room.
        walls: Its walls and roofs in the sun.
        sun: The sun, in the middle of its steps.
    """
    beam, rest = solar_gain_parts_w(glass, walls, sun)
    return beam + rest


def solar_gain_parts_w(glass: list[SunnyGlass], walls: list[SunnyWall], sun: Sun) -> tuple[Floats, Floats]:
    """The same in two parts: the sun's direct light through windows, which trees can take, and all else."""
    hours = sun.weather.hours
    gain = np.zeros(hours)
    direct, day = np.zeros(sun.daylight.size), np.zeros(sun.daylight.size)
    for window in glass:
        incident = sun.on(window.azimuth_deg, window.tilt_deg)
        angle = np.degrees(np.arccos(np.clip(incident.cos_incidence, 0.0, 1.0)))
        beam = incident.beam * window.lit * np.interp(angle, ANGLES_DEG, window.g_by_angle)
        diffuse = (
            (incident.dome + incident.horizon) * window.dome
            + incident.circumsolar * window.lit
            + incident.ground
        )
        direct += window.area_m2 * beam
        day += window.area_m2 * window.g_diffuse * diffuse
        gain -= window.u_value_w_m2k * window.area_m2 * _sky_loss(window.tilt_deg, window.emissivity)
    for wall in walls:
        ua = wall.u_value_w_m2k * wall.area_m2
        day += wall.absorptance * _FILM_OUTSIDE_M2K_W * ua * sun.total_on(wall.azimuth_deg, wall.tilt_deg)
        gain -= ua * _sky_loss(wall.tilt_deg, wall.emissivity)
    beam_w, day_w = (np.bincount(sun.hour, weights=part, minlength=hours) for part in (direct, day))
    return beam_w / sun.steps_per_hour, gain + day_w / sun.steps_per_hour


def _sky_loss(tilt_deg: float, emissivity: float) -> float:
    """Radiation to the sky per W/K of transmittance: half of the sky for walls, all of it for roofs."""
    view = 1.0 if tilt_deg < 45.0 else 0.5
    return view * _SKY_EXCHANGE_W_M2K * emissivity * _SKY_COLDER_K * _FILM_OUTSIDE_M2K_W


def areal_heat_capacity_j_m2k(construction: Construction) -> float:
    """Heat that a day's swing stores in a wall: its inner 10 cm, but not beyond insulation or its middle."""
    reach = min(
        _EFFECTIVE_DEPTH_M,
        0.5 * sum(layer.thickness_m for layer in construction.layers if layer.density_kg_m3),
    )
    stored, depth = 0.0, 0.0
    for layer in reversed(construction.layers):
        if layer.conductivity_w_mk < _INSULATOR_W_MK or layer.density_kg_m3 == 0 or depth >= reach:
            break
        part = min(layer.thickness_m, reach - depth)
        stored += part * layer.density_kg_m3 * layer.specific_heat_j_kgk
        depth += part
    return stored


def fast_inputs(building: Building, sun: Sun) -> tuple[FastZones, FastDrives]:
    """The rooms of a building for the fast model; what rooms exchange with one another is left out.

    Args:
        building: Zones, their surfaces and use.
        sun: The sun over the run, one step per hour, in the middle of it.

    Raises:
        InvalidInput: A series of another length than the run.
    """
    zones = building.zones
    rooms = [_room(building, zone, sun) for zone in zones]
    beam = np.column_stack([room.beam_w for room in rooms])
    solar = beam + np.column_stack([room.other_solar_w for room in rooms])
    parameters = FastZones(
        heat_capacity_j_k=np.array([room.heat_capacity_j_k for room in rooms]),
        mass_area_m2=np.array([room.mass_area_m2 for room in rooms]),
        total_area_m2=np.array([room.total_area_m2 for room in rooms]),
        window_w_k=np.array([room.window_w_k for room in rooms]),
        opaque_w_k=np.array([room.opaque_w_k for room in rooms]),
        air_film_w_m2k=np.full(len(zones), AIR_FILM_W_M2K),
        heat_recovery=np.array([zone.air.heat_recovery for zone in zones]),
        supply_minimum_c=np.array([zone.air.supply_minimum_c for zone in zones]),
        bypass_above_c=np.array([zone.air.bypass_above_c for zone in zones]),
    )
    return parameters, _drives(zones, solar, beam, sun)


@dataclass(frozen=True, eq=False)
class _Room:
    heat_capacity_j_k: float
    mass_area_m2: float
    total_area_m2: float
    window_w_k: float
    opaque_w_k: float
    beam_w: Floats
    other_solar_w: Floats


def _room(building: Building, zone: Zone, sun: Sun) -> _Room:
    glass: list[SunnyGlass] = []
    walls: list[SunnyWall] = []
    opaque, light = 0.0, zone.thermal_bridges_w_k
    capacities, areas = [], []
    for surface in zone.surfaces:
        azimuth, u_value = (
            surface.azimuth_deg + building.north_axis_deg,
            surface.construction.resistance_m2k_w,
        )
        u_value = 1.0 / (u_value + _FILMS_M2K_W)
        capacities.append(areal_heat_capacity_j_m2k(surface.construction))
        areas.append(surface.opaque_area_m2)
        if surface.boundary in ("outdoor", "sheltered", "ground"):
            factor = _GROUND_FACTOR if surface.boundary == "ground" else 1.0
            opaque += factor * u_value * surface.opaque_area_m2
        if surface.boundary == "outdoor" and surface.opaque_area_m2 > 0:
            made = surface.construction
            walls.append(
                SunnyWall(
                    surface.opaque_area_m2,
                    azimuth,
                    surface.tilt_deg,
                    u_value,
                    made.absorptance_outside,
                    made.emissivity_outside,
                )
            )
        for window in surface.windows:
            pane = sunny_glass(window, azimuth, surface.tilt_deg, sun)
            glass.append(pane)
            light += pane.u_value_w_m2k * pane.area_m2 + window.frame_u_value_w_m2k * window.frame_area_m2
    kappa, area = np.array(capacities), np.array(areas)
    in_walls = float((kappa * area).sum())
    # Rooms lined with insulation all around are of the standard's very light class.
    mass_area = (
        in_walls**2 / float((kappa**2 * area).sum()) if in_walls > 0 else _LIGHT_AREA * zone.floor_area_m2
    )
    stored = in_walls + zone.furniture_j_k or _LIGHT_J_K_M2 * zone.floor_area_m2
    beam, other = solar_gain_parts_w(glass, walls, sun)
    return _Room(
        heat_capacity_j_k=stored,
        mass_area_m2=mass_area,
        total_area_m2=float(sum(surface.area_m2 for surface in zone.surfaces)),
        window_w_k=light,
        opaque_w_k=opaque,
        beam_w=beam,
        other_solar_w=other,
    )


def sunny_glass(window: Window, azimuth_deg: float, tilt_deg: float, sun: Sun) -> SunnyGlass:
    """A window for the fast model: g follows from what its panes pass, absorb and hand on inwards."""
    optics = glazing_optics(window.glazing)
    u_value, inwards = thermal_properties(window.glazing, window.height_m)
    dome, _ = sky_shares(window)
    return SunnyGlass(
        area_m2=window.glass_area_m2,
        azimuth_deg=azimuth_deg,
        tilt_deg=tilt_deg,
        u_value_w_m2k=u_value,
        g_by_angle=optics.transmittance + inwards @ optics.absorptance,
        g_diffuse=float(optics.diffuse_transmittance + inwards @ optics.diffuse_absorptance),
        lit=sunlit_share(window, azimuth_deg, sun) if window.shades else 1.0,
        dome=dome,
    )


def _drives(zones: tuple[Zone, ...], solar: Floats, beam: Floats, sun: Sun) -> FastDrives:
    weather = sun.weather
    heat_capacity = weather.air_density_kg_m3 * (1006.0 + 1860.0 * weather.humidity_ratio)

    def column(zone: Zone, part: AirFlow | Conditioning | Gains, field: str) -> Floats:
        return hourly_mean(getattr(part, field), weather.hours, f"{zone.name}.{field}")

    def each(part: str, field: str) -> Floats:
        return np.column_stack([column(zone, getattr(zone, part), field) for zone in zones])

    leaks = each("air", "infiltration_per_h") * np.array([zone.volume_m3 for zone in zones]) / 3600.0
    return FastDrives(
        outdoor_c=weather.air_temperature_c,
        leaks_w_k=(leaks + each("air", "windows_m3_s")) * heat_capacity[:, None],
        mechanical_w_k=each("air", "mechanical_m3_s") * heat_capacity[:, None],
        internal_w=each("gains", "convective_w") + each("gains", "radiant_w"),
        solar_w=solar,
        window_beam_w=beam,
        heating_setpoint_c=each("conditioning", "heating_setpoint_c"),
        cooling_setpoint_c=each("conditioning", "cooling_setpoint_c"),
        heating_capacity_w=each("conditioning", "heating_capacity_w"),
        cooling_capacity_w=each("conditioning", "cooling_capacity_w"),
    )


def hourly_mean(value: float | Floats, hours: int, field: str) -> Floats:
    """A series that may be given per step as one value per hour."""
    steps = max(np.size(value) // hours, 1) if np.ndim(value) else 1
    return np.asarray(stepwise(value, hours, steps, field).reshape(hours, steps).mean(axis=1))
