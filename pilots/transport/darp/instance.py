"""The dial-a-ride problem: who wants to be taken where, when, and which vehicles stand ready.

Think of a day of school and clinic trips booked the evening before: every rider has a time window at one
end of the trip, must not sit in the minibus longer than a limit, and may bring a wheelchair; every vehicle
has a depot, places of several kinds, a shift, a longest route and a driver who needs a break.

Nodes are numbered as in Cordeau's files: 0 is a depot, 1…n are pickups, n+1…2n the matching drop-offs, and
anything above 2n is a further depot. Times are in the instance's own unit (minutes in Cordeau's).

Sources: Cordeau & Laporte 2003, Transportation Research B 37:579-594 (the problem, sets R1-R10);
Cordeau 2006, Operations Research 54:573-586 (the file format, set a); Ropke, Cordeau & Laporte 2007,
Networks 49:258-272 (set b); Parragh 2011, Transportation Research C 19:912-930 (heterogeneous riders and
vehicles).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput, UnreadableSource

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_COLUMNS = ("id", "x", "y", "service duration", "load", "earliest", "latest")


@dataclass(frozen=True)
class DriverBreak:
    """A break that one vehicle's driver must take: whole, with nobody on board, wherever the vehicle is.

    It may be taken at the depot before the first departure or after the last return, and then does not
    lengthen the route. A vehicle that stays in its depot needs none. A driver with several takes them in the
    order of their earliest starts.

    Attributes:
        vehicle: Index of the vehicle.
        earliest: Earliest start.
        latest: Latest start.
        duration: Length of the break.
    """

    vehicle: int
    earliest: float
    latest: float
    duration: float


@dataclass(frozen=True)
class DarpInstance:
    """One dial-a-ride problem.

    Attributes:
        name: What to call it.
        travel_time: Time from node to node, shape (nodes, nodes).
        cost: What driving from node to node costs (distance, or generalised cost), shape (nodes, nodes).
        service_duration: Time that boarding or alighting takes at each node, shape (nodes,).
        earliest: Earliest start of service at each node, shape (nodes,).
        latest: Latest start of service at each node, shape (nodes,).
        demand: Places taken at a pickup (positive) and freed at a drop-off (negative), shape
            (nodes, kinds of place); kind 0 is seats, kind 1 (if any) wheelchair places.
        max_ride_time: Longest time between leaving the pickup and reaching the drop-off, shape (n,).
        vehicle_start: Depot each vehicle leaves from, shape (vehicles,).
        vehicle_end: Depot each vehicle returns to, shape (vehicles,).
        capacity: Places of each vehicle, shape (vehicles, kinds of place).
        max_route_duration: Longest time between departure and return, shape (vehicles,).
        shift_start: Earliest departure of each vehicle, shape (vehicles,).
        shift_end: Latest return of each vehicle, shape (vehicles,).
        breaks: The breaks the drivers must take.
    """

    name: str
    travel_time: FloatArray
    cost: FloatArray
    service_duration: FloatArray
    earliest: FloatArray
    latest: FloatArray
    demand: IntArray
    max_ride_time: FloatArray
    vehicle_start: IntArray
    vehicle_end: IntArray
    capacity: IntArray
    max_route_duration: FloatArray
    shift_start: FloatArray
    shift_end: FloatArray
    breaks: tuple[DriverBreak, ...] = ()

    def __post_init__(self) -> None:
        _require_shapes(self)
        _require_values(self)

    @property
    def requests(self) -> int:
        """Number of riders' requests, n."""
        return len(self.max_ride_time)

    @property
    def vehicles(self) -> int:
        """Number of vehicles."""
        return len(self.vehicle_start)


def _require_shapes(instance: DarpInstance) -> None:
    nodes = len(instance.earliest)
    vehicles, kinds = instance.vehicles, instance.demand.shape[-1]
    expected = {
        "travel_time": (nodes, nodes),
        "cost": (nodes, nodes),
        "service_duration": (nodes,),
        "latest": (nodes,),
        "demand": (nodes, kinds),
        "vehicle_end": (vehicles,),
        "capacity": (vehicles, kinds),
        "max_route_duration": (vehicles,),
        "shift_start": (vehicles,),
        "shift_end": (vehicles,),
    }
    for field, shape in expected.items():
        got = getattr(instance, field).shape
        if got != shape:
            raise InvalidInput(
                "an array of the instance has the wrong shape",
                file=instance.name,
                field=field,
                value=got,
                expected=str(shape),
            )
    if nodes < 2 * instance.requests + 1:
        raise InvalidInput(
            "the instance has too few nodes for its requests",
            file=instance.name,
            field="earliest",
            value=nodes,
            expected=f"at least {2 * instance.requests + 1}: a depot, the pickups and the drop-offs",
        )


def _require_values(instance: DarpInstance) -> None:
    n = instance.requests
    for field in ("travel_time", "cost", "service_duration"):
        values = getattr(instance, field)
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise InvalidInput(
                "times and costs must be finite and not negative", file=instance.name, field=field
            )
    unbalanced = np.flatnonzero(
        (instance.demand[1 : n + 1] != -instance.demand[n + 1 : 2 * n + 1]).any(axis=1)
    )
    if len(unbalanced):
        raise InvalidInput(
            "a drop-off does not free the places that its pickup took",
            file=instance.name,
            row=int(unbalanced[0]) + 1,
            field="load",
            value=instance.demand[n + 1 + unbalanced[0]].tolist(),
            expected=str((-instance.demand[1 + unbalanced[0]]).tolist()),
        )
    for depots in (instance.vehicle_start, instance.vehicle_end):
        if len(depots) and ((depots < 0) | (depots >= len(instance.earliest))).any():
            raise InvalidInput("a vehicle's depot is not a node", file=instance.name, field="vehicle_start")
    for one in instance.breaks:
        if not 0 <= one.vehicle < instance.vehicles or one.duration < 0 or one.latest < one.earliest:
            raise InvalidInput(
                "a driver's break cannot be taken",
                file=instance.name,
                field="breaks",
                value=one,
                expected="a known vehicle, latest >= earliest and a duration of at least 0",
            )


def read_cordeau(path: str | Path) -> DarpInstance:
    """Read an instance in Cordeau's format, with or without a closing line that repeats the depot.

    The first line holds the number of vehicles, the number of nodes or of requests, the longest route, the
    capacity and the longest ride; then one line per node: id, x, y, service duration, load, earliest,
    latest. Travel time and cost are the Euclidean distance (Cordeau 2006, section 6).

    Args:
        path: The file.

    Returns:
        The instance, named after the file.

    Raises:
        UnreadableSource: The file is missing, is not text, or a line has the wrong number of fields.
        InvalidInput: A number contradicts the format.

    """
    path = Path(path)
    header, rows, row_lines = _read_numbers(path)
    vehicles, requests = _read_header(path, header, len(rows))
    nodes = rows[: 2 * requests + 1]
    _require_node_lines(path, nodes, row_lines)
    distance = np.hypot(nodes[:, None, 1] - nodes[None, :, 1], nodes[:, None, 2] - nodes[None, :, 2])
    longest_route, capacity, longest_ride = header[2], int(header[3]), header[4]
    return DarpInstance(
        name=path.stem,
        travel_time=distance,
        cost=distance,
        service_duration=nodes[:, 3],
        earliest=nodes[:, 5],
        latest=nodes[:, 6],
        demand=nodes[:, 4:5].astype(np.int64),
        max_ride_time=np.full(requests, longest_ride),
        vehicle_start=np.zeros(vehicles, dtype=np.int64),
        vehicle_end=np.zeros(vehicles, dtype=np.int64),
        capacity=np.full((vehicles, 1), capacity, dtype=np.int64),
        max_route_duration=np.full(vehicles, longest_route),
        shift_start=np.full(vehicles, nodes[0, 5]),
        shift_end=np.full(vehicles, nodes[0, 6]),
    )


def _read_numbers(path: Path) -> tuple[list[float], FloatArray, list[int]]:
    """The header's numbers, the node lines as a table, and the line number of each node line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise UnreadableSource("the file does not exist", file=path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableSource("the file cannot be read as text", file=path, hint=str(error)) from error
    parsed = [
        (number, _numbers_of(path, number, line))
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not parsed or len(parsed[0][1]) != 5:
        raise UnreadableSource(
            "the first line is not a header",
            file=path,
            row=1,
            value=lines[0] if lines else "",
            expected="vehicles, nodes, longest route, capacity, longest ride",
        )
    for number, values in parsed[1:]:
        if len(values) != len(_COLUMNS):
            raise UnreadableSource(
                "a node line has the wrong number of fields",
                file=path,
                row=number,
                value=len(values),
                expected=", ".join(_COLUMNS),
            )
    table = np.array([values for _, values in parsed[1:]], dtype=np.float64).reshape(-1, len(_COLUMNS))
    return parsed[0][1], table, [number for number, _ in parsed[1:]]


def _numbers_of(path: Path, row: int, line: str) -> list[float]:
    numbers = []
    for position, word in enumerate(line.split()):
        try:
            number = float(word)
        except ValueError as error:
            field = _COLUMNS[position] if position < len(_COLUMNS) else None
            raise UnreadableSource(
                "a field is not a number", file=path, row=row, field=field, value=word, expected="a number"
            ) from error
        if not np.isfinite(number):
            raise UnreadableSource(
                "a number is not finite", file=path, row=row, value=word, expected="a finite number"
            )
        numbers.append(number)
    return numbers


def _read_header(path: Path, header: list[float], node_lines: int) -> tuple[int, int]:
    """Vehicles and requests; the second number counts nodes in some files and requests in others."""
    vehicles, count, longest_route, capacity, longest_ride = header
    for field, value in (("vehicles", vehicles), ("nodes", count), ("capacity", capacity)):
        if value < 1 or value != int(value):
            raise InvalidInput(
                "the header is wrong",
                file=path,
                row=1,
                field=field,
                value=value,
                expected="a whole number from 1",
            )
    for field, value in (("longest route", longest_route), ("longest ride", longest_ride)):
        if value <= 0:
            raise InvalidInput(
                "the header is wrong", file=path, row=1, field=field, value=value, expected="above 0"
            )
    for requests in (int(count) // 2, int(count)):
        if requests >= 1 and node_lines in (2 * requests + 1, 2 * requests + 2):
            return int(vehicles), requests
    raise InvalidInput(
        "the number of node lines does not fit the header",
        file=path,
        row=1,
        field="nodes",
        value=node_lines,
        expected=f"{int(count) + 1} or {int(count) + 2} lines after the header",
    )


def _require_node_lines(path: Path, nodes: FloatArray, row_lines: list[int]) -> None:
    for index, (number, _, _, duration, _, earliest, latest) in enumerate(nodes.tolist()):
        row = row_lines[index]
        if number != index:
            raise InvalidInput(
                "node lines are out of order",
                file=path,
                row=row,
                field="id",
                value=number,
                expected=str(index),
            )
        if duration < 0:
            raise InvalidInput(
                "a service duration is negative", file=path, row=row, field="service duration", value=duration
            )
        if latest < earliest:
            raise InvalidInput(
                "a time window is empty",
                file=path,
                row=row,
                field="latest",
                value=latest,
                expected=f"at least {earliest}",
            )
