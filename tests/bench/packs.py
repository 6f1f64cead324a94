"""How long the five cities' real packs take to build, how much memory, and how fast they open.

Each build runs in a process of its own, so that its peak memory is its own; all five in one process come
last. Run it as ``python tests/bench/packs.py``; ``TWINBOX_SOURCES`` names the folder of the cities' open
data.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CITIES = ("tallinn", "rae", "tartu", "paldiski", "helsinki")
ASKED_S, ASKED_MB, ASKED_OPEN_MS = 60, 2000, 100
REPEATS = 7


def sources() -> Path:
    """The folder of the cities' open data."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("TWINBOX_SOURCES", beside))


def build(cities: Sequence[str], folder: Path) -> None:
    """Build packs and print what it took; in a process of its own."""
    from geodata.build import build_pack
    from geodata.recipe import load_recipe

    began, rows = time.perf_counter(), 0
    for city in cities:
        rows += build_pack(load_recipe(city), sources(), folder / city).cleaning.rows_read
    used = resource.getrusage(resource.RUSAGE_SELF)
    megabytes = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    cpu = used.ru_utime + used.ru_stime
    print(f"{rows:>9,} rows {time.perf_counter() - began:7.1f} s wall {cpu:7.1f} s CPU {megabytes:7.0f} MB")


def opening(folder: Path) -> tuple[float, str]:
    """CPU milliseconds to open a pack and read its slowest kind as a map or table, and that kind."""
    from geodata.pack import open_pack

    slowest = (0.0, "")
    for entry in open_pack(folder).datasets:
        times = []
        for _ in range(REPEATS):
            began = time.process_time()
            pack = open_pack(folder)
            if entry.form == "cube":
                pack.cube(entry.id)
            elif entry.crs is not None:
                pack.features(entry.id)
            else:
                pack.table(entry.id)
            times.append(1000 * (time.process_time() - began))
        slowest = max(slowest, (min(times), entry.id))
    return slowest


def main() -> None:
    """Print build time, memory and opening time beside what is asked."""
    if not sources().is_dir():
        print(f"the cities' open data are not at {sources()}; TWINBOX_SOURCES names another folder")
        return
    with tempfile.TemporaryDirectory() as temporary:
        print(f"build                   asked: {ASKED_S} s each, {ASKED_MB} MB")
        for cities in (*((city,) for city in CITIES), CITIES):
            title = cities[0] if len(cities) == 1 else "all five in one process"
            command = [sys.executable, __file__, temporary, *cities]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"{title:24}{done.stdout.rstrip()}")
        print(f"open and read one kind, CPU, best of {REPEATS}; asked: {ASKED_OPEN_MS} ms for the slowest")
        for city in CITIES:
            milliseconds, name = opening(Path(temporary) / city)
            print(f"{city:24}{milliseconds:9.1f} ms for {name}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        build(sys.argv[2:], Path(sys.argv[1]))
    else:
        main()
