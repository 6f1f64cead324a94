"""Pictures of a run: how small the connection can be, what that costs, and how two weeks went.

The first answers the question the pilot was set up for: which battery for which connection, and did the
controller keep what the battery promises?
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twin.charts.canvas import GREY, INK, PALE, colours_of, head, names_of, new_figure, plain, sheet_of

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from twin.result import Result

WINTER, SUMMER = 2, 26
"""Weeks of the run that are shown."""
WEEK = pd.Timedelta(days=7)
COLOURS = {"wind_kw": "#56B4E9", "solar_kw": "#E69F00", "generator_kw": "#7F7F7F", "discharge_kw": "#009E73"}


def charts(result: Result) -> Mapping[str, Figure]:
    """The pilot's own charts of a result."""
    cities = {str(city): node.to_dataset() for city, node in result.data["microgrid"].children.items()}
    return {
        "connection": _connection(result, cities),
        "cost_and_bound": _costs(result, cities),
        "flows": _flows(result, cities),
    }


def _panels(
    result: Result, cities: Mapping[str, xr.Dataset], title: str, height_in: float
) -> tuple[Figure, list[Axes]]:
    sheet = sheet_of(result.manifest, title, one_replication=True)
    figure = new_figure(4.7 * len(cities) + 0.4, height_in, sheet)
    panels = figure.subplots(1, len(cities), squeeze=False)[0]
    return figure, list(panels)


def _connection(result: Result, cities: Mapping[str, xr.Dataset]) -> Figure:
    """Least connection against the battery's capacity, and the peak the controller really drew."""
    figure, panels = _panels(result, cities, "How small can the connection be?", 3.9)
    names, colours = names_of(result.manifest["plan"]), colours_of(list(cities))
    for axes, (city, data) in zip(panels, cities.items(), strict=True):
        plain(axes, grid="both")
        head(axes, names[city])
        size, least = data["battery_size"].to_numpy(), data["connection_by_battery"].to_numpy()
        axes.plot(size, least, color=colours[city], lw=2.2, marker="o", ms=3.5)
        axes.fill_between(size, 0, least, color=colours[city], alpha=0.10, lw=0)
        axes.axhline(least[0], color=GREY, lw=1, ls="--")
        axes.annotate(f"without battery: {least[0]:,.0f} kW", (size[-1], least[0]), (0, 4),
                      textcoords="offset points", ha="right", size=8, color=GREY)  # fmt: skip
        here, peak = data.attrs["battery_kwh"], data.attrs["peak_import_kw"]
        axes.plot([here], [peak], marker="D", ms=7, color=INK, zorder=5)
        axes.annotate(
            f"as steered: {peak:,.0f} kW", (here, peak), (8, 6), textcoords="offset points", size=8, color=INK
        )
        axes.annotate("no plan can do with less", (size[len(size) // 2], least[len(size) // 2]), (-4, -16),
                      textcoords="offset points", size=8, color=colours[city])  # fmt: skip
        axes.set_ylim(0, 1.18 * max(float(least[0]), peak))
        axes.set_xlim(0, None)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Battery [kWh]", size=8, color=INK)
        axes.set_ylabel("Grid connection needed [kW]", size=8, color=INK)
    return figure


def _costs(result: Result, cities: Mapping[str, xr.Dataset]) -> Figure:
    """Cost without battery, as steered, and with perfect foresight."""
    figure, panels = _panels(result, cities, "What it costs, and the least it could have cost", 3.3)
    names, colours = names_of(result.manifest["plan"]), colours_of(list(cities))
    frame = result.kpis[result.kpis.pilot == "microgrid"].set_index(["city", "kpi"])["value"]
    rows = (
        ("without battery", "cost_without_battery_eur"),
        ("as steered", "cost_eur"),
        ("perfect foresight", "cost_bound_eur"),
    )
    for axes, city in zip(panels, cities, strict=True):
        plain(axes, grid="x")
        head(axes, names[city])
        values = [float(frame[city, key]) for _, key in rows]
        shades = (PALE, colours[city], GREY)
        axes.barh([name for name, _ in rows], values, color=shades, height=0.62)
        for k, value in enumerate(values):
            axes.annotate(
                f"{value:,.0f}", (max(value, 0.0), k), (4, 0), textcoords="offset points", va="center", size=8
            )
        axes.invert_yaxis()
        axes.margins(x=0.18)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("Cost of the run [EUR]", size=8, color=INK)
    return figure


def _flows(result: Result, cities: Mapping[str, xr.Dataset]) -> Figure:
    """Two weeks: what covers the load, and the level of the battery."""
    sheet = sheet_of(result.manifest, "Two weeks: what covers the load", one_replication=True)
    figure = new_figure(4.9 * len(cities) + 0.4, 5.6, sheet)
    panels = figure.subplots(2, len(cities), squeeze=False)
    names = names_of(result.manifest["plan"])
    for column, (city, data) in enumerate(cities.items()):
        for row, week in enumerate((WINTER, SUMMER)):
            axes = panels[row, column]
            part = _week(data, week)
            plain(axes, grid="y")
            # A local day begins some hours before or after its date in UTC.
            first = pd.Timestamp(part["time"].to_numpy()[0]).round("D")
            head(axes, f"{names[city]}, week of {first.day} {first:%B %Y}")
            _stack(axes, part, legend=row == 0 and column == 0)
            axes.set_ylabel("kW", size=8, color=INK)
    return figure


def _week(data: xr.Dataset, week: int) -> xr.Dataset:
    first = pd.Timestamp(data["time"].to_numpy()[0])
    last = pd.Timestamp(data["time"].to_numpy()[-1])
    begin = min(first + week * WEEK, max(last - WEEK, first))
    return data.sel(time=slice(begin, begin + WEEK))


def _stack(axes: Axes, part: xr.Dataset, *, legend: bool) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    time = part["time"].to_numpy()
    base = np.zeros(len(time))
    labels = {"wind_kw": "wind", "solar_kw": "sun", "generator_kw": "backup", "discharge_kw": "battery"}
    for name, colour in COLOURS.items():
        values = part[name].to_numpy()
        if not values.any():
            continue
        axes.fill_between(
            time, base, base + values, step="post", color=colour, lw=0, alpha=0.85, label=labels[name]
        )
        base = base + values
    load = part["load_kw"].to_numpy() + part["charging_kw"].to_numpy()
    axes.step(time, load, where="post", color=INK, lw=1, label="load")
    axes.step(time, part["import_kw"].to_numpy(), where="post", color="#B00020", lw=1, label="import")
    locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    if legend:
        axes.set_ylim(top=1.25 * axes.get_ylim()[1])
        axes.legend(frameon=False, fontsize=7, ncols=3, loc="upper left")
    axes.margins(x=0)
