"""All datasets of a demo pack, put together theme by theme in the form of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from geodata.demo import energy, houses, nature, people, rooms
from geodata.demo.facts import facts_of
from geodata.demo.ground import Ground
from geodata.demo.streets import streets
from geodata.demo.terrain import terrain
from geodata.demo.transit import transit
from geodata.demo.weather import weather
from geodata.kinds import kind
from geodata.manifest import Grade, Provenance
from geodata.publish import Draft

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    Tables = dict[str, pd.DataFrame | xr.Dataset]

SOURCE = "Twinbox demo generator, around published facts: outline, districts, residents, main roads, climate"
LICENCE = "CC0-1.0"
ATTRIBUTION = "Made up by Twinbox for demonstration; not data of the city"
HOUR_S = 3600.0

NOTES = {
    "boundary": "the outline drawn anew with a corner every few hundred metres",
    "districts": "cells around known middles, with known residents rounded; borders are made up",
    "population": "residents of districts spread over 500 m cells, thinner outwards; ages by known shares",
    "persons": f"a sample of {people.PERSONS:,} persons whom nobody has ever met",
    "buildings": f"along streets, at most {houses.MOST_BUILDINGS:,}; landmarks are as high as they are",
    "places": "shops, cafés and offices in some of the made-up houses",
    "schools": "names and rough places are real; pupils, floor area and year are made up",
    "streets": "main roads and bridges are real in their rough course; all small streets are made up",
    "stops": "made up along known lines",
    "lines": "known numbers between known districts; the way is made up",
    "headways": "made up from usual headways at the peak",
    "rides": "made up from usual speeds of each mode; walks between stops within 300 m",
    "timetable": "even headways from both ends of each line",
    "trips": f"weekday trips between districts by gravity, {people.TRIPS_PER_RESIDENT:g} per resident",
    "trips-across": "weekday trips from districts to those of the neighbour, which are called city/district",
    "green_areas": "known parks and waters as rounded shapes; open land between what is built",
    "trees": "a made-up sample, by usual species of Nordic streets and parks",
    "green_view": "made up from the kind of district and the distance to green",
    "terrain": "a smooth surface through heights of known places, the sea at 0",
    "land_cover": "the commonest cover of each cell, in classes of CORINE Land Cover",
    "weather": "a typical year made to match monthly normals of 1991-2020, dated 2026, hours in UTC",
    "prices": "made up in step with the weather, around the mean day-ahead price of 2024",
    "load": "the city and some customers, by usual shapes of a day in step with the weather",
    "generation": "by the weather; heat-led plants by the cold",
    "generators": "known plants with their rated power; wind turbines in a row, solar parks made up",
    "sensors": "six class rooms of three schools",
    "observations": f"two weeks, not yet judged by quality control; faults on purpose: {rooms.FAULTS}",
}

RESOLUTION_S = {
    "weather": HOUR_S, "prices": HOUR_S, "load": HOUR_S, "generation": HOUR_S, "observations": rooms.STEP_S,
}  # fmt: skip


def drafts(city_id: str) -> Mapping[str, Draft]:
    """The datasets of a city's demo pack, ready to be written, by id.

    Raises:
        UnknownName: The city has no demo pack.
    """
    ground = Ground(facts_of(city_id))
    tables = {**_places(ground), **_movement_and_nature(ground), **_series(ground)}
    return {name: _draft(name, table) for name, table in tables.items()}


def _places(ground: Ground) -> Tables:
    return {
        "boundary": people.boundary(ground),
        "districts": people.districts(ground),
        "population": people.population(ground),
        "persons": people.persons(ground),
        "trips": people.trips(ground),
        **({"trips-across": people.trips_across(ground)} if ground.facts.neighbours else {}),
    }


def _movement_and_nature(ground: Ground) -> Tables:
    roads = streets(ground)
    moves = transit(ground, roads)
    areas = nature.green_areas(ground)
    buildings = houses.buildings(ground, roads)
    return {
        "streets": roads,
        "stops": moves.stops,
        "lines": moves.lines,
        "headways": moves.headways,
        "rides": moves.rides,
        "timetable": moves.timetable,
        "buildings": buildings,
        "places": houses.places(ground, buildings),
        "green_areas": areas,
        "trees": nature.trees(ground, roads, areas),
        "green_view": nature.green_view(ground, roads, areas),
        "terrain": terrain(ground),
        "land_cover": nature.land_cover(ground),
    }


def _series(ground: Ground) -> Tables:
    facts = ground.facts
    sky, schools = weather(facts), houses.schools(ground)
    sensors = rooms.sensors(facts, schools)
    return {
        "schools": schools,
        "weather": sky,
        "prices": energy.prices(facts, sky),
        "load": energy.load(facts, sky),
        "generation": energy.generation(facts, sky),
        "generators": energy.generators(facts),
        "sensors": sensors,
        "observations": rooms.observations(facts, sensors, sky),
    }


def _draft(name: str, table: pd.DataFrame | xr.Dataset) -> Draft:
    """A dataset in the columns and the order of its kind, with its note."""
    schema = kind(name.split("-", maxsplit=1)[0])
    if schema.form == "table":
        columns = [column.name for column in schema.columns if column.name in table]
        geometry = ["geometry"] if schema.geometry is not None else []
        table = table[[*columns, *geometry]].sort_values(list(schema.key)).reset_index(drop=True)
    provenance = Provenance(
        source=SOURCE, licence=LICENCE, attribution=ATTRIBUTION, grade=Grade.SYNTHETIC, notes=NOTES[name]
    )
    return Draft(name, schema, table, provenance, RESOLUTION_S.get(name))
