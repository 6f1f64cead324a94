"""The march through time of a building's heat balance, compiled.

Every hour the films at all faces follow the weather and the temperatures that have come about; within the
hour the balance is linear. In every step each wall and window says what it would give to the room, the
room's air and surroundings follow from two equations, the plant gives what the set-point needs, and the
temperatures go back into the walls. Rooms beyond a partition are taken as they were a step ago.

Time is cut by second-order backward differences (Gear 1971): what a wall stores is measured against
``(4 T - T') / 3`` of the last two steps. It is stable at any step, and at four steps an hour follows the
swing of a light room within a tenth of a kelvin.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.buildings.thermal.films import still_air, still_air_at_pane, windy_air
from pilots.buildings.thermal.glazing import gap_conductance
from pilots.buildings.thermal.network import GROUND, OUTDOOR, PARTITION, SHELTERED, Network
from pilots.buildings.thermal.solar import Rows

Floats = NDArray[np.float64]

SIGMA = 5.670374419e-8
KELVIN = 273.15
_FIXED = 1e6
"""Film that ties a face to the temperature of the ground, W/(m2 K)."""
AHEAD, BACK = 4.0 / 3.0, 1.0 / 3.0
"""Shares of the last two steps in what the next one looks back on."""

AIR_C, RADIANT_C, HEATING_W, COOLING_W, COIL_W = range(5)
"""Columns of the result: temperatures of air and surroundings; heat to and from the room, to supply air."""


class March:
    """A building on its way through its weather, hour by hour as far as asked.

    Args:
        network: The building and its drives; the state in its rows is overwritten.
        per_hour: Steps in an hour.
        start_c: Temperature of everything at the beginning.
    """

    def __init__(self, network: Network, per_hour: int, start_c: float) -> None:
        self.network, self.per_hour = network, per_hour
        for field in ("face_outside", "face_inside", "past_outside", "past_inside"):
            network.walls[field] = start_c
        for field in ("air", "radiant", "past_air"):
            network.rooms[field] = start_c
        # Of nodes between the faces of walls: temperature, what the next step looks back on, what they keep.
        self._inner = np.full((network.walls.size, network.memory.shape[1], 3), start_c)
        # Of nodes of windows: temperature, what is known, link to the next, its share of the pivot, 1 /
        # pivot.
        self._nodes = np.full((network.panes.size, network.sun_panes.shape[2], 5), start_c)

    def advance(self, first_hour: int, last_hour: int) -> Floats:
        """Go on from where it stands through the hours of a stretch.

        Args:
            first_hour: First hour of the stretch.
            last_hour: The hour after its last.

        Returns:
            Hourly means, shape (hours, zones, 5), columns as `AIR_C` to `COIL_W`.
        """
        n = self.network
        return np.asarray(
            _march(
                n.walls,
                n.memory,
                n.spread,
                self._inner,
                n.sun_outside,
                n.sun_inside,
                n.panes,
                n.glass,
                n.gaps,
                self._nodes,
                n.sun_panes,
                n.light,
                n.rooms,
                n.partitions,
                n.use,
                n.air,
                n.ground,
                n.pressure,
                self.per_hour,
                first_hour,
                last_hour,
            )
        )

    def warm_up(self, days: int) -> None:
        """Repeat the first day so often that what was before no longer matters."""
        day = min(24, self.network.air.size // self.per_hour)
        for _ in range(days):
            self.advance(0, day)


@njit(cache=True, error_model="numpy")
def _march(
    walls: Rows,
    memory: Floats,
    spread: Floats,
    inner: Floats,
    sun_outside: Floats,
    sun_inside: Floats,
    panes: Rows,
    glass: Floats,
    gaps: Floats,
    nodes: Floats,
    sun_panes: Floats,
    light: NDArray[np.int64],
    rooms: Rows,
    partitions: NDArray[np.int64],
    use: Rows,
    air: Rows,
    ground: Floats,
    pressure: float,
    per_hour: int,
    first_hour: int,
    last_hour: int,
) -> Floats:
    result = np.zeros((last_hour - first_hour, rooms.size, 5))
    share = 1.0 / per_hour
    for hour in range(first_hour, last_hour):
        first, row = hour * per_hour, result[hour - first_hour]
        _films_of_walls(walls, rooms, air, first)
        _films_of_panes(panes, glass, gaps, nodes, rooms, air, first, pressure)
        _sum_faces(walls, panes, rooms)
        for t in range(first, first + per_hour):
            for z in range(rooms.size):
                last_air, last_radiant = rooms[z].air, rooms[z].radiant
                b_air, b_radiant = _ask_walls(
                    walls, memory, inner, sun_outside, sun_inside, light[t], rooms, air, ground, t, z
                )
                n_air, n_radiant = _ask_neighbours(walls, partitions, z)
                c_air, c_radiant = _ask_panes(panes, nodes, sun_panes, light[t], rooms, air, t, z)
                power, coil = _close(
                    b_air + n_air + c_air,
                    b_radiant + n_radiant + c_radiant,
                    rooms,
                    use,
                    air,
                    t,
                    z,
                    per_hour / 2400.0,
                )
                _settle_walls(walls, spread, inner, rooms, z)
                _settle_panes(panes, nodes, rooms, z)
                row[z, 0] += 0.5 * (last_air + rooms[z].air) * share
                row[z, 1] += 0.5 * (last_radiant + rooms[z].radiant) * share
                row[z, 2] += max(power, 0.0) * share
                row[z, 3] += max(-power, 0.0) * share
                row[z, 4] += coil * share
    return result


@njit(cache=True, error_model="numpy", inline="always")
def _long_waves(emissivity: float, surface_c: float, other_c: float) -> float:
    """Conductance of long waves between a surface and its surroundings, W/(m2 K)."""
    a, b = surface_c + KELVIN, other_c + KELVIN
    return emissivity * SIGMA * (a + b) * (a * a + b * b)


@njit(cache=True, error_model="numpy", inline="always")
def _outdoor_film(now: np.record, surface_c: float, face: np.record, roughness: float) -> tuple[float, float]:
    """Film of an outside face: to the air, with the long waves of air and ground, and to the sky."""
    outdoor = now.temperature
    away = abs(now.direction - face.azimuth)
    onto = away <= 90.0 or away >= 270.0 or face.level
    forced = now.windward * face.wind if onto else now.leeward * face.wind_past
    convection = windy_air(
        still_air(surface_c - outdoor, face.still_warm, face.still_cold), forced, roughness
    )
    return (
        convection + (1.0 - face.sky_view) * _long_waves(face.emissivity, surface_c, outdoor),
        face.sky_view * _long_waves(face.emissivity, surface_c, now.sky),
    )


@njit(cache=True, error_model="numpy")
def _films_of_walls(walls: Rows, rooms: Rows, air: Rows, t: int) -> None:
    """Films on both sides of the walls, and what follows from them for the hour."""
    for w in range(walls.size):
        wall = walls[w]
        room, surface, outdoor = rooms[wall.zone], wall.face_outside, air[t].temperature
        if wall.kind == OUTDOOR:
            wall.film_air, wall.film_sky = _outdoor_film(air[t], surface, wall, wall.roughness)
        elif wall.kind == SHELTERED:
            wall.film_air = still_air(surface - outdoor, wall.still_warm, wall.still_cold) + _long_waves(
                wall.emissivity, surface, outdoor
            )
        elif wall.kind == GROUND:
            wall.film_air = _FIXED
        elif wall.kind == PARTITION:
            wall.film_air = still_air(surface - rooms[wall.behind].air, wall.still_warm, wall.still_cold)
            wall.film_sky = wall.radiant_outside * _long_waves(1.0, surface, rooms[wall.behind].radiant)
        wall.yielding = 1.0 / (wall.outside + wall.film_air + wall.film_sky)
        wall.coupling = wall.between * wall.yielding
        # Seen from the room it leans the other way.
        wall.convection = still_air(wall.face_inside - room.air, wall.still_cold, wall.still_warm)
        wall.radiation = wall.radiant_inside * _long_waves(1.0, wall.face_inside, room.radiant)
        wall.resistance = 1.0 / (
            wall.inside - wall.between * wall.coupling + wall.convection + wall.radiation
        )
        wall.pull_air = wall.area * wall.convection * wall.resistance
        wall.pull_radiant = wall.area * wall.radiation * wall.resistance


@njit(cache=True, error_model="numpy")
def _films_of_panes(
    panes: Rows, glass: Floats, gaps: Floats, nodes: Floats, rooms: Rows, air: Rows, t: int, pressure: float
) -> None:
    """Films at the windows, conductances through panes and gaps, and the sweep from outside to inside."""
    for w in range(panes.size):
        pane = panes[w]
        pane.film_air, pane.film_sky = _outdoor_film(air[t], nodes[w, 0, 0], pane, 1.0)
        pivot = pane.film_air + pane.film_sky
        for i in range(pane.nodes - 1):
            k = i // 2
            if i % 2 == 0:
                link = glass[w, k]
            else:
                outer, inner = nodes[w, i, 0], nodes[w, i + 1, 0]
                gas = (
                    gaps[w, k, 2],
                    gaps[w, k, 3],
                    gaps[w, k, 4],
                    gaps[w, k, 5],
                    gaps[w, k, 6],
                    gaps[w, k, 7],
                    gaps[w, k, 8],
                )
                link = gap_conductance(outer + KELVIN, inner + KELVIN, gaps[w, k, 0], pane.height, gas)
                link += _long_waves(gaps[w, k, 1], outer, inner)
            pivot += link
            nodes[w, i, 2], nodes[w, i, 4] = link, 1.0 / pivot
            nodes[w, i, 3] = link * nodes[w, i, 4]
            pivot = link * (1.0 - nodes[w, i, 3])
        surface, room = nodes[w, pane.nodes - 1, 0], rooms[pane.zone]
        pane.convection = still_air_at_pane(
            surface + KELVIN, room.air + KELVIN, pane.height, pane.sin_tilt, pane.critical, pressure
        )
        pane.radiation = pane.radiant_inside * _long_waves(1.0, surface, room.radiant)
        pane.resistance = 1.0 / (pivot + pane.convection + pane.radiation)
        pane.pull_air = pane.area * pane.convection * pane.resistance
        pane.pull_radiant = pane.area * pane.radiation * pane.resistance


@njit(cache=True, error_model="numpy")
def _sum_faces(walls: Rows, panes: Rows, rooms: Rows) -> None:
    """Sum the faces' part of the two equations of each room, for its air Ta and surroundings Tr.

    They are::

        a_air Ta - a_both Tr = b_air
        a_radiant Tr - a_both Ta = b_radiant

    A face is at ``(known + convection Ta + radiation Tr) resistance``.
    """
    for z in range(rooms.size):
        rooms[z].a_air = rooms[z].a_both = rooms[z].a_radiant = 0.0
    for w in range(walls.size):
        wall = walls[w]
        room = rooms[wall.zone]
        room.a_air += wall.area * wall.convection - wall.pull_air * wall.convection
        room.a_both += wall.pull_air * wall.radiation
        room.a_radiant += wall.area * wall.radiation - wall.pull_radiant * wall.radiation
        if wall.kind == PARTITION:
            rooms[wall.behind].a_air += wall.area * wall.film_air
            rooms[wall.behind].a_radiant += wall.area * wall.film_sky
    for w in range(panes.size):
        pane = panes[w]
        room = rooms[pane.zone]
        room.a_air += pane.area * pane.convection - pane.pull_air * pane.convection
        room.a_both += pane.pull_air * pane.radiation
        room.a_radiant += pane.area * pane.radiation - pane.pull_radiant * pane.radiation


@njit(cache=True, error_model="numpy")
def _ask_walls(
    walls: Rows,
    memory: Floats,
    inner: Floats,
    sun_outside: Floats,
    sun_inside: Floats,
    lit: int,
    rooms: Rows,
    air: Rows,
    ground: Floats,
    t: int,
    z: int,
) -> tuple[float, float]:
    """What the walls of a room give to the right of its equations, W."""
    b_air, b_radiant = 0.0, 0.0
    outdoor, sky = air[t].temperature, air[t].sky
    for w in range(rooms[z].first_wall, rooms[z].last_wall):
        wall = walls[w]
        count = wall.inner
        outer, known = sun_outside[lit, w], sun_inside[lit, w]
        if wall.kind == PARTITION:
            outer += wall.film_air * rooms[wall.behind].air + wall.film_sky * rooms[wall.behind].radiant
        elif wall.kind == GROUND:
            outer += wall.film_air * ground[t]
        else:
            outer += wall.film_air * outdoor + wall.film_sky * sky
        if count > 0:
            for i in range(count):
                kept = 0.0
                for j in range(count):
                    kept += memory[w, i, j] * inner[w, j, 1]
                inner[w, i, 2] = kept
            outer += wall.link_outside * inner[w, 0, 2]
            known += wall.link_inside * inner[w, count - 1, 2]
        share = (outer + wall.store_outside * wall.past_outside) * wall.yielding
        known += wall.store_inside * wall.past_inside + wall.between * share
        wall.share, wall.known = share, known
        b_air += wall.pull_air * known
        b_radiant += wall.pull_radiant * known
    return b_air, b_radiant


@njit(cache=True, error_model="numpy")
def _ask_neighbours(walls: Rows, partitions: NDArray[np.int64], z: int) -> tuple[float, float]:
    """What the neighbours' partitions give to the right of a room's equations, W."""
    b_air, b_radiant = 0.0, 0.0
    for k in range(partitions.size):
        wall = walls[partitions[k]]
        if wall.behind == z:
            b_air += wall.area * wall.film_air * wall.face_outside
            b_radiant += wall.area * wall.film_sky * wall.face_outside
    return b_air, b_radiant


@njit(cache=True, error_model="numpy")
def _ask_panes(
    panes: Rows, nodes: Floats, sunlight: Floats, lit: int, rooms: Rows, air: Rows, t: int, z: int
) -> tuple[float, float]:
    """What the windows of a room give to the right of its equations, W."""
    b_air, b_radiant = 0.0, 0.0
    for w in range(rooms[z].first_pane, rooms[z].last_pane):
        pane = panes[w]
        known = pane.film_air * air[t].temperature + pane.film_sky * air[t].sky + sunlight[lit, w, 0]
        for i in range(pane.nodes - 1):
            nodes[w, i, 1] = known
            known = sunlight[lit, w, i + 1] + nodes[w, i, 3] * known
        pane.known = known
        b_air += pane.pull_air * known
        b_radiant += pane.pull_radiant * known
    return b_air, b_radiant


@njit(cache=True, error_model="numpy")
def _close(
    b_air: float, b_radiant: float, rooms: Rows, use: Rows, air: Rows, t: int, z: int, per_s: float
) -> tuple[float, float]:
    """Solve a room with its air flows, gains and plant.

    Returns:
        What the plant gives to hold the set-points, W (cold below 0), and the heat of the supply coil, W.
    """
    room, now, outdoor = rooms[z], use[t, z], air[t].temperature
    store = room.store * per_s
    fresh = air[t].heat_capacity * now.outdoor_air + room.loss
    mechanical = air[t].heat_capacity * now.mechanical
    recovered = outdoor + room.recovery * (room.air - outdoor)
    if outdoor < room.air and room.air > room.bypass_above:
        recovered = outdoor
    supply = max(recovered, room.supply_minimum)
    a_air, a_both, a_radiant = room.a_air + store + fresh + mechanical, room.a_both, room.a_radiant
    b_air += store * room.past_air + fresh * outdoor + mechanical * supply + now.convective
    b_radiant += now.radiant
    weight = 1.0 / (a_air * a_radiant - a_both * a_both)
    free = (b_air * a_radiant + a_both * b_radiant) * weight
    power = 0.0
    if free < now.heating_setpoint:
        share = room.convective_share
        answer = (share * a_radiant + (1.0 - share) * a_both) * weight
        power = min((now.heating_setpoint - free) / answer, now.heating_capacity)
        b_air += share * power
        b_radiant += (1.0 - share) * power
    elif free > now.cooling_setpoint:
        power = max((now.cooling_setpoint - free) / (a_radiant * weight), -now.cooling_capacity)
        b_air += power
    new = (b_air * a_radiant + a_both * b_radiant) * weight
    room.radiant = (a_air * b_radiant + a_both * b_air) * weight
    room.past_air = AHEAD * new - BACK * room.air
    room.air = new
    return power, mechanical * (supply - recovered)


@njit(cache=True, error_model="numpy")
def _settle_walls(walls: Rows, spread: Floats, inner: Floats, rooms: Rows, z: int) -> None:
    """Give the walls of a room the temperatures that go with it."""
    air, radiant = rooms[z].air, rooms[z].radiant
    for w in range(rooms[z].first_wall, rooms[z].last_wall):
        wall = walls[w]
        inside = (wall.known + wall.convection * air + wall.radiation * radiant) * wall.resistance
        outside = wall.share + wall.coupling * inside
        wall.past_outside = AHEAD * outside - BACK * wall.face_outside
        wall.past_inside = AHEAD * inside - BACK * wall.face_inside
        wall.face_outside, wall.face_inside = outside, inside
        for i in range(wall.inner):
            new = inner[w, i, 2] + spread[w, i, 0] * outside + spread[w, i, 1] * inside
            inner[w, i, 1] = AHEAD * new - BACK * inner[w, i, 0]
            inner[w, i, 0] = new


@njit(cache=True, error_model="numpy")
def _settle_panes(panes: Rows, nodes: Floats, rooms: Rows, z: int) -> None:
    """Give the windows of a room the temperatures that go with it."""
    for w in range(rooms[z].first_pane, rooms[z].last_pane):
        pane, last = panes[w], panes[w].nodes - 1
        warm = pane.convection * rooms[z].air + pane.radiation * rooms[z].radiant
        nodes[w, last, 0] = (pane.known + warm) * pane.resistance
        for i in range(last - 1, -1, -1):
            nodes[w, i, 0] = (nodes[w, i, 1] + nodes[w, i, 2] * nodes[w, i + 1, 0]) * nodes[w, i, 4]
