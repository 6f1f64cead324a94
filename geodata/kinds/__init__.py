"""The kinds of dataset that packs may hold, each declared once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from geodata.errors import UnknownName
from geodata.kinds import movement, nature, places, series
from geodata.kinds.model import Column, Kind

__all__ = ["KINDS", "Column", "Kind", "kind"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {item.name: item for item in (*places.KINDS, *movement.KINDS, *nature.KINDS, *series.KINDS)}
)


def kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        UnknownName: There is no such kind.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownName(
            "no kind of dataset is called this",
            field="kind",
            value=name,
            expected="one of " + ", ".join(KINDS),
        ) from None
