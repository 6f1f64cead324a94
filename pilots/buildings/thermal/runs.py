"""Buildings on their way through a run, a stretch of hours at a time, with either thermal model.

Trees outside the windows and the air of the street change while a run goes on, told by other models. So the
buildings go on from stretch to stretch, each under what is known of it by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pilots.buildings.thermal.detailed import START_C, STEPS_PER_HOUR, WARM_UP_DAYS
from pilots.buildings.thermal.fast import FastRun
from pilots.buildings.thermal.fast_inputs import fast_inputs
from pilots.buildings.thermal.march import AIR_C, COIL_W, COOLING_W, HEATING_W, RADIANT_C, March
from pilots.buildings.thermal.network import network
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.weather import Weather
from pilots.buildings.thermal.zone import Building

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Hourly means of a stretch; shape (hours, buildings), one zone each."""

    air_c: Floats
    radiant_c: Floats
    heating_w: Floats
    cooling_w: Floats
    coil_w: Floats

    @property
    def operative_c(self) -> Floats:
        """Mean of air and surroundings."""
        return 0.5 * (self.air_c + self.radiant_c)


class ThermalRun(Protocol):
    """Buildings that go on from stretch to stretch."""

    def advance(self, first_hour: int, last_hour: int, canopy: Floats, warmer_k: float) -> Stretch:
        """Go on through the hours of a stretch.

        Args:
            first_hour: First hour of the stretch.
            last_hour: The hour after its last.
            canopy: Share of the sun's direct light that trees let through to each building's windows.
            warmer_k: What the air outside is warmer than the weather says.
        """


class FastBuildings:
    """Buildings by the fast model, all in one compiled call.

    Args:
        buildings: Each of one zone.
        weather: Weather of the run.
    """

    def __init__(self, buildings: Sequence[Building], weather: Weather) -> None:
        sun = Sun(weather, 1, instant=0.5)
        # Zones of different buildings share no wall: one set of zones is as good as many buildings.
        together = Building(
            tuple(zone for building in buildings for zone in building.zones),
            ground_temperature_c=buildings[0].ground_temperature_c,
        )
        self._run = FastRun(*fast_inputs(together, sun), START_C)
        for _ in range(WARM_UP_DAYS):
            self._run.advance(0, min(24, weather.hours))

    def advance(self, first_hour: int, last_hour: int, canopy: Floats, warmer_k: float) -> Stretch:
        """See `ThermalRun`."""
        done = self._run.advance(first_hour, last_hour, canopy, warmer_k)
        return Stretch(
            air_c=done.air_c,
            # Operative temperature of annex C is 0.3 air and 0.7 surfaces; surfaces stand for the
            # surroundings.
            radiant_c=done.surface_c,
            heating_w=np.maximum(done.power_w, 0.0),
            cooling_w=np.maximum(-done.power_w, 0.0),
            coil_w=done.coil_w,
        )


class DetailedBuildings:
    """Buildings by the detailed model, one after the other.

    Args:
        buildings: Each of one zone.
        weather: Weather of the run.
        steps_per_hour: Steps of the model in an hour.
    """

    def __init__(
        self, buildings: Sequence[Building], weather: Weather, steps_per_hour: int = STEPS_PER_HOUR
    ) -> None:
        sun = Sun(weather, steps_per_hour)
        self._sun = sun
        self._outdoor_c = sun.air["temperature"].copy()
        self._marches = []
        self._beams = []
        for building in buildings:
            shaded, open_ = network(building, sun, canopy=0.0), network(building, sun)
            self._beams.append(
                (
                    open_.sun_inside - shaded.sun_inside,
                    open_.sun_panes - shaded.sun_panes,
                    open_.sun_inside.copy(),
                    open_.sun_panes.copy(),
                )
            )
            march = March(open_, steps_per_hour, START_C)
            march.warm_up(WARM_UP_DAYS)
            self._marches.append(march)

    def advance(self, first_hour: int, last_hour: int, canopy: Floats, warmer_k: float) -> Stretch:
        """See `ThermalRun`."""
        n = self._sun.steps_per_hour
        steps = slice(first_hour * n, last_hour * n)
        self._sun.air["temperature"][steps] = self._outdoor_c[steps] + warmer_k
        lit = np.unique(self._sun.rows[steps])
        lit = lit[lit > 0]
        parts = []
        for march, (inside, panes, all_inside, all_panes), share in zip(
            self._marches, self._beams, canopy, strict=True
        ):
            march.network.sun_inside[lit] = all_inside[lit] - (1.0 - share) * inside[lit]
            march.network.sun_panes[lit] = all_panes[lit] - (1.0 - share) * panes[lit]
            parts.append(march.advance(first_hour, last_hour)[:, 0])
        done = np.stack(parts, axis=1)
        return Stretch(*(done[:, :, column] for column in (AIR_C, RADIANT_C, HEATING_W, COOLING_W, COIL_W)))
