"""From a forest at the end of a run to the figures that a planner reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from pilots.green.city.climate import TypicalYear
from pilots.green.city.forest import quantiles
from pilots.green.city.inventory import Inventory, evergreen_of
from pilots.green.city.light import CrownBodies
from pilots.green.city.neighbours import DEMAND_M2, Homes, cooling_index, three_thirty
from pilots.green.city.nursery import SERVICES
from pilots.green.city.signs import Approaches
from pilots.green.city.snapshots import bodies_of, snapshot_variables, spread_out
from pilots.green.city.yards import Place, YardClimate, yard_climate
from pilots.green.city.yearly import YearlyServices
from pilots.green.leaf_area import leaf_share
from pilots.green.services.cover import canopy_area_m2
from pilots.green.services.diversity import diversity
from pilots.green.services.ledger import BASE_YEAR, FIRST_CHECK, ledger
from pilots.green.services.rain import STORE_PER_LEAF_AREA_MM, runoff_mm
from twin.pilot import Estimate

if TYPE_CHECKING:
    from pilots.green.model import CityGreen

Floats = NDArray[np.float64]

NEARBY_M = 400.0
"""Trees within this distance of a named place may shade it."""

CURVE_OPEN, CURVE_SEALED = 65.0, 98.0
"""Curve numbers of open and of sealed ground (TR-55: open space in fair condition on loam; paving)."""


def overlap_of(inventory: Inventory) -> float:
    """How crowns of this city overlap: 1 by chance, more where trees stand in rows and groups.

    The number s for which summed crown area a (per land) covers (1 - exp(-a s))/s, as the union of crowns
    does.
    """
    if inventory.generated:
        return 1.0
    trees = inventory.trees
    area = np.pi / 4 * trees.crown_diameter_m**2 * (trees.height_m > 2.0)
    summed = float(area.sum()) / inventory.land_m2
    union = (
        canopy_area_m2(inventory.x_m, inventory.y_m, trees.crown_diameter_m, trees.height_m)
        / inventory.land_m2
    )
    if union >= summed * (1 - 1e-6):
        return 1e-3
    return float(brentq(lambda s: (1 - np.exp(-summed * s)) / s - union, 1e-4, 1e4))


@dataclass(frozen=True)
class Summary:
    """What does not change during a run and the figures need.

    Attributes:
        typical: The year of the weather.
        services: Services of a square metre of canopy.
        homes: Homes and their ways.
        places: Named places.
        approaches: Ways to junctions, whose signs drivers must see; none where trees are drawn.
        spread: Overlap of crowns, see `overlap_of`.
        offset_k: Air temperature that full canopies make at the start (index).
        scatter: Seed for crowns of generated stocks around places.
        notes: What was assumed.
    """

    typical: TypicalYear
    services: YearlyServices
    homes: Homes
    places: tuple[Place, ...]
    approaches: Approaches
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
        until = 2031 - model.first_year  # the start of the run is the first entry
        in_2030 = until < len(book.crown_area_m2)
        change = 100.0 * model.canopy_share(book.crown_area_m2[until]) - start if in_2030 else None
        died = (
            np.sum(book.died, axis=0) / np.maximum(np.sum(book.trees[:-1], axis=0), 1e-9)
            if len(book.trees) > 1
            else None
        )
        return {
            "tree_canopy_cover": _estimate(end),
            "tree_canopy_change": _estimate(end - start),
            "canopy_2030_against_base": _estimate(change) if change is not None else np.nan,
            "urban_green_space_share": 100.0 * inventory.green_m2 / inventory.land_m2
            if inventory.green_m2
            else np.nan,
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
        runoff, bare = cloudburst(model, forest.total(crowns), forest.total(leaves))
        land, rain = model.inventory.land_m2, model.scenario.cloudburst_mm
        return {
            "rain_interception": _estimate(total[0] * 1e-3),
            "pm25_removed": _estimate(total[1] * 1e-3),
            "ozone_removed": _estimate(total[2] * 1e-3),
            "nitrogen_dioxide_removed": _estimate(total[3] * 1e-3),
            "cloudburst_runoff_avoided": _estimate((bare - runoff) * land * 1e-3),
            "cloudburst_retention": _estimate(100.0 * (1.0 - runoff / rain)),
        }

    def _yards(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        names = ("shade_10_16h_summer", "shade_10_16h_winter", "tmrt_mean", "tmrt_p95", "tmrt_reduction",
                 "utci_heat_stress_hours")  # fmt: skip
        yards = model.yards
        if not self.places:
            return dict.fromkeys(names, np.nan)
        table = np.array([
            [
                (100 * y.summer_shade, 100 * y.winter_shade, y.radiant_c, y.radiant_p95_c, y.cooler_k,
                 y.stress_h)
                for y in found
            ]
            for found in yards
        ]).mean(axis=1)  # fmt: skip
        return {name: _between(table[:, i]) for i, name in enumerate(names)}

    def yards(self, model: CityGreen, member: int) -> list[YardClimate]:
        """The named places at the end of the run."""
        crowns = bodies_of(model.forest, model.ground, member)
        rng = np.random.default_rng(self.scatter)
        on, off = (float(days[member, -1]) for days in (model.years.leaf_on_doy, model.years.leaf_off_doy))
        stress = float(model.years.stress[member, -1])
        found = []
        for place in self.places:
            near = np.hypot(crowns.x_m - place.x_m, crowns.y_m - place.y_m) < NEARBY_M
            around = CrownBodies(**{name: values[near] for name, values in vars(crowns).items()})
            bodies = spread_out(around, rng) if model.inventory.generated else around
            found.append(yard_climate(place, bodies, self.typical, on, off, stress))
        return found

    def _people(self, model: CityGreen) -> Mapping[str, float | Estimate]:
        forest, homes = model.forest, self.homes
        trees = forest.by_district(np.ones(len(forest.trees)), len(model.inventory.districts))
        canopy = model.district_canopy()
        cooling, seeing, shaded, signs = [], [], [], []
        for member in typical_members(model):
            crowns = bodies_of(forest, model.ground, member)
            signs.append(100.0 * self.approaches.hidden_share(crowns))
            cooling.append(cooling_index(model.inventory, crowns, model.scenario.heat_island_k))
            rule = three_thirty(homes, model.inventory, crowns, trees[member], canopy[member])
            seeing.append(100.0 * _weighted(rule.sees, homes.people))
            shaded.append(100.0 * _weighted(rule.canopy, homes.people))
        return {
            "cooling_index": _between([index for index, _ in cooling]),
            "air_temperature_difference": _between([offset for _, offset in cooling]),
            "share_seeing_3_trees": _between(seeing),
            "share_30pct_canopy": _between(shaded),
            "share_300m_park": 100.0 * _weighted(rule.park, homes.people),
            "nature_balance": _weighted(homes.supply_m2 - DEMAND_M2, homes.people),
            "signs_hidden": _between(signs) if np.isfinite(signs).all() else np.nan,
        }

    def dataset(self, model: CityGreen) -> xr.Dataset:
        """Series by year, leaves by day, shade by hour, single trees, canopy by district, and notes."""
        book, inventory = model.yearbook, model.inventory
        year = model.first_year - 1 + np.arange(len(book.crown_area_m2))
        data: dict[str, Any] = dict(_series(model))
        index = book.leaf_area_m2[-1] / np.maximum(book.crown_area_m2[-1], 1e-9)
        data["leaf_area_index_by_day"] = (("day", "bound"), _leaves_by_day(model, index), {"units": "1"})
        data["tree_canopy_cover"] = (
            ("district",),
            100.0 * np.median(model.district_canopy(), axis=0),
            {"units": "%"},
        )
        data |= (
            _ledger(model)
            | self._shade_by_hour(model)
            | _replacements_needed(model)
            | snapshot_variables(model.snapshots)
        )
        coordinates = {
            "year": year, "bound": ["median", "p10", "p90"], "day": np.arange(1, 366),
            "district": inventory.districts["district_id"].astype(str).to_numpy(),
            "snapshot": [one.year for one in model.snapshots],
        }  # fmt: skip
        dataset = xr.Dataset(data, coords=coordinates)
        dataset.attrs["notes"] = [*self.notes, *model.notes]
        dataset.attrs["crs"] = str(inventory.districts.crs.to_string())
        return dataset

    def _shade_by_hour(self, model: CityGreen) -> dict[str, Any]:
        found = model.yards[1]
        if not found:
            return {}
        shade = np.array([[yard.summer_shade_by_hour, yard.winter_shade_by_hour] for yard in found])
        return {
            "shade_by_hour": (("place", "season", "hour"), shade, {"units": "1"}),
            "place": ("place", [yard.name for yard in found]),
            "season": ("season", ["summer", "winter"]),
            "hour": ("hour", np.arange(24), {"units": "h", "long_name": "hour of the day, UTC"}),
        }


def typical_members(model: CityGreen) -> tuple[int, int, int]:
    """The members whose canopy at the end is at P10, at the median and at P90 of the ensemble.

    What takes long to work out for one member (yards, views from homes) is worked out for these three.
    """
    order = np.argsort(model.yearbook.crown_area_m2[-1], kind="stable")
    low, middle, high = (int(order[round(share * (len(order) - 1))]) for share in (0.1, 0.5, 0.9))
    return low, middle, high


def _between(values: Sequence[float] | Floats) -> Estimate:
    """The middle one of three values with the least and the largest."""
    low, value, high = sorted(float(v) for v in values)
    return Estimate(value, low, high)


def _series(model: CityGreen) -> dict[str, Any]:
    """What each year leaves behind: median, P10 and P90."""
    book, land = model.yearbook, model.inventory.land_m2
    rows: dict[str, tuple[list[Floats], str]] = {
        "canopy_cover": ([100.0 * model.canopy_share(area) for area in book.crown_area_m2], "%"),
        "trees": (book.trees, "1"),
        "carbon": ([c / 1e3 for c in book.carbon_kg], "t"),
        "leaf_area_by_year": ([a / 1e4 for a in book.leaf_area_m2], "ha"),
        "died": (book.died, "1"),
        "cloudburst_runoff": (
            [
                cloudburst(model, *areas)[0] * land * 1e-3
                for areas in zip(book.crown_area_m2, book.leaf_area_m2, strict=True)
            ],
            "m3",
        ),
    }
    for i, (name, unit, factor) in enumerate(
        (("canopy", "m2", 1.0), ("carbon", "t", 1e-3), ("shade", "m2", 1.0))
    ):
        for kind, entries in (("felled", book.felled), ("replaced", book.replaced)):
            # Nothing is felled before the run.
            values = [np.full_like(entries[0][i], np.nan), *(row[i] * factor for row in entries[1:])]
            rows[f"{kind}_{name}"] = (values, unit)
    return {
        name: (("year", "bound"), _bounds(values), {"units": unit}) for name, (values, unit) in rows.items()
    }


def _ledger(model: CityGreen) -> dict[str, Any]:
    """The checks of Regulation (EU) 2024/1991 within the run, on the median; its start stands for 2024."""
    book, inventory = model.yearbook, model.inventory
    last = model.first_year - 2 + len(book.crown_area_m2)
    canopy = {
        model.first_year - 1 + i: float(np.median(model.canopy_share(area)))
        for i, area in enumerate(book.crown_area_m2)
    }
    canopy[BASE_YEAR] = canopy[model.first_year - 1]
    if last < FIRST_CHECK or model.first_year > FIRST_CHECK or not inventory.green_m2:
        return {}
    green = inventory.green_m2 / inventory.land_m2
    checks = ledger(dict.fromkeys(canopy, green), canopy)
    return {
        "ledger_canopy_change": (("check",), [100.0 * one.canopy_change for one in checks], {"units": "pp"}),
        "ledger_green_change": (("check",), [100.0 * one.green_change for one in checks], {"units": "pp"}),
        "ledger_kept": (("check",), [int(one.kept) for one in checks], {"units": "1"}),
        "check": ("check", [one.year for one in checks]),
    }


def _leaves_by_day(model: CityGreen, index: Floats) -> Floats:
    """Leaf area index of deciduous crowns by day: over members and years of the run."""
    years, day = model.years, np.arange(1, 366)
    share = leaf_share(day, years.leaf_on_doy[..., None], years.leaf_off_doy[..., None])
    leaves = (share * index[:, None, None]).reshape(-1, len(day))
    low, middle, high = np.percentile(leaves, [10.0, 50.0, 90.0], axis=0)
    return np.stack([middle, low, high], axis=1)


def _replacements_needed(model: CityGreen) -> dict[str, Any]:
    """Young trees of each grade that make up for one felled tree, by year."""
    if model.works is None or not model.works.nursery.per_tree:
        return {}
    low, middle, high = _needed(model)
    table = np.stack([middle, low, high], axis=-1)
    table = np.concatenate([np.full((1, *table.shape[1:]), np.nan), table])
    return {
        "replacements_needed": (("year", "service", "grade", "bound"), table, {"units": "1"}),
        "service": ("service", list(SERVICES)),
        "grade": (
            "grade",
            list(model.works.nursery.grades_cm),
            {"units": "cm", "long_name": "trunk when planted"},
        ),
    }


def _needed(model: CityGreen) -> Floats:
    """Young trees per felled one: P10, median, P90 (3 x years x services x grades)."""
    if model.works is None:
        raise RuntimeError("nothing was felled")
    felled = np.array(model.yearbook.felled[1:]) / model.works.count
    # Some may be infinite, between which there is no middle.
    needed = model.works.nursery.needed(felled)
    return np.asarray(np.percentile(needed, [10.0, 50.0, 90.0], axis=2, method="nearest"))


def _estimate(values: Floats, spread: Floats | None = None) -> Estimate:
    """Median with P10 and P90 over members; ``spread`` gives the interval where single years vary too."""
    value, low, high = quantiles(values)
    if spread is not None:
        low, high = (float(v) for v in np.percentile(spread, [10.0, 90.0]))
    return Estimate(value, min(low, value), max(high, value))


def _bounds(values: list[Floats]) -> Floats:
    return np.array([quantiles(row) for row in values])


def _weighted(values: Floats, people: Floats) -> float:
    known = np.isfinite(values)
    return (
        float(np.average(values[known], weights=people[known]))
        if known.any() and people[known].sum() > 0
        else float("nan")
    )


def cloudburst(model: CityGreen, crown_area_m2: Floats, leaf_area_m2: Floats) -> tuple[Floats, float]:
    """Runoff of the cloudburst (mm over all land): with crowns, by member, and without any.

    Crowns hold what wets their leaves; open ground and the pits of trees take up more than sealed ground.
    """
    rain, land = model.scenario.cloudburst_mm, model.inventory.land_m2
    pits = model.scenario.pit_m2 * float(model.yearbook.trees[-1][0]) / land
    open_share = min(model.inventory.green_m2 / land + pits, 1.0)
    cover = model.canopy_share(crown_area_m2) - model.canopy_share(np.zeros(1))
    index = leaf_area_m2 / np.maximum(crown_area_m2, 1e-9)
    held = np.minimum(STORE_PER_LEAF_AREA_MM * index, rain)
    numbers = np.array([CURVE_OPEN, CURVE_SEALED])
    shares = np.array([open_share, 1.0 - open_share])
    bare = float(runoff_mm(rain, numbers) @ shares)
    below = runoff_mm((rain - held)[:, None], numbers) @ shares
    return np.asarray(cover * below + (1.0 - cover) * bare), bare


def _mix(model: CityGreen) -> Mapping[str, float | Estimate]:
    forest = model.forest
    mixes = [diversity(forest.trees.species[forest.member == m]) for m in range(forest.members)]
    return {
        "largest_species_share": _estimate(np.array([100.0 * mix.largest_species_share for mix in mixes])),
        "largest_genus_share": _estimate(np.array([100.0 * mix.largest_genus_share for mix in mixes])),
        "shannon_diversity": _estimate(np.array([mix.shannon for mix in mixes])),
    }


def _break_even(model: CityGreen) -> Mapping[str, float | Estimate]:
    names = tuple(f"break_even_{service}" for service in SERVICES)
    if model.works is None or len(model.yearbook.felled) == 1:
        return {**dict.fromkeys(names, np.nan), "replacement_ratio_end": np.nan}
    felled, replaced = np.array(model.yearbook.felled), np.array(model.yearbook.replaced)
    found: dict[str, float | Estimate] = {}
    for i, name in enumerate(names):
        enough = (replaced[:, i] >= felled[:, i]) & (felled[:, i] > 0)
        found[name] = _after(np.where(enough.any(axis=0), enough.argmax(axis=0), np.inf), len(felled) - 1)
    grade = model.works.nursery.grades_cm.index(model.scenario.replace_dbh_cm)
    low, ratio, high = _needed(model)[:, -1, 0, grade]
    found["replacement_ratio_end"] = Estimate(ratio, low, high) if np.isfinite(high) else np.nan
    return found


def _after(years: Floats, most: int) -> float | Estimate:
    """Years with their interval; NaN if most members need more than the run, which also ends a late P90."""
    low, value, high = np.percentile(years, [10.0, 50.0, 90.0], method="nearest")
    if not np.isfinite(value):
        return float("nan")
    return Estimate(float(value), float(low), float(min(high, most)))
