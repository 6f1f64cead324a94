"""Street lighting: lamps burn from dusk to dawn, fail now and then, and wait for one of the repair crews."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import simpy
import xarray as xr

from twin.packs import PackView
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Scenario, Signal, quantity
from twin.world import World


class LampScenario(Scenario):
    """What a planner may set."""

    lamps_per_street: int = quantity(4, "1", 0, 200, "Lamps on each street segment.")
    lamp_power_w: float = quantity(60.0, "W", 1, 1000, "Power of one lamp with its ballast.")
    crews: int = quantity(2, "1", 1, 50, "Repair crews of each city.")
    time_to_failure_h: float = quantity(12_000.0, "h", 100, 200_000, "Mean burning time between failures.")


class CityLamps(CityModel):
    """The lamps of one city."""

    def __init__(self, city: str, lamps: int, scenario: LampScenario, world: World) -> None:
        self.city, self.lamps, self.scenario, self.world = city, lamps, scenario, world
        self.lit = np.zeros(world.end_s // world.window_s)
        self.dark = 0
        self.lamp_seconds_lost = 0.0
        self.crews = simpy.Resource(world.env, scenario.crews)
        self.luck = world.rng("failures", city)

    def run(self) -> Generator[simpy.Event, Any, None]:
        """At the end of each window: how many lamps burnt, how many failed, what power was drawn."""
        while True:
            window = yield self.world.turn()
            hour = self.world.at(window.start_s).hour
            burning = self.lamps - self.dark if hour >= 18 or hour < 6 else 0
            self.lit[window.index] = burning
            hours = (window.end_s - window.start_s) / 3600
            for _ in range(self.luck.poisson(burning * hours / self.scenario.time_to_failure_h)):
                self.world.env.process(self.repair())
            power_kw = burning * self.scenario.lamp_power_w / 1000
            self.world.signals.write("street_light_power", self.city, power_kw)

    def repair(self) -> Generator[simpy.Event, Any, None]:
        """A lamp is dark until a crew has come and gone."""
        failed_at = self.world.env.now
        self.dark += 1
        with self.crews.request() as crew:
            yield crew
            yield self.world.env.timeout(3600)
        self.dark -= 1
        self.lamp_seconds_lost += self.world.env.now - failed_at

    def data(self) -> xr.Dataset:
        """Burning lamps by window."""
        start = np.datetime64(self.world.start.replace(tzinfo=None), "ns")
        time = start + np.arange(len(self.lit)) * np.timedelta64(self.world.window_s, "s")
        return xr.Dataset(
            {"burning_lamps": (("time",), self.lit, {"units": "1", "long_name": "lamps that burn"})},
            coords={"time": time},
        )

    def kpis(self) -> Mapping[str, float]:
        """Energy and loss of light."""
        energy = self.lit.sum() * self.scenario.lamp_power_w / 1000 * self.world.window_s / 3600
        return {"energy": float(energy), "dark_lamp_hours": self.lamp_seconds_lost / 3600}


class StreetLamps(Pilot):
    """Street lighting with repair crews."""

    id = "street_lamps"
    title = "Street lighting"
    domain = Domain.ENERGY
    version = "1.0.0"
    needs = (Need("streets", "lamps stand along streets", instead=("stops",)),)
    writes = (Signal("street_light_power", "kW", "Power drawn by street lighting."),)
    kpis = (
        Kpi("energy", "Electricity used", "kWh", "lower", "Burning lamps times lamp power.", "own"),
        Kpi("dark_lamp_hours", "Light lost", "h", "lower", "Hours from failure to repair, all lamps.", "own"),
    )
    Scenario = LampScenario
    separable = True

    def build(
        self, packs: Mapping[str, PackView], scenario: LampScenario, world: World
    ) -> Mapping[str, CityModel]:
        """One model a city; lamps by the number of its street segments, or of its stops."""
        models: dict[str, CityModel] = {}
        for city, pack in packs.items():
            places = pack.table("streets" if pack.has("streets") else "stops", [])
            models[city] = CityLamps(city, scenario.lamps_per_street * len(places), scenario, world)
        return models
