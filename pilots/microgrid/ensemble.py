"""A small statistical forecast with its own uncertainty: past errors, carried on from now.

The load of the next hours is the usual load of that weekday and hour, plus an error. How the errors went on
over the last three weeks gives 21 members; each is shifted so that it begins with the error of this moment,
which fades as fast as errors of this site have been seen to fade. The sun is treated alike through its
clearness: output over the highest output of the last weeks at the same time of day. Everything is learnt as
the steps go by; nothing is tuned to a site.

Analogue ensembles: Delle Monache et al. 2013, doi 10.1175/MWR-D-12-00281.1; fading by lagged regression:
Box and Jenkins 1970, *Time Series Analysis*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.forecast import Observed, Outlook, Sight, known_prices, lasting_limits
from pilots.microgrid.stage import LOAD

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Before a site has been watched, errors are taken to fade by a fifth an hour, with the weight of 200 steps.
PRIOR_FADING_PER_H = 0.8
PRIOR_STEPS = 200.0
# The highest output of the last days at the same time of day stands for a clear sky.
CLEAR_DAYS = 20
# Below this share of the highest output seen, it is night for the clearness.
NIGHT = 0.03
HIGHEST_CLEARNESS = 1.15


@dataclass(frozen=True)
class Ensemble:
    """Members from the errors of past days; see the module."""

    members: int = 21
    label: ClassVar[str] = "ensemble forecast"

    def begin(self, observed: Observed, horizon: int) -> Sight:
        """Start to look at a site."""
        return _Watching(observed, horizon, self.members)


class _Watching:
    """What has been learnt about one site so far."""

    def __init__(self, observed: Observed, horizon: int, members: int) -> None:
        self.observed, self.horizon, self.members = observed, horizon, members
        steps, day = len(observed.rows), observed.steps_per_day
        self.load = _Track(steps, horizon)
        self.wind = _Track(steps, horizon) if observed.wind_kw.any() else None
        self.sun = _Track(steps, horizon)
        self.clear, self.clearness = np.zeros(steps), np.full(steps, np.nan)
        self.seen = 0
        self.fading = PRIOR_FADING_PER_H ** (np.arange(horizon) * 24.0 / day)

    def outlook(self, origins: Ints) -> Outlook:
        seen, day, k, horizon = self.observed, self.observed.steps_per_day, self.members, self.horizon
        load_kw = np.ascontiguousarray(seen.rows[:, LOAD])
        load = np.empty((len(origins), k, horizon))
        renewable = np.zeros((len(origins), k, horizon))
        for i, origin in enumerate(origins):
            _learn_usual(load_kw, self.seen, origin + 1, day, *self.load.arrays)
            if self.wind is not None:
                _learn_usual(seen.wind_kw, self.seen, origin + 1, day, *self.wind.arrays)
            _learn_clearness(
                seen.solar_kw, self.seen, origin + 1, day, self.clear, self.clearness, *self.sun.arrays
            )
            self.seen = origin + 1
            _usual_members(load_kw, origin, day, self.fading, *self.load.arrays, load[i])
            _sun_members(
                seen.solar_kw,
                origin,
                day,
                self.fading,
                self.clearness,
                *self.sun.arrays,
                renewable[i],
            )
            if self.wind is not None:
                wind = np.empty((k, horizon))
                _usual_members(seen.wind_kw, origin, day, self.fading, *self.wind.arrays, wind)
                renewable[i] += wind
        return Outlook(
            load, renewable, known_prices(seen, origins, horizon), lasting_limits(seen, origins, horizon)
        )


class _Track:
    """Errors seen so far and the sums of their lagged regressions."""

    def __init__(self, steps: int, horizon: int) -> None:
        self.arrays = (np.full(steps, np.nan), np.zeros(horizon), np.zeros(horizon), np.zeros(2))


@njit(cache=True)
def _usual(values: Floats, t: int, seen: int, day: int) -> float:
    """Usual value of a step: half the mean of the last four same weekdays, half that of the last seven days.

    Only steps before ``seen`` and at least two days before ``t`` are read; NaN where there are none.
    """
    weekly, n_weekly = 0.0, 0
    for j in range(1, 5):
        s = t - 7 * day * j
        if 0 <= s < seen:
            weekly += values[s]
            n_weekly += 1
    daily, n_daily = 0.0, 0
    for j in range(2, 9):
        s = t - day * j
        if 0 <= s < seen:
            daily += values[s]
            n_daily += 1
    if n_daily == 0:
        return np.nan
    daily /= n_daily
    return daily if n_weekly == 0 else 0.5 * (daily + weekly / n_weekly)


@njit(cache=True)
def _learn_usual(
    values: Floats,
    first: int,
    last: int,
    day: int,
    errors: Floats,
    products: Floats,
    squares: Floats,
    level: Floats,
) -> None:
    for t in range(first, last):
        usual = _usual(values, t, t, day)
        level[0] += values[t]
        level[1] += 1.0
        errors[t] = values[t] - (level[0] / level[1] if np.isnan(usual) else usual)
        _regress(errors, t, products, squares)


@njit(cache=True)
def _regress(errors: Floats, t: int, products: Floats, squares: Floats) -> None:
    """Add the pairs that end in step ``t`` to the lagged regressions."""
    if np.isnan(errors[t]):
        return
    for h in range(1, min(len(products), t + 1)):
        before = errors[t - h]
        if not np.isnan(before):
            products[h] += before * errors[t]
            squares[h] += before * before
    products[0] += errors[t] * errors[t]
    squares[0] += 1.0


@njit(cache=True)
def _carried(h: int, fading: Floats, products: Floats, squares: Floats) -> float:
    """Which share of an error is left after ``h`` steps."""
    prior = PRIOR_STEPS * products[0] / max(squares[0], 1.0)
    if h == 0 or squares[h] + prior <= 0.0:
        return float(fading[h])
    return float(min(max((products[h] + prior * fading[h]) / (squares[h] + prior), 0.0), 1.0))


@njit(cache=True)
def _lagged(t: int, origin: int, lag: int, again: int) -> int:
    """The step ``lag`` before ``t``, or as much earlier as it takes to be known at the origin."""
    s = t - lag
    return s - again if s >= origin else s


@njit(cache=True)
def _usual_members(
    values: Floats, origin: int, day: int, fading: Floats,
    errors: Floats, products: Floats, squares: Floats, level: Floats, out: Floats,
) -> None:  # fmt: skip
    members, horizon = out.shape
    now = errors[origin]
    mean = level[0] / max(level[1], 1.0)
    for h in range(1, horizon):
        usual = _usual(values, origin + h, origin + 1, day)
        if np.isnan(usual):
            usual = mean
        share = _carried(h, fading, products, squares)
        for k in range(members):
            at = _lagged(origin + h, origin, day * (k + 1), day * members)
            begin = origin - day * (k + 1)
            error = errors[at] if at >= 0 else 0.0
            shift = now - (errors[begin] if begin >= 0 else 0.0)
            out[k, h] = max(usual + error + shift * share, min(0.0, values[origin]))
    out[:, 0] = values[origin]


@njit(cache=True)
def _learn_clearness(
    solar: Floats, first: int, last: int, day: int, clear: Floats, clearness: Floats,
    errors: Floats, products: Floats, squares: Floats, level: Floats,
) -> None:  # fmt: skip
    """``level`` holds the highest output so far and, through its mean, the usual clearness."""
    for t in range(first, last):
        clear[t] = _clear_sky(solar, t, t, day)
        night = NIGHT * level[0]
        if clear[t] > night and clear[t] > 0.0:
            clearness[t] = min(solar[t] / clear[t], 1.3)
        # The clearness of now is taken over this step and the one before.
        above = solar[t] + (solar[t - 1] if t else 0.0)
        below = clear[t] + (clear[t - 1] if t else 0.0)
        if below > 2.0 * night and below > 0.0:
            errors[t] = min(max(above / below - level[1], -1.0), 1.0)
            _regress(errors, t, products, squares)
        if not np.isnan(clearness[t]):
            # An exponential mean over about 300 daylight steps.
            level[1] += (clearness[t] - level[1]) / 300.0 if level[1] > 0.0 else clearness[t]
        level[0] = max(level[0], solar[t])


@njit(cache=True)
def _clear_sky(solar: Floats, t: int, seen: int, day: int) -> float:
    best = 0.0
    for j in range(1, CLEAR_DAYS + 2):
        s = t - day * j
        if 0 <= s < seen:
            best = max(best, solar[s])
    return best


@njit(cache=True)
def _sun_members(
    solar: Floats, origin: int, day: int, fading: Floats, clearness: Floats,
    errors: Floats, products: Floats, squares: Floats, level: Floats, out: Floats,
) -> None:  # fmt: skip
    members, horizon = out.shape
    now = errors[origin]
    for h in range(1, horizon):
        sky = _clear_sky(solar, origin + h, origin + 1, day)
        if sky <= 0.0:
            out[:, h] = 0.0
            continue
        share = _carried(h, fading, products, squares)
        for k in range(members):
            at = _lagged(origin + h, origin, day * (k + 1), day * members)
            begin = origin - day * (k + 1)
            usual = clearness[at] if at >= 0 and not np.isnan(clearness[at]) else level[1]
            shift = 0.0
            if not np.isnan(now) and begin >= 0 and not np.isnan(errors[begin]):
                shift = (now - errors[begin]) * share
            out[k, h] = min(max(usual + shift, 0.0), HIGHEST_CLEARNESS) * sky
    out[:, 0] = solar[origin]
