"""Find a city's pack: the one that was built from its data, else its demo pack."""

from __future__ import annotations

from pathlib import Path

from geodata.city import City
from geodata.home import packs_home
from geodata.pack import CityPack, open_pack


def pack_of(city: City, home: Path | None = None) -> CityPack:
    """The city's pack."""
    return open_pack((home / "packs" if home else packs_home()) / city.id)
