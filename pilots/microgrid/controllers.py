"""The controllers that come with Twinbox, by name: what a planner may choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodata.errors import UnknownName
from pilots.microgrid.ensemble import Ensemble
from pilots.microgrid.forecast import Climatology, Perfect, Persistence
from pilots.microgrid.linear import LinearPredictive
from pilots.microgrid.peak_state import PeakStatePredictive
from pilots.microgrid.predictive import Predictive
from pilots.microgrid.rules import CheapestHours, PeakShaving, SelfConsumption

if TYPE_CHECKING:
    from pilots.microgrid.control import Controller

CONTROLLERS: dict[str, Controller] = {
    "self_consumption": SelfConsumption(),
    "cheapest_hours": CheapestHours(),
    "peak_shaving": PeakShaving(),
    "predictive": Predictive(Persistence()),
    "climatology": Predictive(Climatology()),
    "ensemble": PeakStatePredictive(Ensemble()),
    "linear": LinearPredictive(Persistence()),
    "perfect": PeakStatePredictive(Perfect()),
}


def named(name: str) -> Controller:
    """The controller of a name.

    Raises:
        UnknownName: If there is none.
    """
    if name not in CONTROLLERS:
        raise UnknownName(
            "no controller is called this", field="controller", value=name, expected=", ".join(CONTROLLERS)
        )
    return CONTROLLERS[name]
