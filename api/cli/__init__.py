"""The command line: what a planner types.

Each module holds the commands of one subject and nothing that takes time to import, so that ``twinbox
--help`` answers at once; a command imports what it works with when it is called.
"""

from __future__ import annotations

import io
import sys

from api.cli import cities, doctor, packs, pilots, results, runs, sensors, serve, sweeps, tenants
from api.cli.app import app

__all__ = [
    "app",
    "cities",
    "doctor",
    "main",
    "packs",
    "pilots",
    "results",
    "runs",
    "sensors",
    "serve",
    "sweeps",
    "tenants",
]


def main() -> None:
    """The entry point ``twinbox``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # An old code page shows a question mark for an arrow; it must not end the command.
            stream.reconfigure(errors="replace")
    app(prog_name="twinbox")
