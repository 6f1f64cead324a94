"""Kinds that change with the clock: weather, prices, load, generation, sensors and what they observe.

Instants are UTC and mark the **start** of the interval that a row describes; ``resolution_s`` in the
manifest tells how long the interval is.
"""

from __future__ import annotations

from geodata.kinds.model import Column, Kind, identifier, instant, number, text, titles

FLAGS = ("good", "unknown", "suspect", "fail", "missing")

WEATHER = Kind(
    "weather",
    titles("Weather", "Ilm", "Sää"),
    "Weather of one interval at one place.",
    (
        instant("time", "Start of the interval."),
        number("temperature_c", "Cel", "Air temperature.", -60, 60, required=True),
        number("dew_point_c", "Cel", "Dew point.", -80, 40),
        number("relative_humidity_percent", "%", "Relative humidity.", 0, 110),
        number("pressure_pa", "Pa", "Pressure at the station.", 80000, 110000),
        number("wind_speed_m_s", "m/s", "Wind speed at 10 m.", 0, 75),
        number("wind_direction_deg", "deg", "Direction the wind comes from.", 0, 360),
        number("ghi_w_m2", "W/m2", "Global horizontal irradiance.", 0, 1500),
        number("dni_w_m2", "W/m2", "Direct normal irradiance.", 0, 1500),
        number("dhi_w_m2", "W/m2", "Diffuse horizontal irradiance.", 0, 1000),
        number("infrared_w_m2", "W/m2", "Long-wave irradiance from the sky.", 0, 700),
        number("precipitation_mm", "mm", "Precipitation in the interval.", 0, 200),
        number("snow_depth_m", "m", "Snow depth.", 0, 10),
        number("cloud_cover", "1", "Share of the sky covered.", 0, 1),
    ),
    key=("time",),
)

PRICES = Kind(
    "prices",
    titles("Electricity prices", "Elektrihinnad", "Sähkön hinnat"),
    "Day-ahead price of one interval, without taxes and fees.",
    (
        instant("time", "Start of the interval."),
        number("price_eur_per_mwh", "EUR/MWh", "Price.", -1000, 10000, required=True),
    ),
    key=("time",),
)

LOAD = Kind(
    "load",
    titles("Electric load", "Elektritarbimine", "Sähkönkulutus"),
    "Mean power drawn in one interval.",
    (
        identifier("series_id", "Meter, building, or area."),
        instant("time", "Start of the interval."),
        number("power_kw", "kW", "Mean power.", 0, 1e8, required=True),
    ),
    key=("series_id", "time"),
)

GENERATION = Kind(
    "generation",
    titles("Generation", "Elektritootmine", "Sähköntuotanto"),
    "Mean power generated in one interval.",
    (
        identifier("series_id", "Plant, or area."),
        instant("time", "Start of the interval."),
        number("power_kw", "kW", "Mean power.", 0, 1e8, required=True),
    ),
    key=("series_id", "time"),
)

GENERATORS = Kind(
    "generators",
    titles("Generators", "Elektritootjad", "Voimalat"),
    "A wind turbine, solar plant or other generator.",
    (
        identifier("generator_id", "Identifier in the source."),
        text("name", "Name."),
        text("source", "What it runs on.", allowed=("wind", "solar", "gas", "oil", "biomass", "unknown")),
        number("capacity_kw", "kW", "Rated power.", 0, 1e7),
    ),
    geometry="point",
    key=("generator_id",),
)

SENSORS = Kind(
    "sensors",
    titles("Sensors", "Andurid", "Anturit"),
    "One series of observations: a property measured at a place.",
    (
        identifier("sensor_id", "Series of observations (a datastream)."),
        text("building_id", "Building or school it stands in."),
        text("room_id", "Room it stands in."),
        text("observed_property", "What it measures, e.g. co2.", required=True),
        text("unit", "Unit of its values.", required=True),
        number("interval_s", "s", "Expected time between observations.", 0, 1e7),
    ),
    geometry="point",
    key=("sensor_id",),
)

OBSERVATIONS = Kind(
    "observations",
    titles("Observations", "Vaatlused", "Havainnot"),
    "One value of one sensor.",
    (
        identifier("sensor_id", "Series of the dataset `sensors`."),
        instant("time", "When it was true."),
        Column("value", "number", "Value in the sensor's unit.", nullable=True),
        text("flag", "Verdict of quality control.", required=True, allowed=FLAGS),
        Column(
            "state",
            "text",
            "Only production data feed an indicator.",
            allowed=("staging", "maintenance", "production"),
        ),
    ),
    key=("sensor_id", "time"),
)

KINDS = (WEATHER, PRICES, LOAD, GENERATION, GENERATORS, SENSORS, OBSERVATIONS)
