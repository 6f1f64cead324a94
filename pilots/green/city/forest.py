"""An ensemble of one city's trees, all members side by side, and what happens to them.

Twenty members of six thousand trees are one stock of a hundred and twenty thousand rows. Members differ in
what is not known: how fast a species grows here, how good its equations are, which trees die. What a planner
does (fell, plant, prune) happens to all members alike; luck is drawn once per tree and year, so that two
scenarios under one seed lose the same trees for the same reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilots.green.city.climate import Years, pace_by_species
from pilots.green.growth.species import SPECIES
from pilots.green.growth.stock import Stock, grown, planted
from pilots.green.growth.year import Hazards, pruned, regrown, sickened, survivors, windthrow_chance
from pilots.green.radiation.leaves import transmissivity

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FIT_SPREAD = 0.22
"""Relative error of the published age equations on their own trees (median over species); persists in a
tree."""

PACE_SPREAD = 0.30
"""Standard deviation of the logarithm of growth here against heat-sum scaling, one per member and species."""

CARBON_SPREAD = 0.30
"""Standard deviation of the logarithm of a species' carbon: half of the 60 % that McHale and others 2009
found for street populations whose equations come from elsewhere."""

LEAF_SPREAD = 0.20
"""The same for leaf area."""

DECAY_PER_YEAR = 0.10
"""Share of the carbon of dead wood released each year."""


STANDING, PLANTED, REPLACEMENT = range(3)
"""Marks of trees: of the first inventory, planted since, planted for felled ones."""


@dataclass(frozen=True)
class Gaps:
    """Places where trees have died: which member, which number, how many, in which district."""

    member: NDArray[np.int32]
    tree: NDArray[np.int64]
    weight: Floats
    district: NDArray[np.int64]


@dataclass
class Forest:
    """The trees of all members.

    Attributes:
        trees: All trees of all members, one after the other.
        member: Member of each.
        tree: Number of the tree within the city, the same in all members.
        weight: How many trees each stands for.
        district: Index of its district, -1 for none.
        natural_ratio: Crown ratio that a pruned tree grows back to.
        size_factor: Growth of each tree relative to its curve.
        members: Number of members.
        pace: Growth of each species relative to heat-sum scaling (members x species).
        carbon_factor: Factor on carbon (members x species).
        leaf_factor: Factor on leaf area (members x species).
        dead_carbon_kg: Carbon in dead wood of each member.
        lost: Trees that died in each member since the start, weighted.
        replanted: Trees of each member planted where others had died, weighted.
        gaps: Places of the dead that nobody has planted anew yet.
        tag: `STANDING`, `PLANTED` or `REPLACEMENT`.
    """

    trees: Stock
    member: NDArray[np.int32]
    tree: NDArray[np.int64]
    weight: Floats
    district: NDArray[np.int64]
    natural_ratio: Floats
    size_factor: Floats
    members: int
    pace: Floats
    carbon_factor: Floats
    leaf_factor: Floats
    tag: NDArray[np.int8]
    dead_carbon_kg: Floats = field(default_factory=lambda: np.zeros(0))
    lost: Floats = field(default_factory=lambda: np.zeros(0))
    replanted: Floats = field(default_factory=lambda: np.zeros(0))
    gaps: list[Gaps] = field(default_factory=list)

    @classmethod
    def of(
        cls, trees: Stock, weight: Floats, district: NDArray[np.int64], members: int, rng: np.random.Generator
    ) -> Forest:
        """Copy a stock into all members; the first has no error of equations."""
        count, kinds = len(trees), len(SPECIES)
        spread = np.array([species.spread for species in SPECIES])
        carbon = np.exp(rng.normal(0.0, CARBON_SPREAD, (members, kinds)) - CARBON_SPREAD**2 / 2)
        leaf = np.exp(rng.normal(0.0, LEAF_SPREAD, (members, kinds)) - LEAF_SPREAD**2 / 2)
        pace = np.exp(rng.normal(0.0, np.hypot(PACE_SPREAD, spread), (members, kinds)))
        own = np.exp(rng.normal(0.0, FIT_SPREAD, count) - FIT_SPREAD**2 / 2)
        for factor in (carbon, leaf, pace):
            factor[0] = 1.0
        everyone = trees.part(np.tile(np.arange(count), members))
        member = np.repeat(np.arange(members, dtype=np.int32), count)
        return cls(
            trees=everyone,
            member=member,
            tree=np.tile(np.arange(count), members),
            weight=np.tile(weight, members),
            district=np.tile(district, members),
            natural_ratio=everyone.crown_ratio.copy(),
            size_factor=np.tile(own, members) * pace[member, everyone.species],
            members=members,
            pace=pace,
            carbon_factor=carbon,
            leaf_factor=leaf,
            tag=np.zeros(count * members, np.int8),
            dead_carbon_kg=np.zeros(members),
            lost=np.zeros(members),
            replanted=np.zeros(members),
        )

    def none(self) -> Forest:
        """A forest without trees whose members are those of this one."""
        return self._part(np.zeros(len(self.trees), np.bool_))

    def total(self, values: Floats, which: Mask | None = None) -> Floats:
        """Weighted sum over the trees of each member."""
        kept = np.ones(len(values), bool) if which is None else which
        return np.asarray(
            np.bincount(self.member[kept], values[kept] * self.weight[kept], self.members), np.float64
        )

    def by_district(self, values: Floats, districts: int) -> Floats:
        """Weighted sum by member and district."""
        inside = self.district >= 0
        place = self.member[inside].astype(np.int64) * districts + self.district[inside]
        sums = np.bincount(place, (values * self.weight)[inside], self.members * districts)
        return np.asarray(sums, np.float64).reshape(self.members, districts)

    @property
    def crown_area_m2(self) -> Floats:
        """Crown projection of each tree higher than 2 m."""
        trees = self.trees
        return np.where(trees.height_m > 2.0, np.pi / 4 * trees.crown_diameter_m**2, 0.0)

    @property
    def crown_volume_m3(self) -> Floats:
        """Crown volume of each tree, an ellipsoid."""
        return np.asarray(np.pi / 6 * self.trees.crown_diameter_m**2 * self.trees.crown_height_m)

    @property
    def leaf_area_m2(self) -> Floats:
        """Leaf area of each tree in full leaf."""
        return np.asarray(self.trees.leaf_area_m2 * self.leaf_factor[self.member, self.trees.species])

    @property
    def shaded_m2(self) -> Floats:
        """Ground shaded in full leaf with the sun overhead: crown area less what the light gets through."""
        crown = self.crown_area_m2
        return np.asarray(crown * (1.0 - transmissivity(self.leaf_area_m2 / np.maximum(crown, 1e-9))))

    @property
    def carbon_kg(self) -> Floats:
        """Carbon in each tree."""
        return np.asarray(self.trees.carbon_kg * self.carbon_factor[self.member, self.trees.species])

    def grow(self, years: Years, year: int) -> None:
        """One season's growth, slowed by cool summers and by drought."""
        pace = pace_by_species(years.degree_days[:, year])[self.member, self.trees.species]
        thirst = 0.3 + 0.7 * years.stress[self.member, year]
        self.trees = grown(self.trees, 1.0, pace * thirst * self.size_factor)

    def die(self, hazards: Hazards, stress: Floats, luck: Floats) -> None:
        """Let the year take its trees.

        Args:
            hazards: What they risk.
            stress: Drought stress coefficient of each member's year; half the water missing doubles the risk
                of established trees.
            luck: One uniform number per tree of the city and member.
        """
        chance = luck[self.tree, self.member] / (1.0 + 2.0 * (1.0 - stress[self.member]))
        self._bury(survivors(self.trees, hazards, chance))

    def sicken(self, rates: dict[str, float], severity: Floats) -> None:
        """A year of dieback, more or less severe by member."""
        self.trees = sickened(self.trees, rates, severity[self.member])

    def storm(self, gust_m_s: Floats, *, in_leaf: bool, luck: Floats) -> None:
        """A storm with a gust of its own in each member."""
        chance = np.empty(len(self.trees))
        for member in range(self.members):
            here = self.member == member
            chance[here] = windthrow_chance(self.trees.part(here), float(gust_m_s[member]), in_leaf=in_leaf)
        self._bury(luck[self.tree, self.member] >= chance)

    def prune(self, share: float, depth: float, luck: Floats) -> None:
        """Cut back some of the crowns."""
        self.trees = pruned(self.trees, luck[self.tree, self.member] < share, depth)

    def regrow(self, years_to_regrow: float) -> None:
        """Let pruned crowns grow back for a year."""
        self.trees = regrown(self.trees, self.natural_ratio, years_to_regrow)

    def fell(self, trees: NDArray[np.int64], each: float) -> Forest:
        """Take trees away and return them as a forest of their own, as they would have lived on.

        Their wood leaves the city: it does not rot here.

        Args:
            trees: Numbers of the trees.
            each: How many trees to take at each number, at most as many as it stands for.
        """
        gone = np.isin(self.tree, trees) & (self.tag == STANDING)
        felled = self._part(gone)
        felled.weight = np.minimum(felled.weight, each)
        self.weight = np.where(gone, np.maximum(self.weight - each, 0.0), self.weight)
        self._keep(self.weight > 0.0)
        return felled

    def plant(
        self,
        kinds: NDArray[np.int16],
        dbh_cm: float,
        district: NDArray[np.int64],
        each: float,
        tag: int,
        first: int,
    ) -> None:
        """Plant the same young trees in every member.

        Args:
            kinds: Species of each.
            dbh_cm: Their grade.
            district: Where.
            each: How many trees each stands for.
            tag: Mark of the group.
            first: Number of the first of them within the city.
        """
        count = len(kinds)
        if count:
            self._add(
                planted(np.tile(kinds, self.members).tolist(), count * self.members, dbh_cm),
                np.repeat(np.arange(self.members, dtype=np.int32), count),
                np.tile(first + np.arange(count), self.members),
                np.full(count * self.members, each),
                np.tile(district, self.members),
                tag,
            )

    def replant(self, share: float, kinds: NDArray[np.int16], dbh_cm: float, luck: Floats) -> None:
        """Plant anew a share of the places where trees have died; the other gaps stay.

        Args:
            share: Of the gaps.
            kinds: Species that would be planted in the place of each tree of the city.
            dbh_cm: Their grade.
            luck: One uniform number per tree of the city and member.
        """
        for gap in self.gaps:
            chosen = luck[gap.tree, gap.member] < share
            member, tree, weight = gap.member[chosen], gap.tree[chosen], gap.weight[chosen]
            if len(tree):
                young = planted(kinds[tree].tolist(), len(tree), dbh_cm)
                self._add(young, member, tree, weight, gap.district[chosen], PLANTED)
                self.replanted = self.replanted + np.bincount(member, weight, self.members)
        self.gaps = []

    def _add(
        self,
        young: Stock,
        member: NDArray[np.int32],
        tree: NDArray[np.int64],
        weight: Floats,
        district: NDArray[np.int64],
        tag: int,
    ) -> None:
        self.trees = self.trees.joined(young)
        self.member = np.concatenate([self.member, member])
        self.tree = np.concatenate([self.tree, tree])
        self.weight = np.concatenate([self.weight, weight])
        self.district = np.concatenate([self.district, district])
        self.natural_ratio = np.concatenate([self.natural_ratio, young.crown_ratio])
        self.size_factor = np.concatenate([self.size_factor, self.pace[member, young.species]])
        self.tag = np.concatenate([self.tag, np.full(len(tree), tag, np.int8)])

    def _bury(self, alive: Mask) -> None:
        dead = ~alive
        self.dead_carbon_kg = self.dead_carbon_kg + self.total(self.carbon_kg, dead)
        self.lost = self.lost + self.total(np.ones(len(self.trees)), dead)
        if dead.any():
            self.gaps.append(Gaps(self.member[dead], self.tree[dead], self.weight[dead], self.district[dead]))
        self._keep(alive)

    def rot(self) -> Floats:
        """A year's decay of dead wood; carbon that each member releases, kg."""
        released = self.dead_carbon_kg * DECAY_PER_YEAR
        self.dead_carbon_kg = self.dead_carbon_kg - released
        return released

    def _columns(self) -> dict[str, Any]:
        names = ("member", "tree", "weight", "district", "natural_ratio", "size_factor", "tag")
        return {name: getattr(self, name) for name in names}

    def _keep(self, which: Mask) -> None:
        self.trees = self.trees.part(which)
        for name, values in self._columns().items():
            setattr(self, name, values[which])

    def _part(self, which: Mask) -> Forest:
        columns = {name: values[which] for name, values in self._columns().items()}
        return replace(
            self,
            trees=self.trees.part(which),
            dead_carbon_kg=np.zeros(self.members),
            lost=np.zeros(self.members),
            replanted=np.zeros(self.members),
            gaps=[],
            **columns,
        )


def quantiles(values: Floats) -> tuple[float, float, float]:
    """Median, P10 and P90 over the members."""
    low, middle, high = np.percentile(values, [10.0, 50.0, 90.0])
    return float(middle), float(low), float(high)
