"""A report on sensors: which are silent, which fail, what is wrong with each, what was turned away.

Judging comes first: what a store holds in staging is screened, and what passes goes into production. Then
every sensor is held against its own past and against the other rooms of its building.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.observations.chunks import Columns
from geodata.observations.diagnosis import Diagnosis, diagnose
from geodata.observations.model import Datastream, State
from geodata.observations.screening import SensorHealth, health, promote
from geodata.observations.store import ObservationStore

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
Spell = tuple[pd.Timestamp, pd.Timestamp]

_NS = 1_000_000_000


@dataclass(frozen=True)
class SensorReport:
    """What there is to say of one datastream."""

    datastream: Datastream
    count: int
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    latest: float
    """Latest value; not a number where there is none."""
    states: Mapping[str, int]
    """Values by state."""
    health: SensorHealth | None
    """Nothing for a sensor that never spoke."""
    findings: Sequence[Diagnosis] = ()
    refused: Mapping[str, int] = field(default_factory=dict)
    """Turned away by reason; their raw text is in staging."""


@dataclass(frozen=True)
class Survey:
    """All sensors of a store over one spell."""

    start: pd.Timestamp | None
    end: pd.Timestamp | None
    sensors: Sequence[SensorReport]
    refused_elsewhere: Mapping[str, int]
    """Turned away without belonging to a datastream that is known."""
    corrected: int
    """Values that a later one replaced."""


def survey(
    store: ObservationStore,
    start: pd.Timestamp | None = None,
    end: pd.Timestamp | None = None,
    *,
    time_zone: str = "Europe/Tallinn",
    maintenance: Mapping[str, Sequence[Spell]] | None = None,
) -> Survey:
    """Judge what a store holds and report on every sensor.

    Args:
        store: The store; verdicts and states are written back to it.
        start: Beginning of the spell, that of the earliest observation by default.
        end: Its end, an interval after the latest observation by default.
        time_zone: Where the rooms are, for nights.
        maintenance: Spells in which somebody worked on a datastream.
    """
    known = store.datastreams
    spells = maintenance or {}
    for datastream in known.values():
        promote(store, datastream, start, end, spells.get(datastream.id, ()))
    held = {name: store.columns(name, start, end) for name in known}
    span = _span(held, known, start, end)
    findings = _findings(held, known, span, time_zone) if span else {}
    staging = store.staging()
    sensors = [
        _report(known[name], columns, span, findings.get(name, []), _reasons(staging, name))
        for name, columns in held.items()
    ]
    strangers = staging[~staging["datastream"].isin(list(known))]
    first, last = (None, None) if span is None else (_instant(span[0]), _instant(span[1]))
    return Survey(first, last, sensors, _counts(strangers["reason"]), len(store.corrections()))


def _span(
    held: Mapping[str, Columns],
    known: Mapping[str, Datastream],
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
) -> tuple[int, int] | None:
    spoken = [name for name, columns in held.items() if len(columns)]
    if not spoken:
        return None
    low = min(int(held[name].time[0]) for name in spoken)
    high = max(int(held[name].time[-1] + known[name].interval_s * _NS) for name in spoken)
    return (
        low if start is None else int(pd.Timestamp(start).as_unit("ns").value),
        high if end is None else int(pd.Timestamp(end).as_unit("ns").value),
    )


def _findings(
    held: Mapping[str, Columns],
    known: Mapping[str, Datastream],
    span: tuple[int, int],
    time_zone: str,
) -> dict[str, list[Diagnosis]]:
    """Findings by datastream; sensors of one property in one building are each other's yardstick."""
    groups: dict[tuple[str, str, float], list[str]] = {}
    for name, columns in held.items():
        own = known[name]
        if len(columns) > 2:
            groups.setdefault((own.building_id, own.observed_property, own.interval_s), []).append(name)
    offset = _instant(span[0]).tz_convert(time_zone).utcoffset()
    ahead = offset.total_seconds() / 3600.0 if offset else 0.0
    found: dict[str, list[Diagnosis]] = {}
    for (_, observed, interval_s), names in groups.items():
        time = np.arange(span[0], span[1], int(interval_s * _NS))
        heard = np.column_stack([on_grid(held[name], time) for name in names])
        for finding in diagnose(heard, time, observed, utc_offset_h=ahead):
            found.setdefault(names[finding.sensor], []).append(finding)
    return found


def on_grid(columns: Columns, time: Times) -> Floats:
    """Values at even instants: the nearest within half a step, or not a number.

    Args:
        columns: Observations in order of time.
        time: Instants at even steps, ns.
    """
    step = int(time[1] - time[0]) if time.size > 1 else _NS
    place = (columns.time - time[0] + step // 2) // step
    inside = (place >= 0) & (place < time.size)
    out = np.full(time.size, np.nan)
    out[place[inside]] = columns.value[inside]
    return out


def _report(
    datastream: Datastream,
    columns: Columns,
    span: tuple[int, int] | None,
    findings: Sequence[Diagnosis],
    refused: Mapping[str, int],
) -> SensorReport:
    count = len(columns)
    states = np.bincount(columns.state, minlength=len(State))
    return SensorReport(
        datastream=datastream,
        count=count,
        first=_instant(int(columns.time[0])) if count else None,
        last=_instant(int(columns.time[-1])) if count else None,
        latest=float(columns.value[-1]) if count else float("nan"),
        states={state.label: int(states[state]) for state in State},
        health=health(columns.time, columns.flag, datastream.interval_s, *span) if count and span else None,
        findings=list(findings),
        refused=refused,
    )


def _reasons(staging: pd.DataFrame, name: str) -> dict[str, int]:
    return _counts(staging["reason"][staging["datastream"] == name])


def _counts(reasons: pd.Series) -> dict[str, int]:
    return {str(reason): int(count) for reason, count in reasons.value_counts().sort_index().items()}


def _instant(nanoseconds: int) -> pd.Timestamp:
    return pd.Timestamp(nanoseconds, unit="ns", tz="UTC")
