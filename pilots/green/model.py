"""One city's green within a run: SimPy wakes it for leaves, storms, works and the turn of the year.

Between two events nothing happens that arrays cannot do at once. A year is grown in one call on all trees of all
members; the days in between only change how much light the crowns let through, which is written to the other
pilots as it changes.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import simpy
import xarray as xr
from numpy.typing import NDArray

from pilots.green.city.climate import Years
from pilots.green.city.forest import Forest
from pilots.green.city.inventory import FOREST_CANOPY, Inventory
from pilots.green.city.light import CrownShade
from pilots.green.city.summary import Summary
from pilots.green.growth.species import INDEX, match_species
from pilots.green.growth.year import ASH_DIEBACK_PER_YEAR, ELM_DISEASE_PER_YEAR, Hazards
from pilots.green.leaf_area import leaf_share
from pilots.green.radiation.leaves import FULL_LEAF_AREA_INDEX, Foliage
from pilots.green.scenario import GreenScenario
from twin.pilot import CityModel, Estimate
from twin.world import World

Floats = NDArray[np.float64]
Events = Generator[simpy.Event, Any, None]

DAY_S = 86_400
FELLING_DOY, PLANTING_DOY, PRUNING_DOY, STORM_SEASON = 75, 288, 60, (260, 425)
YEARS_TO_REGROW = 6.0
DEATH, STORM, PRUNING = range(3)
LEAST_CHANGE = 0.02
"""A signal is written anew when the leaves have changed by this share."""

MIXES = {
    "diverse": ("Tilia cordata", "Acer platanoides", "Quercus robur", "Sorbus intermedia", "Prunus padus", "Alnus glutinosa",
                "Betula pendula", "Ulmus laevis", "Malus domestica", "Pinus sylvestris", "Fagus sylvatica", "Corylus colurna"),
    "drought_hardy": ("Quercus robur", "Pinus sylvestris", "Sorbus intermedia", "Acer platanoides", "Corylus colurna", "Populus nigra"),
}  # fmt: skip


@dataclass
class Yearbook:
    """What each year leaves behind (one entry per year, members in the last axis)."""

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
    """Trees felled for a project and those planted for them.

    Attributes:
        felled: The felled trees as they would have lived on; None if none were felled.
        count: How many, weighted.
    """

    felled: Forest | None = None
    count: float = 0.0


class CityGreen(CityModel):
    """The trees and green areas of one city."""

    def __init__(
        self,
        city: str,
        inventory: Inventory,
        forest: Forest,
        years: Years,
        shade: Mapping[str, CrownShade],
        summary: Summary,
        scenario: GreenScenario,
        world: World,
    ) -> None:
        self.city = city
        self.inventory = inventory
        self.forest = forest
        self.years = years
        self.shade = shade
        self.summary = summary
        self.scenario = scenario
        self.world = world
        self.first_year = world.start.year
        self.works = Works()
        self.yearbook = Yearbook()
        rows = years.leaf_on_doy.shape[1]
        self.seeds = world.rng("luck of trees", city).integers(0, 2**63, (rows, 3))
        self.storms = world.rng("storms", city)
        self.gardener = world.rng("works", city)
        self.severity = np.exp(world.rng("dieback", city).normal(0.0, 0.4, forest.members))
        self.severity[0] = 1.0
        self.planted = len(inventory.trees)
        self._written = -1.0
        self._keep_books(np.zeros(forest.members), np.zeros(forest.members), np.zeros(forest.members))

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
        first = datetime(self.first_year + year, 1, 1, tzinfo=UTC)
        return int((first - self.world.start).total_seconds() + day_of_year * DAY_S)

    def _until(self, second: int) -> simpy.Event:
        return self.world.env.timeout(max(second - self.world.env.now, 0))

    def _works(self) -> Events:
        """Fell and prune in spring, plant in autumn."""
        scenario = self.scenario
        for year in range(self.years.leaf_on_doy.shape[1]):
            if scenario.prune_every_years:
                if self._at(year, PRUNING_DOY) >= 0:
                    yield self._until(self._at(year, PRUNING_DOY))
                    luck = self._luck(year, PRUNING)
                    self.forest.prune(1.0 / scenario.prune_every_years, scenario.prune_depth, luck)
            if year == 0 and scenario.fell_trees:
                yield self._until(self._at(year, FELLING_DOY))
                self._fell()
            yield self._until(self._at(year, PLANTING_DOY))
            if year == 0 and self.works.felled is not None:
                self._plant_replacements()
            self._plant(scenario.plant_per_year)

    def _weather(self) -> Events:
        """Severe storms, mostly in autumn and winter, at the same times for every scenario."""
        for year in range(self.years.leaf_on_doy.shape[1]):
            count = self.storms.poisson(10.0) if self.scenario.storms_per_decade else 0
            days = np.sort(self.storms.uniform(*STORM_SEASON, count))
            gusts = 24.0 + self.storms.gumbel(0.0, 3.0, (count, self.forest.members))
            kept = self.storms.random(count) < self.scenario.storms_per_decade / 100.0
            for day, gust in zip(days[kept], gusts[kept], strict=True):
                if 0 <= self._at(year, day) < self.world.end_s:
                    yield self._until(self._at(year, day))
                    in_leaf = self._leaf_share_on(self.world.env.now) > 0.5
                    self.forest.storm(gust, in_leaf=bool(in_leaf), luck=self._luck(year, STORM))

    def _calendar(self) -> Events:
        """The end of each year's growth."""
        for year in range(self.years.leaf_on_doy.shape[1]):
            end = self._at(year, 366.0)
            if end > self.world.end_s:
                return
            yield self._until(end)
            self._year(year)

    def _year(self, year: int) -> None:
        forest, scenario = self.forest, self.scenario
        before = forest.total(forest.carbon_kg)
        forest.regrow(YEARS_TO_REGROW)
        forest.grow(self.years, year)
        growth = forest.total(forest.carbon_kg) - before
        lost = forest.lost.copy()
        if scenario.ash_dieback:
            forest.sicken(ASH_DIEBACK_PER_YEAR, self.severity)
        hazards = Hazards(by_species=ELM_DISEASE_PER_YEAR if scenario.elm_disease else {})
        luck = self._luck(year, DEATH)
        forest.die(hazards, self.years.stress[:, year], luck)
        if self.works.felled is not None:
            ghosts = self.works.felled
            ghosts.grow(self.years, year)
            if scenario.ash_dieback:
                ghosts.sicken(ASH_DIEBACK_PER_YEAR, self.severity)
            ghosts.die(hazards, self.years.stress[:, year], luck)
        died = forest.lost - lost
        self._plant(round(float(died.mean() / self._mean_weight()) * scenario.replace_losses))
        self._keep_books(died, growth, forest.rot())

    def _luck(self, year: int, purpose: int) -> Floats:
        """One uniform number for each tree that ever stood; the same in every scenario."""
        return np.random.default_rng(int(self.seeds[year, purpose])).random(self.planted)

    def _mean_weight(self) -> float:
        return float(self.inventory.weight.mean())

    def _fell(self) -> None:
        trees = self.inventory.trees
        large = np.flatnonzero(trees.dbh_cm >= self.scenario.fell_least_dbh_cm)
        count = min(round(self.scenario.fell_trees / self._mean_weight()), len(large))
        chosen = np.sort(self.gardener.permutation(large)[: max(count, 1)]) if len(large) else large
        self.works.felled = self.forest.fell(chosen)
        self.works.count = float(self.works.felled.total(np.ones(len(self.works.felled.tree)))[0])

    def _plant_replacements(self) -> None:
        kind = match_species(self.scenario.replace_species).index
        number = max(round(self.works.count * self.scenario.replace_ratio / self._mean_weight()), 0)
        self._put(np.full(number, kind, np.int16), self.scenario.replace_dbh_cm, tag=2)

    def _plant(self, count: int) -> None:
        number = round(count / self._mean_weight()) if count == self.scenario.plant_per_year else count
        if number <= 0:
            return
        mix = self.scenario.plant_mix
        if mix == "as_standing":
            kinds = self.gardener.choice(self.inventory.trees.species, number)
        else:
            kinds = self.gardener.choice([INDEX[name] for name in MIXES[mix]], number)
        self._put(kinds.astype(np.int16), self.scenario.plant_dbh_cm, tag=1)

    def _put(self, kinds: NDArray[np.int16], dbh_cm: float, *, tag: int) -> None:
        district = self.gardener.choice(self.inventory.district, len(kinds)) if len(kinds) else np.empty(0, np.int64)
        if self.scenario.plant_where == "least_canopy" and len(kinds):
            district = self.gardener.choice(self._barest_districts(), len(kinds))
        weight = np.full(len(kinds), self._mean_weight())
        self.forest.plant(kinds, dbh_cm, district.astype(np.int64), weight, tag, self.planted)
        self.planted += len(kinds)

    def _barest_districts(self) -> NDArray[np.int64]:
        """The third of the districts with trees that has least canopy."""
        cover = self.district_canopy()[0]
        present = np.unique(self.inventory.district[self.inventory.district >= 0])
        order = present[np.argsort(cover[present], kind="stable")]
        return order[: max(len(order) // 3, 1)]

    def _keep_books(self, died: Floats, growth: Floats, decay: Floats) -> None:
        forest, book = self.forest, self.yearbook
        crowns, carbon, leaves = forest.crown_area_m2, forest.carbon_kg, forest.leaf_area_m2
        book.crown_area_m2.append(forest.total(crowns))
        book.carbon_kg.append(forest.total(carbon))
        book.leaf_area_m2.append(forest.total(leaves))
        book.trees.append(forest.total(np.ones(len(crowns))))
        book.died.append(died)
        book.growth_kg.append(growth)
        book.decay_kg.append(decay)
        new = forest.tag == 2
        book.replaced.append(np.stack([forest.total(v, new) for v in (crowns, carbon, leaves)]))
        ghosts = self.works.felled
        nothing = np.zeros((3, forest.members))
        book.felled.append(
            nothing if ghosts is None
            else np.stack([ghosts.total(v) for v in (ghosts.crown_area_m2, ghosts.carbon_kg, ghosts.leaf_area_m2)])
        )  # fmt: skip

    def canopy_share(self, crown_area_m2: Floats) -> Floats:
        """Share of land under crowns from their summed area: crowns overlap by chance as they do at the start."""
        land = self.inventory.land_m2
        forest = self.inventory.forest_m2 * FOREST_CANOPY / land
        return np.asarray((1.0 - np.exp(-crown_area_m2 / land * self.summary.spread)) / self.summary.spread + forest)

    def district_canopy(self) -> Floats:
        """Share of canopy by member and district."""
        area = self.inventory.districts.geometry.area.to_numpy()
        return np.asarray(1.0 - np.exp(-self.forest.by_district(self.forest.crown_area_m2, len(area)) / area))

    def _leaf_share_on(self, second: float) -> float:
        day = self.world.at(int(min(second, self.world.end_s)))
        year = min(max(day.year - self.first_year, 0), self.years.leaf_on_doy.shape[1] - 1)
        doy = day.timetuple().tm_yday
        return float(leaf_share(doy, self.years.leaf_on_doy[0, year], self.years.leaf_off_doy[0, year]))

    def _tell(self, second: int) -> None:
        """Write the signals if the leaves have changed enough to matter."""
        share = self._leaf_share_on(second)
        if abs(share - self._written) < LEAST_CHANGE and 0.0 < share < 1.0 - LEAST_CHANGE / 2:
            return
        if self._written in {0.0, 1.0} and round(share, 2) == self._written:
            return
        self._written = round(share, 2) if share < LEAST_CHANGE / 2 or share > 1 - LEAST_CHANGE / 2 else share
        foliage = Foliage(leaf_area_index=FULL_LEAF_AREA_INDEX * share)
        for signal, shade in self.shade.items():
            self.world.signals.write(signal, self.city, shade.transmittance(foliage))
        self.world.signals.write("canopy_air_temperature_offset", self.city, self.summary.offset_k * share)

    def data(self) -> xr.Dataset:
        """Yearly series with their intervals, and indicators by district."""
        return self.summary.dataset(self)

    def kpis(self) -> Mapping[str, float | Estimate]:
        """All indicators; those that are random with P10 and P90 of the ensemble."""
        return self.summary.kpis(self)

    def balances(self) -> Mapping[str, tuple[float, float]]:
        """Trees are neither made nor lost: those that stand, died and were felled are those that ever stood."""
        forest = self.forest
        first = forest.member == 0
        standing = float(forest.weight[first].sum()) + float(forest.lost[0]) + self.works.count
        ever = float(self.inventory.weight.sum()) + (self.planted - len(self.inventory.trees)) * self._mean_weight()
        return {"trees": (ever, standing)}
