"""Sun, shadow and mean radiant temperature among buildings and trees."""

from pilots.green.radiation.person import SITTING, STANDING, Person
from pilots.green.radiation.site import Site, read_site, site
from pilots.green.radiation.tmrt import daily_maps, mean_radiant_temperature
from pilots.green.radiation.weather import clock_offset_h, read_weather

__all__ = [
    "SITTING",
    "STANDING",
    "Person",
    "Site",
    "clock_offset_h",
    "daily_maps",
    "mean_radiant_temperature",
    "read_site",
    "read_weather",
    "site",
]
