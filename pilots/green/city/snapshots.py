"""A city's trees at one moment: as bodies that cast shade, and as a table that can be kept and exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pilots.green.city.forest import Forest
from pilots.green.city.ground import Ground
from pilots.green.city.inventory import evergreen_of
from pilots.green.city.light import CrownBodies
from pilots.green.growth.species import SPECIES
from pilots.green.growth.stock import Stock

Floats = NDArray[np.float64]


def bodies_of(forest: Forest, ground: Ground, member: int = 0) -> CrownBodies:
    """Crowns of one member's trees."""
    here = forest.member == member
    trees, tree = forest.trees.part(here), forest.tree[here]
    return CrownBodies(
        x_m=ground.x_m[tree],
        y_m=ground.y_m[tree],
        diameter_m=trees.crown_diameter_m,
        top_m=trees.height_m,
        crown_height_m=trees.crown_height_m,
        evergreen=evergreen_of(trees.species),
        weight=forest.weight[here],
    )


def spread_out(bodies: CrownBodies, rng: np.random.Generator) -> CrownBodies:
    """As many crowns as the trees stand for, each near the tree that it stands with."""
    times = np.floor(bodies.weight + rng.random(len(bodies.weight))).astype(int)
    which = np.repeat(np.arange(len(times)), times)
    scatter = 60.0 * rng.standard_normal((2, len(which)))
    columns = {name: values[which] for name, values in vars(bodies).items()}
    columns |= {
        "x_m": columns["x_m"] + scatter[0],
        "y_m": columns["y_m"] + scatter[1],
        "weight": np.ones(len(which)),
    }
    return CrownBodies(**columns)


@dataclass(frozen=True)
class Snapshot:
    """The first member's trees at the end of a year.

    Attributes:
        year: That year.
        leaf_on_doy: Its first leaf.
        leaf_off_doy: Its first leaf fall.
        tree: Number of each tree within the city; it stays with its place when the tree is replaced.
        x_m: Map coordinates.
        y_m: Likewise.
        weight: How many trees each stands for.
        trees: The trees.
    """

    year: int
    leaf_on_doy: float
    leaf_off_doy: float
    tree: NDArray[np.int64]
    x_m: Floats
    y_m: Floats
    weight: Floats
    trees: Stock


def snapshot(forest: Forest, ground: Ground, year: int, leaf_on_doy: float, leaf_off_doy: float) -> Snapshot:
    """Keep the first member's trees as they are."""
    here = np.flatnonzero(forest.member == 0)
    here = here[np.argsort(forest.tree[here], kind="stable")]
    tree = forest.tree[here]
    return Snapshot(
        year, float(leaf_on_doy), float(leaf_off_doy), tree, ground.x_m[tree], ground.y_m[tree],
        forest.weight[here], forest.trees.part(here),
    )  # fmt: skip


_UNITS = {
    "tree": "1", "species": "1", "x": "m", "y": "m", "dbh": "cm", "height": "m", "crown_diameter": "m",
    "crown_base": "m", "leaf_area": "m2", "condition": "1", "stands_for": "1",
}  # fmt: skip


def snapshot_variables(
    snapshots: Sequence[Snapshot],
) -> dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, str]]]:
    """Snapshots as variables of a dataset: one record per tree and year, and leaf dates per year."""
    columns = {name: np.concatenate([_columns(one)[name] for one in snapshots]) for name in _UNITS}
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, str]]] = {
        f"tree_{name}" if name != "tree" else "tree_number": (
            ("tree_record",),
            values,
            {"units": _UNITS[name]},
        )
        for name, values in columns.items()
    }
    variables["tree_species"][2]["flag_meanings"] = "; ".join(kind.name for kind in SPECIES)
    year = np.concatenate([np.full(len(one.tree), one.year, np.int32) for one in snapshots])
    variables["tree_year"] = (("tree_record",), year, {"units": "a"})
    for name in ("leaf_on_doy", "leaf_off_doy"):
        days = np.array([getattr(one, name) for one in snapshots])
        variables[f"snapshot_{name}"] = (("snapshot",), days, {"units": "d"})
    return variables


def _columns(one: Snapshot) -> dict[str, NDArray[np.generic]]:
    trees = one.trees
    height = trees.height_m
    sizes = {
        "dbh": trees.dbh_cm,
        "height": height,
        "crown_diameter": trees.crown_diameter_m,
        "crown_base": np.maximum(height - trees.crown_height_m, 0.0),
        "leaf_area": trees.leaf_area_m2,
        "condition": trees.condition,
        "stands_for": one.weight,
    }
    plain: dict[str, NDArray[np.generic]] = {
        name: values.astype(np.float32) for name, values in sizes.items()
    }
    return plain | {"tree": one.tree, "species": trees.species, "x": one.x_m.round(2), "y": one.y_m.round(2)}


def read_snapshot(data: xr.Dataset, year: int) -> xr.Dataset:
    """The records of one year of a dataset that holds `snapshot_variables`."""
    return data.isel(tree_record=np.flatnonzero(data["tree_year"].values == year))
