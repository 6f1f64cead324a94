"""The rules of a service: what riders are promised, and what the dispatcher weighs against what.

Example: "picked up within ten minutes, never more than one and a half times as long aboard as driving
straight" is ``Policy(max_wait_s=600, max_ride_factor=1.5)``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from geodata.errors import InvalidInput


@dataclass(frozen=True)
class Policy:
    """Promises to riders, and how vehicles are chosen.

    Attributes:
        max_wait_s: Longest wait after the time asked for, in seconds.
        max_ride_factor: Longest ride as a multiple of the direct drive.
        max_ride_extra_s: Seconds allowed on top of that.
        max_travel_factor: Longest wait and ride together as a multiple of the direct drive; inf for no limit.
        max_travel_extra_s: Seconds allowed on top of that.
        refuse: Whether a request that cannot be kept within the limits is refused; otherwise it is served as
            soon as can be, and counted as late.
        boarding_s: Seconds a rider's boarding takes.
        alighting_s: Seconds a rider's alighting takes.
        drive_weight: Cost of a second of driving.
        wait_weight: Cost of a second of a rider's wait.
        ride_weight: Cost of a second of a rider's ride.
        plan_steps: Steps of the search that plans what is booked before the first vehicle leaves; 0 to fit
            booked riders in one by one.
        retry_every_s: How often requests without a vehicle are tried again, in seconds; 0 for never.
        patience_s: How long after the time asked for a rider without a vehicle asks anew; each time the
            longest wait counts from then.
        improve_every_s: How often riders not yet picked up are given to better vehicles; 0 for never.
        rebalance_every_s: How often empty vehicles are moved to where riders are expected; 0 for never.
        rebalance_share: Vehicles wanted in a zone per request expected there.
        service_start_s: First second of service.
        service_end_s: Last second at which a pickup can be asked for.
        recharge_below: Share of the range below which an empty vehicle goes to charge.
    """

    max_wait_s: float = 600.0
    max_ride_factor: float = 1.5
    max_ride_extra_s: float = 0.0
    max_travel_factor: float = float("inf")
    max_travel_extra_s: float = 0.0
    refuse: bool = True
    boarding_s: float = 30.0
    alighting_s: float = 0.0
    drive_weight: float = 1.0
    wait_weight: float = 1.0
    ride_weight: float = 1.0
    plan_steps: int = 0
    retry_every_s: float = 60.0
    patience_s: float = 0.0
    improve_every_s: float = 0.0
    rebalance_every_s: float = 900.0
    rebalance_share: float = 0.5
    service_start_s: float = 0.0
    service_end_s: float = float("inf")
    recharge_below: float = 0.3

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "refuse" and (np.isnan(value) or value < 0):
                raise InvalidInput(
                    "a rule of the service is impossible",
                    field=field.name,
                    value=value,
                    expected="a number from 0",
                )
        if self.max_ride_factor < 1:
            raise InvalidInput(
                "no ride can be shorter than driving straight",
                field="max_ride_factor",
                value=self.max_ride_factor,
                expected="at least 1",
            )
