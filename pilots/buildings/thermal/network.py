"""The heat balance of a building as arrays: what the compiled march through time works on.

Walls, panes and rooms of a `Building` become rows of arrays, weather and use become columns per step, so that
a year of a building is one call of compiled code without an object in sight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.thermal.conduction import chain, condense
from pilots.buildings.thermal.envelope import Surface, Window
from pilots.buildings.thermal.films import ROUGHNESS, critical_rayleigh, still_air_factors
from pilots.buildings.thermal.glazing import GASES, GlazingOptics, glazing_optics
from pilots.buildings.thermal.room import (
    SIDES,
    Face,
    absorbed,
    absorbed_shares,
    add_strikes,
    radiant_factors,
    side_of,
)
from pilots.buildings.thermal.solar import Rows, Sun
from pilots.buildings.thermal.sunlight import window_sun
from pilots.buildings.thermal.zone import AirFlow, Building, Conditioning, Gains, Zone, stepwise

Floats = NDArray[np.float64]

OUTDOOR, SHELTERED, GROUND, ADIABATIC, PARTITION = range(5)
_KINDS = {"outdoor": OUTDOOR, "sheltered": SHELTERED, "ground": GROUND, "adiabatic": ADIABATIC}


WALL = np.dtype(
    [
        ("zone", "i8"),
        ("kind", "i8"),
        ("behind", "i8"),  # zone on the other side of a partition, else -1
        ("inner", "i8"),  # nodes between the faces
        ("area", "f8"),
        # As the fields of `Condensed`.
        ("outside", "f8"),
        ("inside", "f8"),
        ("between", "f8"),
        ("store_outside", "f8"),
        ("store_inside", "f8"),
        ("link_outside", "f8"),
        ("link_inside", "f8"),
        # `still_air_factors` towards the outside; whether it lies flat; the sky's share of the long waves.
        ("still_warm", "f8"),
        ("still_cold", "f8"),
        ("level", "i8"),
        ("azimuth", "f8"),
        ("sky_view", "f8"),
        ("emissivity", "f8"),
        ("roughness", "f8"),
        ("wind", "f8"),  # wind at its height over that at 10 m, to the powers of the wind's convection
        ("wind_past", "f8"),
        ("radiant_inside", "f8"),  # Carroll's factors
        ("radiant_outside", "f8"),
        # For an hour: films to what lies beyond (air and sky, or the air and surroundings of the other
        # room) and to the own room; one over what holds either face; what its faces do to the room's two
        # equations.
        ("film_air", "f8"),
        ("film_sky", "f8"),
        ("convection", "f8"),
        ("radiation", "f8"),
        ("yielding", "f8"),
        ("coupling", "f8"),
        ("resistance", "f8"),
        ("pull_air", "f8"),
        ("pull_radiant", "f8"),
        # State: faces now, what the next step looks back on, and what is known of each face before the room
        # is.
        ("face_outside", "f8"),
        ("face_inside", "f8"),
        ("past_outside", "f8"),
        ("past_inside", "f8"),
        ("share", "f8"),
        ("known", "f8"),
    ]
)
"""An opaque surface, W/(m2 K) and °C; a row of `Network.walls`."""

PANE = np.dtype(
    [
        ("zone", "i8"),
        ("nodes", "i8"),  # every pane has one at both faces
        ("area", "f8"),
        ("height", "f8"),
        ("sin_tilt", "f8"),
        ("critical", "f8"),  # Rayleigh number inside
        ("still_warm", "f8"),
        ("still_cold", "f8"),
        ("level", "i8"),
        ("azimuth", "f8"),
        ("sky_view", "f8"),
        ("emissivity", "f8"),
        ("wind", "f8"),
        ("wind_past", "f8"),
        ("radiant_inside", "f8"),
        ("film_air", "f8"),
        ("film_sky", "f8"),
        ("convection", "f8"),
        ("radiation", "f8"),
        ("resistance", "f8"),
        ("pull_air", "f8"),
        ("pull_radiant", "f8"),
        ("known", "f8"),
    ]
)
"""A window; a row of `Network.panes`."""

ROOM = np.dtype(
    [
        ("first_wall", "i8"),  # its walls are rows of `Network.walls` from here to before `last_wall`
        ("last_wall", "i8"),
        ("first_pane", "i8"),
        ("last_pane", "i8"),
        ("store", "f8"),  # heat that air and furniture store, J/K
        ("loss", "f8"),  # thermal bridges and frames, W/K
        ("recovery", "f8"),
        ("supply_minimum", "f8"),
        ("bypass_above", "f8"),
        ("convective_share", "f8"),
        ("a_air", "f8"),  # for an hour: the faces' part of the two equations of air and surroundings
        ("a_both", "f8"),
        ("a_radiant", "f8"),
        ("air", "f8"),  # state
        ("radiant", "f8"),
        ("past_air", "f8"),
    ]
)
"""A zone; a row of `Network.rooms`."""

USE = np.dtype(
    [
        ("outdoor_air", "f8"),  # leaks and open windows, m3/s
        ("mechanical", "f8"),  # air handling unit, m3/s
        ("convective", "f8"),  # gains, W
        ("radiant", "f8"),
        ("heating_setpoint", "f8"),
        ("cooling_setpoint", "f8"),
        ("heating_capacity", "f8"),
        ("cooling_capacity", "f8"),
    ]
)
"""What a zone is used for in a step; `Network.use` has shape (steps, zones)."""


class Network(NamedTuple):
    """All of a building for one run."""

    walls: Rows
    memory: Floats
    """Shape (walls, inner, inner), as `Condensed.memory`."""
    spread: Floats
    """`Condensed.from_outside` and `from_inside`, shape (walls, inner, 2)."""
    panes: Rows
    glass: Floats
    """Conductance from face to face of each pane, W/(m2 K), shape (windows, panes)."""
    gaps: Floats
    """Width, grey-body factor of long waves, and `GASES` of each gap, shape (windows, panes, 9)."""
    rooms: Rows
    partitions: NDArray[np.int64]
    """Rows of `walls` that part two rooms."""
    use: Rows
    air: Rows
    ground: Floats
    """Temperature of the ground, °C, per step."""
    sun_outside: Floats
    """Short waves absorbed outside (or by the other room's face), W/m2, shape (day steps + 1, walls)."""
    sun_inside: Floats
    sun_panes: Floats
    """Shape (day steps + 1, windows, nodes)."""
    light: NDArray[np.int64]
    """For every step its row in these."""
    transmitted: Floats
    """Sunlight that enters each zone, W, shape (zones, day steps)."""
    pressure: float


def network(building: Building, sun: Sun, canopy: float = 1.0) -> Network:
    """Lay a building and its weather out as arrays.

    Args:
        building: Zones, their surfaces and use.
        sun: The sun over the run, which knows weather and step.
        canopy: Share of the sun's direct light that trees let through to the windows.

    Raises:
        InvalidInput: A series of another length than the run.
    """
    surfaces = [(z, surface) for z, zone in enumerate(building.zones) for surface in zone.surfaces]
    windows = [(z, surface, window) for z, surface in surfaces for window in surface.windows]
    optics = [glazing_optics(window.glazing) for _, _, window in windows]
    faces = _faces(building, surfaces, windows, optics)
    factors = {z: radiant_factors([face for _, face in listed]) for z, listed in faces.items()}
    walls, memory, spread = _walls(building, surfaces, faces, factors, sun)
    panes, glass, gaps = _panes(building, windows, faces, factors)
    outside, inside, through, transmitted = _sunlight(building, surfaces, windows, optics, faces, sun, canopy)
    return Network(
        walls=walls,
        memory=memory,
        spread=spread,
        panes=panes,
        glass=glass,
        gaps=gaps,
        rooms=_rooms(building, walls, panes, windows, sun),
        partitions=np.flatnonzero(walls["kind"] == PARTITION),
        use=_use(building, sun),
        air=sun.air,
        ground=stepwise(
            building.ground_temperature_c, sun.weather.hours, sun.steps_per_hour, "ground_temperature_c"
        ),
        sun_outside=outside,
        sun_inside=inside,
        sun_panes=through,
        light=sun.rows,
        transmitted=transmitted,
        pressure=sun.pressure_pa,
    )


_Key = tuple[str, int]
_Faces = dict[int, list[tuple[_Key, Face]]]


def _faces(
    building: Building,
    surfaces: list[tuple[int, Surface]],
    windows: list[tuple[int, Surface, Window]],
    optics: list[GlazingOptics],
) -> _Faces:
    """The faces that each room sees, keyed by what they belong to."""
    index = {zone.name: z for z, zone in enumerate(building.zones)}
    faces: _Faces = {z: [] for z in range(len(building.zones))}
    for w, (z, surface) in enumerate(surfaces):
        made, area = surface.construction, surface.opaque_area_m2
        if area > 0:
            side = side_of(surface.tilt_deg, surface.azimuth_deg)
            faces[z].append(
                (("inside", w), Face(side, area, made.emissivity_inside, made.absorptance_inside))
            )
        if surface.boundary in index:
            side = side_of(180.0 - surface.tilt_deg, surface.azimuth_deg + 180.0)
            mirrored = Face(side, area, made.emissivity_outside, made.absorptance_outside)
            faces[index[surface.boundary]].append((("outside", w), mirrored))
    for w, (z, surface, window) in enumerate(windows):
        side = side_of(surface.tilt_deg, surface.azimuth_deg)
        emissivity = window.glazing.panes[-1].emissivity_inside
        kept = 1.0 - optics[w].inside_reflectance
        faces[z].append((("pane", w), Face(side, window.glass_area_m2, emissivity, kept)))
    return faces


def _factor(faces: _Faces, factors: dict[int, Floats], key: _Key) -> float:
    for z, listed in faces.items():
        for k, (known, _) in enumerate(listed):
            if known == key:
                return float(factors[z][k])
    return 0.0


def _walls(
    building: Building,
    surfaces: list[tuple[int, Surface]],
    faces: _Faces,
    factors: dict[int, Floats],
    sun: Sun,
) -> tuple[Rows, Floats, Floats]:
    index = {zone.name: z for z, zone in enumerate(building.zones)}
    step = 3600.0 / sun.steps_per_hour
    # Second-order backward differences look two steps back; to each wall they are Euler's with 2/3 of the
    # step.
    made = {surface.construction for _, surface in surfaces}
    condensed = {construction: condense(chain(construction, step), 2 * step / 3) for construction in made}
    slabs = [condensed[surface.construction] for _, surface in surfaces]
    rows = np.zeros(len(surfaces), dtype=WALL)
    for w, ((z, surface), slab) in enumerate(zip(surfaces, slabs, strict=True)):
        row = rows[w]
        row["zone"], row["behind"] = z, index.get(surface.boundary, -1)
        row["kind"], row["inner"] = _KINDS.get(surface.boundary, PARTITION), slab.from_outside.size
        row["area"] = surface.opaque_area_m2
        for field, value in _SLAB.items():
            row[field] = getattr(slab, value)
        _lean(row, surface, building.north_axis_deg)
        row["emissivity"] = surface.construction.emissivity_outside
        row["roughness"] = ROUGHNESS[surface.construction.roughness]
        row["radiant_inside"] = _factor(faces, factors, ("inside", w))
        row["radiant_outside"] = _factor(faces, factors, ("outside", w))
    most = max(slab.from_outside.size for slab in slabs)
    spread = [np.column_stack((slab.from_outside, slab.from_inside)) for slab in slabs]
    return rows, _padded([slab.memory for slab in slabs], (most, most)), _padded(spread, (most, 2))


_SLAB = {
    "outside": "outside_w_m2k",
    "inside": "inside_w_m2k",
    "between": "between_w_m2k",
    "store_outside": "outside_capacity_w_m2k",
    "store_inside": "inside_capacity_w_m2k",
    "link_outside": "link_outside_w_m2k",
    "link_inside": "link_inside_w_m2k",
}


def _padded(arrays: list[Floats], shape: tuple[int, ...]) -> Floats:
    """Stack arrays of unlike size, filled up with zeros."""
    stack = np.zeros((len(arrays), *shape))
    for row, array in zip(stack, arrays, strict=True):
        row[tuple(slice(n) for n in array.shape)] = array
    return stack


def _lean(row: np.void, surface: Surface, north_axis_deg: float) -> None:
    """Say of a wall or window what its lean, turn and height do to its film outside."""
    cos_tilt = float(np.cos(np.radians(surface.tilt_deg)))
    row["still_warm"], row["still_cold"] = still_air_factors(cos_tilt)
    # A roof always counts as windward.
    row["level"] = abs(cos_tilt) > 0.98
    row["azimuth"] = (surface.azimuth_deg + north_axis_deg) % 360.0
    # Walton 1983: towards the horizon the sky is as warm as the air.
    row["sky_view"] = max(0.5 * (1.0 + cos_tilt), 0.0) ** 1.5
    row["wind"], row["wind_past"] = _wind_at(surface.height_m)


def _wind_at(height_m: float) -> tuple[float, float]:
    """What height does to convection: wind against that at 10 m in open country, to the two laws' powers."""
    wind = (max(height_m, 0.5) / 10.0) ** 0.14
    return wind**0.89, wind**0.617


def _panes(
    building: Building,
    windows: list[tuple[int, Surface, Window]],
    faces: _Faces,
    factors: dict[int, Floats],
) -> tuple[Rows, Floats, Floats]:
    rows = np.zeros(len(windows), dtype=PANE)
    most = max([len(window.glazing.panes) for _, _, window in windows], default=1)
    glass, gaps = np.zeros((len(windows), most)), np.zeros((len(windows), most, 9))
    for w, (z, surface, window) in enumerate(windows):
        row, panes = rows[w], window.glazing.panes
        row["zone"], row["nodes"] = z, 2 * len(panes)
        row["area"], row["height"] = window.glass_area_m2, window.height_m
        row["sin_tilt"] = max(np.sin(np.radians(surface.tilt_deg)), 0.1)
        row["critical"] = critical_rayleigh(row["sin_tilt"])
        _lean(row, surface, building.north_axis_deg)
        row["emissivity"] = panes[0].emissivity_outside
        row["radiant_inside"] = _factor(faces, factors, ("pane", w))
        for k, pane in enumerate(panes):
            glass[w, k] = pane.conductivity_w_mk / pane.thickness_m
        for k, gap in enumerate(window.glazing.gaps):
            grey = 1 / (1 / panes[k].emissivity_inside + 1 / panes[k + 1].emissivity_outside - 1)
            gaps[w, k] = (gap.thickness_m, grey, *GASES[gap.gas])
    return rows, glass, gaps


def _sunlight(
    building: Building,
    surfaces: list[tuple[int, Surface]],
    windows: list[tuple[int, Surface, Window]],
    optics: list[GlazingOptics],
    faces: _Faces,
    sun: Sun,
    canopy: float,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Short waves on the outside and inside of walls and in panes, and through the windows of each zone.

    Tables of one row per step of day, after a first one for the night.
    """
    days = sun.daylight.size
    most = max([2 * len(window.glazing.panes) for _, _, window in windows], default=2)
    outside, inside = np.zeros((days + 1, len(surfaces))), np.zeros((days + 1, len(surfaces)))
    through = np.zeros((days + 1, len(windows), most))
    for w, (_, surface) in enumerate(surfaces):
        if surface.boundary == "outdoor" and surface.opaque_area_m2 > 0:
            incident = sun.total_on(surface.azimuth_deg + building.north_axis_deg, surface.tilt_deg)
            outside[1:, w] = incident * surface.construction.absorptance_outside
    sources = np.zeros((len(building.zones), 2 * SIDES, days))
    transmitted = np.zeros((len(building.zones), days))
    for w, (z, surface, window) in enumerate(windows):
        azimuth = surface.azimuth_deg + building.north_axis_deg
        entering = window_sun(window, optics[w], azimuth, surface.tilt_deg, sun, canopy)
        add_strikes(sources[z], entering.beam_w, building.zones[z], surface, window, azimuth, sun)
        sources[z, SIDES + side_of(surface.tilt_deg, surface.azimuth_deg)] += entering.diffuse_w
        transmitted[z] += entering.beam_w + entering.diffuse_w
        for k, taken in enumerate(entering.absorbed_w_m2):
            through[1:, w, 2 * k] = through[1:, w, 2 * k + 1] = 0.5 * taken
    for z, listed in faces.items():
        if transmitted[z].any():
            _strike(outside, inside, through, sources[z], listed, optics)
    return outside, inside, through, transmitted


def _strike(
    outside: Floats,
    inside: Floats,
    through: Floats,
    sources: Floats,
    listed: list[tuple[_Key, Face]],
    optics: list[GlazingOptics],
) -> None:
    """Let the sunlight that enters one room fall on its faces."""
    kept = absorbed(sources, np.vstack(absorbed_shares([face for _, face in listed])))
    for ((where, w), face), taken in zip(listed, kept, strict=True):
        match where:
            case "inside":
                inside[1:, w] += taken
            case "outside":
                outside[1:, w] += taken
            case _:
                for n, share in enumerate(optics[w].inside_absorptance):
                    half = 0.5 * share / face.absorptance * taken
                    through[1:, w, 2 * n] += half
                    through[1:, w, 2 * n + 1] += half


def _rooms(
    building: Building, walls: Rows, panes: Rows, windows: list[tuple[int, Surface, Window]], sun: Sun
) -> Rows:
    rows = np.zeros(len(building.zones), dtype=ROOM)
    zones = np.arange(rows.size)
    # Walls and panes are listed room by room.
    for owned, first, last in ((walls, "first_wall", "last_wall"), (panes, "first_pane", "last_pane")):
        rows[first] = np.searchsorted(owned["zone"], zones)
        rows[last] = np.searchsorted(owned["zone"], zones, side="right")
    indoor_air = 1010.0 * sun.pressure_pa / (287.06 * 293.15)
    for row, zone in zip(rows, building.zones, strict=True):
        row["store"] = indoor_air * zone.volume_m3 + zone.furniture_j_k
        row["loss"] = zone.thermal_bridges_w_k
        row["recovery"], row["supply_minimum"] = zone.air.heat_recovery, zone.air.supply_minimum_c
        row["bypass_above"] = zone.air.bypass_above_c
        row["convective_share"] = zone.conditioning.convective_share
    for z, _, window in windows:
        rows[z]["loss"] += window.frame_area_m2 * window.frame_u_value_w_m2k
    return rows


def _use(building: Building, sun: Sun) -> Rows:
    hours, n = sun.weather.hours, sun.steps_per_hour
    rows = np.empty((hours * n, len(building.zones)), dtype=USE)
    for z, zone in enumerate(building.zones):

        def steps(part: AirFlow | Conditioning | Gains, field: str, zone: Zone = zone) -> Floats:
            return stepwise(getattr(part, field), hours, n, f"{zone.name}.{field}")

        leaks = steps(zone.air, "infiltration_per_h") * zone.volume_m3 / 3600.0
        rows["outdoor_air"][:, z] = leaks + steps(zone.air, "windows_m3_s")
        rows["mechanical"][:, z] = steps(zone.air, "mechanical_m3_s")
        for field in ("convective", "radiant"):
            rows[field][:, z] = steps(zone.gains, f"{field}_w")
        for field in ("heating_setpoint", "cooling_setpoint"):
            rows[field][:, z] = steps(zone.conditioning, f"{field}_c")
        for field in ("heating_capacity", "cooling_capacity"):
            rows[field][:, z] = steps(zone.conditioning, f"{field}_w")
    return rows
