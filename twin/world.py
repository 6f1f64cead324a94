"""The world a run is simulated in: one clock, named random streams, signals, progress.

A stage with a prompter. Models act as SimPy processes on the stage's clock, in seconds since the run's start;
at the end of each coupling window the prompter calls the pilots to take their turn, in the order their
declarations give. Models without signals never notice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import simpy
from simpy.events import NORMAL, URGENT, Event, EventPriority

from twin.errors import ContractBroken
from twin.pilot import Pilot
from twin.signals import Board, Floats, turn_order

Report = Callable[[float], None]


@dataclass(slots=True)
class Window:
    """A coupling window that has just ended: from ``start_s`` (inclusive) to ``end_s`` (exclusive)."""

    index: int
    start_s: int
    end_s: int


class Stage:
    """Everything the models of one run share. Pilots see it through their :class:`World`."""

    def __init__(
        self,
        pilots: Iterable[Pilot],
        cities: Sequence[str],
        *,
        start: datetime,
        end_s: int,
        window_s: int,
        seed: int,
        replication: int = 0,
    ) -> None:
        pilots = sorted(pilots, key=lambda pilot: pilot.id)
        self.env = simpy.Environment()
        self.cities = tuple(cities)
        self.start = start.astimezone(UTC)
        self.end_s = end_s
        self.window_s = window_s
        self.seed = seed
        self.replication = replication
        self.order = turn_order(pilots)
        self.board = Board(pilots, cities)
        self._turns: dict[str, Event] = {}
        self._streams: set[tuple[str, ...]] = set()

    def turn(self, pilot: str) -> Event:
        """The event of a pilot's next turn; its value is the :class:`Window`."""
        event = self._turns.get(pilot)
        if event is None:
            event = self._turns[pilot] = self.env.event()
        return event

    def rng(self, *key: str) -> np.random.Generator:
        """The generator of a named stream; each stream is handed out once."""
        if key in self._streams:
            raise ContractBroken(f"the random stream {'/'.join(key)} was asked for twice", field="rng")
        self._streams.add(key)
        return stream(self.seed, self.replication, *key)

    def play(self, report: Report | None = None) -> None:
        """Run the clock from 0 to the end, both included.

        Args:
            report: Called with the share of simulated time that has passed.
        """
        if report is not None:
            self.env.process(self._tell(report))
        self.env.run(until=self.env.process(self._prompt()))

    def _prompt(self) -> Generator[Event, Any, None]:
        """Call each pilot to its turn at the end of each window, before anything else of that instant."""
        alone = self.order[0] if len(self.order) == 1 else None
        for index, start_s in enumerate(range(0, self.end_s, self.window_s)):
            window = Window(index, start_s, min(start_s + self.window_s, self.end_s))
            self.board.window = index
            if alone in self._turns:  # one event instead of two: dense models feel the difference
                yield self._call(alone, window, delay=window.end_s - start_s)
            else:
                yield _fire(self.env.event(), URGENT, delay=window.end_s - start_s)
                for pilot in self.order:
                    if pilot in self._turns:
                        yield self._call(pilot, window)
            self.board.turn_of = None
        yield _fire(self.env.event(), _LAST)  # let everything else that happens at the last instant happen

    def _call(self, pilot: str, window: Window, delay: int = 0) -> Event:
        """Let a pilot's turn happen: first the board opens to it, then its waiting models go on."""

        def begin(_: Event) -> None:
            del self._turns[pilot]
            self.board.turn_of = pilot

        event = self._turns[pilot]
        event.callbacks.insert(0, begin)
        return _fire(event, URGENT, window, delay)

    def _tell(self, report: Report) -> Generator[Event, Any, None]:
        parts = 100
        for part in range(1, parts):
            yield self.env.timeout(self.end_s / parts)
            report(part / parts)


_LAST = EventPriority(NORMAL + 1)


def _fire(event: Event, priority: EventPriority, value: object = None, delay: float = 0) -> Event:
    """Let an event happen with a priority: SimPy's own ``succeed`` and ``timeout`` take none."""
    event._ok = True  # noqa: SLF001
    event._value = value  # noqa: SLF001
    event.env.schedule(event, priority, delay)
    return event


def stream(seed: int, replication: int, *key: str) -> np.random.Generator:
    """A generator that depends on seed, replication and name alone.

    The scenario is not part of the key, so that scenarios compared under one seed meet the same luck (common
    random numbers), and a new stream never shifts another: each is seeded from a SHA-256 of its own name.
    """
    digest = hashlib.sha256("\x1f".join(key).encode()).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(replication, *map(int, words))))


class Signals:
    """The signals as one pilot sees them; see :class:`twin.signals.Board`."""

    def __init__(self, board: Board, pilot: str) -> None:
        self._board = board
        self._pilot = pilot

    def is_written(self, signal_id: str) -> bool:
        """Whether some pilot of the run writes the signal."""
        return self._board.is_written(signal_id)

    def label(self, signal_id: str, city: str, labels: Sequence[str]) -> None:
        """Name the elements of an own signal that has a dimension; call it in ``build``."""
        self._board.label(self._pilot, signal_id, city, labels)

    def labels(self, signal_id: str, city: str) -> tuple[str, ...] | None:
        """The element names of a signal that is read, or None if nobody writes it; call it in ``run``."""
        return self._board.labels(self._pilot, signal_id, city)

    def write(self, signal_id: str, city: str, value: float | Floats) -> None:
        """Set an own signal for the window that has just ended; only at the own turn."""
        self._board.write(self._pilot, signal_id, city, value)

    def read(self, signal_id: str, city: str) -> Floats | None:
        """The value of a declared signal for the window that has just ended, or None if nobody writes it."""
        return self._board.read(self._pilot, signal_id, city)


class World:
    """What a pilot gets to build its models with.

    Attributes:
        env: The SimPy environment; whole seconds since ``start``.
        start: First instant of the run, in UTC.
        end_s: Length of the run in seconds.
        window_s: Length of the coupling window in seconds.
        cities: Ids of the run's cities, sorted.
        signals: Signals of this and other pilots.
        replication: Number of the repetition, from 0.
    """

    def __init__(self, stage: Stage, pilot: str) -> None:
        self._stage = stage
        self._pilot = pilot
        self.env = stage.env
        self.start = stage.start
        self.end_s = stage.end_s
        self.window_s = stage.window_s
        self.cities = stage.cities
        self.replication = stage.replication
        self.signals = Signals(stage.board, pilot)

    def rng(self, name: str, city: str = "") -> np.random.Generator:
        """An independent generator for one purpose, e.g. ``world.rng("requests", "tallinn")``.

        Draw in blocks: a single draw costs as much as a hundred in a block.
        """
        return self._stage.rng(self._pilot, city, name)

    def turn(self) -> Event:
        """Wait for the own turn at the end of the current window: ``window = yield world.turn()``."""
        return self._stage.turn(self._pilot)

    def at(self, seconds: float) -> datetime:
        """The UTC instant of a time on the clock."""
        return self.start + timedelta(seconds=seconds)
