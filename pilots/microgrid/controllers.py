"""The controllers by name."""

from pilots.microgrid.ensemble import Ensemble
from pilots.microgrid.forecast import Climatology, Perfect
from pilots.microgrid.predictive import Predictive

CONTROLLERS = {
    "predictive": Predictive(),
    "ensemble": Predictive(Ensemble()),
    "climatology": Predictive(Climatology()),
    "perfect": Predictive(Perfect()),
}


def named(name):
    return CONTROLLERS[name]
