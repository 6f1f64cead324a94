"""Who takes what: on-demand service, line bus or walking, by generalised time.

Each way costs a traveller its minutes, weighted by how they are felt, plus its fare turned into minutes. The
shares follow a logit: nested, if the two kinds of public transport are closer substitutes for each other
than for walking.

Sources: McFadden 1974, in Zarembka (ed.), Frontiers in Econometrics, 105-142 (multinomial logit); Ben-Akiva
& Lerman 1985, Discrete Choice Analysis, chapter 10 (nested logit); Wardman, Chintakayala & de Jong 2016,
Transportation Research A 94:93-111 (weights of waiting and walking, value of time).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput

FloatArray = NDArray[np.float64]

MODES = ("on_demand", "line_bus", "walk")


@dataclass(frozen=True)
class Tastes:
    """How travellers weigh time and money.

    Attributes:
        ride_weight: Felt minutes per minute aboard; 1 by definition.
        wait_weight: Felt minutes per minute of waiting. Default 1.7, between Wardman et al.'s 1.5 and 2.
        walk_weight: Felt minutes per minute of walking. Default 1.8, likewise.
        transfer_min: Felt minutes per change of vehicle. Default 10, within the 5 to 15 of their review.
        value_of_time_eur_per_h: Money per hour aboard. Default 6: about half of Estonia's mean net hourly
            wage of 2023, the usual rule for other than business travel.
        scale_per_min: How sharply felt minutes decide. Default 0.08 per minute.
        nest: Dissimilarity of the two kinds of public transport, in (0, 1]; 1 is the plain logit.
        on_demand_constant_min: Felt minutes that on-demand service costs beyond its times. Default 0.
        line_bus_constant_min: The same for line buses. Default 0.
    """

    ride_weight: float = 1.0
    wait_weight: float = 1.7
    walk_weight: float = 1.8
    transfer_min: float = 10.0
    value_of_time_eur_per_h: float = 6.0
    scale_per_min: float = 0.08
    nest: float = 0.7
    on_demand_constant_min: float = 0.0
    line_bus_constant_min: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.nest <= 1:
            raise InvalidInput("a nest's dissimilarity lies in (0, 1]", field="nest", value=self.nest)
        if self.value_of_time_eur_per_h <= 0 or self.scale_per_min <= 0:
            raise InvalidInput(
                "time must be worth something",
                field="value_of_time_eur_per_h",
                value=self.value_of_time_eur_per_h,
            )


@dataclass(frozen=True)
class Offer:
    """One way to travel, for each traveller; arrays of shape (travellers,) or single numbers.

    Attributes:
        ride_min: Minutes aboard; inf where this way does not exist.
        wait_min: Minutes waiting.
        walk_min: Minutes walking.
        transfers: Changes of vehicle.
        fare_eur: Fare.
    """

    ride_min: FloatArray | float
    wait_min: FloatArray | float = 0.0
    walk_min: FloatArray | float = 0.0
    transfers: FloatArray | float = 0.0
    fare_eur: FloatArray | float = 0.0


def generalised_time_min(offer: Offer, tastes: Tastes) -> FloatArray:
    """Felt minutes of one way to travel, fare included, shape (travellers,)."""
    felt = (
        tastes.ride_weight * np.asarray(offer.ride_min, dtype=np.float64)
        + tastes.wait_weight * np.asarray(offer.wait_min, dtype=np.float64)
        + tastes.walk_weight * np.asarray(offer.walk_min, dtype=np.float64)
        + tastes.transfer_min * np.asarray(offer.transfers, dtype=np.float64)
        + 60 * np.asarray(offer.fare_eur, dtype=np.float64) / tastes.value_of_time_eur_per_h
    )
    return np.asarray(felt, dtype=np.float64)


def mode_shares(on_demand: Offer, line_bus: Offer, walk: Offer, tastes: Tastes) -> FloatArray:
    """Probability of each way to travel.

    Args:
        on_demand: The on-demand service.
        line_bus: The best itinerary by line bus.
        walk: Walking all the way.
        tastes: How travellers weigh them.

    Returns:
        Shares in the order of ``MODES``, shape (3, travellers); all zero for a traveller with no way at all.
    """
    felt = np.stack(
        np.broadcast_arrays(
            generalised_time_min(on_demand, tastes) + tastes.on_demand_constant_min,
            generalised_time_min(line_bus, tastes) + tastes.line_bus_constant_min,
            generalised_time_min(walk, tastes),
        )
    ).astype(np.float64)
    felt = np.atleast_2d(felt.T).T
    utility = -tastes.scale_per_min * felt
    public = np.logaddexp(utility[0] / tastes.nest, utility[1] / tastes.nest)
    nest = tastes.nest * public
    total = np.logaddexp(nest, utility[2])
    with np.errstate(invalid="ignore"):
        in_nest = np.exp(nest - total)
        shares = np.stack(
            [
                in_nest * np.exp(utility[0] / tastes.nest - public),
                in_nest * np.exp(utility[1] / tastes.nest - public),
                np.exp(utility[2] - total),
            ]
        )
    return np.where(np.isfinite(shares), shares, 0.0)
