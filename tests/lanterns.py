"""A pilot for tests: lanterns in districts, with KPIs by district, intervals, series, and ways to fail."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal

import numpy as np
import simpy
import xarray as xr
from pydantic import Field

from geodata.errors import InvalidInput
from twin.packs import PackView
from twin.pilot import CityModel, Domain, Kpi, Need, Pilot, Scenario, quantity
from twin.world import World


class LanternScenario(Scenario):
    """What a test may set."""

    number: int = quantity(10, "1", 1, 1000, "Lanterns of each district.")
    oil_l: float = quantity(0.5, "l", 0.1, 10, "Oil a lantern takes a night.")
    label: str = Field(default="plain", description="A text that may look like a number.")
    failure: Literal["none", "bug", "data"] = Field(default="none", description="How the run fails.")


class Lanterns(CityModel):
    """The lanterns of one city."""

    def __init__(self, city: str, districts: list[str], scenario: LanternScenario, world: World) -> None:
        self.scenario, self.world = scenario, world
        self.luck = world.rng("oil", city)
        self.districts = districts
        self.oil = np.full(len(districts), np.nan)
        self.hours = world.end_s // 3600
        self.lit = np.zeros(self.hours)

    def run(self) -> Generator[simpy.Event, Any, None]:
        """One night is like another, but for luck."""
        if self.scenario.failure == "bug":
            raise ZeroDivisionError("no oil left")
        if self.scenario.failure == "data":
            raise InvalidInput(
                "a lantern has no height", file="lanterns.csv", row=3, field="height_m", value=-1
            )
        yield self.world.env.timeout(self.world.end_s)
        nights = self.hours / 24
        self.oil = (
            self.scenario.number
            * self.scenario.oil_l
            * nights
            * self.luck.lognormal(0, 0.3, len(self.districts))
        )
        hour = np.arange(self.hours) % 24
        self.lit = self.scenario.number * len(self.districts) * np.clip(np.cos(hour / 24 * 2 * np.pi), 0, 1)

    def data(self) -> xr.Dataset:
        """Oil by district and burning lanterns by hour."""
        start = np.datetime64(self.world.start.replace(tzinfo=None), "ns")
        return xr.Dataset(
            {
                "oil": (("district",), self.oil, {"units": "l"}),
                "lit": (("time",), self.lit, {"units": "1", "long_name": "lanterns that burn"}),
            },
            coords={
                "district": self.districts,
                "time": start + np.arange(self.hours) * np.timedelta64(3600, "s"),
            },
            attrs={"notes": ["the oil is imagined"]},
        )

    def kpis(self) -> Mapping[str, float]:
        """Oil in all, light in all, and a KPI that never has a value."""
        return {"oil": float(self.oil.sum()), "light": float(self.lit.sum()), "complaints": float("nan")}


class LanternPilot(Pilot):
    """Lanterns."""

    id = "lanterns"
    title = "Street lanterns"
    domain = Domain.ENERGY
    version = "0.1.0"
    needs = (
        Need("districts", "lanterns stand in districts"),
        Need("stops", "people wait at them", columns=("name",)),
        Need("weather", "oil is stiff in the cold", optional=True),
    )
    kpis = (
        Kpi("oil", "Oil burnt", "l", "lower", "Sum over districts.", "own"),
        Kpi("light", "Lantern hours", "h", "higher", "Sum over hours.", "own"),
        Kpi("complaints", "Complaints", "1", "neither", "Not modelled.", "own"),
    )
    Scenario = LanternScenario

    def build(
        self, packs: Mapping[str, PackView], scenario: LanternScenario, world: World
    ) -> Mapping[str, CityModel]:
        """One model a city."""
        return {
            city: Lanterns(city, list(pack.table("districts", ["district_id"]).district_id), scenario, world)
            for city, pack in packs.items()
        }
