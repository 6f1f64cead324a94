"""A day in Manhattan: 10 000 requests against the figures of FleetPy and RidePy on the same data.

Streets, origins and destinations: Florio & others' dial-a-ride set (MIT licence). 20 km/h, wait at most ten
minutes, ride at most 1.5 times direct, 30 s boarding.
"""

import numpy as np
import pytest

from pilots.transport import Fleet, Network, Policy, audit, indicators, simulate_service

pytestmark = [pytest.mark.reference, pytest.mark.slow]


@pytest.fixture(scope="module")
def day(reference_cases):
    case = np.load(reference_cases / "city_day" / "ny10k.npz")
    network = Network.from_edges(case["s"], case["t"], case["d"], case["d"] / (20 / 3.6))
    requests = {"origin": case["o"], "destination": case["dst"], "request_time_s": case["tr"]}
    return network, requests, case["veh"]


@pytest.mark.parametrize(
    ("vehicles", "rules", "asked"),
    [
        (200, {}, {"service_rate": 0.995, "wait_mean_s": 185, "vehicle_km": 25_000}),
        (
            200,
            {"drive_weight": 2.0, "rebalance_every_s": 0},
            {"service_rate": 0.985, "wait_mean_s": 600, "vehicle_km": 20_700},
        ),
        (100, {"rebalance_every_s": 0}, {"service_rate": 0.840, "wait_mean_s": 600, "vehicle_km": 20_000}),
    ],
)
def test_a_day_is_served_better_than_by_peers(day, vehicles, rules, asked):
    network, requests, starts = day
    fleet, rules = Fleet.of(starts[:vehicles], seats=8), Policy(**rules)
    result = simulate_service(network, requests, fleet, rules, seed=1)
    numbers = indicators(result)
    assert numbers["service_rate"] >= asked["service_rate"]
    assert numbers["wait_mean_s"] <= asked["wait_mean_s"]
    assert numbers["vehicle_km"] <= asked["vehicle_km"]
    assert audit(result, network, fleet, rules) == []
