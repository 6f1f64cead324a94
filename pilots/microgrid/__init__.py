"""Local grids with storage: what a battery, sun and wind behind one connection can do for a city.

A school, forty flats and the street lighting share a connection of 300 kW. With a battery they may do with
180, keep their own sun for the evening, and hold out through an outage. How large must it be, how is it
best run, and what is the least that could have been paid? :func:`size`, :func:`operate` and :func:`optimum`
answer these three.
"""

from pilots.microgrid.charging import ChargingSessions
from pilots.microgrid.control import operate
from pilots.microgrid.controllers import CONTROLLERS
from pilots.microgrid.design import Design, Limits, size
from pilots.microgrid.lifecycle import Prices
from pilots.microgrid.optimum import optimum
from pilots.microgrid.schedule import Schedule
from pilots.microgrid.series import Series
from pilots.microgrid.site import Battery, Connection, Generator, Site, Solar, Tariff, Wind

__all__ = [
    "CONTROLLERS",
    "Battery",
    "ChargingSessions",
    "Connection",
    "Design",
    "Generator",
    "Limits",
    "Prices",
    "Schedule",
    "Series",
    "Site",
    "Solar",
    "Tariff",
    "Wind",
    "operate",
    "optimum",
    "size",
]
