"""Demo packs: five cities made up around published facts, so that Twinbox runs on a bare machine.

They are true to the map (outlines, waters, districts with their residents, main roads, climate) and made up
in everything else; every dataset is graded ``synthetic`` and says so. A pack takes a second or two and comes
out the same, byte by byte, wherever it is made.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import uuid
from pathlib import Path

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
    pack = _opened(folder, version)
    if pack is not None:
        return pack
    from geodata.demo.datasets import drafts

    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        write_pack(partial, facts.city, drafts(city_id), recipe_sha256=version, demo=True)
        _publish(partial, folder, version)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return open_pack(folder)


def _opened(folder: Path, version: str) -> CityPack | None:
    try:
        pack = open_pack(folder)
    except (NotReady, DamagedPack):
        return None
    return pack if pack.manifest.recipe_sha256 == version else None


def _publish(partial: Path, folder: Path, version: str) -> None:
    """Put a new pack in its place; an outdated one is moved out of the way first."""
    while True:
        try:
            partial.rename(folder)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
            if _opened(folder, version) is not None:
                return  # Another process was faster.
        else:
            return
        outdated = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.old")
        with contextlib.suppress(FileNotFoundError):
            folder.rename(outdated)
            shutil.rmtree(outdated)
