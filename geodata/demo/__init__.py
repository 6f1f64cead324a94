"""Demo packs: five cities made up around published facts, so that Twinbox runs on a bare machine.

They are true to the map (outlines, waters, districts with their residents, main roads, climate) and made up
in everything else; every dataset is graded ``synthetic`` and says so. A pack takes a second or two and comes
out the same, byte by byte, wherever it is made.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from geodata.atomic import new_folder, partial_name, remove, sweep
from geodata.demo.facts import demo_cities, facts_of, fingerprint
from geodata.errors import DamagedPack, NotReady
from geodata.home import demo_packs_home
from geodata.pack import CityPack, open_pack
from geodata.publish import write_pack

__all__ = ["demo_cities", "demo_pack", "ensure"]


def ensure(city_id: str, home: Path | None = None) -> CityPack:
    """The demo pack of a city, made on first use.

    Args:
        city_id: A city of :func:`demo_cities`.
        home: Where demo packs stand; in Twinbox's home if left out.

    Raises:
        UnknownName: The city has no demo pack.
    """
    return demo_pack(city_id, (demo_packs_home() if home is None else home / "demo-packs") / city_id)


def demo_pack(city_id: str, folder: Path) -> CityPack:
    """The demo pack in a folder: opened if this version made it, else made anew.

    It appears whole, by one rename; whoever is faster of two processes wins, and both open the same.

    Args:
        city_id: A city of :func:`demo_cities`.
        folder: The pack's own folder.

    Raises:
        UnknownName: The city has no demo pack.
    """
    facts = facts_of(city_id)
    version = fingerprint()
    while (pack := _opened(folder, version)) is None:
        from geodata.demo.datasets import drafts

        datasets = drafts(city_id)
        outdated = partial_name(folder)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(outdated)
        remove(outdated)
        # Another process may be faster; what it made is the same.
        with contextlib.suppress(FileExistsError), new_folder(folder) as partial:
            write_pack(partial, facts.city, datasets, recipe_sha256=version, demo=True)
    sweep(folder.parent)
    return pack


def _opened(folder: Path, version: str) -> CityPack | None:
    try:
        pack = open_pack(folder)
    except (NotReady, DamagedPack):
        return None
    return pack if pack.manifest.recipe_sha256 == version else None
