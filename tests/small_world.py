"""Three small cities of a small world, and a pilot to try the core with."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import simpy
import xarray as xr

from geodata.city import City
from geodata.kinds import kind
from geodata.manifest import Provenance, State
from geodata.pack import CityPack
from geodata.publish import Draft, write_pack
from twin.packs import PackView
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Scenario, quantity
from twin.world import World

CITIES = {
    "metsa": City(
        id="metsa", names={"en": "Metsa"}, country="EE", crs="EPSG:3301", timezone="Europe/Tallinn"
    ),
    "jarve": City(
        id="jarve",
        names={"en": "Järve", "fi": "Järvilä"},
        country="EE",
        crs="EPSG:3301",
        timezone="Europe/Tallinn",
        aliases=("Lake Town",),
    ),
    "salo": City(id="salo", names={"en": "Salo"}, country="FI", crs="EPSG:3067", timezone="Europe/Helsinki"),
}


def make_pack(folder: Path, city: City, stops: int = 10, state: State = State.PRODUCTION) -> CityPack:
    """A pack with a few stops in a row."""
    points = gpd.points_from_xy(np.arange(stops) * 100.0 + 5e5, np.full(stops, 6.58e6))
    table = gpd.GeoDataFrame(
        {"stop_id": [f"{i:03d}" for i in range(stops)], "name": "a stop"}, geometry=points, crs=city.crs
    )
    about = Provenance(
        source="made for a test", licence="CC0-1.0", attribution="nobody", grade="synthetic", state=state
    )
    return write_pack(
        folder, city, {"stops": Draft("stops", kind("stops"), table, about)}, recipe_sha256="0" * 64
    )


class QueueScenario(Scenario):
    arrivals_per_hour: float = quantity(30.0, "1/h", 0, 1000, "Customers an hour at each stop.")
    servers: int = quantity(2, "1", 1, 50, "Servers.")


class QueueModel(CityModel):
    """Customers wait for one of several servers."""

    def __init__(self, city: str, stops: int, scenario: QueueScenario, world: World) -> None:
        self.world = world
        self.rate_per_s = scenario.arrivals_per_hour * stops / 3600 / 10
        self.servers = simpy.Resource(world.env, scenario.servers)
        self.gaps = world.rng("arrivals", city)
        self.times = world.rng("services", city)
        self.waits: list[float] = []

    def run(self) -> Generator[simpy.Event, Any, None]:
        while True:
            yield self.world.env.timeout(self.gaps.exponential(1 / self.rate_per_s))
            self.world.env.process(self.customer())

    def customer(self) -> Generator[simpy.Event, Any, None]:
        came = self.world.env.now
        with self.servers.request() as server:
            yield server
            self.waits.append(self.world.env.now - came)
            yield self.world.env.timeout(self.times.exponential(120.0))

    def data(self) -> xr.Dataset:
        return xr.Dataset({"wait": (("customer",), np.array(self.waits), {"units": "s"})})

    def kpis(self) -> Mapping[str, float]:
        return {"served": len(self.waits), "wait_mean": float(np.mean(self.waits))}


class Queues(Pilot):
    """A shop with a queue in each city."""

    id = "queues"
    title = "Queues"
    domain = Domain.GOVERNANCE
    version = "1.0"
    needs = (Need("stops", "customers come from them"),)
    kpis = (
        Kpi("served", "Served", "1", "higher", "Customers who reached a server.", "test"),
        Kpi("wait_mean", "Mean wait", "s", "lower", "Mean time in the queue.", "test"),
    )
    Scenario = QueueScenario

    def build(self, packs: Mapping[str, PackView], scenario: Any, world: World) -> Mapping[str, CityModel]:
        return {
            c: QueueModel(c, len(p.table("stops", ["stop_id"])), scenario, world) for c, p in packs.items()
        }


def write_twice(task: Mapping[str, str]) -> None:
    """A task for engines."""
    Path(task["file"]).write_text(task["text"] * 2)


def die(task: Mapping[str, str]) -> None:
    """A task that takes its process down."""
    os._exit(9)
