"""From staging to production: all tests on a datastream, and the state that follows from them.

A new value waits in staging; what passes every test is promoted, what was taken while somebody worked on the
sensor is maintenance, and what fails stays where it is, with its verdict, to be looked at. Indicators read
production only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.observations.model import Datastream, State
from geodata.observations.properties import PROPERTIES
from geodata.observations.quality import (
    Flag,
    Flags,
    flat_line,
    gross_range,
    nanoseconds,
    rate_of_change,
    spike,
    worst,
)
from geodata.observations.store import ObservationStore

Times = NDArray[np.int64]
Floats = NDArray[np.float64]

_GAP_INTERVALS = 3.0
_PROMOTED = (int(Flag.GOOD), int(Flag.UNKNOWN))


@dataclass(frozen=True, eq=False)
class Screening:
    """Verdicts on a series: of each test, and the worst of them."""

    gross_range: Flags
    spike: Flags
    rate_of_change: Flags
    flat_line: Flags

    @property
    def flag(self) -> Flags:
        """The worst verdict on each value."""
        return worst(self.gross_range, self.spike, self.rate_of_change, self.flat_line)


@dataclass(frozen=True)
class SensorHealth:
    """What an operator asks of a sensor."""

    availability_percent: float
    """Values that came and were no failures, of those expected."""
    longest_gap_h: float
    gaps: int
    failed: int
    suspect: int
    missing: int


def screen(time: Times, value: Floats, observed_property: str) -> Screening:
    """Hold a series against the rules of its property.

    Args:
        time: Instants, ns since 1970, in order.
        value: Values in the property's unit.
        observed_property: Its name in `PROPERTIES`.
    """
    rules = PROPERTIES[observed_property]
    passed = np.full(value.size, int(Flag.GOOD), dtype=np.uint8)
    return Screening(
        gross_range=gross_range(value, rules.fail, rules.suspect),
        spike=spike(value, rules.spike_suspect, rules.spike_fail) if value.size else passed,
        rate_of_change=rate_of_change(value, time, rules.rate_suspect_per_s, rules.rate_fail_per_s),
        flat_line=flat_line(value, time, rules.flat_suspect_s, rules.flat_fail_s, rules.flat_tolerance),
    )


def state_of(
    flag: Flags, time: Times, maintenance: Sequence[tuple[pd.Timestamp, pd.Timestamp]] = ()
) -> Flags:
    """State of each value: production where nothing speaks against it, maintenance in the given spells."""
    state = np.where(np.isin(flag, _PROMOTED), int(State.PRODUCTION), int(State.STAGING)).astype(np.uint8)
    for start, end in maintenance:
        low, high = nanoseconds([pd.Timestamp(moment).as_unit("ns").value for moment in (start, end)])
        state[(time >= low) & (time < high)] = int(State.MAINTENANCE)
    return state


def health(time: Times, flag: Flags, interval_s: float, start: int, end: int) -> SensorHealth:
    """Availability and gaps of a series over a spell.

    Args:
        time: Instants, ns, in order.
        flag: Verdicts.
        interval_s: Expected time between values.
        start: Beginning of the spell, ns.
        end: Its end.
    """
    inside = (time >= start) & (time < end)
    own, verdict = time[inside], flag[inside]
    expected = max((end - start) / 1e9 / interval_s, 1.0)
    useful = np.isin(verdict, (int(Flag.GOOD), int(Flag.UNKNOWN), int(Flag.SUSPECT))).sum()
    silent_s = np.diff(np.concatenate(([start], own, [end]))) / 1e9
    return SensorHealth(
        availability_percent=float(min(100.0 * useful / expected, 100.0)),
        longest_gap_h=float(silent_s.max() / 3600.0),
        gaps=int((silent_s > _GAP_INTERVALS * interval_s).sum()),
        failed=int((verdict == int(Flag.FAIL)).sum()),
        suspect=int((verdict == int(Flag.SUSPECT)).sum()),
        missing=int((verdict == int(Flag.MISSING)).sum()),
    )


def promote(
    store: ObservationStore,
    datastream: Datastream,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    maintenance: Sequence[tuple[pd.Timestamp, pd.Timestamp]] = (),
) -> Screening | None:
    """Judge what a store holds of a datastream and set the state of each value.

    A day before `start` is looked at as well, so that tests of a stretch of time have something to look
    back on.

    Returns:
        The verdicts on the values from `start` on, or nothing where there are none.
    """
    before = None if start is None else pd.Timestamp(start) - pd.Timedelta(days=1)
    columns = store.columns(datastream.id, before, end)
    if not len(columns):
        return None
    verdicts = screen(columns.time, columns.value, datastream.observed_property)
    first = (
        0 if start is None else int(np.searchsorted(columns.time, pd.Timestamp(start).as_unit("ns").value))
    )
    own = slice(first, None)
    flag = verdicts.flag[own]
    if flag.size:
        store.judge(datastream.id, columns.time[own], flag, state_of(flag, columns.time[own], maintenance))
    return Screening(
        verdicts.gross_range[own], verdicts.spike[own], verdicts.rate_of_change[own], verdicts.flat_line[own]
    )
