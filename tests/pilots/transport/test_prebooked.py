import numpy as np
import pandas as pd
import pytest

from pilots.transport import Fleet, Network, Policy, Rest, audit, darp, indicators, simulate_service
from pilots.transport.prebooked import certificate, day_instance
from pilots.transport.requests import read_requests


@pytest.fixture(scope="module")
def villages():
    """Twelve villages a few kilometres apart, and a morning's rides booked the day before."""
    generator = np.random.default_rng(4)
    at = generator.uniform(0, 9000, (12, 2))
    metres = 1.3 * np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    network = Network.from_matrices(metres / 12, metres)
    ends = np.array([generator.choice(12, 2, replace=False) for _ in range(14)])
    table = pd.DataFrame(
        {
            "origin": ends[:, 0],
            "destination": ends[:, 1],
            "request_time_s": 0.0,
            "earliest_s": generator.uniform(7, 10, 14) * 3600,
        }
    )
    return network, table


RULES = {"max_wait_s": 900, "max_ride_factor": 1.5, "max_ride_extra_s": 300}


def test_a_planned_day_is_driven_as_planned_and_needs_no_more_kilometres(villages):
    network, table = villages
    fleet = Fleet.of([0, 5, 9], seats=4, wheelchair_places=1, shift_start_s=6 * 3600, shift_end_s=13 * 3600)
    planned, fitted = (
        simulate_service(network, table, fleet, Policy(plan_steps=steps, **RULES)) for steps in (2000, 0)
    )
    assert indicators(planned)["service_rate"] == 1
    assert indicators(planned)["vehicle_km"] <= indicators(fitted)["vehicle_km"] + 1e-6
    assert audit(planned, network, fleet, Policy(**RULES)) == []


def test_callers_during_the_day_are_fitted_in_between(villages):
    network, table = villages
    fleet = Fleet.of([0, 5, 9], seats=4, shift_start_s=6 * 3600)
    caller = pd.DataFrame({"origin": [3], "destination": [7], "request_time_s": [8.2 * 3600]})
    day = pd.concat([table, caller], ignore_index=True)
    rules = Policy(plan_steps=500, **RULES)
    result = simulate_service(network, day, fleet, rules)
    assert (result.trips.tail(1)["status"] == "served").all()
    assert audit(result, network, fleet, rules) == []


def test_the_certificate_bounds_every_service_from_below(villages):
    network, table = villages
    fleet, rules = Fleet.of([0, 5, 9], seats=4), Policy(**RULES)
    best = certificate(network, table, fleet, rules, 30)
    assert best.status == "optimal"
    for weight in (0.2, 1.0, 5.0):
        service = simulate_service(network, table, fleet, Policy(drive_weight=weight, **RULES))
        if indicators(service)["service_rate"] == 1:
            assert best.lower_bound <= indicators(service)["vehicle_km"] + 1e-6


def test_the_problem_of_a_day_keeps_shifts_places_and_breaks(villages):
    network, table = villages
    fleet = Fleet.of(
        [0, 5], seats=[4, 6], wheelchair_places=[0, 1], shift_start_s=6 * 3600, shift_end_s=12 * 3600
    )
    rules = Policy(**RULES)
    instance = day_instance(network, read_requests(table, network, fleet, rules), fleet, rules)
    assert instance.requests == 14
    assert instance.capacity.tolist() == [[4, 0], [6, 1]]
    assert instance.shift_end.tolist() == [12 * 3600.0] * 2
    solution = darp.solve(instance, None, 1, iterations=300)
    assert {found.kind for found in darp.check(instance, solution)} <= {"unserved"}


def test_drivers_rest_where_and_when_their_planned_day_has_it(villages):
    network, _ = villages
    generator = np.random.default_rng(8)
    ends = np.array([generator.choice(12, 2, replace=False) for _ in range(45)])
    morning = pd.DataFrame(
        {"origin": ends[:, 0], "destination": ends[:, 1], "request_time_s": 0.0,
         "earliest_s": generator.uniform(7.3, 9.6, 45) * 3600}
    )  # fmt: skip
    caller = pd.DataFrame({"origin": [3], "destination": [7], "request_time_s": [8.2 * 3600]})
    day = pd.concat([morning, caller], ignore_index=True)
    rests = tuple(Rest(vehicle, 8 * 3600.0, 8.75 * 3600.0, 1200.0) for vehicle in range(3))
    fleet = Fleet.of([0, 5, 9], seats=4, shift_start_s=6 * 3600, shift_end_s=13 * 3600, rests=rests)
    rules = Policy(plan_steps=1500, **RULES)
    result = simulate_service(network, day, fleet, rules)
    assert audit(result, network, fleet, rules) == []
    assert (result.trips["status"] == "served").mean() > 0.5
    for vehicle in range(3):
        assert longest_rest(result, vehicle, 8 * 3600, 8.75 * 3600 + 1200) >= 1200 - 1


def longest_rest(result, vehicle, start_s, end_s):
    """Longest time within a window in which a vehicle neither drives nor has anybody on board or boarding."""
    legs = result.legs[result.legs["vehicle"] == vehicle]
    trips = result.trips[(result.trips["vehicle"] == vehicle) & (result.trips["status"] == "served")]
    busy = [*zip(legs["depart_s"], legs["arrive_s"], strict=True)]
    busy += [*zip(trips["pickup_s"], trips["dropoff_s"], strict=True)]
    free, longest = start_s, 0.0
    for begin, end in sorted(busy):
        longest = max(longest, min(begin, end_s) - free)
        free = min(max(free, end), end_s)
    return max(longest, end_s - free)


def test_every_day_of_a_run_is_planned_at_its_first_midnight(villages):
    network, table = villages
    day = 86_400.0
    later = table.assign(request_time_s=day, earliest_s=table["earliest_s"] + day)
    both = pd.concat([table, later], ignore_index=True)
    rests = tuple(Rest(vehicle, 11 * 3600.0 + k * day, 13 * 3600.0 + k * day, 1800.0)
                  for vehicle in range(3) for k in range(2))  # fmt: skip
    fleet = Fleet.of([0, 5, 9], seats=4, rests=rests)
    planned, fitted = (
        simulate_service(network, both, fleet, Policy(plan_steps=steps, rebalance_every_s=0, **RULES))
        for steps in (2000, 0)
    )
    rules = Policy(**RULES)
    assert audit(planned, network, fleet, rules) == []
    second = planned.trips["earliest_s"] >= day
    assert (planned.trips.loc[second, "status"] == "served").all()
    legs = {name: run.legs[run.legs["depart_s"] >= day] for name, run in (("plan", planned), ("fit", fitted))}
    assert legs["plan"]["distance_m"].sum() <= legs["fit"]["distance_m"].sum()


@pytest.mark.parametrize("plan_steps", [0, 500])
@pytest.mark.parametrize("range_m", [25_000.0, 40_000.0])
def test_no_day_outruns_its_batteries(villages, plan_steps, range_m):
    network, table = villages
    fleet = Fleet.of([0, 5], seats=4, range_m=range_m, charge_kw=50.0)
    rules = Policy(plan_steps=plan_steps, **RULES)
    result = simulate_service(network, table, fleet, rules)
    assert (result.trips["status"] == "served").any()
    assert audit(result, network, fleet, rules) == []


def test_the_judge_finds_an_empty_battery(villages):
    network, table = villages
    fleet = Fleet.of([0, 5], seats=4)
    result = simulate_service(network, table, fleet, Policy(**RULES))
    short = Fleet.of([0, 5], seats=4, range_m=5_000.0)
    assert {fault.kind for fault in audit(result, network, short, Policy(**RULES))} == {"range"}
