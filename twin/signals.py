"""Signals: how models of different pilots and cities tell each other numbers, window by window.

Like trains that meet at a station on the quarter-hour: at the end of each window the pilots take turns, those
who write before those who read, and every value read is the one written for the same window. The order comes
from the declarations alone, never from the order in which plug-ins are installed or listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np
import numpy.typing as npt

from twin.errors import ContractBroken
from twin.pilot import Pilot, Signal

Floats = npt.NDArray[np.float64]


def turn_order(pilots: Iterable[Pilot]) -> tuple[str, ...]:
    """The order in which pilots take turns, from what they read and write; ties go by id.

    Raises:
        ContractBroken: Two pilots write one signal, units or dimensions differ, a required signal has no
            writer, or reads form a cycle in which nobody declares a lag.
    """
    pilots = sorted(pilots, key=lambda pilot: pilot.id)
    writers: dict[str, tuple[Pilot, Signal]] = {}
    for pilot in pilots:
        for signal in pilot.writes:
            if signal.id in writers:
                first = writers[signal.id][0].id
                raise ContractBroken(
                    f"both {first} and {pilot.id} write the signal {signal.id}", field="writes"
                )
            writers[signal.id] = (pilot, signal)
    before: dict[str, set[str]] = {pilot.id: set() for pilot in pilots}
    for pilot in pilots:
        for read in pilot.reads:
            if read.id not in writers:
                if read.required:
                    raise ContractBroken(
                        f"{pilot.id} needs the signal {read.id}, which no pilot of this run writes",
                        field="reads",
                    )
                continue
            writer, written = writers[read.id]
            _check_match(pilot.id, read, writer.id, written)
            if read.lag == 0:
                before[pilot.id].add(writer.id)
    return _sorted(before)


def _check_match(reader: str, read: Signal, writer: str, written: Signal) -> None:
    for what, asked, given in (("unit", read.unit, written.unit), ("dims", read.dims, written.dims)):
        if asked != given:
            raise ContractBroken(
                f"{reader} reads the signal {read.id} in another {what} than {writer} writes it",
                field=what,
                value=str(asked),
                expected=str(given),
            )
    if read.lag and read.initial is None:
        raise ContractBroken(f"{reader} reads {read.id} with a lag and so must declare an initial value")


def _sorted(before: Mapping[str, set[str]]) -> tuple[str, ...]:
    sorter = TopologicalSorter({name: sorted(earlier) for name, earlier in before.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ContractBroken(
            "pilots read each other's signals in a cycle: " + " → ".join(error.args[1]),
            hint="declare lag=1 and an initial value on one of the reads",
        ) from error
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return tuple(order)


@dataclass
class _Track:
    """What one city's model has written of one signal."""

    signal: Signal
    labels: tuple[str, ...] = ()
    values: dict[int, Floats] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.labels),) if self.signal.dims else ()


class Board:
    """Where the values of all signals of a run stand, the last few windows of each."""

    def __init__(self, pilots: Iterable[Pilot], cities: Iterable[str]) -> None:
        pilots, cities = list(pilots), list(cities)
        self._owner = {signal.id: pilot.id for pilot in pilots for signal in pilot.writes}
        self._reads = {(pilot.id, signal.id): signal for pilot in pilots for signal in pilot.reads}
        self._tracks = {
            (signal.id, city): _Track(signal)
            for pilot in pilots
            for signal in pilot.writes
            for city in cities
        }
        self._keep = 1 + max((signal.lag for signal in self._reads.values()), default=0)
        self.window = 0
        self.turn_of: str | None = None

    def is_written(self, signal_id: str) -> bool:
        """Whether some pilot of the run writes the signal."""
        return signal_id in self._owner

    def label(self, pilot: str, signal_id: str, city: str, labels: Sequence[str]) -> None:
        """Name the elements of a signal with a dimension, once, while the models are built."""
        track = self._own(pilot, signal_id, city)
        if not track.signal.dims:
            raise ContractBroken(f"the signal {signal_id} has no dimension to label", field="dims")
        track.labels = tuple(labels)

    def labels(self, pilot: str, signal_id: str, city: str) -> tuple[str, ...] | None:
        """The names of a signal's elements, or None if no pilot of the run writes it."""
        self._declared(pilot, signal_id)
        track = self._tracks.get((signal_id, city))
        return None if track is None else track.labels

    def write(self, pilot: str, signal_id: str, city: str, value: float | Floats) -> None:
        """Set a signal for the window whose turn it is.

        Raises:
            ContractBroken: The pilot does not declare it, it is not the pilot's turn, the value is not finite
                or not of the labelled length, or it was set before.
        """
        track = self._own(pilot, signal_id, city)
        if self.turn_of != pilot:
            raise ContractBroken(
                f"{pilot} writes {signal_id} outside its turn", hint="yield world.turn() first"
            )
        array = np.array(value, dtype=np.float64)  # a copy: the writer may go on with its own
        if array.shape != track.shape or not np.isfinite(array).all():
            raise ContractBroken(
                f"{pilot} writes {signal_id} for {city} with a wrong shape or a value that is not finite",
                value=str(array),
                expected=f"shape {track.shape}, finite, in {track.signal.unit}",
            )
        if self.window in track.values:
            raise ContractBroken(f"{pilot} writes {signal_id} for {city} twice in one window")
        track.values[self.window] = array
        old = sorted(window for window in track.values if window <= self.window - self._keep)
        for window in old[:-1] if track.signal.hold else old:
            del track.values[window]

    def read(self, pilot: str, signal_id: str, city: str) -> Floats | None:
        """A signal's value for the window whose turn it is (or ``lag`` windows before).

        Returns:
            The value, or None if no pilot of the run writes the signal.

        Raises:
            ContractBroken: The pilot does not declare the read, or the writer left the window out.
        """
        signal = self._declared(pilot, signal_id)
        if not self.is_written(signal_id):
            return None
        track = self._tracks[signal_id, city]
        wanted = self.window - signal.lag
        if wanted in track.values:
            return track.values[wanted]
        if wanted < 0:
            return np.full(track.shape, signal.initial)
        earlier = [window for window in track.values if window < wanted]
        if earlier and track.signal.hold:
            return track.values[max(earlier)]
        raise ContractBroken(
            f"{pilot} reads {signal_id} of {city} for window {wanted}; {self._owner[signal_id]} wrote none",
            hint="a writer writes for every city at every turn, or declares hold=True",
        )

    def _own(self, pilot: str, signal_id: str, city: str) -> _Track:
        if self._owner.get(signal_id) != pilot:
            raise ContractBroken(
                f"{pilot} writes the signal {signal_id} without declaring it", field="writes"
            )
        try:
            return self._tracks[signal_id, city]
        except KeyError:
            raise ContractBroken(f"{pilot} writes {signal_id} for {city}, which is not in the run") from None

    def _declared(self, pilot: str, signal_id: str) -> Signal:
        try:
            return self._reads[pilot, signal_id]
        except KeyError:
            raise ContractBroken(
                f"{pilot} reads the signal {signal_id} without declaring it", field="reads"
            ) from None
