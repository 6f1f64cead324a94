"""From a forest at the end of a run to the figures that a planner reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from pilots.green.city.climate import TypicalYear
from pilots.green.city.forest import Forest, quantiles
from pilots.green.city.inventory import Inventory, evergreen_of
from pilots.green.city.light import CrownBodies
from pilots.green.city.neighbours import Homes, cooling_index, three_thirty
from pilots.green.city.yards import Place, YardClimate, yard_climate
from pilots.green.city.yearly import YearlyServices
from pilots.green.services.cover import canopy_area_m2
from pilots.green.services.diversity import diversity
from pilots.green.services.rain import STORE_PER_LEAF_AREA_MM, runoff_mm
from twin.pilot import Estimate

if TYPE_CHECKING:
    from pilots.green.model import CityGreen

Floats = NDArray[np.float64]

CURVE_OPEN, CURVE_SEALED = 65.0, 98.0
"""Curve numbers of open and of sealed ground (TR-55: open space in fair condition on loam; paving)."""


def overlap_of(inventory: Inventory) -> float:
    """How crowns of this city overlap: 1 by chance, more where trees stand in rows and groups.

    The number s for which summed crown area a (per land) covers (1 - exp(-a s))/s, as the union of crowns does.
    """
    if inventory.generated:
        return 1.0
    trees = inventory.trees
    area = np.pi / 4 * trees.crown_diameter_m**2 * (trees.height_m > 2.0)
    summed = float(area.sum()) / inventory.land_m2
    union = canopy_area_m2(inventory.x_m, inventory.y_m, trees.crown_diameter_m, trees.height_m) / inventory.land_m2
    if union >= summed * (1 - 1e-6):
        return 1e-3
    return float(brentq(lambda s: (1 - np.exp(-summed * s)) / s - union, 1e-4, 1e4))


def bodies_of(forest: Forest, inventory: Inventory) -> CrownBodies:
    """Crowns of the first member's trees whose place is known: those of the inventory that still stand."""
    here = (forest.member == 0) & (forest.tree < len(inventory.trees))
    trees, tree = forest.trees.part(here), forest.tree[here]
    return CrownBodies(
        x_m=inventory.x_m[tree],
        y_m=inventory.y_m[tree],
        diameter_m=trees.crown_diameter_m,
        top_m=trees.height_m,
        crown_height_m=trees.crown_height_m,
        evergreen=evergreen_of(trees.species),
        weight=inventory.weight[tree],
    )


def spread_out(bodies: CrownBodies, rng: np.random.Generator) -> CrownBodies:
    """As many crowns as the trees stand for, each near the tree that it stands with."""
    times = np.floor(bodies.weight + rng.random(len(bodies.weight))).astype(int)
    which = np.repeat(np.arange(len(times)), times)
    scatter = 60.0 * rng.standard_normal((2, len(which)))
    return CrownBodies(
        x_m=bodies.x_m[which] + scatter[0],
        y_m=bodies.y_m[which] + scatter[1],
        diameter_m=bodies.diameter_m[which],
        top_m=bodies.top_m[which],
        crown_height_m=bodies.crown_height_m[which],
        evergreen=bodies.evergreen[which],
        weight=np.ones(len(which)),
    )


@dataclass(frozen=True)
class Summary:
    """What does not change during a run and the figures need.

    Attributes:
        typical: The year of the weather.
        services: Services of a square metre of canopy.
        homes: Homes and their ways.
        places: Named places.
        spread: Overlap of crowns, see `overlap_of`.
        offset_k: Air temperature that full canopies make at the start (index).
        scatter: Seed for crowns of generated stocks around places.
        notes: What was assumed.
    """

    typical: TypicalYear
    services: YearlyServices
    homes: Homes
    places: tuple[Place, ...]
    spread: float
    offset_k: float
    scatter: int
    notes: tuple[str, ...]

    def kpis(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        """All indicators of a city at the end of its run."""
        return {
            **self._canopy(model),
            **self._seasons(model),
            **self._carbon(model),
            **self._air_and_water(model),
            **self._yards(model),
            **self._people(model),
            **_mix(model),
            **_break_even(model),
        }

    def _canopy(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        forest, book, inventory = model.forest, model.yearbook, model.inventory
        start, end = (100.0 * model.canopy_share(book.crown_area_m2[i]) for i in (0, -1))
        crowns, leaves = book.crown_area_m2[-1], book.leaf_area_m2[-1]
        until = 2031 - model.first_year
        in_2030 = until < len(book.crown_area_m2)
        change = 100.0 * model.canopy_share(book.crown_area_m2[until]) - start if in_2030 else None
        died = np.sum(book.died, axis=0) / np.maximum(np.sum(book.trees[:-1], axis=0), 1e-9) if len(book.trees) > 1 else None
        return {
            "tree_canopy_cover": _estimate(end),
            "tree_canopy_change": _estimate(end - start),
            "canopy_2030_against_base": _estimate(change) if change is not None else np.nan,
            "urban_green_space_share": 100.0 * inventory.green_m2 / inventory.land_m2 if inventory.green_m2 else np.nan,
            "trees_alive": _estimate(book.trees[-1]),
            "crown_volume": _estimate(forest.total(forest.crown_volume_m3)),
            "leaf_area": _estimate(leaves / 1e4),
            "leaf_area_index": _estimate(leaves / np.maximum(crowns, 1e-9)),
            "mortality": _estimate(100.0 * died) if died is not None else np.nan,
        }

    def _seasons(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        years = model.years
        return {
            "leaf_on_day": _estimate(years.leaf_on_doy.mean(axis=1), years.leaf_on_doy),
            "leaf_off_day": _estimate(years.leaf_off_doy.mean(axis=1), years.leaf_off_doy),
            "season_length": _estimate(
                (years.leaf_off_doy - years.leaf_on_doy).mean(axis=1), years.leaf_off_doy - years.leaf_on_doy
            ),
            "drought_stress_days": _estimate(years.stress_days.mean(axis=1), years.stress_days),
        }

    def _carbon(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        book = model.yearbook
        if len(book.growth_kg) < 2:
            gross = net = None
        else:
            gross = np.mean(book.growth_kg[1:], axis=0) / 1e3
            net = gross - np.mean(book.decay_kg[1:], axis=0) / 1e3
        return {
            "carbon_stored": _estimate(book.carbon_kg[-1] / 1e3),
            "carbon_sequestration_gross": _estimate(gross) if gross is not None else np.nan,
            "carbon_sequestration_net": _estimate(net) if net is not None else np.nan,
        }

    def _air_and_water(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        forest = model.forest
        evergreen = evergreen_of(forest.trees.species)
        crowns, leaves = forest.crown_area_m2, forest.leaf_area_m2
        total = np.zeros((4, forest.members))
        for habit in (False, True):
            area = forest.total(crowns, evergreen == habit)
            index = forest.total(leaves, evergreen == habit) / np.maximum(area, 1e-9)
            total += self.services.at(index, evergreen=habit) * area
        storm = _cloudburst(model, crowns, leaves)
        return {
            "rain_interception": _estimate(total[0] * 1e-3),
            "pm25_removed": _estimate(total[1] * 1e-3),
            "ozone_removed": _estimate(total[2] * 1e-3),
            "nitrogen_dioxide_removed": _estimate(total[3] * 1e-3),
            **storm,
        }

    def _yards(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        names = ("shade_10_16h_summer", "shade_10_16h_winter", "tmrt_mean", "tmrt_p95", "tmrt_reduction",
                 "utci_heat_stress_hours")  # fmt: skip
        found = self.yards(model)
        if not found:
            return dict.fromkeys(names, np.nan)
        table = np.array([
            (100 * y.summer_shade, 100 * y.winter_shade, y.radiant_c, y.radiant_p95_c, y.cooler_k, y.stress_h) for y in found
        ])  # fmt: skip
        return dict(zip(names, table.mean(axis=0).tolist(), strict=True))

    def yards(self, model: CityGreen) -> list[YardClimate]:
        """The named places at the end of the run."""
        crowns = bodies_of(model.forest, model.inventory)
        rng = np.random.default_rng(self.scatter)
        on, off = (float(days[0, -1]) for days in (model.years.leaf_on_doy, model.years.leaf_off_doy))
        stress = float(model.years.stress[0, -1])
        found = []
        for place in self.places:
            near = np.hypot(crowns.x_m - place.x_m, crowns.y_m - place.y_m) < 400.0
            around = CrownBodies(**{name: values[near] for name, values in vars(crowns).items()})
            bodies = spread_out(around, rng) if model.inventory.generated else around
            found.append(yard_climate(place, bodies, self.typical, on, off, stress))
        return found

    def _people(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        forest, inventory, homes = model.forest, model.inventory, self.homes
        bodies = bodies_of(forest, inventory)
        index, offset = cooling_index(
            inventory, bodies.x_m, bodies.y_m, np.pi / 4 * bodies.diameter_m**2, bodies.weight, model.scenario.heat_island_k
        )
        rule = three_thirty(
            homes, inventory, bodies.x_m, bodies.y_m, bodies.diameter_m, bodies.top_m, model.district_canopy()[0]
        )
        balance = _weighted(homes.supply_m2 - 9.0, homes.people)
        return {
            "cooling_index": index,
            "air_temperature_difference": offset,
            "share_seeing_3_trees": 100.0 * _weighted(rule["sees"], homes.people),
            "share_30pct_canopy": 100.0 * _weighted(rule["canopy"], homes.people),
            "share_300m_park": 100.0 * _weighted(rule["park"], homes.people),
            "nature_balance": balance,
        }

    def dataset(self, model: CityGreen) -> xr.Dataset:
        """Series by year (value, P10, P90), canopy by district, and the notes."""
        book = model.yearbook
        year = model.first_year + np.arange(len(book.crown_area_m2))
        series = {
            "canopy_cover": ([100.0 * model.canopy_share(area) for area in book.crown_area_m2], "%"),
            "trees": (book.trees, "1"),
            "carbon": ([c / 1e3 for c in book.carbon_kg], "t"),
            "leaf_area_by_year": ([a / 1e4 for a in book.leaf_area_m2], "ha"),
        }
        for i, (name, unit, factor) in enumerate((("canopy", "m2", 1.0), ("carbon", "t", 1e-3), ("shade", "m2", 1.0))):
            series[f"felled_{name}"] = ([rows[i] * factor for rows in book.felled], unit)
            series[f"replaced_{name}"] = ([rows[i] * factor for rows in book.replaced], unit)
        data = {name: (("year", "bound"), _bounds(values), {"units": unit}) for name, (values, unit) in series.items()}
        districts = model.inventory.districts["district_id"].astype(str).to_numpy()
        data["tree_canopy_cover"] = (("district",), 100.0 * model.district_canopy()[0], {"units": "%"})
        dataset = xr.Dataset(data, coords={"year": year, "bound": ["value", "p10", "p90"], "district": districts})
        dataset.attrs["notes"] = list(self.notes)
        return dataset


def _estimate(values: Floats, spread: Floats | None = None) -> Estimate:
    """The first member's value with P10 and P90; ``spread`` gives the interval where single years vary too."""
    value, low, high = quantiles(values)
    if spread is not None:
        low, high = (float(v) for v in np.percentile(spread, [10.0, 90.0]))
    return Estimate(value, min(low, value), max(high, value))


def _bounds(values: list[Floats]) -> Floats:
    return np.array([quantiles(row) for row in values])


def _weighted(values: Floats, people: Floats) -> float:
    known = np.isfinite(values)
    return float(np.average(values[known], weights=people[known])) if known.any() and people[known].sum() > 0 else float("nan")


def _cloudburst(model: CityGreen, crowns: Floats, leaves: Floats) -> Mapping[str, Estimate]:
    """Runoff of the cloudburst from open and sealed land, below crowns and beside them."""
    rain, land = model.scenario.cloudburst_mm, model.inventory.land_m2
    open_share = min(model.inventory.green_m2 / land, 1.0)
    area = model.forest.total(crowns)
    cover = model.canopy_share(area) - model.canopy_share(np.zeros(1))
    index = model.forest.total(leaves) / np.maximum(area, 1e-9)
    held = np.minimum(STORE_PER_LEAF_AREA_MM * index, rain)
    numbers = np.array([CURVE_OPEN, CURVE_SEALED])
    shares = np.array([open_share, 1.0 - open_share])
    bare = float(runoff_mm(rain, numbers) @ shares)
    below = runoff_mm((rain - held)[:, None], numbers) @ shares
    runoff = cover * below + (1.0 - cover) * bare
    return {
        "cloudburst_runoff_avoided": _estimate((bare - runoff) * land * 1e-3),
        "cloudburst_retention": _estimate(100.0 * (1.0 - runoff / rain)),
    }


def _mix(model: CityGreen) -> Mapping[str, float | Estimate]:
    forest = model.forest
    mixes = [diversity(forest.trees.species[forest.member == m]) for m in range(forest.members)]
    return {
        "largest_species_share": _estimate(np.array([100.0 * mix.largest_species_share for mix in mixes])),
        "largest_genus_share": _estimate(np.array([100.0 * mix.largest_genus_share for mix in mixes])),
        "shannon_diversity": _estimate(np.array([mix.shannon for mix in mixes])),
    }


def _break_even(model: CityGreen) -> Mapping[str, float | Estimate]:
    names = ("break_even_year_canopy", "break_even_year_carbon", "break_even_year_shade")
    felled, replaced = np.array(model.yearbook.felled), np.array(model.yearbook.replaced)
    if model.works.felled is None or not felled.any():
        return {**dict.fromkeys(names, np.nan), "replacement_ratio_end": np.nan}
    found: dict[str, float | Estimate] = {}
    for i, name in enumerate(names):
        enough = (replaced[:, i] >= felled[:, i]) & (felled[:, i] > 0)
        first = np.where(enough.any(axis=0), model.first_year + enough.argmax(axis=0), np.inf)
        found[name] = _year(first)
    planted = max(model.scenario.replace_ratio, 1e-9)
    ratio = felled[-1, 0] / np.maximum(replaced[-1, 0], 1e-9) * planted
    found["replacement_ratio_end"] = _estimate(ratio) if model.scenario.replace_ratio > 0 else np.nan
    return found


def _year(first: Floats) -> float | Estimate:
    """A year with its interval; NaN where most members never reach it within the run."""
    value = float(first[0])
    if not np.isfinite(value):
        return float("nan")
    reached = np.sort(first[np.isfinite(first)])
    low, high = np.percentile(reached, [10.0, 90.0])
    return Estimate(value, min(float(low), value), max(float(high), value))
