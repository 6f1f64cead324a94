"""Charts of a run: heat by outdoor temperature, the air of a week as measured and as simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from twin.result import Result

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def charts(result: Result) -> Mapping[str, Figure]:
    """Charts of the buildings of every city, by file name."""
    figures: dict[str, Figure] = {}
    for city, node in result.data["buildings"].children.items():
        data = node.to_dataset()
        figures[f"buildings-{city}"] = _stock(str(city), data)
        if "measured_week_co2" in data:
            figures[f"buildings-{city}-measured"] = _measured(str(city), data)
    return figures


def _stock(city: str, data: xr.Dataset) -> Figure:
    """Heat and electricity of each day, and the time above 1000 ppm building by building."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    above, below = figure.subplots(2, 1)
    daily = data[["heat_power", "electric_power"]].sum("school_id").resample(time="1D").mean()
    above.plot(daily["time"], daily["heat_power"], color="#b5442e", label="heat")
    above.plot(daily["time"], daily["electric_power"], color="#2e6db5", label="electricity")
    above.set_ylabel("kW, daily mean")
    above.set_title(f"{city}: {data.sizes['school_id']} educational buildings")
    above.set_ylim(bottom=0)
    above.legend(frameon=False)
    order = np.argsort(data["co2_exceedance_of_building"].to_numpy())
    below.bar(np.arange(order.size), data["co2_exceedance_of_building"].to_numpy()[order], color="#7a8f3c")
    below.set_ylabel("% of lesson time > 1000 ppm")
    below.set_xlabel("buildings, best to worst")
    below.set_ylim(0, 100)
    for axis in (above, below):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _measured(city: str, data: xr.Dataset) -> Figure:
    """Carbon dioxide by hour of the week, as sensors said and as simulated."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axis = figure.subplots()
    hours = np.arange(168)
    axis.plot(hours, data["measured_week_co2"], color="black", label="measured")
    axis.plot(hours, data["simulated_week_co2"], color="#b5442e", label="simulated")
    axis.axhline(1000, color="grey", linewidth=0.8, linestyle="--")
    axis.set_xticks(np.arange(0, 168, 24) + 12, _DAYS)
    axis.set_ylabel("ppm CO2, hourly mean")
    axis.set_title(f"{city}: class rooms by hour of the week")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure
