"""Charts of the green pilot: canopy by year, leaves by day, shade by hour, and young trees for felled ones.

The chart of replacements answers a planner's question from the top down: what the felled trees would have
given, what the replacements give, and how many young trees of each size it takes by when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from twin.result import Result

_TITLES = {
    "canopy": ("Crown area", "m²"),
    "carbon": ("Carbon", "t"),
    "shade": ("Shade at noon", "m²"),
}
_FELLED, _REPLACED, _CITY, _WINTER = "#8c510a", "#1b7837", "#2166ac", "#7f7f7f"
_MOST_TREES = 50.0


def charts(result: Result) -> Mapping[str, Figure]:
    """The charts of a run, one set per city."""
    drawn: dict[str, Figure] = {}
    plan = result.manifest["plan"]
    names = {
        item["city"]["id"]: item["city"]["names"].get("en", item["city"]["id"]) for item in plan["cities"]
    }
    demo = {item["city"]["id"] for item in plan["cities"] if item["demo"]}
    for city, node in result.data["green"].children.items():
        data = node.to_dataset()
        title = names.get(city, city) + (" (synthetic demo data)" if city in demo else "")
        drawn[f"year-{city}"] = _year(title, data)
        if "replacements_needed" in data:
            drawn[f"break-even-{city}"] = _break_even(title, data)
    return drawn


def _year(title: str, data: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4.2), layout="constrained")
    canopy, leaves, shade = figure.subplots(1, 3)
    _band(canopy, data, "canopy_cover", "year", _CITY, "")
    canopy.set(title="Tree canopy cover", ylabel="% of land", xlabel="end of year")
    _band(leaves, data, "leaf_area_index_by_day", "day", _REPLACED, "")
    leaves.set(title="Leaf area of deciduous crowns", ylabel="m² per m² of crown", xlabel="day of the year")
    leaves.set_ylim(bottom=0)
    if "shade_by_hour" in data:
        for season, colour in (("summer", _REPLACED), ("winter", _WINTER)):
            values = 100.0 * data["shade_by_hour"].sel(season=season)
            shade.plot(
                data["hour"], values.mean("place"), color=colour, linewidth=2, label=f"sunny {season} day"
            )
        shade.set(ylim=(0, 100), xlim=(2, 21))
        shade.legend(frameon=False)
        shade.set_title(f"Shade in school yards (mean of {data.sizes['place']})")
        shade.set(ylabel="% of the yard", xlabel="hour, UTC")
    else:
        shade.set_axis_off()
    _plain(figure, f"Green of {title}; bands are P10 to P90")
    return figure


def _break_even(title: str, data: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True)
    for column, name in enumerate(_TITLES):
        _catching_up(panels[0, column], data, name)
        _needed(panels[1, column], data, name)
    panels[0, 0].legend(frameon=False, fontsize=9)
    panels[1, 0].set_ylabel("young trees for one felled tree")
    panels[1, 2].legend(frameon=False, fontsize=9, title="trunk when planted", loc="upper right")
    _plain(figure, f"Fell and replace in {title}; bands are P10 to P90")
    return figure


def _catching_up(axes: Axes, data: xr.Dataset, name: str) -> None:
    """The felled trees had they stayed, and their replacements."""
    label, unit = _TITLES[name]
    _band(axes, data, f"felled_{name}", "year", _FELLED, "felled trees, had they stayed")
    _band(axes, data, f"replaced_{name}", "year", _REPLACED, "replacements")
    felled, replaced = (data[f"{kind}_{name}"].sel(bound="median").values for kind in ("felled", "replaced"))
    caught_up = (replaced >= felled) & (felled > 0)
    years = data["year"].values
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    if caught_up.any():
        year = int(years[caught_up.argmax()])
        axes.axvline(year, color="0.4", linewidth=1, linestyle=":")
        axes.set_title(f"{label}: even by the end of {year}")
    else:
        axes.set_title(f"{label}: not even by {int(years[-1])}")
    axes.set_ylabel(unit)


def _needed(axes: Axes, data: xr.Dataset, name: str) -> None:
    """How many young trees of each grade make up for one felled tree."""
    from matplotlib import colormaps

    table = data["replacements_needed"].sel(service=name)
    colours = colormaps["viridis_r"](np.linspace(0.15, 0.95, data.sizes["grade"]))
    years = data["year"].values
    for colour, grade in zip(colours, data["grade"].values, strict=True):
        median, low, high = (
            np.minimum(table.sel(bound=bound, grade=grade).values, 10 * _MOST_TREES)
            for bound in ("median", "p10", "p90")
        )
        axes.plot(years, median, color=colour, linewidth=2, label=f"{grade:g} cm")
        axes.fill_between(years, low, high, color=colour, alpha=0.12, linewidth=0)
    axes.set(yscale="log", ylim=(0.5, _MOST_TREES), xlabel="end of year")
    axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.axhline(1.0, color="0.4", linewidth=1, linestyle=":")


def _band(axes: Axes, data: xr.Dataset, name: str, along: str, colour: str, label: str) -> None:
    place = data[along].values
    median, low, high = (data[name].sel(bound=bound).values for bound in ("median", "p10", "p90"))
    axes.fill_between(place, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(place, median, color=colour, linewidth=2, label=label or None)


def _plain(figure: Figure, title: str) -> None:
    """The house's look: a title on the left, no frame above and on the right, whole years."""
    from matplotlib.ticker import MaxNLocator

    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.92")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
