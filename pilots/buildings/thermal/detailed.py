"""The detailed thermal model: every wall, pane and room of a building, step by step.

After ISO 52016-1:2017 with more physics where the standard simplifies: nodes in every wall, a heat balance at
both faces of every pane, angle-dependent glass, films that follow wind and temperature, the sky's own
temperature, radiant exchange between the faces of a room, and the patch of sun. Held to ANSI/ASHRAE Standard
140-2023 (Addendum b) in the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.thermal.march import March
from pilots.buildings.thermal.network import network
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.zone import Building

STEPS_PER_HOUR = 4
WARM_UP_DAYS = 15
START_C = 20.0


def run_detailed(building: Building, sun: Sun) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hourly means of every zone.

    Args:
        building: What to run.
        sun: The sun over the run, which knows weather and step; share it between buildings of one place.

    Returns:
        Temperatures and powers of shape (hours, zones, 5), columns as in `march`, and the sunlight that
        enters each zone, W, of shape (hours, zones).
    """
    laid_out = network(building, sun)
    run = March(laid_out, sun.steps_per_hour, START_C)
    run.warm_up(WARM_UP_DAYS)
    hours = sun.weather.hours
    result = run.advance(0, hours)
    transmitted = [np.bincount(sun.hour, weights=light, minlength=hours) for light in laid_out.transmitted]
    return result, np.column_stack(transmitted) / sun.steps_per_hour
