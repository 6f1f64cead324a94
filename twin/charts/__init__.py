"""Charts of results: indicators city beside city, maps by district, series over time, sweeps.

Example::

    figures = charts_of(result, packs)
    write(figures, Path("charts"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twin.charts.canvas import write
from twin.charts.indicators import kpi_comparison
from twin.charts.maps import district_map, pack_map
from twin.charts.series import time_series
from twin.charts.sweeps import frontier, response

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from geodata.pack import CityPack
    from twin.ensemble import Sweep
    from twin.result import Result

__all__ = [
    "charts_of", "charts_of_sweep", "district_map", "frontier", "kpi_comparison", "pack_map", "response",
    "time_series", "write",
]  # fmt: skip


def charts_of(result: Result, packs: Mapping[str, CityPack]) -> dict[str, Figure]:
    """The general charts of a result by file name without suffix.

    Args:
        result: The result.
        packs: The cities' packs, as far as they are on this machine; maps need them.
    """
    figures: dict[str, Figure] = {}
    districts = result.district_kpis
    mapped = {city for city, pack in packs.items() if pack.of_kind("districts")}
    for pilot in result.manifest["pilots"]:
        figures[f"{pilot}-indicators"] = kpi_comparison(result, pilot)
        rows = districts[(districts.pilot == pilot) & districts.city.isin(mapped) & districts.value.notna()]
        for kpi in dict.fromkeys(rows.kpi):
            figures[f"{pilot}-map-{kpi}"] = district_map(result, pilot, kpi, packs)
        for number, figure in enumerate(time_series(result, pilot), start=1):
            figures[f"{pilot}-series-{number}"] = figure
    return figures


def charts_of_sweep(
    swept: Sweep, manifest: Mapping[str, Any], pairs: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Figure]:
    """The charts of a sweep by file name without suffix.

    Args:
        swept: The sweep.
        manifest: What it stands on, shaped like a run's: plan, seeds, pilots, data, units of fields.
        pairs: Pairs of KPIs that are drawn against one another, by pilot.
    """
    pilots = list(dict.fromkeys(swept.table.pilot))
    figures = {
        f"{pilot}-response-{number}": figure
        for pilot in pilots
        for number, figure in enumerate(response(swept, manifest, pilot), start=1)
    }
    return figures | {
        f"{pilot}-frontier-{x}-{y}": frontier(swept, manifest, pilot, x, y)
        for pilot, of_pilot in pairs.items()
        for x, y in of_pilot
    }
