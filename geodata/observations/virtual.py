"""Virtual sensors: what a sensor would say of what is true, with everything that goes wrong with sensors.

A simulated classroom knows its carbon dioxide exactly; a sensor in it rounds, hisses, drifts, falls silent,
gets stuck, is replaced by one that speaks another unit. With virtual sensors the whole chain from the wire
to the indicator can be tried before a real one hangs on the wall. All chance comes from the generator
handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from geodata.observations.properties import PROPERTIES

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

FaultKind = Literal["stuck", "drift", "spike", "gap", "offset", "units"]

FAULT_KINDS: tuple[FaultKind, ...] = ("stuck", "drift", "spike", "gap", "offset", "units")

_UNITS = {"co2": (1.8, 0.0), "temperature": (1.8, 32.0), "relative_humidity": (0.01, 0.0)}
"""What a value becomes in the wrong unit, as factor and offset: ppm as mg/m3, °C as °F, percent as 0..1."""


@dataclass(frozen=True)
class SensorQuality:
    """How good a sensor is."""

    noise: float
    resolution: float
    drop_out: float = 0.0
    """Chance that a value does not arrive."""
    drift_per_day: float = 0.0

    @classmethod
    def usual(cls, observed_property: str, drop_out: float = 0.005) -> SensorQuality:
        """A usual sensor of a property."""
        rules = PROPERTIES[observed_property]
        return cls(rules.noise, rules.resolution, drop_out)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with a sensor from `start` to `end`, ns."""

    sensor: int
    """Column of the series it happens to."""
    kind: FaultKind
    start: int
    end: int
    size: float = 0.0
    """Height of a spike, step of an offset, drift per day; in the property's unit."""


def sense(truth: Floats, time: Times, quality: SensorQuality, rng: np.random.Generator) -> Floats:
    """What a sensor says of what is true; not a number where nothing arrives.

    Args:
        truth: True values, shape (steps,) or (steps, sensors).
        time: Instants, ns.
        quality: How good the sensors are.
        rng: Draws noise and drop-outs.
    """
    days = ((time - time[0]) / 86_400e9).reshape(-1, *[1] * (truth.ndim - 1))
    heard = truth + quality.noise * rng.standard_normal(truth.shape) + quality.drift_per_day * days
    if quality.resolution > 0:
        heard = np.round(heard / quality.resolution) * quality.resolution
    heard[rng.random(truth.shape) < quality.drop_out] = np.nan
    return np.asarray(heard)


def inject(heard: Floats, time: Times, observed_property: str, faults: Sequence[Fault]) -> Floats:
    """The same series with faults in it.

    Args:
        heard: What sensors say, shape (steps, sensors).
        time: Instants, ns.
        observed_property: What they observe.
        faults: What goes wrong.

    Raises:
        InvalidInput: A fault of a sensor that is not there.
    """
    out = heard.copy()
    for fault in faults:
        if not 0 <= fault.sensor < heard.shape[1]:
            raise InvalidInput(
                "a fault of no sensor", field="sensor", value=fault.sensor, expected=f"below {heard.shape[1]}"
            )
        rows = slice(int(np.searchsorted(time, fault.start)), int(np.searchsorted(time, fault.end)))
        own = out[rows, fault.sensor]
        if own.size:
            own[:] = _faulty(own, time[rows], observed_property, fault)
    return out


def _faulty(own: Floats, time: Times, observed_property: str, fault: Fault) -> Floats:
    match fault.kind:
        case "stuck":
            known = own[np.isfinite(own)]
            held = float(known[0]) if known.size else np.nan
            return np.asarray(np.where(np.isfinite(own), held, np.nan))
        case "gap":
            return np.full_like(own, np.nan)
        case "units":
            factor, zero = _UNITS[observed_property]
            return own * factor + zero
        case "drift":
            return np.asarray(own + fault.size * (time - time[0]) / 86_400e9)
        case _:
            return own + fault.size


def draw_faults(
    time: Times, sensors: int, observed_property: str, count: int, rng: np.random.Generator
) -> list[Fault]:
    """Draw faults of all kinds in turn, each of its own sensor and time, with sizes that matter.

    Spikes last a step, gaps, stuck values and wrong units hours to days, offsets and drifts weeks. Faults
    of one sensor do not overlap and leave a quiet week between them.

    Args:
        time: Instants, ns.
        sensors: Number of sensors.
        observed_property: What they observe.
        count: Number of faults wanted; fewer where there is no room for them.
        rng: Draws them.
    """
    rules = PROPERTIES[observed_property]
    day, step = 86_400_000_000_000, int(np.median(np.diff(time)))
    lengths: dict[FaultKind, tuple[float, float]] = {
        "stuck": (1.5, 4.0),
        "drift": (14.0, 21.0),
        "spike": (0.0, 0.0),
        "gap": (0.25, 3.0),
        "offset": (5.0, 12.0),
        "units": (0.5, 3.0),
    }
    sizes: dict[FaultKind, tuple[float, float]] = {
        "spike": (1.6 * rules.spike_fail, 3.0 * rules.spike_fail),
        "offset": (1.8 * rules.shift, 3.0 * rules.shift),
        "drift": (0.16 * rules.shift, 0.3 * rules.shift),
    }
    faults: list[Fault] = []
    taken: list[list[tuple[int, int]]] = [[] for _ in range(sensors)]
    for _ in range(50 * count):
        if len(faults) == count:
            break
        kind = FAULT_KINDS[len(faults) % len(FAULT_KINDS)]
        sensor = int(rng.integers(sensors))
        length = max(int(rng.uniform(*lengths[kind]) * day), step)
        start = int(rng.uniform(time[0] + 7 * day, time[-1] - length - 2 * day)) // step * step
        free = all(start - 7 * day > high or start + length + 7 * day < low for low, high in taken[sensor])
        if free:
            taken[sensor].append((start, start + length))
            size = float(rng.uniform(*sizes[kind])) if kind in sizes else 0.0
            # Below outdoor air a carbon dioxide sensor is plainly wrong; the hard faults point upwards.
            sign = 1.0 if observed_property == "co2" else float(rng.choice([-1.0, 1.0]))
            faults.append(Fault(sensor, kind, start, start + length, sign * size))
    return faults
