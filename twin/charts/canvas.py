"""The sheet every chart is drawn on: title above, sources below, and a stamp where data are generated.

Drawn with matplotlib's objects alone: no global state, no window, so that a server can draw in threads.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CITY_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that people with any colour vision tell apart.

Source: Okabe & Ito 2008, Color universal design.
"""
SCALE = "YlGnBu"
"""Sequential scale of maps, light to dark, safe for colour-blind readers (Brewer)."""
TWO_SIDED = "PuOr"
"""Scale of maps whose values lie on both sides of zero, safe for colour-blind readers (Brewer)."""
INK, GREY, PALE, GRID, ALARM = "#222222", "#666666", "#D8D8D8", "#E6E6E6", "#B00020"
DEMO = "SYNTHETIC DEMO DATA"
DPI = 160
DIRECTIONS = {"higher": "higher is better ↑", "lower": "lower is better ↓", "neither": ""}


@dataclass(frozen=True)
class Sheet:
    """What stands around a chart.

    Args:
        title: What it shows.
        subtitle: When, how long, under which seed.
        footer: Sources and attributions, one paragraph each.
        demo: Names of the cities whose data are generated.
    """

    title: str
    subtitle: str = ""
    footer: Sequence[str] = ()
    demo: Sequence[str] = ()


def new_figure(width_in: float, height_in: float, sheet: Sheet) -> Figure:
    """An empty figure with the sheet's title, stamp and footer; the room between them is left to the chart.

    Args:
        width_in: Width in inches.
        height_in: Height of the chart itself in inches; title and footer come on top of it.
        sheet: What stands around the chart.
    """
    lines = [line for text in sheet.footer for line in textwrap.wrap(text, int(width_in * 19))]
    stamp = f"{DEMO}: {', '.join(sheet.demo)}" if sheet.demo else ""
    # Where title and stamp have no room side by side, the stamp goes above: neither may hide the other.
    above = 0.32 if stamp and 0.112 * len(sheet.title) + 0.08 * len(stamp) + 0.5 > width_in else 0.0
    head, foot = above + (0.72 if sheet.subtitle else 0.5), 0.12 + 0.125 * len(lines)
    total = height_in + head + foot
    figure = Figure(figsize=(width_in, total), facecolor="white")
    figure.set_layout_engine(
        "constrained", rect=(0, foot / total, 1, height_in / total), w_pad=0.12, h_pad=0.1, hspace=0.06
    )
    left = 0.12 / width_in
    top = 1 - above / total
    figure.text(left, top - 0.12 / total, sheet.title, size=13, weight="bold", color=INK, va="top")
    figure.text(left, top - 0.42 / total, sheet.subtitle, size=8.5, color=GREY, va="top")
    figure.text(left, 0.08 / total, "\n".join(lines), size=6.5, color=GREY, va="bottom", linespacing=1.25)
    if stamp:
        box = {"boxstyle": "square,pad=0.35", "facecolor": "white", "edgecolor": ALARM, "linewidth": 1.4}
        figure.text(
            1 - 0.18 / width_in, 1 - 0.16 / total, stamp, size=8, weight="bold", color=ALARM,
            va="top", ha="right", bbox=box,
        )  # fmt: skip
    return figure


def plain(axes: Axes, *, grid: str | None = "y") -> None:
    """Leave of an axes' frame only what carries numbers."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=GREY, labelsize=8, length=3, color=PALE)
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def grouped(axes: Axes, which: str, ticks: int = 5) -> None:
    """Few ticks with grouped thousands on the ``x`` or ``y`` axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def head(axes: Axes, title: str, detail: str = "") -> None:
    """A panel's title, with a lighter detail below it."""
    axes.set_title(title, loc="left", size=9.5, weight="bold", color=INK, pad=16 if detail else 6)
    if detail:
        axes.annotate(
            detail, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", size=7.5,
            color=GREY,
        )  # fmt: skip


def unit_and_direction(unit: str, better: str) -> str:
    """``kWh, lower is better ↓``."""
    direction = DIRECTIONS[better]
    shown = "" if unit == "1" else unit
    return ", ".join(part for part in (shown, direction) if part)


def colours_of(cities: Sequence[str]) -> dict[str, str]:
    """A colour for each city."""
    return {city: CITY_COLOURS[n % len(CITY_COLOURS)] for n, city in enumerate(cities)}


def names_of(plan: Mapping[str, Any]) -> dict[str, str]:
    """English names of a plan's cities by id."""
    return {item["city"]["id"]: item["city"]["names"]["en"] for item in plan["cities"]}


def first_day(plan: Mapping[str, Any]) -> str:
    """The day a plan starts on, on the calendar of its first city."""
    zone = ZoneInfo(plan["cities"][0]["city"]["timezone"])
    return datetime.fromisoformat(plan["start"]).astimezone(zone).date().isoformat()


def attributions(manifest: Mapping[str, Any]) -> str:
    """The words that must stand beside a run's data."""
    words = [item["attribution"] for items in manifest["data"].values() for item in items]
    return "Data: " + "; ".join(dict.fromkeys(words))


def sheet_of(manifest: Mapping[str, Any], title: str, *, one_replication: bool = False) -> Sheet:
    """The sheet of a run's chart.

    Args:
        manifest: The run's manifest.
        title: What the chart shows.
        one_replication: Whether it shows the first replication only.
    """
    plan = manifest["plan"]
    luck = f"seed {plan['seed']}"
    if plan["replications"] > 1:
        luck += f" · {'first of ' if one_replication else ''}{plan['replications']} replications"
    return Sheet(
        title,
        f"{', '.join(names_of(plan).values())} · {first_day(plan)} · {plan['days']} "
        f"day{'s' if plan['days'] != 1 else ''} · {luck}",
        [attributions(manifest), f"Run {manifest['run_id']}, rule {manifest['verdict']['rule_id']}"],
        [item["city"]["names"]["en"] for item in plan["cities"] if item["demo"]],
    )


def write(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write figures as PNG files named like their keys; the same figures give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, figure in figures.items():
        file = folder / f"{name}.png"
        # Without the version of matplotlib in it, a picture changes only if what it shows changes.
        figure.savefig(file, dpi=DPI, metadata={"Software": None})
        files.append(file)
    return files
