"""The well-being score of a building, in two definitions that anyone can compute again.

**Partial schoolTAIL**: the colour of the worst component among those that were measured. With temperature,
humidity and carbon dioxide, warmth and part of the air can be rated; noise and light cannot, are said to be
missing, and are never guessed.

**Five layers**: natural environment, built environment, activities, psychological and physiological
well-being, the layers of the FinEst Centre's well-being score, filled here with what is known of a school.
Its weights are equal unless given; a layer without data is left out and the score says of how much weight
it speaks; below half there is none. The range shows how far other weights would move it.

Sources: Wargocki et al. (2021), "TAIL, a new scheme for rating indoor environmental quality in offices and
hotels", and its schools version of the ALDREN-TAIL family; EN 16798-1:2019 (a category holds when 95 % of
the time in use lies within it); the FinEst Centre's description of the well-being score, which publishes no
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.buildings.comfort.categories import CATEGORIES, Categories

Floats = NDArray[np.float64]

TAIL_COMPONENTS = ("thermal", "acoustic", "indoor air", "luminous")
_HOLDS = 0.95

LAYERS = ("natural environment", "built environment", "activities", "psychological", "physiological")
_LEAST_COVERAGE = 0.5
_SPREAD = 0.5
"""Weights are moved by up to this share of themselves for the range."""


@dataclass(frozen=True)
class Tail:
    """A partial rating."""

    rating: str
    """I to IV, the worst of what was rated; empty where nothing was."""
    rated: dict[str, str]
    """Rating of each parameter that was measured."""
    missing: tuple[str, ...]
    """Components of which nothing was measured."""


def held_category(category: Categories, during: NDArray[np.bool_]) -> int:
    """The best category that holds for 95 % of the time in use; 0 where nothing is known."""
    used = category[during & (category > 0)]
    if not used.size:
        return 0
    for number in (1, 2, 3):
        if (used <= number).mean() >= _HOLDS:
            return number
    return 4


def partial_tail(parameters: Mapping[str, int]) -> Tail:
    """Rate what was measured.

    Args:
        parameters: Held category (1 to 4) by parameter: `temperature` (thermal), `humidity` and `co2`
            (indoor air), `noise` (acoustic), `light` (luminous); 0 or absent where it was not measured.

    Raises:
        InvalidInput: A parameter that belongs to no component.
    """
    component = {
        "temperature": "thermal",
        "humidity": "indoor air",
        "co2": "indoor air",
        "noise": "acoustic",
        "light": "luminous",
    }
    for name in parameters:
        if name not in component:
            raise InvalidInput(
                "not a parameter of TAIL", field="parameters", value=name, expected=", ".join(component)
            )
    rated = {name: number for name, number in parameters.items() if number > 0}
    seen = {component[name] for name in rated}
    return Tail(
        rating=CATEGORIES[max(rated.values()) - 1] if rated else "",
        rated={name: CATEGORIES[number - 1] for name, number in rated.items()},
        missing=tuple(name for name in TAIL_COMPONENTS if name not in seen),
    )


@dataclass(frozen=True)
class Layered:
    """A score from 0 to 100 with what it rests on."""

    score: float
    """Not a number where less than half of the weight is known."""
    low: float
    high: float
    """Range of the score when each weight moves by half of itself."""
    coverage_percent: float
    """Share of the weight whose layers have data."""
    layers: dict[str, float]
    """Score of each layer that has data."""


def utility(value: float, worst: float, best: float) -> float:
    """A figure as points from 0 (worst) to 100 (best), in a line between."""
    return float(np.clip(100.0 * (value - worst) / (best - worst), 0.0, 100.0))


def layered_score(layers: Mapping[str, float], weights: Mapping[str, float] | None = None) -> Layered:
    """The five-layer score.

    Args:
        layers: Points of each layer, 0 to 100; not a number, or absent, where there are no data.
        weights: Weight of each layer; equal ones without.

    Raises:
        InvalidInput: A layer that nobody knows, or points out of range.
    """
    for name, points in layers.items():
        if name not in LAYERS or points < 0 or points > 100:
            raise InvalidInput(
                "not a layer's points", field=name, value=points, expected=f"0..100 of {', '.join(LAYERS)}"
            )
    weight = {name: 1.0 if weights is None else float(weights.get(name, 0.0)) for name in LAYERS}
    known = {name: points for name, points in layers.items() if np.isfinite(points) and weight[name] > 0}
    coverage = sum(weight[name] for name in known) / sum(weight.values())
    if not known or coverage < _LEAST_COVERAGE:
        nothing = float("nan")
        return Layered(nothing, nothing, nothing, 100.0 * coverage, dict(known))
    values, share = np.array(list(known.values())), np.array([weight[name] for name in known])
    return Layered(
        score=float(np.average(values, weights=share)),
        low=_extreme(values, share, -1.0),
        high=_extreme(values, share, 1.0),
        coverage_percent=100.0 * coverage,
        layers=dict(known),
    )


def _extreme(points: Floats, share: Floats, sign: float) -> float:
    """The least or greatest weighted mean when each weight moves by up to half of itself.

    At an extreme every weight is at one of its ends: heavy on one side of some threshold of points, light
    on the other.
    """
    order = np.argsort(points)
    candidates = []
    for cut in range(points.size + 1):
        moved = np.where(np.arange(points.size) < cut, 1.0 - sign * _SPREAD, 1.0 + sign * _SPREAD)
        candidates.append(float(np.average(points[order], weights=share[order] * moved)))
    return min(candidates) if sign < 0 else max(candidates)
