"""Rooms as the heat balance sees them: envelope, air flows, gains from people and lamps, and a thermostat.

A classroom of 180 m3 whose outer wall looks south, aired at 5 L/s per pupil, heated to 21 °C by day and
let down to 17 °C at night, is one `Zone`; a building is one zone or more that share walls.

Everything that changes with time is a number or an array with one value per hour of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.buildings.thermal.envelope import Surface, require

Hourly = float | NDArray[np.float64]
"""One value for the whole run, or one per hour (or per step of the detailed model)."""


@dataclass(frozen=True)
class Conditioning:
    """Heating and cooling: set-points of the air temperature, and what the plant can give.

    A set-point of minus (plus) infinity, the default for cooling, switches the plant off. `convective_share`
    is what a heater gives straight to the air, the rest being radiant: about 1 for air heating, 0.7 for
    panel radiators, 0.5 for floor heating.
    """

    heating_setpoint_c: Hourly = -np.inf
    cooling_setpoint_c: Hourly = np.inf
    heating_capacity_w: Hourly = np.inf
    cooling_capacity_w: Hourly = np.inf
    convective_share: float = 1.0


@dataclass(frozen=True)
class AirFlow:
    """Outdoor air: leaks, opened windows and an air handling unit.

    `infiltration_per_h` counts volumes of outdoor air (at its own density) per hour. The unit recovers
    `heat_recovery` of the difference between room and outdoor air, bypasses the exchanger when outdoor air
    is colder than a room warmer than `bypass_above_c`, and warms the supply to `supply_minimum_c`.
    """

    infiltration_per_h: Hourly = 0.0
    windows_m3_s: Hourly = 0.0
    mechanical_m3_s: Hourly = 0.0
    heat_recovery: float = 0.0
    supply_minimum_c: float = -np.inf
    bypass_above_c: float = 23.0
    fan_w_per_m3_s: float = 0.0

    def __post_init__(self) -> None:
        require(
            0 <= self.heat_recovery < 1,
            "a heat exchanger cannot do that",
            "heat_recovery",
            self.heat_recovery,
            "0 or more, less than 1",
        )


@dataclass(frozen=True)
class Gains:
    """Heat from people, lamps and machines, W: what warms the air and what warms the surfaces."""

    convective_w: Hourly = 0.0
    radiant_w: Hourly = 0.0


@dataclass(frozen=True)
class Zone:
    """A room or a set of rooms with one air temperature."""

    name: str
    floor_area_m2: float
    volume_m3: float
    surfaces: tuple[Surface, ...]
    conditioning: Conditioning = Conditioning()
    air: AirFlow = AirFlow()
    gains: Gains = Gains()
    thermal_bridges_w_k: float = 0.0
    furniture_j_k: float = 0.0
    """Heat that furniture and other light things store with the air."""

    def __post_init__(self) -> None:
        for name in ("floor_area_m2", "volume_m3"):
            value = getattr(self, name)
            require(
                bool(np.isfinite(value)) and value > 0,
                f"room {self.name} has no {name.partition('_')[0]}",
                name,
                value,
                "above 0",
            )
        require(bool(self.surfaces), f"room {self.name} has no surfaces", "surfaces", (), "one or more")


@dataclass(frozen=True)
class Building:
    """Zones that share walls, turned as a whole by `north_axis_deg` clockwise."""

    zones: tuple[Zone, ...]
    north_axis_deg: float = 0.0
    name: str = ""
    ground_temperature_c: Hourly = field(default=10.0)

    def __post_init__(self) -> None:
        names = [zone.name for zone in self.zones]
        if len(set(names)) != len(names) or not names:
            raise InvalidInput("zones need names of their own", field="zones", value=names)
        known = {"outdoor", "sheltered", "ground", "adiabatic", *names}
        for zone in self.zones:
            for surface in zone.surfaces:
                require(
                    surface.boundary in known and surface.boundary != zone.name,
                    f"surface {surface.name} of {zone.name} leads nowhere",
                    "boundary",
                    surface.boundary,
                    f"one of {sorted(known - {zone.name})}",
                )


def stepwise(value: Hourly, hours: int, steps_per_hour: int, field: str) -> NDArray[np.float64]:
    """The value in each step of the run.

    Args:
        value: One number, one per hour or one per step.
        hours: Length of the run.
        steps_per_hour: Steps in an hour.
        field: Its name, for errors.

    Raises:
        InvalidInput: An array of another length than the run, or with values that are not numbers.
    """
    array = np.asarray(value, dtype=np.float64)
    steps = hours * steps_per_hour
    if array.shape not in ((), (hours,), (steps,)):
        raise InvalidInput(
            "a series does not fit the run", field=field, value=array.shape, expected=f"{hours} hourly values"
        )
    if np.isnan(array).any():
        row = int(np.flatnonzero(np.isnan(np.atleast_1d(array)))[0]) + 1
        raise InvalidInput("a series has a hole", field=field, row=row, value="NaN", expected="a number")
    if array.shape == (hours,):
        array = np.repeat(array, steps_per_hour)
    return np.broadcast_to(array, (steps,)).astype(np.float64)
