"""Pre-booked days: the dial-a-ride problem, solved by search, solved to proof, and checked.

``solve`` plans a day within a time limit, ``solve_exact`` proves how good a plan can get where the windows
are tight enough, and ``check`` finds every broken promise in a plan without trusting either.
"""

from pilots.transport.darp.alns import solve
from pilots.transport.darp.check import Violation, check
from pilots.transport.darp.exact import solve_exact
from pilots.transport.darp.instance import DarpInstance, DriverBreak, read_cordeau
from pilots.transport.darp.solution import DarpSolution, TakenBreak

__all__ = [
    "DarpInstance",
    "DarpSolution",
    "DriverBreak",
    "TakenBreak",
    "Violation",
    "check",
    "read_cordeau",
    "solve",
    "solve_exact",
]
