"""One city's green within a run: SimPy wakes it for leaves, storms, works and the turn of the year.

Between two events nothing happens that arrays cannot do at once. A year is grown in one call on all trees of
all members; the days in between only change how much light the crowns let through, which is written to the
other pilots as it changes.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import simpy
import xarray as xr
from numpy.typing import NDArray

from pilots.green.city.climate import Years
from pilots.green.city.forest import PLANTED, REPLACEMENT, Forest
from pilots.green.city.ground import Ground
from pilots.green.city.inventory import Inventory, forest_share
from pilots.green.city.light import CrownShade, Lookout, shade_at
from pilots.green.city.nursery import TREES_PER_GRADE, Nursery, services_of
from pilots.green.city.snapshots import Snapshot, bodies_of, snapshot
from pilots.green.city.summary import Summary, typical_members
from pilots.green.city.yards import YardClimate
from pilots.green.growth.species import INDEX, SPECIES, match_species
from pilots.green.growth.year import ASH_DIEBACK_PER_YEAR, ELM_DISEASE_PER_YEAR, Hazards
from pilots.green.leaf_area import leaf_share
from pilots.green.radiation.leaves import FULL_LEAF_AREA_INDEX, Foliage
from pilots.green.scenario import GreenScenario
from twin.pilot import CityModel, Estimate
from twin.world import World

Floats = NDArray[np.float64]
Events = Generator[simpy.Event, Any, None]

DAY_S = 86_400
PRUNING_DOY, FELLING_DOY, SEASON_END_DOY, PLANTING_DOY = 60, 75, 273, 288
STORM_SEASON = (260, 425)
YEARS_TO_REGROW = 6.0
DEATH, STORM, PRUNING, REPLANTING, KIND, NURSERY = range(6)
SNAPSHOT_EVERY_YEARS, SHADE_EVERY_YEARS = 10, 5
MOST_ROWS = 500
"""Trees planted at one time are at most so many rows; each then stands for several."""

LEAST_CHANGE = 0.02
"""A signal is written anew when the leaves have changed by this share."""

STORMS_DRAWN_PER_YEAR = 10.0
"""Storms are thinned from so many: a scenario with more storms has those of one with fewer among them."""

MIXES = {
    "diverse": ("Tilia cordata", "Acer platanoides", "Quercus robur", "Sorbus intermedia", "Prunus padus",
                "Alnus glutinosa", "Betula pendula", "Ulmus laevis", "Malus domestica", "Pinus sylvestris",
                "Fagus sylvatica", "Corylus colurna"),
    "drought_hardy": ("Quercus robur", "Pinus sylvestris", "Sorbus intermedia", "Acer platanoides",
                      "Corylus colurna", "Populus nigra"),
}  # fmt: skip


@dataclass
class Yearbook:
    """What the end of each year leaves behind: one entry per year, the start first; members last."""

    crown_area_m2: list[Floats] = field(default_factory=list)
    carbon_kg: list[Floats] = field(default_factory=list)
    leaf_area_m2: list[Floats] = field(default_factory=list)
    trees: list[Floats] = field(default_factory=list)
    died: list[Floats] = field(default_factory=list)
    growth_kg: list[Floats] = field(default_factory=list)
    decay_kg: list[Floats] = field(default_factory=list)
    felled: list[Floats] = field(default_factory=list)
    replaced: list[Floats] = field(default_factory=list)


@dataclass
class Works:
    """Trees felled for a project and those that could be planted for them.

    Attributes:
        felled: The felled trees as they would have lived on.
        nursery: Young trees of each grade beside them.
        count: How many were felled.
        places: Where they stood (trees x 2).
    """

    felled: Forest
    nursery: Nursery
    count: float
    places: Floats


class CityGreen(CityModel):
    """The trees and green areas of one city."""

    def __init__(
        self,
        city: str,
        timezone: str,
        inventory: Inventory,
        ground: Ground,
        forest: Forest,
        years: Years,
        lookouts: Mapping[str, Lookout],
        summary: Summary,
        scenario: GreenScenario,
        world: World,
    ) -> None:
        self.city = city
        self.inventory = inventory
        self.ground = ground
        self.forest = forest
        self.years = years
        self.lookouts = lookouts
        self.summary = summary
        self.scenario = scenario
        self.world = world
        self.zone = ZoneInfo(timezone)
        self.first_year = world.start.astimezone(self.zone).year
        self.works: Works | None = None
        self.yearbook = Yearbook()
        self.snapshots: list[Snapshot] = []
        self.notes: list[str] = []
        self.seeds = world.rng("luck of trees", city).integers(0, 2**63, (years.count, NURSERY + 1))
        self.storms = world.rng("storms", city)
        self.gardener = world.rng("works", city)
        self.severity = np.exp(world.rng("dieback", city).normal(0.0, 0.4, forest.members))
        self.severity[0] = 1.0
        self.planted = 0.0
        self._lost = np.zeros(forest.members)
        self._written = -1.0
        self._look()
        self._remember(-1)
        self._keep_books(np.zeros(forest.members), np.zeros(forest.members))

    def run(self) -> Events:
        """Let the seasons, the storms and the works go on, and tell the other pilots."""
        env = self.world.env
        for process in (self._works(), self._weather(), self._calendar()):
            env.process(process)
        while env.now < self.world.end_s:
            window = yield self.world.turn()
            self._tell(window.end_s)

    def _at(self, year: int, day_of_year: float) -> int:
        """Seconds from the start of the run to a day; days beyond the year run on into the next."""
        first = datetime(self.first_year + year, 1, 1, tzinfo=self.zone).astimezone(UTC)
        return int((first - self.world.start).total_seconds() + day_of_year * DAY_S)

    def _until(self, second: int) -> simpy.Event:
        return self.world.env.timeout(max(second - self.world.env.now, 0))

    def _works(self) -> Events:
        """Fell and prune in spring, plant in autumn."""
        scenario = self.scenario
        for year in range(self.years.count):
            if scenario.prune_every_years and self._at(year, PRUNING_DOY) >= 0:
                yield self._until(self._at(year, PRUNING_DOY))
                luck = self._luck(year, PRUNING)
                self.forest.prune(1.0 / scenario.prune_every_years, scenario.prune_depth, luck)
            if year == 0 and scenario.fell_trees:
                yield self._until(self._at(year, FELLING_DOY))
                self._fell()
            yield self._until(self._at(year, PLANTING_DOY))
            if year == 0:
                self._plant_replacements()
                self._put(self.ground.school_places(scenario.plant_at_schools, self.gardener), PLANTED)
            if year < scenario.plant_years:
                self._plant()

    def _weather(self) -> Events:
        """Severe storms, mostly in autumn and winter, at the same times for every scenario."""
        share = self.scenario.storms_per_decade / 10.0 / STORMS_DRAWN_PER_YEAR
        for year in range(self.years.count):
            count = self.storms.poisson(STORMS_DRAWN_PER_YEAR)
            days = np.sort(self.storms.uniform(*STORM_SEASON, count))
            gusts = 24.0 + self.storms.gumbel(0.0, 3.0, (count, self.forest.members))
            kept = self.storms.random(count) < share
            for day, gust in zip(days[kept], gusts[kept], strict=True):
                if 0 <= self._at(year, day) < self.world.end_s:
                    yield self._until(self._at(year, day))
                    self._storm(gust, self._luck(year, STORM))

    def _storm(self, gust: Floats, luck: Floats) -> None:
        in_leaf = self._leaf_share_on(self.world.env.now) > 0.5
        for forest in (self.forest, *((self.works.felled,) if self.works else ())):
            forest.storm(gust, in_leaf=bool(in_leaf), luck=luck)

    def _calendar(self) -> Events:
        """The end of each season, when what has grown and died is known, and the turn of the year."""
        for year in range(self.years.count):
            if self._at(year, SEASON_END_DOY) >= 0:
                yield self._until(self._at(year, SEASON_END_DOY))
                growth = self._season(year)
            else:
                growth = np.zeros(self.forest.members)
            if self._at(year + 1, 0.0) > self.world.end_s:
                return
            yield self._until(self._at(year + 1, 0.0))
            self._keep_books(growth, self.forest.rot())
            self._take_pictures(year)

    def _season(self, year: int) -> Floats:
        """Grow, sicken, die; plant the gaps anew. Returns the carbon taken up, kg by member."""
        self.forest.regrow(YEARS_TO_REGROW)
        death = self._luck(year, DEATH)
        growth = self._live(self.forest, year, death)
        if self.works:
            self._live(self.works.felled, year, death)
        if self.works and year > 0:
            young = self.works.nursery.forest
            # Trees of all grades have the same luck, so that grades differ by size alone.
            luck = self._draw(year, NURSERY, TREES_PER_GRADE)
            self._live(young, year, np.tile(luck, (len(self.works.nursery.grades_cm), 1)))
        kinds = self._kinds(self._luck(year, KIND)[:, 0])
        share, dbh_cm = self.scenario.replace_losses, self.scenario.plant_dbh_cm
        self.forest.replant(share, kinds, dbh_cm, self._luck(year, REPLANTING))
        return growth

    def _live(self, forest: Forest, year: int, luck: Floats) -> Floats:
        """A season of a forest. Returns the carbon taken up, kg by member."""
        scenario = self.scenario
        before = forest.total(forest.carbon_kg)
        forest.grow(self.years, year)
        growth = forest.total(forest.carbon_kg) - before
        if scenario.ash_dieback:
            forest.sicken(ASH_DIEBACK_PER_YEAR, self.severity * scenario.dieback_speed)
        elms = ELM_DISEASE_PER_YEAR if scenario.elm_disease else {}
        hazards = Hazards(by_species={name: rate * scenario.dieback_speed for name, rate in elms.items()})
        forest.die(hazards, self.years.stress[:, year], luck)
        return np.asarray(growth)

    def _take_pictures(self, year: int) -> None:
        last = self._at(year + 2, 0.0) > self.world.end_s
        if last or (year + 1) % SNAPSHOT_EVERY_YEARS == 0:
            self._remember(year)
        if (year + 1) % SHADE_EVERY_YEARS == 0:
            self._look()

    def _luck(self, year: int, purpose: int) -> Floats:
        """A uniform number for each tree that ever stood in each member; the same in every scenario."""
        return self._draw(year, purpose, len(self.ground))

    def _draw(self, year: int, purpose: int, count: int) -> Floats:
        return np.random.default_rng(int(self.seeds[year, purpose])).random((count, self.forest.members))

    def _fell(self) -> None:
        scenario, trees = self.scenario, self.inventory.trees
        wanted = (trees.dbh_cm >= scenario.fell_least_dbh_cm) & _named(trees.species, scenario.fell_species)
        candidates = np.flatnonzero(wanted & self.ground.in_project())
        standing = float(self.inventory.weight[candidates].sum())
        if standing < scenario.fell_trees:
            self.notes.append(
                f"{scenario.fell_trees} trees were to be felled, {standing:,.0f} such trees stand here"
            )
        if not len(candidates):
            return
        chosen = np.sort(self.gardener.permutation(candidates)[: scenario.fell_trees])
        felled = self.forest.fell(chosen, scenario.fell_trees / len(chosen))
        kind = match_species(scenario.replace_species).index
        places = np.column_stack([self.ground.x_m[chosen], self.ground.y_m[chosen]])
        count = float(felled.total(np.ones(len(felled.tree)))[0])
        self.works = Works(felled, Nursery.of(self.forest, kind, scenario.replace_dbh_cm), count, places)

    def _plant_replacements(self) -> None:
        if self.works is None:
            return
        count = round(self.works.count * self.scenario.replace_ratio)
        kind = match_species(self.scenario.replace_species).index
        rows = min(count, MOST_ROWS)
        if self.ground.project.area is None:
            points = self.ground.near(self.works.places, rows, self.gardener)
        else:
            points = self.ground.places(rows, "everywhere", self.district_canopy()[0], self.gardener)
        if len(points) < rows:
            self.notes.append(f"the street has room for {len(points)} of {rows} replacements")
        if rows:
            self._put(points, REPLACEMENT, kind=kind, each=count / rows, dbh_cm=self.scenario.replace_dbh_cm)

    def _plant(self) -> None:
        count = self.scenario.plant_per_year
        if count == 0:
            return
        rows = min(count, MOST_ROWS)
        points = self.ground.places(rows, self.scenario.plant_where, self.district_canopy()[0], self.gardener)
        self._put(points, PLANTED, each=count / rows)

    def _put(
        self,
        points: Floats,
        tag: int,
        *,
        kind: int | None = None,
        each: float = 1.0,
        dbh_cm: float | None = None,
    ) -> None:
        """Plant trees at places."""
        if not len(points):
            return
        first = len(self.ground)
        district = self.ground.add(points)
        kinds = self._kinds(self.gardener.random(len(points)))
        chosen = kinds if kind is None else np.full(len(points), kind, np.int16)
        self.forest.plant(chosen, dbh_cm or self.scenario.plant_dbh_cm, district, each, tag, first)
        self.planted += each * len(points)

    def _kinds(self, luck: Floats) -> NDArray[np.int16]:
        """Species of the scenario's mix, drawn by uniform numbers."""
        mix = self.scenario.plant_mix
        pool = (
            self.inventory.trees.species
            if mix == "as_standing"
            else np.array([INDEX[name] for name in MIXES[mix]])
        )
        return pool[(luck * len(pool)).astype(np.int64)].astype(np.int16)

    def _keep_books(self, growth: Floats, decay: Floats) -> None:
        forest, book = self.forest, self.yearbook
        crowns, carbon, shade = services_of(forest)
        book.crown_area_m2.append(forest.total(crowns))
        book.carbon_kg.append(forest.total(carbon))
        book.leaf_area_m2.append(forest.total(forest.leaf_area_m2))
        book.trees.append(forest.total(np.ones(len(crowns))))
        book.died.append(forest.lost - self._lost)
        book.growth_kg.append(growth)
        book.decay_kg.append(decay)
        self._lost = forest.lost.copy()
        new = forest.tag == REPLACEMENT
        book.replaced.append(np.stack([forest.total(v, new) for v in (crowns, carbon, shade)]))
        if self.works:
            self.works.nursery.note()
        felled = self.works.felled if self.works else forest.none()
        book.felled.append(np.stack([felled.total(v) for v in services_of(felled)]))

    def _remember(self, year: int) -> None:
        on, off = self.years.leaf_on_doy[0, max(year, 0)], self.years.leaf_off_doy[0, max(year, 0)]
        self.snapshots.append(snapshot(self.forest, self.ground, self.first_year + year, on, off))

    def _look(self) -> None:
        """See anew which crowns stand before windows and over streets."""
        crowns = bodies_of(self.forest, self.ground)
        self.shade: dict[str, CrownShade] = {
            signal: shade_at(place.points, place.eye_m, crowns) for signal, place in self.lookouts.items()
        }

    def canopy_share(self, crown_area_m2: Floats) -> Floats:
        """Share of land under crowns from their summed area, which overlap as they do at the start."""
        land, spread = self.inventory.land_m2, self.summary.spread
        return np.asarray(
            (1.0 - np.exp(-crown_area_m2 / land * spread)) / spread + forest_share(self.inventory)
        )

    def district_canopy(self) -> Floats:
        """Share of canopy by member and district; NaN for districts that the survey does not cover."""
        land, spread = self.inventory.district_land_m2, self.summary.spread
        crowns = self.forest.by_district(self.forest.crown_area_m2, len(land))
        single = (1.0 - np.exp(-crowns / land * spread)) / spread
        return np.asarray(np.minimum(single + self.inventory.district_forest, 1.0))

    def _leaf_share_on(self, second: float) -> float:
        day = self.world.at(int(min(second, self.world.end_s))).astimezone(self.zone)
        year = min(max(day.year - self.first_year, 0), self.years.count - 1)
        doy = day.timetuple().tm_yday
        return float(leaf_share(doy, self.years.leaf_on_doy[0, year], self.years.leaf_off_doy[0, year]))

    def _tell(self, second: int) -> None:
        """Write the signals if the leaves have changed enough to matter."""
        share = self._leaf_share_on(second)
        settled = share in {0.0, 1.0} and share != self._written
        if abs(share - self._written) < LEAST_CHANGE and not settled:
            return
        self._written = share
        foliage = Foliage(leaf_area_index=FULL_LEAF_AREA_INDEX * share)
        for signal, shade in self.shade.items():
            self.world.signals.write(signal, self.city, shade.transmittance(foliage))
        growth = self.yearbook.crown_area_m2[-1][0] / max(float(self.yearbook.crown_area_m2[0][0]), 1e-9)
        self.world.signals.write(
            "canopy_air_temperature_offset", self.city, self.summary.offset_k * share * float(growth)
        )

    @cached_property
    def yards(self) -> list[list[YardClimate]]:
        """The named places at the end of the run, in members of little, middling and much canopy."""
        return [self.summary.yards(self, member) for member in typical_members(self)]

    def data(self) -> xr.Dataset:
        """Yearly series with their intervals, and indicators by district."""
        return self.summary.dataset(self)

    def kpis(self) -> Mapping[str, float | Estimate]:
        """All indicators; those that are random with P10 and P90 of the ensemble."""
        return self.summary.kpis(self)

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """No tree is made or lost: those that stand, died and were felled are those that ever stood."""
        forest = self.forest
        standing = float(forest.weight[forest.member == 0].sum())
        gone = float(forest.lost[0]) + (self.works.count if self.works else 0.0)
        ever = float(self.inventory.weight.sum()) + self.planted + float(forest.replanted[0])
        return {"trees": (ever, standing + gone)}


def _named(kinds: NDArray[np.int16], name: str) -> NDArray[np.bool_]:
    """Which trees are of a species or genus."""
    wanted = [
        not name or name.casefold() in {kind.name.casefold(), kind.genus.casefold()} for kind in SPECIES
    ]
    return np.array(wanted)[kinds]
