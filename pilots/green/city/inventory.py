"""The trees and green areas of a city as its pack knows them, or as its land use lets expect.

A register names a tree and leaves its size open; a map has half of the trees; a city shares neither and only
says where people live. Each is turned into a stock that can grow, and each step that guesses is counted and
noted: species taken for another, sizes drawn, trees left out because they stand in a house or stand twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geodata.errors import NotReady
from pilots.green.growth.species import INDEX, SPECIES, match_species
from pilots.green.growth.stock import (
    LARGEST_CROWN_M,
    LARGEST_DBH_CM,
    LARGEST_HEIGHT_M,
    Stock,
    stock,
)
from twin.packs import PackView

Floats = NDArray[np.float64]

MOST_GENERATED = 20_000
"""A generated stock has at most this many trees; each then stands for several."""

MOST_NAMED = 4
"""So many substituted species are named in a note."""

LEAST_SURVEYED = 0.05
"""A district of whose land a survey covers less is not reported."""

TWICE_M = 0.8
"""Trees nearer to each other than this are one tree entered twice."""

_CONDITION = {"good": 1.0, "fair": 0.8, "poor": 0.5}

# What street and park trees of northern cities are, where nothing is known of a tree: shares after the
# published stocks of ten Nordic cities (Sjöman, Östberg and Bühler 2012, Urban For. Urban Green. 11:31-39),
# rounded.
BROADLEAVED_MIX = {
    "Tilia x europaea": 0.26,
    "Acer platanoides": 0.13,
    "Betula pendula": 0.13,
    "Sorbus aucuparia": 0.08,
    "Sorbus intermedia": 0.07,
    "Quercus robur": 0.06,
    "Fraxinus excelsior": 0.06,
    "Ulmus glabra": 0.05,
    "Populus tremula": 0.04,
    "Salix alba": 0.03,
    "Aesculus hippocastanum": 0.03,
    "Prunus padus": 0.03,
    "Malus domestica": 0.03,
}
CONIFER_MIX = {
    "Pinus sylvestris": 0.55,
    "Picea abies": 0.30,
    "Larix sibirica": 0.10,
    "Thuja occidentalis": 0.05,
}
CONIFERS_IN_PARKS = 0.15

MEDIAN_DBH_CM = 24.0
DBH_SPREAD = 0.55
"""Trunks of trees of unknown size are log-normal around the median (our assumption)."""

LARGEST_DRAWN_CM = 100.0

# Canopy that land use lets expect, share of land; the last row is for cells without any building weight.
EXPECTED_CANOPY = {"LRW": 0.28, "HRW": 0.20, "OW": 0.10, "MW": 0.08, "": 0.35}
FOREST_CANOPY = 0.85
GREEN_SHARE_OF_USE = {"LRW": 0.55, "HRW": 0.40, "OW": 0.20, "MW": 0.20, "": 0.80}
MEAN_CROWN_M2 = 28.0


@dataclass(frozen=True)
class Inventory:
    """A city's trees and green.

    Attributes:
        trees: The trees.
        x_m: Where they stand, in the city's metric CRS.
        y_m: Likewise.
        weight: How many trees each stands for.
        district: Index of each tree's district, -1 outside of all.
        districts: The districts.
        land_m2: Land over which shares are counted.
        extent: That land as a polygon.
        forest: Forest whose trees are not single, within the extent.
        green_m2: Green areas of all kinds, without water.
        generated: The trees come from land use and not from a survey.
        notes: What was assumed.
    """

    trees: Stock
    x_m: Floats
    y_m: Floats
    weight: Floats
    district: NDArray[np.int64]
    districts: gpd.GeoDataFrame
    land_m2: float
    extent: shapely.Geometry
    forest: shapely.Geometry
    green_m2: float
    generated: bool
    notes: tuple[str, ...]

    @cached_property
    def district_land_m2(self) -> Floats:
        """Land of each district within the extent; NaN where the survey hardly reaches it."""
        areas = self.districts.geometry.to_numpy()
        land = shapely.area(shapely.intersection(areas, self.extent))
        return np.where(land > LEAST_SURVEYED * shapely.area(areas), land, np.nan)

    @cached_property
    def district_forest(self) -> Floats:
        """Share of each district's land under the crowns of forest."""
        areas = shapely.intersection(self.districts.geometry.to_numpy(), self.forest)
        return np.asarray(np.minimum(shapely.area(areas) * FOREST_CANOPY / self.district_land_m2, 1.0))


def read_inventory(pack: PackView, pace: Floats, rng: np.random.Generator) -> Inventory:
    """Read a city's trees, or generate them from its land use.

    Args:
        pack: The city.
        pace: Growth of each of ``SPECIES`` here relative to its curve; a tree of 40 years stands where its
            curve is after 40 times the pace.
        rng: Draws what is not known.

    Raises:
        NotReady: The pack holds neither trees nor land cover.
    """
    districts = pack.features("districts").sort_values("district_id").reset_index(drop=True)
    areas = pack.features("green_areas") if pack.has("green_areas") else None
    if pack.has("trees") and len(pack.features("trees")):
        return _surveyed(pack, districts, areas, pace, rng)
    if pack.has("land_cover"):
        return _generated(pack, districts, areas, rng)
    raise NotReady(
        f"the pack of {pack.city.name} has neither trees nor land cover",
        field="trees",
        hint="add a tree register, OpenStreetMap trees or land cover to the recipe",
    )


def _surveyed(
    pack: PackView,
    districts: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None,
    pace: Floats,
    rng: np.random.Generator,
) -> Inventory:
    table, dropped = _kept(pack)
    kinds, assumed = _species(table, rng)
    sizes, impossible = _sizes(table)
    unknown = np.isnan(sizes["dbh_cm"]) & np.isnan(sizes["height_m"])
    planted = _numbers(table, "year_planted")
    age = np.where(np.isnan(planted), np.nan, np.maximum(_year_of(pack) - planted, 0.0))
    drawn = _trunks(len(table), rng)
    unknown &= np.isnan(age)
    sizes["dbh_cm"] = np.where(unknown, drawn, sizes["dbh_cm"])
    condition = table["condition"].map(_CONDITION) if "condition" in table else pd.Series(np.nan, table.index)
    trees = stock(kinds, age_years=age * pace[kinds], condition=condition.fillna(1.0).to_numpy(), **sizes)
    x, y = table.geometry.x.to_numpy(), table.geometry.y.to_numpy()
    extent = _extent(table, districts)
    land = float(shapely.area(extent))
    grade = pack.dataset("trees").provenance.grade
    notes = [
        f"{len(trees)} trees ({grade}); canopy is counted over {land / 1e6:.1f} km2 where trees are mapped",
        "trees that nobody mapped are missing: canopy and all that follows from it are lower bounds",
    ]
    notes += [note for count, note in (*dropped, *impossible, *assumed) if count]
    if unknown.any():
        share = unknown.mean()
        notes.append(f"{share:.0%} of the trees have no size: trunks are drawn around {MEDIAN_DBH_CM:.0f} cm")
    green, forest, water = _areas(areas, extent)
    district = districts_at(x, y, districts)
    return Inventory(
        trees, x, y, np.ones(len(trees)), district, districts, land - water, extent, forest, green,
        generated=False, notes=tuple(notes),
    )  # fmt: skip


def _kept(pack: PackView) -> tuple[gpd.GeoDataFrame, list[tuple[int, str]]]:
    """Trees that live, stand once and stand outdoors; and what was left out."""
    table = pack.features("trees").sort_values("tree_id").reset_index(drop=True)
    dropped = []
    if "condition" in table:
        dead = (table["condition"] == "dead").fillna(value=False).to_numpy(dtype=bool)
        dropped.append((int(dead.sum()), f"{dead.sum()} dead trees left out"))
        table = table[~dead].reset_index(drop=True)
    points = np.column_stack([table.geometry.x, table.geometry.y])
    pairs = shapely.STRtree(table.geometry.to_numpy()).query(
        table.geometry.to_numpy(), predicate="dwithin", distance=TWICE_M
    )
    twice = np.unique(pairs[1][pairs[0] < pairs[1]])
    dropped.append((len(twice), f"{len(twice)} trees nearer than {TWICE_M} m to another left out"))
    inside = np.empty(0, np.int64)
    if pack.has("buildings"):
        houses = pack.features("buildings").geometry.to_numpy()
        inside = np.unique(shapely.STRtree(houses).query(shapely.points(points), predicate="within")[0])
        dropped.append((len(inside), f"{len(inside)} trees inside buildings left out"))
    gone = np.union1d(twice, inside).astype(np.int64)
    return table.drop(index=table.index[gone]).reset_index(drop=True), dropped


def _species(
    table: gpd.GeoDataFrame, rng: np.random.Generator
) -> tuple[NDArray[np.int16], list[tuple[int, str]]]:
    names = table["species"].astype(object).where(table["species"].notna(), None)
    leaves = (
        table["leaf_type"].astype(object).where(table["leaf_type"].notna(), None)
        if "leaf_type" in table
        else names.map(lambda _: None)
    )
    matches = [match_species(name, leaf) for name, leaf in zip(names, leaves, strict=True)]
    how = np.array([match.how for match in matches])
    kinds = np.array([match.index for match in matches], dtype=np.int16)
    nameless = np.array([name is None for name in names])
    conifer = np.array([leaf == "needleleaved" for leaf in leaves])
    unknown_form = nameless & np.array([leaf is None for leaf in leaves])
    conifer |= unknown_form & (rng.random(len(kinds)) < CONIFERS_IN_PARKS)
    kinds = np.where(nameless & ~conifer, _drawn(BROADLEAVED_MIX, len(kinds), rng), kinds)
    kinds = np.where(nameless & conifer, _drawn(CONIFER_MIX, len(kinds), rng), kinds)
    stands_for = np.array([match.species.name for match in matches], dtype=object)
    return kinds.astype(np.int16), [
        (int(nameless.sum()), f"{nameless.sum()} trees without species: drawn from a northern mix"),
        _substitutes(names, stands_for, how == "genus", "trees take another species of their genus"),
        _substitutes(names, stands_for, (how == "form") & ~nameless, "trees take a tree of like form"),
    ]


def _substitutes(
    names: pd.Series, stands_for: NDArray[np.object_], which: NDArray[np.bool_], what: str
) -> tuple[int, str]:
    """How many trees are taken for another species, with the commonest cases."""
    pairs = names[which] + " as " + stands_for[which]
    common = ", ".join(f"{pair} ({count})" for pair, count in pairs.value_counts().head(MOST_NAMED).items())
    return int(which.sum()), f"{which.sum()} {what}: {common}"


def _drawn(mix: dict[str, float], count: int, rng: np.random.Generator) -> NDArray[np.int16]:
    share = np.array(list(mix.values()))
    chosen = rng.choice(len(mix), count, p=share / share.sum())
    return np.array([INDEX[name] for name in mix], dtype=np.int16)[chosen]


def _sizes(table: pd.DataFrame) -> tuple[dict[str, Floats], list[tuple[int, str]]]:
    """Trunks, heights and crowns; what no tree can measure is taken as unknown, and said."""
    sizes, notes = {}, []
    for name, largest in (
        ("dbh_cm", LARGEST_DBH_CM),
        ("height_m", LARGEST_HEIGHT_M),
        ("crown_diameter_m", LARGEST_CROWN_M),
    ):
        values = _numbers(table, name)
        bad = (values <= 0.0) | (values > largest)
        sizes[name] = np.where(bad, np.nan, values)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            told = f"{bad.sum()} trees with an impossible {name} taken as of unknown {name}, e.g. tree "
            told += f"{table['tree_id'].iloc[first]} with {values[first]:g}"
            notes.append((int(bad.sum()), told))
    return sizes, notes


def _trunks(count: int, rng: np.random.Generator) -> Floats:
    return np.minimum(rng.lognormal(np.log(MEDIAN_DBH_CM), DBH_SPREAD, count), LARGEST_DRAWN_CM)


def _numbers(table: pd.DataFrame, name: str) -> Floats:
    return (
        table[name].to_numpy(dtype=float, na_value=np.nan) if name in table else np.full(len(table), np.nan)
    )


def _year_of(pack: PackView) -> float:
    date = pack.dataset("trees").provenance.retrieved
    return float(str(date)[:4]) if date else 2026.0


def _extent(table: gpd.GeoDataFrame, districts: gpd.GeoDataFrame) -> shapely.Geometry:
    """The land that a survey covers: where trees are dense enough to be mapped at all."""
    cells = shapely.union_all(shapely.buffer(table.geometry.to_numpy(), 150.0, quad_segs=2))
    return shapely.intersection(cells, shapely.union_all(districts.geometry.to_numpy()))


def _areas(areas: gpd.GeoDataFrame | None, extent: shapely.Geometry) -> tuple[float, shapely.Geometry, float]:
    """Green (m2), forest and water (m2) within the extent."""
    if areas is None:
        return 0.0, shapely.Polygon(), 0.0
    inside = areas[areas.intersects(extent)]
    parts = {
        name: shapely.union_all(group.geometry.to_numpy()).intersection(extent)
        for name, group in inside.groupby(
            np.select(
                [inside["green_class"].eq("water"), inside["green_class"].eq("forest")],
                ["water", "forest"],
                "open",
            )
        )
    }
    empty = shapely.Polygon()
    forest, water = parts.get("forest", empty), parts.get("water", empty)
    green = shapely.union_all([parts.get("open", empty), forest])
    return green.area, forest, water.area


def _generated(
    pack: PackView, districts: gpd.GeoDataFrame, areas: gpd.GeoDataFrame | None, rng: np.random.Generator
) -> Inventory:
    cells = pack.features("land_cover")
    use = np.array([str(code) if str(code) in EXPECTED_CANOPY else "" for code in cells["cover_class"]])
    everything = shapely.union_all(cells.geometry.to_numpy())
    city = shapely.intersection(shapely.union_all(districts.geometry.to_numpy()), everything)
    land = shapely.area(shapely.intersection(cells.geometry.to_numpy(), city))
    canopy = land * np.array([EXPECTED_CANOPY[name] for name in use])
    # Overlap of crowns: a cell with cover c holds crowns of -ln(1 - c) times its area.
    wanted = -np.log1p(-canopy / np.maximum(land, 1e-9)) * land / MEAN_CROWN_M2
    share = wanted / wanted.sum()
    count = int(min(MOST_GENERATED, round(wanted.sum())))
    cell = rng.choice(len(cells), count, p=share)
    low, high = shapely.bounds(cells.geometry.to_numpy())[cell].reshape(-1, 2, 2).transpose(1, 0, 2)
    x, y = (low + (high - low) * rng.random((count, 2))).T
    conifer = rng.random(count) < CONIFERS_IN_PARKS
    kinds = np.where(conifer, _drawn(CONIFER_MIX, count, rng), _drawn(BROADLEAVED_MIX, count, rng)).astype(
        np.int16
    )
    trees = stock(kinds, dbh_cm=_trunks(count, rng))
    crowns = float((np.pi / 4 * trees.crown_diameter_m**2).mean())
    weight = np.full(count, wanted.sum() * MEAN_CROWN_M2 / crowns / count)
    green = float((land * np.array([GREEN_SHARE_OF_USE[name] for name in use])).sum())
    if areas is not None:
        green = max(green, _areas(areas, city)[0])
    notes = (
        f"no tree data: {count} trees stand for {weight.sum():,.0f} that land use lets expect (synthetic)",
        "canopy by land use: "
        + ", ".join(f"{name or 'open'} {value:.0%}" for name, value in EXPECTED_CANOPY.items()),
    )
    return Inventory(
        trees, x, y, weight, districts_at(x, y, districts), districts, float(land.sum()), city,
        shapely.Polygon(), green,
        generated=True, notes=notes,
    )  # fmt: skip


def forest_share(inventory: Inventory) -> float:
    """Share of the land that is under the crowns of forest."""
    return float(shapely.area(inventory.forest)) / inventory.land_m2 * FOREST_CANOPY


def districts_at(x: Floats, y: Floats, districts: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Index of the district in which each point lies, -1 for none."""
    found = np.full(len(x), -1, np.int64)
    tree, district = shapely.STRtree(districts.geometry.to_numpy()).query(
        shapely.points(x, y), predicate="within"
    )
    found[tree] = district
    return found


def evergreen_of(kinds: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which trees keep their leaves."""
    return np.array([species.evergreen for species in SPECIES])[kinds]
