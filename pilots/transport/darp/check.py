"""An independent judge of dial-a-ride plans: every promise to every rider and driver, one by one.

It shares no code with the solvers. A route is first scheduled by the eight steps of Cordeau & Laporte, which
break a promise only if every schedule of that route does; then the times that the plan itself states are
held to the same promises.

Source: Cordeau & Laporte 2003, Transportation Research B 37:579-594, section 5.3 (forward time slack and the
eight-step evaluation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from pilots.transport.darp.instance import DarpInstance
from pilots.transport.darp.solution import DarpSolution

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Violation:
    """One broken promise.

    Attributes:
        kind: ``unserved``, ``served_twice``, ``unknown_node``, ``split`` (pickup and drop-off on different
            vehicles), ``order``, ``capacity``, ``window``, ``ride_time``, ``route_duration``, ``shift``,
            ``break``, ``times`` (the stated times cannot be driven) or ``cost``.
        vehicle: Index of the vehicle, or None.
        node: The node concerned, or None.
        amount: By how much, in the unit of what is broken.
        message: The same in words.
    """

    kind: str
    vehicle: int | None
    node: int | None
    amount: float
    message: str


@dataclass
class _Stop:
    """A stop on the way: a node, a depot, or a break where the vehicle stands."""

    node: int | None
    travel: float  # from the stop before
    service: float
    opens: float
    closes: float
    origin: int | None = None  # index of the rider's pickup, at a drop-off
    limit: float = float("inf")  # longest ride, at a drop-off
    wait: float = 0.0
    begin: float = 0.0


@dataclass
class _Case:
    instance: DarpInstance
    solution: DarpSolution
    found: list[Violation] = field(default_factory=list)

    def report(
        self, kind: str, message: str, *, vehicle: int | None, node: int | None, amount: float
    ) -> None:
        self.found.append(Violation(kind, vehicle, node, float(amount), message))


def check(instance: DarpInstance, solution: DarpSolution) -> list[Violation]:
    """Find every promise that a plan breaks.

    Args:
        instance: The problem.
        solution: The plan. Where it states no times for a route, only the route is judged.

    Returns:
        The violations; an empty list means that the plan keeps every promise and serves everybody.
    """
    case = _Case(instance, solution)
    if len(solution.routes) != instance.vehicles:
        case.report(
            "unknown_node",
            f"the plan has {len(solution.routes)} routes for {instance.vehicles} vehicles",
            vehicle=None,
            node=None,
            amount=abs(len(solution.routes) - instance.vehicles),
        )
        return case.found
    if not _nodes_known(case):
        return case.found
    _check_riders(case)
    for vehicle in range(instance.vehicles):
        if solution.routes[vehicle]:
            _check_capacity(case, vehicle)
            _check_times(case, vehicle)
    _check_cost(case)
    return case.found


def _nodes_known(case: _Case) -> bool:
    last = 2 * case.instance.requests
    strangers = [
        (vehicle, node)
        for vehicle, route in enumerate(case.solution.routes)
        for node in route
        if not 1 <= node <= last
    ]
    for vehicle, node in strangers:
        case.report(
            "unknown_node",
            f"node {node} is nobody's pickup or drop-off",
            vehicle=vehicle,
            node=node,
            amount=1,
        )
    return not strangers


def _check_riders(case: _Case) -> None:
    places: dict[int, list[tuple[int, int]]] = {}
    for vehicle, route in enumerate(case.solution.routes):
        for index, node in enumerate(route):
            places.setdefault(node, []).append((vehicle, index))
    n = case.instance.requests
    for request in range(1, n + 1):
        ups, downs = places.get(request, []), places.get(request + n, [])
        if not ups or not downs:
            case.report("unserved", f"request {request} is not carried", vehicle=None, node=request, amount=1)
            continue
        if len(ups) > 1 or len(downs) > 1:
            case.report(
                "served_twice",
                f"request {request} is visited more than once",
                vehicle=ups[0][0],
                node=request,
                amount=len(ups) + len(downs) - 2,
            )
        elif ups[0][0] != downs[0][0]:
            case.report(
                "split",
                f"request {request} is picked up by vehicle {ups[0][0]} and dropped by {downs[0][0]}",
                vehicle=ups[0][0],
                node=request,
                amount=1,
            )
        elif ups[0][1] > downs[0][1]:
            case.report(
                "order",
                f"request {request} is dropped off before it is picked up",
                vehicle=ups[0][0],
                node=request,
                amount=1,
            )


def _check_capacity(case: _Case, vehicle: int) -> None:
    capacity = case.instance.capacity[vehicle].tolist()
    load = [0] * len(capacity)
    for node in case.solution.routes[vehicle]:
        load = [have + change for have, change in zip(load, case.instance.demand[node].tolist(), strict=True)]
        for kind, (have, room) in enumerate(zip(load, capacity, strict=True)):
            if have > room:
                case.report(
                    "capacity",
                    f"vehicle {vehicle} leaves node {node} with {have} in {room} places of kind {kind}",
                    vehicle=vehicle,
                    node=node,
                    amount=have - room,
                )


def _check_times(case: _Case, vehicle: int) -> None:
    stops = _stops_of(case, vehicle)
    if stops is None:
        return
    before = len(case.found)
    _eight_steps(stops, float(case.instance.max_route_duration[vehicle]))
    _judge(case, vehicle, stops)
    stated = case.solution.service_starts
    if len(case.found) == before and len(stated) == case.instance.vehicles and stated[vehicle]:
        _state_times(case, vehicle, stops)


def _stops_of(case: _Case, vehicle: int) -> list[_Stop] | None:
    """The route with depots and breaks, as stops; None if its breaks make no sense."""
    instance, route = case.instance, case.solution.routes[vehicle]
    due = sorted((b.earliest, b.latest, b.duration) for b in instance.breaks if b.vehicle == vehicle)
    taken = sorted(
        (b for b in case.solution.breaks if b.vehicle == vehicle), key=lambda b: (b.after, b.start)
    )
    if len(due) != len(taken):
        case.report(
            "break",
            f"vehicle {vehicle} takes {len(taken)} of {len(due)} breaks",
            vehicle=vehicle,
            node=None,
            amount=abs(len(due) - len(taken)),
        )
        return None
    opens, closes = float(instance.shift_start[vehicle]), float(instance.shift_end[vehicle])
    stops = [_Stop(int(instance.vehicle_start[vehicle]), 0.0, 0.0, opens, closes)]
    pickups: dict[int, int] = {}
    position = int(instance.vehicle_start[vehicle])
    on_board: set[int] = set()
    queue = list(zip(due, taken, strict=True))
    for index in range(len(route) + 2):
        if 0 < index <= len(route):
            stops.append(_visit(case, route[index - 1], position, pickups, len(stops)))
            position = route[index - 1]
            on_board ^= {(position - 1) % instance.requests}
        elif index == len(route) + 1:
            home = int(instance.vehicle_end[vehicle])
            stops.append(_Stop(home, float(instance.travel_time[position, home]), 0.0, opens, closes))
        while queue and queue[0][1].after == index:
            (earliest, latest, duration), one = queue.pop(0)
            if on_board:
                case.report(
                    "break",
                    f"the driver of vehicle {vehicle} rests with riders on board",
                    vehicle=vehicle,
                    node=position,
                    amount=len(on_board),
                )
            if abs(one.duration - duration) > TOLERANCE:
                case.report(
                    "break",
                    f"a break of vehicle {vehicle} lasts {one.duration}, not {duration}",
                    vehicle=vehicle,
                    node=None,
                    amount=abs(one.duration - duration),
                )
            rest = _Stop(None, 0.0, duration, earliest, latest)
            if index == 0:
                stops.insert(len(stops) - 1, rest)
            else:
                stops.append(rest)
    if queue:
        case.report(
            "break",
            f"a break of vehicle {vehicle} has no place in its route",
            vehicle=vehicle,
            node=None,
            amount=1,
        )
        return None
    # A break before leaving must end before the vehicle leaves; its stop stands before the depot's.
    return stops


def _visit(case: _Case, node: int, position: int, pickups: dict[int, int], index: int) -> _Stop:
    instance = case.instance
    stop = _Stop(
        node,
        float(instance.travel_time[position, node]),
        float(instance.service_duration[node]),
        float(instance.earliest[node]),
        float(instance.latest[node]),
    )
    if node <= instance.requests:
        pickups[node] = index
    elif node - instance.requests in pickups:
        stop.origin = pickups[node - instance.requests]
        stop.limit = float(instance.max_ride_time[node - instance.requests - 1])
    return stop


def _forward(stops: list[_Stop], first: int) -> None:
    """Times from a stop on, whose own wait is given; later stops wait only for their windows."""
    for index in range(first, len(stops)):
        stop = stops[index]
        arrival = stop.opens if index == 0 else _leave(stops[index - 1]) + stop.travel
        if index > first:
            stop.wait = max(0.0, stop.opens - arrival)
        stop.begin = arrival + stop.wait


def _leave(stop: _Stop) -> float:
    return stop.begin + stop.service


def _depot(stops: list[_Stop]) -> int:
    """Index of the start depot: the first stop that is a node."""
    return next(index for index, stop in enumerate(stops) if stop.node is not None)


def _home(stops: list[_Stop]) -> int:
    """Index of the end depot: the last stop that is a node."""
    return next(index for index in range(len(stops) - 1, -1, -1) if stops[index].node is not None)


def _slack(stops: list[_Stop], first: int) -> float:
    """Forward time slack of a stop: how much later it can start without breaking a promise that holds."""
    slack, waiting = float("inf"), 0.0
    for index in range(first, len(stops)):
        stop = stops[index]
        if index > first:
            waiting += stop.wait
        room = stop.closes - stop.begin
        if stop.origin is not None and stop.origin < first:
            room = min(room, stop.limit - (stop.begin - _leave(stops[stop.origin])))
        slack = min(slack, waiting + max(0.0, room))
    return slack


def _eight_steps(stops: list[_Stop], longest: float) -> None:
    """Schedule a route so that a promise is broken only if every schedule breaks one.

    The route's duration is kept as short as it can be first (steps 1 to 5); then each pickup is started as
    late as waiting further on allows (steps 6 and 7).
    """
    depot, home = _depot(stops), _home(stops)
    stops[home].origin, stops[home].limit = depot, longest
    stops[0].wait = 0.0
    _forward(stops, 0)
    _delay(stops, depot)
    for index in range(depot + 1, home):
        if any(stop.origin == index for stop in stops):
            _delay(stops, index)


def _delay(stops: list[_Stop], index: int) -> None:
    waiting = sum(stop.wait for stop in stops[index + 1 :])
    stops[index].wait += min(_slack(stops, index), waiting)
    _forward(stops, index)


def _judge(case: _Case, vehicle: int, stops: list[_Stop]) -> None:
    """Report what the times of a route break."""
    depot, home = _depot(stops), _home(stops)
    for index, stop in enumerate(stops):
        what = (
            "the break" if stop.node is None else "a depot" if index in (depot, home) else f"node {stop.node}"
        )
        kind = "break" if stop.node is None else "shift" if index in (depot, home) else "window"
        early, late = stop.opens - stop.begin, stop.begin - stop.closes
        if max(early, late) > TOLERANCE:
            case.report(
                kind,
                f"vehicle {vehicle} at {what}: {stop.begin:.3f} not in [{stop.opens:.3f}, {stop.closes:.3f}]",
                vehicle=vehicle,
                node=stop.node,
                amount=max(early, late),
            )
        if stop.origin is None:
            continue
        took = stop.begin - _leave(stops[stop.origin])
        if took > stop.limit + TOLERANCE:
            case.report(
                "route_duration" if index == home else "ride_time",
                f"vehicle {vehicle} takes {took:.3f} to {what}, allowed are {stop.limit:.3f}",
                vehicle=vehicle,
                node=stop.node,
                amount=took - stop.limit,
            )
    over = _leave(stops[-1]) - stops[home].closes
    if stops[-1].node is None and over > TOLERANCE:
        case.report(
            "shift", f"vehicle {vehicle} rests past its shift", vehicle=vehicle, node=None, amount=over
        )


def _state_times(case: _Case, vehicle: int, stops: list[_Stop]) -> None:
    """Put the plan's own times on the stops and judge them."""
    solution = case.solution
    visits = solution.service_starts[vehicle]
    if len(visits) != len(solution.routes[vehicle]):
        case.report(
            "times", f"vehicle {vehicle} states {len(visits)} times", vehicle=vehicle, node=None, amount=1
        )
        return
    depot, home = _depot(stops), _home(stops)
    times = iter((solution.departures[vehicle], *visits, solution.returns[vehicle]))
    rests = iter(
        sorted((b for b in solution.breaks if b.vehicle == vehicle), key=lambda b: (b.after, b.start))
    )
    for index, stop in enumerate(stops):
        stop.begin = next(rests).start if stop.node is None else next(times)
        if index > 0 and stop.begin < _leave(stops[index - 1]) + stop.travel - TOLERANCE:
            case.report(
                "times",
                f"vehicle {vehicle} cannot be at its stop {index} as early as {stop.begin:.3f}",
                vehicle=vehicle,
                node=stop.node,
                amount=_leave(stops[index - 1]) + stop.travel - stop.begin,
            )
    stops[home].origin = depot
    _judge(case, vehicle, stops)


def _check_cost(case: _Case) -> None:
    instance, cost = case.instance, 0.0
    for vehicle, route in enumerate(case.solution.routes):
        if route:
            nodes = [int(instance.vehicle_start[vehicle]), *route, int(instance.vehicle_end[vehicle])]
            cost += sum(float(instance.cost[a, b]) for a, b in pairwise(nodes))
    if abs(cost - case.solution.cost) > TOLERANCE * max(1.0, cost):
        case.report(
            "cost",
            f"the routes cost {cost:.3f}, the plan says {case.solution.cost:.3f}",
            vehicle=None,
            node=None,
            amount=abs(cost - case.solution.cost),
        )
