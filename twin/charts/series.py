"""What was simulated over time, city beside city: one panel for each variable that only time runs through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from twin.charts.canvas import colours_of, grouped, head, names_of, new_figure, plain, sheet_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from twin.result import Result

PANELS = 5
"""Panels on one sheet."""
DENSE = 1500
"""Above this many steps a line shows daily means within the range of each day."""


def time_series(result: Result, pilot: str) -> Iterator[Figure]:
    """A pilot's variables over time, on as many sheets as they need.

    Args:
        result: The result.
        pilot: One of its pilots.
    """
    found = _variables(result, pilot)
    for first in range(0, len(found), PANELS):
        yield _sheet(result, pilot, dict(list(found.items())[first : first + PANELS]))


def _variables(result: Result, pilot: str) -> dict[str, dict[str, xr.DataArray]]:
    """Variables with one dimension that is time, by name and city."""
    found: dict[str, dict[str, xr.DataArray]] = {}
    for city, node in result.data[pilot].children.items():
        for name, variable in node.data_vars.items():
            if variable.ndim == 1 and np.issubdtype(variable[variable.dims[0]].dtype, np.datetime64):
                found.setdefault(str(name), {})[city] = variable
    return found


def _sheet(result: Result, pilot: str, variables: dict[str, dict[str, xr.DataArray]]) -> Figure:
    manifest = result.manifest
    sheet = sheet_of(manifest, f"{manifest['pilots'][pilot]['title']}: over time", one_replication=True)
    figure = new_figure(9.6, 0.3 + 1.75 * len(variables), sheet)
    panels = figure.subplots(len(variables), 1, squeeze=False, sharex=True)[:, 0]
    zone = manifest["plan"]["cities"][0]["city"]["timezone"]
    names = names_of(manifest["plan"])
    colours = colours_of(list(names))
    for axes, (name, by_city) in zip(panels, variables.items(), strict=True):
        first = next(iter(by_city.values()))
        plain(axes)
        grouped(axes, "y", 4)
        measured = first.attrs.get("origin") == "measured"
        title = str(first.attrs.get("long_name", name.replace("_", " ")))
        head(axes, title[:1].upper() + title[1:] + (" (measured)" if measured else ""), _detail(first))
        for city, variable in by_city.items():
            _line(axes, variable, zone, colours[city], names[city])
    panels[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(names), fontsize=8, frameon=False)
    locator = AutoDateLocator(tz=ZoneInfo(zone))  # type: ignore[no-untyped-call]
    panels[-1].xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=ZoneInfo(zone))  # type: ignore[no-untyped-call]
    panels[-1].xaxis.set_major_formatter(formatter)
    panels[-1].xaxis.get_offset_text().set_size(8)
    panels[-1].set_xlabel(f"time of {zone}", size=8, color="#666666")
    return figure


def _detail(variable: xr.DataArray) -> str:
    """The unit, and what is drawn of a long series."""
    unit = str(variable.attrs["units"])
    days = "daily means within the range of each day" if variable.size > DENSE else ""
    return ", ".join(part for part in ("" if unit == "1" else unit, days) if part)


def _line(axes: Axes, variable: xr.DataArray, zone: str, colour: str, name: str) -> None:
    index = pd.DatetimeIndex(variable[variable.dims[0]].values).tz_localize("UTC").tz_convert(zone)
    series = pd.Series(variable.to_numpy().astype(float), index)
    style: dict[str, Any] = {"color": colour, "linewidth": 1.1, "label": name}
    if len(series) > DENSE:
        days = series.resample("D")
        axes.fill_between(days.min().index, days.min(), days.max(), color=colour, alpha=0.18, linewidth=0)
        axes.plot(days.mean().index, days.mean(), **style)
    else:
        axes.plot(series.index, series.to_numpy(), **style)
