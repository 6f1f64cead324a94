"""Which pack stands for a city: the one built from its data, or else its demo pack."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from geodata.city import City, find_city
from geodata.errors import DamagedPack, NotReady
from geodata.home import home as twinbox_home
from geodata.pack import MANIFEST, CityPack, open_pack


def pack_of(city: City | str, home: Path | None = None) -> CityPack:
    """The built pack of a city if there is one, else its demo pack, generated on first use.

    ``pack.demo`` tells which. A built pack that is damaged is an error, never passed over for the demo pack.

    Args:
        city: A city, or any name it answers to.
        home: Twinbox's home; the usual one if left out.

    Raises:
        UnknownName: No city answers to the name.
        NotReady: The city has neither a built pack nor a demo pack.
        DamagedPack: The built pack's manifest cannot be read.
    """
    from geodata.demo import demo_cities, ensure

    where = twinbox_home() if home is None else home
    found = find_city(city) if isinstance(city, str) else city
    built = where / "packs" / found.id
    if (built / MANIFEST).exists():
        return open_pack(built)
    if found.id in demo_cities():
        return ensure(found.id, where)
    raise NotReady(
        f"{found.name} has no pack, and no demo pack is known of it",
        field="city",
        value=found.id,
        hint=f"build one: twinbox pack build {found.id} --sources FOLDER",
    )


def state_of(city: City, home: Path | None = None) -> Literal["built", "demo", "damaged", "none"]:
    """Which pack :func:`pack_of` would give, without generating a demo pack."""
    from geodata.demo import demo_cities

    built = (twinbox_home() if home is None else home) / "packs" / city.id
    if (built / MANIFEST).exists():
        try:
            return "demo" if open_pack(built).demo else "built"
        except DamagedPack:
            return "damaged"
    return "demo" if city.id in demo_cities() else "none"
