import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geodata.errors import InvalidInput, UnreadableSource
from pilots.transport import darp
from pilots.transport.darp.schedule import earliest_schedule, latest_schedule, problem_of

HEADER = "1 4 480 3 30\n"
NODES = """0 0 0 0 0 0 480
1 0 1 1 1 0 480
2 0 2 1 1 0 480
3 0 5 1 -1 0 480
4 0 6 1 -1 100 110
"""


FOUR_RIDERS = """2 4 40 6 30
0 0.0 0.0 0 0 0 60
1 5.0 4.0 0 1 31 36
2 -2.0 2.0 0 1 8 13
3 1.0 3.0 0 1 0 60
4 5.0 -0.0 0 1 19 24
5 4.0 -0.0 0 -1 0 60
6 -2.0 4.0 0 -1 0 60
7 4.0 1.0 0 -1 51 56
8 -1.0 5.0 0 -1 0 60
"""


@pytest.fixture
def two_riders(tmp_path):
    path = tmp_path / "two.txt"
    path.write_text(HEADER + NODES)
    return darp.read_cordeau(path)


def instance_of(n, vehicles, seed, **changes):
    """A small day: riders spread over a square of twenty minutes, with windows of half an hour."""
    generator = np.random.default_rng(seed)
    nodes = 2 * n + 1
    at = generator.uniform(-10, 10, (nodes, 2))
    at[0] = 0.0
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    pickup = generator.uniform(20, 300, n)
    earliest, latest = np.zeros(nodes), np.full(nodes, 480.0)
    earliest[1 : n + 1], latest[1 : n + 1] = pickup, pickup + 30
    demand = np.zeros((nodes, 1), np.int64)
    demand[1 : n + 1], demand[n + 1 :] = 1, -1
    base = darp.DarpInstance(
        name=f"random-{seed}",
        travel_time=distance,
        cost=distance,
        service_duration=np.where(np.arange(nodes) > 0, 2.0, 0.0),
        earliest=earliest,
        latest=latest,
        demand=demand,
        max_ride_time=np.full(n, 40.0),
        vehicle_start=np.zeros(vehicles, np.int64),
        vehicle_end=np.zeros(vehicles, np.int64),
        capacity=np.full((vehicles, 1), 3),
        max_route_duration=np.full(vehicles, 480.0),
        shift_start=np.zeros(vehicles),
        shift_end=np.full(vehicles, 480.0),
    )
    return replace(base, **changes)


# Reading


def test_closing_depot_line_and_count_of_requests_are_understood(tmp_path, two_riders):
    closing = tmp_path / "closing.txt"
    closing.write_text("1 2 480 3 30\n" + NODES + "5 0 0 0 0 0 480\n")
    other = darp.read_cordeau(closing)
    assert other.requests == two_riders.requests == 2
    assert np.array_equal(other.travel_time, two_riders.travel_time)


@pytest.mark.parametrize(
    ("text", "row", "field"),
    [
        ("1 4 480 x 30\n" + NODES, 1, None),
        (HEADER + NODES.replace("2 0 2", "2 zero 2"), 4, "x"),
        (HEADER + NODES.replace("100 110", "110 100"), 6, "latest"),
        (HEADER + NODES.replace("2 0 2", "7 0 2"), 4, "id"),
        ("1 8 480 3 30\n" + NODES, 1, "nodes"),
        ("0 4 480 3 30\n" + NODES, 1, "vehicles"),
        (HEADER + NODES.replace("3 0 5 1 -1", "3 0 5 1 -2"), 1, "load"),
    ],
)
def test_a_bad_file_names_the_line_and_the_field(tmp_path, text, row, field):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        darp.read_cordeau(path)
    assert caught.value.row == row
    assert field is None or caught.value.field == field


def test_missing_and_empty_files_are_unreadable(tmp_path):
    with pytest.raises(UnreadableSource, match="does not exist"):
        darp.read_cordeau(tmp_path / "none.txt")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(UnreadableSource, match="header"):
        darp.read_cordeau(tmp_path / "empty.txt")


# Solving


def cheapest_by_trying_all(instance):
    """Cost of the best single-vehicle plan, by trying every order of stops."""
    n, best = instance.requests, np.inf
    for order in itertools.permutations(range(1, 2 * n + 1)):
        if any(order.index(i) > order.index(i + n) for i in range(1, n + 1)):
            continue
        nodes = [0, *order, 0]
        cost = sum(instance.cost[a, b] for a, b in itertools.pairwise(nodes))
        plan = darp.DarpSolution("try", (order,), ((),), (0.0,), (0.0,), cost)
        if cost < best and not darp.check(instance, plan):
            best = cost
    return best


@pytest.mark.parametrize("seed", range(4))
def test_search_and_proof_agree_with_trying_every_order(seed):
    instance = instance_of(3, 1, seed)
    best = cheapest_by_trying_all(instance)
    search, proof = darp.solve(instance, None, 1, iterations=300), darp.solve_exact(instance, 20)
    if np.isinf(best):
        assert search.unserved
        assert proof.status == "infeasible"
    else:
        assert search.cost == pytest.approx(best)
        assert proof.cost == pytest.approx(best)
        assert proof.status == "optimal"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 12), vehicles=st.integers(1, 4))
def test_no_plan_breaks_a_promise(seed, n, vehicles):
    instance = instance_of(n, vehicles, seed)
    solution = darp.solve(instance, None, seed, iterations=100)
    assert all(found.kind == "unserved" for found in darp.check(instance, solution))
    assert {found.node for found in darp.check(instance, solution)} == set(solution.unserved)


def test_same_seed_and_steps_give_the_same_plan():
    instance = instance_of(15, 3, 7)
    first, second = (darp.solve(instance, None, 5, iterations=400) for _ in range(2))
    assert first == second


def test_bound_never_exceeds_cost_and_gap_is_zero_at_the_optimum():
    instance = instance_of(8, 2, 3)
    solution = darp.solve_exact(instance, 30)
    assert solution.lower_bound <= solution.cost + 1e-9
    assert solution.gap == pytest.approx(0.0, abs=1e-6)


def test_route_duration_is_kept_by_both_methods():
    free = darp.solve_exact(instance_of(6, 3, 11), 30)
    longest = max(back - out for out, back in zip(free.departures, free.returns, strict=True))
    tight = instance_of(6, 3, 11, max_route_duration=np.full(3, 0.7 * longest))
    proof, search = darp.solve_exact(tight, 30), darp.solve(tight, None, 1, iterations=1000)
    assert darp.check(tight, search) == []
    assert darp.check(tight, proof) == []
    assert proof.cost <= search.cost + 1e-6
    assert proof.cost >= free.cost - 1e-6


def test_a_wheelchair_travels_only_where_there_is_a_place_for_it():
    instance = instance_of(4, 2, 5)
    demand = np.zeros((9, 2), np.int64)
    demand[1:5, 0], demand[5:, 0] = 1, -1
    demand[2], demand[6] = (0, 1), (0, -1)
    instance = replace(instance, demand=demand, capacity=np.array([[3, 0], [3, 1]]))
    for solution in (darp.solve(instance, None, 1, iterations=300), darp.solve_exact(instance, 20)):
        assert darp.check(instance, solution) == []
        assert 2 in solution.routes[1]


def test_a_driver_rests_whole_and_with_nobody_on_board():
    rest = darp.DriverBreak(vehicle=0, earliest=150, latest=200, duration=30)
    instance = instance_of(8, 1, 21, latest=np.full(17, 480.0), breaks=(rest,))
    solution = darp.solve(instance, None, 1, iterations=400)
    assert [found for found in darp.check(instance, solution) if found.kind != "unserved"] == []
    (taken,) = solution.breaks
    assert 150 <= taken.start <= 200
    assert taken.duration == 30


def test_a_plan_with_breaks_is_bounded_by_the_best_one_without():
    rests = tuple(darp.DriverBreak(vehicle, earliest=150, latest=200, duration=30) for vehicle in (0, 1))
    free = instance_of(4, 2, 21, latest=np.full(9, 480.0))
    best = darp.solve_exact(free, 20)
    resting = darp.solve_exact(replace(free, breaks=rests), 20)
    assert darp.check(replace(free, breaks=rests), resting) == []
    assert resting.lower_bound == pytest.approx(best.cost)
    assert best.cost - 1e-6 <= resting.cost
    used = [vehicle for vehicle, route in enumerate(resting.routes) if route]
    assert [taken.vehicle for taken in resting.breaks] == used


def test_a_day_that_nobody_can_drive_is_proven_so_and_its_plan_still_rests():
    rest = darp.DriverBreak(vehicle=0, earliest=0, latest=400, duration=30)
    free = instance_of(9, 1, 2)
    latest = np.where((np.arange(19) >= 1) & (np.arange(19) <= 9), free.earliest + 2, 480.0)
    instance = replace(free, latest=latest, breaks=(rest,))
    proof = darp.solve_exact(instance, 20)
    assert proof.status == "infeasible"
    assert proof.routes[0]
    assert {found.kind for found in darp.check(instance, proof)} == {"unserved"}


def route_limited(seed):
    """A day on which the driver's longest route, and not the windows, decides who rides together."""
    wide = instance_of(4, 3, seed)
    latest = np.where(np.arange(9) > 0, wide.earliest + 60, 480.0)
    latest[5:] = 480.0
    return replace(wide, latest=latest, max_route_duration=np.full(3, 75.0))


@pytest.mark.parametrize("seed", range(4))
def test_a_proof_with_longest_routes_is_never_dearer_than_a_plan(seed):
    instance = route_limited(seed)
    search, proof = darp.solve(instance, None, 1, iterations=1500), darp.solve_exact(instance, 20)
    assert {found.kind for found in darp.check(instance, search)} <= {"unserved"}
    if search.unserved:
        assert proof.status == "infeasible" or not proof.unserved
    else:
        assert proof.status == "optimal"
        assert darp.check(instance, proof) == []
        assert proof.lower_bound - 1e-6 <= proof.cost <= search.cost + 1e-6


def test_every_order_of_stops_is_within_reach(tmp_path):
    """Four riders whose best route none reaches that is made by cheapest insertions alone."""
    path = tmp_path / "four.txt"
    path.write_text(FOUR_RIDERS)
    instance = darp.read_cordeau(path)
    best = darp.solve_exact(instance, 20)
    assert best.status == "optimal"
    assert darp.solve(instance, None, 1, iterations=5000).cost == pytest.approx(best.cost)


def test_each_vehicle_keeps_to_its_own_depot():
    nodes = 10
    base = instance_of(4, 2, 9)
    distance = np.zeros((nodes, nodes))
    distance[:9, :9] = base.travel_time
    distance[9, :9] = distance[:9, 9] = base.travel_time[1] + 0.1
    instance = replace(
        base,
        travel_time=distance,
        cost=distance,
        service_duration=np.append(base.service_duration, 0.0),
        earliest=np.append(base.earliest, 0.0),
        latest=np.append(base.latest, 480.0),
        demand=np.vstack([base.demand, [[0]]]),
        vehicle_start=np.array([0, 9]),
        vehicle_end=np.array([0, 9]),
    )
    search, proof = darp.solve(instance, None, 1, iterations=300), darp.solve_exact(instance, 20)
    assert darp.check(instance, search) == []
    assert darp.check(instance, proof) == []
    assert proof.cost <= search.cost + 1e-6


def test_a_search_needs_a_limit(two_riders):
    with pytest.raises(InvalidInput, match="limit"):
        darp.solve(two_riders, None, 1)
    with pytest.raises(InvalidInput, match="above zero"):
        darp.solve(two_riders, -1, 1)


# Checking


def test_every_kind_of_cheating_is_found(two_riders):
    plan = darp.solve(two_riders, None, 1, iterations=50)
    assert darp.check(two_riders, plan) == []

    def kinds(**changes):
        return {found.kind for found in darp.check(two_riders, replace(plan, **changes))}

    assert "unserved" in kinds(routes=((1, 3),), service_starts=((),))
    assert "order" in kinds(routes=((3, 1, 2, 4),), service_starts=((),))
    assert "served_twice" in kinds(routes=((1, 3, 1, 2, 4),), service_starts=((),))
    assert "unknown_node" in kinds(routes=((1, 3, 2, 4, 9),), service_starts=((),))
    assert "cost" in kinds(cost=plan.cost - 1)
    assert "times" in kinds(service_starts=(tuple(0.0 for _ in plan.routes[0]),))
    crowded = replace(two_riders, capacity=np.array([[1]]))
    assert "capacity" in {f.kind for f in darp.check(crowded, replace(plan, routes=((1, 2, 3, 4),)))}
    hasty = replace(two_riders, max_ride_time=np.array([2.0, 30.0]))
    assert "ride_time" in {f.kind for f in darp.check(hasty, plan)}
    closed = replace(two_riders, latest=np.array([480, 480, 480, 480, 3.0]), earliest=np.zeros(5))
    assert "window" in {f.kind for f in darp.check(closed, replace(plan, service_starts=((),)))}
    short = replace(two_riders, max_route_duration=np.array([5.0]))
    assert "route_duration" in {f.kind for f in darp.check(short, plan)}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_a_route_has_an_earliest_schedule_exactly_if_linear_programming_finds_one(seed):
    """Windows, rides and route duration are bounds on differences of times."""
    generator = np.random.default_rng(seed)
    n = 3
    instance = instance_of(n, 1, seed)
    earliest = generator.uniform(0, 60, 2 * n + 1)
    latest = earliest + generator.uniform(5, 60, 2 * n + 1)
    earliest[0], latest[0] = 0, 480
    instance = replace(
        instance,
        earliest=earliest,
        latest=latest,
        max_ride_time=generator.uniform(5, 40, n),
        max_route_duration=generator.uniform(40, 120, 1),
    )
    order = generator.permutation(2 * n) + 1
    for i in range(1, n + 1):
        a, b = np.flatnonzero(order == i)[0], np.flatnonzero(order == i + n)[0]
        if a > b:
            order[[a, b]] = order[[b, a]]
    stops = np.array([0, *order, 0])
    problem = problem_of(instance)._replace(earliest=earliest, latest=latest)
    begin, last = np.zeros(len(stops)), np.zeros(len(stops))
    found = earliest_schedule(problem, 0, stops, begin)
    rows, limits = [], []

    def bound(later, sooner, most):
        row = np.zeros(len(stops))
        row[later], row[sooner] = 1.0, -1.0
        rows.append(row)
        limits.append(most)

    for k in range(1, len(stops)):
        leg = instance.travel_time[stops[k - 1], stops[k]] + instance.service_duration[stops[k - 1]]
        bound(k - 1, k, -leg)
    for i in range(1, n + 1):
        a, b = np.flatnonzero(stops == i)[0], np.flatnonzero(stops == i + n)[0]
        bound(b, a, instance.max_ride_time[i - 1] + instance.service_duration[i])
    bound(len(stops) - 1, 0, instance.max_route_duration[0])
    windows = [(0, 480), *((earliest[v], latest[v]) for v in order), (0, 480)]
    answer = linprog(np.ones(len(stops)), A_ub=np.array(rows), b_ub=np.array(limits), bounds=windows)
    assert found == (answer.status == 0)
    if found:
        assert begin == pytest.approx(answer.x, abs=1e-6)
        latest_schedule(problem, 0, stops, last)
        answer = linprog(-np.ones(len(stops)), A_ub=np.array(rows), b_ub=np.array(limits), bounds=windows)
        assert last == pytest.approx(answer.x, abs=1e-6)
