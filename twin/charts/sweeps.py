"""What a sweep found: each KPI against the grid, and two KPIs against one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from geodata.errors import UnknownName
from twin.charts.canvas import (
    DIRECTIONS,
    GREY,
    INK,
    PALE,
    Sheet,
    attributions,
    colours_of,
    first_day,
    grouped,
    head,
    names_of,
    new_figure,
    plain,
    unit_and_direction,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from twin.ensemble import Sweep

BEST = "#D55E00"
PANELS = 5
"""KPIs on one sheet."""


def response(swept: Sweep, manifest: Mapping[str, Any], pilot: str) -> Iterator[Figure]:
    """Each KPI of a pilot against the grid's first field, with 95 % intervals; a line for each other point.

    Args:
        swept: The sweep.
        manifest: What it stands on, shaped like a run's: plan, seeds, pilots, data, units of fields.
        pilot: One of its pilots.

    Yields:
        As many sheets as the KPIs need; those without any value are left out.
    """
    frame = swept.table[(swept.table.pilot == pilot) & swept.table.value.notna()]
    kpis = list(dict.fromkeys(frame.kpi))
    for first in range(0, len(kpis), PANELS):
        yield _responses(swept.fields, frame, manifest, pilot, kpis[first : first + PANELS])


def _responses(
    fields: Sequence[str], frame: pd.DataFrame, manifest: Mapping[str, Any], pilot: str, kpis: Sequence[str]
) -> Figure:
    field, *others = fields
    about, names = manifest["pilots"][pilot], names_of(manifest["plan"])
    sheet = _sheet(manifest, f"{about['title']}: indicators against {field}")
    # One field: the cities share a panel. More fields: a column for each city, a line for each other point.
    columns = list(names) if others else [None]
    figure = new_figure(4.6 * max(len(columns), 1.6), 0.5 + 2.05 * len(kpis), sheet)
    grid = figure.subplots(len(kpis), len(columns), squeeze=False, sharex=True, sharey="row")
    for row, kpi in zip(grid, kpis, strict=True):
        told = about["kpis"][kpi]
        for axes, city in zip(row, columns, strict=True):
            part = frame[(frame.kpi == kpi) & ((frame.city == city) if city else True)]
            plain(axes)
            title = told["title"] + (f", {names[city]}" if city else "")
            head(axes, title, unit_and_direction(told["unit"], told["better"]))
            _curves(axes, part, field, _groups(part, others, names))
            grouped(axes, "y")
    for axes in grid[-1]:
        axes.set_xlabel(_with_unit(field, manifest), size=8.5, color=INK)
    grid[0, -1].legend(
        loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, title_fontsize=8, frameon=False,
        title=", ".join(_with_unit(name, manifest) for name in others) or None,
    )  # fmt: skip
    return figure


def _with_unit(field: str, manifest: Mapping[str, Any]) -> str:
    unit = manifest["units"].get(field)
    return field if unit in {None, "1"} else f"{field} [{unit}]"


def _groups(
    part: pd.DataFrame, others: Sequence[str], names: Mapping[str, str]
) -> dict[str, tuple[Any, str]]:
    """The lines of a panel by label: which rows, and in which colour."""
    if not others:
        colours = colours_of(list(names))
        return {names[city]: (part.city == city, colours[city]) for city in names}
    points = list(dict.fromkeys(part[list(others)].itertuples(index=False, name=None)))
    shades = colormaps["viridis"](np.linspace(0.0, 0.85, len(points)))
    return {
        ", ".join(map(str, point)): ((part[list(others)] == list(point)).all(axis=1), shade)
        for point, shade in zip(points, shades, strict=True)
    }


def _curves(axes: Axes, part: pd.DataFrame, field: str, groups: Mapping[str, tuple[Any, Any]]) -> None:
    labels = list(dict.fromkeys(part[field]))
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in labels)
    place = {value: (value if numeric else n) for n, value in enumerate(labels)}
    for n, (name, (rows, colour)) in enumerate(groups.items()):
        line = part[rows].assign(place=part[field].map(place).astype(float)).sort_values("place")
        axes.fill_between(line.place, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
        # Thick lines first, thin ones on top, so that lines that coincide are all seen.
        width = 1.4 + 0.8 * (len(groups) - 1 - n)
        axes.plot(
            line.place, line.value, "o-", color=colour, markersize=2 + width, linewidth=width, label=name
        )
    axes.set_xticks(list(place.values()), [f"{value:g}" if numeric else str(value) for value in labels])


def frontier(swept: Sweep, manifest: Mapping[str, Any], pilot: str, kpi_x: str, kpi_y: str) -> Figure:
    """Two KPIs of a pilot against one another, a panel a city; points that no other beats in both stand out.

    Args:
        swept: The sweep.
        manifest: What it stands on, shaped like a run's: plan, seeds, pilots, data, units of fields.
        pilot: One of its pilots.
        kpi_x: A KPI for which higher or lower is better.
        kpi_y: Another.

    Raises:
        UnknownName: The sweep has no such KPI, or no direction is better for it.
    """
    frame = swept.table[swept.table.pilot == pilot]
    directed = list(dict.fromkeys(frame.kpi[frame.better != "neither"]))
    for kpi in (kpi_x, kpi_y):
        if kpi not in directed:
            raise UnknownName(
                "no KPI with a better direction is called this", field="kpi", value=kpi,
                expected="one of " + ", ".join(directed),
            )  # fmt: skip
    names = names_of(manifest["plan"])
    told = manifest["pilots"][pilot]["kpis"]
    sheet = _sheet(
        manifest,
        f"{told[kpi_y]['title']} against {told[kpi_x]['title'].lower()}",
        f"Points: {', '.join(swept.fields)}.",
    )
    figure = new_figure(4.9 * len(names) + 0.3, 4.3, sheet)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, city in zip(panels, names, strict=True):
        x, y = (
            frame[(frame.kpi == kpi) & (frame.city == city)].reset_index(drop=True) for kpi in (kpi_x, kpi_y)
        )
        plain(axes, grid="both")
        head(axes, names[city])
        _trade_off(axes, x, y, [_point(row, swept.fields) for row in x.to_dict("records")])
        axes.set_xlabel(_axis(told[kpi_x]), size=8, color=INK)
        axes.set_ylabel(_axis(told[kpi_y]), size=8, color=INK)
    return figure


def _axis(told: Mapping[str, Any]) -> str:
    return f"{told['title']} [{told['unit']}]\n{DIRECTIONS[told['better']]}"


def _point(row: Mapping[Any, Any], fields: Sequence[str]) -> str:
    return ", ".join(
        f"{row[field]:g}" if isinstance(row[field], float) else str(row[field]) for field in fields
    )


def _trade_off(axes: Axes, x: pd.DataFrame, y: pd.DataFrame, labels: Sequence[str]) -> None:
    best = unbeaten(x.value.to_numpy(float), y.value.to_numpy(float), x.better.iloc[0], y.better.iloc[0])
    if x.low.notna().any():
        axes.hlines(y.value, x.low, x.high, color=PALE, linewidth=1.2, zorder=1)
        axes.vlines(x.value, y.low, y.high, color=PALE, linewidth=1.2, zorder=1)
    order = np.flatnonzero(best)[np.argsort(x.value[best], kind="stable")]
    axes.plot(x.value[order], y.value[order], "-", color=BEST, linewidth=1.2, alpha=0.6, zorder=2)
    axes.plot(
        x.value[~best], y.value[~best], "o", color=GREY, markersize=5, label="beaten by another", zorder=3
    )
    axes.plot(
        x.value[best], y.value[best], "o", color=BEST, markersize=6.5, label="not beaten in both", zorder=3
    )
    for n, text in enumerate(labels):
        axes.annotate(
            text,
            (x.value[n], y.value[n]),
            (5, 4),
            textcoords="offset points",
            size=7,
            color=INK if best[n] else GREY,
        )
    axes.margins(0.14)
    grouped(axes, "x")
    grouped(axes, "y")
    axes.legend(fontsize=7, frameon=False, loc="best")


def unbeaten(x: Any, y: Any, better_x: str, better_y: str) -> Any:
    """Which points no other point beats: none is at least as good in both and better in one.

    Args:
        x: First KPI of each point.
        y: Second KPI of each point.
        better_x: ``higher`` or ``lower``.
        better_y: ``higher`` or ``lower``.

    Returns:
        A boolean for each point; false where a value is NaN.
    """
    gains = np.column_stack(
        [value if better == "higher" else -value for value, better in ((x, better_x), (y, better_y))]
    )
    at_least: Any = (gains[None] >= gains[:, None]).all(axis=2)
    more: Any = (gains[None] > gains[:, None]).any(axis=2)
    return ~(at_least & more).any(axis=1) & np.isfinite(gains).all(axis=1)


def _sheet(manifest: Mapping[str, Any], title: str, points: str = "") -> Sheet:
    plan, seeds = manifest["plan"], manifest["seeds"]
    means = (
        "Bands and crosses: 95 % intervals for the mean over seeds."
        if len(seeds) > 1
        else "One seed: no intervals."
    )
    return Sheet(
        title,
        f"{', '.join(names_of(plan).values())} · {first_day(plan)} · {plan['days']} "
        f"day{'s' if plan['days'] != 1 else ''} · {len(seeds)} seed{'s' if len(seeds) != 1 else ''} a point",
        [f"{points} {means}".strip(), attributions(manifest)],
        [item["city"]["names"]["en"] for item in plan["cities"] if item["demo"]],
    )
