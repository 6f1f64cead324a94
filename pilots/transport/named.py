"""Districts, streets and lines that a scenario names: do the cities have them?

A zone called ``jueri`` in place of ``juri`` would be a service that takes nobody, and a closed bridge whose
name is misspelt stays open without a word. So a name that no city of the run knows is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from geodata.errors import UnknownName

if TYPE_CHECKING:
    from pilots.transport.scenario import TransportScenario
    from twin.packs import PackView

_SHOWN = 8


def check_names(packs: Mapping[str, PackView], scenario: TransportScenario) -> None:
    """Refuse a scenario that names what no city has.

    Args:
        packs: The pack of each city.
        scenario: Its fields ``districts_served``, ``closed_streets`` and ``withdrawn_lines`` are looked at.

    Raises:
        UnknownName: A name is unknown in every city; the nearest names are given.
    """
    asked = {
        "districts_served": (scenario.districts_served, ("districts",), ("district_id",)),
        "closed_streets": (scenario.closed_streets, ("streets",), ("street_id", "name")),
        "withdrawn_lines": (scenario.withdrawn_lines, ("lines", "rides"), ("line_id", "name")),
    }
    for field, (names, kinds, columns) in asked.items():
        known = _known(packs, kinds, columns) if names else set()
        for name in names:
            if name not in known:
                raise UnknownName(
                    f"no city of the run has one of this name: {', '.join(sorted(packs))}",
                    field=field,
                    value=name,
                    expected=_suggestion(name, known),
                )


def _known(packs: Mapping[str, PackView], kinds: tuple[str, ...], columns: tuple[str, ...]) -> set[str]:
    """The names of a kind in all packs, by any of the columns that tell them."""
    found: set[str] = set()
    for pack in packs.values():
        for kind in kinds:
            if pack.has(kind):
                own = pack.table(kind)
                for column in columns:
                    if column in own:
                        found |= set(own[column].dropna().astype(str))
    return found


def _suggestion(name: str, known: set[str]) -> str:
    """What might have been meant: the nearest names, or the first of all."""
    if not known:
        return "none, as the cities share none"
    near = get_close_matches(name, sorted(known), n=_SHOWN)
    if near:
        return "perhaps " + ", ".join(near)
    some = sorted(known)[:_SHOWN]
    return "one of " + ", ".join(some) + (f" … ({len(known):,} in all)" if len(known) > _SHOWN else "")
