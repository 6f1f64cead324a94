"""The trees of northern cities, and the measured trees that stand in for them.

The Urban Tree Database holds no tree of Tallinn or Helsinki. Each northern species therefore borrows the
growth of a *donor*: the same species in a cold US city where there is one (small-leaved lime in Minneapolis),
else a near relative (green ash for European ash), else a tree of like form. The farther the donor, the wider
the interval of everything that follows. A tree of unknown species takes the nearest taxon that is known, and
the match is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pilots.green.growth.biomass import WoodEquation

Closeness = Literal["species", "genus", "family", "form"]

SPREAD = {"species": 0.10, "genus": 0.15, "family": 0.22, "form": 0.30}
"""Standard deviation of the logarithm of size that a donor adds: our judgement, so that a borrowed curve of a
near relative errs about as much again (0.15) as the published equations err on their own trees (0.22)."""

_BROADLEAF = (0.0001967, 1.951853, 0.664255)
_CONIFER = (0.0000426, 2.24358, 0.64956)
_LIME = (0.0009453, 1.617, 0.59)
_MAPLE = (0.001011, 1.533, 0.657)
_ASH = (0.0004143, 1.847, 0.646)
_ELM = (0.0012, 1.696, 0.405)
_OAK = (0.0001689, 1.956, 0.842)
_POPLAR = (0.0019055, 1.806, 0.134)


@dataclass(frozen=True)
class Species:
    """A taxon of the city and how it is modelled.

    Attributes:
        name: Scientific name; a genus or a form ends in "sp.".
        family: Botanical family.
        donor: Region and species code of its growth equations.
        closeness: How near the donor is.
        wood: Volume equation and density of its wood.
        evergreen: Keeps its leaves in winter.
        english: Its name in English.
    """

    name: str
    family: str
    donor: tuple[str, str]
    closeness: Closeness
    wood: WoodEquation
    evergreen: bool = False
    english: str = ""

    @property
    def genus(self) -> str:
        """First word of the scientific name."""
        return self.name.split()[0]

    @property
    def spread(self) -> float:
        """Standard deviation of the logarithm of size that the donor adds."""
        return SPREAD[self.closeness]


def _of(
    name: str,
    english: str,
    family: str,
    donor: str,
    closeness: Closeness,
    wood: tuple[float, float, float],
    density: float,
) -> Species:
    region, code = donor.split()
    evergreen = wood is _CONIFER and not name.startswith("Larix")
    return Species(name, family, (region, code), closeness, WoodEquation(*wood, density), evergreen, english)


# Volumes: table S7; densities: tables S7 and S9 of the Urban Tree Database, for absent species those of the
# nearest.
SPECIES: tuple[Species, ...] = (
    _of("Tilia cordata", "small-leaved lime", "Malvaceae", "MidWst TICO", "species", _LIME, 420),
    _of("Tilia platyphyllos", "large-leaved lime", "Malvaceae", "MidWst TICO", "genus", _LIME, 420),
    _of("Tilia x europaea", "common lime", "Malvaceae", "MidWst TICO", "genus", _LIME, 420),
    _of("Acer platanoides", "Norway maple", "Sapindaceae", "MidWst ACPL", "species", _MAPLE, 520),
    _of("Acer pseudoplatanus", "sycamore", "Sapindaceae", "MidWst ACPL", "genus", _MAPLE, 520),
    _of("Aesculus hippocastanum", "horse chestnut", "Sapindaceae", "NoEast AEHI", "species", _BROADLEAF, 500),
    _of("Betula pendula", "silver birch", "Betulaceae", "PacfNW BEPE", "species", _BROADLEAF, 530),
    _of("Betula pubescens", "downy birch", "Betulaceae", "PacfNW BEPE", "genus", _BROADLEAF, 530),
    _of("Alnus glutinosa", "common alder", "Betulaceae", "PacfNW BEPE", "family", _BROADLEAF, 450),
    _of("Alnus incana", "grey alder", "Betulaceae", "PacfNW BEPE", "family", _BROADLEAF, 450),
    _of("Corylus colurna", "Turkish hazel", "Betulaceae", "PacfNW BEPE", "family", _BROADLEAF, 530),
    _of("Quercus robur", "pedunculate oak", "Fagaceae", "NMtnPr QUMA1", "genus", _OAK, 580),
    _of("Quercus rubra", "red oak", "Fagaceae", "NMtnPr QUMA1", "genus", _OAK, 560),
    _of("Fagus sylvatica", "beech", "Fagaceae", "NMtnPr QUMA1", "family", _BROADLEAF, 580),
    _of("Fraxinus excelsior", "common ash", "Oleaceae", "MidWst FRPE", "genus", _ASH, 560),
    _of("Fraxinus pennsylvanica", "green ash", "Oleaceae", "MidWst FRPE", "species", _ASH, 530),
    _of("Syringa vulgaris", "lilac", "Oleaceae", "NMtnPr PR", "form", _BROADLEAF, 560),
    _of("Ulmus glabra", "wych elm", "Ulmaceae", "MidWst ULAM", "genus", _ELM, 460),
    _of("Ulmus laevis", "white elm", "Ulmaceae", "MidWst ULAM", "genus", _ELM, 460),
    _of("Sorbus aucuparia", "rowan", "Rosaceae", "NMtnPr PR", "family", _BROADLEAF, 610),
    _of("Sorbus intermedia", "Swedish whitebeam", "Rosaceae", "NMtnPr PR", "family", _BROADLEAF, 610),
    _of("Malus domestica", "apple", "Rosaceae", "MidWst MA2", "genus", _BROADLEAF, 610),
    _of("Prunus padus", "bird cherry", "Rosaceae", "NMtnPr PR", "genus", _BROADLEAF, 560),
    _of("Crataegus monogyna", "hawthorn", "Rosaceae", "MidWst MA2", "family", _BROADLEAF, 610),
    _of("Salix alba", "white willow", "Salicaceae", "NMtnPr POSA", "family", _POPLAR, 370),
    _of("Salix fragilis", "crack willow", "Salicaceae", "NMtnPr POSA", "family", _POPLAR, 370),
    _of("Salix caprea", "goat willow", "Salicaceae", "NMtnPr POSA", "family", _POPLAR, 370),
    _of("Populus tremula", "aspen", "Salicaceae", "NMtnPr POSA", "genus", _POPLAR, 370),
    _of("Populus nigra", "black poplar", "Salicaceae", "NMtnPr POSA", "genus", _POPLAR, 370),
    _of("Pinus sylvestris", "Scots pine", "Pinaceae", "TpIntW PISY", "species", _CONIFER, 430),
    _of("Pinus mugo", "mountain pine", "Pinaceae", "TpIntW PISY", "genus", _CONIFER, 430),
    _of("Picea abies", "Norway spruce", "Pinaceae", "NMtnPr PIPU", "genus", _CONIFER, 370),
    _of("Picea pungens", "blue spruce", "Pinaceae", "NMtnPr PIPU", "species", _CONIFER, 360),
    _of("Abies sibirica", "Siberian fir", "Pinaceae", "NMtnPr PIPU", "family", _CONIFER, 350),
    _of("Larix sibirica", "Siberian larch", "Pinaceae", "NMtnPr PIPU", "family", _CONIFER, 480),
    _of("Thuja occidentalis", "white cedar", "Cupressaceae", "NMtnPr PIPU", "form", _CONIFER, 300),
    _of("Broadleaf sp.", "broad-leaved tree", "unknown", "MidWst ACPL", "form", _BROADLEAF, 500),
    _of("Conifer sp.", "conifer", "unknown", "NMtnPr PIPU", "form", _CONIFER, 400),
)  # fmt: skip

INDEX = {species.name: i for i, species in enumerate(SPECIES)}
_BY_GENUS: dict[str, int] = {}
for _i, _species in enumerate(SPECIES):
    _BY_GENUS.setdefault(_species.genus.lower(), _i)
_CONIFER_GENERA = {
    "abies",
    "chamaecyparis",
    "juniperus",
    "larix",
    "picea",
    "pinus",
    "pseudotsuga",
    "taxus",
    "thuja",
    "tsuga",
}


@dataclass(frozen=True)
class Match:
    """The taxon that stands for a name.

    Attributes:
        index: Its place in ``SPECIES``.
        how: ``exact``, ``genus``, ``form`` (leaf type only) or ``unknown`` (nothing was said).
    """

    index: int
    how: Literal["exact", "genus", "form", "unknown"]

    @property
    def species(self) -> Species:
        """The taxon itself."""
        return SPECIES[self.index]


def match_species(name: str | None, leaf_type: str | None = None) -> Match:
    """The nearest known taxon for a scientific name.

    Args:
        name: "Tilia cordata", "Tilia × europaea 'Pallida'", "Betula", or nothing.
        leaf_type: OpenStreetMap's leaf type, used where the name says nothing: broadleaved or needleleaved.
    """
    plain = _plain(name)
    for known, index in INDEX.items():
        if plain == known.lower():
            return Match(index, "exact")
    genus = plain.split(" ")[0] if plain else ""
    if genus in _BY_GENUS:
        return Match(_BY_GENUS[genus], "genus")
    conifer = genus in _CONIFER_GENERA or leaf_type == "needleleaved"
    form = INDEX["Conifer sp." if conifer else "Broadleaf sp."]
    return Match(form, "form" if genus or leaf_type else "unknown")


def _plain(name: str | None) -> str:
    """Lower-case genus and epithet without cultivar, author or rank; hybrids keep their x."""
    text = re.sub(r"['\"‘’].*", "", (name or "").replace("×", " x ").replace("_", " "))
    words = [
        word
        for word in re.sub(r"[^\w.\s-]", " ", text).lower().split()
        if word not in {"sp", "sp.", "spp", "spp."}
    ]
    return " ".join(words[:3] if words[1:2] == ["x"] else words[:2])
