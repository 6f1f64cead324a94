"""The ledger of the EU Nature Restoration Regulation for cities: no net loss of green, then more of it.

Regulation (EU) 2024/1991, article 8: by 31 December 2030 there shall be no net loss of the national area of
urban green space and of urban tree canopy against 2024, unless green exceeds 45 % and canopy 10 % of an urban
ecosystem area; from 2031 both shall increase, measured every six years, until they are satisfactory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BASE_YEAR = 2024
FIRST_CHECK = 2030
CHECK_EVERY_YEARS = 6
EXEMPT_GREEN_SHARE = 0.45
EXEMPT_CANOPY_SHARE = 0.10


@dataclass(frozen=True)
class Entry:
    """One check of the ledger.

    Attributes:
        year: When it is made.
        green_share: Share of land that is green.
        canopy_share: Share of land under crowns.
        green_change: Against the check before (2024 for the first).
        canopy_change: Likewise.
        exempt: Both shares exceed the thresholds of the exemption.
        kept: The obligation of that check is kept.
    """

    year: int
    green_share: float
    canopy_share: float
    green_change: float
    canopy_change: float
    exempt: bool
    kept: bool


def check_years(last_year: int) -> list[int]:
    """The years of the ledger up to a year: 2030 and every six years after."""
    return list(range(FIRST_CHECK, last_year + 1, CHECK_EVERY_YEARS))


def ledger(
    green_share: Mapping[int, float], canopy_share: Mapping[int, float], *, tolerance: float = 1e-9
) -> list[Entry]:
    """Make the checks for which there are figures.

    Args:
        green_share: Share of land that is green, by year; 2024 is the base.
        canopy_share: Share of land under crowns, by year.
        tolerance: Loss below which nothing is lost.
    """
    entries = []
    before = BASE_YEAR
    for year in check_years(max(green_share)):
        green = green_share[year] - green_share[before]
        canopy = canopy_share[year] - canopy_share[before]
        exempt = green_share[year] > EXEMPT_GREEN_SHARE and canopy_share[year] > EXEMPT_CANOPY_SHARE
        no_loss = green >= -tolerance and canopy >= -tolerance
        # After 2030 standing still is not enough.
        kept = no_loss if year == FIRST_CHECK else green > tolerance and canopy > tolerance
        entries.append(
            Entry(year, green_share[year], canopy_share[year], green, canopy, exempt, exempt or kept)
        )
        before = year
    return entries
