"""What the world costs: the same models on bare SimPy or in a bare loop, and through Twinbox, in one run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np
import simpy
import xarray as xr
from small_world import CITIES, Queues, make_pack

from twin.pilot import CityModel
from twin.plan import make_plan
from twin.simulate import execute
from twin.world import stream

REPEATS = 7
CUSTOMERS = 30_000
ELEMENTS, HOURS = 10_000, 8_760


def cpu_s(act: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    gc.collect()
    began = time.process_time()
    act()
    return time.process_time() - began


def paired_ratio(ours: Callable[[], Any], peer: Callable[[], Any]) -> tuple[float, float, float]:
    """Medians of both and of their ratio, the two called in turn."""
    peer(), ours()
    times = np.array([(cpu_s(ours), cpu_s(peer)) for _ in range(REPEATS)])
    return (*np.median(times, axis=0), float(np.median(times[:, 0] / times[:, 1])))


class Customers:
    """A queue with ten servers; the processes are the same in both runs."""

    def __init__(
        self, env: simpy.Environment, gaps: np.random.Generator, services: np.random.Generator
    ) -> None:
        self.env = env
        self.servers = simpy.Resource(env, 10)
        self.gaps = gaps.exponential(1.0, CUSTOMERS).tolist()
        self.services = services.exponential(9.0, CUSTOMERS).tolist()
        self.waits: list[float] = []

    def arrive(self) -> Generator[simpy.Event, Any, None]:
        for gap, service in zip(self.gaps, self.services, strict=True):
            yield self.env.timeout(gap)
            self.env.process(self.customer(service))

    def customer(self, service: float) -> Generator[simpy.Event, Any, None]:
        came = self.env.now
        with self.servers.request() as server:
            yield server
            self.waits.append(self.env.now - came)
            yield self.env.timeout(service)


class EventModel(CityModel):
    def __init__(self, city: str, world: Any) -> None:
        self.queue = Customers(world.env, world.rng("gaps", city), world.rng("services", city))

    def run(self) -> Generator[simpy.Event, Any, None]:
        yield from self.queue.arrive()

    def data(self) -> xr.Dataset:
        return xr.Dataset({"wait": (("customer",), np.array(self.queue.waits), {"units": "s"})})

    def kpis(self) -> Mapping[str, float]:
        return {"served": len(self.queue.waits), "wait_mean": float(np.mean(self.queue.waits))}


FORCING = np.random.default_rng(3).gamma(0.5, 1.0, (24, ELEMENTS))
THRESHOLD = 6.0


def step(state: np.ndarray, hour: int) -> int:
    """One hour of every element: relax towards the hour's forcing and count those above a threshold."""
    state *= 0.9
    state += 0.1 * FORCING[hour % 24, : len(state)]
    return len(np.flatnonzero(state > THRESHOLD))


class DenseModel(CityModel):
    def __init__(self, city: str, world: Any) -> None:
        self.world = world
        self.state = np.zeros(ELEMENTS if city == "metsa" else 1)

    def run(self) -> Generator[simpy.Event, Any, None]:
        while True:
            window = yield self.world.turn()
            step(self.state, window.index)

    def data(self) -> xr.Dataset:
        return xr.Dataset({"state": (("element",), self.state, {"units": "K"})})

    def kpis(self) -> Mapping[str, float]:
        return {"served": 1.0, "wait_mean": float(self.state.mean())}


def pilot_of(model: type, window_s: int) -> Queues:
    def build(_: Any, packs: Mapping[str, Any], __: Any, world: Any) -> Mapping[str, CityModel]:
        return {city: model(city, world) for city, pack in packs.items() if len(pack.table("stops"))}

    return type("Bench", (Queues,), {"build": build, "window_s": window_s})()


def main() -> None:
    """Print both ratios."""
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp())
    packs = {name: make_pack(folder / name, CITIES[name]) for name in ("metsa", "salo")}

    def bare_events() -> None:
        env = simpy.Environment()
        for city in packs:
            key = ("queues", city)
            queue = Customers(env, stream(1, 0, *key, "gaps"), stream(1, 0, *key, "services"))
            env.process(queue.arrive())
        env.run(until=86_400)

    def bare_loop() -> None:
        state, other = np.zeros(ELEMENTS), np.zeros(1)
        for hour in range(HOURS):
            step(state, hour)
            step(other, hour)

    for title, model, window_s, days, bare, asked in (
        (f"event model, 2 × {CUSTOMERS:,} customers", EventModel, 900, 1, bare_events, 1.10),
        (f"dense model, {ELEMENTS:,} × {HOURS:,} h", DenseModel, 3600, 365, bare_loop, 1.30),
    ):
        pilot = pilot_of(model, window_s)
        plan = make_plan([pilot], packs.values(), days=days)
        ours, peer, ratio = paired_ratio(lambda p=plan, q=pilot: execute(p, packs, pilots=[q]), bare)
        print(f"{title:42} world {ours:6.3f} s   bare {peer:6.3f} s   ratio {ratio:5.3f}   asked ≤ {asked}")


if __name__ == "__main__":
    main()
