"""The years that a city's trees live through: one typical year, shifted and shuffled.

A pack holds the hours of a typical year. Trees need decades, warm and cold ones. Each year of each member of
the ensemble is the typical year with a temperature shift and a rain factor of its own, drawn from how much
years differ here; the scenario adds its warming. What the days of such a year mean for leaves, soil and
growth is worked out once, for all years at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import NotReady
from pilots.green.growth.species import SPECIES
from pilots.green.leaf_area import leaf_share
from pilots.green.phenology import NORTHERN_AUTUMN, NORTHERN_SPRING, SiteYears
from pilots.green.services.evapotranspiration import day_geometry, hargreaves_evapotranspiration
from pilots.green.services.soil import PARK_TREE, RootZone, soil_water
from twin.packs import PackView

Floats = NDArray[np.float64]

YEAR_TO_YEAR_K = 1.0
"""Standard deviation of yearly mean temperature in the region (Helsinki 2016-2020 and the normals)."""

YEAR_TO_YEAR_RAIN = 0.15
"""Standard deviation of the logarithm of yearly rain."""

LEAST_RAIN_MM = 100.0
"""A typical year with less rain than this has none recorded; then the normals are used."""

# Monthly precipitation normals 1991-2020, mm: Estonian Environment Agency (Tallinn-Harku), Finnish
# Meteorological Institute (Helsinki Kaisaniemi); cities that are not named take Tallinn's.
RAIN_NORMALS_MM = {
    "helsinki": (53, 38, 34, 34, 38, 60, 57, 81, 56, 73, 69, 58),
    "tallinn": (56, 40, 37, 35, 37, 68, 82, 85, 58, 78, 66, 59),
}
WET_DAY_SHARE = 0.35

# Degree days above 5 C of the cities in which the donors of growth were measured, from NOAA's monthly normals
# 1991-2020, rounded.
DONOR_DEGREE_DAYS = {"MidWst": 2400.0, "NMtnPr": 2400.0, "NoEast": 3250.0, "PacfNW": 2250.0, "TpIntW": 2950.0}


@dataclass(frozen=True)
class TypicalYear:
    """The hours and days of the year that the pack holds.

    Attributes:
        hours: Hourly weather as the radiation model wants it, with precipitation, UTC.
        day_of_year: 1 to 365.
        mean_c: Daily mean temperature.
        least_c: Daily minimum.
        largest_c: Daily maximum.
        rain_mm: Daily rain.
        notes: What was filled in.
    """

    hours: pd.DataFrame
    day_of_year: NDArray[np.int64]
    mean_c: Floats
    least_c: Floats
    largest_c: Floats
    rain_mm: Floats
    notes: tuple[str, ...]


_HOURLY = {
    "temperature_c": "air_temperature_c",
    "relative_humidity_percent": "relative_humidity_pct",
    "wind_speed_m_s": "wind_speed_m_s",
    "ghi_w_m2": "global_w_m2",
    "dhi_w_m2": "diffuse_w_m2",
    "dni_w_m2": "direct_normal_w_m2",
    "infrared_w_m2": "longwave_down_w_m2",
    "precipitation_mm": "precipitation_mm",
}


def typical_year(pack: PackView, rng: np.random.Generator) -> TypicalYear:
    """The first 365 days of the pack's weather.

    Args:
        pack: The city.
        rng: Spreads monthly rain over days where the weather has none.

    Raises:
        NotReady: The weather is shorter than a year or lacks a column.
    """
    table = pack.table("weather")
    lacking = [name for name in _HOURLY if name not in table or table[name].isna().any()]
    missing = [name for name in lacking if name in {"temperature_c", "relative_humidity_percent", "ghi_w_m2"}]
    if missing or len(table) < 8760:
        raise NotReady(
            f"the weather of {pack.city.name} does not fill a year",
            field=", ".join(missing) or "time",
            value=f"{len(table)} hours",
            expected="8760 hours of temperature, humidity and global radiation",
        )
    hours = table.iloc[:8760].set_index("time")[[name for name in _HOURLY if name not in lacking]]
    hours = hours.rename(columns=_HOURLY)
    hours.index = pd.DatetimeIndex(hours.index).tz_convert("UTC")
    days = hours["air_temperature_c"].to_numpy().reshape(365, 24)
    rain, notes = _rain(pack, hours, rng)
    order = np.argsort(pd.DatetimeIndex(hours.index[12::24]).day_of_year.to_numpy(), kind="stable")
    return TypicalYear(
        hours=hours.assign(precipitation_mm=np.repeat(rain / 24.0, 24)),
        day_of_year=np.arange(1, 366),
        mean_c=days.mean(axis=1)[order],
        least_c=days.min(axis=1)[order],
        largest_c=days.max(axis=1)[order],
        rain_mm=rain[order],
        notes=notes,
    )


def _rain(pack: PackView, hours: pd.DataFrame, rng: np.random.Generator) -> tuple[Floats, tuple[str, ...]]:
    if "precipitation_mm" in hours:
        daily = hours["precipitation_mm"].to_numpy().reshape(365, 24).sum(axis=1)
        if daily.sum() >= LEAST_RAIN_MM:
            return daily, ()
    month = pd.DatetimeIndex(hours.index[12::24]).month.to_numpy()
    normals = np.array(RAIN_NORMALS_MM.get(pack.city.id, RAIN_NORMALS_MM["tallinn"]), dtype=float)
    wet = np.where(rng.random(365) < WET_DAY_SHARE, rng.exponential(1.0, 365), 0.0)
    total = np.bincount(month - 1, wet, 12)
    daily = wet * normals[month - 1] / np.maximum(total[month - 1], 1e-9)
    return daily, ("the weather has no rain; daily rain is drawn within monthly normals 1991-2020",)


@dataclass(frozen=True)
class Years:
    """What each year of each member brings (members x years).

    Attributes:
        leaf_on_doy: First leaf.
        leaf_off_doy: First leaf fall.
        stress: Mean drought stress coefficient of trees from May to August, 1 none.
        stress_days: Days with a coefficient below 0.7.
        degree_days: Above 5 C.
        warmer_k: Shift against the typical year.
    """

    leaf_on_doy: Floats
    leaf_off_doy: Floats
    stress: Floats
    stress_days: Floats
    degree_days: Floats
    warmer_k: Floats

    @property
    def count(self) -> int:
        """How many years."""
        return int(self.leaf_on_doy.shape[1])


def degree_days(typical: TypicalYear, warmer_k: Floats | float = 0.0) -> Floats:
    """Sum of daily temperatures above 5 C in the typical year under a shift."""
    shifted = typical.mean_c + np.asarray(warmer_k)[..., None]
    return np.asarray(np.maximum(shifted - 5.0, 0.0).sum(axis=-1))


def pace_by_species(sums: Floats) -> Floats:
    """Growth of each of ``SPECIES`` relative to its donor's own climate, at most 1 (... x species).

    In the boreal zone growth is about proportional to the temperature sum; a donor measured in Minneapolis
    (2,400 degree days) grows in Tallinn (1,500) at six tenths of its pace.
    """
    donors = np.array([DONOR_DEGREE_DAYS[species.donor[0]] for species in SPECIES])
    return np.asarray(np.minimum(np.asarray(sums)[..., None] / donors, 1.0))


def lived_years(
    typical: TypicalYear,
    latitude: float,
    *,
    members: int,
    years: int,
    warming_k: float,
    rain_factor: float,
    zone: RootZone = PARK_TREE,
    rng: np.random.Generator,
) -> Years:
    """Draw the years of an ensemble and work out what they mean.

    Args:
        typical: The year to shift.
        latitude: Of the city.
        members: Size of the ensemble.
        years: Number of years.
        warming_k: The scenario's warming, reached over the run (half of it on average).
        rain_factor: The scenario's factor on rain from April to September.
        zone: Root zone of trees.
        rng: Luck of the weather; the first member has typical years.
    """
    shift = rng.normal(0.0, YEAR_TO_YEAR_K, (members, years))
    wet = np.exp(rng.normal(0.0, YEAR_TO_YEAR_RAIN, (members, years)))
    leaf_error = rng.normal(0.0, 1.0, (2, members, years))
    shift[0], wet[0], leaf_error[:, 0] = 0.0, 1.0, 0.0
    shift += warming_k * (np.arange(years) + 1) / years
    on, off = _leaf_days(typical, latitude, shift.ravel())
    on = on.reshape(shift.shape) + leaf_error[0] * NORTHERN_SPRING.error_days
    off = off.reshape(shift.shape) + leaf_error[1] * NORTHERN_AUTUMN.error_days
    stress, dry_days = _drought(typical, latitude, shift, wet, rain_factor, zone, on, off)
    return Years(on, np.maximum(off, on + 30.0), stress, dry_days, degree_days(typical, shift), shift)


def _leaf_days(typical: TypicalYear, latitude: float, shift: Floats) -> tuple[Floats, Floats]:
    """Leaf dates of the typical year under each shift."""
    steps = np.round(shift, 1)
    different, where = np.unique(steps, return_inverse=True)
    day = np.concatenate([np.arange(-102, 0), typical.day_of_year])
    year = np.concatenate([typical.mean_c[-102:], typical.mean_c])
    rows = SiteYears(
        keys=pd.MultiIndex.from_product([["here"], range(len(different))], names=["site", "year"]),
        day_of_year=day,
        temperature_c=year + different[:, None],
        place=pd.DataFrame({
            "latitude": np.full(len(different), latitude),
            "mean_temperature_c": typical.mean_c.mean() + different,
        }),
    )  # fmt: skip
    return NORTHERN_SPRING.days(rows)[where], NORTHERN_AUTUMN.days(rows)[where]


def _drought(
    typical: TypicalYear,
    latitude: float,
    shift: Floats,
    wet: Floats,
    rain_factor: float,
    zone: RootZone,
    on: Floats,
    off: Floats,
) -> tuple[Floats, Floats]:
    above = day_geometry(latitude, typical.day_of_year).extraterrestrial
    summer = (typical.day_of_year > 90) & (typical.day_of_year <= 273)
    growing = (typical.day_of_year > 120) & (typical.day_of_year <= 243)
    stress, dry = np.empty(shift.shape), np.empty(shift.shape)
    for place in np.ndindex(shift.shape):
        warmer = shift[place]
        demand = hargreaves_evapotranspiration(typical.least_c + warmer, typical.largest_c + warmer, above)
        rain = typical.rain_mm * wet[place] * np.where(summer, rain_factor, 1.0)
        leaves = leaf_share(typical.day_of_year, on[place], off[place])
        water = soil_water(rain, np.maximum(demand, 0.0), zone, leaf_share=leaves)
        stress[place] = water.stress[growing].mean()
        dry[place] = (water.stress < 0.7).sum()
    return stress, dry
