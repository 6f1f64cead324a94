"""One place through the days: beams, walls, ground and the person, in that order, a day at a time.

The geometry is looked at once (`Place`); then each day needs the sun's rays, a weighted sum per cell and the
temperatures of walls and ground, which remember the days before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.green.radiation import exchange
from pilots.green.radiation.exchange import Lines, lines, parted
from pilots.green.radiation.leaves import Foliage, leaf_long_w_m2, leaf_short_w_m2
from pilots.green.radiation.person import Person
from pilots.green.radiation.site import Site
from pilots.green.radiation.sky import STEFAN_BOLTZMANN, black_body, dome, upright_view
from pilots.green.radiation.surfaces import FACADE, PAVED, Columns, ground_material
from pilots.green.radiation.sweep import Canopy, Relief, cast
from pilots.green.radiation.views import (
    GroundSamples,
    GroundView,
    Receivers,
    SkyView,
    ground_samples,
    transmission_by_code,
    view_ground,
    view_sky,
)
from pilots.green.radiation.walls import Walls, find_walls
from pilots.green.radiation.weather import Forcing

_FACINGS = 16
_LOWEST_SUN_DEG = 0.5


@dataclass(frozen=True)
class Place:
    """The geometry of a site: what each cell of open ground and each facet of a wall sees.

    Attributes:
        site: The rasters.
        person: Who stands there.
        cells: Cells of open ground whose radiation is computed, at the height of the person.
    """

    site: Site
    person: Person
    cells: Receivers

    @classmethod
    def of(cls, site: Site, person: Person, wanted: NDArray[np.bool_]) -> Place:
        """Look at the wanted cells of a site; buildings are left out."""
        row, column = np.nonzero(wanted & site.open_ground)
        height = site.surface_m[row, column] + np.float32(person.height_m)
        return cls(site, person, Receivers(row.astype(np.int32), column.astype(np.int32), height))

    @cached_property
    def relief(self) -> Relief:
        """What stands in the light's way."""
        return self.site.relief()

    @cached_property
    def walls(self) -> Walls:
        """The facets of all walls."""
        return find_walls(self.site)

    @cached_property
    def facets(self) -> Receivers:
        """The facets as places that receive light."""
        return Receivers(self.walls.row, self.walls.column, self.walls.height_m)

    @cached_property
    def sky(self) -> SkyView:
        """What the cells see of the sky."""
        return view_sky(self.relief, self.cells, self.walls, self.site.convergence_deg)

    @cached_property
    def sky_of_facets(self) -> SkyView:
        """What the facets see of the sky."""
        return view_sky(self.relief, self.facets, self.walls, self.site.convergence_deg)

    @cached_property
    def samples(self) -> GroundSamples:
        """Where a person looks at the ground."""
        return ground_samples(self.site, self.person.height_m)

    @cached_property
    def number(self) -> NDArray[np.int32]:
        """Number of each cell among ``cells``, -1 for the others (rows x columns)."""
        number = np.full(self.site.shape, -1, np.int32)
        number[self.cells.row, self.cells.column] = np.arange(len(self.cells))
        return number

    @cached_property
    def ground(self) -> GroundView:
        """What the cells see of the ground."""
        return view_ground(self.site, self.cells, self.walls)


@dataclass(frozen=True)
class Sunlight:
    """Shares of the beam, mean over the moments of each step with the sun up (receivers x steps).

    Attributes:
        on_person: At the height of the person in each cell.
        on_ground: On the ground of each cell.
        on_facets: On each facet.
    """

    on_person: NDArray[np.float32]
    on_ground: NDArray[np.float32]
    on_facets: NDArray[np.float32]


@dataclass(frozen=True)
class Day:
    """What one day (or part of one) brings; each array has one column per step.

    Attributes:
        forcing: Its weather.
        foliage: Its leaves.
        beam_share: Share of the beam that reaches the person in each cell.
        short_down_w_m2: Short-wave radiation on a horizontal plane at the person, beam included.
        long_down_w_m2: Long-wave radiation on it.
        sideward_w_m2: What the person absorbs of sky, crowns and walls through the four sides, per unit
            weight.
        ground: Radiosity of the cells.
        ground_temperature_c: Temperature of the ground.
        sky: Radiosity of the patches of the sky.
        leaf: Radiosity of crowns.
        wall: Radiosity of facets.
    """

    forcing: Forcing
    foliage: Foliage
    beam_share: NDArray[np.float32]
    short_down_w_m2: NDArray[np.float32]
    long_down_w_m2: NDArray[np.float32]
    sideward_w_m2: NDArray[np.float32]
    ground: Lines
    ground_temperature_c: NDArray[np.float32]
    sky: Lines
    leaf: Lines
    wall: Lines


@dataclass
class Radiation:
    """The radiation of a place, stepped through its weather day by day.

    Attributes:
        place: Its geometry.
        before_c: Mean air temperature of the weeks before the first day.
    """

    place: Place
    before_c: float
    facade: Columns = field(default_factory=lambda: Columns(FACADE))
    ground: dict[int, Columns] = field(default_factory=dict)

    def day(self, forcing: Forcing, foliage: Foliage) -> Day:
        """Compute the next steps; call it with consecutive parts of the weather."""
        place = self.place
        passed = transmission_by_code(foliage)
        light = self._sunlight(forcing, foliage)
        sky = lines(forcing, forcing.sky_short_w_m2.T, forcing.sky_long_w_m2.T)
        leaf = lines(
            forcing, leaf_short_w_m2(forcing).T, np.tile(leaf_long_w_m2(forcing, foliage), (len(dome()), 1))
        )
        wall = self._walls(forcing, light.on_facets, passed)
        planes = np.stack([dome().horizontal, dome().upright.sum(axis=0)])
        above = exchange.from_the_sky(place.sky, passed, planes, sky, leaf, wall)
        level = (forcing.direct_normal_w_m2 * np.sin(np.radians(forcing.sun_altitude_deg))).astype(np.float32)
        short, long = parted(forcing, above[:, 0])
        temperature, ground = self._ground(forcing, foliage, short + level * light.on_ground, long)
        return Day(
            forcing=forcing,
            foliage=foliage,
            beam_share=light.on_person,
            short_down_w_m2=short + level * light.on_person,
            long_down_w_m2=long,
            sideward_w_m2=absorbed_of(forcing, above[:, 1], place.person),
            ground=ground,
            ground_temperature_c=temperature,
            sky=sky,
            leaf=leaf,
            wall=wall,
        )

    def _sunlight(self, forcing: Forcing, foliage: Foliage) -> Sunlight:
        cells, walls = self.place.cells, self.place.walls
        canopy = Canopy.of(self.place.relief, foliage.extinction, foliage.evergreen_extinction)
        counts = (len(cells), len(cells), len(walls))
        person, ground, facets = (np.zeros((len(forcing), count), np.float32) for count in counts)
        for step in np.flatnonzero(forcing.direct_normal_w_m2 > 0):
            up = np.flatnonzero(forcing.ray_altitude_deg[step] > _LOWEST_SUN_DEG)
            for k in up:
                azimuth = forcing.ray_azimuth_deg[step, k] - self.place.site.convergence_deg
                beam = cast(self.place.relief, canopy, azimuth, forcing.ray_altitude_deg[step, k])
                share = beam.on_map(self.place.person.height_m)[cells.row, cells.column] / len(up)
                person[step] += share
                ground[step] += share * beam.on_open_ground()[cells.row, cells.column]
                facets[step] += beam.on(walls.row, walls.column, walls.height_m) / len(up)
        return Sunlight(*(np.ascontiguousarray(share.T) for share in (person, ground, facets)))

    def _walls(self, forcing: Forcing, lit: NDArray[np.float32], passed: NDArray[np.float32]) -> Lines:
        """Radiosity of the facets and, last, of anything else that blocks the view."""
        walls = self.place.walls
        air = black_body(forcing.air_temperature_c)
        beam, diffuse = forcing.direct_normal_w_m2, forcing.diffuse_w_m2
        facing = np.rint(walls.facing_deg / (360.0 / _FACINGS)).astype(np.int64) % _FACINGS
        views = np.stack([upright_view(i * 360.0 / _FACINGS) for i in range(_FACINGS)])
        openness = np.empty(len(walls), np.float32)
        _openness(self.place.sky_of_facets.code, facing, views.astype(np.float32), passed, openness)
        of_open = 2.0 * openness[:, None]
        level = np.cos(np.radians(forcing.sun_altitude_deg))
        incidence = (
            np.maximum(np.cos(np.radians(forcing.sun_azimuth_deg - walls.facing_deg[:, None])), 0.0) * level
        )
        sine = np.sin(np.radians(forcing.sun_altitude_deg))
        short = beam * lit * incidence + of_open * (views @ forcing.sky_short_w_m2.T)[facing]
        # Half of what a wall sees is ground, lit like the wall itself; the rest are walls in diffuse light.
        short += 0.5 * PAVED.albedo * (beam * sine * lit + of_open * diffuse)
        short += 0.5 * (1.0 - of_open) * FACADE.albedo * (diffuse + 0.15 * beam)
        sky_deficit = of_open * ((views @ forcing.sky_long_w_m2.T)[facing] - 0.5 * air)
        absorbed = FACADE.absorptance * short + FACADE.emissivity * sky_deficit
        skin = self.facade.step(absorbed.astype(np.float32), forcing, fresh_from=None)
        long = FACADE.emissivity * black_body(skin.astype(np.float64)) + (1 - FACADE.emissivity) * (
            air + sky_deficit
        )
        elsewhere = 0.15 * (diffuse + 0.3 * beam)
        return lines(forcing, np.vstack([FACADE.albedo * short, elsewhere]), np.vstack([long, air]))

    def _ground(
        self, forcing: Forcing, foliage: Foliage, short: NDArray[np.float32], long: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], Lines]:
        """Temperature and radiosity of the ground below each cell."""
        cells = self.place.cells
        cover = self.place.site.land_cover[cells.row, cells.column]
        air = black_body(forcing.air_temperature_c).astype(np.float32)
        temperature, up_short, up_long = np.empty_like(short), np.empty_like(short), np.empty_like(short)
        for code in np.unique(cover).tolist():
            here = np.flatnonzero(cover == code)
            material = ground_material(code)
            column = self.ground.setdefault(code, Columns(material))
            absorbed = material.absorptance * short[here] + material.emissivity * (long[here] - air)
            skin = column.step(
                absorbed.astype(np.float32),
                forcing,
                fresh_from=self.before_c,
                water_stress=foliage.water_stress,
            )
            temperature[here] = skin
            up_short[here] = material.albedo * short[here]
            emitted = material.emissivity * STEFAN_BOLTZMANN * (skin.astype(np.float64) + 273.15) ** 4
            up_long[here] = emitted + (1 - material.emissivity) * long[here]
        return temperature, lines(forcing, up_short, up_long)


@numba.njit(cache=True)
def _openness(
    code: NDArray[np.uint8],
    facing: NDArray[np.int64],
    views: NDArray[np.float32],
    passed: NDArray[np.float32],
    openness: NDArray[np.float32],
) -> None:
    """View factor of each facet to the sky."""
    for i in range(code.shape[0]):
        total = np.float32(0.0)
        for patch in range(code.shape[1]):
            if code[i, patch] < 128:
                total += views[facing[i], patch] * passed[code[i, patch]]
        openness[i] = total


def absorbed_of(forcing: Forcing, line: Lines, person: Person) -> NDArray[np.float32]:
    """What a person absorbs of the radiation in lines (last axis), in each step."""
    short, long = parted(forcing, line)
    return np.asarray(person.short_absorptance * short + person.long_absorptance * long)


def absorbed_w_m2(place: Place, day: Day) -> NDArray[np.float32]:
    """All radiation that a person absorbs in each cell (cells x steps)."""
    person, samples = place.person, place.samples
    weights = person.upward * samples.upward + person.sideward * samples.sideward.sum(axis=0)
    below = exchange.from_the_ground(
        place.cells,
        place.ground,
        samples,
        weights[None],
        place.number,
        absorbed_of(day.forcing, day.ground, person),
        absorbed_of(day.forcing, day.wall, person),
    )
    above = person.short_absorptance * day.short_down_w_m2 + person.long_absorptance * day.long_down_w_m2
    beam = person.short_absorptance * beam_on_sides_w_m2(day.forcing).sum(axis=0) * day.beam_share
    return np.asarray(
        below[:, 0] + person.upward * above + person.sideward * (day.sideward_w_m2 + beam), np.float32
    )


def beam_on_sides_w_m2(forcing: Forcing) -> NDArray[np.float32]:
    """Unobstructed beam on upright planes facing north, east, south and west (4 x steps)."""
    level = forcing.direct_normal_w_m2 * np.cos(np.radians(forcing.sun_altitude_deg))
    facing = np.array([[0.0], [90.0], [180.0], [270.0]])
    cosine = np.cos(np.radians(forcing.sun_azimuth_deg - facing))
    return np.asarray(level * np.maximum(cosine, 0.0), np.float32)


def six_sides_w_m2(
    place: Place, day: Day, cells: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Short-wave and long-wave radiation on the six sides of a person in some of the cells.

    The sides face up, down, north, east, south and west (each cells x 6 x steps).
    """
    samples, sky = place.samples, dome()
    above = exchange.from_the_sky(
        place.sky.part(cells),
        transmission_by_code(day.foliage),
        np.vstack([sky.horizontal, np.zeros(len(sky)), sky.upright]),
        day.sky,
        day.leaf,
        day.wall,
    )
    below = exchange.from_the_ground(
        place.cells.part(cells),
        place.ground.part(cells),
        samples,
        np.vstack([np.zeros(len(samples.row)), samples.upward, samples.sideward]),
        place.number,
        day.ground,
        day.wall,
    )
    short, long = parted(day.forcing, above + below)
    level = day.forcing.direct_normal_w_m2 * np.sin(np.radians(day.forcing.sun_altitude_deg))
    beam = np.vstack([level, np.zeros_like(level), beam_on_sides_w_m2(day.forcing)])
    return short + (beam * day.beam_share[cells][:, None]).astype(np.float32), long
