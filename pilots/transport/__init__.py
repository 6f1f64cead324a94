"""On-demand shared transport: what fleet, what rules, what it costs, who is better off.

``simulate_service`` runs a day of immediate requests on any network; ``darp`` plans and proves pre-booked
days; ``audit`` checks what the simulation claims; ``indicators``, ``equity`` and ``economics`` say what it
means for a planner.
"""

from pilots.transport import darp
from pilots.transport.audit import Fault, audit
from pilots.transport.fleet import Fleet, Rest
from pilots.transport.indicators import indicators, indicators_by
from pilots.transport.network import Network
from pilots.transport.policy import Policy
from pilots.transport.result import ServiceResult
from pilots.transport.service import simulate_service

__all__ = [
    "Fault",
    "Fleet",
    "Network",
    "Policy",
    "Rest",
    "ServiceResult",
    "audit",
    "darp",
    "indicators",
    "indicators_by",
    "simulate_service",
]
