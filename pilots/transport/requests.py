"""Riders' requests: read from any table, and what can be said of each before a vehicle is looked for.

A request that nobody could ever serve (outside the area or the hours, no way there, more riders than any
vehicle has seats) is refused with its reason and counted. A table that cannot be understood (a column is
missing, a time is a word) is an error that names the row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidInput
from geodata.home import home
from pilots.transport.fleet import Fleet
from pilots.transport.network import Network
from pilots.transport.policy import Policy

RequestTable: TypeAlias = pd.DataFrame | Mapping[str, ArrayLike]

REASONS = (
    "",
    "no_vehicle_in_time",
    "capacity",
    "outside_area",
    "outside_hours",
    "unreachable",
    "invalid_time",
    "invalid_party",
    "duplicate_id",
    "no_fleet",
    "line_bus_available",
    "cancelled",
    "vehicle_breakdown",
    "unfinished",
)
"""Why a request was not served; the first means that it was."""

REASON = {name: code for code, name in enumerate(REASONS)}

LONGEST_HORIZON_S = 400 * 86_400.0
"""Times beyond a year or so are mistakes of unit or of date."""

_DEFAULTS: dict[str, float] = {
    "seats": 1,
    "wheelchair_places": 0,
    "cancel_time_s": np.inf,
    "latest_dropoff_s": np.inf,
}


@dataclass(frozen=True)
class Requests:
    """Requests in order of their time, all arrays of shape (requests,).

    Attributes:
        id: As given.
        origin: Node of the pickup.
        destination: Node of the drop-off.
        request_time_s: When the rider asks.
        earliest_s: Earliest pickup the rider wants; for a ride at once the time of asking.
        seats: Seats needed.
        wheelchair_places: Wheelchair places needed.
        cancel_time_s: When the rider calls it off, inf if never.
        latest_dropoff_s: By when the rider must be there, inf if it does not matter.
        reason: Why it is refused at once (index into ``REASONS``), 0 if it is not.
    """

    id: NDArray[np.object_]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    request_time_s: NDArray[np.float64]
    earliest_s: NDArray[np.float64]
    seats: NDArray[np.int64]
    wheelchair_places: NDArray[np.int64]
    cancel_time_s: NDArray[np.float64]
    latest_dropoff_s: NDArray[np.float64]
    reason: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of requests."""
        return len(self.id)


def read_requests(table: RequestTable, network: Network, fleet: Fleet, policy: Policy) -> Requests:
    """Understand a table of requests.

    Args:
        table: Columns ``origin``, ``destination`` (nodes), ``request_time_s``; and where wanted ``id``,
            ``earliest_s`` (pre-booked), ``seats``, ``wheelchair_places``, ``cancel_time_s``,
            ``latest_dropoff_s`` (to catch a train), ``reason`` (of a refusal decided elsewhere).
        network: Where the nodes are.
        fleet: What the vehicles hold.
        policy: The hours of service.

    Returns:
        The requests in order of their time; ties keep the order of the table.

    Raises:
        InvalidInput: A column is missing or holds something that is not a number; the row is named.
    """
    frame = pd.DataFrame(dict(table)) if isinstance(table, Mapping) else table
    numbers = {name: _numbers(frame, name) for name in ("origin", "destination", "request_time_s")}
    numbers |= {name: _numbers(frame, name, default) for name, default in _DEFAULTS.items()}
    numbers["earliest_s"] = (
        _numbers(frame, "earliest_s") if "earliest_s" in frame else numbers["request_time_s"].copy()
    )
    missing = np.isnan(numbers["earliest_s"])
    numbers["earliest_s"][missing] = numbers["request_time_s"][missing]
    names = frame["id"].to_numpy(dtype=object) if "id" in frame else np.arange(len(frame)).astype(object)
    reason = _refusals(frame, names, numbers, network, fleet, policy)
    sane = {name: np.where(np.isfinite(values), values, 0.0) for name, values in numbers.items()}
    known = (sane["origin"] >= 0) & (sane["origin"] < network.nodes)
    known &= (sane["destination"] >= 0) & (sane["destination"] < network.nodes)
    order = np.argsort(sane["request_time_s"], kind="stable")
    return Requests(
        id=names[order],
        origin=np.where(known, sane["origin"], 0).astype(np.int64)[order],
        destination=np.where(known, sane["destination"], 0).astype(np.int64)[order],
        request_time_s=sane["request_time_s"][order],
        earliest_s=np.maximum(sane["earliest_s"], sane["request_time_s"])[order],
        seats=sane["seats"].astype(np.int64)[order],
        wheelchair_places=sane["wheelchair_places"].astype(np.int64)[order],
        cancel_time_s=numbers["cancel_time_s"][order],
        latest_dropoff_s=numbers["latest_dropoff_s"][order],
        reason=reason[order],
    )


def _numbers(frame: pd.DataFrame, name: str, default: float | None = None) -> NDArray[np.float64]:
    if name not in frame:
        if default is None:
            raise InvalidInput(
                "the table of requests lacks a column",
                field=name,
                value=list(map(str, frame.columns)),
                expected="origin, destination, request_time_s",
            )
        return np.full(len(frame), float(default))
    column = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, copy=True)
    given = frame[name].notna().to_numpy()
    wrong = np.flatnonzero(np.isnan(column) & given)
    if len(wrong):
        raise InvalidInput(
            "a request's field is not a number",
            row=int(wrong[0]) + 1,
            field=name,
            value=frame[name].iloc[wrong[0]],
            expected="a number",
        )
    if default is not None:
        column[np.isnan(column)] = default
    return column


def _refusals(
    frame: pd.DataFrame,
    names: NDArray[np.object_],
    numbers: dict[str, NDArray[np.float64]],
    network: Network,
    fleet: Fleet,
    policy: Policy,
) -> NDArray[np.int64]:
    """Why each request is refused at once; the first reason that applies."""
    origin, destination = numbers["origin"], numbers["destination"]
    asked, earliest = numbers["request_time_s"], numbers["earliest_s"]
    with np.errstate(invalid="ignore"):
        inside = (origin >= 0) & (origin < network.nodes) & (destination >= 0) & (destination < network.nodes)
        inside &= (origin == np.floor(origin)) & (destination == np.floor(destination))
        sane_time = np.isfinite(asked) & np.isfinite(earliest) & (asked >= 0) & (earliest < LONGEST_HORIZON_S)
        sane_time &= numbers["cancel_time_s"] >= 0
        open_hours = (earliest >= policy.service_start_s) & (earliest <= policy.service_end_s)
        seats, places = numbers["seats"], numbers["wheelchair_places"]
        party = (seats >= 0) & (places >= 0) & (seats + places >= 1)
        party &= (seats == np.floor(seats)) & (places == np.floor(places))
    reason = np.zeros(len(frame), np.int64)
    if "reason" in frame:
        reason = np.array([REASON.get(str(text), 0) for text in frame["reason"].fillna("")], np.int64)
    reachable = np.zeros(len(frame), np.bool_)
    rows = np.flatnonzero(inside)
    ends = origin[rows].astype(np.int64), destination[rows].astype(np.int64)
    reachable[rows] = np.isfinite(network.travel_time_s[0][ends])
    fits = np.zeros(len(frame), np.bool_)
    if fleet.vehicles:
        kinds = np.unique(np.stack([fleet.seats, fleet.wheelchair_places]), axis=1)
        for room, wheelchairs in kinds.T:
            fits |= (seats <= room) & (places <= wheelchairs)
    duplicate = pd.Series(names).duplicated().to_numpy()
    tests = (
        ("duplicate_id", duplicate),
        ("invalid_time", ~sane_time),
        ("invalid_party", ~party),
        ("outside_area", ~inside),
        ("outside_hours", ~open_hours),
        ("unreachable", ~reachable),
        ("no_fleet", np.full(len(frame), fleet.vehicles == 0)),
        ("capacity", ~fits),
    )
    for name, failed in tests:
        reason[(reason == 0) & failed] = REASON[name]
    return reason


def file_of(name: str) -> Path:
    """The file of requests of a name: it stands in the folder ``requests`` of Twinbox's home.

    Raises:
        InvalidInput: The name is a path, or there is no such file.
    """
    if Path(name).name != name or name.startswith("."):
        raise InvalidInput(
            "a file of requests is given by its name alone", field="requests_file", value=name,
            expected="the name of a file in the folder `requests` of Twinbox's home",
        )  # fmt: skip
    file = home() / "requests" / name
    if not file.is_file():
        raise InvalidInput(
            "there is no such file of requests", field="requests_file", value=str(file), expected="a CSV file"
        )
    return file


def hash_of(name: str) -> str:
    """SHA-256 of a file of requests, so that a run's hash depends on what it holds."""
    return hashlib.sha256(file_of(name).read_bytes()).hexdigest()
