"""How many eggs lie in one basket: the mix of species in a stock of trees.

When ash dieback or elm disease comes, a street of one species is lost at once. Santamour's rule (1990, "Trees
for urban planting: diversity, uniformity and common sense", METRIA 7:57-65) allows at most a tenth of one
species, a fifth of one genus and three tenths of one family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.green.growth.species import SPECIES


@dataclass(frozen=True)
class Diversity:
    """The mix of a stock.

    Attributes:
        largest_species_share: Share of the commonest species.
        largest_genus_share: Of the commonest genus.
        largest_family_share: Of the commonest family.
        shannon: Shannon's index over species, natural logarithm.
        keeps_10_20_30: Whether Santamour's rule is kept.
    """

    largest_species_share: float
    largest_genus_share: float
    largest_family_share: float
    shannon: float
    keeps_10_20_30: bool


def diversity(species: ArrayLike) -> Diversity:
    """The mix of trees given as indices into ``SPECIES``; all zero for no trees."""
    kinds = np.asarray(species, dtype=np.int64)
    if len(kinds) == 0:
        return Diversity(0.0, 0.0, 0.0, 0.0, keeps_10_20_30=True)
    share = np.bincount(kinds, minlength=len(SPECIES)) / len(kinds)
    species_share, genus_share, family_share = (
        float(_grouped(share, level).max()) for level in ("name", "genus", "family")
    )
    present = share[share > 0]
    kept = species_share <= 0.10 and genus_share <= 0.20 and family_share <= 0.30
    return Diversity(
        largest_species_share=species_share,
        largest_genus_share=genus_share,
        largest_family_share=family_share,
        shannon=float(-(present * np.log(present)).sum()),
        keeps_10_20_30=kept,
    )


def _grouped(share: NDArray[np.float64], level: str) -> NDArray[np.float64]:
    names = [getattr(kind, level) for kind in SPECIES]
    _, group = np.unique(names, return_inverse=True)
    return np.asarray(np.bincount(group, share), dtype=np.float64)
