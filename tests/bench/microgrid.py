"""Local grids: the optimum against PyPSA and linopy, control against its bound, sizing, a sweep.

PyPSA and linopy are no dependencies of Twinbox; where they are not installed the table says so. Each tool
runs in a process of its own. Where the published cases are at hand (TWINBOX_REFERENCE) the year is MG-1;
else a made-up one of the same size. ``python tests/bench/microgrid.py optima`` compares the optima alone,
``sweep PICTURE.png`` measures the site-years alone and draws them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numba
import numpy as np
from rich.console import Console
from rich.table import Table

from pilots.microgrid import (
    Battery,
    Connection,
    Generator,
    Limits,
    Prices,
    Series,
    Site,
    Solar,
    Tariff,
    Wind,
    operate,
    optimum,
    size,
)

CAPACITY_CHARGE = 6.0
SWEEP = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
PEERS = ("PyPSA", "linopy")


def reference(name: str) -> Path | None:
    """The folder of a published case, if it is here."""
    folder = Path(os.environ.get("TWINBOX_REFERENCE", "../shared/reference/cases")) / name
    return folder if folder.is_dir() else None


def year(*, quarters: bool, capacity_charge: float = 0.0) -> tuple[Site, Series]:
    """MG-1, or a made-up year of the same size."""
    folder = reference("mg1")
    if folder is not None:
        data = np.load(folder / "mg1_2016_15min.npz")
        load, solar, price = data["load_kw"], data["pv_kw"], data["price_eur_kwh"]
    else:
        rng, t = np.random.default_rng(1), np.arange(35_040) / 4.0
        day = np.sin((t % 24 - 6) / 12 * np.pi)
        load = 137 * (1 + 0.5 * np.sin((t % 24 - 9) / 12 * np.pi)) * rng.lognormal(0, 0.2, len(t))
        solar = 420 * np.maximum(day, 0) * np.repeat(rng.uniform(0.1, 1, 365), 96)
        price = np.repeat(
            0.085 + 0.04 * np.sin((t[::4] % 24 - 12) / 6 * np.pi) + rng.normal(0, 0.03, 8760), 4
        )
    if not quarters:
        load, solar, price = (column.reshape(-1, 4).mean(axis=1) for column in (load, solar, price))
    series = Series(
        start="2015-12-31T23:00Z",
        step_h=0.25 if quarters else 1.0,
        load_kw=load,
        solar_kw=solar,
        price_eur_per_kwh=price,
    )
    site = Site(
        connection=Connection(import_limit_kw=2000, export_limit_kw=2000),
        tariff=Tariff(
            import_fee_eur_per_kwh=0.06, export_margin_eur_per_kwh=0.005, market_timezone="Etc/GMT-1",
            capacity_eur_per_kw_month=capacity_charge,
        ),
        battery=Battery(capacity_kwh=1500, charge_kw=500, discharge_kw=500),
        solar=Solar(rated_kw=700),
    )  # fmt: skip
    if capacity_charge and folder is not None:
        months = json.loads((folder / "parameters.json").read_text())["months_of_the_peak_case"]
        period = np.repeat(np.arange(12), np.diff(months["first_hour_of_each_month_and_end"]))
        series = replace(series, billing_period=np.repeat(period, 4 if quarters else 1))
    return site, series


def ours(*, quarters: bool) -> float:
    """The optimum by Twinbox, EUR."""
    return optimum(*year(quarters=quarters)).cost_eur


def with_pypsa(*, quarters: bool) -> float:
    """The same year as a PyPSA network, EUR."""
    import pandas as pd
    import pypsa

    _, series = year(quarters=quarters)
    dt, price = series.step_h, series.price_eur_per_kwh
    net = pypsa.Network()
    net.set_snapshots(pd.RangeIndex(len(series)))
    net.snapshot_weightings = net.snapshot_weightings.astype(float) * dt
    net.add("Bus", "site")
    net.add("Bus", "cells")
    net.add("Load", "load", bus="site", p_set=series.load_kw)
    net.add("Generator", "sun", bus="site", p_nom=700, p_max_pu=series.solar_kw / 700)
    net.add("Generator", "import", bus="site", p_nom=2000, marginal_cost=price + 0.06)
    net.add("Generator", "export", bus="site", p_nom=2000, sign=-1, marginal_cost=-(price - 0.005))
    net.add("Store", "battery", bus="cells", e_nom=1500, e_initial=750)
    floor = np.zeros(len(series))
    floor[-1] = 0.5
    net.stores_t.e_min_pu["battery"] = floor
    net.add("Link", "charge", bus0="site", bus1="cells", efficiency=0.95, p_nom=500)
    net.add("Link", "discharge", bus0="cells", bus1="site", efficiency=0.95, p_nom=500 / 0.95)
    net.optimize(
        solver_name="highs", solver_options={"threads": 1, "output_flag": False, "solver": "simplex"}
    )
    return float(net.objective)


def with_linopy(*, quarters: bool) -> float:
    """The same year as a linopy model handed to HiGHS without a file between, EUR."""
    import linopy
    import pandas as pd

    _, series = year(quarters=quarters)
    dt, price = series.step_h, series.price_eur_per_kwh
    steps = pd.RangeIndex(len(series), name="step")
    model = linopy.Model()
    bought, sold, into, of, unused, level = (
        model.add_variables(lower=0.0, upper=pd.Series(most, steps), name=name)
        for name, most in (
            ("import", 2000.0), ("export", 2000.0), ("charge", 500.0), ("discharge", 500.0),
            ("curtailed", series.solar_kw), ("level", 1500.0),
        )
    )  # fmt: skip
    net = pd.Series(series.load_kw - series.solar_kw, steps)
    model.add_constraints(bought - sold - unused - into + of == net, name="bus")
    held = level.shift(step=1)
    first = pd.Series(np.where(steps == 0, 750.0, 0.0), steps)
    model.add_constraints(level - held - 0.95 * dt * into + dt / 0.95 * of == first, name="cells")
    model.add_constraints(level.isel(step=-1) >= 750.0, name="end")
    model.add_objective((pd.Series(dt * (price + 0.06), steps) * bought).sum()
                        - (pd.Series(dt * (price - 0.005), steps) * sold).sum())  # fmt: skip
    model.solve(
        solver_name="highs", io_api="direct", progress=False, threads=1, output_flag=False, solver="simplex"
    )
    return float(model.objective.value)


def measured(tool: str, folder: Path, *, quarters: bool) -> dict[str, float]:
    """Cost, CPU seconds without imports, and peak memory of a tool in a process of its own.

    The tool is run once before. What is measured then reads byte code (into ``folder``) and compiled kernels
    as it would on anybody's second day, also where the environment forbids Python to keep byte code.
    """
    command = [sys.executable, __file__, tool, "quarters" if quarters else "hours"]
    about = os.environ | {"PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": ""}
    if not quarters:
        subprocess.run(command, capture_output=True, check=False, env=about)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=about)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1])
        return {
            "cost": float("nan"),
            "first": float("nan"),
            "seconds": float("nan"),
            "megabytes": float("nan"),
        }
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run_alone(tool: str, *, quarters: bool) -> None:
    """What :func:`measured` starts: run once to warm up, then once by the clock."""
    if tool != "twinbox":
        import_module(tool)  # imports are not measured
    solve = {"twinbox": ours, "pypsa": with_pypsa, "linopy": with_linopy}[tool]
    begin = time.process_time()
    cost = solve(quarters=quarters)
    first = time.process_time() - begin
    begin = time.process_time()
    solve(quarters=quarters)
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cost": cost, "first": first, "seconds": seconds, "megabytes": peak}))


def optima(console: Console) -> None:
    """The optimum of a year, ours and the peers'."""
    table = Table(
        "year", "tool", "cost EUR", "CPU s, first", "CPU s", "peak MB", title="Perfect-foresight optimum"
    )
    with TemporaryDirectory() as folder:
        _optima(table, Path(folder))
    console.print(table)


def _optima(table: Table, folder: Path) -> None:
    for quarters in (False, True):
        label = "35,040 quarter-hours" if quarters else "8,760 hours"
        mine = measured("twinbox", folder, quarters=quarters)
        table.add_row(label, "Twinbox", *_numbers(mine))
        for tool in PEERS:
            if find_spec(tool.lower()) is None:
                table.add_row(label, tool, "peer not installed", "", "", "")
                continue
            peer = measured(tool.lower(), folder, quarters=quarters)
            table.add_row(label, tool, *_numbers(peer))
            table.add_row(
                label,
                f"ratio to {tool}",
                f"{mine['cost'] / peer['cost'] - 1:+.1e}",
                f"{peer['first'] / mine['first']:.1f} x faster",
                f"{peer['seconds'] / mine['seconds']:.0f} x faster",
                f"{mine['megabytes'] / peer['megabytes']:.2f} of it",
            )


def _numbers(found: dict[str, float]) -> tuple[str, str, str, str]:
    return (
        f"{found['cost']:,.4f}",
        f"{found['first']:.3f}",
        f"{found['seconds']:.3f}",
        f"{found['megabytes']:.0f}",
    )


def control(console: Console) -> None:
    """Controllers against the optimum, under both accounting rules and with a capacity charge."""
    table = Table(
        "case", "controller", "gap %", "highest import kW", "CPU s", title="Control that sees no future"
    )
    for quarters in (False, True):
        for charge in (0.0, CAPACITY_CHARGE):
            site, series = year(quarters=quarters, capacity_charge=charge)
            best = optimum(site, series).cost_eur
            label = f"{'quarter-hours' if quarters else 'hours'}{', capacity charge' if charge else ''}"
            names = (
                ("predictive", "ensemble", "perfect")
                if charge
                else ("predictive", "ensemble", "cheapest_hours")
            )
            for name in names:
                operate(site, series.window(0, 2 * series.steps_per_day), name, bound=False)
                begin = time.process_time()
                schedule = operate(site, series, name, bound=False)
                seconds = time.process_time() - begin
                gap = 100 * (schedule.cost_eur / best - 1)
                table.add_row(
                    label,
                    schedule.controller,
                    f"{gap:.2f}",
                    f"{schedule.import_kw.max():.0f}",
                    f"{seconds:.2f}",
                )
            if not charge:
                strict = site.model_copy(update={"curtailment": "export_only"})
                cost = operate(strict, series, "predictive", bound=False).cost_eur
                table.add_row(
                    f"{label}, rule A",
                    "predictive, persistence forecast",
                    f"{100 * (cost / best - 1):.2f}",
                    "",
                    "",
                )
    console.print(table)


def ouessant(folder: Path) -> tuple[Site, Series]:
    """The published design and its year; see tests/reference/test_ouessant.py."""
    columns = np.genfromtxt(
        folder / "ouessant-microgrid" / "Ouessant_data_2016.csv",
        delimiter=",",
        skip_header=2,
        usecols=(1, 2, 4),
    )
    load, sun, speed = columns.T
    raw = 0.5 * 0.521 * 1.225 * np.pi * 26**2 / 900e3 * (1.059 * speed) ** 3
    wind = np.where(1.059 * speed > 25, 0, np.maximum(-np.log(np.exp(-3.1) + np.exp(-3.1 * raw)) / 3.1, 0))
    site = Site(
        connection=Connection(import_limit_kw=0, export_limit_kw=0),
        prices=Prices(
            battery_upkeep_eur_per_kwh_year=10, battery_cycles=3000, solar_eur_per_kw=1200,
            solar_upkeep_eur_per_kw_year=20, wind_eur_per_kw=3500, wind_upkeep_eur_per_kw_year=100,
        ),
        battery=Battery(
            capacity_kwh=5000, charge_kw=5000, discharge_kw=5000, discharge_efficiency=1 / 1.05,
            initial_state_of_charge=0.0,
        ),
        solar=Solar(rated_kw=3000),
        wind=Wind(rated_kw=900),
        generator=Generator(rated_kw=1800, cost_eur_per_kwh=0.24),
        value_of_lost_load_eur_per_kwh=10.0,
    )  # fmt: skip
    series = Series(
        start="2016-01-01T00:00Z", step_h=1.0, load_kw=load, solar_kw=3 * sun, wind_kw=900 * wind,
        price_eur_per_kwh=np.full(len(load), 0.1),
    )  # fmt: skip
    return site, series


def island(console: Console) -> None:
    """The sizing of Ouessant."""
    from pilots.microgrid.design import evaluate

    folder = Path(os.environ.get("TWINBOX_SOURCES", "../shared/data"))
    if not (folder / "ouessant-microgrid").is_dir():
        console.print("Ouessant: the island's series are not here (TWINBOX_SOURCES)")
        return
    site, series = ouessant(folder)
    cost, _ = evaluate(site, series, {})
    limits = Limits(
        generator_kw=(0, 2048.4),
        battery_kwh=(0, 17_070),
        solar_kw=(1, 17_070),
        wind_kw=(0, 8535),
        unserved_share=0.01,
    )
    begin = time.process_time()
    design = size(site, series, "lcoe", limits)
    seconds = time.process_time() - begin
    table = Table("figure", "published", "here", title="Ouessant")
    table.add_row("LCOE of the design", "0.22924812869928668", repr(cost.lcoe_eur_per_kwh))
    table.add_row("NPC of the design", "21,890,027.729086526", f"{cost.npc_eur:,.9f}")
    table.add_row("LCOE of the best size", "0.191268 (DIRECT), 0.190630 (SUBPLX)", f"{design.value:.6f}")
    table.add_row("its CPU s, years", "10.9 s, 1,009", f"{seconds:.2f} s, {design.evaluations:,}")
    console.print(table)


def best_rate(work: Callable[[], object], amount: float, times: int = 40) -> float:
    """Amount of work a second, in the best of several runs: others use the machine too."""
    work()
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return amount / min(seconds)


def sweep(console: Console, picture: Path | None = None) -> None:
    """Site-years a second against their number, beside what the memory gives when it only copies.

    A site-year reads five columns of the year. Sites side by side share what is read, so the sweep may take
    in more a second than the memory bus delivers; if each site had columns of its own, the bus would be the
    bound.
    """
    from pilots.microgrid.design import simulated

    site, series = year(quarters=False)
    rng = np.random.default_rng(1)
    designs = np.zeros((max(SWEEP), 6))
    designs[:, 1], designs[:, 2] = rng.uniform(0, 3000, len(designs)), rng.uniform(0, 2000, len(designs))
    designs[:, 4:] = 2000.0
    gigabytes = 5 * 8 * len(series) / 1e9
    block, copy = np.ones(16_000_000), np.zeros(16_000_000)
    copied = best_rate(partial(np.copyto, copy, block), 2 * block.nbytes / 1e9)
    rates = np.array([
        [
            best_rate(partial(simulated, site, series, designs[:count], parallel=parallel), count)
            for parallel in (False, True)
        ]
        for count in SWEEP
    ])  # fmt: skip
    threads = numba.get_num_threads()
    table = Table(
        "site-years", "one thread /s", f"{threads} threads /s", "GB/s of series", "times a copy",
        title="Sweep by rule, 8,760 hours",
    )  # fmt: skip
    for count, pair in zip(SWEEP, rates, strict=True):
        read = float(pair.max()) * gigabytes
        table.add_row(
            f"{count:,}", f"{pair[0]:,.0f}", f"{pair[1]:,.0f}", f"{read:.1f}", f"{read / copied:.2f}"
        )
    table.add_row("copy of 128 MB", "", "", f"{copied:.1f}", "1.00")
    console.print(table)
    if picture is not None:
        draw_sweep(picture, rates, copied / gigabytes, gigabytes, threads)


def draw_sweep(path: Path, rates: np.ndarray, bus: float, gigabytes: float, threads: int) -> None:
    """The curve of the sweep beside the rate at which the bus could bring each site columns of its own."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    for column, (label, colour) in enumerate((("one thread", "#0072B2"), (f"{threads} threads", "#D55E00"))):
        axes.loglog(SWEEP, rates[:, column], marker="o", ms=4, color=colour, label=label)
    axes.axhline(bus, color="#666666", ls="--", lw=1)
    axes.annotate(f"memory bus: a plain copy, {bus * gigabytes:.0f} GB/s", (1, bus), (2, 4),
                  textcoords="offset points", size=8, color="#666666")  # fmt: skip
    axes.set_xlabel("site-years in the sweep (8,760 hours each)")
    axes.set_ylabel("site-years a second")
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    right = axes.secondary_yaxis("right", functions=(lambda r: r * gigabytes, lambda g: g / gigabytes))
    right.set_ylabel("GB/s of series taken in")
    for axis in (axes.yaxis, right.yaxis):
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=110)


def optima_each(console: Console, count: int = 100) -> None:
    """Perfect-foresight optima of many batteries."""
    site, series = year(quarters=False)
    begin = time.process_time()
    for capacity in np.linspace(100, 3000, count):
        battery = Battery(capacity_kwh=float(capacity), charge_kw=500, discharge_kw=500)
        optimum(site.model_copy(update={"battery": battery}), series)
    console.print(
        f"{count} perfect-foresight optima: {(time.process_time() - begin) / count * 1000:.1f} ms each"
    )


def main() -> None:
    """Print all tables."""
    console = Console(width=120)
    if sys.argv[1:2] == ["sweep"]:
        sweep(console, Path(sys.argv[2]))
        return
    if sys.argv[1:] == ["optima"]:
        optima(console)
        return
    if len(sys.argv) > 2:
        run_alone(sys.argv[1], quarters=sys.argv[2] == "quarters")
        return
    optima(console)
    control(console)
    island(console)
    sweep(console)
    optima_each(console)


if __name__ == "__main__":
    main()
