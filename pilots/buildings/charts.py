"""Charts of a run: heat through the year, every building beside the others, the air as measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pilots.buildings.indicators.energy import ENERGY_CLASSES

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from twin.result import Result

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEAT, _ELECTRICITY, _AIR = "#b5442e", "#2e6db5", "#7a8f3c"
_LONGEST_NAME = 34


def charts(result: Result) -> Mapping[str, Figure]:
    """Charts of the buildings of every city, by file name."""
    figures: dict[str, Figure] = {}
    for city, node in result.data["buildings"].children.items():
        data = node.to_dataset()
        figures[f"{city}-power"] = _power(str(city), data)
        figures[f"{city}-by-building"] = _by_building(str(city), data)
        if "measured_week_co2" in data:
            figures[f"{city}-measured"] = _measured(str(city), data)
    return figures


def _power(city: str, data: xr.Dataset) -> Figure:
    """Heat and electricity of all buildings, day by day or, in short runs, hour by hour."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axis = figure.subplots()
    power = data[["heat_power", "electric_power"]].sum("school_id")
    long = data.sizes["time"] > 31 * 24
    shown = power.resample(time="1D").mean() if long else power
    axis.plot(shown["time"], shown["heat_power"], color=_HEAT, label="heat")
    axis.plot(shown["time"], shown["electric_power"], color=_ELECTRICITY, label="electricity")
    axis.set_ylabel("kW, daily mean" if long else "kW, hourly mean")
    axis.set_title(f"{city.capitalize()}: {data.sizes['school_id']} educational buildings", loc="left")
    axis.set_ylim(bottom=0)
    axis.margins(x=0.01)
    axis.legend(frameon=False, ncols=2)
    _bare(axis)
    return figure


def _by_building(city: str, data: xr.Dataset) -> Figure:
    """Energy with its class, air and well-being of each building, most heat on top."""
    from matplotlib.figure import Figure

    order = np.argsort(data["heat_of_building"].to_numpy())
    rows = np.arange(order.size)
    figure = Figure(figsize=(12, 1.6 + 0.27 * order.size), layout="constrained")
    energy, air, score = figure.subplots(1, 3, sharey=True, width_ratios=(5, 3, 3))
    heat = data["heat_of_building"].to_numpy()[order]
    electricity = data["electricity_of_building"].to_numpy()[order]
    energy.barh(rows, heat, color=_HEAT, label="heat")
    energy.barh(rows, electricity, left=heat, color=_ELECTRICITY, label="electricity")
    for row, index in enumerate(data["energy_class"].to_numpy()[order]):
        if np.isfinite(index):
            end = heat[row] + electricity[row]
            energy.text(end, row, f" {ENERGY_CLASSES[int(index) - 1]}", va="center", fontsize=8)
    names = [str(name)[:_LONGEST_NAME] for name in data["school_name"].to_numpy()[order]]
    energy.set_yticks(rows, names, fontsize=8)
    energy.set_xlabel("kWh/m2 of the run; letter: indicative class")
    energy.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    air.barh(rows, data["co2_exceedance_of_building"].to_numpy()[order], color=_AIR)
    air.set_xlim(0, 100)
    air.set_xlabel("% of lesson time above 1000 ppm")
    score.barh(rows, data["wellbeing_of_building"].to_numpy()[order], color="#6a5a94")
    score.set_xlim(0, 100)
    score.set_xlabel("well-being score, 0 to 100")
    for axis in (energy, air, score):
        _bare(axis)
        axis.margins(y=0.01)
    figure.suptitle(f"{city.capitalize()}: each building", x=0.01, ha="left")
    return figure


def _measured(city: str, data: xr.Dataset) -> Figure:
    """Carbon dioxide by hour of the week, as sensors said and as simulated."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axis = figure.subplots()
    hours = np.arange(168)
    grade = data["measured_week_co2"].attrs.get("grade", "measured")
    axis.plot(hours, data["measured_week_co2"], color="black", label=f"the pack's sensors ({grade})")
    axis.plot(hours, data["simulated_week_co2"], color=_HEAT, label="simulated")
    axis.axhline(1000, color="grey", linewidth=0.8, linestyle="--")
    axis.set_xticks(np.arange(0, 168, 24) + 12, _DAYS)
    axis.set_ylabel("ppm CO2, hourly mean")
    axis.set_title(f"{city.capitalize()}: class rooms by hour of the week", loc="left")
    axis.legend(frameon=False)
    _bare(axis)
    return figure


def _bare(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
