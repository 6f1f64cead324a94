"""What an observation is: a value, true at an instant, of one datastream; and what happens to the others.

A datastream is one property of one place seen by one sensor, such as the carbon dioxide of room 204. When the
sensor moves to another room, a new datastream begins there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import pandas as pd

from geodata.errors import InvalidInput
from geodata.observations.properties import PROPERTIES


class State(IntEnum):
    """Where a value stands on its way to an indicator."""

    STAGING = 0
    """Arrived, not yet believed."""
    MAINTENANCE = 1
    """Taken while somebody worked on the sensor or the room."""
    PRODUCTION = 2
    """Only these feed an indicator."""

    @property
    def label(self) -> str:
        """Its name as the observations kind writes it."""
        return self.name.lower()


@dataclass(frozen=True)
class Datastream:
    """One property of one place, seen by one sensor.

    Raises:
        InvalidInput: No identifier, a property that nobody knows, or a unit it cannot have.
    """

    id: str
    observed_property: str
    unit: str = ""
    """Unit of the values; empty for the property's own."""
    building_id: str = ""
    room_id: str = ""
    interval_s: float = 300.0
    """Expected time between values."""

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidInput("a datastream without a name", field="id", value=self.id, expected="some text")
        if self.observed_property not in PROPERTIES:
            raise InvalidInput(
                f"datastream {self.id} observes what nobody knows",
                field="observed_property",
                value=self.observed_property,
                expected="one of " + ", ".join(PROPERTIES),
            )
        if not self.interval_s > 0:
            raise InvalidInput(
                f"datastream {self.id} has no interval",
                field="interval_s",
                value=self.interval_s,
                expected="above 0 s",
            )


OBSERVATION_COLUMNS = ("datastream", "time", "value")
REJECTED_COLUMNS = ("row", "datastream", "reason", "field", "value", "raw")


@dataclass(frozen=True, eq=False)
class Batch:
    """What a reader made of what arrived: observations, and what it could not read with the reason.

    Attributes:
        observations: Columns ``datastream`` (text), ``time`` (UTC), ``value`` (number; not a number where the
            sensor said that it has none), in the order of arrival.
        rejected: Columns ``row``, ``datastream``, ``reason``, ``field``, ``value``, ``raw``: nothing is lost.
    """

    observations: pd.DataFrame
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REJECTED_COLUMNS)))

    @classmethod
    def of(
        cls,
        datastream: list[str],
        time: list[pd.Timestamp],
        value: list[float],
        rejected: list[dict[str, object]],
    ) -> Batch:
        """A batch from lists."""
        index = (
            pd.DatetimeIndex(time, tz="UTC") if not time else pd.DatetimeIndex(pd.to_datetime(time, utc=True))
        )
        observations = pd.DataFrame(
            {
                "datastream": pd.Series(datastream, dtype=object),
                "time": index.as_unit("ns"),
                "value": np.asarray(value, dtype=np.float64),
            }
        )
        return cls(observations, pd.DataFrame(rejected, columns=list(REJECTED_COLUMNS)))

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason turned something away."""
        return {str(reason): int(count) for reason, count in self.rejected["reason"].value_counts().items()}


def rejection(
    row: int, datastream: str, reason: str, field: str, value: object, raw: object = None
) -> dict[str, object]:
    """One row of `Batch.rejected`."""
    return {
        "row": row,
        "datastream": datastream,
        "reason": reason,
        "field": field,
        "value": str(value),
        "raw": str(value if raw is None else raw),
    }
