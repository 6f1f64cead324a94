"""Kinds that say how people move: streets, stops, lines, timetables, trips between places."""

from __future__ import annotations

from geodata.kinds.model import Column, Kind, identifier, instant, number, text, titles

MODES = ("bus", "trolleybus", "tram", "train", "metro", "ferry", "bicycle", "on_demand", "other")

STREETS = Kind(
    "streets",
    titles("Streets", "Tänavad", "Kadut"),
    "A street segment between two junctions; its end points meet those of its neighbours exactly.",
    (
        identifier("street_id", "Identifier of the segment."),
        text("name", "Street name."),
        text("road_class", "Class as the source codes it, e.g. residential.", required=True),
        number("length_m", "m", "Length on the ground.", 0, 1e5, required=True),
        number("speed_kmh", "km/h", "Speed of a car in free flow.", 1, 130, required=True),
        Column("oneway", "boolean", "Only passable in the direction of its line."),
        Column("car", "boolean", "Open to cars and buses."),
        Column("walk", "boolean", "Open to pedestrians."),
        Column("component", "integer", "0 for the largest connected part, then by falling length.", low=0),
    ),
    geometry="line",
    key=("street_id",),
)

STOPS = Kind(
    "stops",
    titles("Stops", "Peatused", "Pysäkit"),
    "A stop of a line, or a station of a shared-vehicle scheme.",
    (
        identifier("stop_id", "Identifier in the source."),
        text("name", "Name.", required=True),
        text("area", "Settlement or district as the source names it."),
        text("mode", "Mode that stops here, where known.", allowed=MODES),
        number("capacity", "1", "Docks of a bicycle station.", 0, 500),
    ),
    geometry="point",
    key=("stop_id",),
)

LINES = Kind(
    "lines",
    titles("Public-transport lines", "Ühistranspordiliinid", "Joukkoliikennelinjat"),
    "A line or line variant of public transport.",
    (
        identifier("line_id", "Identifier in the source."),
        text("name", "Number or short name shown on the vehicle.", required=True),
        text("long_name", "From and to."),
        text("mode", "Mode.", required=True, allowed=MODES),
        text("agency", "Operator."),
    ),
    geometry="line",
    key=("line_id",),
)

HEADWAYS = Kind(
    "headways",
    titles("Headways", "Intervallid", "Vuorovälit"),
    "How often a line runs within a band of hours on a type of day.",
    (
        identifier("line_id", "Line of the dataset `lines`."),
        text(
            "day_type",
            "Type of day.",
            required=True,
            allowed=("weekday", "saturday", "sunday", "weekend", "daily"),
        ),
        Column("start_h", "number", "Band begins, local hour.", "h", low=0, high=30),
        Column("end_h", "number", "Band ends, local hour.", "h", low=0, high=36),
        Column("headway_s", "number", "Seconds between departures.", "s", low=1, high=172800),
    ),
    key=("line_id", "day_type", "start_h"),
)

RIDES = Kind(
    "rides",
    titles("Rides between stops", "Sõidud peatuste vahel", "Pysäkkien väliset matkat"),
    "A ride or a walk from one stop to the next.",
    (
        identifier("from_stop_id", "Stop it begins at."),
        identifier("to_stop_id", "Stop it ends at."),
        identifier("line_id", "Line of the dataset `lines`; `walk` for a walk between stops."),
        number("travel_time_s", "s", "Time in motion.", 0, 86400, required=True),
        number("distance_m", "m", "Distance, where the source has it.", 0, 1e6),
    ),
    key=("from_stop_id", "to_stop_id", "line_id"),
    unequal=("from_stop_id", "to_stop_id"),
)

TIMETABLE = Kind(
    "timetable",
    titles("Timetable", "Sõiduplaan", "Aikataulu"),
    "One call of one trip at one stop.",
    (
        identifier("trip_id", "Trip."),
        identifier("line_id", "Line of the dataset `lines`."),
        Column("stop_sequence", "integer", "Order of the call in the trip.", low=0),
        identifier("stop_id", "Stop of the dataset `stops`."),
        Column(
            "arrival_s",
            "number",
            "Arrival, seconds after the start of the service day.",
            "s",
            low=0,
            high=259200,
        ),
        Column("departure_s", "number", "Departure, likewise.", "s", low=0, high=259200),
        text("service_days", "Weekdays it runs as seven digits, Monday first, e.g. 1111100.", required=True),
    ),
    key=("trip_id", "stop_sequence"),
)

TRIPS = Kind(
    "trips",
    titles("Trips", "Liikumised", "Matkat"),
    "Trips from one place to another: one observed trip, or a weight for a pair of places.",
    (
        identifier("trip_id", "Trip, or the pair's identifiers joined."),
        identifier("origin_id", "Place it starts at, a row of the dataset that the notes name."),
        identifier("destination_id", "Place it ends at."),
        number("trips", "1", "Trips of this pair in the period that the notes name.", 0, 1e7, required=True),
        instant("departure", "Start.", required=False),
        instant("arrival", "End.", required=False),
        number("distance_m", "m", "Distance travelled.", 0, 1e6),
        text("mode", "Mode, where known."),
    ),
    key=("trip_id",),
)

KINDS = (STREETS, STOPS, LINES, HEADWAYS, RIDES, TIMETABLE, TRIPS)
