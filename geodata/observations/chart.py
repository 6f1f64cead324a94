"""Series of a store on a page, with silence shaded and faults marked: what an operator looks at first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geodata.observations.properties import PROPERTIES
from geodata.observations.quality import Flag
from geodata.observations.store import ObservationStore
from geodata.observations.survey import SensorReport, Survey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "gap": "#bbbbbb",
    "stuck": "#c9a227",
    "units": "#6a5a94",
    "spike": "#d62728",
    "offset": "#e07b39",
    "drift": "#e07b39",
}
_MOST = 20
"""So many series fit on a page that somebody reads."""


def draw(store: ObservationStore, survey: Survey, file: str | Path) -> None:
    """Draw the series of a survey, those with most findings first.

    Args:
        store: Where the values are.
        survey: What was found.
        file: A PNG.
    """
    from matplotlib.figure import Figure

    spoken = [sensor for sensor in survey.sensors if sensor.count]
    shown = sorted(spoken, key=lambda sensor: (-len(sensor.findings), sensor.datastream.id))[:_MOST]
    figure = Figure(figsize=(12, 1.2 + 1.7 * max(len(shown), 1)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(max(len(shown), 1), 1, sharex=True))
    for axis, sensor in zip(axes, shown, strict=False):
        _series(axis, store, survey, sensor)
    figure.savefig(Path(file), dpi=120, metadata={"Software": None})


def _series(axis: Axes, store: ObservationStore, survey: Survey, sensor: SensorReport) -> None:
    columns = store.columns(sensor.datastream.id, survey.start, survey.end)
    time = columns.time.view("datetime64[ns]")
    late = np.flatnonzero(np.diff(columns.time) > 3e9 * sensor.datastream.interval_s)
    line = np.insert(columns.value, late + 1, np.nan)
    axis.plot(np.insert(time, late + 1, time[late]), line, color="#2b5c8a", linewidth=0.8)
    failed = columns.flag == int(Flag.FAIL)
    if failed.any():
        axis.plot(time[failed], columns.value[failed], ".", color="#d62728", markersize=4)
    named: set[str] = set()
    for found in sensor.findings:
        axis.axvspan(
            pd.Timestamp(found.start),  # type: ignore[arg-type]
            pd.Timestamp(found.end),  # type: ignore[arg-type]
            color=_COLOURS[found.kind],
            alpha=0.4,
            linewidth=0.5,
            label=None if found.kind in named else found.kind,
        )
        named.add(found.kind)
    rules = PROPERTIES[sensor.datastream.observed_property]
    axis.set_title(f"{sensor.datastream.id}, {rules.unit}", loc="left", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    if named:
        axis.legend(frameon=False, ncols=6, fontsize=8, loc="upper right", bbox_to_anchor=(1.0, 1.25))
