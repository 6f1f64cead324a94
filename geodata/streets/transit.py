"""Journeys by bus, tram and train as their frequencies allow: walk, wait, ride, change, walk.

What a rider meets who comes to the stop without looking at a timetable: a tram every ten minutes means five
minutes of waiting, or less where another line serves as well. New on-demand services are compared with this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from geodata.streets.access import NearestStops
from geodata.streets.hyperpath import PARTS, Lines, expected_times
from geodata.streets.parallel import in_parallel
from geodata.streets.shortest import Floats, Integers

if TYPE_CHECKING:
    import pandas as pd

DayType = Literal["weekday", "saturday", "sunday"]
DAY_TYPES = {
    "weekday": ("weekday", "daily"),
    "saturday": ("saturday", "weekend", "daily"),
    "sunday": ("sunday", "weekend", "daily"),
}

WAIT_SHARE = 0.5
"""Expected wait over headway for riders who arrive at random and vehicles that come evenly."""

WALK = "walk"
DESTINATIONS_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class TransitTimes:
    """Expected journeys from *o* origins to *d* destinations, all arrays (o, d) and infinite where none is.

    Args:
        seconds: Door to door.
        in_vehicle_s: Riding.
        wait_s: Waiting, at the first stop and at changes.
        walk_s: Walking, to, between and from stops.
        boardings: Expected number of vehicles boarded; 0 for a walk.
        note: How the numbers are made.
    """

    seconds: NDArray[np.float32]
    in_vehicle_s: NDArray[np.float32]
    wait_s: NDArray[np.float32]
    walk_s: NDArray[np.float32]
    boardings: NDArray[np.float32]
    note: str


def transit_times(
    stops: pd.DataFrame,
    rides: pd.DataFrame,
    headways: pd.DataFrame,
    *,
    hour: float,
    day_type: DayType = "weekday",
    access: NearestStops | None = None,
    egress: NearestStops | None = None,
    transfers: NearestStops | None = None,
    wait_share: float = WAIT_SHARE,
    workers: int | None = None,
) -> TransitTimes:
    """Expected times of the best strategy by public transport, frequency-based.

    Riders come to a stop at random and board the first attractive line (optimal strategies: Spiess and
    Florian 1989). The expected wait is half the headway of a single line, half the combined headway of
    several. Vehicles are neither full nor late, and a change costs its wait and walk.

    Args:
        stops: Table of the kind ``stops``; matrices follow its order where access or egress is left out.
        rides: Table of the kind ``rides``. Rows of the line ``walk`` are walks between stops.
        headways: Table of the kind ``headways``; lines without a row for the hour do not run.
        hour: Local hour of the day, 0 to 24; bands after midnight (24 and more) are found too.
        day_type: ``weekday``, ``saturday`` or ``sunday``.
        access: Stops that each origin reaches on foot; the stops themselves, at no cost, if left out.
        egress: Stops from which each destination is reached on foot, likewise.
        transfers: Walks from each stop to others, besides those among the rides.
        wait_share: Expected wait over headway; 0.5 for even headways, 1 for entirely random ones.
        workers: Threads; all processors if left out. The numbers do not depend on it.

    Raises:
        InvalidInput: A ride names a stop that is not given, or the day type is unknown.
    """
    if day_type not in DAY_TYPES:
        raise InvalidInput(
            "no such type of day", field="day_type", value=day_type, expected="one of " + ", ".join(DAY_TYPES)
        )
    lines = _lines(stops, rides, frequencies(headways, hour, day_type), transfers)
    access, egress = access or _themselves(stops), egress or _themselves(stops)
    out = np.empty((len(access.stop), len(egress.stop), 1 + PARTS), np.float32)

    def fill(rows: slice) -> None:
        expected_times(
            lines, float(wait_share), access.stop, access.seconds, egress.stop[rows], egress.seconds[rows],
            out[:, rows],
        )  # fmt: skip

    in_parallel(fill, len(egress.stop), DESTINATIONS_AT_ONCE, workers)
    seconds, in_vehicle_s, wait_s, walk_s, boardings = np.moveaxis(out, 2, 0)
    note = f"frequency-based for {day_type}s at {hour:g} h: wait = {wait_share:g} of the combined headway"
    return TransitTimes(seconds, in_vehicle_s, wait_s, walk_s, boardings, note)


def _themselves(stops: pd.DataFrame) -> NearestStops:
    """Each stop reached from itself at no cost."""
    nothing = np.zeros((len(stops), 1), np.float32)
    return NearestStops(np.arange(len(stops), dtype=np.int32)[:, None], nothing, nothing)


def frequencies(headways: pd.DataFrame, hour: float, day_type: DayType) -> pd.Series[float]:
    """Departures per second of each line that runs at an hour, by line."""
    at = headways[headways["day_type"].isin(DAY_TYPES[day_type])]
    runs = ((at["start_h"] <= hour) & (hour < at["end_h"])) | (
        (at["start_h"] <= hour + 24) & (hour + 24 < at["end_h"])
    )
    return (1 / at[runs].groupby("line_id")["headway_s"].min()).rename("frequency")


def _lines(
    stops: pd.DataFrame, rides: pd.DataFrame, frequency: pd.Series[float], transfers: NearestStops | None
) -> Lines:
    running = rides[rides["line_id"].isin(frequency.index)]
    line = frequency.index.get_indexer(running["line_id"])  # type: ignore[arg-type]  # the stubs know no Series
    tail, head = (_stop_rows(stops, running, end) for end in ("from_stop_id", "to_stop_id"))
    codes = np.concatenate([tail, head]) * len(frequency) + np.concatenate([line, line])
    calls, call = np.unique(codes, return_inverse=True)
    tail_call, head_call = call[: len(tail)], call[len(tail) :]
    order = np.argsort(head_call, kind="stable")
    stop_of, line_of = np.divmod(calls, max(len(frequency), 1))
    walks_first, walk_tail, walk_s = _walks(stops, rides, transfers)
    return Lines(
        stop_of=stop_of.astype(np.int32),
        frequency=np.asarray(frequency, dtype=np.float64)[line_of],
        calls_first=_first(stop_of, len(stops)),
        rides_first=_first(head_call, len(calls)),
        ride_tail=tail_call[order].astype(np.int32),
        ride_s=running["travel_time_s"].to_numpy(float)[order],
        walks_first=walks_first,
        walk_tail=walk_tail,
        walk_s=walk_s,
    )


def _walks(
    stops: pd.DataFrame, rides: pd.DataFrame, transfers: NearestStops | None
) -> tuple[Integers, Integers, Floats]:
    """Walks between stops, sorted by the stop they end at: where each stop's begin, from where, how long."""
    walks = rides[rides["line_id"] == WALK]
    tail, head = _stop_rows(stops, walks, "from_stop_id"), _stop_rows(stops, walks, "to_stop_id")
    seconds = walks["travel_time_s"].to_numpy(float)
    if transfers is not None:
        one, which = np.nonzero(transfers.stop >= 0)
        tail, head = np.concatenate([tail, one]), np.concatenate([head, transfers.stop[one, which]])
        seconds = np.concatenate([seconds, transfers.seconds[one, which]])
    order = np.argsort(head, kind="stable")
    return _first(head, len(stops)), tail[order].astype(np.int32), seconds[order]


def _stop_rows(stops: pd.DataFrame, rides: pd.DataFrame, end: str) -> NDArray[np.int64]:
    import pandas as pd

    rows: NDArray[np.int64] = pd.Index(stops["stop_id"]).get_indexer(rides[end]).astype(np.int64)
    unknown = np.flatnonzero(rows < 0)
    if len(unknown):
        raise InvalidInput(
            "a ride names a stop that is not given",
            row=int(unknown[0]) + 1,
            field=end,
            value=rides[end].iloc[unknown[0]],
        )
    return rows


def _first(group: NDArray[np.int64], count: int) -> Integers:
    """Where the items of each of *count* groups begin once they are sorted by group."""
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=count))]).astype(np.int32)
