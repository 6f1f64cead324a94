"""Streets that can be travelled, and how long it takes: by car, by bus, on foot, by public transport.

Example::

    graph = combine([street_graph(tallinn), street_graph(rae)])
    stops = snap(graph, features, max_distance_m=200, names=features["stop_id"])
    morning = travel_times(graph, stops, stops, mode="car", speed_factor=0.6)
    morning.seconds, morning.metres, morning.grade, morning.note, stops.refused
"""

from geodata.streets.access import NearestStops, nearest_stops
from geodata.streets.combine import combine
from geodata.streets.derived import from_rides
from geodata.streets.graph import Mode, SpeedFactor, StreetGraph, from_features
from geodata.streets.of_pack import street_graph
from geodata.streets.paths import paths
from geodata.streets.snapping import Places, Refusal, snap
from geodata.streets.times import TravelTimes, travel_times
from geodata.streets.transit import DayType, TransitTimes, transit_times

__all__ = [
    "DayType",
    "Mode",
    "NearestStops",
    "Places",
    "Refusal",
    "SpeedFactor",
    "StreetGraph",
    "TransitTimes",
    "TravelTimes",
    "combine",
    "from_features",
    "from_rides",
    "nearest_stops",
    "paths",
    "snap",
    "street_graph",
    "transit_times",
    "travel_times",
]
