"""What a controller believes about the hours to come, from nothing but the hours that have been.

At noon on a Monday, persistence says that the load at six will be that of last Monday at six, the sun that of
yesterday, and that the prices of tomorrow are not yet out. The load and the sun of the current step are
taken as known: a battery follows its meter. Only :class:`Perfect` sees the future, and every result it
makes is labelled so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.stage import EXPORT_LIMIT, EXPORT_PRICE, IMPORT_LIMIT, IMPORT_PRICE, LOAD

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Observed:
    """What has been seen, as arrays over all steps of which a forecaster reads those up to its origin.

    Attributes:
        rows: Conditions of each step (:mod:`pilots.microgrid.stage`).
        solar_kw: Solar part of the renewables.
        wind_kw: Wind part.
        known_until: First step whose price is not yet known, for each step.
        steps_per_day: How many steps make 24 h.
    """

    rows: Floats
    solar_kw: Floats
    wind_kw: Floats
    known_until: Ints
    steps_per_day: int


@dataclass(frozen=True, eq=False)
class Outlook:
    """Forecasts from several origins: the origin's own step first, then the steps after it.

    Attributes:
        load_kw: Shape (origins, members, steps).
        renewable_kw: The same.
        prices: Import and export price, shape (2, origins, steps).
        limits: Import and export limit, shape (2, origins, steps).
    """

    load_kw: Floats
    renewable_kw: Floats
    prices: Floats
    limits: Floats


class Forecaster(Protocol):
    """Looks ahead from steps that have begun; reads nothing beyond origin and known prices."""

    label: ClassVar[str]

    def begin(self, observed: Observed, horizon: int) -> Sight:
        """Start to look at a site, some steps ahead."""
        ...


class Sight(Protocol):
    """A forecaster at work on one site."""

    def outlook(self, origins: Ints) -> Outlook:
        """The forecasts from origins, which never go back in time from one call to the next."""
        ...


def known_prices(observed: Observed, origins: Ints, horizon: int) -> Floats:
    """Prices as known at each origin, then the last known day's again; shape (2, origins, steps)."""
    steps = _last_known(origins, horizon, observed.known_until, observed.steps_per_day)
    return np.stack([observed.rows[steps, IMPORT_PRICE], observed.rows[steps, EXPORT_PRICE]])


def lasting_limits(observed: Observed, origins: Ints, horizon: int) -> Floats:
    """Limits of the connection: no outage is foreseen, and one that is on is taken to end with the step.

    So the battery serves the load as long as it can, instead of keeping its energy for hours that may not
    come.
    """
    limits = np.empty((2, len(origins), horizon))
    for k, column in enumerate((IMPORT_LIMIT, EXPORT_LIMIT)):
        usual = np.maximum.accumulate(observed.rows[: int(origins[-1]) + 1, column])[origins]
        limits[k] = usual[:, None]
        limits[k, :, 0] = observed.rows[origins, column]
    return limits


@njit(cache=True)
def _last_known(origins: Ints, horizon: int, known_until: Ints, day: int) -> Ints:
    steps = np.empty((len(origins), horizon), np.int64)
    for i in range(len(origins)):
        end = known_until[origins[i]]
        for h in range(horizon):
            t = origins[i] + h
            if t >= end:
                t -= day * ((t - end) // day + 1)
            steps[i, h] = max(t, 0)
    return steps


@njit(cache=True)
def _repeated(values: Floats, origins: Ints, horizon: int, lag: int, short_lag: int) -> Floats:
    """Each step as it was one lag before, or one short lag where the past is too short."""
    out = np.empty((len(origins), 1, horizon))
    for i in range(len(origins)):
        origin = origins[i]
        for h in range(horizon):
            t = origin + h
            back = t if t == origin else t - lag * ((t - origin - 1) // lag + 1)
            if back < 0:
                back = t - short_lag * ((t - origin - 1) // short_lag + 1)
            out[i, 0, h] = values[max(back, 0)]
    return out


@dataclass(frozen=True)
class Persistence:
    """Load as one week before (in the first week: one day), sun and wind as one day before."""

    label: ClassVar[str] = "persistence forecast"

    def begin(self, observed: Observed, horizon: int) -> Sight:
        """Start to look at a site."""
        return _Repeating(observed, horizon, perfect=False)


@dataclass(frozen=True)
class Perfect:
    """The truth, for measuring what better forecasts could earn; no controller of a real site has it."""

    label: ClassVar[str] = "PERFECT forecast"

    def begin(self, observed: Observed, horizon: int) -> Sight:
        """Start to look at a site."""
        return _Repeating(observed, horizon, perfect=True)


@dataclass(frozen=True, eq=False)
class _Repeating:
    observed: Observed
    horizon: int
    perfect: bool

    def outlook(self, origins: Ints) -> Outlook:
        seen, horizon, day = self.observed, self.horizon, self.observed.steps_per_day
        renewable = seen.solar_kw + seen.wind_kw
        if self.perfect:
            steps = np.minimum(origins[:, None] + np.arange(horizon), len(seen.rows) - 1)
            rows = seen.rows[steps]
            return Outlook(
                rows[:, None, :, LOAD],
                renewable[steps][:, None],
                np.stack([rows[..., IMPORT_PRICE], rows[..., EXPORT_PRICE]]),
                np.stack([rows[..., IMPORT_LIMIT], rows[..., EXPORT_LIMIT]]),
            )
        return Outlook(
            _repeated(seen.rows[:, LOAD], origins, horizon, 7 * day, day),
            _repeated(renewable, origins, horizon, day, day),
            known_prices(seen, origins, horizon),
            lasting_limits(seen, origins, horizon),
        )


@dataclass(frozen=True)
class Climatology:
    """Means of the same time of day: load over the last weeks, sun and wind over the last days."""

    weeks: int = 4
    days: int = 14
    label: ClassVar[str] = "climatology forecast"

    def begin(self, observed: Observed, horizon: int) -> Sight:
        """Start to look at a site."""
        return _Averaging(observed, horizon, self.weeks, self.days)


@dataclass(frozen=True, eq=False)
class _Averaging:
    observed: Observed
    horizon: int
    weeks: int
    days: int

    def outlook(self, origins: Ints) -> Outlook:
        seen, horizon, day = self.observed, self.horizon, self.observed.steps_per_day
        renewable = seen.solar_kw + seen.wind_kw
        load = _averaged(seen.rows[:, LOAD], origins, horizon, 7 * day, self.weeks)
        short = _averaged(seen.rows[:, LOAD], origins, horizon, day, 7)
        sun = _averaged(renewable, origins, horizon, day, self.days)
        load = np.where(
            np.isnan(load), np.where(np.isnan(short), seen.rows[origins, LOAD][:, None, None], short), load
        )
        sun = np.where(np.isnan(sun), renewable[origins][:, None, None], sun)
        return Outlook(
            load, sun, known_prices(seen, origins, horizon), lasting_limits(seen, origins, horizon)
        )


@njit(cache=True)
def _averaged(values: Floats, origins: Ints, horizon: int, lag: int, count: int) -> Floats:
    """Mean over the last ``count`` lags that lie before the origin; NaN where there is none."""
    out = np.empty((len(origins), 1, horizon))
    for i in range(len(origins)):
        origin = origins[i]
        out[i, 0, 0] = values[origin]
        for h in range(1, horizon):
            t = origin + h - lag * ((h - 1) // lag + 1)
            total, n = 0.0, 0
            while n < count and t >= 0:
                total += values[t]
                n += 1
                t -= lag
            out[i, 0, h] = total / n if n else np.nan
    return out
