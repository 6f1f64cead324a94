"""Quality tests of sensor data: one flag for every value, after the rules of oceanography's QARTOD.

A classroom sensor that says 20.0 °C all week, one that jumps to 5000 ppm for a minute, one that stops at
Christmas: each is told apart by a test of its own, and the worst verdict counts.

Source: U.S. Integrated Ocean Observing System, "Manuals for real-time quality control" (QARTOD), in the
    reading
of the package ioos_qc 3.0, to which the flags of the tests here are equal.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidInput

Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]
Times = NDArray[np.int64]

NANOSECONDS = 1_000_000_000


class Flag(IntEnum):
    """Verdict on a value, with QARTOD's numbers."""

    GOOD = 1
    UNKNOWN = 2
    """Not tested, or not testable."""
    SUSPECT = 3
    FAIL = 4
    MISSING = 9

    @property
    def label(self) -> str:
        """Its name as the observations kind writes it."""
        return self.name.lower()


_GOOD, _UNKNOWN, _SUSPECT, _FAIL, _MISSING = (int(flag) for flag in Flag)

LABELS = np.array(["", *[""] * 9], dtype=object)
for _flag in Flag:
    LABELS[_flag] = _flag.label


def worst(*flags: Flags) -> Flags:
    """One verdict from several tests: fail before suspect, good, unknown and missing."""
    rank = np.zeros(10, dtype=np.uint8)
    rank[[_MISSING, _UNKNOWN, _GOOD, _SUSPECT, _FAIL]] = [0, 1, 2, 3, 4]
    back = np.array([_MISSING, _UNKNOWN, _GOOD, _SUSPECT, _FAIL], dtype=np.uint8)
    return np.asarray(back[np.max([rank[flag] for flag in flags], axis=0)])


def nanoseconds(times: ArrayLike) -> Times:
    """Instants as whole nanoseconds since 1970."""
    array = np.asarray(times)
    if array.dtype.kind == "M":
        return array.astype("datetime64[ns]").astype(np.int64)
    return array.astype(np.int64)


def gross_range(
    values: ArrayLike, fail: tuple[float, float], suspect: tuple[float, float] | None = None
) -> Flags:
    """What a sensor (fail) or the place it stands in (suspect) can show.

    Raises:
        InvalidInput: The suspect span is not within the fail span.
    """
    low, high = sorted(fail)
    inner = (low, high) if suspect is None else tuple(sorted(suspect))
    if inner[0] < low or inner[1] > high:
        raise InvalidInput(
            "the suspect span leaves the fail span", field="suspect", value=suspect, expected=f"within {fail}"
        )
    return np.asarray(_gross_range(_series(values), low, high, inner[0], inner[1]))


def spike(
    values: ArrayLike,
    suspect: float = 0.0,
    fail: float = 0.0,
    method: Literal["average", "differential"] = "average",
) -> Flags:
    """A value unlike both its neighbours: further from their mean than a threshold (0 switches it off).

    The differential method looks at the smaller of the two steps, and only where they go up and down again.
    First and last values, and neighbours of missing ones, are unknown.
    """
    return np.asarray(_spike(_series(values), suspect, fail, method == "differential"))


def rate_of_change(
    values: ArrayLike, times: ArrayLike, suspect_per_s: float, fail_per_s: float = np.inf
) -> Flags:
    """A value that differs more from the one before than time allows; thresholds are per **second**."""
    return np.asarray(_rate(_series(values), nanoseconds(times), suspect_per_s, fail_per_s))


def flat_line(
    values: ArrayLike, times: ArrayLike, suspect_s: float, fail_s: float, tolerance: float = 0.0
) -> Flags:
    """A value whose last stretch stayed within a tolerance for so many seconds.

    The stretch is counted in values, by the **median** step; the first ones of a series pass.

    Raises:
        InvalidInput: The median step is less than a second.
    """
    series, clock = _series(values), nanoseconds(times)
    if series.size < 3:
        return np.full(series.size, _GOOD, dtype=np.uint8)
    step = _median_step_s(clock)
    suspect, fail = (int(int(threshold) / step) for threshold in (suspect_s, fail_s))
    return np.asarray(_flat_line(series, suspect, fail, tolerance))


def attenuated_signal(
    values: ArrayLike,
    times: ArrayLike,
    suspect: float,
    fail: float,
    *,
    period_s: float,
    least_count: int | None = None,
    measure: Literal["std", "range"] = "std",
) -> Flags:
    """A value whose trailing stretch of time varies too little: its standard deviation, or its range.

    Args:
        values: The series.
        times: Its instants, in order.
        suspect: Threshold below which values are suspect.
        fail: Threshold below which they fail.
        period_s: Length of the stretch, which ends at the value and does not include its beginning.
        least_count: Fewer values than this in a stretch make it unknown; without it, one is enough.
        measure: What is compared.
    """
    series = _series(values)
    clock = pd.to_datetime(nanoseconds(times))
    known = pd.Series(np.where(np.isfinite(series), series, np.nan), index=clock)
    windows = known.rolling(pd.Timedelta(seconds=period_s), min_periods=least_count)
    spread = (windows.std(ddof=0) if measure == "std" else windows.max() - windows.min()).to_numpy()
    flags = np.full(series.size, _UNKNOWN, dtype=np.uint8)
    with np.errstate(invalid="ignore"):
        flags[spread >= suspect] = _GOOD
        flags[spread < suspect] = _SUSPECT
        flags[spread < fail] = _FAIL
    flags[~np.isfinite(series)] = _MISSING
    return flags


def gap(times: ArrayLike, longest_s: float) -> Flags:
    """A value that comes too long after the one before; the first takes the verdict of the second."""
    clock = nanoseconds(times)
    late = np.diff(clock, prepend=clock[:1]) > longest_s * NANOSECONDS
    flags = np.where(late, _FAIL, _GOOD).astype(np.uint8)
    if flags.size > 1:
        flags[0] = flags[1]
    return flags


def _series(values: ArrayLike) -> Floats:
    """Values as numbers; what is not a number counts as missing."""
    return np.ascontiguousarray(values, dtype=np.float64)


def _median_step_s(clock: Times) -> float:
    step = float(np.median(np.diff(clock)) // NANOSECONDS)
    if step < 1:
        raise InvalidInput(
            "observations less than a second apart", field="times", value=step, expected="at least 1 s"
        )
    return step


@njit(cache=True, error_model="numpy")
def _gross_range(x: Floats, low: float, high: float, inner_low: float, inner_high: float) -> Flags:
    flags = np.empty(x.size, dtype=np.uint8)
    for i in range(x.size):
        v = x[i]
        if np.isnan(v):
            flags[i] = _MISSING
        elif v < low or v > high:
            flags[i] = _FAIL
        elif v < inner_low or v > inner_high:
            flags[i] = _SUSPECT
        else:
            flags[i] = _GOOD
    return flags


@njit(cache=True, error_model="numpy")
def _spike(x: Floats, suspect: float, fail: float, differential: bool) -> Flags:  # noqa: FBT001
    flags = np.empty(x.size, dtype=np.uint8)
    last = x.size - 1
    for i in range(x.size):
        if not np.isfinite(x[i]):
            flags[i] = _MISSING
        elif i in (0, last) or not (np.isfinite(x[i - 1]) and np.isfinite(x[i + 1])):
            flags[i] = _UNKNOWN
        else:
            if differential:
                before, after = x[i] - x[i - 1], x[i + 1] - x[i]
                height = min(abs(before), abs(after)) if before * after < 0.0 else 0.0
            else:
                height = abs(x[i] - (x[i - 1] + x[i + 1]) / 2)
            flags[i] = _GOOD
            if suspect != 0.0 and height > suspect:
                flags[i] = _SUSPECT
            if fail != 0.0 and height > fail:
                flags[i] = _FAIL
    return flags


@njit(cache=True, error_model="numpy")
def _rate(x: Floats, clock: Times, suspect: float, fail: float) -> Flags:
    flags = np.full(x.size, _GOOD, dtype=np.uint8)
    for i in range(x.size):
        if not np.isfinite(x[i]):
            flags[i] = _MISSING
        elif i > 0 and not np.isnan(x[i - 1]):
            seconds = (clock[i] - clock[i - 1]) // NANOSECONDS
            change = abs((x[i] - x[i - 1]) / seconds) if seconds != 0 else abs(x[i] - x[i - 1])
            if change > fail:
                flags[i] = _FAIL
            elif change > suspect:
                flags[i] = _SUSPECT
    return flags


@njit(cache=True, error_model="numpy")
def _flat_line(x: Floats, suspect: int, fail: int, tolerance: float) -> Flags:
    """Flag values at the end of a flat stretch of so many steps, missing values left out.

    `start` is the first value of the longest stretch ending here whose range is below the tolerance; two
    queues hold the values that may still become its least or greatest, and each value enters and leaves
    either once.
    """
    flags = np.full(x.size, _GOOD, dtype=np.uint8)
    low, high = np.empty(x.size, dtype=np.int64), np.empty(x.size, dtype=np.int64)
    low_head, low_tail, high_head, high_tail, start = 0, 0, 0, 0, 0
    for i in range(x.size):
        v = x[i]
        if np.isnan(v) or np.isinf(v):
            flags[i] = _MISSING
            continue
        while low_tail > low_head and x[low[low_tail - 1]] >= v:
            low_tail -= 1
        low[low_tail] = i
        low_tail += 1
        while high_tail > high_head and x[high[high_tail - 1]] <= v:
            high_tail -= 1
        high[high_tail] = i
        high_tail += 1
        while start <= i and not x[high[high_head]] - x[low[low_head]] < tolerance:
            # Leave out the older of the two extremes.
            if low[low_head] < high[high_head]:
                start = low[low_head] + 1
                low_head += 1
            else:
                start = high[high_head] + 1
                high_head += 1
            if low_head == low_tail or high_head == high_tail:
                low_head, low_tail, high_head, high_tail, start = 0, 0, 0, 0, i + 1
        if i - fail >= start:
            flags[i] = _FAIL
        elif i - suspect >= start:
            flags[i] = _SUSPECT
    return flags
