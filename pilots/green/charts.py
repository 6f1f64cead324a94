"""Charts of the green pilot: canopy by year, and when young trees make up for felled ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from twin.result import Result

_TITLES = {
    "canopy": ("Crown area", "m²"),
    "carbon": ("Carbon", "t"),
    "shade": ("Leaf area, which makes the shade", "m²"),
}
_FELLED, _REPLACED, _CITY = "#8c510a", "#1b7837", "#2166ac"


def charts(result: Result) -> Mapping[str, Figure]:
    """The charts of a run, one set per city."""
    drawn: dict[str, Figure] = {}
    for city, node in result.data["green"].children.items():
        data = node.to_dataset()
        drawn[f"canopy-{city}"] = _canopy(city, data)
        if float(np.nanmax(data["felled_canopy"].values)) > 0:
            drawn[f"break-even-{city}"] = _break_even(city, data)
    return drawn


def _canopy(city: str, data: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    _band(axes, data, "canopy_cover", _CITY, "canopy cover (P10 to P90)")
    axes.set(title=f"Tree canopy cover of {city.capitalize()}", ylabel="% of land", xlabel="end of year")
    axes.legend(frameon=False)
    return figure


def _break_even(city: str, data: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, (name, (title, unit)) in zip(panels, _TITLES.items(), strict=True):
        _band(axes, data, f"felled_{name}", _FELLED, "felled trees, had they stayed")
        _band(axes, data, f"replaced_{name}", _REPLACED, "replacements")
        felled, replaced = (
            data[f"{kind}_{name}"].sel(bound="value").values for kind in ("felled", "replaced")
        )
        caught_up = (replaced >= felled) & (felled > 0)
        years = data["year"].values
        if caught_up.any():
            year = int(years[caught_up.argmax()])
            axes.axvline(year, color="0.4", linewidth=1, linestyle=":")
            axes.annotate(
                f"break-even {year}",
                (year, axes.get_ylim()[1]),
                ha="right",
                va="top",
                fontsize=9,
                rotation=90,
            )
            text = title
        else:
            text = f"{title}: no break-even by {int(years[-1])}"
        axes.set(title=text, ylabel=unit, xlabel="end of year")
        axes.set_ylim(bottom=0)
    panels[0].legend(frameon=False, fontsize=9)
    figure.suptitle(f"Fell and replace in {city.capitalize()} (bands: P10 to P90)")
    return figure


def _band(axes: object, data: xr.Dataset, name: str, colour: str, label: str) -> None:
    year = data["year"].values
    value, low, high = (data[name].sel(bound=bound).values for bound in ("value", "p10", "p90"))
    axes.fill_between(year, low, high, color=colour, alpha=0.2, linewidth=0)  # type: ignore[attr-defined]
    axes.plot(year, value, color=colour, linewidth=2, label=label)  # type: ignore[attr-defined]
