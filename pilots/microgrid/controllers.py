"""The controllers by name."""
from geodata.errors import UnknownName
from pilots.microgrid.ensemble import Ensemble
from pilots.microgrid.forecast import Climatology, Perfect, Persistence
from pilots.microgrid.predictive import Predictive
CONTROLLERS={"predictive":Predictive(),"ensemble":Predictive(Ensemble()),"climatology":Predictive(Climatology()),"perfect":Predictive(Perfect())}
def named(name):
    return CONTROLLERS[name]
