"""Pilots that stand beside another in trial runs: one that minds its own business, one that crashes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, ClassVar

import simpy
import xarray as xr

from twin.packs import PackView
from twin.pilot import CityModel, Domain, Need, Pilot, Scenario
from twin.world import World


class Idle(CityModel):
    """A model that draws a few numbers and keeps the clock busy."""

    def __init__(self, city: str, world: World) -> None:
        self.world = world
        self.draws = world.rng("idle", city).random(3)

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Wake up now and then, at odd moments."""
        while True:
            yield self.world.env.timeout(977)

    def data(self) -> xr.Dataset:
        """The numbers drawn."""
        return xr.Dataset({"draws": (("draw",), self.draws, {"units": "1"})})

    def kpis(self) -> Mapping[str, float]:
        """None."""
        return {}


class Crashing(Idle):
    """A model that fails in mid-run."""

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Fail at half time."""
        yield self.world.env.timeout(self.world.end_s / 2)
        raise ZeroDivisionError("made to fail")


def bystander(other: Pilot) -> Pilot:
    """A pilot that needs the same data as another and does nothing to it."""

    class Bystander(_Neighbour):
        id = "a_bystander"
        needs = other.needs
        window_s = other.window_s

    return Bystander()


def saboteur(other: Pilot) -> Pilot:
    """A pilot that needs the same data as another and fails in mid-run."""

    class Saboteur(_Neighbour):
        id = "a_saboteur"
        needs = other.needs
        window_s = other.window_s
        model = Crashing

    return Saboteur()


class _Neighbour(Pilot):
    title = "Neighbour"
    domain = Domain.URBAN_DATA
    version = "1"
    needs: ClassVar[tuple[Need, ...]]
    Scenario = Scenario
    model: ClassVar[type[Idle]] = Idle

    def build(self, packs: Mapping[str, PackView], scenario: Any, world: World) -> Mapping[str, CityModel]:  # noqa: ARG002
        for pack in packs.values():
            kinds = (kind for need in self.needs for kind in (need.kind, *need.instead))
            entry = next(entry for kind in kinds for entry in pack.of_kind(kind))
            if entry.form == "table":
                pack.table(entry.id, entry.columns[:1])
            else:
                pack.cube(entry.id)
        return {city: self.model(city, world) for city in packs}
