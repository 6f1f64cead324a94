"""The clock, the random streams, and the turns that pilots take."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import ContractBroken
from twin.pilot import Pilot, Signal
from twin.signals import turn_order
from twin.world import Stage, World, stream

START = datetime(2026, 3, 2, tzinfo=UTC)


def stage(*pilots: Pilot, end_s: int = 3600, window_s: int = 900, seed: int = 1) -> Stage:
    return Stage(pilots, ["a", "b"], start=START, end_s=end_s, window_s=window_s, seed=seed)


class TestStreams:
    @given(st.integers(0, 2**62), st.integers(0, 50), st.text(max_size=10), st.text(max_size=10))
    @settings(max_examples=50)
    def test_a_stream_depends_on_its_name_alone(self, seed: int, replication: int, a: str, b: str) -> None:
        one = stream(seed, replication, a, b).random(4)
        assert np.array_equal(one, stream(seed, replication, a, b).random(4))
        assert not np.array_equal(one, stream(seed, replication, a, b, "").random(4))
        assert not np.array_equal(one, stream(seed, replication + 1, a, b).random(4))
        assert not np.array_equal(one, stream(seed + 1, replication, a, b).random(4))

    def test_names_are_not_run_together(self) -> None:
        assert not np.array_equal(stream(1, 0, "ab", "c").random(4), stream(1, 0, "a", "bc").random(4))

    def test_streams_are_not_correlated(self) -> None:
        draws = np.array([stream(1, 0, "pilot", "city", str(i)).standard_normal(2000) for i in range(40)])
        correlation = np.corrcoef(draws)[np.triu_indices(40, 1)]
        assert np.abs(correlation).max() < 5 / np.sqrt(2000)

    def test_a_stream_is_handed_out_once(self, queues: Pilot) -> None:
        world = World(stage(queues), "queues")
        world.rng("arrivals", "a")
        world.rng("arrivals", "b")
        with pytest.raises(ContractBroken, match="queues/a/arrivals was asked for twice"):
            world.rng("arrivals", "a")


class TestTurns:
    def test_windows_are_half_open_and_cover_the_run(self, queues: Pilot) -> None:
        """What happens at the instant a window ends belongs to the next one."""
        s = stage(queues, end_s=2000)
        world = World(s, "queues")
        log: list[tuple[float, str]] = []

        def events() -> Generator[simpy.Event, Any, None]:
            for _ in range(5):
                yield world.env.timeout(450)
                log.append((world.env.now, "event"))

        def turns() -> Generator[simpy.Event, Any, None]:
            while True:
                window = yield world.turn()
                log.append((world.env.now, f"window {window.index} from {window.start_s} to {window.end_s}"))

        world.env.process(events())
        world.env.process(turns())
        s.play()
        assert log == [
            (450, "event"),
            (900, "window 0 from 0 to 900"),
            (900, "event"),
            (1350, "event"),
            (1800, "window 1 from 900 to 1800"),
            (1800, "event"),
            (2000, "window 2 from 1800 to 2000"),
        ]

    def test_what_is_set_for_the_last_instant_still_happens(self, queues: Pilot) -> None:
        s = stage(queues)
        log = []

        def sleeper() -> Generator[simpy.Event, Any, None]:
            yield s.env.timeout(3600)
            yield s.env.timeout(0)
            log.append(s.env.now)

        s.env.process(sleeper())
        s.play()
        assert log == [3600]

    def test_progress_rises_to_the_end(self, queues: Pilot) -> None:
        shares: list[float] = []
        stage(queues).play(shares.append)
        assert shares == sorted(shares)
        assert len(shares) == 99


def power(**changes: Any) -> Signal:
    return Signal("power", **{"unit": "kW", **changes})


class TestOrder:
    def test_writers_come_before_readers_whatever_the_order_of_installation(
        self, variant: Callable[..., Pilot]
    ) -> None:
        grid = variant("a_grid", reads=(power(), Signal("shade", "1")))
        buses = variant("buses", writes=(power(),), reads=(Signal("shade", "1"),))
        trees = variant("trees", writes=(Signal("shade", "1"),))
        for pilots in ([grid, buses, trees], [trees, grid, buses], [buses, trees, grid]):
            assert turn_order(pilots) == ("trees", "buses", "a_grid")

    def test_a_cycle_without_lag_is_an_error_that_names_it(self, variant: Callable[..., Pilot]) -> None:
        one = variant("one", writes=(power(),), reads=(Signal("price", "EUR/MWh"),))
        two = variant("two", reads=(power(),), writes=(Signal("price", "EUR/MWh"),))
        with pytest.raises(ContractBroken, match=r"one → two → one|two → one → two"):
            turn_order([one, two])
        lagged = variant("two", reads=(power(lag=1, initial=0.0),), writes=(Signal("price", "EUR/MWh"),))
        assert turn_order([one, lagged]) == ("two", "one")

    def test_units_must_match(self, variant: Callable[..., Pilot]) -> None:
        writer = variant("writer", writes=(power(),))
        with pytest.raises(ContractBroken, match="another unit"):
            turn_order([writer, variant("reader", reads=(power(unit="W"),))])

    def test_two_writers_of_one_signal_are_refused(self, variant: Callable[..., Pilot]) -> None:
        with pytest.raises(ContractBroken, match="both one and two write the signal power"):
            turn_order([variant("two", writes=(power(),)), variant("one", writes=(power(),))])

    def test_a_required_signal_needs_a_writer(self, variant: Callable[..., Pilot]) -> None:
        with pytest.raises(ContractBroken, match="which no pilot of this run writes"):
            turn_order([variant("reader", reads=(power(required=True),))])

    def test_a_lag_needs_an_initial_value(self, variant: Callable[..., Pilot]) -> None:
        with pytest.raises(ContractBroken, match="must declare an initial value"):
            turn_order([variant("w", writes=(power(),)), variant("r", reads=(power(lag=1),))])


def couple(writer: Pilot, reader: Pilot, write: Any, read: Any, windows: int = 4) -> None:
    """Run one writing and one reading process to the end."""
    s = stage(writer, reader, end_s=900 * windows)
    for pilot, act in ((writer, write), (reader, read)):
        world = World(s, pilot.id)

        def process(world: World = world, act: Any = act) -> Generator[simpy.Event, Any, None]:
            while True:
                window = yield world.turn()
                act(world.signals, window.index)

        s.env.process(process())
    s.play()


class TestSignals:
    def test_a_reader_sees_the_value_of_the_same_window(self, variant: Callable[..., Pilot]) -> None:
        writer = variant("z_writer", writes=(power(),))
        reader = variant("a_reader", reads=(power(),))
        seen = []

        def write(signals: Any, k: int) -> None:
            signals.write("power", "a", 10.0 * k)

        couple(writer, reader, write, lambda signals, _: seen.append(float(signals.read("power", "a"))))
        assert seen == [0, 10, 20, 30]

    def test_a_lag_sees_the_value_before(self, variant: Callable[..., Pilot]) -> None:
        writer = variant("writer", writes=(power(),))
        reader = variant("reader", reads=(power(lag=2, initial=-1.0),))
        seen = []
        couple(
            writer,
            reader,
            lambda signals, k: signals.write("power", "a", 10.0 * k),
            lambda signals, _: seen.append(float(signals.read("power", "a"))),
        )
        assert seen == [-1, -1, 0, 10]

    @pytest.mark.parametrize("hold", [True, False])
    def test_a_value_stays_only_if_it_is_held(self, hold: bool, variant: Callable[..., Pilot]) -> None:
        writer = variant("writer", writes=(power(hold=hold),))
        reader = variant("reader", reads=(power(),))
        seen = []

        def write(signals: Any, k: int) -> None:
            if k % 2 == 0:
                signals.write("power", "a", float(k))

        def act() -> None:
            couple(writer, reader, write, lambda signals, _: seen.append(float(signals.read("power", "a"))))

        if hold:
            act()
            assert seen == [0, 0, 2, 2]
        else:
            with pytest.raises(ContractBroken, match="writer wrote none"):
                act()

    @given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 3))
    def test_held_values_agree_with_a_list(self, writes: list[bool], lag: int) -> None:
        """A held signal read with a lag is the last value written up to that window."""
        make = type("P", (), {})
        writer, reader = make(), make()
        for pilot, name in ((writer, "w"), (reader, "r")):
            pilot.id, pilot.reads, pilot.writes = name, (), ()
        writer.writes = (power(hold=True),)
        reader.reads = (power(lag=lag, initial=-1.0),)
        writes[0] = True
        seen: list[float] = []

        def write(signals: Any, k: int) -> None:
            if writes[k]:
                signals.write("power", "a", float(k))

        couple(
            writer, reader, write, lambda s, _: seen.append(float(s.read("power", "a"))), windows=len(writes)
        )
        expected = [
            -1.0 if k - lag < 0 else float(max(w for w in range(k - lag + 1) if writes[w]))
            for k in range(len(writes))
        ]
        assert seen == expected

    def test_labels_travel_with_a_signal(self, variant: Callable[..., Pilot]) -> None:
        shade = Signal("shade", "1", dims=("school_id",))
        s = stage(variant("w", writes=(shade,)), variant("r", reads=(shade,)))
        writer, reader = World(s, "w").signals, World(s, "r").signals
        writer.label("shade", "a", ["s1", "s2"])
        assert reader.labels("shade", "a") == ("s1", "s2")
        s.board.turn_of = "w"
        with pytest.raises(ContractBroken, match="wrong shape"):
            writer.write("shade", "a", np.zeros(3))
        writer.write("shade", "a", np.array([0.1, 0.2]))
        assert np.array_equal(reader.read("shade", "a"), [0.1, 0.2])

    def test_nobody_reads_or_writes_what_was_not_declared(self, variant: Callable[..., Pilot]) -> None:
        s = stage(variant("w", writes=(power(),)), variant("r"))
        with pytest.raises(ContractBroken, match="r reads the signal power without declaring it"):
            World(s, "r").signals.read("power", "a")
        with pytest.raises(ContractBroken, match="r writes the signal power without declaring it"):
            World(s, "r").signals.write("power", "a", 1.0)
        with pytest.raises(ContractBroken, match="outside its turn"):
            World(s, "w").signals.write("power", "a", 1.0)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, 2.0]])
    def test_a_signal_is_finite_and_of_its_shape(self, value: Any, variant: Callable[..., Pilot]) -> None:
        s = stage(variant("w", writes=(power(),)))
        s.board.turn_of = "w"
        with pytest.raises(ContractBroken, match="wrong shape or a value that is not finite"):
            World(s, "w").signals.write("power", "a", value)

    def test_a_signal_nobody_writes_reads_as_none(self, variant: Callable[..., Pilot]) -> None:
        assert World(stage(variant("r", reads=(power(),))), "r").signals.read("power", "a") is None
