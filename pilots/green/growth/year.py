"""What can happen to a tree in a year: it dies, sickens, is pruned, or is blown down.

A newly planted tree is at its greatest risk in its first five years; ash loses a tenth of its crown a year to
dieback; a storm takes tall trees with full crowns first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from pilots.green.growth.species import SPECIES
from pilots.green.growth.stock import Floats, Stock, tables

Mask = NDArray[np.bool_]

ASH_DIEBACK_PER_YEAR = {"Fraxinus excelsior": 0.08}
"""Share of the remaining crown that dies each year; about
half of the crown in a decade, inside the range of the meta-analysis of Coker and others 2019, Plants People
Planet 1:48-58."""

ELM_DISEASE_PER_YEAR = {"Ulmus glabra": 0.05, "Ulmus laevis": 0.02}
"""Yearly death by Dutch elm disease under sanitation, where it is present (our assumption)."""


HALF_THROWN_M_S, GUST_SCALE_M_S = 75.0, 10.0
MIDDLING_HEIGHT_M, LEVERS = 12.0, (0.2, 2.0)
BARE_CATCH = 0.25


@dataclass(frozen=True)
class Hazards:
    """Yearly probabilities of death.

    The defaults lie within the ranges that Hilbert and others (2019, Arboriculture and Urban Forestry
    45:167-200) compiled for street trees; they are to be replaced by a city's own.

    Attributes:
        young: In the first years after planting.
        young_years: How many years those are.
        established: After that.
        old: At the largest trunk of the species; rises from ``established`` over the last fifth of the way.
        sick: Added in proportion to the dead share of the crown.
        by_species: Added for single species, by scientific name (elm disease).
    """

    young: float = 0.045
    young_years: float = 5.0
    established: float = 0.015
    old: float = 0.04
    sick: float = 0.15
    by_species: Mapping[str, float] = field(default_factory=dict)

    def of(self, trees: Stock) -> Floats:
        """Probability of death within a year of each tree."""
        largest = tables().largest_dbh_cm[trees.species]
        towards_end = np.clip((trees.dbh_cm / largest - 0.8) / 0.2, 0.0, 1.0)
        chance = self.established + (self.old - self.established) * towards_end
        chance = np.where(trees.age_years < self.young_years, self.young, chance)
        return np.clip(
            chance + self.sick * (1.0 - trees.condition) + per_species(trees, self.by_species), 0.0, 1.0
        )


def per_species(trees: Stock, rates: Mapping[str, float]) -> Floats:
    """A rate for each tree from rates by scientific name; 0 for species that are not named."""
    by_index = np.array([rates.get(species.name, 0.0) for species in SPECIES])
    return np.asarray(by_index[trees.species])


def survivors(trees: Stock, hazards: Hazards, chance: ArrayLike) -> Mask:
    """Which trees live through the year.

    Args:
        trees: The trees.
        hazards: What they risk.
        chance: One uniform number in [0, 1) per tree; give the same tree the same number in each scenario to
            compare scenarios over the same luck.
    """
    return np.asarray(np.asarray(chance) >= hazards.of(trees))


def sickened(trees: Stock, loss_per_year: Mapping[str, float], severity: ArrayLike = 1.0) -> Stock:
    """Crowns after a year of dieback.

    Args:
        trees: The trees.
        loss_per_year: Share of the living crown lost, by scientific name.
        severity: Multiplies the loss, one or one per tree.
    """
    lost = np.clip(per_species(trees, loss_per_year) * np.asarray(severity), 0.0, 1.0)
    return replace(trees, condition=trees.condition * (1.0 - lost))


def recovered(trees: Stock, towards: ArrayLike = 1.0, share: float = 0.2) -> Stock:
    """Crowns that regain each year a share of what separates them from a condition."""
    return replace(
        trees, condition=trees.condition + share * np.maximum(np.asarray(towards) - trees.condition, 0.0)
    )


def pruned(trees: Stock, which: Mask, depth: float) -> Stock:
    """Crowns cut back by a share of their diameter."""
    return replace(trees, crown_ratio=np.where(which, trees.crown_ratio * (1.0 - depth), trees.crown_ratio))


def regrown(trees: Stock, natural_ratio: Floats, years_to_regrow: float) -> Stock:
    """Crowns a year after pruning, on their way back to their natural ratio."""
    gap = np.maximum(natural_ratio - trees.crown_ratio, 0.0)
    return replace(trees, crown_ratio=trees.crown_ratio + gap * (1.0 - np.exp(-1.0 / years_to_regrow)))


def windthrow_chance(trees: Stock, gust_m_s: float, *, in_leaf: bool) -> Floats:
    """Probability that a storm throws or breaks each tree.

    A logistic curve in the gust: a hundredth of trees of 12 m at 30 m/s, a quarter at 64 m/s, which is of the
    order of what Duryea and others (2007, Arboriculture and Urban Forestry 33:83-97) counted in towns after
    hurricanes; in proportion to height, as the lever of the wind. Bare crowns, which catch a quarter of the
    wind, are thrown a quarter as often (our assumption).

    Args:
        trees: The trees.
        gust_m_s: Gust at 10 m over open land.
        in_leaf: Whether the storm comes before the leaves have fallen.
    """
    bare = np.array([not (in_leaf or kind.evergreen) for kind in SPECIES])[trees.species]
    # At no wind nothing falls.
    chance = expit((gust_m_s - HALF_THROWN_M_S) / GUST_SCALE_M_S) - expit(-HALF_THROWN_M_S / GUST_SCALE_M_S)
    lever = np.clip(trees.height_m / MIDDLING_HEIGHT_M, *LEVERS)
    return np.asarray(np.clip(chance * lever * np.where(bare, BARE_CATCH, 1.0), 0.0, 1.0))
