"""What is wrong with a sensor, told from how it behaves beside the other rooms of its building.

A sensor that is stuck repeats itself, one that has jumped says so every night, one that drifts says a
little more each night, one that changed its unit is wrong by a factor that is known. Nights tell most:
rooms are empty, carbon dioxide falls back to outdoor air and rooms of one building cool alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.observations.properties import PROPERTIES, Property
from geodata.observations.quality import Flag, spike
from geodata.observations.virtual import Fault, FaultKind

Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

_DAY = 86_400_000_000_000
_HOUR = 3_600_000_000_000
_NIGHT_H = (0, 5)
_LEAST_GAP_S = 1800.0
_FACTOR_TOLERANCE = 0.12
_HYSTERESIS = 0.6
_CO2_MG_L = 20.0
"""No air has so little, in ppm; 10,000 ppm are 18 mg/L."""
_CO2_AS_MG_L = 150_000.0
"""No room has so much, in ppm; 300 ppm taken for mg/L come out at 167,000."""
_SIBLINGS = 3
"""From so many rooms on, what they have in common is the weather's and not a fault."""
_DRIFT_BEGINS_BELOW = 0.5
"""A departure whose first night shows less than this of its greatest is a drift, else an offset."""


@dataclass(frozen=True)
class Diagnosis:
    """Something found wrong with a sensor from `start` to `end`, ns."""

    sensor: int
    kind: FaultKind
    start: int
    end: int

    def meets(self, fault: Fault) -> bool:
        """Whether this is that fault: the same sensor and kind, at an overlapping time."""
        same = self.sensor == fault.sensor and self.kind == fault.kind
        return same and self.start < fault.end and fault.start < self.end


def diagnose(
    heard: Floats, time: Times, observed_property: str, *, utc_offset_h: float = 2.0
) -> list[Diagnosis]:
    """Find what is wrong with the sensors of one property in one building.

    Args:
        heard: What they say, shape (steps, sensors); not a number where nothing arrived.
        time: Instants, ns, at even steps.
        observed_property: What they observe.
        utc_offset_h: Hours that local time is ahead of the instants, for nights.

    Returns:
        Findings in order of sensor and time.
    """
    rules = PROPERTIES[observed_property]
    step = int(np.median(np.diff(time)))
    found: list[Diagnosis] = []
    clean = heard.copy()
    for sensor in range(heard.shape[1]):
        own = _gaps(heard[:, sensor], time, step, sensor)
        own += _stuck(heard[:, sensor], time, step, rules, sensor)
        own += _units(heard[:, sensor], time, step, rules, sensor)
        busy = _covered(own, time)
        own += _spikes(np.where(busy, np.nan, heard[:, sensor]), time, step, rules, sensor)
        clean[_covered(own, time), sensor] = np.nan
        found += own
    found += _shifts(clean, time + int(utc_offset_h * _HOUR), rules, int(utc_offset_h * _HOUR))
    return sorted(found, key=lambda item: (item.sensor, item.start, item.kind))


def score(found: list[Diagnosis], faults: list[Fault]) -> tuple[float, float, float]:
    """Precision, recall and F1 of findings against the faults that are known."""
    right = sum(any(item.meets(fault) for fault in faults) for item in found)
    caught = sum(any(item.meets(fault) for item in found) for fault in faults)
    precision = right / len(found) if found else 1.0
    recall = caught / len(faults) if faults else 1.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First and last row (not included) of each stretch in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _covered(found: list[Diagnosis], time: Times) -> Mask:
    mask = np.zeros(time.size, dtype=np.bool_)
    for item in found:
        mask |= (time >= item.start) & (time < item.end)
    return mask


def _gaps(own: Floats, time: Times, step: int, sensor: int) -> list[Diagnosis]:
    least = max(3 * step, int(_LEAST_GAP_S * 1e9))
    return [
        Diagnosis(sensor, "gap", int(time[a]), int(time[b - 1]) + step)
        for a, b in runs(~np.isfinite(own))
        if time[b - 1] - time[a] + step >= least
    ]


def _stuck(own: Floats, time: Times, step: int, rules: Property, sensor: int) -> list[Diagnosis]:
    """Stretches of one and the same value, longer than the property allows."""
    rows = np.flatnonzero(np.isfinite(own))
    if rows.size < 2:
        return []
    same = np.abs(np.diff(own[rows])) <= rules.flat_tolerance
    found = []
    for a, b in runs(same):
        first, last = rows[a], rows[b]
        # Two equal values on both sides of a gap are no stretch.
        heard = (b - a) * step >= 0.5 * (time[last] - time[first])
        if heard and (time[last] - time[first]) / 1e9 >= rules.flat_suspect_s:
            found.append(Diagnosis(sensor, "stuck", int(time[first]), int(time[last]) + step))
    return found


def _units(own: Floats, time: Times, step: int, rules: Property, sensor: int) -> list[Diagnosis]:
    """Stretches in another unit: humidity from 0 to 1, degrees Fahrenheit, milligrams per cubic metre."""
    match rules.name:
        case "relative_humidity":
            suspicious, factor = (own > 0.0) & (own <= 1.0), 0.01
        case "temperature":
            celsius = (own - 32.0) / 1.8
            low, high = rules.suspect
            suspicious, factor = (own > high + 5.0) & (celsius > low) & (celsius < high), 0.0
        case "co2":
            return _other_scale(own, time, step, sensor) or _factor_blocks(own, time, step, 1.8, sensor)
        case _:
            return []
    found = []
    for a, b in runs(suspicious | ~np.isfinite(own)):
        known = np.flatnonzero(suspicious[a:b]) + a
        if known.size >= 3 and _jumps_by(own, int(known[0]), factor):
            found.append(Diagnosis(sensor, "units", int(time[a]), int(time[b - 1]) + step))
    return found


def _other_scale(own: Floats, time: Times, step: int, sensor: int) -> list[Diagnosis]:
    """Carbon dioxide in a unit that cannot be ppm: milligrams per litre, or ppm taken for them."""
    with np.errstate(invalid="ignore"):
        suspicious = ((own > 0.0) & (own < _CO2_MG_L)) | (own > _CO2_AS_MG_L)
    if suspicious.sum() < 3:
        return []
    return [
        Diagnosis(sensor, "units", int(time[a]), int(time[b - 1]) + step)
        for a, b in runs(suspicious | ~np.isfinite(own))
        if suspicious[a:b].sum() >= 3
    ]


def _jumps_by(own: Floats, row: int, factor: float) -> bool:
    """Whether the value before this row, where there is one, becomes this one by a factor (0: any)."""
    before = own[:row][np.isfinite(own[:row])]
    return (
        factor == 0.0 or not before.size or abs(own[row] / before[-1] / factor - 1.0) < 3 * _FACTOR_TOLERANCE
    )


def _factor_blocks(own: Floats, time: Times, step: int, factor: float, sensor: int) -> list[Diagnosis]:
    """Stretches entered by a jump up and left by a jump down of one known factor."""
    rows = np.flatnonzero(np.isfinite(own))
    ratio = own[rows[1:]] / own[rows[:-1]]
    near = np.diff(rows) <= 3
    ups = np.flatnonzero(near & (np.abs(ratio / factor - 1.0) < _FACTOR_TOLERANCE)) + 1
    downs = np.flatnonzero(near & (np.abs(ratio * factor - 1.0) < _FACTOR_TOLERANCE)) + 1
    floor = 0.8 * factor * np.nanpercentile(own, 5) if rows.size else 0.0
    found, after = [], -1
    for up in ups:
        later = downs[downs > up]
        if up <= after or not later.size:
            continue
        first, last = rows[up], rows[later[0]]
        # Inside, even the least value is one in the other unit.
        if later[0] - up >= 3 and np.nanmin(own[first:last]) > floor:
            found.append(Diagnosis(sensor, "units", int(time[first]), int(time[last - 1]) + step))
            after = later[0]
    return found


def _spikes(own: Floats, time: Times, step: int, rules: Property, sensor: int) -> list[Diagnosis]:
    """Single values far from both their neighbours; the neighbours of a spike are not spikes themselves."""
    rows = np.flatnonzero(np.isfinite(own))
    values = own[rows]
    failed = spike(values, rules.spike_suspect, rules.spike_fail, "differential") == int(Flag.FAIL)
    return [
        Diagnosis(sensor, "spike", int(time[rows[a]]), int(time[rows[b - 1]]) + step) for a, b in runs(failed)
    ]


def _shifts(clean: Floats, local: Times, rules: Property, ahead: int) -> list[Diagnosis]:
    """Offsets and drifts, from each night's level beside the other rooms' and the sensor's own usual one."""
    if not rules.shift:
        return []
    day = (local - local[0] // _DAY * _DAY) // _DAY
    hour = local % _DAY // _HOUR
    night = (hour >= _NIGHT_H[0]) & (hour < _NIGHT_H[1])
    count = int(day[-1]) + 1
    level = np.full((count, clean.shape[1]), np.nan)
    for d in range(count):
        rows = clean[night & (day == d)]
        heard = np.isfinite(rows).sum(axis=0) >= 6
        if heard.any():
            level[d, heard] = np.nanmedian(rows[:, heard], axis=0)
    usual = _median(level, axis=0)
    away = level - usual
    if clean.shape[1] >= _SIBLINGS:
        away -= _median(away, axis=1)[:, None]
    midnight = local[0] // _DAY * _DAY - ahead
    return [
        item
        for sensor in range(clean.shape[1])
        for item in _departures(away[:, sensor], midnight, rules, sensor)
    ]


def _median(values: Floats, axis: int) -> Floats:
    """Median of what is known; 0 where nothing is."""
    known = np.isfinite(values).any(axis=axis)
    out = np.zeros(known.shape)
    picked = values[:, known] if axis == 0 else values[known]
    out[known] = np.nanmedian(picked, axis=axis)
    return out


def _departures(away: Floats, midnight: int, rules: Property, sensor: int) -> list[Diagnosis]:
    nights = np.flatnonzero(np.isfinite(away))
    high = np.abs(away[nights]) > _HYSTERESIS * rules.shift
    found = []
    for a, b in runs(high):
        size = np.abs(away[nights[a:b]])
        if size.max() < rules.shift or b - a < 2:
            continue
        kind: FaultKind = "drift" if size[0] < _DRIFT_BEGINS_BELOW * size.max() else "offset"
        found.append(
            Diagnosis(
                sensor, kind, midnight + int(nights[a]) * _DAY, midnight + int(nights[b - 1] + 1) * _DAY
            )
        )
    return found
