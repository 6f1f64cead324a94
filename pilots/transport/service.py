"""A day of on-demand service, minute by minute: riders ask, vehicles come, drivers rest, batteries empty.

SimPy keeps the clock and everything that happens at a moment: riders' calls and cancellations, vehicles'
arrivals at stops, breaks, breakdowns, charging. Decisions are taken by compiled code on the flat state in
``pilots.transport.dispatch``. A vehicle's next stop is one SimPy event; when its plan changes, a new event
takes the old one's place.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

import numpy as np
import simpy
from numpy.typing import NDArray

from pilots.transport.dispatch.improve import relocate, retry
from pilots.transport.dispatch.insertion import dispatch
from pilots.transport.dispatch.rebalance import Zones, moves, zones_of
from pilots.transport.dispatch.routes import (
    adopt,
    arrive_at_goal,
    locate,
    send,
    serve_stop,
    withdraw,
)
from pilots.transport.dispatch.start import begin_state, grown_log, grown_routes
from pilots.transport.dispatch.state import (
    CANCELLED,
    ON_BOARD,
    PENDING,
    PLANNED,
    REFUSED,
    STRANDED,
    TO_DEPOT,
    TO_REPOSITION,
    State,
)
from pilots.transport.fleet import Fleet, Rest
from pilots.transport.network import Network
from pilots.transport.policy import Policy
from pilots.transport.prebooked import DAY_S, Part, plan_day, planned_on
from pilots.transport.requests import REASON, Requests, RequestTable, read_requests
from pilots.transport.result import Charge, ServiceResult, result_of

Process: TypeAlias = Generator[simpy.Event, None, None]


def simulate_service(
    network: Network, requests: RequestTable, fleet: Fleet, policy: Policy | None = None, seed: int = 0
) -> ServiceResult:
    """Simulate an on-demand service.

    Args:
        network: Where vehicles drive.
        requests: A table of requests: columns ``origin``, ``destination`` (nodes), ``request_time_s``, and
            where wanted ``id``, ``earliest_s``, ``latest_dropoff_s``, ``seats``, ``wheelchair_places``,
            ``cancel_time_s``.
        fleet: The vehicles.
        policy: The rules; by default ten minutes' wait and rides at most half as long again as direct.
        seed: Seed of what happens by chance (breakdowns).

    Returns:
        Every trip, every driven leg, every charge, and the requests refused with their reasons.

    Raises:
        InvalidInput: The table of requests cannot be understood; the row is named.
    """
    policy = policy or Policy()
    riders = read_requests(requests, network, fleet, policy)
    env = simpy.Environment()
    service = Service(env, network, riders, fleet, policy, np.random.SeedSequence(seed))
    env.run()
    return service.result()


class Service:
    """A running service in a SimPy environment.

    Args:
        env: The clock, in seconds since midnight of the first day.
        network: Where vehicles drive.
        requests: The riders.
        fleet: The vehicles.
        policy: The rules.
        chance: Seed of what happens by chance.
    """

    def __init__(
        self,
        env: simpy.Environment,
        network: Network,
        requests: Requests,
        fleet: Fleet,
        policy: Policy,
        chance: np.random.SeedSequence,
    ) -> None:
        self.env = env
        self.network = network
        self.requests = requests
        self.fleet = fleet
        self.policy = policy
        self.state: State = begin_state(network, requests, fleet, policy)
        self.reason = requests.reason.copy()
        self.charges: list[Charge] = []
        self.waiting: list[int] = []
        self.changed = np.zeros(fleet.vehicles, np.bool_)
        self._due = np.full(fleet.vehicles, -1.0)
        self._ticket = [0] * fleet.vehicles
        self._idle: dict[int, list[simpy.Event]] = {}
        self._open = 0
        self._blocked = np.zeros(fleet.vehicles, np.bool_)
        self._zones: Zones | None = None
        self._later: dict[int, list[Part]] = {}
        self._planned_on = np.full(len(requests), np.nan)
        self._plan_seed = int(chance.generate_state(1)[0])
        self._start(chance)

    def _start(self, chance: np.random.SeedSequence) -> None:
        """Set off every process that the day needs, and none that it does not."""
        self.state.status[self.reason > 0] = REFUSED
        self._open = int((self.reason == 0).sum())
        if self.fleet.vehicles == 0:
            return
        if self.policy.plan_steps > 0:
            self._planned_on = planned_on(self.requests, self.fleet)
            self._plan_booked(0.0)
            self.env.process(self._plannings())
        self.env.process(self._arrivals())
        for request in np.flatnonzero(np.isfinite(self.requests.cancel_time_s) & (self.reason == 0)).tolist():
            self.env.process(self._cancellation(request))
        if self.policy.retry_every_s > 0:
            self.env.process(self._retries())
        if self.policy.improve_every_s > 0:
            self.env.process(self._improvements())
        if self.policy.rebalance_every_s > 0 and self._open > 0:
            self._zones = zones_of(self.network, self.requests)
            self.env.process(self._rebalancing())
        self._start_vehicles(chance)

    def _start_vehicles(self, chance: np.random.SeedSequence) -> None:
        """Shifts, breakdowns and charging points."""
        for vehicle in range(self.fleet.vehicles):
            rests = sorted((r for r in self.fleet.rests if r.vehicle == vehicle), key=lambda r: r.earliest_s)
            if rests or np.isfinite(self.fleet.shift_end_s[vehicle]):
                self.env.process(self._shift(vehicle, rests))
        streams = chance.spawn(self.fleet.vehicles)
        for vehicle in np.flatnonzero(np.isfinite(self.fleet.mean_time_between_failures_s)).tolist():
            generator = np.random.default_rng(streams[vehicle])
            self.env.process(self._breakdowns(vehicle, generator))
        if np.isfinite(self.fleet.range_m).any():
            points = self.fleet.chargers
            depots = np.unique(self.fleet.start_node)
            self._chargers = {
                int(depot): simpy.Resource(self.env, points or self.fleet.vehicles) for depot in depots
            }

    def _plannings(self) -> Process:
        """Plan each later day at its first midnight; who finds no place in it asks as if calling then."""
        for midnight in np.unique(self._planned_on[self._planned_on > 0]).tolist():
            yield self.env.timeout(midnight - self.env.now)
            booked = self._plan_booked(midnight)
            self._planned_on[booked] = np.nan
            for request in booked[self.state.status[booked] == PENDING].tolist():
                self._ask(request)

    def _plan_booked(self, midnight: float) -> NDArray[np.int64]:
        """Plan what is booked for a day, and tell each rider a time; returns the requests booked."""
        state = self.state
        booked = np.flatnonzero((self._planned_on == midnight) & (state.status == PENDING))
        if len(booked) == 0:
            return booked
        fleet, home = self._standing(midnight), self.fleet.start_node
        seed = self._plan_seed + int(midnight // DAY_S)
        for day in plan_day(self.network, self.requests, fleet, self.policy, booked, home=home, seed=seed):
            for request, start in day.promised_s.items():
                state.earliest[request] = start
                state.status[request] = PLANNED
            self._later[day.vehicle] = day.later
            under_way = state.stop[day.vehicle, : state.planned[day.vehicle]].tolist()
            self._set_out(day.vehicle, [*under_way, *day.stops])
        return booked

    def _standing(self, midnight: float) -> Fleet:
        """The fleet at a day's first midnight: where and from when each vehicle is free, and its breaks."""
        rests = tuple(rest for rest in self.fleet.rests if _day_of(rest) == midnight // DAY_S)
        if midnight == 0.0:
            return replace(self.fleet, rests=rests)
        state, fleet = self.state, self.fleet
        node, free = fleet.start_node.copy(), np.full(fleet.vehicles, midnight)
        for vehicle in range(fleet.vehicles):
            locate(state, vehicle, self.env.now)
            last = state.planned[vehicle] - 1
            node[vehicle] = state.node[vehicle, last] if last >= 0 else state.place[vehicle]
            free[vehicle] = max(midnight, state.leave[vehicle, last] if last >= 0 else state.free_at[vehicle])
        free = np.maximum(free, state.open_from)
        away = ~np.isfinite(free) | self._blocked
        return replace(
            fleet,
            start_node=node,
            seats=np.where(away, 0, fleet.seats),
            wheelchair_places=np.where(away, 0, fleet.wheelchair_places),
            shift_start_s=np.where(away, midnight, free),
            range_m=state.range_m.copy(),
            rests=rests,
        )

    def _set_out(self, vehicle: int, stops: list[int]) -> None:
        """Begin a part of a vehicle's planned day, which ends where its next break is taken."""
        while len(stops) + 4 > self.state.stop.shape[1]:
            self.state = grown_routes(self.state)
        parts = self._later[vehicle]
        if parts:
            self.state.open_until[vehicle] = parts[0].break_start_s
            self.state.home[vehicle] = parts[0].break_node
        adopt(self.state, vehicle, np.array(stops, dtype=np.int64))
        self._follow(vehicle)

    def _take_from_later(self, request: int) -> bool:
        """Strike a request from what is planned after a break; whether it was there."""
        parts = [part for of_vehicle in self._later.values() for part in of_vehicle]
        found = [part for part in parts if 2 * request in part.stops]
        for part in found:
            part.stops[:] = [stop for stop in part.stops if stop // 2 != request]
        return bool(found)

    # Riders

    def _arrivals(self) -> Process:
        times = self.requests.request_time_s.tolist()
        for request in np.flatnonzero(self.reason == 0).tolist():
            if self._planned_on[request] > 0:
                continue
            if times[request] > self.env.now:
                yield self.env.timeout(times[request] - self.env.now)
            if self.state.status[request] == PENDING:
                self._ask(request)

    def _ask(self, request: int) -> None:
        """A rider asks for a ride now."""
        vehicle = dispatch(self.state, request, self.env.now)
        if vehicle >= 0:
            self._follow(vehicle)
            return
        self._charge_for(request)
        if not self.policy.refuse:
            self._serve_late(request)
        elif self.policy.retry_every_s > 0:
            self.waiting.append(request)
        else:
            self._refuse(request, "no_vehicle_in_time")

    def _charge_for(self, request: int) -> None:
        """Send idle vehicles to charge that lack the range for a request nobody could take."""
        state, distance = self.state, self.network.distance_m
        origin, destination = self.requests.origin[request], self.requests.destination[request]
        idle = (state.planned == 0) & np.isfinite(self.fleet.range_m) & ~self._blocked
        for vehicle in np.flatnonzero(idle & (state.range_m < self.fleet.range_m)).tolist():
            home = self.fleet.start_node[vehicle]
            way = (
                distance[state.place[vehicle], origin]
                + distance[origin, destination]
                + distance[destination, home]
            )
            if way > state.range_m[vehicle]:
                self._go_charge(vehicle)

    def _serve_late(self, request: int) -> None:
        """Serve a rider beyond the limits, as soon as can be."""
        state, policy = self.state, self.policy
        for limit in (state.latest_pickup, state.latest_dropoff, state.max_ride):
            limit[request] = np.inf
        vehicle = dispatch(state, request, self.env.now)
        if vehicle < 0:
            self._refuse(request, "no_vehicle_in_time")
            return
        # What the rider is told now is the new promise, with the patience the policy asks of everybody.
        stops = state.stop[vehicle, : state.planned[vehicle]]
        pickup = int(np.flatnonzero(stops == 2 * request)[0])
        state.latest_pickup[request] = state.begin[vehicle, pickup] + policy.max_wait_s
        adopt(state, vehicle, stops.copy())
        self._follow(vehicle)

    def _refuse(self, request: int, reason: str) -> None:
        self.state.status[request] = REFUSED
        self.reason[request] = REASON[reason]
        self._open -= 1

    def _cancellation(self, request: int) -> Process:
        """A rider calls the ride off, unless already on board."""
        yield self.env.timeout(max(0.0, self.requests.cancel_time_s[request] - self.env.now))
        status = self.state.status[request]
        if status == PLANNED and not self._take_from_later(request):
            vehicle = withdraw(self.state, request, self.env.now)
            self._follow(vehicle)
        if status in (PENDING, PLANNED):
            self.state.status[request] = CANCELLED
            self.reason[request] = REASON["cancelled"]
            self._open -= 1

    def _retries(self) -> Process:
        while self._open > 0:
            yield self.env.timeout(self.policy.retry_every_s)
            if self.waiting:
                self._renew_promises()
                retry(self.state, np.array(self.waiting), self.env.now, self.changed)
                self._follow_changed()
                self._sort_waiting()

    def _renew_promises(self) -> None:
        """Let patient riders ask anew, as if they had called just now."""
        if self.policy.patience_s > 0:
            asking = np.array(self.waiting)
            last = self.requests.earliest_s[asking] + self.policy.patience_s
            renewed = np.minimum(self.env.now, last) + self.policy.max_wait_s
            self.state.latest_pickup[asking] = np.maximum(self.state.latest_pickup[asking], renewed)

    def _sort_waiting(self) -> None:
        """Keep those that may still find a vehicle; refuse the rest."""
        still = []
        for request in self.waiting:
            if self.state.status[request] != PENDING:
                continue
            waited = self.env.now - self.requests.earliest_s[request]
            if waited > max(self.policy.max_wait_s, self.policy.patience_s):
                self._refuse(request, "no_vehicle_in_time")
            else:
                still.append(request)
        self.waiting = still

    # Vehicles

    def _follow(self, vehicle: int) -> None:
        """Make the vehicle's next stop a SimPy event, in place of any earlier one."""
        self._reserve(vehicle)
        if self.state.planned[vehicle] == 0:
            if self._due[vehicle] >= 0:
                self._due[vehicle] = -1.0
                self._ticket[vehicle] += 1
            self._on_idle(vehicle)
            return
        time = float(self.state.begin[vehicle, 0])
        if time == self._due[vehicle]:
            return
        self._due[vehicle] = time
        self._schedule(vehicle, time, self._at_stop)

    def _follow_changed(self) -> None:
        for vehicle in np.flatnonzero(self.changed):
            self._follow(int(vehicle))
        self.changed[:] = False

    def _schedule(self, vehicle: int, time: float, what: Callable[[int], None]) -> None:
        """Have something happen to a vehicle at a time, unless it is rescheduled before."""
        self._ticket[vehicle] += 1
        ticket = self._ticket[vehicle]
        event = self.env.timeout(max(0.0, time - self.env.now))
        event.callbacks.append(lambda _: what(vehicle) if self._ticket[vehicle] == ticket else None)

    def _at_stop(self, vehicle: int) -> None:
        stop = serve_stop(self.state, vehicle)
        if stop % 2:
            self._open -= 1
        self._due[vehicle] = -1.0
        self._follow(vehicle)

    def _at_goal(self, vehicle: int) -> None:
        if self.state.goal[vehicle] >= 0:
            purpose = self.state.goal_purpose[vehicle]
            arrive_at_goal(self.state, vehicle, self.env.now)
            self._reserve(vehicle)
            if purpose == TO_DEPOT:
                self._at_depot(vehicle)

    def _reserve(self, vehicle: int) -> None:
        """Keep room for planned stops and driven legs."""
        if self.state.planned[vehicle] + 4 > self.state.stop.shape[1]:
            self.state = grown_routes(self.state)
        if self.state.logged[0] + 4 * self.fleet.vehicles + 64 > len(self.state.log_real):
            self.state = grown_log(self.state)

    def _send(self, vehicle: int, goal: int, purpose: int) -> None:
        arrival = send(self.state, vehicle, goal, purpose, self.env.now)
        self._schedule(vehicle, arrival, self._at_goal)

    def _on_idle(self, vehicle: int) -> None:
        for event in self._idle.pop(vehicle, []):
            event.succeed()
        if self._later.get(vehicle) and self.state.goal[vehicle] < 0:
            node = self._later[vehicle][0].break_node
            locate(self.state, vehicle, self.env.now)
            if self.state.place[vehicle] != node:
                self._send(vehicle, node, TO_REPOSITION)
        full = self.fleet.range_m[vehicle]
        low = self.state.range_m[vehicle] < self.policy.recharge_below * full
        if np.isfinite(full) and low and not self._blocked[vehicle]:
            self._go_charge(vehicle)

    def _go_charge(self, vehicle: int) -> None:
        self._blocked[vehicle] = True
        self.state.open_from[vehicle] = np.inf
        self._send_home(vehicle)

    def _send_home(self, vehicle: int) -> None:
        locate(self.state, vehicle, self.env.now)
        home = int(self.fleet.start_node[vehicle])
        if self.state.place[vehicle] == home and self.state.goal[vehicle] < 0:
            self._at_depot(vehicle)
        else:
            self._send(vehicle, home, TO_DEPOT)

    def _at_depot(self, vehicle: int) -> None:
        if (
            np.isfinite(self.fleet.range_m[vehicle])
            and self.state.range_m[vehicle] < self.fleet.range_m[vehicle]
        ):
            self.env.process(self._charging(vehicle))

    def _charging(self, vehicle: int) -> Process:
        """Charge to the full range at the depot, waiting for a charging point."""
        depot = int(self.fleet.start_node[vehicle])
        with self._chargers[depot].request() as point:
            yield point
            missing_km = (self.fleet.range_m[vehicle] - self.state.range_m[vehicle]) / 1000
            energy = float(missing_km * self.fleet.consumption_kwh_per_km[vehicle])
            power = float(self.fleet.charge_kw[vehicle])
            ends = self.env.now + 3600 * energy / power
            self.charges.append(Charge(vehicle, depot, self.env.now, ends, energy))
            yield self.env.timeout(ends - self.env.now)
        self.state.range_m[vehicle] = self.fleet.range_m[vehicle]
        self._blocked[vehicle] = False
        self.state.open_from[vehicle] = self.env.now

    def _until_idle(self, vehicle: int) -> simpy.Event:
        event = self.env.event()
        if self.state.planned[vehicle] == 0:
            event.succeed()
        else:
            self._idle.setdefault(vehicle, []).append(event)
        return event

    def _shift(self, vehicle: int, rests: list[Rest]) -> Process:
        """A driver's day: breaks in their windows, then home by the end of the shift."""
        state = self.state
        end, home = float(self.fleet.shift_end_s[vehicle]), int(self.fleet.start_node[vehicle])
        for day, of_day in groupby(rests, _day_of):
            yield self.env.timeout(max(0.0, day * DAY_S - self.env.now))
            yield from self._breaks(vehicle, list(of_day))
        state.open_until[vehicle] = end
        if not np.isfinite(end):
            return
        while self.env.now < end:
            yield self._until_idle(vehicle)
            locate(state, vehicle, self.env.now)
            way = float(self.network.travel_time_s[:, state.place[vehicle], home].max())
            if self.env.now >= end - way - 1.0:
                break
            yield self.env.timeout(min(max(1.0, end - way - self.env.now), 600.0))
        state.open_from[vehicle] = np.inf
        self._send_home(vehicle)

    def _breaks(self, vehicle: int, rests: list[Rest]) -> Process:
        """The breaks of a day: those of its planned part as planned, the others when their time comes."""
        state = self.state
        end, range_m = float(self.fleet.shift_end_s[vehicle]), float(self.fleet.range_m[vehicle])
        bound_home = np.isfinite(end) or np.isfinite(range_m)
        way_home = int(self.fleet.start_node[vehicle]) if bound_home else -1
        while self._later.get(vehicle):
            yield from self._planned_break(vehicle)
            state.open_until[vehicle], state.home[vehicle] = end, way_home
            part = self._later[vehicle].pop(0)
            self._set_out(vehicle, part.stops)
            rests = rests[1:]
        for rest in rests:
            state.open_until[vehicle] = min(end, rest.latest_s)
            yield self.env.timeout(max(0.0, rest.earliest_s - self.env.now))
            yield self._until_idle(vehicle)
            while self._blocked[vehicle]:
                yield self.env.timeout(60.0)
            state.open_from[vehicle] = self.env.now + rest.duration_s
            yield self.env.timeout(rest.duration_s)
            state.open_until[vehicle] = end

    def _planned_break(self, vehicle: int) -> Process:
        """The break before the next part of a planned day, where and when the plan has it."""
        part = self._later[vehicle][0]
        yield self.env.timeout(max(0.0, part.break_start_s - self.env.now))
        yield self._until_idle(vehicle)
        self.state.open_from[vehicle] = self.env.now + part.break_s
        yield self.env.timeout(part.break_s)

    def _breakdowns(self, vehicle: int, generator: np.random.Generator) -> Process:
        """Breakdowns at random: riders on board are stranded, those still waiting ask again."""
        while self._open > 0:
            yield self.env.timeout(generator.exponential(self.fleet.mean_time_between_failures_s[vehicle]))
            if self._open <= 0 or self._blocked[vehicle]:
                continue
            self._break_down(vehicle)
            opened = float(self.state.open_from[vehicle])
            self.state.open_from[vehicle] = np.inf
            yield self.env.timeout(generator.exponential(self.fleet.mean_repair_s[vehicle]))
            self.state.open_from[vehicle] = opened

    def _break_down(self, vehicle: int) -> None:
        state = self.state
        locate(state, vehicle, self.env.now)
        later = [stop // 2 for part in self._later.get(vehicle, ()) for stop in part.stops]
        for part in self._later.get(vehicle, ()):
            part.stops.clear()
        affected = np.union1d(state.stop[vehicle, : state.planned[vehicle]] // 2, later).astype(np.int64)
        adopt(state, vehicle, np.empty(0, np.int64))
        for request in affected.tolist():
            if state.status[request] == ON_BOARD:
                state.status[request] = STRANDED
                self.reason[request] = REASON["vehicle_breakdown"]
                self._open -= 1
            else:
                state.status[request] = PENDING
                state.vehicle[request] = -1
                self.waiting.append(request)
        self._follow(vehicle)
        if self.policy.retry_every_s == 0:
            for request in self.waiting:
                self._ask(request)
            self.waiting = []

    # The whole fleet

    def _improvements(self) -> Process:
        while self._open > 0:
            yield self.env.timeout(self.policy.improve_every_s)
            relocate(self.state, self.env.now, self.changed)
            self._follow_changed()

    def _rebalancing(self) -> Process:
        assert self._zones is not None
        while self._open > 0:
            yield self.env.timeout(self.policy.rebalance_every_s)
            for vehicle, goal in moves(self.state, self._zones, self.requests, self.policy, self.env.now):
                self._send(vehicle, goal, TO_REPOSITION)

    def result(self) -> ServiceResult:
        """What happened, once the clock has run out."""
        return result_of(self.state, self.requests, self.reason, self.charges, self.fleet, self.network)


def _day_of(rest: Rest) -> int:
    """Day of the run that a break falls on, 0 for the first."""
    return int(rest.earliest_s // DAY_S)
