"""The buildings pilot as a plug-in: what it needs, what planners may set, what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import pandas as pd
from pydantic import Field

from geodata.errors import NotReady
from pilots.buildings.indicators.energy import degree_days
from pilots.buildings.kpis import KPIS
from pilots.buildings.measured import measured_co2
from pilots.buildings.metered import metered_heat_w
from pilots.buildings.model import CityBuildings, Site
from pilots.buildings.operation import Operation, Ventilation
from pilots.buildings.site_weather import weather_of
from pilots.buildings.stock.school import School, choose_schools, schools_of
from twin.packs import PackView
from twin.pilot import CityModel, Domain, Need, Pilot, Scenario, Signal, quantity
from twin.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from twin.result import Result


class BuildingsScenario(Scenario):
    """What a planner may set."""

    buildings: int = quantity(
        20, "1", 1, 200, "Schools and kindergartens of each city; TalTech's come on top."
    )
    rooms_per_building: int = quantity(6, "1", 1, 20, "Teaching rooms simulated in each building.")
    thermal_model: Literal["fast", "detailed"] = Field(
        default="fast", description="ISO 13790 with one capacity, or ISO 52016-1 with nodes in every wall."
    )
    ventilation: Ventilation = Field(
        default="as_built",
        description="As built, or a unit with heat recovery everywhere: constant, or on demand.",
    )
    window_airing: bool = Field(default=False, description="Whether windows are opened in every break.")
    night_ventilation: bool = Field(
        default=False, description="Whether buildings are aired on mild nights from May to September."
    )
    setpoint: float = quantity(21.0, "degC", 16, 25, "Air temperature kept while a building is in use.")
    setback: float = quantity(18.0, "degC", 10, 25, "Air temperature kept at night and at weekends.")
    preheat: float = quantity(3.0, "h", 0, 12, "How long before use a building is heated up again.")
    pupils: float = quantity(1.0, "1", 0.2, 1.5, "Pupils in each room, over the usual number.")
    renovation: Literal["as_is", "windows_and_ventilation", "major", "nearly_zero"] = Field(
        default="as_is", description="What is done to all buildings that are not as good already."
    )
    heat_wave: float = quantity(
        0.0, "K", 0, 10, "By how much June to August are warmer than the weather says."
    )
    tree_shade: float = quantity(
        0.0,
        "1",
        0,
        0.9,
        "Direct sunlight that trees before windows take from May to September; the green pilot's word wins.",
    )
    heat_cap: float = quantity(
        0.0, "W/m2", 0, 500, "Most heat a building may draw over its floor; 0 for no cap."
    )
    heat_price: float = quantity(90.0, "EUR/MWh", 0, 500, "Price of district heat.")
    electricity_price: float = quantity(
        160.0, "EUR/MWh", 0, 1000, "Price of electricity with network and taxes."
    )
    heat_emissions: float = quantity(0.12, "kg/kWh", 0, 1, "CO2 of district heat.")
    electricity_emissions: float = quantity(0.45, "kg/kWh", 0, 2, "CO2 of electricity.")

    def operation(self) -> Operation:
        """How buildings are run."""
        return Operation(
            ventilation=self.ventilation,
            window_airing=self.window_airing,
            night_ventilation=self.night_ventilation,
            setpoint_c=self.setpoint,
            setback_c=self.setback,
            preheat_h=self.preheat,
            pupils_factor=self.pupils,
            heat_cap_w_m2=self.heat_cap,
        )

    def renovated(self, school: School) -> School:
        """A building after what is done to all."""
        if self.renovation == "as_is":
            return school
        better = replace(school, renovation=self.renovation)
        # Who is better already keeps what it has.
        return (
            better
            if better.archetype.wall_u + better.archetype.window_u
            < (school.archetype.wall_u + school.archetype.window_u)
            else school
        )


class Buildings(Pilot):
    """Indoor environment and energy of educational buildings."""

    id = "buildings"
    title = "Educational buildings"
    titles: ClassVar[Mapping[str, str]] = {"et": "Haridushooned", "fi": "Koulurakennukset"}
    domain = Domain.BUILT_ENVIRONMENT
    version = "1.0.0"
    needs = (
        Need("schools", "the buildings that are simulated"),
        Need(
            "weather",
            "drives heat, sun and moisture",
            columns=("temperature_c", "dni_w_m2", "dhi_w_m2"),
        ),
        Need("buildings", "footprints and heights of the schools", optional=True),
        Need("sensors", "which rooms have sensors of their own", optional=True),
        Need("observations", "measured carbon dioxide and heat, to hold the model to", optional=True),
    )
    reads = (
        Signal("window_transmittance", "1", "Direct light that canopies let through.", dims=("school_id",)),
        Signal("canopy_air_temperature_offset", "K", "What canopies do to the air of the city."),
    )
    writes = (
        Signal("school_electric_power", "kW", "Mean electric power of the educational buildings."),
        Signal("school_heat_power", "kW", "Mean heat supplied to the educational buildings."),
        Signal(
            "electric_power_of_school", "kW", "The same of each building's electricity.", dims=("school_id",)
        ),
        Signal("heat_power_of_school", "kW", "The same of each building's heat.", dims=("school_id",)),
    )
    kpis = KPIS
    Scenario = BuildingsScenario
    start = "2026-03-02"
    days = 7
    replications = 5
    window_s = 3600
    separable = True

    def build(
        self, packs: Mapping[str, PackView], scenario: BuildingsScenario, world: World
    ) -> Mapping[str, CityModel]:
        """One model a city."""
        return {city: _city(city, pack, scenario, world) for city, pack in packs.items()}

    def charts(self, result: Result) -> Mapping[str, Figure]:
        """Heat and warmth of the stock, and measured beside simulated carbon dioxide."""
        from pilots.buildings.charts import charts

        return charts(result)


def _city(city: str, pack: PackView, scenario: BuildingsScenario, world: World) -> CityBuildings:
    chosen = choose_schools(pack.features("schools"), scenario.buildings)
    if not len(chosen):
        raise NotReady("no educational building to simulate", field="schools", value=city)
    footprints = pack.features("buildings") if pack.has("buildings") else None
    rng = world.rng("stock", city)
    schools = [scenario.renovated(school) for school in schools_of(chosen, footprints, rng)]
    middle = chosen.to_crs(4326).geometry.union_all().centroid
    table = pack.table("weather")
    hours = int(world.end_s // 3600)
    weather, notes = weather_of(table, pd.Timestamp(world.start), hours, middle.y, middle.x, city)
    year = degree_days(table["temperature_c"].to_numpy()) * 8760.0 / max(len(table), 1)
    about = pack.dataset("weather").provenance
    said = ". ".join(part for part in (f"{about.source} (grade {about.grade})", about.notes) if part)
    notes = [said.rstrip("."), *notes]
    timezone = pack.city.timezone
    site = Site(city, timezone, weather, year, notes)
    metered = metered_heat_w(pack, [school.id for school in schools], pd.Timestamp(world.start), hours)
    return CityBuildings(site, schools, scenario, world, measured_co2(pack, timezone), metered)
