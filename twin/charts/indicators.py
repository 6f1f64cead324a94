"""KPIs of a run, city beside city, each on an axis of its own because each has its own unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from twin.charts.canvas import (
    INK,
    colours_of,
    grouped,
    head,
    names_of,
    new_figure,
    plain,
    sheet_of,
    unit_and_direction,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from twin.result import Result


def kpi_comparison(result: Result, pilot: str) -> Figure:
    """Bars of each KPI of a pilot by city, with intervals where the result has them.

    Args:
        result: The result.
        pilot: One of its pilots.
    """
    manifest = result.manifest
    about = manifest["pilots"][pilot]
    names = names_of(manifest["plan"])
    rows = math.ceil(len(about["kpis"]) / 2)
    figure = new_figure(
        9.6, rows * (0.62 + 0.27 * len(names)), sheet_of(manifest, f"{about['title']}: indicators")
    )
    grid = figure.subplots(rows, 2, squeeze=False).ravel()
    for axes, (kpi, told) in zip(grid, about["kpis"].items(), strict=False):
        frame = result.kpis[(result.kpis.pilot == pilot) & (result.kpis.kpi == kpi)].set_index("city")
        head(axes, told["title"], unit_and_direction(told["unit"], told["better"]))
        _bars(axes, frame.loc[list(names)], names)
    for axes in grid[len(about["kpis"]) :]:
        axes.set_visible(False)
    return figure


def _bars(axes: Axes, frame: pd.DataFrame, names: dict[str, str]) -> None:
    colours = colours_of(list(names))
    plain(axes, grid="x")
    axes.spines["left"].set_color("#999999")
    height = np.arange(len(frame))[::-1]
    values = frame.value.to_numpy(float)
    axes.barh(height, np.nan_to_num(values), 0.62, color=[colours[city] for city in frame.index], alpha=0.85)
    known = np.isfinite(frame.low) & np.isfinite(frame.high)
    if known.any():
        axes.hlines(height[known], frame.low[known], frame.high[known], color=INK, linewidth=1.6)
        ends = np.concatenate([frame.low[known], frame.high[known]])
        axes.plot(ends, np.tile(height[known], 2), "|", color=INK, markersize=6)
    axes.set_yticks(height, [names[city] for city in frame.index], color=INK)
    axes.set_ylim(-0.6, len(frame) - 0.4)
    reach = np.nan_to_num(np.where(known, frame.high, values))
    for at, value, end in zip(height, values, np.maximum(reach, 0), strict=True):
        axes.annotate(
            label(value), (end, at), (5, 0), textcoords="offset points", va="center", size=8, color=INK,
        )  # fmt: skip
    axes.margins(x=0.22)
    grouped(axes, "x", 4)
    if not np.isfinite(values).any():
        axes.set_xlim(0, 1)
        axes.set_xticks([])


def label(value: float) -> str:
    """A number as a chart shows it: three or four digits, grouped thousands."""
    if not math.isfinite(value):
        return "no value"
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
