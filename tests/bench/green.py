"""Trees and radiation: speed as ratios in one run against the PyPI peer, and how cost grows.

The peer is ``solweig`` (GPL; compiled, on the CPU, one thread): install it beside Twinbox to compare
(``pip install --group peers``). The place is a made-up town of blocks and trees, the day a clear one in July.
With ``--city`` ten million cells are run in tiles too (minutes).
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilots.green.growth.species import SPECIES
from pilots.green.growth.stock import grown, stock
from pilots.green.radiation import daily_maps, site
from pilots.green.radiation.site import Site
from pilots.green.radiation.sweep import Canopy, cast

SIDE = 300
DAYLIGHT_HOURS_OF_A_YEAR = 4_400
LATITUDE, LONGITUDE = 59.4, 24.7
STATIONS = ((50.0, 180.0), (30.0, 110.0), (10.0, 240.0))
"""Altitudes and azimuths of the sun at which shadows are cast."""


def town(side: int) -> dict[str, np.ndarray]:
    """Heights of a town at one metre: blocks of 30 m every 60 m, trees of 10 m on a tenth of the land."""
    rng = np.random.default_rng(1)
    row, column = np.indices((side, side))
    block = (row % 60 < 30) & (column % 60 < 30)
    storeys = rng.integers(3, 8, (side // 60 + 1, side // 60 + 1))[row // 60, column // 60]
    surface = np.where(block, 3.2 * storeys, 0.0).astype(np.float32)
    crown = np.zeros((side, side), np.float32)
    for y, x in rng.uniform(5, side - 5, (side * side // 500, 2)):
        near = np.s_[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5]
        crown[near] = np.where(np.hypot(row[near] - y, column[near] - x) < 4.0, 10.0, crown[near])
    return {"surface": surface, "crown": np.where(block, 0.0, crown).astype(np.float32)}


def as_site(rasters: dict[str, np.ndarray]) -> Site:
    """The town as ours."""
    return site(
        surface_m=rasters["surface"], ground_m=np.zeros_like(rasters["surface"]), crown_m=rasters["crown"],
        cell_size_m=1.0, latitude=LATITUDE, longitude=LONGITUDE,
    )  # fmt: skip


def clear_days(count: int) -> pd.DataFrame:
    """Hours of clear days in July, UTC."""
    time_utc = pd.date_range("2026-07-10", periods=24 * count, freq="h", tz="UTC")
    sun = np.maximum(np.sin((time_utc.hour.to_numpy() + 1.6 - 6.0) / 12.0 * np.pi), 0.0)
    return pd.DataFrame(
        {
            "air_temperature_c": 20.0 + 6.0 * sun,
            "relative_humidity_pct": 70.0 - 30.0 * sun,
            "wind_speed_m_s": 2.0,
            "global_w_m2": 780.0 * sun**1.2,
            "diffuse_w_m2": 110.0 * sun**0.5,
            "direct_normal_w_m2": 820.0 * (sun > 0) * sun**0.3,
        },
        index=time_utc,
    )


def cpu_s(act: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    act()
    return time.process_time() - began


def our_steps(place: Site) -> tuple[float, float, int]:
    """Seconds of preparation and of one day's steps, and the steps with light of that day."""
    list(daily_maps(as_site(town(60)), clear_days(1)))  # compile
    one, three = (cpu_s(lambda n=n: [None for _ in daily_maps(place, clear_days(n))]) for n in (1, 3))
    day = (three - one) / 2.0
    return one - day, day, int((clear_days(1)["global_w_m2"] > 0).sum())


def our_shadows(place: Site) -> float:
    """Seconds of one shadow with canopy, mean over three places of the sun."""
    relief = place.relief()
    canopy = Canopy.of(relief, 3.5, 3.5)
    cast(relief, canopy, 180.0, 45.0).on_map(1.1)
    times = [
        cpu_s(lambda a=a, z=z: [cast(relief, canopy, z, a).on_map(1.1) for _ in range(3)])
        for a, z in STATIONS
    ]
    return float(np.mean(times)) / 3.0


def peer_times(rasters: dict[str, np.ndarray]) -> tuple[float, float, float, float]:
    """The peer's seconds: preparation, one step (uniform sky, structured sky), one shadow with canopy."""
    import solweig

    solweig.disable_gpu()
    logging.disable(logging.CRITICAL)
    surface, crown = rasters["surface"], rasters["crown"]
    # First, because after a run of the whole model its threads' CPU time is no longer counted here.
    shadow = peer_shadow(surface, crown)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        data = solweig.SurfaceData.prepare(
            surface, folder, cdsm=crown, dem=np.zeros_like(surface), pixel_size=1.0
        )
        prepare = time.process_time() - began
        place = solweig.Location(latitude=LATITUDE, longitude=LONGITUDE, utc_offset=0)
        hours = clear_days(1)[lambda table: table["global_w_m2"] > 0]
        weather = [
            solweig.Weather(
                datetime=dt.datetime(2026, 7, 10, when.hour), ta=row.air_temperature_c,  # noqa: DTZ001 - its way
                rh=row.relative_humidity_pct, global_rad=row.global_w_m2,
                measured_direct_rad=row.direct_normal_w_m2, measured_diffuse_rad=row.diffuse_w_m2,
            )
            for when, row in zip(hours.index, hours.itertuples(), strict=True)
        ]  # fmt: skip
        steps = []
        for structured in (False, True):
            run = {"output_dir": folder, "use_anisotropic_sky": structured}
            solweig.calculate(data, weather[:2], place, **run)
            seconds = cpu_s(lambda run=run: solweig.calculate(data, weather, place, **run))
            steps.append(seconds / len(weather))
    return prepare, steps[0], steps[1], shadow


def peer_shadow(surface: np.ndarray, crown: np.ndarray) -> float:
    """Seconds of one of the peer's shadows with canopy."""
    from solweig import rustalgos

    trunk, bush = 0.25 * crown, np.zeros_like(crown)
    trees, trunks = surface + crown, surface + trunk
    kernel = rustalgos.shadowing.calculate_shadows_wall_ht_25
    times = [
        cpu_s(
            lambda a=a, z=z: [
                kernel(z, a, 1.0, float(trees.max()), surface, trees, trunks, bush) for _ in range(3)
            ]
        )
        for a, z in STATIONS
    ]
    return float(np.mean(times)) / 3.0


def growth_s(count: int, years: int = 60) -> float:
    """CPU seconds to grow trees year by year, with trunk, height, crown, leaves and carbon of each year."""
    rng = np.random.default_rng(2)
    trees = stock(rng.integers(0, len(SPECIES), count), dbh_cm=rng.uniform(3.0, 50.0, count))
    pace = rng.uniform(0.5, 0.8, count)

    def live() -> None:
        now = trees
        for _ in range(years):
            now = grown(now, 1.0, pace)
            _ = now.dbh_cm, now.height_m, now.crown_diameter_m, now.leaf_area_m2, now.carbon_kg

    live()
    return min(cpu_s(live) for _ in range(3))


def city(cells: int, tile: int = 500) -> tuple[float, float]:
    """One day of a city in tiles: CPU seconds, and how much the peak memory grew after the first tile, MB."""
    place = as_site(town(tile))
    list(daily_maps(place, clear_days(1)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    for _ in range(round(cells / tile**2)):
        for _maps in daily_maps(place, clear_days(1)):
            pass
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return time.process_time() - began, (after - before) / 1024.0


def main(arguments: list[str]) -> None:
    """Measure and print."""
    table = Table("what", "ours", "peer", "ratio", "asked")
    rasters = town(SIDE)
    place, cells = as_site(rasters), SIDE * SIDE
    prepare, day, steps = our_steps(place)
    step, shadow = day / steps, our_shadows(place)
    micro = 1e6 / cells
    try:
        peer_prepare, uniform, structured, peer_cast = peer_times(rasters)
    except ImportError:
        table.add_row("the peer solweig is not installed", "", "", "", "")
        peer_prepare = uniform = structured = peer_cast = float("nan")
    for name, ours, peer, asked in (
        ("radiation step with structured sky, us/cell", step, structured, "10 x"),
        ("  against its simpler uniform sky, us/cell", step, uniform, ""),
        ("preparation of a place, us/cell", prepare, peer_prepare, ""),
        ("shadow with canopy, us/cell", shadow, peer_cast, "4 x"),
    ):
        row = (f"{ours * micro:.3f}", f"{peer * micro:.3f}", f"{peer / ours:.1f} x", asked)
        table.add_row(name, *row)
    year = step / cells * DAYLIGHT_HOURS_OF_A_YEAR * 500**2 / 60.0
    table.add_row("a year of daylight, 500 x 500 m at 1 m, min", f"{year:.1f}", "", "", "minutes")
    table.add_row("50,000 trees x 60 years, s", f"{growth_s(50_000):.3f}", "", "", "< 0.5")
    few, many = growth_s(25_000, 20), growth_s(200_000, 20)
    table.add_row("growth, 8 times the trees", f"{many / few:.1f} x", "", "", "8 x")
    small, large = (our_steps(as_site(town(side)))[1] / side**2 for side in (240, 720))
    table.add_row(
        "radiation in one piece, cost of a cell at 9 times the cells", f"{large / small:.2f} x", "", "", "1 x"
    )
    if "--city" in arguments:
        seconds, memory = city(10_000_000)
        table.add_row("a day of 10 million cells in tiles, CPU s", f"{seconds:.0f}", "", "", "")
        table.add_row("  growth of peak memory after the first tile, MB", f"{memory:.0f}", "", "", "bounded")
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
