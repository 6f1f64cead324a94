"""Registers as they are: dead trees, trees entered twice, sizes that no tree has, names that nobody knows."""

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.errors import NotReady
from pilots.green.city.inventory import MEDIAN_DBH_CM, read_inventory
from pilots.green.city.light import CrownBodies
from pilots.green.city.neighbours import cooling_index
from pilots.green.growth.species import INDEX, SPECIES

CRS = "EPSG:3301"
PACE = np.full(len(SPECIES), 0.6)


class Pack:
    """A pack's view with tables given by kind."""

    city = SimpleNamespace(name="Testville", id="testville")

    def __init__(self, **tables):
        square = gpd.GeoDataFrame({"district_id": ["d"]}, geometry=[shapely.box(0, 0, 2000, 2000)], crs=CRS)
        self.tables = {"districts": square} | tables

    def has(self, kind):
        return kind in self.tables

    def features(self, kind):
        return self.tables[kind].copy()

    def dataset(self, kind):  # noqa: ARG002 - as a pack has it
        return SimpleNamespace(provenance=SimpleNamespace(grade="official", retrieved="2026-05-01"))


def trees(rows):
    """A register from rows of x, species, trunk, height, crown, condition."""
    x, species, dbh, height, crown, condition = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {
            "tree_id": [f"t{i}" for i in range(len(rows))],
            "species": list(species),
            "dbh_cm": np.array(dbh, dtype=float),
            "height_m": np.array(height, dtype=float),
            "crown_diameter_m": np.array(crown, dtype=float),
            "condition": list(condition),
        },
        geometry=shapely.points(np.array(x, dtype=float), 500.0),
        crs=CRS,
    )


def read(**tables):
    return read_inventory(Pack(**tables), PACE, np.random.default_rng(1))


@pytest.fixture
def register():
    return trees([
        (100, "Tilia cordata", 30, 14, 8, "good"),
        (200, "Tilia cordata", 900, 14, 8, None),
        (300, "Acer tataricum", 20, np.nan, np.nan, "poor"),
        (400, "Ginkgo biloba", 25, np.nan, np.nan, "good"),
        (500, "Betula pendula", 25, np.nan, np.nan, "dead"),
        (600, "Betula pendula", 25, np.nan, np.nan, "good"),
        (600.3, "Betula pendula", 25, np.nan, np.nan, "good"),
        (800, "Quercus robur", 40, np.nan, np.nan, "good"),
        (900, None, np.nan, np.nan, np.nan, None),
    ])  # fmt: skip


def test_what_is_left_out_or_taken_for_something_else_is_told(register):
    house = gpd.GeoDataFrame(geometry=[shapely.box(790, 490, 810, 510)], crs=CRS)
    found = read(trees=register, buildings=house)
    notes = "\n".join(found.notes)
    assert len(found.trees) == 6
    for line in (
        "1 dead trees left out",
        "1 trees nearer than 0.8 m to another left out",
        "1 trees inside buildings left out",
        "1 trees with an impossible dbh_cm taken as of unknown dbh_cm, e.g. tree t1 with 900",
        "Acer tataricum as Acer platanoides (1)",
        "Ginkgo biloba as Broadleaf sp. (1)",
        "1 trees without species: drawn from a northern mix",
        "6 trees (official)",
    ):
        assert line in notes, line


def test_known_sizes_are_kept_and_unknown_ones_drawn(register):
    found = read(trees=register)
    lime = found.trees.part(np.flatnonzero(found.x_m == 100))
    assert lime.dbh_cm == pytest.approx(30)
    assert lime.height_m == pytest.approx(14)
    # The trunk of nine metres is unknown, its height is not.
    other = found.trees.part(np.flatnonzero(found.x_m == 200))
    assert other.height_m == pytest.approx(14)
    assert 10 < other.dbh_cm < 60
    assert found.trees.condition.min() == 0.5


def test_trees_without_any_size_are_drawn_around_a_stated_trunk():
    many = trees([(i * 2.0, "Tilia cordata", np.nan, np.nan, np.nan, None) for i in range(900)])
    found = read(trees=many)
    assert np.median(found.trees.dbh_cm) == pytest.approx(MEDIAN_DBH_CM, rel=0.08)
    assert any("100% of the trees have no size" in note for note in found.notes)


def test_a_planting_year_gives_the_age():
    old, young = (trees([(100, "Acer platanoides", np.nan, np.nan, np.nan, None)]) for _ in range(2))
    old["year_planted"], young["year_planted"] = 1960, 2020
    assert read(trees=old).trees.dbh_cm > 3 * read(trees=young).trees.dbh_cm


def test_a_city_without_trees_gets_those_that_its_land_lets_expect():
    cells = gpd.GeoDataFrame(
        {"cover_class": ["LRW", "MW"]},
        geometry=[shapely.box(0, 0, 1000, 2000), shapely.box(1000, 0, 2000, 2000)],
        crs=CRS,
    )
    found = read(land_cover=cells)
    assert found.generated
    assert "(synthetic)" in found.notes[0]
    crowns = np.pi / 4 * found.trees.crown_diameter_m**2 * found.weight
    cover = 1 - np.exp(-crowns.sum() / found.land_m2)
    assert cover == pytest.approx((0.28 + 0.08) / 2, abs=0.02)
    assert set(np.unique(found.trees.species)) > {INDEX["Betula pendula"], INDEX["Pinus sylvestris"]}


def test_a_city_with_neither_is_not_ready():
    with pytest.raises(NotReady, match="neither trees nor land cover"):
        read()


@pytest.mark.parametrize("side_m", [40.0, 2000.0])
def test_a_city_smaller_than_a_cell_is_cooled_like_a_large_one(side_m):
    """A hamlet of forty metres whose middle of no cell lies in it still has an index and an offset."""
    hamlet = shapely.box(1000, 1000, 1000 + side_m, 1000 + side_m)
    inventory = SimpleNamespace(
        generated=False, extent=hamlet, green_m2=0.3 * side_m**2, land_m2=side_m**2, forest=shapely.Polygon()
    )
    count = round(side_m**2 / 400.0)
    at = 1000 + np.random.default_rng(5).random((2, count)) * side_m
    crowns = CrownBodies(
        *at, *(np.full(count, v) for v in (8.0, 12.0, 9.0)), np.zeros(count, bool), np.ones(count)
    )
    index, offset = cooling_index(inventory, crowns, 2.5)
    assert 0.1 < index < 0.6
    assert -0.6 < offset < -0.02
