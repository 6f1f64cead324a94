"""Where Twinbox keeps what it builds on this machine: packs, runs, recipes of the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """The folder named by ``TWINBOX_HOME``, else the platform's folder for user data; not created here."""
    named = os.environ.get("TWINBOX_HOME")
    return Path(named).expanduser() if named else user_data_path("twinbox", appauthor=False)


def packs_home() -> Path:
    """Where built packs stand, one folder per city."""
    return home() / "packs"


def recipes_home() -> Path:
    """Where users put recipes of cities that do not ship with Twinbox."""
    return home() / "recipes"


def demo_packs_home() -> Path:
    """Where generated demo packs stand, one folder per city."""
    return home() / "demo-packs"


def cache_home() -> Path:
    """Where results that are dear to compute and cheap to lose are kept, e.g. travel-time matrices."""
    return home() / "cache"
