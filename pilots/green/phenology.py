"""When trees come into leaf and lose it, from the weather of the year; and the leaf area of each day.

After a mild winter the limes of a city are green at the end of April, after a hard one three weeks later. In
spring, warmth adds up day by day and counts for more as days get longer, until a threshold is passed
(photothermal model, "M1" in the comparison of Basler 2016, Agric. For. Meteorol. 217:10-21). The threshold
may depend on the place: trees are adapted to their climate. In autumn, a warm September delays the colours.

Both models are fitted to dates at which the greenness of the canopy has risen or fallen by a quarter of its
amplitude, and both tell their error, so that a simulation can draw from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData

Floats = NDArray[np.float64]

WEATHER_COLUMNS = ("site", "year", "doy", "t_mean_c")
PLACE_COLUMNS = ("latitude", "mean_temperature_c")
DATE_COLUMNS = ("site", "year", "transition_doy")

# The grid that a fit searches: first day, base temperature, weight of day length.
_FIRST_DAYS = (1, 32, 50, 59, 68, 75)
_BASES_C = (-4.0, -2.0, 0.0, 2.0, 4.0)
_POWERS = (0, 1, 2, 3, 4, 5, 6)
_SCALES = (0.92, 0.95, 0.98, 1.0, 1.02, 1.05)
_MEMBERS = 10

_SEPTEMBER = (244, 273)
_RIDGE = 10.0
_HUBER_DAYS = 12.0


def day_length_h(latitude: ArrayLike, day_of_year: ArrayLike) -> Floats:
    """Hours from sunrise to sunset (Forsythe and others 1995, Ecological Modelling 80:87-95).

    Days before 1 January may be given as negative days of the year.
    """
    day = np.asarray(day_of_year, dtype=float)
    turn = 0.2163108 + 2 * np.arctan(0.9671396 * np.tan(0.00860 * (np.mod(day, 365.25) - 186)))
    declination = np.arcsin(0.39795 * np.cos(turn))
    phi = np.radians(np.asarray(latitude, dtype=float))
    cosine = (np.sin(np.radians(0.8333)) + np.sin(phi) * np.sin(declination)) / (
        np.cos(phi) * np.cos(declination)
    )
    return np.asarray(24 - 24 / np.pi * np.arccos(np.clip(cosine, -1.0, 1.0)))


@dataclass(frozen=True)
class SiteYears:
    """Daily weather arranged as one row per site and year.

    Attributes:
        keys: Site and year of each row.
        day_of_year: Of each column; days of the year before are negative.
        temperature_c: Daily mean temperature (rows x days).
        place: Latitude and long-term mean temperature of each row's site.
    """

    keys: pd.MultiIndex
    day_of_year: NDArray[np.int64]
    temperature_c: Floats
    place: pd.DataFrame

    @classmethod
    def of(cls, weather: pd.DataFrame, places: pd.DataFrame, keys: pd.DataFrame | None = None) -> SiteYears:
        """Arrange weather.

        Args:
            weather: Columns site, year, doy (negative before 1 January) and t_mean_c.
            places: Index site; columns latitude and mean_temperature_c (long-term annual mean).
            keys: Columns site and year: the rows wanted, in order; all if left out.

        Raises:
            InvalidData: A column, a place or a day is missing.
        """
        _require_columns(weather, WEATHER_COLUMNS, "weather")
        _require_columns(places, PLACE_COLUMNS, "places")
        table = weather.pivot_table(index=["site", "year"], columns="doy", values="t_mean_c")
        if keys is not None:
            wanted = pd.MultiIndex.from_frame(keys[["site", "year"]])
            missing = [key for key in wanted if key not in table.index]
            if missing:
                raise InvalidData("no weather for a site and year", field="weather", value=missing[0])
            table = table.loc[wanted]
        holes = table.isna()
        if holes.to_numpy().any():
            key = holes.index[holes.any(axis=1)][0]
            day = holes.columns[holes.loc[key]][0]
            raise InvalidData("a day of weather is missing", field="t_mean_c", value=f"{key}, day {day}")
        sites = table.index.get_level_values("site")
        unknown = sorted(set(sites) - set(places.index))
        if unknown:
            raise InvalidData("a site without a place", field="places", value=unknown[0])
        keys_of_rows = pd.MultiIndex.from_tuples(table.index.tolist(), names=["site", "year"])
        return cls(
            keys_of_rows,
            table.columns.to_numpy(dtype=np.int64),
            table.to_numpy(dtype=float),
            places.loc[sites],
        )

    def covariates(self, names: Sequence[str]) -> Floats:
        """Columns of the places (rows x names)."""
        return self.place[list(names)].to_numpy(dtype=float)


def _require_columns(table: pd.DataFrame, names: Sequence[str], field_name: str) -> None:
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise InvalidData("columns are missing", field=field_name, value=lacking, expected=", ".join(names))


@dataclass(frozen=True)
class Member:
    """One photothermal model: when its sum passes the threshold, leaves come.

    Attributes:
        first_day: Day of the year on which summing begins.
        base_c: Temperature below which a day counts nothing.
        power: Exponent of day length (in units of ten hours).
        log_threshold: Logarithm of the threshold at the reference place.
        slopes: Change of that logarithm per standard deviation of each covariate.
    """

    first_day: int
    base_c: float
    power: float
    log_threshold: float
    slopes: tuple[float, ...] = ()

    def sums(self, rows: SiteYears) -> Floats:
        """Running sum of warmth, rows x days."""
        latitude = rows.place["latitude"].to_numpy()[:, None]
        light = (day_length_h(latitude, rows.day_of_year) / 10.0) ** self.power
        warmth = np.maximum(rows.temperature_c - self.base_c, 0.0) * light
        return np.asarray(np.cumsum(np.where(rows.day_of_year >= self.first_day, warmth, 0.0), axis=1))

    def threshold(self, standardised: Floats) -> Floats:
        """Threshold of each row from its standardised covariates."""
        return np.asarray(np.exp(self.log_threshold + standardised @ np.array(self.slopes)))


@dataclass(frozen=True)
class SpringModel:
    """The first day of leaf: the mean over the best photothermal models.

    Attributes:
        members: The models.
        covariates: Columns of the places on which thresholds depend.
        centre: Their means in the calibration.
        spread: Their standard deviations.
        lowest: Their least values in the calibration; beyond these a place counts as if it lay there.
        highest: Their largest values.
        error_days: Root mean square error over sites left out of the fit.
    """

    members: tuple[Member, ...]
    covariates: tuple[str, ...] = ()
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    lowest: tuple[float, ...] = ()
    highest: tuple[float, ...] = ()
    error_days: float = 8.3

    @classmethod
    def fit(
        cls,
        dates: pd.DataFrame,
        weather: pd.DataFrame,
        places: pd.DataFrame,
        covariates: Sequence[str] = PLACE_COLUMNS,
    ) -> SpringModel:
        """Fit to observed dates.

        Args:
            dates: Columns site, year, transition_doy.
            weather: As in `SiteYears.of`.
            places: Likewise.
            covariates: Which columns of the places move the threshold; none for one threshold everywhere.
        """
        _require_columns(dates, DATE_COLUMNS, "dates")
        rows = SiteYears.of(weather, places, dates)
        observed = dates["transition_doy"].to_numpy(dtype=float)
        values = rows.covariates(covariates)
        centre, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
        found = [
            candidate
            for first, base, power in product(_FIRST_DAYS, _BASES_C, _POWERS)
            if (candidate := _candidate(rows, observed, (values - centre) / spread, first, base, power))
            is not None
        ]
        if not found:
            raise InvalidData("no spring model fits", field="dates", hint="are days of the year given?")
        found.sort(key=lambda pair: (pair[0], pair[1].first_day, pair[1].base_c, pair[1].power))
        return cls(
            members=tuple(member for _, member in found[:_MEMBERS]),
            covariates=tuple(covariates),
            centre=tuple(centre.tolist()),
            spread=tuple(spread.tolist()),
            lowest=tuple(values.min(axis=0).tolist()) if covariates else (),
            highest=tuple(values.max(axis=0).tolist()) if covariates else (),
        )

    def predict(self, weather: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
        """Day of the year of the first leaf for each site and year.

        Args:
            weather: As in `SiteYears.of`.
            places: Likewise.
        """
        rows = SiteYears.of(weather, places)
        return pd.Series(self.days(rows), index=rows.keys, name="leaf_on_doy")

    def days(self, rows: SiteYears) -> Floats:
        """The same for arranged weather."""
        if self.covariates:
            values = np.clip(rows.covariates(self.covariates), self.lowest, self.highest)
            standardised = (values - np.array(self.centre)) / np.array(self.spread)
        else:
            standardised = np.zeros((len(rows.keys), 0))
        days = [
            _first_passing(member.sums(rows), member.threshold(standardised), rows) for member in self.members
        ]
        return np.asarray(np.mean(days, axis=0))


def _candidate(
    rows: SiteYears, observed: Floats, standardised: Floats, first_day: int, base_c: float, power: float
) -> tuple[float, Member] | None:
    member = Member(first_day, base_c, power, 0.0, (0.0,) * standardised.shape[1])
    sums = member.sums(rows)
    column = np.searchsorted(rows.day_of_year, observed)
    reached = sums[np.arange(len(observed)), np.minimum(column, sums.shape[1] - 1)]
    if reached.min() <= 0:
        return None
    design = np.column_stack([np.ones(len(observed)), standardised])
    solution = np.linalg.lstsq(design, np.log(reached), rcond=None)[0]
    tried = []
    for scale in _SCALES:
        trial = Member(
            first_day, base_c, power, float(solution[0] + np.log(scale)), tuple(map(float, solution[1:]))
        )
        error = _first_passing(sums, trial.threshold(standardised), rows) - observed
        tried.append((float(np.sqrt((error**2).mean())), trial))
    return min(tried, key=lambda pair: pair[0])


def _first_passing(sums: Floats, threshold: Floats, rows: SiteYears) -> Floats:
    """First day on which each row's sum reaches its threshold; the last day if it never does."""
    column = (sums < threshold[:, None]).sum(axis=1)
    return np.asarray(rows.day_of_year[np.minimum(column, sums.shape[1] - 1)], dtype=np.float64)


@dataclass(frozen=True)
class AutumnModel:
    """The first day of leaf fall: linear in the warmth of September and of the place.

    Attributes:
        intercept_doy: Day of the year at 0 C.
        per_k_of_september: Days of delay per kelvin of mean September temperature.
        per_k_of_place: Days of delay per kelvin of long-term mean temperature.
        error_days: Root mean square error over sites left out of the fit.
    """

    intercept_doy: float
    per_k_of_september: float
    per_k_of_place: float
    error_days: float = 12.0

    @classmethod
    def fit(cls, dates: pd.DataFrame, weather: pd.DataFrame, places: pd.DataFrame) -> AutumnModel:
        """Fit to observed dates by ridge regression that outliers sway little (Huber weights).

        Arguments as in `SpringModel.fit`.
        """
        _require_columns(dates, DATE_COLUMNS, "dates")
        rows = SiteYears.of(weather, places, dates)
        features = _autumn_features(rows)
        observed = dates["transition_doy"].to_numpy(dtype=float)
        centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
        scaled = (features - centre) / spread
        weight = np.ones(len(observed))
        slopes, mean = np.zeros(2), observed.mean()
        for _ in range(20):
            slopes, mean = _weighted_ridge(scaled, observed, weight)
            residual = np.abs(observed - mean - scaled @ slopes)
            weight = np.minimum(1.0, _HUBER_DAYS / np.maximum(residual, 1e-9))
        slopes = slopes / spread
        return cls(float(mean - centre @ slopes), float(slopes[0]), float(slopes[1]))

    def predict(self, weather: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
        """Day of the year of the first leaf fall for each site and year, as `SpringModel.predict`."""
        rows = SiteYears.of(weather, places)
        return pd.Series(self.days(rows), index=rows.keys, name="leaf_off_doy")

    def days(self, rows: SiteYears) -> Floats:
        """The same for arranged weather."""
        slopes = np.array([self.per_k_of_september, self.per_k_of_place])
        return np.asarray(self.intercept_doy + _autumn_features(rows) @ slopes)


def _autumn_features(rows: SiteYears) -> Floats:
    inside = (rows.day_of_year >= _SEPTEMBER[0]) & (rows.day_of_year <= _SEPTEMBER[1])
    if not inside.any():
        raise InvalidData(
            "the weather has no September", field="doy", expected=f"days {_SEPTEMBER[0]} to {_SEPTEMBER[1]}"
        )
    september = rows.temperature_c[:, inside].mean(axis=1)
    return np.column_stack([september, rows.place["mean_temperature_c"].to_numpy(dtype=float)])


def _weighted_ridge(scaled: Floats, observed: Floats, weight: Floats) -> tuple[Floats, float]:
    centre = np.average(scaled, axis=0, weights=weight)
    mean = float(np.average(observed, weights=weight))
    deviation = scaled - centre
    normal = deviation.T @ (weight[:, None] * deviation) + _RIDGE * np.eye(scaled.shape[1])
    slopes = np.asarray(np.linalg.solve(normal, deviation.T @ (weight * (observed - mean))), dtype=np.float64)
    return slopes, mean - float(centre @ slopes)


def leave_sites_out(
    model: type[SpringModel | AutumnModel],
    dates: pd.DataFrame,
    weather: pd.DataFrame,
    places: pd.DataFrame,
    *,
    folds: int = 5,
    seed: int = 1,
) -> pd.Series:
    """Predict each site's dates from a model fitted without that site's fold.

    Sites, not site-years, are left out: neighbouring sites share their weather. The sorted names are shuffled
    with ``numpy.random.default_rng(seed)`` and dealt out one by one.

    Returns:
        Predicted day of the year, in the order of ``dates``.
    """
    names = np.array(sorted(dates["site"].unique()), dtype=object)
    np.random.default_rng(seed).shuffle(names)
    predicted = pd.Series(np.nan, index=dates.index, name="predicted_doy")
    for fold in range(folds):
        held_out = dates["site"].isin(names[fold::folds])
        fitted = model.fit(dates[~held_out], weather, places)
        rows = SiteYears.of(weather, places, dates[held_out])
        predicted[held_out] = fitted.days(rows)
    return predicted


# Fitted with `SpringModel.fit(..., covariates=())` and `AutumnModel.fit` to 238 and 243 site-years of 42
# sites of PhenoCam V1 (Richardson and others 2017, ORNL DAAC), latitudes 30 to 48 N. Thresholds that follow
# latitude do not carry over to 60 N, so the northern spring model has one threshold for all.
_NORTHERN_MEMBERS = (
    (59, 0.0, 4.0, 7.07378),
    (50, -2.0, 4.0, 7.32950),
    (32, 2.0, 6.0, 7.40183),
    (59, 2.0, 6.0, 7.40124),
    (59, -2.0, 3.0, 7.02712),
    (59, 2.0, 5.0, 7.08533),
    (50, 2.0, 6.0, 7.38664),
    (32, 0.0, 5.0, 7.39787),
    (59, 0.0, 5.0, 7.33457),
    (68, 2.0, 5.0, 7.08888),
)

NORTHERN_SPRING = SpringModel(tuple(Member(*values) for values in _NORTHERN_MEMBERS), error_days=9.2)
"""Spring of deciduous trees in northern cities; no Estonian or Finnish date went into it."""

NORTHERN_AUTUMN = AutumnModel(254.13663, 1.32180, 1.22449, error_days=11.8)
"""Autumn likewise."""
